"""Who may have a response of the cache that another asked for: by conditions, by what the Hub chose it by, and by what has changed meanwhile."""

import signal
import threading

import pytest

from cached import COMMIT, JSON, MODEL, Asking, Counting, Held, get, in_flight, write
from fakehub import http
from gate import running_gate
from keys import Keys
from policy import request
from stored_files import digest
from waiting import wait_until


def by_condition(etag, body):
    """A Hub that judges If-None-Match."""

    def answer(request):
        if request["If-None-Match"] == etag:
            return b"HTTP/1.1 304 Not Modified\r\nETag: %s\r\n\r\n" % etag.encode()
        return http(200, body, JSON, b"ETag: " + etag.encode())

    return answer


# Conditions


@pytest.mark.parametrize("first", ['If-None-Match: "e1"', "X-None: no"])
def test_each_who_shares_a_call_is_answered_by_their_own_condition(cached, hub, first):
    held = Held(hub, MODEL, by_condition('"e1"', b'"content"'))
    gate = cached()
    leader = Asking(gate, get(MODEL, first))
    assert held.arrived.wait(10)
    others = [Asking(gate, get(MODEL, field)) for field in ("X-None: no", 'If-None-Match: "e1"', 'If-None-Match: "e0"', 'If-None-Match: W/"e1", "x"')]
    in_flight(gate, 5)
    held.go_on.set()
    answers = [other.result() for other in (leader, *others)]
    statuses = [304 if "None-Match" in first else 200, 200, 304, 200, 304]
    assert [answer.status for answer in answers] == statuses
    assert all(answer.body == (b'"content"' if answer.status == 200 else b"") for answer in answers)
    assert len(held.requests) == 1 and held.requests[0]["If-None-Match"] is None
    assert [answer["Cache-Status"] for answer in answers[1:]] == ["hubgate; fwd=uri-miss; collapsed"] * 4
    # And it is kept for clients without a condition.
    assert gate.ask(get(MODEL)).body == b'"content"' and len(held.requests) == 1


def test_a_condition_is_judged_by_what_a_revalidation_gives(cached, hub):
    says = [by_condition('"e1"', b'"one"')]
    hub.on(MODEL, lambda request, _: says[0](request))
    gate = cached("--metadata-ttl", "1s", "--metadata-stale", "0")
    gate.ask(get(MODEL))
    says[0] = by_condition('"e2"', b'"two"')
    assert wait_until(lambda: "hit" not in gate.ask(get(MODEL, 'If-None-Match: "e2"'))["Cache-Status"], 5)
    # The Hub was asked by what is kept here, and the client by what came of it.
    assert hub.seen(MODEL)[-1]["If-None-Match"] == '"e1"'
    assert gate.ask(get(MODEL, 'If-None-Match: "e2"')).status == 304
    assert gate.ask(get(MODEL, 'If-None-Match: "e1"')).body == b'"two"'


def test_a_condition_by_date_is_judged_by_what_is_kept(cached, hub):
    date = "Sun, 06 Nov 1994 08:49:37 GMT"
    hub.on(MODEL, lambda *_: http(200, b"{}", JSON, b"Last-Modified: " + date.encode()))
    gate = cached()
    ask = lambda *fields: gate.ask(get(MODEL, *fields)).status  # noqa: E731
    assert [ask(), ask(f"If-Modified-Since: {date}"), ask("If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT"), ask("If-Modified-Since: then"),
            ask(f"If-Modified-Since: {date}", 'If-None-Match: "x"')] == [200, 304, 200, 200, 200]  # fmt: skip
    assert len(hub.seen(MODEL)) == 1


def test_a_file_that_the_client_has_is_asked_for_by_its_condition(cached, hub):
    path = f"/acme/m/resolve/{COMMIT}/model.bin"
    hub.on(path, lambda request, _: by_condition('"e1"', b"x" * 3_000_000)(request))
    gate = cached()
    assert gate.ask(get(path, 'If-None-Match: "e1"')).status == 304 and hub.seen(path)[0]["If-None-Match"] == '"e1"'


def test_a_file_that_another_has_is_fetched_once_all_the_same(cached, hub):
    """Who has it is answered by its head; the rest of it is for those who have it not."""
    path = "/acme/m/resolve/main/config.json"
    hub.on(path, lambda request, _: by_condition('"e1"', b"x" * 100_000)(request))
    gate = cached("--metadata-ttl", "1s", "--metadata-stale", "0")
    gate.ask(get(path))
    hub.on(path, lambda request, _: by_condition('"e2"', b"y" * 100_000)(request))
    assert wait_until(lambda: gate.ask(get(path, 'If-None-Match: "e2"')).status == 304, 5)
    assert wait_until(lambda: gate.ask(get(path)).body == b"y" * 100_000, 5)
    calls = len(hub.seen(path))
    assert gate.ask(get(path)).body == b"y" * 100_000 and len(hub.seen(path)) == calls == 2


