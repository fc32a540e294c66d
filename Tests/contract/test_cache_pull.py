"""`hubgate cache pull`: what was pulled can be read without the Hub, after a restart too, by whom it may be read; and what goes wrong on the way."""

import hashlib
import json
import os
import pty
import signal
import subprocess

import pytest

from cached import JSON, get
from clients import BESIDE_THE_HUB, LIBRARIES, SERIES
from fakehub import http
from gate import BINARY, clean_environment, run
from pulled import PATH, TINY, WEIGHTS, Site, files, plain, stored
from stored_files import PIECE, digest
from test_client_libraries import TOKENIZER, VOCABULARY
from waiting import wait_until


@pytest.fixture
def site(start, tmp_path):
    return Site(start, tmp_path)


def stop(gate):
    gate.signal(signal.SIGTERM)
    gate.wait_for_stop()


# Without the Hub


@pytest.mark.parametrize(("series", "mode"), [(SERIES[0], "off"), (SERIES[1], "gone"), (SERIES[2], "off")], ids=lambda value: str(getattr(value, "name", value)))
def test_what_was_pulled_is_read_without_the_hub_after_a_restart(site, fresh, series, mode):
    site.fill()
    gate = site.gate()
    site.pull(TINY)
    online = fresh(plain(series), gate, site.hub)
    had = {operation: online(operation, TINY) for operation in ("files", "info")}
    tree = [online("tree", TINY, None, True), online("tree", TINY, "data", False), online("paths", TINY, ["config.json", "data", "no"])]
    snapshot = online("snapshot", TINY, "before")
    stop(gate)
    site.house.kill()
    gate = site.off() if mode == "off" else site.gate()
    client = fresh(plain(series), gate, site.hub)
    assert snapshot.items() >= stored().items()
    assert client("snapshot", TINY, "one") == snapshot
    assert client("snapshot", TINY, "two", revision=had_commit(site)) == snapshot
    assert {operation: client(operation, TINY) for operation in had} == had
    assert [client("tree", TINY, None, True), client("tree", TINY, "data", False), client("paths", TINY, ["config.json", "data", "no"])] == tree
    assert client("download", TINY, "config.json", "three") == digest(files()["config.json"].encode())
    # What is not there is known not to be there: clients go on without it.
    kinds = client.refuses("download", TINY, "adapter_config.json", "one").kinds
    assert kinds[0] in ("EntryNotFoundError", "RemoteEntryNotFoundError")
    client.check_contacts()


def had_commit(site):
    return site.revisions()[0]["commit"]


def test_a_model_and_a_data_set_that_were_pulled_are_loaded_without_the_hub(site, fresh, tmp_path):
    writer = fresh(LIBRARIES[1], site.house, site.hub)
    writer("create", TINY, True)
    config = json.dumps({"model_type": "bert", "hidden_size": 8, "vocab_size": len(VOCABULARY)})
    words = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]"}
    writer("upload_texts", TINY, {"config.json": config, "tokenizer.json": json.dumps(TOKENIZER), "tokenizer_config.json": json.dumps(words)})
    writer("create", "sandbox/words", True, "dataset")
    (tmp_path / "file").write_text("\n".join(json.dumps({"word": word}) for word in VOCABULARY))
    writer("upload_from", str(tmp_path / "file"), "sandbox/words", "data/train.jsonl", "dataset")
    gate = site.gate()
    site.pull(TINY)
    site.pull("sandbox/words", "--type", "dataset")
    stop(gate)
    site.house.kill()
    client = fresh(LIBRARIES[1], site.off(), site.hub)
    assert client("load_config", TINY) == {"kind": "bert", "hidden_size": 8}
    assert client("tokenize", TINY, "hello new world") == [1, 0, 2]
    assert client("load_dataset", "sandbox/words") == {"train": [{"word": word} for word in VOCABULARY]}
    client.check_contacts(others=BESIDE_THE_HUB)


