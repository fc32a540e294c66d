"""How the gate ends: no client's request is lost, and nothing keeps it."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from fakehub import http
from gate import Gate, make_workspace
from waiting import wait_until
from wire import Ended, WireError

HEALTH = b"GET /-/health HTTP/1.1\r\nHost: localhost\r\n\r\n"


def get(target):
    return b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Slow:
    """Answers when it is let."""

    def __init__(self, hub, path="/slow", count=1):
        self.go_on = threading.Event()
        self.arrived = threading.Semaphore(0)
        self.count = count
        hub.on(path, self)

    def __call__(self, *_):
        self.arrived.release()
        self.go_on.wait(20)
        return http(200, b"answered")

    def wait(self):
        for _ in range(self.count):
            assert self.arrived.acquire(timeout=10)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_requests_in_flight_finish_and_ends_with_0(start_before, hub, number):
    slow = Slow(hub, count=20)
    gate = start_before(hub)
    with ThreadPoolExecutor(20) as pool:
        connections = [gate.connect() for _ in range(20)]
        for connection in connections:
            connection.send(get(b"/slow"))
        slow.wait()
        gate.signal(number)
        time.sleep(0.3)
        assert gate.process.poll() is None, "it did not wait for the requests in flight"
        slow.go_on.set()
        answers = list(pool.map(lambda connection: connection.answer(), connections))
        assert [(answer.status, answer.body) for answer in answers] == [(200, b"answered")] * 20
        for connection in connections:
            connection.check_ended()
    assert gate.wait(5) == 0
    assert any(message.startswith("Stopping") for message in gate.messages)
    # The log has a line for each of them, to the last.
    assert len([line for line in gate.log_lines if line["path"] == "/slow" and line["status"] == 200]) == 20


def test_an_answer_under_way_is_sent_to_its_end(start_before, hub):
    go_on = threading.Event()

    def half(_, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        go_on.wait(10)
        return b"6\r\n whole\r\n0\r\n\r\n"

    hub.on("/half", half)
    gate = start_before(hub)
    with gate.connect() as connection:
        connection.send(get(b"/half"))
        while b"half" not in connection.waiting:
            connection._more()
        gate.signal(signal.SIGTERM)
        time.sleep(0.2)
        go_on.set()
        assert connection.answer().body == b"half whole"
        connection.check_ended()
    assert gate.wait(5) == 0


def test_an_upload_under_way_is_taken_to_its_end(start_before, hub):
    hub.on("/up", lambda asked, _: http(200, asked.body))
    gate = start_before(hub)
    with gate.connect() as connection:
        connection.send(b"PUT /up HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nfirst")
        assert wait_until(lambda: hub.open)
        gate.signal(signal.SIGTERM)
        time.sleep(0.2)
        connection.send(b" last")
        answer = connection.answer()
        assert answer.body == b"first last" and answer.closes
    assert gate.wait(5) == 0


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_at_once(start_before, hub, first):
    slow = Slow(hub)
    gate = start_before(hub)
    with gate.connect() as connection:
        connection.send(get(b"/slow"))
        slow.wait()
        gate.signal(first)
        assert wait_until(lambda: any(message.startswith("Stopping") for message in gate.messages))
        gate.signal(signal.SIGTERM)
        assert gate.wait(3) != 0
        with pytest.raises((Ended, WireError)):
            connection.answer()
    slow.go_on.set()


def test_an_idle_connection_is_closed_with_close_notify(start):
    gate = start()
    kept, fresh = gate.connect(), gate.connect()
    kept.send(HEALTH)
    kept.answer()
    gate.signal(signal.SIGTERM)
    for connection in (kept, fresh):
        connection.check_ended()
        connection.close()
    assert gate.wait(3) == 0


def test_nothing_new_is_accepted_while_the_last_requests_finish(start_before, hub):
    slow = Slow(hub)
    gate = start_before(hub)
    with gate.connect() as connection:
        connection.send(get(b"/slow"))
        slow.wait()
        gate.signal(signal.SIGTERM)
        assert wait_until(lambda: any(message.startswith("Stopping") for message in gate.messages))
        time.sleep(0.1)
        with pytest.raises(OSError):
            gate.ask()
        slow.go_on.set()
        assert connection.answer().closes
    assert gate.wait(3) == 0


def test_an_unfinished_handshake_or_head_keeps_it_no_longer_than_the_drain_limit(start):
    gate = start("--drain-timeout", "2500ms")
    with gate.tcp(), gate.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\n")
        gate.ask()
        gate.signal(signal.SIGTERM)
        assert gate.wait(4) == 0


def test_a_handshake_of_tcp_from_another_machine_has_a_quarter_of_a_second_to_end(start_before, hub):
    """Between two processes of one machine nothing is under way for so long."""
    gate = start_before(hub, "--listen", ":0", "--access", "open")
    started = time.monotonic()
    gate.stop()
    assert time.monotonic() - started > 0.25


@pytest.mark.parametrize("place", ["before the head", "in the body", "in an upload", "in the facade", "not read"])
def test_requests_that_do_not_finish_are_cut_at_the_drain_limit(tmp_path, certificates, hub, place):
    def silent(_, connection):
        if place == "in the body":
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        elif place == "not read":
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n")
            while True:
                connection.send(b"x" * 65536)
        connection.wait_for_end(15)

    hub.on("/silent", silent)
    hub.on("/api/whoami-v2", silent)
    requests = {
        "in an upload": b"PUT /silent HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf",
        "in the facade": get(b"/api/account"),
    }
    gate = Gate(
        make_workspace(tmp_path / "draining"),
        certificates,
        "--upstream",
        hub.url,
        "--drain-timeout",
        "500ms",
        HF_TOKEN="hf_x",
    )
    try:
        with gate.connect() as connection:
            connection.send(requests.get(place, get(b"/silent")))
            assert wait_until(lambda: hub.open)
            time.sleep(0.2)
            started = time.monotonic()
            gate.signal(signal.SIGTERM)
            assert gate.wait(5) == 0
            assert 0.4 < time.monotonic() - started < 3
            if place not in ("not read", "in an upload"):
                connection.check_cut()
        gate.check_errors()
        assert [line for line in gate.log_lines if line.get("end") == "cut" or line["status"] >= 499]
    finally:
        gate.kill()


def test_a_log_that_nobody_reads_does_not_block_requests_or_the_end(start):
    reader, writer = os.pipe()
    try:
        gate = start(stdout=writer)
        os.close(writer)
        requests, at_once, batch = 5_000, 4, 50

        def ask(_):
            with gate.connect(timeout=15) as connection:
                for _ in range(requests // at_once // batch):
                    connection.send(HEALTH * batch)
                    for _ in range(batch):
                        assert connection.answer().status == 200
            return True

        with ThreadPoolExecutor(at_once) as pool:
            assert all(pool.map(ask, range(at_once)))
        started = time.monotonic()
        gate.signal(signal.SIGTERM)
        assert gate.wait(5) == 0
        assert time.monotonic() - started < 3
    finally:
        os.close(reader)


def test_a_log_whose_reader_has_gone_does_not_end_the_gate(start):
    reader, writer = os.pipe()
    gate = start(stdout=writer)
    os.close(writer)
    os.close(reader)
    for _ in range(20):
        assert gate.ask().status == 200
    time.sleep(0.1)
    assert gate.ask().status == 200


def test_the_log_is_written_to_its_last_line_through_a_pipe_that_is_read(start):
    reader, writer = os.pipe()
    with ThreadPoolExecutor(1) as pool, os.fdopen(reader, "rb") as log:
        gate = start(stdout=writer)
        os.close(writer)
        lines = pool.submit(log.read)
        with gate.connect() as connection:
            for _ in range(6):
                connection.send(HEALTH * 50)
                for _ in range(50):
                    assert connection.answer().status == 200
        gate.stop()
        assert lines.result().count(b"\n") == 300
