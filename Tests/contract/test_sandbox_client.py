"""The real client from PyPI straight against the sandbox: what holds here must hold through the gateway.

Runs with whatever huggingface_hub the interpreter has; without one it is skipped:
    PYTHON -m pytest Tests/contract/test_sandbox_client.py
"""

import importlib.util
import os
import random
import time

import pytest

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("huggingface_hub") is None, reason="this interpreter has no huggingface_hub"
)

MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def hub(sandbox_hub):
    return sandbox_hub


@pytest.fixture(scope="module")
def client(hub, tmp_path_factory):
    """huggingface_hub reads its environment when it is imported, so that comes first."""
    variables = hub.variables(tmp_path_factory.mktemp("home"))
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    import huggingface_hub
    import huggingface_hub.constants
    import huggingface_hub.errors

    assert huggingface_hub.constants.ENDPOINT == hub.origin
    yield huggingface_hub
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})


@pytest.fixture(scope="module")
def api(client):
    return client.HfApi()


@pytest.fixture
def repo(api, request):
    name = f"sandbox/{request.node.name.replace('[', '-').strip(']')}"
    api.create_repo(name)
    yield name
    api.delete_repo(name, missing_ok=True)


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


def test_account(api):
    assert api.whoami()["name"] == "sandbox"


def test_repository(api, client):
    url = api.create_repo("sandbox/made", private=True, exist_ok=True)
    assert url.repo_id == "sandbox/made"
    assert api.create_repo("sandbox/made", exist_ok=True).repo_id == "sandbox/made"
    with pytest.raises(client.errors.HfHubHTTPError) as refusal:
        api.create_repo("sandbox/made")
    assert refusal.value.response.status_code == 409
    api.update_repo_settings("sandbox/made", private=False)
    assert api.model_info("sandbox/made").private is False
    api.move_repo("sandbox/made", "acme/moved")
    assert api.model_info("sandbox/made").id == "acme/moved"
    api.delete_repo("acme/moved")
    with pytest.raises(client.errors.RepositoryNotFoundError):
        api.model_info("acme/moved")


def test_lists_in_pages(api):
    assert {"sandbox/demo", "other/shared"} <= {model.id for model in api.list_models(limit=2000)}
    assert [dataset.id for dataset in api.list_datasets(author="sandbox")] == ["sandbox/squad-mini"]
    assert [space.id for space in api.list_spaces(search="hello")] == ["sandbox/hello"]


def test_regular_file(api, repo, client, tmp_path):
    info = api.upload_file(path_or_fileobj=b"hello\n", path_in_repo="a/b c+ä.txt", repo_id=repo, commit_message="One")
    path = client.hf_hub_download(repo, "a/b c+ä.txt", cache_dir=tmp_path)
    assert open(path, "rb").read() == b"hello\n"
    assert info.oid in path
    assert api.list_repo_commits(repo)[0].commit_id == info.oid
    metadata = client.get_hf_file_metadata(client.hf_hub_url(repo, "a/b c+ä.txt"))
    assert (metadata.size, metadata.commit_hash) == (6, info.oid)
    assert metadata.etag == "ce013625030ba8dba906f756967f9e9ca394464a"  # git hash-object


