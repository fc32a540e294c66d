"""Limits of keys: requests at once, bytes, tokens and requests of models in a day; never more, whichever process dies."""

import json
import os
import signal
import sqlite3
import threading
import time

import pytest

from fakehub import FakeHub, http
from gate import IS_SANITIZED
from limited import Crowd
from policy import JSON, request
from test_keys import state_process_of
from test_metrics import Page
from test_openai import ask as ask_by_openai  # noqa: F401 - a fixture
from test_revocation import Objects
from test_safe_writes import serves
from test_workers import children
from waiting import wait_until

PATH = "/api/models/acme/m"
CHAT = "/v1/chat/completions"
FILE = "/acme/m/resolve/main/file.bin"
DAY = 86_400
# `make limits` has 1,000.
CLIENTS = int(os.environ.get("HUBGATE_LIMIT_CLIENTS", "200"))
ASKS = 1000


@pytest.fixture
def hub(hub):
    hub.on(PATH, lambda *_: http(200, b'{"id":"acme/m"}', JSON))
    hub.on(CHAT, lambda *_: http(200, b"{}", JSON))
    return hub


@pytest.fixture
def begin(start_before, hub, keys):
    def started(*flags, workers=2):
        return start_before(
            hub, "--access", "keys", "--workers", str(workers), "--state-dir", str(keys.state),
            "--inference-upstream", hub.url, *flags)  # fmt: skip

    return started


def ask(gate, key, path=PATH, method="GET", body=b"", *fields):
    return gate.ask(request(key, method, path, body, b"Connection: close", *fields))


def chat(gate, key, **members):
    return ask(gate, key, CHAT, "POST", json.dumps({"model": "m", "messages": [], **members}).encode())


def check_refused(answer, *words, code="LimitReached", status=429):
    assert (answer.status, answer["X-Error-Code"]) == (status, code), (answer.status, answer.body)
    for word in words:
        assert word in answer["X-Error-Message"], answer["X-Error-Message"]
    assert json.loads(answer.body)["error"] == answer["X-Error-Message"]


def refusals(gate, limit):
    """Of all workers: each tells the others within a second."""
    return Page(gate)("key_limit_refusals_total", limit=limit)


def kill_everything(gate):
    pids = [*children(gate), gate.pid]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    gate.kill()
    assert wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), 10)


def kill_workers(gate, keys):
    state = state_process_of(gate, keys)
    pids = [pid for pid in children(gate) if pid != state]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: len({*children(gate)} - {*pids}) == len(pids) + 1 and serves(gate), 20)


# Requests at once


class Slow:
    """Answers of a Hub that all wait until they are let go, and how many of them there were at once."""

    def __init__(self, hub):
        self.free, self.lock, self.now, self.most = threading.Event(), threading.Lock(), 0, 0
        hub.on(PATH, self)

    def __call__(self, *_):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.free.wait(30)
        with self.lock:
            self.now -= 1
        return http(200, b"{}", JSON)


def test_no_more_requests_of_a_key_are_under_way_than_its_limit_over_all_workers(begin, keys, hub):
    slow = Slow(hub)
    key, free = keys.create("ml-team", "--role", "reader", "--concurrent", "7"), keys.create("free")
    gate = begin("--coalesce=off")
    crowd = Crowd(gate, key, 60, 1).start()
    assert wait_until(lambda: slow.now == 7 and len(crowd.answers) == 53, 20), (slow.now, len(crowd.answers))
    refused = ask(gate, key)
    check_refused(refused, "ml-team", "7 requests", "concurrent")
    assert refused["Retry-After"] == "1" and refused["RateLimit"] is None
    other = Crowd(gate, free, 1, 1).start()
    assert wait_until(lambda: slow.now == 8, 10)
    slow.free.set()
    crowd.join()
    other.join()
    assert crowd.count(200) == 7 and crowd.count(429) == 53 and slow.most == 8
    # All of them have ended, so as many may begin.
    assert Crowd(gate, key, 7, 3).start().join().count(200) == 21
    assert wait_until(lambda: refusals(gate, "concurrent") == 54, 5)


