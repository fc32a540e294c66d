"""`hubgate cache export`, `import`, `pin` and `verify --repair`: what is carried to a site without a Hub is what was fetched, or it is named and left out."""

import json
import os
import shutil
import subprocess

import pytest

from admin import Admin
from cached import get
from clients import SERIES
from gate import Gate, clean_environment, make_workspace, run
from pulled import PATH, TINY, WEIGHTS, Site, files, plain, stored
from stored_files import digest
from waiting import wait_until

FOLDER = "models--sandbox--tiny"


@pytest.fixture
def site(start, tmp_path):
    site = Site(start, tmp_path).fill()
    site.gate()
    site.pull(TINY)
    return site


@pytest.fixture
def tree(site, tmp_path):
    site.run("export", str(tmp_path / "carried"), TINY)
    return tmp_path / "carried" / FOLDER


def offline(series, folder, tmp_path):
    """What the real client finds in a cache of its own, without any network: the files' SHA-256."""
    program = f"""
import hashlib, json, pathlib, huggingface_hub
folder = pathlib.Path(huggingface_hub.snapshot_download({TINY!r}, cache_dir={str(folder)!r}))
huggingface_hub.hf_hub_download({TINY!r}, "config.json", cache_dir={str(folder)!r}, revision="main")
warnings = [str(warning) for warning in huggingface_hub.scan_cache_dir({str(folder)!r}).warnings]
found = {{str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}}
print(json.dumps([found, warnings]))
"""
    environment = clean_environment(tmp_path, HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path / "hf"), HF_HUB_DISABLE_PROGRESS_BARS="1")
    done = subprocess.run([series.program("python"), "-c", program], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# Out and in


@pytest.mark.parametrize("series", SERIES, ids=lambda series: series.name)
def test_the_real_client_reads_what_was_exported(tree, tmp_path, series):
    found, warnings = offline(series, tree.parent, tmp_path)
    assert found.items() >= stored().items() and warnings == []
    assert os.readlink(next(tree.glob("snapshots/*/data/deep/a.txt"))).startswith("../../../../blobs/")
    assert (tree / "blobs" / digest(WEIGHTS)).read_bytes() == WEIGHTS


def test_what_was_exported_serves_a_site_without_a_hub(site, tree, fresh, tmp_path):
    there = tmp_path / "there"
    done = site.run("import", str(tree.parent), cache=there)
    assert done.stdout == "Took 6 files of 1 revision.\n"
    gate = site.off(cache=there)
    client = fresh(plain(SERIES[0]), gate, site.hub)
    assert client("snapshot", TINY, "cache").items() >= stored().items()
    assert client("info", TINY) and client("files", TINY)
    assert gate.ask(get(f"{PATH}/weights.bin")).body == WEIGHTS
    # Again it is the same, and nothing is left of it.
    before = sorted(str(path) for path in there.rglob("*"))
    site.run("import", str(tree.parent), cache=there)
    assert sorted(str(path) for path in there.rglob("*")) == before and not (there / "incoming").exists()
    # What was public at the Hub is so here.
    assert site.off("--access", "passthrough", cache=there).ask(get(f"{PATH}/config.json")).status == 200


def test_what_huggingface_hub_itself_has_kept_is_taken_and_is_private(site, fresh, tmp_path):
    client = fresh(plain(SERIES[0]), site.house, site.hub)
    client("snapshot", TINY, str(tmp_path / "plain"))
    there = tmp_path / "there"
    assert "of 1 revision." in site.run("import", str(tmp_path / "plain"), cache=there).stdout
    gate = site.off(cache=there)
    reader = fresh(plain(SERIES[0]), gate, site.hub)
    assert reader("snapshot", TINY, "cache").items() >= stored().items()
    assert "config.json" in reader("files", TINY) and reader("tree", TINY, "data", False)
    stranger = site.off("--access", "passthrough", cache=there)
    assert stranger.ask(get(f"{PATH}/config.json")).status == 504


def test_a_directory_that_is_there_is_not_touched(site, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine").write_text("mine")
    for place in (tmp_path / "full", tmp_path / "full/mine"):
        done = site.run("export", str(place), TINY, check=False)
        assert done.returncode == 64 and ("not empty" in done.stderr or "File exists" in done.stderr)
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine"]
    (tmp_path / "empty").mkdir()
    site.run("export", str(tmp_path / "empty"), TINY)
    unknown = site.run("export", str(tmp_path / "new"), f"{TINY}@none", check=False)
    assert unknown.returncode == 66 and not (tmp_path / "new").exists()


def test_what_is_damaged_here_is_not_carried(site, tmp_path):
    with open(site.blob(WEIGHTS), "r+b") as blob:
        blob.seek(1000)
        blob.write(b"W")
    done = site.run("export", str(tmp_path / "carried"), TINY, check=False)
    assert done.returncode == 1 and "weights.bin of sandbox/tiny: what is kept is not the file" in done.stderr
    assert not (tmp_path / "carried" / FOLDER / "blobs" / digest(WEIGHTS)).exists()


@pytest.mark.parametrize("place", ["none", "file", "empty"])
def test_what_is_no_cache_is_not_imported(site, tmp_path, place):
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    done = site.run("import", str(tmp_path / place), cache=tmp_path / "there", check=False)
    assert done.returncode == (65 if place == "empty" else 66) and place in done.stderr
    assert not (tmp_path / "there").exists()


# A tree that is not right: read by the command alone


@pytest.fixture(scope="module")
def carried(tmp_path_factory, certificates):
    """What a gateway has exported, for tests that change it."""
    directory, gates = tmp_path_factory.mktemp("carried"), []

    def start(*flags, sandbox=True, **options):
        workspace = make_workspace(directory / f"gate-{len(gates)}")
        gates.append(Gate(workspace, certificates, *(["--sandbox"] if sandbox else []), *flags, **options))
        return gates[-1]

    try:
        site = Site(start, directory).fill()
        site.gate()
        site.pull(TINY)
        site.run("export", str(directory / "tree"), TINY)
        for gate in gates:
            gate.stop()
        yield site
    finally:
        for gate in gates:
            gate.kill()


@pytest.fixture
def copied(carried, tmp_path):
    shutil.copytree(carried.directory / "tree", tmp_path / "tree", symlinks=True)
    return tmp_path / "tree" / FOLDER


def wrong_store_blob(tree):
    blob = tree / "blobs" / digest(WEIGHTS)
    blob.write_bytes(WEIGHTS[:-1] + b"X")
    return WEIGHTS[:-1] + b"X"


def wrong_git_blob(tree):
    link = next(tree.glob("snapshots/*/config.json"))
    link.resolve().write_text("other")
    return b"other"


def link_out(tree):
    (tree.parent.parent / "secret").write_text("secret")
    link = next(tree.glob("snapshots/*/config.json"))
    link.unlink()
    link.symlink_to("../../../../secret")
    return b"secret"


def absolute_link(tree):
    (tree.parent.parent / "secret").write_text("secret")
    link = next(tree.glob("snapshots/*/config.json"))
    link.unlink()
    link.symlink_to(tree.parent.parent / "secret")
    return b"secret"


def blob_that_is_a_link(tree):
    (tree.parent.parent / "secret").write_bytes(b"secret")
    blob = next(tree.glob("snapshots/*/config.json")).resolve()
    blob.unlink()
    blob.symlink_to(tree.parent.parent / "secret")
    return b"secret"


def blob_that_is_a_pipe(tree):
    blob = next(tree.glob("snapshots/*/config.json")).resolve()
    blob.unlink()
    os.mkfifo(blob)
    return b"-"


def other_file_of_the_repository(tree):
    """Right by itself, and not what the revision has there."""
    link = next(tree.glob("snapshots/*/config.json"))
    link.unlink()
    link.symlink_to(f"../../blobs/{digest(WEIGHTS)}")
    return b"-"


def folder_that_is_a_link(tree):
    """As if all of another directory were files of the repository."""
    elsewhere = tree.parent.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "secret").write_bytes(b"secret")
    (next(tree.glob("snapshots/*")) / "more").symlink_to(elsewhere)
    return b"secret"


def commit_that_is_a_link(tree):
    elsewhere = tree.parent.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "config.json").write_bytes(b"secret")
    (tree / "snapshots" / ("f" * 40)).symlink_to(elsewhere)
    return b"secret"


