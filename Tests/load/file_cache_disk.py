#!/usr/bin/env python3
"""What the disk under the file cache does to requests that have nothing to do with it: the time of metadata requests meanwhile.

    Tests/load/file_cache_disk.py BINARY [BLOBS]     100,000 files unless said; BINARY is a release build

First a disk on which each read of 256 KiB takes 50 ms, with readers of a file of which nothing is in memory; then a start in a directory with so many
files, none of which the gateway knows, and the removal of half of them. Nothing is judged: machines differ.
"""

import os
import shutil
import struct
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
os.environ["HUBGATE_BINARY"] = str(Path(sys.argv[1]).resolve())
BLOBS = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
sys.path[:0] = [str(ROOT / "Tests/support"), str(ROOT / "Tests/contract")]

from fakehub import FakeHub, http  # noqa: E402
from file_cache import Clients, Disk, get, wait_until_whole  # noqa: E402
from gate import Gate, make_certificates, make_workspace  # noqa: E402
from stored_files import Store, figures  # noqa: E402

METADATA = b"GET /api/models/acme/m HTTP/1.1\r\nHost: localhost\r\n\r\n"
READERS = 8
SECONDS = 5


def metadata_times(gate, is_over):
    """In milliseconds, of requests that go to the Hub and back on one connection, until `is_over()`."""
    times = []
    with gate.connect(timeout=60) as connection:
        while not is_over():
            began = time.monotonic()
            connection.send(METADATA)
            assert connection.answer().status == 200
            times.append((time.monotonic() - began) * 1000)
            time.sleep(0.002)
    return sorted(times)


def say(what, times):
    middle, most = times[len(times) // 2], times[int(len(times) * 0.99)]
    print(f"{what}: metadata takes {middle:.2f} ms, p99 {most:.2f} ms, at most {times[-1]:.2f} ms ({len(times)} requests)")


def for_seconds(count):
    end = time.monotonic() + count
    return lambda: time.monotonic() > end


def slow_disk(work, certificates, hub, store):
    disk = Disk(work)
    content = store.put("model.bin", 256 << 20, content=os.urandom(1 << 20) * 256)
    gate = Gate(
        make_workspace(work / "slow"), certificates, "--upstream", hub.url, "--content-hosts", store.url, "--cache-dir", str(work / "cache"),
        HF_TOKEN="hf_x", **disk.variables)
    try:
        gate.ask(get(), timeout=120)
        wait_until_whole(work / "cache", content)
        say("no reader", metadata_times(gate, for_seconds(2)))
        end, before = for_seconds(SECONDS), disk.stuck_reads

        def beat():
            while not end():
                disk.fails(stuck=True)
                time.sleep(0.05)
                disk.fails(old=True)
                time.sleep(0.001)
            disk.fails()

        beating = threading.Thread(target=beat)
        beating.start()
        readers = Clients(gate, [get()] * READERS)
        say(f"{READERS} readers, each read of the disk up to 50 ms", metadata_times(gate, end))
        beating.join()
        print(f"reads that waited: {disk.stuck_reads - before}")
        assert [status for status, _ in readers.all()] == [200] * READERS
    finally:
        disk.fails()
        gate.stop()
        shutil.rmtree(work / "cache")


def blob(number):
    """A name, and a file as the gateway would have it, of a small content."""
    header = struct.pack("<8sQQQQQQQ", b"hubgate1", 1000, 4 << 20, 1, 1_700_000_000, 0, 0, 0)
    return f"{number * 0x9E3779B97F4A7C15 % (1 << 64):016x}" * 4, bytes(4096) + header + struct.pack("<Q32s", 1, b"")


def many_files(work, certificates, hub):
    cache = work / "many"
    for number in range(BLOBS):
        name, content = blob(number)
        path = cache / "blobs/sha256" / name[:2] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    os.system("sync; echo 3 > /proc/sys/vm/drop_caches 2>/dev/null")
    taken = BLOBS * 8192
    for size in ("100GiB", f"{taken // 2 >> 20}MiB"):
        began = time.monotonic()
        gate = Gate(
            make_workspace(work / f"many-{size}"), certificates, "--upstream", hub.url, "--cache-dir", str(cache), "--cache-size", size,
            HF_TOKEN="hf_x", HUBGATE_USER="root")
        try:
            gate.ask(METADATA.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            first, before = time.monotonic() - began, []

            def known():
                found = figures(gate)
                before.append((found["files"], found["evictions_total"]))
                done = found["files"] == BLOBS if size == "100GiB" else len(before) > 50 and before[-1] == before[-50] and found["evictions_total"]
                return done or time.monotonic() - began > 120

            say(f"{BLOBS} files, cache_size {size}", metadata_times(gate, known))
            print(f"first response after {first * 1000:.0f} ms, all done after {time.monotonic() - began:.1f} s: {before[-1]} files and evictions")
        finally:
            gate.stop()


def main():
    work = Path(tempfile.mkdtemp(prefix="hubgate-file-cache-disk-"))
    work.chmod(0o711)
    certificates = make_certificates(work / "certs")
    hub = FakeHub()
    store = Store(hub)
    hub.on("/api/models/acme/m", lambda *_: http(200, b"{}", b"Content-Type: application/json"))
    try:
        slow_disk(work, certificates, hub, store)
        many_files(work, certificates, hub)
    finally:
        store.close()
        hub.close()
        shutil.rmtree(work)


main()