@pytest.mark.skipif(IS_SANITIZED, reason="its processes are looked into")
def test_requests_of_a_worker_that_dies_are_under_way_no_more(begin, keys, hub):
    slow = Slow(hub)
    key = keys.create("ml", "--role", "reader", "--concurrent", "4")
    gate = begin("--coalesce=off")
    first = Crowd(gate, key, 4, 1).start()
    assert wait_until(lambda: slow.now == 4, 20)
    check_refused(ask(gate, key), "4 requests")
    kill_workers(gate, keys)
    first.join()
    second = Crowd(gate, key, 8, 1).start()
    assert wait_until(lambda: slow.now == 8 and len(second.answers) == 4, 20), (slow.now, second.answers)
    slow.free.set()
    second.join()
    assert second.count(200) == 4 and second.count(429) == 4


# Requests of models in a day


def test_a_thousand_at_once_get_as_many_answers_of_a_model_as_the_limit_says_and_not_one_more(begin, keys, hub):
    key = keys.create("ml-team", "--role", "inference", "--inference-a-day", "300")
    gate = begin()
    crowd = Crowd(gate, key, CLIENTS, ASKS // CLIENTS, "POST", CHAT, b"{}").start().join()
    assert not crowd.lost and len(crowd.answers) == ASKS
    assert crowd.count(200) == 300 == len(hub.seen(CHAT)) and crowd.count(429) == ASKS - 300
    refused = chat(gate, key)
    check_refused(refused, "ml-team", "300 requests", "inference-a-day", "midnight")
    # So far to midnight in UTC, or the day has just changed.
    assert abs(int(refused["Retry-After"]) - (DAY - time.time() % DAY)) <= 5
    # What asks no model is not counted.
    assert ask(gate, key, "/v1/models").status != 429
    assert wait_until(lambda: refusals(gate, "inference_a_day") == ASKS - 300 + 1, 5)
    assert gate.wait_for_log(lambda line: line.get("error") == "LimitReached" and line.get("key") == "ml-team")


@pytest.mark.skipif(IS_SANITIZED, reason="its processes are looked into")
def test_after_kill_9_of_workers_and_of_everything_a_key_gets_no_more_than_its_limit(begin, keys, hub):
    limit = 320
    block = limit // 32
    key = keys.create("ml", "--role", "inference", "--inference-a-day", str(limit))
    gate = begin()
    for victim in (kill_workers, None, kill_everything):
        crowd = Crowd(gate, key, 20, 4, "POST", CHAT, b"{}").start()
        if victim is kill_workers:
            assert wait_until(lambda: len(hub.seen(CHAT)) > 20, 20)
            victim(gate, keys)
        crowd.join()
        if victim is kill_everything:
            victim(gate)
            gate = begin()
    spent = len(hub.seen(CHAT))
    assert 160 < spent < limit
    crowd = Crowd(gate, key, 20, 20, "POST", CHAT, b"{}").start().join()
    assert crowd.count(200) + crowd.count(429) == 400
    total = len(hub.seen(CHAT))
    # What was debited and not spent is lost, and what died under way counts: a block and the requests of a crowd.
    assert limit - 2 * block - 20 <= total <= limit, (spent, total)


def test_a_gateway_that_stops_in_order_gives_back_what_it_has_not_spent(begin, keys, hub):
    key = keys.create("ml", "--role", "inference", "--inference-a-day", "320")
    for _ in range(2):
        gate = begin()
        assert Crowd(gate, key, 10, 5, "POST", CHAT, b"{}").start().join().count(200) == 50
        gate.stop()
    gate = begin()
    crowd = Crowd(gate, key, 10, 30, "POST", CHAT, b"{}").start().join()
    assert crowd.count(200) == 220 and len(hub.seen(CHAT)) == 320


@pytest.mark.skipif(IS_SANITIZED, reason="its processes are looked into")
def test_a_state_process_that_dies_neither_stops_nor_doubles_anything(begin, keys, hub):
    key = keys.create("ml", "--role", "inference", "--inference-a-day", "200")
    gate = begin()
    crowd = Crowd(gate, key, 20, 25, "POST", CHAT, b"{}").start()
    for _ in range(2):
        seen = len(hub.seen(CHAT))
        wait_until(lambda: len(hub.seen(CHAT)) > seen + 20, 3)
        state = state_process_of(gate, keys)
        os.kill(state, signal.SIGKILL)
        assert wait_until(lambda: state_process_of(gate, keys) not in (None, state), 10)
    crowd.join()
    assert {answer[0] for answer in crowd.answers} <= {200, 429, 503}
    # 503: the state could not say what is left. Nothing of that is lost.
    rest = Crowd(gate, key, 10, 20, "POST", CHAT, b"{}").start().join()
    assert rest.count(200) + rest.count(429) == 200
    assert crowd.count(200) + rest.count(200) == 200 == len(hub.seen(CHAT))


def test_what_is_refused_by_rules_or_never_asked_is_not_counted(begin, keys, hub):
    key = keys.create("ml", "--allow", "infer good/*", "--inference-a-day", "2")
    gate = begin()
    for _ in range(5):
        assert chat(gate, key, model="bad/m").status == 403
    assert [chat(gate, key, model="good/m").status for _ in range(3)] == [200, 200, 429]


# Bytes in a day


def test_a_response_that_is_more_than_what_is_left_is_refused_before_it_begins(begin, keys, hub):
    content = os.urandom(300_000)
    hub.on(FILE, lambda *_: http(200, content))
    hub.on(PATH, lambda *_: http(200, b"x" * 50_000))
    key = keys.create("ml-team", "--role", "reader", "--bytes-a-day", "1MB")
    gate = begin()
    assert [ask(gate, key, FILE).status for _ in range(3)] == [200] * 3
    refused = ask(gate, key, FILE)
    check_refused(refused, "ml-team", "1MB", "bytes-a-day", "midnight")
    assert "RateLimit" not in dict(refused.headers)
    # What fits is served on, and then nothing.
    assert [ask(gate, key).status for _ in range(3)] == [200, 200, 429]
    assert ask(gate, key, FILE, "HEAD").status == 429
    assert wait_until(lambda: refusals(gate, "bytes_a_day") == 3, 5)


def test_many_at_once_get_no_more_bytes_than_the_limit(begin, keys, hub):
    hub.on(PATH, lambda *_: http(200, b"x" * 10_000))
    key = keys.create("ml", "--role", "reader", "--bytes-a-day", "1MB")
    gate = begin()
    crowd = Crowd(gate, key, CLIENTS, ASKS // CLIENTS).start().join()
    assert crowd.count(200) == 100 and crowd.bytes == 1_000_000 and crowd.count(429) == ASKS - 100


def test_a_response_without_a_length_ends_where_the_limit_does(begin, keys, hub):
    def answer(_, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(60):
            connection.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        connection.send(b"0\r\n\r\n")

    hub.on(FILE, answer)
    key = keys.create("ml", "--role", "reader", "--bytes-a-day", "6MB")
    gate = begin()
    assert len(ask(gate, key, FILE).body) == 60 * 65536
    with gate.connect() as connection:
        connection.send(request(key, "GET", FILE))
        connection.socket.settimeout(20)
        received = 0
        try:
            while part := connection.socket.recv(65536):
                received += len(part)
        except OSError:
            pass
        assert 60 * 65536 + received < 6_000_000 + 10_000 and received > 1_000_000
    assert gate.wait_for_log(lambda line: line.get("end") == "cut" and line.get("error") == "LimitReached")
    # What is left is too little for that one, and enough for a short one.
    short = http(200, b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked") + b"4\r\nbody\r\n0\r\n\r\n"
    hub.on(FILE, lambda *_: short)
    assert ask(gate, key, FILE).body == b"body"


def test_a_body_counts_and_one_that_is_too_long_is_refused_before_it_is_read(begin, keys, hub):
    path = "/api/models/acme/m/commit/main"
    hub.on(path, lambda *_: http(200, b"{}", JSON))
    key = keys.create("ml", "--allow", "read,write acme/*", "--bytes-a-day", "1MB")
    gate = begin()
    body = b"x" * 400_000
    assert [ask(gate, key, path, "POST", body).status for _ in range(2)] == [200, 200]
    with gate.connect() as connection:
        connection.send(request(key, "POST", path, body)[:1000])
        check_refused(connection.answer(), "bytes-a-day")
    assert len(hub.seen(path)) == 2
    # Of a body whose length is not known as much is taken as comes, and what came of it is spent.
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(body), body) for _ in range(2)) + b"0\r\n\r\n"
    head = request(key, "POST", path).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    with gate.connect() as connection:
        connection.send_whatever_happens(head + chunks)
        check_refused(connection.answer(), "bytes-a-day")
    assert ask(gate, key).status == 429


def test_who_shares_a_response_with_a_key_that_has_nothing_left_gets_it(begin, keys, hub):
    slow = Slow(hub)
    poor = keys.create("poor", "--allow", "read public", "--bytes-a-day", "1B")
    rich = keys.create("rich", "--allow", "read public")
    gate = begin(workers=1)
    first = Crowd(gate, poor, 1, 1).start()
    assert wait_until(lambda: slow.now == 1, 10)
    others = Crowd(gate, rich, 5, 1).start()
    time.sleep(0.3)
    slow.free.set()
    assert first.join().count(429) == 1 and others.join().count(200) == 5


def test_what_comes_from_the_cache_counts(begin, keys, hub):
    hub.on(PATH, lambda *_: http(200, b"x" * 10_000, JSON, b'ETag: "a"'))
    key = keys.create("ml", "--role", "reader", "--bytes-a-day", "55KB")
    gate = begin("--cache-memory", "16MiB", "--metadata-ttl", "1h", workers=1)
    assert [ask(gate, key).status for _ in range(7)] == [200] * 5 + [429] * 2
    assert len(hub.seen(PATH)) == 1


def test_what_goes_by_signed_addresses_is_the_keys_that_got_them(start_before, hub, keys):
    store = FakeHub()
    key, free = (
        keys.create(name, "--allow", "read,write acme/*", *limit) for name, limit in (("ml", ["--bytes-a-day", "5KB"]), ("free", []))
    )
    objects = Objects(hub, store, start_before, keys)
    store.on(f"/{objects.OID}", lambda *_: http(200, b"x" * 1000))
    path, other = objects.sign(key, "download"), objects.sign(free, "download")
    answers = [objects.use(path, "download") for _ in range(8)]
    assert [answer.status for answer in answers] == [200] * 4 + [429] * 4
    check_refused(answers[-1], "ml", "5KB", "bytes-a-day")
    assert {objects.use(other, "download").status for _ in range(8)} == {200}
    store.close()


# Tokens in a day


def usage(prompt, answer):
    return {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}


def stream(*events):
    body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + b"data: [DONE]\n\n"
    return http(200, body, b"Content-Type: text/event-stream")


def test_tokens_are_settled_by_what_the_answer_says(begin, keys, hub):
    key = keys.create("ml-team", "--role", "inference", "--tokens-a-day", "10k")
    # A client may come back at another worker before the one that it had has settled.
    gate = begin(workers=1)
    # What a model writes is no number of tokens.
    written = json.dumps({"usage": usage(0, 0)})
    said = {"choices": [{"message": {"content": written, "usage": usage(1, 1)}}], "model": "m", "usage": usage(2000, 1000)}
    hub.on(CHAT, lambda *_: http(200, json.dumps(said).encode(), JSON))
    assert chat(gate, key, max_tokens=1500).status == 200
    assert hub.requests[-1]["Accept-Encoding"] == "identity"
    hub.on(CHAT, lambda *_: stream({"choices": [{"delta": {"content": written}}]}, {"choices": [], "usage": usage(2000, 2000)}))
    assert chat(gate, key, max_tokens=2500, stream=True).status == 200
    # 7,000 are spent.
    check_refused(chat(gate, key, max_tokens=3000), "10k tokens", "tokens-a-day", "ml-team")
    assert chat(gate, key, max_tokens=2500).status == 200
    # 11,000: an answer was longer than it might have been, and that counts.
    check_refused(chat(gate, key, max_tokens=1))
    assert wait_until(lambda: refusals(gate, "tokens_a_day") == 2, 5)
    # Nothing but tokens is limited.
    assert ask(gate, key, "/v1/models").status != 429


def test_where_no_answer_says_how_many_tokens_there_were_those_that_were_taken_count(begin, keys, hub):
    key = keys.create("ml", "--role", "inference", "--tokens-a-day", "10k")
    gate = begin()
    hub.on(CHAT, lambda *_: stream({"choices": [{"delta": {"content": "hello"}}]}))
    assert [chat(gate, key, max_tokens=4000, stream=True).status for _ in range(3)] == [200, 200, 429]
    # What the router refuses costs nothing.
    hub.on(CHAT, lambda *_: http(503, b"{}", JSON))
    # What was taken for it is given back behind the response.
    for _ in range(5):
        assert wait_until(lambda: chat(gate, key, max_tokens=1000).status == 503, 5)


def test_many_at_once_take_no_more_tokens_than_the_limit(begin, keys, hub):
    key = keys.create("ml", "--role", "inference", "--tokens-a-day", "50k")
    gate = begin()
    hub.on(CHAT, lambda *_: http(200, json.dumps({"usage": usage(20, 80)}).encode(), JSON))
    body = json.dumps({"model": "m", "max_tokens": 80}).encode()
    crowd = Crowd(gate, key, CLIENTS, ASKS // CLIENTS, "POST", CHAT, body).start().join()
    assert 450 <= crowd.count(200) <= 500 and crowd.count(200) + crowd.count(429) == ASKS


def test_openais_sdk_raises_a_rate_limit_error_that_says_why(begin, keys, hub, ask_by_openai):  # noqa: F811
    key = keys.create("ml-team", "--role", "inference", "--tokens-a-day", "10")
    raised = ask_by_openai(begin(), "fail", OPENAI_API_KEY=key)
    assert "RateLimitError" in raised["kinds"] and raised["status"] == 429
    assert "ml-team" in str(raised["body"]) and "tokens-a-day" in str(raised["body"])
    assert not hub.seen(CHAT)


# What the operator does


def test_a_change_of_a_limit_is_in_force_within_a_second_and_of_all_others_nothing_changes(begin, keys, hub):
    key = keys.create("ml", "--role", "inference", "--inference-a-day", "2", "--tokens-a-day", "1M")
    gate = begin()
    assert [chat(gate, key).status for _ in range(3)] == [200, 200, 429]
    keys.run("keys", "edit", "ml", "--inference-a-day", "4")
    assert keys.show("ml")["limits"] == {"inference_a_day": 4, "tokens_a_day": 1_000_000}
    assert wait_until(lambda: chat(gate, key).status == 200, 5)
    assert [chat(gate, key).status for _ in range(2)] == [200, 429]
    keys.run("keys", "edit", "ml", "--inference-a-day", "3")
    assert {chat(gate, key).status for _ in range(6)} == {429}
    keys.run("keys", "edit", "ml", "--inference-a-day", "0")
    assert wait_until(lambda: chat(gate, key).status == 403, 5)
    check_refused(chat(gate, key), "may not ask models: its limit inference-a-day is 0", code="Denied", status=403)
    keys.run("keys", "edit", "ml", "--inference-a-day", "")
    assert keys.show("ml")["limits"] == {"tokens_a_day": 1_000_000}
    assert wait_until(lambda: all(chat(gate, key).status == 200 for _ in range(6)), 5)
    keys.run("keys", "edit", "ml", "--concurrent", "0")
    assert wait_until(lambda: chat(gate, key).status == 403, 5)
    keys.revoke("ml")
    assert wait_until(lambda: chat(gate, key).status == 401, 5)


def test_a_new_key_of_the_same_name_has_limits_of_its_own(begin, keys):
    first = keys.create("ml", "--role", "inference", "--inference-a-day", "1")
    gate = begin()
    assert [chat(gate, first).status for _ in range(2)] == [200, 429]
    keys.revoke("ml")
    second = keys.create("ml", "--role", "inference", "--inference-a-day", "1")
    assert wait_until(lambda: chat(gate, second).status == 200, 5) and chat(gate, second).status == 429


def test_a_role_gives_limits_which_a_key_may_have_of_its_own_and_a_reload_changes(begin, keys, tmp_path):
    settings = tmp_path / "hubgate.yaml"
    role = "roles:\n  team:\n    allow: [infer *]\n    rate: 100/s\n    inference_a_day: {}\n    bytes_a_day: 1GB\n"
    settings.write_text(role.format(2))
    flags = ("--config", str(settings))
    of_role, own = (
        keys.run("keys", "create", name, "--role", "team", *limit, *flags).stdout.strip()
        for name, limit in (("a", ()), ("b", ("--inference-a-day", "3")))
    )
    gate = begin(*flags)
    assert [chat(gate, of_role).status for _ in range(3)] == [200, 200, 429]
    assert [chat(gate, own).status for _ in range(4)] == [200, 200, 200, 429]
    settings.write_text(role.format(4))
    gate.signal(signal.SIGHUP)
    assert wait_until(lambda: any("changed: roles" in message for message in gate.messages), 10)
    assert [chat(gate, of_role).status for _ in range(3)] == [200, 200, 429]
    assert chat(gate, own).status == 429


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--concurrent", "x"], "whole number"),
        (["--concurrent", "-1"], ""),
        (["--concurrent", "1k"], "whole number"),
        (["--bytes-a-day", "50"], "unit"),
        (["--bytes-a-day", "50gb"], "unit"),
        (["--bytes-a-day", "99999999999TB"], "unit"),
        (["--tokens-a-day", "1T"], "1M"),
        (["--tokens-a-day", "1.5M"], "1M"),
        (["--inference-a-day", "99999999999999999999"], "whole number"),
    ],
    ids=" ".join,
)
def test_what_is_no_limit_is_refused_with_what_would_be_one(keys, words, said):
    done = keys.run("keys", "create", "ml", "--role", "reader", *words, check=False)
    assert done.returncode == 64 and said in done.stderr and words[0] in done.stderr and not done.stdout


def test_a_database_of_before_has_no_limits_and_gets_the_columns(keys, begin, hub):
    key = keys.create("ml", "--role", "reader")
    with sqlite3.connect(keys.database) as database:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        for statement in (
            "DROP TABLE usage", "DROP TABLE quotas", "ALTER TABLE keys DROP COLUMN limits",
            "ALTER TABLE device_logins DROP COLUMN limits", f"PRAGMA user_version = {version - 1}",
        ):  # fmt: skip
            database.execute(statement)
    gate = begin()
    assert ask(gate, key).status == 200 and keys.show("ml")["limits"] == {}
    keys.run("keys", "edit", "ml", "--bytes-a-day", "0")
    assert wait_until(lambda: ask(gate, key).status == 403, 5)
