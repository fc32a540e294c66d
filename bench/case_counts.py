"""Instructions and system calls a request: the figures to compare commits by."""

import callgrind
import kept
import strace
from case import Case, Column
from figures import Rounds

SMALL = "/api/models/sandbox/m"
COUNTED = {
    "fixed": ("/-/health", False, False),
    "relayed": (SMALL, True, False),
    "relayed_tls": (SMALL, True, True),
}
"""For each: the path, whether a number follows that makes requests distinct, whether the upstream speaks TLS."""


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
                figures[which] = self.count(bench, name, which, upstream)
            rounds.add(name, **figures)
        bench.stop(upstream.process)
        return rounds

    def count(self, bench, name, which, upstream):
        raise NotImplementedError


class InstructionsCase(CountsCase):
    def count(self, bench, name, which, upstream):
        path, numbered, tls = COUNTED[which]
        port = upstream.tls if tls else upstream.plain
        return callgrind.instructions_a_request(bench, name, port, kept.request(path, numbered), tls)


class SyscallsCase(CountsCase):
    servers = ("nginx", "haproxy", "hubgate")

    def count(self, bench, name, which, upstream):
        path, numbered, tls = COUNTED[which]
        server = bench.server(name, upstream.tls if tls else upstream.plain, tls=tls)
        calls = strace.calls_a_request(bench, server, kept.request(path, numbered))
        bench.stop(server.process)
        return calls
