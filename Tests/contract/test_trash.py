"""`delete_grace` and `hubgate trash`: a deleted repository can be restored, and is gone for all clients meanwhile."""

import json
import os
import signal
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from audit import Audit
from clients import VARIANTS, Client
from fakehub import http
from gate import run, running_gate
from hub import Hub
from keys import Keys
from moving_hub import MovingHub
from policy import request
from test_workers import children
from waiting import wait_until

DELETE = "/api/repos/delete"
PREFIX = "hubgate-trash-"


class Bin:
    """A gateway of two workers with a trash, its keys, and the operator at the command line."""

    def __init__(self, gate, hub, keys, made):
        self.gate, self.hub, self.keys, self.made = gate, hub, keys, made

    def ask(self, method, target, body=b"", *fields, key="boss", **options):
        body = json.dumps(body).encode() if isinstance(body, dict) else body
        return self.gate.ask(request(self.made[key], method, target, body, b"Connection: close", *fields, **options))

    def delete(self, name, *fields, kind="model", target="/api/repo", key="boss", **members):
        return self.ask("DELETE", target, {"type": kind, "name": name, **members}, *fields, key=key)

    def relayed_delete(self, name, kind="model", key="boss"):
        owner, _, name = name.rpartition("/")
        return self.ask("DELETE", DELETE, {"type": kind, "name": name, "organization": owner or None}, key=key)

    def get(self, target, key="boss"):
        return self.ask("GET", target, key=key)

    def is_gone(self, name, kind="model"):
        answer = self.get(f"/api/{kind}s/{name}")
        return answer.status == 404 and answer["X-Error-Code"] == "RepoNotFound" and PREFIX not in str(answer.headers) and PREFIX.encode() not in answer.body

    def trash(self, *words, check=True):
        return self.keys.run("trash", *words, check=check)

    @property
    def list(self):
        return json.loads(self.trash("list", "--json").stdout)

    def trashed(self, name, kind="model"):
        """The record of what was called so, once it is in the trash."""
        def find():
            return next((one for one in self.list if (one["name"], one["type"], one["status"]) == (name, kind, "kept")), None)

        found = wait_until(find, 20)
        assert found, self.list
        return found

    def refused(self, code, *words, says=""):
        done = self.trash(*words, check=False)
        assert done.returncode == code and says in done.stderr, (words, done.returncode, done.stderr)
        return done


FLAGS = {
    "boss": ("--role", "admin"),
    "team": ("--allow", "admin acme/team-*"),
    "acme": ("--allow", "admin acme/*"),
    "reader": ("--allow", "reader acme/*"),
    "shadow": ("--allow", "read acme/none", "--policy", "shadow"),
}


def begin(directory, hub, *flags, grace="7d", workers=2, keys=None, **options):
    operator = directory / "operator"
    operator.mkdir(exist_ok=True)
    made = {}
    if keys is None:
        keys = Keys(operator)
        made = {name: keys.create(name, *allow) for name, allow in FLAGS.items()}
    flags = ("--access", "keys", "--state-dir", str(keys.state), "--workers", str(workers), "--delete-grace", grace, *flags)
    flags += ("--upstream", hub.url) if hub else ("--sandbox",)
    options.setdefault("HF_TOKEN", "hf_of_the_gate")
    return keys, made, flags, options if hub else {}


@pytest.fixture(scope="module")
def moving(tmp_path_factory, certificates):
    hub = MovingHub()
    directory = tmp_path_factory.mktemp("moving")
    keys, made, flags, options = begin(directory, hub, "--first-byte-timeout", "1s", "--protect", "acme/prod-*", "--cache-memory", "8MiB")
    with running_gate(directory / "gate", certificates, *flags, **options) as gate:
        yield Bin(gate, hub, keys, made)
    hub.close()


@pytest.fixture
def bin(moving):
    moving.hub.faults.clear()
    moving.hub.steps.clear()
    return moving


