"""Instructions and system calls a request: the figures to compare commits by."""

import callgrind
import kept
import strace
from case import Case, Column
from figures import Rounds, short
from processes import BenchError
from tables import table

SMALL = "/api/models/sandbox/m"
COUNTED = {
    "fixed": ("/-/health", False, False),
    "relayed": (SMALL, True, False),
    "relayed_tls": (SMALL, True, True),
}
"""For each: the path, whether a number follows that makes requests distinct, whether the upstream speaks TLS."""

WORTH_A_ROW = 500


class CountsCase(Case):
    columns = (
        Column("fixed", "fixed"),
        Column("relayed", "relayed"),
        Column("relayed_tls", "relayed, TLS upstream"),
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
        path, numbered, tls = COUNTED[which]
        port = upstream.tls if tls else upstream.plain
        try:
            places = callgrind.instructions_a_request(bench, name, port, kept.request(path, numbered), tls)
        except BenchError:
            # Now and then the signal that ends a server is lost in valgrind, and with it the count. A count repeats.
            places = callgrind.instructions_a_request(bench, name, port, kept.request(path, numbered), tls)
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
        path, numbered, tls = COUNTED[which]
        server = bench.server(name, upstream.tls if tls else upstream.plain, tls=tls)
        calls = strace.calls_a_request(bench, server, kept.request(path, numbered))
        bench.stop(server.process)
        return {which: calls}
