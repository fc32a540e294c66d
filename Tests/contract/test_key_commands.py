"""`hubgate keys`, `state` and `init`: what they print, what they refuse, and with which code they end."""

import json
import os
import re
import resource
import sqlite3
import stat
import subprocess
import threading

import pytest

from gate import BINARY, ROOT, clean_environment, run, shown
from keys import Keys

FORM = re.compile(r"hg_[0-9A-Za-z]{10}_[0-9A-Za-z]{49}")


def refused(done, code, *words):
    assert done.returncode == code and not done.stdout, (done.returncode, done.stdout, done.stderr)
    for word in words:
        assert word in done.stderr, done.stderr


def test_a_key_is_shown_once_and_alone_on_standard_output(keys):
    done = keys.run("keys", "create", "ml", "--allow", "read acme/*", "--allow", "write,create model:acme/t-*", "--deny", "delete *",
                    "--expires", "90d", "--as", "acme", "--rate", "600/m", "--note", "for the ML team")  # fmt: skip
    key = done.stdout.strip()
    assert FORM.fullmatch(key) and "not shown again" in done.stderr
    shown = keys.show("ml")
    assert shown["allow"] == ["read acme/*", "write,create model:acme/t-*"] and shown["deny"] == ["delete *"]
    assert shown["as"] == "acme" and shown["rate"] == "600/m" and shown["note"] == "for the ML team" and key.startswith(shown["id"])
    assert shown["expires"] > shown["created"]
    for file in keys.state.iterdir():
        assert key[14:].encode() not in file.read_bytes()
    for words in (["list"], ["list", "--json"], ["show", "ml"], ["show", "ml", "--json"]):
        assert key[14:] not in keys.run("keys", *words).stdout


def test_json_of_a_new_key_has_it(keys):
    made = json.loads(keys.run("keys", "create", "ml", "--role", "reader", "--json").stdout)
    assert FORM.fullmatch(made["key"]) and made["name"] == "ml"
    assert "key" not in keys.show("ml")


def test_the_table_has_a_line_for_each_key_and_its_columns_stand_below_each_other(keys):
    assert "no keys" in keys.run("keys", "list").stdout
    keys.create("a")
    keys.create("a-much-longer-name", "--allow", "read acme/*", "--expires", "1d")
    keys.create("gone")
    keys.revoke("gone")
    lines = keys.run("keys", "list").stdout.splitlines()
    assert len(lines) == 3 and lines[0].split()[:3] == ["NAME", "ID", "STATUS"]
    assert len({line.index("hg_") for line in lines[1:]} | {lines[0].index("ID")}) == 1
    assert "read acme/*" in lines[2]
    assert len(keys.run("keys", "list", "--all").stdout.splitlines()) == 4


def test_edit_changes_what_is_given_and_nothing_else(keys):
    keys.create("ml", "--allow", "read acme/*", "--deny", "delete *", "--role", "reader", "--note", "n", "--expires", "1d")
    before = keys.show("ml")
    keys.run("keys", "edit", "ml", "--allow", "read b/*", "--expires", "never", "--role", "")
    after = keys.show("ml")
    assert after["allow"] == ["read b/*"] and after["expires"] is None and after["role"] is None
    same = ("deny", "note", "id", "created", "as", "rate")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    keys.run("keys", "edit", "ml", "--deny", "", "--rename", "other")
    assert keys.show("other")["deny"] == []
    refused(keys.run("keys", "show", "ml", check=False), 66, "there is no key ml")


