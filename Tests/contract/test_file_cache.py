"""Large files that are fetched once and served from the disk: to whom, how fast, and what a fault on either side does to them."""

import os
import signal
import threading

import pytest

from clients import SERIES, Client, Variant
from fakehub import http
from file_cache import MIB, PATH, file_of, get, wait_until_whole
from gate import run
from stored_files import PIECE, digest, figures
from waiting import wait_until


def read_until_cut(gate, request):
    """What comes of a body before the connection breaks."""
    with gate.connect(timeout=30) as connection:
        connection.send(request)
        taken = bytearray()
        try:
            while part := connection.socket.recv(65536):
                taken += part
        except OSError:
            pass
    head, _, body = bytes(taken).partition(b"\r\n\r\n")
    return head, body


# What a client gets


@pytest.mark.parametrize("size", [1, 1000, PIECE, PIECE + 1, 2 * PIECE + 12345])
def test_a_file_is_fetched_once_and_the_second_gets_the_same(caching, store, cache, size):
    content = store.put("model.bin", size)
    gate = caching()
    first = gate.ask(get(), timeout=30)
    assert (first.status, first.body) == (200, content)
    assert first["ETag"] == f'"{digest(content)}"' and first["X-Repo-Commit"] and first["Content-Type"] == "application/zip"
    assert "fwd=miss" in first["Cache-Status"] and first["Accept-Ranges"] == "bytes"
    wait_until_whole(cache, content)
    second = gate.ask(get(), timeout=30)
    assert second.body == content and "hit" in second["Cache-Status"] and second["ETag"] == first["ETag"]
    assert store.bytes_sent(content) == size
    found = figures(gate)
    assert found['requests_total{result="hit"}'] == 1 and found["verified_total"] == 1 and found["filled_bytes_total"] == size
    assert found["sent_bytes_total"] == 2 * size
    assert gate.tasks == 1


def test_the_file_on_the_disk_is_the_content_and_its_index(caching, store, cache):
    content = store.put("model.bin", PIECE + 99)
    caching().ask(get(), timeout=30)
    wait_until_whole(cache, content)
    assert file_of(cache, content).read_bytes()[: len(content)] == content
    assert file_of(cache, content).stat().st_mode & 0o777 == 0o600 and cache.stat().st_mode & 0o777 == 0o700


def test_without_a_directory_nothing_is_kept(start_before, hub, store):
    content = store.put("model.bin", 100_000)
    gate = start_before(hub, "--content-hosts", store.url)
    assert [gate.ask(get()).body for _ in range(2)] == [content] * 2
    assert store.bytes_sent(content) == 2 * len(content)
    assert figures(gate)["up"] == 0


