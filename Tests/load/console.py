#!/usr/bin/env python3
"""What an open console costs the gateway: CPU time with and without one, in rounds that take turns.

    Tests/load/console.py BINARY [ROUNDS [SECONDS]]      BINARY is a release build; 5 rounds of 8 seconds unless said

One worker with 10,000 keys answers 1,000 requests a second, from its cache, over kept connections; then the same with each page of the console
open, which asks what its script asks, as often as it does. What is measured is the time that the kernel has given to the gateway's processes, without
the sandbox's. Nothing is judged: machines differ.
"""

import multiprocessing
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(sys.argv[1]).resolve()
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
SECONDS = float(sys.argv[3]) if len(sys.argv) > 3 else 8
KEYS, RATE, CONNECTIONS = 10_000, 1_000, 8
os.environ["HUBGATE_BINARY"] = str(BINARY)
sys.path.insert(0, str(ROOT / "Tests/support"))

from admin import Session  # noqa: E402
from gate import Gate, make_certificates, make_workspace  # noqa: E402
from keys import Keys  # noqa: E402
from many_keys import fill  # noqa: E402

# What the script of each page asks for, and after how many seconds again (Sources/ConsoleFiles/page-*.js).
PAGES = {
    "none": [], "Now": [("requests", 2), ("requests/recent", 2)], "Budget": [("budget", 2)], "Usage": [("usage?by=key&limit=200", 15)],
    "Cache": [("cache", 5), ("cache/files?limit=50", 5)], "Health": [("status", 10), ("settings", 10)],
}  # fmt: skip


def processes(gate):
    """The gateway's, without the sandbox, which is the first child."""
    children = [int(pid) for pid in Path(f"/proc/{gate.pid}/task/{gate.pid}/children").read_text().split()]
    return [gate.pid, *children[1:]]


def cpu(pids):
    """Nanoseconds on a CPU, of the one thread that each has."""
    return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in pids)


def load(gate, key, stop, count):
    """Each connection asks at an even pace; what is late is not made up for."""
    def ask():
        head = f"GET /api/models/sandbox/demo HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
        with gate.connect(30) as connection:
            due = time.monotonic()
            while not stop.is_set():
                connection.send(head)
                assert connection.answer().status == 200
                with count.get_lock():
                    count.value += 1
                due = max(due + CONNECTIONS / RATE, time.monotonic() - 0.1)
                time.sleep(max(0, due - time.monotonic()))

    # One that fails ends the load, and so the rounds.
    def guarded():
        try:
            ask()
        except BaseException:
            stop.set()
            raise

    threads = [threading.Thread(target=guarded) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def browse(gate, session, page, stop):
    """One page that is open."""
    head = f"HTTP/1.1\r\nHost: localhost\r\n{session.cookie.decode()}\r\n\r\n"
    with gate.connect(60) as events, gate.connect(60) as calls:
        if page == "Now":
            events.send(f"GET /-/api/events {head}".encode())
            threading.Thread(target=drain, args=(events, stop), daemon=True).start()
        due = {path: 0.0 for path, _ in PAGES[page]}
        while not stop.wait(0.05):
            for path, pause in PAGES[page]:
                if time.monotonic() >= due[path]:
                    due[path] = time.monotonic() + pause
                    calls.send(f"GET /-/api/{path} {head}".encode())
                    assert calls.answer().status == 200, path


def drain(connection, stop):
    while not stop.is_set():
        try:
            if not connection.socket.recv(65536):
                return
        except OSError:
            return


def measure(gate, pids, session, page, count):
    """CPU seconds and requests a second."""
    stop = threading.Event()
    thread = threading.Thread(target=browse, args=(gate, session, page, stop)) if PAGES[page] else None
    if thread:
        thread.start()
    # The page's first questions come in a round of their own length, as all that it asks does.
    began, used, done = time.monotonic(), cpu(pids), count.value
    time.sleep(SECONDS)
    seconds = time.monotonic() - began
    result = (cpu(pids) - used) / 1e9 / seconds, (count.value - done) / seconds
    assert result[1] > RATE / 2, "the load has stopped"
    stop.set()
    if thread:
        thread.join()
    return result


def main():
    with tempfile.TemporaryDirectory() as directory:
        base = Path(directory)
        certificates = make_certificates(base / "certs")
        (base / "operator").mkdir()
        keys = Keys(base / "operator")
        fill(keys, KEYS)
        key = keys.create("client", "--role", "reader")
        root = keys.create("root", "--role", "admin")
        gate = Gate(
            make_workspace(base / "gate"), certificates, "--sandbox", "--access", "keys", "--workers", "1", "--state-dir", str(keys.state),
            "--cache-memory", "64MiB", "--metadata-ttl", "1h", "--cache-dir", str(base / "cache"), "--access-log=off")  # fmt: skip
        context = multiprocessing.get_context("fork")
        stop, count = context.Event(), context.Value("q", 0)
        loader = context.Process(target=load, args=(gate, key, stop, count))
        try:
            pids, session = processes(gate), Session(gate, root)
            loader.start()
            time.sleep(2)
            seen = {page: [] for page in PAGES}
            for number in range(ROUNDS):
                # Each page stands at each place of a round once.
                order = list(PAGES)[number % len(PAGES) :] + list(PAGES)[: number % len(PAGES)]
                for page in order:
                    seen[page].append(measure(gate, pids, session, page, count))
            alone = statistics.median(used for used, _ in seen["none"])
            for page, results in seen.items():
                used = statistics.median(one for one, _ in results)
                rate = statistics.median(one for _, one in results)
                spread = max(one for one, _ in results) - min(one for one, _ in results)
                print(f"{page:8} {100 * used:6.2f} % of a core (spread {100 * spread:.2f}), {rate:.0f} requests a second; {100 * (used - alone):+.2f} %")
        finally:
            stop.set()
            if loader.pid:
                loader.join(30)
            gate.stop()


if __name__ == "__main__":
    main()