@pytest.fixture
def start_bin(tmp_path, certificates):
    """A bin of the test's own, before a MovingHub or the sandbox."""
    left = []

    def start_bin(hub=None, *flags, **options):
        context = None
        keys, made, flags, options = begin(tmp_path, hub, *flags, **options)
        context = running_gate(tmp_path / f"gate-{len(left)}", certificates, *flags, **options)
        gate = context.__enter__()
        left.append((context, gate))
        return Bin(gate, hub, keys, made)

    yield start_bin
    for context, gate in left:
        context.__exit__(None, None, None)


@pytest.fixture
def hub():
    hub = MovingHub()
    yield hub
    hub.close()


# Deleted, and gone for all clients


def test_what_is_deleted_is_private_under_another_name_and_gone_under_its_own(bin):
    bin.hub.add("acme/one")
    answer = bin.delete("acme/one")
    assert answer.status == 200 and answer.json["message"] == "SUCCESS: Deleted repo", answer.body
    trash_name = answer.json["trash_name"]
    assert answer.json["restorable_until"] > "2026" and trash_name.startswith(f"acme/{PREFIX}")
    assert bin.hub.is_private(trash_name) and "acme/one" not in bin.hub.names()
    assert [step for step, _ in bin.hub.steps] == ["look", "settings", "move", "look"]
    record = bin.trashed("acme/one")
    assert (record["trash_name"], record["deleted_by"], record["was_private"]) == (trash_name, "boss", False)
    assert bin.is_gone("acme/one")
    for target in (
        "/acme/one/resolve/main/config.json", "/acme/one.git/info/refs?service=git-upload-pack", "/acme/one", "/acme/one/tree/main",
        "/api/models/acme/one/tree/main",
    ):  # fmt: skip
        answer = bin.get(target)
        assert answer.status == 404 and PREFIX not in str(answer.headers), (target, answer.headers)
    bin.delete("acme/one").check_is_error(404, "RepoNotFound")
    # The name is free.
    assert bin.ask("POST", "/api/repo", {"type": "model", "name": "acme/one", "private": True}).status == 200
    assert bin.get("/api/models/acme/one").status == 200


def test_nobody_finds_or_reaches_it_by_its_name_in_the_trash(bin):
    bin.hub.add("acme/hidden")
    bin.hub.add("acme/team-seen")
    name = bin.delete("acme/hidden").json["trash_name"]
    short = name.partition("/")[2]
    for key in ("boss", "acme", "shadow"):
        for target in (
            f"/api/models/{name}", f"/api/models/{name}/tree/main", f"/{name}/resolve/main/a", f"/{name}", f"/{name}.git/info/refs?service=git-upload-pack",
            f"/api/models/acme/{short.upper()}", f"/api//models/{name}", f"/API/models/{name}", f"/api/models/acme%2F{short}", f"/api/models/{name}/unknown",
        ):  # fmt: skip
            assert bin.get(target, key).status in (403, 404), (key, target)
        for method, target, body in (
            ("POST", "/api/repos/move", {"type": "model", "fromRepo": name, "toRepo": "acme/mine"}),
            ("PUT", f"/api/models/{name}/settings", {"private": False}), ("POST", f"/api/models/{name}/duplicate", {"repository": "acme/mine"}),
            ("POST", f"/api/models/{name}/commit/main", b"{}"), ("PUT", "/api/repo", {"type": "model", "name": name, "private": False}),
            ("POST", "/api/jobs/acme", {"volumes": [{"type": "model", "source": name}]}),
        ):  # fmt: skip
            answer = bin.ask(method, target, body, key=key)
            assert answer.status in (403, 404), (key, target, answer.body)
        listed = bin.get("/api/models?author=acme", key)
        assert listed.status == 200 and PREFIX.encode() not in listed.body and b"acme/team-seen" in listed.body, (key, listed.body)
    assert not [name for step, name in bin.hub.steps if step not in ("look", "list", "settings", "move")]
    assert bin.hub.is_private(name) and bin.trashed("acme/hidden")


