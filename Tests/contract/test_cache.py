"""Small responses that are kept: for whom, for how long, and what a change, an outage and a hostile Hub do to that."""

import threading
import time

import pytest

from cached import COMMIT, JSON, Counting, get
from fakehub import http
from waiting import wait_until


def test_the_second_who_asks_is_answered_without_the_hub_and_told_so(cached, hub):
    model = Counting(hub, "/api/models/acme/m", b'ETag: "one"', b"X-Request-Id: of-the-hub", b'RateLimit: "api";r=1;t=9')
    gate = cached()
    first = gate.ask(get("/api/models/acme/m"))
    second = gate.ask(get("/api/models/acme/m"))
    assert (first.body, second.body, model.count) == (b'{"n":1}', b'{"n":1}', 1)
    assert first["Cache-Status"] == "hubgate; fwd=uri-miss; stored"
    assert second["Cache-Status"].startswith("hubgate; hit; ttl=") and second["Age"] in ("0", "1")
    assert second["ETag"] == '"one"'
    # What was of the first response alone is not said of the second.
    assert second["RateLimit"] is None and second["X-Request-Id"].startswith("hg-") and second["X-Hubgate-Request-Id"] is None


def test_nothing_is_kept_where_the_setting_says_so(start_before, hub):
    model = Counting(hub, "/api/models/acme/m")
    gate = start_before(hub, HUBGATE_CACHE_MEMORY="0")
    responses = [gate.ask(get("/api/models/acme/m")) for _ in range(2)]
    assert model.count == 2 and all(response["Cache-Status"] is None for response in responses)


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        (f"/api/models/acme/m/tree/{COMMIT}", True),
        # What is said of a repository besides changes without its commit.
        (f"/api/models/acme/m/revision/{COMMIT}", False),
        (f"/acme/m/resolve/{COMMIT}/config.json", True),
        ("/api/models/acme/m/revision/main", False),
        ("/acme/m/resolve/main/config.json", False),
    ],
)
def test_what_names_a_commit_is_kept_for_good_and_what_names_a_branch_for_its_time(cached, hub, path, kept):
    asked = Counting(hub, path)
    gate = cached("--metadata-ttl", "1s", "--metadata-stale", "0")
    gate.ask(get(path))
    time.sleep(1.2)
    again = gate.ask(get(path))
    assert asked.count == (1 if kept else 2)
    assert ("hit" in again["Cache-Status"]) == kept


def test_in_its_second_life_it_is_given_out_at_once_and_one_call_looks_whether_it_is_right(cached, hub):
    model = Counting(hub, "/api/models/acme/m")
    gate = cached("--metadata-ttl", "1s", "--metadata-stale", "60s")
    gate.ask(get("/api/models/acme/m"))
    time.sleep(2.2)
    old = [gate.ask(get("/api/models/acme/m")) for _ in range(3)]
    assert old[0].body == b'{"n":1}' and "ttl=-" in old[0]["Cache-Status"]
    assert wait_until(lambda: gate.ask(get("/api/models/acme/m")).body == b'{"n":2}', 5)
    assert model.count == 2


def test_the_hub_is_asked_by_condition_and_its_304_makes_what_is_kept_good_again(cached, hub):
    seen = []

    def answer(request, connection):
        seen.append(request["If-None-Match"])
        if request["If-None-Match"] == '"e1"':
            return b'HTTP/1.1 304 Not Modified\r\nETag: "e1"\r\n\r\n'
        return http(200, b'{"a":1}', JSON, b'ETag: "e1"')

    hub.on("/api/models/acme/m", answer)
    gate = cached("--metadata-ttl", "1s", "--metadata-stale", "0")
    gate.ask(get("/api/models/acme/m"))
    time.sleep(1.2)
    again = gate.ask(get("/api/models/acme/m"))
    assert again.status == 200 and again.body == b'{"a":1}'
    assert again["Cache-Status"] == "hubgate; fwd=stale; fwd-status=304" and again["Age"] == "0"
    assert "hit" in gate.ask(get("/api/models/acme/m"))["Cache-Status"]
    assert seen == [None, '"e1"']


def test_a_client_that_has_it_already_is_told_so_from_the_cache(cached, hub):
    model = Counting(hub, "/api/models/acme/m", b'ETag: "e1"')
    gate = cached()
    gate.ask(get("/api/models/acme/m"))
    held = gate.ask(get("/api/models/acme/m", 'If-None-Match: "e0", W/"e1"'))
    assert held.status == 304 and held.body == b"" and held["ETag"] == '"e1"'
    assert gate.ask(get("/api/models/acme/m", 'If-None-Match: "e2"')).status == 200
    assert model.count == 1


# Directives of clients (RFC 9111 section 5.2.1)


