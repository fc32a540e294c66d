"""How much of a file is fetched for a part of it, and how much of the disk the file cache takes."""

import os
import subprocess

import pytest

from file_cache import MIB, PATH, file_of, get, wait_until_whole
from gate import run
from stored_files import PIECE, figures
from waiting import wait_until


def fills_end(store):
    """No call to the store is under way, and nothing more comes of it."""
    return wait_until(lambda: store.at_once == 0, 10)


def test_a_byte_brings_its_piece_and_no_other_and_is_not_fetched_again(caching, store):
    content = store.put("model.bin", 6 * PIECE)
    gate = caching("--cache-finish", "1MiB")
    place = 2 * PIECE + 5
    assert gate.ask(get(PATH, f"Range: bytes={place}-{place}"), timeout=30).body == content[place : place + 1]
    assert wait_until(lambda: figures(gate)["filled_bytes_total"] == PIECE, 10)
    assert fills_end(store) and store.ranges_asked(content) == [f"bytes={2 * PIECE}-{3 * PIECE - 1}"]
    place = 3 * PIECE - 1
    again = gate.ask(get(PATH, f"Range: bytes={place}-{place}"), timeout=30)
    assert again.body == content[place : place + 1] and "hit" in again["Cache-Status"]
    assert len(store.ranges_asked(content)) == 1


