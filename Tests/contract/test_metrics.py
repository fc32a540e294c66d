"""The page of metrics: what Prometheus can read of it, and that each figure follows what happens."""

import os
import socket
import ssl
import subprocess
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from fakehub import http
from gate import run
from ports import free_port, taken_port, unused_port
from waiting import wait_until
from wire import Connection

MIB = 1 << 20


def request(method, target, *fields, body=b""):
    lines = [f"{method} {target} HTTP/1.1".encode(), b"Host: localhost", *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


class Page:
    """One reading of the page, over a connection of its own."""

    def __init__(self, gate, port=None):
        plain = socket.create_connection(("127.0.0.1", port or gate.port), 10)
        with Connection(gate.context.wrap_socket(plain, server_hostname="localhost")) as connection:
            connection.send(request("GET", "/-/metrics", b"Connection: close"))
            self.answer = connection.answer()
        self.text = self.answer.body.decode()
        self.families = list(text_string_to_metric_families(self.text))
        self.samples = {(s.name, *sorted(s.labels.items())): s.value for f in self.families for s in f.samples}

    def __call__(self, name, **labels):
        return self.samples[("hubgate_" + name, *sorted(labels.items()))]


def eventually(gate, condition, seconds=3):
    """A figure is counted at the very end of what it counts, a moment after the client has its response."""
    return wait_until(lambda: condition(Page(gate)), seconds)


def test_prometheus_reads_the_page(gate):
    page = Page(gate)
    assert page.answer.status == 200
    assert page.answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert page.answer["Cache-Control"] == "no-store"
    assert len(page.families) >= 25 and all(family.documentation and family.type != "unknown" for family in page.families)
    assert page.text.endswith("\n")
    assert gate.ask(request("HEAD", "/-/metrics", b"Connection: close")).status == 200
    gate.ask(request("POST", "/-/metrics", b"Content-Length: 0", b"Connection: close")).check_is_error(405)


def test_requests_count_by_route_and_status(start):
    gate = start()
    for target in ["/-/health", "/-/health", "/api/account", "/-/nothing", "/some/model", "/"]:
        gate.ask(request("GET", target, b"Connection: close"))
    gate.ask(request("PATCH", "/api/repo", b"Content-Length: 0", b"Connection: close"))
    page = Page(gate)
    assert page("requests_total", route="health", status="2xx") == 2
    assert page("requests_total", route="account", status="2xx") == 1
    assert page("requests_total", route="none", status="4xx") == 2
    assert page("requests_total", route="relay", status="4xx") == 1
    assert page("requests_total", route="home", status="2xx") == 1
    assert page("request_duration_seconds_count", route="health") == 2
    assert 0 < page("request_duration_seconds_sum", route="health") < 1
    assert page("requests_in_flight") == 1, "the page's own"
    assert sum(value for key, value in page.samples.items() if key[0] == "hubgate_requests_total") == 7


def test_refusals_count_by_rule(start):
    gate = start("--head-timeout", "100ms", "--body-timeout", "200ms")
    gate.ask(request("GET", "/", b"Content-Length: 1", b"Transfer-Encoding: chunked"))
    gate.ask(b"GET / HTTP/1.1\n\n")
    for line in [b"NOT-HEX\r\n", b"-1\r\n"]:
        head = request("POST", "/api/repo", b"Content-Type: application/json", b"Transfer-Encoding: chunked")
        gate.ask(head + line)
    gate.ask(b"GET / HT")
    gate.ask(request("POST", "/api/repo", b"Content-Type: application/json", b"Content-Length: 9", body=b"{"))
    page = Page(gate)
    assert page("refused_requests_total", rule="length-and-encoding") == 1
    assert page("refused_requests_total", rule="bare-lf") == 1
    assert page("refused_requests_total", rule="chunk-size") == 2
    assert page("refused_requests_total", rule="head-too-slow") == 1
    assert page("refused_requests_total", rule="body-too-slow") == 1
    assert page("requests_total", route="refused", status="4xx") == 3
    assert page("requests_total", route="create_repo", status="4xx") == 3


def test_nothing_that_a_client_sent_is_on_the_page(start):
    gate = start("--access", "passthrough")
    gate.ask(request("MARKER", "/marker-path?marker=query", b"X-Marker: marker", b"Authorization: Bearer marker-token",
                     b"User-Agent: marker", b"Connection: close"))  # fmt: skip
    gate.ask(request("GET", "/marker", b"Marker Marker: x"))
    page = Page(gate)
    assert "marker" not in page.text.lower()
    assert len(page.text) == pytest.approx(len(Page(gate).text), abs=100)


def test_connections_and_handshakes(start):
    gate = start()
    with gate.connect() as first, gate.connect():
        first.send(request("GET", "/-/health"))
        first.answer()
        page = Page(gate)
        assert page("connections") == 3 and page("connections_total") == 3
        assert page("tls_handshakes_total", result="full") == 3
        with gate.connect(session=first.socket.session) as again:
            assert again.socket.session_reused
            assert Page(gate)("tls_handshakes_total", result="resumed") == 1
    gate.tcp().close()
    with gate.tcp() as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        plain.recv(100)
    assert eventually(gate, lambda page: page("connections") == 1)
    page = Page(gate)
    assert page("tls_handshakes_total", result="abandoned") == 1
    assert page("tls_handshakes_total", result="failed") == 1


def test_refused_and_waiting_connections(start):
    gate = start("--max-connections-per-address", "2")
    with gate.connect() as first, gate.connect():
        with pytest.raises((ssl.SSLError, OSError)):
            gate.connect()
        first.send(request("GET", "/-/metrics"))
        page = first.answer().body.decode()
    assert 'hubgate_connections_refused_total{reason="address"} 1\n' in page
    gate = start("--max-connections", "2")
    with gate.connect() as first, gate.connect():
        first.send(request("GET", "/-/metrics"))
        assert 'hubgate_accept_pauses_total{reason="limit"} 1\n' in first.answer().body.decode()


def test_bytes_count_while_they_move(start_before, hub):
    hub.on("/down", lambda *_: http(200, bytes(4 * MIB)))
    hub.on("/up", lambda *_: http(200, b"ok"))
    gate = start_before(hub)
    with gate.connect() as connection:
        connection.send(request("GET", "/down"))
        assert len(connection.answer().body) == 4 * MIB
        # Its connection is still open.
        page = Page(gate)
        assert page("upstream_received_bytes_total") == 4 * MIB
        assert 4 * MIB < page("sent_bytes_total") < 4.2 * MIB
        connection.send(request("PUT", "/up", b"Content-Length: %d" % MIB, body=bytes(MIB)))
        assert connection.answer().body == b"ok"
        open_page = Page(gate)
    assert open_page("upstream_sent_bytes_total") == MIB
    assert MIB < open_page("received_bytes_total") < 1.1 * MIB
    assert eventually(gate, lambda page: page("connections") == 1)
    assert Page(gate)("sent_bytes_total") > open_page("sent_bytes_total"), "closed connections' bytes stay"


def test_calls_to_the_hub_count_by_outcome(start_before, hub):
    hub.on("/whole", lambda *_: http(404, b"no"))
    hub.on("/cut", lambda _, connection: connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"))
    hub.on("/slow", lambda *_: time.sleep(3))
    gate = start_before(hub, "--first-byte-timeout", "300ms")
    for _ in range(3):
        gate.ask(request("GET", "/whole", b"Connection: close"))
    with gate.connect() as connection:
        connection.send(request("GET", "/cut"))
        with pytest.raises(AssertionError):
            connection.answer()
    gate.ask(request("GET", "/slow", b"Connection: close")).check_is_error(504)
    page = Page(gate)
    assert page("upstream_calls_total", outcome="whole") == 3
    assert page("upstream_calls_total", outcome="broken") == 1
    assert page("upstream_calls_total", outcome="too_slow") == 1
    # The first three share a connection, the cut one still does; only the slow one needs another.
    assert page("upstream_connection_uses_total", connection="new") == 2
    assert page("upstream_connection_uses_total", connection="kept") == 3
    assert page("upstream_first_byte_seconds_count") == 4
    assert page("upstream_duration_seconds_count") == 5
    assert 0.25 < page("upstream_duration_seconds_sum") < 3
    assert page("requests_cut_total") == 1


def test_an_unreachable_hub_counts(start):
    with unused_port() as port:
        gate = start("--upstream", f"http://127.0.0.1:{port}", sandbox=False, HF_TOKEN="hf_x")
        gate.ask(request("GET", "/x", b"Connection: close")).check_is_error(502)
    page = Page(gate)
    assert page("upstream_calls_total", outcome="unreachable") == 1
    assert page("upstream_connection_uses_total", connection="new") == 0
    assert page("requests_total", route="relay", status="5xx") == 1


def test_what_is_in_flight_and_a_client_that_leaves(start_before, hub):
    hub.on("/never", lambda _, connection: connection.wait_for_end() and None)
    gate = start_before(hub)
    with gate.connect() as connection:
        connection.send(request("GET", "/never"))
        assert eventually(gate, lambda page: page("upstream_calls_in_flight") == 1)
        assert Page(gate)("requests_in_flight") == 2
    assert eventually(gate, lambda page: page("upstream_calls_total", outcome="cancelled") == 1)
    page = Page(gate)
    assert (page("upstream_calls_in_flight"), page("requests_in_flight")) == (0, 1)
    assert page("requests_total", route="relay", status="none") == 1
    assert page("requests_cut_total") == 1


def test_places_for_calls_and_who_waits_for_one(start_before, hub):
    hub.on("/silent", lambda _, connection: connection.wait_for_end() and None)
    hub.on("/large", lambda *_: http(200, b"x" * (32 << 20)))
    gate = start_before(hub, "--upstream-connections", "1", "--upstream-queue", "1", "--connect-timeout", "2s", "--coalesce=off")
    silent = request("GET", "/silent")
    with gate.connect(receive_buffer=4096) as reader:
        reader.send(request("GET", "/large"))
        assert eventually(gate, lambda page: page("upstream_call_places", state="waiting_for_client") == 1)
        assert Page(gate)("upstream_call_places", state="working") == 0
        with gate.connect() as working, gate.connect() as waiting:
            working.send(silent)
            assert eventually(gate, lambda page: page("upstream_call_places", state="working") == 1)
            waiting.send(silent)
            assert eventually(gate, lambda page: page("upstream_calls_queued") == 1)
            assert Page(gate)("upstream_calls_refused_total") == 0
            gate.ask(request("GET", "/silent", b"Connection: close")).check_is_error(503, "TooBusy")
            assert Page(gate)("upstream_calls_refused_total") == 1, "one was turned away at once"
            waiting.answer().check_is_error(503, "TooBusy")
            page = Page(gate)
            assert (page("upstream_calls_refused_total"), page("upstream_calls_queued")) == (2, 0)
    assert eventually(gate, lambda page: page("upstream_call_places", state="working") == 0)
    assert eventually(gate, lambda page: page("upstream_call_places", state="waiting_for_client") == 0)


def test_the_process(start):
    before = time.time()
    gate = start()
    page = Page(gate)
    process = {key[0]: value for key, value in page.samples.items() if key[0].startswith("process_")}
    assert before - 1 < process["process_start_time_seconds"] <= time.time()
    assert process["process_resident_memory_bytes"] == pytest.approx(gate.resident_bytes, rel=0.2)
    # The page's own connection was one more.
    assert wait_until(lambda: process["process_open_fds"] == gate.descriptors + 1)
    limits = dict(line.split("  ", 1) for line in open(f"/proc/{gate.pid}/limits"))
    assert process["process_max_fds"] == float(limits["Max open files"].split()[0])
    assert 0 < process["process_cpu_seconds_total"] < 10
    end = subprocess.run(["openssl", "x509", "-noout", "-enddate", "-dateopt", "iso_8601", "-in", gate.certificates.certificate],
                         capture_output=True, text=True, check=True).stdout  # fmt: skip
    expires = time.gmtime(page("tls_certificate_expiry_timestamp_seconds"))
    assert time.strftime("notAfter=%Y-%m-%d %H:%M:%SZ", expires) == end.strip()
    (info,) = [key for key in page.samples if key[0] == "hubgate_build_info"]
    version = run(gate.workspace, "--version").stdout
    assert all(label[1] in version for label in info[1:]) and page.samples[info] == 1


def test_lines_that_the_log_loses_count(start):
    reading, writing = os.pipe()
    gate = start(stdout=writing)
    try:
        with gate.connect() as connection:
            for _ in range(220):
                connection.send(request("GET", "/-/" + "x" * 8000))
                connection.answer()
        assert Page(gate)("log_dropped_lines_total") > 0
    finally:
        os.close(writing)
        os.close(reading)


def test_admin_listen_takes_what_is_below_its_prefix(start):
    port = free_port()
    gate = start("--admin-listen", f"127.0.0.1:{port}")
    assert f"Serving /-/health, /-/ready and /-/metrics on https://localhost:{port} alone." in gate.messages

    def status(port, target):
        origin = f"https://localhost:{port}"
        return subprocess.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--cacert",
                               gate.certificates.authority, origin + target],
                              capture_output=True, text=True, timeout=20).stdout  # fmt: skip

    for target in ["/-/health", "/-/ready", "/-/metrics"]:
        assert status(gate.port, target) == "404"
        assert status(port, target) == "200"
    for target in ["/", "/api/account", "/api/models"]:
        assert status(gate.port, target) == "200"
        assert status(port, target) == "404"
    assert b"/-/" not in gate.ask(request("GET", "/", b"Accept: text/html", b"Connection: close")).body
    page = Page(gate, port)
    assert page("requests_total", route="account", status="2xx") == 1
    assert page("connections_total") == 14, "of both listeners"
    probe = run(gate.workspace, "--probe", "--listen", f"127.0.0.1:{gate.port}", "--admin-listen", f"127.0.0.1:{port}")
    assert probe.returncode == 0, probe.stderr


def test_the_admin_address_answers_while_the_other_is_full(start):
    port = free_port()
    gate = start("--admin-listen", f"127.0.0.1:{port}", "--max-connections", "1")
    with gate.connect():
        assert Page(gate, port)("accept_pauses_total", reason="limit") == 1


def test_a_taken_admin_address_ends_the_start(certificates, workspace):
    with taken_port() as port:
        done = run(workspace, "--sandbox", "--listen", "127.0.0.1:0", "--admin-listen", f"127.0.0.1:{port}",
                   **certificates.settings)  # fmt: skip
    assert done.returncode == 69 and f"cannot listen on 127.0.0.1 port {port}" in done.stderr
