"""The real clients from PyPI through the gateway, which is all that they can reach; they have no token.

Each test runs with each client, in environments that run.sh makes. conftest.py looks at whom a client met, and at the
sandbox's journal, after each.
"""

import pytest

from clients import SECONDS, UNASKED, VARIANTS, Client, digest, noise
from hub import Hub
from waiting import wait_until

# The tests' own test


def test_no_contact_goes_unseen_or_gets_through(client):
    """Neither that of Python, nor that of Rust."""
    other = client.hub.cdn.rpartition(":")[2]
    connect = f"import socket; socket.create_connection(('127.0.0.1', {other}))"
    look_up = "import socket; socket.getaddrinfo('huggingface.co', 443)"
    for code, contact in ((connect, ("127.0.0.1", other)), (look_up, ("huggingface.co", "443"))):
        known = len(client.contacts)
        assert client.run("python", "-c", code, check=False).returncode != 0
        assert contact in client.contacts[known:]
        forget(client, known)


FETCH_WITH_XET = """
import hf_xet, sys, time
wanted = hf_xet.PyXetDownloadInfo(destination_path="got", hash="a" * 64, file_size=1)
hf_xet.download_files([wanted], sys.argv[1], ("token", int(time.time()) + 1000), None, None)
"""


def test_no_contact_of_xet_goes_unseen_or_gets_through(client):
    """hf_xet is told to ask the sandbox's CDN for a file; it tries for minutes."""
    other = client.hub.cdn.rpartition(":")[2]
    known, before = len(client.contacts), len(client.hub.journal())
    with client.popen("python", "-c", FETCH_WITH_XET, client.hub.cdn) as process:
        try:
            assert wait_until(lambda: ("127.0.0.1", other) in client.contacts[known:], SECONDS)
        finally:
            process.kill()
    assert len(client.hub.journal()) == before
    forget(client, known)


def forget(client, known):
    lines = client.contacts_path.read_text().splitlines(keepends=True)
    client.contacts_path.write_text("".join(lines[:known]))


# Who


def test_account(client):
    assert client("token_that_is_found") is None
    # The client asks for nothing before it has some token; the gateway does not look at it.
    assert client("account", "hf_anything") == "sandbox"
    assert client("person", "other") == "other"


# Repositories


def test_repository(client, name, writes):
    made = f"{client.gate.origin}/{name}"
    assert client("create", name) == made
    assert writes() == [("POST", "/api/repos/create")]
    assert client("create", name, True) == made
    assert client.refuses("create", name).status == 409
    assert len(writes()) == 2
    assert client("set_private", name, True) is True
    assert writes() == [("PUT", f"/api/models/{name}/settings")]
    moved = name.replace("sandbox/", "acme/")
    client("move", name, moved)
    assert writes() == [("POST", "/api/repos/move")]
    assert client("info", moved) == moved
    client("delete", moved)
    assert writes() == [("DELETE", "/api/repos/delete")]
    assert "RepositoryNotFoundError" in client.refuses("info", moved).kinds


@pytest.mark.parametrize("kind", ["dataset", "space"])
def test_other_kinds(client, writes, kind, tmp_path):
    name = "sandbox/kind"
    create = ("create_space", name) if kind == "space" else ("create", name, False, kind)
    assert client(*create) == f"{client.gate.origin}/{kind}s/{name}"
    (tmp_path / "a.txt").write_text("text")
    client("upload_from", str(tmp_path / "a.txt"), name, "a.txt", kind)
    assert client("download", name, "a.txt", str(tmp_path), None, None, kind) == digest("text")
    assert client("info_of_other_kind", name, kind) == name
    assert name in client(f"{kind}s", "sandbox")
    client("delete", name, kind)
    assert writes() == [
        ("POST", "/api/repos/create"), ("POST", f"/api/{kind}s/{name}/preupload/main"),
        ("POST", f"/api/{kind}s/{name}/commit/main"), ("DELETE", "/api/repos/delete"),
    ]


def test_duplicate(client, name, writes):
    if not client("can", "duplicate_repo"):
        pytest.skip("this client cannot")
    assert client("duplicate", "sandbox/demo", name) == f"{client.gate.origin}/{name}"
    assert writes() == [("POST", "/api/models/sandbox/demo/duplicate")]


def test_renamed_repository(client, repo, put, tmp_path):
    client("upload", repo, "a.txt", "text")
    put(repo, "x.bin", noise(1000))
    new = repo + "-new"
    client("move", repo, new)
    try:
        assert client("info", repo) == new
        assert client("download", repo, "a.txt", tmp_path.as_posix()) == digest("text")
        assert client("download", repo, "x.bin", tmp_path.as_posix()) == digest(noise(1000))
        assert client("tree", repo) == client("tree", new)
    finally:
        client("delete", new)


