"""A HAProxy with one of config/haproxy's files before three gates."""

import os
import signal
import socket
import subprocess
from pathlib import Path

from gate import ROOT, clean_environment
from ports import free_port
from waiting import wait_until


class HAProxy:
    def __init__(self, directory, name, certificates, gates):
        self.port = free_port()
        self.statistics = directory / "haproxy.sock"
        self.log_path = directory / "haproxy.log"
        pem = directory / "gate.pem"
        pem.write_text(certificates.chain_with_key)
        variables = {
            "HUBGATE_NAME": "localhost",
            "HUBGATE_BIND": f"127.0.0.1:{self.port}",
            "HUBGATE_CA": str(certificates.authority),
            "HUBGATE_PEM": str(pem),
            "HUBGATE_STATS": str(self.statistics),
        }
        for number, gate in enumerate(gates, 1):
            variables[f"HUBGATE_{number}"] = f"127.0.0.1:{gate.port}"
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                ["/usr/sbin/haproxy", "-f", ROOT / "config/haproxy" / name],
                env=clean_environment(directory, **variables),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def log(self):
        return Path(self.log_path).read_text(errors="replace")

    def servers(self):
        """Of each gate its state (`UP`, `DOWN` …) and how many connections or requests it has."""
        with socket.socket(socket.AF_UNIX) as asked:
            asked.connect(os.fspath(self.statistics))
            asked.sendall(b"show stat\n")
            text = b"".join(iter(lambda: asked.recv(65536), b"")).decode()
        lines = [line.split(",") for line in text.splitlines() if line]
        columns = {name.lstrip("# "): index for index, name in enumerate(lines[0])}
        rows = [line for line in lines[1:] if line[columns["pxname"]] == "gateways" and line[columns["svname"]] != "BACKEND"]
        return [(row[columns["status"]], int(row[columns["scur"]])) for row in rows]

    def wait_for(self, condition, seconds=10):
        """Waits until `condition` holds of the servers."""

        def holds():
            assert self.process.poll() is None, self.log
            return self.statistics.exists() and condition(self.servers())

        assert wait_until(holds, seconds), f"{self.servers()}: {self.log}"

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
