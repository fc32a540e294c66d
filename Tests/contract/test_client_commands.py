"""The command `hf` of each real client through the gateway."""

import json
import re
import subprocess

import pytest

from clients import MEBIBYTE, SECONDS, digest, noise
from gate import ROOT


@pytest.fixture
def repos(client):
    """What the commands on repositories begin with."""
    return "repo" if client.is_old else "repos"


def test_whoami(client):
    before = len(client.contacts)
    assert "sandbox" in client.hf("auth whoami", HF_TOKEN="hf_anything").stdout
    assert len(client.contacts) > before, "the command line is watched too"


def test_folder_up_and_down(client, name, repos, writes, tmp_path):
    client.hf(f"{repos} create", name)
    assert writes() == [("POST", "/api/repos/create")]
    (tmp_path / "in/deep").mkdir(parents=True)
    (tmp_path / "in/deep/a.txt").write_text("text")
    done = client.hf("upload", name, tmp_path / "in", ".")
    assert client.gate.origin in done.stdout
    assert sum("/commit/" in target for _, target in writes()) == 1
    client.hf("download", name, "--local-dir", tmp_path / "out")
    assert (tmp_path / "out/deep/a.txt").read_text() == "text"


@pytest.mark.large_files
def test_large_file_down(client, tmp_path):
    client.hf("download", "sandbox/demo", "model.safetensors", "--local-dir", tmp_path)
    content = (tmp_path / "model.safetensors").read_bytes()
    assert digest(content) == client("metadata", "sandbox/demo", "model.safetensors")["etag"]


@pytest.mark.large_files
def test_folder_of_large_files_up(client, repo, writes, tmp_path):
    (tmp_path / "in").mkdir()
    contents = {"a.bin": noise(11 * MEBIBYTE), "b.bin": noise(100), "c.txt": b"text"}
    for name, content in contents.items():
        (tmp_path / "in" / name).write_bytes(content)
    writes()
    client.hf("upload", repo, tmp_path / "in", ".")
    assert sum("/commit/" in target for _, target in writes()) == 1
    client.hf("download", repo, "--local-dir", tmp_path / "out")
    assert {name: (tmp_path / "out" / name).read_bytes() for name in contents} == contents


def test_tags(client, repo, repos, writes):
    client.hf(f"{repos} tag create", repo, "v1")
    assert writes()[-1:] == [("POST", f"/api/models/{repo}/tag/main")]
    assert "v1" in client.hf(f"{repos} tag list", repo).stdout
    client.hf(f"{repos} tag delete", repo, "v1", "--yes")
    assert writes() == [("DELETE", f"/api/models/{repo}/tag/v1")]


def test_files_deleted(client, repo):
    client("upload_texts", repo, {"a.txt": "a", "b.txt": "b"})
    client.hf("repo-files delete" if client.is_old else "repos delete-files", repo, "a.txt")
    assert client("files", repo) == [".gitattributes", "b.txt"]


def test_what_is_missing(client):
    missing = client.hf("download", "sandbox/no", check=False)
    assert missing.returncode != 0
    assert "sandbox/no" in missing.stdout + missing.stderr


def test_commands_since_1(client, name, writes, tmp_path):
    if client.is_old:
        pytest.skip("this client does not have them")
    client.hf("repos create", name, "--exist-ok")
    client.hf("repos create", name, "--exist-ok")
    writes()
    client.hf("repos settings", name, "--private")
    client.hf("repos branch create", name, "dev")
    made = client.hf("discussions create", name, "--title", "Question", "--body", "Why?", "--json")
    assert json.loads(made.stdout)["url"] == f"{client.gate.origin}/{name}/discussions/1"
    client.hf("discussions comment", name, "1", "--body", "Because.")
    base = f"/api/models/{name}"
    assert writes() == [
        ("PUT", f"{base}/settings"), ("POST", f"{base}/branch/dev"), ("POST", f"{base}/discussions"),
        ("POST", f"{base}/discussions/1/comment"),
    ]
    assert "Question" in client.hf("discussions list", name).stdout
    client.hf("repos branch delete", name, "dev")
    moved = name.replace("sandbox/", "acme/")
    client.hf("repos move", name, moved)
    client.hf("cp", f"hf://{moved}/.gitattributes", tmp_path / "copy")
    assert (tmp_path / "copy").read_text()
    assert moved in client.hf("models list", "--author", "acme", "--quiet").stdout
    assert moved in client.hf("models info", moved).stdout
    writes()
    client.hf("repos delete", moved, "--yes")
    assert writes() == [("DELETE", "/api/repos/delete")]


def test_pull_request(client, repo):
    if client.is_old:
        pytest.skip("this client does not have these commands")
    client("upload", repo, "new.txt", "new", None, None, True)
    client.hf("discussions merge", repo, "1", "--yes")
    assert client("files", repo) == [".gitattributes", "new.txt"]


def test_space(client, writes):
    if client.is_old:
        pytest.skip("this client does not have these commands")
    name = "sandbox/typed-room"
    client.hf("repos create", name, "--type", "space", "--space-sdk", "static")
    try:
        writes()
        client.hf("spaces secrets add", name, "-s", "KEY=value")
        client.hf("spaces variables add", name, "-e", "MODE=fast")
        path = f"/api/spaces/{name}"
        assert writes() == [("POST", f"{path}/secrets"), ("POST", f"{path}/variables")]
        assert "MODE" in client.hf("spaces variables list", name).stdout
        assert "KEY" in client.hf("spaces secrets list", name).stdout
    finally:
        client("delete", name, "space")


@pytest.mark.parametrize(("document", "heading"), [("README.md", "First use with hf"), ("docs/use.md", "hf")])
def test_the_documented_commands_work_as_they_are_written(client, document, heading, tmp_path):
    """But for the port, in a folder with certs/."""
    if client.is_old:
        pytest.skip("this client has other commands")
    section = (ROOT / document).read_text().partition(f"\n## {heading}\n")[2]
    commands = re.search(r"```sh\n(.*?)```", section, re.DOTALL)[1]
    assert commands.count("\nhf ") > 3
    (tmp_path / "certs").symlink_to(client.gate.certificates.directory)
    said = ("HF_ENDPOINT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "HF_HUB_DISABLE_XET")
    environment = {name: value for name, value in client.environment.items() if name not in said}
    environment["PATH"] = f"{client.python.parent}:{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-ec", commands.replace("https://localhost:8080", client.gate.origin)], cwd=tmp_path,
        env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=2 * SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
