"""A store of large files behind a fake Hub: which of their bytes were fetched, and what goes wrong on the way."""

import hashlib
import random
import re
import threading

from fakehub import FakeHub, http

PIECE = 4 << 20
SAMPLES = 8  # of a file that is here, which its store is asked for at another address
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def is_sample(wanted, size):
    """Whether a gateway asks for it to know if the store has the file there: for its first byte, 16 KiB of it, or of a small one all."""
    found = re.fullmatch(r"bytes=(\d+)-(\d+)", wanted or "")
    if not found:
        return False
    first, last = int(found[1]), int(found[2])
    return (first, last) == (0, 0) or last - first + 1 == 16 << 10 or size <= 64 << 10 and (first, last) == (0, size - 1)


class Store:
    """On a server of its own, as the Hub's are. `put` gives a file a place in a repository of the Hub."""

    PART = 128 * 1024

    def __init__(self, hub):
        self.hub = hub
        self.server = FakeHub()
        self.url = self.server.url
        self.files = {}  # by SHA-256
        self.sent = {}  # ranges that went out, by SHA-256
        self.asked = {}  # the Range of each request, by SHA-256
        self.confirmed = []  # SHA-256s of which the first byte alone was asked for, or samples: whether they are there
        self.wrong = {}  # SHA-256 to the place of a byte that is sent wrong
        self.cut_after = None  # bytes of a response
        self.hold_at = None  # the place in a file where the store waits for `go_on`
        self.go_on = threading.Event()
        self.refuses = False
        self.refuses_if = lambda request: False
        self.at_once = 0
        self.lock = threading.Lock()

    def put(self, path, size, seed=1, repo="acme/m", content=None):
        """The file's bytes; the Hub leads to them."""
        content = random.Random(seed).randbytes(size) if content is None else content
        name = hashlib.sha256(content).hexdigest()
        self.files[name] = content
        self.sent.setdefault(name, [])
        self.asked.setdefault(name, [])
        self.server.on(f"/{name}", lambda request, connection: self._answer(name, request, connection))
        self.hub.on(f"/{repo}/resolve/main/{path}", lambda *_: self.redirect(name))
        return content

    def put_beside(self, path, content):
        """Bytes at an address of the store that are not by their own name there."""
        self.files[path], self.asked[path], self.sent[path] = content, [], []
        self.server.on(path, lambda request, connection: self._answer(path, request, connection))

    def redirect(self, name):
        return http(
            302, b"Found", f"Location: {self.url}/{name}?X-Amz-Expires=3600&response-content-type=application%2Fzip".encode(),
            f'X-Linked-Etag: "{name}"'.encode(), b"X-Linked-Size: %d" % len(self.files[name]),
            b"X-Repo-Commit: " + COMMIT.encode(), b"X-Request-Id: of-the-hub",
        )  # fmt: skip

    def _answer(self, name, request, connection):
        content = self.files[name]
        is_confirmation = is_sample(request["Range"], len(content))
        with self.lock:
            if is_confirmation:
                self.confirmed.append(name)
            else:
                self.asked[name].append(request["Range"])
        if self.refuses:
            return http(503, b"no")
        if self.refuses_if(request):
            return http(403, b"no")
        if is_confirmation:
            first, last = map(int, request["Range"].removeprefix("bytes=").split("-"))
            return http(206, content[first : last + 1], b"Content-Range: bytes %d-%d/%d" % (first, last, len(content)))
        start, end, status, fields = 0, len(content), 200, b""
        if found := re.fullmatch(r"bytes=(\d+)-(\d*)", request["Range"] or ""):
            start, status = int(found[1]), 206
            end = min(len(content), int(found[2]) + 1) if found[2] else len(content)
            fields = b"Content-Range: bytes %d-%d/%d\r\n" % (start, end - 1, len(content))
        connection.send(b"HTTP/1.1 %d X\r\n%sETag: \"of-the-store\"\r\nContent-Length: %d\r\n\r\n" % (status, fields, end - start))
        begun, at = start, start
        with self.lock:
            self.at_once += 1
        try:
            while at < end:
                if self.hold_at is not None and at >= self.hold_at:
                    self.go_on.wait(30)
                part = bytearray(content[at : min(at + self.PART, end)])
                wrong = self.wrong.get(name)
                if wrong is not None and at <= wrong < at + len(part):
                    part[wrong - at] ^= 1
                if self.cut_after is not None and at - begun >= self.cut_after:
                    return None
                connection.send(bytes(part))
                at += len(part)
        finally:
            with self.lock:
                self.sent[name].append((begun, at))
                self.at_once -= 1
        return b""

    def bytes_sent(self, content):
        return sum(end - start for start, end in self.sent[hashlib.sha256(content).hexdigest()])

    def ranges_asked(self, content):
        return self.asked[hashlib.sha256(content).hexdigest()]

    def close(self):
        self.go_on.set()
        self.server.close()


def digest(content):
    return hashlib.sha256(content).hexdigest()


def figures(gate):
    """The file cache's metrics, by what is behind hubgate_file_cache_."""
    page = gate.ask(b"GET /-/metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").body.decode()
    lines = [line.rsplit(" ", 1) for line in page.splitlines() if line.startswith("hubgate_file_cache_")]
    return {name.removeprefix("hubgate_file_cache_"): int(value) for name, value in lines}