def test_names_of_that_form_are_nobodys_to_give(bin):
    for key in ("boss", "shadow"):
        for method, target, body in (
            ("POST", "/api/repo", {"type": "model", "name": f"acme/{PREFIX}x", "private": True}),
            ("POST", "/api/repos/create", {"type": "model", "organization": "acme", "name": f"{PREFIX}x", "private": True}),
            ("POST", "/api/repos/create", {"type": "model", "organization": "acme", "name": f"{PREFIX.upper()}x", "private": True}),
            ("POST", "/api/repos/move", {"type": "model", "fromRepo": "acme/a", "toRepo": f"acme/{PREFIX}x"}),
            ("POST", "/api/models/acme/a/duplicate", {"repository": f"acme/{PREFIX}x", "private": True}),
        ):  # fmt: skip
            bin.ask(method, target, body, key=key).check_is_error(403, "Denied")
    assert not bin.hub.steps


def test_the_hubs_own_call_does_the_same_and_answers_as_the_hub(bin):
    bin.hub.add("acme/two", private=True)
    bin.hub.add("robot/mine")
    assert bin.relayed_delete("acme/two").status == 200
    assert [step for step, _ in bin.hub.steps] == ["look", "move", "look"]  # it was private already
    assert bin.relayed_delete("mine").status == 200
    assert bin.trashed("robot/mine")["trash_name"].startswith(f"robot/{PREFIX}") and bin.trashed("acme/two")["was_private"]
    assert bin.is_gone("acme/two") and bin.is_gone("robot/mine")
    for name in ("acme/two", "acme/never"):
        bin.relayed_delete(name).check_is_error(404, "RepoNotFound")
    assert not [step for step, _ in bin.hub.steps if step == "delete"]


def test_the_right_to_delete_is_enough_and_without_it_nothing_is_done(bin):
    bin.hub.add("acme/team-x")
    for ask in (bin.delete, bin.relayed_delete):
        assert ask("acme/team-x", key="reader").status == 403
    assert not bin.hub.steps
    key = bin.made["deleter"] = bin.keys.create("deleter", "--allow", "delete acme/team-x")
    assert wait_until(lambda: bin.relayed_delete("acme/team-x", key="deleter").status == 200), key
    assert bin.trashed("acme/team-x")["deleted_by"] == "deleter"


@pytest.mark.parametrize("kind", ["model", "dataset", "space"])
def test_each_kind_goes_there_and_comes_back(bin, kind):
    name = f"acme/{kind}-" + "n" * (90 - len(kind))
    assert len(name.partition("/")[2]) <= 96
    bin.hub.add(name, kind=kind)
    assert (bin.delete if kind == "dataset" else bin.relayed_delete)(name, kind=kind).status == 200
    assert bin.is_gone(name, kind) and bin.trashed(name, kind)
    done = bin.trash("restore", f"{kind}:{name}")
    assert done.stdout == f"Restored: {kind}:{name}\n"
    assert bin.get(f"/api/{kind}s/{name}").status == 200 and not [one for one in bin.list if one["name"] == name]
    # Of a space it is not known whether it was public or protected.
    assert bin.hub.is_private(name, kind) is (kind == "space") and ("stays private" in done.stderr) is (kind == "space")


def test_the_longest_name_and_many_lives_of_one_name(bin):
    name = "acme/" + "x" * 96
    for life in range(5):
        bin.hub.add(name, private=bool(life % 2))
        assert bin.relayed_delete(name).status == 200
    found = [one for one in bin.list if one["name"] == name]
    assert len(found) == 5 and len({one["trash_name"] for one in found}) == 5
    done = bin.refused(64, "restore", name, says="5 in the trash were called so")
    assert all(one["trash_name"].partition("/")[2] in done.stderr for one in found)
    # By its name in the trash it is one of them.
    public = next(one for one in found if not one["was_private"])
    bin.trash("restore", public["trash_name"])
    assert bin.hub.is_private(name) is False
    other = next(one for one in found if one is not public)
    bin.trash("purge", other["trash_name"].partition("/")[2])
    assert other["trash_name"] not in bin.hub.names()


def test_what_was_kept_before_the_delete_is_not_given_out_after_it(bin):
    bin.hub.add("acme/cached")
    for _ in range(8):  # both workers keep it
        assert bin.get("/api/models/acme/cached").status == 200
    assert bin.relayed_delete("acme/cached").status == 200
    assert all(bin.is_gone("acme/cached") for _ in range(8))
    bin.trash("restore", "acme/cached")
    assert all(bin.get("/api/models/acme/cached").status == 200 for _ in range(8))


