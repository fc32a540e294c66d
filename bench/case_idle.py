"""Idle TLS connections, kept after one request each: memory of the server for one of them."""

import contextlib
import time

import kept
import proc
from case import Case, Column
from figures import Rounds

STEPS = (1000, 4000)
WARM_REQUESTS = 10
SETTLE = 1
"""Seconds between the last response and the look at the memory."""


class IdleCase(Case):
    """A fresh server each; memory repeats, so one round is enough."""

    columns = (
        Column("kib_1000", "KiB each of 1,000"),
        Column("kib_4000", "KiB each of 4,000"),
        Column("rss_mb", "RSS MB with 4,000"),
    )
    compared = "kib_4000"

    def estimate(self, options):
        return len(self.servers) * 8

    def run(self, bench, options, progress):
        upstream = bench.upstream()
        rounds = Rounds()
        for name in self.servers:
            progress.step(name)
            server = bench.server(name, upstream.plain)
            rounds.add(name, **self._connect(bench, server))
            bench.check_alive(server)
            bench.stop(server.process)
        bench.stop(upstream.process)
        return rounds

    def _connect(self, bench, server):
        figures = {}
        for _ in range(WARM_REQUESTS):
            bench.ask(server, "/-/health")
        before, opened = proc.resident_kib(server.pid), 0
        with contextlib.ExitStack() as connections:
            for step in STEPS:
                client = connections.enter_context(kept.KeptConnections(server, bench.client, step - opened))
                client.exchange(kept.request("/-/health"), 1)
                opened = step
                time.sleep(SETTLE)
                figures[f"kib_{step}"] = (proc.resident_kib(server.pid) - before) / step
            figures["rss_mb"] = proc.resident_kib(server.pid) * 1024 / 1e6
        return figures
