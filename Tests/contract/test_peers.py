"""Replicas with a cache each: a file is fetched from its store once, by the one that owns it, and no fault of a peer costs a client its file."""

import base64
import signal
import socket
import threading

import pytest

from fakehub import FakeHub, http
from file_cache import MIB, PATH, Clients, get, wait_until_whole
from gate import RELAYING
from pulled import Site
from replicas import PREFIX, SECRET, Replicas, call, peer_figures
from stored_files import PIECE, digest, figures
from waiting import wait_until


@pytest.fixture
def replicas(start_before, hub, store, certificates, tmp_path):
    def make(count=3):
        return Replicas(start_before, hub, store, certificates, tmp_path, count)

    return make


@pytest.fixture
def fake_peer(certificates):
    """A replica of the test's own, at a port."""
    peers = []

    def fake_peer(port, answer):
        peers.append(FakeHub(certificates=certificates, port=port))
        peers[-1].otherwise = answer
        return peers[-1]

    yield fake_peer
    for peer in peers:
        peer.close()


def path(number):
    return f"/acme/m/resolve/main/{number}.bin"


def part(request, content, *, status=206, shift=0, length=None, body=None):
    """What a replica answers, or nearly."""
    first, last = map(int, request["Range"].removeprefix("bytes=").split("-"))
    body = content[first : last + 1] if body is None else body
    head = [f"HTTP/1.1 {status} X", f"Content-Range: bytes {first + shift}-{last + shift}/{len(content)}", f"Content-Length: {length or len(body)}"]
    return "\r\n".join([*head, "", ""]).encode() + body


# What they do together


def fetch_together(group, more):
    """What three replicas counted while 36 clients had four files of them, each `more` bytes longer; nothing where a replica was too slow for another."""
    sizes = [size + more for size in (1000, 2 * PIECE + 77, PIECE, PIECE + 1)]
    contents = [group.put(f"{number}.bin", size, owner=number % 3) for number, size in enumerate(sizes)]
    gates = [group.start(number, "--workers", workers) for number, workers in enumerate(["1", "2", "2"])]
    crowds = [(Clients(gate, [get(path(number))] * 3), content) for gate in gates for number, content in enumerate(contents)]
    for crowd, content in crowds:
        assert [(status, body == content) for status, body in crowd.all()] == [(200, True)] * 3
    counted = [peer_figures(gate) for gate in gates]
    return (gates, contents, counted) if not any("too_slow" in asked for asked, _, _ in counted) else None


def test_each_byte_is_fetched_from_the_store_once_by_all_replicas_together(replicas, store):
    # A machine that has much else to do lets a replica wait for more than two seconds; then the store is asked, as it should be.
    gates, contents, counted = next(found for more in range(4) if (found := fetch_together(replicas(), more)))
    assert [store.bytes_sent(content) for content in contents] == [len(content) for content in contents]
    for number, (asked, answered, received) in enumerate(counted):
        foreign = [len(content) for other, content in enumerate(contents) if other % 3 != number]
        assert asked == {"ok": len(foreign)} and received == sum(foreign)
        assert answered == {"served": 2 * (len(contents) - len(foreign))}
    assert not [message for gate in gates for message in gate.messages if "peers" in message]
    # The access log tells which replica calls which.
    assert gates[0].wait_for_log(lambda line: line["path"] == PREFIX + digest(contents[0]) and line["status"] == 206)


def test_before_the_sandbox_one_of_three_asks_its_store(start, certificates, tmp_path):
    site = Site(start, tmp_path).fill()
    group = Replicas(None, None, None, certificates, tmp_path)

    def begin(number):
        given = {f"HUBGATE_{name.upper()}": str(value) for name, value in group.settings(number).items() if name != "cache_dir"}
        return site.gate("--listen", f"127.0.0.1:{group.ports[number]}", cache=group.cache(number), **given, **RELAYING)

    gates = [begin(number) for number in range(3)]
    before = len(site.hub.journal())
    bodies = [body for gate in gates for _, body in Clients(gate, [get("/sandbox/tiny/resolve/main/weights.bin")] * 4).all()]
    assert {digest(body) for body in bodies} == {digest(b"w" * 300_000)} and len(bodies) == 12
    journal = site.hub.journal()[before:]
    # The two others have asked for its first byte.
    assert len([entry for entry in journal if "/resolve/" not in entry["target"]]) == 3, journal
    # Each of them has asked the Hub whether it may.
    assert len([entry for entry in journal if "/resolve/" in entry["target"]]) >= 3


