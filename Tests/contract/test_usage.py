"""What keys did, as `hubgate usage` adds it up."""

import json
import os
import signal
import sqlite3

import pytest

from fakehub import http
from gate import IS_SANITIZED
from limited import Crowd
from policy import JSON, request
from test_keys import state_process_of
from test_safe_writes import serves
from test_workers import children
from waiting import wait_until

PATH = "/api/models/acme/m"
CHAT = "/v1/chat/completions"
ANSWER = b'{"id":"acme/m"}'


@pytest.fixture
def start(start_before, hub, keys):
    hub.on(PATH, lambda *_: http(200, ANSWER, JSON))

    def start(*flags, workers=2):
        return start_before(
            hub, "--access", "keys", "--workers", str(workers), "--state-dir", str(keys.state),
            "--inference-upstream", hub.url, *flags)  # fmt: skip

    return start


def ask(gate, key, path=PATH, method="GET", body=b""):
    return gate.ask(request(key, method, path, body, b"Connection: close"))


def rows(keys, by="key", *words):
    return json.loads(keys.run("usage", "--by", by, "--json", *words).stdout)


def row(keys, by, name, **wanted):
    """The line of that name, once it has what is wanted."""

    def found():
        line = next((line for line in rows(keys, by) if line[by] == name), {})
        return line if all(line.get(field) == count for field, count in wanted.items()) else None

    line = wait_until(found, 10)
    assert line, (name, wanted, rows(keys, by))
    return line


def test_requests_bytes_and_errors_are_added_up_by_key_action_repository_and_day(start, keys, hub):
    one, two = keys.create("one", "--allow", "read,write acme/*"), keys.create("two", "--allow", "read acme/*")
    commit = PATH + "/commit/main"
    hub.on(commit, lambda *_: http(200, b"{}", JSON))
    gate = start()
    for _ in range(6):
        assert ask(gate, one).status == 200
    assert ask(gate, one, commit, "POST", b"x" * 1000).status == 200
    assert ask(gate, two).status == 200
    assert ask(gate, two, commit, "POST", b"x" * 1000).status == 403
    assert ask(gate, two, "/api/models/acme/absent").status == 404
    size = len(ANSWER)
    row(keys, "key", "one", requests=7, errors=0, upstream_calls=7, bytes_in=1000, bytes_out=6 * size + 2, tokens_in=0)
    row(keys, "key", "two", requests=3, errors=2, upstream_calls=2)
    row(keys, "action", "read", requests=8, errors=1)
    row(keys, "action", "write", requests=2, errors=1)
    row(keys, "repo", "model:acme/m", requests=8, errors=0)
    # Names that are not there are the client's own invention.
    assert [line["repo"] for line in rows(keys, "repo")] == ["model:acme/m", "(others)"]
    (day,) = rows(keys, "day")
    assert day["requests"] == 10
    assert [line["key"] for line in rows(keys)] == ["one", "two"], "the most requests first"
    assert [line["action"] for line in rows(keys, "action", "two")] == ["read", "write"]
    table = keys.run("usage").stdout.splitlines()
    assert table[0].split() == ["REQUESTS", "ERRORS", "HUB", "IN", "OUT", "TOKENS", "IN", "TOKENS", "OUT", "KEY"]
    assert table[1].split()[:4] == ["7", "0", "7", "1.0KB"] and table[1].endswith("one")


def test_tokens_are_added_up_by_model_as_the_answers_name_it(start, keys, hub):
    key = keys.create("ml", "--role", "inference")
    usage = {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16}
    said = {"model": "meta/llama", "usage": usage, "choices": [{"message": {"content": "\x1b[31m \\\"usage\\\":{}"}}]}
    hub.on(CHAT, lambda *_: http(200, json.dumps(said).encode(), JSON))
    gate = start()
    for _ in range(3):
        assert ask(gate, key, CHAT, "POST", b'{"model":"x"}').status == 200
    events = b"".join(
        b"data: " + json.dumps(event).encode() + b"\r\n\r\n"
        for event in ({"model": "other", "choices": []}, {"model": "other", "choices": [], "usage": usage})
    )
    hub.on(CHAT, lambda *_: http(200, events + b"data: [DONE]\r\n\r\n", b"Content-Type: text/event-stream; charset=utf-8"))
    assert ask(gate, key, CHAT, "POST", b'{"model":"x","stream":true}').status == 200
    row(keys, "model", "meta/llama", requests=3, tokens_in=33, tokens_out=15)
    row(keys, "model", "other", requests=1, tokens_in=11, tokens_out=5)
    row(keys, "key", "ml", requests=4, tokens_in=44, tokens_out=20)
    assert rows(keys, "repo") == []


