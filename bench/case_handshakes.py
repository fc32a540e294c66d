"""Full and resumed handshakes: what a new connection with one request costs the server."""

import proc
from case import Case, Column
from handshakes import Handshakes
from processes import BenchError
from workbench import Server

RESUMED_AT_LEAST = 0.95


class HandshakeCase(Case):
    """nginx sends two tickets a handshake, OpenSSL's default, hubgate one; a second nginx sends one too."""

    columns = (
        Column("per_second", "connections/s", spread=True),
        Column("cpu_us", "CPU µs each", spread=True),
        Column("resumed", "resumed"),
        Column("busy", "core busy"),
    )
    compared = "cpu_us"
    servers = ("nginx", "nginx, 1 ticket", "haproxy", "hubgate")

    def __init__(self, name, title, targets, resume):
        super().__init__(name, title, targets)
        self.resume = resume

    def estimate(self, options):
        return len(self.servers) * (options.rounds * options.seconds + 2)

    def run(self, bench, options, progress):
        upstream = bench.upstream()
        servers = [self._start(bench, name, upstream.plain) for name in self.servers]
        for server in servers:
            self._handshakes(server, 0.5)
        rounds = self.interleaved(
            bench, servers, options.rounds, lambda server: self._round(server, options.seconds), progress
        )
        bench.stop_all(*servers, upstream)
        return rounds

    def _start(self, bench, name, port):
        program, _, one_ticket = name.partition(", ")
        server = bench.server(program, port, tickets=1 if one_ticket else 2)
        return Server(name, server.port, server.process)

    def _handshakes(self, server, seconds):
        client = Handshakes(server, "/-/health", self.resume)
        return client, client.run(seconds)

    def _round(self, server, seconds):
        before = proc.cpu_seconds(server.pid)
        client, elapsed = self._handshakes(server, seconds)
        spent = proc.cpu_seconds(server.pid) - before
        share = client.resumed / max(client.done, 1)
        if self.resume and share < RESUMED_AT_LEAST or not self.resume and share > 0:
            raise BenchError(f"{server.name} resumed {share:.1%} of {client.done} sessions.")
        return {
            "per_second": client.done / elapsed, "cpu_us": spent * 1e6 / client.done, "resumed": share,
            "busy": spent / elapsed,
        }
