#!/usr/bin/env python3
"""What a file costs from the file cache, beside nginx that serves the same file statically, both over TLS 1.3: server CPU a GB.

    Tests/load/file_cache.py BINARY [MIB]       a file of so many MiB, 1024 unless said; BINARY is a release build

Prints the cold fill, then hits beside nginx with `sendfile` off and on, in turns; and the longest that a metadata request took while 16 readers
were served. Nothing is judged: machines differ.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(sys.argv[1]).resolve()
SIZE = (int(sys.argv[2]) if len(sys.argv) > 2 else 1024) << 20
ROUNDS = 5
os.environ["HUBGATE_BINARY"] = str(BINARY)
sys.path[:0] = [str(ROOT / "Tests/support"), str(ROOT / "Tests/contract")]
sys.path.append(str(ROOT / "bench"))

from fakehub import FakeHub  # noqa: E402
from gate import Gate, make_certificates, make_workspace  # noqa: E402
from ports import free_port  # noqa: E402
from proc import cpu_seconds  # noqa: E402
from stored_files import Store, digest, figures  # noqa: E402

PATH = "/acme/m/resolve/main/model.bin"
NGINX = """
{user}daemon off; worker_processes 1; pid {work}/pid; error_log {work}/error;
events {{ worker_connections 1024; }}
http {{
    access_log off; sendfile {sendfile}; ssl_protocols TLSv1.3;
    client_body_temp_path {work}; proxy_temp_path {work}; fastcgi_temp_path {work}; uwsgi_temp_path {work}; scgi_temp_path {work};
    server {{
        listen 127.0.0.1:{port} ssl; ssl_certificate {certificates}/cert.pem; ssl_certificate_key {certificates}/key.pem; root {work}/static;
    }}
}}
"""


def fetch(url, authority, pid):
    """CPU seconds a GB of the server, and GB a second."""
    before, began = cpu_seconds(pid), time.monotonic()
    subprocess.run(["curl", "-sS", "--fail", "--http1.1", "--tlsv1.3", "--cacert", authority, "-o", "/dev/null", url], check=True)
    seconds = time.monotonic() - began
    return (cpu_seconds(pid) - before) / (SIZE / 1e9), SIZE / 1e9 / seconds


def nginx(work, certificates, sendfile):
    place = work / f"nginx-{sendfile}"
    place.mkdir()
    (place / "static").symlink_to(work / "static")
    port = free_port()
    (place / "conf").write_text(NGINX.format(
        user="user root; " if os.geteuid() == 0 else "", work=place, sendfile=sendfile, port=port, certificates=certificates.directory))
    process = subprocess.Popen(["nginx", "-p", place, "-c", place / "conf"])
    time.sleep(0.5)
    return process, f"https://localhost:{port}/model.bin"


def main():
    work = Path(tempfile.mkdtemp(prefix="hubgate-file-cache-"))
    certificates = make_certificates(work / "certs")
    (work / "static").mkdir()
    content = os.urandom(1 << 20) * (SIZE >> 20)
    (work / "static/model.bin").write_bytes(content)
    hub = FakeHub()
    store = Store(hub)
    store.put("model.bin", SIZE, content=content)
    gate = Gate(
        make_workspace(work / "gate"), certificates, "--upstream", hub.url, "--content-hosts", store.url, "--cache-dir", str(work / "cache"),
        "--cache-size", "64GiB", HF_TOKEN="hf_x")
    servers = {"hubgate": (gate.pid, gate.origin + PATH)}
    others = []
    for sendfile in ("off", "on"):
        process, url = nginx(work, certificates, sendfile)
        others.append(process)
        servers[f"nginx, sendfile {sendfile}"] = (process.pid, url)
    try:
        cost, rate = fetch(gate.origin + PATH, certificates.authority, gate.pid)
        print(f"cold fill: {cost:.2f} CPU s/GB, {rate:.2f} GB/s; bytes from the store: {store.bytes_sent(content)}")
        while not figures(gate)["verified_total"]:
            time.sleep(0.1)
        found = {name: [] for name in servers}
        for _ in range(ROUNDS):
            for name, (pid, url) in servers.items():
                found[name].append(fetch(url, certificates.authority, pid))
        for name, rounds in found.items():
            costs = [cost for cost, _ in rounds]
            print(
                f"{name}: median {statistics.median(costs):.3f} CPU s/GB ({min(costs):.3f} to {max(costs):.3f}), "
                f"{statistics.median(rate for _, rate in rounds):.2f} GB/s")
        body = gate.curl(PATH, "-o", "/dev/null", "-D", "-")
        print("Cache-Status:", *[line for line in body.stdout.decode().splitlines() if line.lower().startswith("cache-status")])
        readers(gate)
        print(f"peak memory: {gate.peak_resident_bytes >> 20} MiB; sha256 {digest(content)[:12]}")
    finally:
        gate.stop()
        for process in others:
            process.terminate()
        store.close()
        subprocess.run(["rm", "-rf", work])


def readers(gate, count=16):
    """The time of a small request while many read."""
    url = gate.origin + PATH
    curls = [
        subprocess.Popen(["curl", "-sS", "--http1.1", "--cacert", gate.certificates.authority, "-o", "/dev/null", url])
        for _ in range(count)
    ]
    times, request = [], b"GET /-/health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with gate.connect(timeout=60) as connection:
        while any(curl.poll() is None for curl in curls) and len(times) < 2000:
            began = time.monotonic()
            connection.send(request)
            connection.answer()
            times.append((time.monotonic() - began) * 1000)
            time.sleep(0.002)
    for curl in curls:
        curl.wait()
    times.sort()
    print(
        f"{count} readers: a health request takes {statistics.median(times):.2f} ms, p99 {times[int(len(times) * 0.99) - 1]:.2f} ms, "
        f"at most {times[-1]:.2f} ms ({len(times)} requests; the clients share the cores)")


main()
