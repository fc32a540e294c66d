"""The cache of several workers: what one has asked, and what one asks at present, none of the others asks."""

import collections
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from cached import JSON, MODEL, ON, Counting, Held, figures, get, write
from descendants import children, worker_of
from fakehub import http
from gate import running_gate
from herd import download, make_model
from hub import Hub
from waiting import wait_until

# `make herd` has 1,000 and 30.
CLIENTS = int(os.environ.get("HUBGATE_HERD_CLIENTS", "60"))
FILES = int(os.environ.get("HUBGATE_HERD_FILES", "10"))


class Each:
    """A connection to each worker."""

    def __init__(self, gate, count=2):
        self.gate, self.by_pid = gate, {}
        assert wait_until(lambda: self._connect() == count, 10)
        self.pids = list(self.by_pid)

    def _connect(self):
        connection = self.gate.connect(20)
        pid = worker_of(self.gate, connection)
        if pid in self.by_pid:
            connection.close()
        else:
            self.by_pid[pid] = connection
        return len(self.by_pid)

    def send(self, worker, request):
        self.by_pid[self.pids[worker]].send(request)

    def answer(self, worker):
        return self.by_pid[self.pids[worker]].answer()

    def ask(self, worker, request):
        self.send(worker, request)
        return self.answer(worker)


@pytest.fixture
def two(cached):
    """Two workers with a cache, and a connection to each."""

    def start(*flags, **options):
        return Each(cached("--workers", "2", "--metadata-ttl", "60s", *flags, **options))

    return start


# A herd


@pytest.mark.parametrize("workers", [1, 4] if CLIENTS >= 1000 else [4])
@pytest.mark.long
def test_a_herd_asks_the_hub_what_one_client_asks(workers, tmp_path, certificates):
    """All start at once, on an empty cache."""
    flags = ("--sandbox", "--workers", str(workers), "--max-connections-per-address", "0", "--metadata-ttl", "1h")
    with running_gate(tmp_path / "gate", certificates, *flags, **ON) as gate:
        hub = Hub(gate)
        names = make_model(hub, "sandbox/herd", FILES)
        before = len(hub.journal())
        download(gate, "sandbox/herd", names, CLIENTS)
        entries = [entry for entry in hub.journal()[before:] if entry["target"].startswith(("/api/", "/sandbox/herd"))]
        asked = collections.Counter((entry["method"], entry["target"]) for entry in entries)
        # Of each file its head and its content, and for both a redirect to where that is.
        assert len(asked) == 1 + 4 * FILES and set(asked.values()) == {1}, {call: count for call, count in asked.items() if count > 1}
        assert workers == 1 or figures(gate)["hubgate_cache_taken_total"] > 0


# What one has asked


def test_what_one_worker_has_fetched_another_gives_out(two, hub):
    model = Counting(hub, MODEL, b'ETag: "e"')
    each = two()
    first, second = each.ask(0, get(MODEL)), each.ask(1, get(MODEL))
    assert first.body == second.body == b'{"n":1}' and model.count == 1
    assert first["Cache-Status"] == "hubgate; fwd=uri-miss; stored"
    assert second["Cache-Status"].startswith("hubgate; hit; ttl=") and second["Age"] is not None
    assert each.ask(1, get(MODEL, 'If-None-Match: "e"')).status == 304
    assert figures(each.gate)["hubgate_cache_taken_total"] == 1


def test_what_is_written_by_one_worker_is_read_by_another(two, hub):
    model = Counting(hub, MODEL)
    hub.on(MODEL + "/commit/main", lambda *_: http(200, b"{}", JSON))
    each = two()
    assert [each.ask(worker, get(MODEL)).body for worker in (0, 1)] == [b'{"n":1}'] * 2
    for worker in (0, 1, 0):
        count = model.count
        assert each.ask(worker, write()).status == 200
        # The last byte of the write's response may be there a moment before its worker has said once more that something has changed.
        assert all(int(each.ask(reader, get(MODEL)).body[5:-1]) > count for reader in (1 - worker, worker))
        assert len({each.ask(reader, get(MODEL)).body for reader in (1 - worker, worker)}) == 1 and model.count <= count + 2


