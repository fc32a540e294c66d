"""`hubgate --gate URL`: the command line asks a running gateway, and prints what it prints on the state."""

import json
import sqlite3
from contextlib import closing

import pytest

from fakehub import FakeHub, http
from gate import run
from policy import JSON, request
from ports import free_port
from waiting import wait_until


class Remote:
    """The command line of a machine that has neither the state nor the settings of the gateway."""

    def __init__(self, directory, url, key, authority):
        self.directory, self.url, self.key, self.authority = directory, url, key, authority
        directory.mkdir(exist_ok=True)

    def __call__(self, *words, code=0, **variables):
        variables.setdefault("HUBGATE_ADMIN_KEY", self.key)
        done = run(self.directory, "--gate", self.url, "--ca-file", str(self.authority), *words, **variables)
        assert done.returncode == code, (words, done.returncode, done.stderr)
        return done

    def json(self, *words):
        return json.loads(self(*words, "--json").stdout)


@pytest.fixture
def hub(hub):
    hub.otherwise = lambda *_: http(200, b"{}", JSON)
    return hub


@pytest.fixture
def gate(start_with_keys, root_key):
    return start_with_keys()


@pytest.fixture
def remote(gate, root_key, certificates, tmp_path):
    return Remote(tmp_path / "elsewhere", gate.origin, root_key, certificates.authority)


def same(keys, remote, *words):
    """The two say the same: soon, for how often a key was used is told a moment later."""
    outputs = []

    def are_same():
        outputs[:] = [keys.run(*words), remote(*words)]
        return (outputs[0].stdout, outputs[0].stderr) == (outputs[1].stdout, outputs[1].stderr)

    assert wait_until(are_same, 10), [(done.stdout, done.stderr) for done in outputs]
    return outputs[0].stdout


# The same as on the state


def test_keys_are_listed_and_shown_as_on_the_state(keys, remote):
    keys.create("team", "--role", "reader", "--deny", "read acme/secret-*", "--rate", "600/m", "--bytes-a-day", "50GB", "--note", "für zwei", "--expires", "90d")
    keys.create("rules", "--allow", "read acme/*", "--allow", "write acme/x", "--policy", "shadow", "--as", "other")
    for _ in range(2):
        keys.create("again")
        keys.revoke("again")
    keys.create("again")
    keys.rotate("team", "--grace", "1h")
    for words in (("list",), ("list", "--json"), ("list", "--all"), ("list", "--all", "--json")):
        assert "team" in same(keys, remote, "keys", *words)
    for name in ("team", "rules", "again", "root"):
        for words in ((), ("--json",)):
            assert name in same(keys, remote, "keys", "show", name, *words)
    for words in (("team", "GET", "/api/models/acme/m"), ("team", "DELETE", "/api/repos/delete", '{"name":"x"}'), ("rules", "GET", "/%2e")):
        for form in ((), ("--json",)):
            same(keys, remote, "keys", "explain", *words, *form)


def test_lists_of_more_than_one_page_are_whole(keys, remote):
    with closing(sqlite3.connect(keys.database)) as database, database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(keys)")]
        rest = ", ".join(name for name in columns if name not in ("number", "name", "public_id", "change"))
        for number in range(450):
            database.execute(
                f"INSERT INTO keys (name, public_id, change, {rest}) SELECT ?, ?, ?, {rest} FROM keys WHERE name = 'root'",
                (f"k{number:04}", 10**9 + number, 100_000 + number))
    assert len(json.loads(same(keys, remote, "keys", "list", "--json"))) == 451


def test_a_key_is_made_changed_rotated_and_revoked(gate, keys, remote):
    made = remote("keys", "create", "ml", "--role", "reader", "--tokens-a-day", "1M", "--rate", "600/m", "--expires", "90d", "--note", "for ml")
    local = keys.run("keys", "create", "ml2", "--role", "reader")
    key = made.stdout.strip()
    assert key.startswith("hg_") and made.stderr == local.stderr.replace("ml2", "ml")
    assert wait_until(lambda: gate.ask(request(key, "GET", "/api/models/acme/m", b"", b"Connection: close")).status == 200, 5)
    assert keys.show("ml")["limits"] == {"tokens_a_day": 1_000_000} and keys.show("ml")["note"] == "for ml"
    changed = remote("keys", "edit", "ml", "--rename", "ml-team", "--rate", "", "--tokens-a-day", "", "--allow", "read acme/*", "--note", "")
    assert changed.stdout.startswith("Name") and "ml-team" in changed.stdout
    shown = keys.show("ml-team")
    assert (shown["rate"], shown["limits"], shown["allow"], shown["note"], shown["role"]) == (None, {}, ["read acme/*"], "", "reader")
    again = remote.json("keys", "rotate", "ml-team", "--grace", "0")
    assert set(again) == set(json.loads(keys.run("keys", "rotate", "ml2", "--json").stdout)) and again["key"] != key
    assert remote.json("keys", "edit", "ml-team", "--expires", "never")["expires"] is None
    shadow = remote("keys", "edit", "ml-team", "--policy", "shadow")
    assert "its rules refuse nothing" in shadow.stderr
    gone = remote("keys", "revoke", "ml-team")
    assert "revoked" in gone.stdout
    assert [row["name"] for row in remote.json("keys", "list")] == ["ml2", "root"]


