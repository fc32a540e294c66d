"""Xet's own client (hf_xet, which huggingface_hub installs) straight against the sandbox: what holds here must hold
through the gateway. Without one of the two it is skipped."""

import hashlib
import importlib.util
import json
import os
import random
import struct
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("huggingface_hub", "hf_xet")),
    reason="this interpreter has no hf_xet",
)

MEBIBYTE = 1 << 20
REPO = "sandbox/xet"

# Each step is a process of its own: the client reads its environment once, and keeps what it knows of xorbs.
SCRIPT = """
import json, sys
import huggingface_hub
step, arguments = sys.argv[1], json.loads(sys.argv[2])
if step == "upload_folder":
    huggingface_hub.HfApi().upload_folder(**arguments)
elif step == "upload_file":
    huggingface_hub.HfApi().upload_file(**arguments)
elif step == "snapshot":
    print(huggingface_hub.snapshot_download(**arguments))
elif step == "download":
    print(huggingface_hub.hf_hub_download(**arguments))
"""


class Client:
    """The real client, with a home of its own."""

    def __init__(self, hub, home):
        self.hub = hub
        self.home = home

    def __call__(self, step, xet=True, **arguments):
        variables = self.hub.variables(self.home)
        if xet:
            del variables["HF_HUB_DISABLE_XET"]
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, step, json.dumps(arguments, default=str)],
            env={"PATH": os.environ["PATH"], "HOME": str(self.home), **variables},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


def files():
    """What each way to pack a chunk is for; the float numbers are grouped by their bytes before."""
    source = random.Random(7)
    floats = struct.pack("<400001f", *(source.gauss(0, 0.02) for _ in range(400001)))
    return {
        "noise.bin": source.randbytes(3 * MEBIBYTE + 5),
        "text.bin": b"".join(b"%d green bottles\n" % number for number in range(150000)),
        "zero.bin": bytes(2 * MEBIBYTE),
        "weights/floats.safetensors": floats,
        "short.bin": b"x",
    }


@pytest.fixture(scope="module")
def hub(sandbox_hub):
    return sandbox_hub


@pytest.fixture(scope="module")
def client(hub, tmp_path_factory):
    return Client(hub, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def uploaded(hub, client, tmp_path_factory):
    """The files, after the real client has uploaded them by Xet, and what the sandbox saw of it."""
    folder = tmp_path_factory.mktemp("files")
    for name, content in files().items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    hub.create(REPO)
    before = len(hub.journal())
    client("upload_folder", folder_path=folder, repo_id=REPO)
    return files(), hub.journal()[before:]


def content_of(folder, names):
    return {name: open(f"{folder}/{name}", "rb").read() for name in names}


def tree(hub):
    """Of the files that LFS or Xet holds: the SHA-256 and the hash of Xet."""
    entries = hub.get(f"/api/models/{REPO}/tree/main?recursive=true")
    return {entry["path"]: (entry["lfs"]["oid"], entry["xetHash"]) for entry in entries if "lfs" in entry}


def calls(journal, origin):
    return [(entry["method"], entry["target"].split("?")[0], entry["credential"]) for entry in journal
            if entry["origin"] == origin]


def refused_with(hub, url, token=None, method="GET", body=None, **fields):
    """The status of a call that fails."""
    headers = {**fields, **({"Authorization": f"Bearer {token}"} if token else {})}
    request = urllib.request.Request(url, body, headers, method=method)
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request, context=hub.context, timeout=10)
    return refusal.value.code


def test_upload(hub, uploaded):
    contents, journal = uploaded
    seen = calls(journal, "cas")
    assert {credential for _, _, credential in seen} == {"xet"}
    assert any(method == "POST" and path.startswith("/v1/xorbs/default/") for method, path, _ in seen)
    assert ("POST", "/v2/shards", "xet") in seen
    assert not any(entry["method"] == "PUT" for entry in journal), "nothing goes by LFS"
    assert not any(entry["credential"] == "xet" for entry in journal if entry["origin"] != "cas")
    listed = tree(hub)
    assert {name: listed[name][0] for name in contents} == {
        name: hashlib.sha256(content).hexdigest() for name, content in contents.items()
    }
    assert all(len(xet_hash) == 64 for _, xet_hash in listed.values())