def test_who_wants_what_the_hub_says_now_gets_it_and_others_get_that_too(two, hub):
    model = Counting(hub, MODEL)
    each = two("--metadata-stale", "0")
    assert [each.ask(worker, get(MODEL)).body for worker in (0, 1)] == [b'{"n":1}'] * 2
    assert each.ask(0, get(MODEL, "Cache-Control: no-cache")).body == b'{"n":2}'
    # What the other has is as young as was promised; one that wants a younger one gets what was fetched since.
    assert wait_until(lambda: each.ask(1, get(MODEL, "Cache-Control: max-age=1")).body == b'{"n":2}', 5) and model.count <= 3


def test_workers_share_nothing_across_credentials(two, hub):
    hub.on(MODEL, lambda request, _: http(200, request["Authorization"].encode(), JSON))
    each = two("--access", "passthrough", HF_TOKEN="")
    for token in ("hf_a", "hf_b"):
        for worker in (0, 1):
            assert each.ask(worker, get(MODEL, f"Authorization: Bearer {token}")).body == f"Bearer {token}".encode()
    assert len(hub.seen(MODEL)) == 2


def test_vary_counts_between_workers(two, hub):
    hub.on(MODEL, lambda request, _: http(200, request["X-A"].encode(), JSON, b"Vary: X-A"))
    each = two()
    assert [each.ask(worker, get(MODEL, f"X-A: {value}")).body for worker, value in ((0, "1"), (1, "2"), (0, "1"), (0, "2"), (1, "1"))] == [b"1", b"2", b"1", b"2", b"1"]
    # The last one alone is kept.
    assert [request["X-A"] for request in hub.seen(MODEL)] == ["1", "2", "1"]


def test_a_token_that_was_replaced_gives_nothing_to_any_worker(two, hub, tmp_path):
    model = Counting(hub, MODEL)
    token = tmp_path / "token"
    token.write_text("hf_one")
    each = two("--token-file", str(token), HF_TOKEN="")
    assert [each.ask(worker, get(MODEL)).body for worker in (0, 1)] == [b'{"n":1}'] * 2
    token.write_text("hf_two")
    each.gate.signal(signal.SIGHUP)
    assert wait_until(lambda: any(message.startswith("Reloaded") for message in each.gate.messages), 10)
    assert [each.ask(worker, get(MODEL)).body for worker in (0, 1)] == [b'{"n":2}'] * 2 and model.count == 2


