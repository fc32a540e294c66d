#!/usr/bin/env bash
# Takes pictures of the home page and the console with headless Chromium, as a phone and a desktop show it: `make screenshots`.
#   Tests/screenshots/run.sh [DIRECTORY]      .build/screenshots without one
# The binary is .build/debug/hubgate, or HUBGATE_BINARY; it runs in its sandbox, on a port and with certificates of its
# own. Exit code 1 when the page, or a box with commands in it, is wider than what shows it, or the browser refuses a
# part of the page.
set -euo pipefail
cd "$(dirname "$0")/../.."

binary=${HUBGATE_BINARY:-.build/debug/hubgate}
[[ -x $binary ]] || { echo "There is no $binary: build it first (make build), or name one in HUBGATE_BINARY." >&2; exit 1; }
command -v chromium >/dev/null || config/install-deps.sh chromium fonts-dejavu-core
HUBGATE_BINARY=$(realpath "$binary") PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=Tests/support:Tests/contract:Tests/screenshots \
    exec python3 Tests/screenshots/screenshots.py "${1:-.build/screenshots}"
