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
port=${HUBGATE_LISTEN:-8080} # hubgate's own default, as are certs/cert.pem and certs/key.pem
port=${port##*:}

if ! has_token; then
    echo "No Hub token (HF_ACCESS_TOKEN) in the environment or .env: starting the sandbox, which calls no Hub."
    set -- --sandbox "$@"
fi
echo "Try it in another terminal:"
echo
echo "    curl --cacert certs/ca.pem https://localhost:$port/"
echo
exec "$binary" "$@"
