"""What Git LFS downloads comes from the file cache, too: by the address that the Hub's answer to its batch has become here."""

import json

import pytest

from batches import Batches, address_of, ask_batch
from fakehub import http
from file_cache import MIB, Clients, file_of, get, wait_until_whole
from hub import Hub
from stored_files import PIECE, digest, figures
from waiting import wait_until

NAME = "0" * 63 + "f"


@pytest.fixture
def batches(hub, store):
    return Batches(hub, store)


def nothing_kept(cache):
    return not [path for path in cache.rglob("*") if path.is_file() and len(path.name.removesuffix(".part")) == 64]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_object_is_fetched_once_and_later_clients_have_it_without_the_store(caching, hub, store, batches, cache, workers):
    content = store.put("model.bin", 2 * PIECE + 12345)
    gate = caching("--workers", workers)
    first = gate.ask(get(batches.address(gate, content)), timeout=30)
    assert (first.status, first.body) == (200, content)
    assert first["ETag"] == f'"{digest(content)}"' and first["Content-Type"] == "application/zip" and "miss" in first["Cache-Status"]
    wait_until_whole(cache, content)
    for _ in range(3):
        later = gate.ask(get(batches.address(gate, content)), timeout=30)
        assert later.body == content and "hit" in later["Cache-Status"]
    assert store.ranges_asked(content) == [None] and store.bytes_sent(content) == len(content)
    # One call to the Hub a batch, and none for a file.
    assert len(hub.requests) == len(hub.seen(batches.path)) == 4


def test_what_resolve_and_git_lfs_ask_for_is_one_file(caching, store, batches, cache):
    content, other = store.put("model.bin", PIECE + 1), store.put("other.bin", 1000, seed=2)
    gate = caching()
    assert gate.ask(get(), timeout=30).body == content
    assert gate.ask(get(batches.address(gate, content)), timeout=30).body == content
    assert gate.ask(get(batches.address(gate, other))).body == other
    assert gate.ask(get("/acme/m/resolve/main/other.bin")).body == other
    assert store.bytes_sent(content) == len(content) and store.bytes_sent(other) == len(other)


def test_without_a_file_cache_the_address_says_no_more_and_the_store_is_asked(start_before, hub, store, batches):
    content = store.put("model.bin", 1000)
    gate = start_before(hub, "--content-hosts", store.url)
    path = batches.address(gate, content)
    assert digest(content) not in path
    assert [gate.ask(get(path)).body for _ in range(2)] == [content] * 2 and len(store.ranges_asked(content)) == 2


def test_many_at_once_parts_among_them_are_one_to_the_store(caching, store, batches):
    content = store.put("model.bin", 5 * PIECE + 77)
    gate = caching("--workers", "2")
    starts = [0 if number % 4 else 3 * PIECE + number for number in range(16)]
    requests = [get(batches.address(gate, content), *([f"Range: bytes={start}-"] if start else [])) for start in starts]
    found = Clients(gate, requests).all()
    assert [status for status, _ in found] == [206 if start else 200 for start in starts]
    assert all(body == content[start:] for start, (_, body) in zip(starts, found, strict=True))
    assert len(content) <= store.bytes_sent(content) <= len(content) + PIECE


