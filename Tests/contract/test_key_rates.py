"""Keys with a rate: what they get over it, that workers count together, and what does not count."""

import json
import threading

import pytest

from clients import SERIES, Client as HubClient, ClientError, Variant
from fakehub import http
from gate import running_gate
from hub import Hub
from policy import JSON, request
from test_metrics import Page
from waiting import wait_until

PATH = "/api/models/acme/m"


@pytest.fixture
def hub(hub):
    hub.on(PATH, lambda *_: http(200, b'{"id":"acme/m"}', JSON))
    return hub


@pytest.fixture
def start(start_with_keys):
    return lambda workers=1: start_with_keys(workers=workers)


def ask(gate, key, path=PATH, method="GET", body=b""):
    return gate.ask(request(key, method, path, body, b"Connection: close"))


def test_over_its_rate_a_key_gets_429_that_says_when_and_why_and_the_hub_is_not_asked(start, keys, hub):
    key, free = keys.create("ml-team", "--role", "reader", "--rate", "5/d"), keys.create("free")
    gate = start()
    for _ in range(5):
        assert ask(gate, key).status == 200
    before = len(hub.requests)
    for path in (PATH, "/api/account", "/acme/m/resolve/main/x", "/v1/models"):
        answer = ask(gate, key, path)
        assert answer.status == 429 and answer["X-Error-Code"] == "TooManyRequests"
        wait = int(answer["Retry-After"])
        assert 17_000 < wait <= 17_280
        assert answer["RateLimit"] == f'"api";r=0;t={wait}' and answer["RateLimit-Policy"] == '"token bucket";"api";q=5;w=86400'
        assert "ml-team" in answer["X-Error-Message"] and "has used its rate of 5 requests a day." in answer["X-Error-Message"]
        assert json.loads(answer.body)["error"] == answer["X-Error-Message"]
    assert len(hub.requests) == before
    assert ask(gate, free).status == 200
    assert gate.wait_for_log(lambda line: line.get("error") == "TooManyRequests" and line.get("key") == "ml-team")
    assert Page(gate)("key_rate_refusals_total") == 4


def test_what_is_refused_counts_and_what_needs_no_key_does_not(start, keys, hub):
    key = keys.create("ml", "--allow", "read acme/*", "--rate", "4/d")
    gate = start()
    for path in ("/-/health", "/-/metrics", "/"):
        for _ in range(3):
            assert ask(gate, key, path).status != 429
    assert ask(gate, key, "/api/models/zeta/m").status == 404
    assert ask(gate, key, PATH, "DELETE").status in (403, 404)
    assert ask(gate, key, "/api/repos/create", "POST", b'{"name":"x"}').status in (403, 400)
    assert ask(gate, key).status == 200
    assert ask(gate, key).status == 429
    # Nor does what another says in the key's name, without its secret.
    wrong = key[:-1] + ("0" if key[-1] != "0" else "1")
    assert ask(gate, wrong).status == 401


def test_two_workers_give_together_what_the_rate_is(start, keys):
    made = {name: keys.create(name, "--role", "reader", "--rate", "40/d") for name in ("one", "two")}
    gate = start(workers=2)
    answers = {name: [] for name in made}

    def client(name):
        for _ in range(20):
            answers[name].append(ask(gate, made[name]).status)

    threads = [threading.Thread(target=client, args=[name]) for name in [*made] * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in made:
        assert len(answers[name]) == 80 and answers[name].count(200) == 40 and answers[name].count(429) == 40, name


def test_a_change_of_the_rate_is_in_force_within_a_second_and_outlives_a_worker(start, keys):
    key = keys.create("ml", "--role", "reader", "--rate", "1/d")
    gate = start(workers=2)
    assert ask(gate, key).status == 200 and {ask(gate, key).status for _ in range(6)} == {429}
    keys.run("keys", "edit", "ml", "--rate", "1000/s")
    assert wait_until(lambda: all(ask(gate, key).status == 200 for _ in range(6)), 5)
    keys.run("keys", "edit", "ml", "--rate", "1/d")
    assert wait_until(lambda: all(ask(gate, key).status == 429 for _ in range(6)), 5)
    keys.run("keys", "edit", "ml", "--rate", "")
    assert wait_until(lambda: all(ask(gate, key).status == 200 for _ in range(6)), 5)


@pytest.mark.parametrize("series", SERIES, ids=lambda series: series.name)
def test_the_clients_of_the_hub_say_what_the_gateway_says(series, keys, certificates, guard, tmp_path):
    key = keys.create("ml-team", "--role", "reader", "--rate", "3/d")
    with running_gate(tmp_path / "gate", certificates, "--sandbox", "--access", "keys", "--state-dir", str(keys.state)) as gate:
        (tmp_path / "client").mkdir()
        client = HubClient(Variant(series, False), gate, Hub(gate), guard, tmp_path / "client", HF_TOKEN=key)
        try:
            for _ in range(3):
                assert client("info", "sandbox/demo") == "sandbox/demo"
            with pytest.raises(ClientError) as refused:
                client("info", "sandbox/demo")
            assert refused.value.status == 429 and "HfHubHTTPError" in refused.value.kinds
            assert "ml-team" in str(refused.value) or "rate limit" in str(refused.value), str(refused.value)
            if series.name != "0.36":
                assert "your 'api' rate limit" in str(refused.value), str(refused.value)
        finally:
            client.close()
