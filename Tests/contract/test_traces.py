"""Traces: what is exported of requests by OTLP, and what the Hub is told of them."""

import re

import pytest

from fakehub import http
from policy import JSON
from ports import free_port
from traced import PARENT, TARGET, TRACE, ask, fill, traceparent

FIELD = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-(0[01])")


@pytest.fixture
def hub(hub):
    hub.otherwise = lambda *_: http(200, b"{}", JSON)
    hub.on("/api/whoami-v2", lambda *_: http(200, b'{"name":"acme","type":"user"}', JSON))
    return hub


@pytest.fixture
def begin(start_before, hub, receiver):
    return lambda *flags, **options: start_before(hub, "--otlp-endpoint", receiver.url, *flags, **options)


# What is in a trace


def test_a_request_continues_its_clients_trace_and_the_hub_is_called_by_our_span(begin, hub, receiver):
    gate = begin()
    state = b"tracestate: congo=t61rcWkgMzE"
    assert ask(gate, TARGET + "?full=true", traceparent(), state, b"User-Agent: probe/1.0").status == 200
    gate.stop()
    [server], [client] = receiver.servers, receiver.clients
    assert (server.trace, server.parent, server.state) == (TRACE, PARENT, "congo=t61rcWkgMzE")
    assert (client.trace, client.parent) == (TRACE, server.id)
    # The response is whole a moment before its call is told to have ended.
    assert server.start <= client.start <= server.end and client.start < client.end
    [seen] = hub.seen(TARGET)
    assert seen["traceparent"] == f"00-{TRACE}-{client.id}-01" and seen["tracestate"] == "congo=t61rcWkgMzE"
    assert server.name == "GET relay" and client.name == "GET hub" and server.error is None and client.error is None
    expected = {
        "http.request.method": "GET", "url.scheme": "https", "url.path": TARGET, "url.query": "full=true", "client.address": "127.0.0.1",
        "network.peer.address": "127.0.0.1", "server.address": "localhost", "user_agent.original": "probe/1.0",
        "http.response.status_code": 200, "http.response.body.size": 2, "hubgate.route": "relay",
    }  # fmt: skip
    assert {name: server[name] for name in expected} == expected
    assert client["url.full"] == f"{hub.url}{TARGET}?full=true" and client["server.port"] == hub.port
    line = gate.log_lines[-1]
    assert server["hubgate.request_id"] == line["request_id"]


def test_a_trace_is_begun_where_the_client_has_none_that_can_be_read(begin, hub, receiver):
    bad = [
        None, b"traceparent: ", traceparent(flags="0g"), traceparent(trace="0" * 32), traceparent(span="0" * 16), traceparent(trace=TRACE.upper()),
        b"traceparent: ff-" + TRACE.encode() + b"-" + PARENT.encode() + b"-01", traceparent() + b"-more", traceparent()[:-1],
        traceparent() + b"\r\n" + traceparent(),
    ]  # fmt: skip
    gate = begin()
    for field in bad:
        assert ask(gate, TARGET, *([field] if field else []), b"tracestate: congo=1").status == 200
    gate.stop()
    servers = {span.trace: span for span in receiver.servers}
    clients = {span.trace: span for span in receiver.clients}
    assert len(servers) == len(clients) == len(bad) and TRACE not in servers
    for seen in hub.seen(TARGET):
        trace, span, flags = FIELD.fullmatch(seen["traceparent"]).groups()
        assert flags == "01" and servers[trace].parent is None and clients[trace].id == span and seen["tracestate"] is None


def test_a_later_version_of_the_field_is_read_as_far_as_it_is_known(begin, hub, receiver):
    gate = begin()
    ask(gate, TARGET, f"traceparent: cc-{TRACE}-{PARENT}-09-what-comes".encode())
    gate.stop()
    [server] = receiver.servers
    assert (server.trace, server.parent) == (TRACE, PARENT)
    [seen] = hub.seen(TARGET)
    assert FIELD.fullmatch(seen["traceparent"])[3] == "01"


def test_what_is_not_sampled_is_not_recorded_and_the_hub_is_told_so(begin, hub, receiver):
    gate = begin("--otlp-sample", "0")
    ask(gate, TARGET, traceparent(flags="00"), b"tracestate: congo=1")
    ask(gate)
    ask(gate, TARGET, traceparent(flags="01"))
    gate.stop()
    unsampled, made, sampled = hub.seen(TARGET)
    assert unsampled["traceparent"] == f"00-{TRACE}-{PARENT}-00" and unsampled["tracestate"] == "congo=1"
    assert FIELD.fullmatch(made["traceparent"])[3] == "00" and TRACE not in made["traceparent"]
    # The client's word counts for its own trace.
    assert [span.trace for span in receiver.spans] == [TRACE, TRACE] and TRACE in sampled["traceparent"]