def test_parts_conditions_and_heads(caching, store, batches, cache):
    content = store.put("model.bin", 2 * PIECE + 9)
    gate = caching()
    path, tag = batches.address(gate, content), f'"{digest(content)}"'
    part = gate.ask(get(path, f"Range: bytes={PIECE + 5}-{PIECE + 9}"))
    assert part.status == 206 and part.body == content[PIECE + 5 : PIECE + 10]
    assert part["Content-Range"] == f"bytes {PIECE + 5}-{PIECE + 9}/{len(content)}"
    assert gate.ask(get(path, f"Range: bytes={PIECE}-", f"If-Range: {tag}"), timeout=30).body == content[PIECE:]
    assert gate.ask(get(path, "Range: bytes=5-", 'If-Range: "of-the-store"'), timeout=30).body == content
    wait_until_whole(cache, content)
    asked = len(store.ranges_asked(content))
    head = gate.ask(get(path, method="HEAD"))
    assert (head.status, head["Content-Length"], head["ETag"], head.body) == (200, str(len(content)), tag, b"")
    assert gate.ask(get(path, f"If-None-Match: {tag}")).status == 304
    assert len(store.ranges_asked(content)) == asked
    # What only the store can answer: its own tags, parts that are not there, several at once.
    for field in ('If-Match: "of-the-store"', f"Range: bytes={len(content)}-", "Range: bytes=0-1,5-6"):
        gate.ask(get(path, field), timeout=30)
    assert len(store.ranges_asked(content)) == asked + 3


