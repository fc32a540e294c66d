"""The TLS that clients meet."""

import socket
import ssl
import subprocess
import time

import pytest

from waiting import wait_until

KEEP = b"GET /-/health HTTP/1.1\r\nHost: localhost\r\n\r\n"
CLOSE = b"GET /-/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def context_of(gate, version=None, ciphers=None, protocols=("http/1.1",)):
    context = ssl.create_default_context(cafile=gate.certificates.authority)
    if protocols:
        context.set_alpn_protocols(list(protocols))
    if ciphers:
        context.set_ciphers(ciphers)
    if version:
        # The lower bound first would be above the upper one for a moment.
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = version
        context.minimum_version = version
    return context


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_work(gate, version):
    with gate.connect(context=context_of(gate, version)) as connection:
        connection.send(CLOSE)
        assert connection.answer().status == 200
        assert connection.socket.version() == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]
        name, _, bits = connection.socket.cipher()
        assert bits >= 128 and ("GCM" in name or "CHACHA20" in name)
        connection.check_ended()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_older_versions_are_refused(gate, version):
    with pytest.raises(ssl.SSLError, match="(?i)protocol.version|alert"):
        gate.connect(context=context_of(gate, version, "ALL:@SECLEVEL=0"))


@pytest.mark.parametrize(
    "ciphers",
    ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA", "aNULL", "eNULL", "DHE+AESGCM", "PSK"],
)
def test_weak_ciphers_are_refused(gate, ciphers):
    context = context_of(gate, ssl.TLSVersion.TLSv1_2, ciphers + ":@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match="(?i)handshake.failure|no.ciphers|alert"):
        gate.connect(context=context)


def test_http_1_1_is_chosen_among_what_a_client_offers(gate):
    with gate.connect(context=context_of(gate, protocols=["h2", "http/1.1"])) as connection:
        assert connection.socket.selected_alpn_protocol() == "http/1.1"
        connection.send(CLOSE)
        assert connection.answer().status == 200


def test_a_client_that_offers_only_h2_is_told_so_in_the_handshake(gate):
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        gate.connect(context=context_of(gate, protocols=["h2"]))


def test_a_client_without_alpn_is_served(gate):
    with gate.connect(context=context_of(gate, protocols=None)) as connection:
        assert connection.socket.selected_alpn_protocol() is None
        connection.send(CLOSE)
        assert connection.answer().status == 200


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_is_resumed(gate, version):
    context = context_of(gate, version)
    with gate.connect(context=context) as connection:
        connection.send(CLOSE)
        connection.answer()
        connection.check_ended()
        session = connection.socket.session
        assert not connection.socket.session_reused
    for _ in range(3):
        with gate.connect(context=context, session=session) as connection:
            connection.send(CLOSE)
            assert connection.answer().status == 200
            assert connection.socket.session_reused


def test_a_renegotiation_is_not_taken_part_in(gate):
    client = subprocess.Popen(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{gate.port}", "-tls1_2", "-legacy_renegotiation"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        client.stdin.write(b"R\n")
        client.stdin.flush()
        time.sleep(0.3)
        out, _ = client.communicate(timeout=5)
    finally:
        if client.poll() is None:
            client.kill()
    assert b"RENEGOTIATING" in out
    assert b"no renegotiation" in out or b"alert" in out.lower(), out[-500:]
    assert gate.ask().status == 200


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("target", [b"/-/health", b"/-/unknown", b"/api/models/sandbox/demo"])
def test_close_notify_is_sent_after_an_answer_that_closes(gate, version, target):
    with gate.connect(context=context_of(gate, version)) as connection:
        connection.send(CLOSE.replace(b"/-/health", target))
        assert connection.answer().closes
        connection.check_ended()


def test_a_client_that_closes_in_order_gets_close_notify_back(gate):
    with gate.connect() as connection:
        connection.send(KEEP)
        connection.answer()
        connection.socket.settimeout(3)
        connection.socket.unwrap()


def test_plain_http_on_the_port_gets_no_http_and_the_connection_is_closed(gate):
    with gate.tcp(timeout=5) as plain:
        plain.sendall(KEEP)
        got = b""
        try:
            while part := plain.recv(4096):
                got += part
        except ConnectionResetError:
            pass
        assert not got.startswith(b"HTTP"), got


def test_early_data_is_not_offered(gate):
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{gate.port}", "-tls1_3", "-ign_eof"],
        input=CLOSE,
        capture_output=True,
        timeout=10,
    )
    assert b"Max Early Data: 0" in done.stdout


def test_a_request_in_many_small_records_is_one_request(gate):
    with gate.connect() as connection:
        for byte in KEEP:
            connection.send(bytes([byte]))
        assert connection.answer().status == 200
        connection.send(CLOSE)
        assert connection.answer().status == 200


def test_a_client_that_leaves_in_the_handshake_harms_nobody(gate):
    before = gate.descriptors
    for size in (0, 1, 5, 100, 517):
        plain = gate.tcp()
        plain.sendall(gate.hello()[:size])
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        plain.close()
    assert gate.ask().status == 200
    assert wait_until(lambda: gate.descriptors <= before)


def test_an_idle_connection_whose_client_cuts_it_is_freed(gate):
    before = gate.descriptors
    connection = gate.connect()
    connection.send(KEEP)
    connection.answer()
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()
    assert wait_until(lambda: gate.descriptors <= before)


def test_a_client_that_does_not_trust_the_authority_does_not_connect(gate):
    with pytest.raises(ssl.SSLCertVerificationError):
        gate.connect(context=ssl.create_default_context())
    assert gate.ask().status == 200


def until_answers(session, incoming, plain, count):
    """What the session reads from the socket until that many bodies of KEEP's response have come."""
    text = b""
    while text.count(b'{"status":"ok"}') < count:
        try:
            text += session.read(65536)
        except ssl.SSLWantReadError:
            piece = plain.recv(65536)
            assert piece, text
            incoming.write(piece)
    return text


def test_records_that_come_in_one_packet_or_in_pieces_are_all_read(gate):
    with gate.tcp() as plain:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = gate.context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        while True:
            try:
                session.do_handshake()
                break
            except ssl.SSLWantReadError:
                plain.sendall(outgoing.read())
                incoming.write(plain.recv(65536))
        # The last flight of the handshake and the first request in one packet.
        session.write(KEEP)
        plain.sendall(outgoing.read())
        until_answers(session, incoming, plain, 1)
        # Two requests, each a record of its own, in one packet.
        session.write(KEEP)
        session.write(KEEP)
        plain.sendall(outgoing.read())
        until_answers(session, incoming, plain, 2)
        # The second of two is not whole yet.
        session.write(KEEP)
        session.write(KEEP)
        records = outgoing.read()
        plain.sendall(records[:-20])
        until_answers(session, incoming, plain, 1)
        plain.sendall(records[-20:])
        until_answers(session, incoming, plain, 1)


def test_a_client_may_change_its_keys_between_requests(gate, certificates):
    client = subprocess.Popen(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{gate.port}", "-tls1_3", "-quiet", "-no_ign_eof",
         "-CAfile", certificates.authority],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )
    try:
        # RFC 8446 4.6.3: `K` updates the keys and asks the other side to do so too.
        for request in [KEEP, b"K\n", KEEP, b"K\n", KEEP]:
            client.stdin.write(request)
            client.stdin.flush()
            read = b""
            while request == KEEP and not read.endswith(b'{"status":"ok"}\n'):
                piece = client.stdout.read1(65536)
                assert piece, read
                read += piece
            # s_client takes `K` for a command only where a read of its input begins.
            time.sleep(0.1)
    finally:
        client.kill()
        client.wait()
