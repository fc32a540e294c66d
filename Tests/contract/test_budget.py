"""The Hub's rate limit, spent for all by the gateway: who waits, who is told to come later, and what the Hub sees of it."""

import os
import re
import signal
import statistics
import threading
import time

import pytest

import clients
from clients import SERIES, Client as HubClient, Variant
from gate import running_gate
from hub import Hub
from policy import request
from rate_limits import PATH, Later, Told, limits
from test_metrics import Page, eventually
from waiting import wait_until

# The full size, with the Hub's own windows: `make budget`.
WINDOW = int(os.environ.get("HUBGATE_BUDGET_WINDOW", "2"))
QUOTA = int(os.environ.get("HUBGATE_BUDGET_QUOTA", "60"))
PLAIN = ("--coalesce=off",)
clients.SECONDS = max(clients.SECONDS, 5 * WINDOW)


def get(path=PATH, *fields, method="GET"):
    return b"\r\n".join(
        [f"{method} {path} HTTP/1.1".encode(), b"Host: localhost", b"Connection: close", *fields, b"", b""])


def waiting(gate, count=1):
    assert eventually(gate, lambda page: page("budget_waiting") == count), "nobody waits"


# Real clients


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.long
def test_real_clients_with_more_demand_than_budget_all_finish_and_the_thriftiest_is_not_slowed(workers, keys, certificates, guard, tmp_path):
    """50 threads ask 40 % more than the budget of two windows: none sees an exception."""
    greedy, thrifty = keys.create("greedy"), keys.create("thrifty")
    middle = [keys.create(f"middle-{number}") for number in range(3)]
    wanted = 2 * QUOTA * 14 // 10
    own = [{"token": thrifty, "calls": 4, "pause": WINDOW / 3}] * 2
    few = [{"token": key, "calls": 2} for key in middle for _ in range(6)]
    rest = wanted - sum(member["calls"] for member in own + few)
    many = [{"token": greedy, "calls": rest // 30 + (number < rest % 30)} for number in range(30)]
    flags = ("--sandbox", f"--sandbox-limits=api={QUOTA}/{WINDOW}s", "--access", "keys", "--state-dir", str(keys.state), *PLAIN)
    with running_gate(tmp_path / "gate", certificates, *flags, "--workers", str(workers)) as gate:
        (tmp_path / "client").mkdir()
        hub = Hub(gate)
        client = HubClient(Variant(SERIES[0], False), gate, hub, guard, tmp_path / "client")
        try:
            results = client("crowd", "sandbox/demo", own + few + many)
        finally:
            client.close()
        assert [error for result in results for error in result["errors"]] == []
        seconds = [[one for result in part for one in result["seconds"]] for part in (results[:2], results[20:])]
        assert statistics.mean(seconds[0]) < statistics.mean(seconds[1]) / 2, [statistics.mean(part) for part in seconds]
        asked = [entry["status"] for entry in hub.journal() if entry["target"].startswith("/api/models/sandbox/demo")]
        assert asked.count(200) == wanted and asked.count(429) <= wanted // 20, (len(asked), asked.count(429))
        page = Page(gate)
        assert page("budget_waits_total", result="given") > 0 and page("budget_waits_total", result="refused") == 0
        assert page("budget_limit", bucket="api") == QUOTA


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.long
def test_all_of_each_window_is_spent_and_each_key_gets_its_part(workers, keys, certificates, tmp_path):
    """Raw clients that never stop: what the Hub's fields say is left at the end of each window is what was wasted."""
    made = {name: keys.create(name) for name in ("one", "two", "three")}
    flags = ("--sandbox", "--sandbox-limits", "api=60/2s", "--access", "keys", "--state-dir", str(keys.state), *PLAIN)
    with running_gate(tmp_path / "gate", certificates, *flags, "--workers", str(workers)) as gate:
        stop, lock, seen = time.monotonic() + 9, threading.Lock(), []

        def ask(name, key):
            with gate.connect(30) as connection:
                while time.monotonic() < stop:
                    connection.send(f"GET /api/models/sandbox/demo HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
                    answer = connection.answer()
                    left = re.match(r'"api";r=(\d+);', answer["RateLimit"] or "")
                    with lock:
                        seen.append((time.monotonic(), name, answer.status, left and int(left[1])))

        # A worker gets connections by chance; with many each has some of each key. In turn they would get a sixth, a third and a half.
        threads = [threading.Thread(target=ask, args=pair) for count, pair in zip((12, 24, 36), made.items()) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {status for _, _, status, _ in seen} == {200}
    # The Hub has its windows from its first request on; here they are told by what is left, which jumps where one begins.
    windows, last = [[]], 61
    for when, name, _, left in sorted(seen, key=lambda one: one[0]):
        if left > last + 30:
            windows.append([])
        last = left
        windows[-1].append((name, left))
    whole = windows[1:-1]
    assert len(whole) >= 2, [len(window) for window in windows]
    # The middle one, as a machine that stops for a moment is no fault.
    assert statistics.median(len(window) for window in whole) >= 0.95 * 60, [len(window) for window in windows]
    for name in made:
        part = sum(one == name for window in whole for one, _ in window)
        assert abs(part - 20 * len(whole)) <= 0.4 * 20 * len(whole), (name, part, len(whole))


def test_a_head_of_the_real_client_waits_no_longer_than_it_has_patience(keys, certificates, guard, tmp_path):
    key = keys.create("one")
    flags = ("--sandbox", "--sandbox-limits", "resolvers=20/2s", "--access", "keys", "--state-dir", str(keys.state), *PLAIN)
    with running_gate(tmp_path / "gate", certificates, *flags) as gate:
        (tmp_path / "client").mkdir()
        client = HubClient(Variant(SERIES[0], False), gate, Hub(gate), guard, tmp_path / "client")
        try:
            results = client("crowd", "sandbox/demo", [{"token": key, "calls": 5, "head": True}] * 10)
        finally:
            client.close()
        assert [error for result in results for error in result["errors"]] == []
        assert max(one for result in results for one in result["seconds"]) < 10


# What clients are told


def test_who_cannot_get_a_turn_in_time_is_told_when_there_is_one_and_who_spends_most(hub, keys, start_before):
    greedy, other = keys.create("greedy-team"), keys.create("other-team")
    told = Told(hub)
    gate = start_before(hub, "--access", "keys", "--state-dir", str(keys.state), *PLAIN)
    for number in range(11):
        told.fields = limits(60 if number < 10 else 0, 100, 100, 300)
        key = other if number in (3, 6) else greedy
        assert gate.ask(request(key, "GET", PATH, b"", b"Connection: close")).status == 200
    answer = gate.ask(request(other, "GET", PATH, b"", b"Connection: close"))
    answer.check_is_error(429)
    assert answer["X-Error-Code"] == "BudgetSpent" and told.count == 11
    seconds = int(answer["Retry-After"])
    assert 90 <= seconds <= 100
    assert answer["RateLimit"] == f'"api";r=0;t={seconds}'
    assert answer["RateLimit-Policy"] == '"fixed window";"api";q=50;w=300'
    assert "greedy-team has made most of them, 8" in answer["X-Error-Message"]
    assert gate.wait_for_log(lambda line: line.get("error") == "BudgetSpent" and line["key"] == "other-team")
    page = Page(gate)
    assert page("budget_waits_total", result="refused") == 1
    assert page("budget_left", bucket="api") == 0 and page("budget_limit", bucket="api") == 100


def test_a_role_with_a_weight_has_a_larger_part(hub, keys, start_before):
    roles = {"HUBGATE_ROLES": '{heavy: {allow: ["read,search *"], weight: 3}}'}
    heavy = keys.run("keys", "create", "heavy", "--role", "heavy", **roles).stdout.strip()
    light = keys.create("light")
    told = Told(hub)
    gate = start_before(hub, "--access", "keys", "--state-dir", str(keys.state), *PLAIN, **roles)
    for number, key in enumerate((heavy, heavy, light)):
        told.fields = limits(60 if number < 2 else 0, 100, 100, 300)
        assert gate.ask(request(key, "GET", PATH, b"", b"Connection: close")).status == 200
    parts = [gate.ask(request(key, "GET", PATH, b"", b"Connection: close"))["RateLimit-Policy"] for key in (heavy, light)]
    assert parts == [f'"fixed window";"api";q={part};w=300' for part in (75, 25)]


def test_without_keys_nobody_is_named(hub, start_before):
    told = Told(hub, *limits(0, 100, 10, 300))
    gate = start_before(hub)
    assert gate.ask(get()).status == 200
    answer = gate.ask(get())
    assert answer.status == 429 and "has made most" not in answer["X-Error-Message"] and told.count == 1


def test_workers_know_what_one_of_them_was_told(hub, start_before):
    told = Told(hub, *limits(0, 100, 10, 300))
    gate = start_before(hub, "--workers", "2")
    assert gate.ask(get()).status == 200
    assert {gate.ask(get()).status for _ in range(12)} == {429}
    assert told.count == 1


def test_other_buckets_and_other_credentials_have_their_own(hub, start_before):
    told = Told(hub, *limits(0, 100, 10, 300))
    files = Told(hub, *limits(5, 100, 10, 300, "resolvers"), path="/acme/m/resolve/main/x")
    gate = start_before(hub, "--access", "passthrough")
    one, two = b"Authorization: Bearer hf_one", b"Authorization: Bearer hf_two"
    assert [gate.ask(get(PATH, field)).status for field in (one, one, two, two)] == [200, 429, 200, 429]
    assert gate.ask(get("/acme/m/resolve/main/x", one)).status == 200
    assert told.count == 2 and files.count == 1


def test_a_path_is_in_the_bucket_that_the_hub_names(hub, start_before):
    """The page is counted with the API by this Hub: so it waits with it."""
    page = Told(hub, *limits(0, 100, 10, 300), path="/acme/m")
    told = Told(hub, *limits(5, 100, 10, 300))
    gate = start_before(hub)
    assert [gate.ask(get(path)).status for path in ("/acme/m", "/acme/m", PATH)] == [200, 429, 429]
    assert page.count == 1 and told.count == 0


# Waiting


def test_a_request_waits_for_the_window_and_the_log_says_how_long(hub, start_before):
    told = Told(hub, *limits(0, 2, 10, 2))
    gate = start_before(hub)
    gate.ask(get())
    later = Later(gate, get())
    waiting(gate)
    assert told.count == 1
    told.fields = limits(9, 2, 10, 2)
    assert later.wait().status == 200 and told.count == 2
    assert gate.wait_for_log(lambda line: line.get("budget_ms", 0) > 0)
    page = Page(gate)
    assert page("budget_waits_total", result="given") == 1 and page("budget_refusals_avoided_total") == 1
    assert page("budget_wait_seconds_count") == 1


def test_a_client_that_leaves_leaves_the_queue(hub, start_before):
    told = Told(hub, *limits(0, 5, 10, 300))
    gate = start_before(hub)
    gate.ask(get())
    with gate.connect() as connection:
        connection.send(get())
        waiting(gate)
    assert eventually(gate, lambda page: page("budget_waits_total", result="left") == 1)
    waiting(gate, 0)
    assert told.count == 1


def test_a_reload_leaves_those_who_wait_and_what_is_known(hub, start_before):
    told = Told(hub, *limits(0, 3, 10, 300))
    gate = start_before(hub)
    gate.ask(get())
    later = Later(gate, get())
    waiting(gate)
    gate.signal(signal.SIGHUP)
    assert wait_until(lambda: any("eload" in message or "read again" in message for message in gate.messages), 10), gate.messages
    waiting(gate)
    told.fields = limits(9, 300, 10, 300)
    assert later.wait().status == 200 and told.count == 2


def test_those_who_wait_are_answered_before_the_gateway_stops(hub, start_before):
    told = Told(hub, *limits(0, 3, 10, 300))
    gate = start_before(hub)
    gate.ask(get())
    later = Later(gate, get())
    waiting(gate)
    told.fields = limits(9, 300, 10, 300)
    gate.signal(signal.SIGTERM)
    assert later.wait().status == 200 and told.count == 2
    gate.wait_for_stop()


def test_what_is_kept_is_given_out_where_the_budget_is_spent(hub, start_before):
    told = Told(hub, *limits(0, 100, 10, 300))
    gate = start_before(hub, "--cache-memory", "4MiB", "--metadata-ttl", "1s", "--metadata-stale", "off")
    assert gate.ask(get()).status == 200
    assert wait_until(lambda: "stale-if-error" in (gate.ask(get())["Cache-Status"] or ""), 10)
    assert gate.ask(get()).status == 200 and told.count == 1


# The Hub's own 429


@pytest.mark.parametrize("fields", [limits(0, 1, 10, 300) + [b"Retry-After: 1"], [b"Retry-After: 1"], limits(0, 1)])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_429_to_a_read_is_waited_out_and_asked_again(method, fields, hub, start_before):
    told = Told(hub)
    told.script = [(429, fields)]
    gate = start_before(hub)
    answer = gate.ask(get(method=method), 30)
    assert answer.status == 200 and told.count == 2
    assert gate.wait_for_log(lambda line: line["status"] == 200 and line.get("budget_ms", 0) >= 900)
    assert Page(gate)("hub_refusals_total", outcome="retried") == 1


def test_it_is_asked_again_once(hub, start_before):
    told = Told(hub, b"Retry-After: 1")
    told.status = 429
    gate = start_before(hub)
    answer = gate.ask(get(), 30)
    assert answer.status == 429 and answer["X-Error-Code"] is None and told.count == 2
    page = Page(gate)
    assert page("hub_refusals_total", outcome="retried") == 1 and page("hub_refusals_total", outcome="passed") == 1


def test_one_that_lasts_longer_than_the_patience_is_passed_at_once(hub, start_before):
    told = Told(hub, b"Retry-After: 100")
    told.status = 429
    gate = start_before(hub)
    answer = gate.ask(get(), 10)
    assert answer.status == 429 and answer["Retry-After"] == "100" and told.count == 1


def test_one_that_does_not_say_when_is_passed_at_once(hub, start_before):
    told = Told(hub)
    told.status = 429
    gate = start_before(hub)
    assert gate.ask(get(), 10).status == 429 and told.count == 1


def test_a_429_to_what_may_act_is_passed_as_it_is(hub, start_before):
    told = Told(hub, b"Retry-After: 1")
    told.status = 429
    gate = start_before(hub)
    body = b"{}"
    head = b"\r\n".join([f"POST {PATH} HTTP/1.1".encode(), b"Host: localhost", b"Connection: close", b"Content-Type: application/json",
                         b"Content-Length: 2", b"", b""])
    assert gate.ask(head + body).status == 429 and told.count == 1


def test_the_account_is_asked_again_too(hub, start_before):
    told = Told(hub, path="/api/whoami-v2")
    told.script = [(429, [b"Retry-After: 1"])]
    gate = start_before(hub)
    assert gate.ask(get("/api/account"), 30).status == 200 and told.count == 2


def test_with_the_setting_off_nobody_waits(hub, start_before):
    told = Told(hub, *limits(0, 1, 10, 300), b"Retry-After: 1")
    gate = start_before(hub, "--budget-wait", "off")
    assert gate.ask(get()).status == 200
    told.status = 429
    assert gate.ask(get()).status == 429 and told.count == 2


# A Hub that lies


@pytest.mark.parametrize(
    "fields",
    [
        [b'RateLimit: "api";r=-1;t=100'],
        [b'RateLimit: "api";r=99999999999999999999;t=100'],
        [b'RateLimit: "api";r=999999999999;t=999999999999', b'RateLimit-Policy: "fixed window";"api";q=999999999999;w=999999999999'],
        [b'RateLimit: "api";r=0;t=-9223372036854775808'],
        [b"RateLimit: " + b'"api";' * 100],
        [b'RateLimit: "nothing";r=0;t=100'],
        [b'RateLimit: "api";r=0;t=0'],
        [b"RateLimit: \xff\xfe"],
        [b'RateLimit: "api";r=5;t=100', b'RateLimit-Policy: "fixed window";"api";q=-1;w=0'],
    ],
    ids=range(9),
)
def test_fields_that_are_absurd_stop_nobody(fields, hub, start_before):
    told = Told(hub, *fields)
    gate = start_before(hub, *PLAIN)
    assert [gate.ask(get()).status for _ in range(8)] == [200] * 8 and told.count == 8


def test_a_window_that_changes_all_the_time_stops_nobody(hub, start_before):
    told = Told(hub)
    told.script = [(200, limits(number * 7 % 50 + 40, 100 + number * 61 % 200, 10 + number, 300 - number)) for number in range(20)]
    gate = start_before(hub, *PLAIN)
    assert [gate.ask(get(), 30).status for _ in range(20)] == [200] * 20


def test_a_hub_that_stops_to_tell_has_no_budget_any_more(hub, start_before):
    told = Told(hub)
    told.script = [(200, limits(0, 1, 10, 1))]
    gate = start_before(hub)
    assert [gate.ask(get(), 30).status for _ in range(6)] == [200] * 6 and told.count == 6
    assert Page(gate)("budget_waits_total", result="given") == 1


# What clients ask of their own accord


def test_telemetry_goes_nowhere_and_the_list_of_agents_is_asked_once(hub, start_before):
    agents = Told(hub, path="/api/agent-harnesses")
    gate = start_before(hub)
    for method in ("HEAD", "GET"):
        answer = gate.ask(get("/api/telemetry/space/x", method=method))
        assert answer.status == 204 and answer.body == b""
    for _ in range(3):
        assert gate.ask(get("/api/agent-harnesses")).body == b'{"id":"acme/m"}'
    assert agents.count == 1 and len(hub.requests) == 1
    assert hub.requests[0]["Authorization"] is None
    assert Page(gate)("requests_total", route="client_probe", status="2xx") == 5


def test_they_are_relayed_where_the_setting_says_so(hub, start_before):
    agents = Told(hub, path="/api/agent-harnesses")
    telemetry = Told(hub, path="/api/telemetry/space/x")
    gate = start_before(hub, "--client-probes", "relay", *PLAIN)
    for _ in range(2):
        assert gate.ask(get("/api/agent-harnesses")).status == 200
    assert gate.ask(get("/api/telemetry/space/x", method="HEAD")).status == 200
    assert (agents.count, telemetry.count) == (2, 1)


# The sandbox


def test_the_sandbox_refuses_as_the_hub_does(start):
    gate = start("--sandbox-limits", "api=3/300s,pages=5/1h", "--budget-wait", "off", *PLAIN)
    answers = [gate.ask(get("/api/models")) for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert [answer["RateLimit"][:10] for answer in answers] == ['"api";r=2;', '"api";r=1;', '"api";r=0;', '"api";r=0;']
    assert answers[3]["RateLimit-Policy"] == '"fixed window";"api";q=3;w=300'
    assert 290 <= int(answers[3]["Retry-After"]) <= 300
    assert gate.ask(get("/sandbox/demo/resolve/main/README.md")).status in (200, 307)


@pytest.mark.parametrize("value", ["api", "api=5", "api=0/1s", "api=5/99ms", "api=5/1s,api=6/1s", "files=5/1s", "api=5/2h", "api=x/1s", ","])
def test_limits_that_are_none_are_told(value, tmp_path):
    from gate import make_workspace, run

    done = run(make_workspace(tmp_path / "w"), "--sandbox", "--sandbox-limits", value, "--check")
    assert done.returncode != 0 and "sandbox_limits" in done.stderr + done.stdout
