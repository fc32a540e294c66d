"""No restart, renewal or shortage costs a request."""

import contextlib
import http.server
import json
import os
import re
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import pytest

from gate import IS_SANITIZED, Gate, make_workspace, shown
from load import Load, is_refused
from waiting import wait_until
from wire import Ended

HEALTH = b"GET /-/health HTTP/1.1\r\nHost: localhost\r\n\r\n"
READY = b"GET /-/ready HTTP/1.1\r\nHost: localhost\r\n\r\n"


def wait_for_message(gate, pattern, seconds=5, count=1):
    def found():
        return [message for message in gate.messages if re.search(pattern, message)]

    assert wait_until(lambda: len(found()) >= count, seconds), f"no log line with {pattern!r}: {gate.errors}"
    return found()[-1]


def reload(gate, pattern=r"^Reloaded"):
    """Sends SIGHUP and waits for the line that tells of it; gives that line."""
    before = len([message for message in gate.messages if re.search(pattern, message)])
    gate.signal(signal.SIGHUP)
    return wait_for_message(gate, pattern, count=before + 1)


def serial_of(gate, context=None):
    with gate.connect(context=context) as connection:
        return connection.socket.getpeercert()["serialNumber"]


@pytest.fixture
def begin(tmp_path):
    """Starts a gate with certificates of the test's own."""
    gates = []

    def begin(certificates, *flags, **options):
        gates.append(Gate(make_workspace(tmp_path / f"own-gate-{len(gates)}"), certificates, *flags, **options))
        return gates[-1]

    yield begin
    for gate in gates:
        gate.kill()


def replace(certificates, other):
    for name in ("cert.pem", "key.pem", "ca.pem"):
        shutil.copy(other.directory / name, certificates.directory / name)


class Hub(http.server.ThreadingHTTPServer):
    """A Hub that knows whoami, and notes with which token it is asked. `/slow` answers when it is let."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), HubHandler)
        self.tokens = []
        self.slow_came, self.let_go = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    @property
    def origin(self):
        return f"http://127.0.0.1:{self.server_port}"

    def close(self):
        self.let_go.set()
        self.shutdown()
        self.thread.join()
        self.server_close()


class HubHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.tokens.append(self.headers["Authorization"])
        if self.path == "/slow":
            self.server.slow_came.set()
            self.server.let_go.wait(20)
        body = json.dumps({"name": "somebody", "path": self.path}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def hub():
    hub = Hub()
    yield hub
    hub.close()


# Reload


def test_a_new_certificate_is_served_and_no_request_fails(begin, own_certificates, other_certificates):
    gate = begin(own_certificates, "--sandbox")
    old, old_context = serial_of(gate), gate.context
    kept = gate.connect()
    both = own_certificates.client_context()
    both.load_verify_locations(other_certificates.authority)
    gate.context = both
    with Load(gate) as load:
        load.wait_for(50)
        replace(own_certificates, other_certificates)
        for _ in range(5):
            assert "certificate and key were read again; no setting changed" in reload(gate)
            load.wait_for(50)
    assert load.failures == []
    assert serial_of(gate) != old
    with pytest.raises(ssl.SSLCertVerificationError):
        gate.connect(context=old_context)
    # Who was connected stays so.
    kept.send(HEALTH)
    assert kept.answer().status == 200
    kept.close()
    assert gate.tasks == 1
    gate.stop()


@pytest.mark.parametrize("fault", ["garbage", "foreign key", "absent"])
def test_a_broken_certificate_keeps_the_old_one(begin, own_certificates, other_certificates, fault):
    gate = begin(own_certificates, "--sandbox")
    old = serial_of(gate)
    if fault == "garbage":
        own_certificates.certificate.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n")
    elif fault == "foreign key":
        shutil.copy(other_certificates.key, own_certificates.key)
    else:
        own_certificates.key.unlink()
    line = reload(gate, "^Not reloaded")
    assert shown(own_certificates.key if fault != "garbage" else own_certificates.certificate) in line
    assert len([message for message in gate.messages if "eloaded" in message]) == 1
    assert serial_of(gate) == old
    gate.stop()


def test_sessions_outlive_a_reload_of_the_same_key_and_no_other(begin, own_certificates, other_certificates):
    gate = begin(own_certificates, "--sandbox")
    context = own_certificates.client_context()
    context.load_verify_locations(other_certificates.authority)

    def session(resumed=None):
        with gate.connect(context=context, session=resumed) as connection:
            connection.send(HEALTH)
            assert connection.answer().status == 200
            return connection.socket.session, connection.socket.session_reused

    first, _ = session()
    assert session(first)[1]
    reload(gate)
    assert session(first)[1]
    replace(own_certificates, other_certificates)
    reload(gate)
    assert not session(first)[1]
    gate.stop()


def test_a_certificate_that_ends_soon_is_announced(begin, own_certificates):
    gate = begin(own_certificates, "--sandbox")
    assert not [message for message in gate.messages if "expires" in message]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "10",
         "-subj", "/CN=localhost", "-keyout", own_certificates.key, "-out", own_certificates.certificate],
        check=True, capture_output=True,
    )
    reload(gate)
    assert shown(own_certificates.certificate) in wait_for_message(gate, "expires in (9|10) days")
    gate.stop()


def test_a_new_token_is_used_at_once_and_the_old_one_forgotten(begin, certificates, hub, tmp_path):
    token = tmp_path / "token"
    token.write_text("hf_old_" + "a" * 30 + "\n")
    gate = begin(certificates, "--upstream", hub.origin, "--token-file", str(token), "--account-cache-ttl", "1h")
    assert gate.ask(b"GET /api/account HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").status == 200
    with Load(gate, clients=4, path="/api/models/x") as load:
        load.wait_for(20)
        token.write_text("hf_new_" + "b" * 30 + "\n")
        assert "changed: token." in reload(gate)
        asked = len(hub.tokens)
        time.sleep(0.2)
        load.wait_for(20)
    assert load.failures == []
    # What was in flight may still have gone with the old one.
    assert {token for token in hub.tokens[asked + 8:]} == {"Bearer hf_new_" + "b" * 30}
    # The account that was held was the old token's.
    count = len(hub.tokens)
    assert gate.ask(b"GET /api/account HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").status == 200
    assert len(hub.tokens) == count + 1
    token.write_text("two words\n")
    assert str(token) in reload(gate, "^Not reloaded")
    assert "hf_" not in gate.errors
    gate.stop()


def copies_in_memory(gate, secret):
    """What of the memory holds it, but for freed request texts of libcurl's, which are not ours to clear."""
    found = 0
    with open(f"/proc/{gate.pid}/mem", "rb", buffering=0) as memory:
        for line in Path(f"/proc/{gate.pid}/maps").read_text().splitlines():
            if " rw" not in line:
                continue
            start, end = (int(word, 16) for word in line.split()[0].split("-"))
            memory.seek(start)
            found += len(re.findall(re.escape(secret) + rb"(?!\r\n)", memory.read(end - start)))
    return found


