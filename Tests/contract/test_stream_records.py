"""How a response leaves as TLS records: small ones first, large ones later, gathered into few writes; and whole, however slowly it is read."""

import contextlib
import os
import random
import signal
import socket
import ssl
import struct
import time

import pytest

from fakehub import http, wait_until
from gate import IS_SANITIZED

KIB = 1 << 10
MIB = 1 << 20
OVERHEAD = 17
"""Bytes of a record of TLS 1.3 beside its content: the tag and the kind."""
LARGEST = 16 * KIB


def content(size, seed=1):
    return random.Random(seed).randbytes(size)


def request(path, *fields):
    return b"\r\n".join([b"GET %s HTTP/1.1" % path.encode(), b"Host: localhost", *fields, b"", b""])


class RecordReader:
    """A client that sees the records: Python's `ssl` in memory, the socket its own."""

    def __init__(self, gate, receive_buffer=None):
        self.plain = gate.tcp(timeout=60, receive_buffer=receive_buffer)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.session = gate.context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.bytes = b""
        while True:
            try:
                self.session.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.plain.sendall(self.outgoing.read())
                self.incoming.write(self.plain.recv(65536))
        self.plain.sendall(self.outgoing.read())
        # The ticket comes before a request is answered, in a record of its own; one exchange takes it away.
        self.ask("/-/health")

    def until_end(self):
        """All content up to close_notify."""
        got = bytearray()
        while True:
            part = self.plain.recv(65536)
            assert part, "the connection ended without close_notify"
            self.incoming.write(part)
            try:
                while content := self.session.read(65536):
                    got += content
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLZeroReturnError:
                pass
            return bytes(got)

    def record(self):
        while len(self.bytes) < 5 or len(self.bytes) < 5 + struct.unpack(">H", self.bytes[3:5])[0]:
            part = self.plain.recv(65536)
            assert part, "the connection ended"
            self.bytes += part
        length = 5 + struct.unpack(">H", self.bytes[3:5])[0]
        record, self.bytes = self.bytes[:length], self.bytes[length:]
        return record

    def ask(self, path):
        """The sizes of the response's records in bytes of content, and its content."""
        self.session.write(request(path))
        self.plain.sendall(self.outgoing.read())
        sizes, got, length = [], b"", None
        while length is None or len(got) < length:
            record = self.record()
            self.incoming.write(record)
            before = len(got)
            with contextlib.suppress(ssl.SSLWantReadError):
                while part := self.session.read(65536):
                    got += part
            if len(got) > before:
                sizes.append(len(record) - 5 - OVERHEAD)
                assert sizes[-1] == len(got) - before
            if length is None and b"\r\n\r\n" in got:
                head, _, _ = got.partition(b"\r\n\r\n")
                fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
                length = len(head) + 4 + int(fields[b"content-length"])
        return sizes, got[got.index(b"\r\n\r\n") + 4 :]


@pytest.fixture
def large(start_before, hub):
    """A gate before a Hub with `/large`, and what that is."""
    body = content(8 * MIB)
    hub.on("/large", lambda *_: http(200, body))
    return start_before(hub), body


def test_a_short_response_is_one_record(gate):
    reader = RecordReader(gate)
    for _ in range(2):
        sizes, _ = reader.ask("/-/health")
        assert len(sizes) == 1


def test_records_grow_with_a_response_and_begin_small_with_the_next(large):
    gate, body = large
    reader = RecordReader(gate)
    for _ in range(2):
        sizes, got = reader.ask("/large")
        assert got == body
        assert sizes[0] <= 1400, "the first record takes more than a packet"
        assert max(sizes[:4]) <= 4 * KIB, sizes[:6]
        assert max(sizes) == LARGEST
        # In pieces as they come, most of them are full.
        assert sizes.count(LARGEST) > len(body) // LARGEST // 2


def test_a_reader_with_little_room_gets_every_byte_in_order_and_then_asks_again(large):
    """Its socket is full in the middle of gathered records, many times."""
    gate, body = large
    with gate.connect(timeout=60, receive_buffer=4 * KIB) as connection:
        for _ in range(2):
            connection.send(request("/large"))
            assert connection.answer().body == body


