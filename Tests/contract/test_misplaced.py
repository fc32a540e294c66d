"""What is asked at the wrong place, or of what is not there, and settings that do nothing: it is said, and nothing is made up."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from authorities import Authority
from gate import BINARY, ROOT, run
from policy import request
from test_gate_command import Remote
from test_mistakes import CONFIG, line
from waiting import wait_until

CLOSE = b"Connection: close"
EVERY_CACHE_COMMAND = [
    ("list",), ("list", "--json"), ("revisions",), ("revisions", "--json"), ("pin", "acme/m"), ("unpin", "acme/m"), ("forget", "acme/m"), ("verify",),
    ("rm", "--all"), ("export", "out", "acme/m"), ("pull", "acme/m"), ("pull", "--list"), ("pull", "--cancel", "x"),
]  # fmt: skip


# What is not there


@pytest.mark.parametrize("words", [
    ("keys", "show", "a"), ("keys", "edit", "a", "--note", "x"), ("keys", "rotate", "a"), ("keys", "revoke", "a"), ("keys", "suggest", "a"),
    ("keys", "explain", "a", "GET", "/api/models/a/b"), ("usage",), ("login", "list"), ("login", "deny", "BCDF-GHJK"), ("cache", "purge", "--all"), ("trash", "list"),
    ("state", "check"),
])  # fmt: skip
def test_who_asks_for_what_is_there_makes_no_database(workspace, words):
    (workspace / "state").mkdir(mode=0o700)
    assert "there is no state/hubgate.db: `hubgate keys create` makes it" in line(run(workspace, *words, "--state-dir", "state"), 66)
    done = run(workspace, "keys", "list", "--state-dir", "state")
    assert done.returncode == 0 and done.stdout.startswith("There are no keys"), done.stderr
    assert list((workspace / "state").iterdir()) == []


@pytest.mark.parametrize("words", EVERY_CACHE_COMMAND, ids=" ".join)
def test_each_command_of_the_cache_says_that_there_is_no_directory(workspace, words):
    done = run(workspace, "cache", *words, "--cache-dir", "cachd")
    if words == ("pull", "acme/m"):
        assert "no gateway runs with the cache_dir cachd" in line(done, 69)
    else:
        assert "cache_dir: there is no directory cachd; the gateway makes it when it starts" in line(done, 66)
    assert not (workspace / "out").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("words", EVERY_CACHE_COMMAND, ids=" ".join)
def test_each_command_of_the_cache_says_that_another_user_cannot_read_it(shared_binary, words):
    kept = {name: value for name, value in os.environ.items() if name == "PATH" or name.endswith("SAN_OPTIONS")}
    done = subprocess.run(
        [shared_binary, "cache", *words, "--cache-dir", "cache"], cwd=shared_binary.parent, env=kept, user=65534, group=65534, extra_groups=[],
        capture_output=True, text=True, timeout=60)  # fmt: skip
    assert "cache_dir: cache cannot be read by the user nobody; run it as the gateway's user" in line(done, 77)


@pytest.fixture
def shared_binary():
    """Where every user can run it, beside a cache of root's."""
    directory = Path("/tmp") / f"hubgate-misplaced-{os.getpid()}"
    directory.mkdir(mode=0o755)
    (directory / "config").mkdir()
    (directory / "config/hubgate.yaml").write_text("# nothing\n")
    (directory / "cache").mkdir(mode=0o700)
    shutil.copy(BINARY, directory / "hubgate")
    yield directory / "hubgate"
    shutil.rmtree(directory)


# What changes nothing


def test_an_edit_that_changes_nothing_is_refused_and_is_no_event(keys, start):
    root = keys.create("root", "--role", "admin")
    gate = start("--access", "keys", "--state-dir", str(keys.state))
    assert "nothing is to be changed: say what, such as --expires 90d" in line(keys.run("keys", "edit", "root", check=False), 64)
    remote = Remote(keys.workspace / "elsewhere", gate.origin, root, gate.certificates.authority)
    assert "nothing is to be changed" in line(remote("keys", "edit", "root", code=64), 64)
    assert wait_until(lambda: "key create" in keys.run("audit", "show", check=False).stdout, 10)
    assert "key edit" not in keys.run("audit", "show").stdout


