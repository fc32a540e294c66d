"""A gate behind a real HAProxy and a real nginx with the files of config/: who its clients are, and that bytes go by as they come.
docs/behind-a-load-balancer.md promises it."""

import hashlib
import random
import socket
import threading
from pathlib import Path

import pytest

from balancers import Nginx
from fakehub import FakeHub, http
from haproxy import HAProxy
from test_lifecycle import reload
from waiting import wait_until
from wire import Connection

MODULE = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
PASS_THROUGH = ("--trusted-proxies", "127.0.0.1", "--proxy-protocol")
RE_ENCRYPT = ("--trusted-proxies", "127.0.0.1")
# A client's address beside that of the balancers.
CLIENT = "127.0.0.5"
BYTES = 8 << 20

no_haproxy = pytest.mark.skipif(not Path("/usr/sbin/haproxy").exists(), reason="haproxy is not installed")
no_nginx = pytest.mark.skipif(
    not Path("/usr/sbin/nginx").exists() or not MODULE.exists(), reason="nginx or its stream module is not installed")

BALANCERS = [
    pytest.param(HAProxy, "pass-through.cfg", PASS_THROUGH, marks=no_haproxy),
    pytest.param(HAProxy, "re-encrypt.cfg", RE_ENCRYPT, marks=no_haproxy),
    pytest.param(Nginx, "pass-through.conf", PASS_THROUGH, marks=no_nginx),
    pytest.param(Nginx, "re-encrypt.conf", RE_ENCRYPT, marks=no_nginx),
]


@pytest.fixture
def behind(tmp_path, certificates, start):
    balancers = []

    def behind(kind, name, *flags, **options):
        gate = start("--max-connections-per-address", "3", *flags, **options)
        balancer = kind(tmp_path, name, certificates, [gate] * 3 if kind is HAProxy else gate)
        balancers.append(balancer)
        if kind is HAProxy:
            balancer.wait_for(lambda servers: [state for state, _ in servers] == ["UP"] * 3)
        return gate, balancer

    yield behind
    for balancer in balancers:
        balancer.stop()


def connect(gate, balancer, source=CLIENT):
    plain = socket.create_connection(("127.0.0.1", balancer.port), timeout=20, source_address=(source, 0))
    return Connection(gate.context.wrap_socket(plain, server_hostname="localhost"))


def request(target, *fields, method=b"GET"):
    return b"\r\n".join([b"%s %s HTTP/1.1" % (method, target), b"Host: localhost", *fields]) + b"\r\n\r\n"


@pytest.mark.parametrize(("kind", "name", "flags"), BALANCERS)
def test_the_client_is_known_and_what_it_says_of_itself_is_not_believed(behind, kind, name, flags):
    gate, balancer = behind(kind, name, *flags)
    for target, fields in [
        (b"/-/plain", []),
        (b"/-/spoofed", [b"X-Forwarded-For: 1.1.1.1", b"Forwarded: for=1.1.1.1;host=evil.example", b"X-Forwarded-Host: evil.example"]),
    ]:
        with connect(gate, balancer) as connection:
            connection.send(request(target, *fields, b"Connection: close"))
            assert connection.answer().status == 404
        entry = gate.wait_for_log(lambda entry: entry["path"] == target.decode())
        assert (entry["client"], entry["peer"]) == (CLIENT, "127.0.0.1"), (entry, balancer.log)


@pytest.mark.parametrize(("kind", "name", "flags"), BALANCERS)
def test_the_addresses_that_the_gate_writes_lead_to_the_balancer(behind, kind, name, flags):
    gate, balancer = behind(kind, name, *flags)
    host = b"gate.example.org:%d" % balancer.port
    for fields in [[], [b"X-Forwarded-Host: evil.example", b"Forwarded: host=evil.example"]]:
        with connect(gate, balancer) as connection:
            head = request(b"/", *fields, b"Connection: close").replace(b"Host: localhost", b"Host: " + host)
            connection.send(head)
            assert b"https://" + host in connection.answer().body


@pytest.mark.parametrize(("kind", "name", "flags"), BALANCERS)
def test_a_balancer_is_not_one_client_of_many_connections(behind, kind, name, flags):
    gate, balancer = behind(kind, name, *flags)
    connections = [connect(gate, balancer, f"127.0.0.{number}") for number in range(10, 16)]
    for connection in connections:
        connection.send(request(b"/-/nothing"))
    assert [connection.answer().status for connection in connections] == [404] * 6
    for connection in connections:
        connection.close()


@pytest.mark.parametrize(("kind", "name", "flags"), BALANCERS)
def test_bytes_stream_both_ways_and_a_reload_cuts_none(behind, kind, name, flags):
    content = random.Random(7).randbytes(BYTES)
    taken, go_on = [], threading.Event()
    hub = FakeHub()

    def send(_, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % BYTES)
        connection.send(content[:1000])
        assert go_on.wait(20)
        connection.send(content[1000:])
        return b""

    def take(request, connection):
        digest = hashlib.sha256()
        for part in connection.parts(request):
            digest.update(part)
            taken.append(len(part))
        return http(200, digest.hexdigest().encode())

    hub.on("/down", send)
    hub.on("/up", take, reads=False)
    hub.on("/api/whoami-v2", lambda *_: http(200, b'{"name":"user","type":"user"}', b"Content-Type: application/json"))
    try:
        gate, balancer = behind(kind, name, "--upstream", hub.url, *flags, sandbox=False, HF_TOKEN="hf_test")
        with connect(gate, balancer) as connection:
            connection.send(request(b"/down", b"Connection: close"))
            # The beginning is there while the Hub still holds the rest back.
            part = connection.socket.recv(65536)
            while part and b"\r\n\r\n" not in part:
                part += connection.socket.recv(65536)
            reload(gate)
            go_on.set()
            got = bytearray(part.partition(b"\r\n\r\n")[2])
            while len(got) < BYTES and (more := connection.socket.recv(1 << 16)):
                got += more
        assert hashlib.sha256(got).digest() == hashlib.sha256(content).digest()
        with connect(gate, balancer) as connection:
            connection.send(request(b"/up", b"Content-Length: %d" % BYTES, b"Connection: close", method=b"PUT"))
            connection.send(content[:BYTES // 2])
            # What has been sent is on its way to the Hub before the rest is.
            assert wait_until(lambda: sum(taken) > BYTES // 4, 20)
            connection.send(content[BYTES // 2:])
            assert connection.answer().body == hashlib.sha256(content).hexdigest().encode()
    finally:
        go_on.set()
        hub.close()

