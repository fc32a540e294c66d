"""The admin API: keys, audit, requests and the process over HTTP, for keys of the role admin and no other client."""

import base64
import contextlib
import hashlib
import hmac
import json
import re
import signal
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from admin import Admin
from audit import Audit
from fakehub import http
from policy import JSON, request
from test_metrics import Page
from waiting import wait_until

FORM = re.compile(r"hg_[0-9A-Za-z]{10}_[0-9A-Za-z]{49}")
CLOSE = b"Connection: close"


@pytest.fixture
def hub(hub):
    hub.otherwise = lambda *_: http(200, b'{"url":"https://huggingface.co/acme/m"}', JSON)
    hub.on("/api/whoami-v2", lambda *_: http(200, b'{"name":"acme","type":"user"}', JSON))
    return hub


@pytest.fixture
def admin(start_with_keys, root_key):
    return Admin(start_with_keys(), root_key)


def status(gate, key, target="/api/models/acme/m", method="GET"):
    return gate.ask(request(key, method, target, b"", CLOSE)).status


# Who may


def test_only_a_key_of_the_role_admin_that_nothing_is_taken_from_runs_the_gateway(start_with_keys, keys):
    names = {
        "reader": ("--role", "reader"), "rules": ("--allow", "all *"), "less": ("--role", "admin", "--deny", "delete *"),
        "admin": ("--role", "admin"), "named": ("--role", "maintainer"),
    }
    made = {name: keys.create(name, *flags) for name, flags in names.items()}
    gate = start_with_keys()
    for name, key in made.items():
        answer = Admin(gate, key).raw("GET", "/keys")
        assert answer.status == (200 if name == "admin" else 403), (name, answer.body)
    for path in ("/keys", "/status", "/audit", "/requests", "/settings", "/figures", "/events"):
        answer = Admin(gate).refused("GET", path, 401)
        assert answer.all("WWW-Authenticate") == ['Bearer realm="hubgate"']  # no browser asks a person for a password
    Admin(gate, "hg_" + "0" * 60).refused("GET", "/keys", 401)
    # As a browser would add it by itself.
    basic = base64.b64encode(b"x:" + made["admin"].encode())
    Admin(gate, None, b"Authorization: Basic " + basic).refused("GET", "/keys", 401)
    keys.revoke("admin")
    assert wait_until(lambda: Admin(gate, made["admin"]).raw("GET", "/keys").status == 401)


def test_without_keys_only_this_machine_itself_runs_the_gateway(start):
    gate = start()
    local = Admin(gate)
    assert local("GET", "/status")["access"] == "open" and local("GET", "/session") == {
        "name": None, "csrf_token": None, "keys": False, "version": local("GET", "/status")["version"]}
    for field in (b"Origin: https://evil.example", b"Sec-Fetch-Site: cross-site", b"X-Forwarded-For: 10.0.0.1", b"Forwarded: for=10.0.0.1",
                  b"Via: 1.1 proxy", b"X-Real-IP: 10.0.0.1"):  # fmt: skip
        local.refused("GET", "/status", 403, None, field)
        local.refused("POST", "/drain", 403, None, field)
    other = Admin(gate)
    other.fields[0] = b"Host: gate.example"
    other.refused("GET", "/status", 403)
    # What needs keys is not there.
    local.refused("GET", "/keys", 404)
    local.refused("POST", "/session", 405, {"key": "x"})


@pytest.mark.parametrize("flags", [["--console=off"], ["--access", "passthrough"]], ids=str)
def test_where_nobody_may_run_it_nothing_is_there(start, flags):
    gate = start(*flags)
    for path in ("/-/api/status", "/-/api/session", "/-/console"):
        assert gate.ask(b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % path.encode()).status == 404


def test_behind_an_open_address_beyond_loopback_nothing_is_there(start):
    gate = start("--access", "open", "--listen", "0.0.0.0:0")
    assert Admin(gate).raw("GET", "/status").status == 404


# Keys


