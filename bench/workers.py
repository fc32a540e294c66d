"""What a second worker brings and costs: `make bench-workers`.

Each worker gets a control group of its own with the same small share of a core, so that the load generator and the upstream have the rest of
a small machine and are not the limit. Then one worker is measured against two, in interleaved rounds: requests a second, and CPU a request of
all processes of the gateway together (/proc/PID/schedstat, in nanoseconds). Needs root, a control group file system that can be written to,
nginx and wrk.
"""

import argparse
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CERTS = ROOT / "certs"
UPSTREAM, GATE = 18091, 18454
PERIOD_MICROSECONDS = 10_000

UPSTREAM_CONF = """
daemon off; worker_processes 1; pid {work}/upstream.pid; error_log {work}/upstream.err;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 100000000;
  server {{ listen 127.0.0.1:{port}; default_type application/json;
    location / {{ return 200 '{{"id":"sandbox/demo","private":false}}'; }} }} }}
"""

CASES = {"fixed": "/-/health", "relayed": "/api/models/sandbox/demo"}


class Share:
    """A control group that holds one process to a part of a core."""

    def __init__(self, name, percent):
        quota = PERIOD_MICROSECONDS * percent // 100
        old = pathlib.Path("/sys/fs/cgroup/cpu")
        self.folder = (old if old.is_dir() else old.parent) / name
        try:
            self.folder.mkdir()
            if old.is_dir():
                (self.folder / "cpu.cfs_period_us").write_text(str(PERIOD_MICROSECONDS))
                (self.folder / "cpu.cfs_quota_us").write_text(str(quota))
            else:
                (self.folder / "cpu.max").write_text(f"{quota} {PERIOD_MICROSECONDS}")
        except OSError as error:
            sys.exit(f"no control group can be made here ({error}): run it as root, where /sys/fs/cgroup is writable")

    def take(self, pid):
        (self.folder / "cgroup.procs").write_text(str(pid))

    def close(self):
        self.folder.rmdir()


class Gate:
    def __init__(self, binary, work, workers, shares):
        with open(work / "gate.log", "wb") as log:
            self.process = subprocess.Popen(
                [binary, "--workers", str(workers), "--listen", f"127.0.0.1:{GATE}", "--upstream", f"http://127.0.0.1:{UPSTREAM}",
                 "--tls-cert", CERTS / "cert.pem", "--tls-key", CERTS / "key.pem", "--max-requests-per-connection", "off"],
                stdout=log, stderr=subprocess.PIPE, text=True, env={"PATH": os.environ["PATH"], "HF_TOKEN": "hf_bench"}, cwd=work,
            )
        while "Listening" not in (line := self.process.stderr.readline()):
            if not line:
                sys.exit("the gateway did not start")
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        self.workers = [int(pid) for pid in children] or [self.process.pid]
        assert len(self.workers) == workers
        for pid, share in zip(self.workers, shares):
            share.take(pid)

    def cpu_seconds(self):
        return sum(int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in {self.process.pid, *self.workers}) / 1e9

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def load(path, seconds, connections):
    out = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", f"https://127.0.0.1:{GATE}{path}"], capture_output=True, text=True, check=True,
    ).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        sys.exit(f"not all requests were answered:\n{out}")
    return int(re.search(r"(\d+) requests in", out).group(1))


def measure(options, work, shares, workers, path):
    """Requests a second, and microseconds of CPU a request."""
    gate = Gate(options.binary.resolve(), work, workers, shares)
    try:
        # Connections to the upstream, handshakes and first allocations are not what is compared.
        load(path, 1, options.connections)
        before = gate.cpu_seconds()
        count = load(path, options.seconds, options.connections)
        return count / options.seconds, (gate.cpu_seconds() - before) * 1e6 / count
    finally:
        gate.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--connections", type=int, default=64, help="of the load generator")
    parser.add_argument("--share", type=int, default=20, help="of a core for each worker, in percent")
    parser.add_argument("--case", choices=CASES, action="append")
    options = parser.parse_args()
    shares = []
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        (work / "upstream.conf").write_text(UPSTREAM_CONF.format(work=work, port=UPSTREAM))
        upstream = subprocess.Popen(["nginx", "-p", work, "-c", work / "upstream.conf"], stderr=subprocess.DEVNULL)
        try:
            for number in range(2):
                shares.append(Share(f"hubgate-bench-{os.getpid()}-{number}", options.share))
            time.sleep(0.5)
            for case in options.case or CASES:
                rates, costs = [], []
                for number in range(options.rounds):
                    one, two = (measure(options, work, shares, workers, CASES[case]) for workers in (1, 2))
                    rates.append(two[0] / one[0])
                    costs.append(two[1] / one[1])
                    print(
                        f"{case:8} round {number + 1}/{options.rounds}  one: {one[0]:7.0f} req/s {one[1]:6.1f} us/req   "
                        f"two: {two[0]:7.0f} req/s {two[1]:6.1f} us/req", flush=True,
                    )  # fmt: skip
                print(
                    f"{case}: two workers with {options.share} % of a core each carry {statistics.median(rates):.2f} times what one does "
                    f"({min(rates):.2f} to {max(rates):.2f}), at {statistics.median(costs):.2f} times the CPU a request "
                    f"({min(costs):.2f} to {max(costs):.2f})"
                )
        finally:
            upstream.send_signal(signal.SIGTERM)
            upstream.wait(15)
            for share in shares:
                share.close()


if __name__ == "__main__":
    main()
