"""git and Git LFS with gateway keys as the password of Basic, and git's own server as the Hub."""

import base64
import json
import shutil
import subprocess
import time

import pytest

from clients import noise
from fakehub import FakeHub, http
from gate import clean_environment
from git_hub import LFS, HubOfGit
from keys import Keys

SCOPES = {"reader": "reader acme/*", "writer": "writer acme/*", "stranger": "writer nobody/*", "talker": "read,discuss acme/*"}
LARGE = noise(200_000)


class HubThatSaysLess(HubOfGit):
    """Its batches do not say that an object is authenticated, so git-lfs shows its own credential wherever it goes."""

    def _batch(self, request, connection):
        return super()._batch(request, connection).replace(b'"authenticated": true', b'"authenticated": null')


class HubWithCredentials(HubOfGit):
    """It names the credential by which it is told that an object is there."""

    def _batch(self, request, connection):
        head, _, body = super()._batch(request, connection).partition(b"\r\n\r\n")
        order = json.loads(body)
        for entry in order["objects"]:
            if "verify" in entry["actions"]:
                entry["actions"]["verify"]["header"] = {"Authorization": "Basic b2YtdGhlOkh1Yg=="}
        return http(200, json.dumps(order).encode(), LFS)


class Git:
    """Runs git in a folder of its own, with no setting of this machine's and a key in the URL."""

    def __init__(self, gate, made, directory, hub, of_git, keys):
        self.of_git, self.keys = of_git, keys
        self.gate, self.made, self.directory, self.hub = gate, made, directory, hub
        directory.mkdir()
        identity = {f"GIT_{who}_{what}": "a@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        self.environment = clean_environment(
            directory, GIT_CONFIG_NOSYSTEM="1", GIT_TERMINAL_PROMPT="0", GIT_ASKPASS="/bin/false",
            GIT_SSL_CAINFO=str(gate.certificates.authority), **identity)  # fmt: skip

    def remote(self, name, repo="acme/model"):
        who = f"user:{self.made[name]}@" if name else ""
        return f"https://{who}localhost:{self.gate.port}/{repo}"

    def __call__(self, *words, check=True, **variables):
        done = subprocess.run(
            ["git", *map(str, words)], cwd=self.directory, env={**self.environment, **variables}, capture_output=True, text=True, timeout=60,
            stdin=subprocess.DEVNULL)  # fmt: skip
        if check:
            assert done.returncode == 0, f"{words}: {done.stderr}"
        return done

    def commit(self, folder, **contents):
        for name, content in contents.items():
            (self.directory / folder / name).write_bytes(content)
        self("-C", folder, "add", "-A")
        self("-C", folder, "commit", "-q", "-m", "files")

    def push(self, folder, name, **options):
        return self("-C", folder, "push", "-q", self.remote(name), "HEAD:main", **options)

    def read(self, path):
        return (self.directory / path).read_bytes()


@pytest.fixture
def git(request, start_before, hub, tmp_path):
    store = FakeHub()
    of_git = getattr(request, "param", HubOfGit)(hub, store, tmp_path)
    operator = tmp_path / "operator"
    operator.mkdir()
    keys = Keys(operator)
    made = {name: keys.create(name, "--allow", rule) for name, rule in SCOPES.items()}
    gate = start_before(hub, "--access", "keys", "--state-dir", str(keys.state), "--content-hosts", store.url)
    yield Git(gate, made, tmp_path / "git", hub, of_git, keys)
    for arrived in [*hub.requests, *store.requests]:
        for key in made.values():
            assert key.encode() not in arrived.head and base64.b64encode(f"user:{key}".encode()) not in arrived.head
    assert {arrived["Authorization"] for arrived in hub.requests} <= {"Bearer hf_of_the_gate"}
    assert {arrived["Authorization"] for arrived in store.requests} <= {None}
    assert of_git.bare.exists()
    store.close()


class HubThatIsSlow(HubOfGit):
    """Its store calls `at_first` when the first object has come."""

    at_first = None

    def _store(self, request, connection):
        answer = super()._store(request, connection)
        at_first, self.at_first = self.at_first, None
        if at_first:
            at_first()
        return answer


def packs(hub):
    return [arrived.target for arrived in hub.requests if "git-receive-pack" in arrived.target]


