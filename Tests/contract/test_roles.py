"""Roles that the operator defines in the settings file: what keys have by them, when the file changes, and when a role is not there."""

import json
import signal

import pytest

from fakehub import http
from keys import Keys
from policy import JSON, request
from waiting import wait_until

PATH, OTHER = "/api/models/acme/m", "/api/models/zeta/m"
TEAM = 'roles:\n  data-team:\n    allow: ["read,search {owner}/*", "write dataset:{owner}/*"]\n    deny: [delete *]\n'


@pytest.fixture
def keys(tmp_path):
    workspace = tmp_path / "operator"
    workspace.mkdir()
    keys = Keys(workspace)
    keys.settings = tmp_path / "hubgate.yaml"
    keys.settings.write_text(TEAM.format(owner="acme"))
    return keys


@pytest.fixture
def hub(hub):
    for path in (PATH, OTHER):
        hub.on(path, lambda *_: http(200, b'{"id":"m"}', JSON))
    hub.on("/api/whoami-v2", lambda *_: http(200, b'{"name":"somebody","type":"user","orgs":[]}', JSON))
    return hub


def with_settings(keys, *words, check=True):
    return keys.run(*words, "--config", str(keys.settings), check=check)


def create(keys, name, *flags):
    return with_settings(keys, "keys", "create", name, *flags).stdout.strip()


def status(gate, key, path, method="GET"):
    return gate.ask(request(key, method, path, b"", b"Connection: close")).status


def test_a_role_is_known_to_every_command_and_shown_with_its_rules(keys):
    create(keys, "ml", "--role", "data-team")
    shown = json.loads(with_settings(keys, "keys", "show", "ml", "--json").stdout)
    assert shown["role"] == "data-team"
    assert shown["role_rules"] == ["allow read,search acme/*", "allow write dataset:acme/*", "deny delete *"]
    assert "allow write dataset:acme/*" in with_settings(keys, "keys", "show", "ml").stdout
    explained = json.loads(with_settings(keys, "keys", "explain", "ml", "GET", PATH, "--json").stdout)
    assert explained["allowed"] is True and explained["rule"] == "allow read,search acme/*"
    assert json.loads(with_settings(keys, "keys", "explain", "ml", "GET", OTHER, "--json").stdout)["allowed"] is False
    # Where the settings are not at hand it is said, and nothing is allowed.
    assert "not defined" in keys.run("keys", "show", "ml").stdout
    unknown = json.loads(keys.run("keys", "explain", "ml", "GET", PATH, "--json").stdout)
    assert unknown["allowed"] is False and "data-team" in unknown["reason"]
    assert json.loads(keys.run("keys", "show", "ml", "--json").stdout)["role_rules"] is None


@pytest.mark.parametrize("words", [("create", "ml"), ("edit", "there")])
def test_a_role_that_is_not_there_is_an_error_that_lists_those_that_are(keys, words):
    create(keys, "there", "--role", "reader")
    done = with_settings(keys, "keys", *words, "--role", "data-taem", check=False)
    assert done.returncode == 64 and "did you mean data-team?" in done.stderr and "reader, writer" in done.stderr
    done = keys.run("keys", *words, "--role", "data-team", check=False)
    assert done.returncode == 64 and "there is no role data-team" in done.stderr
    keys.settings.write_text("roles:\n  data-team: {allow: [raed acme/*]}\n")
    done = with_settings(keys, "keys", *words, "--role", "data-team", check=False)
    assert done.returncode == 64 and "did you mean read?" in done.stderr
    assert [key["name"] for key in keys.list()] == ["there"] and keys.show("there")["role"] == "reader"


@pytest.mark.parametrize("flags", [("--allow", "deny read acme/*"), ("--role", "reader", "--deny", "allow read acme/*")])
def test_a_rule_that_says_the_contrary_of_its_flag_is_refused(keys, flags):
    done = keys.run("keys", "create", "ml", *flags, check=False)
    assert done.returncode == 64 and "stands among the rules" in done.stderr and not keys.list()


def test_a_reload_changes_what_keys_with_the_role_may_do_on_every_worker(keys, hub, start_before):
    team, reader = create(keys, "ml", "--role", "data-team"), create(keys, "r", "--role", "reader")
    gate = start_before(hub, "--access", "keys", "--workers", "2", "--state-dir", str(keys.state), "--config", str(keys.settings))

    def may(*wanted):
        """Of both workers, since many connections are made."""
        return all((status(gate, team, PATH), status(gate, team, OTHER), status(gate, reader, OTHER)) == wanted for _ in range(8))

    assert may(200, 404, 200)
    keys.settings.write_text(TEAM.format(owner="zeta"))
    gate.process.send_signal(signal.SIGHUP)
    wait_until(lambda: any("changed: roles" in message for message in gate.messages))
    assert may(404, 200, 200)
    # A file with a mistake changes nothing.
    keys.settings.write_text("roles:\n  data-team: {allow: [raed zeta/*]}\n")
    gate.process.send_signal(signal.SIGHUP)
    wait_until(lambda: any("Not reloaded" in message and "did you mean read" in message for message in gate.messages))
    assert may(404, 200, 200)


def test_a_key_whose_role_is_gone_may_do_nothing_and_the_log_says_why(keys, hub, start_before):
    team = create(keys, "ml", "--role", "data-team")
    more = create(keys, "more", "--role", "data-team", "--allow", "admin *")
    reader = create(keys, "r", "--role", "reader")
    gate = start_before(hub, "--access", "keys", "--state-dir", str(keys.state), "--config", str(keys.settings))
    assert status(gate, team, PATH) == 200
    keys.settings.write_text("log_level: info\n")
    gate.process.send_signal(signal.SIGHUP)
    wait_until(lambda: any("changed: roles" in message for message in gate.messages))
    before = len(hub.requests)
    for key in (team, more):
        for path in (PATH, OTHER, "/api/whoami-v2", "/api/account", "/api/models"):
            answer = gate.ask(request(key, "GET", path, b"", b"Connection: close"))
            assert answer.status == 403 and b"its role is not defined" in answer.body, (path, answer.body)
        assert gate.ask(request(key, "DELETE", "/api/repo", b'{"id":"acme/m"}', b"Connection: close")).status == 403
    assert len(hub.requests) == before
    assert status(gate, reader, PATH) == 200
    wait_until(lambda: any("The key ml is refused everything" in message and "data-team" in message for message in gate.messages))
    assert sum("The key ml is refused everything" in message for message in gate.messages) == 1
