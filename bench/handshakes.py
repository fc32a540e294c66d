"""A client that does nothing but TLS handshakes, full or resumed, and says how many were really resumed.

Each connection asks once and reads to the end: TLS 1.3 sends its tickets after the handshake, and a session whose
connection is not closed with close_notify is thrown away by OpenSSL.
"""

import contextlib
import socket
import ssl
import threading
import time

from processes import BenchError

CLIENTS = 8
"""Threads, each with one connection at a time; OpenSSL works outside the interpreter's lock."""


class Handshakes:
    """What the threads did together."""

    def __init__(self, server, path, resume):
        self.done, self.resumed = 0, 0
        self._address = ("127.0.0.1", server.port)
        self._name, self._resume = server.name, resume
        self._request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
        self._lock = threading.Lock()
        self._fault = None

    def run(self, seconds):
        """How many seconds it took."""
        start = time.monotonic()
        threads = [threading.Thread(target=self._client, args=(start + seconds,)) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._fault is not None:
            raise BenchError(f"{self._name}: a connection failed: {self._fault!r}")
        return time.monotonic() - start

    def _client(self, until):
        done, resumed = 0, 0
        session = None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # the client's work is not what is measured
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        try:
            while time.monotonic() < until:
                reused, latest = self._connect(context, session)
                done, resumed = done + 1, resumed + reused
                if self._resume:
                    session = latest
        except (OSError, BenchError) as error:
            self._fault = error
        with self._lock:
            self.done += done
            self.resumed += resumed

    def _connect(self, context, session):
        with socket.create_connection(self._address, 30) as plain:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with context.wrap_socket(plain, session=session) as connection:
                connection.sendall(self._request)
                answer = b"".join(iter(lambda: connection.recv(65536), b""))
                if not answer.startswith(b"HTTP/1.1 200 "):
                    raise BenchError(f"answered {answer[:200]!r}")
                outcome = connection.session_reused, connection.session
                with contextlib.suppress(OSError):  # the server may have closed its socket already
                    connection.unwrap()
                return outcome
