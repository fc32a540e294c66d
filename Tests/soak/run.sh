#!/usr/bin/env bash
# Loads a gateway of its own for SOAK_SECONDS (120) with good and bad clients, before a Hub that misbehaves: `make soak`.
# The binary is .build/debug/hubgate, or HUBGATE_BINARY. SOAK_CLIENTS=40 at once; SOAK_SEED repeats a run's choices.
set -euo pipefail
cd "$(dirname "$0")/../.."

binary=${HUBGATE_BINARY:-.build/debug/hubgate}
if [[ ! -x $binary ]]; then
    echo "There is no $binary: build it first (make build), or name one in HUBGATE_BINARY." >&2
    exit 1
fi
HUBGATE_BINARY=$(realpath "$binary") PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=Tests/support \
    exec python3 -W error::SyntaxWarning Tests/soak/soak.py
