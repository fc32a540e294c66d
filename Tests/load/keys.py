#!/usr/bin/env python3
"""What many gateway keys cost: the time to serve, the memory of a worker, and the time until a change is in force.

    Tests/load/keys.py BINARY [COUNT]       COUNT keys, 100000 unless said; BINARY is a release build

It writes the keys into a database as `hubgate keys create` would, starts a gateway in its sandbox with one worker and with no key, then with
all of them, and prints the figures. Nothing is judged: machines differ.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(sys.argv[1]).resolve()
COUNT = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
os.environ["HUBGATE_BINARY"] = str(BINARY)
sys.path.insert(0, str(ROOT / "Tests/support"))

from gate import Gate, make_certificates, make_workspace  # noqa: E402
from keys import Keys  # noqa: E402
from many_keys import fill  # noqa: E402

def workers(gate):
    return [int(pid) for pid in Path(f"/proc/{gate.pid}/task/{gate.pid}/children").read_text().split()]


def memory(pid):
    """Private and resident, in KiB."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in rollup if line.startswith(("Private_Clean", "Private_Dirty")))


def measure(base, certificates, keys, name, asked=None):
    began = time.monotonic()
    gate = Gate(make_workspace(base / name), certificates, "--sandbox", "--access", "keys", "--state-dir", str(keys.state))
    seconds = time.monotonic() - began
    try:
        # In the order of their start: the sandbox, the state process, the worker.
        sandbox, state_process, worker = workers(gate)
        if asked:
            head = f"GET /api/account HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {asked}\r\nConnection: close\r\n\r\n"
            assert gate.ask(head.encode()).status == 200
            began = time.monotonic()
            new = keys.create("later")
            made = time.monotonic()
            while gate.ask(head.replace(asked, new).encode()).status != 200:
                time.sleep(0.01)
            print(f"{name}: the command took {made - began:.2f} s, the key was good {time.monotonic() - made:.2f} s later")
        result = seconds, memory(worker), memory(state_process)
        print(f"{name}: served after {seconds:.2f} s; worker {result[1]} KiB, state process {result[2]} KiB, of their own")
        return result
    finally:
        gate.stop()


def main():
    with tempfile.TemporaryDirectory() as directory:
        base = Path(directory)
        certificates = make_certificates(base / "certs")
        (base / "few").mkdir()
        (base / "many").mkdir()
        few, many = Keys(base / "few"), Keys(base / "many")
        few.create("one")
        asked = fill(many, COUNT)
        empty = [measure(base, certificates, few, f"one-key-{n}") for n in range(3)]
        full = [measure(base, certificates, many, f"{COUNT}-keys-{n}", asked if n == 0 else None) for n in range(3)]
        best = [min(run[index] for run in full) - min(run[index] for run in empty) for index in range(3)]
        print(f"{COUNT} keys: {best[0]:.2f} s longer to serve, {best[1] / 1024:.1f} MiB more in a worker, {best[2] / 1024:.1f} in the state process")


if __name__ == "__main__":
    main()
