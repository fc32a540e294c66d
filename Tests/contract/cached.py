"""What the tests of the cache share: requests, and paths of the Hub whose responses can be told apart, or wait."""

import threading

from fakehub import http
from waiting import wait_until

COMMIT = "0123456789abcdef0123456789abcdef01234567"
JSON = b"Content-Type: application/json"
ON = {"HUBGATE_CACHE_MEMORY": "64MiB"}
MODEL = "/api/models/acme/m"


def get(path, *fields, method="GET", host="localhost"):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *fields, "", ""]
    return "\r\n".join(lines).encode()


def write(path=MODEL + "/commit/main", *fields, method="POST", body="{}"):
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *fields, "", body]).encode()


def figures(gate, prefix="hubgate_cache"):
    """The metrics whose names begin so."""
    page = gate.ask(get("/-/metrics", "Connection: close")).body.decode()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in page.splitlines() if line.startswith(prefix))}


class Counting:
    """A path of the Hub whose responses can be told apart."""

    def __init__(self, hub, path, *fields, status=200, content=JSON):
        self.count = 0
        self.fields = fields
        self.status = status
        self.content = content
        self.targets = []
        hub.on(path, self.answer)

    def answer(self, request, connection):
        self.count += 1
        self.targets.append(request)
        return http(self.status, b'{"n":%d}' % self.count, self.content, *self.fields)


class Held:
    """A path whose first response waits until the test says so."""

    def __init__(self, hub, path, first, later=None):
        self.first, self.later = first, later or first
        self.arrived, self.go_on = threading.Event(), threading.Event()
        self.requests = []
        hub.on(path, self.answer)

    def answer(self, request, connection):
        self.requests.append(request)
        if len(self.requests) > 1:
            return self.later(request) if callable(self.later) else self.later
        self.arrived.set()
        self.go_on.wait(20)
        return self.first(request) if callable(self.first) else self.first


class Asking(threading.Thread):
    """A client that waits for its response."""

    def __init__(self, gate, request):
        super().__init__()
        self.gate, self.request, self.response = gate, request, None
        self.start()

    def run(self):
        self.response = self.gate.ask(self.request, timeout=30)

    def result(self):
        self.join(30)
        return self.response


def in_flight(gate, count):
    """Waits until so many requests are being answered, besides the one that asks."""
    page = lambda: gate.ask(get("/-/metrics", "Connection: close")).body.decode()  # noqa: E731
    assert wait_until(lambda: f"\nhubgate_requests_in_flight {count + 1}\n" in page(), 10), page()