def test_a_key_is_made_used_changed_rotated_and_revoked(admin, keys):
    made = admin("POST", "/keys", {"name": "ml", "role": "reader", "expires": "90d", "note": "for the ML team"}, status=201)
    assert FORM.fullmatch(made["key"]) and made["key"].startswith(made["id"]) and made["note"] == "for the ML team"
    # It is known at every worker when it is told of.
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: status(admin.gate, made["key"]), range(16))) == {200}
    # The same names and values as on the command line.
    shown = admin("GET", "/keys/ml")
    assert wait_until(lambda: admin("GET", "/keys/ml")["uses"] >= 16, 6)
    shown = admin("GET", "/keys/ml")
    assert shown == keys.show("ml")
    assert {**admin("GET", "/keys", search="ml")["keys"][0]} == next(key for key in keys.list() if key["name"] == "ml")

    changed = admin("PATCH", "/keys/ml", {"allow": ["write acme/*"], "role": None, "rate": "600/m"})
    assert changed["role"] is None and changed["allow"] == ["write acme/*"] and changed["rate"] == "600/m"
    assert changed["note"] == "for the ML team" and changed["expires"] == shown["expires"]
    admin.refused("PATCH", "/keys/ml", 400, {"allow": [], "role": None})
    assert admin("GET", "/keys/ml")["allow"] == ["write acme/*"]
    renamed = admin("PATCH", "/keys/ml", {"name": "ml2", "rate": None, "expires": None})
    assert renamed["name"] == "ml2" and renamed["rate"] is None and renamed["expires"] is None
    admin.refused("GET", "/keys/ml", 404)

    other = admin("POST", "/keys/ml2/rotate", {"grace": "0"})
    assert other["id"] == made["id"] and other["key"] != made["key"]
    assert status(admin.gate, made["key"]) == 401 and status(admin.gate, other["key"], "/api/models/acme/m") in (200, 404)
    assert admin("DELETE", "/keys/ml2")["revoked"]
    assert status(admin.gate, other["key"]) == 401
    admin.refused("PATCH", "/keys/ml2", 409, {"note": "x"})
    admin.refused("DELETE", "/keys/ml2", 409)
    for file in keys.state.rglob("*"):
        if file.is_file():
            assert made["key"][14:].encode() not in file.read_bytes() and other["key"][14:].encode() not in file.read_bytes()


def test_limits_are_given_changed_and_taken_away_and_stay_where_nothing_is_said_of_them(admin, keys):
    made = admin("POST", "/keys", {"name": "ml", "role": "reader", "limits": {"concurrent": 4, "bytes_a_day": "50GB", "tokens_a_day": None}}, status=201)
    assert made["limits"] == {"concurrent": 4, "bytes_a_day": 50_000_000_000}
    # What is changed, rotated or given by the command line leaves the others.
    for change in ({"note": "x"}, {"role": "writer"}, {"limits": {}}):
        assert admin("PATCH", "/keys/ml", change)["limits"] == made["limits"]
    assert admin("POST", "/keys/ml/rotate", {})["limits"] == made["limits"]
    keys.run("keys", "edit", "ml", "--tokens-a-day", "1M")
    assert admin("GET", "/keys/ml")["limits"] == {**made["limits"], "tokens_a_day": 1_000_000} == keys.show("ml")["limits"]
    assert admin("PATCH", "/keys/ml", {"limits": {"bytes_a_day": None, "inference_a_day": 0}})["limits"] == {
        "concurrent": 4, "tokens_a_day": 1_000_000, "inference_a_day": 0}  # fmt: skip
    assert admin("PATCH", "/keys/ml", {"limits": None})["limits"] == {} == keys.show("ml")["limits"]


def test_a_limit_counts_from_the_next_request_on(admin):
    key = admin("POST", "/keys", {"name": "ml", "role": "reader"}, status=201)["key"]
    assert status(admin.gate, key, "/api/models/acme/m") == 200
    admin("PATCH", "/keys/ml", {"limits": {"bytes_a_day": 0}})
    assert wait_until(lambda: status(admin.gate, key, "/api/models/acme/m") == 403, 5)
    admin("PATCH", "/keys/ml", {"limits": None})
    assert wait_until(lambda: status(admin.gate, key, "/api/models/acme/m") == 200, 5)


