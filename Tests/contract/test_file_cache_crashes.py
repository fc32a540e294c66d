"""`kill -9` at random moments while files are filled: no client gets a byte that is not the file's.

    HUBGATE_CACHE_KILLS=200 Tests/contract/run.sh test_file_cache_crashes.py      (make cache-crashes)
"""

import os
import random
import signal
import threading
import time

import pytest

from descendants import children
from file_cache import get
from gate import IS_SANITIZED
from stored_files import PIECE, Store, digest

KILLS = int(os.environ.get("HUBGATE_CACHE_KILLS", 12))
SEED = int(os.environ.get("HUBGATE_CACHE_SEED", random.randrange(1 << 30)))
FILES = 6


@pytest.mark.skipif(IS_SANITIZED, reason="its processes are killed")
@pytest.mark.long
def test_killed_at_random_moments_no_reader_gets_a_byte_that_is_not_the_files(start_before, hub, tmp_path):
    chance = random.Random(SEED)
    store = Store(hub)
    contents = [store.put(f"{number}.bin", chance.randrange(1, 3 * PIECE), seed=number) for number in range(FILES)]
    wrong, whole, end, gates = [], [0], threading.Event(), []

    def reader(seed):
        own = random.Random(seed)
        while not end.is_set():
            number = own.randrange(FILES)
            content = contents[number]
            start = 0 if own.random() < 0.6 else own.randrange(len(content))
            taken = bytearray()
            try:
                fields = [f"Range: bytes={start}-"] if start else []
                with gates[-1].connect(timeout=20) as connection:
                    connection.send(get(f"/acme/m/resolve/main/{number}.bin", *fields))
                    while part := connection.socket.recv(65536):
                        taken += part
            except OSError:
                pass
            except IndexError:
                time.sleep(0.01)
                continue
            head, _, body = bytes(taken).partition(b"\r\n\r\n")
            if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 206")):
                time.sleep(0.01)
                continue
            if content[start : start + len(body)] != body:
                wrong.append((number, start, len(body)))
            whole[0] += len(body) == len(content) - start

    threads = [threading.Thread(target=reader, args=[SEED + number], daemon=True) for number in range(6)]
    try:
        for kill in range(KILLS):
            gates.append(
                start_before(
                    hub, "--content-hosts", store.url, "--cache-dir", str(tmp_path / "cache"), "--workers", str(1 + kill % 2)))
            if not kill:
                for thread in threads:
                    thread.start()
            time.sleep(chance.random() * 0.5)
            if chance.random() < 0.3:
                # What was whole is filled again.
                for path in (tmp_path / "cache").rglob("?" * 64):
                    path.unlink(missing_ok=True)
            for pid in [*children(gates[-1]), gates[-1].pid]:
                os.kill(pid, signal.SIGKILL)
            gates[-1].wait()
            gates[-1].killed = True
            assert not wrong, (wrong, SEED)
        gates.append(start_before(hub, "--content-hosts", store.url, "--cache-dir", str(tmp_path / "cache")))
        for number, content in enumerate(contents):
            assert digest(gates[-1].ask(get(f"/acme/m/resolve/main/{number}.bin"), timeout=60).body) == digest(content)
    finally:
        end.set()
        for thread in threads:
            if thread.ident:
                thread.join(30)
        store.close()
    assert not wrong, (wrong, SEED)
    assert whole[0] > 0, "nobody got a file"
