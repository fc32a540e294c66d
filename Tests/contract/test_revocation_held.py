"""What becomes of a key while a request of it waits, for its body or for its turn: it is looked at again before the Hub is asked."""

import json
import signal
import threading
import time

import pytest

from fakehub import http
from file_cache import PATH, wait_until_whole
from policy import JSON, request
from stored_files import PIECE, digest
from waiting import wait_until

COMMIT = "/api/models/acme/m/commit/main"
LINES = b'{"key":"header","value":{"summary":"x"}}\n' + b'{"key":"deletedFile","value":{"path":"a"}}\n' * 100
RIGHTS = ("--allow", "all acme/*", "--allow", "read,search *")


class Held:
    """A request that came but for its last bytes."""

    def __init__(self, gate, raw, rest):
        self.rest = raw[-rest:]
        self.connection = gate.connect(20)
        self.connection.send(raw[:-rest])

    def finish(self):
        self.connection.send_whatever_happens(self.rest)
        with self.connection:
            return self.connection.answer()


def facade(key, name, *fields):
    return request(key, "DELETE", "/api/repo", json.dumps({"type": "model", "name": f"acme/{name}"}).encode(), *fields)


def hubs_own(key, name):
    body = json.dumps({"type": "model", "organization": "acme", "name": name}).encode()
    return request(key, "DELETE", "/api/repos/delete", body)


def commit(key, name):
    return request(key, "POST", COMMIT, LINES + name.encode(), content_type="application/x-ndjson")


def chunked(key, name):
    whole = commit(key, name)
    head, _, body = whole.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length")] + [b"Transfer-Encoding: chunked"]
    return b"\r\n".join(lines) + b"\r\n\r\n" + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


def once(key, name):
    return facade(key, name, b"Idempotency-Key: of-" + name.encode())


SHAPES = [facade, once, hubs_own, commit, chunked]
REST = 5  # Of a chunked body: its end alone.


def revoke(keys):
    keys.revoke("ml")
    return 401, "KeyRevoked"


def narrow(keys):
    keys.run("keys", "edit", "ml", "--allow", "read acme/*")
    return 403, None


def rotate(keys):
    keys.rotate("ml", "--grace", "0")
    return 401, "KeyUnknown"


def expire(keys):
    keys.run("keys", "edit", "ml", "--expires", "1s")
    time.sleep(1.2)
    return 401, "KeyExpired"


@pytest.fixture
def done(hub):
    """The names of what the Hub has done."""
    done = []

    def act(arrived, _):
        done.append(arrived.body.rpartition(b"\n")[2] if arrived.target == COMMIT else json.loads(arrived.body)["name"].encode())
        return http(200, b'{"ok":true}', JSON)

    hub.on("/api/repos/delete", act)
    hub.on(COMMIT, act)
    hub.on("/api/models/acme/m", lambda *_: http(200, b'{"id":"acme/m"}', JSON))
    return done


def takes_up(gate, keys, marker):
    """Waits until the gateway knows what was changed before."""
    keys.revoke("marker")
    ask = request(marker, "GET", "/api/models/acme/m", b"", b"Connection: close")
    assert wait_until(lambda: gate.ask(ask).status == 401, 10)


def outcomes(keys, name):
    """Of the acts of a key."""
    lines = [json.loads(line) for line in keys.run("audit", "show", "--key", name, "--json").stdout.splitlines()]
    return [line["outcome"] for line in lines if "outcome" in line]


@pytest.mark.parametrize("change", [revoke, narrow, rotate, expire], ids=lambda change: change.__name__)
def test_a_key_that_changes_while_a_body_comes_does_nothing_by_it_and_other_keys_do(start_with_keys, hub, keys, done, change):
    made = {name: keys.create(name, *RIGHTS) for name in ("ml", "other")}
    marker = keys.create("marker")
    gate = start_with_keys(workers=1)
    held = {
        (name, shape): Held(gate, shape(key, f"{name}-{shape.__name__}"), REST) for name, key in made.items() for shape in SHAPES
    }
    assert wait_until(lambda: len(hub.seen(COMMIT)) == 4, 10)  # Their first bytes were there.
    time.sleep(0.2)
    status, code = change(keys)
    takes_up(gate, keys, marker)
    for (name, shape), one in held.items():
        answer = one.finish()
        if name == "other":
            assert answer.status == 200, (shape, answer.body)
        else:
            assert (answer.status, code or answer["X-Error-Code"]) == (status, answer["X-Error-Code"]), (shape, answer.body)
    assert sorted(done) == sorted(f"other-{shape.__name__}".encode() for shape in SHAPES)
    # Of a commit the first bytes were sent. Of the rest nothing was, and what is refused by then is a refusal.
    assert wait_until(lambda: sorted(outcomes(keys, "ml")) == ["unclear", "unclear"], 10), outcomes(keys, "ml")
    assert outcomes(keys, "other") == ["answered"] * 5


