"""A client with an exact number of requests on kept connections, for counts that repeat: instructions, system calls."""

import re
import socket

from processes import BenchError

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


def request(path, numbered=False, fields=()):
    """A function from a number to a request's bytes; `numbered` puts the number behind the path. `fields` are whole lines beside Host."""
    rest = "".join(f"{field}\r\n" for field in ("Host: 127.0.0.1", *fields))

    def made(number):
        suffix = str(number) if numbered else ""
        return f"GET {path}{suffix} HTTP/1.1\r\n{rest}\r\n".encode()

    return made


class KeptConnections:
    """TLS connections that all send, then all read their response, round by round."""

    def __init__(self, server, context, count):
        self._sent = 0
        self._name = server.name
        self._open = []
        for _ in range(count):
            plain = socket.create_connection(("127.0.0.1", server.port), 60)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.append(context.wrap_socket(plain))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for connection in self._open:
            connection.close()

    def exchange(self, request, rounds):
        """How many requests that were."""
        for _ in range(rounds):
            for connection in self._open:
                # Eight digits always: each request has the same length.
                connection.sendall(request(10_000_000 + self._sent))
                self._sent += 1
            for connection in self._open:
                self._read_answer(connection)
        return rounds * len(self._open)

    def _read_answer(self, connection):
        answer = b""
        end = None
        while end is None or len(answer) < end:
            piece = connection.recv(65536)
            if not piece:
                raise BenchError(f"{self._name} closed a kept connection after {answer[:200]!r}")
            answer += piece
            head = answer.find(b"\r\n\r\n")
            if end is None and head >= 0:
                if not answer.startswith(b"HTTP/1.1 200 "):
                    raise BenchError(f"{self._name} answered {answer[:200]!r}")
                end = head + 4 + int(LENGTH.search(answer, 0, head + 2).group(1))