@pytest.mark.parametrize(
    ("field", "calls"),
    [("Cache-Control: no-cache", 2), ("Cache-Control: max-age=0", 2), ("Pragma: no-cache", 2), ("Cache-Control: no-store", 2),
     ("Cache-Control: max-age=60", 1), ("Cache-Control: only-if-cached", 1), ("X-Unknown: yes", 1)],
)
def test_a_client_may_ask_for_what_is_newer(cached, hub, field, calls):
    model = Counting(hub, "/api/models/acme/m")
    gate = cached()
    gate.ask(get("/api/models/acme/m"))
    response = gate.ask(get("/api/models/acme/m", field))
    assert response.status == 200 and model.count == calls
    # And what came of it is kept, unless it must not be.
    after = gate.ask(get("/api/models/acme/m"))
    assert model.count == calls and after.body == (b'{"n":1}' if "no-store" in field else b'{"n":%d}' % calls)


def test_what_must_come_from_the_cache_and_is_not_there_is_a_504_that_says_so(cached, hub):
    model = Counting(hub, "/api/models/acme/m")
    response = cached().ask(get("/api/models/acme/m", "Cache-Control: only-if-cached"))
    assert response.status == 504 and "only-if-cached" in response["X-Error-Message"] and model.count == 0


# What is not kept


@pytest.mark.parametrize(
    "fields",
    [(b"Cache-Control: no-store",), (b"Set-Cookie: a=b",), (b"Vary: *",), (b"Cache-Control: private, no-store",)],
)
def test_what_the_hub_does_not_want_to_be_kept_is_not(cached, hub, fields):
    model = Counting(hub, "/api/models/acme/m", *fields)
    gate = cached()
    assert [gate.ask(get("/api/models/acme/m")).body for _ in range(2)] == [b'{"n":1}', b'{"n":2}'] and model.count == 2


@pytest.mark.parametrize("status", [401, 403, 404, 500, 503, 429])
def test_an_error_is_not_kept(cached, hub, status):
    model = Counting(hub, "/api/models/acme/m", status=status)
    gate = cached()
    assert [gate.ask(get("/api/models/acme/m")).status for _ in range(2)] == [status] * 2 and model.count == 2


def test_a_file_that_is_not_there_is_kept_as_not_there(cached, hub):
    path = "/acme/m/resolve/main/adapter_config.json"
    file = Counting(hub, path, b"X-Error-Code: EntryNotFound", b"X-Error-Message: Entry not found", status=404)
    gate = cached()
    for method in ("HEAD", "GET", "HEAD", "GET"):
        response = gate.ask(get(path, method=method))
        assert response.status == 404 and response["X-Error-Code"] == "EntryNotFound"
    assert file.count == 2


def test_parts_of_a_file_and_large_files_go_by(cached, hub):
    path = f"/acme/m/resolve/{COMMIT}/model.bin"
    asked = []

    def answer(request, connection):
        asked.append(request["Range"])
        if request["Range"]:
            return http(206, b"ab", b"Content-Range: bytes 0-1/3000000")
        return http(200, b"x" * 3_000_000)

    hub.on(path, answer)
    gate = cached()
    assert gate.ask(get(path, "Range: bytes=0-1")).status == 206
    assert [len(gate.ask(get(path), timeout=20).body) for _ in range(2)] == [3_000_000] * 2
    assert gate.ask(get(path, "Range: bytes=0-1")).body == b"ab"
    assert asked == ["bytes=0-1", None, None, "bytes=0-1"]


