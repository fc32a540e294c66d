"""`hubgate audit verify`: what was done to an audit afterwards is found, and where."""

import re
import shutil

import pytest

from audit import Audit
from fakehub import FakeHub, http
from gate import make_workspace, running_gate
from keys import Keys
from policy import JSON, request


@pytest.fixture(scope="module")
def written(tmp_path_factory, certificates):
    """An audit of three files and more, and the command line that knows its database."""
    directory = tmp_path_factory.mktemp("audited")
    keys = Keys(make_workspace(directory / "operator"), directory / "state")
    key = keys.create("k", "--role", "admin")
    hub = FakeHub()
    hub.otherwise = lambda *_: http(200, b"{}", JSON)
    flags = ["--upstream", hub.url, "--access", "keys", "--state-dir", str(keys.state), "--audit-rotate-size", "16KiB"]
    with running_gate(directory / "gate", certificates, *flags, HF_TOKEN="hf_of_the_gate") as gate:
        with gate.connect() as connection:
            for number in range(50):
                connection.send(request(key, "POST", f"/api/models/acme/m/branch/b-{number}"))
                assert connection.answer().status == 200
    hub.close()
    assert len(Audit(keys.state / "audit").files) >= 3
    return keys


def edit(path, change):
    lines = path.read_bytes().split(b"\n")
    change(lines)
    path.write_bytes(b"\n".join(lines))


def replace(lines, index, old, new):
    assert old in lines[index], lines[index]
    lines[index] = lines[index].replace(old, new, 1)


def name(files, index):
    return files[index].name


def swap(files, one, other):
    one, other = files[one], files[other]
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)


def rechain(lines, index):
    """An attacker who knows how the chain is made: all later lines are made to fit."""
    import hashlib

    for at in range(index + 1, len(lines) - 1):
        digest = hashlib.sha256(lines[at - 1]).hexdigest().encode()
        lines[at] = re.sub(rb'"prev":"[0-9a-f]{64}"', b'"prev":"%s"' % digest, lines[at], count=1)


# What is done to the files, and what is said of it: {0} is the name of the first file, and so on.
CASES = {
    "a changed name": (
        lambda files: edit(files[1], lambda lines: replace(lines, 5, b'"key":"k"', b'"key":"x"')), "{1}:6: it was changed"),
    "a changed key": (
        lambda files: edit(files[0], lambda lines: replace(lines, 4, b'"key":"k"', b'"key":"x"')), "{0}:5: it was changed"),
    "a changed first line": (
        lambda files: edit(files[1], lambda lines: replace(lines, 0, b'"run":"', b'"run":"0')), "{1}:1: it was changed"),
    "a changed link": (
        lambda files: edit(files[0], lambda lines: lines.__setitem__(
            7, re.sub(rb'"prev":"....', b'"prev":"0000', lines[7]))), "{0}:7: it was changed"),
    "the last line of a file changed": (
        lambda files: edit(files[0], lambda lines: replace(lines, -2, b'"key":"k"', b'"key":"x"')), "was changed"),
    "a removed line": (
        lambda files: edit(files[0], lambda lines: lines.pop(6)), "{0}:7: before it 1 line is missing"),
    "three removed lines": (
        lambda files: edit(files[1], lambda lines: lines.__delitem__(slice(6, 9))), "{1}:7: before it 3 lines are missing"),
    "the first line of a file removed": (
        lambda files: edit(files[1], lambda lines: lines.pop(0)), "{1}:1: it does not begin as a file"),
    "two lines in another order": (
        lambda files: edit(files[0], lambda lines: lines.__setitem__(slice(5, 7), lines[6:4:-1])),
        "{0}:7: it is out of its order"),
    "a doubled line": (
        lambda files: edit(files[0], lambda lines: lines.insert(6, lines[5])), "{0}:7: it is out of its order"),
    "a line that is none": (
        lambda files: edit(files[0], lambda lines: lines.insert(6, b'{"kind":"outcome"}')), "{0}:7: it is no line of an audit"),
    "two files in each other's place": (
        lambda files: swap(files, 0, 1), "{0}:1: it is another file, and was {1}"),
    "a removed file": (lambda files: files[1].unlink(), "{0}: files between it and the next are missing"),
    "the first file removed": (lambda files: files[0].unlink(), "{1}: what was before is missing: it goes on after {0}"),
    "a cut file": (
        lambda files: edit(files[0], lambda lines: lines.__delitem__(slice(-6, -1))), "{1}:1: before it 5 lines are missing"),
    "a cut within a line": (
        lambda files: files[0].write_bytes(files[0].read_bytes()[:-20]), "it ends in the middle of a line"),
    "the end cut": (
        lambda files: edit(files[-1], lambda lines: lines.__delitem__(slice(-4, -1))), "{-1}: the end is cut: lines"),
    "the last file removed": (lambda files: files[-1].unlink(), "{-2}: the end is cut: lines"),
    "all files removed": (lambda files: [path.unlink() for path in files], "the end is cut: all lines up to"),
    "the last line changed": (
        lambda files: edit(files[-1], lambda lines: replace(lines, -2, b'"kind":"stop"', b'"kind":"start"')),
        "it is not the line that was written: the database knows another"),
    "all that follows made to fit": (
        lambda files: [edit(files[-1], lambda lines: (replace(lines, 1, b'"run":"', b'"run":"0'), rechain(lines, 1)))],
        "it is not the line that was written: the database knows another"),
}  # fmt: skip
# Nothing in the files themselves shows these.
BY_THE_DATABASE = {"the end cut", "the last file removed", "all files removed", "the last line changed", "all that follows made to fit"}


