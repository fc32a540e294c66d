"""Writes that cannot go wrong twice: `exist_ok`, `missing_ok`, `dry_run` and `Idempotency-Key` of /api/repo."""

import json
import os
import random
import signal
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from fakehub import FakeHub, http
from gate import running_gate
from hub import Hub
from keys import Keys
from policy import JSON, request
from descendants import children
from waiting import wait_until
from wire import Ended, WireError

CREATE, DELETE = "/api/repos/create", "/api/repos/delete"
MODEL = {"type": "model", "name": "acme/x", "private": True}
WHOAMI = {"type": "user", "name": "robot", "orgs": [{"name": "acme", "roleInOrg": "write"}, {"name": "readers", "roleInOrg": "read"}], "auth": {"accessToken": {"role": "write"}}}  # fmt: skip


def ask(gate, method, order, *fields, key=None, target="/api/repo"):
    body = json.dumps(order).encode() if isinstance(order, dict) else order
    return gate.ask(request(key, method, target, body, b"Connection: close", *fields))


def found(status, **members):
    return lambda *_: http(status, json.dumps(members).encode(), JSON, *([b"X-Error-Code: RepoNotFound"] if status == 404 else []))


# exist_ok and missing_ok


def test_what_is_so_already_is_accepted_where_the_caller_says_so(start):
    gate = start()
    order = {"type": "model", "name": "sandbox/new", "private": True}
    for flag, created in ((True, True), (True, False), ("true", False)):
        answer = ask(gate, "POST", {**order, "exist_ok": flag})
        assert answer.status == 200 and answer.json["created"] is created and answer.json["name"] == "sandbox/new", answer.body
    assert "exists already" in answer.json["message"]
    for flag in (False, "false", None):
        ask(gate, "POST", {**order, "exist_ok": flag}).check_is_error(409)
    assert "created" not in ask(gate, "POST", {**order, "name": "sandbox/other"}).json
    gone = {"type": "model", "name": "sandbox/new"}
    for deleted in (True, False):
        answer = ask(gate, "DELETE", {**gone, "missing_ok": True})
        assert answer.status == 200 and answer.json["deleted"] is deleted and answer.json["name"] == "sandbox/new"
    ask(gate, "DELETE", gone).check_is_error(404, "RepoNotFound")
    plain = ask(gate, "DELETE", {**gone, "missing_ok": True}, b"Accept: text/plain")
    assert plain.status == 200 and plain.body == b"sandbox/new is not there: nothing was deleted.\n"


@pytest.mark.parametrize("flag", [1, 0, "yes", "True", "", [], {}, 1.0])
def test_a_flag_that_is_no_boolean_does_nothing(start_before, hub, flag):
    gate = start_before(hub)
    ask(gate, "POST", {**MODEL, "exist_ok": flag}).check_is_error(400, "BadRequest")
    ask(gate, "DELETE", {"type": "model", "name": "acme/x", "missing_ok": flag}).check_is_error(400, "BadRequest")
    assert not hub.requests


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500, 503])
def test_another_refusal_stays_one(start_before, hub, status):
    hub.on(CREATE, lambda *_: http(status))
    hub.on(DELETE, lambda *_: http(409 if status == 404 else status))
    gate = start_before(hub)
    assert ask(gate, "POST", {**MODEL, "exist_ok": True}).status == status
    assert ask(gate, "DELETE", {**MODEL, "missing_ok": True}).status == (409 if status == 404 else status)


def test_a_404_of_something_else_is_no_missing_repository(start_before, hub):
    hub.on(DELETE, lambda *_: http(404, b"{}", JSON, b"X-Error-Code: EntryNotFound"))
    assert ask(start_before(hub), "DELETE", {**MODEL, "missing_ok": True}).status == 404


# dry_run


def dry(gate, method, order, *fields, key=None):
    return ask(gate, method, order, *fields, key=key, target="/api/repo?dry_run=true")


