"""The real client from PyPI through the gateway, which is all that it may reach; it has no token.

Runs with whatever huggingface_hub the interpreter has; without one it is skipped:
    PYTHON -m pytest Tests/contract/test_hub_clients.py
Large files go to the Hub beside the gateway, as their upload does not lead through it yet.
"""

import hashlib
import importlib.util
import json
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gate import clean_environment
from hub import Hub

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("huggingface_hub") is None, reason="this interpreter has no huggingface_hub"
)

FOLDER = Path(__file__).parent / "client"
MEBIBYTE = 1 << 20
SECONDS = 60
# What new clients ask once a day, without the token.
UNASKED = "/api/agent-harnesses"


class ClientError(Exception):
    """What the client raised: the names of the exception's classes, and the status of the answer behind it."""

    def __init__(self, answer):
        super().__init__(answer["message"])
        self.kinds, self.status = answer["errors"], answer["status"]


class Client:
    """huggingface_hub in a process of its own."""

    def __init__(self, gate, directory, **variables):
        self.contacts_path = directory / "contacts"
        self.contacts_path.touch()
        self.port = str(gate.port)
        self.directory = directory
        self.environment = clean_environment(
            directory,
            HF_ENDPOINT=gate.origin,
            HF_HOME=str(directory / "hf"),
            HF_HUB_DISABLE_XET="1",
            HF_HUB_DISABLE_PROGRESS_BARS="1",
            HF_HUB_DISABLE_UPDATE_CHECK="1",
            SSL_CERT_FILE=str(gate.certificates.authority),
            REQUESTS_CA_BUNDLE=str(gate.certificates.authority),
            PYTHONPATH=str(FOLDER),
            PYTHONDONTWRITEBYTECODE="1",
            CONTACTS=str(self.contacts_path),
            **variables,
        )
        self.errors = open(directory / "errors", "w+")
        self.process = subprocess.Popen(
            [sys.executable, FOLDER / "worker.py"], cwd=directory, env=self.environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
        )

    def __call__(self, operation, *arguments):
        print(json.dumps({"operation": operation, "arguments": arguments}), file=self.process.stdin, flush=True)
        end = threading.Timer(SECONDS, self.process.kill)
        end.start()
        line = self.process.stdout.readline()
        end.cancel()
        assert line, f"The client ended, or took {SECONDS} s: {Path(self.errors.name).read_text()}"
        answer = json.loads(line)
        if "errors" in answer:
            raise ClientError(answer)
        return answer["value"]

    def hf(self, *arguments, check=True, **variables):
        """The command line."""
        entry = "from huggingface_hub.cli.hf import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", entry, *map(str, arguments)], cwd=self.directory,
            env={**self.environment, **variables}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=SECONDS,
        )
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    @property
    def contacts(self):
        return [tuple(line.split()) for line in self.contacts_path.read_text().splitlines()]

    def check_contacts(self, known=0):
        """All whom it has met must be the gateway, but for the first so many."""
        met = set(self.contacts[known:])
        assert met <= {(host, self.port) for host in ("localhost", "127.0.0.1", "::1")}, "it was led elsewhere"

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        finally:
            self.process.kill()
            self.process.stdout.close()
            self.errors.close()


@pytest.fixture(scope="module")
def hub(gate):
    return Hub(gate)


@pytest.fixture(scope="module")
def process(gate, tmp_path_factory):
    client = Client(gate, tmp_path_factory.mktemp("client"))
    yield client
    client.close()


@pytest.fixture
def client(process, hub):
    """Looks, when the test is over, at whom the client has met and with which credential the Hub was asked."""
    known, before = len(process.contacts), len(hub.journal())
    yield process
    process.check_contacts(known)
    journal = hub.journal()[before:]
    assert {entry["credential"] for entry in journal if entry["origin"] == "hub"} <= {"sandbox"}
    assert not any(entry["authorization"] for entry in journal if entry["origin"] == "cdn")


@pytest.fixture
def writes(hub, client):
    """The writes that have reached the Hub since it was asked last."""
    seen = len(hub.journal())

    def writes():
        nonlocal seen
        journal = hub.journal()
        new, seen = journal[seen:], len(journal)
        return [(entry["method"], entry["target"]) for entry in new if entry["method"] not in ("GET", "HEAD")]

    return writes


@pytest.fixture
def repo(client, request):
    name = f"sandbox/{request.node.name.removeprefix('test_').replace('[', '-').strip(']')}"
    client("create", name)
    yield name
    if client("exists", name):
        client("delete", name)


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


