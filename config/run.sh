#!/bin/sh
# Starts a built hubgate on this machine: `make run`.
#   config/run.sh BINARY [FLAG...]
# Without a Hub token in the environment or .env it starts the sandbox, which calls no Hub.
set -eu
cd "$(dirname "$0")/.."
. config/env.sh

binary=$1
shift
load_env .env

export HUBGATE_LISTEN="${HUBGATE_LISTEN:-127.0.0.1:8080}"
export HUBGATE_TLS_CERT="${HUBGATE_TLS_CERT:-certs/cert.pem}"
export HUBGATE_TLS_KEY="${HUBGATE_TLS_KEY:-certs/key.pem}"
port=${HUBGATE_LISTEN##*:}

if ! has_token; then
    echo "No HF_ACCESS_TOKEN or HF_TOKEN in the environment or .env: starting the sandbox, which calls no Hub."
    set -- --sandbox "$@"
fi
echo "Try it in another terminal:"
echo
echo "    curl --cacert certs/ca.pem https://localhost:$port/"
echo
exec "$binary" "$@"
