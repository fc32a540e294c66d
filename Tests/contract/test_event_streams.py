"""A relayed stream of events gets a comment after each silence, between two events and nowhere else."""

import threading
import time

import pytest

from waiting import wait_until
from wire import Ended, WireError

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
COMMENT = b": keep-alive\n\n"


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def request(target="/events", *fields, method="GET"):
    return b"\r\n".join([f"{method} {target} HTTP/1.1".encode(), b"Host: localhost", b"Connection: close", *fields]) + b"\r\n\r\n"


@pytest.fixture
def quiet(start_before, hub):
    """A gate that keeps streams alive every 200 ms, before a Hub that says `pieces` with as much as `pause` between them."""

    def quiet(*pieces, pause=0.9, head=CHUNKED, end=b"0\r\n\r\n", interval="200ms", frame=chunk):
        def answer(_, connection):
            connection.send(head)
            for piece in pieces:
                time.sleep(pause)
                connection.send(frame(piece))
            time.sleep(pause)
            return end or None

        hub.on("/events", answer)
        return start_before(hub, "--sse-keep-alive", interval)

    return quiet


def test_silence_between_events_is_filled_and_the_events_stay_what_they_are(quiet):
    gate = quiet(b"data: one\n\n", b"data: two\n\n")
    body = gate.ask(request(), 30).body
    before, between, behind = body.replace(b"data: one\n\n", b"|").replace(b"data: two\n\n", b"|").split(b"|")
    for silence in (before, between, behind):
        assert silence and silence == COMMENT * (len(silence) // len(COMMENT))
    assert body.replace(COMMENT, b"") == b"data: one\n\ndata: two\n\n"


@pytest.mark.parametrize(
    "pieces",
    [
        [b"data: one\n", b"data: more\n\n"], [b"data: o", b"ne\n\n"], [b"data: one\r\n", b"\r\n"], [b"data: one\r\n\r", b"\n"],
        [b"data: one\r", b"\n\r\n"], [b"id: 1\n", b"\n"],
    ],
    ids=repr,
)
def test_nothing_is_put_inside_an_event_or_a_line(quiet, pieces):
    body = quiet(*pieces).ask(request(), 30).body
    event = b"".join(pieces)
    assert event in body, body
    assert body.startswith(COMMENT) and body.endswith(COMMENT) and body.replace(COMMENT, b"") == event


OTHERS = {
    "with a length": (HEAD + b"Content-Length: 11\r\n\r\n", lambda piece: piece, b""),
    "compressed": (HEAD + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", chunk, b"0\r\n\r\n"),
    "of another type": (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n", chunk, b"0\r\n\r\n"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_responses_get_no_comment(quiet, kind):
    head, frame, end = OTHERS[kind]
    gate = quiet(b"data: one\n\n", head=head, frame=frame, end=end)
    assert gate.ask(request(), 30).body == b"data: one\n\n"


def test_off_means_off(quiet):
    assert quiet(b"data: one\n\n", interval="off").ask(request(), 30).body == b"data: one\n\n"


def test_head_gets_no_comment(start_before, hub):
    hub.on("/events", lambda *_: CHUNKED)
    gate = start_before(hub, "--sse-keep-alive", "100ms")
    answer = gate.ask(request(method="HEAD"), 30)
    assert (answer.status, answer.body) == (200, b"")


def test_a_stream_that_ends_with_its_connection_gets_comments_too(quiet):
    gate = quiet(b"data: one\n\n", head=HEAD + b"Connection: close\r\n\r\n", frame=lambda piece: piece, end=b"")
    body = gate.ask(request(), 30).body
    assert COMMENT in body and body.replace(COMMENT, b"") == b"data: one\n\n"


def test_an_upstream_that_is_cut_inside_an_event_is_cut_for_the_client_and_nothing_follows(quiet):
    gate = quiet(b"data: half", end=b"")
    with gate.connect(30) as client:
        client.send(request())
        with pytest.raises((Ended, WireError)) as cut:
            client.answer()
    assert cut.value
    # It serves on, and the next stream begins as usual.
    assert gate.ask(b"GET /-/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").status == 200


def test_a_client_that_leaves_in_the_silence_ends_the_call(start_before, hub):
    left = threading.Event()

    def silent(_, connection):
        connection.send(CHUNKED)
        if connection.wait_for_end(20):
            left.set()

    hub.on("/events", silent)
    gate = start_before(hub, "--sse-keep-alive", "100ms")
    with gate.connect(10) as client:
        client.send(request())
        time.sleep(0.5)
    assert left.wait(10)


def test_a_reload_changes_the_interval_of_new_streams(start_before, hub):
    hub.on("/events", lambda _, connection: [connection.send(CHUNKED), time.sleep(0.8), b"0\r\n\r\n"][-1])
    gate = start_before(hub, "--config", "settings.yaml", workspace_files={"settings.yaml": "sse_keep_alive: off\n"})
    assert gate.ask(request(), 30).body == b""
    (gate.workspace / "settings.yaml").write_text("sse_keep_alive: 100ms\n")
    gate.signal(1)
    wait_until(lambda: any("changed: sse_keep_alive." in message for message in gate.messages), 10)
    assert COMMENT in gate.ask(request(), 30).body
