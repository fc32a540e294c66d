"""Large files through the gateway: Git LFS and Xet, up and down, with the real client.

The client trusts the gateway's authority alone, so it gets no response of any other place. The sandbox's journal shows what
reached the Hub, its CDN and Xet's server (the CAS), and with which credential.
"""

import hashlib
import json
import random
import subprocess
import sys

import pytest

from fakehub import http
from gate import clean_environment
from hub import Hub

pytest.importorskip("huggingface_hub", reason="this interpreter has no huggingface_hub")

MEBIBYTE = 1 << 20
SECONDS = 90
REPO = "sandbox/large"

# The client, in a process of its own: it reads its environment when it is imported.
SCRIPT = """
import hashlib, json, sys
from pathlib import Path
from huggingface_hub import HfApi, hf_hub_download, snapshot_download
api = HfApi()
def digests(folder):
    files = (path for path in Path(folder).rglob("*") if path.is_file() and ".cache" not in path.parts)
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
def upload(repo, folder):
    api.create_repo(repo, exist_ok=True)
    api.upload_folder(repo_id=repo, folder_path=folder)
def download(repo, name, folder):
    hf_hub_download(repo, name, local_dir=folder)
    return digests(folder)
def snapshot(repo, folder):
    snapshot_download(repo, local_dir=folder)
    return digests(folder)
print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
"""


def noise(size, seed):
    return random.Random(seed).randbytes(size)


def digest(content):
    return hashlib.sha256(content).hexdigest()