def digest(content):
    return hashlib.sha256(content if isinstance(content, bytes) else content.encode()).hexdigest()


def refused(client, *operation):
    with pytest.raises(ClientError) as refusal:
        client(*operation)
    return refusal.value


# Who


def test_no_contact_goes_unseen(process, hub):
    """The tests' own test: a connection to another place is found."""
    other = hub.cdn.rpartition(":")[2]
    code = f"import socket; socket.create_connection(('127.0.0.1', {other})).close()"
    subprocess.run([sys.executable, "-c", code], env=process.environment, check=True, timeout=SECONDS)
    assert ("127.0.0.1", other) in process.contacts


def test_account(client):
    assert client("token_that_is_found") is None
    # The client asks for nothing before it has some token; the gateway does not look at it.
    assert client("account", "hf_anything") == "sandbox"


# Repositories


def test_repository(client, gate, writes):
    made = f"{gate.origin}/sandbox/made"
    assert client("create", "sandbox/made") == made
    assert writes() == [("POST", "/api/repos/create")]
    assert client("create", "sandbox/made", True) == made
    assert refused(client, "create", "sandbox/made").status == 409
    assert len(writes()) == 2
    assert client("set_private", "sandbox/made", True) is True
    assert writes() == [("PUT", "/api/models/sandbox/made/settings")]
    client("move", "sandbox/made", "acme/moved")
    assert writes() == [("POST", "/api/repos/move")]
    assert client("info", "acme/moved") == "acme/moved"
    client("delete", "acme/moved")
    assert writes() == [("DELETE", "/api/repos/delete")]
    assert "RepositoryNotFoundError" in refused(client, "info", "acme/moved").kinds


@pytest.mark.parametrize("kind, place", [("dataset", "datasets/"), ("space", "spaces/")])
def test_other_kinds(client, gate, writes, kind, place):
    create = ("create_space", "sandbox/kind") if kind == "space" else ("create", "sandbox/kind", False, kind)
    assert client(*create) == f"{gate.origin}/{place}sandbox/kind"
    client("delete", "sandbox/kind", kind)
    assert writes() == [("POST", "/api/repos/create"), ("DELETE", "/api/repos/delete")]


def test_duplicate(client, gate):
    url = client("duplicate", "sandbox/demo", "sandbox/twin")
    if url is None:
        pytest.skip("this client cannot")
    assert url == f"{gate.origin}/sandbox/twin"
    client("delete", "sandbox/twin")


def test_renamed_repository(client, repo, hub, tmp_path):
    old, new = repo, "acme/renamed"
    client("upload", old, "a.txt", "text")
    hub.put_linked(old, "x.bin", noise(1000))
    client("move", old, new)
    try:
        assert client("info", old) == new
        assert client("download", old, "a.txt", tmp_path.as_posix()) == digest("text")
        assert client("download", old, "x.bin", tmp_path.as_posix()) == digest(noise(1000))
        assert client("tree", old) == client("tree", new)
    finally:
        client("delete", new)


def test_canonical_name(client, tmp_path):
    for name in ("config.json", "model.safetensors"):
        assert client("download", "gpt2", name, str(tmp_path / "old")) == client(
            "download", "openai-community/gpt2", name, str(tmp_path / "new")
        )


# Files


def test_regular_file(client, gate, repo, writes, tmp_path):
    writes()
    done = client("upload", repo, "a/b c+ä.txt", "hello\n")
    assert done["url"] == f"{gate.origin}/{repo}/commit/{done['oid']}"
    assert writes() == [("POST", f"/api/models/{repo}/preupload/main"), ("POST", f"/api/models/{repo}/commit/main")]
    assert client("download", repo, "a/b c+ä.txt", str(tmp_path)) == digest("hello\n")
    found = client("metadata", repo, "a/b c+ä.txt")
    assert (found["size"], found["commit"]) == (6, done["oid"])
    assert found["etag"] == "ce013625030ba8dba906f756967f9e9ca394464a"  # git hash-object


@pytest.mark.parametrize("size", [0, 1, MEBIBYTE + 1, 5 * MEBIBYTE])
def test_lfs_file(client, gate, repo, hub, tmp_path, size):
    content = noise(size)
    if size == 0:
        client("upload", repo, "x.bin", "")
    else:
        hub.put_linked(repo, "x.bin", content)
    assert client("download", repo, "x.bin", str(tmp_path)) == digest(content)
    found = client("metadata", repo, "x.bin")
    assert found["size"] == size
    assert found["etag"] == (digest(content) if size else "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391")
    assert found["location"].startswith(gate.origin)


