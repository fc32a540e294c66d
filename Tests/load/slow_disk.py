#!/usr/bin/env python3
"""How long small requests wait while files are read from a slow disk: the kernel throttles a file system of its own.

    Tests/load/slow_disk.py BINARY [MIB]       as root; a file of so many MiB, 256 unless said

The disk is a loop device, and a control group (blkio of version 1, io of version 2) lets the gateway read it so many times a second. A request whose
answer is in memory is sent 50 times a second, beside

- nothing,
- a reader of a file that is not in memory, from the disk as it is and from the slow one,
- the same, and another file that is not in memory is opened five times a second: its inode and index are read by the loop itself,
- a fill, which writes.

Prints the median, the 99th percentile and the longest of these requests, with the client's own delays in them. Nothing is judged.
"""

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(sys.argv[1]).resolve()
SIZE = (int(sys.argv[2]) if len(sys.argv) > 2 else 256) << 20
os.environ["HUBGATE_BINARY"] = str(BINARY)
sys.path[:0] = [str(ROOT / "Tests/support"), str(ROOT / "Tests/contract")]

from fakehub import FakeHub, http  # noqa: E402
from file_cache import Clients, get  # noqa: E402
from gate import Gate, make_certificates, make_workspace  # noqa: E402
from stored_files import PIECE, Store, figures  # noqa: E402

READS = 20
"""A second, from the slow disk: 50 ms each."""
SECONDS = 12
SMALL = 60
METADATA = b"GET /api/models/acme/m HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Disk:
    """A file system in a file, and a control group that reads it slowly."""

    def __init__(self, work):
        self.image, self.place = work / "disk.img", work / "disk"
        self.place.mkdir()
        with open(self.image, "wb") as image:
            image.truncate(2 * SIZE + (1 << 30))
        self.device = self._run("losetup", "--find", "--show", str(self.image)).strip()
        self._run("mkfs.ext4", "-q", "-O", "^has_journal", self.device)
        self._run("mount", self.device, str(self.place))
        status = os.stat(self.device)
        self.number = f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"
        self.is_old = Path("/sys/fs/cgroup/blkio").is_dir()
        self.group = Path("/sys/fs/cgroup", *(["blkio"] if self.is_old else []), f"hubgate-slow-{os.getpid()}")
        self.group.mkdir()
        if not self.is_old:
            (self.group.parent / "cgroup.subtree_control").write_text("+io")

    def _run(self, *words):
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout

    def be_slow(self, is_slow):
        if self.is_old:
            (self.group / "blkio.throttle.read_iops_device").write_text(f"{self.number} {READS if is_slow else 0}")
        else:
            (self.group / "io.max").write_text(f"{self.number} riops={READS if is_slow else 'max'}")

    def forget(self):
        """Nothing of it is in memory from here on."""
        self._unmount()
        self._run("mount", self.device, str(self.place))

    @property
    def joining(self):
        """What starts a program in the group."""
        return ["bash", "-c", f'echo $$ > {self.group}/cgroup.procs && exec "$@"', "bash"]

    def _unmount(self):
        # What works beside a gateway ends a moment after it.
        for _ in range(50):
            with contextlib.suppress(subprocess.CalledProcessError):
                return self._run("umount", str(self.place))
            time.sleep(0.1)
        raise RuntimeError(f"{self.place} is in use")

    def close(self):
        self._unmount()
        self._run("losetup", "-d", self.device)
        self.group.rmdir()


def calls(gate, seconds, while_):
    """Times of a small request, in milliseconds."""
    times = []
    with gate.connect(timeout=60) as connection:
        began = time.monotonic()
        while time.monotonic() - began < seconds and (while_() or len(times) < 50):
            sent = time.monotonic()
            connection.send(METADATA)
            connection.answer()
            times.append((time.monotonic() - sent) * 1000)
            time.sleep(max(0, 0.02 - (time.monotonic() - sent)))
    return sorted(times)


def show(name, times, more=""):
    p99 = times[max(0, int(len(times) * 0.99) - 1)]
    print(f"{name}: median {statistics.median(times):.2f} ms, p99 {p99:.2f} ms, at most {times[-1]:.2f} ms ({len(times)} requests){more}", flush=True)


def main():
    work = Path(tempfile.mkdtemp(prefix="hubgate-slow-disk-"))
    certificates = make_certificates(work / "certs")
    hub = FakeHub()
    store = Store(hub)
    hub.on("/api/models/acme/m", lambda *_: http(200, b'{"id": "acme/m"}', b"Content-Type: application/json"))
    store.put("model.bin", SIZE, content=os.urandom(1 << 20) * (SIZE >> 20))
    store.put("new.bin", SIZE, content=os.urandom(1 << 20) * (SIZE >> 20))
    for number in range(SMALL):
        store.put(f"small-{number}.bin", 100_000, seed=number)
    disk = Disk(work)
    gates = []

    def start(*, is_cold=True, is_slow=False):
        while gates:
            gates.pop().stop()
        disk.be_slow(False)
        if is_cold:
            disk.forget()
        gate = Gate(
            make_workspace(work / f"gate-{time.monotonic_ns()}"), certificates, "--upstream", hub.url, "--content-hosts", store.url,
            "--cache-dir", str(disk.place / "cache"), "--cache-size", "64GiB", before=disk.joining, HF_TOKEN="hf_x",
            HUBGATE_CACHE_MEMORY="64MiB", HUBGATE_METADATA_TTL="1h")
        gates.append(gate)
        answer = gate.ask(METADATA.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert answer.status == 200
        # What the sweeper's process reads at the start is not what is measured.
        time.sleep(2)
        disk.be_slow(is_slow)
        return gate

    try:
        gate = start(is_cold=False)
        for path in ["model.bin", *(f"small-{number}.bin" for number in range(SMALL))]:
            assert gate.ask(get(f"/acme/m/resolve/main/{path}"), timeout=300).status == 200
        while figures(gate)["verified_total"] <= SMALL:
            time.sleep(0.1)
        show("nothing beside", calls(gate, SECONDS / 2, lambda: True))
        for is_slow, name in ((False, "the disk as it is"), (True, f"{READS} reads a second")):
            gate = start(is_slow=is_slow)
            reader = Clients(gate, [get("/acme/m/resolve/main/model.bin")])
            times = calls(gate, SECONDS, lambda: reader.threads[0].is_alive())
            show(f"a cold file, {name}", times, f", {reader.taken[0] >> 20} MiB were read")
        gate = start(is_slow=True)
        reader, is_over = Clients(gate, [get("/acme/m/resolve/main/model.bin")]), threading.Event()

        def open_others():
            for number in range(SMALL):
                if is_over.wait(0.2):
                    return
                Clients(gate, [get(f"/acme/m/resolve/main/small-{number}.bin")])

        opener = threading.Thread(target=open_others, daemon=True)
        opener.start()
        show("the same, and others are opened", calls(gate, SECONDS, lambda: opener.is_alive()))
        is_over.set()
        gate = start()
        reader = Clients(gate, [get("/acme/m/resolve/main/new.bin")])
        show("a fill, the disk as it is", calls(gate, SECONDS, lambda: reader.threads[0].is_alive()), f", {PIECE >> 20} MiB a piece")
    finally:
        for gate in gates:
            gate.kill()
        disk.close()
        store.close()
        subprocess.run(["rm", "-rf", work], check=False)


main()
