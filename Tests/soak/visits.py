"""What the soak's clients do, and what they hold the gateway to.

A visit is one client's doing, with a kept connection or several. Whatever is asked of a Hub that behaves has to be
answered rightly; what is asked of one that does not has to fail in the way that the fault calls for, and no other."""

import asyncio
import json
import random
import time
from collections import Counter

from faulty_hub import BODY_FAULTS, HEAD_FAULTS, digest, pieces
from soak_client import Connection, Cut
from wire import WireError

SMALL = [0, 1, 200, 4096, 20_000, 100_000]
LARGE = [2 << 20, 5 << 20, 12 << 20]
SEEDS = 64
VISIT_SECONDS = 40
# How long after its cause a response of the gateway's may still speak of it: clocks, queues, and what is held.
SLACK_SECONDS = 0.3
ACCOUNT_HELD_SECONDS = 3.5
CLIENT_TOKEN = "hf_of_the_client_that_must_not_travel"


class Violation(AssertionError):
    """The gateway did what it must not."""


class Explained(Exception):
    """Not what was asked for, but a fault of the Hub that the gateway could not know to avoid."""


def expect(condition, text):
    if not condition:
        raise Violation(text)


def shown(answer):
    return f"{answer.status} {answer['X-Error-Code']} {answer['X-Error-Message']} {answer.body[:120]!r}"


