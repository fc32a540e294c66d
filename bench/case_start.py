"""How long a start takes, and how large the program is on disk and in memory."""

import shutil
import socket
import subprocess
import time

import proc
from case import Case, Column
from figures import Rounds
from processes import BenchError, run

STARTS = 10
READY_WITHIN = 5


class StartCase(Case):
    """Ready is the first response over TLS, from before the fork; the client's own handshake is in it."""

    columns = (
        Column("ready_ms", "ms to the first response", spread=True),
        Column("rss_mb", "idle RSS MB"),
        Column("binary_mb", "stripped binary MB"),
        Column("image_mb", "image MB"),
    )
    compared = "ready_ms"

    def estimate(self, options):
        return len(self.servers) * STARTS * 0.25

    def run(self, bench, options, progress):
        upstream = bench.upstream()
        rounds = Rounds()
        for number in range(STARTS):
            for name in self.servers:
                progress.step(f"start {number + 1}/{STARTS} {name}")
                rounds.add(name, **self._start(bench, name, upstream))
        rounds.servers["hubgate"][-1].update(binary_mb=self._binary_mb(bench), image_mb=self._image_mb())
        bench.stop(upstream.process)
        return rounds

    def _start(self, bench, name, upstream):
        begun = time.monotonic()
        port, process = bench.launch(name, upstream.plain)
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), 1) as plain:
                    with bench.client.wrap_socket(plain) as connection:
                        connection.sendall(b"GET /-/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                        answer = connection.recv(65536)
                break
            except ConnectionRefusedError:
                if process.poll() is not None or time.monotonic() > begun + READY_WITHIN:
                    raise BenchError(f"{name} did not start: {bench.last_words(process)}") from None
                time.sleep(0.0002)
        ready = (time.monotonic() - begun) * 1e3
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise BenchError(f"{name} answered {answer[:200]!r}")
        resident = proc.resident_kib(process.pid) * 1024 / 1e6
        bench.stop(process)
        return {"ready_ms": ready, "rss_mb": resident}

    def _binary_mb(self, bench):
        """As `make release` packs it."""
        stripped = bench.work / "hubgate.packed"
        run("strip", "-o", stripped, bench.binary)
        return stripped.stat().st_size / 1e6

    def _image_mb(self):
        """Of the image `hubgate`, where `make image` has made one with Docker."""
        if shutil.which("docker") is None:
            return None
        command = ["docker", "image", "inspect", "hubgate", "--format", "{{.Size}}"]
        said = subprocess.run(command, capture_output=True, text=True, check=False)
        return int(said.stdout) / 1e6 if said.returncode == 0 else None
