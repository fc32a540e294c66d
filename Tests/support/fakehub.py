"""A Hub that does what a test tells it to, misbehaviour included: raw sockets, a thread for each connection."""

import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field

from ports import connections
from waiting import wait_until  # noqa: F401 - for tests that wait for what the Hub has seen
from wire import chunk_size, parse_request_head

HEAD_BYTES = 1 << 20


def http(status=200, body=b"", *fields):
    """A response as it should be; `fields` are whole lines."""
    lines = [b"HTTP/1.1 %d Whatever" % status, b"Content-Length: %d" % len(body), *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@dataclass
class Request:
    method: str
    target: str
    headers: list
    head: bytes
    connection: "HubConnection"
    body: bytes = b""
    arrived: float = field(default_factory=time.monotonic)

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def __getitem__(self, name):
        values = self.all(name)
        assert len(values) <= 1, f"{name} reached the Hub {len(values)} times"
        return values[0] if values else None


class HubConnection:
    """The gate's connection as the Hub sees it."""

    def __init__(self, plain, number):
        self.socket = plain
        self.number = number
        self.waiting = b""
        self.garbled = b""
        self.requests = 0

    def _more(self):
        part = self.socket.recv(65536)
        self.waiting += part
        return part

    def read_head(self):
        """The next request without its body; None where the connection ends."""
        while b"\r\n\r\n" not in self.waiting:
            if len(self.waiting) > HEAD_BYTES or not self._more():
                return None
        head, _, self.waiting = self.waiting.partition(b"\r\n\r\n")
        self.garbled = head
        method, target, headers = parse_request_head(head)
        self.requests += 1
        return Request(method, target, headers, head, self)

    def _exactly(self, count):
        while len(self.waiting) < count:
            if not self._more():
                raise ConnectionError("the body was cut")
        part, self.waiting = self.waiting[:count], self.waiting[count:]
        return part

    def _line(self):
        while b"\r\n" not in self.waiting:
            if not self._more():
                raise ConnectionError("the body was cut")
        line, _, self.waiting = self.waiting.partition(b"\r\n")
        return line

    def parts(self, request):
        """The body's bytes as they come."""
        if request["Transfer-Encoding"]:
            while size := chunk_size(self._line()):
                yield self._exactly(size)
                self._exactly(2)
            self._line()
            return
        left = int(request["Content-Length"] or 0)
        while left:
            if not self.waiting and not self._more():
                raise ConnectionError("the body was cut")
            part, self.waiting = self.waiting[:left], self.waiting[left:]
            left -= len(part)
            yield part

    def send(self, data):
        self.socket.sendall(data)

    def wait_for_end(self, seconds=10):
        """Waits until the gate closes; true if it did."""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(65536):
                pass
            return True
        except TimeoutError:
            return False
        except OSError:
            return True

    def end(self):
        """Ends in order: over TLS with close_notify, without which the end of a response is not known to be one."""
        if isinstance(self.socket, ssl.SSLSocket):
            self.socket.settimeout(3)
            try:
                self.socket.unwrap()
            except OSError:
                pass

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class FakeHub:
    """Answers a path by the function that `on` gave for it, with (request, connection): what the function returns is
    sent and the connection kept; None closes it. The body is read before, unless `reads=False`. Other paths are answered by
    `otherwise`. With `certificates` it speaks TLS. `garbled` has what was read where a head belongs and is none."""

    def __init__(self, receive_buffer=None, certificates=None, port=0):
        self.context = None
        if certificates:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificates.certificate, certificates.key)
        self.listener = socket.socket()
        if receive_buffer:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(1024)
        self.port = self.listener.getsockname()[1]
        self.url = f"{'https' if certificates else 'http'}://127.0.0.1:{self.port}"
        self.routes = {}
        self.otherwise = lambda *_: http(404)
        self.requests = []
        self.garbled = []
        self.open = set()
        self.accepted = 0
        self.lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def on(self, path, answer, reads=True):
        self.routes[path] = (answer, reads)

    def seen(self, path):
        return [request for request in self.requests if request.target.partition("?")[0] == path]

    def _accept(self):
        for plain in connections(self.listener):
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.accepted += 1
                connection = HubConnection(plain, self.accepted)
                self.open.add(connection)
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _next(self, connection):
        try:
            return connection.read_head()
        except ValueError:
            self.garbled.append(connection.garbled)
            return None

    def _serve(self, connection):
        try:
            if self.context:
                connection.socket = self.context.wrap_socket(connection.socket, server_side=True)
            while request := self._next(connection):
                answer, reads = self.routes.get(request.target.partition("?")[0], (self.otherwise, True))
                with self.lock:
                    self.requests.append(request)
                if reads:
                    request.body = b"".join(connection.parts(request))
                whole = answer(request, connection)
                if whole is None:
                    return
                connection.send(whole)
        except OSError:
            pass
        finally:
            connection.socket.close()
            with self.lock:
                self.open.discard(connection)

    def close(self):
        # Closing alone leaves it to the thread that waits for the next connection.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in list(self.open):
            try:
                connection.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class FakeNames:
    """A DNS server that knows 127.0.0.1 for every name, after a moment."""

    def __init__(self, delay=0.05):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.delay = delay
        self.questions = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                message, client = self.socket.recvfrom(4096)
            except OSError:
                return
            end = message.index(b"\0", 12) + 5
            question = message[12:end]
            self.questions.append(question)
            is_ipv4 = question[-4:] == b"\0\1\0\1"
            address = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1" if is_ipv4 else b""
            counts = b"\x81\x80\0\1" + (b"\0\1" if is_ipv4 else b"\0\0") + b"\0\0\0\0"
            time.sleep(self.delay)
            self.socket.sendto(message[:2] + counts + question + address, client)

    def close(self):
        self.socket.close()
