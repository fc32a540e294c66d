"""Who gets a file from the disk by its path: whom the Hub leads there, once the store gives it out at the address that the Hub has named."""

import itertools
import random
import threading

import pytest

from fakehub import http
from file_cache import MIB, PATH, Clients, get, wait_until_whole
from replicas import Replicas
from stored_files import PIECE, SAMPLES, digest, is_sample
from waiting import wait_until


def pointer(hub, store, content, repo="acme/other", size=None, path="stolen.bin"):
    """A repository whose author has made a pointer to what another has: its store has no such thing there. Its path."""
    name = digest(content)
    store.server.on(f"/{repo}/{name}", lambda *_: http(404, b"NoSuchKey"))
    location = f"Location: {store.url}/{repo}/{name}?X-Amz-Expires=3600".encode()
    linked = f'X-Linked-Etag: "{name}"'.encode(), b"X-Linked-Size: %d" % (size or len(content))
    hub.on(f"/{repo}/resolve/main/{path}", lambda *_: http(302, b"Found", location, *linked))
    return f"/{repo}/resolve/main/{path}"


@pytest.mark.parametrize("fields", [(), ("Range: bytes=5-9",), ("Range: bytes=-3",)])
@pytest.mark.parametrize("is_whole", [True, False])
def test_a_pointer_to_what_another_repository_has_gets_nothing_of_it(caching, hub, store, cache, fields, is_whole):
    content = store.put("model.bin", 2 * PIECE)
    stolen = pointer(hub, store, content)
    gate = caching("--cache-finish", "1MiB")
    whole = () if is_whole else (f"Range: bytes=0-{PIECE - 1}",)
    assert gate.ask(get(PATH, *whole), timeout=30).body == content[: 2 * PIECE if is_whole else PIECE]
    for _ in range(2):
        answer = gate.ask(get(stolen, *fields), timeout=10)
        assert answer.status == 502 and b"answered 404" in answer.body and answer["Cache-Status"] is None
    # Clients that may have it still get it, and the store is not asked again for that: the disk has the address from which each piece has come.
    assert gate.ask(get(PATH, *whole), timeout=30).body == content[: 2 * PIECE if is_whole else PIECE]
    assert store.confirmed == []


class Forgery:
    """A repository whose author has put other bytes of the same size where the pointer to what another has leads: nobody at the Hub has looked at them.
    `begins_as`: so much of the beginning is the file's, which the author knew."""

    def __init__(self, hub, store, content, begins_as=0, repo="acme/forged"):
        self.path = pointer(hub, store, content, repo=repo)
        self.content = content[:begins_as] + random.Random(99).randbytes(len(content) - begins_as)
        store.put_beside(f"/{repo}/{digest(content)}", self.content)


@pytest.mark.parametrize("size", [1000, PIECE, 3 * PIECE + 5])
def test_other_bytes_at_the_address_of_a_pointer_get_nothing_of_the_file(caching, hub, store, cache, size):
    content = store.put("model.bin", size)
    forged = Forgery(hub, store, content)
    gate = caching()
    assert gate.ask(get(), timeout=30).body == content
    wait_until_whole(cache, content)
    for fields, part in [((), slice(None)), (("Range: bytes=5-99",), slice(5, 100)), ((f"Range: bytes={size - 7}-",), slice(size - 7, size))]:
        assert gate.ask(get(forged.path, *fields), timeout=30).body == forged.content[part]
    assert gate.ask(get(), timeout=30).body == content and store.bytes_sent(content) == size


@pytest.mark.parametrize("begins_as", [0, PIECE])
def test_who_fetched_other_bytes_first_gets_nothing_of_what_is_fetched_for_others_later(caching, hub, store, cache, begins_as):
    size = 3 * PIECE
    content = store.put("model.bin", size)
    forged = Forgery(hub, store, content, begins_as)
    gate = caching()
    first = ("Range: bytes=0-9",)
    assert gate.ask(get(forged.path, *first), timeout=30).body == forged.content[:10]
    # Another piece of it is here, which is not the author's to have.
    rest = (f"Range: bytes={PIECE}-{2 * PIECE - 1}",)
    assert gate.ask(get(PATH, *rest), timeout=30).body == content[PIECE : 2 * PIECE]
    assert gate.ask(get(forged.path, *rest), timeout=30).body == forged.content[PIECE : 2 * PIECE]
    # And then all of it.
    assert wait_until(lambda: gate.ask(get(), timeout=30).body == content, 30)
    wait_until_whole(cache, content)
    assert gate.ask(get(forged.path, *rest), timeout=30).body == forged.content[PIECE : 2 * PIECE]
    assert gate.ask(get(forged.path), timeout=30).body == forged.content


