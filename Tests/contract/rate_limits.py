"""A Hub that tells of its rate limit what a test has set, and requests that wait for it."""

import threading

from fakehub import http
from policy import JSON

PATH = "/api/models/acme/m"


def limits(left, seconds, quota=None, window=None, bucket="api"):
    fields = [f'RateLimit: "{bucket}";r={left};t={seconds}'.encode()]
    if quota:
        fields.append(f'RateLimit-Policy: "fixed window";"{bucket}";q={quota};w={window}'.encode())
    return fields


class Told:
    """A Hub that says of the budget what a test has set."""

    def __init__(self, hub, *fields, path=PATH):
        self.fields, self.status, self.count, self.script = list(fields), 200, 0, []
        self.lock = threading.Lock()
        hub.on(path, self.answer)

    def answer(self, *_):
        with self.lock:
            self.count += 1
            status, fields = self.script.pop(0) if self.script else (self.status, self.fields)
        return http(status, b'{"id":"acme/m"}', JSON, *fields)


class Later:
    """A request in a thread of its own."""

    def __init__(self, gate, data, timeout=60):
        self.answer = None
        self.thread = threading.Thread(target=self._ask, args=(gate, data, timeout))
        self.thread.start()

    def _ask(self, gate, data, timeout):
        self.answer = gate.ask(data, timeout)

    def wait(self):
        self.thread.join(60)
        return self.answer
