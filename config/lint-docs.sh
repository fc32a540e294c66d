#!/bin/sh
# The documents checked: links and headings that they lead to, decisions in the index, tests that docs/THREATS.md names, names
# that docs/ARCHITECTURE.md cites, settings and error codes; `--fix` prints again what comes from a table of the code.
# A part of `make lint` and, with --fix, of `make format`.
#   config/lint-docs.sh [--fix]
set -eu
PYTHONDONTWRITEBYTECODE=1 exec python3 "$(dirname "$0")/lint_docs.py" "$@"
