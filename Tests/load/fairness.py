#!/usr/bin/env python3
"""How long a metadata call of one key takes while another key downloads by 500 connections at once.

    Tests/load/fairness.py BINARY [--downloads 500] [--calls 300] [--workers 1]

The Hub here answers each call of metadata at once and sends files to a store, which is nginx. The downloads are curl's, from the same address, as fast as
they go, and begin anew when they end. Nothing is kept and nothing is coalesced, so each metadata call goes to the Hub, on a connection of its own to the
gateway that is open already. It prints the quantiles idle and under load. Nothing is judged: machines differ.
"""

import argparse
import getpass
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("binary", type=Path)
parser.add_argument("--downloads", type=int, default=500)
parser.add_argument("--calls", type=int, default=300)
parser.add_argument("--workers", type=int, default=1)
options = parser.parse_args()
os.environ["HUBGATE_BINARY"] = str(options.binary.resolve())
sys.path[:0] = [str(ROOT / "Tests/support"), str(ROOT / "Tests/contract")]

from fakehub import FakeHub, http  # noqa: E402
from gate import make_certificates, running_gate  # noqa: E402
from keys import Keys  # noqa: E402
from policy import request  # noqa: E402
from ports import free_port  # noqa: E402

MIB = 1 << 20
# curl opens at most 300 at once.
EACH = 250
NGINX = """
user {user}; worker_processes 1; daemon off; pid {place}/pid; error_log {place}/errors;
events {{ worker_connections 2048; }}
http {{ access_log off; sendfile on; client_body_temp_path {place}/t1; proxy_temp_path {place}/t2; fastcgi_temp_path {place}/t3;
uwsgi_temp_path {place}/t4; scgi_temp_path {place}/t5; server {{ listen 127.0.0.1:{port}; root {place}/files; }} }}
"""


def start_store(place, port):
    (place / "files").mkdir()
    (place / "files/file").write_bytes(os.urandom(MIB) * 64)
    (place / "conf").write_text(NGINX.format(user=getpass.getuser(), place=place, port=port))
    return subprocess.Popen(["nginx", "-p", str(place), "-c", str(place / "conf")], stderr=subprocess.DEVNULL)


def start_downloads(gate, certificates, key, count, place):
    """curl processes, each with many transfers of the same file, and again and again."""
    started = []
    for first in range(0, count, EACH):
        config = place / f"curl-{first}"
        one = f'url = "{gate.origin}/acme/m/resolve/main/file?d=[1-1000000]"\noutput = "/dev/null"\n'
        config.write_text(one)
        started.append(subprocess.Popen(
            ["curl", "-sfL", "--http1.1", "--cacert", str(certificates.authority), "-H", f"Authorization: Bearer {key}", "--parallel", "--parallel-immediate",
             "--parallel-max", str(min(EACH, count - first)), "-K", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))  # fmt: skip
    return started


def measure(gate, key, label):
    seconds = []
    with gate.connect(60) as connection:
        for number in range(options.calls):
            began = time.monotonic()
            connection.send(request(key, "GET", f"/api/models/acme/m{number}"))
            assert connection.answer().status == 200
            seconds.append(time.monotonic() - began)
            time.sleep(0.005)
    quantiles = statistics.quantiles(seconds, n=20)
    print(f"{label:10} median {1000 * statistics.median(seconds):7.2f} ms   95 % {1000 * quantiles[-1]:7.2f} ms   longest {1000 * max(seconds):7.2f} ms", flush=True)


def sent(gate):
    page = gate.ask(b"GET /-/metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").body.decode()
    figures = {name: value for name, _, value in (line.rpartition(" ") for line in page.splitlines() if not line.startswith("#"))}
    return float(figures["hubgate_sent_bytes_total"]), float(figures["hubgate_requests_in_flight"]), float(figures["hubgate_upstream_calls_in_flight"])


def main():
    with tempfile.TemporaryDirectory() as place:
        place = Path(place)
        for name in ("certificates", "operator", "store"):
            (place / name).mkdir()
        certificates = make_certificates(place / "certificates")
        keys = Keys(place / "operator")
        greedy, modest = keys.create("greedy"), keys.create("modest")
        port = free_port()
        store = start_store(place / "store", port)
        hub = FakeHub()
        hub.on("/acme/m/resolve/main/file", lambda *_: http(302, b"", f"Location: http://127.0.0.1:{port}/file".encode()))
        for number in range(options.calls):
            hub.on(f"/api/models/acme/m{number}", lambda *_: http(200, b'{"id":"acme/m"}', b"Content-Type: application/json"))
        flags = ("--upstream", hub.url, "--content-hosts", f"http://127.0.0.1:{port}", "--access", "keys", "--state-dir", str(keys.state), "--cache-memory", "off",
                 "--coalesce=off", "--workers", str(options.workers), "--max-connections-per-address", "0")  # fmt: skip
        downloads = []
        try:
            with running_gate(place / "gate", certificates, *flags, HF_TOKEN="hf_of_the_gate") as gate:
                measure(gate, modest, "idle")
                downloads = start_downloads(gate, certificates, greedy, options.downloads, place)
                deadline = time.monotonic() + 60
                while sent(gate)[1] < options.downloads and time.monotonic() < deadline:
                    time.sleep(0.2)
                began, (before, in_flight, calls) = time.monotonic(), sent(gate)
                measure(gate, modest, "under load")
                after = sent(gate)
                rate = (after[0] - before) / (time.monotonic() - began) / MIB
                if rate < 20:
                    sys.exit(f"{rate:.0f} MiB/s went out: these are no downloads")
                print(f"           {in_flight:.0f} requests under way, {calls:.0f} of them with a call at the Hub or its store; {rate:.0f} MiB/s went out")
                for download in downloads:
                    download.kill()
        finally:
            for download in downloads:
                download.kill()
            store.terminate()
            hub.close()


main()
