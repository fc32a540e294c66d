"""Requests on kept connections under wrk: what one costs the server."""

import time

import kept
import proc
import strace
import wrk
from case import Case, Column, interleaved
from processes import BenchError

WARM_UP = 1
"""Seconds of load before the first round: connections to the upstream, caches, the allocator."""


class RequestsCase(Case):
    """`calls` is how many requests reach the upstream for one from a client; the case fails where that is not so."""

    columns = (
        Column("per_second", "req/s", spread=True),
        Column("p50_ms", "p50 ms"),
        Column("p99_ms", "p99 ms"),
        Column("cpu_us", "CPU µs/req", spread=True),
        Column("busy", "core busy"),
        Column("syscalls", "syscalls/req"),
        Column("rss_mb", "peak RSS MB"),
    )
    compared = "cpu_us"

    def __init__(
        self, name, title, path, targets=(), calls=0, script=None, tls=False, connections=64, flags=(), syscalls=False,
        lengthened=1,
    ):
        super().__init__(name, title, targets)
        self.path, self.calls, self.script, self.tls = path, calls, script, tls
        self.connections, self.flags, self.syscalls, self.lengthened = connections, flags, syscalls, lengthened

    def estimate(self, options):
        seconds = WARM_UP + options.rounds * (self.lengthened * options.seconds + 0.3) + 1
        return len(self.servers) * (seconds + (3 if self.syscalls else 0))

    def run(self, bench, options, progress):
        upstream = bench.upstream()
        port = upstream.tls if self.tls else upstream.plain
        servers = [
            bench.server(name, port, tls=self.tls, flags=self.flags if name == "hubgate" else ())
            for name in self.servers
        ]
        for server in servers:
            progress.step(f"warm-up {server.name}")
            self._load(server, WARM_UP)
        seconds = self.lengthened * options.seconds
        rounds = interleaved(
            servers, options.rounds, lambda server: self._round(bench, server, upstream, seconds), progress
        )
        for server in servers:
            if self.syscalls:
                progress.step(f"system calls of {server.name}")
                rounds.servers[server.name][-1]["syscalls"] = strace.calls_a_request(
                    bench, server, kept.request(self.path, numbered=self.script is not None), self.connections
                )
            bench.stop(server.process)
        bench.stop(upstream.process)
        return rounds

    def _load(self, server, seconds):
        return wrk.load(server, self.path, seconds, self.connections, self.script)

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
        """Requests that wrk did not wait for at the end are the upstream's to count, not wrk's."""
        least, most = self.calls * load.requests, self.calls * load.requests + self.connections + 0.001 * load.requests
        if not least <= called <= most:
            raise BenchError(
                f"{server.name}: {load.requests} requests of {self.path} led to {called} upstream, "
                f"not to {self.calls} each."
            )
        if opened > 2 * self.connections:
            raise BenchError(f"{server.name} opened {opened} connections upstream in one round: they are not kept.")