def test_snapshot_by_xet(hub, uploaded, client, tmp_path):
    contents, _ = uploaded
    before = len(hub.journal())
    folder = client("snapshot", repo_id=REPO, cache_dir=tmp_path)
    assert content_of(folder, contents) == contents
    journal = hub.journal()[before:]
    assert {credential for _, _, credential in calls(journal, "cas")} == {"xet"}
    downloads = calls(journal, "cdn")
    assert downloads and {credential for _, _, credential in downloads} == {"none"}
    assert all(path.startswith("/xorbs/default/") for _, path, _ in downloads)


def test_file_by_xet(hub, uploaded, client, tmp_path):
    contents, _ = uploaded
    before = len(hub.journal())
    path = client("download", repo_id=REPO, filename="weights/floats.safetensors", cache_dir=tmp_path)
    assert open(path, "rb").read() == contents["weights/floats.safetensors"]
    assert [call for call in calls(hub.journal()[before:], "cas") if "reconstructions" in call[1]]


def test_what_came_by_xet_goes_by_plain_http(hub, uploaded, client, tmp_path):
    contents, _ = uploaded
    before = len(hub.journal())
    folder = client("snapshot", xet=False, repo_id=REPO, cache_dir=tmp_path)
    assert content_of(folder, contents) == contents
    assert not calls(hub.journal()[before:], "cas")


def test_what_came_by_lfs_goes_by_xet(hub, client, tmp_path):
    content = random.Random(8).randbytes(5 * MEBIBYTE + 1)
    (tmp_path / "lfs.bin").write_bytes(content)
    hub.create("sandbox/lfs")
    client("upload_file", xet=False, path_or_fileobj=tmp_path / "lfs.bin", path_in_repo="lfs.bin", repo_id="sandbox/lfs")
    before = len(hub.journal())
    path = client("download", repo_id="sandbox/lfs", filename="lfs.bin", cache_dir=tmp_path / "cache")
    assert open(path, "rb").read() == content
    assert all(path.endswith("/xorb") for _, path, _ in calls(hub.journal()[before:], "cdn"))
    path = client("download", repo_id="gpt2", filename="model.safetensors", cache_dir=tmp_path / "cache")
    assert os.path.getsize(path) == 262144


def test_a_changed_file_uploads_what_changed(hub, uploaded, client, tmp_path):
    contents, _ = uploaded
    noise = contents["noise.bin"]
    changed = noise[:MEBIBYTE] + b"changed" + noise[MEBIBYTE:]
    (tmp_path / "changed.bin").write_bytes(changed)
    before = len(hub.journal())
    client("upload_file", path_or_fileobj=tmp_path / "changed.bin", path_in_repo="changed.bin", repo_id=REPO)
    journal = hub.journal()[before:]
    sent = sum(entry["bodyLength"] for entry in journal if "/v1/xorbs/" in entry["target"])
    assert 0 < sent < MEBIBYTE, "most of it was there before"
    # Its parts of the first xorb lie apart.
    path = client("download", repo_id=REPO, filename="changed.bin", cache_dir=tmp_path / "cache")
    assert open(path, "rb").read() == changed
    path = client("download", xet=False, repo_id=REPO, filename="changed.bin", cache_dir=tmp_path / "plain")
    assert open(path, "rb").read() == changed


def test_the_same_again_uploads_nothing(hub, uploaded, client, tmp_path):
    contents, _ = uploaded
    (tmp_path / "copy.bin").write_bytes(contents["noise.bin"])
    hub.create("sandbox/copy")
    before = len(hub.journal())
    client("upload_file", path_or_fileobj=tmp_path / "copy.bin", path_in_repo="copy.bin", repo_id="sandbox/copy")
    assert not any("/v1/xorbs/" in entry["target"] for entry in hub.journal()[before:])
    path = client("download", repo_id="sandbox/copy", filename="copy.bin", cache_dir=tmp_path / "cache")
    assert open(path, "rb").read() == contents["noise.bin"]