# What the Hub has chosen by


@pytest.mark.parametrize(
    ("vary", "shares"), [("X-A", False), ("x-a", False), ("X-B", True), ("Origin, X-A", False), ("*", False), ("X-B, *", False),
                         (", ".join(f"X-{n}" for n in range(17)), False), (", ".join(f"X-{n}" for n in range(16)), True)])  # fmt: skip
def test_what_was_chosen_by_a_field_is_shared_by_those_with_the_same(cached, hub, vary, shares):
    fields = (JSON, b"Vary: " + vary.encode())
    held = Held(hub, MODEL, http(200, b'"one"', *fields), http(200, b'"two"', *fields))
    gate = cached()
    leader = Asking(gate, get(MODEL, "X-A: 1"))
    assert held.arrived.wait(10)
    other = Asking(gate, get(MODEL, "X-A: 2"))
    in_flight(gate, 2)
    held.go_on.set()
    assert leader.result().body == b'"one"' and other.result().body == (b'"one"' if shares else b'"two"')
    # The same of what is kept.
    assert gate.ask(get(MODEL, "X-A: 3")).body == (b'"one"' if shares else b'"two"')
    assert len(held.requests) == (1 if shares else 3)


FILE = f"/acme/m/resolve/{COMMIT}/config.json"
CHOSEN = "application/vnd.xet-fileinfo+json"


def chooses(hub, path):
    """A Hub that chooses by all that it gets."""

    def answer(request, connection):
        got = [value for name in ("Accept", "Accept-Encoding", "X-Foo") for value in request.all(name)]
        is_other = any(word in value for value in got for word in (CHOSEN, "text/html", "gzip", "foo"))
        body = b"" if request.method == "HEAD" else b"other" if is_other else b"usual"
        return http(200, body, b"Content-Type: text/plain", b"ETag: " + (b'"other"' if is_other else b'"usual"'),
                    b"Vary: Accept, Accept-Encoding, X-Foo")  # fmt: skip

    hub.on(path, answer)


@pytest.mark.parametrize("path", [FILE, MODEL, f"{MODEL}/tree/{COMMIT}"])
@pytest.mark.parametrize(
    ("odd", "usual"),
    [(("Accept: */*", f"Accept: {CHOSEN}"), ("Accept: */*",)), (("Accept: */*", "Accept: text/html"), ("Accept: */*",)),
     (("Accept: text/html", "Connection: Accept"), ("Accept: text/html",)), (("Accept: text/html", "connection: close, x, ACCEPT"), ("Accept: text/html",)),
     (("Accept-Encoding: identity", "Accept-Encoding: gzip"), ("Accept-Encoding: identity",)), (("X-Foo: foo", "Connection: X-Foo"), ("X-Foo: foo",))])  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_nobody_gets_what_the_hub_has_chosen_by_fields_that_are_not_theirs(cached, hub, path, odd, usual, method):
    """By lines of a field behind the first, and by those that Connection keeps from the Hub."""
    chooses(hub, path)
    gate = cached("--workers", "1")
    ask = lambda *fields: gate.ask(get(path, *fields, "Connection: close", method=method), timeout=10)["ETag"]  # noqa: E731
    withheld = any(field.lower().startswith("connection") for field in odd)
    wanted, other = ('"other"', '"usual"') if withheld else ('"usual"', '"other"')
    if path != FILE and method == "GET" and "gzip" in odd[-1]:
        # Of JSON the Hub is asked for no coding, whatever the client says.
        other = wanted
    assert ask(*odd) == other
    assert [ask(*usual), ask(*odd), ask(*usual)] == [wanted, other, wanted]
    # Nor does it take the place of what is good.
    assert ask(*odd, "Cache-Control: no-cache") == other
    assert ask(*usual) == wanted


@pytest.mark.parametrize("fields", [("Connection: keep-alive",), ("Connection: keep-alive, TE", "TE: trailers"), ("Connection: close",), ()])
def test_what_a_connection_mostly_says_makes_no_difference(cached, hub, fields):
    counted = Counting(hub, MODEL)
    gate = cached("--workers", "1")
    for more in (fields, (), fields):
        assert gate.ask(get(MODEL, "Accept: */*", *more)).body == b'{"n":1}'
    assert counted.count == 1


def test_who_asks_in_two_lines_shares_no_call_with_who_asks_in_one(cached, hub):
    held = Held(hub, MODEL, http(200, b'"other"', JSON), http(200, b'"usual"', JSON))
    gate = cached("--workers", "1")
    odd = Asking(gate, get(MODEL, "Accept: */*", "Accept: text/html"))
    assert held.arrived.wait(10)
    usual = Asking(gate, get(MODEL, "Accept: */*"))
    assert usual.result().body == b'"usual"'
    held.go_on.set()
    assert odd.result().body == b'"other"' and len(held.requests) == 2