@pytest.fixture
def copy(written, tmp_path):
    state = tmp_path / "state"
    shutil.copytree(written.state, state)
    return Keys(written.workspace, state)


def test_an_audit_as_it_was_written_is_good(copy):
    number = Audit(copy.state / "audit").check_chain()
    done = copy.run("audit", "verify")
    assert re.match(rf"Good: {number} lines in \d+ files?, from \d{{4}}-.*Z to \d{{4}}-.*Z\.\n", done.stdout), done.stdout
    assert "database" not in done.stdout


@pytest.mark.parametrize("name", CASES)
def test_what_was_done_to_an_audit_is_found_with_its_place(copy, name):
    audit = Audit(copy.state / "audit")
    files = audit.files
    change, words = CASES[name]
    change(files)
    words = re.sub(r"\{(-?\d)\}", lambda found: files[int(found[1])].name, words)
    done = copy.run("audit", "verify", check=False)
    assert done.returncode == 1 and words in done.stderr and not done.stdout, done.stderr
    assert "not what was written" in done.stderr.splitlines()[-1]
    assert len(done.stderr.splitlines()) <= 6, done.stderr


@pytest.mark.parametrize("name", sorted(BY_THE_DATABASE - {"all files removed"}))
def test_without_its_database_a_cut_end_cannot_be_seen_and_that_is_said(copy, name, tmp_path):
    files = Audit(copy.state / "audit").files
    CASES[name][0](files)
    elsewhere = tmp_path / "archive"
    shutil.copytree(copy.state / "audit", elsewhere)
    done = Keys(copy.workspace, tmp_path / "nothing").run("audit", "verify", str(elsewhere), check=False)
    assert "a cut end would not be seen" in done.stdout and done.returncode == 0, (done.stdout, done.stderr)


def test_what_is_no_audit_is_said(copy, tmp_path):
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    other = Keys(copy.workspace, tmp_path / "other-state")
    for words in ([str(nothing)], [str(tmp_path / "absent")], []):
        done = other.run("audit", "verify", *words, check=False)
        assert done.returncode == 66 and done.stderr.startswith("hubgate: "), (words, done)
