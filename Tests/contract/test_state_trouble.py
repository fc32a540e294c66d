"""The database cannot be written while the gateway runs: its disk is full, or was made read-only. Keys that are known go on, changes of keys fail with a
sentence, a login is 503, and all recovers by itself."""

import json
import os
import resource
import signal
import subprocess
import time

import pytest

from fakehub import http
from keys import Keys
from policy import JSON, request
from descendants import children, is_running, state_process_of
from test_metrics import Page
from waiting import wait_until

CLOSE = b"Connection: close"


@pytest.fixture
def hub(hub):
    hub.otherwise = lambda *_: http(200, b"{}", JSON)
    return hub


@pytest.fixture
def disk(tmp_path, mount):
    return mount(tmp_path / "disk", "size=4m,mode=0755")


@pytest.fixture
def elsewhere(tmp_path, disk):
    """Keys whose state is on that disk."""
    workspace = tmp_path / "operator"
    workspace.mkdir(exist_ok=True)
    return Keys(workspace, disk / "state")


def read(gate, key):
    return gate.ask(request(key, "GET", "/api/models/acme/m", b"", CLOSE)).status


def write(gate, key):
    return gate.ask(request(key, "POST", "/api/models/acme/m/branch/dev", b"", CLOSE))


def login(gate):
    body = b"client_id=x"
    lines = [b"POST /oauth/device HTTP/1.1", b"Host: localhost", CLOSE, b"Content-Type: application/x-www-form-urlencoded", b"Content-Length: %d" % len(body)]
    return gate.ask(b"\r\n".join(lines) + b"\r\n\r\n" + body)


def until(condition, seconds):
    """An address may ask for 20 logins a minute."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(1)
    return True


def is_refused(answer):
    return answer.status == 503 and answer.json["error"] == "temporarily_unavailable" and int(answer["Retry-After"]) > 0


def said(gate, words):
    return [message for message in gate.messages if words in message]


def fill(disk):
    with open(disk / "filler", "ab", buffering=0) as filler:
        for size in (65536, 4096, 1):
            try:
                while True:
                    filler.write(bytes(size))
            except OSError:
                pass
    return lambda: os.unlink(disk / "filler")


def test_on_a_full_disk_known_keys_go_on_changes_fail_and_logins_are_503(start_before, hub, elsewhere, disk, tmp_path):
    keys = elsewhere
    key = keys.create("ml", "--role", "admin")
    audit = tmp_path / "audit"
    gate = start_before(
        hub, "--access", "keys", "--workers", "2", "--state-dir", str(keys.state), "--audit-dir", str(audit), "--login-role", "reader")
    assert login(gate).status == 200 and read(gate, key) == 200
    make_room = fill(disk)
    assert until(lambda: is_refused(login(gate)), 20)
    # A log that goes away with the connection leaves room, which is taken.
    assert until(lambda: fill(disk) and is_refused(login(gate)) and Page(gate)("state_up") == 0, 10)
    for _ in range(4):
        assert read(gate, key) == 200
    # The audit is on another disk, so changes at the Hub have their line, and go on.
    assert write(gate, key).status == 200
    done = keys.run("keys", "create", "other", "--role", "reader", check=False)
    assert done.returncode != 0 and "cannot grow" in done.stderr and "hg_" not in done.stdout, (done.returncode, done.stderr, done.stdout)
    fill(disk)
    count = len(said(gate, "The state cannot be used"))
    time.sleep(3)
    assert Page(gate)("state_up") == 0 and len(said(gate, "The state cannot be used")) == count, "it is tried each second, and said once"
    make_room()
    assert wait_until(lambda: Page(gate)("state_up") == 1, 10)
    assert until(lambda: login(gate).status == 200, 10)
    other = keys.create("other", "--role", "reader")
    assert wait_until(lambda: read(gate, other) == 200, 5)
    assert said(gate, "The state can be used again")


def test_where_files_may_not_grow_it_is_the_same(start_with_keys, hub, keys):
    key = keys.create("ml", "--role", "admin")
    gate = start_with_keys("--login-role", "reader", "--audit-dir", str(keys.workspace / "audit"), workers=1)
    assert login(gate).status == 200
    pid = state_process_of(gate, keys)
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (keys.database.with_name("hubgate.db-wal").stat().st_size, before[1]))
    assert until(lambda: is_refused(login(gate)), 20)
    assert read(gate, key) == 200
    assert is_running(pid) and pid in children(gate), "it does not die of it"
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
    assert until(lambda: login(gate).status == 200, 10)


def test_on_a_disk_that_becomes_read_only_known_keys_go_on_changes_fail_and_logins_are_503(start_before, hub, elsewhere, disk):
    keys = elsewhere
    key = keys.create("ml", "--role", "admin")
    gate = start_before(hub, "--access", "keys", "--workers", "2", "--state-dir", str(keys.state), "--login-role", "reader")
    assert login(gate).status == 200 and read(gate, key) == 200

    def remount(mode):
        return subprocess.run(["mount", "-o", f"remount,{mode},size=4m,mode=0755", disk], capture_output=True).returncode == 0

    def made_read_only():
        # The kernel refuses as long as a file is open to be written: so each that opens one is ended.
        os.kill(state_process_of(gate, keys), signal.SIGKILL)
        return wait_until(lambda: remount("ro"), 0.1)

    deadline = time.monotonic() + 30
    while not made_read_only():
        assert time.monotonic() < deadline
    try:
        assert wait_until(lambda: said(gate, "The state cannot be used"), 20)
        assert Page(gate)("state_up") == 0
        for _ in range(4):
            assert read(gate, key) == 200
        assert is_refused(login(gate))
        answer = write(gate, key)
        assert (answer.status, answer["X-Error-Code"]) == (503, "AuditUnavailable")
        done = keys.run("keys", "revoke", "ml", check=False)
        assert done.returncode != 0 and "cannot be" in done.stderr, done.stderr
        assert read(gate, key) == 200
    finally:
        assert remount("rw")
    assert wait_until(lambda: Page(gate)("state_up") == 1, 10)
    assert until(lambda: login(gate).status == 200, 10)
    assert wait_until(lambda: write(gate, key).status == 200, 10)
    keys.revoke("ml")
    assert wait_until(lambda: read(gate, key) == 401, 5)
    assert json.loads(keys.run("keys", "list", "--json").stdout) == []
