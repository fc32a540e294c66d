"""Responses that have no content: to HEAD, with 204 and with 304, whatever the other side sends, and however it is asked."""

import json
import re

import pytest

from fakehub import http, wait_until

FILE = "/u/r/resolve/main/f"
NEXT = b"GET /-/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
LARGE = 64 << 20


@pytest.fixture
def store(another_server):
    return another_server


def head_then_next(gate, target, *fields, method=b"HEAD", status=200):
    """Asks, and then for another thing on the same connection: what came behind the head would be taken for that."""
    with gate.connect() as connection:
        lines = [b"%s %s HTTP/1.1" % (method, target.encode()), b"Host: localhost", *fields]
        connection.send(b"\r\n".join(lines) + b"\r\n\r\n")
        answer = connection.answer(to_head=method == b"HEAD")
        assert answer.status == status, (answer.status, answer.headers)
        connection.send(NEXT)
        following = connection.answer()
        assert following.status == 200 and following.json == {"status": "ok"}
        connection.check_ended()
    return answer


# What a connection leaves behind in the request parser, which another one may get after it.
LEFT_BEHIND = {
    "an empty line": b"\r\n",
    "an empty line behind a request": b"GET /-/health HTTP/1.1\r\nHost: localhost\r\n\r\n\r\n",
    "a part of a head": b"GET /-/health HTTP/1.1\r\nHost: local",
    "a part of a body": b"POST /api/repo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{",
    "a refusal": b"HEAD /-/health HTTP/1.1\r\nHost : localhost\r\n\r\n",
}


@pytest.mark.parametrize("kind", LEFT_BEHIND)
def test_a_connection_begins_where_no_other_has_left_off(gate, kind):
    for _ in range(3):
        with gate.connect() as connection:
            connection.send(LEFT_BEHIND[kind])
            # It is answered whole, where that is an answer; else its client leaves in the middle.
            if kind == "an empty line behind a request":
                assert connection.answer().status == 200
        with gate.connect() as connection:
            # One empty line may stand before a request, and a second is refused.
            connection.send(b"\r\n" + NEXT)
            answer = connection.answer()
            assert answer.status == 200 and answer.json == {"status": "ok"}
            connection.check_ended()


def counting(connection, size):
    """Sends `size` bytes, and says how many went."""
    sent = 0
    try:
        while sent < size:
            connection.send(b"HTTP/1.1 200 OK\r\n" * 4096)
            sent += 17 * 4096
    except OSError:
        pass
    return sent


def test_a_head_to_the_store_is_a_head_where_the_size_is_not_said(start_before, hub, store):
    gate = start_before(hub, "--content-hosts", store.url)
    hub.on(FILE, lambda *_: http(302, b"", b"Location: %s/f" % store.url.encode(), b'X-Linked-Etag: "sha"'))
    fields = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nContent-Type: text/x\r\n\r\n"
    store.on("/f", lambda request, _: fields if request.method == "HEAD" else http(500))
    answer = head_then_next(gate, FILE)
    assert (answer["Content-Length"], answer["Content-Type"], answer["ETag"]) == ("7", "text/x", '"sha"')
    assert [request.method for request in store.requests] == ["HEAD"]


def test_a_range_of_head_is_none(start_before, hub, store):
    gate = start_before(hub, "--content-hosts", store.url)
    hub.on(FILE, lambda *_: http(302, b"", b"Location: %s/f" % store.url.encode()))
    store.on("/f", lambda request, _: http(403) if request.method == "HEAD" else http(206 if request["Range"] else 200, b"file"))
    assert head_then_next(gate, FILE, b"Range: bytes=0-0", b'If-Range: "x"')["Content-Length"] == "4"
    assert [request["Range"] for request in store.requests] == [None, None]


