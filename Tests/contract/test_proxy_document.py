"""The commands of docs/behind-a-corporate-proxy.md, as they are written."""

import re
import subprocess

import pytest

from fakehub import FakeHub, http
from gate import BINARY, ROOT, Certificates, clean_environment, make_workspace
from proxy import ConnectProxy
from test_documents import BLOCK

DOCUMENT = "docs/behind-a-corporate-proxy.md"
# What needs an engine or a cluster.
ELSEWHERE = ("docker ", "kubectl ")


def blocks():
    """Commands, and what is shown right behind them, if anything is."""
    found = [match.groups() + (match.start(), match.end()) for match in BLOCK.finditer((ROOT / DOCUMENT).read_text())]
    for (language, text, _, end), (following, shown, start, _) in zip(found, [*found[1:], ("sh", "", -1, -1)]):
        if language == "sh":
            yield text, shown if following == "" and start == end + 1 else None


@pytest.fixture
def workspace(tmp_path, certificates):
    workspace = make_workspace(tmp_path / "workspace")
    (workspace / "certs").symlink_to(certificates.directory)
    (workspace / "corporate-ca.pem").write_text(certificates.authority.read_text())
    (workspace / "bin").mkdir()
    (workspace / "bin/hubgate").symlink_to(BINARY)
    return workspace


def test_the_commands_with_hubgate_do_what_is_shown(workspace):
    shown = [(text, said) for text, said in blocks() if "hubgate -" in text and not text.startswith(ELSEWHERE)]
    assert len(shown) == 4 and all(said for _, said in shown)
    for text, said in shown:
        environment = clean_environment(workspace)
        environment["PATH"] = f"{workspace / 'bin'}:{environment['PATH']}"
        done = subprocess.run(
            ["bash", "-ec", text], cwd=workspace, env=environment, capture_output=True, text=True, timeout=30)
        assert (done.returncode, done.stdout) == (0, said), (text, done.stderr)


def test_the_commands_with_curl_reach_the_hub_through_the_proxy(start, tmp_path, certificates):
    subprocess.run(
        [ROOT / "config/make-certs.sh", "--out", tmp_path / "far", "huggingface.co"], check=True, capture_output=True)
    far = Certificates(tmp_path / "far")
    hub, proxy = FakeHub(certificates=far), ConnectProxy()
    proxy.answer = lambda _, plain: proxy.tunnel(plain, hub.port)
    hub.on("/api/models/openai-community/gpt2", lambda *_: http(200, b'{"id":"openai-community/gpt2"}'))
    gate = start("--upstream-proxy", proxy.url, "--ca-file", str(far.authority), sandbox=False, HF_TOKEN="hf_x")
    commands = [text for text, _ in blocks() if text.startswith("curl ")]
    assert len(commands) == 2
    for command in commands:
        command = command.replace("https://localhost:8080", gate.origin).replace("certs/ca.pem", str(certificates.authority))
        command = re.sub(r"proxy\.example\.org:\d+", proxy.address, command)
        environment = clean_environment(tmp_path, **({} if gate.origin in command else {"CURL_CA_BUNDLE": str(far.authority)}))
        done = subprocess.run(["bash", "-ec", command], env=environment, capture_output=True, text=True, timeout=30)
        assert "openai-community/gpt2" in done.stdout, (command, done.stderr)
    assert proxy.authorities == ["huggingface.co:443"] * 2
    hub.close(), proxy.close()
