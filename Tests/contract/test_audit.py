"""The audit: what is written down of acts, refusals and keys, when, and what becomes of a gateway that cannot write it."""

import datetime
import json
import os
import re
import signal
import subprocess
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor

import pytest

from audit import Audit
from certificates import ROOT
from fakehub import http
from gate import run
from policy import JSON, request
from descendants import state_process_of
from test_metrics import Page
from waiting import wait_until

COMMIT = "/api/models/acme/m/commit/main"
NDJSON = (
    b'{"key":"header","value":{"summary":"s"}}\n'
    b'{"key": "file", "value":{"path":"a.txt","content":"aGk=","encoding":"base64"}}\n'
    b'{"key":"lfsFile","value":{"path":"b.bin","algo":"sha256","oid":"0","size":1}}\n'
    b'{"key":"deletedFile","value":{"path":"c"}}'
)
CLOSE = b"Connection: close"


@pytest.fixture
def hub(hub):
    hub.otherwise = lambda *_: http(200, b'{"url":"https://huggingface.co/acme/m"}', JSON, b"X-Request-Id: Root=of-the-hub")
    return hub


@pytest.fixture
def audit(keys):
    return Audit(keys.state / "audit")


def ask(gate, key, method, target, body=b"", *fields, **options):
    return gate.ask(request(key, method, target, body, CLOSE, *fields, **options))


def id_of(answer):
    return answer["X-Hubgate-Request-Id"] or answer["X-Request-Id"]


def ended(audit, answer, kind="outcome"):
    """The line about the end of a request, which no request waits for."""
    found = wait_until(lambda: audit.of(kind, request_id=id_of(answer)), 10)
    assert len(found) == 1, audit.lines
    return found[0]


def verify(keys, *words, check=True):
    return keys.run("audit", "verify", *words, check=check)


def test_a_commit_is_on_the_disk_before_the_hub_is_asked_and_what_came_of_it_follows(start_with_keys, hub, keys, audit):
    key = keys.create("ml-team", "--role", "writer")
    found = []

    def commit(arrived, _):
        # At this moment: a reader of the file finds it.
        found.append([line for line in audit.lines if line["kind"] == "intent"])
        return http(200, b'{"commitUrl":"x"}', JSON, b"X-Request-Id: Root=of-the-hub")

    hub.on(COMMIT, commit)
    gate = start_with_keys()
    answer = ask(gate, key, "POST", COMMIT, NDJSON, b"User-Agent: hf/2.4", content_type="application/x-ndjson")
    assert answer.status == 200
    ((intent,),) = found
    wanted = {
        "key": "ml-team", "key_id": key[:13], "role": "writer", "address": "127.0.0.1", "method": "POST", "target": COMMIT,
        "action": "write", "resource": "model:acme/m", "decision": "allowed", "agent": "hf/2.4", "branch": "main",
        "request_id": id_of(answer),
    }  # fmt: skip
    assert wanted.items() <= intent.items(), intent
    assert intent["rule"] == "allow read,search,write,discuss *"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", intent["time"])
    assert intent["worker"] in (1, 2) and re.fullmatch("[0-9a-f]{8}", intent["run"])
    outcome = ended(audit, answer)
    assert wanted.items() <= outcome.items()
    ending = {
        "status": 200, "outcome": "answered", "files": 3, "bytes_in": len(NDJSON), "hub_request_id": "Root=of-the-hub",
        "bytes_out": len(answer.body),
    }  # fmt: skip
    assert ending.items() <= outcome.items(), outcome
    assert key[14:] not in audit.files[0].read_text(), "the secret of the key"
    audit.check_chain()
    assert verify(keys).stdout.startswith("Good: ")