@pytest.mark.skipif(IS_SANITIZED, reason="the sanitizer's shadow is terabytes")
def test_a_replaced_token_leaves_the_memory(begin, certificates, hub, tmp_path):
    old, new = (b"hf_" + os.urandom(15).hex().encode() for _ in range(2))
    token = tmp_path / "token"
    token.write_bytes(old)
    gate = begin(certificates, "--upstream", hub.origin, "--token-file", str(token))
    asked = b"GET /api/models/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert gate.ask(asked).status == 200
    try:
        assert copies_in_memory(gate, old) > 0
    except PermissionError:
        pytest.skip("this system does not let a process read another's memory")
    token.write_bytes(new)
    reload(gate)
    for _ in range(5):
        assert gate.ask(asked).status == 200
    assert copies_in_memory(gate, old) == 0
    assert copies_in_memory(gate, new) > 0
    gate.stop()


def test_settings_change_and_what_needs_a_restart_is_named(begin, certificates):
    gate = begin(certificates, "--sandbox")
    file = gate.workspace / "config/hubgate.yaml"
    file.write_text("idle_timeout: 300ms\naccess_log: off\nmax_connections: 3\nupstream_connections: 7\nlog_format: text\n")
    assert "changed: idle_timeout, max_connections, access_log." in reload(gate)
    wait_for_message(gate, "need a restart: upstream_connections, log_format")
    with gate.connect() as connection:
        connection.send(HEALTH)
        assert connection.answer().status == 200
        before = time.monotonic()
        connection.check_ended()
        assert time.monotonic() - before < 2
    lines = len(gate.log_lines)
    gate.ask()
    time.sleep(0.1)
    assert len(gate.log_lines) == lines
    file.write_text("idle_timeout: soon\nmax_conections: 1\n")
    line = reload(gate, "^Not reloaded")
    assert "config/hubgate.yaml:1: idle_timeout" in line and "max_conections" in line
    # Three places, as the reload before said.
    held = [gate.connect() for _ in range(3)]
    with pytest.raises(TimeoutError):
        gate.connect(timeout=0.15)
    file.write_text("max_connections: 5\n")
    reload(gate)
    gate.ask()
    for connection in held:
        connection.close()
    gate.stop()


