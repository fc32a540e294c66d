#!/usr/bin/env bash
# Requests a second on this machine, through TLS, of a gate in its sandbox: `make wrk`.
#   Tests/load/wrk.sh BINARY [PATH]         DURATION=10 CONNECTIONS=64 PORT=18443
set -euo pipefail
cd "$(dirname "$0")/../.."

binary=$1
path=${2:-/-/health}
port=${PORT:-18443}
work=$(mktemp -d)
server=
finish() {
    if [[ -n $server ]] && kill -0 "$server" 2>/dev/null; then
        kill -TERM "$server"
        wait "$server" || true
    fi
    rm -rf "$work"
}
trap finish EXIT

config/make-certs.sh --out "$work/certs" >/dev/null
HUBGATE_LISTEN=127.0.0.1:$port HUBGATE_TLS_CERT=$work/certs/cert.pem HUBGATE_TLS_KEY=$work/certs/key.pem \
    "$binary" --sandbox >"$work/log" 2>&1 &
server=$!
for _ in $(seq 50); do
    kill -0 "$server" 2>/dev/null || break
    ! curl -s -o /dev/null --cacert "$work/certs/ca.pem" "https://127.0.0.1:$port$path" || break
    sleep 0.1
done
curl -sS --fail -o /dev/null --cacert "$work/certs/ca.pem" "https://127.0.0.1:$port$path" || {
    tail -n 20 "$work/log" >&2
    exit 1
}
# wrk verifies no certificate; what is measured is the same. It shares these cores with the gate.
wrk -t 1 -c "${CONNECTIONS:-64}" -d "${DURATION:-10}s" --latency "https://127.0.0.1:$port$path"
grep -E '^(Threads|VmHWM|VmRSS)' "/proc/$server/status"