class Client:
    """huggingface_hub against one gate."""

    def __init__(self, gate, directory, **variables):
        self.directory = directory
        self.environment = clean_environment(
            directory,
            **{
                "HF_ENDPOINT": gate.origin,
                "HF_HOME": str(directory / "hf"),
                "HF_HUB_DISABLE_PROGRESS_BARS": "1",
                "HF_HUB_DISABLE_UPDATE_CHECK": "1",
                "SSL_CERT_FILE": str(gate.certificates.authority),
                **variables,
            },
        )

    def __call__(self, *arguments, check=True):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, *map(str, arguments)], cwd=self.directory, env=self.environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS,
        )
        if not check:
            return done
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def files(tmp_path):
    """A folder: a small file, one in Git, one for a single PUT, one for parts."""
    folder = tmp_path / "files"
    folder.mkdir()
    contents = {
        "a.txt": b"text\n", "single.bin": noise(MEBIBYTE, 1), "parts.bin": noise(12 * MEBIBYTE + 5, 2),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder, {name: digest(content) for name, content in contents.items()}


def start_hub(start, *flags):
    gate = start(*flags)
    return gate, Hub(gate)


# Xet's client tells the root of whatever host it knows what it has counted.
TELEMETRY = "/v1/telemetry"


def check_credentials(journal):
    """The Hub's token for the Hub alone, Xet's for its server alone, none for the CDN."""
    for entry in journal:
        if entry["target"] == TELEMETRY:
            continue
        allowed = {"hub": {"sandbox", "none"}, "cas": {"xet"}, "cdn": {"none"}}[entry["origin"]]
        assert entry["credential"] in allowed, json.dumps(entry)
        assert entry["status"] < 500, entry
    # Without one only what the contract says, and what no client sends one for.
    bare = {e["target"].split("?")[0] for e in journal if (e["origin"], e["credential"]) == ("hub", "none")}
    assert bare <= {"/api/complete_multipart", "/api/agent-harnesses"}


def writes(journal, *origins):
    """Each write, its target without the query."""
    return [
        (entry["method"], entry["target"].split("?")[0]) for entry in journal
        if entry["origin"] in origins and entry["method"] not in ("GET", "HEAD")
    ]


def without_git(found):
    return {name: value for name, value in found.items() if name != ".gitattributes"}


def test_lfs(start, files, tmp_path):
    """In one PUT, in parts, verified, and down again; each write reaches its place once."""
    folder, digests = files
    gate, hub = start_hub(start)
    client = Client(gate, tmp_path, HF_HUB_DISABLE_XET="1")
    client("upload", REPO, folder)
    journal = hub.journal()
    check_credentials(journal)
    stored = writes(journal, "cdn")
    assert len(stored) == 1 + 3 and len(set(stored)) == 4 and {method for method, _ in stored} == {"PUT"}
    sizes = sorted(entry["bodyLength"] for entry in journal if entry["origin"] == "cdn")
    assert sizes == [MEBIBYTE, 2 * MEBIBYTE + 5, 5 * MEBIBYTE, 5 * MEBIBYTE]
    calls = [target for _, target in writes(journal, "hub")]
    for once in ("/api/complete_multipart", f"/api/models/{REPO}/commit/main", f"/{REPO}.git/info/lfs/objects/batch"):
        assert calls.count(once) == 1, calls
    assert calls.count(f"/{REPO}.git/info/lfs/objects/verify") == 2
    verified = [entry for entry in journal if entry["target"].endswith("/verify")]
    assert {entry["credential"] for entry in verified} == {"sandbox"}
    # Nothing that opens a store is in the log.
    signed = [line["path"] for line in gate.log_lines if line["path"].startswith("/-/signed/")]
    assert len(signed) == 5 and set(signed) == {"/-/signed/***"}

    assert without_git(client("snapshot", REPO, tmp_path / "out")) == digests
    check_credentials(hub.journal())


@pytest.mark.parametrize("access, workers", [("open", "1"), ("passthrough", "1"), ("passthrough", "2")])
def test_xet(start, files, tmp_path, access, workers):
    """The client's default: up and down through Xet, which sees a token of its own and no other, whichever worker is asked."""
    pytest.importorskip("hf_xet")
    folder, digests = files
    gate, hub = start_hub(start, "--access", access, "--workers", workers)
    client = Client(gate, tmp_path, **({"HF_TOKEN": "hf_sandbox"} if access == "passthrough" else {}))
    client("upload", REPO, folder)
    journal = hub.journal()
    check_credentials(journal)
    stored = writes(journal, "cas")
    xorbs = [target for method, target in stored if "/v1/xorbs/" in target]
    assert xorbs and len(xorbs) == len(set(xorbs)), stored
    assert sum("/shards" in target for _, target in stored) >= 1
    assert not any("/lfs/objects/batch" in target for _, target in writes(journal, "hub"))
    assert [target for _, target in writes(journal, "hub")].count(f"/api/models/{REPO}/commit/main") == 1

    before = len(journal)
    for name, where in (("parts.bin", "one"), ("single.bin", "two")):
        assert client("download", REPO, name, tmp_path / where)[name] == digests[name]
    assert without_git(client("snapshot", REPO, tmp_path / "all")) == digests
    journal = hub.journal()[before:]
    check_credentials(journal)
    assert any("/reconstructions/" in entry["target"] for entry in journal if entry["origin"] == "cas")
    assert any("/xorb" in entry["target"] for entry in journal if entry["origin"] == "cdn")


def test_hidden_xet(start, files, tmp_path):
    """A client that has Xet takes the plain way down by itself; up it is refused, and the response says what to set."""
    pytest.importorskip("hf_xet")
    folder, digests = files
    gate, hub = start_hub(start, "--xet", "hide")
    Client(gate, tmp_path, HF_HUB_DISABLE_XET="1")("upload", REPO, folder)
    client = Client(gate, tmp_path / "with-xet")
    client.directory.mkdir()
    assert client("download", REPO, "parts.bin", tmp_path / "one")["parts.bin"] == digests["parts.bin"]
    assert without_git(client("snapshot", REPO, tmp_path / "all")) == digests
    (folder / "more.bin").write_bytes(noise(MEBIBYTE, 3))
    refused = client("upload", REPO, folder, check=False)
    # The client shows the status alone.
    assert refused.returncode != 0 and f"/api/models/{REPO}/xet-write-token/main" in refused.stderr
    assert b"HF_HUB_DISABLE_XET=1" in gate.curl(f"/api/models/{REPO}/xet-write-token/main").stdout
    journal = hub.journal()
    check_credentials(journal)
    assert not any(entry["origin"] == "cas" or "xet-" in entry["target"] for entry in journal)


def test_sealed_paths_are_for_clients_where_admin_has_an_address_of_its_own(start, files, tmp_path):
    folder, digests = files
    gate, hub = start_hub(start, "--admin-listen", "127.0.0.1:0")
    client = Client(gate, tmp_path, HF_HUB_DISABLE_XET="1")
    client("upload", REPO, folder)
    assert without_git(client("snapshot", REPO, tmp_path / "out")) == digests
    check_credentials(hub.journal())
    assert gate.curl("/-/health").stdout.startswith(b"HTTP/1.1 404")


def test_a_gateway_takes_what_another_with_the_same_token_has_sealed(start, start_before, hub):
    """As behind a load balancer; with another token, or none in common, it is refused."""
    batch = json.dumps({"objects": [{"actions": {"download": {"href": "https://cdn-lfs.hf.co/x?sig=1"}}}]}).encode()
    path = "/u/r.git/info/lfs/objects/batch"
    hub.on(path, lambda *_: http(200, batch, b"Content-Type: application/vnd.git-lfs+json"))
    one, same, other = (start_before(hub, HF_TOKEN=token) for token in ("hf_one", "hf_one", "hf_two"))
    answer = one.curl(path, "--data", "{}").stdout.partition(b"\r\n\r\n")[2]
    signed = json.loads(answer)["objects"][0]["actions"]["download"]["href"]
    assert signed.startswith(one.origin + "/-/signed/r")
    signed = signed.removeprefix(one.origin)
    # 405: the signature is valid, and is checked before the store is called, which cannot be reached from here.
    for gate, status in ((one, 405), (same, 405), (other, 403)):
        assert gate.curl(signed, "-X", "PUT").stdout.startswith(b"HTTP/1.1 %d" % status)