def test_a_share_of_the_traces_that_begin_here_is_recorded(begin, hub, receiver):
    gate = begin("--otlp-sample", "0.5")
    fill(gate, 200)
    gate.stop()
    told = [FIELD.fullmatch(request["traceparent"])[3] for request in hub.seen(TARGET)]
    recorded = {span.trace for span in receiver.servers}
    assert len(told) == 200 and len(recorded) == told.count("01") and 50 < len(recorded) < 150


def test_errors_have_a_status_and_a_clients_fault_is_none_of_the_servers(start_before, begin, hub, receiver):
    hub.on("/api/models/acme/broken", lambda *_: http(500, b"{}", JSON))
    hub.on("/api/models/acme/gone", lambda *_: http(404, b"{}", JSON))
    hub.on("/api/models/acme/cut", lambda request, connection: connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"))
    gate = begin()
    for name in ("broken", "gone"):
        ask(gate, f"/api/models/acme/{name}")
    with gate.connect() as connection, pytest.raises(Exception):
        connection.send(b"GET /api/models/acme/cut HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.answer()
    ask(gate, "/-/nope")
    gate.stop()
    servers = {span["url.path"].rpartition("/")[2]: span for span in receiver.servers}
    clients = {span["url.full"].rpartition("/")[2]: span for span in receiver.clients}
    assert servers["broken"].error == "500" and clients["broken"].error == "500"
    assert servers["gone"].error is None and clients["gone"].error == "404" and servers["gone"]["http.response.status_code"] == 404
    assert servers["cut"].error == clients["cut"].error == "HubBroken"
    assert servers["nope"].error is None and servers["nope"]["hubgate.route"] == "none" and "nope" not in clients


def test_a_hub_that_cannot_be_reached_is_in_the_trace(start, receiver):
    gate = start("--upstream", f"http://127.0.0.1:{free_port()}", "--otlp-endpoint", receiver.url, sandbox=False, HF_TOKEN="hf_x")
    assert ask(gate).status == 502
    gate.stop()
    [server], [client] = receiver.servers, receiver.clients
    assert server.error == client.error == "HubUnreachable" and client["http.response.status_code"] is None


def test_calls_of_the_facade_are_in_the_trace_and_probes_begin_none(begin, hub, receiver):
    gate = begin("--account-cache-ttl", "off")
    assert ask(gate, "/api/account", traceparent()).status == 200
    for target in ("/-/health", "/-/ready", "/-/metrics"):
        ask(gate, target)
    gate.stop()
    [server], [client] = receiver.servers, receiver.clients
    assert (server.name, server["http.route"], client.parent) == ("GET /api/account", "/api/account", server.id)
    # Readiness makes such a call, too, which belongs to no trace.
    [seen] = [request for request in hub.seen("/api/whoami-v2") if request["traceparent"]]
    assert seen["traceparent"] == f"00-{TRACE}-{client.id}-01"


def test_nothing_of_a_credential_is_in_a_span_and_a_store_is_told_of_no_trace(begin, hub, receiver):
    hub.on("/acme/m/resolve/main/file", lambda *_: http(302, b"", b"Location: " + f"{hub.url}/store/deadbeef?X-Amz-Signature=s3cr3t-sig&Expires=1".encode()))
    gate = begin("--content-hosts", hub.url, HF_TOKEN="hf_gateways_own_t0ken")
    answer = ask(gate, "/acme/m/resolve/main/file?token=hf_in_the_query", b"Authorization: Bearer hf_clients_own", b"Cookie: token=hf_cookie", traceparent())
    assert answer.status in (200, 302, 307), answer.body
    ask(gate, "/-/signed/AbCdEf/what/ever?sig=s3cr3t-sig")
    ask(gate, f"{TARGET}?X-Amz-Signature=s3cr3t-sig&access_token=hf_in_the_query&q=ok")
    gate.stop()
    bodies = b"".join(request.head + request.body for request in receiver.taken).decode()
    for secret in ("t0ken", "hf_", "s3cr3t", "deadbeef", "AbCdEf", "cookie"):
        assert secret not in bodies, secret
    assert "q=ok" in bodies
    for request in hub.requests:
        if request.target.startswith("/store/"):
            assert request["traceparent"] is None


def test_names_that_strangers_choose_are_cut_and_stay_inside_their_strings(begin, receiver):
    gate = begin()
    agent = 'a"b\\c\tö'.encode() * 200
    ask(gate, "/api/models/acme/" + "x" * 3000, b"User-Agent: " + agent, traceparent(), b"tracestate: a=" + b"b" * 600, method="BREW")
    gate.stop()
    [server] = receiver.servers
    assert server.trace == TRACE and server.state is None
    assert len(server["user_agent.original"].encode()) <= 256 and server["user_agent.original"].startswith('a"b\\c\tö')
    assert len(server["url.path"]) == 1024 and server["http.request.method"] == "_OTHER" and server["http.request.method_original"] == "BREW"
