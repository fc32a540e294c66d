"""docs/keys.md, "Give a team a key": its lines are run as they are written, but for the gateway's name and the key."""

import json
import os
import re
import signal
import stat
import subprocess
import time

import pytest

from clients import SERIES
from fakehub import http
from gate import BINARY, ROOT, clean_environment
from git_hub import HubOfGit
from waiting import wait_until

COMMIT = "c" * 40


def blocks():
    section = (ROOT / "docs/keys.md").read_text().partition("## Ten lines")[2].partition("\n## ")[0]
    return [block.strip().splitlines() for block in re.findall(r"```sh\n(.*?)```", section, re.DOTALL)]


@pytest.fixture
def hub(hub, tmp_path):
    """One that has acme/model for git and for hf."""
    HubOfGit(hub, hub, tmp_path)
    described = {"id": "acme/model", "sha": COMMIT, "private": True, "siblings": [{"rfilename": "config.json"}]}
    tree = [{"type": "file", "path": "config.json", "size": 2, "oid": "0" * 40}]
    for revision in ("main", COMMIT):
        hub.on(f"/api/models/acme/model/revision/{revision}", lambda *_: http(200, json.dumps(described).encode(), b"Content-Type: application/json"))
        hub.on(f"/api/models/acme/model/tree/{revision}", lambda *_: http(200, json.dumps(tree).encode(), b"Content-Type: application/json"))

    def file(arrived, _):
        whole = http(200, b"{}", b'ETag: "0123"', b"X-Repo-Commit: " + COMMIT.encode(), b"Accept-Ranges: bytes")
        return whole.removesuffix(b"{}") if arrived.method == "HEAD" else whole

    hub.on(f"/acme/model/resolve/{COMMIT}/config.json", file)
    hub.on("/acme/model/resolve/main/config.json", file)
    return hub


def test_the_ten_lines_of_the_document_work_as_written(hub, certificates, tmp_path):
    operators, teams = blocks()
    assert len(operators) + len(teams) <= 10
    place, team = tmp_path / "gateway", tmp_path / "team"
    (place / "config").mkdir(parents=True)
    (place / "config/hubgate.yaml").write_text("# nothing\n")
    (place / "bin").mkdir()
    (place / "bin/hubgate").symlink_to(BINARY)
    team.mkdir()
    path = f"{place}/bin:{os.environ['PATH']}"
    settings = {**certificates.settings, "HUBGATE_UPSTREAM": hub.url, "HUBGATE_LISTEN": "127.0.0.1:0", "HF_TOKEN": "hf_of_the_gate"}
    environment = {**clean_environment(place, **settings), "PATH": path}
    done = subprocess.run(["bash", "-ec", "\n".join(operators[:-1])], cwd=place, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for name in ("admin.env", "ml-team.key"):
        assert stat.S_IMODE((place / name).stat().st_mode) == 0o600, name
    shown = (place / "admin.env").read_text()
    again = subprocess.run(["bash", "-c", "\n".join(operators[:2])], cwd=place, env=environment, capture_output=True, text=True, timeout=60)
    assert again.returncode != 0 and (place / "admin.env").read_text() == shown
    key = (place / "ml-team.key").read_text().strip()
    assert "ml-team" in done.stdout and key not in done.stdout and "export HF_TOKEN=hg_" in (place / "admin.env").read_text()
    with open(place / "errors", "wb") as errors:
        gate = subprocess.Popen(["bash", "-c", f"export {operators[-1].removesuffix(' hubgate')}; exec hubgate"], cwd=place, env=environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors)  # fmt: skip
    try:
        listening = re.compile(r"Listening on https://localhost:(\d+)")
        port = wait_until(lambda: listening.search((place / "errors").read_text()), 15)[1]
        script = "\n".join(teams).replace("gate.example:8080", f"localhost:{port}").replace("hg_...", key)
        script = script.replace("/path/to/ca.pem", str(certificates.authority))
        theirs = clean_environment(team, HF_HUB_DISABLE_UPDATE_CHECK="1", GIT_TERMINAL_PROMPT="0")
        theirs["PATH"] = f"{SERIES[0].program('hf').parent}:{os.environ['PATH']}"
        done = subprocess.run(["bash", "-ec", script], cwd=team, env=theirs, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        assert (team / "model/.git").is_dir() and list(team.rglob("config.json"))
        asked = [arrived for arrived in hub.requests if "acme" in arrived.target]
        assert asked and {arrived["Authorization"] for arrived in asked} == {"Bearer hf_of_the_gate"}
    finally:
        gate.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 15
        while gate.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        gate.kill()
    assert gate.returncode == 0