def test_a_dry_run_says_what_the_order_then_does_and_changes_nothing(start):
    gate = start("--protect", "sandbox/prod-*")
    hub = Hub(gate)
    order = {"type": "model", "name": "my-new", "private": True}
    for order, method, would, status in (
        (order, "POST", "create", 200), (order, "DELETE", "be refused", 404), ({**order, "missing_ok": True}, "DELETE", "nothing", 200),
        ({**order, "name": "demo"}, "POST", "be refused", 409), ({**order, "name": "sandbox/demo", "exist_ok": True}, "POST", "nothing", 200),
        ({**order, "name": "sandbox/demo"}, "PUT", "make private", 200), ({**order, "name": "sandbox/demo", "private": False}, "PUT", "nothing", 200),
        ({**order, "name": "sandbox/none"}, "PUT", "be refused", 404), ({**order, "name": "sandbox/prod-x"}, "DELETE", "be refused", 403), ({**order, "name": "readers/x"}, "POST", "be refused", 403),
        ({**order, "name": "strangers/x"}, "POST", "be refused", 403), ({**order, "name": "acme/fresh"}, "POST", "create", 200),
        ({**order, "name": "sandbox/demo"}, "DELETE", "delete", 200),
    ):  # fmt: skip
        before = len(hub.journal())
        answer = dry(gate, method, order)
        assert answer.status == 200, answer.body
        said = answer.json
        assert (said["would"], said["status"], said["dry_run"]) == (would, status, True), said
        assert said["message"].startswith("Dry run: ") and said["message"].endswith(" Nothing was done.")
        assert {entry["method"] for entry in hub.journal()[before:]} <= {"GET"}
        if status in (200, 404, 409):
            done = ask(gate, method, order)
            assert done.status == status, (order, done.body)
            if would in ("create", "make private"):  # it is undone
                undo = {**order, "name": said["name"]}
                assert ask(gate, *(("DELETE", undo) if would == "create" else ("PUT", {**undo, "private": False}))).status == 200
    protected = dry(gate, "DELETE", {"type": "model", "name": "sandbox/prod-x"}).json
    assert protected["protected"] is True and protected["confirmed"] is False
    confirmed = dry(gate, "DELETE", {"type": "model", "name": "sandbox/prod-x"}, b"X-Hubgate-Confirm: sandbox/prod-x").json
    assert confirmed["confirmed"] is True and confirmed["would"] == "be refused" and confirmed["status"] == 404


def test_a_dry_run_tells_what_key_and_token_may_and_no_more(tmp_path, certificates, hub):
    keys = Keys(tmp_path)
    writer = keys.create("writer", "--allow", "admin acme/*")
    reader = keys.create("reader", "--allow", "reader acme/*")
    hub.on("/api/whoami-v2", found(200, **WHOAMI))
    hub.on("/api/models/acme/x", found(200, id="acme/x", private=False))
    hub.on("/api/models/other/x", found(200, id="other/x", private=False))
    with running_gate(tmp_path / "gate", certificates, "--upstream", hub.url, "--access", "keys", "--state-dir", str(keys.state), HF_TOKEN="hf_x") as gate:
        said = dry(gate, "DELETE", MODEL, key=writer).json
        assert said["key"] == {"may": True, "reason": None} and said["token"]["may"] is True and said["exists"] is True and said["would"] == "delete"
        hub.requests.clear()
        said = dry(gate, "DELETE", MODEL, key=reader).json
        assert said["key"]["may"] is False and 'allows "delete"' in said["key"]["reason"] and said["exists"] is None
        texts = {json.dumps({**dry(gate, "DELETE", {**MODEL, "name": name}, key=reader).json, "name": ""}) for name in ("other/x", "other/y")}
        assert len(texts) == 1 and "Repository not found" in texts.pop() and not hub.requests
        assert ask(gate, "POST", MODEL, target="/api/repo?dry_run=true").status == 401


@pytest.mark.parametrize("role, owner, may", [
    ("read", "acme", False), ("write", "robot", True), ("write", "Robot", True), ("write", "acme", True), ("write", "ACME", True), ("write", "readers", False),
    ("write", "strangers", False), ("fineGrained", "acme", None), ("god", "acme", None), (None, "acme", None),
])  # fmt: skip
def test_what_the_token_may_is_said_as_far_as_the_hub_says_it(start_before, hub, role, owner, may):
    hub.on("/api/whoami-v2", found(200, **{**WHOAMI, "auth": {"accessToken": {"role": role}}}))
    said = dry(start_before(hub), "POST", {**MODEL, "name": f"{owner}/x"}).json
    assert said["token"]["may"] is may and said["token"]["reason"], said
    assert said["would"] == ("be refused" if may is False else "create")
    assert {one.method for one in hub.requests} == {"GET"}


