"""Access by keys: which clients are let in, what a change of a key does to a running gateway, and what no client is told."""

import base64
import json
import os
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from fakehub import http
from gate import BINARY, Gate, IS_SANITIZED, clean_environment, run
from keys import Keys
from descendants import children, state_process_of
from test_metrics import Page
from test_workers import of_each
from waiting import wait_until

WITHIN = 1.0  # seconds in which a change is in force on every worker
PATH = "/api/models/acme/m"


def ask(gate, key=None, path=PATH, scheme="Bearer", method="GET"):
    word = base64.b64encode(f"user:{key}".encode()).decode() if scheme == "Basic" else key
    credential = f"Authorization: {scheme} {word}\r\n" if key else ""
    return gate.ask(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{credential}Connection: close\r\n\r\n".encode())


def code_of(answer):
    assert answer.status == 401
    return json.loads(answer.body)["code"]


def on_both(gate, key, wanted):
    """Whether each of two workers answers so; asks until both have been met."""
    def look():
        answer = ask(gate, key)
        assert (answer.status if isinstance(wanted, int) else code_of(answer)) == wanted, answer.body
        return answer

    return of_each(look)


def settles(gate, key, wanted, seconds=10):
    """Waits until both workers answer so, several times; gives how long that took."""
    began = time.monotonic()
    deadline = began + seconds
    in_a_row = 0
    first = None
    while in_a_row < 12:
        answer = ask(gate, key)
        got = answer.status if isinstance(wanted, int) else json.loads(answer.body).get("code")
        first = first or time.monotonic() if got == wanted else None
        in_a_row = in_a_row + 1 if got == wanted else 0
        assert time.monotonic() < deadline, f"still {got} after {seconds} s, not {wanted}"
    return first - began


@pytest.fixture
def hub(hub):
    hub.on(PATH, lambda *_: http(200, b'{"id":"acme/m"}', b"Content-Type: application/json"))
    hub.on("/api/whoami-v2", lambda *_: http(200, b'{"name":"somebody","type":"user"}', b"Content-Type: application/json"))
    return hub


# Who is let in


def test_a_key_is_taken_as_bearer_and_as_basic_and_goes_nowhere(start_with_keys, keys, hub):
    key = keys.create("ml")
    gate = start_with_keys()
    for scheme in ("Bearer", "Basic"):
        assert ask(gate, key, scheme=scheme).status == 200
    for request in hub.seen(PATH):
        assert request["Authorization"] == "Bearer hf_of_the_gate"
        assert key.encode() not in request.head and key[3:13].encode() not in request.head
    text = gate.errors + gate.log_path.read_text()
    assert key not in text and key[14:] not in text


def test_what_is_no_good_key_is_refused_each_in_its_own_words_and_asks_the_hub_nothing(start_with_keys, keys, hub):
    good = keys.create("good")
    expired = keys.create("expired", "--role", "reader", "--expires", "1s")
    revoked = keys.create("revoked")
    keys.revoke("revoked")
    gate = start_with_keys()
    time.sleep(1.1)
    cases = {
        None: "KeyMissing", "hf_abc": "KeyForeign", "x" + good: "KeyForeign", good[:-1]: "KeyMistyped", good + "0": "KeyMistyped",
        good[:20] + ("x" if good[20] != "x" else "y") + good[21:]: "KeyMistyped", expired: "KeyExpired", revoked: "KeyRevoked",
    }  # fmt: skip
    cases[Keys(keys.workspace, keys.workspace / "other").create("stranger")] = "KeyUnknown"
    for key, code in cases.items():
        for path in (PATH, "/api/account", "/v1/models", "/acme/m/resolve/main/x", "/acme/m.git/info/refs?service=git-upload-pack"):
            answer = ask(gate, key, path)
            assert code_of(answer) == code, (key, path)
            assert answer["X-Error-Message"] == "Invalid credentials in Authorization header"
            assert answer["X-Error-Code"] == code
            assert {value.split()[0] for value in answer.all("WWW-Authenticate")} == {"Bearer", "Basic"}
            if key:
                assert key.encode() not in answer.body
    assert not hub.seen(PATH)
    page = Page(gate)
    assert page("key_refusals_total", reason="mistyped") > 0
    assert page("keys") == 2 and page("state_up") == 1


def test_health_and_the_home_page_need_no_key_and_name_no_account(start_with_keys, keys):
    keys.create("ml")
    gate = start_with_keys()
    for path in ("/-/health", "/-/ready", "/-/metrics", "/"):
        answer = ask(gate, path=path)
        assert answer.status == 200 and b"somebody" not in answer.body, path
    assert b"HF_TOKEN=hg_" in ask(gate, path="/").body


def test_a_key_acts_with_its_credential_and_a_reload_brings_new_ones(start_with_keys, keys, hub, tmp_path):
    directory = tmp_path / "credentials"
    directory.mkdir()
    (directory / "acme").write_text("hf_of_acme\n")
    own, acme, absent = keys.create("own"), keys.create("acme", "--role", "reader", "--as", "acme"), keys.create("b", "--role", "reader", "--as", "later")
    gate = start_with_keys("--credentials-dir", str(directory))
    assert ask(gate, own).status == ask(gate, acme).status == 200
    assert [request["Authorization"] for request in hub.seen(PATH)] == ["Bearer hf_of_the_gate", "Bearer hf_of_acme"]
    assert ask(gate, absent).status == 503
    (directory / "later").write_text("hf_of_later")
    gate.signal(signal.SIGHUP)
    settles(gate, absent, 200)
    assert hub.seen(PATH)[-1]["Authorization"] == "Bearer hf_of_later"
    assert any("credentials_dir" in message for message in gate.messages)
    assert "hf_of" not in gate.errors


def test_the_account_is_asked_for_each_credential_and_never_crosses(start_before, hub, keys, tmp_path):
    hub.on("/api/whoami-v2", lambda request, *_: http(200, json.dumps({"name": request["Authorization"].split()[1]}).encode(), b"Content-Type: application/json"))
    directory = tmp_path / "credentials"
    directory.mkdir()
    (directory / "acme").write_text("hf_acme")
    own, acme = keys.create("own"), keys.create("acme", "--role", "reader", "--as", "acme")
    gate = start_before(hub, "--access", "keys", "--state-dir", str(keys.state), "--credentials-dir", str(directory), "--account-cache-ttl", "60s")
    for _ in range(2):
        assert json.loads(ask(gate, own, "/api/account").body)["name"] == "hf_of_the_gate"
        assert json.loads(ask(gate, acme, "/api/account").body)["name"] == "hf_acme"


# Changes


def test_each_change_is_in_force_on_both_workers_within_a_second_and_without_a_signal(start_with_keys, keys):
    first = keys.create("first")
    gate = start_with_keys()
    on_both(gate, first, 200)
    took = {}
    second = keys.create("second")
    took["create"] = settles(gate, second, 200)
    old, new = second, keys.rotate("second", "--grace", "1h")
    took["rotate"] = settles(gate, new, 200)
    on_both(gate, old, 200)
    newest = keys.rotate("second", "--grace", "0")
    settles(gate, newest, 200)
    on_both(gate, old, "KeyUnknown")
    on_both(gate, new, "KeyUnknown")
    keys.run("keys", "edit", "second", "--expires", "1s")
    took["expire"] = settles(gate, newest, "KeyExpired")
    keys.run("keys", "edit", "second", "--expires", "never")
    settles(gate, newest, 200)
    keys.revoke("second")
    took["revoke"] = settles(gate, newest, "KeyRevoked")
    on_both(gate, first, 200)
    # A slow machine may be late; ten times the promise is a fault of any.
    assert max(took.values()) < 10 * WITHIN, took


def test_a_grace_ends_by_itself(start_with_keys, keys):
    old = keys.create("ml")
    gate = start_with_keys(workers=1)
    new = keys.rotate("ml", "--grace", "2s")
    settles(gate, new, 200)
    settles(gate, old, "KeyUnknown")


def test_uses_are_counted_by_all_workers_together(start_with_keys, keys):
    key = keys.create("ml")
    gate = start_with_keys()
    for _ in range(20):
        assert ask(gate, key).status == 200
    assert wait_until(lambda: keys.show("ml")["uses"] == 20, 10), keys.show("ml")
    for _ in range(5):
        ask(gate, key)
    gate.stop()
    assert keys.show("ml")["uses"] == 25 and keys.show("ml")["last_used"]


# What dies


@pytest.mark.skipif(IS_SANITIZED, reason="its processes are looked into")
def test_a_state_process_that_is_killed_is_started_again_and_nobody_who_asks_notices(start_with_keys, keys):
    key = keys.create("ml")
    gate = start_with_keys()
    for round in range(3):
        os.kill(state_process_of(gate, keys), signal.SIGKILL)
        for _ in range(10):
            assert ask(gate, key).status == 200
        assert wait_until(lambda: sum("state process" in message for message in gate.messages) > round, 10)
        assert wait_until(lambda: len(children(gate)) == 3, 10)
        state_process_of(gate, keys)
        settles(gate, keys.create(f"after-{round}"), 200, seconds=15)
    assert wait_until(lambda: keys.show("ml")["uses"] == 30, 10)
    page = Page(gate)
    assert page("state_restarts_total") == 3


@pytest.mark.skipif(IS_SANITIZED, reason="its processes are looked into")
def test_a_worker_that_is_killed_comes_again_with_all_keys(start_with_keys, keys):
    key = keys.create("ml")
    gate = start_with_keys()
    state_process = state_process_of(gate, keys)
    for pid in children(gate):
        if pid != state_process:
            os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: len(children(gate)) == 3, 10)
    wait_until(lambda: sum("serves again" in message for message in gate.messages) == 2, 15)
    on_both(gate, key, 200)