def shared_mappings(pid):
    """The sizes of what a process shares with its relatives, in KiB."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    ranges = [line.split()[0].split("-") for line in lines if " rw-s " in line and "/dev/zero" in line]
    return [(int(end, 16) - int(start, 16)) >> 10 for start, end in ranges]


def test_memory_is_shared_where_there_are_several_workers_that_keep_something(start_before, hub):
    sizes = {}
    for workers, memory in ((1, "96MiB"), (2, "0"), (2, "96MiB")):
        gate = start_before(hub, "--workers", str(workers), HUBGATE_CACHE_MEMORY=memory)
        sizes[workers, memory] = shared_mappings(children(gate)[0] if workers > 1 else gate.pid).count(96 << 10)
    assert sizes == {(1, "96MiB"): 0, (2, "0"): 0, (2, "96MiB"): 1}


# What one asks at present


def begin_at_both(each, held, request=get(MODEL)):
    """The first worker asks the Hub, which does not answer yet; the second waits for it."""
    each.send(0, request)
    assert held.arrived.wait(10)
    each.send(1, request)
    assert wait_until(lambda: figures(each.gate)["hubgate_cache_awaited_total"] == 1, 10)


def test_two_workers_that_want_the_same_at_once_ask_once(two, hub):
    held = Held(hub, MODEL, http(200, b'"one"', JSON), http(200, b'"two"', JSON))
    each = two()
    begin_at_both(each, held)
    held.go_on.set()
    assert [each.answer(worker).body for worker in (0, 1)] == [b'"one"'] * 2 and len(held.requests) == 1


@pytest.mark.parametrize("first", [http(200, b'"one"', JSON, b"Cache-Control: no-store"), http(200, b'"one"', JSON, b"Vary: *"), http(503, b"no"), http(404, b"no")],
                         ids=["no-store", "vary", "503", "404"])  # fmt: skip
def test_what_is_not_kept_is_asked_for_by_each(two, hub, first):
    held = Held(hub, MODEL, first, http(200, b'"two"', JSON))
    each = two()
    begin_at_both(each, held)
    held.go_on.set()
    assert each.answer(0).status == int(first[9:12]) and each.answer(1).body == b'"two"'
    assert len(held.requests) == 2


def test_a_large_file_is_waited_for_until_its_head_alone(two, hub):
    path = "/acme/m/resolve/main/model.bin"
    sent, go_on = threading.Event(), threading.Event()

    def answer(request, connection):
        if len(hub.seen(path)) > 1:
            return http(200, b"x" * 2_000_000)
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 1000)
        sent.set()
        go_on.wait(20)
        return b"x" * 1_999_000

    hub.on(path, answer)
    each = two()
    each.send(0, get(path))
    assert sent.wait(10)
    assert len(each.ask(1, get(path)).body) == 2_000_000
    go_on.set()
    assert len(each.answer(0).body) == 2_000_000


def test_a_worker_that_is_killed_while_it_asks_holds_up_no_other(two, hub):
    held = Held(hub, MODEL, http(200, b'"one"', JSON), http(200, b'"two"', JSON))
    each = two()
    begin_at_both(each, held)
    began = time.monotonic()
    os.kill(each.pids[0], signal.SIGKILL)
    assert each.answer(1).body == b'"two"' and len(held.requests) == 2
    # Not when its patience ends: the parent reports at once that no worker asks any more.
    assert time.monotonic() - began < 6
    held.go_on.set()
    each.gate.check_errors = lambda: None


def test_a_client_that_leaves_while_it_waits_for_another_worker_ends_nothing(two, hub):
    held = Held(hub, MODEL, http(200, b'"one"', JSON))
    each = two()
    begin_at_both(each, held)
    each.by_pid[each.pids[1]].close()
    assert each.gate.wait_for_log(lambda line: line["status"] == 499, 10)
    held.go_on.set()
    assert each.answer(0).body == b'"one"' and len(held.requests) == 1


def test_who_has_written_does_not_wait_for_a_call_that_began_before(two, hub):
    held = Held(hub, MODEL, http(200, b'"old"', JSON), http(200, b'"new"', JSON))
    hub.on(MODEL + "/commit/main", lambda *_: http(200, b"{}", JSON))
    each = two()
    each.send(0, get(MODEL))
    assert held.arrived.wait(10)
    assert each.ask(1, write()).status == 200
    assert each.ask(1, get(MODEL)).body == b'"new"'
    held.go_on.set()
    assert each.answer(0).body == b'"old"'
    assert [each.ask(worker, get(MODEL)).body for worker in (0, 1)] == [b'"new"'] * 2 and len(held.requests) == 2


def test_one_worker_asks_whether_what_all_have_is_still_right(two, hub):
    """What is stale is given out meanwhile, and what it asks is for all."""
    held = Held(hub, MODEL, http(200, b'"new"', JSON))
    old = Counting(hub, MODEL)
    each = two("--metadata-ttl", "1s", "--metadata-stale", "60s")
    for worker in (0, 1):
        assert each.ask(worker, get(MODEL)).body == b'{"n":1}'
    hub.on(MODEL, held.answer)
    assert wait_until(lambda: each.ask(0, get(MODEL)).body and held.arrived.is_set(), 5)
    assert [each.ask(worker, get(MODEL)).body for worker in (0, 1, 1, 0)] == [b'{"n":1}'] * 4
    held.go_on.set()
    assert wait_until(lambda: [each.ask(worker, get(MODEL)).body for worker in (0, 1)] == [b'"new"'] * 2, 5)
    assert old.count == 1 and len(held.requests) >= 1