def test_an_early_204_is_the_response_and_the_rest_of_the_upload_goes_nowhere(start_before, hub):
    gate = start_before(hub)
    # More than sockets take from a gateway whose Hub reads late: a request that went up whole would leave its connection good.
    body = b"x" * 50_000_000
    ended = []

    def answer(request, connection):
        next(connection.parts(request))
        connection.send(b"HTTP/1.1 204 No Content\r\n\r\n")
        ended.append(connection.wait_for_end())

    hub.on("/any", answer, reads=False)
    with gate.connect() as connection:
        connection.send_whatever_happens(b"PUT /any HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert connection.answer().status == 204
    assert wait_until(lambda: ended) == [True], "the connection was kept, with half a body on it"


@pytest.mark.parametrize("refusal", [403, 405, 501])
@pytest.mark.parametrize("signed", [False, True])
def test_a_store_that_refuses_head_is_asked_by_a_get_that_ends_at_its_head(start_before, hub, store, refusal, signed):
    gate = start_before(hub, "--content-hosts", store.url)
    sent = []

    def answer(request, connection):
        if request.method == "HEAD":
            return b"HTTP/1.1 %d No\r\nContent-Length: 10\r\n\r\n" % refusal
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LARGE)
        sent.append(counting(connection, LARGE))

    store.on("/f", answer)
    target = FILE
    if signed:
        body = json.dumps({"objects": [{"actions": {"download": {"href": store.url + "/f"}}}]}).encode()
        hub.on("/u/r.git/info/lfs/objects/batch", lambda *_: http(200, body, b"Content-Type: application/json"))
        batch = gate.ask(
            b"POST /u/r.git/info/lfs/objects/batch HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        target = re.search(rb"/-/signed/[^\"]+", batch.body)[0].decode()
    hub.on(FILE, lambda *_: http(302, b"", b"Location: %s/f" % store.url.encode()))
    answered = head_then_next(gate, target)
    assert answered["Content-Length"] == str(LARGE)
    assert [request.method for request in store.requests] == ["HEAD", "GET"]
    # The kernel's buffers take some; the object is far larger.
    assert gate.wait_for_log(lambda line: line["path"] == "/-/health") and (not sent or sent[0] < LARGE)


def test_a_redirect_with_content_without_end_is_followed_all_the_same(start_before, hub, store):
    gate = start_before(hub, "--content-hosts", store.url)

    def endless(_, connection):
        connection.send(b"HTTP/1.1 302 Found\r\nLocation: %s/f\r\nContent-Length: %d\r\n\r\n" % (store.url.encode(), LARGE))
        counting(connection, LARGE)

    hub.on(FILE, endless)
    store.on("/f", lambda *_: http(200, b"file"))
    answer = gate.ask(b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % FILE.encode())
    assert (answer.status, answer.body) == (200, b"file")


@pytest.mark.parametrize("size", [b"-1", b"+4", b"", b"x", b"0x4", b"4.0", b"4 4", b"9" * 19, b"9" * 400, b"4, 5", b"\xd9\xa4"])
@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_a_linked_size_that_is_no_number_is_none(start_before, hub, store, method, size):
    gate = start_before(hub, "--content-hosts", store.url)
    hub.on(FILE, lambda *_: http(302, b"", b"Location: %s/f" % store.url.encode(), b"X-Linked-Size: " + size))
    store.on("/f", lambda request, _: b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" + b"file" * (request.method == "GET"))
    answer = head_then_next(gate, FILE, method=method.encode())
    assert answer["Content-Length"] == "4" and not answer.all("X-Linked-Size")
    assert gate.process.poll() is None


def test_two_linked_sizes_are_none(start_before, hub, store):
    gate = start_before(hub, "--content-hosts", store.url)
    redirect = (b"Location: %s/f" % store.url.encode(), b"X-Linked-Size: 5", b"X-Linked-Size: 4")
    hub.on(FILE, lambda *_: http(302, b"", *redirect))
    store.on("/f", lambda *_: b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
    assert head_then_next(gate, FILE)["Content-Length"] == "4"


def test_the_head_of_a_large_file_has_the_type_that_its_url_is_signed_for(start_before, hub, store):
    gate = start_before(hub, "--content-hosts", store.url)
    query = "response-content-disposition=inline%3B%20filename%3D%22f.json%22&response-content-type=application%2Fjson&Signature=x"
    location = f"Location: {store.url}/f?{query}".encode()
    hub.on(FILE, lambda *_: http(302, b"", location, b"X-Linked-Size: 4", b"Content-Type: text/plain"))
    answer = head_then_next(gate, FILE)
    assert (answer["Content-Type"], answer["Content-Disposition"]) == ("application/json", 'inline; filename="f.json"')
    assert store.requests == []
    bad = f"Location: {store.url}/f?response-content-type=a%0D%0AX-Evil:%20x".encode()
    hub.on(FILE, lambda *_: http(302, b"", bad, b"X-Linked-Size: 4"))
    answer = head_then_next(gate, FILE)
    assert not answer.all("X-Evil") and not answer.all("Content-Type")


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("method", [b"GET", b"DELETE"])
def test_204_and_304_have_no_content_and_204_no_length(start_before, hub, method, status):
    gate = start_before(hub)
    hub.on("/any", lambda *_: b"HTTP/1.1 %d X\r\nContent-Length: 5\r\n\r\n" % status)
    answer = head_then_next(gate, "/any", method=method, status=status)
    assert answer.all("Content-Length") == ([] if status == 204 else ["5"])
    hub.on("/any", lambda *_: b"HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\n" % status)
    answer = head_then_next(gate, "/any", method=method, status=status)
    assert not answer.all("Content-Length") and not answer.all("Transfer-Encoding")


REFUSED = {
    "a field without a colon": b"HEAD / HTTP/1.1\r\nHost: localhost\r\nBad\r\n\r\n",
    "no host": b"HEAD / HTTP/1.1\r\n\r\n",
    "two hosts": b"HEAD / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "a body": b"HEAD / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc",
    "a bare line feed": b"HEAD / HTTP/1.1\nHost: localhost\n\n",
    "a bad target": b"HEAD //x HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a dot segment": b"HEAD /../x HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "an unknown version": b"HEAD / HTTP/2.7\r\nHost: localhost\r\n\r\n",
    "a long target": b"HEAD /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "many fields": b"HEAD / HTTP/1.1\r\nHost: localhost\r\n" + b"A: b\r\n" * 200 + b"\r\n",
    "an empty line before": b"\r\nHEAD //x HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("piece", [1 << 20, 1])
def test_a_refused_head_has_no_content(gate, name, piece):
    with gate.connect() as connection:
        connection.send_whatever_happens(REFUSED[name], piece if len(REFUSED[name]) < 200 else None)
        answer = connection.answer(to_head=True)
        assert answer.status >= 400 and int(answer["Content-Length"]) > 0 and answer.closes
        connection.check_ended()


def test_a_head_that_does_not_come_to_its_end_has_no_content(start):
    gate = start("--head-timeout", "200ms")
    with gate.connect() as connection:
        connection.send(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n")
        answer = connection.answer(to_head=True)
        assert answer.status == 408
        connection.check_ended()


def test_what_is_no_head_is_told_why_in_content(gate):
    for method in (b"HEADS", b"head", b"GET"):
        with gate.connect() as connection:
            connection.send(method + b" //x HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = connection.answer()
            assert answer.status == 400 and answer.json["error"]