def test_a_key_with_limits_has_its_uses_in_the_list(admin):
    key = admin("POST", "/keys", {"name": "ml", "role": "reader", "limits": {"concurrent": 4}}, status=201)["key"]
    status(admin.gate, key)
    assert wait_until(lambda: admin("GET", "/keys", search="ml")["keys"][0]["uses"] == 1, 6)


def test_a_name_is_taken_until_its_key_is_revoked(admin):
    admin("POST", "/keys", {"name": "a", "role": "reader"}, status=201)
    admin("POST", "/keys", {"name": "b", "role": "reader"}, status=201)
    admin.refused("POST", "/keys", 409, {"name": "a", "role": "reader"})
    admin.refused("PATCH", "/keys/b", 409, {"name": "a"})
    admin("DELETE", "/keys/a")
    admin("PATCH", "/keys/b", {"name": "a"})


@pytest.mark.parametrize(("body", "word"), [
    ({}, "name"), ({"name": "a"}, "role"), ({"name": "a b", "role": "reader"}, "letters"), ({"name": 7, "role": "reader"}, "string"),
    ({"name": "a", "role": "readr"}, "reader"), ({"name": "a", "allow": ["reed acme/*"]}, "read"), ({"name": "a", "allow": "read acme/*"}, "list"),
    ({"name": "a", "allow": ["deny read *"]}, "deny"), ({"name": "a", "role": "reader", "rate": "lots"}, "600/m"),
    ({"name": "a", "role": "reader", "expires": "soon"}, "90d"), ({"name": "a", "role": "reader", "expires": "4000d"}, "ten years"),
    ({"name": "a", "role": "reader", "as": "../x"}, "credentials_dir"), ({"name": "a", "role": "reader", "policy": "off"}, "shadow"),
    ({"name": "a", "role": "reader", "note": "a\nb"}, "line"), ({"name": "a", "role": "reader", "color": "red"}, "known"),
    ({"name": "a", "role": "reader", "limits": 5}, "object"), ({"name": "a", "role": "reader", "limits": {"bytes": 5}}, "bytes_a_day"),
    ({"name": "a", "role": "reader", "limits": {"bytes_a_day": "5"}}, "unit"), ({"name": "a", "role": "reader", "limits": {"concurrent": -1}}, "20"),
    ({"name": "a", "role": "reader", "limits": {"concurrent": 1.5}}, "whole"), ({"name": "a", "role": "reader", "limits": {"tokens_a_day": 1 << 60}}, "at most"),
    ({"name": "a", "role": "reader", "limits": {"tokens_a_day": []}}, "null"),
    ({"name": "a", "role": "reader", "allow": ["read a/*"] * 101}, "100"), ([], "object"), (b"{", ""), (b'{"name":"a","name":"b"}', "twice"),
], ids=str)  # fmt: skip
def test_what_is_wrong_with_a_key_is_said_and_nothing_is_made(admin, keys, body, word):
    answer = admin.refused("POST", "/keys", 400, body)
    assert word in answer.json["error"], answer.json
    assert [key["name"] for key in keys.list()] == ["root"]


def test_other_bodies_paths_and_queries_are_refused(admin):
    admin.refused("POST", "/keys", 415, b"name=a", b"Content-Type: application/x-www-form-urlencoded")
    admin.refused("POST", "/keys", 413, b" " * (70 << 10))
    for path in ("/keys?limit=0", "/keys?limit=201", "/keys?limit=1e2", "/keys?x=1", "/keys?all=yes", "/keys?after=x", "/keys?limit=1&limit=2",
                 "/audit?before=x", "/audit?limit=999", "/audit/verify?before=1.2.3.4", "/status?x"):  # fmt: skip
        admin.refused("GET", path, 400)
    for path in ("/nothing", "/keys/", "/keys/a/b/c", "/", "/keys/a/rotated", "/keys//rotate/x"):
        admin.refused("GET", path, 404)
    answer = admin.refused("PUT", "/keys/a", 405)
    assert answer["Allow"] == "GET, HEAD, PATCH, DELETE"
    admin.refused("GET", "/keys/absent", 404)
    admin.refused("DELETE", "/keys/absent", 404)
    admin.refused("POST", "/keys/absent/rotate", 404, {})


