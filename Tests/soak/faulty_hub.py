"""A Hub of the soak's own: plain HTTP on loopback, written on raw streams so that it can misbehave as asked by the path.
What it answers of its own will carries X-Soak; a healthy answer's bytes follow from its path, so a client can foretell them."""

import asyncio
import hashlib
import json
import random
import time
from functools import lru_cache

from wire import parse_request_head

BLOB = random.Random(7).randbytes(1 << 20)
PIECE = 64 * 1024
ENDLESS_HEAD_BYTES = 4 << 20


def pieces(seed, size):
    """`size` bytes that only this seed gives."""
    offset = seed * 4099 % len(BLOB)
    while size > 0:
        piece = BLOB[offset : offset + min(PIECE, size)]
        yield piece
        size -= len(piece)
        offset = (offset + len(piece)) % len(BLOB)


@lru_cache(4096)
def digest(seed, size):
    hashed = hashlib.sha256()
    for piece in pieces(seed, size):
        hashed.update(piece)
    return hashed.hexdigest()


# Heads that no gateway may pass on; the connection closes after each.
BROKEN_HEADS = {
    "two-lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
    "not-http": b"\x00\x01\x02 this is no status line\r\n\r\n",
    "status-99": b"HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n",
    "status-1000": b"HTTP/1.1 1000 High\r\nContent-Length: 0\r\n\r\n",
    "bad-name": b"HTTP/1.1 200 OK\r\nBad Name: x\r\nContent-Length: 0\r\n\r\n",
    "bad-value": b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n",
    "switching": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "many-fields": b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(5000)) + b"\r\n",
}
# The response cannot begin: the client must get a 502 or 504 of the gateway's.
HEAD_FAULTS = ["close-before-head", "reset-before-head", "half-a-head", "silent", "endless-head", *BROKEN_HEADS]
# The response cannot end: the client must see it cut, or get a 502 if nothing had gone out.
BODY_FAULTS = ["cut-length", "cut-chunked", "reset-body", "bad-chunk", "stall-body"]


