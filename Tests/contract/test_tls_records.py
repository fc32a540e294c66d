"""A client that sends TLS records without a byte of a request, or very small ones, has no more of the loop than others."""

import socket
import ssl
import threading
import time

import pytest

from fakehub import http, wait_until
from records import ALERT, DATA, HANDSHAKE, KEY_UPDATE, KEY_UPDATE_REQUESTED, NO_RENEGOTIATION, USER_CANCELED, RawClient

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
MANY = 60_000
HEALTH = b"GET /-/health HTTP/1.1\r\nHost: localhost\r\n\r\n"

# What a record without bytes can be; a function of the client, since a second ClientHello is like the first.
SILENT = {
    "1.3 KeyUpdate": (V13, lambda _: (HANDSHAKE, KEY_UPDATE)),
    "1.3 empty data": (V13, lambda _: (DATA, b"")),
    "1.3 user_canceled": (V13, lambda _: (ALERT, USER_CANCELED)),
    "1.2 renegotiation": (V12, lambda client: (HANDSHAKE, client.hello)),
    "1.2 half of a renegotiation": (V12, lambda client: (HANDSHAKE, client.hello[:3])),
    "1.2 empty data": (V12, lambda _: (DATA, b"")),
    "1.2 warning": (V12, lambda _: (ALERT, NO_RENEGOTIATION)),
}


def send_all(client, data):
    try:
        client.socket.sendall(data)
    except OSError:
        pass


def longest_wait_while(gate, sending):
    """How long another client waits at worst until the thread has sent all."""
    sending.start()
    longest, asked = 0, 0
    while sending.is_alive() or asked < 3:
        started = time.monotonic()
        assert gate.ask().status == 200
        longest, asked = max(longest, time.monotonic() - started), asked + 1
    sending.join()
    return longest


@pytest.mark.parametrize("kind", SILENT)
def test_records_without_bytes_cut_their_connection_and_hold_up_nobody(gate, kind):
    version, make = SILENT[kind]
    client = RawClient(gate, version)
    flood = b"".join(client.record(*make(client)) for _ in range(MANY))
    client.socket.settimeout(10)
    waited = longest_wait_while(gate, threading.Thread(target=send_all, args=[client, flood]))
    assert waited < 1
    assert client.is_cut()
    client.close()


@pytest.mark.parametrize(("version", "record"), [(V13, (HANDSHAKE, KEY_UPDATE)), (V12, (DATA, b""))], ids=["1.3", "1.2"])
def test_silent_records_count_between_requests_too(gate, version, record):
    """A request now and then does not make up for them: forty, each between two requests."""
    client = RawClient(gate, version)
    answered = 0
    try:
        for _ in range(40):
            client.socket.sendall(client.record(*record) + client.record(DATA, HEALTH))
            if not client.read():
                break
            answered += 1
    except OSError:
        pass
    assert 8 <= answered <= 32
    client.close()


def test_a_few_silent_records_are_a_clients_right(gate):
    client = RawClient(gate, V13)
    for _ in range(8):
        client.socket.sendall(client.record(HANDSHAKE, KEY_UPDATE) + client.record(DATA, HEALTH))
        assert b"200 OK" in client.read()
    client.close()