def test_snapshot(client, repo, hub, writes, tmp_path):
    writes()
    files = {"README.md": "---\nlicense: mit\n---\n# See https://huggingface.co/x\n", "deep/er/x.json": "{}"}
    client("upload_folder", repo, files)
    assert sum("/commit/" in target for _, target in writes()) == 1
    hub.put_linked(repo, "weights.bin", noise(3 * MEBIBYTE))
    first = client("snapshot", repo, str(tmp_path))
    assert first.pop(".gitattributes")
    assert first == {
        **{name: digest(text) for name, text in files.items()}, "weights.bin": digest(noise(3 * MEBIBYTE))
    }
    # Again, all from the cache but for the question whether it is still the same.
    before = len(hub.journal())
    client("snapshot", repo, str(tmp_path))
    assert not [entry for entry in hub.journal()[before:] if entry["origin"] == "cdn"]


def test_copy_and_delete(client, repo, hub):
    hub.put_linked(repo, "a.bin", noise(100))
    client("copy", repo, "a.bin", "b.bin")
    client("delete_file", repo, "a.bin")
    assert client("tree", repo) == [".gitattributes", "b.bin"]
    assert client("paths", repo, ["b.bin", "no"]) == ["b.bin"]


def test_cut(client, repo, hub, tmp_path):
    """A download that breaks off must not be taken for whole; new clients go on where it did."""
    content = noise(2 * MEBIBYTE)
    hub.put_linked(repo, "x.bin", content)
    hub.cut(digest(content), MEBIBYTE)
    before = len(hub.journal())
    try:
        first = client("download", repo, "x.bin", str(tmp_path))
    except ClientError:
        assert client("version").startswith("0."), "only the old client gives up"
        first = client("download", repo, "x.bin", str(tmp_path))
    assert first == digest(content)
    assert sum(entry["origin"] == "cdn" for entry in hub.journal()[before:]) == 2


# Lists


def test_models(client):
    assert {"sandbox/demo", "other/shared"} <= set(client("models"))
    assert client("models", {"author": "other"}) == ["other/shared"]