def test_who_deleted_that_repository_and_with_which_right_is_one_command(start_with_keys, keys, audit):
    admin = keys.create("boss", "--role", "admin")
    narrow = keys.create("cleaner", "--allow", "read,delete model:acme/old-*")
    gate = start_with_keys()
    for key, name in ((admin, "gone"), (narrow, "old-1"), (narrow, "new-1")):
        body = json.dumps({"type": "model", "organization": "acme", "name": name}).encode()
        ask(gate, key, "DELETE", "/api/repos/delete", body)
    move = ask(gate, admin, "POST", "/api/repos/move", b'{"fromRepo":"acme/a","toRepo":"acme/b","type":"dataset"}')
    facade = ask(gate, narrow, "DELETE", "/api/repo", b'{"type":"model","name":"acme/old-2"}')
    assert facade.status == 200, facade.body
    ended(audit, move), ended(audit, facade)
    shown = keys.run("audit", "show", "--repo", "acme/gone").stdout.splitlines()
    assert len(shown) == 2, shown
    assert re.search(r"boss +delete +model:acme/gone +200 +allow all \* +127.0.0.1 +hg-", shown[1]), shown
    shown = keys.run("audit", "show", "--repo", "acme/*", "--action", "delete").stdout
    assert re.search(r"cleaner +delete +model:acme/old-1 +200 +allow read,delete model:acme/old-\* ", shown), shown
    assert re.search(r"cleaner +delete +model:acme/old-2 +200 ", shown), shown
    assert re.search(r"cleaner +delete +model:acme/new-1 +refused \(404 RepoNotFound\) +- ", shown), shown
    assert "dataset:acme/a -> dataset:acme/b" in keys.run("audit", "show", "--repo", "acme/b").stdout
    only = keys.run("audit", "show", "--refusals", "--json").stdout.splitlines()
    assert [json.loads(line)["resource"] for line in only] == ["model:acme/new-1"]
    by_request = keys.run("audit", "show", "--request", id_of(move), "--json").stdout.splitlines()
    assert [json.loads(line)["new_name"] for line in by_request] == ["dataset:acme/b"]
    assert len(keys.run("audit", "show", "--limit", "2").stdout.splitlines()) == 3
    assert "Nothing of that" in keys.run("audit", "show", "--key", "nobody").stdout
    assert "Nothing of that" in keys.run("audit", "show", "--since", "2999-01-01").stdout
    assert "cleaner" in keys.run("audit", "show", "--key", narrow[:13], "--since", "1h").stdout
    mistyped = keys.run("audit", "show", "--action", "deleet")
    assert "Nothing of that" in mistyped.stdout and "there is no action deleet (did you mean delete?)" in mistyped.stderr
    assert keys.run("audit", "show", "--action", "rotate").stderr == ""
    for wrong in ("yesterday", "2026-13-01", "2026-02-30", "2026-11", "2026-11-29T25:00", "2026-11-29T12:00+02:00", "2026-11-29T", ""):
        done = keys.run("audit", "show", "--since", wrong, check=False)
        assert done.returncode == 64 and "such as 24h, or a time in UTC such as 2026-11-29" in done.stderr, (wrong, done.stderr)
    # As the audit, the log and the console write it.
    for time in ("2026-01-01", "2026-01-01T12", "2026-01-01T12:00", "2026-01-01 12:00:00", "2026-01-01T12:00:00Z", "2026-01-01T12:00:00.123456Z"):
        assert "cleaner" in keys.run("audit", "show", "--since", time).stdout, time
    verify(keys)


def test_an_administrators_body_that_adds_a_write_is_an_act_though_nothing_has_to_be_judged(start_with_keys, keys, audit):
    admin = keys.create("boss", "--role", "admin")
    gate = start_with_keys()
    path = "/api/models/acme/x/lfs-files/duplicate"
    body = b'{"target":{"type":"model","name":"acme/victim"},"files":[{"filename":"a","sha":"x"}]}'
    known = ended(audit, ask(gate, admin, "POST", path, body))
    assert {"action": "write", "resource": "model:acme/victim", "target": path}.items() <= known.items(), known
    assert known["needs"] == ["read model:acme/x", "write model:acme/victim"], known
    # What cannot be read, or is too large to be read for the audit alone, is written down by its path, and goes on.
    for body in (b"{", b'{"files":"' + b"x" * (1 << 20) + b'"}'):
        answer = ask(gate, admin, "POST", path, body)
        assert answer.status == 200, answer.body
        line = ended(audit, answer)
        assert (line["resource"], line["target"], line["bytes_in"]) == ("model:acme/x", path, len(body)), line
    audit.check_acts()


