"""What the gateway spends and keeps, over the admin API: usage, the Hub's budget, and both caches."""

import datetime
import json
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from admin import Admin
from audit import Audit
from cached import MODEL, ON, Counting, figures, get
from fakehub import http
from gate import run
from policy import JSON, request
from rate_limits import Told, limits
from stored_files import PIECE, digest
from test_metrics import Page
from waiting import wait_until

CLOSE = b"Connection: close"
DAY = 86_400


@pytest.fixture
def root(keys):
    return keys.create("root", "--role", "admin")


@pytest.fixture
def admin(start_with_keys, hub, root):
    hub.otherwise = lambda *_: http(200, b"{}", JSON)
    return Admin(start_with_keys(), root)


def ask(gate, key, path, method="GET", body=b"", *fields):
    return gate.ask(request(key, method, path, body, CLOSE, *fields), 30)


def printed(keys, *words):
    return json.loads(keys.run("usage", "--json", *words).stdout)


# Usage


def lines(keys, count):
    """So many lines in the table of usage, of days, keys, actions and resources that differ."""
    today = int(time.time()) // DAY
    with sqlite3.connect(keys.database) as database:
        ids = [row[0] for row in database.execute("SELECT public_id FROM keys ORDER BY number")]
        made = {}
        for n in range(count):
            action = ("read", "write", "infer")[n % 3]
            made[today - n % 9, (*ids, 0)[n % (len(ids) + 1)], action, "" if n % 50 == 0 else f"model:acme/m-{n % 701}"] = n
        database.executemany(
            "INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(*place, n % 7 + 1, n % 2, n % 5, n, 2 * n, n % 11, n % 13) for place, n in made.items()])
    database.close()
    return len(made)


def test_usage_is_what_the_command_adds_up_however_many_lines_there_are(admin, keys):
    for name in ("one", "two", "gone"):
        keys.create(name)
    keys.revoke("gone")
    # More than one piece, which the state process reads between its other work.
    assert lines(keys, 12_000) > 10_000
    day = datetime.datetime.now(datetime.UTC).date()
    for by in ("key", "repo", "model", "action", "day"):
        for words in ((), ("--since", "2d"), ("--since", str(day - datetime.timedelta(6)), "--until", str(day - datetime.timedelta(3)))):
            query = {word.removeprefix("--"): value for word, value in zip(words[::2], words[1::2], strict=True)}
            found = admin("GET", "/usage", by=by, limit=200, **query)
            assert found["rows"] == printed(keys, "--by", by, "--limit", "200", *words), (by, words)
            assert found["by"] == by and found["count"] >= len(found["rows"]) > 0
    of_all = admin("GET", "/usage", by="repo", limit=1)
    whole = printed(keys, "--by", "repo", "--limit", "10000")
    assert of_all["rows"] == whole[:1] and of_all["count"] == len(whole)
    assert of_all["total"] == {name: sum(row[name] for row in whole) for name in of_all["total"]}
    assert admin("GET", "/usage", by="repo", key="two", limit=200)["rows"] == printed(keys, "two", "--by", "repo", "--limit", "200")
    assert {row["key"] for row in admin("GET", "/usage")["rows"]} == {"root", "one", "two", "gone", "(logins that are over)"}


def test_usage_of_what_was_just_done(admin, keys, hub):
    key = keys.create_at(admin.gate, "worker", "--allow", "read acme/*")
    for _ in range(5):
        assert ask(admin.gate, key, MODEL).status == 200
    assert ask(admin.gate, key, "/api/models/other/m").status == 404

    def row():
        return next((row for row in admin("GET", "/usage", by="key")["rows"] if row["key"] == "worker"), {})

    assert wait_until(lambda: row().get("requests", 0) >= 6 and row()["errors"] >= 1, 10)
    assert admin("GET", "/usage", by="key")["rows"] == printed(keys, "--by", "key")
    assert {row["repo"] for row in admin("GET", "/usage", by="repo", key="worker")["rows"]} == {"model:acme/m", "(others)"}


def test_what_is_wrong_with_a_question_about_usage_is_said(admin):
    for query in ("by=owner", "by=", "since=lots", "since=2026-02-30", "until=7d", "until=2026-13-01", "since=2026-11-20&until=2026-11-19", "limit=0", "key=", "x=1"):
        answer = admin.raw("GET", "/usage?" + query)
        assert answer.status == (404 if query == "key=" else 400), (query, answer.body)
    admin.refused("GET", "/usage?key=absent", 404)


# The budget


def waits(admin):
    """The budget, while two requests wait and it is known who has them waiting."""
    found = admin("GET", "/budget")
    return found if found["waiting"] == 2 and any(share["waits"] for one in found["budgets"] for share in one["shares"]) else None


@pytest.mark.parametrize("workers", [1, 2])
def test_the_budget_says_what_is_left_until_when_who_spends_and_who_waits(workers, start_before, hub, keys, root):
    greedy, other = keys.create("greedy-team"), keys.create("other-team")
    told = Told(hub)
    gate = start_before(
        hub, "--access", "keys", "--workers", str(workers), "--state-dir", str(keys.state), "--coalesce=off", "--budget-wait", "55s")
    admin = Admin(gate, root)
    assert admin("GET", "/budget")["budgets"] == []
    for number in range(11):
        told.fields = limits(60 if number < 10 else 0, 50, 100, 300)
        assert ask(gate, other if number in (3, 6) else greedy, MODEL).status == 200
    with gate.connect() as one, gate.connect() as two:
        for connection in (one, two):
            connection.send(request(other, "GET", MODEL, b"", CLOSE))
        found = wait_until(lambda: waits(admin), 10)
    assert found, admin("GET", "/budget")
    [budget] = found["budgets"]
    page = Page(gate)
    assert (budget["source"], budget["credential"], budget["bucket"]) == ("token", None, "api")
    assert budget["limit"] == 100 == page("budget_limit", bucket="api") and budget["left"] == page("budget_left", bucket="api") == 0
    assert 20 <= budget["seconds_left"] <= 50 and budget["window_seconds"] == 300 and budget["short"]
    ends = datetime.datetime.fromisoformat(budget["ends"]) - datetime.datetime.now(datetime.UTC)
    assert abs(ends.total_seconds() - budget["seconds_left"]) < 3
    # When the first call was made it was not known yet that it is counted.
    assert [(share["key"], share["waits"]) for share in budget["shares"]] == [("greedy-team", False), ("other-team", True)]
    assert [share["calls"] for share in budget["shares"]] == [8, 2] and budget["calls"] == 10 and budget["share_count"] == 2
    assert wait_until(lambda: admin("GET", "/budget")["waits"]["left"] == 2 == Page(gate)("budget_waits_total", result="left"), 5)
    assert wait_until(lambda: admin("GET", "/budget")["waiting"] == 0, 5)


def test_each_credential_and_bucket_has_its_budget_and_its_name(start_before, hub, keys, root, tmp_path):
    directory = tmp_path / "credentials"
    directory.mkdir(mode=0o700)
    (directory / "research").write_text("hf_of_research")
    (directory / "research").chmod(0o600)
    plain, named = keys.create("plain"), keys.create("named", "--role", "reader", "--as", "research")
    Told(hub, *limits(90, 200, 100, 300))
    Told(hub, *limits(40, 200, 50, 300, "resolvers"), path="/acme/m/resolve/main/x")
    gate = start_before(hub, "--access", "keys", "--state-dir", str(keys.state), "--credentials-dir", str(directory))
    for key, path in ((plain, MODEL), (named, MODEL), (plain, "/acme/m/resolve/main/x")):
        assert ask(gate, key, path).status == 200
    budgets = Admin(gate, root)("GET", "/budget")["budgets"]
    assert {(one["source"], one["credential"], one["bucket"], one["left"], one["limit"]) for one in budgets} == {
        ("token", None, "api", 90, 100), ("credentials_dir", "research", "api", 90, 100), ("token", None, "resolvers", 40, 50)}
    assert budgets[0]["bucket"] == "resolvers", "the scarcest first"
    assert "hf_of" not in json.dumps(budgets)


def test_without_keys_shares_are_networks_without_a_name(start_before, hub):
    Told(hub, *limits(5, 200, 10, 300))
    gate = start_before(hub, "--coalesce=off")
    assert {gate.ask(get(MODEL, "Connection: close")).status for _ in range(2)} == {200}
    [budget] = Admin(gate)("GET", "/budget")["budgets"]
    assert [share["key"] for share in budget["shares"]] == [None]


# Responses that are kept


def test_the_cache_is_that_of_all_workers_and_of_each(start_with_keys, hub, keys, root):
    key = keys.create("worker", "--role", "writer")
    Counting(hub, MODEL)
    hub.on(MODEL + "/commit/main", lambda *_: http(200, b"{}", JSON))
    gate = start_with_keys(**ON)
    admin = Admin(gate, root)
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: ask(gate, key, MODEL).status, range(40))) == {200}
    for _ in range(3):
        ask(gate, key, MODEL + "/commit/main", "POST", b"{}")

    def settled():
        found, page = admin("GET", "/cache")["responses"], figures(gate)
        outcomes = {name: int(page[f'hubgate_cache_requests_total{{result="{name}"}}']) for name in found["requests"]}
        same = found["requests"] == outcomes and found["saved_calls"] == page["hubgate_cache_saved_calls_total"]
        same = same and (found["bytes"], found["responses"]) == (page["hubgate_cache_bytes"], page["hubgate_cache_responses"])
        return found if same and sum(outcomes.values()) >= 43 else None

    found = wait_until(settled, 10)
    assert found, (admin("GET", "/cache"), figures(gate))
    assert found["on"] and [row["worker"] for row in found["workers"]] == [1, 2]
    for name in ("bytes", "responses"):
        assert found[name] == sum(row[name] for row in found["workers"])
    for name, count in found["requests"].items():
        assert count == sum(row["requests"][name] for row in found["workers"])
    spared = sum(found["requests"][name] for name in ("hit", "stale", "stand_in", "collapsed"))
    assert found["hit_ratio"] == pytest.approx(spared / (spared + found["requests"]["miss"] + found["requests"]["validated"]))
    assert 0.5 < found["hit_ratio"] < 1 and found["requests"]["bypass"] == 3