def test_off_says_what_is_missing_and_asks_nobody(site):
    site.fill()
    gate = site.gate()
    site.pull(TINY, "--include", "*.json", "--include", "data/")
    asked = len(site.hub.journal())
    gate = site.off()
    missing = gate.ask(get(f"{PATH}/weights.bin"))
    assert missing.status == 504 and "weights.bin of sandbox/tiny at main is not kept here" in missing["X-Error-Message"]
    other = gate.ask(get("/sandbox/other/resolve/main/config.json"))
    assert other.status == 504 and "config.json of sandbox/other at main is not kept here" in other["X-Error-Message"]
    assert gate.ask(get("/api/models/sandbox/tiny/revision/dev")).status == 504
    absent = gate.ask(get(f"{PATH}/none.txt"))
    assert (absent.status, absent["X-Error-Code"]) == (404, "EntryNotFound") and absent["X-Repo-Commit"] == had_commit(site)
    assert gate.ask(get("/-/ready")).status == 200
    empty = gate.ask(get(f"{PATH}/data/b.txt"))
    assert (empty.status, empty.body) == (200, b"")
    assert len(site.hub.journal()) == asked


def test_files_without_the_hub_answer_ranges_and_conditions(site):
    site.fill()
    gate = site.gate()
    site.pull(TINY)
    gate = site.off()
    whole = gate.ask(get(f"{PATH}/weights.bin"))
    assert whole.body == WEIGHTS and whole["ETag"] == whole["X-Linked-Etag"] == f'"{digest(WEIGHTS)}"'
    part = gate.ask(get(f"{PATH}/weights.bin", "Range: bytes=10-19"))
    assert part.status == 206 and part["Content-Range"] == f"bytes 10-19/{len(WEIGHTS)}" and part.body == WEIGHTS[10:20]
    assert gate.ask(get(f"{PATH}/weights.bin", f"Range: bytes={len(WEIGHTS)}-")).status == 416
    head = gate.ask(get(f"{PATH}/config.json", method="HEAD"))
    assert head.status == 200 and head["Content-Length"] == str(len(files()["config.json"])) and len(head["ETag"]) == 42
    assert gate.ask(get(f"{PATH}/config.json", f"If-None-Match: {head['ETag']}")).status == 304
    page = gate.ask(get("/api/models/sandbox/tiny/tree/main?recursive=true&limit=2"))
    assert len(json.loads(page.body)) == 2 and 'rel="next"' in page["Link"]
    first = [entry["path"] for entry in json.loads(page.body)]
    rest = page["Link"].split("<")[1].split(">")[0].split("/", 3)[3]
    assert not set(first) & {entry["path"] for entry in json.loads(gate.ask(get("/" + rest)).body)}


def test_what_was_pulled_is_looked_up_once_and_a_change_by_another_process_is_seen(site, disk):
    """The description is read by the first request. One by a command comes within a second or two."""
    site.fill()
    site.gate()
    site.pull(TINY)
    gate = site.off(**disk.variables)
    asked = [f"{PATH}/config.json", f"/api/models/{TINY}/tree/main", "/sandbox/none/resolve/main/x"]

    def ask():
        return [gate.ask(get(path)).status for path in asked]

    assert ask() == [200, 200, 504]
    before = disk.openings
    assert [ask() for _ in range(10)] == [[200, 200, 504]] * 10
    # Once a second as long as what was changed is young, and not for each of 30.
    assert disk.openings - before < 15
    site.run("forget", TINY)
    assert wait_until(lambda: ask() == [504, 504, 504], 10)


def test_pins_are_looked_up_in_one_list(site, disk):
    site.fill()
    site.gate()
    site.pull(TINY)

    def listings(pins):
        for number in range(pins):
            (site.cache / f"pins/models--sandbox--m{number}").touch()
        before = disk.listings
        assert site.run("revisions", **disk.variables).returncode == 0
        return disk.listings - before

    assert 0 < listings(1) == listings(20)


def test_who_may_read_what_was_pulled_is_judged_as_ever(site, keys):
    """By the gateway's credential what it may see; by none of it what was public and open; by a key what its rules say."""
    site.fill()
    site.fill("sandbox/closed")
    site.set("sandbox/closed", private=True)
    gate = site.gate()
    site.pull(TINY)
    site.pull("sandbox/closed")
    stop(gate)
    stranger = site.off("--access", "passthrough")
    assert stranger.ask(get(f"{PATH}/config.json")).status == 200
    for path in ("/sandbox/closed/resolve/main/config.json", "/api/models/sandbox/closed", "/api/models/sandbox/closed/tree/main"):
        for fields in ((), ("Authorization: Bearer hf_of_somebody",)):
            refused = stranger.ask(get(path, *fields))
            assert refused.status == 504 and b"bert" not in refused.body, path
    stop(stranger)
    reader = keys.create("reader", "--allow", "read sandbox/tiny")
    gate = site.off("--access", "keys", "--state-dir", str(keys.state))
    field = f"Authorization: Bearer {reader}"
    assert gate.ask(get(f"{PATH}/config.json", field)).status == 200
    assert gate.ask(get("/sandbox/closed/resolve/main/config.json", field)).status in (403, 404)
    assert gate.ask(get(f"{PATH}/config.json")).status == 401


