"""The key of signed URLs where no Hub token gives one: its file, and the one that state_dir keeps."""

import json
import os
import stat

import pytest

from fakehub import http
from gate import run

BATCH = "/u/r.git/info/lfs/objects/batch"


@pytest.fixture
def start_passthrough(start_before, hub):
    batch = json.dumps({"objects": [{"actions": {"download": {"href": "https://cdn-lfs.hf.co/x?sig=1"}}}]}).encode()
    hub.on(BATCH, lambda *_: http(200, batch, b"Content-Type: application/vnd.git-lfs+json"))
    return lambda *flags: start_before(hub, "--access", "passthrough", *flags, HF_TOKEN="")


def signed_by(gate):
    answer = gate.curl(BATCH, "--data", "{}").stdout.partition(b"\r\n\r\n")[2]
    return json.loads(answer)["objects"][0]["actions"]["download"]["href"].removeprefix(gate.origin)


def takes(gate, signed):
    """405: the signature is good, and is looked at before the store is asked, whom no client reaches from here."""
    answer = gate.curl(signed, "-X", "PUT").stdout
    assert answer.startswith((b"HTTP/1.1 405", b"HTTP/1.1 403")), answer
    return answer.startswith(b"HTTP/1.1 405")


def test_gateways_with_one_signing_key_take_each_others_urls_and_no_others(start_passthrough, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).write_text(f"{name:x<40}\n")
        (tmp_path / name).chmod(0o600)
    one, same, other = (start_passthrough("--signing-key-file", tmp_path / name) for name in ("one", "one", "two"))
    signed = signed_by(one)
    assert takes(one, signed) and takes(same, signed) and not takes(other, signed)


def test_in_passthrough_signed_urls_outlive_a_restart_where_there_is_a_state_directory(start_passthrough, tmp_path):
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    first = start_passthrough("--state-dir", state)
    signed = signed_by(first)
    first.stop()
    key = state / "signing.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600 and len(key.read_bytes().strip()) >= 32
    assert [path.name for path in state.iterdir()] == ["signing.key"]
    again = start_passthrough("--state-dir", state, "--workers", "2")
    for _ in range(4):
        assert takes(again, signed)


def test_without_a_state_directory_they_end_with_the_process(start_passthrough, tmp_path):
    first = start_passthrough("--state-dir", tmp_path / "nowhere")
    signed = signed_by(first)
    assert takes(first, signed)
    assert not takes(start_passthrough("--state-dir", tmp_path / "nowhere"), signed)


@pytest.mark.parametrize("content, words", [
    (None, "there is no file"), (b"short\n", "32 or more are needed"), (b"", "is empty"), (b"with blanks in it " * 4, "position"),
])  # fmt: skip
def test_a_signing_key_file_that_is_no_key_is_told_at_the_start(certificates, tmp_path, content, words):
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    done = run(tmp_path, "--check", "--signing-key-file", path, **certificates.settings)
    assert done.returncode == 78, done.stderr
    assert "signing_key_file" in done.stderr and os.fspath(path) in done.stderr and words in done.stderr
