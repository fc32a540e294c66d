"""Files that leave the file cache are deleted by the process that makes room: freeing a large file's blocks would hold up a worker."""

import os
import signal
from pathlib import Path

import pytest

from admin import Admin
from descendants import children
from file_cache import MIB, PATH, Clients, file_of, get, wait_until_whole
from gate import run
from stored_files import PIECE, digest
from waiting import wait_until

METADATA = b"GET /-/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def beside(pid):
    """The processes beside one that serves."""
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def names(cache):
    return [path.name for path in (cache / "blobs/sha256").rglob("*") if path.is_file()]


def open_files(pid):
    """Those of the cache that a process has open."""
    links = [os.readlink(entry.path) for entry in os.scandir(f"/proc/{pid}/fd") if os.path.islink(entry.path)]
    return [link for link in links if "/blobs/sha256/" in link]


def begin_to_read(gate, request):
    client = gate.connect(timeout=30, receive_buffer=4096)
    client.send(request)
    client.socket.recv(1000)
    return client


def read_to_end(client):
    taken = 0
    while part := client.socket.recv(65536):
        taken += len(part)
    return taken


@pytest.mark.parametrize("is_read", [False, True], ids=["idle", "read"])
def test_a_file_that_an_administrator_removes_is_deleted_by_another_process(start_with_keys, store, cache, disk, keys, is_read):
    content, key = store.put("model.bin", 4 * PIECE), keys.create("root", "--role", "admin")
    gate = start_with_keys("--content-hosts", store.url, "--cache-dir", str(cache), workers=1, **disk.variables)
    helpers = set().union(*map(beside, children(gate)))
    assert len(helpers) == 2
    request = get(PATH, f"Authorization: Bearer {key}")
    assert gate.ask(request, timeout=30).body == content
    wait_until_whole(cache, content)
    client = begin_to_read(gate, request) if is_read else None
    assert Admin(gate, key)("DELETE", f"/cache/files/{digest(content)}") == {"done": True}
    assert not file_of(cache, content).exists()
    if client:
        # The process that closes it last would delete it: it has a name until then.
        assert gate.ask(METADATA).status == 200 and len(names(cache)) == 1
        assert read_to_end(client) > len(content) - 1000
        client.close()
    assert wait_until(lambda: not names(cache), 20)
    assert wait_until(lambda: disk.deleters, 5) and disk.deleters <= helpers
    assert gate.ask(request, timeout=30).body == content
    assert store.bytes_sent(content) == 2 * len(content)


def test_what_turns_out_spoiled_while_many_read_is_deleted_by_another_process(caching, store, cache, disk):
    content = store.put("model.bin", 2 * PIECE)
    store.wrong[digest(content)] = 5
    gate = caching(**disk.variables)
    helpers = set(children(gate))
    found = Clients(gate, [get()] * 8).all()
    assert not [body for _, body in found if len(body) >= len(content)]
    assert wait_until(lambda: not names(cache), 10) and wait_until(lambda: disk.deleters, 5)
    assert disk.deleters <= helpers


def test_what_the_command_line_removes_while_it_is_read_is_deleted_behind_its_reader(caching, store, cache, disk, workspace):
    content = store.put("model.bin", 4 * PIECE)
    gate = caching(**disk.variables)
    gate.ask(get(), timeout=30)
    wait_until_whole(cache, content)
    client = begin_to_read(gate, get())
    assert run(workspace, "cache", "rm", "--all", "--cache-dir", str(cache)).returncode == 0
    assert not file_of(cache, content).exists()
    assert read_to_end(client) > len(content) - 1000
    client.close()
    assert wait_until(lambda: disk.deleters, 10) and disk.deleters <= set(children(gate)) and not names(cache)


def test_without_the_process_that_makes_room_the_next_start_deletes(caching, store, cache, disk):
    content = store.put("model.bin", 2 * PIECE)
    store.wrong[digest(content)] = 5
    gate = caching(**disk.variables)
    for pid in children(gate):
        os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: len([message for message in gate.messages if "has ended" in message]) == 2, 10)
    Clients(gate, [get()]).all()
    assert wait_until(lambda: names(cache) and not open_files(gate.pid), 10)
    assert not file_of(cache, content).exists() and not file_of(cache, content, partial=True).exists()
    assert not disk.deleters
    gate.stop()
    again = caching(**disk.variables)
    assert wait_until(lambda: not names(cache), 10) and disk.deleters <= set(children(again))


def test_a_fill_that_breaks_off_behind_its_client_leaves_no_file_open(caching, store, cache):
    content = store.put("model.bin", 8 * PIECE)
    store.hold_at = PIECE + MIB
    gate = caching()
    with gate.connect(timeout=30) as client:
        client.send(get())
        taken = 0
        while taken < PIECE:
            taken += len(client.socket.recv(65536))
    # The piece that it is in is fetched to its end, and that does not come.
    assert open_files(gate.pid)
    store.cut_after = 0
    store.go_on.set()
    assert wait_until(lambda: not open_files(gate.pid), 10)
    assert file_of(cache, content, partial=True).exists()


def test_what_works_beside_a_gateway_has_none_of_its_descriptors(caching):
    high = ["bash", "-c", 'ulimit -n 8192 && exec 5000</dev/null && exec "$@"', "bash"]
    gate = caching(before=high)
    assert Path(f"/proc/{gate.pid}/fd/5000").exists()
    for pid in children(gate):
        # The standard ones, the channel, and the lock and what is looked at in this moment.
        assert not Path(f"/proc/{pid}/fd/5000").exists() and len(os.listdir(f"/proc/{pid}/fd")) <= 8
