"""An upstream that takes bodies as fast as they come and counts their bytes: nginx would write 1 GiB to disk."""

import socket
import threading

from kept import LENGTH

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Sink:
    """One thread for each connection; requests have a Content-Length, as curl's have and all three servers keep it."""

    def __init__(self):
        self.taken = 0
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listening.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        buffer = memoryview(bytearray(1 << 20))
        with connection:
            while head := self._head(connection):
                head, _, body = head.partition(b"\r\n\r\n")
                found = LENGTH.search(head + b"\r\n")
                missing = int(found.group(1)) if found else 0
                if b"100-continue" in head.lower():
                    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                missing -= len(body)
                self.taken += len(body)
                while missing > 0:
                    got = connection.recv_into(buffer, min(missing, len(buffer)))
                    if got == 0:
                        return
                    missing -= got
                    self.taken += got
                connection.sendall(ANSWER)

    def _head(self, connection):
        head = b""
        while b"\r\n\r\n" not in head:
            piece = connection.recv(65536)
            if not piece:
                return b""
            head += piece
        return head