def test_a_role_that_a_reload_narrows_ends_what_its_keys_have_begun_and_what_changes_nothing_does_not(
    start_with_keys, hub, keys, done, tmp_path
):
    settings = tmp_path / "hubgate.yaml"
    settings.write_text("roles: {team: {allow: ['all acme/*']}}\n")
    ml = keys.run("keys", "create", "ml", "--role", "team", "--config", str(settings)).stdout.strip()
    other = keys.create("other", *RIGHTS)
    gate = start_with_keys("--config", str(settings), workers=1)
    held = [Held(gate, shape(key, "x"), REST) for key in (ml, other) for shape in SHAPES]
    assert wait_until(lambda: len(hub.seen(COMMIT)) == 4, 10)
    time.sleep(0.2)
    keys.run("keys", "edit", "other", "--allow", "all *", "--note", "wider", "--rename", "another")
    settings.write_text("roles: {team: {allow: ['read acme/*']}}\n")
    gate.signal(signal.SIGHUP)
    assert wait_until(lambda: any("changed: roles" in message for message in gate.messages), 10)
    assert wait_until(lambda: gate.ask(facade(other, "until-known")).status == 200, 10)
    answers = [one.finish() for one in held]
    assert [answer.status for answer in answers] == [403] * 5 + [200] * 5, [answer.body for answer in answers]


def test_who_waits_for_a_place_is_looked_at_again_when_there_is_one(start_with_keys, hub, keys, done):
    ml, other, marker = (keys.create(name, *RIGHTS) for name in ("ml", "other", "marker"))
    goes = threading.Event()
    hub.on("/api/models/acme/slow", lambda *_: goes.wait(20) and http(200, b"{}", JSON))
    # What is kept from a call to the Hub is answered all the same.
    gate = start_with_keys("--upstream-connections", "1", workers=1)
    slow = gate.connect(20)
    slow.send(request(other, "GET", "/api/models/acme/slow"))
    assert wait_until(lambda: hub.seen("/api/models/acme/slow"), 10)
    shapes = [facade, hubs_own, commit]
    waiting = []
    for key, name in ((ml, "ml"), (other, "other")):
        for shape in shapes:
            waiting.append(gate.connect(20))
            waiting[-1].send(shape(key, f"{name}-{shape.__name__}"))
    time.sleep(0.3)
    assert not done
    keys.revoke("ml")
    ask = request(ml, "DELETE", "/api/repo", b"", b"Connection: close")
    assert wait_until(lambda: gate.ask(ask).status == 401, 10) and marker
    goes.set()
    answers = []
    for connection in [slow, *waiting]:
        with connection:
            answers.append(connection.answer())
    assert [answer.status for answer in answers] == [200] + [401] * 3 + [200] * 3, [answer.body for answer in answers]
    assert {answer["X-Error-Code"] for answer in answers[1:4]} == {"KeyRevoked"}
    assert sorted(done) == sorted(f"other-{shape.__name__}".encode() for shape in shapes)


def test_those_who_wait_for_the_call_of_a_key_that_is_revoked_get_their_answer(start_with_keys, hub, keys):
    """The leader of a call that is shared waits for its place."""
    ml, other = (keys.create(name, *RIGHTS) for name in ("ml", "other"))
    goes = threading.Event()
    hub.on("/api/models/acme/slow", lambda *_: goes.wait(20) and http(200, b"{}", JSON))
    hub.on("/api/models/acme/m", lambda *_: http(200, b'{"id":"acme/m"}', JSON))
    gate = start_with_keys("--upstream-connections", "1", workers=1)
    connections = [gate.connect(20) for _ in range(3)]
    connections[0].send(request(other, "GET", "/api/models/acme/slow"))
    assert wait_until(lambda: hub.seen("/api/models/acme/slow"), 10)
    for connection, key in zip(connections[1:], (ml, other), strict=True):
        connection.send(request(key, "GET", "/api/models/acme/m"))
        time.sleep(0.1)
    keys.revoke("ml")
    ask = request(ml, "DELETE", "/api/repo", b"", b"Connection: close")
    assert wait_until(lambda: gate.ask(ask).status == 401, 10)
    goes.set()
    statuses = []
    for connection in connections:
        with connection:
            statuses.append(connection.answer().status)
    assert statuses == [200, 401, 200]


