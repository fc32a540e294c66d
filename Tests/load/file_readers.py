#!/usr/bin/env python3
"""What many readers of one cached file get, and what they cost; and how soon the first byte of a hit comes.

    Tests/load/file_readers.py BINARY [READERS] [MIB]       64 readers of a file of 128 MiB, unless said; BINARY is a release build

A core's share is of what `openssl speed` says that one core encrypts with the cipher that was negotiated, in records of 16 KiB, measured in turns with
the readers. Nothing is judged: machines differ.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(sys.argv[1]).resolve()
READERS = int(sys.argv[2]) if len(sys.argv) > 2 else 64
SIZE = (int(sys.argv[3]) if len(sys.argv) > 3 else 128) << 20
ROUNDS = 5
HITS = 200
os.environ["HUBGATE_BINARY"] = str(BINARY)
sys.path[:0] = [str(ROOT / "Tests/support"), str(ROOT / "Tests/contract")]
sys.path.append(str(ROOT / "bench"))

from fakehub import FakeHub  # noqa: E402
from file_cache import PATH, get  # noqa: E402
from gate import Gate, make_certificates, make_workspace  # noqa: E402
from proc import cpu_seconds  # noqa: E402
from stored_files import Store, figures  # noqa: E402

SMALL = "/acme/m/resolve/main/small.bin"
CIPHERS = {"TLS_AES_256_GCM_SHA384": "aes-256-gcm", "TLS_AES_128_GCM_SHA256": "aes-128-gcm", "TLS_CHACHA20_POLY1305_SHA256": "chacha20-poly1305"}


def encrypted(cipher):
    """MB that one core encrypts in a second of its own time."""
    done = subprocess.run(
        ["openssl", "speed", "-seconds", "2", "-bytes", "16384", "-evp", cipher], capture_output=True, text=True, check=True)
    # Of user time, so that what else the machine does is not counted.
    return float(re.search(rf"^{cipher}\s+([\d.]+)k", done.stdout, re.MULTILINE | re.IGNORECASE)[1]) / 1000


def first_bytes(gate):
    """Times of hits from the request's last byte to the response's first, on one connection, in milliseconds."""
    times = []
    with gate.connect(timeout=30) as connection:
        for _ in range(HITS):
            began = time.monotonic()
            connection.send(get(SMALL).replace(b"Connection: close\r\n", b""))
            part = connection.socket.recv(1)
            times.append((time.monotonic() - began) * 1000)
            taken = part
            while b"\r\n\r\n" not in taken:
                taken += connection.socket.recv(65536)
            assert b"hubgate; hit; detail=file" in taken, taken[:500]
            length = int(re.search(rb"content-length: (\d+)", taken, re.IGNORECASE)[1])
            left = length - len(taken.partition(b"\r\n\r\n")[2])
            while left > 0:
                left -= len(connection.socket.recv(65536))
    return sorted(times)


def read(gate):
    """MB a second of the server's CPU time, and MB a second."""
    before, began = cpu_seconds(gate.pid), time.monotonic()
    subprocess.run(
        ["curl", "-sS", "--fail", "--http1.1", "--cacert", gate.certificates.authority, "--parallel", "--parallel-immediate", "--parallel-max",
         str(READERS), *[word for _ in range(READERS) for word in ("-o", "/dev/null", gate.origin + PATH)]],
        check=True, capture_output=True)  # fmt: skip
    megabytes = READERS * SIZE / 1e6
    return megabytes / (cpu_seconds(gate.pid) - before), megabytes / (time.monotonic() - began)


def main():
    work = Path(tempfile.mkdtemp(prefix="hubgate-file-readers-"))
    hub = FakeHub()
    store = Store(hub)
    store.put("model.bin", SIZE, content=os.urandom(1 << 20) * (SIZE >> 20))
    store.put("small.bin", 100_000)
    gate = Gate(
        make_workspace(work / "gate"), make_certificates(work / "certs"), "--upstream", hub.url, "--content-hosts", store.url, "--cache-dir",
        str(work / "cache"), "--cache-size", "64GiB", HF_TOKEN="hf_x", HUBGATE_CACHE_MEMORY="64MiB", HUBGATE_METADATA_TTL="1h")
    try:
        for path in (PATH, SMALL):
            assert gate.ask(get(path), timeout=300).status == 200
        while figures(gate)["verified_total"] < 2:
            time.sleep(0.1)
        with gate.connect() as connection:
            name = connection.socket.cipher()[0]
        idle = gate.resident_bytes
        first = [first_bytes(gate) for _ in range(ROUNDS)]
        medians = [statistics.median(times) for times in first]
        tails = [times[int(HITS * 0.99) - 1] for times in first]
        print(
            f"first byte of a hit, {ROUNDS} rounds of {HITS}: median {statistics.median(medians):.2f} ms ({min(medians):.2f} to {max(medians):.2f}), "
            f"p99 {statistics.median(tails):.2f} ms ({min(tails):.2f} to {max(tails):.2f})", flush=True)
        shares, rates, walls, speeds = [], [], [], []
        for _ in range(ROUNDS):
            speeds.append(encrypted(CIPHERS[name]))
            rate, wall = read(gate)
            rates.append(rate)
            walls.append(wall)
            shares.append(rate / speeds[-1])
        print(
            f"{READERS} readers of {SIZE >> 20} MiB, {name}, {ROUNDS} rounds: {statistics.median(rates):.0f} MB/s a core "
            f"({min(rates):.0f} to {max(rates):.0f}), {statistics.median(walls):.0f} MB/s on this machine; the cipher alone "
            f"{statistics.median(speeds):.0f} MB/s ({min(speeds):.0f} to {max(speeds):.0f}): {100 * statistics.median(shares):.0f} % of it "
            f"({100 * min(shares):.0f} to {100 * max(shares):.0f})")
        print(f"memory: {(gate.peak_resident_bytes - idle) / READERS / 1024:.0f} KiB a reader over idle, of {idle >> 20} MiB")
    finally:
        gate.stop()
        store.close()
        subprocess.run(["rm", "-rf", work], check=False)


main()