# Drain


def test_sigterm_under_load_costs_nothing(begin, certificates):
    gate = begin(certificates, "--sandbox")
    with Load(gate, clients=12) as load:
        load.wait_for(200)
        began = time.monotonic()
        gate.signal(signal.SIGTERM)
        assert gate.wait() == 0
        took = time.monotonic() - began
    assert load.failures == []
    assert load.closes > 0
    assert took < 3
    assert is_refused(gate.port)
    gate.check_errors()


def test_whoever_is_connected_or_waits_is_served(begin, certificates):
    gate = begin(certificates, "--sandbox", "--max-connections", "4")
    idle, kept, begun = gate.connect(), gate.connect(), gate.connect()
    for connection in (idle, kept):
        connection.send(HEALTH)
        assert not connection.answer().closes
    begun.send(HEALTH[:20])
    fourth = gate.tcp()
    # Two that find no place yet: they are in the listener's queue.
    queued = [gate.tcp() for _ in range(2)]
    time.sleep(0.1)
    gate.signal(signal.SIGTERM)
    wait_for_message(gate, "^Stopping")
    kept.send(HEALTH)
    assert kept.answer().closes
    kept.check_ended()
    begun.send(HEALTH[20:])
    assert begun.answer().closes
    for plain in [fourth, *queued]:
        with gate.context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False) as secure:
            secure.sendall(HEALTH)
            received = b""
            while part := secure.recv(4096):
                received += part
            assert received.startswith(b"HTTP/1.1 200") and b"Connection: close" in received
    idle.check_ended()
    assert gate.wait(5) == 0
    assert is_refused(gate.port)


