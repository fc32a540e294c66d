"""git and Git LFS from Debian through a gateway, with git's own server as the Hub and its large files in a store."""

import re

import pytest

from clients import MEBIBYTE, noise
from gate import ROOT
from git_hub import HubOfGit
from programs import install

LARGE = noise(9 * MEBIBYTE)


@pytest.fixture
def store(another_server):
    return another_server


@pytest.fixture
def hub_of_git(hub, store, tmp_path):
    return HubOfGit(hub, store, tmp_path)


@pytest.fixture
def files(start_before, hub_of_git, start_program):
    gate = start_before(hub_of_git.hub, "--content-hosts", hub_of_git.store.url)
    files = start_program(gate)
    files.remote = f"{gate.origin}/{hub_of_git.name}"
    return files


@pytest.fixture
def check_credentials(hub):
    yield
    for request in hub.requests:
        assert request["Authorization"] == "Bearer hf_of_the_gate", request.target


def make_commit(files, **contents):
    """A clone with one commit of these files more than the Hub has."""
    files.git("clone", "-q", files.remote, "work")
    for name, content in contents.items():
        (files.directory / "work" / name).write_bytes(content)
    files.git("-C", "work", "add", "-A")
    files.git("-C", "work", "commit", "-q", "-m", "files")


def push(files, *arguments, **variables):
    return files.git("-C", "work", *arguments, "push", "-q", "origin", "HEAD:main", **variables)


@pytest.mark.operation("git", "git push, git clone", "A repository there and back, over the Hub's address of it")
def test_git_pushes_and_clones(files, check_credentials):
    make_commit(files, text=b"one\n")
    push(files)
    files.git("clone", "-q", files.remote, "again")
    files.git("clone", "-q", files.remote + ".git", "with-ending")
    assert files.read("again/text") == files.read("with-ending/text") == b"one\n"


@pytest.mark.operation("git", "git clone --depth 1, git fetch --unshallow", "A history in part, and the rest of it")
def test_git_clones_in_part(files):
    make_commit(files, text=b"one\n")
    for number in range(20):
        files.git("-C", "work", "commit", "-q", "--allow-empty", "-m", str(number))
    push(files)
    files.git("clone", "-q", "--depth", "1", files.remote, "part")
    files.git("-C", "part", "fetch", "-q", "--unshallow")
    assert files.git("-C", "part", "rev-list", "--count", "HEAD").stdout.strip() == b"21"


@pytest.mark.operation("git", "git -c protocol.version=0", "The older protocol, as well as version 2")
def test_git_speaks_its_older_protocol(files, hub):
    make_commit(files, text=b"one\n")
    push(files)
    for version, field in (("0", None), ("2", "version=2")):
        files.git("-c", f"protocol.version={version}", "clone", "-q", files.remote, f"version-{version}")
        assert hub.requests[-1]["Git-Protocol"] == field
        assert files.read(f"version-{version}/text") == b"one\n"


@pytest.mark.operation("git", "git push (large)", "A pack that git sends in chunks, as it is above http.postBuffer")
def test_git_pushes_a_large_pack(files, hub):
    make_commit(files, noise=LARGE)
    push(files)
    packs = [request for request in hub.requests if request.target.endswith("/git-receive-pack")]
    assert packs[-1]["Transfer-Encoding"] == "chunked" and len(packs[-1].body) > len(LARGE)
    files.git("clone", "-q", files.remote, "again")
    assert files.read("again/noise") == LARGE


@pytest.mark.operation("git", "git clone (of no repository)", "Ends with the Hub's 404, and asks for no password")
def test_git_says_that_there_is_no_repository(files):
    refused = files.git("clone", files.gate.origin + "/acme/none", "none", check=False)
    assert refused.returncode == 128 and b"not found" in refused.stderr


@pytest.mark.operation("git", "git clone https://user:TOKEN@…", "With access = passthrough the password goes to the Hub")
def test_git_brings_its_own_password(start_before, hub_of_git, start_program):
    files = start_program(start_before(hub_of_git.hub, "--access", "passthrough", HF_TOKEN=""))
    remote = files.gate.origin.replace("https://", "https://user:hf_mine@")
    challenge = hub_of_git._serve

    def serve(request, connection):
        if request["Authorization"] is None:
            return b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"hub\"\r\nContent-Length: 0\r\n\r\n"
        return challenge(request, connection)

    hub_of_git.hub.on(f"/{hub_of_git.name}/info/refs", serve)
    files.git("clone", "-q", f"{remote}/{hub_of_git.name}", "work")
    assert hub_of_git.hub.requests[-1]["Authorization"] == "Basic dXNlcjpoZl9taW5l"


# Git LFS


def track(files):
    files.git("clone", "-q", files.remote, "work")
    files.git("-C", "work", "lfs", "install", "--local")
    files.git("-C", "work", "lfs", "track", "*.bin")
    for name, content in (("large.bin", LARGE), ("small.bin", b"small")):
        (files.directory / "work" / name).write_bytes(content)
    files.git("-C", "work", "add", "-A")
    files.git("-C", "work", "commit", "-q", "-m", "large")