@pytest.mark.parametrize("accept", [(f"Accept: */*, {CHOSEN}",), ("Accept: */*", f"Accept: {CHOSEN}"), (f"Accept: {CHOSEN.upper()}", "Accept: text/plain", f"Accept: {CHOSEN};q=1")])
def test_xet_is_hidden_from_who_asks_for_it_in_any_line(start_before, hub, accept):
    chooses(hub, FILE)
    gate = start_before(hub, "--xet", "hide")
    for method in ("GET", "HEAD"):
        assert gate.ask(get(FILE, *accept, method=method))["ETag"] == '"usual"'
    assert all(CHOSEN not in value.lower() for request in hub.seen(FILE) for value in request.all("Accept"))


def test_the_place_that_one_client_is_told_is_told_to_no_other(start_before, hub, store):
    content = store.put("small.bin", 1000)
    path = f"/acme/m/resolve/{COMMIT}/small.bin"
    hub.on(path, lambda *_: store.redirect(digest(content)))
    gate = start_before(hub, "--content-hosts", store.url, "--workers", "1", HUBGATE_CACHE_MEMORY="64MiB")
    first = gate.ask(get(path, "User-Agent: ollama/0.1"))
    assert first.body == content and first["Location"] == path
    for _ in range(2):
        other = gate.ask(get(path, "User-Agent: hf_hub/1"))
        assert other.body == content and other["Location"] is None


def test_what_is_kept_and_stands_in_is_for_those_that_it_was_chosen_for(cached, hub):
    """The call of one who may have what is kept fails; who waits for it and may not asks for themselves."""
    broken = []
    arrived, go_on = threading.Event(), threading.Event()

    def answer(request, connection):
        if not broken:
            return http(200, b'"german"', JSON, b"Vary: Accept-Language", b'ETag: "g"')
        if request["Accept-Language"] == "fr":
            return http(200, b'"french"', JSON, b"Vary: Accept-Language")
        arrived.set()
        go_on.wait(20)
        return http(503, b"no")

    hub.on(MODEL, answer)
    gate = cached("--metadata-ttl", "1s", "--metadata-stale", "0")
    gate.ask(get(MODEL, "Accept-Language: de"))
    broken.append(1)
    assert wait_until(lambda: int(gate.ask(get(MODEL, "Accept-Language: de", "Cache-Control: only-if-cached"))["Age"] or 9) >= 1, 5)
    german = Asking(gate, get(MODEL, "Accept-Language: de"))
    assert arrived.wait(10)
    french = Asking(gate, get(MODEL, "Accept-Language: fr"))
    in_flight(gate, 2)
    go_on.set()
    assert german.result().body == b'"german"' and "stale-if-error" in german.result()["Cache-Status"]
    assert french.result().body == b'"french"'


# What has changed meanwhile


@pytest.mark.parametrize("memory", ["64MiB", "0"])
def test_who_has_written_shares_no_call_that_began_before(start_before, hub, memory):
    """Not even where nothing is kept: calls at the same moment are one there, too."""
    held = Held(hub, MODEL, http(200, b'"old"', JSON), http(200, b'"new"', JSON))
    hub.on(MODEL + "/commit/main", lambda *_: http(200, b"{}", JSON))
    gate = start_before(hub, HUBGATE_CACHE_MEMORY=memory)
    slow = Asking(gate, get(MODEL))
    assert held.arrived.wait(10)
    assert gate.ask(write()).status == 200
    assert gate.ask(get(MODEL), timeout=10).body == b'"new"'
    held.go_on.set()
    assert slow.result().body == b'"old"'


@pytest.mark.parametrize("field", ["Cache-Control: no-cache", "Cache-Control: max-age=0", "Pragma: no-cache"])
def test_who_wants_what_the_hub_says_now_shares_no_call_that_began_before(cached, hub, field):
    held = Held(hub, MODEL, http(200, b'"old"', JSON), http(200, b'"new"', JSON))
    gate = cached()
    slow = Asking(gate, get(MODEL))
    assert held.arrived.wait(10)
    newer = gate.ask(get(MODEL, field))
    assert newer.body == b'"new"' and newer["Cache-Status"] == "hubgate; fwd=request; stored"
    held.go_on.set()
    assert slow.result().body == b'"old"'
    # Of the two the later one is kept, though it ended first.
    assert gate.ask(get(MODEL)).body == b'"new"' and len(held.requests) == 2


