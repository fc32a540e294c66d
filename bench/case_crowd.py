"""Busy connections beside many that wait: what the waiting ones cost the busy ones."""

import contextlib

import kept
from case_requests import RequestsCase
from workbench import Server

WAITING = 10_000
FLAGS = (
    "--max-connections", "20000", "--max-connections-per-address", "off", "--idle-timeout", "1h",
)


class CrowdCase(RequestsCase):
    """The same server twice: alone with its busy connections, and beside those that have asked once and wait."""

    servers = ("alone", "crowd")
    subject, reference = "crowd", "alone"

    def estimate(self, options):
        return super().estimate(options) + 30

    def run(self, bench, options, progress):
        with contextlib.ExitStack() as self.waiting:
            return super().run(bench, options, progress)

    def _start(self, bench, name, upstream):
        started = bench.server("hubgate", upstream.plain, flags=FLAGS)
        if name == "crowd":
            client = self.waiting.enter_context(kept.KeptConnections(started, bench.client, WAITING))
            client.exchange(kept.request("/-/health"), 1)
        return Server(name, started.port, started.process)