def test_other_bytes_get_nothing_of_what_another_worker_fetches(caching, hub, store, cache):
    content = store.put("model.bin", 3 * PIECE)
    forged = Forgery(hub, store, content)
    store.hold_at = 2 * PIECE
    gate = caching("--workers", "2")
    clients = Clients(gate, [get()])
    assert wait_until(lambda: clients.taken[0] >= 2 * PIECE - MIB, 20)
    for _ in range(6):
        assert gate.ask(get(forged.path, "Range: bytes=5-99"), timeout=10).body == forged.content[5:100]
    store.go_on.set()
    assert clients.all() == [(200, content)]


def test_those_who_wait_for_an_address_that_is_refused_to_one_of_them_ask_at_once(caching, hub, store, cache):
    """One behind the other the last would wait for a slow store as often as there are clients."""
    count = 8
    content = store.put("model.bin", PIECE)
    stolen = pointer(hub, store, content)
    first, others = threading.Event(), threading.Barrier(count - 1)
    numbers, met = itertools.count(), []

    def refuse(request, connection):
        if is_sample(request["Range"], len(content)):
            if next(numbers) == 0:
                first.wait(20)
            else:
                met.append(others.wait(10))
        return http(404, b"NoSuchKey")

    store.server.on(f"/acme/other/{digest(content)}", refuse)
    gate = caching()
    assert gate.ask(get(), timeout=30).body == content
    wait_until_whole(cache, content)
    thieves = Clients(gate, [get(stolen)] * count)
    assert wait_until(lambda: len(hub.seen(stolen)) == count, 10)
    first.set()
    assert [status for status, _ in thieves.all()] == [502] * count
    assert sorted(met) == list(range(count - 1))


def test_a_pointer_gets_nothing_of_a_file_while_it_is_fetched_for_another(caching, hub, store):
    content = store.put("model.bin", 2 * PIECE)
    stolen = pointer(hub, store, content)
    store.hold_at = PIECE + MIB
    gate = caching()
    clients = Clients(gate, [get()])
    assert wait_until(lambda: clients.taken[0] >= PIECE, 20)
    answer = gate.ask(get(stolen), timeout=10)
    assert answer.status == 502 and len(answer.body) < 1000
    store.go_on.set()
    assert clients.all() == [(200, content)]


def test_who_waits_by_a_pointer_for_a_file_that_is_not_here_gets_nothing_of_anothers_fill(caching, hub, store):
    """Its own call to the store fails; that another brings the file meanwhile makes no difference."""
    content = store.put("model.bin", PIECE)
    stolen = pointer(hub, store, content)
    arrived, go_on = threading.Event(), threading.Event()

    def refuse(request, connection):
        arrived.set()
        go_on.wait(20)
        return http(404, b"NoSuchKey")

    store.server.on(f"/acme/other/{digest(content)}", refuse)
    gate = caching()
    thief = Clients(gate, [get(stolen)])
    assert arrived.wait(10)
    reader = Clients(gate, [get()])
    assert wait_until(lambda: gate.ask(get("/-/health")).status == 200, 5)
    go_on.set()
    ((status, body),) = thief.all()
    assert status == 502 and len(body) < 1000
    assert reader.all() == [(200, content)]


@pytest.mark.parametrize("size", [5, 2 * PIECE + 1, 1 << 30])
def test_the_size_of_a_pointer_throws_nothing_out(caching, hub, store, cache, size):
    content = store.put("model.bin", 2 * PIECE)
    gate = caching()
    assert gate.ask(get(), timeout=30).body == content
    wait_until_whole(cache, content)
    assert gate.ask(get(pointer(hub, store, content, size=size)), timeout=10).status == 502
    assert gate.ask(get(), timeout=30).body == content and store.bytes_sent(content) == len(content)