def test_what_the_hub_does_not_say_is_not_known(start_before, hub):
    hub.on("/api/whoami-v2", found(200, **WHOAMI))
    gate = start_before(hub)
    for status in (307, 401, 403):
        hub.on("/api/models/acme/x", lambda *_, status=status: http(status, b"", b"Location: /api/models/acme/y"))
        said = dry(gate, "DELETE", MODEL).json
        assert said["exists"] is None and said["would"] is None and said["status"] is None, said
    for status in (429, 500, 503):
        hub.on("/api/models/acme/x", lambda *_, status=status: http(status))
        assert dry(gate, "DELETE", MODEL).status == status
    hub.on("/api/models/acme/x", lambda *_: http(200, b"<html>", b"Content-Type: text/html"))
    dry(gate, "DELETE", MODEL).check_is_error(502, "HubBroken")
    assert {one.method for one in hub.requests} == {"GET"}


QUERIES = (
    "dry_run=1", "dry_run", "dry_run=", "dry_run=True", "dry_run=yes", "dry-run=true", "dryrun=true", "Dry_run=true", "dry_run=true&dry_run=false",
    "dry_run=true&x=1", "x=1", "dry%5Frun=true", "dry_run=true%20", "&dry_run=true", "dry_run=true&", "dry_run%3Dtrue", "dry_run=true;x",
)  # fmt: skip


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_typing_error_in_the_query_never_acts(start_before, hub, method):
    gate = start_before(hub)
    for query in QUERIES:
        ask(gate, method, MODEL, target=f"/api/repo?{query}").check_is_error(400, "BadRequest")
    assert not hub.requests
    for query in ("", "?", "?dry_run=false"):
        ask(gate, method, MODEL, target=f"/api/repo{query}")
    assert len(hub.requests) == 3


# Idempotency-Key


class Once:
    """A gateway of two workers with keys, before a Hub that counts what it does."""

    def __init__(self, gate, hub, keys, made):
        self.gate, self.hub, self.keys, self.made = gate, hub, keys, made

    def ask(self, word, order=MODEL, method="POST", key="one", target="/api/repo", *fields):
        return ask(self.gate, method, order, f"Idempotency-Key: {word}".encode(), *fields, key=self.made[key], target=target)

    @property
    def acts(self):
        return len([one for one in self.hub.requests if one.method != "GET"])

    def answers(self, path, status=200, *fields, body=b'{"url":"https://h/acme/x","name":"acme/x"}'):
        self.hub.on(path, lambda *_: http(status, body, JSON, *fields))


@pytest.fixture(scope="module")
def once_gate(tmp_path_factory, certificates):
    hub = FakeHub()
    directory = tmp_path_factory.mktemp("once")
    operator = directory / "operator"
    operator.mkdir()
    keys = Keys(operator)
    made = {name: keys.create(name, "--role", "admin") for name in ("one", "two")}
    flags = ("--upstream", hub.url, "--access", "keys", "--state-dir", str(keys.state), "--workers", "2", "--first-byte-timeout", "2s")
    with running_gate(directory / "gate", certificates, *flags, HF_TOKEN="hf_of_the_gate") as gate:
        yield Once(gate, hub, keys, made)
    hub.close()


@pytest.fixture
def once(once_gate):
    once_gate.hub.requests.clear()
    once_gate.hub.routes.clear()
    once_gate.answers(CREATE)
    once_gate.answers(DELETE)
    return once_gate


def test_a_repetition_gets_the_first_response_from_whichever_worker_and_the_hub_is_asked_once(once):
    first = once.ask("a-1")
    assert first.status == 200 and first["Idempotent-Replayed"] is None
    for word in ["a-1"] * 8 + ['"a-1"'] * 4:
        again = once.ask(word)
        assert (again.status, again.body, again["Content-Type"]) == (200, first.body, "application/json")
        assert again["Idempotent-Replayed"] == "true" and again["X-Request-Id"] not in (None, first["X-Request-Id"])
    assert once.acts == 1


def test_a_refusal_of_the_hubs_is_a_first_response_too(once):
    once.answers(CREATE, 409, body=b'{"error":"You already created this model repo"}')
    first = once.ask("a-2")
    first.check_is_error(409)
    once.answers(CREATE)
    again = once.ask("a-2")
    assert (again.status, again.body, again["X-Error-Message"]) == (409, first.body, first["X-Error-Message"]) and once.acts == 1
    assert again["Idempotent-Replayed"] == "true"