def many_keys(keys, count):
    """So many live keys besides those that are there, of which one has a note with the needle."""
    with sqlite3.connect(keys.database) as database:
        row = database.execute("SELECT * FROM keys").fetchone()
        names = [column[1] for column in database.execute("PRAGMA table_info(keys)")]
        at = {name: index for index, name in enumerate(names)}
        rows = []
        for number in range(count):
            new = list(row)
            new[at["number"]] = 1000 + number
            new[at["name"]] = f"team-{number:05}"
            new[at["public_id"]] = 10_000 + number
            new[at["role"]] = "reader"
            new[at["note"]] = "the needle" if number == 7777 else ""
            new[at["change"]] = 1000 + number
            rows.append(new)
        database.executemany(f"INSERT INTO keys VALUES ({','.join('?' * len(names))})", rows)
        database.execute("UPDATE counters SET value = 20000 WHERE name = 'change'")


def test_ten_thousand_keys_are_paged_and_searched_by_the_gateway(start_with_keys, keys):
    key = keys.create("root", "--role", "admin")
    many_keys(keys, 10_000)
    admin = Admin(start_with_keys(), key)
    seen, after, pages = [], None, 0
    while True:
        page = admin("GET", "/keys", limit=200, **({"after": after} if after else {}))
        assert len(page["keys"]) <= 200
        seen += [key["name"] for key in page["keys"]]
        pages += 1
        after = page["next"]
        if not after:
            break
    assert seen == ["root"] + [f"team-{number:05}" for number in range(10_000)] and pages >= 51
    assert [key["name"] for key in admin("GET", "/keys", search="needle")["keys"]] == ["team-07777"]
    assert [key["name"] for key in admin("GET", "/keys", search="TEAM-0000", limit=200)["keys"]] == [f"team-{n:05}" for n in range(10)]
    identity = admin("GET", "/keys/team-00042")["id"]
    assert [key["name"] for key in admin("GET", "/keys", search=identity)["keys"]] == ["team-00042"]


def test_explain_says_what_the_command_line_says_of_a_key_and_of_one_that_is_not_made(admin, keys):
    keys.create("ml", "--allow", "read acme/*", "--deny", "read acme/secret-*")
    ask = [{"method": "GET", "path": "/api/models/acme/m"}, {"method": "GET", "path": "/api/models/acme/secret-x"},
           {"method": "DELETE", "path": "/api/repos/delete", "body": '{"type":"model","name":"m","organization":"acme"}'}]  # fmt: skip
    said = admin("POST", "/explain", {"key": "ml", "requests": ask})["explanations"]
    for question, answer in zip(ask, said, strict=True):
        words = [question["method"], question["path"], *([question["body"]] if "body" in question else [])]
        assert answer == json.loads(keys.run("keys", "explain", "ml", *words, "--json").stdout)
    assert [answer["allowed"] for answer in said] == [True, False, False]
    grant = {"allow": ["read acme/*"], "deny": ["read acme/secret-*"]}
    assert admin("POST", "/explain", {"grant": grant, "requests": ask})["explanations"] == said
    keys.create("seen", "--allow", "read acme/*", "--policy", "shadow")
    assert admin("POST", "/explain", {"key": "seen", "requests": ask})["explanations"][2]["policy"].startswith("shadow: ")
    for body in ({}, {"key": "ml"}, {"key": "ml", "grant": {}, "requests": ask}, {"grant": {"allow": ["x"]}, "requests": ask},
                 {"grant": {}, "requests": [{}]}, {"grant": {}, "requests": [{"method": "GET", "path": "x"}]}, {"grant": {}, "requests": ask * 20}):  # fmt: skip
        admin.refused("POST", "/explain", 400, body)
    assert {role["name"] for role in admin("GET", "/roles")["roles"]} >= {"reader", "writer", "admin"}