def test_only_the_state_process_may_write_and_only_there(start_with_keys, keys):
    keys.create("ml")
    gate = start_with_keys()
    state_process = state_process_of(gate, keys)
    for pid in children(gate):
        status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
        if not IS_SANITIZED:
            assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1"
        opened = [os.path.realpath(entry.path) for entry in os.scandir(f"/proc/{pid}/fd")]
        assert (pid == state_process) == any(path.startswith(str(keys.state)) for path in opened)
    assert not any("Sandboxing" in message and "denied" in message for message in gate.messages)


# The database while the gateway runs


def test_a_damaged_database_leaves_known_keys_and_a_restored_one_is_taken_up(start_with_keys, keys, tmp_path):
    key = keys.create("ml")
    backup = tmp_path / "backup.db"
    keys.run("state", "backup", str(backup))
    gate = start_with_keys()
    on_both(gate, key, 200)
    garbage = keys.state / "garbage"
    garbage.write_bytes(b"no database" * 1000)
    garbage.rename(keys.database)
    assert wait_until(lambda: any("cannot be used" in message for message in gate.messages), 10)
    on_both(gate, key, 200)
    page = Page(gate)
    assert page("state_up") == 0
    done = keys.run("keys", "list", check=False)
    assert done.returncode == 65 and "damaged" in done.stderr
    for name in ("hubgate.db-wal", "hubgate.db-shm"):
        (keys.state / name).unlink(missing_ok=True)
    backup.rename(keys.database)
    assert wait_until(lambda: any("can be used again" in message for message in gate.messages), 10)
    later = keys.create("later")
    settles(gate, later, 200)
    on_both(gate, key, 200)


