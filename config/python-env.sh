#!/usr/bin/env bash
# A Python environment with what a requirements file names: made once, filled again when the file has changed. Each package is the version
# whose hash the file has, those that others need too; config/lock-python.sh writes these files from the .in beside them.
#   config/python-env.sh DIRECTORY REQUIREMENTS
set -euo pipefail

directory=$1
wanted=$2
installed=$directory/installed-requirements.txt
if cmp -s "$wanted" "$installed" && "$directory/bin/python" -c '' 2>/dev/null; then
    exit 0
fi
[[ -x $directory/bin/python ]] || python3 -m venv "$directory" || {
    echo "python3 could not make a virtual environment; make install brings what it needs (python3-venv)." >&2
    exit 1
}
"$directory/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --requirement "$wanted" || {
    echo "pip could not fill $directory from PyPI with what $wanted names." >&2
    exit 1
}
cp "$wanted" "$installed"
