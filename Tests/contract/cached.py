"""What the tests of the cache share: requests, and a path of the Hub whose responses can be told apart."""

from fakehub import http

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