def test_a_response_of_which_nobody_knows_the_length_is_kept_up_to_the_limit(cached, hub):
    def chunked(size):
        def answer(request, connection):
            asked.append(size)
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(size // 1000):
                connection.send(b"3e8\r\n" + b"y" * 1000 + b"\r\n")
            return b"0\r\n\r\n"

        return answer

    asked = []
    hub.on("/a/b/resolve/main/small", chunked(500_000))
    hub.on("/a/b/resolve/main/large", chunked(2_000_000))
    gate = cached()
    for path, size in (("small", 500_000), ("large", 2_000_000)):
        for _ in range(2):
            body = gate.ask(get(f"/a/b/resolve/main/{path}"), timeout=20).body
            assert len(body) == size and not body.strip(b"y")
    assert asked == [500_000, 2_000_000, 2_000_000]


def test_a_response_that_breaks_off_is_not_kept(cached, hub):
    calls = []

    def answer(request, connection):
        calls.append(1)
        if len(calls) == 1:
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            return None
        return http(200, b"whole", JSON)

    hub.on("/a/b/resolve/main/x.json", answer)
    gate = cached()
    with gate.connect() as connection:
        connection.send(get("/a/b/resolve/main/x.json"))
        connection.check_cut()
    assert gate.ask(get("/a/b/resolve/main/x.json")).body == b"whole"
    assert gate.ask(get("/a/b/resolve/main/x.json")).body == b"whole" and len(calls) == 2


# For whom


def test_who_brings_another_credential_gets_nothing_of_others(cached, hub):
    model = Counting(hub, "/api/models/acme/m")
    gate = cached("--access", "passthrough", HF_TOKEN="")
    bodies = [gate.ask(get("/api/models/acme/m", f"Authorization: Bearer hf_{name}")).body for name in ("a", "b", "a", "b")]
    assert bodies == [b'{"n":1}', b'{"n":2}', b'{"n":1}', b'{"n":2}'] and model.count == 2


@pytest.mark.parametrize("shown", ["Digest abc", "FOO", "Bearer"])
def test_who_shows_a_credential_that_cannot_be_read_is_none_of_those_who_show_none(cached, hub, shown):
    model = Counting(hub, "/api/models/acme/m")
    gate = cached("--access", "passthrough", HF_TOKEN="")
    bodies = [gate.ask(get("/api/models/acme/m", *fields)).body for fields in ((), (f"Authorization: {shown}",), (), (f"Authorization: {shown}",))]
    assert bodies == [b'{"n":1}', b'{"n":2}', b'{"n":1}', b'{"n":3}'] and model.count == 3


def test_with_a_clients_own_credential_nothing_is_kept_for_good(cached, hub):
    path = f"/api/models/acme/m/tree/{COMMIT}"
    model = Counting(hub, path)
    gate = cached("--access", "passthrough", "--metadata-ttl", "1s", "--metadata-stale", "0", HF_TOKEN="")
    gate.ask(get(path, "Authorization: Bearer hf_a"))
    time.sleep(1.2)
    gate.ask(get(path, "Authorization: Bearer hf_a"))
    assert model.count == 2


def test_what_the_hub_chose_by_a_field_is_for_those_with_the_same_field(cached, hub):
    model = Counting(hub, "/api/models/acme/m", b"Vary: Accept-Language, Origin")
    gate = cached()
    ask = lambda language: gate.ask(get("/api/models/acme/m", f"Accept-Language: {language}")).body  # noqa: E731
    assert [ask("de"), ask("de"), ask("fr"), ask("fr"), ask("de")] == [
        b'{"n":1}', b'{"n":1}', b'{"n":2}', b'{"n":2}', b'{"n":3}']
    assert model.count == 3


def test_what_leads_here_leads_to_where_each_client_has_found_the_gateway(cached, hub):
    hub.on("/api/models/acme/m", lambda *_: http(200, b'{"u":"%s/acme/m"}' % hub.url.encode(), JSON))
    gate = cached()
    for host in ("localhost:1", "gate.example:2", "localhost:1"):
        assert gate.ask(get("/api/models/acme/m", host=host)).body == b'{"u":"https://%s/acme/m"}' % host.encode()
    assert len(hub.seen("/api/models/acme/m")) == 2


# Changes through the gateway


@pytest.mark.parametrize("workers", ["1", "2"])
def test_who_has_changed_something_reads_the_change_from_every_worker(cached, hub, workers):
    state = {"value": 0}
    hub.on("/api/models/acme/m", lambda *_: http(200, b'{"v":%d}' % state["value"], JSON))

    def change(request, connection):
        state["value"] += 1
        return http(200, b"{}", JSON)

    hub.on("/api/models/acme/m/settings", change)
    gate = cached("--workers", workers, "--metadata-ttl", "60s")
    for value in range(1, 6):
        for _ in range(8):
            gate.ask(get("/api/models/acme/m"))
        gate.ask(
            b"PUT /api/models/acme/m/settings HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        for _ in range(8):
            assert gate.ask(get("/api/models/acme/m")).body == b'{"v":%d}' % value
    assert len(hub.seen("/api/models/acme/m")) < 50


def test_what_was_fetched_while_it_was_changed_is_not_given_out_after(cached, hub):
    go_on, arrived = threading.Event(), threading.Event()

    def old(request, connection):
        if not arrived.is_set():
            arrived.set()
            go_on.wait(20)
            return http(200, b'"old"', JSON)
        return http(200, b'"new"', JSON)

    hub.on("/api/models/acme/m", old)
    hub.on("/api/models/acme/m/commit/main", lambda *_: http(200, b"{}", JSON))
    gate = cached()
    slow = threading.Thread(target=lambda: gate.ask(get("/api/models/acme/m"), timeout=30))
    slow.start()
    assert arrived.wait(10)
    gate.ask(b"POST /api/models/acme/m/commit/main HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
    go_on.set()
    slow.join()
    assert gate.ask(get("/api/models/acme/m")).body == b'"new"'


def test_a_change_whose_outcome_is_not_known_counts_as_one(cached, hub):
    model = Counting(hub, "/api/models/acme/m")
    hub.on("/api/models/acme/m/commit/main", lambda *_: None)
    gate = cached()
    gate.ask(get("/api/models/acme/m"))
    response = gate.ask(b"POST /api/models/acme/m/commit/main HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
    assert response.status == 502
    gate.ask(get("/api/models/acme/m"))
    assert model.count == 2


def test_a_list_is_fetched_anew_after_any_change_and_what_is_of_others_is_not(cached, hub):
    models, other = Counting(hub, "/api/models"), Counting(hub, "/api/models/acme/other")
    hub.on("/api/models/acme/m/commit/main", lambda *_: http(200, b"{}", JSON))
    gate = cached()
    for path in ("/api/models", "/api/models/acme/other"):
        gate.ask(get(path))
    gate.ask(b"POST /api/models/acme/m/commit/main HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
    for path in ("/api/models", "/api/models/acme/other"):
        gate.ask(get(path))
    assert (models.count, other.count) == (2, 1)


# When the Hub cannot be asked


@pytest.mark.parametrize("fault", ["closed", "500", "503", "429", "garbage"])
def test_in_an_outage_what_is_kept_is_given_out_and_marked_as_old(cached, hub, fault):
    broken = []

    def answer(request, connection):
        if not broken:
            return http(200, b"good", JSON)
        return {"closed": None, "garbage": b"what?\r\n\r\n"}.get(fault, http(int(fault) if fault.isdigit() else 500, b"no"))

    hub.on("/api/models/acme/m", answer)
    gate = cached("--metadata-ttl", "1s", "--metadata-stale", "0")
    gate.ask(get("/api/models/acme/m"))
    broken.append(1)
    time.sleep(1.2)
    for _ in range(2):
        response = gate.ask(get("/api/models/acme/m"))
        assert response.status == 200 and response.body == b"good" and int(response["Age"]) >= 1
        assert "fwd=stale" in response["Cache-Status"] and "stale-if-error" in response["Cache-Status"]
    broken.clear()
    assert "stale-if-error" not in gate.ask(get("/api/models/acme/m"))["Cache-Status"]


def test_an_outage_of_what_was_never_asked_for_is_an_error_as_before(cached, hub):
    hub.on("/api/models/acme/m", lambda *_: http(503, b"no", JSON))
    assert cached().ask(get("/api/models/acme/m")).status == 503


def test_who_wants_to_see_errors_sees_them(cached, hub):
    broken = []
    hub.on("/api/models/acme/m", lambda *_: http(503, b"no", JSON) if broken else http(200, b"good", JSON))
    gate = cached("--metadata-ttl", "1s", "--metadata-stale", "0", "--stale-if-error", "0")
    gate.ask(get("/api/models/acme/m"))
    broken.append(1)
    time.sleep(1.2)
    assert gate.ask(get("/api/models/acme/m")).status == 503


def test_what_the_hub_says_is_gone_is_not_given_out_in_a_later_outage(cached, hub):
    says = [http(200, b"good", JSON), http(404, b"gone", b"X-Error-Code: RepoNotFound"), http(503, b"no")]
    hub.on("/api/models/acme/m", lambda *_: says[0])
    gate = cached("--metadata-ttl", "1s", "--metadata-stale", "0")
    gate.ask(get("/api/models/acme/m"))
    for status in (404, 503):
        says.pop(0)
        time.sleep(1.2)
        assert gate.ask(get("/api/models/acme/m")).status == status


# Many at once


@pytest.mark.parametrize("workers", [1, 4])
def test_many_who_ask_for_thirty_files_are_one_client_of_each_worker_to_the_hub(cached, hub, workers):
    paths = [f"/acme/m/resolve/{COMMIT}/file-{number}.json" for number in range(30)]
    files = [Counting(hub, path) for path in paths]
    gate = cached("--workers", str(workers))

    def client():
        with gate.connect() as connection:
            for path in paths:
                connection.send(get(path))
                assert connection.answer().status == 200

    threads = [threading.Thread(target=client) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(1 <= file.count <= workers for file in files), [file.count for file in files]


def test_memory_is_bounded_and_the_metrics_say_so(start_before, hub):
    hub.otherwise = lambda *_: http(200, b"z" * 50_000, b"Content-Type: text/plain")
    gate = start_before(hub, HUBGATE_CACHE_MEMORY="1MiB")
    for number in range(60):
        gate.ask(get(f"/acme/m/resolve/{COMMIT}/file-{number}"))
    page = gate.ask(get("/-/metrics")).body.decode()
    figures = dict(line.rsplit(" ", 1) for line in page.splitlines() if line.startswith("hubgate_cache"))
    assert 500_000 < int(figures["hubgate_cache_bytes"]) <= 1 << 20
    assert int(figures["hubgate_cache_evictions_total"]) >= 38
    assert figures['hubgate_cache_requests_total{result="miss"}'] == "60"
