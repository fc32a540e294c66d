"""Requests that are relayed to the Hub and back, and that a Hub that misbehaves harms no client."""

import gzip
import hashlib
import random
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from fakehub import FakeHub, http
from gate import IS_SANITIZED, Gate, make_workspace
from ports import unused_port
from waiting import wait_until

MIB = 1 << 20
BLOCK = random.Random(7).randbytes(MIB)

no_sanitizer = pytest.mark.skipif(IS_SANITIZED, reason="a sanitizer's memory is not the gate's")


def request(method, target, *fields, body=b""):
    lines = [f"{method} {target} HTTP/1.1".encode(), b"Host: localhost", *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def exchange(gate, method, target, *fields, body=b"", timeout=10):
    if body:
        fields = (*fields, b"Content-Length: %d" % len(body))
    return gate.ask(request(method, target, *fields, b"Connection: close", body=body), timeout)


@pytest.fixture(scope="module")
def shared(tmp_path_factory, certificates):
    """A gate and the fake Hub behind it, for the tests that need no other settings."""
    hub = FakeHub()
    gate = Gate(
        make_workspace(tmp_path_factory.mktemp("relay") / "workspace"),
        certificates,
        "--upstream",
        hub.url,
        HF_TOKEN="hf_of_the_gate",
    )
    gate.hub = hub
    try:
        yield gate
        gate.stop()
    finally:
        gate.kill()
        hub.close()


# Unchanged


def test_the_target_reaches_the_hub_byte_for_byte(shared):
    targets = [
        "/t/a%2Fb/c",
        "/t/a%20b",
        "/t/a+b",
        "/t/it's~me",
        "/t/x?a=&b=&a=1&a=2",
        "/t/x?",
        "/t/x?q=a%2fb%2Fc+d%20e",
        "/t/%E2%82%AC%c3%a9",
        "/t/a;b=1,c:@!$&'()*=",
        "/t/-._~/%7e",
        "/t/x?a=b?c/d",
        "/t/trailing/",
        "/t/x?x%5B%5D=1",
        "/t/%25",
        "/t/x?&&=&",
        "/org/repo/resolve/refs%2Fpr%2F1/a%20b.bin",
    ]
    for target in targets:
        shared.hub.on(target.partition("?")[0], lambda *_: http(200, b"ok"))
        assert exchange(shared, "GET", target).body == b"ok", target
        assert shared.hub.requests[-1].target == target


def test_a_path_in_the_upstream_goes_before_every_target(start, hub):
    hub.on("/mirror/hf/api/models/x", lambda *_: http(200, b"there"))
    gate = start("--upstream", hub.url + "/mirror/hf", sandbox=False, HF_TOKEN="hf_x")
    assert exchange(gate, "GET", "/api/models/x?full=1").body == b"there"
    assert hub.requests[-1].target == "/mirror/hf/api/models/x?full=1"


@pytest.mark.parametrize(
    "status", [200, 201, 202, 206, 226, 300, 302, 307, 308, 400, 401, 404, 418, 429, 451, 500, 503, 599]
)
def test_a_status_passes_unchanged_with_its_fields_and_body(shared, status):
    shared.hub.on(
        "/status", lambda *_: http(status, b"the body", b"X-Any: a, b", b"X-Any: c", b'ETag: "e"', b"X-Empty:")
    )
    answer = exchange(shared, "GET", "/status")
    assert (answer.status, answer.body) == (status, b"the body")
    assert answer.all("X-Any") == ["a, b", "c"] and answer["ETag"] == '"e"' and answer["X-Empty"] == ""


def test_the_answer_to_head_has_the_length_and_no_body(shared):
    shared.hub.on("/head", lambda *_: b"HTTP/1.1 200 OK\r\nContent-Length: 123456789\r\nX-Linked-Size: 5\r\n\r\n")
    with shared.connect() as connection:
        for _ in range(2):
            connection.send(request("HEAD", "/head"))
            answer = connection.answer(to_head=True)
            assert (answer.status, answer["Content-Length"], answer["X-Linked-Size"]) == (200, "123456789", "5")
    assert {seen.method for seen in shared.hub.seen("/head")} == {"HEAD"}


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_content_has_no_body_and_the_connection_goes_on(shared, status):
    shared.hub.on("/none", lambda *_: b'HTTP/1.1 %d X\r\nETag: "e"\r\n\r\n' % status)
    with shared.connect() as connection:
        for _ in range(3):
            connection.send(request("GET", "/none", b'If-None-Match: "e"'))
            answer = connection.answer()
            assert (answer.status, answer["ETag"], answer["Transfer-Encoding"]) == (status, '"e"', None)


def test_an_answer_304_that_speaks_of_a_length_has_no_body_either(shared):
    shared.hub.on("/304", lambda *_: b"HTTP/1.1 304 X\r\nContent-Length: 77\r\n\r\n")
    with shared.connect() as connection:
        for _ in range(2):
            connection.send(request("GET", "/304"))
            assert connection.answer().status == 304


def test_a_range_and_its_part_pass_unchanged(shared):
    def part(asked, _):
        assert asked["Range"] == "bytes=5-9" and asked["If-Range"] == '"e"'
        return http(206, b"56789", b"Content-Range: bytes 5-9/10", b"Accept-Ranges: bytes")

    shared.hub.on("/range", part)
    answer = exchange(shared, "GET", "/range", b"Range: bytes=5-9", b'If-Range: "e"')
    assert (answer.status, answer.body, answer["Content-Range"]) == (206, b"56789", "bytes 5-9/10")


def test_a_compressed_answer_is_not_touched(shared):
    packed = gzip.compress(b"hello " * 1000)
    shared.hub.on("/gzip", lambda *_: http(200, packed, b"Content-Encoding: gzip", b"Vary: Accept-Encoding"))
    answer = exchange(shared, "GET", "/gzip", b"Accept-Encoding: gzip, br")
    assert (
        answer.body == packed and answer["Content-Encoding"] == "gzip" and answer["Content-Length"] == str(len(packed))
    )
    assert shared.hub.requests[-1]["Accept-Encoding"] == "gzip, br"


def test_nothing_is_asked_of_the_hub_that_the_client_did_not_ask(shared):
    shared.hub.on("/plain", lambda *_: http(200))
    exchange(shared, "GET", "/plain", b"X-Mine: 1")
    names = {name.lower() for name, _ in shared.hub.requests[-1].headers}
    assert names <= {"host", "x-mine", "authorization", "user-agent", "x-amzn-trace-id", "x-request-id"}, names


def test_a_chunked_answer_passes_whole_and_chunked(shared):
    pieces = [BLOCK[:size] for size in (1, 10, 4096, 70000, 3)]

    def chunked(_, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in pieces:
            connection.send(b"%x;ext=1\r\n%s\r\n" % (len(piece), piece))
        return b"0\r\nX-Trailer: dropped\r\n\r\n"

    shared.hub.on("/chunked", chunked)
    with shared.connect() as connection:
        for _ in range(2):
            connection.send(request("GET", "/chunked"))
            answer = connection.answer()
            assert answer.body == b"".join(pieces) and answer["Transfer-Encoding"] == "chunked"


def test_an_answer_that_the_hub_ends_by_closing_comes_whole_and_with_an_end(shared):
    def closing(_, connection):
        connection.send(b"HTTP/1.1 200 OK\r\n\r\n" + BLOCK)

    shared.hub.on("/closing", closing)
    assert exchange(shared, "GET", "/closing").body == BLOCK


def test_chunks_of_events_arrive_one_by_one_as_they_are_sent(shared):
    go_on = threading.Semaphore(0)

    def events(_, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(4):
            data = b"data: %d\n\n" % number
            connection.send(b"%x\r\n%s\r\n" % (len(data), data))
            assert go_on.acquire(timeout=5)
        return b"0\r\n\r\n"

    shared.hub.on("/events", events)
    with shared.connect(timeout=3) as connection:
        connection.send(request("GET", "/events"))
        for number in range(4):
            while b"data: %d\n\n" % number not in connection.waiting:
                connection._more()
            assert b"data: %d" % (number + 1) not in connection.waiting
            go_on.release()


def test_a_head_arrives_before_the_first_byte_of_its_body(shared):
    go_on = threading.Event()

    def late(_, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        assert go_on.wait(5)
        return b"ok"

    shared.hub.on("/late", late)
    with shared.connect(timeout=3) as connection:
        connection.send(request("GET", "/late"))
        while b"\r\n\r\n" not in connection.waiting:
            connection._more()
        go_on.set()
        assert connection.answer().body == b"ok"


def test_interim_answers_of_the_hub_do_not_confuse_the_answer(shared):
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    shared.hub.on("/early", lambda *_: early * 2 + http(200, b"final"))
    assert exchange(shared, "GET", "/early").body == b"final"


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_request_body_reaches_the_hub_whole(shared, method, framing):
    body = BLOCK[:300_000]
    shared.hub.on("/up", lambda asked, _: http(200, hashlib.sha256(asked.body).hexdigest().encode()))
    if framing == "length":
        answer = exchange(shared, method, "/up", b"Content-Type: application/x-ndjson", body=body)
        assert shared.hub.requests[-1]["Content-Length"] == str(len(body))
    else:
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:1], body[1:70000], body[70000:]))
        answer = shared.ask(
            request(method, "/up", b"Transfer-Encoding: chunked", b"Connection: close", body=chunks + b"0\r\n\r\n")
        )
        assert shared.hub.requests[-1]["Transfer-Encoding"] == "chunked"
    assert answer.body == hashlib.sha256(body).hexdigest().encode()
    assert shared.hub.requests[-1].method == method


def test_a_body_without_bytes_is_no_body_that_is_waited_for(shared):
    shared.hub.on("/empty", lambda asked, _: http(200, asked.method.encode()))
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for framing in ((), (b"Content-Length: 0",)):
            assert exchange(shared, method, "/empty", *framing, timeout=3).body == method.encode()
            assert shared.hub.requests[-1].body == b""


def test_continue_is_sent_only_when_the_body_is_wanted(shared):
    shared.hub.on("/continue", lambda asked, _: http(200, asked.body))
    with shared.connect() as connection:
        connection.send(request("PUT", "/continue", b"Expect: 100-continue", b"Content-Length: 5"))
        assert connection.interim_or_answer().status == 100
        connection.send(b"hello")
        assert connection.interim_or_answer().body == b"hello"
        # A body that comes anyway is taken too.
        connection.send(request("PUT", "/continue", b"Expect: 100-continue", b"Content-Length: 5", body=b"world"))
        assert connection.answer().body == b"world"
        # Refused before it is wanted: no 100, so nothing is uploaded for nothing.
        connection.send(request("POST", "/-/unknown", b"Expect: 100-continue", b"Content-Length: 5"))
        answer = connection.interim_or_answer()
        answer.check_is_error(404)
        assert answer.closes
    assert shared.hub.seen("/continue")[-1]["Expect"] is None


def test_our_own_paths_are_never_relayed(shared):
    before = len(shared.hub.requests)
    for method in ("GET", "POST", "DELETE"):
        exchange(shared, method, "/-/unknown").check_is_error(404, "NotFound")
        exchange(shared, method, "/-/").check_is_error(404, "NotFound")
    answer = exchange(shared, "PATCH", "/api/repo")
    answer.check_is_error(405, "MethodNotAllowed")
    assert {word.strip() for word in answer["Allow"].split(",")} == {"POST", "PUT", "DELETE"}
    exchange(shared, "POST", "/api/account").check_is_error(405, "MethodNotAllowed")
    assert len(shared.hub.requests) == before


# What stays on its side


def test_what_is_the_connections_own_stays_on_the_clients_side(shared):
    shared.hub.on("/hop", lambda *_: http(200))
    exchange(
        shared,
        "GET",
        "/hop",
        b"Keep-Alive: timeout=5",
        b"Proxy-Connection: keep-alive",
        b"TE: trailers",
        b"Upgrade: websocket",
        b"Proxy-Authorization: Basic eA==",
        b"X-Secret-Of-Mine: 1",
        b"X-Stays: 1",
        b"Connection: x-secret-of-mine, Upgrade, TE",
        b"Via: 1.1 someone",
    )
    seen = shared.hub.requests[-1]
    for name in ("Keep-Alive", "Proxy-Connection", "TE", "Upgrade", "Proxy-Authorization", "X-Secret-Of-Mine"):
        assert not seen.all(name), name
    assert seen["X-Stays"] == "1" and "close" not in (seen["Connection"] or "")


def test_what_is_the_connections_own_stays_on_the_hubs_side(shared):
    shared.hub.on(
        "/hop",
        lambda *_: http(
            200,
            b"x",
            b"Connection: keep-alive, x-of-the-hub",
            b"Keep-Alive: timeout=5",
            b"X-Of-The-Hub: 1",
            b"Proxy-Authenticate: Basic",
            b"Trailer: X",
            b"Upgrade: h2c",
            b"X-Stays: 1",
        ),
    )
    with shared.connect() as connection:
        connection.send(request("GET", "/hop"))
        answer = connection.answer()
        for name in ("Connection", "Keep-Alive", "X-Of-The-Hub", "Proxy-Authenticate", "Trailer", "Upgrade"):
            assert not answer.all(name), name
        assert answer["X-Stays"] == "1"


def test_the_hubs_wish_to_close_its_connection_does_not_close_the_clients(shared):
    def closing(_, connection):
        connection.send(http(200, b"x", b"Connection: close"))

    shared.hub.on("/close", closing)
    with shared.connect() as connection:
        for _ in range(3):
            connection.send(request("GET", "/close"))
            answer = connection.answer()
            assert answer.body == b"x" and not answer.closes


def test_in_open_access_no_credential_or_cookie_of_the_client_reaches_the_hub(shared):
    shared.hub.on("/secrets", lambda *_: http(200))
    exchange(
        shared,
        "GET",
        "/secrets",
        b"Authorization: Bearer hf_of_the_client",
        b"Cookie: token=hf_of_the_client",
        b"X-Forwarded-For: 10.0.0.1",
        b"X-Forwarded-Host: evil.test",
        b"X-Forwarded-Proto: http",
        b"Forwarded: for=1.2.3.4",
        b"X-Real-IP: 1.2.3.4",
    )
    seen = shared.hub.requests[-1]
    assert b"hf_of_the_client" not in seen.head
    assert seen["Authorization"] == "Bearer hf_of_the_gate"
    assert not [name for name, _ in seen.headers if name.lower().startswith("x-forwarded") or name == "Forwarded"]
    assert seen["Host"] == f"127.0.0.1:{shared.hub.port}"
    assert "hf_of" not in shared.log_path.read_text()


def test_in_passthrough_access_the_clients_credential_reaches_the_hub_and_the_gates_does_not(start_before, hub):
    gate = start_before(hub, "--access", "passthrough")
    hub.on("/who", lambda *_: http(200))
    exchange(gate, "GET", "/who", b"Authorization: Bearer hf_of_the_client", b"Cookie: a=b")
    assert hub.requests[-1]["Authorization"] == "Bearer hf_of_the_client" and hub.requests[-1]["Cookie"] is None
    exchange(gate, "GET", "/who")
    assert hub.requests[-1]["Authorization"] is None
    # As git shows a token.
    exchange(gate, "GET", "/who", b"Authorization: Basic eDpoZl9vZl9naXQ=")
    assert hub.requests[-1]["Authorization"] == "Basic eDpoZl9vZl9naXQ="
    for other in (b"Digest eDp5", b"Basic eDp5 eDp5", b"Basic", b"hf_of_the_client"):
        exchange(gate, "GET", "/who", b"Authorization: " + other)
        assert hub.requests[-1]["Authorization"] is None, other
    assert "eDpoZl9vZl9naXQ" not in gate.log_path.read_text()
    assert "hf_of" not in gate.log_path.read_text()


def test_the_hubs_cookies_do_not_reach_the_client(shared):
    shared.hub.on(
        "/cookie",
        lambda *_: http(200, b"", b"Set-Cookie: a=b", b"Set-Cookie: c=d", b"Strict-Transport-Security: max-age=1"),
    )
    answer = exchange(shared, "GET", "/cookie")
    assert not answer.all("Set-Cookie") and not answer.all("Strict-Transport-Security")


# A Hub that misbehaves

ENDLESS = object()
BROKEN_HEADS = {
    "two differing lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "the same length twice": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "a length that is no number": b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nhello",
    "a length that overflows": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhello",
    "a list of lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
    "length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n0\r\n\r\n",
    "an unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a blank before the colon": b"HTTP/1.1 200 OK\r\nX-Bad : 1\r\nContent-Length: 0\r\n\r\n",
    "a name with a blank": b"HTTP/1.1 200 OK\r\nX Bad: 1\r\nContent-Length: 0\r\n\r\n",
    "an empty name": b"HTTP/1.1 200 OK\r\n: 1\r\nContent-Length: 0\r\n\r\n",
    "a line without a colon": b"HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 0\r\n\r\n",
    "a folded field": b"HTTP/1.1 200 OK\r\nX-Long: a\r\n  Content-Length: 7\r\nContent-Length: 0\r\n\r\n",
    "a NUL in a value": b"HTTP/1.1 200 OK\r\nX-Bad: a\0b\r\nContent-Length: 0\r\n\r\n",
    "a CR in a value": b"HTTP/1.1 200 OK\r\nX-Bad: a\rb: c\r\nContent-Length: 0\r\n\r\n",
    "an unasked 101": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhello",
    "300 fields": b"HTTP/1.1 200 OK\r\n"
    + b"".join(b"X-%d: 1\r\n" % n for n in range(300))
    + b"Content-Length: 0\r\n\r\n",
    "status 99": b"HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n",
    "status 99 in two digits": b"HTTP/1.1 99 Low\r\nContent-Length: 0\r\n\r\n",
    "status 1000": b"HTTP/1.1 1000 High\r\nContent-Length: 0\r\n\r\n",
    "status 600": b"HTTP/1.1 600 High\r\nContent-Length: 0\r\n\r\n",
    "a word for a status": b"HTTP/1.1 abc Bad\r\nContent-Length: 0\r\n\r\n",
    "an endless head": ENDLESS,
    "a single line without an end": b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 400_000,
    "HTTP/0.9": b"<html>hello</html>",
    "a hundred interim responses": b"HTTP/1.1 103 Early\r\n\r\n" * 100 + http(200, b"x"),
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
}


@pytest.mark.parametrize("fault", BROKEN_HEADS)
def test_a_broken_head_is_a_502_with_the_reason_and_harms_no_other_request(shared, fault):
    def broken(_, connection):
        if BROKEN_HEADS[fault] is not ENDLESS:
            connection.send(BROKEN_HEADS[fault])
            return
        connection.send(b"HTTP/1.1 200 OK\r\n")
        for number in range(1_000_000):
            connection.send(b"X-%d: %s\r\n" % (number, b"a" * 1000))

    shared.hub.on("/broken", broken)
    shared.hub.on("/whole", lambda *_: http(200, b"whole"))
    with shared.connect(timeout=5) as connection:
        connection.send(request("GET", "/broken"))
        answer = connection.answer()
        answer.check_is_error(502, "HubBroken")
        assert len(answer.json["error"]) > 20
        for _ in range(2):
            connection.send(request("GET", "/whole"))
            assert connection.answer().body == b"whole"


@pytest.mark.parametrize(
    "chunks",
    [
        b"zz\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhelloX\r\n0\r\n\r\n",
        b"ffffffffffffffffff\r\nhello",
        b"-5\r\nhello\r\n0\r\n\r\n",
    ],
)
def test_broken_chunks_of_the_hub_are_never_a_whole_answer(shared, chunks):
    def broken(_, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n" + chunks)

    shared.hub.on("/chunks", broken)
    with shared.connect(timeout=5) as connection:
        connection.send(request("GET", "/chunks"))
        connection.check_cut()


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("size", [10, 100_000, 3_000_000])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_an_answer_cut_by_the_hub_is_cut_for_the_client(shared, framing, size, how):
    body = (BLOCK * 3)[:size]

    def cut(_, connection):
        if framing == "length":
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (size + 5, body))
        else:
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (size, body))
        if how == "reset":
            time.sleep(0.05)
            connection.reset()

    shared.hub.on("/cut", cut)
    with shared.connect() as connection:
        connection.send(request("GET", "/cut"))
        connection.check_cut()
    line = shared.wait_for_log(lambda line: line["path"] == "/cut" and line.get("end") == "cut")
    assert line, "the log does not say that the response was cut"