# What a delete has besides


def test_protected_names_are_confirmed_first(bin):
    bin.hub.add("acme/prod-x")
    for ask in (bin.delete, bin.relayed_delete):
        ask("acme/prod-x").check_is_error(403, "ConfirmationRequired")
    assert not bin.hub.steps
    assert bin.delete("acme/prod-x", b"X-Hubgate-Confirm: acme/prod-x").status == 200 and bin.trashed("acme/prod-x")


def test_missing_ok_dry_run_and_idempotency_keep_their_promises(bin):
    bin.hub.add("acme/safe")
    dry = bin.delete("acme/safe", target="/api/repo?dry_run=true").json
    assert dry["would"] == "delete" and dry["restorable"] is True and "move" not in [step for step, _ in bin.hub.steps]
    first = bin.delete("acme/safe", b"Idempotency-Key: t-1", missing_ok=True)
    assert first.status == 200 and first.json["deleted"] is True
    for _ in range(4):
        again = bin.delete("acme/safe", b"Idempotency-Key: t-1", missing_ok=True)
        assert again.body == first.body and again["Idempotent-Replayed"] == "true"
    again = bin.delete("acme/safe", missing_ok=True)
    assert again.status == 200 and again.json["deleted"] is False
    assert bin.delete("acme/safe", target="/api/repo?dry_run=true").json["exists"] is False
    assert len([one for one in bin.list if one["name"] == "acme/safe"]) == 1


def test_of_many_who_delete_at_the_same_moment_one_does(bin):
    bin.hub.add("acme/race")
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: bin.relayed_delete("acme/race").status, range(10)))
    assert answers.count(200) == 1 and set(answers) <= {200, 404, 409}, answers
    assert len([one for one in bin.list if one["name"] == "acme/race"]) == 1 and bin.is_gone("acme/race")


def test_a_client_that_leaves_does_not_end_it(bin):
    bin.hub.add("acme/left")
    go, asked = threading.Event(), threading.Event()
    bin.hub.faults["settings"] = lambda _, act: asked.set() or (go.wait(0.5), act())[1]
    with bin.gate.connect() as connection:
        connection.send(request(bin.made["boss"], "DELETE", DELETE, b'{"name":"acme/left"}'))
        assert asked.wait(5)
    go.set()
    assert bin.trashed("acme/left") and bin.is_gone("acme/left")


@pytest.mark.parametrize("field", [b"Connection: close", b"Idempotency-Key: left"], ids=["once", "with an Idempotency-Key"])
def test_the_audit_does_not_say_of_what_goes_on_without_its_client_that_nothing_was_sent(bin, field):
    name = "acme/away-" + field.decode()[:2].lower()
    bin.hub.add(name)
    go, asked = threading.Event(), threading.Event()
    bin.hub.faults["look"] = lambda _, act: asked.set() or (go.wait(5), act())[1]
    with bin.gate.connect() as connection:
        connection.send(request(bin.made["boss"], "DELETE", "/api/repo", json.dumps({"type": "model", "name": name}).encode(), field))
        assert asked.wait(5)
    audit = Audit(bin.keys.state / "audit")
    outcome = wait_until(lambda: audit.of("outcome", resource=f"model:{name}"), 10)
    go.set()
    assert [line["outcome"] for line in outcome] == ["unclear"]
    assert bin.trashed(name)


SPELLINGS = {
    "two slashes": ("DELETE", "/api//repos/delete"), "capitals": ("DELETE", "/api/Repos/delete"), "escaped": ("DELETE", "/api/repos/%64elete"),
    "query": ("POST", DELETE + "?_method=DELETE"), "slash at the end": ("DELETE", DELETE + "/"), "unknown": ("POST", "/api/repos/destroy"),
    "another method": ("POST", DELETE), "escaped query": ("GET", DELETE + "?%5Fmethod=DELETE"), "query behind a semicolon": ("GET", DELETE + "?a;_method=DELETE"),
}  # fmt: skip


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_deletes_for_good(bin, spelling):
    method, target = SPELLINGS[spelling]
    bin.hub.add("acme/spelled")
    for key in ("boss", "shadow"):
        assert 400 <= bin.ask(method, target, {"name": "acme/spelled"}, key=key).status < 500
    assert bin.ask("DELETE", DELETE, b'{"name":"acme/spelled"}', content_type="text/plain").status == 415
    assert bin.ask("DELETE", DELETE).status == 400
    assert not bin.hub.steps and "acme/spelled" in bin.hub.names()


