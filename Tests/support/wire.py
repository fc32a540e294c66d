"""HTTP/1.1 as bytes on a TLS connection, read by the letter: what a lenient client would forgive is an error here."""

import json
import re
import ssl
from dataclasses import dataclass, field

STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5]\d\d) ([\x21-\x7e][\x20-\x7e]*)?\Z")
FIELD_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*((?:[\x21-\xff](?:[\x20\t\x21-\xff]*[\x21-\xff])?)?)[ \t]*\Z")


class WireError(AssertionError):
    """What came is not HTTP."""


class Ended(Exception):
    """The connection ended where a response would begin. `in_order`: with close_notify, so not by a reset or a cut."""

    def __init__(self, in_order):
        super().__init__("the connection ended" if in_order else "the connection was cut")
        self.in_order = in_order


@dataclass
class Answer:
    status: int
    headers: list = field(default_factory=list)
    body: bytes = b""

    def all(self, name):
        return [value for key, value in self.headers if key == name.lower()]

    def __getitem__(self, name):
        values = self.all(name)
        if len(values) > 1:
            raise WireError(f"{name} is there {len(values)} times")
        return values[0] if values else None

    @property
    def closes(self):
        return any("close" in [word.strip().lower() for word in value.split(",")] for value in self.all("Connection"))

    @property
    def json(self):
        assert self["Content-Type"] == "application/json", self.headers
        return json.loads(self.body)

    def check_is_error(self, status, code=None):
        """Every error has the same form, in which the Hub's own clients find what they look for."""
        assert self.status == status, (self.status, self.body)
        body = self.json
        assert set(body) == {"error", "code", "request_id"}, body
        assert body["error"] and body["error"] == self["X-Error-Message"]
        assert body["code"] == self["X-Error-Code"] and re.fullmatch(r"[A-Za-z0-9.]+", body["code"])
        assert body["request_id"] == self["X-Request-Id"] and body["request_id"]
        if code is not None:
            assert body["code"] == code


def parse_head(block):
    """`block` is a head without its empty line."""
    lines = block.split(b"\r\n")
    start = STATUS_LINE.match(lines[0])
    if not start:
        raise WireError(f"not a status line: {lines[0]!r}")
    answer = Answer(int(start[1]))
    for line in lines[1:]:
        parts = FIELD_LINE.match(line)
        if not parts:
            raise WireError(f"not a field line: {line!r}")
        answer.headers.append((parts[1].decode().lower(), parts[2].decode("latin-1")))
    return answer


def parse_request_head(block):
    """Method, target and the fields of a request's head without its empty line."""
    start, *lines = block.decode("latin-1").split("\r\n")
    method, target, _ = start.split(" ")
    return method, target, [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]


def chunk_size(line):
    """Of the line that begins a chunk, which has no extension."""
    if not re.fullmatch(rb"[0-9a-fA-F]{1,16}", line):
        raise WireError(f"not a chunk size: {line!r}")
    return int(line, 16)


def framing(answer, to_head=False):
    """How long a response's body is: a number of bytes, `chunked`, or `until the end`, which only the connection's end delimits."""
    lengths, codings = answer.all("Content-Length"), answer.all("Transfer-Encoding")
    if len(lengths) + len(codings) > 1:
        raise WireError(f"framed more than once: {answer.headers}")
    if to_head or answer.status < 200 or answer.status in (204, 304):
        return 0
    if codings:
        if codings[0] != "chunked":
            raise WireError(f"not a coding that was asked for: {codings[0]!r}")
        return "chunked"
    if lengths:
        if not re.fullmatch(r"\d+", lengths[0]):
            raise WireError(f"not a length: {lengths[0]!r}")
        return int(lengths[0])
    if answer.closes:
        return "until the end"
    raise WireError(f"a body without framing: {answer.headers}")


def parse_all(stream):
    """The responses in what a finished program, such as curl -i, has written down."""
    answers = []
    while stream:
        head, found, stream = stream.partition(b"\r\n\r\n")
        if not found:
            raise WireError(f"a head without its end: {head!r}")
        answer = parse_head(head)
        if answer.status >= 200:
            answer.body, stream = stream, b""
        answers.append(answer)
    return answers


class Connection:
    """A client's connection. What arrives is kept until it is asked for."""

    def __init__(self, secure):
        self.socket = secure
        self.waiting = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def send_whatever_happens(self, data, piece=None):
        """Sends until the other side will not have more, as it may be closing already."""
        piece = piece or len(data)
        try:
            for start in range(0, len(data), piece):
                self.socket.sendall(data[start : start + piece])
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            pass

    def _more(self):
        try:
            part = self.socket.recv(65536)
        except (ssl.SSLError, ConnectionResetError, BrokenPipeError) as error:
            if isinstance(error, TimeoutError):
                raise
            if self.waiting:
                raise WireError(f"cut after {self.waiting!r}") from error
            raise Ended(in_order=False) from error
        if not part:
            if self.waiting:
                raise WireError(f"ended after {self.waiting!r}")
            raise Ended(in_order=True)
        self.waiting += part

    def _line(self):
        while b"\r\n" not in self.waiting:
            if len(self.waiting) > 1 << 16:
                raise WireError("a line without end")
            self._more()
        line, _, self.waiting = self.waiting.partition(b"\r\n")
        return line

    def _bytes(self, count):
        taken = bytearray()
        while True:
            # Not all in `waiting`: a large body would be copied once for each of its records.
            left = count - len(taken)
            taken += self.waiting[:left]
            self.waiting = self.waiting[left:]
            if len(taken) == count:
                return bytes(taken)
            try:
                self._more()
            except Ended:
                raise WireError(f"the body ended {count - len(taken)} bytes early") from None

    def interim_or_answer(self, to_head=False):
        """The next answer, 1xx or not."""
        while b"\r\n\r\n" not in self.waiting:
            self._more()
        head, _, self.waiting = self.waiting.partition(b"\r\n\r\n")
        answer = parse_head(head)
        length = framing(answer, to_head)
        if length == "chunked":
            answer.body = self._chunks()
        elif length == "until the end":
            answer.body = self._rest()
        elif length:
            answer.body = self._bytes(length)
        return answer

    def answer(self, to_head=False):
        """The next final answer."""
        while True:
            answer = self.interim_or_answer(to_head)
            if answer.status >= 200:
                return answer

    def _chunks(self):
        body = bytearray()
        while True:
            size = chunk_size(self._line())
            if size == 0:
                if self._line() != b"":
                    raise WireError("a trailer that nobody asked for")
                return bytes(body)
            body += self._bytes(size)
            if self._bytes(2) != b"\r\n":
                raise WireError("a chunk without its end")

    def _rest(self):
        body = b""
        try:
            while True:
                self._more()
                body, self.waiting = body + self.waiting, b""
        except Ended as end:
            if not end.in_order:
                raise WireError("a body that only the connection's end delimits was cut") from None
            return body

    def check_ended(self):
        """Nothing more comes, and the stream ends with close_notify."""
        try:
            while True:
                self._more()
        except Ended as end:
            assert end.in_order, "the connection ended without close_notify"

    def check_cut(self):
        """What comes is a 502, or a response that visibly breaks off: no last byte, and no close_notify."""
        try:
            answer = self.answer()
        except (WireError, Ended) as error:
            end = error if isinstance(error, Ended) else error.__context__
            assert isinstance(end, Ended) or isinstance(error.__cause__, OSError), f"not cut but broken: {error}"
            assert not getattr(end, "in_order", False), "cut, but with close_notify"
            return
        assert answer.status == 502, f"a cut answer looks whole: {answer.status}, {len(answer.body)} bytes"