def test_a_part_that_is_asked_of_one_brings_its_piece_to_the_owner_and_no_other(replicas, store):
    group = replicas(2)
    content = group.put("model.bin", 4 * PIECE, owner=1)
    gates = [group.start(number, "--cache-finish", "1MiB") for number in range(2)]
    place = 2 * PIECE + 5
    answer = gates[0].ask(get(PATH, f"Range: bytes={place}-{place + 9}"), timeout=30)
    assert answer.status == 206 and answer.body == content[place : place + 10]
    assert wait_until(lambda: store.ranges_asked(content) and store.at_once == 0, 10)
    assert store.ranges_asked(content) == [f"bytes={2 * PIECE}-{3 * PIECE - 1}"] and store.bytes_sent(content) == PIECE
    for gate in gates:
        assert gate.ask(get(), timeout=30).body == content
    assert store.bytes_sent(content) == len(content)


def test_the_first_byte_does_not_wait_for_the_last_of_the_owner(replicas, store):
    group = replicas(2)
    content = group.put("model.bin", 2 * PIECE, owner=1)
    store.hold_at = MIB
    gates = [group.start(number) for number in range(2)]
    clients = Clients(gates[0], [get()])
    assert wait_until(lambda: clients.taken[0] > MIB // 2, 20)
    store.go_on.set()
    assert clients.all() == [(200, content)]


def test_a_client_gets_its_file_whole_when_the_owner_dies_in_the_middle(replicas, store):
    group = replicas()
    content = group.put("model.bin", 4 * PIECE, owner=2)
    store.hold_at = PIECE + MIB
    gates = [group.start(number) for number in range(3)]
    crowds = [Clients(gate, [get()] * 4) for gate in gates[:2]]
    assert wait_until(lambda: all(min(crowd.taken) > PIECE for crowd in crowds), 20)
    gates[2].kill()
    store.go_on.set()
    for crowd in crowds:
        assert [(status, body == content) for status, body in crowd.all()] == [(200, True)] * 4
    other, third = group.put("other.bin", 1000, owner=2), group.put("third.bin", 1001, owner=2)
    for number, gate in enumerate(gates[:2]):
        wait_until_whole(group.cache(number), content)
        asked, _, received = peer_figures(gate)
        assert asked == {"broken": 1} and PIECE < received < 3 * PIECE
        # That may have been the file's fault. Where no replica answers it is the replica's, which is left alone, and that is logged once.
        assert gate.ask(get("/acme/m/resolve/main/other.bin"), timeout=30).body == other
        assert gate.ask(get("/acme/m/resolve/main/third.bin"), timeout=30).body == third
        assert peer_figures(gate)[0] == {"broken": 1, "unreachable": 1, "skipped": 1}
        assert len([message for message in gate.messages if "left alone" in message]) == 1


# Who may ask


def test_with_another_secret_a_replica_gets_nothing_and_the_store_gives(replicas, store):
    group = replicas(2)
    content = group.put("model.bin", 1000, owner=1)
    gates = [group.start(0), group.start(1, secret="of-somebody-else-and-as-long-as-it-has-to-be")]
    assert gates[0].ask(get(), timeout=30).body == content
    assert peer_figures(gates[0])[0] == {"refused": 1} and peer_figures(gates[1])[1] == {"unknown": 1}
    assert any("peer_secret_file" in message for message in gates[0].messages)
    # Read again, it is the right one.
    group.secret(1)
    gates[1].signal(signal.SIGHUP)
    request = call(group.origins[1], digest(content), 1000, 0, 999, f"{store.url}/{digest(content)}")
    assert wait_until(lambda: gates[1].ask(request, timeout=30).status == 206, 10)


def test_only_who_has_signed_this_call_for_this_replica_now_gets_bytes(replicas, store, hub):
    group = replicas()
    content, other = group.put("model.bin", 1000, owner=0), group.put("other.bin", 1000, owner=1)
    name, source = digest(content), f"{store.url}/{digest(content)}"
    gate = group.start(0)
    good = (group.origins[0], name, 1000, 10, 19, source)
    answer = gate.ask(call(*good), timeout=30)
    assert answer.status == 206 and answer.body == content[10:20] and answer["Content-Range"] == "bytes 10-19/1000"
    elsewhere = base64.urlsafe_b64encode(b"https://example.org/").decode().rstrip("=")
    faults = {
        "none": call(*good, signature=None), "empty": call(*good, signature="1...x"), "words": call(*good, signature="Bearer " + SECRET),
        "the secret": call(*good, signature=SECRET), "another secret": call(*good, secret=SECRET[:-1] + "x"),
        "old": call(*good, age=62), "of tomorrow": call(*good, age=-62),
        "for another": call(group.origins[1], *good[1:]), "another range": call(*good, range="bytes=0-999"),
        "no range": call(*good, range="bytes=0-"), "two ranges": call(*good, range="bytes=0-1,3-4"), "another size": call(*good, size=2000),
        "another source": call(*good, source=elsewhere), "another file": call(*good, name=digest(other)),
        "no file": call(*good, name="x"), "below": call(*good, name=name + "/x"), "query": call(*good, name=name + "?a"),
        "another nonce": call(*good, signature="1.1.00000000000000000000000000000000.AAAA"),
    }  # fmt: skip
    for fault, request in faults.items():
        refused = gate.ask(request)
        assert (refused.status, refused["X-Error-Code"]) == (401, "PeerUnknown"), (fault, refused.status)
        assert content[10:20] not in refused.body
    again = call(*good)
    assert gate.ask(again).status == 206
    for _ in range(2):
        refused = gate.ask(again)
        assert (refused.status, refused["X-Error-Code"]) == (401, "PeerCallRepeated")
    assert peer_figures(gate)[1] == {"served": 2, "unknown": len(faults) + 2}
    assert gate.ask(call(*good, method="DELETE")).status == 405
    assert gate.ask(call(group.origins[0], digest(other), 1000, 0, 9, f"{store.url}/{digest(other)}")).status == 403, "not its own file"
    # A client's key or token is no signature, and nothing tells of the path.
    assert gate.ask(get(PREFIX + name, "Authorization: Bearer hf_of_the_gate")).status == 401
    for page in ("/", "/-/openapi.json", "/-/docs"):
        assert b"/-/peer" not in gate.ask(get(page)).body


def test_a_source_to_which_no_redirect_would_be_followed_is_none(replicas, store, hub):
    group = replicas(2)
    content = group.put("model.bin", 1000, owner=0)
    inside = FakeHub()
    gate = group.start(0)
    port = inside.url.rsplit(":", 1)[1]
    sources = [
        f"{inside.url}/x", f"http://localhost:{port}/x", f"http://huggingface.co:{port}/x", f"{hub.url}/x", "/x", "//127.0.0.1/x", "x",
        f"{store.url}@127.0.0.1:{port}/x", f"http://{store.url.split('//')[1]}@127.0.0.1:{port}/", "file:///etc/passwd", "https://169.254.169.254/", "https://",
    ]  # fmt: skip
    for source in sources:
        refused = gate.ask(call(group.origins[0], digest(content), 1000, 0, 999, source))
        assert (refused.status, refused["X-Error-Code"]) == (403, "Denied"), source
    for source in (f"{store.url}\\@127.0.0.1:{port}/", f"{store.url} @127.0.0.1:{port}/", f"{store.url}/\r\nx: y", ""):
        refused = gate.ask(call(group.origins[0], digest(content), 1000, 0, 999, source))
        assert refused.status in (401, 403), source
    # Nor where an allowed store leads to.
    store.server.on("/leads-on", lambda *_: http(302, b"", f"Location: {inside.url}/x".encode()))
    request = call(group.origins[0], digest(content), 1000, 0, 999, f"{store.url}/leads-on")
    with gate.connect(timeout=30) as connection:
        connection.send(request)
        taken = b""
        try:
            while more := connection.socket.recv(65536):
                taken += more
        except OSError:
            pass
    assert taken.partition(b"\r\n\r\n")[2] == b""
    assert inside.requests == [] and not hub.seen("/x")
    inside.close()


def test_without_peers_there_is_no_such_path(caching, store):
    content = store.put("model.bin", 1000)
    gate = caching()
    assert gate.ask(get()).body == content
    origin = f"https://localhost:{gate.port}"
    assert gate.ask(call(origin, digest(content), 1000, 0, 999, f"{store.url}/{digest(content)}")).status == 404


def test_a_replica_that_ends_refuses_new_calls(replicas, store):
    group = replicas(2)
    content = group.put("model.bin", 1000, owner=0)
    gate = group.start(0, "--drain-delay", "1s")
    request = lambda: call(group.origins[0], digest(content), 1000, 0, 999, f"{store.url}/{digest(content)}")  # noqa: E731
    assert gate.ask(request()).status == 206
    gate.signal(signal.SIGTERM)
    assert wait_until(lambda: gate.ask(get("/-/ready")).status == 503, 5)
    refused = gate.ask(request())
    assert (refused.status, refused["X-Error-Code"]) == (503, "Draining")
    gate.wait_for_stop()


def test_peers_begin_with_a_reload_and_end_with_one(replicas, store):
    group = replicas(2)
    contents = [group.put(f"{number}.bin", 1000 + number, owner=1) for number in range(3)]
    gates = [group.begin(0, "--cache-dir", str(group.cache(0)), "--sandboxing=off"), group.start(1)]
    # Sandboxing would have closed the other's port: that takes a restart.
    config = gates[0].workspace / "config/hubgate.yaml"
    lines = [f'{name}: "{value}"' for name, value in group.settings(0).items() if name != "cache_dir"]
    for number, (text, asked) in enumerate([("# nothing", {}), ("\n".join(lines), {"ok": 1}), ("# nothing", {"ok": 1})]):
        config.write_text(text + "\n")
        gates[0].signal(signal.SIGHUP)
        assert wait_until(lambda: len([message for message in gates[0].messages if "Reloaded" in message]) > number, 10), gates[0].messages
        assert gates[0].ask(get(path(number)), timeout=30).body == contents[number]
        assert peer_figures(gates[0])[0] == asked, gates[0].messages


# What a peer may do


def stall(request, connection, content):
    connection.send(part(request, content, length=len(content), body=content[: len(content) // 2]))
    connection.wait_for_end(30)


def cut(request, connection, content):
    connection.send(part(request, content, length=len(content), body=content[: len(content) // 2]))


def dribble(request, connection, content):
    whole = part(request, content)
    connection.send(whole[: -len(content)])
    for place in range(100):
        connection.send(content[place : place + 1])
        if connection.wait_for_end(0.1):
            return


def hang(request, connection, content):
    connection.wait_for_end(30)


# What each does, how it is counted, and the least and the most of its bytes that were good.
NONE, HALF = (0, 0), (75_000, 75_100)
FAULTS = {
    "not there": (lambda request, connection, content: http(404), "refused", NONE),
    "no rights": (lambda request, connection, content: http(401), "refused", NONE),
    "overloaded": (lambda request, connection, content: http(503), "refused", NONE),
    "busy": (lambda request, connection, content: http(429), "busy", NONE),
    "leads on": (lambda request, connection, content: http(302, b"", b"Location: https://localhost:1/x"), "refused", NONE),
    "the whole": (lambda request, connection, content: http(200, content), "refused", NONE),
    "other bytes": (lambda request, connection, content: http(200, b"hello"), "refused", NONE),
    "another range": (lambda request, connection, content: part(request, content, shift=1), "broken", NONE),
    "more": (lambda request, connection, content: part(request, content, body=content + b"x"), "broken", NONE),
    "less": (lambda request, connection, content: part(request, content, body=content[:-1]), "broken", NONE),
    "no HTTP": (lambda request, connection, content: b"hello\r\n\r\n", "broken", NONE),
    "cuts": (cut, "broken", HALF),
    "hangs": (hang, "too_slow", NONE),
    "stalls": (stall, "too_slow", HALF),
    "dribbles": (dribble, "too_slow", (1, 100)),
}


# Not the replica's fault: it is asked for other files.
OF_THE_FILE = {"busy", "cuts", "stalls", "dribbles"}


def test_whatever_a_peer_does_a_client_gets_its_file(replicas, store, fake_peer):
    """All at once: each fault is another peer's."""
    group = replicas(len(FAULTS) + 3)
    names = [None, *FAULTS, "refuses", "silent"]
    contents = {name: group.put(f"{number}.bin", 150_000 + number, owner=number) for number, name in enumerate(names) if name}
    peers = {name: fake_peer(group.ports[names.index(name)], lambda *given, name=name: FAULTS[name][0](*given, contents[name])) for name in FAULTS}
    silent = socket.create_server(("127.0.0.1", group.ports[names.index("silent")]))
    gate = group.start(0, "--stall-timeout", "2s")
    clients = {name: Clients(gate, [get(path(names.index(name)))] * 2) for name in contents}
    for name, crowd in clients.items():
        assert [(status, body == contents[name]) for status, body in crowd.all()] == [(200, True)] * 2, name
    asked, _, received = peer_figures(gate)
    expected = {}
    for _, result, _ in FAULTS.values():
        expected[result] = expected.get(result, 0) + 1
    # No TLS comes, or no connection.
    assert asked == {**expected, "unreachable": 2}
    for name, (_, _, (least, most)) in FAULTS.items():
        assert least <= len(contents[name]) - store.bytes_sent(contents[name]) <= most, name
    # Each is left alone now, but for the one that was busy, and those that have answered for a file.
    before = {name: len(peer.requests) for name, peer in peers.items()}
    for number, name in enumerate(names):
        if name in FAULTS:
            group.put(f"{number}.bin", 5000, owner=number)
            assert gate.ask(get(path(number)), timeout=30).status == 200
    assert {name: len(peer.requests) - before[name] for name, peer in peers.items()} == {name: int(name in OF_THE_FILE) for name in FAULTS}
    told = lambda words: len([message for message in gate.messages if words in message])  # noqa: E731
    assert told("that file comes from the store") == len(OF_THE_FILE) - 1 and told("left alone") >= len(FAULTS) - len(OF_THE_FILE) + 2
    silent.close()


def test_a_file_that_its_owner_gives_too_slowly_keeps_no_other_from_coming_from_there(replicas, store, fake_peer):
    group = replicas(2)
    slow, *others = [group.put(f"{number}.bin", 150_000 + number, owner=1) for number in range(6)]
    held = {digest(content): content for content in others}

    def answer(request, connection):
        name = request.target.rsplit("/", 1)[1]
        return part(request, held[name]) if name in held else stall(request, connection, slow)

    peer = fake_peer(group.ports[1], answer)
    gate = group.start(0, "--stall-timeout", "1s")
    assert gate.ask(get(path(0)), timeout=30).body == slow
    for number, content in enumerate(others, 1):
        assert gate.ask(get(path(number)), timeout=30).body == content
    assert peer_figures(gate)[0] == {"too_slow": 1, "ok": len(others)} and store.bytes_sent(others[0]) == 0
    # The slow one comes from the store for a while.
    asked = len(peer.requests)
    for entry in group.cache(0).rglob(digest(slow) + "*"):
        entry.unlink()
    assert gate.ask(get(path(0)), timeout=30).body == slow and len(peer.requests) == asked


@pytest.mark.parametrize("size", [1000, PIECE + 12345])
def test_wrong_bytes_of_a_peer_reach_nobody_as_a_whole_file(replicas, store, fake_peer, size):
    group = replicas(2)
    content = group.put("model.bin", size, owner=1)
    wrong = content[: size // 2] + bytes([content[size // 2] ^ 1]) + content[size // 2 + 1 :]
    peer = fake_peer(group.ports[1], lambda request, connection: part(request, wrong))
    gate = group.start(0)
    for status, body in Clients(gate, [get()] * 3).all():
        assert status in (200, 502) and (body == content or len(body) < size or status == 502)
        assert body != wrong
    assert figures(gate)['corrupt_total{place="transit"}'] == 1
    assert peer_figures(gate)[0]["wrong"] == 1 and any("was not the file" in message for message in gate.messages)
    # It is not asked again, and the store gives what is right.
    asked = len(peer.requests)
    assert gate.ask(get(), timeout=30).body == content and len(peer.requests) == asked
    wait_until_whole(group.cache(0), content)


def test_a_call_to_a_peer_takes_no_place_of_a_call_to_the_hub(replicas, store, fake_peer, hub):
    group = replicas(2)
    content = group.put("model.bin", 1000, owner=1)
    hub.on("/api/models/acme/m", lambda *_: http(200, b"{}", b"Content-Type: application/json"))
    has_come, go_on = threading.Event(), threading.Event()

    def answer(request, connection):
        whole = part(request, content)
        connection.send(whole[:-500])
        has_come.set()
        go_on.wait(20)
        return whole[-500:]

    fake_peer(group.ports[1], answer)
    gate = group.start(0, "--upstream-connections", "1")
    clients = Clients(gate, [get()])
    assert has_come.wait(20)
    assert gate.ask(get("/api/models/acme/m")).status == 200
    go_on.set()
    assert clients.all() == [(200, content)]
    assert peer_figures(gate)[0] == {"ok": 1} and store.bytes_sent(content) == 0


def test_a_peer_gets_no_credential(replicas, store, fake_peer, hub):
    group = replicas(2)
    content = group.put("model.bin", 1000, owner=1)
    peer = fake_peer(group.ports[1], lambda request, connection: part(request, content))
    gate = group.start(0)
    assert gate.ask(get(PATH, "Authorization: Bearer hf_of_a_client", "Cookie: a=b"), timeout=30).body == content
    head = peer.requests[0].head.decode()
    assert "hf_" not in head and SECRET not in head and "Cookie" not in head and "Authorization" not in head
    assert base64.urlsafe_b64decode(peer.requests[0]["X-Hubgate-Peer-Source"] + "==").decode().startswith(store.url)
    assert store.bytes_sent(content) == 0
