#!/usr/bin/env bash
# Looks at a running gateway from outside, with tools that others wrote: `make audit`.
#   testssl.sh and sslyze: protocols, ciphers and known TLS faults
#   slowhttptest: slow heads (slowloris), slow bodies, slow reading, while another client is served
# Starts a gateway of its own on loopback and ends it. Exit code 1 when a tool finds something.
set -euo pipefail
cd "$(dirname "$0")/../.."

binary=${HUBGATE_BINARY:-.build/debug/hubgate}
unset HUBGATE_BINARY # to the gateway it would be a setting that does not exist
work=$(mktemp -d)
trap 'kill "$gate" 2>/dev/null || true; rm -rf "$work"' EXIT

config/install-deps.sh testssl.sh slowhttptest bsdextrautils dnsutils >/dev/null
if [ ! -x .venv-audit/bin/sslyze ]; then
    python3 -m venv .venv-audit
    .venv-audit/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
        --requirement config/requirements/audit.txt
fi
config/make-certs.sh >/dev/null

"$binary" --sandbox --listen 127.0.0.1:0 --log-format json --head-timeout 3s --body-timeout 3s --write-timeout 3s --idle-download-timeout 3s \
    >"$work/access.log" 2>"$work/gate.log" &
gate=$!
port=
for _ in $(seq 50); do
    port=$(sed -n 's/.*Listening on https:\/\/localhost:\([0-9]*\)\..*/\1/p' "$work/gate.log" | head -n 1)
    [ -z "$port" ] || break
    sleep 0.1
done
[ -n "$port" ] || { cat "$work/gate.log"; exit 1; }

faults=0
fault() { echo "FAULT: $*"; faults=$((faults + 1)); }

echo "== testssl.sh"
# A certificate of our own authority on a name without DNS is meant here, so trust and revocation are left out.
testssl --quiet --color 0 --warnings off --add-ca certs/ca.pem -p -f -U -s --jsonfile "$work/testssl.json" \
    "127.0.0.1:$port" >"$work/testssl.txt" 2>&1 || true
python3 - "$work/testssl.json" <<'PY' || fault "testssl.sh"
import json, sys
every = json.load(open(sys.argv[1]))
assert len(every) > 30, "testssl.sh did not get to look"
found = [f for f in every if f["severity"] in ("LOW", "MEDIUM", "HIGH", "CRITICAL", "FATAL")]
for f in found:
    print(f["severity"], f["id"], f["finding"])
print(f"{len(found)} findings above INFO")
sys.exit(1 if found else 0)
PY

echo "== sslyze"
.venv-audit/bin/sslyze --sslv2 --sslv3 --tlsv1 --tlsv1_1 --tlsv1_2 --tlsv1_3 --heartbleed --openssl_ccs --robot --reneg \
    --compression --fallback --early_data --resum --json_out="$work/sslyze.json" "127.0.0.1:$port" >"$work/sslyze.txt" || true
python3 - "$work/sslyze.json" <<'PY' || fault "sslyze"
import json, sys
scan = json.load(open(sys.argv[1]))["server_scan_results"][0]["scan_result"]
bad = []
for version in ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"):
    if scan[version + "_cipher_suites"]["result"]["accepted_cipher_suites"]:
        bad.append(version + " is accepted")
for version in ("tls_1_2", "tls_1_3"):
    suites = scan[version + "_cipher_suites"]["result"]["accepted_cipher_suites"]
    if not suites:
        bad.append(version + " is refused")
    bad += [s["cipher_suite"]["name"] for s in suites if "GCM" not in s["cipher_suite"]["name"] and "CHACHA" not in s["cipher_suite"]["name"]]
checks = {
    "heartbleed": scan["heartbleed"]["result"]["is_vulnerable_to_heartbleed"],
    "CCS injection": scan["openssl_ccs_injection"]["result"]["is_vulnerable_to_ccs_injection"],
    "client renegotiation": scan["session_renegotiation"]["result"]["is_vulnerable_to_client_renegotiation_dos"],
    "compression": scan["tls_compression"]["result"]["supports_compression"],
    "early data": scan["tls_1_3_early_data"]["result"]["supports_early_data"],
}
bad += [name for name, is_bad in checks.items() if is_bad]
print("\n".join(bad) or "nothing found")
sys.exit(1 if bad else 0)
PY

for mode in -H -B -X; do
    echo "== slowhttptest $mode"
    # A slow body has to go where a body is wanted: below /api/repo its type would be refused at once.
    path=/api/account
    [ "$mode" != -B ] || path=/relayed
    slowhttptest "$mode" -c 300 -r 100 -i 1 -l 12 -p 2 -g -o "$work/slow" -u "https://127.0.0.1:$port$path" \
        >"$work/slow.txt" 2>&1 &
    slow=$!
    for _ in $(seq 10); do
        sleep 1
        curl -sS -m 1 --cacert certs/ca.pem "https://localhost:$port/-/health" >/dev/null || fault "a client waited for more than a second"
    done
    wait "$slow" || true
    sed 's/\x1b\[[0-9;]*m//g' "$work/slow.txt" | grep -E 'closed:|connected:|service available|Exit status' | tail -n 4 || true
done

kill -0 "$gate" || fault "the gateway is gone"
echo "$faults faults"
[ "$faults" = 0 ]
