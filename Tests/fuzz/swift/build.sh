#!/usr/bin/env bash
# Builds the fuzzer of the parsers in Swift: build.sh OUTPUT. Of the gateway it has the parsers and what they use, each file with
# coverage and ASan; SwiftPM cannot build an executable out of a part of another.
set -euo pipefail
cd "$(dirname "$0")/../../.."
output=$1
dir=.build/fuzz/swift
mkdir -p "$dir"
flags=(-O -parse-as-library -swift-version 6 -sanitize=fuzzer,address -D FUZZING -suppress-warnings
    -enable-upcoming-feature NonisolatedNonsendingByDefault -enable-upcoming-feature InternalImportsByDefault
    -enable-upcoming-feature MemberImportVisibility -enable-upcoming-feature ExistentialAny)

cat >"$dir/module.modulemap" <<MAP
module CEvent { umbrella header "$PWD/Sources/CEvent/include/CEvent.h" export * }
MAP
clang=$(dirname "$(readlink -f "$(command -v swift)")")/clang
for source in digest seed; do
    "$clang" -g -O1 -ISources/CEvent/include -c "Sources/CEvent/$source.c" -o "$dir/$source.o"
done
mapfile -t hub < <(find Sources/Hub -name '*.swift')
swiftc "${flags[@]}" -wmo -module-name Hub -emit-module -emit-module-path "$dir/Hub.swiftmodule" -c "${hub[@]}" \
    -o "$dir/Hub.o"
server=(Sources/Server/Escapes/{Escape,EscapeDetector,StringEnd,URLAuthority,URLScanner,URLText}.swift
    Sources/Server/Upstream/{JSONRewriter,JSONRewriter+Strings,MemberRule,Rewrite,Sealing,ContentHosts,ContentHosts+Syntax,Link}.swift
    Sources/Server/Policy/{Seal,SealKey,Secret}.swift Sources/Server/Event/{MessageCode,Seed}.swift
    Sources/Server/Settings/Xet.swift Sources/Server/Observe/Metrics/MetricPlace.swift)
swiftc "${flags[@]}" -wmo -Xclang-linker -fuse-ld=bfd -module-name Fuzz -I "$dir" -Xcc "-fmodule-map-file=$dir/module.modulemap" \
    "${server[@]}" Tests/ServerTests/Support/ParserProperties.swift Tests/fuzz/swift/fuzz.swift \
    "$dir/Hub.o" "$dir/digest.o" "$dir/seed.o" -lcrypto -o "$output"
