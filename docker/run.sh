#!/bin/sh
# Runs the image with certificates mounted read-only: `make rundocker`, `make mntcerts`.
#   docker/run.sh [--image IMAGE] [--certs DIRECTORY] [--print] [--sandbox]
#     --print     shows the command first, and is content where no Docker engine answers
#     --sandbox   calls no Hub; chosen also where there is no token in the environment or .env
# PUBLISH (127.0.0.1:8080) is where this machine listens; HUBGATE_ACCESS is handed on.
set -eu
cd "$(dirname "$0")/.."
. config/env.sh

image=hubgate
certs=certs
print=no
sandbox=no
while [ $# -gt 0 ]; do
    case $1 in
        --image) image=$2 && shift ;;
        --certs) certs=$2 && shift ;;
        --print) print=yes ;;
        --sandbox) sandbox=yes ;;
        *) echo "run.sh: unknown option $1" >&2 && exit 2 ;;
    esac
    shift
done
for file in cert.pem key.pem; do
    if [ ! -r "$certs/$file" ]; then
        echo "run.sh: cannot read $certs/$file. 'make certs' makes one; CERTS=DIRECTORY names another place." >&2
        exit 1
    fi
done
certs=$(cd "$certs" && pwd)
publish=${PUBLISH:-127.0.0.1:8080}
load_env .env
has_token || sandbox=yes

# The key is readable by its owner only, so the gate runs as its owner; as the image's own user if that is root.
owner=$(stat -L -c %u:%g "$certs/key.pem")
if [ "${owner%%:*}" = 0 ]; then
    owner=10001:10001
    if [ "$(id -u)" = 0 ]; then
        mkdir -p .build-image
        staged=$PWD/.build-image/certs
        rm -rf "$staged"
        install -d -m 500 -o 10001 -g 10001 "$staged"
        install -m 400 -o 10001 -g 10001 "$certs/cert.pem" "$certs/key.pem" "$staged/"
        certs=$staged
    fi
fi

set -- docker run --rm --init --name hubgate --user "$owner" --read-only --cap-drop ALL \
    --security-opt no-new-privileges:true --mount "type=bind,source=$certs,target=/certs,readonly" -p "$publish:8080"
if [ "$sandbox" = yes ]; then
    set -- "$@" "$image" --sandbox
else
    # By name, so that no token stands in the process list. As a service give it as a file: docker/compose.yaml.
    for name in HF_ACCESS_TOKEN HF_TOKEN HUBGATE_ACCESS; do
        if eval "[ -n \"\${$name:-}\" ]"; then set -- "$@" -e "$name"; fi
    done
    set -- "$@" "$image"
fi

if [ "$print" = yes ]; then echo "$*"; fi
if ! command -v docker >/dev/null || ! docker info >/dev/null 2>&1; then
    echo "No Docker engine answers, so nothing was run. Without one: docker/try-image.sh tries an image that 'make image' made." >&2
    if [ "$print" = yes ]; then exit 0; else exit 1; fi
fi
if [ "$print" = no ]; then echo "Try it: curl --cacert certs/ca.pem https://localhost:${publish##*:}/"; fi
exec "$@"
