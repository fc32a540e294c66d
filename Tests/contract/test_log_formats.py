"""The log with the names of the Elastic Common Schema and of OpenTelemetry: the table of docs/observe.md is what lines have."""

import json
import re

import pytest

from fakehub import http
from gate import ROOT
from policy import JSON

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CONSTANT = {
    "ecs": {"log.level", "ecs.version", "service.name", "event.dataset", "message"},
    "otel": {"severity_text", "severity_number", "service.name", "event.name", "body"},
}


def columns():
    """The names in the table of the documentation, by format."""
    page = (ROOT / "docs/observe.md").read_text()
    rows = re.findall(r"^\| (`[^|]+`|-) \| (`[^|]+`|-) \| (`[^|]+`|-) \| [^|]+ \|$", page, re.MULTILINE)
    assert len(rows) > 20
    return {form: {row[place].strip("`") for row in rows} - {"-"} for place, form in enumerate(("json", "ecs", "otel"))}


def ask(gate, target, *fields):
    lines = [b"GET " + target + b" HTTP/1.1", b"Host: localhost:8443", b"Connection: close", *fields]
    return gate.ask(b"\r\n".join(lines) + b"\r\n\r\n")


@pytest.mark.parametrize("form", ["ecs", "otel"])
def test_a_line_of_a_request_has_the_names_of_its_schema(start_before, hub, form):
    hub.otherwise = lambda *_: http(200, b"{}", JSON, b"X-Request-Id: Root=1")
    gate = start_before(hub, "--log-format", form)
    agent = b'User-Agent: a"b\\c ' + b"x" * 400
    assert ask(gate, b"/api/models/acme/m?token=hf_secret&q=1", agent, f"traceparent: 00-{TRACE}-{PARENT}-01".encode()).status == 200
    assert ask(gate, b"/-/nope").status == 404
    gate.stop()
    first, second = gate.log_lines
    names = columns()[form]
    for line in (first, second):
        assert set(line) <= names | CONSTANT[form], set(line) - names - CONSTANT[form]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", line["@timestamp" if form == "ecs" else "timestamp"])
        assert line["service.name"] == "hubgate" and line["http.request.method"] == "GET"
    assert first["url.path"] == "/api/models/acme/m" and first["url.query"] == "token=***&q=1" and "url.query" not in second
    assert first["http.response.status_code"] == 200 and first["hubgate.hub_request_id"] == "Root=1"
    assert first["user_agent.original"] == ('a"b\\c ' + "x" * 400)[:256]
    if form == "ecs":
        assert first["client.ip"] == first["source.ip"] == "127.0.0.1" and first["url.domain"] == "localhost"
        # Nanoseconds.
        assert first["event.duration"] >= first["hubgate.upstream.duration"] > 1000 and isinstance(first["event.duration"], int)
        assert first["trace.id"] == TRACE and "span.id" not in first and second["error.code"] == "NotFound"
        assert first["http.response.body.bytes"] == 2 and first["http.request.id"].startswith("hg-") and first["message"] == "GET /api/models/acme/m"
        assert re.fullmatch(r"\d+\.\d+\.\d+", first["ecs.version"])
    else:
        assert first["client.address"] == first["network.peer.address"] == "127.0.0.1" and first["server.address"] == "localhost"
        # Seconds.
        assert 0 < first["hubgate.upstream.duration"] <= first["http.server.request.duration"] < 60
        assert first["trace_id"] == TRACE and first["trace_flags"] == "01" and "span_id" not in first and second["error.type"] == "NotFound"
        assert first["http.response.body.size"] == 2 and (first["severity_text"], first["severity_number"]) == ("INFO", 9)


@pytest.mark.parametrize("form", ["ecs", "otel"])
def test_what_the_program_says_of_itself_has_them_too(start, form):
    gate = start("--log-format", form, "--otlp-endpoint", "http://127.0.0.1:1")
    gate.stop()
    lines = [json.loads(line) for line in gate.errors.splitlines()]
    names = columns()[form] | CONSTANT[form]
    assert lines and all(set(line) <= names for line in lines)
    message = "message" if form == "ecs" else "body"
    assert any("Listening on" in line[message] for line in lines)


@pytest.mark.parametrize("form", ["ecs", "otel"])
def test_with_traces_the_line_names_its_own_span(start_before, hub, form):
    hub.otherwise = lambda *_: http(200, b"{}", JSON)
    gate = start_before(hub, "--log-format", form, "--otlp-endpoint", "http://127.0.0.1:1")
    ask(gate, b"/api/models/acme/m", f"traceparent: 00-{TRACE}-{PARENT}-01".encode())
    ask(gate, b"/api/models/acme/m")
    gate.stop()
    trace, span = ("trace.id", "span.id") if form == "ecs" else ("trace_id", "span_id")
    first, second = gate.log_lines
    assert first[trace] == TRACE and re.fullmatch(r"[0-9a-f]{16}", first[span]) and first[span] != PARENT
    [_, seen] = hub.seen("/api/models/acme/m")
    assert second[trace] in seen["traceparent"] and second[span] not in seen["traceparent"]


def test_our_own_form_is_what_it_was(start_before, hub):
    hub.otherwise = lambda *_: http(200, b"{}", JSON)
    gate = start_before(hub)
    ask(gate, b"/api/models/acme/m?q=1", b"User-Agent: x", f"traceparent: 00-{TRACE}-{PARENT}-01".encode())
    gate.stop()
    [line] = gate.log_path.read_text().splitlines()
    assert re.fullmatch(
        r'\{"time":"[^"]+","client":"127\.0\.0\.1","peer":"127\.0\.0\.1","method":"GET","path":"/api/models/acme/m\?q=1","status":200,'
        r'"ms":\d+\.\d,"upstream_ms":\d+\.\d,"bytes":2,"request_id":"hg-[0-9a-f-]+"\}', line)  # fmt: skip