def test_another_request_with_the_same_key_is_refused(once):
    assert once.ask("a-3").status == 200
    put = {"type": "model", "name": "acme/x", "private": True}
    for order, method, target in (
        ({**MODEL, "private": False}, "POST", "/api/repo"), (json.dumps(MODEL).encode() + b" ", "POST", "/api/repo"), (put, "PUT", "/api/repo"),
        (MODEL, "DELETE", "/api/repo"), (MODEL, "POST", "/api/repo?dry_run=false"),
    ):  # fmt: skip
        once.ask("a-3", order, method, "one", target).check_is_error(422, "IdempotencyKeyReused")
    assert once.acts == 1


def test_the_keys_of_others_are_others_and_none_is_kept_in_clear(once):
    assert once.ask("a-4-between-us").status == once.ask("a-4-between-us", key="two").status == 200
    assert once.acts == 2
    files = b"".join(path.read_bytes() for path in once.keys.state.rglob("*") if path.is_file())
    assert b"a-4-between-us" not in files


def test_what_is_wrong_with_an_order_takes_no_key(once):
    once.ask("a-5", b"no json").check_is_error(400)
    once.ask("a-5", {"type": "model"}).check_is_error(400)
    once.ask("a-5", {**MODEL, "private": "maybe"}).check_is_error(400)
    assert once.ask("a-5").status == 200 and once.acts == 1


BAD_KEYS = ("", '""', '"', '"a', 'a"', '"a"b', '"a";x=1', "a,b", "a;b", "a b", '"a\\"', '"a\\n"', "a\\b", "x" * 256, '"' + "x" * 256 + '"', '"\u00e9"', ":YQ==:\u00e9")


@pytest.mark.parametrize("word", BAD_KEYS)
def test_what_is_no_key_does_nothing(once, word):
    answer = ask(once.gate, "POST", MODEL, b"Idempotency-Key: " + word.encode(), key=once.made["one"])
    answer.check_is_error(400, "BadRequest")
    assert once.acts == 0


def test_keys_have_up_to_255_printable_characters_and_are_one(once):
    for word in ("y" * 255, '"' + "z" * 255 + '"', '"a \\"quoted\\" \\\\ key"', "8e03978e-40d5-43dd-bc93-6894a57f9324", "a/b:c=d", "1"):
        assert once.ask(word).status == once.ask(word).status == 200, word
    assert once.acts == 6
    ask(once.gate, "POST", MODEL, b"Idempotency-Key: a", b"Idempotency-Key: a", key=once.made["one"]).check_is_error(400)


def test_while_the_first_is_under_way_the_others_are_told_so_and_none_acts(once):
    go = threading.Event()
    once.hub.on(CREATE, lambda *_: go.wait(10) and http(200, b'{"url":"https://h/acme/x"}', JSON))
    with ThreadPoolExecutor(12) as pool:
        first = pool.submit(once.ask, "a-6")
        assert wait_until(lambda: once.acts == 1)
        for answer in pool.map(once.ask, ["a-6"] * 10):
            answer.check_is_error(409, "IdempotencyKeyInUse")
            assert answer["Retry-After"] == "1"
        go.set()
        assert first.result().status == 200
    assert once.ask("a-6").status == 200 and once.acts == 1


def test_of_many_at_the_same_moment_one_acts(once):
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(once.ask, ["a-7"] * 20))
    assert once.acts == 1 and {answer.status for answer in answers} <= {200, 409}
    assert any(answer.status == 200 and answer["Idempotent-Replayed"] is None for answer in answers)


def test_who_leaves_does_not_end_it_and_finds_the_response_later(once):
    go = threading.Event()
    once.hub.on(CREATE, lambda *_: go.wait(10) and http(200, b'{"url":"https://h/acme/x"}', JSON))
    with once.gate.connect() as connection:
        connection.send(request(once.made["one"], "POST", "/api/repo", json.dumps(MODEL).encode(), b"Idempotency-Key: a-8"))
        assert wait_until(lambda: once.acts == 1)
    go.set()
    assert wait_until(lambda: once.ask("a-8").status == 200)
    assert once.ask("a-8")["Idempotent-Replayed"] == "true" and once.acts == 1


@pytest.mark.parametrize("status, fields", [(429, ()), (503, (b"Retry-After: 1",)), (401, ()), (425, ()), (307, (b"Location: /x",))])
def test_where_nothing_was_done_a_repetition_acts(once, status, fields):
    word = f"b-{status}"
    once.answers(CREATE, status, *fields)
    assert once.ask(word).status >= 400
    once.answers(CREATE)
    again = once.ask(word)
    assert again.status == 200 and again["Idempotent-Replayed"] is None and once.acts == 2


