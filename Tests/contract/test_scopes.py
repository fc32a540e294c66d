"""Scopes over TLS: each (key, request) pair is decided as Tests/corpus/policy.tsv says, and what is refused reaches no Hub.

The pairs are decided by an independent reading of the rules (Tests/corpus/policy_cases.py). The Hub here answers anything, so
that what it has seen is all that the gateway has let through.
"""

import json
import random

import pytest

from fakehub import FakeHub
from gate import running_gate
from keys import Keys
from policy import (
    Client, answer_anything, cases, check_has_no_key, check_reached, check_refusal, chosen, make_keys, request
)  # fmt: skip

SPELLINGS = 600


class Setting:
    """A gateway with a key for each scope of policy.tsv, before a Hub and a router that answer anything."""

    def __init__(self, gate, keys, made, hub, router):
        self.gate, self.keys, self.made = gate, keys, made
        self.hub, self.router = hub, router

    @property
    def reached(self):
        return [*self.hub.requests, *self.router.requests]

    def forget(self):
        for hub in (self.hub, self.router):
            hub.requests.clear()


@pytest.fixture(scope="module")
def setting(tmp_path_factory, certificates):
    hub, router = FakeHub(), FakeHub()
    answer_anything(hub, router)
    directory = tmp_path_factory.mktemp("scopes")
    operator = directory / "operator"
    operator.mkdir()
    keys = Keys(operator)
    made = make_keys(keys, (case.scope for case in cases()))
    flags = ("--upstream", hub.url, "--inference-upstream", router.url, "--access", "keys", "--state-dir", str(keys.state))
    with running_gate(directory / "gate", certificates, *flags, HF_TOKEN="hf_of_the_gate") as gate:
        yield Setting(gate, keys, made, hub, router)
    hub.close()
    router.close()


@pytest.fixture(autouse=True)
def forgets(setting):
    setting.forget()


def test_each_pair_of_key_and_request_is_decided_so_and_what_is_refused_reaches_no_hub(setting):
    picked = chosen()
    assert len(picked) >= 400 and {case.decision for case in picked} == {case.decision for case in cases()}
    client, allowed = Client(setting.gate), 0
    for number, case in enumerate(picked):
        _, key = setting.made[case.scope]
        scheme = "Basic" if number % 7 == 0 else "Bearer"
        setting.forget()
        answer = client.ask(request(key, case.method, case.path, case.content, scheme=scheme))
        if not case.is_allowed:
            check_refusal(case, answer)
            assert not setting.reached, case
            continue
        allowed += 1
        assert answer["X-Error-Code"] == "OfTheHub" and answer.status == 409, (case, answer.status, answer.body)
        assert not (setting.hub if case.is_of_router else setting.router).requests, case
        check_reached(case, setting.reached, key)
    client.close()
    assert 100 < allowed < len(picked) - 100


def test_no_refused_request_arrives_late(setting):
    """One after the other as fast as they go, then what has arrived is counted."""
    refused = [case for case in cases() if case.is_mutating and not case.is_allowed][::9]
    client = Client(setting.gate)
    for case in refused:
        client.ask(request(setting.made[case.scope][1], case.method, case.path, case.content))
    _, admin = setting.made["admin *"]
    assert client.ask(request(admin, "GET", "/api/models/acme/last")).status == 409
    client.close()
    assert len(refused) > 200 and [arrived.target for arrived in setting.reached] == ["/api/models/acme/last"]


# Any spelling


def spelled(random, target):
    """The target in another spelling, which some reader could take for the same."""
    path, mark, query = target.partition("?")
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(path))
        letter = path[at]
        path = random.choice([
            lambda: path[:at] + (f"%{ord(letter):02x}" if letter.isascii() else letter) + path[at + 1 :],
            lambda: path[:at] + letter.swapcase() + path[at + 1 :],
            lambda: path.replace("/", random.choice(["//", "/./", "/x/../", "%2F", "/%2e/", "/;/", "%5C"]), random.randint(1, 3)),
            lambda: path + random.choice(["/", "//", "/.", "%00", "%20", ".git", ".json", ";x=1", "%3F", "%23", "/.."]),
            lambda: path.replace("acme", random.choice(["ACME", "acme%20", "%61cme", "acme.", "a%63me"]), 1),
            lambda: path.replace("/api/", random.choice(["/API/", "/api/./", "/%61pi/", "/api//", "/x/../api/"]), 1),
        ])()  # fmt: skip
    query = random.choice([
        query, query, f"{query}&_method=GET", f"create_pr=1&{query}", f"{query}&create_pr=1", "service=git-upload-pack",
        "%63reate_pr=1", "create_pr[]=1", "access_token=hf_x",
    ])  # fmt: skip
    return "/" + path.lstrip("/") + (mark or "?") + query if query else "/" + path.lstrip("/")


@pytest.mark.parametrize("seed", range(3))
def test_no_spelling_of_a_request_that_changes_something_gets_past_a_key_that_may_only_read(setting, seed):
    chance = random.Random(seed)
    key = setting.made["reader acme/*"][1]
    rows = list({(case.method, case.path, case.content): case for case in cases() if case.is_mutating}.values())
    client = Client(setting.gate)
    answered = []
    for _ in range(SPELLINGS):
        case = chance.choice(rows)
        method = chance.choice([case.method] * 6 + ["POST", "PUT", "PATCH", "DELETE", "COPY", "MOVE", case.method.lower()])
        raw = request(key, method, spelled(chance, case.path), case.content)
        answered.append((raw, client.ask(raw)))
    client.close()
    arrived = [(one.method, one.target) for one in setting.reached if not may_only_read(one)]
    assert not arrived, arrived
    assert all(answer.status >= 400 for _, answer in answered)
    for one in setting.reached:
        check_has_no_key(one, key)


def may_only_read(arrived):
    """What a key that reads may ask by POST: files' sizes, and a batch of Git LFS that downloads."""
    path = arrived.target.partition("?")[0]
    is_batch = path.endswith("/info/lfs/objects/batch") and json.loads(arrived.body)["operation"] == "download"
    is_git = path.endswith("/git-upload-pack")
    return arrived.method in ("GET", "HEAD") or is_batch or is_git or "/paths-info/" in path


# What the command line says


def test_explain_says_what_the_gateway_then_does(setting):
    picked = chosen()[::29]
    client = Client(setting.gate)
    for case in picked:
        name, key = setting.made[case.scope]
        setting.forget()
        said = json.loads(setting.keys.run("keys", "explain", name, case.method, case.path, *([case.body] if case.content else []), "--json").stdout)
        answer = client.ask(request(key, case.method, case.path, case.content))
        assert said["allowed"] == bool(setting.reached), (case, said)
        if not said["allowed"]:
            assert said["decision"].endswith(str(answer.status)), (case, said, answer.status)
        elif case.decision == "public":
            assert said["decision"] == "allowed, without the credential" and setting.reached[0]["Authorization"] is None, case
    client.close()
    assert len(picked) > 40