def test_the_audit_is_shown_as_on_the_state_and_verified(gate, keys, remote, root_key):
    key = keys.create("writer", "--role", "writer")
    body = b'{"type":"model","name":"m","organization":"acme"}'
    assert wait_until(lambda: gate.ask(request(key, "GET", "/api/models/acme/m", b"", b"Connection: close")).status == 200, 5)
    for target in ("/api/repos/create", "/api/repos/move"):
        gate.ask(request(key, "POST", target, body, b"Content-Type: application/json", b"Connection: close"))
    remote("keys", "create", "made-there", "--role", "reader")
    for words in ((), ("--json",), ("--key", "writer"), ("--refusals", "--json"), ("--limit", "2"), ("--action", "create", "--since", "1h")):
        same(keys, remote, "audit", "show", *words)
    assert "create" in same(keys, remote, "audit", "show")
    good = remote("audit", "verify").stdout
    assert good.startswith("Good: ") and good.split()[1] == keys.run("audit", "verify").stdout.split()[1]


def has(workspace, path):
    return path in json.loads(run(workspace, "--print-docs", "openapi").stdout)["paths"]


def test_usage_and_the_cache_are_as_on_the_state(gate, keys, remote, workspace):
    if not has(workspace, "/-/api/usage"):
        pytest.skip("This gateway has no usage in its admin API.")
    key = keys.create_at(gate, "team", "--role", "reader")
    for _ in range(3):
        gate.ask(request(key, "GET", "/api/models/acme/m", b"", b"Connection: close"))
    for words in ((), ("--json",), ("--by", "repo"), ("--by", "day", "--json"), ("team",)):
        same(keys, remote, "usage", *words)
    assert remote("cache", "purge", "acme/m").stdout == "Dropped: acme/m.\n"
    assert remote("cache", "list", code=66).stderr.startswith("hubgate: ")


# Any operation


def test_any_operation_of_the_admin_api_can_be_asked_for(gate, keys, remote, workspace):
    assert json.loads(remote("api", "status").stdout)["version"]
    assert [row["name"] for row in json.loads(remote("api", "keys", "search=roo").stdout)["keys"]] == ["root"]
    made = json.loads(remote("api", "create-key", "name=viaapi", 'allow=["read acme/*"]').stdout)
    assert made["allow"] == ["read acme/*"] and keys.show("viaapi")
    assert json.loads(remote("api", "key", "viaapi").stdout)["name"] == "viaapi"
    assert "there is no operation" in remote("api", "nonsense", code=64).stderr
    assert "takes id" in remote("api", "cancel-request", code=64).stderr
    help = remote("api", "--help").stdout
    table = json.loads(run(workspace, "--print-docs", "openapi").stdout)["paths"]
    listed = sum(len(path) for name, path in table.items() if name.startswith("/-/api/"))
    assert help.count("\n  ") >= listed - 6 and "rotate-key <name>" in help


# What goes wrong


def test_who_may_not_is_told_so_and_the_codes_tell_the_cases_apart(gate, keys, remote):
    reader = keys.create_at(gate, "reader")
    denied = remote("keys", "list", code=77, HUBGATE_ADMIN_KEY=reader)
    assert "role admin" in denied.stderr and denied.stderr.count("\n") == 1
    assert remote("keys", "list", code=77, HUBGATE_ADMIN_KEY=reader[:-1] + ("A" if reader[-1] != "A" else "B")).stderr.startswith("hubgate: ")
    assert "such key" in remote("keys", "show", "nobody", code=66).stderr
    assert "already" in remote("keys", "create", "root", "--role", "reader", code=64).stderr
    assert "role" in remote("keys", "create", "x", "--role", "nonsense", code=64).stderr
    for words in (("keys", "suggest", "root"), ("trash", "list"), ("state", "check"), ("init",)):
        assert "without --gate" in remote(*words, code=64).stderr
    assert "one of them" in remote("keys", "list", "--state-dir", "/tmp", code=64).stderr
    assert "--follow" in remote("audit", "show", "--follow", code=64).stderr
    assert "USAGE" in remote("keys", "--help").stdout