def test_who_is_cut_goes_on_where_it_was(caching, store, batches, cache):
    content = store.put("model.bin", 4 * PIECE)
    store.hold_at = PIECE + MIB
    gate = caching("--cache-finish", "1MiB")
    with gate.connect() as client:
        client.send(get(batches.address(gate, content)))
        assert wait_until(lambda: figures(gate)["filled_bytes_total"] >= PIECE + MIB, 10)
    assert gate.wait_for_log(lambda line: line["path"] == "/-/signed/***")
    store.hold_at = None
    store.go_on.set()
    rest = gate.ask(get(batches.address(gate, content), f"Range: bytes={PIECE // 2}-"), timeout=30)
    assert rest.status == 206 and rest.body == content[PIECE // 2 :]
    # What was on its way when the first call ended is the store's to send, and not kept.
    assert figures(gate)["filled_bytes_total"] == len(content)


def test_a_large_batch_with_errors_and_twins(caching, store, batches, cache):
    contents = [store.put(f"{number}.bin", 1 + 37 * number, seed=number) for number in range(150)]
    fetched = {digest(content) for content in contents[5::15]}
    batches.hides = {digest(content) for content in contents[::10]}
    gate = caching()
    entries = batches.ask(gate, *contents, *contents[:20], (NAME, 5))
    assert len(entries) == 171
    for content, entry in zip([*contents, *contents[:20]], entries, strict=False):
        assert (entry["oid"], entry["size"]) == (digest(content), len(content))
        if entry["oid"] in batches.hides:
            assert entry["error"]["code"] == 404 and "actions" not in entry
        elif digest(content) in fetched:
            assert gate.ask(get(address_of(gate, entry))).body == content
        else:
            address_of(gate, entry)
    assert entries[-1]["error"]["code"] == 404
    for content in contents:
        assert store.ranges_asked(content) == ([None] if digest(content) in fetched - batches.hides else [])


def test_a_store_that_leads_on_is_followed_once(caching, store, batches, cache):
    content = store.put("model.bin", PIECE + 3)
    name = digest(content)
    store.server.on("/hop", lambda *_: http(302, b"", f"Location: {store.url}/{name}?x=1".encode()))
    batches.edit = lambda entry: {**entry, "actions": {"download": {"href": f"{store.url}/hop?x"}}}
    gate = caching()
    for _ in range(2):
        assert gate.ask(get(batches.address(gate, content)), timeout=30).body == content
        wait_until_whole(cache, content)
    assert store.bytes_sent(content) == len(content)


# What the Hub says wrong


@pytest.mark.parametrize(
    "said",
    [{"oid": "A" * 64}, {"oid": NAME[1:]}, {"oid": NAME + "0"}, {"oid": "../../../../etc/passwd"}, {"oid": "..%2f" * 12 + "abcd"}, {"oid": ""}, {"oid": 5},
     {"oid": None}, {"oid": {"x": 1}}, {"oid": "g" * 64}, {"oid": "\u0660" * 64}, {"size": -1}, {"size": 0}, {"size": 1e300}, {"size": "1000"}, {"size": None},
     {"size": 10**30}, {"size": 2**63}, {"size": True}, {"size": 1000.5}],
    ids=lambda said: json.dumps(said)[:24],
)  # fmt: skip
def test_what_is_no_name_or_no_size_goes_by_the_cache(caching, store, batches, cache, said):
    content = store.put("model.bin", 1000)
    batches.edit = lambda entry: {**entry, **said}
    gate = caching()
    for _ in range(2):
        assert gate.ask(get(batches.address(gate, content))).body == content
    assert len(store.ranges_asked(content)) == 2 and nothing_kept(cache)


def test_an_object_with_two_names_has_none(caching, hub, store, batches, cache):
    content, other = store.put("model.bin", 1000), store.put("other.bin", 1000, seed=2)
    entry = '"actions":{"download":{"href":"%s/%s?X-Amz-Expires=900"}}' % (store.url, digest(content))
    answer = '{"objects":[{%s,"oid":"%s","oid":"%s","size":1000}]}' % (entry, digest(content), digest(other))
    hub.on(batches.path, lambda *_: http(200, answer.encode(), b"Content-Type: application/vnd.git-lfs+json"))
    gate = caching()
    assert gate.ask(get(batches.address(gate, content))).body == content and nothing_kept(cache)


@pytest.mark.parametrize("size", [5, 999, 1001, PIECE, 2 * PIECE])
def test_a_size_that_is_not_the_true_one_gets_the_object_past_the_cache_and_keeps_nobody_from_it(caching, store, batches, cache, size):
    content = store.put("model.bin", 1000)
    gate = caching()
    for wish in ((), ("Range: bytes=1-3",)):
        wanted = content[1:4] if wish else content
        assert gate.ask(get(batches.address(gate, (digest(content), size)), *wish)).body == wanted
    # By a condition: what was made for that size may be open for a moment.
    right = lambda: gate.ask(get(batches.address(gate, content))).body == content  # noqa: E731
    assert wait_until(lambda: right() and file_of(cache, content).exists(), 10)
    asked = len(store.ranges_asked(content))
    assert right() and len(store.ranges_asked(content)) == asked
    # What is known to be right stays.
    assert gate.ask(get(batches.address(gate, (digest(content), size)))).body == content
    assert right() and len(store.ranges_asked(content)) == asked + 1


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_wrong_size_throws_away_nothing_of_what_is_there(caching, store, batches, cache, workers):
    content = store.put("model.bin", 3 * PIECE + 5)
    gate = caching("--workers", workers, "--cache-finish", "1MiB")
    assert gate.ask(get(batches.address(gate, content), "Range: bytes=0-9")).body == content[:10]
    assert wait_until(lambda: figures(gate)["filled_bytes_total"] == PIECE and store.at_once == 0, 10)
    for size in (5, PIECE, 7 * PIECE):
        wrong = Clients(gate, [get(batches.address(gate, (digest(content), size)))] * 3).all()
        assert all(body == content for _, body in wrong)
    sent = store.bytes_sent(content)
    assert gate.ask(get(batches.address(gate, content)), timeout=30).body == content
    assert store.bytes_sent(content) - sent == len(content) - PIECE
    wait_until_whole(cache, content)


def test_the_size_that_resolve_says_counts_over_that_of_a_batch(caching, store, batches, cache):
    content = store.put("model.bin", 2 * PIECE)
    name = digest(content)
    # Without a length of its own the store says nothing against a size.
    store.server.on(f"/{name}", chunked(content))
    gate = caching()
    answers = Clients(gate, [get(batches.address(gate, (name, PIECE)))] * 3)
    assert all(len(body) != PIECE for _, body in answers.all()), "a part of a file was given as the whole"
    store.put("model.bin", 2 * PIECE)
    assert gate.ask(get(), timeout=30).body == content
    wait_until_whole(cache, content)


def chunked(content):
    def answer(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(content), content))
        return b""

    return answer


