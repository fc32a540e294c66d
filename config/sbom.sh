#!/usr/bin/env bash
# Writes the bill of materials (CycloneDX) of a built hubgate and validates it against the schema: `make sbom`.
#   config/sbom.sh BINARY FILE
# The validator comes from PyPI, by hash, into .venv-sbom. An invalid document is not left behind.
set -euo pipefail
cd "$(dirname "$0")/.."

binary=$(realpath "$1")
file=$2
config/python-env.sh .venv-sbom config/requirements/sbom.txt
mkdir -p "$(dirname "$file")"
trap 'rm -f "$file.new"' EXIT
python3 config/sbom.py "$binary" Package.resolved >"$file.new"
.venv-sbom/bin/python config/check_sbom.py "$file.new"
mv "$file.new" "$file"