# The operator's commands


def test_it_is_listed_restored_and_purged_as_text_and_as_json(bin):
    for name in ("acme/listed-before", "acme/listed"):
        bin.hub.add(name)
        bin.delete(name)
    lines = bin.trash("list").stdout.splitlines()
    assert lines[0].split()[:2] == ["REPOSITORY", "DELETED"] and any("model:acme/listed" in line and "boss" in line for line in lines)
    assert len(bin.trash("list", "--limit", "1").stdout.splitlines()) == 2
    assert "more: --skip 1" in bin.trash("list", "--limit", "1").stderr
    everything = bin.list
    pages = [json.loads(bin.trash("list", "--json", "--limit", "1", "--skip", str(skip)).stdout) for skip in range(len(everything))]
    assert [page[0] for page in pages] == everything
    restored = json.loads(bin.trash("restore", "acme/listed", "--json").stdout)
    assert (restored["name"], restored["status"], restored["trouble"]) == ("acme/listed", "restored", None)
    bin.delete("acme/listed")
    purged = json.loads(bin.trash("purge", "model:acme/listed", "--json").stdout)
    assert purged["status"] == "purged" and purged["trash_name"] not in bin.hub.names()
    for word in ("restore", "purge"):
        bin.refused(66, word, "acme/listed", says="is not in the trash")


def test_what_is_typed_wrong_is_told(bin):
    for words in (("restore", "a/b/c"), ("restore", "buckets:acme/x"), ("restore", ""), ("restore", "acme/x", "--to", "x"), ("restore", "acme/x", "--to", f"acme/{PREFIX}x"),
                  ("purge", "acme/x", "--wait", "soon"), ("list", "--limit", "0"), ("list", "--skip", "-1"), ("list", "--limit", "x"), ("empty",), ("restore",)):  # fmt: skip
        bin.refused(64, *words)
    bin.refused(66, "restore", "acme/never-there")


def test_a_name_that_is_taken_again_takes_another(bin):
    bin.hub.add("acme/taken")
    bin.delete("acme/taken")
    bin.hub.add("acme/taken")
    bin.refused(1, "restore", "acme/taken", says="You already have a repo with this name")
    assert bin.trashed("acme/taken")["order"] is None
    assert bin.trash("restore", "acme/taken", "--to", "acme/taken-old").stdout == "Restored: model:acme/taken-old\n"
    assert bin.get("/api/models/acme/taken-old").status == 200 and bin.hub.is_private("acme/taken-old") is False


def test_a_second_delete_by_its_name_in_the_trash_deletes_it_for_good(bin):
    bin.hub.add("acme/twice")
    bin.hub.add("acme/thrice")
    for name, again in (("acme/twice", bin.delete), ("acme/thrice", bin.relayed_delete)):
        trash_name = bin.delete(name).json["trash_name"]
        assert again(trash_name, key="reader").status in (403, 404) and again(trash_name, key="team").status == 404
        assert trash_name in bin.hub.names()
        assert again(trash_name, key="acme").status == 200
        assert trash_name not in bin.hub.names() and not [one for one in bin.list if one["name"] == name]
        assert again(trash_name).status == 404


