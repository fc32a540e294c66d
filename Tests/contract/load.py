"""Clients that ask without pause, and count what goes wrong. They repeat a request only where every HTTP client may: on a kept
connection that was closed in order before the first byte of its response."""

import socket
import ssl
import threading
import time

from waiting import wait_until
from wire import Ended

REQUEST = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Load:
    """`with Load(gate) as load: …`; afterwards `failures` is what clients saw, and `answers` what they got."""

    def __init__(self, gate, clients=8, path="/api/account", pause=0.0, per_connection=20):
        self.gate, self.path, self.pause, self.per_connection = gate, path, pause, per_connection
        self.failures, self.refused, self.repeated, self.answers, self.closes = [], 0, 0, 0, 0
        self.slowest = 0.0
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self._client, args=(number,)) for number in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join(30)

    def wait_for(self, count, seconds=10):
        wanted = self.answers + count
        assert wait_until(lambda: self.answers >= wanted, seconds), (self.answers, wanted, self.failures[:3])

    def _client(self, number):
        connection = None
        asked = 0
        while not self.ending.is_set():
            began = time.monotonic()
            try:
                if connection is None:
                    connection, asked = self.gate.connect(), 0
            except ConnectionRefusedError:
                # There is no listener any more: no request has failed, since none was sent.
                self.refused += 1
                return
            except (OSError, ssl.SSLError) as error:
                self.failures.append(f"connect: {error!r}")
                return
            try:
                connection.send(REQUEST % self.path.encode())
                answer = connection.answer()
            except Ended as end:
                connection.close()
                connection = None
                if asked and end.in_order:
                    self.repeated += 1
                else:
                    self.failures.append(f"after {asked} answers: {end}")
                continue
            except (AssertionError, OSError, ssl.SSLError) as error:
                self.failures.append(f"after {asked} answers: {error!r}")
                connection.close()
                connection = None
                continue
            asked += 1
            self.answers += 1
            self.slowest = max(self.slowest, time.monotonic() - began)
            if answer.status != 200:
                self.failures.append(f"status {answer.status}: {answer.body[:200]!r}")
            if answer.closes or asked == self.per_connection + number:
                self.closes += answer.closes
                connection.close()
                connection = None
            if self.pause:
                time.sleep(self.pause)


def is_refused(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            return False
    except ConnectionRefusedError:
        return True