def test_keys_that_a_restored_backup_does_not_have_are_gone(start_with_keys, keys, tmp_path):
    kept = keys.create("kept")
    backup = tmp_path / "backup.db"
    keys.run("state", "backup", str(backup))
    lost = keys.create("lost")
    gate = start_with_keys()
    on_both(gate, lost, 200)
    for name in ("hubgate.db-wal", "hubgate.db-shm"):
        (keys.state / name).unlink(missing_ok=True)
    backup.rename(keys.database)
    settles(gate, lost, "KeyUnknown")
    on_both(gate, kept, 200)


# The start


def test_without_keys_it_says_how_to_make_one(start_with_keys, keys):
    gate = start_with_keys(workers=1)
    assert any("hubgate keys create" in message for message in gate.messages)
    settles(gate, keys.create("first"), 200)


@pytest.mark.parametrize(
    ("spoil", "code", "words"),
    [
        (lambda state: state.rmdir(), 78, "there is no directory"),
        (lambda state: state.chmod(0o777), 78, "chmod 700"),
        (lambda state: (state / "hubgate.db").write_bytes(b"garbage" * 1000), 69, "damaged"),
        (lambda state: (state / "hubgate.db").mkdir(), 69, "Is a directory"),
    ],
    ids=["absent", "open to others", "damaged", "a directory"],
)
def test_a_state_that_cannot_be_used_is_an_error_at_the_start(workspace, certificates, keys, spoil, code, words):
    spoil(keys.state)
    done = run(workspace, "--listen", "127.0.0.1:0", "--access", "keys", "--state-dir", str(keys.state), "--sandbox", **certificates.settings)
    assert done.returncode == code and words in done.stderr and "state_dir" in done.stderr, (done.returncode, done.stderr)