def test_the_audit_says_what_really_happened(bin):
    bin.hub.add("acme/seen-1")
    bin.hub.add("acme/seen-2")
    names = [bin.delete("acme/seen-1").json["trash_name"], bin.delete("acme/seen-2", b"Idempotency-Key: s").json["trash_name"]]
    bin.trash("restore", "acme/seen-1")
    bin.trash("purge", "acme/seen-2")
    audit = Audit(bin.keys.state / "audit")

    def ends():
        return audit.of("trash", new_name="model:acme/seen-1") + audit.of("trash", new_name="model:acme/seen-2")

    assert wait_until(lambda: len(ends()) == 2)
    assert [(line["event"], line["resource"]) for line in ends()] == [("restore", f"model:{names[0]}"), ("purge", f"model:{names[1]}")]
    assert all("on the command line" in line["by"] for line in ends())
    for number, name in enumerate(names, 1):
        intent = audit.of("intent", resource=f"model:acme/seen-{number}")[0]
        outcome = wait_until(lambda: audit.of("outcome", request_id=intent["request_id"]))[0]  # noqa: B023
        assert intent["action"] == "delete" and "new_name" not in intent
        assert (outcome["new_name"], outcome["detail"]) == (f"model:{name}", "moved to the trash")
    audit.check_chain()
    shown = bin.keys.run("audit", "show", "--repo", "acme/seen-2").stdout
    assert "trash purge" in shown and names[1] in shown


# What fails


def test_what_cannot_be_made_private_is_not_deleted(bin):
    bin.hub.add("acme/stuck")
    bin.hub.faults["settings"] = lambda *_: http(403, b'{"error":"Private storage limit reached"}', b"Content-Type: application/json")
    for ask in (bin.delete, bin.relayed_delete):
        answer = ask("acme/stuck")
        assert answer.status == 403 and "was not deleted" in answer["X-Error-Message"] and "storage limit" in answer["X-Error-Message"], answer.body
    assert [step for step, _ in bin.hub.steps if step != "look"] == ["settings"] * 2
    assert not [one for one in bin.list if one["name"] == "acme/stuck"] and not bin.hub.is_private("acme/stuck")


def test_what_a_late_call_has_published_is_made_private_in_the_trash(bin):
    bin.hub.add("acme/late")

    def move(name, act):
        bin.hub.repos["model", name]["private"] = False
        return act()

    bin.hub.faults["move"] = move
    trash_name = bin.delete("acme/late").json["trash_name"]
    assert wait_until(lambda: bin.hub.is_private(trash_name), 10)
    assert wait_until(lambda: bin.trashed("acme/late")["status"] == "kept", 10)


@pytest.mark.parametrize("status", [403, 409, 429])
def test_what_cannot_be_moved_is_as_it_was(bin, status):
    name = f"acme/unmoved-{status}"
    bin.hub.add(name)
    bin.hub.faults["move"] = lambda *_: http(status)
    assert bin.delete(name).status == status
    assert bin.hub.is_private(name) is False and not [one for one in bin.list if one["name"] == name]
    bin.hub.faults.clear()
    assert bin.delete(name).status == 200


LOST = {
    "cut": lambda _, act: act() and None, "500": lambda _, act: act() and http(500), "slow": lambda _, act: act() and (time.sleep(1.5), None)[1],
}  # fmt: skip


@pytest.mark.parametrize("fault", LOST)
def test_a_move_whose_outcome_is_not_known_is_looked_for(bin, fault):
    name = f"acme/lost-{fault}"
    bin.hub.add(name)
    bin.hub.faults["move"] = LOST[fault]
    answer = bin.delete(name, f"Idempotency-Key: {fault}".encode())
    assert answer.status >= 500 and "Check whether it was carried out" in answer["X-Error-Message"] or fault == "500", answer.body
    assert bin.trashed(name)["trash_name"] in bin.hub.names() and bin.is_gone(name)
    bin.delete(name, f"Idempotency-Key: {fault}".encode()).check_is_error(409, "OutcomeUnknown")
    bin.trash("restore", name)
    assert bin.hub.is_private(name) is False


def test_a_move_that_was_not_carried_out_leaves_all_as_it_was(bin):
    bin.hub.add("acme/unsent")
    bin.hub.faults["move"] = lambda *_: None
    assert bin.delete("acme/unsent").status == 502 and bin.hub.is_private("acme/unsent")
    bin.hub.faults.clear()
    bin.delete("acme/unsent").check_is_error(409, "DeleteUnderWay")  # until it is known
    assert [one["status"] for one in bin.list if one["name"] == "acme/unsent"] == ["unclear"]
    assert wait_until(lambda: not [one for one in bin.list if one["name"] == "acme/unsent"], 30)
    assert bin.hub.is_private("acme/unsent") is False and bin.delete("acme/unsent").status == 200