def test_a_path_that_its_store_gives_out_is_confirmed_once(caching, hub, store, cache):
    """By samples; where the gateway has fetched it by that path itself, by that."""
    content = store.put("model.bin", PIECE)
    name = digest(content)
    store.server.on(f"/acme/copy/{name}", lambda request, connection: store._answer(name, request, connection))
    location = f"Location: {store.url}/acme/copy/{name}?n=".encode()
    count = itertools.count()
    hub.on("/acme/copy/resolve/main/x", lambda *_: http(
        302, b"", location + b"%d" % next(count), f'X-Linked-Etag: "{name}"'.encode(), b"X-Linked-Size: %d" % len(content)))  # fmt: skip
    gate = caching("--workers", "1")
    for _ in range(2):
        assert gate.ask(get(), timeout=30).body == content
    assert store.confirmed == []
    for _ in range(3):
        assert gate.ask(get("/acme/copy/resolve/main/x"), timeout=30).body == content
    assert store.confirmed == [name] * SAMPLES and store.bytes_sent(content) == len(content)


@pytest.mark.parametrize("length", [b"Content-Length: %d", b"X-No-Length: %d"])
def test_a_store_that_knows_no_ranges_confirms_by_its_head(caching, hub, store, cache, length):
    content = store.put("model.bin", PIECE)
    gate = caching()
    assert gate.ask(get(), timeout=30).body == content
    wait_until_whole(cache, content)
    copy = pointer(hub, store, content, repo="acme/copy")
    store.server.on(f"/acme/copy/{digest(content)}", lambda request, connection: b"HTTP/1.1 200 OK\r\n" + length % len(content) + b"\r\n\r\n" + content)
    assert gate.ask(get(copy), timeout=30).body == content and store.bytes_sent(content) == len(content)


@pytest.mark.parametrize("is_whole", [True, False], ids=["whole", "a part"])
def test_the_path_by_which_a_file_was_fetched_needs_no_store_at_another_worker_and_after_a_restart(caching, hub, store, cache, is_whole):
    content = store.put("model.bin", 3 * PIECE)
    wanted = (get(),) if is_whole else (get(PATH, f"Range: bytes=0-{2 * PIECE - 1}"),)
    expected = content if is_whole else content[: 2 * PIECE]
    for workers in "2", "1":
        gate = caching("--workers", workers, "--cache-finish", "1MiB")
        for _ in range(6):
            assert gate.ask(*wanted, timeout=30).body == expected
        if is_whole:
            wait_until_whole(cache, content)
        assert store.confirmed == [] and store.bytes_sent(content) == len(expected)
        gate.stop()
    # Another path says nothing of it after a restart.
    gate = caching("--workers", "1", "--cache-finish", "1MiB")
    copy = pointer(hub, store, content, repo="acme/copy")
    assert gate.ask(get(copy, "Range: bytes=5-9"), timeout=30).status == 502
    store.server.on(f"/acme/copy/{digest(content)}", lambda request, connection: store._answer(digest(content), request, connection))
    assert gate.ask(get(copy, "Range: bytes=5-9"), timeout=30).body == content[5:10]
    assert store.confirmed == [digest(content)] * (SAMPLES if is_whole else 2)


def test_in_an_outage_of_the_hub_what_its_store_has_confirmed_needs_no_store(caching, hub, store, cache):
    content = store.put("model.bin", PIECE)
    gate = caching("--metadata-ttl", "1s", "--metadata-stale", "0", "--workers", "1", HUBGATE_CACHE_MEMORY="16MiB")
    assert gate.ask(get(), timeout=30).body == content
    wait_until_whole(cache, content)
    hub.on(PATH, lambda *_: http(503, b"no"))
    store.refuses = True
    assert wait_until(lambda: gate.ask(get()).body == content and len(hub.seen(PATH)) > 1, 5)
    assert store.confirmed == []


@pytest.mark.parametrize("owner", [0, 1])
def test_a_pointer_gets_nothing_from_another_replica(start_before, hub, store, certificates, tmp_path, owner):
    group = Replicas(start_before, hub, store, certificates, tmp_path, 2)
    content = group.put("model.bin", PIECE + 5, owner=owner)
    stolen = pointer(hub, store, content)
    gates = [group.start(number) for number in range(2)]
    assert gates[owner].ask(get(), timeout=30).body == content
    wait_until_whole(group.cache(owner), content)
    for gate in gates:
        assert gate.ask(get(stolen), timeout=10).status == 502
        assert gate.ask(get(stolen, "Range: bytes=7-9"), timeout=10).status == 502
    for gate in gates:
        assert gate.ask(get(), timeout=30).body == content
    # A replica is not left alone for what its store has not: the file is fetched once still.
    assert store.bytes_sent(content) == len(content) and store.confirmed == [digest(content)]
    assert not [message for gate in gates for message in gate.messages if "peers" in message]
