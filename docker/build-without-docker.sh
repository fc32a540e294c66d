#!/usr/bin/env bash
# Builds docker/Dockerfile for real where there is neither a Docker engine nor an image registry: on Debian, as root, with
# Debian's buildah (isolation by chroot) and the Swift toolchain of this machine.
#
#   docker/build-without-docker.sh [IMAGE [VERSION]]         then: docker/try-image.sh [IMAGE]
#
# Two stand-ins take the place of the images that the Dockerfile names:
#   debian:bookworm-slim   made by debootstrap from the mirror that apt uses here, slimmed the way the official one is
#   swift:6.3-bookworm     that, the Debian packages that Swift wants, and this machine's toolchain mounted at build time
# Where git is set to read Swift packages from folders here (url.*.insteadOf), those folders are mounted too.
# Neither the toolchain nor these folders reach the image. PROJECT=FOLDER builds another package with this Dockerfile.
set -euo pipefail
cd "$(dirname "$0")/.."

image=localhost/${1:-hubgate}
version=${2:-$(git describe --tags --always --dirty 2>/dev/null || echo dev)}
project=${PROJECT:-$PWD}
suite=bookworm

. docker/storage.sh
config/install-deps.sh buildah debootstrap
swift_home=$(dirname "$(dirname "$(readlink -f "$(command -v swift)")")")
[[ ${swift_home##*/} != usr ]] || swift_home=$(dirname "$swift_home")

work=$(mktemp -d "$image_dir/work.XXXXXX")
trap 'rm -rf "$work"' EXIT

# The mirrors in apt's own settings, so that this works behind whatever serves this machine.
mirror_of() {
    # shellcheck disable=SC2016 # apt's own variables
    apt-get indextargets --format '$(SITE) $(RELEASE)' 'Created-By: Packages' | sort -u |
        awk -v release="$1" '$2 == release { print $1; exit }'
}
main_mirror=$(mirror_of "$suite")
main_mirror=${main_mirror:-http://deb.debian.org/debian}
security_mirror=$(mirror_of "$suite-security")
security_mirror=${security_mirror:-http://deb.debian.org/debian-security}

make_base() {
    local root=$work/root container
    debootstrap --variant=minbase "$suite" "$root" "$main_mirror" >"$work/debootstrap.log" || {
        tail -n 20 "$work/debootstrap.log" >&2
        return 1
    }
    cat >"$root/etc/apt/sources.list" <<LIST
deb $main_mirror $suite main
deb $main_mirror $suite-updates main
deb $security_mirror $suite-security main
LIST
    cat >"$root/etc/dpkg/dpkg.cfg.d/docker-slim" <<'CFG'
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/man/*
CFG
    find "$root/usr/share/doc" ! -type d ! -name copyright -delete
    find "$root/usr/share/doc" -depth -type d -empty -delete
    rm -rf "$root"/usr/share/{info,locale,man}/* "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/* \
        "$root"/var/cache/debconf/*-old "$root"/var/log/{apt,bootstrap.log,dpkg.log,alternatives.log} "$root"/debootstrap
    container=$(buildah from scratch)
    # -9 and its kind take longer than they save: this archive is read once.
    tar -C "$root" -cf "$work/base.tar" .
    buildah add -q "$container" "$work/base.tar" / >/dev/null
    # The mirrors have changed since the suite was made; what bookworm-slim gets weekly this gets now.
    buildah run --isolation chroot "$container" -- sh -c \
        'apt-get update -q && apt-get upgrade -y -q && rm -rf /var/lib/apt/lists/* /var/cache/apt/*' >"$work/upgrade.log" 2>&1 || {
        tail -n 20 "$work/upgrade.log" >&2
        return 1
    }
    buildah config --cmd bash "$container"
    buildah commit -q --rm --format docker "$container" localhost/debian:$suite-slim >/dev/null
}

make_swift() {
    cat >"$work/Dockerfile" <<'DOCKERFILE'
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
RUN apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
        binutils ca-certificates git gnupg2 libc6-dev libcurl4-openssl-dev libedit2 libgcc-12-dev libncurses6 libpython3-dev \
        libsqlite3-0 libstdc++-12-dev libxml2-dev libz3-dev pkg-config tzdata zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
ENV PATH=/toolchain/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
DOCKERFILE
    buildah bud -q --isolation chroot --network host --format docker -f "$work/Dockerfile" \
        --build-arg BASE_IMAGE=localhost/debian:$suite-slim -t localhost/swift-stand-in "$work" >/dev/null
}

# What git is told to read from here instead of from elsewhere, for the git of the build stage.
mounts=(-v "$swift_home:/toolchain:ro" -v "$work/gitconfig:/etc/gitconfig:ro")
printf '[safe]\n\tdirectory = *\n' >"$work/gitconfig"
while read -r key instead; do
    target=${key#url.}
    target=${target%.insteadof}
    git config --file "$work/gitconfig" --add "url.$target.insteadOf" "$instead"
    folder=${target#file://}
    if [[ $folder == /* && -d $folder && " ${mounts[*]} " != *" $folder:"* ]]; then
        mounts+=(-v "${folder%/}:${folder%/}:ro")
    fi
done < <(git config --get-regexp '^url\..*\.insteadof$' || true)

step() { printf '%(%H:%M:%S)T %s\n' -1 "$*" >&2; }

buildah inspect --type image localhost/debian:$suite-slim >/dev/null 2>&1 || {
    step "making localhost/debian:$suite-slim by debootstrap from $main_mirror"
    make_base
}
buildah inspect --type image localhost/swift-stand-in >/dev/null 2>&1 || {
    step "making localhost/swift-stand-in for $(swift --version 2>/dev/null | head -n 1)"
    make_swift
}

bud=(bud --isolation chroot --network host --format docker -f docker/Dockerfile --ignorefile .dockerignore
    --build-arg SWIFT_IMAGE=localhost/swift-stand-in --build-arg BASE_IMAGE="localhost/debian:$suite-slim"
    --build-arg VERSION="$version" --build-arg REVISION="$(git rev-parse HEAD 2>/dev/null || echo unknown)")

# Two runs, because a mount is made in every stage and leaves its mount point behind: in the build stage, where that is
# thrown away, and then the image from the finished build stage, without mounts.
step "building the build stage"
buildah "${bud[@]}" "${mounts[@]}" --target build -t localhost/hubgate-build "$project"
step "building $image"
buildah "${bud[@]}" --build-context build=container-image://localhost/hubgate-build -t "$image" "$project"

step "done"
buildah images "$image"
echo "Try it: docker/try-image.sh ${image#localhost/}"