def test_canonical_name(client, tmp_path):
    for name in ("config.json", "model.safetensors"):
        assert client("download", "gpt2", name, str(tmp_path / "old")) == client(
            "download", "openai-community/gpt2", name, str(tmp_path / "new")
        )


def test_likes(client, repo):
    assert client("likes", repo) == {"likers": ["sandbox"], "liked": [repo], "after": []}


# Lists


def test_models(client):
    assert {"sandbox/demo", "other/shared"} <= set(client("models"))
    assert client("models", {"author": "other"}) == ["other/shared"]


def test_models_in_pages(client):
    before = len(client.hub.journal())
    in_pages = client("models_in_pages_of", 2)
    pages = sum(entry["target"].startswith("/api/models?") for entry in client.hub.journal()[before:])
    assert in_pages == client("models_in_pages_of", 1000)
    assert pages == -(-len(in_pages) // 2) > 1


def test_long_tree(client, repo):
    client("upload_many", repo, 1100)
    before = len(client.hub.journal())
    names = [f"data/{number:04}.txt" for number in range(1100)]
    assert client("tree", repo, "data") == names
    assert sum("/tree/" in entry["target"] for entry in client.hub.journal()[before:]) == 2
    # Smaller pages.
    assert client("tree", repo, "data", False, True) == names
    assert client("files", repo) == [".gitattributes", *names]


def test_long_history(client, repo):
    """More commits than a page of them has."""
    for number in range(55):
        client("upload", repo, "a.txt", str(number))
    before = len(client.hub.journal())
    assert len(client("commits", repo)) == 56
    assert sum("/commits/" in entry["target"] for entry in client.hub.journal()[before:]) == 2


# Branches, tags, talk


def test_branches_and_tags(client, repo, writes, tmp_path):
    first = client("upload", repo, "a.txt", "1")["oid"]
    writes()
    client("create_branch", repo, "feature/x", first)
    assert writes() == [("POST", f"/api/models/{repo}/branch/feature%2Fx")]
    client("create_branch", repo, "feature/x", None, True)
    assert client.refuses("create_branch", repo, "feature/x").status == 409
    client("create_tag", repo, "v1", "feature/x")
    assert client.refuses("create_tag", repo, "v1").status == 409
    client("upload", repo, "a.txt", "2", "feature/x")
    assert client("refs", repo) == {"branches": ["feature/x", "main"], "tags": ["v1"]}
    read = {name: client("download", repo, "a.txt", str(tmp_path), name) for name in ("feature/x", "v1", "main", first)}
    assert read == {"feature/x": digest("2"), "v1": digest("1"), "main": digest("1"), first: digest("1")}
    assert len(client("commits", repo, "feature/x")) == 3
    client("squash", repo, "feature/x")
    assert len(client("commits", repo, "feature/x")) == 1
    writes()
    client("delete_branch", repo, "feature/x")
    client("delete_tag", repo, "v1")
    assert writes() == [
        ("DELETE", f"/api/models/{repo}/branch/feature%2Fx"), ("DELETE", f"/api/models/{repo}/tag/v1")
    ]
    assert "RevisionNotFoundError" in client.refuses("info", repo, "feature/x").kinds


def test_discussions(client, repo, writes):
    writes()
    made = client("open_discussion", repo, "Question")
    assert made == {"number": 1, "url": f"{client.gate.origin}/{repo}/discussions/1"}
    assert client("talk", repo, 1) == {
        "title": "Answered", "status": "closed", "edited": "Just because.", "hidden": True
    }
    base = f"/api/models/{repo}/discussions"
    made, *contributions = writes()
    assert made == ("POST", base)
    assert [target.removeprefix(f"{base}/1/").partition("/")[0] for _, target in contributions] == [
        "comment", "comment", "comment", "title", "status"
    ]
    for number in range(12):
        client("open_discussion", repo, f"Number {number}")
    assert client("discussions", repo) == list(range(13, 0, -1))


def test_what_people_wrote_stays(client, repo):
    """Also where it begins with the Hub's address, as the next edit would bring it back there."""
    text = f"{client.hub.origin}/{repo} is \"{client.hub.origin}/{repo}\""
    client("open_discussion", repo, text)
    assert client("title", repo, 1) == text


def test_pull_request(client, repo, writes, tmp_path):
    writes()
    done = client("upload", repo, "new.txt", "new", None, None, True)
    assert done["pull_request"] == f"{client.gate.origin}/{repo}/discussions/1"
    assert len(writes()) == 2
    assert client("download", repo, "new.txt", str(tmp_path), "refs/pr/1") == digest("new")
    assert client("merge", repo, 1) == "merged"
    assert writes() == [("POST", f"/api/models/{repo}/discussions/1/merge")]
    assert client("download", repo, "new.txt", str(tmp_path)) == digest("new")
    assert client("open_pull_request", repo, "Draft") == 2


# Spaces


def test_space(client, writes):
    name = "sandbox/room"
    client("create_space", name)
    try:
        writes()
        client("add_secret", name, "KEPT", "value")
        client("add_secret", name, "KEY", "value")
        client("delete_secret", name, "KEY")
        assert client("add_variable", name, "MODE", "fast") == ["MODE"]
        assert client("variables", name) == {"MODE": "fast"}
        assert client("delete_variable", name, "MODE") == []
        path = f"/api/spaces/{name}"
        assert writes() == [
            ("POST", f"{path}/secrets"), ("POST", f"{path}/secrets"), ("DELETE", f"{path}/secrets"),
            ("POST", f"{path}/variables"), ("DELETE", f"{path}/variables"),
        ]
        if client("can", "get_space_secrets"):
            assert client("secrets", name) == ["KEPT"]
        assert client("run_space", name) == {
            "hardware": "t4-small", "sleep": 300, "paused": "PAUSED", "restarted": "RUNNING", "stage": "RUNNING"
        }
    finally:
        client("delete", name, "space")


# Inference


def test_chat(client):
    assert client("chat", "one two three", False) == {"text": "You said: one two three"}
    streamed = client("chat", "one two three", True)
    assert streamed["text"] == "You said: one two three"
    assert streamed["pieces"] >= 5


# Refusals


def test_missing_things(client, repo, tmp_path):
    missing = client.refuses("download", repo, "no.txt", str(tmp_path))
    assert "EntryNotFoundError" in missing.kinds
    assert missing.status == 404
    assert list(tmp_path.rglob(".no_exist/*/no.txt")), "the absence is remembered by commit"
    for operation in (("download", repo, ".gitattributes", str(tmp_path), "no"), ("info", repo, "no")):
        assert "RevisionNotFoundError" in client.refuses(*operation).kinds
    for operation in (("download", "sandbox/no", "README.md", str(tmp_path)), ("info", "sandbox/no")):
        assert "RepositoryNotFoundError" in client.refuses(*operation).kinds
    assert client("exists", "sandbox/no") == [False]
    assert client("exists", repo, "main", ".gitattributes") == [True, True, True]
    assert client("exists", repo, "no", "no") == [True, False, False]


def test_refusals(client, repo, writes):
    first = client("upload", repo, "a.txt", "1")["oid"]
    client("upload", repo, "a.txt", "2")
    writes()
    stale = client.refuses("upload", repo, "b.txt", "3", None, first)
    assert stale.status == 412
    assert sum("/commit/" in target for _, target in writes()) == 1
    foreign = client.refuses("create", "readers/mine")
    assert foreign.status == 403
    assert "HfHubHTTPError" in foreign.kinds
    assert writes() == [("POST", "/api/repos/create")]
    assert client.refuses("upload", "other/shared", "b.txt", "3").status == 403
    assert client.refuses("create_branch", repo, "a b").status == 400


# With tokens of their own


@pytest.fixture(params=[variant for variant in VARIANTS if not variant.uses_xet], ids=str)
def with_token(request, start, guard, tmp_path):
    """A client with a token of its own, before a gateway that passes it through."""
    gate = start("--access", "passthrough")
    directory = tmp_path / "client"
    directory.mkdir()
    client = Client(request.param, gate, Hub(gate), guard, directory, HF_TOKEN="hf_other")
    yield client
    client.report_to(request.node)
    client.close()
    client.check_contacts()


def test_passthrough(with_token, tmp_path):
    client, hub = with_token, with_token.hub
    assert client("account") == "other"
    assert "RepositoryNotFoundError" in client.refuses("info", "acme/tiny-bert").kinds
    assert client.refuses("create", "sandbox/mine").status == 403
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
        gated = client.refuses("download", "sandbox/demo", "config.json", str(tmp_path / "gated"), None, token)
        assert ("GatedRepoError" in gated.kinds, gated.status) == (True, status)
    assert "GatedRepoError" in client.refuses("auth_check", "sandbox/demo", "hf_other").kinds
    assert "sandbox/demo" in client("models", {"author": "sandbox"})
    assert not any(entry["authorization"] for entry in hub.journal() if entry["origin"] == "cdn")