def test_who_leaves_in_the_last_part_of_a_file_has_no_more_of_it_fetched(caching, store):
    """Most of the file lies before it, and none of that is there."""
    content = store.put("model.bin", 12 * PIECE)
    store.hold_at = 9 * PIECE + MIB
    gate = caching("--cache-finish", "1MiB")
    with gate.connect() as client:
        client.send(get(PATH, f"Range: bytes={8 * PIECE}-"))
        assert wait_until(lambda: figures(gate)["filled_bytes_total"] >= PIECE + MIB // 2, 10)
    assert gate.wait_for_log(lambda line: line["path"] == PATH)
    store.go_on.set()
    # The piece that it was in, and what may have been on its way.
    assert fills_end(store)
    assert figures(gate)["filled_bytes_total"] == 2 * PIECE


def test_a_part_that_one_of_two_readers_has_left_is_not_fetched_for_the_other(caching, store):
    content = store.put("model.bin", 14 * PIECE)
    store.hold_at = PIECE + MIB
    gate = caching("--cache-finish", "1MiB")
    with gate.connect(timeout=30) as stays, gate.connect() as leaves:
        leaves.send(get(PATH, f"Range: bytes={4 * PIECE}-{12 * PIECE}"))
        assert wait_until(lambda: store.at_once == 1, 10)
        stays.send(get(PATH, f"Range: bytes=0-{2 * PIECE - 1}"))
        assert wait_until(lambda: figures(gate)["filled_bytes_total"] >= PIECE, 10)
        leaves.close()
        assert gate.wait_for_log(lambda line: line["path"] == PATH)
        store.go_on.set()
        answer = stays.answer()
        assert answer.body == content[: 2 * PIECE]
    assert fills_end(store)
    assert figures(gate)["filled_bytes_total"] <= 3 * PIECE


def test_what_was_asked_for_is_fetched_over_what_is_there_already(caching, store, cache):
    """No client waits any more, most of the file is there, and some of it lies in the way."""
    content = store.put("model.bin", 6 * PIECE)
    gate = caching("--cache-finish", "1MiB")
    gate.ask(get(PATH, f"Range: bytes={4 * PIECE}-{5 * PIECE - 1}"), timeout=30)
    store.hold_at = 3 * PIECE + MIB
    with gate.connect() as client:
        client.send(get())
        assert wait_until(lambda: figures(gate)["filled_bytes_total"] >= 4 * PIECE + MIB // 2, 10)
    assert gate.wait_for_log(lambda line: line["path"] == PATH and line["status"] == 200)
    store.hold_at = None
    store.go_on.set()
    wait_until_whole(cache, content)
    assert store.bytes_sent(content) == len(content)


# Of the disk


@pytest.mark.parametrize(
    "value", ["0%", "101%", "80.5%", "%", "-5%", "80", "80 %", "%80", "8e1%", "99999999999999999999%", "0x50%", "1MiB", "auto", ""])
def test_a_size_that_is_none_is_refused(workspace, value):
    said = run(workspace, "--check", "--cache-size", value)
    assert said.returncode == 78 and "cache_size" in said.stderr and "1% to 100%" in said.stderr


@pytest.mark.parametrize("value", ["1%", "80%", "100%", "64MiB"])
def test_a_size_in_bytes_or_of_the_disk_is_taken(workspace, certificates, value):
    said = run(workspace, "--check", "--cache-size", value, **certificates.settings)
    assert said.returncode == 0, said.stderr


@pytest.fixture
def small_disk(cache, mount):
    """Of 64 MiB 3 are left to others."""
    return mount(cache, "size=64m,mode=700")


def used(cache):
    facts = os.statvfs(cache)
    return (facts.f_blocks - facts.f_bfree) * facts.f_frsize


@pytest.mark.parametrize(("size", "most"), [("25%", 16 * MIB), ("100%", 61 * MIB), ("1GiB", 61 * MIB)])
def test_files_go_before_the_disk_is_full_or_has_its_share(caching, store, small_disk, size, most):
    gate = caching("--cache-size", size)
    for number in range(most // MIB + 5):
        content = store.put(f"{number}.bin", MIB, seed=number)
        assert gate.ask(get(f"/acme/m/resolve/main/{number}.bin"), timeout=30).body == content
        assert wait_until(lambda: used(small_disk) <= most, 10), used(small_disk)
    assert figures(gate)["evictions_total"] > 0 and figures(gate)["up"] == 1
    assert wait_until(lambda: figures(gate)["bytes"] <= most, 10)
    # As much as there is room for is kept; a file may have gone for one that came.
    assert used(small_disk) >= most - 4 * MIB


def test_what_others_write_to_the_disk_makes_files_go(caching, store, small_disk):
    gate = caching("--cache-size", "100%")
    for number in range(6):
        store.put(f"{number}.bin", PIECE, seed=number)
        gate.ask(get(f"/acme/m/resolve/main/{number}.bin"), timeout=30)
    (small_disk / "of-others").write_bytes(bytes(38 * MIB))
    assert wait_until(lambda: used(small_disk) <= 61 * MIB, 10)
    assert figures(gate)["evictions_total"] > 0


@pytest.fixture
def undeletable():
    """Makes a file that not even root can rename or delete, until the test is over: something is mounted on it."""
    mounted = []

    def undeletable(path):
        if subprocess.run(["mount", "--bind", path, path], capture_output=True).returncode:
            pytest.skip("nothing may be mounted here")
        mounted.append(path)

    yield undeletable
    for path in mounted:
        subprocess.run(["umount", "-l", path], check=True)


def test_a_file_that_cannot_be_deleted_does_not_keep_others_from_going(caching, store, cache, undeletable):
    gate = caching("--cache-size", "64MiB")
    for number in range(3):
        content = store.put(f"{number}.bin", 6 * MIB, seed=number)
        assert gate.ask(get(f"/acme/m/resolve/main/{number}.bin"), timeout=30).body == content
        wait_until_whole(cache, content)
        undeletable(file_of(cache, content))
    for number in range(3, 20):
        content = store.put(f"{number}.bin", 6 * MIB, seed=number)
        assert gate.ask(get(f"/acme/m/resolve/main/{number}.bin"), timeout=30).body == content
        assert wait_until(lambda: used_by(cache) <= 64 * MIB, 5), used_by(cache)
    told = [message for message in gate.messages if "cannot be removed" in message]
    assert len(told) == 1 and "busy" in told[0], gate.messages


def used_by(directory):
    return sum(path.stat().st_blocks * 512 for path in directory.rglob("*") if path.is_file())


def test_where_others_have_filled_the_disk_nothing_is_kept_and_all_is_served(caching, store, small_disk):
    content = store.put("model.bin", 2 * PIECE)
    (small_disk / "of-others").write_bytes(bytes(63 * MIB))
    gate = caching()
    assert gate.ask(get(), timeout=30).body == content
    assert any("left to others" in message for message in gate.messages) and figures(gate)["up"] == 0
    assert gate.ask(get(), timeout=30).body == content


def test_a_file_that_is_read_does_not_go(caching, store, cache):
    gate = caching("--cache-size", "64MiB")
    kept = store.put("kept.bin", 5 * PIECE, seed=1000)
    assert gate.ask(get("/acme/m/resolve/main/kept.bin"), timeout=30).body == kept
    wait_until_whole(cache, kept)
    with gate.connect(timeout=30, receive_buffer=4096) as client:
        client.send(get("/acme/m/resolve/main/kept.bin"))
        client.socket.recv(1000)
        for number in range(24):
            store.put(f"{number}.bin", PIECE, seed=number)
            gate.ask(get(f"/acme/m/resolve/main/{number}.bin"), timeout=30)
        assert figures(gate)["evictions_total"] >= 5 and file_of(cache, kept).exists()