def test_a_database_of_a_newer_version_is_an_error_at_the_start(workspace, certificates, keys):
    keys.create("ml")
    with sqlite3.connect(keys.database) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    done = run(workspace, "--listen", "127.0.0.1:0", "--access", "keys", "--state-dir", str(keys.state), "--sandbox", **certificates.settings)
    assert done.returncode == 69 and "newer hubgate" in done.stderr
    assert keys.run("keys", "list", check=False).returncode == 65


def test_a_key_with_more_rules_than_a_message_holds_is_refused_and_stops_nobody(start_with_keys, keys):
    """hubgate bounds the rules that it writes; another program may have written these, while it runs or before."""
    good, large = keys.create("good"), keys.create("large")
    gate = start_with_keys()
    assert ask(gate, large).status == 200
    with sqlite3.connect(keys.database) as database:
        database.execute("UPDATE counters SET value = value + 1 WHERE name = 'change'")
        database.execute(
            "UPDATE keys SET allow = ?, change = (SELECT value FROM counters WHERE name = 'change') WHERE name = 'large'",
            ["read acme/*\n" * 10_000])
    database.close()
    settles(gate, large, "KeyRevoked")
    assert on_both(gate, good, 200)
    assert sum("more rules than a worker can be told" in message for message in gate.messages) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="needs two users")
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda state: os.chown(state, 1, 1), "belongs to the user with number 1,"),
        (lambda state: (state / "notes").touch(), "to belong to the user that hubgate runs as"),
    ],
    ids=["a third one's", "root's, with a file that is not the state's"],
)
def test_a_directory_of_another_user_is_an_error_that_says_whose_it_is(workspace, certificates, keys, spoil, words):
    """Of root's, only one in which nothing else is becomes the gateway's: test_hardening.py."""
    spoil(keys.state)
    for parent in keys.state.parents:
        if parent.stat().st_uid == 0 and str(parent).startswith("/tmp/"):
            parent.chmod(parent.stat().st_mode | 0o055)
    done = run(
        workspace, "--listen", "127.0.0.1:0", "--access", "keys", "--state-dir", str(keys.state), "--sandbox",
        **{**certificates.settings, "HUBGATE_USER": "nobody"})
    assert done.returncode == 69 and words in done.stderr, done.stderr


def test_a_reload_in_a_checkout_finds_the_same_state(workspace, certificates):
    keys = Keys(workspace, workspace / ".state")
    key = keys.create("ml")
    gate = Gate(workspace, certificates, "--sandbox", "--access", "keys")
    try:
        assert ask(gate, key, "/api/account").status == 200
        gate.signal(signal.SIGHUP)
        assert wait_until(lambda: any(message.startswith("Reloaded") for message in gate.messages), 10)
        assert not any("need a restart" in message for message in gate.messages), gate.messages
        gate.stop()
    finally:
        gate.kill()


# kill -9 at any moment


def test_a_command_that_is_killed_at_any_moment_leaves_a_good_database_and_whole_keys(keys):
    keys.create("first")
    for round in range(25):
        process = subprocess.Popen(
            [BINARY, "keys", "create", f"k{round}", "--role", "reader", "--state-dir", keys.state],
            cwd=keys.workspace, env=clean_environment(keys.workspace), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        time.sleep(0.002 * round)
        process.kill()
        said = process.communicate()[0].strip()
        found = {key["name"]: key for key in keys.list()}
        if said:
            # Every key that was shown to a client is there.
            assert found[f"k{round}"]["id"] == said[:13]
    assert "is good" in keys.run("state", "check").stdout


def test_a_gateway_that_is_killed_at_any_moment_leaves_a_good_database(start_with_keys, keys):
    key = keys.create("ml")
    for round in range(4):
        gate = start_with_keys()
        for _ in range(5):
            assert ask(gate, key).status == 200
        time.sleep(0.1 * round)
        gate.kill()
        assert wait_until(lambda: "is good" in keys.run("state", "check").stdout, 5)
        assert keys.list()[0]["name"] == "ml"
    gate = start_with_keys()
    assert ask(gate, key).status == 200