class Load:
    def __init__(self, port, context, hub, refusals, seed):
        self.port, self.context, self.hub, self.refusals = port, context, hub, refusals
        self.chance = random.Random(seed)
        self.session = None
        self.stopping = False
        self.counts = Counter()
        self.faults = Counter()
        self.explained = Counter()
        self.violations = []
        self.bytes = 0
        self.visits = {
            # name: (share in per mille, visit, whether it is a fault of the client's)
            "browse": (560, self.browse, False),
            "facade": (180, self.facade, False),
            "large": (30, self.large, False),
            "slow-reader": (15, self.slow_reader, False),
            "upload": (85, self.upload, False),
            "resume": (40, self.resume, False),
            "hang-up-in-handshake": (12, self.hang_up_in_handshake, True),
            "hang-up-in-head": (12, self.hang_up_in_head, True),
            "hang-up-in-body": (12, self.hang_up_in_body, True),
            "hang-up-in-answer": (15, self.hang_up_in_answer, True),
            "malformed": (25, self.malformed, True),
            "never-reads": (4, self.never_reads, True),
            "slow-head": (5, self.slow_head, True),
            "early-no": (5, self.early_no, True),
        }

    async def work(self):
        """One client after another until told to stop."""
        names, shares = list(self.visits), [share for share, _, _ in self.visits.values()]
        while not self.stopping:
            await self.visit(self.chance.choices(names, shares)[0])

    async def visit(self, name):
        _, visit, is_fault = self.visits[name]
        started = time.monotonic()
        try:
            async with asyncio.timeout(VISIT_SECONDS):
                await visit()
        except Explained as reason:
            self.explained[str(reason)] += 1
        except TimeoutError:
            self.violations.append(f"{name}: nothing for {VISIT_SECONDS} s")
        except (Violation, WireError, Cut, OSError) as problem:
            # Connecting, shaking hands and being refused have nothing to do with the Hub: only relaying explains itself.
            self.violations.append(f"{name} at {started:.1f}: {type(problem).__name__}: {problem}")
        self.counts[name] += 1
        if is_fault:
            self.faults[name] += 1

    # What explains a response that was not asked for

    def was_out(self, started):
        return any(begin <= time.monotonic() and end >= started - SLACK_SECONDS for begin, end in self.hub.outages)

    def closed_silently(self, started):
        """How many kept connections to the Hub ended meanwhile."""
        return sum(moment >= started - SLACK_SECONDS for moment in self.hub.silent_closes[-50:])

    # Asking

    async def open(self, **options):
        connection = await Connection.open(self.port, self.context, **options)
        self.counts["connections"] += 1
        return connection

    def head(self, method, path, *fields):
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {CLIENT_TOKEN}", *fields]
        if self.chance.random() < 0.1:
            lines += ["Cookie: mine=1", "X-Forwarded-For: 9.9.9.9", "Connection: x-mine", "X-Mine: 1"]
        return "\r\n".join(lines).encode() + b"\r\n\r\n"

    async def ask(self, connection, request, repeatable=True, **options):
        """The Hub's response to `request`, which it had no reason to refuse."""
        started = time.monotonic()
        try:
            await connection.send(request)
            answer = await connection.answer(request.startswith(b"HEAD "), **options)
        except (Cut, OSError):
            if self.was_out(started):
                raise Explained("cut by an outage of the Hub") from None
            raise
        self.counts["requests"] += 1
        self.bytes += answer.length
        if answer["X-Soak"] is None:
            self.explain(answer, started, repeatable)
        return answer

    def explain(self, answer, started, repeatable):
        """The gateway answered for a Hub that was well, or was it?"""
        if answer["X-Error-Code"] in ("HubUnreachable", "HubBroken"):
            if self.was_out(started):
                raise Explained("502 in an outage of the Hub")
            # What must not be sent twice is not tried again, and what may be is tried once more: that can meet another.
            if self.closed_silently(started) > (1 if repeatable else 0):
                raise Explained("502 for a call that the Hub closed upon" + (" twice" if repeatable else ""))
        raise Violation(
            f"the gateway answered instead of a healthy Hub: {shown(answer)} "
            f"({self.closed_silently(started)} kept connections closed)"
        )

    async def check_content(self, connection, size, method="GET", query="", **options):
        seed = self.chance.randrange(SEEDS)
        if not query and self.chance.random() < 0.3:
            query = "?chunked"
        answer = await self.ask(connection, self.head(method, f"/soak/ok/{size}/{seed}{query}"), **options)
        expect(answer.status == 200, shown(answer))
        if method == "GET":
            expect(answer.length == size, f"{answer.length} bytes instead of {size}")
            expect(answer.digest == digest(seed, size), f"other bytes than the Hub's ({size}, {seed}, {query})")
        return answer

    async def check_status(self, connection):
        status, seed = self.chance.choice([204, 304, 400, 401, 403, 404, 409, 429, 500, 503]), self.chance.randrange(SEEDS)
        answer = await self.ask(connection, self.head("GET", f"/soak/status/{status}/{seed}"))
        expect(answer.status == status, shown(answer))
        if status not in (204, 304):
            expect(answer.digest == digest(seed, 200), f"other bytes than the Hub's {status}")
        if status >= 500:
            self.faults["hub-5xx"] += 1
        return answer

    async def check_fault(self, connection):
        """A GET that the Hub does not answer as it should. False when the connection had to end with it."""
        fault = self.chance.choice(HEAD_FAULTS + BODY_FAULTS)
        self.faults[f"hub-{fault}"] += 1
        started = time.monotonic()
        self.counts["requests"] += 1
        try:
            await connection.send(self.head("GET", f"/soak/fault/{fault}"))
            answer = await connection.answer()
        except Cut:
            expect(fault in BODY_FAULTS or self.was_out(started), f"{fault}: cut where a 502 was due")
            return False
        code = answer["X-Error-Code"]
        answer.check_is_error(504 if code == "HubTooSlow" else 502)
        due = "HubTooSlow" if fault == "silent" else "HubBroken"
        in_outage = code in ("HubUnreachable", "HubBroken") and self.was_out(started)
        expect(code == due or in_outage, f"{fault}: {shown(answer)}")
        return not answer.closes

    # Visits

    async def browse(self):
        """A client with a kept connection, for which a Hub's fault now and then must not matter afterwards."""
        connection = await self.open()
        try:
            for _ in range(self.chance.randrange(1, 9)):
                match self.chance.choices(["get", "head", "status", "health", "two", "fault"], [55, 8, 12, 5, 10, 6])[0]:
                    case "get":
                        answer = await self.check_content(connection, self.chance.choice(SMALL))
                    case "head":
                        answer = await self.check_content(connection, self.chance.choice(SMALL), "HEAD")
                    case "status":
                        answer = await self.check_status(connection)
                    case "health":
                        await connection.send(self.head("GET", "/-/health"))
                        answer = await connection.answer()
                        self.counts["requests"] += 1
                        expect(answer.json == {"status": "ok"}, shown(answer))
                    case "two":
                        answer = await self.pipelined(connection)
                    case "fault":
                        if not await self.check_fault(connection):
                            connection.close()
                            connection = await self.open()
                        continue
                expect(not answer.closes, f"closed without a reason: {shown(answer)}")
            if self.chance.random() < 0.3:
                await connection.send(self.head("GET", "/-/health", "Connection: close"))
                expect((await connection.answer()).closes, "did not close when asked to")
                expect(await connection.more() == b"", "bytes after the last response")
                self.counts["requests"] += 1
        finally:
            connection.close()

    async def pipelined(self, connection):
        sizes, seeds = self.chance.choices(SMALL, k=2), self.chance.choices(range(SEEDS), k=2)
        started = time.monotonic()
        requests = [self.head("GET", f"/soak/ok/{size}/{seed}") for size, seed in zip(sizes, seeds)]
        try:
            await connection.send(b"".join(requests))
            for size, seed in zip(sizes, seeds):
                answer = await connection.answer()
                self.counts["requests"] += 1
                if answer["X-Soak"] is None:
                    self.explain(answer, started, True)
                expect(answer.digest == digest(seed, size), f"other bytes than the Hub's ({size}, {seed}, pipelined)")
        except Cut:
            if self.was_out(started):
                raise Explained("cut by an outage of the Hub") from None
            raise
        return answer

    async def facade(self):
        async with await self.open() as connection:
            for _ in range(self.chance.randrange(1, 5)):
                await self.chance.choice([self.account, self.order])(connection)

    async def account(self, connection):
        started = time.monotonic()
        await connection.send(self.head("GET", "/api/account"))
        answer = await connection.answer()
        self.counts["requests"] += 1
        if answer.status == 200:
            expect(answer.json == {"name": "soak", "type": "user"}, shown(answer))
            return
        since = started - ACCOUNT_HELD_SECONDS
        was_asked = any(moment >= since for moment in self.hub.account_faults[-50:])
        was_out = any(end >= since for _, end in self.hub.outages)
        was_closed = any(moment >= since for moment in self.hub.silent_closes[-50:])
        if answer.status == 503 and answer.json["error"] == "later" and was_asked:
            self.faults["hub-whoami-503"] += 1
        else:
            expect(answer.status == 502 and (was_out or was_closed), f"account: {shown(answer)}")
            raise Explained("a failure of whoami that was held")

    async def order(self, connection):
        method, name = self.chance.choice(["POST", "PUT", "DELETE"]), f"repo-{self.chance.randrange(1000)}"
        wanted, code = 200, None
        if self.chance.random() < 0.1:
            name, wanted, code = self.chance.choice([
                ("status-500", 500, None), ("status-409", 409, None), ("status-404", 404, None),
                ("fault-close-before-head", 502, "HubBroken"), ("fault-two-lengths", 502, "HubBroken"),
                ("fault-cut-length", 502, "HubBroken"), ("fault-silent", 504, "HubTooSlow"),
            ])
            if wanted >= 500:
                self.faults[f"hub-{name.removeprefix('fault-')}"] += 1
        order = {"type": "model", "private": True}
        order["namespace" if method == "PUT" else "name"] = f"soak/{name}"
        body = json.dumps(order).encode()
        started = time.monotonic()
        fields = ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        await connection.send(self.head(method, "/api/repo", *fields) + body)
        answer = await connection.answer()
        self.counts["requests"] += 1
        if answer.status == 502 != wanted:
            self.explain(answer, started, repeatable=False)
        if answer["X-Error-Code"] == "HubUnreachable" and self.was_out(started):
            raise Explained("502 in an outage of the Hub")
        if wanted == 504 and answer.status == 502 and self.was_out(started):
            raise Explained("502 in an outage of the Hub")
        expect(answer.status == wanted and code in (None, answer["X-Error-Code"]), f"{method} {name}: {shown(answer)}")
        said = answer.json["message"] if wanted == 200 else answer.json["error"]
        expect(said.startswith("as asked") if name.startswith("status-") else said, f"{method} {name}: {shown(answer)}")

    async def large(self):
        async with await self.open() as connection:
            await self.check_content(connection, self.chance.choice(LARGE))

    async def slow_reader(self):
        """Slower than the Hub, yet never standing still: it gets all of it."""
        async with await self.open(receive_buffer=16 * 1024) as connection:
            await self.check_content(connection, 3 << 20, pause=0.01)

    async def upload(self):
        size, seed = self.chance.choice([1, 5000, 300_000, 3 << 20]), self.chance.randrange(SEEDS)
        chunked = self.chance.random() < 0.5
        framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
        started = time.monotonic()
        async with await self.open() as connection:
            try:
                await connection.send(self.head(self.chance.choice(["PUT", "POST"]), "/soak/echo", framing))
                for piece in pieces(seed, size):
                    await connection.send(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
                if chunked:
                    await connection.send(b"0\r\n\r\n")
            except OSError:
                # A response may be there already; what it says is looked at below.
                if not (self.was_out(started) or self.closed_silently(started)):
                    raise
            try:
                answer = await connection.answer()
            except (Cut, OSError):
                if self.was_out(started) or self.closed_silently(started):
                    raise Explained("an upload that a close of the Hub's cut") from None
                raise
            self.counts["requests"] += 1
            if answer["X-Soak"] is None:
                self.explain(answer, started, repeatable=False)
            expect(answer.status == 200, shown(answer))
            expect(json.loads(answer.body) == [size, digest(seed, size)], "the Hub got other bytes than were sent")

    async def resume(self):
        """Comes back with the session that the last one got."""
        session = self.session
        async with await self.open(session=session) as connection:
            if session is not None:
                expect(connection.tls.session_reused, "a session was not resumed")
                self.counts["resumptions"] += 1
            await connection.send(self.head("GET", "/-/health", "Connection: close"))
            await connection.answer()
            await connection.more()
            self.counts["requests"] += 1
            self.session = connection.tls.session

    def leave(self, connection):
        if self.chance.random() < 0.5:
            connection.reset()
        else:
            connection.close()

    async def hang_up_in_handshake(self):
        connection = await Connection.tcp(self.port, self.context)
        try:
            connection.tls.do_handshake()
        except Exception:  # noqa: BLE001 - it wants to read, which it will not get to
            pass
        hello = connection.outgoing.read()
        await connection.loop.sock_sendall(connection.socket, hello[: self.chance.randrange(len(hello) + 1)])
        await asyncio.sleep(self.chance.random() * 0.05)
        self.leave(connection)

    async def hang_up_in_head(self):
        connection = await self.open()
        request = self.head("GET", f"/soak/ok/200/1?{'x' * self.chance.randrange(3000)}")
        await connection.send(request[: self.chance.randrange(len(request))])
        await asyncio.sleep(self.chance.random() * 0.05)
        self.leave(connection)

    async def hang_up_in_body(self):
        connection = await self.open()
        facade = self.chance.random() < 0.4
        fields = ["Content-Length: 400000", "Content-Type: application/json"]
        await connection.send(self.head("POST", "/api/repo" if facade else "/soak/echo", *fields))
        try:
            await connection.send(b"{" * self.chance.choice([0, 1, 1000, 300_000]))
        except OSError:
            pass
        await asyncio.sleep(self.chance.random() * 0.1)
        self.leave(connection)

    async def hang_up_in_answer(self):
        connection = await self.open(receive_buffer=16 * 1024)
        query = self.chance.choice(["", "?chunked", "?slow"])
        await connection.send(self.head("GET", f"/soak/ok/{self.chance.choice(LARGE)}/1{query}"))
        if self.chance.random() < 0.7:
            try:
                await connection.more()
            except Cut:
                pass
        await asyncio.sleep(self.chance.random() * 0.1)
        self.leave(connection)

    async def malformed(self):
        line = self.chance.choice(self.refusals)
        async with await self.open() as connection:
            try:
                await connection.send(line.raw)
            except OSError:
                pass
            answer = await connection.answer(to_head=line.raw.startswith(b"HEAD "))
            expect(answer.status == line.refusal and answer.closes, f"{line.id}: {shown(answer)}")
            self.counts["requests"] += 1

    async def never_reads(self):
        """Asks for much and takes nothing: it is cut in time."""
        started = time.monotonic()
        async with await self.open(receive_buffer=4096) as connection:
            await connection.send(self.head("GET", f"/soak/ok/{LARGE[-1]}/1"))
            await asyncio.sleep(5)
            try:
                answer = await connection.answer()
            except Cut:
                return
            if answer["X-Soak"] is None:
                self.explain(answer, started, True)
            raise Violation("who takes nothing was waited for")

    async def slow_head(self):
        async with await self.open() as connection:
            request = self.head("GET", "/-/health")
            for byte in range(len(request) - 1):
                try:
                    await connection.send(request[byte : byte + 1])
                except OSError:
                    break
                await asyncio.sleep(0.1)
                if byte > 40:
                    break
            answer = await connection.answer()
            answer.check_is_error(408)

    async def early_no(self):
        """The Hub says no before it has read the body: the client hears that, or a 502, and no success."""
        started = time.monotonic()
        async with await self.open() as connection:
            await connection.send(self.head("PUT", "/soak/early/1", "Content-Length: 2000000"))
            try:
                for piece in pieces(1, 2_000_000):
                    await connection.send(piece)
            except OSError:
                pass
            try:
                answer = await connection.answer()
            except (Cut, OSError):
                if self.was_out(started):
                    raise Explained("cut by an outage of the Hub") from None
                raise
            self.counts["requests"] += 1
            expect(answer.status in (403, 502), shown(answer))