def hosts(done):
    """Whom Git LFS has asked; it is written in Go, so that its contacts are not seen otherwise."""
    return set(re.findall(rb"^> Host: (\S+)\r?$", done.stderr, re.MULTILINE))


@pytest.mark.operation("git-lfs", "git push", "Large files go to the store through the gateway; then they are verified")
def test_lfs_pushes(files, hub, store, hub_of_git, check_credentials):
    track(files)
    done = push(files, GIT_CURL_VERBOSE="1")
    assert set(map(len, hub_of_git.objects.values())) == {len(LARGE), 5}
    assert hosts(done) == {f"localhost:{files.gate.port}".encode()}
    assert len(hub.seen(f"/{hub_of_git.name}.git/info/lfs/objects/verify")) == 2
    assert {request.method for request in store.requests} == {"PUT"}


@pytest.mark.operation("git-lfs", "git lfs pull", "Large files come from the store through the gateway")
def test_lfs_pulls(files, store, check_credentials):
    track(files)
    push(files)
    files.git("clone", "-q", files.remote, "again", GIT_LFS_SKIP_SMUDGE="1")
    assert files.read("again/large.bin").startswith(b"version https://git-lfs")
    files.git("-C", "again", "lfs", "install", "--local")
    done = files.git("-C", "again", "lfs", "pull", GIT_CURL_VERBOSE="1")
    assert (files.read("again/large.bin"), files.read("again/small.bin")) == (LARGE, b"small")
    assert hosts(done) == {f"localhost:{files.gate.port}".encode()}
    assert sorted(request.method for request in store.requests) == ["GET", "GET", "PUT", "PUT"]


@pytest.mark.operation("git-lfs", "git lfs pull", "Goes on with a range where a download broke off")
def test_lfs_resumes(files, store, hub_of_git):
    track(files)
    push(files)
    oid = next(oid for oid, content in hub_of_git.objects.items() if content == LARGE)
    seen = []

    def answer(request, connection):
        seen.append(request["Range"])
        if not request["Range"]:
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(LARGE) + LARGE[: 4 * MEBIBYTE])
            return None
        start = int(re.match(r"bytes=(\d+)-", request["Range"])[1])
        span = b"Content-Range: bytes %d-%d/%d" % (start, len(LARGE) - 1, len(LARGE))
        return (b"HTTP/1.1 206 Part\r\nContent-Length: %d\r\n%s\r\n\r\n" % (len(LARGE) - start, span)) + LARGE[start:]

    files.git("clone", "-q", files.remote, "again", GIT_LFS_SKIP_SMUDGE="1")
    original = hub_of_git._batch

    def batch(request, connection):
        answered = original(request, connection)
        store.on(f"/{oid}", answer)
        return answered

    hub_of_git.hub.on(f"/{hub_of_git.name}.git/info/lfs/objects/batch", batch)
    files.git("-C", "again", "lfs", "install", "--local")
    for _ in range(3):
        if files.git("-C", "again", "lfs", "pull", check=False).returncode == 0:
            break
    assert files.read("again/large.bin") == LARGE
    assert seen[0] is None and seen[-1] is not None


def test_lfs_objects_come_from_the_store_once_whoever_clones(start_before, hub_of_git, start_program, store, cache):
    if not install("git-lfs"):
        pytest.skip("git-lfs is not to be had")
    gate = start_before(hub_of_git.hub, "--content-hosts", store.url, "--cache-dir", str(cache))
    files = start_program(gate)
    files.remote = f"{gate.origin}/{hub_of_git.name}"
    track(files)
    push(files)
    for name in ("one", "two", "three"):
        files.git("clone", "-q", files.remote, name, GIT_LFS_SKIP_SMUDGE="1")
        files.git("-C", name, "lfs", "install", "--local")
        files.git("-C", name, "lfs", "pull")
        assert (files.read(f"{name}/large.bin"), files.read(f"{name}/small.bin")) == (LARGE, b"small")
    # The first byte alone says whether the store has it.
    assert sorted(request.method for request in store.requests if request["Range"] != "bytes=0-0") == ["GET", "GET", "PUT", "PUT"]


def test_the_documented_commands_work_as_they_are_written(files, hub_of_git):
    """But for the port and the repository; the second block in the clone, as it says."""
    if not install("git-lfs"):
        pytest.skip("git-lfs is not to be had")
    track(files)
    push(files)
    section = (ROOT / "docs/use.md").read_text().partition("\n## git\n")[2].partition("\n## ")[0]
    clone, pull = re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    (files.directory / "certs").symlink_to(files.authority.parent)
    for folder, block in (("", clone), ("model", pull)):
        commands = block.replace("https://localhost:8080/owner/name", files.remote)
        files.run("bash", "-ec", f"cd ./{folder}\n{commands}")
    assert files.read("model/large.bin") == LARGE