def test_reads_leave_nothing_and_each_refusal_a_line(start_with_keys, hub, keys, audit):
    key = keys.create("reader", "--allow", "read acme/*", "--deny", "read acme/secret")
    gate = start_with_keys()
    for target in ("/api/models/acme/m", "/acme/m/resolve/main/x", "/api/whoami-v2"):
        ask(gate, key, "GET", target)
    ask(gate, key, "POST", "/api/models/acme/m/paths-info/main", b'{"paths":["a"]}')
    ask(gate, key, "POST", "/acme/m.git/git-upload-pack", b"0000", content_type="application/x-git-upload-pack-request")
    lfs = b'{"operation":"download","objects":[]}'
    ask(gate, key, "POST", "/acme/m.git/info/lfs/objects/batch", lfs, content_type="application/vnd.git-lfs+json")
    writes = ask(gate, key, "POST", "/api/models/acme/m/branch/dev")
    assert writes.status == 403
    refused = {
        "403": (writes, {"key": "reader", "action": "write", "resource": "model:acme/m", "decision": "refused"}),
        "404": (ask(gate, key, "GET", "/api/models/acme/secret"), {"status": 404, "rule": "deny read acme/secret"}),
        "401": (ask(gate, "hg_of-somebody", "GET", "/api/models/acme/m"), {"status": 401, "code": "KeyMistyped"}),
        "none": (ask(gate, None, "GET", "/api/models/acme/m"), {"status": 401, "code": "KeyMissing"}),
        "facade": (ask(gate, key, "DELETE", "/api/repo", b'{"type":"model","name":"x"}'), {"action": "delete"}),
    }
    for answer, wanted in refused.values():
        line = ended(audit, answer, "refusal")
        assert wanted.items() <= line.items(), line
    assert "key" not in ended(audit, refused["401"][0], "refusal")
    # They were asked for earlier than the refusals, and would be there.
    assert not audit.of("intent", "outcome") and len(audit.of("refusal")) == len(refused)
    assert not any(arrived.method == "DELETE" or "branch" in arrived.target for arrived in hub.requests)
    audit.check_chain()


def test_each_thing_that_may_change_something_is_written_down(start_with_keys, keys, audit):
    key = keys.create("all", "--role", "admin")
    gate = start_with_keys()
    lfs = "application/vnd.git-lfs+json"
    acts = [
        ("POST", "/acme/m.git/git-receive-pack", b"0000", "application/x-git-receive-pack-request", "write"),
        ("POST", "/acme/m.git/info/lfs/objects/batch", b'{"operation":"upload","objects":[]}', lfs, "write"),
        ("GET", "/api/models/acme/m/xet-write-token/main", b"", None, "write"),
        ("POST", "/api/models/acme/m/branch/dev", b"{}", "application/json", "write"),
        ("POST", "/api/repos/create", b'{"name":"n","organization":"acme","private":true}', "application/json", "create"),
        ("PUT", "/api/models/acme/m/settings", b'{"private":false}', "application/json", "settings"),
        ("POST", "/api/models/acme/m/discussions", b"{}", "application/json", "discuss"),
        ("POST", "/api/spaces/acme/s/hardware", b"{}", "application/json", "spend"),
        ("DELETE", "/api/models/acme/m/like", b"", None, "account"),
        ("POST", "/api/not/known", b"{}", "application/json", "other"),
        ("POST", "/api/repo", b'{"type":"model","name":"acme/new","private":true}', "application/json", "create"),
        ("PUT", "/api/repo", b'{"type":"model","namespace":"acme/m","private":true}', "application/json", "settings"),
    ]  # fmt: skip
    for method, target, body, content_type, action in acts:
        answer = ask(gate, key, method, target, body, content_type=content_type)
        line = ended(audit, answer)
        assert line["action"] == action and line["target"] == target, line
        assert audit.of("intent", request_id=id_of(answer)), line
    for method, target, body in (
        ("POST", "/acme/m.git/info/lfs/objects/batch", b'{"operation":"download","objects":[]}'),
        ("GET", "/api/not/known", b""), ("GET", "/api/settings/x", b""),
    ):  # fmt: skip
        ask(gate, key, method, target, body, content_type=lfs)
    gate.stop()
    assert len(audit.of("intent")) == len(acts) == len(audit.of("outcome"))
    assert [line["kind"] for line in audit.lines][-1] == "stop"
    verify(keys)