def test_a_writer_pushes_what_a_reader_clones_and_a_reader_pushes_nothing(git):
    git("clone", "-q", git.remote("writer"), "work")
    git.commit("work", text=b"one\n")
    git.push("work", "writer")
    for ending in ("", ".git"):
        git("clone", "-q", git.remote("reader") + ending, f"read{ending}")
        assert git.read(f"read{ending}/text") == b"one\n"
    git.commit("read", text=b"two\n")
    before = len(packs(git.hub))
    for name in ("reader", "talker"):
        for options in ((), ("-c", "protocol.version=0"), ("-c", "http.postBuffer=1000")):
            refused = git(*options, "-C", "read", "push", "-q", git.remote(name), "HEAD:main", check=False)
            assert refused.returncode != 0 and "403" in refused.stderr, refused.stderr
        pushed = git("-C", "read", "push", "-q", git.remote(name), "HEAD:refs/pr/1", check=False)
        assert pushed.returncode != 0
    assert len(packs(git.hub)) == before
    git("clone", "-q", git.remote("reader"), "after")
    assert git.read("after/text") == b"one\n"


def test_for_a_key_out_of_its_scope_and_for_none_there_is_no_repository(git):
    before = len(git.hub.requests)
    refused = git("clone", "-q", git.remote("stranger"), "x", check=False)
    assert refused.returncode != 0 and "not found" in refused.stderr
    refused = git("clone", "-q", git.remote(None), "x", check=False)
    assert refused.returncode != 0 and "not found" not in refused.stderr
    assert len(git.hub.requests) == before


@pytest.mark.skipif(not shutil.which("git-lfs"), reason="git-lfs is not installed")
@pytest.mark.parametrize("git", [HubOfGit, HubThatSaysLess, HubWithCredentials], indirect=True, ids=lambda hub: hub.__name__)
def test_large_files_go_up_with_a_writer_and_come_with_a_reader(git):
    git("lfs", "install", "--skip-repo")
    git("clone", "-q", git.remote("writer"), "work")
    git("-C", "work", "lfs", "track", "*.bin")
    git.commit("work", **{"large.bin": LARGE})
    git("-C", "work", "push", "-q", "origin", "HEAD:main")
    git("clone", "-q", git.remote("reader"), "read")
    assert git.read("read/large.bin") == LARGE
    assert any(arrived.target.endswith("/objects/verify") for arrived in git.hub.requests)
    git.commit("read", **{"large.bin": LARGE[::-1]})
    before = len(packs(git.hub))
    refused = git("-C", "read", "push", "-q", "origin", "HEAD:main", check=False)
    assert refused.returncode != 0 and len(packs(git.hub)) == before
    refused = git("-C", "read", "lfs", "push", "--all", "origin", check=False)
    assert refused.returncode != 0 and "Authorization error" in refused.stderr, refused.stderr
    uploads = [arrived for arrived in git.hub.requests if b'"operation":"upload"' in arrived.body.replace(b" ", b"")]
    assert len(uploads) == 1


@pytest.mark.skipif(not shutil.which("git-lfs"), reason="git-lfs is not installed")
@pytest.mark.parametrize("git", [HubThatIsSlow], indirect=True, ids=["slow"])
@pytest.mark.parametrize("rule", ["reader acme/*", "writer *"], ids=["narrowed", "widened"])
def test_an_edit_in_the_middle_of_an_upload_ends_it_clearly_or_lets_it_go_on(git, rule):
    """Objects go up one after the other; after the first the key is edited."""
    git("lfs", "install", "--skip-repo")
    git("clone", "-q", git.remote("writer"), "work")
    git("-C", "work", "config", "lfs.concurrenttransfers", "1")
    git("-C", "work", "lfs", "track", "*.bin")
    git.commit("work", **{f"large-{number}.bin": LARGE[number:] for number in range(4)})

    def edit():
        git.keys.run("keys", "edit", "writer", "--allow", rule)
        time.sleep(1.5)

    git.of_git.at_first = edit
    pushed = git("-C", "work", "push", "origin", "HEAD:main", check=False)
    if rule.startswith("reader"):
        assert pushed.returncode != 0 and len(git.of_git.objects) == 1 and not packs_of_push(git), pushed.stderr
        assert "Authorization error" in pushed.stderr, pushed.stderr
    else:
        # git-lfs asks for another address by itself.
        assert pushed.returncode == 0 and len(git.of_git.objects) == 4, pushed.stderr


def packs_of_push(git):
    return [target for target in packs(git.hub) if target.endswith("/git-receive-pack")]