def test_a_hub_that_nobody_reaches_is_a_502_and_one_that_says_nothing_a_504(start, hub):
    with unused_port() as port:
        closed = start("--upstream", f"http://127.0.0.1:{port}", sandbox=False, HF_TOKEN="hf_x")
        exchange(closed, "GET", "/x").check_is_error(502, "HubUnreachable")
    silent = start(
        "--upstream",
        hub.url,
        "--first-byte-timeout",
        "300ms",
        "--stall-timeout",
        "300ms",
        sandbox=False,
        HF_TOKEN="hf_x",
    )
    hub.on("/silent", lambda _, connection: connection.wait_for_end() and None)

    def stalls(_, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        connection.wait_for_end()

    hub.on("/stalls", stalls)
    exchange(silent, "GET", "/silent", timeout=5).check_is_error(504, "HubTooSlow")
    with silent.connect(timeout=5) as connection:
        connection.send(request("GET", "/stalls"))
        connection.check_cut()


def test_without_a_token_the_answer_is_503_and_says_how_to_set_one(start, hub):
    gate = start("--upstream", hub.url, sandbox=False)
    answer = exchange(gate, "GET", "/api/models")
    answer.check_is_error(503, "NoToken")
    assert "HF_ACCESS_TOKEN" in answer.json["error"] and not hub.requests


# Once, or once again


def closing_at_the_second(hub, path):
    """The Hub answers the first request of each connection, and closes at the moment when a second one comes."""

    def answer(asked, connection):
        return http(200, b"answered") if connection.requests == 1 else None

    hub.on("/first", lambda *_: http(200, b"first"))
    hub.on(path, answer)


@pytest.mark.parametrize("body", [b"", b'{"a": 1}'])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_what_may_act_reaches_the_hub_once_at_most(start_before, hub, method, body):
    closing_at_the_second(hub, "/act")
    gate = start_before(hub)
    assert exchange(gate, "GET", "/first").body == b"first"
    exchange(gate, method, "/act", body=body).check_is_error(502, "HubBroken")
    time.sleep(0.2)
    assert len(hub.seen("/act")) == 1
    assert hub.seen("/act")[0].connection.number == 1, "the connection was not kept, so this test shows nothing"
    assert exchange(gate, method, "/act", body=body).body == b"answered"


def test_an_order_of_the_facade_reaches_the_hub_once_at_most(start_before, hub):
    closing_at_the_second(hub, "/api/repos/create")
    gate = start_before(hub)
    exchange(gate, "GET", "/first")
    order = b'{"type":"model","name":"x","private":true}'
    exchange(gate, "POST", "/api/repo", b"Content-Type: application/json", body=order).check_is_error(502, "HubBroken")
    time.sleep(0.2)
    assert len(hub.seen("/api/repos/create")) == 1 and hub.requests[-1].connection.number == 1


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_only_reads_is_tried_once_again(start_before, hub, method):
    closing_at_the_second(hub, "/read")
    gate = start_before(hub)
    exchange(gate, "GET", "/first")
    assert exchange(gate, method, "/read").status == 200
    assert [seen.connection.number for seen in hub.seen("/read")] == [1, 2]


def test_a_second_try_is_there_however_often_one_was_needed(start_before, hub):
    """libcurl counts the tries of a handle's whole life, and gives up at the sixth."""
    closing_at_the_second(hub, "/read")
    gate = start_before(hub)
    exchange(gate, "GET", "/first")
    assert [exchange(gate, "GET", "/read").status for _ in range(9)] == [200] * 9
    assert len(hub.seen("/read")) == 18, "no second try was needed, so this test shows nothing"


def test_what_only_reads_is_not_tried_for_ever(start_before, hub):
    hub.on("/first", lambda *_: http(200, b"first"))
    hub.on("/read", lambda *_: None)
    gate = start_before(hub)
    exchange(gate, "GET", "/first")
    exchange(gate, "GET", "/read").check_is_error(502, "HubBroken")
    time.sleep(0.2)
    assert len(hub.seen("/read")) <= 2


def test_a_kept_connection_that_the_hub_has_closed_in_between_harms_nobody(start_before, hub):
    def last(_, connection):
        connection.send(http(200, b"once"))

    hub.on("/last", last)
    gate = start_before(hub)
    for method in ("POST", "GET", "DELETE", "PUT"):
        assert exchange(gate, method, "/last").body == b"once"
        assert wait_until(lambda: not hub.open)
    assert len(hub.seen("/last")) == 4


def test_connections_to_the_hub_are_kept_and_used_again(start_before, hub):
    hub.on("/x", lambda asked, _: http(200, b"" if asked.method == "HEAD" else b"x"))
    gate = start_before(hub)
    for method in ("GET", "HEAD", "GET", "OPTIONS", "GET"):
        assert exchange(gate, method, "/x").status == 200
    assert hub.accepted == 1
    # What may act has a new one where a second has passed, as on a slow machine.
    for method in ("POST", "PUT", "GET"):
        assert exchange(gate, method, "/x").status == 200
    assert hub.accepted <= 3


# Bounds


def send_blocks(connection, count):
    try:
        for _ in range(count):
            connection.send(BLOCK)
            connection.sent += 1
    except OSError:
        pass


@no_sanitizer
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_stalled_reader_of_a_large_answer_costs_little_and_then_gets_it_whole(start_before, hub, framing):
    blocks = 200

    def large(_, connection):
        connection.sent = 0
        if framing == "length":
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (blocks * MIB))
            send_blocks(connection, blocks)
            return b""
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % (blocks * MIB))
        send_blocks(connection, blocks)
        return b"\r\n0\r\n\r\n"

    hub.on("/large", large)
    hub.on("/warm", lambda *_: http(200, BLOCK * 8))
    gate = start_before(hub)
    assert len(exchange(gate, "GET", "/warm").body) == 8 * MIB
    before = gate.resident_bytes
    with gate.connect(timeout=20, receive_buffer=65536) as connection:
        connection.send(request("GET", "/large"))
        while b"\r\n\r\n" not in connection.waiting:
            connection._more()
        upstream = hub.seen("/large")[-1].connection
        highest = 0
        for _ in range(15):
            time.sleep(0.1)
            highest = max(highest, gate.resident_bytes - before)
        assert upstream.sent < 40, "the Hub was not paused"
        assert highest < 2 * MIB, f"{highest} bytes more for one stalled reader"
        if framing == "length":
            left = blocks * MIB - len(connection.waiting.partition(b"\r\n\r\n")[2])
            while left:
                part = connection.socket.recv(1 << 18)
                assert part
                left -= len(part)
            highest = gate.resident_bytes - before
            assert highest < 4 * MIB, f"{highest} bytes more after all of it"


