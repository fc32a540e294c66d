"""A client's TLS connection on a bare socket, many in one thread: it can resume sessions, stop at any byte, and reset."""

import asyncio
import hashlib
import socket
import ssl
import struct

from wire import WireError, chunk_size, framing, parse_head

PART = 64 * 1024
KEPT_BYTES = 16 * 1024


class Cut(Exception):
    """The connection ended where more had to come. `in_order`: with close_notify, where a response would begin."""

    def __init__(self, in_order=False):
        super().__init__("ended" if in_order else "cut")
        self.in_order = in_order


class Connection:
    def __init__(self, plain, context, session=None):
        self.loop = asyncio.get_running_loop()
        self.socket = plain
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost", session=session)
        self.waiting = bytearray()

    @classmethod
    async def tcp(cls, port, context, session=None, receive_buffer=None):
        plain = socket.socket()
        plain.setblocking(False)
        if receive_buffer:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = cls(plain, context, session)
        try:
            await connection.loop.sock_connect(plain, ("127.0.0.1", port))
        except BaseException:
            plain.close()
            raise
        return connection

    @classmethod
    async def open(cls, port, context, session=None, receive_buffer=None):
        connection = await cls.tcp(port, context, session, receive_buffer)
        try:
            await connection.handshake()
        except BaseException:
            connection.close()
            raise
        return connection

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    async def handshake(self):
        while True:
            try:
                self.tls.do_handshake()
                await self.flush()
                return
            except ssl.SSLWantReadError:
                await self.flush()
                await self.receive()

    async def flush(self):
        if self.outgoing.pending:
            await self.loop.sock_sendall(self.socket, self.outgoing.read())

    async def receive(self):
        part = await self.loop.sock_recv(self.socket, PART)
        if part:
            self.incoming.write(part)
        else:
            self.incoming.write_eof()

    async def send(self, data):
        for start in range(0, len(data), PART):
            self.tls.write(data[start : start + PART])
            await self.flush()

    async def more(self):
        """The next bytes, b"" after close_notify. Raises Cut where the connection ends without one."""
        while True:
            try:
                return self.tls.read(PART)
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLError as error:
                raise Cut() from error
            try:
                await self.flush()
                await self.receive()
            except OSError as error:
                raise Cut() from error

    async def fill(self):
        part = await self.more()
        if not part:
            raise Cut(in_order=not self.waiting)
        self.waiting += part

    async def until(self, end):
        while (found := self.waiting.find(end)) < 0:
            if len(self.waiting) > 1 << 20:
                raise WireError("a line or a head without end")
            await self.fill()
        part = bytes(self.waiting[:found])
        del self.waiting[: found + len(end)]
        return part

    async def answer(self, to_head=False, pause=None):
        """The next final answer, with `digest` and `length` of its body; `body` has its first bytes.
        `pause` is waited for after each part that is read."""
        while True:
            answer = parse_head(await self.until(b"\r\n\r\n"))
            if answer.status >= 200:
                break
        answer.hashed, answer.length, self.pause = hashlib.sha256(), 0, pause
        length = framing(answer, to_head)
        if length == "until the end":
            # To a client of HTTP/1.1 nothing of the soak's needs that.
            raise WireError(f"a body without framing: {answer.headers}")
        try:
            if length == "chunked":
                await self.chunks(answer)
            else:
                await self.take(answer, length)
        except Cut as cut:
            # Whatever TLS said of it: not where a response would begin.
            raise Cut() from cut
        answer.digest = answer.hashed.hexdigest()
        return answer

    async def take(self, answer, count):
        while count:
            if not self.waiting:
                await self.fill()
                if self.pause:
                    await asyncio.sleep(self.pause)
            part = bytes(self.waiting[:count])
            del self.waiting[: len(part)]
            count -= len(part)
            answer.hashed.update(part)
            answer.length += len(part)
            if len(answer.body) < KEPT_BYTES:
                answer.body += part

    async def chunks(self, answer):
        while True:
            size = chunk_size(await self.until(b"\r\n"))
            await self.take(answer, size)
            if await self.until(b"\r\n") != b"":
                raise WireError("a chunk without its end, or a trailer that nobody asked for")
            if size == 0:
                return