def test_a_name_is_taken_until_its_key_is_revoked(keys):
    first = keys.create("ml")
    refused(keys.run("keys", "create", "ml", "--role", "reader", check=False), 64, "already")
    keys.create("other")
    refused(keys.run("keys", "edit", "other", "--rename", "ml", check=False), 64, "already")
    keys.revoke("ml")
    for words in (["revoke", "ml"], ["rotate", "ml"], ["edit", "ml", "--note", "x"]):
        refused(keys.run("keys", *words, check=False), 66, "revoked")
    assert keys.create("ml") != first
    assert [key["name"] for key in keys.list("--all")].count("ml") == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["create"], "name"),
        (["create", "ml"], "a key needs a role, or rules that allow something"),
        (["create", "-", "--role", "reader"], "letters"),
        (["create", "a b", "--role", "reader"], "letters"),
        (["create", "x" * 65, "--role", "reader"], "64"),
        (["create", "é", "--role", "reader"], "letters"),
        (["create", "ml", "--role", "a b"], "--role"),
        (["create", "ml", "--allow", ""], "a key needs a role, or rules that allow something"),
        (["create", "ml", "--allow", "a\nb"], "one line"),
        (["create", "ml", "--allow", "x" * 257], "256"),
        (["create", "ml", *(["--allow", "read a"] * 101)], "100"),
        (["create", "ml", "--role", "reader", "--expires", "90"], "unit"),
        (["create", "ml", "--role", "reader", "--expires", "0d"], "unit"),
        (["create", "ml", "--role", "reader", "--expires", "-1d"], "expires"),
        (["create", "ml", "--role", "reader", "--expires", "99999999999999999999d"], "unit"),
        (["create", "ml", "--role", "reader", "--expires", "11y"], "unit"),
        (["create", "ml", "--role", "reader", "--rate", "x"], "rate"),
        (["create", "ml", "--role", "reader", "--rate", "0/m"], "rate"),
        (["create", "ml", "--role", "reader", "--rate", "5/w"], "rate"),
        (["create", "ml", "--role", "reader", "--as", "../../etc"], "credentials_dir"),
        (["create", "ml", "--role", "reader", "--note", "a\x1bb"], "--note"),
        (["create", "ml", "--role", "reader", "--secret", "x"], "Unknown option"),
        (["rotate", "ml", "--grace", "x"], "--grace"),
        (["nonsense"], "hubgate keys --help"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_what_is_wrong_is_said_with_code_64_and_changes_nothing(keys, words, said):
    refused(keys.run("keys", *words, check=False), 64, said)
    assert keys.list("--all") == []


def test_no_change_leaves_a_key_that_may_do_nothing(keys):
    keys.create("ml")
    for words in (["--role", ""], ["--role", "", "--deny", "write *"], ["--role", "", "--allow", ""]):
        refused(keys.run("keys", "edit", "ml", *words, check=False), 64, "a key needs a role, or rules that allow something")
    assert keys.show("ml")["role"] == "reader"
    keys.run("keys", "edit", "ml", "--role", "", "--allow", "read acme/*")
    refused(keys.run("keys", "edit", "ml", "--allow", "", check=False), 64, "a key needs a role, or rules that allow something")


def test_a_revoked_key_shows_no_old_secret(keys):
    keys.create("ml")
    keys.rotate("ml")
    assert "Old secret until" in keys.run("keys", "show", "ml").stdout
    assert "Old secret until" not in keys.run("keys", "revoke", "ml").stdout
    assert "Old secret until" not in keys.run("keys", "show", "ml").stdout


def test_an_audit_that_has_not_begun_and_a_state_of_another_user_say_what_to_do(keys):
    keys.create("ml")
    for words in (["audit", "show"], ["audit", "verify"]):
        refused(keys.run(*words, check=False), 66, "there is no audit yet", "access = keys begins it at its start")
    if os.geteuid() == 0:
        return  # Root may look everywhere.
    keys.state.parent.chmod(0o600)
    try:
        refused(keys.run("keys", "list", check=False), 77, "run it as the gateway's user")
    finally:
        keys.state.parent.chmod(0o700)


def test_keys_that_are_not_there_are_code_66(keys):
    keys.create("other")
    for words in (["show", "x"], ["edit", "x", "--note", "n"], ["rotate", "x"], ["revoke", "x"], ["explain", "x", "GET", "/"]):
        refused(keys.run("keys", *words, check=False), 66, "there is no key x")


def test_explain_says_what_the_state_of_the_key_decides(keys):
    keys.create("ml")
    keys.revoke("ml")
    assert json.loads(keys.run("keys", "explain", "ml", "GET", "/api/models", "--json").stdout) == {"allowed": False, "reason": "the key is revoked"}
    refused(keys.run("keys", "explain", "ml", "GET", "api", check=False), 64, "slash")


def test_explain_says_that_a_key_in_shadow_is_refused_nothing(keys):
    keys.create("ml", "--allow", "read acme/*", "--policy", "shadow")
    keys.create("strict", "--allow", "read acme/*")
    said = json.loads(keys.run("keys", "explain", "ml", "DELETE", "/api/models/acme/m/branch/dev", "--json").stdout)
    assert said["allowed"] is False and said["policy"].startswith("shadow: ")
    assert "\npolicy      shadow: " in keys.run("keys", "explain", "ml", "GET", "/api/models/acme/m").stdout
    assert "policy" not in json.loads(keys.run("keys", "explain", "strict", "GET", "/api/models/acme/m", "--json").stdout)


def test_commands_at_the_same_time_all_succeed(keys):
    keys.create("first")
    results = []
    threads = [threading.Thread(target=lambda n=n: results.append(keys.run("keys", "create", f"k{n}", "--role", "reader"))) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({done.stdout for done in results}) == 12 and len(keys.list()) == 13


# The file


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_files_are_for_their_owner_alone_whatever_the_umask(keys):
    before = os.umask(0)
    try:
        keys.create("ml")
        keys.run("state", "backup", str(keys.workspace / "b.db"))
    finally:
        os.umask(before)
    assert {mode(path) for path in [*keys.state.iterdir(), keys.workspace / "b.db"]} == {0o600}


def test_a_backup_is_whole_and_one_file_and_overwrites_nothing(keys):
    keys.create("ml")
    target = keys.workspace / "b.db"
    keys.run("state", "backup", str(target))
    assert [path.name for path in keys.workspace.glob("b.db*")] == ["b.db"]
    other = Keys(keys.workspace, keys.workspace / "restored")
    target.rename(other.database)
    assert other.list() == keys.list() and "is good" in other.run("state", "check").stdout
    there = keys.workspace / "there"
    there.write_text("precious")
    refused(keys.run("state", "backup", str(there), check=False), 64, "cannot be made")
    assert there.read_text() == "precious"


def test_a_damaged_database_is_named_by_each_command(keys):
    for n in range(8):
        keys.create(f"k{n}", *["--allow", "read " + "x" * 200] * 20)
    with open(keys.database, "r+b") as file:
        file.seek(2 * 4096)
        file.write(b"\xee" * 4096 * 4)
    done = keys.run("state", "check", check=False)
    refused(done, 65, "damaged")
    keys.database.write_bytes(b"")
    keys.run("state", "check")


def test_no_state_is_named(keys):
    absent = Keys.__new__(Keys)
    absent.workspace, absent.state = keys.workspace, keys.workspace / "absent"
    for words in (["keys", "list"], ["keys", "create", "x", "--role", "reader"], ["state", "check"], ["state", "backup", "b"]):
        refused(absent.run(*words, check=False), 78, "there is no directory", "hubgate init")
    refused(keys.run("state", "check", check=False), 66, "keys create")


def test_a_full_disk_is_said_and_leaves_a_good_database(keys):
    keys.create("first")
    # Less than the index of the journal has.
    size = 20 << 10

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    done = subprocess.run(
        [BINARY, "keys", "create", "x", "--role", "reader", "--state-dir", keys.state], cwd=keys.workspace,
        env=clean_environment(keys.workspace), preexec_fn=limited, capture_output=True, text=True, timeout=30)  # fmt: skip
    refused(done, 74, "cannot grow")
    assert [key["name"] for key in keys.list()] == ["first"] and "is good" in keys.run("state", "check").stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_full_file_system_and_a_read_only_one_are_said(keys, tmp_path, mount):
    mounted = mount(tmp_path / "small", "size=200k,mode=0700")
    small = Keys(keys.workspace, mounted)
    small.create("first")
    (mounted / "filler").write_bytes(b"")
    with open(mounted / "filler", "wb", buffering=0) as filler:
        try:
            while True:
                filler.write(b"x" * 1024)
        except OSError:
            pass
    refused(small.run("keys", "create", "x", "--role", "reader", check=False), 74, "small")
    (mounted / "filler").unlink()
    assert [key["name"] for key in small.list()] == ["first"]
    subprocess.run(["mount", "-o", "remount,ro", mounted], check=True)
    done = small.run("keys", "create", "x", "--role", "reader", check=False)
    assert done.returncode == 77 and shown(small.database) in done.stderr, done


def test_a_key_that_could_not_be_shown_is_no_success(keys):
    command = [BINARY, "keys", "create", "x", "--role", "reader", "--state-dir", keys.state]
    options = {"cwd": keys.workspace, "env": clean_environment(keys.workspace), "stderr": subprocess.PIPE, "text": True, "timeout": 30}
    with open("/dev/full", "w") as full:
        refused(subprocess.run(command, stdout=full, **options), 74, "standard output cannot be written")
    reader, writer = os.pipe()
    os.close(reader)
    # A reader that has had enough is no fault that has to be said. (A parent may leave SIGPIPE ignored.)
    done = subprocess.run([*command[:2], "list", *command[-2:]], stdout=writer, restore_signals=False, **options)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_database_that_another_keeps_locked_is_said_after_a_while(keys):
    keys.create("first")
    with sqlite3.connect(keys.database, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        refused(keys.run("keys", "create", "x", "--role", "reader", check=False), 75, "locked")
        # Reading waits for no lock.
        assert len(keys.list()) == 1
        other.execute("ROLLBACK")
    other.close()


# init, help


def test_init_makes_all_and_prints_the_two_lines_that_a_client_needs(tmp_path):
    workspace = tmp_path / "w"
    workspace.mkdir()
    state = workspace / "new"
    done = run(workspace, "init", "--state-dir", str(state))
    assert done.returncode == 0 and mode(state) == 0o700
    lines = done.stdout.splitlines()
    assert re.fullmatch(r"export HF_ENDPOINT=https://localhost:8080", lines[0])
    assert FORM.fullmatch(lines[1].removeprefix("export HF_TOKEN=")) and len(lines) == 2
    keys = Keys(workspace, state)
    assert [(key["name"], key["role"]) for key in keys.list()] == [("admin", "admin")]
    again = run(workspace, "init", "--state-dir", str(state))
    assert again.returncode == 73 and again.stdout == "" and len(keys.list()) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("spoil", ["script", "config", ".", "mode", "link", None])
def test_init_runs_no_script_that_another_user_could_have_put_there(tmp_path, spoil):
    workspace = tmp_path / "w"
    (workspace / "config").mkdir(parents=True)
    script = workspace / "config/make-certs.sh"
    script.write_text("touch ran; mkdir -p certs; touch certs/cert.pem\n")
    for path in (workspace, workspace / "config"):
        path.chmod(0o755)
    script.chmod(0o644)
    if spoil == "mode":
        script.chmod(0o664)
    elif spoil == "link":
        script.rename(workspace / "elsewhere")
        script.symlink_to("../elsewhere")
    elif spoil:
        os.chown({"script": script}.get(spoil, workspace / spoil), 65534, 65534)
    done = run(workspace, "init", "--state-dir", str(workspace / "new"))
    assert done.returncode == 0 and (workspace / "ran").exists() == (spoil is None), done.stderr
    assert (spoil is None) or ("is not run" in done.stderr and "make certs" in done.stderr)


def test_in_a_checkout_the_state_is_beside_it(tmp_path):
    workspace = tmp_path / "w"
    (workspace / ".state").mkdir(parents=True, mode=0o700)
    assert run(workspace, "keys", "create", "ml", "--role", "reader").returncode == 0
    assert (workspace / ".state/hubgate.db").exists()


def test_help_and_completion_name_each_command(tmp_path):
    workspace = tmp_path / "w"
    workspace.mkdir()
    for words in (["help"], ["--generate-completion-script", "bash"], ["--generate-completion-script", "zsh"]):
        done = run(workspace, *words)
        assert done.returncode == 0 and all(word in done.stdout for word in ("keys", "state", "init")), words
    for name in ("create", "list", "show", "edit", "rotate", "revoke", "explain"):
        assert f"hubgate keys {name}" in run(workspace, "keys", name, "--help").stdout
    assert "hubgate keys" in run(workspace, "--help").stdout
    script = run(workspace, "--generate-completion-script", "bash").stdout
    checked = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True)
    assert checked.returncode == 0, checked.stderr


def test_the_pattern_for_scanners_in_the_documents_finds_a_key_and_only_that(keys):
    page = (ROOT / "docs/keys.md").read_text()
    pattern = re.search(r"`(\\bhg_[^`]+)`", page)[1]
    text = f'token = "{keys.create("ml")}"; hf_xyz hg_short'
    assert re.findall(pattern, text) == [text.split('"')[1]]
