"""A receiver of traces (OTLP over HTTP, in JSON) of the tests' own, which is strict about what it gets: opentelemetry-proto's `trace.proto` as protobuf's
JSON mapping writes it, with OTLP's own rules for ids and enums."""

import json
import re

from fakehub import FakeHub, http

PATH = "/v1/traces"
TAKEN = b"Content-Type: application/json"
SPAN = {"traceId", "spanId", "parentSpanId", "traceState", "flags", "name", "kind", "startTimeUnixNano", "endTimeUnixNano", "attributes", "status"}
SERVER, CLIENT = 2, 3
# Of the semantic conventions, or below our own name.
KNOWN = {
    "http.request.method", "http.request.method_original", "http.route", "http.response.status_code", "http.request.body.size",
    "http.response.body.size", "url.scheme", "url.path", "url.query", "url.full", "client.address", "network.peer.address",
    "server.address", "server.port", "user_agent.original", "user.name", "error.type",
}  # fmt: skip
NUMBERS = {"http.response.status_code", "http.request.body.size", "http.response.body.size", "server.port", "hubgate.budget_ms"}


def attributes(listed):
    found = {}
    for entry in listed:
        assert set(entry) == {"key", "value"} and len(entry["value"]) == 1, entry
        [(kind, value)] = entry["value"].items()
        # A number of 64 bits is a string in protobuf's JSON.
        assert isinstance(value, str) and kind == ("intValue" if entry["key"] in NUMBERS else "stringValue"), entry
        assert kind == "stringValue" or re.fullmatch(r"\d+", value), entry
        assert entry["key"] not in found, entry
        found[entry["key"]] = int(value) if kind == "intValue" else value
    return found


class Span:
    def __init__(self, json):
        assert set(json) <= SPAN and SPAN - set(json) <= {"parentSpanId", "traceState", "status"}, json
        assert re.fullmatch(r"[0-9a-f]{32}", json["traceId"]) and int(json["traceId"], 16)
        assert re.fullmatch(r"[0-9a-f]{16}", json["spanId"]) and int(json["spanId"], 16)
        assert re.fullmatch(r"[0-9a-f]{16}", json.get("parentSpanId", "1" * 16))
        assert json["kind"] in (SERVER, CLIENT) and isinstance(json["name"], str) and json["name"]
        assert json["flags"] in (0x101, 0x301), json["flags"]
        start, end = json["startTimeUnixNano"], json["endTimeUnixNano"]
        assert re.fullmatch(r"[1-9]\d{18}", start) and re.fullmatch(r"[1-9]\d{18}", end) and int(start) <= int(end)
        self.trace, self.id, self.parent = json["traceId"], json["spanId"], json.get("parentSpanId")
        self.kind, self.name, self.state = json["kind"], json["name"], json.get("traceState")
        self.start, self.end = int(start), int(end)
        self.attributes = attributes(json["attributes"])
        assert all(key in KNOWN or key.startswith("hubgate.") for key in self.attributes), self.attributes
        self.error = None
        if status := json.get("status"):
            assert set(status) == {"code", "message"} and status["code"] == 2 and status["message"]
            self.error = status["message"]
            assert self.attributes["error.type"] == self.error

    def __getitem__(self, name):
        return self.attributes.get(name)


def read(body):
    """The spans of one request for export."""
    document = json.loads(body)
    assert set(document) == {"resourceSpans"}
    spans = []
    for resource in document["resourceSpans"]:
        assert set(resource) == {"resource", "scopeSpans"}
        assert attributes(resource["resource"]["attributes"])["service.name"] == "hubgate"
        for scope in resource["scopeSpans"]:
            assert set(scope) == {"scope", "spans"} and scope["scope"]["name"] == "hubgate"
            spans += [Span(span) for span in scope["spans"]]
    return spans


class Receiver(FakeHub):
    """Takes all, or answers what `answers` has for it, one after the other."""

    def __init__(self, **options):
        super().__init__(**options)
        self.answers = []
        self.taken = []
        self.on(PATH, self._take)

    def _take(self, request, connection):
        assert request.method == "POST" and request["Content-Type"] == "application/json"
        answer = self.answers.pop(0) if self.answers else None
        if answer is None:
            self.taken.append(request)
            return http(200, b'{"partialSuccess":{}}', TAKEN)
        return answer(request, connection) if callable(answer) else answer

    @property
    def spans(self):
        return [span for request in list(self.taken) for span in read(request.body)]

    @property
    def servers(self):
        return [span for span in self.spans if span.kind == SERVER]

    @property
    def clients(self):
        return [span for span in self.spans if span.kind == CLIENT]