class FakeHub:
    def __init__(self, token):
        self.authorization = f"Bearer {token}"
        self.port = 0
        self.requests = 0
        self.connections = set()
        self.violations = []
        self.outages = []
        self.silent_closes = []
        self.account_faults = []
        self.chance = random.Random(11)

    async def start(self):
        self.server = await asyncio.start_server(
            self.serve, "127.0.0.1", self.port, limit=1 << 20, reuse_address=True, backlog=1024
        )
        self.port = self.server.sockets[0].getsockname()[1]

    async def outage(self, seconds):
        """Refuses connections for a while; those that there were are reset."""
        window = [time.monotonic(), float("inf")]
        self.outages.append(window)
        self.server.close()
        self.drop_connections()
        await asyncio.sleep(seconds)
        await self.start()
        window[1] = time.monotonic()

    def drop_connections(self):
        for writer in list(self.connections):
            writer.transport.abort()

    async def serve(self, reader, writer):
        self.connections.add(writer)
        try:
            while await self.exchange(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass
        finally:
            self.connections.discard(writer)
            writer.close()

    async def exchange(self, reader, writer):
        """One request and its response. False when the connection ends with it."""
        block = await reader.readuntil(b"\r\n\r\n")
        method, target, lines = parse_request_head(block.removesuffix(b"\r\n\r\n"))
        fields = {}
        for name, value in lines:
            fields.setdefault(name.lower(), []).append(value)
        self.requests += 1
        self.check(f"{method} {target}", fields)
        if target.startswith("/soak/early/"):
            # Says no before it has read the body, as the Hub does for one that is too large.
            await self.answer(writer, 403, b"no\n", "Connection: close")
            return False
        length, body = await self.body(reader, fields)
        return await self.route(writer, method, target, length, body)

    def check(self, start, fields):
        """What the gateway promises of each request that it sends."""
        if fields.get("authorization") != [self.authorization]:
            self.violations.append(f"{start!r} came with the wrong credential")
        for name in ("cookie", "x-forwarded-for", "x-mine"):
            if name in fields:
                self.violations.append(f"{start!r} came with {name}")

    async def body(self, reader, fields):
        hashed, length = hashlib.sha256(), 0
        kept = b""

        async def take(count):
            nonlocal length, kept
            while count:
                piece = await reader.readexactly(min(count, PIECE))
                hashed.update(piece)
                kept = kept + piece if len(kept) < 4096 else kept
                length += len(piece)
                count -= len(piece)

        if "transfer-encoding" in fields:
            while size := int(await reader.readuntil(b"\r\n"), 16):
                await take(size)
                await reader.readexactly(2)
            await reader.readexactly(2)
        else:
            await take(int(fields.get("content-length", ["0"])[0]))
        return (length, hashed.hexdigest()), kept

    # Answering

    async def answer(self, writer, status, body, *fields, to_head=False):
        has_content = status not in (204, 304)
        head = [f"HTTP/1.1 {status} Soak", "X-Soak: 1", "X-Request-Id: soak", *fields]
        if has_content:
            head.append(f"Content-Length: {len(body)}")
        writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + (body if has_content and not to_head else b""))
        await writer.drain()

    async def route(self, writer, method, target, hashed, body):
        path, _, query = target.partition("?")
        words = path.split("/")[1:]
        if words[0] == "api":
            return await self.call(writer, method, words, body)
        kind, arguments = words[1], words[2:]
        if kind == "echo":
            await self.answer(writer, 200, json.dumps(hashed).encode())
        elif kind == "status":
            await self.answer(writer, int(arguments[0]), b"".join(pieces(int(arguments[1]), 200)))
        elif kind == "ok":
            return await self.content(writer, method, int(arguments[0]), int(arguments[1]), query)
        elif kind == "fault":
            return await self.fail(writer, arguments[0])
        else:
            await self.answer(writer, 404, b"?")
        return True

    async def content(self, writer, method, size, seed, query):
        closes = self.chance.random() < 0.03
        chunked = "chunked" in query
        framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
        end = "Connection: close\r\n" if closes else ""
        writer.write(f"HTTP/1.1 200 OK\r\nX-Soak: 1\r\n{framing}\r\n{end}\r\n".encode())
        if method != "HEAD":
            for piece in pieces(seed, size):
                writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
                await writer.drain()
                if "slow" in query:
                    await asyncio.sleep(0.05)
            if chunked:
                writer.write(b"0\r\n\r\n")
        await writer.drain()
        if not closes and self.chance.random() < 0.02:
            # Legal and unkind: a kept connection that ends without a word.
            self.silent_closes.append(time.monotonic())
            return False
        return not closes

    async def call(self, writer, method, words, body):
        """What the facade asks for. The repository's name tells how it goes."""
        name = words[3] if words[-1] == "settings" else json.loads(body)["name"] if body else ""
        if words[1] == "whoami-v2":
            if self.chance.random() < 0.05:
                self.account_faults.append(time.monotonic())
                await self.answer(writer, 503, b'{"error":"later"}', "Content-Type: application/json")
            else:
                await self.answer(writer, 200, b'{"name":"soak","type":"user"}', "Content-Type: application/json")
        elif name.startswith("fault-"):
            return await self.fail(writer, name.removeprefix("fault-"))
        elif name.startswith("status-"):
            await self.answer(writer, int(name[7:10]), b'{"error":"as asked"}', "Content-Type: application/json")
        else:
            known = json.dumps({"url": f"https://hub/{name}", "name": f"soak/{name}"}).encode()
            await self.answer(writer, 200, known, "Content-Type: application/json")
        return True

    async def fail(self, writer, fault):
        if fault in BROKEN_HEADS:
            writer.write(BROKEN_HEADS[fault])
            await writer.drain()
            return False
        match fault:
            case "reset-before-head":
                writer.transport.abort()
            case "half-a-head":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Le")
            case "silent":
                await asyncio.sleep(6)
            case "endless-head":
                writer.write(b"HTTP/1.1 200 OK\r\n")
                for number in range(ENDLESS_HEAD_BYTES // 1024):
                    writer.write(b"X-%06d: %b\r\n" % (number, b"y" * 1000))
                    await writer.drain()
            case "cut-length":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + BLOB[:200000])
            case "cut-chunked":
                writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n30d40\r\n" + BLOB[:200000] + b"\r\n")
            case "bad-chunk":
                writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n30d40\r\n" + BLOB[:200000] + b"\r\nzz\r\n")
            case "reset-body":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + BLOB[:100000])
                await writer.drain()
                writer.transport.abort()
            case "stall-body":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + BLOB[:100000])
                await writer.drain()
                await asyncio.sleep(6)
        if not writer.transport.is_closing():
            await writer.drain()
        return False