@no_sanitizer
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_an_upload_to_a_slow_hub_costs_little_and_then_arrives_whole(start_before, framing):
    hub = FakeHub(receive_buffer=65536)
    go_on = threading.Event()
    blocks = 200 if framing == "length" else 40

    def slow(asked, connection):
        go_on.wait(20)
        total = sum(map(len, connection.parts(asked)))
        return http(200, str(total).encode())

    hub.on("/slow", slow, reads=False)
    hub.on("/warm", lambda asked, _: http(200, str(len(asked.body)).encode()))
    gate = start_before(hub)
    exchange(gate, "PUT", "/warm", body=BLOCK * 4)
    before = gate.resident_bytes
    sent = [0]

    def upload(connection):
        for _ in range(blocks):
            connection.send(BLOCK if framing == "length" else b"%x\r\n%s\r\n" % (MIB, BLOCK))
            sent[0] += 1
        if framing == "chunked":
            connection.send(b"0\r\n\r\n")

    try:
        with gate.connect(timeout=30) as connection, ThreadPoolExecutor(1) as pool:
            framed = b"Content-Length: %d" % (blocks * MIB) if framing == "length" else b"Transfer-Encoding: chunked"
            connection.send(request("PUT", "/slow", framed))
            job = pool.submit(upload, connection)
            highest = 0
            for _ in range(15):
                time.sleep(0.1)
                highest = max(highest, gate.resident_bytes - before)
            assert sent[0] < 30, "the client was not paused"
            assert highest < 2 * MIB, f"{highest} bytes more for one slow upload"
            go_on.set()
            job.result(30)
            assert connection.answer().body == str(blocks * MIB).encode()
            assert gate.resident_bytes - before < 4 * MIB
    finally:
        go_on.set()
        hub.close()