@pytest.mark.parametrize("place", [0, PIECE + 5])
def test_content_that_is_not_the_objects_reaches_nobody_as_a_whole(caching, store, batches, cache, place):
    content = store.put("model.bin", PIECE + 6)
    store.wrong[digest(content)] = place
    gate = caching()
    ((_, body),) = Clients(gate, [get(batches.address(gate, content))]).all()
    assert len(body) < len(content)
    assert figures(gate)['corrupt_total{place="transit"}'] == 1 and nothing_kept(cache)
    store.wrong.clear()
    assert gate.ask(get(batches.address(gate, content)), timeout=30).body == content


# Rights


def test_a_name_alone_and_an_address_that_was_changed_get_nothing(caching, store, batches, cache):
    content, other = store.put("model.bin", 1000), store.put("other.bin", 1000, seed=2)
    gate = caching()
    paths = [batches.address(gate, each) for each in (content, other)]
    for path, each in zip(paths, (content, other), strict=True):
        assert gate.ask(get(path)).body == each
        wait_until_whole(cache, each)
    path, name = paths[0], digest(content)
    term, _, rest = path.removeprefix("/-/signed/").partition(".")
    forged = [
        path.replace(name, digest(other)), path.replace("s1000u", "s1001u"), path.replace(term, term[:-1] + str(9 - int(term[-1]))),
        f"/-/signed/{term}.{paths[1].partition('.')[2]}", f"/-/signed/{term}", f"/-/signed/{term}.", f"/-/signed/o{name}s1000u9999999999", f"/-/signed/{name}",
        f"/-/signed/{term.partition('o')[0]}.{rest}", path.replace("/r", "/u", 1),
    ]  # fmt: skip
    for path in forged:
        assert path not in paths
        answer = gate.ask(get(path))
        assert answer.status in (403, 405) and content not in answer.body, path
    assert store.bytes_sent(content) == 1000


def test_the_file_cache_gives_nothing_by_an_address_for_longer_than_the_store(caching, store, batches, cache):
    content = store.put("model.bin", 1000)
    gate = caching()
    batches.query = "X-Amz-Expires=2"
    path = batches.address(gate, content)
    assert gate.ask(get(path)).body == content
    store.refuses_if = lambda request: True
    # By a condition and not by a clock: the store is asked, and says that it is over.
    assert wait_until(lambda: gate.ask(get(path)).status == 403, 8)
    assert gate.ask(get(path, method="HEAD")).status == 403
    batches.query = "X-Amz-Expires=900"
    assert gate.ask(get(batches.address(gate, content))).body == content


def test_an_address_of_a_key_ends_with_it_though_the_file_is_here(caching, store, batches, keys, cache):
    content = store.put("model.bin", 1000)
    one, two = (keys.create(name, "--role", "reader") for name in ("one", "two"))
    gate = caching("--access", "keys", "--state-dir", str(keys.state))
    paths = [batches.address(gate, content, fields=(f"Authorization: Bearer {key}",)) for key in (one, two)]
    assert [gate.ask(get(path)).body for path in paths] == [content] * 2
    keys.revoke("one")
    assert wait_until(lambda: gate.ask(get(paths[0])).status == 403, 10)
    assert gate.ask(get(paths[1])).body == content and store.bytes_sent(content) == 1000


def test_what_comes_from_the_disk_by_an_address_counts_among_the_bytes_of_its_key(caching, store, batches, keys):
    content = store.put("model.bin", 100_000)
    bearer = f"Authorization: Bearer {keys.create('ml', '--role', 'reader', '--bytes-a-day', '250KB')}"
    gate = caching("--access", "keys", "--state-dir", str(keys.state))
    path = batches.address(gate, content, fields=(bearer,))
    assert [gate.ask(get(path)).status for _ in range(4)] == [200, 200, 429, 429]
    assert store.bytes_sent(content) == len(content)