def test_models_in_pages(client, hub):
    before = len(hub.journal())
    in_pages = client("models_in_pages_of", 2)
    pages = sum(entry["target"].startswith("/api/models?") for entry in hub.journal()[before:])
    assert in_pages == client("models_in_pages_of", 1000)
    assert pages == -(-len(in_pages) // 2) > 1


def test_long_tree(client, repo, hub):
    client("upload_many", repo, 1100)
    before = len(hub.journal())
    names = [f"data/{number:04}.txt" for number in range(1100)]
    assert client("tree", repo, "data") == names
    assert sum("/tree/" in entry["target"] for entry in hub.journal()[before:]) == 2
    # Smaller pages.
    assert client("tree", repo, "data", False, True) == names


# Branches, tags, talk


def test_branches_and_tags(client, repo, writes, tmp_path):
    first = client("upload", repo, "a.txt", "1")["oid"]
    writes()
    client("create_branch", repo, "feature/x", first)
    assert writes() == [("POST", f"/api/models/{repo}/branch/feature%2Fx")]
    client("create_branch", repo, "feature/x", None, True)
    assert refused(client, "create_branch", repo, "feature/x").status == 409
    client("create_tag", repo, "v1", "feature/x")
    assert refused(client, "create_tag", repo, "v1").status == 409
    client("upload", repo, "a.txt", "2", "feature/x")
    assert client("refs", repo) == {"branches": ["feature/x", "main"], "tags": ["v1"]}
    read = {name: client("download", repo, "a.txt", str(tmp_path), name) for name in ("feature/x", "v1", "main", first)}
    assert read == {"feature/x": digest("2"), "v1": digest("1"), "main": digest("1"), first: digest("1")}
    assert len(client("commits", repo, "feature/x")) == 3
    writes()
    client("delete_branch", repo, "feature/x")
    client("delete_tag", repo, "v1")
    assert writes() == [
        ("DELETE", f"/api/models/{repo}/branch/feature%2Fx"), ("DELETE", f"/api/models/{repo}/tag/v1")
    ]
    assert "RevisionNotFoundError" in refused(client, "info", repo, "feature/x").kinds


def test_discussions(client, gate, repo, writes):
    writes()
    made = client("open_discussion", repo, "Question")
    assert made == {"number": 1, "url": f"{gate.origin}/{repo}/discussions/1"}
    assert client("answer_and_close", repo, 1) == "closed"
    base = f"/api/models/{repo}/discussions"
    assert writes() == [("POST", base), ("POST", f"{base}/1/comment"), ("POST", f"{base}/1/status")]
    for number in range(12):
        client("open_discussion", repo, f"Number {number}")
    assert client("discussions", repo) == list(range(13, 0, -1))


def test_what_people_wrote_stays(client, repo, hub):
    """Also where it begins with the Hub's address, as the next edit would bring it back there."""
    text = f"{hub.origin}/{repo} is \"{hub.origin}/{repo}\""
    client("open_discussion", repo, text)
    assert client("title", repo, 1) == text


def test_pull_request(client, gate, repo, writes, tmp_path):
    writes()
    done = client("upload", repo, "new.txt", "new", None, None, True)
    assert done["pull_request"] == f"{gate.origin}/{repo}/discussions/1"
    assert len(writes()) == 2
    assert client("download", repo, "new.txt", str(tmp_path), "refs/pr/1") == digest("new")
    assert client("merge", repo, 1) == "merged"
    assert writes() == [("POST", f"/api/models/{repo}/discussions/1/merge")]
    assert client("download", repo, "new.txt", str(tmp_path)) == digest("new")


def test_secrets(client, writes):
    client("create_space", "sandbox/room")
    writes()
    client("add_secret", "sandbox/room", "KEY", "value")
    client("delete_secret", "sandbox/room", "KEY")
    assert client("add_variable", "sandbox/room", "MODE", "fast") == ["MODE"]
    path = "/api/spaces/sandbox/room"
    assert writes() == [("POST", f"{path}/secrets"), ("DELETE", f"{path}/secrets"), ("POST", f"{path}/variables")]
    client("delete", "sandbox/room", "space")


# As a file system


@pytest.mark.parametrize("linked", [False, True])
def test_ranges(client, hub, linked):
    repo = f"sandbox/ranges-{'linked' if linked else 'regular'}"
    client("create", repo)
    text = "".join(f"{number:07}\n" for number in range(8 * 1024))
    content = noise(2 * MEBIBYTE) if linked else text.encode()
    if linked:
        hub.put_linked(repo, "x.bin", content)
    else:
        client("upload", repo, "x.bin.txt", text)
    path = f"{repo}/x.bin" if linked else f"{repo}/x.bin.txt"
    size = len(content)
    ranges = [(0, 10), (size // 2, 100), (size - 10, 100), (5, 70_000)]
    read = client("read_ranges", path, ranges, 8192)
    assert read["size"] == size
    assert [bytes.fromhex(piece) for piece in read["pieces"]] == [content[start:][:length] for start, length in ranges]
    assert bytes.fromhex(client("cat_range", path, 100, 200)) == content[100:200]
    client("delete", repo)


def test_a_condition_on_the_range(client, gate, repo, hub):
    """The ETag of the gateway's answer counts, not the store's."""
    content = noise(1000)
    hub.put_linked(repo, "x.bin", content)
    for etag, status in ((digest(content), b"206"), ("other", b"200")):
        part = gate.curl(f"/{repo}/resolve/main/x.bin", "-r", "10-19", "-H", f'If-Range: "{etag}"').stdout
        head, _, body = part.partition(b"\r\n\r\n")
        assert head.split()[1] == status
        assert body == (content[10:20] if status == b"206" else content)


def test_file_system_writes(client, repo):
    assert client("file_system_writes", repo) == {"there": [f"{repo}/b.txt"], "text": "text"}


# Refusals


def test_missing_things(client, repo, tmp_path):
    missing = refused(client, "download", repo, "no.txt", str(tmp_path))
    assert "EntryNotFoundError" in missing.kinds
    assert missing.status == 404
    assert list(tmp_path.rglob(".no_exist/*/no.txt")), "the absence is remembered by commit"
    for operation in (("download", repo, ".gitattributes", str(tmp_path), "no"), ("info", repo, "no")):
        assert "RevisionNotFoundError" in refused(client, *operation).kinds
    for operation in (("download", "sandbox/no", "README.md", str(tmp_path)), ("info", "sandbox/no")):
        assert "RepositoryNotFoundError" in refused(client, *operation).kinds
    assert client("exists", "sandbox/no") is False


def test_refusals(client, repo, writes):
    first = client("upload", repo, "a.txt", "1")["oid"]
    client("upload", repo, "a.txt", "2")
    writes()
    stale = refused(client, "upload", repo, "b.txt", "3", None, first)
    assert stale.status == 412
    assert sum("/commit/" in target for _, target in writes()) == 1
    foreign = refused(client, "create", "readers/mine")
    assert foreign.status == 403
    assert "HfHubHTTPError" in foreign.kinds
    assert writes() == [("POST", "/api/repos/create")]
    assert refused(client, "upload", "other/shared", "b.txt", "3").status == 403


# With tokens of their own


def test_passthrough(start, tmp_path):
    gate = start("--access", "passthrough")
    hub = Hub(gate)
    (tmp_path / "client").mkdir()
    client = Client(gate, tmp_path / "client", HF_TOKEN="hf_other")
    try:
        assert client("account") == "other"
        assert "RepositoryNotFoundError" in refused(client, "info", "acme/tiny-bert").kinds
        assert refused(client, "create", "sandbox/mine").status == 403
        demo = client("download", "sandbox/demo", "model.safetensors", str(tmp_path / "own"))
        assert client("upload", "other/shared", "a.txt", "text")["oid"]
        asked = [entry for entry in hub.journal() if entry["origin"] == "hub"]
        assert {entry["credential"] for entry in asked if entry["target"] != UNASKED} == {"other"}
        assert {entry["credential"] for entry in asked if entry["target"] == UNASKED} <= {"none"}
        before = len(hub.journal())
        assert client("download", "sandbox/demo", "model.safetensors", str(tmp_path / "none"), None, False) == demo
        assert {entry["credential"] for entry in hub.journal()[before:]} == {"none"}
        client("set_gated", "sandbox/demo", "auto", "hf_sandbox")
        for token, status in (("hf_other", 403), (False, 401)):
            gated = refused(client, "download", "sandbox/demo", "config.json", str(tmp_path / "gated"), None, token)
            assert ("GatedRepoError" in gated.kinds, gated.status) == (True, status)
        assert "sandbox/demo" in client("models", {"author": "sandbox"})
        assert not any(entry["authorization"] for entry in hub.journal() if entry["origin"] == "cdn")
        client.check_contacts()
    finally:
        client.close()


# The command line


def test_command_line(client, gate, writes, tmp_path):
    old = client("version").startswith("0.")
    repos = "repo" if old else "repos"
    before = len(client.contacts)
    assert "sandbox" in client.hf("auth", "whoami", HF_TOKEN="hf_anything").stdout
    assert len(client.contacts) > before, "the command line is watched too"
    writes()
    client.hf(repos, "create", "sandbox/typed")
    assert writes() == [("POST", "/api/repos/create")]
    (tmp_path / "in/deep").mkdir(parents=True)
    (tmp_path / "in/deep/a.txt").write_text("text")
    done = client.hf("upload", "sandbox/typed", tmp_path / "in", ".")
    assert gate.origin in done.stdout
    assert sum("/commit/" in target for _, target in writes()) == 1
    client.hf("download", "sandbox/typed", "--local-dir", tmp_path / "out")
    assert (tmp_path / "out/deep/a.txt").read_text() == "text"
    client.hf("download", "sandbox/demo", "model.safetensors", "--local-dir", tmp_path / "out")
    content = (tmp_path / "out/model.safetensors").read_bytes()
    assert digest(content) == client("metadata", "sandbox/demo", "model.safetensors")["etag"]
    if not old:
        writes()
        client.hf(repos, "delete", "sandbox/typed", "--yes")
        assert writes() == [("DELETE", "/api/repos/delete")]
    missing = client.hf("download", "sandbox/no", check=False)
    assert missing.returncode != 0
    assert "sandbox/no" in missing.stdout + missing.stderr


def test_command_line_of_today(client, gate, writes, tmp_path):
    """What was added after the first version."""
    if client("version")[:2] in ("0.", "1."):
        pytest.skip("this client has other commands")
    name = "sandbox/today"
    client.hf("repos", "create", name, "--exist-ok")
    writes()
    client.hf("repos", "settings", name, "--private")
    client.hf("repos", "branch", "create", name, "dev")
    client.hf("repos", "tag", "create", name, "v1")
    made = client.hf("discussions", "create", name, "--title", "Question", "--body", "Why?", "--json")
    assert json.loads(made.stdout)["url"] == f"{gate.origin}/{name}/discussions/1"
    base = f"/api/models/{name}"
    assert writes() == [
        ("PUT", f"{base}/settings"),
        ("POST", f"{base}/branch/dev"),
        ("POST", f"{base}/tag/main"),
        ("POST", f"{base}/discussions"),
    ]
    client.hf("repos", "move", name, "acme/today")
    client.hf("cp", f"hf://{name}/.gitattributes", tmp_path / "copy")
    assert (tmp_path / "copy").read_text()
    assert "acme/today" in client.hf("models", "ls", "--author", "acme", "--quiet").stdout
    client.hf("repos", "delete", "acme/today", "--yes")
