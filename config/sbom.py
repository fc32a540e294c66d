"""The bill of materials of a built hubgate, CycloneDX 1.6 as JSON: what is linked into it and what it loads.

    config/sbom.py BINARY PACKAGE_RESOLVED       writes it to standard output

Swift packages are those of Package.resolved; libraries are those that the dynamic linker finds for the binary, by the Debian package that
each file is of, with its version and, where its copyright file is machine-readable (DEP-5), its licences. The same binary on the same
machine gives the same bytes.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

# What of a static binary no file tells: the compiler's own libraries.
SWIFT_LICENCE = "Apache-2.0 WITH Swift-exception"
LICENCES = {"swift-log": "Apache-2.0", "swift-argument-parser": "Apache-2.0"}
# Debian's short names that SPDX writes otherwise.
SPDX = {"Expat": "MIT", "MIT": "MIT", "ISC": "ISC", "curl": "curl", "Zlib": "Zlib", "zlib": "Zlib", "Apache-2.0": "Apache-2.0",
        "BSD-3-Clause": "BSD-3-Clause", "BSD-3-clause": "BSD-3-Clause", "BSD-2-Clause": "BSD-2-Clause", "BSD-2-clause": "BSD-2-Clause",
        "LGPL-2.1": "LGPL-2.1-only", "LGPL-2.1+": "LGPL-2.1-or-later"}  # fmt: skip


def said(*command):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout


def libraries(binary):
    """The files that the dynamic linker loads for it."""
    for line in said("ldd", binary).splitlines():
        if "not found" in line:
            sys.exit(f"{binary}: {line.strip()}")
        found = re.search(r"(/\S+) \(0x", line)
        if found:
            yield Path(found[1]).resolve()


def packages_of(files):
    """Debian's package of each file that is of one; a file may be known by its path before /usr was merged."""
    paths = [str(file) for file in files] + [str(file).removeprefix("/usr") for file in files]
    # Its code says only that one of them is in no package.
    found = subprocess.run(["dpkg-query", "-S", *paths], capture_output=True, text=True).stdout
    owners = {path: owner.split(",")[0] for owner, _, path in (line.partition(": ") for line in found.splitlines())}
    return {file: owners.get(str(file)) or owners.get(str(file).removeprefix("/usr")) for file in files}


def licences(name):
    """By its copyright file: SPDX's identifier where there is one, else Debian's word."""
    file = Path(f"/usr/share/doc/{name}/copyright")
    if not file.is_file():
        return []
    words = {word.strip() for word in re.findall(r"^License: *(\S[^\n]*)$", file.read_text(errors="replace"), re.MULTILINE)}
    known = sorted(words & SPDX.keys())
    others = sorted(words - SPDX.keys())
    return [{"license": {"id": identifier}} for identifier in sorted({SPDX[word] for word in known})] + [
        {"license": {"name": word}} for word in others
    ]


def debian_components(binary):
    distribution = dict(re.findall(r'^(ID|VERSION_ID)="?([^"\n]*)', Path("/etc/os-release").read_text(), re.MULTILINE))
    owners = packages_of(sorted(set(libraries(binary))))
    # Of the toolchain, where that is not linked in.
    for file in (file for file, package in owners.items() if package is None):
        yield {"type": "library", "bom-ref": f"file:{file.name}", "name": file.name}
    for package in sorted({package for package in owners.values() if package is not None}):
        name, version, architecture, source = said(
            "dpkg-query", "-W", "-f", "${Package}\t${Version}\t${Architecture}\t${source:Package}", package
        ).split("\t")
        purl = (
            f"pkg:deb/{distribution['ID']}/{name}@{version.replace('+', '%2B').replace(':', '%3A')}"
            f"?arch={architecture}&distro={distribution['ID']}-{distribution.get('VERSION_ID', '')}"
        )
        component = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
        if found := licences(name):
            component["licenses"] = found
        component["properties"] = [{"name": "debian:source", "value": source}]
        yield component


def swift_components(resolved):
    for pin in sorted(json.loads(resolved.read_text())["pins"], key=lambda pin: pin["identity"]):
        place = pin["location"].removeprefix("https://").removesuffix(".git")
        purl = f"pkg:swift/{place}@{pin['state']['version']}"
        component = {"type": "library", "bom-ref": purl, "name": pin["identity"], "version": pin["state"]["version"], "purl": purl}
        if pin["identity"] in LICENCES:
            component["licenses"] = [{"license": {"id": LICENCES[pin["identity"]]}}]
        component["properties"] = [{"name": "git:commit", "value": pin["state"]["revision"]}]
        yield component
    version = re.search(r"Swift version (\S+)", said("swift", "--version"))[1]
    yield {
        "type": "library", "bom-ref": "swift-runtime", "name": "swift-runtime", "version": version,
        "licenses": [{"expression": SWIFT_LICENCE}],
        "description": "The Swift standard library, concurrency and FoundationEssentials of the toolchain",
    }  # fmt: skip


def document(binary, resolved):
    version = said(binary, "--version").split()[1]
    components = [*swift_components(resolved), *debian_components(binary)]
    root = f"hubgate@{version}"
    metadata = {"component": {"type": "application", "bom-ref": root, "name": "hubgate", "version": version,
                              "licenses": [{"license": {"id": "MIT"}}]}}  # fmt: skip
    if "SOURCE_DATE_EPOCH" in os.environ:
        from datetime import datetime, timezone

        metadata["timestamp"] = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), timezone.utc).isoformat()
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": metadata, "components": components,
        "dependencies": [{"ref": root, "dependsOn": [component["bom-ref"] for component in components]}],
    }  # fmt: skip


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    print(json.dumps(document(Path(sys.argv[1]), Path(sys.argv[2])), indent=2))
