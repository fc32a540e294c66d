"""What hubgate is built of, tested with and made by: each part has one version, and is known by its hash."""

import json
import re
import subprocess

import pytest

from gate import BINARY, ROOT

SECONDS = 300
LOCKED = sorted([*ROOT.glob("Tests/contract/requirements/*.txt"), *ROOT.glob("config/requirements/*.txt"), ROOT / "bench/requirements.txt"])


@pytest.fixture(scope="module")
def bill(tmp_path_factory):
    """As `make sbom` writes it; it validates by the schema before it leaves anything."""
    file = tmp_path_factory.mktemp("sbom") / "hubgate.cdx.json"
    subprocess.run([ROOT / "config/sbom.sh", BINARY, file], check=True, timeout=SECONDS)
    return json.loads(file.read_text())


def test_the_bill_of_materials_has_each_library_with_its_version_and_licence(bill):
    assert bill["bomFormat"] == "CycloneDX" and bill["specVersion"] == "1.6"
    assert bill["metadata"]["component"]["name"] == "hubgate"
    components = {component["name"]: component for component in bill["components"]}
    pins = {pin["identity"]: pin["state"]["version"] for pin in json.loads((ROOT / "Package.resolved").read_text())["pins"]}
    assert {name: components[name]["version"] for name in pins} == pins
    for library in ("libevent-core", "libcurl4", "libssl3", "libyaml", "libmimalloc", "libseccomp2", "libsqlite3-0", "libc6"):
        found = [component for name, component in components.items() if name.startswith(library)]
        assert found, (library, sorted(components))
        name = found[0]["name"]
        installed = subprocess.run(["dpkg-query", "-W", "-f", "${Version}\n", name], check=True, capture_output=True, text=True)
        assert found[0]["version"] in installed.stdout.split() and found[0]["purl"].startswith(f"pkg:deb/debian/{name}@")
    for library in ("swift-log", "libcurl4", "libseccomp2"):
        assert components[library]["licenses"], library


def test_a_document_that_the_schema_does_not_allow_is_refused(bill, tmp_path):
    files = []
    for name, change in {"type": {"components": [{"type": "soup", "name": "x"}]}, "field": {"extra": 1}}.items():
        files.append(tmp_path / f"{name}.json")
        files[-1].write_text(json.dumps(bill | change))
    done = subprocess.run(
        [ROOT / ".venv-sbom/bin/python", ROOT / "config/check_sbom.py", *files], capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 1 and all(f"{file}: no CycloneDX" in done.stderr for file in files), done.stderr


@pytest.mark.parametrize("file", LOCKED, ids=lambda file: file.name)
def test_each_python_package_has_one_version_and_hashes(file):
    entries = re.split(r"\n(?=[a-zA-Z0-9])", "\n".join(line for line in file.read_text().splitlines() if not line.lstrip().startswith("#")))
    packages = [entry for entry in entries if entry.strip()]
    assert packages
    for entry in packages:
        assert re.match(r"\s*[A-Za-z0-9._-]+(\[[^]]+\])?==[^ ]+( ; [^\\]+)? \\\n", entry), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry
    wanted = [re.split(r"[\[<>=~! ]", line)[0] for line in file.with_suffix(".in").read_text().split("\n") if line]
    named = {re.split(r"[\[=]", entry.strip())[0].lower().replace("_", "-") for entry in packages}
    assert {name.lower().replace("_", "-") for name in wanted} <= named


def test_pip_is_nowhere_asked_for_a_package_without_its_hash():
    scripts = [path for path in ROOT.glob("**/*.sh") if not any(part.startswith((".venv", ".build")) for part in path.parts)]
    installs = {}
    for script in scripts:
        for command in re.findall(r"pip[^\n]* install (?:[^\n]*\\\n)*[^\n]*", script.read_text()):
            installs[script.name] = command
            assert "--require-hashes" in command, (script, command)
    assert {"python-env.sh", "lock-python.sh"} <= installs.keys()


def test_swift_packages_have_exact_versions_and_actions_commits():
    manifest = (ROOT / "Package.swift").read_text()
    packages = re.findall(r"\.package\(([^)]*)\)", manifest)
    assert packages and all(re.search(r'exact: "\d+\.\d+\.\d+"', package) for package in packages)
    for workflow in ROOT.glob(".github/workflows/*.yml"):
        for used in re.findall(r"uses: *(.+)", workflow.read_text()):
            assert re.fullmatch(r"\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used), (workflow.name, used)
