"""A proxy that knows CONNECT (RFC 9110 9.3.6): it notes who asked for what, and leads every name to this machine."""

import base64
import contextlib
import socket
import threading
from dataclasses import dataclass

from ports import connections
from wire import parse_request_head

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


@dataclass
class Asked:
    authority: str
    head: bytes
    headers: list
    status: int

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]


class ConnectProxy:
    """`user` and `password`: what it wants, if anything. `refused`: a status by authority. `answer(asked, plain)`: what it does instead of
    answering; `established`: what it says when a tunnel is open."""

    def __init__(self, user=None, password=None, refused=None, answer=None, established=ESTABLISHED, host="127.0.0.1", port=0):
        self.wanted = f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}" if user else None
        self.refused = refused or {}
        self.answer = answer
        self.established = established
        self.asked = []
        self.open = set()
        self.lock = threading.Lock()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.create_server((host, port), family=family)
        self.port = self.listener.getsockname()[1]
        self.address = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        self.url = f"http://{self.address}"
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def authorities(self):
        return [asked.authority for asked in self.asked]

    def _accept(self):
        for plain in connections(self.listener):
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=[plain], daemon=True).start()

    def _serve(self, plain):
        with self.lock:
            self.open.add(plain)
        try:
            self._lead(plain)
        except OSError:
            pass
        finally:
            plain.close()
            with self.lock:
                self.open.discard(plain)

    def _lead(self, plain):
        head = b""
        while b"\r\n\r\n" not in head:
            part = plain.recv(65536)
            if not part:
                return
            head += part
        head, _, behind = head.partition(b"\r\n\r\n")
        assert not behind, "nothing may be sent before the tunnel is open"
        method, authority, headers = parse_request_head(head)
        asked = Asked(authority, head, headers, 0)
        if method != "CONNECT":
            asked.status = 405
        elif self.wanted and asked.all("Proxy-Authorization") != [self.wanted]:
            asked.status = 407
        else:
            asked.status = self.refused.get(authority, 200)
        with self.lock:
            self.asked.append(asked)
        if self.answer:
            self.answer(asked, plain)
        elif asked.status != 200:
            page = b"<html>who are you?</html>" * 40
            plain.sendall(
                b"HTTP/1.1 %d No\r\nProxy-Authenticate: Basic realm=\"p\"\r\nContent-Length: %d\r\n\r\n" % (asked.status, len(page))
                + page)
        else:
            self.tunnel(plain, int(authority.rpartition(":")[2]))

    def tunnel(self, plain, port):
        with socket.create_connection(("127.0.0.1", port), 10) as far:
            far.settimeout(None)
            far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.sendall(self.established)
            back = threading.Thread(target=self._copy, args=[far, plain], daemon=True)
            back.start()
            self._copy(plain, far)
            back.join()

    @staticmethod
    def _copy(source, sink):
        with contextlib.suppress(OSError):
            while part := source.recv(65536):
                sink.sendall(part)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for plain in list(self.open):
            with contextlib.suppress(OSError):
                plain.shutdown(socket.SHUT_RDWR)