def test_an_upload_by_a_signed_address_ends_with_its_key(start_before, hub, keys, another_server):
    key, marker = keys.create("ml", *RIGHTS), keys.create("marker")
    oid = "a" * 64
    whole = []
    another_server.on(f"/{oid}", lambda arrived, _: whole.append(arrived.body) or http(200))
    entry = {"oid": oid, "size": 7, "actions": {"upload": {"href": f"{another_server.url}/{oid}?X-Amz-Expires=900&X-Amz-Signature=a"}}}
    lfs = b"Content-Type: application/vnd.git-lfs+json"
    hub.on("/acme/m.git/info/lfs/objects/batch", lambda *_: http(200, json.dumps({"objects": [entry]}).encode(), lfs))
    hub.on("/api/models/acme/m", lambda *_: http(200, b'{"id":"acme/m"}', JSON))
    flags = ("--access", "keys", "--workers", "1", "--state-dir", str(keys.state), "--content-hosts", another_server.url)
    gate = start_before(hub, *flags)
    order = json.dumps({"operation": "upload", "objects": [{"oid": oid, "size": 7}]}).encode()
    answer = gate.ask(request(key, "POST", "/acme/m.git/info/lfs/objects/batch", order, b"Connection: close", content_type=lfs[14:].decode()))
    path = "/-/signed/" + json.loads(answer.body)["objects"][0]["actions"]["upload"]["href"].partition("/-/signed/")[2]
    kept = Held(gate, request(None, "PUT", path, b"content"), 3)
    assert kept.finish().status == 200 and whole == [b"content"]
    held = Held(gate, request(None, "PUT", path, b"content"), 3)
    assert wait_until(lambda: len(another_server.seen(f"/{oid}")) == 2, 10)
    keys.revoke("ml")
    takes_up(gate, keys, marker)
    answer = held.finish()
    assert answer.status == 403 and b"was revoked or has expired" in answer.body
    assert whole == [b"content"]


@pytest.mark.parametrize("is_here", [False, True])
def test_who_waits_for_a_file_is_looked_at_again_before_its_first_byte(start_with_keys, hub, store, cache, keys, is_here):
    """For its store to send it or, where it is here, to say that it has it."""
    content = store.put("model.bin", PIECE)
    made = {name: keys.create(name, *RIGHTS) for name in ("ml", "other")}
    marker = keys.create("marker")
    gate = start_with_keys("--content-hosts", store.url, "--cache-dir", str(cache), workers=1)
    path = PATH
    if is_here:
        assert gate.ask(request(made["other"], "GET", PATH, b"", b"Connection: close"), timeout=30).body == content
        wait_until_whole(cache, content)
        arrived, sha256 = threading.Event(), digest(content)

        def answer(asked, connection):
            arrived.set()
            store.go_on.wait(20)
            return store._answer(sha256, asked, connection)

        store.server.on(f"/acme/copy/{sha256}", answer)
        path = "/acme/copy/resolve/main/x"
        location = f"Location: {store.url}/acme/copy/{sha256}".encode()
        linked = f'X-Linked-Etag: "{sha256}"'.encode(), b"X-Linked-Size: %d" % len(content)
        hub.on(path, lambda *_: http(302, b"", location, *linked))
    else:
        store.hold_at = 0
    waiting = {name: gate.connect(30) for name in made}
    for name, connection in waiting.items():
        connection.send(request(made[name], "GET", path, b"", b"Connection: close"))
    assert wait_until(lambda: len(hub.seen(path)) == 2 and (arrived.is_set() if is_here else store.at_once == 1), 10)
    keys.revoke("ml")
    takes_up(gate, keys, marker)
    store.go_on.set()
    answers = {name: connection.answer() for name, connection in waiting.items()}
    assert (answers["ml"].status, answers["ml"]["X-Error-Code"]) == (401, "KeyRevoked")
    assert (answers["other"].status, answers["other"].body) == (200, content)