FAULTS = {
    "500": lambda *_: http(500), "502": lambda *_: http(502), "503": lambda *_: http(503), "504": lambda *_: http(504), "408": lambda *_: http(408),
    "no response": lambda *_: None, "too slow": lambda *_: threading.Event().wait(4) or None, "no JSON": lambda *_: http(200, b"oops"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_where_something_may_have_been_done_nobody_acts_again(once, fault):
    once.hub.on(CREATE, FAULTS[fault])
    assert once.ask(f"c-{fault.replace(' ', '-')}").status >= 400
    once.answers(CREATE)
    for _ in range(3):
        answer = once.ask(f"c-{fault.replace(' ', '-')}")
        answer.check_is_error(409, "OutcomeUnknown")
        assert "whether the repository is there" in answer["X-Error-Message"] and "another key" in answer["X-Error-Message"]
    assert once.acts == 1


def test_a_hub_that_cannot_be_reached_takes_no_key(start_before, tmp_path, certificates):
    keys = Keys(tmp_path)
    key = keys.create("one", "--role", "admin")
    hub = FakeHub()
    port = hub.port
    hub.close()
    flags = ("--upstream", f"http://127.0.0.1:{port}", "--access", "keys", "--state-dir", str(keys.state))
    with running_gate(tmp_path / "gate", certificates, *flags, HF_TOKEN="hf_x") as gate:
        ask(gate, "POST", MODEL, b"Idempotency-Key: d", key=key).check_is_error(502, "HubUnreachable")
        hub = FakeHub(port=port)
        hub.on(CREATE, lambda *_: http(200, b'{"url":"https://h/acme/x"}', JSON))
        assert ask(gate, "POST", MODEL, b"Idempotency-Key: d", key=key).status == 200
        hub.close()


def test_a_dry_run_uses_no_key_up(once):
    once.hub.on("/api/whoami-v2", found(200, **WHOAMI))
    assert once.ask("a-9", MODEL, "POST", "one", "/api/repo?dry_run=true").json["dry_run"] is True
    assert once.ask("a-9").status == 200 and once.acts == 1


def test_without_a_state_the_field_is_refused_and_nothing_done(start_before, hub):
    for access in ("open", "passthrough"):
        gate = start_before(hub, "--access", access)
        for method in ("POST", "PUT", "DELETE"):
            ask(gate, method, MODEL, b"Idempotency-Key: a").check_is_error(501, "IdempotencyUnsupported")
    assert not hub.requests


def test_a_key_that_lost_its_right_is_not_shown_the_response(once):
    key = once.keys.create("three", "--role", "admin")
    once.made["three"] = key
    assert wait_until(lambda: once.ask("a-10", key="three").status == 200)
    once.keys.run("keys", "edit", "three", "--role", "reader")
    assert wait_until(lambda: once.ask("a-10", key="three").status == 403) and once.acts == 1


def serves(gate):
    try:
        return gate.ask().status == 200
    except OSError:
        return False


@pytest.mark.long
def test_who_is_killed_in_between_leaves_an_outcome_that_nobody_knows_and_nothing_is_done_twice(tmp_path, certificates, hub):
    """Workers and the state process are killed at every moment of writes that repeat until they have a final answer."""
    keys = Keys(tmp_path)
    key = keys.create("one", "--role", "admin")
    done, lock = {}, threading.Lock()

    def create(arrived, _):
        with lock:
            name = json.loads(arrived.body)["name"]
            done[name] = done.get(name, 0) + 1
        return http(200, json.dumps({"url": f"https://h/acme/{name}", "name": f"acme/{name}"}).encode(), JSON)

    hub.on(CREATE, create)
    flags = ("--upstream", hub.url, "--access", "keys", "--state-dir", str(keys.state), "--workers", "2")
    with running_gate(tmp_path / "gate", certificates, *flags, HF_TOKEN="hf_x") as gate:
        def write(number):
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                try:
                    answer = ask(gate, "POST", {**MODEL, "name": f"acme/n{number}"}, f"Idempotency-Key: k{number}".encode(), key=key)
                except (OSError, Ended, WireError):  # what a killed worker leaves of a connection
                    time.sleep(0.05)
                    continue
                if answer.status == 200 or answer.json["code"] == "OutcomeUnknown":
                    return answer.status
                time.sleep(0.02)
            return None

        killed = []

        def kill():
            while len(killed) < 10:
                time.sleep(0.2)
                pids = [pid for pid in children(gate) if pid not in killed]
                if pids:
                    killed.append(random.choice(pids))
                    os.kill(killed[-1], signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        with ThreadPoolExecutor(6) as pool:
            outcomes = list(pool.map(write, range(60)))
        killer.join()
        assert wait_until(lambda: len(children(gate)) == 3, 20)
        # A process that is there may not listen yet.
        assert wait_until(lambda: serves(gate), 20)
        assert all(count == 1 for count in done.values()), {name: count for name, count in done.items() if count > 1}
        for number, outcome in enumerate(outcomes):
            assert outcome in (200, 409), (number, outcome)
            if outcome == 200:
                assert done[f"n{number}"] == 1
        hub.requests.clear()
        for number in range(60):  # and whoever asks again later is told the same
            answer = ask(gate, "POST", {**MODEL, "name": f"acme/n{number}"}, f"Idempotency-Key: k{number}".encode(), key=key)
            assert answer.status == outcomes[number], (number, answer.body)
        assert not hub.requests


@pytest.fixture
def one_gate(tmp_path, certificates, hub):
    """Starts gates one after the other over one state."""
    keys = Keys(tmp_path)
    key = keys.create("one", "--role", "admin")
    hub.on(CREATE, lambda *_: http(200, b'{"url":"https://h/acme/x","name":"acme/x"}', JSON))
    flags = ("--upstream", hub.url, "--access", "keys", "--state-dir", str(keys.state))
    started = iter(range(9))
    return key, keys, lambda *more: running_gate(tmp_path / f"gate-{next(started)}", certificates, *flags, *more, HF_TOKEN="hf_x")


def test_while_the_state_cannot_be_written_nothing_is_done_with_a_key_and_all_else_goes_on(one_gate, hub):
    key, keys, start = one_gate
    with start() as gate:
        with sqlite3.connect(keys.database, isolation_level=None) as database:
            database.execute("BEGIN EXCLUSIVE")
            ask(gate, "POST", MODEL, b"Idempotency-Key: a", key=key).check_is_error(503, "StateUnavailable")
            assert not hub.requests
            assert ask(gate, "POST", MODEL, key=key).status == 200
            database.execute("ROLLBACK")
        database.close()
        hub.requests.clear()
        assert wait_until(lambda: ask(gate, "POST", MODEL, b"Idempotency-Key: a", key=key).status == 200, 20)
        assert len(hub.requests) == 1


def test_a_response_is_kept_over_a_restart_and_what_was_cut_by_one_is_not_known(one_gate, hub):
    key, _, start = one_gate
    with start() as gate:
        first = ask(gate, "POST", MODEL, b"Idempotency-Key: a", key=key)
    with pytest.raises(AssertionError, match="ended with code -9"), start() as gate:
        again = ask(gate, "POST", MODEL, b"Idempotency-Key: a", key=key)
        assert (again.status, again.body, again["Idempotent-Replayed"]) == (200, first.body, "true") and len(hub.requests) == 1
        hub.on(CREATE, lambda *_: time.sleep(3) or None)
        with gate.connect() as connection:
            connection.send(request(key, "POST", "/api/repo", json.dumps(MODEL).encode(), b"Idempotency-Key: b"))
            assert wait_until(lambda: len(hub.requests) == 2)
            for pid in children(gate):
                os.kill(pid, signal.SIGKILL)
            gate.kill()
    with start() as gate:
        ask(gate, "POST", MODEL, b"Idempotency-Key: b", key=key).check_is_error(409, "OutcomeUnknown")
        assert len(hub.requests) == 2


def test_a_gateway_that_stops_waits_for_what_a_client_left_behind(one_gate, hub):
    key, _, start = one_gate
    go = threading.Event()
    hub.on(CREATE, lambda *_: go.wait(10) and http(200, b'{"url":"https://h/acme/x"}', JSON))
    with start() as gate:
        with gate.connect() as connection:
            connection.send(request(key, "POST", "/api/repo", json.dumps(MODEL).encode(), b"Idempotency-Key: a"))
            assert wait_until(lambda: len(hub.requests) == 1)
        time.sleep(0.3)
        gate.signal(signal.SIGTERM)
        threading.Timer(0.5, go.set).start()
        gate.wait_for_stop()
    with start() as gate:
        answer = ask(gate, "POST", MODEL, b"Idempotency-Key: a", key=key)
        assert answer.status == 200 and answer["Idempotent-Replayed"] == "true" and len(hub.requests) == 1
