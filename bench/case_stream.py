"""1 GiB in one response or one request: CPU a GB, and the most memory on the way."""

import proc
from case import CONTENT_COLUMNS, Case
from processes import BenchError, run
from sink import Sink
from workbench import FILE_BYTES

WARM_REQUESTS = 10


class StreamCase(Case):
    columns = CONTENT_COLUMNS
    compared = "cpu_s_per_gb"

    def __init__(self, name, title, targets=(), up=False, tls=False):
        super().__init__(name, title, targets)
        self.up, self.tls = up, tls

    def estimate(self, options):
        return len(self.servers) * (options.rounds * 2.5 + 1)

    def run(self, bench, options, progress):
        upstream, sink = bench.upstream(), Sink()
        servers, idle = [], {}
        port = sink.port if self.up else upstream.tls if self.tls else upstream.plain
        for name in self.servers:
            server = bench.server(name, port, tls=self.tls)
            for number in range(WARM_REQUESTS):
                bench.ask(server, f"/small/{number}")
            proc.reset_peak(server.pid)
            idle[name] = proc.resident_kib(server.pid)
            servers.append(server)
        rounds = self.interleaved(
            bench, servers, options.rounds, lambda server: self._round(bench, server, sink, idle[server.name]), progress
        )
        sink.close()
        bench.stop_all(*servers, upstream)
        return rounds

    def _round(self, bench, server, sink, idle):
        taken, cpu = sink.taken, proc.cpu_seconds(server.pid)
        seconds = self._transfer(bench, server)
        spent = proc.cpu_seconds(server.pid) - cpu
        if self.up and sink.taken - taken != FILE_BYTES:
            raise BenchError(f"{server.name} passed {sink.taken - taken} bytes up, not {FILE_BYTES}.")
        return {
            "gb_per_second": FILE_BYTES / 1e9 / seconds, "cpu_s_per_gb": spent / (FILE_BYTES / 1e9),
            "peak_mib": (proc.peak_kib(server.pid) - idle) / 1024, "busy": spent / seconds,
        }

    def _transfer(self, bench, server):
        """Seconds, by curl, which checks the certificate and fails on any other status than 2xx."""
        what = ["-T", bench.work / "blob", server.url("/upload")] if self.up else [server.url("/file")]
        said = run(
            "curl", "-sS", "--fail", "--http1.1", "--cacert", bench.work / "certs/ca.pem", "-H", "Expect:",
            "-o", "/dev/null", "-w", "%{http_code} %{size_download} %{time_total}", *what,
        )
        status, size, seconds = said.split()
        if status != "200" or not self.up and int(size) != FILE_BYTES:
            raise BenchError(f"{server.name}: {said}")
        return float(seconds)