def test_what_becomes_of_a_key_is_there_whoever_runs_meanwhile(start_with_keys, keys, audit):
    keys.create("before", "--role", "reader")  # No gateway runs yet.
    gate = start_with_keys()
    assert wait_until(lambda: audit.of("key-event", key="before"), 5)
    keys.create("during", "--role", "reader", "--expires", "90d", "--rate", "5/m", "--policy", "shadow")
    keys.rotate("during")
    keys.run("keys", "edit", "during", "--rename", "other", "--allow", "write acme/*")
    keys.revoke("other")
    found = wait_until(lambda: (events := audit.of("key-event")) and len(events) == 5 and events, 5)
    assert [(line["event"], line["key"]) for line in found] == [
        ("create", "before"), ("create", "during"), ("rotate", "during"), ("edit", "other"), ("revoke", "other")
    ]  # fmt: skip
    assert found[3]["allow"] == ["write acme/*"] and found[3]["detail"] == "it was called during"
    assert (found[1]["rate"], found[1]["policy"]) == ("5/m", "shadow")
    assert found[1]["by"].endswith(" on the command line") and found[1]["expires"].endswith("Z")
    gate.stop()
    keys.create("after", "--role", "reader")
    start_with_keys()
    assert wait_until(lambda: audit.of("key-event", key="after"), 5)
    audit.check_chain()
    shown = keys.run("audit", "show", "--action", "revoke").stdout
    assert re.search(r"command line +key revoke +other +done", shown), shown


def test_keys_and_acts_at_once_give_one_chain(start_with_keys, keys, audit):
    key = keys.create("busy", "--role", "writer")
    gate = start_with_keys()

    def act(number):
        return ask(gate, key, "POST", f"/api/models/acme/m/branch/b-{number}").status

    def make(number):
        return keys.run("keys", "create", f"k-{number}", "--role", "reader").returncode

    with ThreadPoolExecutor(8) as pool:
        acts, made = [pool.submit(act, n) for n in range(80)], [pool.submit(make, n) for n in range(12)]
        assert {job.result() for job in acts} == {200} and {job.result() for job in made} == {0}
        checks = verify(keys)
        assert checks.stdout.startswith("Good"), checks
    gate.stop()
    assert len(audit.of("key-event")) == 13 and len(audit.of("outcome")) == 80
    audit.check_acts()
    audit.check_chain()
    verify(keys)


# Where it cannot be written


def test_while_the_state_process_stands_still_changes_are_503_and_reads_and_models_go_on(start_with_keys, hub, keys, audit):
    key = keys.create("all", "--role", "admin")
    gate = start_with_keys(workers=1, HUBGATE_INFERENCE_UPSTREAM=hub.url)
    pid = state_process_of(gate, keys)
    os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        answer = ask(gate, key, "POST", "/api/models/acme/m/branch/dev")
        assert (answer.status, answer["X-Error-Code"]) == (503, "AuditUnavailable") and time.monotonic() - began > 2
        assert int(answer["Retry-After"]) > 0 and "reads go on" in answer["X-Error-Message"]
        assert ask(gate, key, "GET", "/api/models/acme/m").status == 200
        model = ask(gate, key, "POST", "/v1/chat/completions", b'{"model":"acme/chat","messages":[]}')
        assert model.status == 200
        assert not hub.seen("/api/models/acme/m/branch/dev")
    finally:
        os.kill(pid, signal.SIGCONT)
    # It was late, and was not done; that is told, too.
    late = ended(audit, answer)
    assert (late["outcome"], late["status"], late["code"]) == ("not-sent", 503, "AuditUnavailable")
    assert ended(audit, model)["action"] == "infer"
    assert ask(gate, key, "POST", "/api/models/acme/m/branch/dev").status == 200
    audit.check_acts()
    audit.check_chain()