def test_whom_the_hub_refuses_an_object_gets_no_address_of_it(caching, store, batches, cache):
    content = store.put("model.bin", 1000)
    gate = caching("--access", "passthrough", HF_TOKEN="")
    own = ("Authorization: Bearer hf_a",)
    assert gate.ask(get(batches.address(gate, content, fields=own))).body == content
    batches.hides = {digest(content)}
    entry = batches.ask(gate, content, fields=("Authorization: Bearer hf_b",))[0]
    assert "actions" not in entry and entry["error"]["code"] == 404


def signs_everything(hub, store, content, repo="acme/other"):
    """Another repository, whose Hub signs an address for whatever is asked, and leaves it to its store to have no such thing there."""
    other = Batches(hub, store, repo)
    other._entry = lambda wanted: {
        "oid": wanted["oid"], "size": wanted["size"],
        "actions": {"download": {"href": f"{store.url}/{repo}/{wanted['oid']}?{other.query}"}}}  # fmt: skip
    store.server.on(f"/{repo}/{digest(content)}", lambda *_: http(404, b"no such object"))
    return other


@pytest.mark.parametrize("is_whole", [True, False])
def test_what_the_store_does_not_give_at_an_address_comes_from_no_disk(caching, hub, store, batches, cache, is_whole):
    content = store.put("private.bin", 2 * PIECE)
    other = signs_everything(hub, store, content)
    gate = caching()
    path = batches.address(gate, content)
    fields = () if is_whole else (f"Range: bytes={PIECE}-",)
    assert gate.ask(get(path, *fields)).body == content[0 if is_whole else PIECE :]
    foreign = other.address(gate, content)
    for request in (get(foreign), get(foreign, "Range: bytes=5-9"), get(foreign, f"Range: bytes={PIECE}-")):
        answer = gate.ask(request)
        assert (answer.status, answer.body) == (404, b"no such object")
    assert gate.ask(get(foreign).replace(b"GET", b"HEAD", 1)).status == 404
    # And a client with the right still gets it.
    assert gate.ask(get(batches.address(gate, content))).body == content


def test_an_address_is_asked_for_at_the_store_once_where_its_path_has_the_name_and_else_by_each_signature(caching, hub, store, batches):
    content = store.put("model.bin", 1000)
    gate = caching()
    for _ in range(3):
        assert gate.ask(get(batches.address(gate, content))).body == content
    assert store.confirmed == []  # It has come from there.
    store.server.on("/object", lambda request, connection: store._answer(digest(content), request, connection))
    batches.edit = lambda entry: {**entry, "actions": {"download": {"href": f"{store.url}/object?name={entry['oid']}&{batches.query}&n={len(store.confirmed)}"}}}
    for _ in range(2):
        assert gate.ask(get(batches.address(gate, content))).body == content
    assert store.confirmed == [digest(content)] * 2


# The sandbox, whose answers have their members in the order of their names


def test_the_sandbox_sends_an_object_once(start, cache):
    gate = start("--cache-dir", str(cache))
    hub = Hub(gate)
    content = b"\3" * (PIECE + 5)
    hub.create("sandbox/large")
    hub.put_linked("sandbox/large", "x.bin", content)
    order = {"operation": "download", "objects": [{"oid": digest(content), "size": len(content)}]}
    before = len(hub.journal())
    paths = [address_of(gate, ask_batch(gate, "/sandbox/large.git/info/lfs/objects/batch", order)[0]) for _ in range(3)]
    assert gate.ask(get(paths[0])).body == content
    threads = Clients(gate, [get(path) for path in paths])
    assert all(found == (200, content) for found in threads.all())
    wait_until_whole(cache, content)
    assert gate.ask(get(paths[0], f"Range: bytes={PIECE}-")).body == content[PIECE:]
    journal = hub.journal()[before:]
    assert [(entry["origin"], entry["credential"]) for entry in journal if entry["origin"] != "hub"] == [("cdn", "none")]
    assert len([entry for entry in journal if entry["target"].endswith("/objects/batch")]) == 3
