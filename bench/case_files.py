"""A file of 256 MiB that is kept on the disk, over TLS 1.3: hubgate's file cache beside nginx that serves the same file statically."""

import hashlib
import http.client
import time

import proc
from case import CONTENT_COLUMNS, Case
from processes import BenchError, run
from waiting import wait_until

KEPT_BYTES = 256 << 20
PATH = "/sandbox/demo/resolve/main/kept"
WHOLE_WITHIN = 120
"""Seconds for the hash behind the fill."""


class FilesCase(Case):
    """One client after another, or `readers` at once."""

    columns = CONTENT_COLUMNS
    compared = "cpu_s_per_gb"
    servers = ("nginx, sendfile off", "nginx, sendfile on", "hubgate")
    reference = "nginx, sendfile on"

    def __init__(self, name, title, targets=(), readers=1):
        super().__init__(name, title, targets)
        self.readers = readers

    def estimate(self, options):
        return len(self.servers) * options.rounds * (2 + self.readers * 0.6) + 10

    def run(self, bench, options, progress):
        blob = bench.work / "kept"
        block = b"".join(hashlib.sha256(bytes([number])).digest() for number in range(256)) * 128
        digest = hashlib.sha256()
        with open(blob, "wb") as file:
            for _ in range(KEPT_BYTES // len(block)):
                file.write(block)
                digest.update(block)
        upstream = bench.upstream(KEPT=digest.hexdigest(), KEPT_BYTES=KEPT_BYTES)
        servers = [self._started(bench, name, upstream) for name in self.servers]
        self._fill(bench, servers[-1], upstream)
        idle = {server.name: proc.resident_kib(server.pid) for server in servers}
        rounds = self.interleaved(
            bench, servers, options.rounds, lambda server: self._round(bench, server, idle[server.name]), progress)
        bench.stop_all(*servers, upstream)
        return rounds

    def _started(self, bench, name, upstream):
        if name == "hubgate":
            return bench.server(
                name, upstream.plain, flags=(
                    "--content-hosts", f"https://127.0.0.1:{upstream.tls}", "--cache-dir", bench.work / "cache", "--cache-size", "1GiB"))
        return bench.static(name, sendfile=name.rsplit(" ", 1)[1])

    def _fill(self, bench, server, upstream):
        """The file is fetched once, and its hash found right, before anything is measured."""
        self._transfer(bench, server, 1)
        whole = lambda: b"hubgate_file_cache_verified_total 1" in self._metrics(bench, server)  # noqa: E731
        if not wait_until(whole, WHOLE_WITHIN):
            raise BenchError("the file did not become whole in the file cache.")

    def _metrics(self, bench, server):
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=30, context=bench.client)
        connection.request("GET", "/-/metrics")
        return connection.getresponse().read()

    def _round(self, bench, server, idle):
        proc.reset_peak(server.pid)
        cpu = proc.cpu_seconds(server.pid)
        seconds = self._transfer(bench, server, self.readers)
        spent, size = proc.cpu_seconds(server.pid) - cpu, KEPT_BYTES * self.readers / 1e9
        return {
            "gb_per_second": size / seconds, "cpu_s_per_gb": spent / size, "busy": spent / seconds,
            "peak_mib": (proc.peak_kib(server.pid) - idle) / 1024,
        }

    def _transfer(self, bench, server, readers):
        """Seconds; curl checks the certificate, the status and that all came."""
        path = PATH if server.name == "hubgate" else "/kept"
        began = time.monotonic()
        said = run(
            "curl", "-sS", "--fail", "--http1.1", "--tlsv1.3", "--cacert", bench.work / "certs/ca.pem", "-w", "%{http_code} %{size_download}\n",
            *(["--parallel", "--parallel-immediate", "--parallel-max", str(readers)] if readers > 1 else []),
            *[word for _ in range(readers) for word in ("-o", "/dev/null", server.url(path))],
        )
        seconds = time.monotonic() - began
        if said.split("\n")[:-1] != [f"200 {KEPT_BYTES}"] * readers:
            raise BenchError(f"{server.name}: {said[:500]}")
        return seconds