def test_another_secret_of_a_key_that_has_expired_is_warned_of(keys, start):
    root = keys.create("root", "--role", "admin")
    keys.create("old", "--role", "reader", "--expires", "1s")
    assert wait_until(lambda: "expired" in keys.run("keys", "list").stdout, 10)
    said = "hubgate: warning: the key old has expired, and is refused with any secret: `hubgate keys edit old --expires 90d`\n"
    assert said in keys.run("keys", "rotate", "old").stderr
    gate = start("--access", "keys", "--state-dir", str(keys.state))
    remote = Remote(keys.workspace / "elsewhere", gate.origin, root, gate.certificates.authority)
    assert said in remote("keys", "rotate", "old").stderr
    assert "warning" not in keys.run("keys", "rotate", "root").stderr


def test_a_key_that_cannot_be_shown_is_no_success(keys):
    for closed in (">&-", ">/dev/full"):
        done = keys.run("keys", "create", "k" + str(len(closed)), "--role", "reader", check=False, prefix=("bash", "-c", f'exec "$@" {closed}', "bash"))
        assert "standard output cannot be written" in line(done, 74), closed


def test_a_method_in_small_letters_is_told_and_not_taken_for_another(keys):
    keys.create("k")
    for word in ("get", "Delete"):
        done = keys.run("keys", "explain", "k", word, "/api/models/acme/m", check=False)
        assert f"a method is written in capitals: {word.upper()}" in line(done, 64)
    assert "search" in keys.run("keys", "explain", "k", "GET", "/api/models").stdout


def test_an_init_that_is_refused_makes_nothing(workspace):
    assert "--name has to be" in line(run(workspace, "init", "--state-dir", "new", "--name", "a b"), 64)
    assert not (workspace / "new").exists()


def test_init_names_the_address_by_which_clients_reach_it(workspace):
    done = run(workspace, "init", "--state-dir", "new", HUBGATE_PUBLIC_URL="https://gate.example.org/hf", HUBGATE_LISTEN=":8443", HUBGATE_ACCESS="keys")
    assert done.returncode == 0 and done.stdout.splitlines()[0] == "export HF_ENDPOINT=https://gate.example.org/hf"


# Settings


def warnings(done):
    assert done.returncode == 0 and done.stdout == "The settings are good.\n", (done.returncode, done.stdout, done.stderr)
    return [text.removeprefix("hubgate: warning: ") for text in done.stderr.splitlines()]


def test_no_hub_and_no_cache_is_a_gateway_that_serves_nothing(workspace, certificates):
    said = line(run(workspace, "--check", "--upstream", "off", **certificates.settings))
    assert "upstream: off has the gateway serve what cache_dir has, and that is off" in said
    assert warnings(run(workspace, "--check", "--upstream", "off", "--cache-dir", "cache", **certificates.settings)) == []


def test_settings_that_others_switch_off_are_named_by_check_and_at_the_start(workspace, certificates, start, tmp_path):
    (tmp_path / "credentials").mkdir()
    flags = ("--policy", "shadow", "--credentials-dir", str(tmp_path / "credentials"), "--roles", "{team: {allow: [read *]}}", "--cache-size", "10GiB", "--otlp-sample", "0.5")
    found = warnings(run(workspace, "--check", *flags, "--sandbox-limits", "api=5/1s", HF_TOKEN="hf_x", **certificates.settings))
    effects = [
        "These settings have no effect without access = keys: policy, credentials_dir, roles.",
        "These settings have no effect without sandbox: sandbox_limits.", "These settings have no effect without cache_dir: cache_size.",
        "These settings have no effect without otlp_endpoint: otlp_sample.",
    ]  # fmt: skip
    assert sorted(found) == sorted(effects)
    gate = start(*flags)
    said = [effects[0], *effects[2:]]
    assert wait_until(lambda: [message for message in gate.messages if "no effect" in message or "policy = shadow" in message] == said, 10), gate.messages
    assert warnings(run(workspace, "--check", HF_TOKEN="hf_x", **certificates.settings)) == []


