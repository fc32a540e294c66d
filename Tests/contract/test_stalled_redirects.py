"""The content of a redirect is nothing that a client waits for."""

import threading

import pytest

from fakehub import FakeHub, http

GET = b"GET /m/resolve/main/f HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.fixture
def store():
    store = FakeHub()
    store.on("/bytes", lambda *_: http(200, b"bytes"))
    yield store
    store.close()


def redirect(store, length, content=b""):
    fields = [
        b"HTTP/1.1 302 Found", b"Content-Length: %d" % length, b"X-Linked-Size: 5", b'X-Linked-Etag: "e"',
        b"Location: " + store.url.encode() + b"/bytes",
    ]
    return b"\r\n".join(fields) + b"\r\n\r\n" + content


@pytest.mark.parametrize("content", [b"", b"Fou"], ids=["nothing of it", "a part of it"])
def test_a_redirect_whose_content_never_comes_is_followed_all_the_same(start_before, hub, store, content):
    ended = threading.Event()

    def stalled(_, connection):
        connection.send(redirect(store, 1000, content))
        if connection.wait_for_end(100):
            ended.set()

    hub.on("/m/resolve/main/f", stalled)
    gate = start_before(hub, "--content-hosts", store.url)
    # stall_timeout is 60 s, and the client has less patience.
    answer = gate.ask(GET, 30)
    assert (answer.status, answer.body) == (200, b"bytes")
    assert ended.wait(10), "a connection with content that is still to come is not kept"


def test_the_connection_of_a_redirect_whose_content_comes_is_kept(start_before, hub, store):
    hub.on("/m/resolve/main/f", lambda *_: redirect(store, 5, b"Found"))
    gate = start_before(hub, "--content-hosts", store.url)
    for _ in range(5):
        assert gate.ask(GET).body == b"bytes"
    assert hub.accepted == 1


def test_a_client_that_is_answered_by_the_head_alone_leaves_no_call_that_waits_for_its_content(start_before, hub, store):
    """With two calls at once, two such answers would hold up the third for stall_timeout."""
    hub.on("/m/resolve/main/f", lambda _, connection: [connection.send(redirect(store, 5)), connection.wait_for_end(100)] and None)
    hub.on("/api/models/m", lambda *_: http(200, b"{}", b"Content-Type: application/json"))
    gate = start_before(hub, "--content-hosts", store.url, "--upstream-connections", "2")
    for _ in range(2):
        assert gate.ask(GET.replace(b"Connection", b'If-None-Match: "e"\r\nConnection'), 30).status == 304
    assert gate.ask(GET.replace(b"/m/resolve/main/f", b"/api/models/m"), 30).status == 200
