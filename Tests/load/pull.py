#!/usr/bin/env python3
"""How long other clients wait while a revision of very many files is pulled.

    Tests/load/pull.py BINARY [FILES]       199,999 and one more unless said; BINARY is a release build

All of them are listed, recorded and written down, and one is fetched. The wait is the CPU time of the server between a small request and its reply: on a
core of its own that is the time of the longest turn of the loop, and on a shared one others' work is not counted. Nothing is judged.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(sys.argv[1]).resolve()
FILES = int(sys.argv[2]) if len(sys.argv) > 2 else 199_999
os.environ["HUBGATE_BINARY"] = str(BINARY)
sys.path[:0] = [str(ROOT / "Tests/support"), str(ROOT / "Tests/contract")]

from fakehub import FakeHub, http  # noqa: E402
from gate import Gate, make_certificates, make_workspace, run  # noqa: E402

COMMIT = "c" * 40
HEALTH = b"GET /-/health HTTP/1.1\r\nHost: localhost\r\n\r\n"
JSON = b"Content-Type: application/json"
TEXT = b"hello"


def entry(number):
    """Neither in order nor in the reverse of it."""
    path = f"shards/{number * 7919 % 9973:05}/part-{number:06}.safetensors"
    name = hashlib.sha256(path.encode()).hexdigest()
    lfs = {"oid": name, "size": 5_000_000_000, "pointerSize": 135}
    return {"type": "file", "oid": name[:40], "size": 5_000_000_000, "path": path, "lfs": lfs, "xetHash": name}


def tree(request):
    query = dict(urllib.parse.parse_qsl(request.target.partition("?")[2]))
    start, limit = int(query.get("cursor", 0)), int(query["limit"])
    page = [entry(number) for number in range(start, min(FILES, start + limit))]
    if start == 0:
        page.append({"type": "file", "oid": hashlib.sha1(b"blob 5\0" + TEXT).hexdigest(), "size": 5, "path": "a.txt"})
    fields = []
    if start + limit < FILES:
        fields = [f'Link: <https://hub/x?recursive=true&limit={limit}&cursor={start + limit}>; rel="next"'.encode()]
    return http(200, json.dumps(page).encode(), JSON, *fields)


def cpu(pid):
    """In milliseconds."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6


def watch(gate, is_over, waits):
    while not is_over.is_set():
        watch_once(gate, is_over, waits)


def watch_once(gate, is_over, waits):
    with gate.connect(timeout=60) as connection:
        # A connection has so many requests.
        for _ in range(900):
            if is_over.is_set():
                return
            before = cpu(gate.pid)
            connection.send(HEALTH)
            connection.answer()
            waits.append(cpu(gate.pid) - before)
            time.sleep(0.001)


def measured(gate, work):
    """Waits while `work` runs, the longest last."""
    waits, is_over = [], threading.Event()
    thread = threading.Thread(target=watch, args=[gate, is_over, waits])
    thread.start()
    work()
    is_over.set()
    thread.join()
    return sorted(waits)


def show(name, waits):
    print(f"{name}: median {waits[len(waits) // 2]:.2f} ms, p99.9 {waits[int(len(waits) * 0.999) - 1]:.2f} ms, longest {waits[-1]:.2f} ms "
          f"({len(waits)} requests)", flush=True)


def main():
    work = Path(tempfile.mkdtemp(prefix="hubgate-pull-"))
    hub = FakeHub()
    found = json.dumps({"sha": COMMIT, "private": False, "gated": False}).encode()
    hub.on("/api/models/acme/m/revision/main", lambda *_: http(200, found, JSON))
    hub.on(f"/api/models/acme/m/tree/{COMMIT}", lambda request, *_: tree(request))
    hub.on(f"/acme/m/resolve/{COMMIT}/a.txt", lambda *_: http(200, TEXT))
    cache = work / "cache"
    workspace = make_workspace(work / "gate")
    gate = Gate(workspace, make_certificates(work / "certs"), "--upstream", hub.url, "--cache-dir", str(cache), "--cache-size", "64GiB", HF_TOKEN="hf_x")

    def pull():
        while True:
            done = run(workspace, "cache", "pull", "acme/m", "--include", "a.txt", "--cache-dir", str(cache), timeout=1200)
            if "no gateway runs" not in done.stderr:
                assert done.returncode == 0, done.stderr
                return
            time.sleep(0.2)

    try:
        show("nothing beside", measured(gate, lambda: time.sleep(2)))
        for name in ("the first pull", "a pull of what is here"):
            began = time.monotonic()
            show(f"{FILES} files, {name}", measured(gate, pull))
            kept = sum(file.stat().st_size for file in (cache / "revisions").iterdir())
            print(f"  {time.monotonic() - began:.0f} s, {kept / 1e6:.1f} MB on the disk")
    finally:
        gate.stop()
        hub.close()
        subprocess.run(["rm", "-rf", work], check=False)


main()
