"""Where a gate is reached that listens at every address, or at several, and as whom it knows its clients."""

import json
import os
import re
import signal
import socket
import time

import pytest

from gate import run
from ports import free_port
from test_lifecycle import reload
from waiting import wait_until
from wire import Connection

HEALTH = b"GET /-/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def ask(gate, address, port=None):
    with socket.create_connection((address, port or gate.port), timeout=10) as plain:
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


def several(start, *flags, **options):
    """A gate at an address of each family, and its ports there."""
    gate = start(*flags, **options)
    found = re.search(r"Listening on 127\.0\.0\.1:(\d+), \[::1\]:(\d+), with one certificate", gate.errors)
    assert found, gate.errors
    return gate, int(found[1]), int(found[2])


BOTH = ("--listen", "127.0.0.1:0", "--listen", "[::1]:0")


@pytest.mark.parametrize("workers", ["1", "3"])
def test_several_addresses_are_served_by_every_worker(start, workers):
    gate, first, second = several(start, *BOTH, "--workers", workers)
    assert first == gate.port != second
    for _ in range(12):
        assert ask(gate, "127.0.0.1", first) == 200
        assert ask(gate, "::1", second) == 200
    for address, port in [("127.0.0.1", second), ("::1", first)]:
        with pytest.raises(ConnectionRefusedError):
            ask(gate, address, port)


def test_the_list_may_stand_in_the_settings_file(tmp_path, workspace, certificates):
    (workspace / "config/hubgate.yaml").write_text("listen:\n  - 127.0.0.1:8080\n  - \"[::1]:8080\"\n")
    done = run(workspace, "--print-config", **certificates.settings)
    assert re.search(r"^listen +=  ?127\.0\.0\.1:8080, \[::1\]:8080 \(config/hubgate\.yaml:1\)$", done.stdout, re.M), done.stdout


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_address_that_is_taken_is_named_and_nothing_is_left_listening(start, workspace, certificates, workers):
    holder = start()
    free = free_port()
    done = run(
        workspace, "--sandbox", "--workers", workers, "--listen", f"127.0.0.1:{free}", "--listen",
        f"127.0.0.1:{holder.port}", **certificates.settings)
    assert done.returncode == 69 and f"cannot listen on 127.0.0.1 port {holder.port}" in done.stderr
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", free))


def test_a_port_that_is_taken_at_every_address_is_said_to_be_so(start, workspace, certificates):
    holder = start("--listen", ":0", "--access", "open")
    done = run(workspace, "--sandbox", "--access", "open", "--listen", f":{holder.port}", **certificates.settings)
    assert done.returncode == 69
    assert f"hubgate: cannot listen on every address, port {holder.port}: Address already in use" in done.stderr


def test_addresses_that_overlap_are_a_fault_of_the_settings(workspace, certificates):
    done = run(workspace, "--listen", ":8080", "--listen", "127.0.0.1:8080", "--access", "open", **certificates.settings)
    assert done.returncode == 78 and "127.0.0.1:8080 and :8080, which are one address; leave one out" in done.stderr


def test_max_connections_is_of_all_addresses_together(start):
    gate, first, second = several(start, *BOTH, "--max-connections", "2")
    held = [socket.create_connection(("127.0.0.1", first)), socket.create_connection(("::1", second))]
    held = [gate.context.wrap_socket(plain, server_hostname="localhost") for plain in held]
    for address, port in [("127.0.0.1", first), ("::1", second)]:
        with socket.create_connection((address, port)) as plain:
            plain.settimeout(0.5)
            with pytest.raises(OSError):
                gate.context.wrap_socket(plain, server_hostname="localhost")
    held.pop().close()
    # Clients that wait at either address are served again.
    assert ask(gate, "127.0.0.1", first) == 200
    assert ask(gate, "::1", second) == 200
    held.pop().close()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_drain_closes_all_of_them_and_loses_no_request(start, workers):
    gate, first, second = several(start, *BOTH, "--drain-delay", "1s", "--workers", workers)
    reload(gate)
    gate.signal(signal.SIGTERM)
    time.sleep(0.3)
    # Within drain_delay new clients are welcome at both.
    assert ask(gate, "127.0.0.1", first) == 200
    assert ask(gate, "::1", second) == 200
    gate.wait_for_stop()
    for address, port in [("127.0.0.1", first), ("::1", second)]:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((address, port))


def test_a_worker_that_dies_leaves_no_address_deaf(start):
    gate, first, second = several(start, *BOTH, "--workers", "2", sandbox=False)
    children = [int(pid) for pid in open(f"/proc/{gate.pid}/task/{gate.pid}/children").read().split()]
    for child in children:
        os.kill(child, signal.SIGKILL)
    assert wait_until(lambda: gate.errors.count("serves again") >= 2, 15)
    for _ in range(6):
        assert ask(gate, "127.0.0.1", first) == 200
        assert ask(gate, "::1", second) == 200


def test_a_probe_asks_where_this_machine_is_listened_to(start, workspace):
    gate, first, second = several(start, *BOTH)
    for listen in [("--listen", f"127.0.0.1:{first}"), ("--listen", f"[::1]:{second}", "--listen", "127.0.0.1:1"),
                   ("--listen", "192.0.2.1:1", "--listen", f"127.0.0.1:{first}", "--access", "open")]:
        assert run(workspace, "--probe", *listen).returncode == 0
