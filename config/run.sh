#!/bin/sh
# Starts a built hubgate on this machine: `make run`.
#   config/run.sh BINARY [FLAG...]
# Where no Hub token is set anywhere and clients do not bring their own, it starts the sandbox, which calls no Hub.
# What is set, only the program knows: it reads the flags, the environment, .env and the settings file.
set -eu
cd "$(dirname "$0")/.."

binary=$1
shift

# In the shell of a client of the gateway this leads back to it: here it is a mistake, and not the Hub's address.
case ${HF_ENDPOINT:-} in
    http://localhost* | https://localhost* | http://127.* | https://127.* | http://\[::1\]* | https://\[::1\]*)
        if [ -z "${HUBGATE_UPSTREAM:-}" ]; then
            echo "HF_ENDPOINT leads to this machine and is meant for clients: it is not used here. HUBGATE_UPSTREAM gives the Hub's address." >&2
            unset HF_ENDPOINT
        fi
        ;;
esac

# `name = value (where from)`, one setting a line; nothing where settings are wrong, which the start then says.
settings=$("$binary" --print-config "$@" 2>/dev/null) || settings=
says() { printf '%s\n' "$settings" | grep -q "^$1  *= $2 ("; }

if says token 'not set' && says token_file 'not set' && says access open && says sandbox off; then
    echo "No Hub token (HF_ACCESS_TOKEN) is set: starting the sandbox, which calls no Hub." >&2
    set -- --sandbox "$@"
fi
# Where gateway keys are kept: that this directory is there says that this is a checkout.
[ -d .state ] || mkdir -m 700 .state
if says access open; then
    echo "Everybody on this machine may use it. To give each client a key: \"$binary\" init, then make run ARGS='--access keys' (docs/keys.md)." >&2
fi
exec "$binary" "$@"
