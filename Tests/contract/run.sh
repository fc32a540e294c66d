#!/usr/bin/env bash
# Tests the built binary from outside, as its users meet it; a part of `make test`.
#   Tests/contract/run.sh [PYTEST ARGUMENT...]     such as -x, -k 'corpus and not byte', or a file of this folder
# All tests run in four processes, as most of them wait for another process or a clock. Chosen ones (a file, -k, -m, -n) run in one, in their
# order.
# The binary is .build/debug/hubgate, or HUBGATE_BINARY. pytest and the clients come from PyPI, once (environments.sh): before the tests, which
# would make them twice at the same moment.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=Tests/contract

binary=${HUBGATE_BINARY:-.build/debug/hubgate}
if [[ ! -x $binary ]]; then
    echo "There is no $binary: build it first (make build), or name one in HUBGATE_BINARY." >&2
    exit 1
fi
HUBGATE_BINARY=$(realpath "$binary")
export HUBGATE_BINARY PYTHONDONTWRITEBYTECODE=1

"$here/environments.sh"

# Arguments may name files of this folder.
cache=$PWD/.build/pytest compiled=$PWD/.build/pycache
cd "$here"
pytest=(../../.venv/bin/python -m pytest --override-ini="cache_dir=$cache")
case " $*" in
    *.py* | *" -k"* | *" -m"* | *" -n"* | *" --collect-only"* | *" --lf"* | *" --ff"*) processes=() ;;
    *)
        processes=(-n 4 --dist worksteal)
        # Once, where conftest.py keeps what pytest makes of the tests, and not by each process. What is wrong with a test is said by the run.
        [[ -d $compiled ]] || "${pytest[@]}" --collect-only >/dev/null 2>&1 || true
        ;;
esac
exec "${pytest[@]}" "${processes[@]}" "$@"