@pytest.mark.parametrize("how", ["in order", "reset"])
@pytest.mark.parametrize("when", ["before the head", "in the body"])
def test_a_client_that_leaves_frees_its_connection_to_the_hub(shared, when, how):
    freed = threading.Event()
    begun = threading.Event()

    def endless(_, connection):
        begun.set()
        if when == "before the head":
            connection.wait_for_end(8)
        else:
            connection.sent = 0
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (1000 * MIB))
            send_blocks(connection, 1000)
        freed.set()

    shared.hub.on("/endless", endless)
    connection = shared.connect()
    connection.send(request("GET", "/endless"))
    assert begun.wait(3)
    if when == "in the body":
        connection._more()
    started = time.monotonic()
    if how == "reset":
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()
    assert freed.wait(3), "the Hub's connection is still there 3 s later"
    assert time.monotonic() - started < 3


def test_a_client_that_leaves_in_its_upload_frees_its_connection_to_the_hub(shared):
    ended = threading.Event()

    def half(asked, connection):
        try:
            for _ in connection.parts(asked):
                pass
        except ConnectionError:
            ended.set()

    shared.hub.on("/half", half, reads=False)
    connection = shared.connect()
    connection.send(request("PUT", "/half", b"Content-Length: 1000000", body=b"x" * 1000))
    assert wait_until(lambda: shared.hub.seen("/half"))
    connection.close()
    assert ended.wait(3)


