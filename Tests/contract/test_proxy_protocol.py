"""Load balancers that speak the PROXY protocol: it is taken from those that are trusted, before TLS, to its last byte and no further, and
from no one else."""

import re
import socket
import ssl
import time

import pytest

import corpus
from gate import make_workspace, run
from proxyheader import LOCAL, TCP6, UNIX, block, line, tlv
from test_lifecycle import reload
from waiting import wait_until
from wire import Connection

HEALTH = b"GET /-/nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
ON = ("--proxy-protocol", "--trusted-proxies", "127.0.0.1", "--admin-listen", "127.0.0.1:0")


def begin(gate, header, source="127.0.0.1", pieces=None, together=False):
    """A connection with its header sent, in one piece or with `pieces` bytes at a time, or `together` with the client's first bytes of TLS."""
    plain = gate.tcp(source=source)
    if together:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = gate.context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        with pytest.raises(ssl.SSLWantReadError):
            session.do_handshake()
        plain.sendall(header + outgoing.read())
        while True:
            try:
                session.do_handshake()
                break
            except ssl.SSLWantReadError:
                incoming.write(plain.recv(65536))
        plain.sendall(outgoing.read())
        plain.close()
        return None
    for at in range(0, len(header), pieces or len(header) or 1):
        plain.sendall(header[at:at + (pieces or len(header))])
        if pieces:
            time.sleep(0.002)
    return Connection(gate.context.wrap_socket(plain, server_hostname="localhost"))


def ask(gate, header, **options):
    with begin(gate, header, **options) as connection:
        connection.send(HEALTH)
        return connection.answer().status


def is_closed(plain):
    """Closed before a byte of TLS was answered."""
    plain.settimeout(5)
    try:
        return plain.recv(1) == b""
    except ConnectionResetError:
        return True


