"""`policy = shadow`: rules refuse nothing and it is recorded what they would; `keys suggest` makes rules of what a key did."""

import json

import pytest

from clients import SERIES, Client, ClientError, Variant
from fakehub import http
from gate import running_gate
from hub import Hub
from keys import Keys
from policy import JSON, answer_anything, request
from waiting import wait_until

MODEL = "/api/models/acme/x"


class Shadow:
    def __init__(self, gate, hub, keys):
        self.gate, self.hub, self.keys = gate, hub, keys

    def ask(self, key, method, target, body=b"", *fields, **options):
        return self.gate.ask(request(key, method, target, body, b"Connection: close", *fields, **options))

    def suggest(self, name, *flags):
        return json.loads(self.keys.run("keys", "suggest", name, "--json", *flags).stdout)

    def until(self, name, condition):
        """What is suggested once it fulfils `condition`: what a worker has seen is told within seconds."""
        def look():
            done = self.keys.run("keys", "suggest", name, "--json", check=False)
            return done.returncode == 0 and condition(found := json.loads(done.stdout)) and found

        return wait_until(look, 10)


@pytest.fixture
def shadow(tmp_path, certificates, hub):
    answer_anything(hub)
    keys = Keys(tmp_path)
    flags = ("--upstream", hub.url, "--inference-upstream", hub.url, "--access", "keys", "--state-dir", str(keys.state), "--workers", "2", "--protect", "acme/prod-*")
    with running_gate(tmp_path / "gate", certificates, *flags, HF_TOKEN="hf_of_the_gate") as gate:
        yield Shadow(gate, hub, keys)


def known(shadow, key):
    assert wait_until(lambda: shadow.ask(key, "GET", "/-/health").status == 200 and shadow.ask(key, "GET", MODEL).status not in (401, 404))
    return key


def test_a_key_in_shadow_is_refused_nothing_and_its_deeds_become_its_rules(shadow):
    key = known(shadow, shadow.keys.create("job", "--allow", "read acme/x", "--policy", "shadow"))
    for method, target, body in (
        ("POST", MODEL + "/commit/main", b"{}"), ("GET", "/api/datasets/other/d/tree/main", b""), ("POST", "/api/repos/create", b'{"name":"acme/new"}'),
        ("POST", "/v1/chat/completions", b'{"model":"meta/llama:groq"}'), ("GET", "/api/models?author=acme", b""),
    ):  # fmt: skip
        assert shadow.ask(key, method, target, body)["X-Error-Code"] == "OfTheHub", target
    found = shadow.until("job", lambda said: said["uses"] >= 7)
    assert found["rules"] == [
        "read,search dataset:other/d", "create,publish model:acme/new", "read,write model:acme/x", "infer model:meta/llama:groq",
    ], found
    assert found["refused"] >= 5 and found["complete"] and not found["beyond"] and not found["applied"]
    assert shadow.suggest("job", "--apply")["applied"] is True
    assert shadow.keys.show("job")["policy"] == "enforce" and shadow.keys.show("job")["allow"] == found["rules"]
    assert wait_until(lambda: shadow.ask(key, "DELETE", "/api/repos/delete", b'{"name":"acme/new"}').status in (403, 404))
    for method, target, body, status in (
        ("POST", MODEL + "/commit/main", b"{}", 409), ("POST", "/api/repos/create", b'{"name":"acme/new"}', 409), ("GET", "/api/datasets/other/d", b"", 409),
        ("POST", "/v1/chat/completions", b'{"model":"meta/llama:groq"}', 409), ("POST", "/v1/chat/completions", b'{"model":"meta/llama"}', 403),
        ("GET", "/api/models/acme/y", b"", 404), ("POST", "/api/datasets/other/d/commit/main", b"{}", 403), ("PUT", MODEL + "/settings", b'{"private":true}', 403),
    ):  # fmt: skip
        assert shadow.ask(key, method, target, body).status == status, (method, target)
    assert shadow.keys.run("keys", "suggest", "job", check=False).returncode == 66


def test_what_is_not_the_rules_affair_holds_in_shadow(shadow):
    key = known(shadow, shadow.keys.create("job", "--role", "reader", "--policy", "shadow"))
    shadow.ask(key, "DELETE", "/api/repos/delete", b'{"name":"acme/prod-x"}').check_is_error(403, "ConfirmationRequired")
    shadow.ask(key, "DELETE", "/api/repo", b'{"type":"model","name":"acme/prod-x"}').check_is_error(403, "ConfirmationRequired")
    assert shadow.ask(key, "DELETE", "/api/repo", b'{"type":"model","name":"acme/x"}')["X-Error-Code"] == "OfTheHub"
    assert shadow.ask(key, "GET", "/oauth/authorize").status == 403
    assert shadow.ask(None, "GET", MODEL).status == 401
    account = b'{"name":"robot","email":"x@y","auth":{"accessToken":{"role":"write"}}}'
    shadow.hub.on("/api/whoami-v2", lambda *_: http(200, account, JSON))
    assert b"x@y" not in shadow.ask(key, "GET", "/api/whoami-v2").body
    shadow.keys.revoke("job")
    assert wait_until(lambda: shadow.ask(key, "GET", MODEL).status == 401)