# With what clients do meanwhile


def test_a_pull_and_a_client_are_one_to_the_store(hub, store, start_before, tmp_path):
    content = store.put("w.bin", 2 * PIECE + 5)
    listed_by(hub, [entry(), entry(path="w.bin", size=len(content), lfs={"oid": digest(content)})])
    hub.on(f"/acme/m/resolve/{COMMIT}/w.bin", lambda *_: store.redirect(digest(content)))
    site = Site.beside(tmp_path)
    gate = start_before(hub, "--content-hosts", store.url, "--cache-dir", str(site.cache), "--workers", "2")
    store.hold_at = PIECE
    order = site.pulled("acme/m", "--detach")
    assert wait_until(lambda: store.ranges_asked(content), 10)
    with gate.connect(timeout=30) as client:
        client.send(get("/acme/m/resolve/main/w.bin"))
        assert client.socket.recv(1000)
        store.go_on.set()
        assert wait_until(lambda: listed(site, order["id"])["status"] == "done", 20)
    assert gate.ask(get("/acme/m/resolve/main/w.bin"), timeout=30).body == content
    assert store.bytes_sent(content) == len(content)


def test_what_was_pulled_needs_no_store_after_a_restart(hub, store, start_before, tmp_path):
    """Nor is the store asked for another path that leads to the same address; of another address the pull says nothing."""
    content = store.put("w.bin", PIECE)
    listed_by(hub, [entry(), entry(path="w.bin", size=len(content), lfs={"oid": digest(content)})])
    for revision in (COMMIT, "main"):
        hub.on(f"/acme/m/resolve/{revision}/w.bin", lambda *_: store.redirect(digest(content)))
    hub.on("/acme/m/resolve/main/same.bin", lambda *_: store.redirect(digest(content)))
    elsewhere = f"Location: {store.url}/acme/other/{digest(content)}".encode()
    linked = f'X-Linked-Etag: "{digest(content)}"'.encode(), b"X-Linked-Size: %d" % len(content)
    hub.on("/acme/m/resolve/main/other.bin", lambda *_: http(302, b"", elsewhere, *linked))
    site = Site.beside(tmp_path)
    flags = ("--content-hosts", store.url, "--cache-dir", str(site.cache), "--workers", "1")
    gate = start_before(hub, *flags)
    site.pulled("acme/m")
    gate.stop()
    store.refuses = True
    gate = start_before(hub, *flags)
    assert gate.ask(get("/acme/m/resolve/main/other.bin"), timeout=30).status in (502, 503)
    for path in (f"{COMMIT}/w.bin", "main/w.bin", "main/same.bin"):
        assert gate.ask(get(f"/acme/m/resolve/{path}"), timeout=30).body == content
    assert store.bytes_sent(content) == len(content)


def test_clients_come_first_where_the_hubs_rate_limit_gets_short(hub, hostile):
    """The last tenth of a window is theirs: the pull says that it waits, and goes on in the next."""
    listed_by(hub, [entry()], limit=[b'RateLimit: "api";r=3;t=3', b'RateLimit-Policy: "fixed window";"api";q=100;w=300'])
    order = hostile.pulled("acme/m", "--detach")
    assert wait_until(lambda: listed(hostile, order["id"])["reason"], 5)
    assert "limit for requests of its API is reached" in listed(hostile, order["id"])["reason"]
    listed_by(hub, [entry()])
    assert wait_until(lambda: listed(hostile, order["id"])["status"] == "done", 15)


# The order


