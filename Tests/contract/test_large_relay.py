"""1 GiB each way costs the gateway the memory of its buffers, not of what it relays."""

import threading

import pytest

from fakehub import FakeHub, http
from gate import IS_SANITIZED

MEBIBYTE = 1 << 20
GIBIBYTE = 1 << 30
ABOVE_IDLE = 32 * MEBIBYTE
BLOCK = bytes(MEBIBYTE)
COUNT = GIBIBYTE // MEBIBYTE

pytestmark = pytest.mark.skipif(IS_SANITIZED, reason="a sanitizer's memory is not the gate's")


class Watch:
    """Looks at the gate's memory every few milliseconds."""

    def __init__(self, gate):
        self.gate = gate
        self.highest = 0
        self.ended = threading.Event()

    def __enter__(self):
        self.idle = self.gate.resident_bytes
        self.thread = threading.Thread(target=self._look)
        self.thread.start()
        return self

    def _look(self):
        while not self.ended.wait(0.01):
            self.highest = max(self.highest, self.gate.resident_bytes)

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    @property
    def above_idle(self):
        assert self.highest, "it was never looked at"
        return self.highest - self.idle


@pytest.fixture
def hub():
    hub = FakeHub()

    def send(_, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % GIBIBYTE)
        for _ in range(COUNT):
            connection.send(BLOCK)
        return b""

    def take(request, connection):
        return http(200, str(sum(map(len, connection.parts(request)))).encode())

    hub.on("/down", send)
    hub.on("/up", take, reads=False)
    yield hub
    hub.close()


def test_a_gibibyte_down_takes_less_than_32_mib(start_before, hub):
    gate = start_before(hub)
    with Watch(gate) as watch, gate.connect(timeout=60) as connection:
        connection.send(b"GET /down HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while b"\r\n\r\n" not in connection.waiting:
            connection._more()
        left = GIBIBYTE - len(connection.waiting.partition(b"\r\n\r\n")[2])
        buffer = bytearray(1 << 18)
        while left:
            count = connection.socket.recv_into(buffer)
            assert count, "the response was cut"
            left -= count
    assert watch.above_idle < ABOVE_IDLE, f"{watch.above_idle} bytes above idle"


def test_a_gibibyte_up_takes_less_than_32_mib(start_before, hub):
    gate = start_before(hub)
    with Watch(gate) as watch, gate.connect(timeout=60) as connection:
        connection.send(b"PUT /up HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % GIBIBYTE)
        for _ in range(COUNT):
            connection.send(BLOCK)
        assert connection.answer().body == str(GIBIBYTE).encode()
    assert watch.above_idle < ABOVE_IDLE, f"{watch.above_idle} bytes above idle"