def metric(gate, name):
    found = re.search(r"Serving /-/health, /-/ready and /-/metrics on https://localhost:(\d+)", gate.errors)
    with socket.create_connection(("127.0.0.1", int(found[1])), timeout=5) as plain:
        connection = Connection(gate.context.wrap_socket(plain, server_hostname="localhost"))
        connection.send(b"GET /-/metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        page = connection.answer().body.decode()
    return int(next(text.split(" ")[-1] for text in page.splitlines() if text.startswith(name)))


REFUSED = 'hubgate_connections_refused_total{reason="proxy_header"}'
LATE = 'hubgate_connections_refused_total{reason="proxy_header_late"}'
ADDRESS = 'hubgate_connections_refused_total{reason="address"}'
TAKEN = "hubgate_proxy_headers_total"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_client_of_the_header_is_logged_beside_who_connected(start, workers):
    gate = start(*ON, "--workers", workers)
    for header, client in [
        (line(), "192.0.2.7"),
        (line("2001:db8::7", family="TCP6"), "2001:db8::7"),
        (block("192.0.2.8"), "192.0.2.8"),
        (block("2001:db8::8", family=TCP6), "2001:db8::8"),
        (block("192.0.2.9", records=tlv(0xEA, b"vpce") + tlv(4, bytes(3000)), checksum=True), "192.0.2.9"),
        (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
        (block(command=LOCAL, family=0), "127.0.0.1"),
        (block(family=UNIX), "127.0.0.1"),
    ]:
        before = len(gate.log_lines)
        assert ask(gate, header) == 404
        assert wait_until(lambda: len(gate.log_lines) > before)
        assert (gate.log_lines[-1]["client"], gate.log_lines[-1]["peer"]) == (client, "127.0.0.1")
    assert wait_until(lambda: metric(gate, TAKEN) == 8)


@pytest.mark.parametrize("header", [line(), block("2001:db8::7", family=TCP6, records=tlv(4, b"abc"), checksum=True)])
def test_a_header_may_come_a_byte_at_a_time_or_with_the_first_bytes_of_tls(start, header):
    gate = start(*ON)
    assert ask(gate, header, pieces=1) == 404
    begin(gate, header, together=True)
    assert wait_until(lambda: metric(gate, TAKEN) == 2)
    assert metric(gate, REFUSED) == 0


def test_the_corpus_is_taken_or_closed_before_tls(start):
    gate = start(*ON)
    refused = 0
    for header in corpus.proxy_headers():
        # What is behind a header in the corpus is no TLS.
        raw = header.raw[:len(header.raw) - header.behind]
        if header.outcome in ("source", "none"):
            before = len(gate.log_lines)
            assert ask(gate, raw) == 404, header.id
            assert wait_until(lambda: len(gate.log_lines) > before)
            assert gate.log_lines[-1]["client"] == (header.source[0] if header.source else "127.0.0.1"), header.id
        elif header.raw:
            with gate.tcp() as plain:
                plain.sendall(raw)
                if header.outcome == "more":
                    plain.shutdown(socket.SHUT_WR)
                assert is_closed(plain), header.id
            refused += 1
    assert wait_until(lambda: metric(gate, REFUSED) == refused)


def test_a_header_that_does_not_come_in_time_ends_the_connection(start):
    gate = start(*ON, "--handshake-timeout", "1s")
    with gate.tcp() as silent, gate.tcp() as slow:
        slow.sendall(b"PROXY TCP4 ")
        assert is_closed(silent) and is_closed(slow)
    assert wait_until(lambda: metric(gate, LATE) == 2)
    # The time is one for both: a header late in it leaves the handshake what is left.
    with gate.tcp() as plain:
        time.sleep(0.5)
        plain.sendall(line())
        began = time.monotonic()
        assert is_closed(plain)
        assert time.monotonic() - began < 5
    # A check that connects and leaves is no fault.
    gate.tcp().close()
    assert ask(gate, line()) == 404
    assert metric(gate, REFUSED) == 0


def test_a_trusted_proxy_has_to_send_it_and_others_must_not(start):
    gate = start(*ON)
    with gate.tcp() as plain, pytest.raises(OSError):
        gate.context.wrap_socket(plain, server_hostname="localhost")
    assert wait_until(lambda: metric(gate, REFUSED) == 1)
    assert ask(gate, b"", source="127.0.0.2") == 404
    with pytest.raises(OSError):
        ask(gate, line(), source="127.0.0.2")
    entry = gate.wait_for_log(lambda entry: entry["path"] == "/-/nothing")
    assert (entry["client"], entry["peer"]) == ("127.0.0.2", "127.0.0.2")
    assert metric(gate, REFUSED) == 1 and metric(gate, TAKEN) == 0


def test_without_the_setting_a_header_is_refused_by_tls_from_everybody(start):
    gate = start("--trusted-proxies", "127.0.0.1")
    with pytest.raises(OSError):
        ask(gate, line())
    assert ask(gate, b"") == 404


def test_a_client_counts_by_its_own_address_and_a_load_balancer_by_none(start):
    gate = start(*ON, "--max-connections-per-address", "2")
    held = [begin(gate, line("192.0.2.7")) for _ in range(2)]
    with gate.tcp() as plain:
        plain.sendall(line("192.0.2.7"))
        assert is_closed(plain)
    held += [begin(gate, line("192.0.2.8")), begin(gate, block("2001:db8::7", family=TCP6))]
    # Its own checks.
    held += [begin(gate, block(command=LOCAL, family=0)) for _ in range(4)]
    # The second half of an IPv6 address is its client's to choose.
    held.append(begin(gate, block("2001:db8::8", family=TCP6)))
    with gate.tcp() as plain:
        plain.sendall(block("2001:db8::9", family=TCP6))
        assert is_closed(plain)
    assert wait_until(lambda: metric(gate, ADDRESS) == 2)
    held.pop(0).close()
    assert wait_until(lambda: metric(gate, "hubgate_connections ") <= len(held) + 1)
    assert ask(gate, line("192.0.2.7")) == 404
    for connection in held:
        connection.close()


def test_without_the_protocol_a_load_balancer_counts_by_none_either(start):
    gate = start("--trusted-proxies", "127.0.0.1", "--max-connections-per-address", "1")
    held = [gate.connect() for _ in range(3)]
    held.append(gate.connect(source="127.0.0.2"))
    with pytest.raises(OSError):
        gate.connect(source="127.0.0.2")
    for connection in held:
        connection.close()


def test_a_proxy_behind_a_proxy_is_believed_too(start):
    """A TCP load balancer in front of one that speaks HTTP: the header names the second, and its fields name the client."""
    gate = start("--proxy-protocol", "--trusted-proxies", "127.0.0.1,10.0.0.0/8")
    for source, client in [("10.0.0.7", "203.0.113.9"), ("192.0.2.7", "192.0.2.7")]:
        with begin(gate, line(source)) as connection:
            connection.send(HEALTH.replace(b"Connection", b"X-Forwarded-For: 203.0.113.9\r\nConnection"))
            assert connection.answer().status == 404
        assert gate.wait_for_log(lambda entry: entry["client"] == client)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_reload_changes_it_for_new_connections(start, workers):
    gate = start("--workers", workers, workspace_files={"config/hubgate.yaml": "trusted_proxies: [127.0.0.1]\n"})
    with gate.connect() as kept:
        (gate.workspace / "config/hubgate.yaml").write_text("trusted_proxies: [127.0.0.1]\nproxy_protocol: on\n")
        reload(gate)
        assert ask(gate, line()) == 404
        with pytest.raises(OSError):
            gate.connect()
        kept.send(HEALTH)
        assert kept.answer().status == 404
    (gate.workspace / "config/hubgate.yaml").write_text("# none\n")
    reload(gate)
    assert ask(gate, b"") == 404


def test_a_drain_waits_for_no_header(start):
    gate = start(*ON, "--handshake-timeout", "60s")
    with gate.tcp() as plain:
        plain.sendall(b"PROXY ")
        time.sleep(0.2)
        began = time.monotonic()
        gate.stop()
        assert time.monotonic() - began < 10


def test_a_probe_that_would_be_taken_for_a_load_balancer_says_so(start, tmp_path):
    gate = start(*ON)
    workspace = make_workspace(tmp_path / "probe")
    done = run(workspace, "--probe", "--listen", f"127.0.0.1:{gate.port}", *ON[:3])
    assert done.returncode == 1 and "give it admin_listen" in done.stderr
    admin = re.search(r"on https://localhost:(\d+) alone", gate.errors)[1]
    assert run(workspace, "--probe", "--admin-listen", f"127.0.0.1:{admin}", *ON[:3]).returncode == 0