@pytest.fixture
def small_disk(tmp_path, mount):
    return mount(tmp_path / "disk", "size=1m,mode=0755")


def goes_on(gate, key):
    """What changes something is 503, and reads are answered."""
    answer = ask(gate, key, "POST", "/api/models/acme/m/branch/dev")
    assert (answer.status, answer["X-Error-Code"]) == (503, "AuditUnavailable"), answer.body
    assert ask(gate, key, "GET", "/api/models/acme/m").status == 200


def is_told(gate, words):
    return [message for message in gate.messages if words in message]


def test_on_a_full_disk_changes_are_503_reads_go_on_and_it_recovers_by_itself(start_with_keys, hub, keys, small_disk):
    key = keys.create("all", "--role", "admin")
    audit = Audit(small_disk / "audit")
    gate = start_with_keys("--audit-dir", str(audit.directory))
    assert ask(gate, key, "POST", "/api/models/acme/m/branch/dev").status == 200
    assert Page(gate)("audit_up") == 1
    with open(small_disk / "filler", "wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(4096))
        except OSError:
            pass
    asked = len(hub.requests)
    statuses = [ask(gate, key, "POST", "/api/models/acme/m/branch/dev", b"", b"User-Agent: " + b"a" * 250).status
                for _ in range(20)]  # fmt: skip
    assert statuses[-1] == 503
    goes_on(gate, key)
    assert len([arrived for arrived in hub.requests[asked:] if arrived.method == "POST"]) == statuses.count(200)
    assert wait_until(lambda: Page(gate)("audit_up") == 0, 5)
    audit.check_chain()
    assert len(is_told(gate, "The audit cannot be written")) == 1
    os.unlink(small_disk / "filler")
    # It is reported without being asked for.
    assert wait_until(lambda: Page(gate)("audit_up") == 1, 10)
    assert ask(gate, key, "POST", "/api/models/acme/m/branch/dev").status == 200
    assert is_told(gate, "can be written again")
    gate.stop()
    (gap,) = audit.of("gap")
    assert gap["count"] >= 1 and "No space left" in gap["detail"]
    audit.check_chain()
    verify(keys, str(audit.directory))


def take_away(directory):
    away = directory.with_suffix(".away")
    directory.rename(away)
    return lambda: away.rename(directory)


def make_read_only(directory):
    for words in (["--bind", directory, directory], ["-o", "remount,bind,ro", directory]):
        if subprocess.run(["mount", *words], capture_output=True).returncode:
            pytest.skip("no file system may be mounted here")
    return lambda: subprocess.run(["umount", "-l", directory], check=True)


@pytest.mark.parametrize("spoil", [take_away, make_read_only])
def test_a_directory_that_may_not_be_written_is_503_for_changes_until_it_may(start_with_keys, keys, audit, spoil):
    key = keys.create("all", "--role", "admin")
    gate = start_with_keys()
    assert ask(gate, key, "POST", "/api/models/acme/m/branch/dev").status == 200
    before = audit.files[0]
    # The file that is written to goes away, as by a program that rotates logs: another one has to be made, and cannot be.
    before.rename(before.with_suffix(".old"))
    restore = spoil(audit.directory)
    try:
        assert wait_until(lambda: is_told(gate, "was moved or removed"), 5)
        goes_on(gate, key)
        assert wait_until(lambda: Page(gate)("audit_up") == 0, 5)
    finally:
        restore()
    before.with_suffix(".old").rename(before)
    assert wait_until(lambda: Page(gate)("audit_up") == 1, 10)
    assert ask(gate, key, "POST", "/api/models/acme/m/branch/dev").status == 200
    assert len(audit.files) == 2
    gate.stop()
    audit.check_chain()
    verify(keys)


# Hostile input

AGENTS = [
    b'a", "kind": "intent", "key": "boss", "x": "',
    b'\\", "status": 200',
    b"\xff\xfe not UTF-8 \xc3(",
    "C1 \u009b31m, bidi \u202e, line separator \u2028".encode(),
    b"tab\tand" + b"long" * 2000,
]


@pytest.mark.parametrize("agent", AGENTS)
def test_what_a_client_says_cannot_break_or_forge_a_line(start_with_keys, keys, audit, agent):
    key = keys.create("k", "--role", "admin")
    gate = start_with_keys(workers=1)
    target = "/api/models/acme/m/branch/%22,%22kind%22:%22x%0a?token=hf_secretsecret&a=%ff%22" + "b" * 3000
    answer = ask(gate, key, "POST", target, b"", b"User-Agent: " + agent)
    assert answer.status == 200
    outcome = ended(audit, answer)
    raw = [line for line in audit.files[0].read_bytes().split(b"\n") if line]
    for line in raw:
        pairs = json.loads(line, object_pairs_hook=list)
        assert len(pairs) == len(dict(pairs)), "a name stands twice"
        line.decode()
        assert len(line) < 16384 and not re.search("[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2028]", line.decode())
    assert outcome["key"] == "k" and outcome["kind"] == "outcome" and b"hf_secret" not in b"".join(raw)
    assert len(outcome["agent"]) <= 260 and len(outcome["target"]) <= 2050
    audit.check_chain()
    shown = keys.run("audit", "show").stdout
    assert len(shown.splitlines()) == 3 and "\x9b" not in shown  # Its key's making, and the act.


def test_strangers_cannot_fill_the_disk(start_with_keys, keys, audit):
    gate = start_with_keys(workers=1)
    keys.create("k", "--role", "reader")
    with gate.connect() as connection:
        for _ in range(600):
            connection.send(request("hg_wrong", "GET", "/api/models/acme/m"))
            assert connection.answer().status == 401
    time.sleep(1)
    last = ask(gate, "hg_wrong", "GET", "/api/models/acme/m")
    ended(audit, last, "refusal")
    left_out = [line["count"] for line in audit.of("refusal") if "count" in line]
    written = len(audit.of("refusal"))
    assert 200 <= written < 600 and sum(left_out) + written == 601, (written, left_out)


# Settings


def test_without_keys_there_is_none_and_who_asks_for_one_is_told(workspace, start_before, hub, keys, audit):
    done = run(workspace, "--check", "--access", "open", "--audit-dir", "/tmp/x")
    assert done.returncode == 78 and "audit_dir: takes access = keys" in done.stderr
    gate = start_before(hub)
    assert Page(gate)("audit_up") == 0
    key = keys.create("k", "--role", "admin")
    off = start_before(hub, "--access", "keys", "--state-dir", str(keys.state), "--audit-dir", "off")
    assert ask(off, key, "POST", "/api/models/acme/m/branch/dev").status == 200
    assert not audit.directory.exists()


def test_its_settings_take_a_restart_and_its_files_are_for_their_owner(start_with_keys, keys, audit, tmp_path):
    settings = tmp_path / "hubgate.yaml"
    settings.write_text("audit_rotate_size: 1MiB\n")
    gate = start_with_keys("--config", str(settings))
    assert wait_until(lambda: audit.files, 5)
    assert audit.directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in audit.directory.iterdir()} == {0o600}
    settings.write_text("audit_rotate_size: 2MiB\naudit_keep: 30\n")
    gate.signal(signal.SIGHUP)
    assert wait_until(lambda: is_told(gate, "need a restart: audit_rotate_size, audit_keep"), 5), gate.messages
    audit.directory.chmod(0o777)
    done = run(gate.workspace, "--check", "--access", "keys", "--state-dir", str(keys.state))
    assert done.returncode == 78 and "audit_dir" in done.stderr and "chmod 700" in done.stderr


