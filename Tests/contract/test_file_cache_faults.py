"""The disk of the file cache fails, is gone or is slow while many are served: each gets its file, and others are not held up."""

import errno
import os
import signal
import threading
import time

import pytest

from descendants import children, is_running
from fakehub import http
from file_cache import MIB, PATH, Clients, file_of, get, wait_until_whole
from gate import IS_SANITIZED
from stored_files import PIECE, digest, figures
from waiting import wait_until

MANY = 20
METADATA = b"GET /api/models/acme/m HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def all_have(clients, content):
    return [(status, body == content) for status, body in clients.all()] == [(200, True)] * len(clients.found)


def begin_and_hold(caching, store, *flags, **variables):
    """Many clients that have the first pieces of a file, the rest of which the store holds back."""
    content = store.put("model.bin", 5 * PIECE + 9)
    store.hold_at = 2 * PIECE + MIB
    gate = caching(*flags, **variables)
    clients = Clients(gate, [get()] * MANY)
    assert wait_until(lambda: min(clients.taken) > PIECE, 30)
    return gate, content, clients


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_a_disk_that_takes_no_more_while_many_read_cuts_nobody_and_floods_no_store(caching, store, disk, code):
    most = 4
    gate, content, clients = begin_and_hold(caching, store, "--upstream-connections", str(most), **disk.variables)
    begun, go_on = [], threading.Event()
    store.refuses_if = lambda request: begun.append(request) or not go_on.wait(30)
    disk.fails(write=code)
    store.go_on.set()
    assert wait_until(lambda: len(begun) >= most, 10)
    # All of them were told in the same moment. One that comes late would not be seen, and none that comes is wrong.
    time.sleep(0.3)
    assert len(begun) == most
    go_on.set()
    assert all_have(clients, content)
    assert any(os.strerror(code) in message for message in gate.messages) and figures(gate)["up"] == 0
    # As long as the disk is no better, without it.
    assert all_have(Clients(gate, [get()] * MANY), content)


def test_a_directory_that_vanishes_while_many_read_cuts_nobody(caching, store, cache):
    gate, content, clients = begin_and_hold(caching, store)
    os.rename(cache, cache.with_name("gone"))
    store.go_on.set()
    assert all_have(clients, content)
    assert all_have(Clients(gate, [get()] * MANY), content)


def test_a_piece_that_cannot_be_read_is_fetched_anew_and_a_disk_that_gives_nothing_ends_nothing(caching, store, cache, disk):
    content = store.put("model.bin", 3 * PIECE)
    gate = caching(**disk.variables)
    assert gate.ask(get(), timeout=30).body == content
    wait_until_whole(cache, content)
    disk.fails(read=errno.EIO)
    assert all_have(Clients(gate, [get()] * MANY), content)
    assert figures(gate)['corrupt_total{place="disk"}'] >= 1
    disk.fails()
    assert all_have(Clients(gate, [get()] * MANY), content)


