"""Responses that go on for ever when all that is wanted of them is there: they hold no place, and no other call waits for them."""

import time

import pytest

from cached import figures, get
from fakehub import http
from file_cache import get as get_file
from waiting import wait_until

PLACES = 2
CHUNK = b"10000\r\n" + b"Z" * 0x10000 + b"\r\n"


def endless(*head, first=b"", calls=None):
    """An answer that begins with `first` and has no end; `calls` gets one entry for each that has ended."""

    def answer(request, connection):
        lines = [*head, b"Transfer-Encoding: chunked", b"", b""]
        connection.send(b"\r\n".join(lines) + (b"%x\r\n%s\r\n" % (len(first), first) if first else b""))
        try:
            for _ in range(3000):
                connection.send(CHUNK)
                time.sleep(0.01)
        except OSError:
            calls is None or calls.append(request.target)
        return None

    return answer


def working(gate):
    return figures(gate, 'hubgate_upstream_call_places{state="working"}').popitem()[1]


def test_a_response_too_large_to_be_kept_ends_when_its_client_has_had_a_304(start_before, hub):
    ended, paths = [], [f"/api/models/acme/{number}" for number in range(PLACES + 1)]
    hub.on("/api/models/acme/other", lambda *_: http(200, b"{}"))
    gate = start_before(hub, "--upstream-connections", str(PLACES), HUBGATE_CACHE_MEMORY="16MiB")
    for path in paths:
        hub.on(path, endless(b"HTTP/1.1 200 OK", b"Content-Type: text/plain", b'ETag: "x"', calls=ended))
        assert gate.ask(get(path, 'If-None-Match: "x"')).status == 304
    assert gate.ask(get("/api/models/acme/other")).status == 200
    assert wait_until(lambda: sorted(ended) == paths and working(gate) == 0, 10)


def test_a_response_that_has_become_too_large_ends_where_a_stale_one_was_given_out(start_before, hub):
    ended = []
    hub.on("/api/models/acme/m", lambda *_: http(200, b"small", b"Content-Type: text/plain"))
    hub.on("/api/models/acme/other", lambda *_: http(200, b"{}"))
    gate = start_before(
        hub, "--upstream-connections", str(PLACES), "--metadata-ttl", "1s", "--metadata-stale", "60s", HUBGATE_CACHE_MEMORY="16MiB")
    assert gate.ask(get("/api/models/acme/m")).body == b"small"
    hub.on("/api/models/acme/m", endless(b"HTTP/1.1 200 OK", b"Content-Type: text/plain", calls=ended))

    def has_asked_again():
        assert gate.ask(get("/api/models/acme/m")).body == b"small"
        return len(hub.seen("/api/models/acme/m")) > PLACES + 1

    # Each stale answer begins a call; none of them may stay.
    assert wait_until(has_asked_again, 20)
    assert gate.ask(get("/api/models/acme/other")).status == 200
    assert wait_until(lambda: working(gate) == 0, 10) and ended


@pytest.mark.parametrize("is_part", [False, True])
def test_a_store_that_sends_more_than_a_file_has_holds_no_place(caching, hub, store, is_part):
    content, ended = store.put("model.bin", 300_000), []
    hub.on("/api/models/acme/other", lambda *_: http(200, b"{}"))

    def answer(request, connection):
        head = [b"HTTP/1.1 206 X", b"Content-Range: bytes 0-299999/300000"] if request["Range"] else [b"HTTP/1.1 200 OK"]
        return endless(*head, first=content, calls=ended)(request, connection)

    [name] = store.files
    store.server.on(f"/{name}", answer)
    gate = caching("--upstream-connections", str(PLACES))
    fields = ["Range: bytes=0-299999"] if is_part else []
    for _ in range(PLACES + 1):
        assert gate.ask(get_file("/acme/m/resolve/main/model.bin", *fields), timeout=10).body == content
    assert gate.ask(get("/api/models/acme/other")).status == 200
    assert wait_until(lambda: ended and working(gate) == 0, 10)


def test_an_error_without_end_is_told_as_the_error_that_it_is(start_before, hub):
    ended = []
    hub.on("/api/whoami-v2", endless(b"HTTP/1.1 503 E", b"Content-Type: application/json", b"X-Error-Message: of the Hub", calls=ended))
    gate = start_before(hub)
    answer = gate.ask(get("/api/account"), timeout=20)
    assert answer.status == 503 and "of the Hub" in answer["X-Error-Message"]
    assert wait_until(lambda: ended, 10)