def test_a_pull_is_shown_and_what_is_here_is_not_fetched_again(site):
    site.fill()
    gate = site.gate("--workers", "2")
    first = site.pulled(TINY)
    assert (first["status"], first["files"], first["files_done"]) == ("done", 6, 6) and first["bytes"] == first["bytes_done"] > len(WEIGHTS)
    before = len(site.hub.journal())
    again = site.pulled(TINY)
    assert again["commit"] == first["commit"] and again["status"] == "done"
    asked = [entry["target"] for entry in site.hub.journal()[before:]]
    assert asked and all(target.startswith("/api/models/sandbox/tiny/") for target in asked)
    # A new commit costs what is new.
    site.put(TINY, "new.txt", "new")
    before = len(site.hub.journal())
    newer = site.pulled(TINY)
    asked = [entry["target"] for entry in site.hub.journal()[before:]]
    assert newer["commit"] != first["commit"] and sum("new.txt" in target for target in asked) >= 1
    assert not [target for target in asked if "weights.bin" in target or "config.json" in target]
    orders = json.loads(site.run("pull", "--list", "--json").stdout)
    assert [order["status"] for order in orders if order["repo"] == TINY] == ["done"] * 3
    assert {entry["commit"] for entry in site.revisions()} == {first["commit"], newer["commit"]}
    assert gate.ask(get(f"{PATH}/weights.bin")).body == WEIGHTS


def test_patterns_choose(site):
    site.fill()
    site.gate()
    assert site.pulled(TINY, "--include", "*.json")["files"] == 1
    assert site.pulled(TINY, "--include", "data/", "--exclude", "*b.txt")["files"] == 1
    # The second has not undone the first.
    row = site.revisions()[0]
    assert row["files_held"] == 3 and row["files"] == 6  # config.json, data/deep/a.txt and the empty one
    none = site.pull(TINY, "--include", "*.gguf", check=False)
    assert none.returncode == 66 and "No file of sandbox/tiny fits" in none.stderr


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [(("sandbox/none",), 66, "sandbox/none"), ((f"{TINY}@none",), 66, "none"), ((TINY, "--type", "dataset"), 66, "sandbox/tiny")])  # fmt: skip
def test_what_the_hub_does_not_have_is_said(site, words, code, sentence):
    site.hub.create(TINY)
    site.gate()
    done = site.pull(*words, check=False)
    assert done.returncode == code and sentence in done.stderr, done.stderr


def test_a_gate_is_said(site):
    """Another account's repository, behind a gate."""
    site.fill()
    site.set(TINY, gated="manual")
    site.gate(HF_TOKEN="hf_other")
    done = site.pull(TINY, check=False)
    assert done.returncode == 77 and TINY in done.stderr and site.revisions() == [], (done.returncode, done.stderr)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [(("../x",), "is no repository"), (("a/b/c",), "is no repository"), (("acme/m@..",), "is no repository"), (("acme/m@",), "is no repository"),
     (("acme/m", "--include", ""), "is empty"), (("acme/m", "--include", "x" * 300), "longer than 256"), (("acme/m", "--type", "bucket"), "--type"),
     ((), "Name a repository"), (("acme/m", "--list"), "Name a repository")],
)  # fmt: skip
def test_a_wrong_order_is_refused_before_it_is_placed(tmp_path, words, sentence):
    done = run(tmp_path, "cache", "pull", *words, "--cache-dir", str(tmp_path / "none"))
    assert done.returncode == 64 and sentence in done.stderr
    assert not (tmp_path / "none").exists()


def test_without_a_cache_or_a_gateway_it_says_so(tmp_path):
    off = run(tmp_path, "cache", "pull", "acme/m")
    assert off.returncode == 66 and "cache_dir is off" in off.stderr
    alone = run(tmp_path, "cache", "pull", "acme/m", "--cache-dir", str(tmp_path / "none"))
    assert alone.returncode == 69 and "no gateway runs" in alone.stderr


COMMIT = "c" * 40
OID = hashlib.sha1(b"blob 5\0hello").hexdigest()


def listed_by(hub, tree, link=None, info=None, limit=()):
    """A Hub that says so of acme/m."""
    found = info or {"sha": COMMIT, "private": False, "gated": False}
    hub.on("/api/models/acme/m/revision/main", lambda *_: http(200, json.dumps(found).encode(), JSON, *limit))
    fields = [f'Link: <{link}>; rel="next"'.encode()] if link else []
    hub.on(f"/api/models/acme/m/tree/{COMMIT}", lambda *_: http(200, json.dumps(tree).encode(), JSON, *fields))
    hub.on(f"/acme/m/resolve/{COMMIT}/a.txt", lambda *_: http(200, b"hello"))


def entry(**members):
    return {"type": "file", "path": "a.txt", "oid": OID, "size": 5, **members}