def test_a_gate_that_cannot_be_reached_or_trusted_is_not_sent_the_key(keys, remote, root_key, certificates, tmp_path):
    away = Remote(tmp_path / "away", f"https://localhost:{free_port()}", root_key, certificates.authority)
    assert "cannot be asked" in away("keys", "list", code=69).stderr
    with closing(FakeHub(certificates=certificates)) as host:
        stranger = run(remote.directory, "--gate", f"https://localhost:{host.port}", "keys", "list", HUBGATE_ADMIN_KEY=root_key)
        assert stranger.returncode == 69 and "--ca-file" in stranger.stderr and not host.requests


@pytest.mark.parametrize("answer", [
    http(404, b"not here"), http(302, b"", b"Location: https://localhost:1/-/api/keys"), http(200, b"<html>"), http(200, b'{"keys":{}}', JSON),
    http(200, b'{"keys":[{"name":"x"}],"next":null}', JSON), http(500, b""), b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", b"\x16\x03",
])
def test_what_is_no_gateway_is_told_and_ends_with_a_code(answer, tmp_path, certificates):
    with closing(FakeHub(certificates=certificates)) as host:
        host.otherwise = lambda _, connection: connection.send(answer) if answer[:1] == b"\x16" or b"half" in answer else answer
        remote = Remote(tmp_path / "r", f"https://localhost:{host.port}", "hg_x", certificates.authority)
        done = remote("keys", "list", code=69)
        assert done.stdout == "" and done.stderr.count("\n") == 1
        # A redirect is not followed, so the key stays where it was sent.
        assert len(host.requests) == 1


def test_a_hostile_gate_moves_no_cursor_and_gives_no_list_without_an_end(tmp_path, certificates):
    row = {"name": "x\x1b[2J\u202e", "id": "hg_0000000000", "created": "2026-01-01T00:00:00Z", "note": "\x9b", "allow": ["\x1b]0;"], "limits": {}}
    with closing(FakeHub(certificates=certificates)) as host:
        host.otherwise = lambda *_: http(200, json.dumps({"keys": [row], "next": None}).encode(), JSON)
        remote = Remote(tmp_path / "r", f"https://localhost:{host.port}", "hg_x", certificates.authority)
        shown = remote("keys", "list").stdout
        assert "x" in shown and not any(mark in shown for mark in ("\x1b", "\x9b", "\u202e"))
        host.otherwise = lambda *_: http(403, json.dumps({"error": "no\x1b[2J\nhubgate: yes"}).encode(), JSON)
        refused = remote("keys", "list", code=77).stderr
        assert "\x1b" not in refused and refused.count("\n") == 1
        host.otherwise = lambda *_: http(200, json.dumps({"keys": [], "next": "0.a"}).encode(), JSON)
        assert "no end" in remote("keys", "list", code=69).stderr


def test_the_key_comes_from_a_file_or_the_environment_and_never_from_an_argument(keys, remote, root_key, tmp_path):
    file = tmp_path / "key"
    file.write_text(root_key + "\n")
    flags = ("--gate", remote.url, "--ca-file", str(remote.authority))
    assert run(remote.directory, *flags, "--admin-key-file", str(file), "keys", "list").returncode == 0
    # Wherever the flags stand.
    assert run(remote.directory, "keys", "list", f"--admin-key-file={file}", *flags).returncode == 0
    for words, reason in [
        (("--admin-key", root_key, "keys", "list"), "not accepted here"),
        (("keys", "list"), "HUBGATE_ADMIN_KEY"),
        (("--admin-key-file", "/nowhere", "keys", "list"), "no file"),
        ((), "subcommand"),
        (("nonsense",), "subcommand"),
    ]:
        done = run(remote.directory, *flags, *words, **({"HUBGATE_ADMIN_KEY": root_key} if words in ((), ("nonsense",)) else {}))
        assert done.returncode == (66 if reason == "no file" else 64) and reason in done.stderr and root_key not in done.stderr + done.stdout, (words, done.stderr)
    plain = run(remote.directory, "--gate", "http://gate.example.org", "keys", "list", HUBGATE_ADMIN_KEY=root_key)
    assert plain.returncode == 64 and "in clear" in plain.stderr
    # It is no setting, and no mistake beside those of a gateway.
    assert run(remote.directory, "--print-config", HUBGATE_ADMIN_KEY=root_key).returncode == 0
