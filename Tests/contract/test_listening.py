"""Where a gate that listens at every address is reached, and as whom it knows its clients."""

import json
import socket

import pytest

from wire import Connection

HEALTH = b"GET /-/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def ask(gate, address):
    with socket.create_connection((address, gate.port), timeout=10) as plain:
        connection = Connection(gate.context.wrap_socket(plain, server_hostname="localhost"))
        connection.send(HEALTH)
        return connection.answer().status


@pytest.mark.parametrize(("listen", "workers"), [(":0", "1"), (":0", "2"), ("0.0.0.0:0", "1"), ("[::]:0", "1")])
def test_every_address_is_of_ipv6_and_ipv4(start, listen, workers):
    gate = start("--listen", listen, "--access", "open", "--workers", workers)
    assert ask(gate, "127.0.0.1") == 200
    assert ask(gate, "::1") == 200
    # An IPv4 client is known by its own address, not by the one that IPv6 has for it.
    assert gate.wait_for_log(lambda line: line["peer"] == "::1")
    assert {json.loads(line)["peer"] for line in gate.log_path.read_text().splitlines()} == {"127.0.0.1", "::1"}


def test_one_address_is_that_one_alone(start):
    gate = start("--listen", "127.0.0.1:0")
    assert ask(gate, "127.0.0.1") == 200
    with pytest.raises(ConnectionRefusedError):
        ask(gate, "::1")