def test_what_somebody_moved_away_at_the_hub_is_not_deleted(bin):
    bin.hub.add("acme/rescued")
    name = bin.delete("acme/rescued").json["trash_name"]
    bin.hub.move("model", name, "acme/rescued-by-hand")
    bin.refused(1, "purge", "acme/rescued", says="another name")
    assert "acme/rescued-by-hand" in bin.hub.names() and not [one for one in bin.list if one["name"] == "acme/rescued"]


def test_while_the_state_cannot_be_written_nothing_is_deleted(bin):
    bin.hub.add("acme/locked")
    other = sqlite3.connect(bin.keys.database, isolation_level=None, timeout=30)
    other.execute("BEGIN EXCLUSIVE")
    try:
        answer = bin.delete("acme/locked")
        assert answer.status == 503 and "move" not in [step for step, _ in bin.hub.steps], answer.body
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert wait_until(lambda: bin.delete("acme/locked").status == 200, 20)


# Its time, and processes that die meanwhile


def test_when_the_time_is_over_it_is_deleted_for_good_and_a_failure_is_tried_again(start_bin, hub):
    bin = start_bin(hub, grace="2s")
    hub.add("acme/short")
    failures = []
    hub.faults["delete"] = lambda name, act: failures.append(name) or (http(500) if len(failures) < 2 else act())
    name = bin.delete("acme/short").json["trash_name"]
    assert wait_until(lambda: name not in hub.names(), 20) and not bin.list and failures == [name] * 2
    assert any("model:acme/short" in line and "tried again in 2 s" in line for line in bin.gate.messages)
    lines = Audit(bin.keys.state / "audit").of("trash")
    assert [(line["event"], line["by"]) for line in lines] == [("purge", "delete_grace, since its time was over")]
    assert b"hubgate_trash_failures_total 1" in bin.get("/-/metrics").body and b"hubgate_trashed_repositories 0" in bin.get("/-/metrics").body


def test_without_delete_grace_what_is_left_is_purged_all_the_same_and_hidden_until_then(tmp_path, certificates, hub):
    keys, made, flags, options = begin(tmp_path, hub, grace="6s", workers=1)
    hub.add("acme/old")
    hub.add("acme/new")
    with running_gate(tmp_path / "on", certificates, *flags, **options) as gate:
        name = Bin(gate, hub, keys, made).delete("acme/old").json["trash_name"]
    flags = [flag for flag in flags if flag not in ("--delete-grace", "6s")]
    with running_gate(tmp_path / "off", certificates, *flags, **options) as gate:
        bin = Bin(gate, hub, keys, made)
        assert bin.is_gone("acme/old") and PREFIX.encode() not in bin.get("/api/models").body
        bin.delete("acme/old").check_is_error(404, "RepoNotFound")
        answer = bin.delete("acme/new")
        assert answer.status == 200 and "trash_name" not in answer.json and "acme/new" not in hub.names() | hub.trashed()
        assert wait_until(lambda: name not in hub.names(), 20)
        assert wait_until(lambda: not bin.list)


def test_an_order_waits_for_a_gateway_that_runs(tmp_path, certificates, hub):
    keys, made, flags, options = begin(tmp_path, hub, workers=1)
    hub.add("acme/later")
    with running_gate(tmp_path / "one", certificates, *flags, **options) as gate:
        assert Bin(gate, hub, keys, made).delete("acme/later").status == 200
    done = keys.run("trash", "restore", "acme/later", "--wait", "1s", check=False)
    assert done.returncode == 75 and "is noted, and not carried out yet" in done.stderr
    assert "kept, to restore" in keys.run("trash", "list").stdout
    with running_gate(tmp_path / "two", certificates, *flags, **options) as gate:
        assert wait_until(lambda: "acme/later" in hub.names(), 20)
        assert wait_until(lambda: not Bin(gate, hub, keys, made).list)