@pytest.fixture
def hostile(hub, start_before, tmp_path):
    """Pulls acme/m from the fake Hub."""
    site = Site.beside(tmp_path)
    start_before(hub, "--cache-dir", str(site.cache), "--cache-size", "64MiB")
    return site


def test_more_than_the_cache_holds_is_refused(hub, hostile):
    listed_by(hub, [entry(path=f"{number}.bin", size=20 << 20, lfs={"oid": str(number) * 64, "size": 20 << 20}) for number in range(4)])
    done = hostile.pull("acme/m", check=False)
    assert done.returncode == 73 and "cache_size is 67108864" in done.stderr
    assert hostile.revisions() == []


def test_what_fits_an_honest_hub_is_pulled(hub, hostile):
    listed_by(hub, [entry()])
    assert hostile.pulled("acme/m")["status"] == "done"


LIES = [
    {"tree": [entry(path="../x")]}, {"tree": [entry(path="/etc/passwd")]}, {"tree": [entry(path="a/../../b")]}, {"tree": [entry(oid="x")]},
    {"tree": [entry(size=-1)]}, {"tree": [entry(size=1 << 62)]}, {"tree": [entry(), entry()]}, {"tree": {}}, {"tree": [entry(lfs={"oid": "../x"})]},
    {"tree": [entry()], "info": {"sha": "../../x"}}, {"tree": [entry()], "info": {"id": "acme/m"}},
    {"tree": [entry()], "link": "https://elsewhere.example/?cursor=x"},
]  # fmt: skip


def test_a_hub_that_lies_leaves_nothing(hub, hostile):
    for lies in LIES:
        listed_by(hub, **lies)
        done = hostile.pull("acme/m", check=False)
        assert done.returncode == 69 and "acme/m at main" in done.stderr, (lies, done.stderr)
        assert not list((hostile.cache / "revisions").iterdir()), lies


def test_a_file_of_git_that_git_does_not_name_so_is_not_kept(hub, hostile):
    listed_by(hub, [entry(oid="d" * 40)])
    done = hostile.pull("acme/m", check=False)
    assert done.returncode == 69 and "a.txt" in done.stderr and "not the file that git names" in done.stderr
    assert not list((hostile.cache / "blobs").rglob("?" * 64)) and hostile.revisions() == []


def test_an_order_outlives_a_restart_and_can_be_cancelled(site):
    site.fill()
    gate = site.gate()
    site.pull(TINY, "--include", "config.json")
    gate.kill()
    # No gateway is there that could take it up.
    assert wait_until(lambda: site.run("pull", TINY, check=False).returncode == 69, 5)
    site.house.kill()
    site.gate("--connect-timeout", "1s")
    order = site.pulled(TINY, "--detach")
    assert wait_until(lambda: "cannot be reached" in str(listed(site, order["id"])["reason"]), 20)
    site.run("pull", "--cancel", order["id"])
    assert wait_until(lambda: listed(site, order["id"])["status"] == "cancelled", 10)
    assert site.run("pull", "--cancel", order["id"], check=False).returncode == 66


def listed(site, id):
    return next(order for order in json.loads(site.run("pull", "--list", "--json").stdout) if order["id"] == id)


def test_a_terminal_gets_a_bar_and_a_pipe_gets_lines(site):
    site.fill()
    site.gate()
    piped = site.pull(TINY)
    assert "100 %: 6 of 6 files" in piped.stderr and "\r" not in piped.stderr and piped.stdout.startswith("Pulled sandbox/tiny at main")
    control, terminal = pty.openpty()
    process = subprocess.Popen(
        [BINARY, "cache", "pull", TINY, "--cache-dir", str(site.cache)], cwd=site.directory, env=clean_environment(site.directory),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=terminal)  # fmt: skip
    assert process.wait(30) == 0
    os.close(terminal)
    shown = os.read(control, 65536).decode()
    os.close(control)
    assert "[####################] 100 %" in shown and "6/6 files" in shown


def test_content_that_is_not_what_the_hub_names_is_not_kept(site):
    """The store breaks off and goes on; a file that stays wrong fails the order and is not there afterwards."""
    site.fill()
    site.hub.cut(digest(WEIGHTS), 100_000)
    site.gate()
    assert site.pulled(TINY)["status"] == "done"
    assert site.blob(WEIGHTS).read_bytes()[: len(WEIGHTS)] == WEIGHTS