def test_a_reader_of_single_bytes_gets_every_byte(start_before, hub):
    body = content(600 * KIB)
    hub.on("/x", lambda *_: http(200, body))
    gate = start_before(hub)
    with gate.connect(timeout=60, receive_buffer=2 * KIB) as connection:
        connection.send(request("/x"))
        got = b"".join(connection.socket.recv(1) for _ in range(20_000))
        head, _, got = got.partition(b"\r\n\r\n")
        got = bytearray(got)
        while len(got) < len(body):
            got += connection.socket.recv(65536)
        assert bytes(got) == body


def test_close_notify_comes_behind_the_last_record_of_a_slow_reader(large):
    gate, body = large
    with gate.connect(timeout=60, receive_buffer=4 * KIB) as connection:
        connection.send(request("/large", b"Connection: close"))
        assert connection.answer().body == body
        connection.check_ended()


@pytest.mark.parametrize("pause", [0, 0.4], ids=["at once", "behind the response"])
@pytest.mark.parametrize("size", [1, 40 * KIB, 300 * KIB, 8 * MIB])
def test_a_reader_that_ends_its_side_and_is_slow_gets_all_and_close_notify(start_before, hub, size, pause):
    """It is looked whether it is still there while its socket is full; behind the pause a response that the socket has room for is complete."""
    body = content(size)
    hub.on("/large", lambda *_: http(200, body))
    reader = RecordReader(start_before(hub), receive_buffer=4 * KIB)
    reader.session.write(request("/large"))
    reader.plain.sendall(reader.outgoing.read())
    time.sleep(pause)
    reader.plain.shutdown(socket.SHUT_WR)
    time.sleep(0.7)
    assert reader.until_end().endswith(b"\r\n\r\n" + body)


def test_a_drain_lets_a_slow_reader_have_all_of_its_response(large):
    gate, body = large
    with gate.connect(timeout=60, receive_buffer=4 * KIB) as connection:
        connection.send(request("/large"))
        first = connection.socket.recv(1)
        gate.signal(signal.SIGTERM)
        connection.waiting = first
        assert connection.answer().body == body
        connection.check_ended()
    gate.wait_for_stop()


def test_a_reader_that_resets_ends_the_call_and_nothing_else(start_before, hub):
    sent = []

    def endless(_, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (1 << 40))
        with contextlib.suppress(OSError):
            while True:
                connection.send(bytes(MIB))
                sent.append(MIB)
        return b""

    hub.on("/endless", endless)
    gate = start_before(hub)
    for _ in range(5):
        with gate.connect(receive_buffer=4 * KIB) as connection:
            connection.send(request("/endless"))
            connection.socket.recv(1)
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert wait_until(lambda: not hub.open), "a call to the Hub goes on"
    assert gate.ask().status == 200


@pytest.mark.skipif(IS_SANITIZED, reason="a sanitizer's memory is not the gate's")
def test_readers_that_stand_still_cost_a_bounded_number_of_bytes_each(large):
    gate, _ = large
    readers = 24
    with contextlib.ExitStack() as stack:
        def stall():
            connection = stack.enter_context(gate.connect(receive_buffer=4 * KIB))
            connection.send(request(f"/large?{os.urandom(4).hex()}"))
            assert connection.socket.recv(1)

        stall()
        time.sleep(1)
        before = gate.resident_bytes
        for _ in range(readers):
            stall()
        time.sleep(1)
        each = (gate.resident_bytes - before) / readers
    assert each < 512 * KIB, f"{each / KIB:.0f} KiB each"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_of_tls_carry_long_bodies_both_ways(start_before, hub, certificates, version):
    body = content(3 * MIB, seed=2)
    hub.on("/up", lambda asked, _: http(200, asked.body))
    gate = start_before(hub)
    context = certificates.client_context()
    context.maximum_version = version
    with gate.connect(timeout=60, context=context) as connection:
        connection.send(b"PUT /up HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert connection.answer().body == body
        connection.send(request("/-/health"))
        assert connection.answer().status == 200


def test_a_chunked_response_of_large_chunks_arrives(start_before, hub):
    body = content(2 * MIB, seed=3)

    def chunked(_, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for at in range(0, len(body), 100_000):
            part = body[at : at + 100_000]
            connection.send(b"%x\r\n%s\r\n" % (len(part), part))
        connection.send(b"0\r\n\r\n")
        return b""

    hub.on("/chunked", chunked)
    gate = start_before(hub)
    with gate.connect(timeout=60, receive_buffer=4 * KIB) as connection:
        connection.send(request("/chunked"))
        assert connection.answer().body == body