@pytest.mark.parametrize("body", [{"repositories": ["acme/m"]}, {"repositories": ["models/ACME/M", "x/y"]}, {"all": True}], ids=str)
def test_what_is_purged_is_asked_for_anew_at_each_worker_and_is_in_the_audit(start_with_keys, hub, keys, root, body):
    key = keys.create("worker")
    model, other = Counting(hub, MODEL), Counting(hub, "/api/models/else/m")
    gate = start_with_keys(**ON)
    admin = Admin(gate, root)

    def all_workers(path):
        # Until each has it, and some more.
        with ThreadPoolExecutor(4) as pool:
            return [answer["Cache-Status"] for answer in pool.map(lambda _: ask(gate, key, path), range(24))]

    for path in (MODEL, "/api/models/else/m"):
        assert wait_until(lambda path=path: all("hit" in status for status in all_workers(path)), 10)
    before = model.count, other.count
    assert admin("POST", "/cache/purge", body) == {"done": True}
    answers = [ask(gate, key, MODEL).json["n"] for _ in range(12)]
    assert min(answers) > before[0]
    all_workers("/api/models/else/m")
    assert (other.count > before[1]) is ("all" in body)
    wanted = ["*"] if "all" in body else ["acme/m"] if len(body["repositories"]) == 1 else ["ACME/M", "x/y"]
    audit = Audit(keys.state / "audit")
    assert wait_until(lambda: [line["detail"] for line in audit.of("admin", event="cache-purge", by="root")] == wanted, 5), audit.lines


