#!/usr/bin/env bash
# Runs what docker/build-without-docker.sh built, the way a container would, with nothing but chroot and mounts: the image's
# own user and environment, a read-only root, certificates mounted, on 127.0.0.1 in the sandbox. Asks it for its health,
# ends it by SIGTERM and says how large the image is.
#
#   docker/try-image.sh [IMAGE]         PORT=18080 is where it listens
set -euo pipefail
cd "$(dirname "$0")/.."

image=localhost/${1:-hubgate}
port=${PORT:-18080}
. docker/storage.sh

container=$(buildah from --pull-never "$image")
work=$(mktemp -d "$image_dir/try.XXXXXX")
server=
finish() {
    if [[ -n $server ]] && kill -0 "$server" 2>/dev/null; then kill -KILL "$server"; fi
    buildah umount "$container" >/dev/null || true
    buildah rm "$container" >/dev/null || true
    rm -rf "$work"
}
trap finish EXIT
root=$(buildah mount "$container")

config() { buildah inspect --type image --format "$1" "$image"; }
user=$(config '{{.OCIv1.Config.User}}')
mapfile -t environment < <(config '{{range .OCIv1.Config.Env}}{{println .}}{{end}}' | sed '/^$/d')
mapfile -t entrypoint < <(config '{{range .OCIv1.Config.Entrypoint}}{{println .}}{{end}}' | sed '/^$/d')
# {{println}} would print the probe's "CMD" too, which is Docker's word for "no shell".
mapfile -t probe < <(config '{{range .Docker.Config.Healthcheck.Test}}{{println .}}{{end}}' | sed '/^$/d; 1{/^CMD$/d}')
[[ $user =~ ^[1-9][0-9]*:[1-9][0-9]*$ ]] || {
    echo "The image's user is '$user': not a number other than root's." >&2
    exit 1
}

config/make-certs.sh --out "$work/made" >/dev/null
install -d -m 500 -o "${user%:*}" -g "${user#*:}" "$work/certs"
install -m 400 -o "${user%:*}" -g "${user#*:}" "$work/made/cert.pem" "$work/made/key.pem" "$work/certs/"

# A mount namespace of its own: the mounts end with the process. `exec` all the way, so that the pid is the server's.
inside() {
    # shellcheck disable=SC2016 # expanded by that shell, not by this one
    exec unshare --mount --propagation private sh -euc '
        root=$1 certs=$2 user=$3
        shift 3
        mount --bind "$root" "$root"
        mount --bind "$certs" "$root/certs"
        mount -o remount,bind,ro "$root/certs"
        mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
        mount -t tmpfs -o nosuid,size=64k,mode=755 tmpfs "$root/dev"
        for device in null zero random urandom; do
            : >"$root/dev/$device"
            mount --bind "/dev/$device" "$root/dev/$device"
        done
        for file in resolv.conf hosts; do
            if [ -f "$root/etc/$file" ]; then mount --bind "/etc/$file" "$root/etc/$file"; fi
        done
        mount -o remount,bind,ro "$root"
        exec chroot "$root" setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups \
            --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
    ' sh "$root" "$work/certs" "$user" env -i "${environment[@]}" HUBGATE_LISTEN="127.0.0.1:$port" "$@"
}

echo "Starting ${entrypoint[*]} --sandbox as $user in $image"
(inside "${entrypoint[@]}" --sandbox) >"$work/log" 2>&1 &
server=$!

ask() { curl -sS --max-time 5 --cacert "$work/made/ca.pem" "$@"; }
show_log() { sed 's/^/  | /' "$work/log" >&2; }
for _ in $(seq 50); do
    kill -0 "$server" 2>/dev/null || break
    ! ask -o /dev/null "https://localhost:$port/-/health" 2>/dev/null || break
    sleep 0.1
done
if ! ask --fail -o "$work/health" -w 'GET /-/health: %{http_code} in %{time_total} s, TLS verified: %{ssl_verify_result} (0 is yes)\n' \
    "https://localhost:$port/-/health"; then
    echo "It does not answer. What it said:" >&2
    show_log
    exit 1
fi
sed 's/^/  /' "$work/health" && echo
grep -E '^(Uid|Threads|VmRSS|NoNewPrivs|CapEff)' "/proc/$server/status"

if [[ ${#probe[@]} -gt 0 ]]; then
    if (inside "${probe[@]}") >"$work/probe.log" 2>&1; then
        echo "${probe[*]}: healthy"
    else
        echo "${probe[*]} failed:" >&2
        cat "$work/probe.log" >&2
        exit 1
    fi
fi

kill -TERM "$server"
status=0
wait "$server" || status=$?
server=
echo "Ended by SIGTERM with status $status."
if [[ $status -ne 0 ]]; then
    show_log
    exit 1
fi

buildah images --format 'Image {{.Name}}: {{.Size}}' "$image"
du -sk "$root/usr/local/bin/hubgate" | awk '{ printf "Of that the binary: %.1f MB\n", $1 / 1024 }'