def test_a_second_gateway_does_not_write_into_the_same_audit(start_with_keys, keys, audit):
    key = keys.create("k", "--role", "admin")
    first = start_with_keys()
    second = start_with_keys()
    assert wait_until(lambda: is_told(second, "another gateway writes the audit"), 5)
    goes_on(second, key)
    assert ask(first, key, "POST", "/api/models/acme/m/branch/dev").status == 200
    first.stop()
    assert wait_until(lambda: Page(second)("audit_up") == 1, 10)
    assert ask(second, key, "POST", "/api/models/acme/m/branch/dev").status == 200
    audit.check_chain()


def test_files_go_on_in_others_and_old_ones_go_by_the_setting(start_with_keys, keys, audit):
    key = keys.create("k", "--role", "admin")
    gate = start_with_keys("--audit-rotate-size", "16KiB")
    for _ in range(60):
        ask(gate, key, "POST", "/api/models/acme/m/branch/dev")
    gate.stop()
    assert len(audit.files) >= 3
    audit.check_chain()
    old = audit.files[:2]
    start_with_keys("--audit-keep", "30").stop()
    assert set(old) <= set(audit.files), "they are of today"
    assert verify(keys).returncode == 0


# What the documents say


def test_each_field_of_a_line_is_in_the_document_and_its_jq_lines_work(start_with_keys, keys, audit):
    key = keys.create("k", "--role", "admin")
    gate = start_with_keys()
    answer = ask(gate, key, "POST", COMMIT, NDJSON, content_type="application/x-ndjson")
    ask(gate, key, "DELETE", "/api/repos/delete", b'{"type":"model","organization":"acme","name":"gone"}')
    ask(gate, None, "GET", "/api/models/acme/m")
    ended(audit, answer)
    gate.stop()
    text = (ROOT / "docs/audit.md").read_text()
    documented = set(re.findall(r"^\| `(\w+)`", text, re.M))
    for line in audit.lines:
        assert set(line) <= documented, set(line) - documented
    source = (ROOT / "Sources/Server/State/AuditField.swift").read_text()
    assert "case requestID = 1" in source
    commands = re.findall(r"^jq .*$", text, re.M)
    assert len(commands) >= 3
    for command in commands:
        done = subprocess.run(
            ["sh", "-c", command.replace("/var/lib/hubgate/audit", str(audit.directory))], capture_output=True, text=True)
        assert done.returncode == 0 and done.stdout.strip(), (command, done.stderr)


