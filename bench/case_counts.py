"""Instructions and system calls a request: the figures to compare commits by."""

import dataclasses
import json
from collections.abc import Callable

import callgrind
import kept
import strace
from case import Case, Column
from figures import Rounds, short
from processes import BenchError
from tables import table

SMALL = "/api/models/sandbox/m"
PROMPT = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x" * 960}]}).encode()


@dataclasses.dataclass(frozen=True)
class Counted:
    """A request that is counted: from a number, that makes it distinct, its bytes; whether the upstream speaks TLS."""

    request: Callable[[int], bytes]
    tls: bool = False
    inference: bool = False
    """Whether it is the inference router's, which the same upstream plays."""

    def port(self, upstream):
        return upstream.tls if self.tls else upstream.plain

    def flags(self, upstream):
        return ("--inference-upstream", f"http://127.0.0.1:{upstream.plain}") if self.inference else ()


def posted(path, body):
    """A POST of JSON; `body` makes it from the number."""

    def made(number):
        content = body(number)
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content

    return made


COUNTED = {
    "fixed": Counted(kept.request("/-/health")),
    "relayed": Counted(kept.request(SMALL, numbered=True)),
    "relayed_tls": Counted(kept.request(SMALL, numbered=True), tls=True),
    "posted": Counted(posted("/v1/chat/completions", lambda number: PROMPT), inference=True),
    "created": Counted(posted("/api/repo", lambda number: b'{"type":"model","name":"demo-%d","private":true}' % number)),
}

WORTH_A_ROW = 500


class CountsCase(Case):
    columns = (
        Column("fixed", "fixed"),
        Column("relayed", "relayed"),
        Column("relayed_tls", "relayed, TLS upstream"),
        Column("posted", "POST of 1 KB to `/v1`"),
        Column("created", "`POST /api/repo`"),
    )
    servers = ("nginx", "hubgate")

    def estimate(self, options):
        return len(self.servers) * len(COUNTED) * 8

    def run(self, bench, options, progress):
        upstream = bench.upstream()
        rounds = Rounds()
        for name in self.servers:
            figures = {}
            for which in COUNTED:
                progress.step(f"{name} {which}")
                figures |= self.count(bench, name, which, upstream)
            rounds.add(name, **figures)
        bench.stop(upstream.process)
        return rounds

    def count(self, bench, name, which, upstream):
        """The figure of that name, and perhaps more."""
        raise NotImplementedError


class InstructionsCase(CountsCase):
    def count(self, bench, name, which, upstream):
        counted = COUNTED[which]

        def count():
            return callgrind.instructions_a_request(
                bench, name, counted.port(upstream), counted.request, counted.tls, flags=counted.flags(upstream)
            )

        try:
            places = count()
        except BenchError:
            # Now and then the signal that ends a server is lost in valgrind, and with it the count. A count repeats.
            places = count()
        return {which: sum(places.values())} | {f"{which} in {place}": count for place, count in places.items()}

    def remarks(self, rounds):
        """Where hubgate's are executed, the most of them first."""
        [figures] = rounds.servers["hubgate"]
        places = {figure.partition(" in ")[2] for figure in figures if " in " in figure}
        rows = [
            [place, *(short(figures.get(f"{which} in {place}", 0)) for which in COUNTED)]
            for place in sorted(places, key=lambda place: -figures.get(f"relayed in {place}", 0))
            if any(figures.get(f"{which} in {place}", 0) >= WORTH_A_ROW for which in COUNTED)
        ]
        return "Where hubgate's are:\n\n" + table(["", *(column.heading for column in self.columns)], rows)


class SyscallsCase(CountsCase):
    servers = ("nginx", "haproxy", "hubgate")

    def count(self, bench, name, which, upstream):
        counted = COUNTED[which]
        server = bench.server(name, counted.port(upstream), tls=counted.tls, flags=counted.flags(upstream))
        calls = strace.calls_a_request(bench, server, counted.request)
        bench.stop(server.process)
        return {which: calls}