@pytest.mark.parametrize("size", [1, 3 * MEBIBYTE, 5 * MEBIBYTE + 1, 12 * MEBIBYTE])
def test_lfs_file(api, repo, client, hub, tmp_path, size):
    content = noise(size)
    before = len(hub.journal())
    api.upload_file(path_or_fileobj=content, path_in_repo="model.safetensors", repo_id=repo)
    path = client.hf_hub_download(repo, "model.safetensors", cache_dir=tmp_path)
    assert open(path, "rb").read() == content
    journal = hub.journal()[before:]
    assert not any(entry["authorization"] for entry in journal if entry["origin"] == "cdn")
    puts = [entry for entry in journal if entry["method"] == "PUT"]
    assert [entry["origin"] for entry in puts] == ["cdn"] * (1 if size <= 5 * MEBIBYTE else -(-size // (5 * MEBIBYTE)))
    assert sum("/commit/main" in entry["target"] for entry in journal) == 1
    # The same again is not uploaded again.
    api.upload_file(path_or_fileobj=content, path_in_repo="copy.safetensors", repo_id=repo)
    assert sum(entry["method"] == "PUT" for entry in hub.journal()[before:]) == len(puts)


def test_folder_and_snapshot(api, repo, client, tmp_path):
    folder = tmp_path / "folder"
    (folder / "deep/er").mkdir(parents=True)
    files = {"README.md": b"---\nlicense: mit\n---\n# Hello\n", "deep/er/x.json": b"{}", "weights.bin": noise(11 * MEBIBYTE)}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    api.upload_folder(folder_path=folder, repo_id=repo)
    snapshot = client.snapshot_download(repo, cache_dir=tmp_path / "cache")
    assert {name: open(f"{snapshot}/{name}", "rb").read() for name in files} == files
    # Again, all from the cache but for the question whether it is still the same.
    assert client.snapshot_download(repo, cache_dir=tmp_path / "cache") == snapshot
    tree = {entry.path: entry for entry in api.list_repo_tree(repo, recursive=True, expand=True)}
    assert {"deep", "deep/er"} <= set(tree)
    assert tree["weights.bin"].lfs.size == 11 * MEBIBYTE
    assert tree["weights.bin"].last_commit.title.startswith("Upload folder")
    assert [entry.path for entry in api.list_repo_tree(repo, "deep/er")] == ["deep/er/x.json"]
    assert [info.path for info in api.get_paths_info(repo, ["deep", "weights.bin", "no"])] == ["deep", "weights.bin"]
    assert sorted(api.list_repo_files(repo)) == sorted([*files, ".gitattributes"])
    info = api.model_info(repo, files_metadata=True)
    assert {file.rfilename: file.size for file in info.siblings}["weights.bin"] == 11 * MEBIBYTE


def test_long_tree(api, repo, client):
    operations = [client.CommitOperationAdd(f"data/{number:04}.txt", b"x%d" % number) for number in range(1100)]
    api.create_commit(repo, operations, commit_message="Many")
    assert len(list(api.list_repo_tree(repo, "data"))) == 1100
    assert len(list(api.list_repo_tree(repo, "data", expand=True))) == 1100


def test_delete_copy_and_conflict(api, repo, client):
    first = api.upload_file(path_or_fileobj=b"1", path_in_repo="d/a.txt", repo_id=repo)
    api.upload_file(path_or_fileobj=noise(100), path_in_repo="d/a.bin", repo_id=repo)
    copies = [client.CommitOperationCopy("d/a.bin", "b.bin"), client.CommitOperationCopy("d/a.txt", "b.txt")]
    api.create_commit(repo, copies, commit_message="Copy")
    api.delete_folder("d", repo)
    api.delete_file("b.txt", repo)
    assert sorted(api.list_repo_files(repo)) == [".gitattributes", "b.bin"]
    with pytest.raises(client.errors.EntryNotFoundError):
        api.delete_file("d/a.txt", repo)
    with pytest.raises(client.errors.HfHubHTTPError) as refusal:
        api.upload_file(path_or_fileobj=b"2", path_in_repo="c", repo_id=repo, parent_commit=first.oid)
    assert refusal.value.response.status_code == 412


def test_branches_tags_history(api, repo, client, tmp_path):
    first = api.upload_file(path_or_fileobj=b"1", path_in_repo="a.txt", repo_id=repo)
    api.create_branch(repo, branch="feature/x", revision=first.oid)
    api.create_branch(repo, branch="feature/x", exist_ok=True)
    api.create_tag(repo, tag="v1", revision="feature/x")
    with pytest.raises(client.errors.HfHubHTTPError):
        api.create_tag(repo, tag="v1")
    api.upload_file(path_or_fileobj=b"2", path_in_repo="a.txt", repo_id=repo, revision="feature/x")
    refs = api.list_repo_refs(repo)
    assert [branch.name for branch in refs.branches] == ["feature/x", "main"]
    assert refs.tags[0].target_commit == first.oid
    read = lambda revision: open(client.hf_hub_download(repo, "a.txt", revision=revision, cache_dir=tmp_path)).read()
    assert (read("feature/x"), read("v1"), read("main"), read(first.oid)) == ("2", "1", "1", "1")
    assert len(api.list_repo_commits(repo, revision="feature/x")) == 3
    api.super_squash_history(repo, branch="feature/x")
    assert len(api.list_repo_commits(repo, revision="feature/x")) == 1
    api.delete_branch(repo, branch="feature/x")
    api.delete_tag(repo, tag="v1")
    with pytest.raises(client.errors.RevisionNotFoundError):
        api.model_info(repo, revision="feature/x")


def test_missing_things(client, repo, tmp_path):
    with pytest.raises(client.errors.EntryNotFoundError):
        client.hf_hub_download(repo, "no.txt", cache_dir=tmp_path)
    assert list(tmp_path.rglob(".no_exist/*/no.txt")), "the absence is remembered by commit"
    with pytest.raises(client.errors.RevisionNotFoundError):
        client.hf_hub_download(repo, "README.md", revision="no", cache_dir=tmp_path)
    with pytest.raises(client.errors.RepositoryNotFoundError):
        client.hf_hub_download("sandbox/no", "README.md", cache_dir=tmp_path)


def test_gated(api, client, tmp_path, repo):
    api.update_repo_settings(repo, gated="auto")
    with pytest.raises(client.errors.GatedRepoError):
        client.hf_hub_download(repo, ".gitattributes", cache_dir=tmp_path, token="hf_other")
    with pytest.raises(client.errors.GatedRepoError):
        client.hf_hub_download(repo, ".gitattributes", cache_dir=tmp_path, token=False)
    api.update_repo_settings(repo, gated=False)
    client.hf_hub_download(repo, ".gitattributes", cache_dir=tmp_path, token=False)


def test_canonical_name(client, tmp_path):
    for name in ("config.json", "model.safetensors"):
        assert client.hf_hub_download("gpt2", name, cache_dir=tmp_path)


def test_discussions(api, repo):
    made = api.create_discussion(repo, "Question", description="Why?")
    assert made.num == 1
    comment = api.comment_discussion(repo, 1, "Because.")
    assert api.edit_discussion_comment(repo, 1, comment.id, "Just because.").content == "Just because."
    assert api.hide_discussion_comment(repo, 1, comment.id).hidden
    assert api.rename_discussion(repo, 1, "Answered").new_title == "Answered"
    assert api.change_discussion_status(repo, 1, "closed", comment="Done").new_status == "closed"
    details = api.get_discussion_details(repo, 1)
    assert (details.title, details.status) == ("Answered", "closed")
    assert [event.type for event in details.events] == [
        "comment", "comment", "title-change", "comment", "status-change"
    ]
    for number in range(12):
        api.create_discussion(repo, f"Number {number}")
    assert [discussion.num for discussion in api.get_repo_discussions(repo)] == list(range(13, 0, -1))
    assert len(list(api.get_repo_discussions(repo, discussion_status="open"))) == 12


def test_pull_requests(api, repo, client, tmp_path):
    info = api.upload_file(path_or_fileobj=b"new", path_in_repo="new.bin", repo_id=repo, create_pr=True)
    assert (info.pr_num, info.pr_revision) == (1, "refs/pr/1")
    assert client.hf_hub_download(repo, "new.bin", revision="refs/pr/1", cache_dir=tmp_path)
    with pytest.raises(client.errors.EntryNotFoundError):
        client.hf_hub_download(repo, "new.bin", cache_dir=tmp_path)
    api.upload_file(path_or_fileobj=b"more", path_in_repo="more.txt", repo_id=repo, revision="refs/pr/1")
    assert [ref.ref for ref in api.list_repo_refs(repo, include_pull_requests=True).pull_requests] == ["refs/pr/1"]
    api.merge_pull_request(repo, 1, comment="Good")
    details = api.get_discussion_details(repo, 1)
    assert details.status == "merged"
    assert details.merge_commit_oid == api.model_info(repo).sha
    assert sorted(api.list_repo_files(repo)) == [".gitattributes", "more.txt", "new.bin"]
    draft = api.create_pull_request(repo, "Draft")
    assert (draft.status, draft.is_pull_request) == ("draft", True)
    # Without a comment this call has no body at all.
    api.merge_pull_request(repo, draft.num)


def test_likes(api, client, hub):
    from huggingface_hub.utils import get_session as session

    address = f"{hub.origin}/api/models/sandbox/demo/like"
    assert session().post(address, headers=api._build_hf_headers()).status_code == 200
    assert [user.username for user in api.list_repo_likers("sandbox/demo")] == ["sandbox"]
    assert api.list_liked_repos().models == ["sandbox/demo"]
    api.unlike("sandbox/demo")
    assert api.list_liked_repos("sandbox").total == 0


def test_spaces(api):
    space = "sandbox/room"
    api.create_repo(space, repo_type="space", space_sdk="gradio", space_variables=[{"key": "V", "value": "0"}])
    api.add_space_secret(space, "KEY", "value", description="What for")
    api.delete_space_secret(space, "KEY")
    assert set(api.add_space_variable(space, "MODE", "fast")) == {"MODE", "V"}
    assert api.get_space_variables(space)["MODE"].value == "fast"
    assert set(api.delete_space_variable(space, "V")) == {"MODE"}
    assert api.request_space_hardware(space, "t4-small").requested_hardware == "t4-small"
    assert api.set_space_sleep_time(space, 300).sleep_time == 300
    assert api.pause_space(space).stage == "PAUSED"
    assert api.restart_space(space, factory_reboot=True).stage == "RUNNING"
    assert api.get_space_runtime(space).stage == "RUNNING"
    api.delete_repo(space, repo_type="space")


def test_duplicate(api):
    if not hasattr(api, "duplicate_repo"):
        pytest.skip("this client cannot")
    assert api.duplicate_repo("sandbox/demo", "sandbox/twin").repo_id == "sandbox/twin"
    assert api.list_repo_files("sandbox/twin") == api.list_repo_files("sandbox/demo")
    api.delete_repo("sandbox/twin")


def test_datasets_are_apart(api, client, tmp_path):
    api.create_repo("sandbox/words", repo_type="dataset")
    api.upload_file(path_or_fileobj=noise(50), path_in_repo="a/x.parquet", repo_id="sandbox/words", repo_type="dataset")
    path = client.hf_hub_download("sandbox/words", "a/x.parquet", repo_type="dataset", cache_dir=tmp_path)
    assert open(path, "rb").read() == noise(50)
    api.delete_repo("sandbox/words", repo_type="dataset")


def test_file_system(repo, client):
    files = client.HfFileSystem()
    content = noise(7 * MEBIBYTE)
    with files.open(f"{repo}/deep/x.bin", "wb") as file:
        file.write(content)
    assert [entry["name"] for entry in files.ls(f"{repo}/deep")] == [f"{repo}/deep/x.bin"]
    with files.open(f"{repo}/deep/x.bin", "rb", block_size=MEBIBYTE) as file:
        file.seek(5 * MEBIBYTE)
        assert file.read(100) == content[5 * MEBIBYTE :][:100]
        file.seek(-10, 2)
        assert file.read() == content[-10:]
    assert files.cat_file(f"{repo}/deep/x.bin") == content
    with files.open(f"{repo}/a.txt", "w") as file:
        file.write("text")
    assert files.read_text(f"{repo}/a.txt") == "text"
    assert files.glob(f"{repo}/**/*.bin") == [f"{repo}/deep/x.bin"]
    files.cp_file(f"{repo}/a.txt", f"{repo}/b.txt")
    files.rm(f"{repo}/a.txt")
    assert not files.exists(f"{repo}/a.txt")
    assert files.exists(f"{repo}/b.txt")


def test_cards(api, repo, client):
    # Not by ModelCard.push_to_hub: before 2.0 it asks huggingface.co itself to look at the card.
    api.upload_file(path_or_fileobj=b"---\nlicense: mit\n---\n# Card\n", path_in_repo="README.md", repo_id=repo)
    assert client.ModelCard.load(repo).data.license == "mit"
    with pytest.raises(ValueError, match="metadata"):
        api.upload_file(path_or_fileobj=b"---\nlicense: mit\n", path_in_repo="README.md", repo_id=repo)


def test_resume(client, hub, repo, api, tmp_path):
    """A range of what a redirect leads to: what every resumed download asks for."""
    content = noise(2 * MEBIBYTE)
    api.upload_file(path_or_fileobj=content, path_in_repo="x.bin", repo_id=repo)
    metadata = client.get_hf_file_metadata(client.hf_hub_url(repo, "x.bin"))
    assert metadata.location.startswith(hub.cdn)
    from huggingface_hub.utils import get_session as session

    part = session().get(metadata.location, headers={"Range": f"bytes={MEBIBYTE}-"})
    assert part.status_code == 206
    assert part.headers["Content-Range"] == f"bytes {MEBIBYTE}-{2 * MEBIBYTE - 1}/{2 * MEBIBYTE}"
    assert part.content == content[MEBIBYTE:]
    beyond = session().get(metadata.location, headers={"Range": f"bytes={2 * MEBIBYTE}-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{2 * MEBIBYTE}")
    assert session().get(metadata.location, headers={"Authorization": "Bearer hf_sandbox"}).status_code == 400
    assert session().get(metadata.location[:-1] + "x").status_code == 403


def test_cut(client, hub, repo, api, tmp_path):
    """A download that breaks off must not be taken for whole, and is whole when it is called again."""
    content = noise(2 * MEBIBYTE)
    api.upload_file(path_or_fileobj=content, path_in_repo="x.bin", repo_id=repo)
    hub.cut(client.get_hf_file_metadata(client.hf_hub_url(repo, "x.bin")).etag, MEBIBYTE)
    before = len(hub.journal())
    try:
        client.hf_hub_download(repo, "x.bin", cache_dir=tmp_path)
    except Exception:  # Each HTTP library has its own.
        client.hf_hub_download(repo, "x.bin", cache_dir=tmp_path)
    path = client.hf_hub_download(repo, "x.bin", cache_dir=tmp_path)
    assert open(path, "rb").read() == content
    downloads = [e for e in hub.journal()[before:] if e["origin"] == "cdn" and e["method"] == "GET"]
    assert len(downloads) == 2


def test_inference(client, hub):
    chat = client.InferenceClient(base_url=f"{hub.origin}/v1", api_key="hf_sandbox")
    messages = [{"role": "user", "content": "one two three"}]
    assert chat.chat_completion(messages, model="m").choices[0].message.content == "You said: one two three"
    begin = time.monotonic()
    moments, text = [], ""
    for event in chat.chat_completion(messages, model="m", stream=True):
        moments.append(time.monotonic() - begin)
        text += event.choices[0].delta.content or ""
    assert text == "You said: one two three"
    assert moments[-1] - moments[0] > 0.05, "the events come one by one"