def test_the_lines_for_vector_and_fluent_bit_are_well_formed_and_read_a_line_as_it_is(start_with_keys, keys, audit):
    """Neither program is a package of Debian or PyPI: their files are read by the form that they have, and not by them."""
    text = (ROOT / "docs/audit.md").read_text()
    start_with_keys(workers=1).stop()
    line = audit.lines[0]
    vector = tomllib.loads(text.partition("```toml\n")[2].partition("```")[0])
    (source,), (transform,) = vector["sources"].items(), vector["transforms"].values()
    assert source[1]["type"] == "file" and source[1]["include"] == ["/var/lib/hubgate/audit/*.jsonl"]
    assert transform["inputs"] == [source[0]] and transform["type"] == "remap"
    assert set(re.findall(r"\(\.(\w+)", transform["source"])) - {"message"} <= set(line)
    fluent_bit = {}
    for section in text.partition("```ini\n")[2].partition("```")[0].split("["):
        name, _, rows = section.partition("]\n")
        fluent_bit[name] = dict(row.split(maxsplit=1) for row in rows.splitlines() if row.strip())
    parser = fluent_bit["PARSER"]
    assert parser["Name"] == fluent_bit["INPUT"]["Parser"] and parser["Format"] == "json"
    # %L is its word for a fraction of a second.
    datetime.datetime.strptime(line[parser["Time_Key"]], parser["Time_Format"].replace("%S.%L", "%S.%f"))