def test_who_waits_for_a_store_that_refuses_another_gets_its_file(caching, hub, store):
    """The address that fills the file is no longer good; those of others are."""
    content = store.put("model.bin", 3 * PIECE)
    numbers = iter(range(1000))
    of_name = store.redirect(digest(content))
    hub.on(PATH, lambda *_: of_name.replace(b"?X-Amz", b"?number=%d&X-Amz" % next(numbers)))
    store.hold_at, store.cut_after = PIECE, PIECE + MIB
    gate = caching()
    clients = Clients(gate, [get()] * MANY)
    assert wait_until(lambda: min(clients.taken) > PIECE // 2, 30)
    store.refuses_if = lambda request: "number=0&" in request.target
    store.go_on.set()
    store.cut_after = None
    assert all_have(clients, content)
    assert store.bytes_sent(content) <= 2 * len(content), "each fetched the rest by itself"


# A disk that is slow


def test_a_read_that_is_stuck_holds_up_nobody_else(caching, hub, store, cache, disk):
    content, other = store.put("model.bin", 3 * PIECE), store.put("other.bin", PIECE, seed=2)
    hub.on("/api/models/acme/m", lambda *_: http(200, b"{}", b"Content-Type: application/json"))
    gate = caching(**disk.variables)
    assert gate.ask(get(), timeout=30).body == content
    wait_until_whole(cache, content)
    disk.fails(stuck=True)
    clients = Clients(gate, [get()] * 3)
    assert wait_until(lambda: disk.stuck_reads > 0, 10)
    # All of it while that read is stuck, more often than anything is tried again.
    assert [gate.ask(METADATA).body for _ in range(20)] == [b"{}"] * 20 and clients.taken == [0] * 3
    assert disk.stuck_reads == 1
    disk.fails()
    assert all_have(clients, content)
    assert gate.ask(get("/acme/m/resolve/main/other.bin"), timeout=30).body == other
    assert store.bytes_sent(content) == len(content)


def test_a_file_that_is_not_in_memory_is_opened_by_another_process_first(caching, hub, store, cache, disk):
    content, other = store.put("model.bin", PIECE + 5), store.put("other.bin", PIECE, seed=2)
    hub.on("/api/models/acme/m", lambda *_: http(200, b"{}", b"Content-Type: application/json"))
    gate = caching(**disk.variables)
    for path, file in (("model.bin", content), ("other.bin", other)):
        assert gate.ask(get(f"/acme/m/resolve/main/{path}"), timeout=30).body == file
        wait_until_whole(cache, file)
    disk.fails(cold=True)
    clients = Clients(gate, [get(), get("/acme/m/resolve/main/other.bin")])
    assert wait_until(lambda: disk.cold_openings > 0, 10)
    # All of it while that is opened.
    assert [gate.ask(METADATA).body for _ in range(20)] == [b"{}"] * 20 and clients.taken == [0, 0]
    disk.fails()
    assert clients.all() == [(200, content), (200, other)]
    assert store.bytes_sent(content) == len(content)


@pytest.mark.parametrize("is_here", [True, False])
@pytest.mark.parametrize("fault", [None, b"HTTP/1.1 503 no\r\nX-Error-Code: HubIsDown\r\nContent-Length: 0\r\n\r\n"])
def test_in_an_outage_it_is_opened_by_another_process_too(caching, hub, store, cache, disk, fault, is_here):
    content = store.put("model.bin", PIECE + 5)
    hub.on("/api/models/acme/m", lambda *_: http(200, b"{}", b"Content-Type: application/json"))
    gate = caching("--metadata-ttl", "1s", "--metadata-stale", "0", HUBGATE_CACHE_MEMORY="16MiB", **disk.variables)
    assert gate.ask(get(), timeout=30).body == content
    wait_until_whole(cache, content)
    hub.on(PATH, lambda *_: fault)
    # What the Hub has said is good for longer than it is fresh.
    assert wait_until(lambda: gate.ask(get()).body == content and len(hub.seen(PATH)) > 1, 5)
    disk.fails(cold=True)
    clients = Clients(gate, [get()])
    assert wait_until(lambda: disk.cold_openings > 0, 10)
    assert [gate.ask(METADATA).body for _ in range(20)] == [b"{}"] * 20 and clients.taken == [0]
    if not is_here:
        file_of(cache, content).unlink()
    disk.fails()
    [(status, body)] = clients.all()
    assert (status, body) == (200, content) if is_here else status == (503 if fault else 502)


@pytest.mark.long
def test_a_disk_that_gives_nothing_for_long_is_done_without(caching, store, cache, disk):
    content = store.put("model.bin", PIECE)
    gate = caching(**disk.variables)
    assert gate.ask(get(), timeout=30).body == content
    wait_until_whole(cache, content)
    disk.fails(stuck=True)
    try:
        assert gate.ask(get(), timeout=30).body == content
        assert any("timed out" in message for message in gate.messages)
        assert gate.ask(get(), timeout=30).body == content
    finally:
        disk.fails()


def test_a_file_system_that_does_not_say_what_is_in_memory_is_read_by_another_process(caching, store, cache, disk):
    content = store.put("model.bin", 3 * PIECE + 5)
    disk.fails(old=True)
    gate = caching(**disk.variables)
    for _ in range(2):
        assert gate.ask(get(), timeout=30).body == content
        wait_until_whole(cache, content)
    assert gate.ask(get(PATH, f"Range: bytes={PIECE + 7}-"), timeout=30).body == content[PIECE + 7 :]
    assert store.bytes_sent(content) == len(content)


def test_without_the_processes_beside_it_a_gateway_serves_on(caching, store, cache):
    content = store.put("model.bin", PIECE)
    gate = caching()
    beside = children(gate)
    assert len(beside) == 2 and gate.tasks == 1
    assert gate.ask(get(), timeout=30).body == content
    wait_until_whole(cache, content)
    for pid in beside:
        os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: len([message for message in gate.messages if "has ended" in message]) == 2, 10)
    with open(file_of(cache, content), "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    assert gate.ask(get(), timeout=30).body == content
    gate.stop()
    assert not [pid for pid in beside if is_running(pid)]


@pytest.mark.skipif(IS_SANITIZED, reason="its sandboxing is off")
def test_the_processes_beside_a_gateway_end_with_it_and_may_do_little(caching, store, cache):
    gate = caching("--workers", "2")
    workers = children(gate)
    assert len(workers) == 2
    beside = [int(pid) for worker in workers for pid in open(f"/proc/{worker}/task/{worker}/children").read().split()]
    # Each has one that reads, one of them makes room.
    assert len(beside) == 3
    assert wait_until(lambda: all("Seccomp:\t2" in open(f"/proc/{pid}/status").read() for pid in beside), 10)
    os.kill(workers[0], signal.SIGKILL)
    assert wait_until(lambda: len([pid for pid in beside if is_running(pid)]) < 3, 10)
    assert wait_until(lambda: len(children(gate)) == 2 and workers[0] not in children(gate), 10)
    gate.stop()
    assert wait_until(lambda: not [pid for pid in beside if is_running(pid)], 10)