@pytest.mark.parametrize("is_warm", [False, True])
@pytest.mark.parametrize(
    ("field", "first", "last"),
    [("bytes=0-0", 0, 0), ("bytes=10-19", 10, 19), (f"bytes={PIECE - 5}-{PIECE + 5}", PIECE - 5, PIECE + 5),
     (f"bytes={2 * PIECE}-", 2 * PIECE, 3 * PIECE), ("bytes=-7", 3 * PIECE - 6, 3 * PIECE), ("bytes=0-999999999999999999999", 0, 3 * PIECE)],
)  # fmt: skip
def test_parts_of_a_file(caching, store, cache, is_warm, field, first, last):
    content = store.put("model.bin", 3 * PIECE + 1)
    gate = caching()
    if is_warm:
        gate.ask(get(), timeout=30)
        wait_until_whole(cache, content)
    part = gate.ask(get(PATH, f"Range: {field}"), timeout=30)
    assert part.status == 206 and part["Content-Range"] == f"bytes {first}-{last}/{len(content)}"
    assert part.body == content[first : last + 1]
    # Only the pieces that the requested part lies in are fetched.
    assert store.bytes_sent(content) <= (len(content) if is_warm else (last // PIECE - first // PIECE + 1) * PIECE)


@pytest.mark.parametrize(
    ("fields", "status"),
    [((f"Range: bytes={PIECE}-",), 416), (("Range: bytes=-0",), 416), (("Range: bytes=5-2",), 200), (("Range: lines=1-2",), 200),
     (("Range: bytes=0-1", 'If-Range: "other"'), 200), (("Range: bytes=0-1", "If-Range: Sat, 28 Nov 2026 12:00:00 GMT"), 200),
     (("Range: bytes=",), 200), (("Range: bytes=a-b",), 200)],
)  # fmt: skip
def test_ranges_that_are_none(caching, store, fields, status):
    content = store.put("model.bin", PIECE)
    answer = caching().ask(get(PATH, *fields), timeout=30)
    assert answer.status == status and answer.body == (content if status == 200 else b"")
    if status == 416:
        assert answer["Content-Range"] == f"bytes */{PIECE}"


def test_a_range_under_a_condition_that_holds(caching, store):
    content = store.put("model.bin", PIECE)
    answer = caching().ask(get(PATH, "Range: bytes=1-2", f'If-Range: "{digest(content)}"'))
    assert answer.status == 206 and answer.body == content[1:3]


def test_several_ranges_at_once_are_the_stores(caching, store):
    content = store.put("model.bin", 1000)
    answer = caching().ask(get(PATH, "Range: bytes=0-1,5-6"))
    assert answer.status == 200 and answer.body == content and answer["Cache-Status"] is None


def test_who_has_it_already_and_who_asks_for_its_head_get_no_content(caching, store):
    content = store.put("model.bin", 1000)
    gate = caching()
    held = gate.ask(get(PATH, f'If-None-Match: "{digest(content)}"'))
    assert held.status == 304 and held.body == b""
    head = gate.ask(get(method="HEAD"))
    assert head.status == 200 and head["Content-Length"] == "1000" and store.bytes_sent(content) == 0


def test_a_small_file_in_git_goes_by(caching, hub, cache):
    hub.on("/acme/m/resolve/main/README.md", lambda *_: http(200, b"hello", b'ETag: "' + b"a" * 40 + b'"'))
    assert caching().ask(get("/acme/m/resolve/main/README.md")).body == b"hello"
    assert not [path for path in cache.rglob("*") if path.is_file() and path.name != "lock"]


# While it is fetched


def test_the_first_byte_does_not_wait_for_the_last(caching, store):
    content = store.put("model.bin", 3 * PIECE)
    store.hold_at = PIECE + MIB
    gate = caching()
    with gate.connect(timeout=20) as first, gate.connect(timeout=20) as second:
        for client in (first, second):
            client.send(get())
            taken = bytearray()
            # Neither waits for the end of the fill, and the second not for the first.
            while len(taken) < PIECE + MIB // 2:
                taken += client.socket.recv(65536)
        assert not store.go_on.is_set()
    store.go_on.set()
    assert gate.ask(get(), timeout=30).body == content


@pytest.mark.parametrize(("workers", "memory"), [("1", "0"), ("1", "16MiB"), ("2", "0")])
def test_many_clients_at_once_are_one_to_the_store(caching, store, workers, memory):
    content = store.put("model.bin", 5 * PIECE + 77)
    gate = caching("--workers", workers, HUBGATE_CACHE_MEMORY=memory)
    wanted, found, lock = digest(content), [], threading.Lock()

    def client(number):
        # Some read from the middle, as parallel downloaders do.
        start = 0 if number % 4 else 3 * PIECE
        body = gate.ask(get(PATH, *([f"Range: bytes={start}-"] if start else [])), timeout=60).body
        with lock:
            found.append(body == content[start:] if start else digest(body) == wanted)

    threads = [threading.Thread(target=client, args=[number]) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 20
    assert len(content) <= store.bytes_sent(content) <= len(content) + PIECE
    assert figures(gate)["verified_total"] == 1


def test_a_client_that_reads_slowly_holds_up_nobody(caching, store):
    content = store.put("model.bin", 4 * PIECE)
    gate = caching()
    with gate.connect(timeout=30, receive_buffer=4096) as slow:
        slow.send(get())
        slow.socket.recv(100)
        assert gate.ask(get(), timeout=30).body == content
        assert store.bytes_sent(content) == len(content)


def test_a_fill_goes_on_when_its_client_leaves_where_little_is_missing(caching, store, cache):
    content = store.put("model.bin", 3 * PIECE)
    store.hold_at = PIECE
    gate = caching("--cache-finish", "64MiB")
    with gate.connect() as client:
        client.send(get())
        client.socket.recv(65536)
    assert gate.wait_for_log(lambda line: line["path"] == PATH)
    store.go_on.set()
    wait_until_whole(cache, content)
    assert store.bytes_sent(content) == len(content)


def test_a_fill_ends_with_its_client_where_much_is_missing_and_another_goes_on_from_there(caching, store, cache):
    content = store.put("model.bin", 6 * PIECE)
    store.hold_at = 2 * PIECE
    gate = caching("--cache-finish", "1MiB")
    with gate.connect() as client:
        client.send(get())
        assert wait_until(lambda: figures(gate)["filled_bytes_total"] >= 2 * PIECE, 10)
    assert gate.wait_for_log(lambda line: line["path"] == PATH)
    store.go_on.set()
    store.hold_at = None
    assert gate.ask(get(), timeout=30).body == content
    assert store.ranges_asked(content)[-1] == f"bytes={2 * PIECE}-{len(content) - 1}"
    wait_until_whole(cache, content)


def test_a_store_that_breaks_off_is_asked_for_the_rest(caching, store):
    content = store.put("model.bin", 2 * PIECE + 5)
    store.cut_after = 3 * MIB
    gate = caching()
    assert gate.ask(get(), timeout=30).body == content
    assert store.bytes_sent(content) == len(content), store.ranges_asked(content)


def test_a_store_that_refuses_is_told_as_without_the_cache(caching, store):
    store.put("model.bin", PIECE)
    store.refuses = True
    gate = caching()
    assert gate.ask(get()).status == 503
    store.refuses = False
    assert gate.ask(get()).status == 200


def test_a_restart_goes_on_with_what_is_there(caching, store, cache):
    content = store.put("model.bin", 4 * PIECE)
    store.hold_at = 2 * PIECE + MIB
    gate = caching()
    with gate.connect() as client:
        client.send(get())
        assert wait_until(lambda: figures(gate)["filled_bytes_total"] >= 2 * PIECE + MIB, 10)
        gate.signal(signal.SIGKILL)
        gate.wait()
        gate.killed = True
    store.go_on.set()
    store.hold_at = None
    again = caching()
    assert again.ask(get(), timeout=30).body == content
    assert store.ranges_asked(content)[-1] == f"bytes={2 * PIECE}-{len(content) - 1}"
    wait_until_whole(cache, content)


def test_what_is_not_in_memory_is_read_from_the_disk(caching, store, cache):
    content = store.put("model.bin", 5 * PIECE)
    gate = caching()
    gate.ask(get(), timeout=30)
    wait_until_whole(cache, content)
    with open(file_of(cache, content), "rb") as file:
        for fields in ((), (f"Range: bytes={PIECE + 5}-",)):
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            assert gate.ask(get(PATH, *fields), timeout=30).body == content[PIECE + 5 if fields else 0 :]
    assert store.bytes_sent(content) == len(content)


def test_who_reads_a_file_that_is_removed_meanwhile_reads_it_to_its_end(caching, store, cache, workspace):
    content = store.put("model.bin", 4 * PIECE)
    gate = caching()
    gate.ask(get(), timeout=30)
    wait_until_whole(cache, content)
    with gate.connect(timeout=30, receive_buffer=4096) as client:
        client.send(get())
        client.socket.recv(1000)
        assert run(workspace, "cache", "rm", "--all", "--cache-dir", str(cache)).returncode == 0
        taken = 0
        while part := client.socket.recv(65536):
            taken += len(part)
    assert taken > len(content) - 1000
    assert gate.ask(get(), timeout=30).body == content
    assert store.bytes_sent(content) == 2 * len(content)


# What goes wrong with bytes


@pytest.mark.parametrize("place", [0, 5 * MIB, 2 * PIECE + 5])
def test_bytes_that_are_not_the_files_reach_nobody_as_a_whole_file(caching, store, cache, place):
    content = store.put("model.bin", 2 * PIECE + 6)
    store.wrong[digest(content)] = place
    gate = caching()
    head, body = read_until_cut(gate, get())
    assert len(body) < len(content), "a client got a whole file of wrong bytes"
    assert figures(gate)['corrupt_total{place="transit"}'] == 1
    assert not file_of(cache, content).exists() and not file_of(cache, content, partial=True).exists()
    assert any("SHA-256" in message for message in gate.messages)
    store.wrong.clear()
    assert gate.ask(get(), timeout=30).body == content


def test_a_small_file_of_wrong_bytes_is_an_error_that_says_so(caching, store):
    content = store.put("model.bin", 1000)
    store.wrong[digest(content)] = 999
    answer = caching().ask(get())
    answer.check_is_error(502, "HubBroken")
    assert "SHA-256" in answer["X-Error-Message"]


@pytest.mark.parametrize("place", [7, PIECE + 1, 3 * PIECE - 1])
def test_a_bit_that_the_disk_has_lost_is_found_before_it_is_served(caching, store, cache, place):
    content = store.put("model.bin", 3 * PIECE)
    gate = caching()
    gate.ask(get(), timeout=30)
    wait_until_whole(cache, content)
    gate.stop()
    with open(file_of(cache, content), "r+b") as file:
        file.seek(place)
        file.write(bytes([content[place] ^ 4]))
    again = caching()
    assert again.ask(get(), timeout=30).body == content
    assert store.bytes_sent(content) == len(content) + PIECE, "more than the damaged piece was fetched"
    assert figures(again)['corrupt_total{place="disk"}'] == 1
    wait_until_whole(cache, content)


def test_a_file_that_was_cut_or_is_no_file_of_ours_is_fetched_anew(caching, store, cache):
    content = store.put("model.bin", 2 * PIECE)
    gate = caching()
    for harm in (lambda path: os.truncate(path, PIECE), lambda path: path.write_bytes(b"x" * 100), lambda path: path.write_bytes(b"")):
        gate.ask(get(), timeout=30)
        wait_until_whole(cache, content)
        harm(file_of(cache, content))
        assert gate.ask(get(), timeout=30).body == content


def test_a_fault_of_the_disk_ends_caching_and_not_serving(start_before, hub, store, cache):
    content = store.put("model.bin", 2 * PIECE)
    cache.parent.mkdir(exist_ok=True)
    cache.write_text("no directory")
    gate = start_before(hub, "--content-hosts", store.url, "--cache-dir", str(cache))
    assert gate.ask(get(), timeout=30).body == content
    assert [message for message in gate.messages if message.startswith("cache_dir: ")]
    assert figures(gate)["up"] == 0


def test_a_disk_that_takes_no_more_in_the_middle_of_a_file_cuts_nobody(caching, store, cache, tmp_path):
    """The limit of a file's size is met as a full disk is: by a write that fails."""
    content = store.put("model.bin", 4 * PIECE)
    cache.mkdir(mode=0o700)
    mounted = os.system(f"mount -t tmpfs -o size=6m,mode=700 none {cache} 2>/dev/null") == 0
    if not mounted:
        pytest.skip("no file system can be mounted here")
    try:
        gate = caching()
        assert gate.ask(get(), timeout=30).body == content
        assert any("No space left on device" in message for message in gate.messages)
        assert figures(gate)["up"] == 0
        assert gate.ask(get(), timeout=30).body == content
        gate.stop()
    finally:
        os.system(f"umount {cache}")


def test_a_directory_that_vanishes_ends_caching_and_not_serving(caching, store, cache):
    content, other = store.put("model.bin", PIECE), store.put("other.bin", PIECE, seed=2)
    gate = caching()
    assert gate.ask(get(), timeout=30).body == content
    os.rename(cache, cache.with_name("gone"))
    assert gate.ask(get("/acme/m/resolve/main/other.bin"), timeout=30).body == other
    assert gate.ask(get(), timeout=30).body == content


# Rights


def test_who_may_not_have_a_file_gets_nothing_of_it(caching, hub, store):
    content = store.put("model.bin", 1000)

    def answer(request, connection):
        return store.redirect(digest(content)) if request["Authorization"] == "Bearer hf_a" else http(
            403, b"no", b"X-Error-Code: GatedRepo")

    hub.on(PATH, answer)
    gate = caching("--access", "passthrough", HF_TOKEN="", HUBGATE_CACHE_MEMORY="16MiB")
    for token, status in (("hf_a", 200), ("hf_b", 403), ("hf_a", 200), ("hf_b", 403)):
        assert gate.ask(get(PATH, f"Authorization: Bearer {token}")).status == status
    assert store.bytes_sent(content) == len(content)


@pytest.mark.parametrize("memory", ["0", "16MiB"])
def test_what_is_gone_at_the_hub_is_given_to_nobody_new(caching, hub, store, memory):
    content = store.put("model.bin", 1000)
    gate = caching("--metadata-ttl", "1s", "--metadata-stale", "0", HUBGATE_CACHE_MEMORY=memory)
    assert gate.ask(get()).body == content
    hub.on(PATH, lambda *_: http(404, b"", b"X-Error-Code: RepoNotFound"))
    assert wait_until(lambda: gate.ask(get()).status == 404, 5)
    # Not in an outage either.
    hub.on(PATH, lambda *_: http(503, b"no"))
    assert gate.ask(get()).status == 503


def test_a_change_through_the_gateway_ends_what_was_allowed(caching, hub, store):
    content = store.put("model.bin", 1000)
    gate = caching("--metadata-ttl", "60s", HUBGATE_CACHE_MEMORY="16MiB")
    for _ in range(3):
        assert gate.ask(get()).body == content
    assert len(hub.seen(PATH)) == 1
    hub.on("/api/models/acme/m/settings", lambda *_: http(200, b"{}", b"Content-Type: application/json"))
    hub.on(PATH, lambda *_: http(404, b"", b"X-Error-Code: RepoNotFound"))
    gate.ask(b"PUT /api/models/acme/m/settings HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
    assert gate.ask(get()).status == 404


# Offline


@pytest.mark.parametrize("fault", [None, b"HTTP/1.1 503 no\r\nContent-Length: 0\r\n\r\n", b"garbage\r\n\r\n"])
def test_in_an_outage_what_is_here_and_was_allowed_is_served(caching, hub, store, fault):
    content, other = store.put("model.bin", 1000), store.put("other.bin", 1000, seed=3)
    gate = caching("--metadata-ttl", "1s", "--metadata-stale", "0", HUBGATE_CACHE_MEMORY="16MiB")
    assert gate.ask(get()).body == content
    for path in (PATH, "/acme/m/resolve/main/other.bin"):
        hub.on(path, lambda *_: fault)
    # By a condition and not by a clock: it is known for longer than it is fresh.
    assert wait_until(lambda: gate.ask(get()).body == content and len(hub.seen(PATH)) > 1, 5)
    assert gate.ask(get("/acme/m/resolve/main/other.bin")).status in (502, 503)
    assert store.bytes_sent(other) == 0


# Room


def test_what_was_asked_for_least_goes_when_there_is_no_more_room(caching, store, cache):
    gate = caching("--cache-size", "64MiB")
    kept = store.put("kept.bin", 2 * PIECE, seed=1000)
    gate.ask(get("/acme/m/resolve/main/kept.bin"), timeout=30)
    for number in range(16):
        content = store.put(f"{number}.bin", 6 * MIB, seed=number)
        assert gate.ask(get(f"/acme/m/resolve/main/{number}.bin"), timeout=30).body == content
        assert gate.ask(get("/acme/m/resolve/main/kept.bin"), timeout=30).body == kept
    used = lambda: sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())  # noqa: E731
    assert wait_until(lambda: used() <= 64 * MIB, 10)
    assert figures(gate)["evictions_total"] >= 5 and figures(gate)["bytes"] <= 64 * MIB
    assert store.bytes_sent(kept) == len(kept), "what is asked for all the time had to go"


def test_a_file_that_is_larger_than_the_room_goes_by(caching, store, cache):
    content = store.put("model.bin", 65 * MIB, content=b"\7" * (65 * MIB))
    gate = caching("--cache-size", "64MiB")
    assert digest(gate.ask(get(), timeout=60).body) == digest(content)
    assert not file_of(cache, content, partial=True).exists()


# Commands


def test_the_commands_list_check_and_remove(caching, store, cache, workspace):
    content = store.put("model.bin", PIECE + 1)
    gate = caching()
    gate.ask(get(), timeout=30)
    wait_until_whole(cache, content)
    name = digest(content)
    command = lambda *words: run(workspace, "cache", *words, "--cache-dir", str(cache))  # noqa: E731
    assert name in command("list").stdout and f'"sha256":"{name}"' in command("list", "--json").stdout.replace(" ", "")
    assert command("verify").returncode == 0 and command("verify", name).stdout.startswith("Good: 1")
    with open(file_of(cache, content), "r+b") as file:
        file.seek(PIECE)
        file.write(bytes([content[PIECE] ^ 1]))
    bad = command("verify")
    assert bad.returncode == 1 and name in bad.stderr
    assert command("verify", "--repair").returncode == 0 and not file_of(cache, content).exists()
    assert gate.ask(get(), timeout=30).body == content
    wait_until_whole(cache, content)
    assert command("rm", name).returncode == 0 and not file_of(cache, content).exists()
    assert command("rm", "f" * 64).returncode == 66 and command("rm", "nonsense").returncode == 64
    assert command("rm").returncode == 64 and command("rm", "--all").returncode == 0
    assert run(workspace, "cache", "list").returncode == 66
    assert run(workspace, "cache", "list", "--cache-dir", str(workspace / "none")).returncode == 66


# The real client


@pytest.mark.parametrize("series", SERIES, ids=lambda series: series.name)
def test_the_real_client_cold_half_filled_warm_and_offline(caching, hub, store, guard, tmp_path, series):
    content = store.put("model.bin", 3 * PIECE + 9)
    gate = caching("--metadata-ttl", "1s", "--metadata-stale", "0", HUBGATE_CACHE_MEMORY="16MiB")
    # The middle is there already: another has read it.
    gate.ask(get(PATH, f"Range: bytes={PIECE}-{PIECE + 9}"), timeout=30)
    directory = tmp_path / "client"
    directory.mkdir()
    client = Client(Variant(series, False), gate, hub, guard, directory)
    try:
        assert client("download", "acme/m", "model.bin", str(tmp_path / "half")) == digest(content)
        assert client("download", "acme/m", "model.bin", str(tmp_path / "warm")) == digest(content)
        assert store.bytes_sent(content) <= len(content) + PIECE
        hub.on(PATH, lambda *_: None)
        assert client("download", "acme/m", "model.bin", str(tmp_path / "offline")) == digest(content)
        client.check_contacts()
    finally:
        client.close()


def test_what_comes_from_the_disk_counts_among_the_bytes_of_its_key(caching, store, keys):
    content = store.put("model.bin", 100_000)
    key = keys.create("ml", "--role", "reader", "--bytes-a-day", "250KB")
    gate = caching("--access", "keys", "--state-dir", str(keys.state))
    bearer = f"Authorization: Bearer {key}"
    answers = [gate.ask(get(PATH, bearer)) for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 429, 429] and answers[1].body == content
    assert gate.ask(get(PATH, bearer, "Range: bytes=0-9999")).status == 206
    assert gate.ask(get(PATH, bearer, "Range: bytes=0-90000")).status == 429
    assert store.bytes_sent(content) == len(content)