# The audit


def test_each_act_of_an_administrator_is_in_the_audit_with_their_name_and_address(admin, keys):
    made = admin("POST", "/keys", {"name": "ml", "role": "reader"}, status=201)
    admin("PATCH", "/keys/ml", {"note": "x"})
    admin("POST", "/keys/ml/rotate", {})
    admin("DELETE", "/keys/ml")
    admin("POST", "/reload", status=202)
    admin("DELETE", "/requests/hg-00000000-00000000", status=202)
    audit = Audit(keys.state / "audit")
    events = wait_until(lambda: len([line for line in audit.lines if line.get("by") == "root"]) >= 6 and audit.lines)
    mine = [line for line in events if line.get("by") == "root"]
    assert [line["event"] for line in mine] == ["create", "edit", "rotate", "revoke", "reload", "cancel-request"]
    assert all(line["address"] == "127.0.0.1" and line["request_id"].startswith("hg-") for line in mine)
    assert mine[0]["key_id"] == made["id"] and mine[4]["kind"] == "admin" and mine[4]["key"] == "root"
    audit.check_chain()


def test_the_audit_is_searched_and_paged_from_its_end(admin, keys):
    worker = keys.create_at(admin.gate, "w", "--allow", "read,write acme/*")
    for number in range(30):
        admin.gate.ask(request(worker, "POST", f"/api/models/acme/m{number:02}/commit/main", b"{}", CLOSE))
    refused = admin.gate.ask(request(worker, "DELETE", "/api/repos/delete", b'{"type":"model","name":"m","organization":"acme"}', CLOSE))
    assert refused.status in (403, 404)
    expected = json.loads("[" + ",".join(keys.run("audit", "show", "--key", "w", "--limit", "200", "--json").stdout.splitlines()) + "]")

    def rows(**query):
        found, before, pages = [], None, 0
        while True:
            page = admin("GET", "/audit", **query, **({"before": before} if before else {}))
            found += page["rows"]
            pages += 1
            before = page["next"]
            if not before:
                return found, pages

    def same():
        found, pages = rows(key="w", limit=7)
        said = json.loads("[" + ",".join(keys.run("audit", "show", "--key", "w", "--limit", "200", "--json").stdout.splitlines()) + "]")
        return ([{name: value for name, value in row.items() if name != "result"} for row in found][::-1] == said and pages >= 5) or None

    assert len(expected) >= 31 and wait_until(same, 6)
    assert len(rows(repo="acme/m0*")[0]) == 10
    assert [row["kind"] for row in rows(key="w", refusals="true")[0]] == ["refusal"]
    assert rows(since="2100-01-01")[0] == []
    assert admin.raw("GET", "/audit?since=yesterday").status == 400
    one = rows(repo="acme/m07")[0][0]
    assert rows(request=one["request_id"])[0] == [one] and one["status"] == 200
    good = admin("GET", "/audit/verify")
    assert good["good"] and good["faults"] == [] and good["next"] is None and good["lines"] >= 60


def test_a_changed_line_is_found(admin, keys):
    for number in range(5):
        admin("PATCH", "/keys/root", {"note": str(number)})
    audit = Audit(keys.state / "audit")
    wait_until(lambda: len(audit.of("key-event", event="edit")) == 5)
    [path] = audit.files
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"event":"edit"', b'"event":"exit"', 1))
    said = admin("GET", "/audit/verify")
    assert not said["good"] and "was changed" in said["faults"][0]


def test_without_an_audit_it_is_said(start_with_keys, keys):
    key = keys.create("root", "--role", "admin")
    admin = Admin(start_with_keys("--audit-dir", "off"), key)
    admin.refused("GET", "/audit", 404)
    assert admin("GET", "/status")["audit_up"] is None
    admin("POST", "/keys", {"name": "a", "role": "reader"}, status=201)


# Requests