def test_upload_by_grants(hub, client, tmp_path):
    """A store may give the client an address of its CDN for a xorb, in the place of taking it itself."""
    content = random.Random(9).randbytes(2 * MEBIBYTE)
    (tmp_path / "granted.bin").write_bytes(content)
    hub.create("sandbox/granted")
    before = len(hub.journal())
    hub.grant_xorbs(True)
    try:
        client(
            "upload_file", path_or_fileobj=tmp_path / "granted.bin", path_in_repo="granted.bin",
            repo_id="sandbox/granted",
        )
    finally:
        hub.grant_xorbs(False)
    journal = hub.journal()[before:]
    (put,) = [entry for entry in journal if entry["method"] == "PUT"]
    assert (put["origin"], put["credential"], put["status"]) == ("cdn", "none", 200)
    assert put["bodyLength"] > len(content)
    seen = calls(journal, "cas")
    assert not any(path.startswith("/v1/xorbs/") for _, path, _ in seen)
    assert any(path.startswith("/v1/xorb-commits/") for _, path, _ in seen)
    path = client("download", repo_id="sandbox/granted", filename="granted.bin", cache_dir=tmp_path / "cache")
    assert open(path, "rb").read() == content


def test_tokens(hub, uploaded):
    """Each place takes its own token and no other, and the journal says which came."""
    grant = hub.get(f"/api/models/{REPO}/xet-read-token/main", token=None)
    assert grant["casUrl"] not in (hub.origin, hub.cdn)
    asked = f"{grant['casUrl']}/v2/reconstructions/{tree(hub)['noise.bin'][1]}"
    before = len(hub.journal())
    assert refused_with(hub, asked) == 401
    assert refused_with(hub, asked, "hf_sandbox") == 401
    assert refused_with(hub, asked, grant["accessToken"][:-1] + "-") == 401
    assert refused_with(hub, f"{grant['casUrl']}/v1/shards", grant["accessToken"], "POST", b"") == 403
    assert refused_with(hub, f"{hub.origin}/api/whoami-v2", grant["accessToken"]) == 401
    assert [entry["credential"] for entry in hub.journal()[before:]] == ["none", "sandbox", "unknown", "xet", "xet"]
    # A token is good for its own repository.
    other = hub.get("/api/models/other/shared/xet-read-token/main")
    assert refused_with(hub, asked, other["accessToken"]) == 404
    assert refused_with(hub, f"{hub.origin}/api/models/other/shared/xet-write-token/main", "hf_sandbox") == 403
    assert refused_with(hub, f"{hub.origin}/api/models/other/secret/xet-read-token/main", "hf_sandbox") == 404
    assert refused_with(hub, f"{hub.origin}/api/models/{REPO}/xet-write-token/main") == 401
    assert refused_with(hub, f"{hub.origin}/api/models/{REPO}/xet-read-token/none", "hf_sandbox") == 404


def test_xorb_urls(hub, uploaded):
    """Good for the ranges that they were made for, without a token."""
    grant = hub.get(f"/api/models/{REPO}/xet-read-token/main")
    for version, key in ((2, "xorbs"), (1, "fetch_info")):
        plan = hub.get(f"{grant['casUrl']}/v{version}/reconstructions/{tree(hub)['noise.bin'][1]}", token=grant["accessToken"])
        (fetches,) = plan[key].values()
        url = fetches[0]["url"]
        end = fetches[0]["ranges"][0]["bytes"]["end"] if version == 2 else fetches[0]["url_range"]["end"]
        start = fetches[0]["ranges"][0]["bytes"]["start"] if version == 2 else fetches[0]["url_range"]["start"]
        request = urllib.request.Request(url, headers={"Range": f"bytes={start}-{end}"})
        with urllib.request.urlopen(request, context=hub.context, timeout=10) as answer:
            assert (answer.status, len(answer.read())) == (206, end - start + 1)
        assert refused_with(hub, url) == 403
        assert refused_with(hub, url, Range=f"bytes={start}-{end + 1}") == 403
        assert refused_with(hub, url, grant["accessToken"], Range=f"bytes={start}-{end}") == 400
