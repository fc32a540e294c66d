#!/usr/bin/env bash
# Fuzzes the gate under ASan and UBSan: run.sh [seconds]. Inputs that broke something are left in .build/fuzz.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-60}
out=.build/fuzz

# A clang that has its fuzzer runtime: the Swift toolchain's, else Debian's.
find_clang() {
    local clang
    for clang in "$(command -v clang || true)" /opt/swift/usr/bin/clang "$(command -v clang-14 || true)"; do
        [ -x "$clang" ] || continue
        if echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d && n ? 0 : 0; }' |
            "$clang" -fsanitize=fuzzer,address,undefined -x c -o /dev/null - 2>/dev/null; then
            echo "$clang"
            return
        fi
    done
    return 1
}

if ! clang=$(find_clang); then
    sudo=$([ "$(id -u)" = 0 ] || echo sudo)
    $sudo apt-get update -qq
    $sudo apt-get install -qq -y --no-install-recommends clang-14 libclang-rt-14-dev python3
    clang=$(find_clang)
fi

mkdir -p "$out/found"
rm -rf "$out/seeds"
python3 Tests/fuzz/seeds.py Tests/corpus/requests.tsv "$out/seeds"
"$clang" -std=gnu11 -g -O1 -Wall -Wextra -Werror -fno-omit-frame-pointer \
    -fuse-ld=bfd -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
    -ISources/CEvent/include Sources/CEvent/gate*.c Tests/fuzz/gate_fuzz.c -o "$out/gate_fuzz"
# The seeds run once as they are, which covers all of the corpus however short the time is.
"$out/gate_fuzz" -runs=0 -close_fd_mask=0 "$out/seeds" 2>&1 | tail -n 2
exec "$out/gate_fuzz" -max_total_time="$seconds" -max_len=4096 -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 \
    -dict=Tests/fuzz/gate.dict -artifact_prefix="$out/" "$out/found" "$out/seeds"