def test_requests_under_way_are_seen_and_ended_at_whichever_worker(admin, hub, keys):
    release = threading.Event()
    hub.on("/acme/slow/resolve/main/x", lambda *_: release.wait(20) and http(200, b"late"))
    reader = keys.create_at(admin.gate, "r", "--role", "reader")
    with ThreadPoolExecutor(4) as pool:
        waiting = [
            pool.submit(admin.gate.ask, request(reader, "GET", "/acme/slow/resolve/main/x", b"", CLOSE, b"User-Agent: <b>x</b>"), 30)
            for _ in range(4)
        ]  # fmt: skip
        found = {}

        def all_seen():
            answer = admin("GET", "/requests")
            assert answer["workers"] == 2 and 1 <= answer["worker"] <= 2
            found.update({row["id"]: row for row in answer["requests"] if row["path"].startswith("/acme/slow")})
            return len(found) == 4

        try:
            assert wait_until(all_seen, 10), found
            row = next(iter(found.values()))
            assert row["key"] == "r" and row["agent"] == "<b>x</b>" and row["method"] == "GET" and row["route"] == "relay"
            for identity in found:
                admin("DELETE", f"/requests/{identity}", status=202)
            answers = [one.result(10) for one in waiting]
            for answer in answers:
                answer.check_is_error(403)
                assert "ended this request" in answer.json["error"]
        finally:
            release.set()