@pytest.mark.parametrize(
    "answer",
    [
        (b"[" * 100_000, JSON),
        (b'{"usage":' * 50_000, JSON),
        (b'{"usage":{"prompt_tokens":-5,"completion_tokens":1e400,"total_tokens":99999999999999999999}}', JSON),
        (b'{"usage":{"prompt_tokens":true,"completion_tokens":null,"total_tokens":[1]}}', JSON),
        (b'}}}}{"usage":{"prompt_tokens":7}}', JSON),
        (b'{"model":"\\u001b[2J' + b"x" * 5000 + b'"}', JSON),
        (b'{"usage":{"prompt_tokens":7', b"Content-Type: text/html"),
        (b"\x1f\x8b\x08\0" + b"\xff" * 100, JSON),
        (b"data: {" * 10_000, b"Content-Type: text/event-stream"),
        (b"", JSON),
    ],
    ids=lambda answer: str(answer[0][:24]),
)
def test_an_answer_of_a_hostile_router_is_passed_on_and_counts_no_tokens(start, keys, hub, answer):
    key = keys.create("ml", "--role", "inference", "--tokens-a-day", "1M")
    hub.on(CHAT, lambda *_: http(200, *answer))
    gate = start(workers=1)
    assert ask(gate, key, CHAT, "POST", b"{}").body == answer[0]
    row(keys, "key", "ml", requests=1, tokens_in=0, tokens_out=0)
    for line in rows(keys, "model"):
        assert line["model"].isprintable() and len(line["model"]) <= 200
    assert ask(gate, key, CHAT, "POST", b"{}").status == 200


def test_of_many_repositories_those_that_are_used_most_have_a_line_and_no_request_is_lost(start, keys, hub):
    key = keys.create("ml", "--role", "reader")
    hub.otherwise = lambda *_: http(200, ANSWER, JSON)
    gate = start(workers=1)
    for path in [PATH] * 30 + [f"/api/models/acme/m{number}" for number in range(260)]:
        raw = request(key, "GET", path)
        if path == PATH:
            assert ask(gate, key, path).status == 200
        else:
            with gate.connect() as connection:
                connection.send(raw)
                assert connection.answer().status == 200
    row(keys, "key", "ml", requests=290)
    found = rows(keys, "repo", "--limit", "1000")
    assert sum(line["requests"] for line in found) == 290 and len(found) == 201
    # Two lines are more: what has no room, and that.
    assert {line["repo"] for line in found[:2]} == {"model:acme/m", "(others)"}


@pytest.mark.skipif(IS_SANITIZED, reason="its processes are looked into")
def test_usage_outlives_a_restart_and_of_a_worker_that_dies_a_second_is_lost(start, keys, hub):
    key = keys.create("ml", "--role", "reader")
    gate = start()
    assert Crowd(gate, key, 10, 10).start().join().count(200) == 100
    row(keys, "key", "ml", requests=100)
    state = state_process_of(gate, keys)
    victims = [pid for pid in children(gate) if pid != state]
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: len({*children(gate)} - {*victims}) == 3 and serves(gate), 20)
    assert ask(gate, key).status == 200
    # At the end of a gateway nothing waits.
    gate.stop()
    row(keys, "key", "ml", requests=101)
    start()
    row(keys, "key", "ml", requests=101)


def test_usage_is_counted_no_more_where_the_setting_says_so_and_old_days_go(start, keys, hub):
    key = keys.create("ml", "--role", "reader")
    assert keys.run("usage").stdout == "Nothing was counted in that time.\n"
    with sqlite3.connect(keys.database) as database:
        (public_id,) = database.execute("SELECT public_id FROM keys").fetchone()
        for day, requests in ((10_000, 5), (0, 7)):
            database.execute("INSERT INTO usage VALUES (?, ?, 'read', 'x\x1b[2J', ?, 0, 0, 0, 0, 0, 0)", (day, public_id, requests))
    assert rows(keys, "repo", "--since", "3650d") == []
    with sqlite3.connect(keys.database) as database:
        database.execute("UPDATE usage SET day = strftime('%s') / 86400 - 5 WHERE day = 10000")
    assert rows(keys, "repo")[0]["repo"] == "x?[2J" and rows(keys, "repo", "--since", "3d") == []
    gate = start("--usage-days", "off")
    assert ask(gate, key).status == 200
    assert wait_until(lambda: rows(keys) == [], 10), "days before the setting are removed when it begins"
    gate.stop()
    assert rows(keys, "key", "--since", "3650d") == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--by", "moon"], 64, "key, action, repo, model, day"),
        (["--since", "7"], 64, "--since"),
        (["--since", "-1d"], 64, "--since"),
        (["--limit", "0"], 64, "--limit"),
        (["nobody"], 66, "there is no key nobody"),
        (["--nonsense"], 64, "Unknown option"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_shown_is_said(keys, words, code, said):
    keys.create("somebody")
    done = keys.run("usage", *words, check=False)
    assert done.returncode == code and said in done.stderr and not done.stdout
