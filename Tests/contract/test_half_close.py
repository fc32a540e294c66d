"""A client that ends its side behind its request still gets the response; one that has left takes its call to the Hub along."""

import contextlib
import socket
import ssl
import subprocess
import time

import pytest

from fakehub import http, wait_until
from records import read_content

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
GET = b"GET /later HTTP/1.1\r\nHost: h\r\n\r\n"
PUT = b"PUT /later HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody"
HEALTH = b"GET /-/health HTTP/1.1\r\nHost: h\r\n\r\n"
LARGE = b"x" * (3 << 20)


class Client:
    """TLS over a socket whose two sides can be ended one by one."""

    def __init__(self, gate, version):
        context = gate.certificates.client_context()
        context.minimum_version = context.maximum_version = version
        self.socket = gate.tcp()
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.session = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self._until_done(self.session.do_handshake)

    def _until_done(self, step):
        while True:
            try:
                done = step()
                self.socket.sendall(self.outgoing.read())
                return done
            except ssl.SSLWantReadError:
                self.socket.sendall(self.outgoing.read())
                part = self.socket.recv(65536)
                if part:
                    self.incoming.write(part)
                else:
                    self.incoming.write_eof()

    def send(self, data):
        self._until_done(lambda: self.session.write(data))

    def say_close_notify(self):
        with pytest.raises(ssl.SSLWantReadError):
            self.session.unwrap()
        self.socket.sendall(self.outgoing.read())

    def say_fin(self):
        self.socket.shutdown(socket.SHUT_WR)

    def read_all(self):
        text = b""
        try:
            while part := read_content(self.session, self.incoming, self.socket):
                text += part
        except (ssl.SSLError, OSError):
            pass
        return text

    def read_to_close_notify(self):
        text = b""
        while True:
            try:
                part = self.session.read(65536)
                if not part:
                    return text
                text += part
            except ssl.SSLZeroReturnError:
                return text
            except ssl.SSLWantReadError:
                part = self.socket.recv(65536)
                assert part, "the connection ended without close_notify"
                self.incoming.write(part)


@contextlib.contextmanager
def second_send_finds_no_room(gate):
    """strace says so to the gateway in the kernel's place."""
    command = ("strace", "-p", str(gate.process.pid), "-e", "trace=sendto", "-e", "inject=sendto:error=EAGAIN:when=2")
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    first = tracer.stderr.readline()
    if "attached" not in first:
        tracer.wait(5)
        pytest.skip(f"no process can be traced here: {first}")
    try:
        yield
    finally:
        tracer.terminate()
        assert "INJECTED" in tracer.communicate(timeout=5)[1]


@pytest.fixture
def before_a_slow_hub(start_before, hub):
    hub.on("/later", lambda *_: (time.sleep(0.7), http(200, LARGE))[1])
    hub.on("/never", lambda _, connection: connection.wait_for_end(20) and None)
    return start_before(hub)


ENDS = {
    "close_notify": [Client.say_close_notify],
    "FIN": [Client.say_fin],
    "both": [Client.say_close_notify, Client.say_fin],
}


@pytest.mark.parametrize("request_", [GET, PUT], ids=["GET", "PUT"])
@pytest.mark.parametrize("end", ENDS)
def test_a_client_that_ends_its_side_gets_its_response(before_a_slow_hub, end, request_):
    client = Client(before_a_slow_hub, V13)
    client.send(request_)
    for step in ENDS[end]:
        step(client)
    text = client.read_all()
    assert text.startswith(b"HTTP/1.1 200 ") and text.endswith(LARGE)
    client.socket.close()


def test_with_tls_1_2_too_where_only_tls_is_ended(before_a_slow_hub):
    client = Client(before_a_slow_hub, V12)
    client.send(GET)
    client.say_close_notify()
    assert client.read_all().endswith(LARGE)
    client.socket.close()


def test_requests_that_were_sent_before_are_answered_too(before_a_slow_hub):
    client = Client(before_a_slow_hub, V13)
    client.send(GET + GET)
    client.say_fin()
    text = client.read_all()
    assert text.count(b"HTTP/1.1 200 ") == 2 and text.endswith(LARGE)
    client.socket.close()


@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize("says", [[], [Client.say_close_notify], [Client.say_close_notify, Client.say_fin], [Client.say_fin]])
def test_one_that_has_left_takes_its_call_along(before_a_slow_hub, hub, version, says):
    client = Client(before_a_slow_hub, version)
    client.send(GET.replace(b"later", b"never"))
    assert wait_until(lambda: hub.seen("/never"))
    for step in says:
        step(client)
        time.sleep(0.1)
    client.socket.close()
    assert wait_until(lambda: not hub.open, 3), "the call goes on"


@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("before", [b"", HEALTH, b"GET /-/hea"], ids=["no request", "a request", "a part of a request"])
def test_one_that_ends_its_side_without_a_request_under_way_gets_close_notify(gate, version, before, end):
    client = Client(gate, version)
    client.send(HEALTH + before)
    time.sleep(0.3)
    for step in ENDS[end]:
        step(client)
    text = client.read_to_close_notify()
    assert text.count(b"HTTP/1.1 200 ") == (HEALTH + before).count(HEALTH)
    client.socket.close()


@pytest.mark.parametrize("version", [V12, V13])
def test_requests_that_came_with_the_end_are_answered_too(gate, version):
    client = Client(gate, version)
    client.session.write(HEALTH * 5)
    client.say_close_notify()
    assert client.read_to_close_notify().count(b"HTTP/1.1 200 ") == 5
    client.socket.close()


def test_close_notify_waits_for_a_socket_that_has_become_full(gate):
    client = Client(gate, V13)
    with second_send_finds_no_room(gate):
        client.send(HEALTH.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert client.read_to_close_notify().startswith(b"HTTP/1.1 200 ")
    client.socket.close()


@pytest.mark.parametrize("rest", [b"\r\n", b"GET /-/hea"], ids=["an empty line", "a part of a request"])
def test_what_is_no_whole_request_behind_the_last_one_is_not_waited_for(before_a_slow_hub, rest):
    """The limits for a head and for an idle connection are far longer than this."""
    client = Client(before_a_slow_hub, V13)
    client.send(GET + rest)
    client.say_fin()
    before = time.monotonic()
    text = client.read_to_close_notify()
    assert text.count(b"HTTP/1.1 ") == 1 and text.endswith(LARGE)
    assert time.monotonic() - before < 8
    client.socket.close()


def test_one_that_ends_its_side_inside_its_body_is_gone(before_a_slow_hub, hub):
    client = Client(before_a_slow_hub, V13)
    client.send(PUT[:-1])
    client.say_fin()
    assert b" 200 " not in client.read_all()
    client.socket.close()
    assert wait_until(lambda: not hub.open)
