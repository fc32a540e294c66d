#!/usr/bin/env bash
# Tests the built binary from outside, as its users meet it; a part of `make test`.
#   Tests/contract/run.sh [PYTEST ARGUMENT...]     such as -x, -k 'corpus and not byte', or a file of this folder
# All tests run in three processes, as most of them wait for a clock. Chosen ones (a file, -k, -m, -n) run in one, in their order.
# The binary is .build/debug/hubgate, or HUBGATE_BINARY. pytest and the clients come from PyPI, once: the newest
# huggingface_hub 2.x with the tests into .venv, an environment for each other one of clients.py, and one for the bill of materials. They
# are made before the tests, which would make them twice at the same moment.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=Tests/contract

binary=${HUBGATE_BINARY:-.build/debug/hubgate}
if [[ ! -x $binary ]]; then
    echo "There is no $binary: build it first (make build), or name one in HUBGATE_BINARY." >&2
    exit 1
fi

environment() { config/python-env.sh "$1" "$here/requirements/$2"; }
environment .venv tests.txt &
makers=($!)
environment .venv-1 client-1.txt &
makers+=($!)
environment .venv-0.36 client-0.36.txt &
makers+=($!)
environment .venv-libraries libraries.txt &
makers+=($!)
environment .venv-openai openai.txt &
makers+=($!)
environment .venv-console console.txt &
makers+=($!)
config/python-env.sh .venv-sbom config/requirements/sbom.txt &
makers+=($!)
for maker in "${makers[@]}"; do
    wait "$maker"
done

# Arguments may name files of this folder.
HUBGATE_BINARY=$(realpath "$binary")
export HUBGATE_BINARY PYTHONDONTWRITEBYTECODE=1
cache=$PWD/.build/pytest
cd "$here"
case " $*" in
    *.py* | *" -k"* | *" -m"* | *" -n"* | *" --collect-only"* | *" --lf"* | *" --ff"*) processes=() ;;
    *) processes=(-n 3 --dist worksteal) ;;
esac
exec ../../.venv/bin/python -m pytest --override-ini="cache_dir=$cache" "${processes[@]}" "$@"