def test_the_last_requests_are_kept_and_no_more_than_200_of_a_worker(start_with_keys, keys, hub):
    key = keys.create("root", "--role", "admin")
    admin = Admin(start_with_keys(workers=1), key)
    with admin.gate.connect() as connection:
        for number in range(250):
            connection.send(f"GET /?n={number}&token=hf_secret HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            assert connection.answer().status == 200
    hub.on("/api/models/acme/broken", lambda *_: http(500, b"<script>alert(1)</script>"))
    admin.gate.ask(request(admin.key, "GET", "/api/models/acme/broken", b"", CLOSE))
    answer = admin("GET", "/requests/recent")
    rows = answer["requests"]
    assert len(rows) == 200 == answer["count"] and rows[0]["path"] == "/api/models/acme/broken" and rows[0]["status"] == 500
    assert [int(re.search(r"n=(\d+)", row["path"])[1]) for row in rows[1:10]] == list(range(249, 240, -1))
    assert not any("hf_secret" in json.dumps(row) for row in rows)
    # What only looks at the gateway takes the place of none.
    for _ in range(3):
        admin.gate.ask()
        Page(admin.gate)
        admin("GET", "/requests/recent")
    admin("POST", "/cache/purge", {"all": True})
    later = admin("GET", "/requests/recent")["requests"]
    assert (later[0]["route"], later[1:]) == ("admin", rows[:199])


# The process


def test_figures_are_those_of_the_metrics(admin):
    for _ in range(5):
        admin.gate.ask()
    wait_until(lambda: Page(admin.gate)("requests_total", route="health", status="2xx") >= 5)

    def same():
        page, figures = Page(admin.gate), admin("GET", "/figures")
        routes = {
            (route, status): value
            for route, counts in figures["requests"].items() for status, value in counts.items() if route not in ("metrics", "admin")
        }  # fmt: skip
        wanted = {
            (dict(sample[1:])["route"], dict(sample[1:])["status"]): value
            for sample, value in page.samples.items()
            if sample[0] == "hubgate_requests_total" and value and dict(sample[1:])["route"] not in ("metrics", "admin")
        }  # fmt: skip
        return routes == wanted and figures["workers"] == 2 and figures["upstream_calls"]["whole"] == page(
            "upstream_calls_total", outcome="whole")

    assert wait_until(same, 5)


def test_status_and_settings_say_how_it_is_and_no_secret(start_with_keys, keys):
    key = keys.create("root", "--role", "admin")
    admin = Admin(start_with_keys("--request-timeout", "77s"), key)
    status = admin("GET", "/status")
    assert status["workers"] == 2 == status["workers_wanted"] and status["hub"]["reachable"] and status["state_up"] and status["audit_up"]
    assert status["certificate_days_left"] > 0 and status["disks"]["state"]["free_bytes"] > 0 and not status["draining"]
    rows = {row["name"]: row for row in admin("GET", "/settings")["settings"]}
    assert rows["request_timeout"]["value"] == "77s" and "flag" in rows["request_timeout"]["from"]
    assert "HF_TOKEN" in rows["token"]["from"] and rows["token"]["value"] == "***"
    assert rows["idle_timeout"]["from"] == "default"
    assert "hf_of_the_gate" not in json.dumps(rows)


def test_a_reload_is_a_reload_of_all_workers(start_with_keys, keys):
    key = keys.create("root", "--role", "admin")
    gate = start_with_keys("--config", "config/hubgate.yaml")
    admin = Admin(gate, key)
    (gate.workspace / "config/hubgate.yaml").write_text("request_timeout: 66s\nroles: {mine: {allow: ['read acme/*']}}\n")
    admin("POST", "/reload", status=202)
    assert wait_until(lambda: any("Reloaded" in message for message in gate.messages), 10)
    with ThreadPoolExecutor(4) as pool:
        values = set(pool.map(lambda _: next(row["value"] for row in admin("GET", "/settings")["settings"] if row["name"] == "request_timeout"), range(8)))
    assert values == {"66s"}
    admin("POST", "/keys", {"name": "m", "role": "mine"}, status=201)


@pytest.mark.parametrize("with_keys", [True, False])
def test_drain_ends_the_gateway_in_order(start_with_keys, start, keys, with_keys):
    if with_keys:
        key = keys.create("root", "--role", "admin")
        admin = Admin(start_with_keys(), key)
    else:
        admin = Admin(start())
    admin("POST", "/drain", status=202)
    admin.gate.wait_for_stop()


def test_events_are_sent_each_second_and_end_with_the_key_and_with_the_gateway(admin, keys):
    other = keys.create("other", "--role", "admin")

    def stream(key):
        connection = admin.gate.connect(20)
        connection.send(f"GET /-/api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
        return connection

    wait_until(lambda: Admin(admin.gate, other).raw("GET", "/session").status == 200)
    with stream(other) as connection:
        assert wait_until(lambda: any(row["path"] == "/-/api/events" for row in admin("GET", "/requests")["requests"]))
        keys.revoke("other")
        answer = connection.answer()
        assert answer["Content-Type"] == "text/event-stream" and answer["Cache-Control"] == "no-store"
        events = [json.loads(line.removeprefix(b"data: ")) for line in answer.body.split(b"\n\n")[:-1]]
        assert events and all("requests_in_flight" in event for event in events)
    with stream(admin.key) as connection:
        assert wait_until(lambda: any(row["path"] == "/-/api/events" for row in admin("GET", "/requests")["requests"]))
        admin.gate.signal(signal.SIGTERM)
        assert connection.answer().status == 200
        admin.gate.wait_for_stop()


def test_streams_of_events_are_bounded(start_with_keys, keys):
    key = keys.create("root", "--role", "admin")
    gate = start_with_keys(workers=1)
    admin = Admin(gate, key)
    with contextlib.ExitStack() as stack:
        for _ in range(32):
            connection = stack.enter_context(gate.connect(20))
            connection.send(f"GET /-/api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
        assert wait_until(lambda: admin("GET", "/requests")["count"] == 33, 10)
        admin.refused("GET", "/events", 503)
    assert wait_until(lambda: admin("GET", "/requests")["count"] == 1, 10)


def test_a_worker_that_forges_a_session_has_none(admin, keys):
    """The key of sessions is the state process's own; what is signed by another is none."""
    for secret in (b"", b"0" * 43, (keys.state / "hubgate.db").read_bytes()[:32]):
        text = f"1.{0}.{0:x}.{int(time.time()) + 1000}.{1:x}"
        code = base64.urlsafe_b64encode(hmac.new(secret, b"hubgate: console sessions, 1\n" + text.encode(), hashlib.sha256).digest()).rstrip(b"=").decode()
        Admin(admin.gate, None, f"Cookie: __Host-hubgate={text}.{code}".encode()).refused("GET", "/keys", 401)
    file = keys.state / "session.key"
    assert file.stat().st_mode & 0o777 == 0o600