def test_check_warns_of_what_the_start_warns_of(workspace, certificates, tmp_path):
    assert ["No Hub token is set: set HF_ACCESS_TOKEN, HF_TOKEN or token_file. Until then calls answer 503."] == warnings(run(workspace, "--check", **certificates.settings))
    (workspace / "token").write_text("hf_x")
    (workspace / "token").chmod(0o644)
    assert ["Others can read token, which is secret (mode 0644): chmod 600 token"] == warnings(run(workspace, "--check", "--token-file", "token", **certificates.settings))
    soon = Authority(tmp_path, "soon").self_signed("/CN=localhost")
    found = warnings(run(workspace, "--check", HF_TOKEN="hf_x", HUBGATE_TLS_CERT=str(soon.chain), HUBGATE_TLS_KEY=str(soon.key)))
    assert any(re.search(r" expires in [89] days\. Put a new one there with its key", text) for text in found), found


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("name", ["config/hubgate.yaml", ".env"])
def test_a_settings_file_that_is_gone_for_a_moment_changes_nothing(start, name, workers):
    content = "log_level: debug\n" if name.endswith("yaml") else "HUBGATE_LOG_LEVEL=debug\n"
    gate = start("--workers", workers, workspace_files={name: content})
    path = gate.workspace / name
    path.rename(path.with_name("away"))
    gate.signal(signal.SIGHUP)
    said = f"Not reloaded, all stays as it was: {name} was read before, and is not there any more; put it back, or restart to go on without it"
    assert wait_until(lambda: said in gate.messages, 10), gate.messages
    path.with_name("away").rename(path)
    gate.signal(signal.SIGHUP)
    assert wait_until(lambda: any("Reloaded" in message and "no setting changed" in message for message in gate.messages), 10), gate.messages


# Addresses


def test_what_is_at_the_other_address_is_said_to_be_there(start, workspace):
    gate = start("--admin-listen", "127.0.0.1:0")
    for path in ("/-/health", "/-/console", "/-/api/status", "/-/nope"):
        answer = gate.ask(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer.check_is_error(404, "NotFound")
        assert answer.json["error"] == "Paths that begin with /-/ are at another address of this gateway (admin_listen)."
    done = run(workspace, "--probe", "--listen", str(gate.port))
    assert f"what answers at https://127.0.0.1:{gate.port}/-/health says 404. Give the probe the same settings" in line(done, 1)


# The same elsewhere


def test_a_list_of_files_is_the_same_from_elsewhere(keys, start, cache, workspace):
    root = keys.create("root", "--role", "admin")
    gate = start("--access", "keys", "--state-dir", str(keys.state), "--cache-dir", str(cache))
    remote = Remote(workspace / "elsewhere", gate.origin, root, gate.certificates.authority)
    assert gate.ask(request(root, "GET", "/sandbox/demo/resolve/main/model.safetensors", b"", CLOSE)).status == 200
    assert run(workspace, "cache", "pull", "sandbox/demo", "--pin", "--cache-dir", str(cache)).returncode == 0
    here, there = (), ()

    def same():
        nonlocal here, there
        here, there = (run(workspace, "cache", "list", "--cache-dir", str(cache)).stdout.splitlines(), remote("cache", "list").stdout.splitlines())
        return sorted(here) == sorted(there) and any(row.endswith("yes") for row in here)

    assert wait_until(same, 10), (here, there)
    assert "PINNED" in here[0]
    name = here[1].split()[0]
    assert remote("cache", "rm", name).stdout == "Removed: 1 file.\n"


def test_each_operation_of_the_admin_api_stands_on_lines_of_its_own(workspace):
    done = run(workspace, "api", "--help")
    listed = done.stdout.partition("Operations:\n")[2].partition("\n\nUSAGE")[0].splitlines()
    assert len(listed) > 40
    assert [text for text in listed if text.strip() and not text.startswith("  ")] == []


def test_the_commands_of_the_files_for_haproxy_give_all_that_the_files_ask_for():
    """What stands between quotes as a variable has to be in the command at the head."""
    for path in sorted((ROOT / "config/haproxy").glob("*.cfg")):
        text = path.read_text()
        head = "\n".join(row for row in text.splitlines() if row.startswith("#"))
        names = {part.partition("}")[0] for part in text.split("${")[1:]}
        assert [name for name in sorted(names) if f"{name}=" not in head] == [], path
