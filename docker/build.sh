#!/bin/sh
# Builds the image with the Docker engine that answers, else with buildah: `make image`.
#   docker/build.sh IMAGE VERSION
set -eu
cd "$(dirname "$0")/.."

image=$1
version=$2

if command -v docker >/dev/null && docker info >/dev/null 2>&1; then
    exec docker build -f docker/Dockerfile -t "$image" --build-arg VERSION="$version" \
        --build-arg REVISION="$(git rev-parse HEAD 2>/dev/null || echo unknown)" .
fi
echo "No Docker engine answers: building with buildah." >&2
exec docker/build-without-docker.sh "$image" "$version"