def test_an_upload_that_the_hub_refuses_early_gets_the_hubs_answer(shared):
    def refuses(_, connection):
        connection.send(http(413, b"too much", b"Connection: close"))
        connection.wait_for_end(3)

    shared.hub.on("/refuses", refuses, reads=False)
    with shared.connect() as connection:
        connection.send(request("PUT", "/refuses", b"Content-Length: 100000000"))
        connection.send_whatever_happens(BLOCK)
        answer = connection.answer()
        assert (answer.status, answer.body) == (413, b"too much")
        assert answer.closes, "the rest of the body could be taken for the next request"


def test_an_answer_larger_than_all_buffers_comes_whole(shared):
    shared.hub.on("/big", lambda *_: http(200, BLOCK * 40))
    answer = exchange(shared, "GET", "/big", timeout=20)
    assert hashlib.sha256(answer.body).digest() == hashlib.sha256(BLOCK * 40).digest()


def test_many_relays_at_once_do_not_mix_their_bodies(shared):
    def echo(asked, _):
        return http(200, asked.target.encode() * 2000 + asked.body)

    for number in range(60):
        shared.hub.on(f"/mix/{number}", echo)

    def one(number):
        body = bytes([number]) * 50_000
        answer = exchange(shared, "POST", f"/mix/{number}", body=body, timeout=20)
        return answer.body == f"/mix/{number}".encode() * 2000 + body

    with ThreadPoolExecutor(30) as pool:
        assert all(pool.map(one, range(60)))
