#!/usr/bin/env bash
# Tests the built binary from outside, as its users meet it; a part of `make test`.
#   Tests/contract/run.sh [PYTEST ARGUMENT...]     such as -k 'corpus and not byte', or a file of this folder
# The binary is .build/debug/hubgate, or HUBGATE_BINARY. pytest comes from PyPI into .venv, once.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=Tests/contract

binary=${HUBGATE_BINARY:-.build/debug/hubgate}
if [[ ! -x $binary ]]; then
    echo "There is no $binary: build it first (make build), or name one in HUBGATE_BINARY." >&2
    exit 1
fi

# A change of the requirements is installed into the environment that is there.
installed=.venv/contract-requirements.txt
if ! cmp -s "$here/requirements.txt" "$installed" || ! .venv/bin/python -c 'import pytest' 2>/dev/null; then
    [[ -x .venv/bin/python ]] || python3 -m venv .venv || {
        echo "python3 could not make a virtual environment; make install brings what it needs (python3-venv)." >&2
        exit 1
    }
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
    cp "$here/requirements.txt" "$installed"
fi

# Arguments may name files of this folder.
binary=$(realpath "$binary")
cache=$PWD/.build/pytest
cd "$here"
HUBGATE_BINARY=$binary PYTHONDONTWRITEBYTECODE=1 exec ../../.venv/bin/python -m pytest --override-ini="cache_dir=$cache" "$@"