def test_what_cannot_be_judged_goes_on_in_shadow_and_is_told(shadow):
    key = known(shadow, shadow.keys.create("job", "--role", "admin", "--policy", "shadow"))
    for method, target, body, fields in (
        ("GET", "/api//models/acme/x", b"", ()), ("PUT", MODEL + "/settings", b"no json", ()), ("PUT", MODEL + "/settings", b" " * (3 << 20), ()),
        ("POST", "/v1/chat/completions", b" " * (2 << 20), ()),
    ):  # fmt: skip
        assert shadow.ask(key, method, target, body, *fields)["X-Error-Code"] == "OfTheHub", (method, target)
    # What was observed comes in pieces.
    found = shadow.until("job", lambda said: "other" in said["beyond"] and any("settings" in rule for rule in said["rules"]))
    text = shadow.keys.run("keys", "suggest", "job")
    assert '"other"' in text.stderr and text.stdout.splitlines() == found["rules"]


def test_it_is_said_loudly(shadow):
    done = shadow.keys.run("keys", "create", "job", "--role", "reader", "--policy", "shadow")
    assert "refuse nothing" in done.stderr
    key = known(shadow, done.stdout.strip())
    assert "SHADOW" in shadow.keys.run("keys", "list").stdout and "SHADOW" in shadow.keys.run("keys", "show", "job").stdout
    assert shadow.keys.show("job")["policy"] == "shadow"
    shadow.ask(key, "POST", MODEL + "/commit/main", b"{}")
    assert wait_until(lambda: any("--policy shadow" in message for message in shadow.gate.messages))
    def page():
        return shadow.gate.ask(b"GET /-/metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").body.decode()

    assert wait_until(lambda: "hubgate_keys_in_shadow 1\n" in page())
    assert wait_until(lambda: 'hubgate_shadow_requests_total{decision="refused"} 1' in page())
    shadow.keys.run("keys", "edit", "job", "--policy", "")
    assert wait_until(lambda: "hubgate_keys_in_shadow 0\n" in page())
    assert wait_until(lambda: shadow.ask(key, "POST", MODEL + "/commit/main", b"{}").status == 403)


def test_the_setting_is_for_keys_without_a_policy_of_their_own(start_before, hub, tmp_path):
    answer_anything(hub)
    keys = Keys(tmp_path)
    plain, strict = keys.create("plain"), keys.create("strict", "--role", "reader", "--policy", "enforce")
    # Another edit leaves it as it is, and one of its own sets it.
    keys.run("keys", "edit", "strict", "--note", "n")
    assert keys.show("strict")["policy"] == "enforce"
    keys.create("other", "--role", "reader")
    for policy in ("enforce", "shadow"):
        keys.run("keys", "edit", "other", "--policy", policy)
        assert keys.show("other")["policy"] == policy
    keys.revoke("other")
    gate = start_before(hub, "--access", "keys", "--state-dir", str(keys.state), "--policy", "shadow")
    assert any("policy = shadow" in message for message in gate.messages)
    commit = MODEL + "/commit/main"
    ask = lambda key: gate.ask(request(key, "POST", commit, b"{}", b"Connection: close")).status  # noqa: E731
    assert ask(plain) == 409 and ask(strict) == 403


def test_what_is_typed_wrong_is_told(shadow):
    for words, code in (
        (("keys", "create", "a", "--role", "reader", "--policy", "off"), 64), (("keys", "suggest", "nobody"), 66), (("keys", "suggest", "a", "--since", "soon"), 64),
        (("keys", "suggest", "a", "--glob-above", "0"), 64),
    ):  # fmt: skip
        done = shadow.keys.run(*words, check=False)
        assert done.returncode == code, (words, done.stderr)


def test_more_rules_than_a_key_has_are_not_applied_and_a_pattern_is_offered(shadow):
    key = known(shadow, shadow.keys.create("job", "--role", "reader", "--policy", "shadow"))
    with shadow.gate.connect() as connection:
        for number in range(120):
            connection.send(request(key, "GET", f"/api/models/acme/run-{number}"))
            assert connection.answer().status == 409
    assert shadow.until("job", lambda said: "read model:acme/run-*" in said["rules"] and said["uses"] >= 120)
    done = shadow.keys.run("keys", "suggest", "job", "--apply", "--glob-above", "500", check=False)
    assert done.returncode == 64 and "--glob-above" in done.stderr and shadow.keys.show("job")["policy"] == "shadow"
    assert len(shadow.suggest("job")["rules"]) == 2  # acme/x was looked at too


@pytest.mark.parametrize("series", SERIES[:1], ids=lambda series: series.name)
def test_a_real_client_works_on_under_the_rules_that_its_work_has_made(tmp_path, certificates, guard, series):
    keys = Keys(tmp_path)
    key = keys.create("trainer", "--allow", "read sandbox/nothing", "--policy", "shadow")
    with running_gate(tmp_path / "gate", certificates, "--sandbox", "--access", "keys", "--state-dir", str(keys.state)) as gate:
        hub = Hub(gate)
        client = Client(Variant(series, uses_xet=False), gate, hub, guard, tmp_path, HF_TOKEN=key)

        def work():
            assert client("download", "sandbox/demo", "config.json", str(tmp_path / "there"))
            assert client("info", "sandbox/demo") == "sandbox/demo"
            client("upload", "sandbox/demo", "new.txt", "text")

        try:
            work()
            assert wait_until(lambda: (done := keys.run("keys", "suggest", "trainer", "--json", check=False)).returncode == 0 and "write" in done.stdout, 10)
            rules = json.loads(keys.run("keys", "suggest", "trainer", "--json", "--apply").stdout)["rules"]
            assert rules == ["read,write model:sandbox/demo"], rules
            assert wait_until(lambda: gate.ask(request(key, "GET", "/api/datasets/sandbox/squad-mini", b"", b"Connection: close")).status == 404)
            work()
            with pytest.raises(ClientError):
                client("delete", "sandbox/demo")
            with pytest.raises(ClientError):
                client("info", "acme/none")
        finally:
            client.close()
