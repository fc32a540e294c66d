#!/usr/bin/env bash
# Fuzzes the request parser with libFuzzer and the sanitizers of the Swift toolchain's clang: `make fuzz`.
# Each C file in this folder is one fuzzer. What it found before is kept in .build/fuzz and gone on from.
#   FUZZ_SECONDS=60 is for each
set -euo pipefail
cd "$(dirname "$0")/../.."

clang=$(dirname "$(readlink -f "$(command -v swift)")")/clang
[[ -x $clang ]] || clang=clang
dir=.build/fuzz

for source in Tests/fuzz/*.c; do
    name=$(basename "$source" .c)
    mkdir -p "$dir/$name"
    "$clang" -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -ISources/CEvent/include \
        "$source" Sources/CEvent/gate*.c -o "$dir/$name.run"
    printf '\007%b' 'POST /api/repo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n' \
        'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' >"$dir/$name/seed"
    echo "$name, ${FUZZ_SECONDS:-60} s:"
    "$dir/$name.run" -max_total_time="${FUZZ_SECONDS:-60}" -max_len=8192 -timeout=5 -rss_limit_mb=2048 -verbosity=0 \
        -dict=Tests/fuzz/gate.dict -artifact_prefix="$dir/" -print_final_stats=1 "$dir/$name"
done
