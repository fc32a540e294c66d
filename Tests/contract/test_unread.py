"""Clients that read nothing of what they asked for."""

import signal
import ssl
import time
from pathlib import Path

import pytest

from cached import get
from fakehub import http
from gate import IS_SANITIZED
from records import DATA, HANDSHAKE, KEY_UPDATE_REQUESTED, RawClient
from waiting import wait_until

MIB = 1 << 20
V13 = ssl.TLSVersion.TLSv1_3


def test_a_kept_response_waits_in_the_memory_of_the_gate_once(start_before, hub):
    content, count = b"x" * 4_000_000, 40
    hub.on("/api/models/acme/m", lambda *_: http(200, content, b"Content-Type: text/plain"))
    gate = start_before(hub, "--cache-object-limit", "4MiB", HUBGATE_CACHE_MEMORY="64MiB")
    for _ in range(2):
        assert gate.ask(get("/api/models/acme/m"), timeout=20).body == content
    before, clients = gate.resident_bytes, []
    for _ in range(count):
        clients.append(gate.connect(timeout=20, receive_buffer=4096))
        # As many as fill its socket and more.
        clients[-1].send(get("/api/models/acme/m") * 3)
    assert gate.ask(get("/api/models/acme/m"), timeout=20).body == content
    time.sleep(0.3)
    assert IS_SANITIZED or (gate.resident_bytes - before) / count < MIB / 2, (gate.resident_bytes - before) / count
    # Who reads on gets it whole.
    taken = b""
    while len(taken) < 3 * len(content):
        taken += clients[0].socket.recv(MIB)
    assert taken.count(b"x" * 1000) >= 12_000 - 3 and taken.count(b"HTTP/1.1 200") == 3
    for client in clients:
        client.close()


def waiting(gate, client):
    """Bytes that the kernel holds for this client at the gate's end."""
    ours = f"0100007F:{client.socket.getsockname()[1]:04X}"
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, _, queues = line.split()[:5]
        if remote == ours and local.endswith(f":{gate.port:04X}"):
            return int(queues.split(":")[0], 16)
    return -1


def fill(gate, count):
    """A client that has asked so often and reads nothing, or until nothing more of it goes out; and how often that is."""
    tcp = gate.tcp
    gate.tcp = lambda: tcp(receive_buffer=2048)
    try:
        client = RawClient(gate, V13)
    finally:
        gate.tcp = tcp
    # Its response has about as many bytes as its path.
    request = b"GET /-/" + b"a/" * 3400 + b" HTTP/1.1\r\nHost: h\r\n\r\n"
    client.socket.settimeout(5)
    last = 0
    for sent in range(count):
        client.socket.sendall(client.record(DATA, request))
        time.sleep(0.005)
        now = waiting(gate, client)
        if now == last and not wait_until(lambda before=now: waiting(gate, client) != before, 0.5):
            return client, sent
        last = now
    return client, count


@pytest.mark.long
def test_a_client_that_makes_tls_write_and_reads_nothing_is_cut_in_time(start_before, hub):
    """What it has sent cannot be read before TLS has answered it: that must not look like a request that has just come."""
    limits = [word for name in ("idle", "write", "idle-download", "head") for word in (f"--{name}-timeout", "2s")]
    gate = start_before(hub, *limits, "--drain-timeout", "20s", "--drain-delay", "off")
    first, most = fill(gate, 500)
    first.close()
    clients = []
    # Where exactly its socket is full is not known: some of these are there.
    for less in range(4):
        clients.append(fill(gate, most - less)[0])
        for _ in range(31):
            clients[-1].socket.sendall(clients[-1].record(HANDSHAKE, KEY_UPDATE_REQUESTED))
    assert wait_until(lambda: connections(gate) <= 1, 15), connections(gate)
    gate.signal(signal.SIGTERM)
    began = time.monotonic()
    gate.wait_for_stop()
    assert time.monotonic() - began < 15
    for client in clients:
        client.close()


def connections(gate):
    body = gate.ask(b"GET /-/metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").body.decode()
    return next(int(line.split()[1]) for line in body.splitlines() if line.startswith("hubgate_connections "))