def test_what_is_no_repository_is_not_purged(admin, keys):
    for body in ({}, {"repositories": []}, {"repositories": ["acme"]}, {"repositories": ["a/b", "../x"]}, {"repositories": "acme/m"}, {"repositories": [1]},
                 {"all": "yes"}, {"all": True, "repositories": ["acme/m"]}, {"repositories": [f"a/m{n}" for n in range(21)]}, {"repo": "a/b"}, []):  # fmt: skip
        admin.refused("POST", "/cache/purge", 400, body)
    assert Audit(keys.state / "audit").of("admin", event="cache-purge") == []


# Files that are kept


@pytest.fixture
def begin(start_before, hub, store, keys, root, tmp_path):
    def begin(*flags):
        return Admin(start_before(
            hub, "--access", "keys", "--workers", "2", "--state-dir", str(keys.state), "--content-hosts", store.url,
            "--cache-dir", str(tmp_path / "cache"), *flags), root)  # fmt: skip

    return begin


def listed(keys, tmp_path):
    done = run(keys.workspace, "cache", "list", "--json", "--cache-dir", str(tmp_path / "cache"))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_files_are_listed_as_the_command_does_and_removed(begin, store, keys, tmp_path):
    key = keys.create("worker")
    whole = [store.put(f"{n}.bin", PIECE // 8 + n, seed=n) for n in range(5)]
    part = store.put("part.bin", 3 * PIECE, seed=9)
    admin = begin()
    for n in range(5):
        assert ask(admin.gate, key, f"/acme/m/resolve/main/{n}.bin").status == 200
    assert ask(admin.gate, key, "/acme/m/resolve/main/0.bin").status == 200
    assert ask(admin.gate, key, "/acme/m/resolve/main/part.bin", "GET", b"", f"Range: bytes={PIECE}-{PIECE + 5}".encode()).status == 206

    def is_there():
        files = admin("GET", "/cache/files")["files"]
        # The fetch of the part goes on to the end of its piece.
        is_fetched = any(file["held"] == PIECE for file in files)
        return files if len(files) == 6 and is_fetched and sum(file["complete"] for file in files) == 5 else None

    files = wait_until(is_there, 20)
    assert files == listed(keys, tmp_path) and [file["sha256"] for file in files] == sorted(map(digest, [*whole, part]))
    [partial] = [file for file in files if not file["complete"]]
    assert partial == {**partial, "sha256": digest(part), "size": len(part), "held": PIECE}
    # A page at a time.
    paged, after = [], {}
    while True:
        page = admin("GET", "/cache/files", limit=2, **after)
        paged += page["files"]
        if not page["next"]:
            break
        after = {"after": page["next"]}
    assert paged == files
    page = figures(admin.gate, "hubgate_file_cache")
    state = admin("GET", "/cache")["files"]
    assert state["on"] and state["requests"] == {name: int(page[f'hubgate_file_cache_requests_total{{result="{name}"}}']) for name in ("hit", "miss")}
    assert state["hit_ratio"] == pytest.approx(state["requests"]["hit"] / sum(state["requests"].values()))
    assert wait_until(lambda: admin("GET", "/cache")["files"]["files"] == 6 == figures(admin.gate, "hubgate_file_cache")["hubgate_file_cache_files"], 10)

    fetched = store.bytes_sent(whole[1])
    for name in (digest(whole[1]), digest(part)):
        assert admin("DELETE", "/cache/files/" + name) == {"done": True}
        admin.refused("DELETE", "/cache/files/" + name, 404)
    assert [file["sha256"] for file in admin("GET", "/cache/files")["files"]] == sorted(digest(one) for one in whole if one is not whole[1])
    assert ask(admin.gate, key, "/acme/m/resolve/main/1.bin").body == whole[1] and store.bytes_sent(whole[1]) == 2 * fetched
    audit = Audit(keys.state / "audit")
    assert wait_until(lambda: [line["detail"] for line in audit.of("admin", event="cache-remove", by="root")] == [digest(whole[1]), digest(part)], 5)


def test_what_is_no_file_of_the_cache_is_not_removed(begin, keys, tmp_path):
    admin = begin()
    (tmp_path / "cache/blobs/sha256/ab/x").write_text("somebody else's")
    for name in ("x", "..", "%2e%2e", "ab%2fx", "A" * 64, "a" * 63, "a" * 64, "a" * 64 + ".part", "lock"):
        assert admin.raw("DELETE", "/cache/files/" + name).status == (400 if name in ("..", "%2e%2e") else 404), name
    for query in ("after=x", "limit=0", "limit=201", "after=" + "A" * 64):
        admin.refused("GET", "/cache/files?" + query, 400)
    assert admin("GET", "/cache/files") == {"files": [], "next": None}
    assert (tmp_path / "cache/blobs/sha256/ab/x").exists()
    assert Audit(keys.state / "audit").of("admin", event="cache-remove") == []


def test_where_no_files_are_kept_that_is_said(admin):
    assert admin("GET", "/cache")["files"]["on"] is False
    for method, path in (("GET", "/cache/files"), ("DELETE", "/cache/files/" + "a" * 64)):
        assert "cache_dir is off" in admin.refused(method, path, 404).json["error"]


def test_a_key_that_runs_no_gateway_sees_and_purges_nothing(admin, keys):
    reader = Admin(admin.gate, keys.create_at(admin.gate, "reader"))
    for method, path, body in (("GET", "/usage", None), ("GET", "/budget", None), ("GET", "/cache", None), ("GET", "/cache/files", None),
                               ("POST", "/cache/purge", {"all": True}), ("DELETE", "/cache/files/" + "a" * 64, None)):  # fmt: skip
        reader.refused(method, path, 403, body)
        Admin(admin.gate).refused(method, path, 401, body)
    assert [line for line in Audit(keys.state / "audit").of("admin") if "cache" in line["event"]] == []