def test_a_push_is_a_change_until_its_last_byte(cached, hub):
    """Its response begins long before it is done."""
    state, go_on, begun = [b'"old"'], threading.Event(), threading.Event()
    hub.on(MODEL, lambda *_: http(200, state[0], JSON))

    def push(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nwork")
        begun.set()
        go_on.wait(20)
        state[0] = b'"new"'
        return b"done"

    hub.on("/acme/m.git/git-receive-pack", push)
    gate = cached("--metadata-ttl", "60s")
    pusher = Asking(gate, write("/acme/m.git/git-receive-pack"))
    assert begun.wait(10)
    assert gate.ask(get(MODEL)).body == b'"old"'
    go_on.set()
    assert pusher.result().body == b"workdone"
    assert gate.ask(get(MODEL)).body == b'"new"'


def test_an_order_whose_client_has_left_is_a_change_when_it_is_done(tmp_path, certificates, hub):
    """With an Idempotency-Key it goes on without its client."""
    state, go_on, arrived = [b'"old"'], threading.Event(), threading.Event()
    hub.on(MODEL, lambda *_: http(200, state[0], JSON))

    def settle(request, connection):
        arrived.set()
        go_on.wait(20)
        state[0] = b'"new"'
        return http(200, b"{}", JSON)

    hub.on(MODEL + "/settings", settle)
    keys = Keys(tmp_path)
    key = keys.create("job", "--role", "admin")
    flags = ("--upstream", hub.url, "--access", "keys", "--state-dir", str(keys.state), "--workers", "2", "--metadata-ttl", "60s", "--metadata-stale", "0")
    with running_gate(tmp_path / "gate", certificates, *flags, HF_TOKEN="hf_of_the_gate", HUBGATE_CACHE_MEMORY="64MiB") as gate:
        order = b'{"type":"model","namespace":"acme/m","private":true}'
        read = lambda: gate.ask(request(key, "GET", MODEL, b"", b"Connection: close")).body  # noqa: E731
        with gate.connect() as connection:
            connection.send(request(key, "PUT", "/api/repo", order, b"Idempotency-Key: one"))
            assert arrived.wait(10)
        assert wait_until(lambda: gate.wait_for_log(lambda line: line["status"] == 499), 10)
        assert {read() for _ in range(8)} == {b'"old"'}
        go_on.set()
        assert wait_until(lambda: {read() for _ in range(8)} == {b'"new"'}, 10)


# What the settings make of a response


@pytest.mark.parametrize("change", ["xet: hide", "strict_leaks: on", "bill_to: acme", "trusted_origins: https://app.example", "content_hosts: cdn.example"])
def test_what_was_kept_with_other_settings_is_not_given_out_after_a_reload(start_before, hub, tmp_path, change):
    """It is kept as it went out: with the fields and addresses that the settings then made of it."""
    model = Counting(hub, MODEL, b"X-Xet-Hash: abc")
    settings = tmp_path / "hubgate.yaml"
    settings.write_text("metadata_ttl: 60s\n")
    gate = start_before(hub, "--config", str(settings), HUBGATE_CACHE_MEMORY="64MiB")

    def reload(text):
        settings.write_text(text)
        before = len(gate.messages)
        gate.signal(signal.SIGHUP)
        assert wait_until(lambda: any(message.startswith("Reloaded") for message in gate.messages[before:]), 10), gate.messages

    assert [gate.ask(get(MODEL)).body for _ in range(2)] == [b'{"n":1}'] * 2
    # What has nothing to do with it leaves it.
    reload("metadata_ttl: 50s\n")
    assert gate.ask(get(MODEL)).body == b'{"n":1}'
    reload(f"metadata_ttl: 60s\n{change}\n")
    after = gate.ask(get(MODEL))
    if any("need a restart" in message for message in gate.messages):
        assert after.body == b'{"n":1}'
        pytest.skip(f"{change.partition(':')[0]} changes at a restart only, which keeps nothing.")
    assert after.body == b'{"n":2}' and model.count == 2
    assert change != "xet: hide" or after["X-Xet-Hash"] is None


def test_what_was_fetched_with_another_token_is_not_given_out_after_a_reload(start_before, hub, tmp_path):
    model = Counting(hub, MODEL)
    token = tmp_path / "token"
    token.write_text("hf_one")
    gate = start_before(hub, "--token-file", str(token), HF_TOKEN="", HUBGATE_CACHE_MEMORY="64MiB")
    assert [gate.ask(get(MODEL)).body for _ in range(2)] == [b'{"n":1}'] * 2
    token.write_text("hf_two")
    gate.signal(signal.SIGHUP)
    assert wait_until(lambda: gate.ask(get(MODEL)).body == b'{"n":2}', 10)
    assert model.targets[-1]["Authorization"] == "Bearer hf_two"