def test_silent_records_cut_a_connection_whose_request_is_being_answered(start_before, hub):
    hub.on("/slow", lambda _, connection: connection.wait_for_end(8) and None)
    gate = start_before(hub)
    client = RawClient(gate, V13)
    client.socket.sendall(client.record(DATA, b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n"))
    assert wait_until(lambda: hub.seen("/slow"))
    send_all(client, b"".join(client.record(HANDSHAKE, KEY_UPDATE) for _ in range(100)))
    assert client.is_cut()
    assert wait_until(lambda: not hub.open), "the call to the Hub goes on"
    client.close()


@pytest.mark.parametrize("ahead", [0, 20_000], ids=["stalled", "after a little"])
def test_a_key_update_of_a_client_that_is_slow_holds_up_no_response(start_before, hub, ahead):
    """The response to it is queued after bytes that wait for the client, and a callee that waits for these is told when they have gone."""
    size = 300_000
    hub.on("/large", lambda *_: http(200, b"x" * size))
    gate = start_before(hub)
    client = RawClient(gate, V13)
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.socket.settimeout(10)
    client.socket.sendall(client.record(DATA, b"GET /large HTTP/1.1\r\nHost: h\r\n\r\n"))
    received = 0
    time.sleep(0.3)
    while received < ahead:
        received += len(client.socket.recv(4096))
    client.socket.sendall(client.record(HANDSHAKE, KEY_UPDATE_REQUESTED))
    while received < size:
        part = client.socket.recv(65536)
        assert part, received
        received += len(part)
    client.close()


@pytest.mark.parametrize("piece", [1, 40])
def test_a_client_hello_in_many_records_is_cut(gate, piece):
    outgoing = ssl.MemoryBIO()
    session = gate.context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost" + ".x" * 100)
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()
    hello = outgoing.read()[5:]
    # As long as a ClientHello may be: what is missing is never sent.
    hello = hello[:1] + (100_000).to_bytes(3, "big") + hello[4:] + b"\0" * 99_000
    parts = [hello[at : at + piece] for at in range(0, len(hello), piece)]
    flood = b"".join(b"\x16\3\1" + len(part).to_bytes(2, "big") + part for part in parts)
    with gate.tcp() as plain:
        sending = threading.Thread(target=lambda: send_whatever_happens(plain, flood))
        assert longest_wait_while(gate, sending) < 1
        plain.settimeout(2)
        try:
            while plain.recv(65536):
                pass
        except ConnectionResetError:
            pass


def send_whatever_happens(plain, data):
    try:
        plain.sendall(data)
    except OSError:
        pass


def test_a_client_hello_in_a_few_records_is_heard(gate):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = gate.context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()
    hello = outgoing.read()[5:]
    with gate.tcp() as plain:
        for at in range(0, len(hello), 40):
            part = hello[at : at + 40]
            plain.sendall(b"\x16\3\1" + len(part).to_bytes(2, "big") + part)
        while True:
            incoming.write(plain.recv(65536))
            try:
                session.do_handshake()
                break
            except ssl.SSLWantReadError:
                plain.sendall(outgoing.read())


@pytest.mark.parametrize("version", [V12, V13])
def test_a_body_in_records_of_one_byte_is_taken_and_holds_up_nobody(start_before, hub, version):
    hub.on("/up", lambda asked, _: http(200, str(len(asked.body)).encode()))
    gate = start_before(hub)
    client = RawClient(gate, version)
    count = 100_000
    head = b"PUT /up HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % count
    flood = client.record(DATA, head) + b"".join(client.record(DATA, b"x") for _ in range(count))
    client.socket.settimeout(30)
    assert longest_wait_while(gate, threading.Thread(target=send_all, args=[client, flood])) < 1
    assert client.read().endswith(b"100000")
    client.close()


def test_a_body_in_chunks_of_one_byte_is_taken_and_holds_up_nobody(start_before, hub):
    hub.on("/up", lambda asked, _: http(200, str(len(asked.body)).encode()))
    gate = start_before(hub)
    count = 200_000
    with gate.connect(timeout=60) as connection:
        connection.send(b"PUT /up HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        sending = threading.Thread(target=lambda: connection.send(b"1\r\nx\r\n" * count + b"0\r\n\r\n"))
        assert longest_wait_while(gate, sending) < 1
        assert connection.answer().body == b"200000"


def test_many_pipelined_requests_hold_up_nobody(gate):
    with gate.connect(timeout=60) as connection:
        count = 3000
        sending = threading.Thread(target=lambda: connection.send(HEALTH * count))
        reading = threading.Thread(target=lambda: [connection.answer() for _ in range(count)])
        reading.start()
        assert longest_wait_while(gate, sending) < 1
        reading.join()
