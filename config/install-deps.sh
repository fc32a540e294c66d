#!/bin/sh
# Installs what hubgate is built with and only what is missing; says nothing when nothing is.
#   config/install-deps.sh [PACKAGE...]      further Debian packages, such as wrk
set -eu

packages="libevent-dev libcurl4-openssl-dev libc-ares-dev libssl-dev libyaml-dev libmimalloc-dev libseccomp-dev libsqlite3-dev pkg-config openssl ca-certificates curl python3 python3-venv $*"
# Older builds of libevent miss security fixes that a gateway in the open needs.
libevent_fixed='2.1.12-stable-8+deb12u1'
swift_needed=6.3

say() { printf '%s\n' "$*" >&2; }

version_of() { dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$1" 2>/dev/null | sed -n 's/^installed //p' | head -n 1; }
libevent_is_fixed() { dpkg --compare-versions "$(version_of libevent-dev)" ge "$libevent_fixed"; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        say "To install packages be root or have sudo. The command to run as root: $*"
        return 1
    fi
}

if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
    missing=
    for package in $packages; do
        [ -n "$(version_of "$package")" ] || missing="$missing $package"
    done
    if [ -z "$missing" ] && ! libevent_is_fixed; then
        say "libevent-dev $(version_of libevent-dev) is older than $libevent_fixed, which has its security fixes."
        missing=' libevent-dev'
    fi
    if [ -n "$missing" ]; then
        say "Installing:$missing"
        as_root apt-get update -q >&2
        # shellcheck disable=SC2086 # one word a package
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >&2
    fi
    if ! libevent_is_fixed; then
        say "libevent-dev is $(version_of libevent-dev) and apt offers nothing newer; hubgate needs $libevent_fixed."
        say "On Debian 12 it comes from: deb http://deb.debian.org/debian-security bookworm-security main"
        exit 1
    fi
elif command -v pkg-config >/dev/null && pkg-config --exists 'libevent_openssl >= 2.1.12' libcurl libcares 'openssl >= 3' yaml-0.1 mimalloc libseccomp 'sqlite3 >= 3.37'; then
    : # another distribution, with the libraries in place
else
    say "This is not Debian. Install with your package manager what these Debian packages hold: $packages"
    exit 1
fi

# Not in Debian, and several GB: installing it is for you to decide.
swift_found=
if command -v swift >/dev/null; then
    swift_found=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9][0-9.]*\).*/\1/p' | head -n 1)
fi
if [ "$(printf '%s\n' "$swift_needed" "${swift_found:-0}" | sort -V | head -n 1)" != "$swift_needed" ]; then
    say "hubgate is built with Swift $swift_needed or later; here is ${swift_found:-none}."
    say "Get it at https://www.swift.org/install/linux/ (swiftly installs it), then see that 'swift --version' answers."
    exit 1
fi