def test_a_request_in_flight_finishes_and_readiness_is_refused(begin, certificates, hub):
    gate = begin(certificates, "--upstream", hub.origin, HF_TOKEN="hf_token")
    slow, asker = gate.connect(timeout=15), gate.connect()
    asker.send(READY)
    assert asker.answer().status == 200
    slow.send(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert hub.slow_came.wait(5)
    gate.signal(signal.SIGTERM)
    wait_for_message(gate, "^Stopping")
    asker.send(READY)
    answer = asker.answer()
    answer.check_is_error(503)
    assert answer.closes
    time.sleep(1)
    assert is_refused(gate.port)
    assert gate.process.poll() is None
    hub.let_go.set()
    answer = slow.answer()
    assert answer.status == 200 and answer.closes
    slow.check_ended()
    assert gate.wait(3) == 0


@pytest.mark.skipif(IS_SANITIZED, reason="a sanitizer's memory is not the gate's")
def test_a_stop_takes_no_buffer_for_each_idle_connection(begin, certificates, hub):
    """Each is told of the end in one turn of the loop, and OpenSSL would keep what it wrote that from."""
    idle_count = 400
    gate = begin(certificates, "--upstream", hub.origin, HF_TOKEN="hf_token")
    with contextlib.ExitStack() as connections:
        idle = [connections.enter_context(gate.connect()) for _ in range(idle_count)]
        for connection in idle:
            connection.send(b"GET /-/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert connection.answer().status == 200
        slow = connections.enter_context(gate.connect(timeout=15))
        slow.send(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert hub.slow_came.wait(5)
        before = gate.resident_bytes
        gate.signal(signal.SIGTERM)
        for connection in idle:
            connection.check_ended()
        # A page at least of each, where it is kept.
        assert gate.peak_resident_bytes - before < idle_count * 2048
        hub.let_go.set()
        assert slow.answer().status == 200
    assert gate.wait(5) == 0


def test_what_does_not_finish_is_cut_off_and_counted(begin, certificates, hub):
    gate = begin(certificates, "--upstream", hub.origin, "--drain-timeout", "700ms", HF_TOKEN="hf_token")
    slow = gate.connect(timeout=15)
    slow.send(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert hub.slow_came.wait(5)
    began = time.monotonic()
    gate.signal(signal.SIGTERM)
    assert gate.wait(5) == 0
    assert 0.6 < time.monotonic() - began < 2
    with pytest.raises(Ended) as end:
        slow.answer()
    assert not end.value.in_order
    assert "within drain_timeout: 1." in gate.messages[-1]
    gate.check_errors()


def test_drain_delay_goes_on_accepting(begin, certificates):
    gate = begin(certificates, "--sandbox", "--drain-delay", "1s")
    with Load(gate, clients=4) as load:
        load.wait_for(20)
        gate.signal(signal.SIGTERM)
        wait_for_message(gate, "^Stopping")
        answer = gate.ask(READY)
        answer.check_is_error(503)
        assert answer.closes
        assert gate.ask(HEALTH).closes
        load.wait_for(20)
        assert gate.process.poll() is None
        assert gate.wait(5) == 0
    assert load.failures == []


def test_a_second_signal_ends_at_once(begin, certificates, hub):
    gate = begin(certificates, "--upstream", hub.origin, HF_TOKEN="hf_token")
    slow = gate.connect()
    slow.send(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert hub.slow_came.wait(5)
    gate.signal(signal.SIGTERM)
    wait_for_message(gate, "^Stopping")
    gate.signal(signal.SIGTERM)
    assert gate.wait(1) == 1


# Descriptors


def processor_seconds(gate):
    words = Path(f"/proc/{gate.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def check_account(connection):
    connection.send(b"GET /api/account HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert connection.answer().status == 200


def check_recovers(gate, held):
    """When those who took the descriptors leave, others are served at once."""
    for plain in held:
        plain.close()
    began = time.monotonic()
    assert gate.ask().status == 200
    assert time.monotonic() - began < 2
    gate.stop()


def test_few_descriptors_are_shared_out(begin, certificates):
    gate = begin(certificates, "--sandbox", before=["sh", "-c", "ulimit -n 64; exec \"$@\"", "sh"])
    wait_for_message(gate, r"limit of open files is 64, and max_connections 10000 .* needs 10288: only 16 clients")
    kept = gate.connect()
    held = [gate.tcp() for _ in range(80)]
    check_account(kept)
    check_recovers(gate, held)


def test_out_of_descriptors_nobody_spins_and_it_recovers(begin, certificates):
    gate = begin(certificates, "--sandbox")
    kept = gate.connect()
    check_account(kept)
    # From outside, after it has reckoned with more.
    limit = gate.descriptors + 5
    resource.prlimit(gate.pid, resource.RLIMIT_NOFILE, (limit, limit))
    held = [gate.tcp() for _ in range(40)]
    time.sleep(0.3)
    before, began = processor_seconds(gate), time.monotonic()
    for _ in range(20):
        check_account(kept)
        time.sleep(0.05)
    assert processor_seconds(gate) - before < 0.3 * (time.monotonic() - began)
    assert len(gate.errors) < 10_000
    check_recovers(gate, held)


def test_the_limit_of_descriptors_is_raised(gate):
    limits = Path(f"/proc/{gate.pid}/limits").read_text()
    _, soft, hard = re.search(r"(Max open files)\s+(\d+)\s+(\d+)", limits).groups()
    assert soft == hard
    assert re.search(r"Max core file size\s+0\s+0", limits)
    assert gate.tasks == 1


# The service manager


@pytest.mark.parametrize("abstract", [False, True])
def test_the_service_manager_is_told(begin, own_certificates, tmp_path, abstract):
    name = f"@hubgate-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(name.replace("@", "\0"))
    manager.settimeout(5)

    def told(name):
        while True:
            message = dict(line.split("=", 1) for line in manager.recv(4096).decode().split("\n"))
            if name in message:
                return message

    before = time.clock_gettime(time.CLOCK_MONOTONIC)
    gate = begin(own_certificates, "--sandbox", NOTIFY_SOCKET=name, WATCHDOG_USEC="1000000")
    message = told("READY")
    assert message["READY"] == "1" and str(gate.port) in message["STATUS"]
    for _ in range(3):
        began = time.monotonic()
        assert told("WATCHDOG") == {"WATCHDOG": "1"}
        assert time.monotonic() - began < 1
    gate.signal(signal.SIGHUP)
    moment = int(told("RELOADING")["MONOTONIC_USEC"]) / 1e6
    assert before < moment < time.clock_gettime(time.CLOCK_MONOTONIC)
    assert told("READY")["READY"] == "1"
    gate.signal(signal.SIGTERM)
    assert told("STOPPING")["STOPPING"] == "1"
    assert gate.wait() == 0
    manager.close()


def test_a_manager_that_does_not_read_stops_nothing(begin, certificates, tmp_path):
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(tmp_path / "notify"))
    gate = begin(certificates, "--sandbox", NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="2000")
    time.sleep(1)
    assert gate.ask().status == 200
    gate.stop()
    manager.close()
