"""The gateway's connections to the Hub: which are kept, and that a Hub that breaks HTTP on them harms no other request."""

import signal
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import corpus
from fakehub import FakeHub, FakeNames, http, wait_until
from gate import IS_SANITIZED, ROOT, Certificates
from tlshub import KEY_UPDATE_NOT_REQUESTED, KEY_UPDATE_REQUESTED, TLSHub
from wire import Ended, WireError

STOLEN = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen"
MIB = 1 << 20


def request(method, target, *fields, body=b""):
    lines = [f"{method} {target} HTTP/1.1".encode(), b"Host: localhost", b"Connection: close", *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def ask(gate, method, target, *fields, body=b"", timeout=20):
    if body:
        fields = (*fields, b"Content-Length: %d" % len(body))
    return gate.ask(request(method, target, *fields, body=body), timeout)


@pytest.fixture(params=["plain", "tls"])
def any_hub(request, certificates):
    hub = FakeHub(certificates=certificates if request.param == "tls" else None)
    yield hub
    hub.close()


@pytest.fixture
def trusting(start_before, certificates):
    """Starts a gate that trusts the tests' own authority."""

    def trusting(hub, *flags, **options):
        return start_before(hub, "--ca-file", str(certificates.authority), *flags, **options)

    return trusting


# Bytes that belong to no response

BEHIND = {
    "the body of HEAD": ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(STOLEN)),
    "past Content-Length": ("GET", http(200, b"whole")),
    "past a length of 0": ("GET", http(200, b"")),
    "past the last chunk": (
        "GET", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\n\r\n"),
    "behind 204": ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
    "behind 304": ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"),
    "behind the response to POST": ("POST", http(200, b"whole")),
}


@pytest.mark.parametrize("late", [0, 0.15], ids=["at once", "late"])
@pytest.mark.parametrize("kind", BEHIND)
@pytest.mark.parametrize("where", ["hub", "router"])
def test_bytes_behind_a_response_reach_nobody(trusting, any_hub, where, kind, late):
    method, answer = BEHIND[kind]
    path, other = ("/alice", "/bob") if where == "hub" else ("/v1/alice", "/v1/bob")
    behind = threading.Event()

    def alice(_, connection):
        connection.send(answer if late else answer + STOLEN)
        if late:
            time.sleep(late)
            connection.send(STOLEN)
        behind.set()
        connection.wait_for_end(5)

    any_hub.on(path, alice)
    any_hub.on(other, lambda asked, _: http(200, b"for " + asked["X-Who"].encode()))
    if where == "hub":
        gate = trusting(any_hub)
    else:
        gate = trusting(any_hub, "--upstream", "https://127.0.0.1:9", "--inference-upstream", any_hub.url)
    asks = "POST" if where == "router" and method == "GET" else method
    assert ask(gate, asks, path, body=b"{}" if asks == "POST" else b"").status in (200, 204, 304)
    assert behind.wait(5)
    time.sleep(0.1)
    for number in range(5):
        who = b"X-Who: %d" % number
        got = ask(gate, "POST", other, who, body=b"{}") if where == "router" else ask(gate, "GET", other, who)
        assert (got.status, got.body) == (200, b"for %d" % number)


@pytest.mark.parametrize("kind", [kind for kind in BEHIND if kind != "behind the response to POST"])
def test_bytes_behind_a_stores_response_reach_nobody(start_before, hub, tmp_path, kind):
    subprocess.run([ROOT / "config/make-certs.sh", "--out", tmp_path / "store", "store.test"], check=True)
    certificates = Certificates(tmp_path / "store")
    try:
        store = FakeHub(certificates=certificates, port=443)
    except OSError:
        pytest.skip("the port of https cannot be had here")
    names = FakeNames(delay=0)
    method, answer = BEHIND[kind]
    behind = threading.Event()

    def alice(_, connection):
        connection.send(answer)
        time.sleep(0.15)
        connection.send(STOLEN)
        behind.set()
        connection.wait_for_end(5)

    try:
        for who in ("alice", "bob"):
            hub.on(
                f"/m/resolve/main/{who}",
                lambda asked, _, who=who: http(
                    302, b"", f"Location: https://store.test/{who}".encode(), b"X-Linked-Size: 5", b'X-Linked-Etag: "e"'
                ),
            )
        store.on("/alice", alice)
        store.on("/bob", lambda *_: http(200, b"bob's"))
        gate = start_before(
            hub, "--ca-file", str(certificates.authority), "--content-hosts", "store.test", "--dns-server", names.address
        )
        with gate.connect() as client:
            client.send(request(method, "/m/resolve/main/alice"))
            if method == "GET":
                assert behind.wait(5)
        time.sleep(0.4)
        for _ in range(4):
            got = ask(gate, "GET", "/m/resolve/main/bob")
            assert (got.status, got.body) == (200, b"bob's")
    finally:
        store.close()
        names.close()


# The corpus of responses


@pytest.mark.parametrize("pieces", ["whole", "byte by byte"])
def test_every_line_of_the_corpus_of_responses_becomes_what_it_says(trusting, any_hub, pieces):
    lines = [line for line in corpus.responses() if pieces == "whole" or len(line.raw) < 120]
    at = {line.id: line for line in lines}

    def answer(asked, connection):
        line = at[asked["X-Line"]]
        if pieces == "whole":
            connection.send(line.raw)
        else:
            for index in range(len(line.raw)):
                connection.send(line.raw[index : index + 1])
        if line.outcome != "whole" or not line.keeps:
            connection.end()
            return None
        return b""

    any_hub.on("/line", answer)
    any_hub.on("/next", lambda *_: http(200, b"next"))
    gate = trusting(any_hub)
    for line in lines:
        if line.status is not None and line.length is None:
            # Its head was given on, perhaps; it must not look whole.
            with gate.connect(20) as client:
                client.send(request(line.method, "/line", b"X-Line: " + line.id.encode()))
                try:
                    assert client.answer().status == 502, line.id
                except (Ended, WireError):
                    pass
        else:
            got = ask(gate, line.method, "/line", b"X-Line: " + line.id.encode())
            assert got.status == (line.status or 502), line.id
            if line.status is not None:
                assert len(got.body) == line.length, line.id
        assert ask(gate, "GET", "/next").body == b"next", line.id


def test_tls_that_ends_without_close_notify_is_a_cut(trusting, certificates):
    hub = FakeHub(certificates=certificates)

    def cut(_, connection):
        connection.send(b"HTTP/1.1 200 OK\r\n\r\nuntil its end")

    hub.on("/cut", cut)
    hub.on("/whole", lambda _, connection: cut(_, connection) or connection.end())
    gate = trusting(hub)
    try:
        assert ask(gate, "GET", "/whole").body == b"until its end"
        with gate.connect() as client:
            client.send(request("GET", "/cut"))
            client.check_cut()
    finally:
        hub.close()


# A response before the request's body was sent


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("status", [200, 413, 503])
def test_an_early_response_leaves_no_body_for_the_next_request_to_be_read_as(trusting, any_hub, framing, status):
    piece = b"NOT A HEAD AT ALL BUT A BODY\r\n\r\n" * 512
    connections, each = (4, 4) if IS_SANITIZED else (16, 16)

    others = []

    def early(asked, connection):
        version = asked["X-Version"].encode()
        connection.send(b"HTTP/%s %d X\r\nContent-Length: 5\r\n\r\nearly" % (version, status))
        if version == b"1.0":
            return None
        # What follows is this request's body, to its end or the connection's, and nothing else.
        try:
            for part in connection.parts(asked):
                if part.strip(b"NOT A HEAD AT ALL BUT A BODY\r\n"):
                    others.append(part)
        except (OSError, ValueError) as error:
            if not isinstance(error, OSError):
                others.append(error)
            return None
        return b""

    any_hub.on("/early", early, reads=False)
    gate = trusting(any_hub)

    def post(number):
        fields = [b"X-Version: 1.0" if number % 5 == 0 else b"X-Version: 1.1"]
        if number % 3 == 0:
            fields.append(b"Expect: 100-continue")
        fields.append(b"Transfer-Encoding: chunked" if framing == "chunked" else b"Content-Length: %d" % (8 * len(piece)))
        with gate.connect(20) as client:
            client.send(request("POST", "/early", *fields))
            block = b"%x\r\n%s\r\n" % (len(piece), piece) if framing == "chunked" else piece
            client.send_whatever_happens(block * 8 + (b"0\r\n\r\n" if framing == "chunked" else b""), len(block))
            return client.answer()

    with ThreadPoolExecutor(connections) as pool:
        answers = list(pool.map(post, range(connections * each)))
    assert not any_hub.garbled and not others, (any_hub.garbled[:1], others[:1])
    assert {(answer.status, answer.body) for answer in answers} == {(status, b"early")}
    assert {seen.method for seen in any_hub.requests} == {"POST"}
    assert len(any_hub.requests) == len(answers), "one was sent twice"


def test_a_request_that_was_read_whole_keeps_its_connection(trusting, any_hub):
    any_hub.on("/whole", lambda asked, _: http(200, b"%d %d" % (len(asked.body), asked.connection.number)))
    gate = trusting(any_hub)

    def check(size, answer):
        length, number = answer.body.split()
        assert int(length) == size
        # A GET goes on the connection that was used last.
        assert ask(gate, "GET", "/whole").body == b"0 " + number

    for size in (1, 1000, 100_000, 700_000):
        check(size, ask(gate, "POST", "/whole", body=b"x" * size))
        pieces = [1000] * (size // 1000) + [size % 1000] * (size % 1000 > 0)
        chunked = b"".join(b"%x\r\n%s\r\n" % (piece, b"y" * piece) for piece in pieces) + b"0\r\n\r\n"
        check(size, gate.ask(request("POST", "/whole", b"Transfer-Encoding: chunked", body=chunked), 20))


# What may act, and connections that end


def test_posts_on_a_connection_that_the_hub_has_just_closed_do_not_fail(trusting, any_hub):
    """What the Hub closed up to 3 ms ago is known to be closed before a POST goes out on it."""
    closed = threading.Semaphore(0)

    def last(_, connection):
        connection.send(http(200, b"ok"))
        connection.socket.shutdown(socket.SHUT_RDWR)
        closed.release()

    any_hub.on("/last", last)
    gate = trusting(any_hub)
    count, failed = (60 if IS_SANITIZED else 400), 0
    with gate.connect(20) as client:
        for number in range(count):
            client.send(b"POST /last HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
            failed += client.answer().status != 200
            closed.acquire(timeout=5)
            time.sleep(number % 4 * 0.001)
    assert failed < count / 100
    assert len(any_hub.seen("/last")) <= count


@pytest.mark.long
def test_posts_at_the_moment_when_the_hub_closes_idle_connections_do_not_fail(trusting, any_hub):
    """Every server closes what was idle for long; a POST that meets that moment would be lost."""
    idle_seconds, clients, rounds = 1.3, 100, 1 if IS_SANITIZED else 4
    together = threading.Barrier(clients)

    def meets(_, connection):
        together.wait(10)
        connection.socket.settimeout(idle_seconds)
        return http(200, b"met")

    def acts(_, connection):
        connection.socket.settimeout(idle_seconds)
        return http(200, b"done")

    any_hub.on("/meets", meets)
    any_hub.on("/acts", acts)
    gate = trusting(any_hub)

    def one(number):
        failed = 0
        with gate.connect(20) as client:
            for _ in range(rounds):
                client.send(b"GET /meets HTTP/1.1\r\nHost: localhost\r\nX-Number: %d\r\n\r\n" % number)
                assert client.answer().body == b"met"
                time.sleep(idle_seconds + (number / clients - 0.5) * 0.006)
                client.send(b"POST /acts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
                failed += client.answer().status != 200
        return failed

    with ThreadPoolExecutor(clients) as pool:
        failed = sum(pool.map(one, range(clients)))
    assert failed < max(1, clients * rounds / 100)


def test_a_new_tls_connection_takes_up_the_session_of_the_one_before(trusting, certificates):
    hub = FakeHub(certificates=certificates)
    reused = []

    def last(_, connection):
        reused.append(connection.socket.session_reused)
        connection.send(http(200, b"x"))
        connection.end()

    hub.on("/x", last)
    gate = trusting(hub)
    try:
        for _ in range(3):
            assert ask(gate, "GET", "/x").body == b"x"
            time.sleep(0.05)
        assert reused == [False, True, True]
    finally:
        hub.close()


def test_what_may_act_goes_on_no_connection_that_was_long_idle(trusting, any_hub):
    any_hub.on("/x", lambda asked, _: http(200, b"%d" % asked.connection.number))
    gate = trusting(any_hub)
    assert ask(gate, "GET", "/x").body == b"1"
    time.sleep(1.3)
    assert ask(gate, "DELETE", "/x").body == b"2"
    assert ask(gate, "GET", "/x").body == b"2", "not the one that was used last"
    assert len(any_hub.open) == 2


@pytest.mark.parametrize("size", [10, 17_000, 40_000, 100_000])
def test_close_notify_ends_a_response_though_the_socket_stays_open(trusting, certificates, size):
    go_on = threading.Event()

    def answer(_, connection):
        # The end comes with the last bytes, and behind it nothing that would make the socket readable.
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + b"x" * size)
        connection.socket.setblocking(False)
        try:
            connection.socket.unwrap()
        except OSError:
            pass
        go_on.wait(20)

    hub = FakeHub(certificates=certificates)
    hub.on("/x", answer)
    gate = trusting(hub)
    try:
        # Whether the end comes with the last read is a matter of chance.
        for _ in range(8):
            assert ask(gate, "GET", "/x", timeout=5).body == b"x" * size
    finally:
        go_on.set()
        hub.close()


# A Hub that costs


@pytest.mark.parametrize("kind", ["KeyUpdate", "KeyUpdate that asks for one", "tickets"])
@pytest.mark.parametrize("when", ["before its response", "on an idle connection"])
def test_tls_messages_without_content_hold_nobody_and_end_the_connection(trusting, certificates, kind, when):
    ended, cut = threading.Event(), threading.Event()

    def flood(connection):
        for _ in range(20_000):
            if kind == "tickets":
                alive = connection.send_ticket()
            else:
                alive = connection.update_key(
                    KEY_UPDATE_NOT_REQUESTED if kind == "KeyUpdate" else KEY_UPDATE_REQUESTED)
            if not alive:
                break
        # OpenSSL takes no notice of a ticket that cannot be sent.
        if not connection.send(b"x"):
            cut.set()
        ended.set()

    def serve(connection):
        while head := connection.read_head():
            if b"/flood" in head and when == "before its response":
                flood(connection)
            connection.send(http(200, b"x"))
            if b"/flood" in head:
                flood(connection)

    hub = TLSHub(certificates, serve)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    gate = trusting(hub)
    try:
        with gate.connect(20) as client:
            client.send(request("GET", "/flood"))
            slowest = 0
            while not ended.is_set():
                started = time.monotonic()
                assert gate.ask().status == 200
                slowest = max(slowest, time.monotonic() - started)
            # Generous: without a bound it was seconds.
            assert slowest < (10 if IS_SANITIZED else 2)
            if when == "before its response":
                client.answer().check_is_error(502, "HubBroken")
        assert cut.is_set(), "the connection was not cut"
        assert ask(gate, "GET", "/next").body == b"x"
    finally:
        hub.close()


def test_a_few_key_updates_are_nobodys_harm(trusting, certificates):
    def serve(connection):
        while connection.read_head():
            connection.update_key()
            connection.send(http(200, b"x"))

    hub = TLSHub(certificates, serve)
    gate = trusting(hub)
    try:
        assert [ask(gate, "GET", "/x").body for _ in range(8)] == [b"x"] * 8
    finally:
        hub.close()


def test_a_response_that_came_with_a_key_update_while_the_upload_stood_still_is_read(trusting, certificates):
    """OpenSSL answers a KeyUpdate behind the record that waits to be written, and reads on meanwhile."""
    size = 16 * MIB

    def serve(connection):
        while connection.read_head():
            # By now the gateway's socket is full, most likely: nothing reads it.
            time.sleep(1)
            with connection.in_one_segment():
                connection.update_key(KEY_UPDATE_REQUESTED)
                connection.send(http(200, b"x"))
            time.sleep(0.3)
            connection.read(size)

    hub = TLSHub(certificates, serve)
    gate = trusting(hub)
    try:
        with gate.connect(10) as client:
            head = request("POST", "/x", b"Content-Length: %d" % size)
            threading.Thread(target=client.send_whatever_happens, args=[head + bytes(size)], daemon=True).start()
            assert client.answer().body == b"x"
    finally:
        hub.close()


@pytest.mark.parametrize("size", [1, 2])
def test_chunks_of_a_byte_are_joined_and_others_are_served(trusting, any_hub, size):
    content = bytes(range(256)) * (400 if IS_SANITIZED else 4000)

    def tiny(_, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        pieces = (content[start : start + size] for start in range(0, len(content), size))
        connection.send(b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n")

    any_hub.on("/tiny", tiny)
    gate = trusting(any_hub)
    with gate.connect(60) as client:
        client.send(request("GET", "/tiny"))
        for _ in range(20):
            assert gate.ask(timeout=5).status == 200
        assert client.answer().body == content


@pytest.mark.skipif(IS_SANITIZED, reason="a sanitizer's memory is not the gate's")
def test_thousands_of_names_of_a_hub_do_not_grow_memory(start_before, hub):
    names = FakeNames(delay=0)
    hub.on(
        "/m/resolve/main/f",
        lambda asked, _: http(302, b"", f"Location: https://n{asked['X-Number']}.store.test/f".encode()),
    )
    gate = start_before(hub, "--content-hosts", "store.test", "--dns-server", names.address)

    def ask_for(numbers):
        with gate.connect(20) as client:
            for number in numbers:
                client.send(b"GET /m/resolve/main/f HTTP/1.1\r\nHost: localhost\r\nX-Number: %d\r\n\r\n" % number)
                client.answer().check_is_error(502)

    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(ask_for, [range(start, 2000, 8) for start in range(8)]))
            before = gate.resident_bytes
            list(pool.map(ask_for, [range(2000 + start, 6000, 8) for start in range(8)]))
        # A list that keeps each took 600 bytes a name and more: 2.3 MiB.
        assert gate.resident_bytes - before < 5 * MIB // 4
    finally:
        names.close()


# A client that leaves


@pytest.mark.parametrize("state", ["looked up", "connecting", "shaking hands", "waiting", "receiving", "sending"])
def test_a_client_that_leaves_ends_its_call_in_each_state(trusting, certificates, state):
    silent = socket.socket()
    silent.bind(("127.0.0.1", 0))
    silent.listen(1)
    port = silent.getsockname()[1]
    dead_names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    dead_names.bind(("127.0.0.1", 0))
    hub = FakeHub(receive_buffer=4096)
    reached = threading.Event()
    held = []

    def stays(asked, connection):
        if state == "receiving":
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
        reached.set()
        connection.wait_for_end(10) if state != "sending" else time.sleep(2)

    hub.on("/stays", stays, reads=state != "sending")
    if state == "connecting":
        # The socket is not accepted from: the queue is full, and the next SYN is not answered.
        for _ in range(4):
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
            held.append(waiting)
    upstream = {
        "looked up": "https://hub.invalid-name.test",
        "connecting": f"http://127.0.0.1:{port}",
        "shaking hands": f"https://127.0.0.1:{port}",
    }.get(state, hub.url)
    gate = trusting(
        hub, "--upstream", upstream, "--dns-server", f"127.0.0.1:{dead_names.getsockname()[1]}",
        "--connect-timeout", "30s",
    )
    before = gate.descriptors
    try:
        for _ in range(3):
            with gate.connect() as client:
                body = [b"Content-Length: 50000000"] if state == "sending" else []
                client.send(request("POST" if body else "GET", "/stays", *body))
                if state == "sending":
                    client.socket.settimeout(1)
                    try:
                        client.send_whatever_happens(b"x" * 20_000_000, 100_000)
                    except TimeoutError:
                        pass
                else:
                    reached.wait(0.3)
                    time.sleep(0.2)
        assert wait_until(lambda: gate.descriptors <= before + 2, 5), (before, gate.descriptors)
        assert gate.ask().status == 200
    finally:
        for one in [silent, dead_names, *held]:
            one.close()
        hub.close()