SPOILT = {  # and how many files of the revision are there afterwards
    wrong_store_blob: 5, wrong_git_blob: 5, link_out: 5, absolute_link: 5, blob_that_is_a_link: 5, blob_that_is_a_pipe: 5,
    other_file_of_the_repository: 5, folder_that_is_a_link: 6, commit_that_is_a_link: 6,
}  # fmt: skip


@pytest.mark.parametrize("spoil", SPOILT, ids=lambda spoil: spoil.__name__)
def test_what_is_wrong_in_a_tree_is_named_and_left_out_and_the_rest_is_taken(carried, copied, tmp_path, spoil):
    content, there = spoil(copied), tmp_path / "there"
    done = carried.run("import", str(copied.parent), cache=there, check=False)
    assert done.returncode == 1 and "1 file was not taken" in done.stderr
    assert not carried.blob(content, cache=there).exists()
    assert [row["files_held"] for row in carried.revisions(cache=there)] == [SPOILT[spoil]]
    assert carried.run("verify", cache=there).returncode == 0


@pytest.mark.parametrize("part", ["", "snapshots", "blobs"])
def test_a_repository_that_is_a_link_is_not_followed(carried, copied, tmp_path, part):
    place = copied / part if part else copied
    place.rename(tmp_path / "moved")
    place.symlink_to(tmp_path / "moved")
    done = carried.run("import", str(copied.parent), cache=tmp_path / "there", check=False)
    assert done.returncode == 1 and "is no directory of its own" in done.stderr
    assert carried.revisions(cache=tmp_path / "there") == []


