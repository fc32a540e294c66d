#!/usr/bin/env bash
# Writes the versions and hashes of all packages from PyPI that the checks use: X.in says what is wanted, X.txt what is installed.
#   config/lock-python.sh [--upgrade]      with --upgrade to the newest that X.in allows
# For the Python that runs it, 3.11 or later; files for other versions and machines are listed too, so they install there as well.
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ ! -x .venv-lock/bin/pip-compile ]]; then
    python3 -m venv .venv-lock
    .venv-lock/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
        --requirement config/requirements/lock.txt
fi
for wanted in Tests/contract/requirements/*.in config/requirements/*.in bench/requirements.in; do
    echo "$wanted" >&2
    (cd "$(dirname "$wanted")" && CUSTOM_COMPILE_COMMAND=config/lock-python.sh "$OLDPWD/.venv-lock/bin/pip-compile" --quiet \
        --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url --no-emit-find-links "$@" \
        --output-file "$(basename "$wanted" .in).txt" "$(basename "$wanted")")
done