@pytest.mark.parametrize("is_moved", [True, False])
def test_workers_that_are_killed_in_between_leave_nothing_that_nobody_finds(start_bin, hub, is_moved):
    bin = start_bin(hub)
    hub.add("acme/killed")
    asked = threading.Event()

    def die(_, act):
        if is_moved:
            act()
        asked.set()
        time.sleep(2)

    hub.faults["move"] = die
    with bin.gate.connect() as connection:
        connection.send(request(bin.made["boss"], "DELETE", DELETE, b'{"name":"acme/killed"}'))
        assert asked.wait(5)
        for pid in children(bin.gate):  # the state process, too
            os.kill(pid, signal.SIGKILL)
    hub.faults.clear()
    if is_moved:
        name = bin.trashed("acme/killed")["trash_name"]
        assert hub.is_private(name) and wait_until(lambda: bin.trash("restore", "acme/killed", check=False).returncode == 0, 20)
    else:
        assert wait_until(lambda: not bin.list, 30)
    assert hub.names() == {"acme/killed"} and hub.is_private("acme/killed") is False


def test_killed_at_random_moments_every_repository_is_where_the_trash_says(start_bin, hub):
    bin = start_bin(hub)
    names = [f"acme/n{number}" for number in range(40)]
    for name in names:
        hub.add(name)
    stop = threading.Event()

    def kill():
        for _ in range(6):
            if stop.wait(0.2):
                return
            for worker in children(bin.gate)[-1:]:
                os.kill(worker, signal.SIGKILL)

    def delete(name):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and name in hub.names():
            try:
                bin.relayed_delete(name)
            except Exception:  # noqa: BLE001 - what a killed worker leaves of a connection
                time.sleep(0.05)

    killer = threading.Thread(target=kill)
    killer.start()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(delete, names))
    stop.set()
    killer.join()
    assert not hub.names() & set(names)
    assert wait_until(lambda: sorted(one["name"] for one in bin.list if one["status"] == "kept") == sorted(names), 30), bin.list
    assert {one["trash_name"] for one in bin.list} == hub.names() and all(hub.is_private(name) for name in hub.names())


# The settings, and the real client


@pytest.mark.parametrize("access", ["open", "passthrough"])
def test_it_takes_keys(workspace, access):
    done = run(workspace, "--check", "--access", access, "--delete-grace", "7d")
    assert done.returncode == 78 and "delete_grace: takes access = keys" in done.stderr


def test_a_reload_sets_and_ends_it(tmp_path, certificates, hub):
    keys, made, flags, options = begin(tmp_path, hub, workers=1)
    flags = [flag for flag in flags if flag not in ("--delete-grace", "7d")]
    with running_gate(tmp_path / "gate", certificates, *flags, **options) as gate:
        bin = Bin(gate, hub, keys, made)
        for value, is_kept in (("7d", True), ("off", False)):
            (gate.workspace / "config/hubgate.yaml").write_text(f"delete_grace: {value}\n")
            gate.signal(signal.SIGHUP)

            def is_so():
                hub.add("acme/x")
                return ("trash_name" in bin.delete("acme/x").json) is is_kept  # noqa: B023

            assert wait_until(is_so, 20)


@pytest.mark.parametrize("variant", [variant for variant in VARIANTS if variant.uses_xet], ids=str)
def test_huggingface_hub_deletes_creates_anew_and_finds_what_was_restored(start_bin, guard, tmp_path, variant):
    bin = start_bin()
    directory = tmp_path / "client"
    directory.mkdir()
    client = Client(variant, bin.gate, Hub(bin.gate), guard, directory, HF_TOKEN=bin.made["boss"])
    try:
        for kind in (None, "dataset"):
            client("create", "sandbox/mine", False, kind)
            client("upload_from", str(__file__), "sandbox/mine", "notes.txt", *([kind] if kind else []))
            client("delete", "sandbox/mine", kind)
        assert client("exists", "sandbox/mine") == [False]
        assert "sandbox/mine" not in client("models") and not [name for name in client("models") if PREFIX in name]
        client("create", "sandbox/mine")
        assert client("files", "sandbox/mine") == [".gitattributes"]
        bin.refused(64, "restore", "sandbox/mine", says="2 in the trash")
        bin.trash("restore", "model:sandbox/mine", "--to", "sandbox/mine-old")
        assert "notes.txt" in client("files", "sandbox/mine-old")
        bin.trash("purge", "dataset:sandbox/mine")
        assert not bin.list
        client.check_contacts()
    finally:
        client.close()
