#!/usr/bin/env bash
# Builds the fuzzer of the parsers in Swift: build.sh OUTPUT; build.sh --check says whether it would build. Of the gateway it has
# the parsers and what they use, each file with coverage and ASan; SwiftPM cannot build an executable out of a part of another.
set -euo pipefail
cd "$(dirname "$0")/../../.."
output=$1
dir=.build/fuzz/swift
[[ $output != --check ]] || dir=.build/fuzz/check
mkdir -p "$dir"
made=(-O '-sanitize=fuzzer,address')
[[ $output != --check ]] || made=()
flags=("${made[@]}" -parse-as-library -swift-version 6 -D FUZZING -suppress-warnings
    -enable-upcoming-feature NonisolatedNonsendingByDefault -enable-upcoming-feature InternalImportsByDefault
    -enable-upcoming-feature MemberImportVisibility -enable-upcoming-feature ExistentialAny)

cat >"$dir/module.modulemap" <<MAP
module CEvent { umbrella header "$PWD/Sources/CEvent/include/CEvent.h" export * }
MAP
clang=$(dirname "$(readlink -f "$(command -v swift)")")/clang
for source in digest seed; do
    "$clang" -g -O1 -ISources/CEvent/include -c "Sources/CEvent/$source.c" -o "$dir/$source.o"
done
# The modules as in Package.swift; of EventIO only what makes signatures.
module() {
    local name=$1
    shift
    local object=(-c -o "$dir/$name.o")
    [[ $output != --check ]] || object=()
    swiftc "${flags[@]}" -wmo -package-name hubgate -module-name "$name" -I "$dir" "${map[@]}" -emit-module \
        -emit-module-path "$dir/$name.swiftmodule" "${object[@]}" "$@"
}
map=(-Xcc "-fmodule-map-file=$dir/module.modulemap")
mapfile -t http < <(find Sources/HTTP -name '*.swift')
mapfile -t hub < <(find Sources/Hub -name '*.swift')
module HTTP "${http[@]}"
module Hub "${hub[@]}"
module EventIO Sources/EventIO/Libraries/Cryptography.swift
server=(Sources/Server/Relay/{LeakDetector,StringEnd,URLScanner,URLText}.swift
    Sources/Server/Relay/{JSONFieldRule,JSONRewriter,JSONRewriter+Objects,JSONRewriter+Strings,Rewrite,StoredObject,Xet,SignedURLPolicy,SignedURLCodec,ContentHosts,ContentHosts+Syntax,Link}.swift
    Sources/Server/Settings/Choices.swift Sources/Server/Identity/KeyMark.swift
    Sources/Server/FileCache/{BlobName,BlobLayout,HexText}.swift
    Sources/Server/Observe/Metrics/{MetricLabelValue,MetricLabels+LeakPlace}.swift)
program=("${flags[@]}" -wmo -package-name hubgate -module-name Fuzz -I "$dir" "${map[@]}"
    "${server[@]}" Tests/ServerTests/Support/ParserProperties.swift Tests/fuzz/swift/fuzz.swift)
[[ $output != --check ]] || exec swiftc -typecheck "${program[@]}"
swiftc "${program[@]}" -Xclang-linker -fuse-ld=bfd \
    "$dir/HTTP.o" "$dir/Hub.o" "$dir/EventIO.o" "$dir/digest.o" "$dir/seed.o" -lcrypto -o "$output"
