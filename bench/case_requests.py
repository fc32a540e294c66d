"""Requests on kept connections under wrk: what one costs the server."""

import pathlib
import sys
import time

import proc
import wrk
from case import Case, Column
from processes import LOAD_CORES, BenchError

CONTENDER = pathlib.Path(__file__).resolve().parent / "contender.py"

WARM_UP = 2
"""Seconds of load before the first round: connections to the upstream, caches, the allocator."""
SELDOM, SHARED = "seldom", "shared"


class RequestsCase(Case):
    """`calls` is how many requests reach the upstream for one from a client; the case fails where that is not so.
    SELDOM is one in a while, SHARED one for several clients where the server can do that. `contended`: a neighbour that is bound by
    memory works beside the load.
    """

    columns = (
        Column("per_second", "req/s", spread=True),
        Column("p50_ms", "p50 ms"),
        Column("p99_ms", "p99 ms"),
        Column("cpu_us", "CPU µs/req", spread=True),
        Column("busy", "core busy"),
        Column("rss_mb", "peak RSS MB"),
        Column("upstream_calls", "calls upstream"),
    )
    compared = "cpu_us"
    fields = ()
    """Lines that each request has beside Host."""

    def __init__(
        self, name, title, path, targets=(), calls=0, script=None, tls=False, connections=64, flags=(),
        lengthened=1, contended=False,
    ):
        super().__init__(name, title, targets)
        self.path, self.calls, self.script, self.tls = path, calls, script, tls
        self.connections, self.flags, self.lengthened = connections, flags, lengthened
        self.contended = contended

    def estimate(self, options):
        return len(self.servers) * (self.lengthened * (WARM_UP + options.rounds * options.seconds) + 2)

    def run(self, bench, options, progress):
        upstream = bench.upstream()
        if self.contended:
            bench.start("contender", sys.executable, CONTENDER, cores=LOAD_CORES)
        servers = [self._start(bench, name, upstream) for name in self.servers]
        for server in servers:
            progress.step(f"warm-up {server.name}")
            self._load(server, WARM_UP * self.lengthened)
        seconds = self.lengthened * options.seconds
        rounds = self.interleaved(
            bench, servers, options.rounds, lambda server: self._round(bench, server, upstream, seconds), progress
        )
        bench.stop_all(*servers, upstream)
        return rounds

    def _start(self, bench, name, upstream):
        return bench.server(name, upstream.tls if self.tls else upstream.plain, tls=self.tls, flags=self.flags)

    def _load(self, server, seconds):
        return wrk.load(server, self.path, seconds, self.connections, self.script, self.fields)

    def _round(self, bench, server, upstream, seconds):
        calls, cpu, start = upstream.counts(), proc.cpu_seconds(server.pid), time.monotonic()
        load = self._load(server, seconds)
        spent, elapsed = proc.cpu_seconds(server.pid) - cpu, time.monotonic() - start
        bench.check_alive(server)
        opened, called = (after - before for after, before in zip(upstream.counts(), calls))
        self._check(server, load, called, opened)
        return {
            "per_second": load.requests / load.seconds, "p50_ms": load.p50_ms, "p99_ms": load.p99_ms,
            "cpu_us": spent * 1e6 / load.requests, "busy": spent / elapsed,
            "rss_mb": proc.peak_kib(server.pid) * 1024 / 1e6,
            "upstream_calls": called / load.requests, "upstream_connections": opened,
        }

    def _check(self, server, load, called, opened):
        """The upstream also counts requests that wrk did not wait for at its end, of this round or the one before."""
        expected = load.requests * (self.calls if self.calls in (0, 1) else 0)
        spare = 0 if self.calls == 0 else 2 * self.connections
        if self.calls == SHARED:
            spare += load.requests
        if not expected <= called <= expected + spare:
            raise BenchError(
                f"{server.name}: {load.requests} requests of {self.path} led to {called} calls upstream, where "
                f"{expected} to {expected + spare} belong."
            )
        if opened > 2 * self.connections:
            raise BenchError(f"{server.name} opened {opened} connections upstream in one round: they are not kept.")
