#!/usr/bin/env bash
# Fuzzes the parsers with libFuzzer: run.sh [seconds], or `make fuzz`. Those in C under ASan and UBSan, those in Swift under ASan.
# Each C file in this folder is one fuzzer, and so is each property of Tests/ServerTests/Support/ParserProperties.swift; all start
# from Tests/corpus. What they found before is kept in .build/fuzz
# and gone on from; an input that broke something is left there too.
#   FUZZ_SECONDS=60 is for each
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-${FUZZ_SECONDS:-60}}
dir=.build/fuzz

# A clang that has its fuzzer runtime: the Swift toolchain's, else Debian's. The bfd linker, as gold warns of each of
# the sanitizer's symbols.
find_clang() {
    local clang
    for clang in "$(dirname "$(readlink -f "$(command -v swift || true)")")/clang" "$(command -v clang || true)" \
        "$(command -v clang-14 || true)"; do
        [[ -x $clang ]] || continue
        if echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d && n ? 0 : 0; }' |
            "$clang" -fuse-ld=bfd -fsanitize=fuzzer,address,undefined -x c -o /dev/null - 2>/dev/null; then
            echo "$clang"
            return
        fi
    done
    return 1
}

if ! clang=$(find_clang) || ! command -v python3 >/dev/null; then
    sudo=$([[ $(id -u) = 0 ]] || echo sudo)
    $sudo apt-get update -qq
    $sudo apt-get install -qq -y --no-install-recommends binutils clang-14 libclang-rt-14-dev libstdc++-12-dev python3
    clang=$(find_clang)
fi

for table in requests responses proxy_headers; do
    rm -rf "${dir:?}/seeds-$table"
    python3 Tests/fuzz/seeds.py "$table" "$dir/seeds-$table"
done
for source in Tests/fuzz/*.c; do
    name=$(basename "$source" .c)
    case $name in
        response_*) seeds=$dir/seeds-responses dictionary=Tests/fuzz/response.dict ;;
        proxy_*) seeds=$dir/seeds-proxy_headers dictionary=Tests/fuzz/proxy_header.dict ;;
        *) seeds=$dir/seeds-requests dictionary=Tests/fuzz/request_parser.dict ;;
    esac
    mkdir -p "$dir/$name"
    "$clang" -std=gnu11 -g -O1 -Wall -Wextra -Werror -fno-omit-frame-pointer -fuse-ld=bfd \
        -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
        -ISources/CEvent/include Sources/CEvent/request_parser*.c Sources/CEvent/response*.c \
        Sources/CEvent/proxy_protocol*.c Sources/CEvent/ip.c "$source" -o "$dir/$name.run"
    echo "$name, the corpus as it is, then $seconds s:"
    # Whole: what comes later is cut to -max_len.
    "$dir/$name.run" -runs=0 -timeout=5 -verbosity=0 -artifact_prefix="$dir/" "$seeds"
    "$dir/$name.run" -max_total_time="$seconds" -max_len=4096 -timeout=5 -rss_limit_mb=1024 -verbosity=0 \
        -dict="$dictionary" -artifact_prefix="$dir/" -print_final_stats=1 "$dir/$name" "$seeds"
done

# Those in Swift: what is found is named there and becomes a line of Tests/corpus/parsers.tsv.
rm -rf "$dir/parser-seeds"
python3 Tests/fuzz/seeds.py parsers "$dir/parser-seeds"
Tests/fuzz/swift/build.sh "$dir/parsers.run"
for name in rewriter scanner order link hosts lists target; do
    mkdir -p "$dir/parser-$name"
    echo "$name, the corpus as it is, then $seconds s:"
    export FUZZ_PROPERTY=$name
    # Swift keeps what it has allocated once: no leaks are looked for.
    "$dir/parsers.run" -runs=0 -timeout=5 -detect_leaks=0 -verbosity=0 -artifact_prefix="$dir/" "$dir/parser-seeds"
    "$dir/parsers.run" -max_total_time="$seconds" -max_len=2048 -timeout=5 -rss_limit_mb=2048 -detect_leaks=0 -verbosity=0 \
        -dict=Tests/fuzz/swift/parsers.dict -artifact_prefix="$dir/" -print_final_stats=1 "$dir/parser-$name" "$dir/parser-seeds"
done
