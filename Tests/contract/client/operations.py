"""What the tests ask of the real client, in terms that JSON can carry. Runs in worker.py only."""

import hashlib
import tempfile
from pathlib import Path

import huggingface_hub
from huggingface_hub import CommitOperationAdd, CommitOperationCopy, HfApi, HfFileSystem
from huggingface_hub import hf_hub_download, snapshot_download

api = HfApi()


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def version():
    return huggingface_hub.__version__


def token_that_is_found():
    return huggingface_hub.get_token()


def account(token=None):
    return api.whoami(token=token)["name"]


# Repositories


def create(name, exist_ok=False, kind=None):
    return str(api.create_repo(name, repo_type=kind, exist_ok=exist_ok))


def create_space(name):
    return str(api.create_repo(name, repo_type="space", space_sdk="static"))


def set_private(name, private):
    api.update_repo_settings(name, private=private)
    return api.model_info(name).private


def set_gated(name, gated, token):
    api.update_repo_settings(name, gated=gated, token=token)


def move(old, new):
    api.move_repo(old, new)


def delete(name, kind=None):
    api.delete_repo(name, repo_type=kind)


def info(name, revision=None):
    return api.model_info(name, revision=revision).id


def exists(name):
    return api.repo_exists(name)


def duplicate(old, new):
    return str(api.duplicate_repo(old, new)) if hasattr(api, "duplicate_repo") else None


# Files


def upload(repo, path, text, revision=None, parent=None, pull_request=None):
    done = api.upload_file(
        path_or_fileobj=text.encode(), path_in_repo=path, repo_id=repo, revision=revision, parent_commit=parent,
        create_pr=pull_request,
    )
    return {"url": done.commit_url, "oid": done.oid, "pull_request": done.pr_url}


def upload_many(repo, count):
    operations = [CommitOperationAdd(f"data/{number:04}.txt", b"x%d" % number) for number in range(count)]
    return api.create_commit(repo, operations, commit_message="Many").oid


def upload_folder(repo, files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return api.upload_folder(folder_path=folder, repo_id=repo).oid


def copy(repo, old, new):
    api.create_commit(repo, [CommitOperationCopy(old, new)], commit_message="Copy")


def delete_file(repo, path):
    api.delete_file(path, repo)


def download(repo, path, cache, revision=None, token=None):
    return sha256(hf_hub_download(repo, path, revision=revision, cache_dir=cache, token=token))


def metadata(repo, path):
    found = huggingface_hub.get_hf_file_metadata(huggingface_hub.hf_hub_url(repo, path))
    return {"etag": found.etag, "size": found.size, "commit": found.commit_hash, "location": found.location}


def snapshot(repo, cache):
    folder = Path(snapshot_download(repo, cache_dir=cache))
    return {str(path.relative_to(folder)): sha256(path) for path in folder.rglob("*") if path.is_file()}


# Lists


def models(filters=None):
    return sorted(model.id for model in api.list_models(**(filters or {})))


def models_in_pages_of(size):
    from huggingface_hub.utils import build_hf_headers
    from huggingface_hub.utils._pagination import paginate

    return [model["id"] for model in paginate(f"{api.endpoint}/api/models", {"limit": size}, build_hf_headers())]


def tree(repo, folder=None, recursive=False, expand=False):
    return [entry.path for entry in api.list_repo_tree(repo, folder, recursive=recursive, expand=expand)]


def paths(repo, names):
    return [entry.path for entry in api.get_paths_info(repo, names)]


def commits(repo, revision=None):
    return [commit.title for commit in api.list_repo_commits(repo, revision=revision)]


# Branches and tags


def create_branch(repo, name, revision=None, exist_ok=False):
    api.create_branch(repo, branch=name, revision=revision, exist_ok=exist_ok)


def delete_branch(repo, name):
    api.delete_branch(repo, branch=name)


def create_tag(repo, name, revision=None):
    api.create_tag(repo, tag=name, revision=revision)


def delete_tag(repo, name):
    api.delete_tag(repo, tag=name)


def refs(repo):
    found = api.list_repo_refs(repo)
    return {"branches": [branch.name for branch in found.branches], "tags": [tag.name for tag in found.tags]}


# Talk


def open_discussion(repo, title):
    made = api.create_discussion(repo, title, description="Why?")
    return {"number": made.num, "url": made.url}


def answer_and_close(repo, number):
    api.comment_discussion(repo, number, "Because.")
    api.change_discussion_status(repo, number, "closed")
    return api.get_discussion_details(repo, number).status


def title(repo, number):
    return api.get_discussion_details(repo, number).title


def discussions(repo):
    return [discussion.num for discussion in api.get_repo_discussions(repo)]


def merge(repo, number):
    api.merge_pull_request(repo, number)
    return api.get_discussion_details(repo, number).status


# Spaces


def add_secret(space, key, value):
    api.add_space_secret(space, key, value)


def delete_secret(space, key):
    api.delete_space_secret(space, key)


def add_variable(space, key, value):
    return sorted(api.add_space_variable(space, key, value))


# As a file system


def read_ranges(path, ranges, block_size):
    files = HfFileSystem(skip_instance_cache=True)
    with files.open(path, "rb", block_size=block_size) as file:
        pieces = []
        for start, length in ranges:
            file.seek(start)
            pieces.append(file.read(length).hex())
        return {"size": file.size, "pieces": pieces}


def cat_range(path, start, end):
    return HfFileSystem(skip_instance_cache=True).cat_file(path, start=start, end=end).hex()


def file_system_writes(repo):
    files = HfFileSystem(skip_instance_cache=True)
    with files.open(f"{repo}/a.txt", "w") as file:
        file.write("text")
    files.cp_file(f"{repo}/a.txt", f"{repo}/b.txt")
    files.rm(f"{repo}/a.txt")
    return {"there": files.glob(f"{repo}/*.txt"), "text": files.read_text(f"{repo}/b.txt")}
