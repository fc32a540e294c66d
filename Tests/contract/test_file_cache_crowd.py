"""Many cold clients of one large file are one transfer to the store, and cost little memory.

    HUBGATE_CACHE_CROWD=100 HUBGATE_CACHE_CROWD_MIB=256 Tests/contract/run.sh -s test_file_cache_crowd.py      (make cache-crowd)
"""

import os
import statistics
import subprocess
import time

from file_cache import MIB, PATH, Clients, get, wait_until_whole
from gate import IS_SANITIZED
from stored_files import PIECE, digest, figures
from waiting import wait_until

CLIENTS = int(os.environ.get("HUBGATE_CACHE_CROWD", 30))
SIZE = int(os.environ.get("HUBGATE_CACHE_CROWD_MIB", 24)) * MIB


def test_a_crowd_of_cold_clients_is_one_transfer(caching, store, cache):
    content = store.put("model.bin", SIZE, content=os.urandom(MIB) * (SIZE // MIB))
    gate = caching()
    gate.ask(b"GET /-/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    idle = gate.resident_bytes
    began = time.monotonic()
    # One process of curl has them all, so that the machine has time for the gate. One more looks at the bytes.
    looks = Clients(gate, [get()])
    done = subprocess.run(
        ["curl", "-sS", "--fail", "--http1.1", "--cacert", gate.certificates.authority, "--parallel", "--parallel-immediate", "--parallel-max",
         str(CLIENTS), "-w", "%{http_code} %{size_download} %{time_appconnect} %{time_starttransfer}\n",
         *[word for _ in range(CLIENTS) for word in ("-o", "/dev/null", gate.origin + PATH)]],
        capture_output=True, text=True, timeout=1200, check=False)  # fmt: skip
    seconds = time.monotonic() - began
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [row[:2] for row in rows] == [["200", str(SIZE)]] * CLIENTS, done.stderr
    [(status, body)] = looks.all()
    assert (status, digest(body)) == (200, digest(content))
    wait_until_whole(cache, content)
    assert SIZE <= store.bytes_sent(content) <= SIZE + PIECE
    assert wait_until(lambda: figures(gate)["verified_total"] == 1, 10)
    grown = gate.peak_resident_bytes - idle
    first = sorted((float(row[3]) - float(row[2])) * 1000 for row in rows)
    print(
        f"\n{CLIENTS} clients of {SIZE // MIB} MiB: {store.bytes_sent(content) / SIZE:.3f} times from the store in "
        f"{len(store.ranges_asked(content))} calls, {seconds:.1f} s, {CLIENTS * SIZE / 1e9 / seconds:.2f} GB/s; first byte after the handshake: "
        f"median {statistics.median(first):.0f} ms, at most {first[-1]:.0f} ms; memory: {grown / MIB / CLIENTS:.2f} MiB a client")
    assert IS_SANITIZED or grown < (16 + CLIENTS) * MIB