def test_a_description_that_is_damaged_is_not_believed(carried, copied, start, tmp_path):
    """Then the files speak for themselves, and are private."""
    hidden = next((copied / ".hubgate").iterdir())
    content = bytearray(hidden.read_bytes())
    content[len(content) // 2] ^= 1
    hidden.write_bytes(content)
    there = tmp_path / "there"
    carried.run("import", str(copied.parent), cache=there)
    site = ("--upstream", "off", "--cache-dir", str(there))
    assert start(*site, sandbox=False).ask(get(f"{PATH}/config.json")).body == files()["config.json"].encode()
    assert start(*site, "--access", "passthrough", sandbox=False).ask(get(f"{PATH}/config.json")).status == 504


def test_by_naming_a_hash_a_tree_gets_nothing_that_others_have_in_the_cache(carried, copied, start, tmp_path):
    """The description says that the repository is open and has a file, which the tree does not have and the cache does."""
    there = tmp_path / "there"
    carried.run("import", str(copied.parent), cache=there)
    carried.run("forget", TINY, cache=there)
    assert carried.blob(WEIGHTS, cache=there).exists()
    next(copied.glob("snapshots/*/weights.bin")).unlink()
    (copied / "blobs" / digest(WEIGHTS)).unlink()
    assert "Took 5 files" in carried.run("import", str(copied.parent), cache=there).stdout
    gate = start("--upstream", "off", "--cache-dir", str(there), sandbox=False)
    assert gate.ask(get(f"{PATH}/weights.bin")).status == 504 and gate.ask(get(f"{PATH}/config.json")).status == 200


# What stays


def pinned(site):
    return {row["sha256"]: row["pinned"] for row in json.loads(site.run("list", "--json").stdout)}


def test_what_is_pinned_stays_and_what_is_not_goes(start, tmp_path):
    site = Site(start, tmp_path)
    large = {f"{number}.bin": bytes([number]) * (20 << 20) for number in range(4)}
    site.hub.create(TINY)
    site.hub.put_linked(TINY, "0.bin", large["0.bin"])
    site.hub.create("sandbox/other")
    for name in ("1.bin", "2.bin"):
        site.hub.put_linked("sandbox/other", name, large[name])
    gate = site.gate("--cache-size", "64MiB")
    site.pull(TINY, "--pin")
    assert pinned(site)[digest(large["0.bin"])] is True
    assert json.loads(site.run("revisions", "--json").stdout)[0]["pinned"] is True
    for name in ("1.bin", "2.bin"):
        assert gate.ask(get(f"/sandbox/other/resolve/main/{name}"), timeout=30).status == 200
    site.hub.put_linked("sandbox/other", "3.bin", large["3.bin"])
    assert gate.ask(get("/sandbox/other/resolve/main/3.bin"), timeout=30).status == 200
    assert wait_until(lambda: len(pinned(site)) < 5, 20)
    assert site.blob(large["0.bin"]).exists()
    assert json.loads(site.run("unpin", f"{TINY}@main", "--json").stdout)["pinned"] is False
    assert not any(pinned(site).values())


def test_pins_are_refused_where_nothing_is_there_or_it_would_not_fit(site):
    assert "nothing of sandbox/none was pulled" in refused(site, 66, "pin", "sandbox/none")
    assert "is not pinned" in refused(site, 66, "unpin", TINY)
    site.run("pin", f"{TINY}@main")
    assert f"{TINY} is not pinned; {TINY}@main is\n" in refused(site, 66, "unpin", TINY)
    site.run("unpin", f"{TINY}@main")
    assert "is no repository" in refused(site, 64, "pin", "../x")
    done = json.loads(site.run("pin", TINY, "--json").stdout)
    assert done["files"] == 5 and done["bytes"] > len(WEIGHTS) and done["revision"] is None
    site.run("unpin", TINY)
    site.run("forget", TINY)
    assert site.revisions() == [] and "nothing of" in refused(site, 66, "forget", TINY)


def refused(site, code, *words):
    done = site.run(*words, check=False)
    assert done.returncode == code, (words, done.returncode, done.stderr)
    return done.stderr


def test_a_pin_of_a_branch_follows_it(site):
    site.run("pin", f"{TINY}@main")
    site.put(TINY, "config.json", "another")
    site.pull(TINY)
    found = pinned(site)
    assert found[digest(b"another")] is True and found[digest(WEIGHTS)] is True
    assert found[digest(files()["config.json"].encode())] is False


# What is wrong on the disk


def test_a_repair_throws_away_what_is_wrong_and_has_it_fetched_anew(site):
    site.run("pin", TINY)
    config = files()["config.json"].encode()
    for content in (WEIGHTS, config):
        with open(site.blob(content), "r+b") as blob:
            blob.write(b"#")
    assert site.run("verify", check=False).returncode == 1
    done = site.run("verify", "--repair")
    assert digest(WEIGHTS) in done.stderr and "Fetched again by the gateway: 1 revision;" in done.stdout
    assert wait_until(lambda: pinned(site).get(digest(WEIGHTS)) and pinned(site).get(digest(config)), 20)
    assert wait_until(lambda: site.run("verify", check=False).returncode == 0, 10)
    assert site.revisions()[0]["files_held"] == 6


def test_a_damaged_description_is_found_and_fetched_anew(site):
    path = next((site.cache / "revisions").glob("*@" + "?" * 40))
    content = bytearray(path.read_bytes())
    content[-40] ^= 1
    path.write_bytes(content)
    done = site.run("verify", check=False)
    assert done.returncode == 1 and "what is known of it is damaged" in done.stderr
    assert site.off().ask(get(f"{PATH}/config.json")).status == 504
    site.run("verify", "--repair")
    assert wait_until(lambda: [row["damaged"] for row in site.revisions()] == [False], 20)


# Administrators


def test_an_administrator_orders_and_pins_as_the_command_line_does(start, tmp_path, keys):
    site = Site(start, tmp_path).fill()
    key = keys.create("root", "--role", "admin")
    admin = Admin(site.gate("--access", "keys", "--workers", "2", "--state-dir", str(keys.state)), key)
    order = admin("POST", "/cache/pull", {"repo": TINY, "include": ["*.json"], "pin": True}, status=202)
    assert (order["repo"], order["revision"], order["status"], order["pin"]) == (TINY, "main", "waiting", True)
    assert wait_until(lambda: admin("GET", "/cache/pulls")["pulls"][0]["status"] == "done", 20)
    assert admin("GET", "/cache/pulls")["pulls"] == json.loads(site.run("pull", "--list", "--json").stdout)
    assert [found for found in pinned(site).values()] == [True]
    again = {"repo": TINY, "revision": "main"}
    assert admin("POST", "/cache/unpin", again)["pinned"] is False and not any(pinned(site).values())
    assert admin("POST", "/cache/pin", again) == json.loads(site.run("pin", f"{TINY}@main", "--json").stdout)
    admin.refused("DELETE", f"/cache/pulls/{order['id']}", 404)
    admin.refused("DELETE", "/cache/pulls/x", 404)
    for body in ({"repo": "../x"}, {"repo": TINY, "type": "bucket"}, {"repo": TINY, "revision": ".."}, {"repo": TINY, "include": "x"},
                 {"repo": TINY, "include": [""]}, {"repo": TINY, "pin": "x"}, {"repo": TINY, "other": 1}, {}):  # fmt: skip
        admin.refused("POST", "/cache/pull", 400, body)
    for act in ("pin", "unpin"):
        admin.refused("POST", f"/cache/{act}", 404, {"repo": "sandbox/none"})
    reader = Admin(admin.gate, keys.create_at(admin.gate, "reader"))
    reader.refused("POST", "/cache/pull", 403, {"repo": TINY})


def test_commands_say_what_is_wrong_with_their_words(tmp_path):
    for words, code in ((("export",), 64), (("import",), 64), (("pin",), 64), (("export", "x", "acme/m"), 66)):
        done = run(tmp_path, "cache", *words)
        assert done.returncode == code, (words, done.stderr)
