#!/bin/sh
# Packs a release binary: `make release`.
#   config/release.sh BINARY VERSION      writes .build/dist/hubgate-VERSION-linux-ARCH.tar.gz, its .sha256, and the bill of
#                                         materials beside and in it: .cdx.json
set -eu
cd "$(dirname "$0")/.."

binary=$1
version=$2
name=hubgate-$version-linux-$(uname -m)
dist=.build/dist

rm -rf "${dist:?}/$name"
mkdir -p "$dist/$name"
strip -o "$dist/$name/hubgate" "$binary"
chmod 755 "$dist/$name/hubgate"
cp LICENSE config/hubgate.service config/make-certs.sh "$dist/$name/"
for file in README.md config/hubgate.yaml; do
    if [ -f "$file" ]; then cp "$file" "$dist/$name/"; fi
done

config/sbom.sh "$dist/$name/hubgate" "$dist/$name.cdx.json"
cp "$dist/$name.cdx.json" "$dist/$name/hubgate.cdx.json"

tar -C "$dist" --sort=name --owner=0 --group=0 --numeric-owner -czf "$dist/$name.tar.gz" "$name"
(cd "$dist" && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256")
rm -rf "${dist:?}/$name"
ls -l "$dist/$name.tar.gz"
