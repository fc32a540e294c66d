"""What the tests ask of the real client, in terms that JSON can carry. Runs in worker.py only."""

import hashlib
import importlib.metadata
import platform
import tempfile
from pathlib import Path

import huggingface_hub
from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete, HfApi, HfFileSystem
from huggingface_hub import InferenceClient, ModelCard
from tried import Tried, tried

api = Tried(HfApi())
hf_hub_download = tried("hf_hub_download", huggingface_hub.hf_hub_download)
snapshot_download = tried("snapshot_download", huggingface_hub.snapshot_download)
get_hf_file_metadata = tried("get_hf_file_metadata", huggingface_hub.get_hf_file_metadata)
load_card = tried("ModelCard.load", ModelCard.load)

PACKAGES = ("huggingface_hub", "hf_xet", "httpx2", "httpx", "requests", "datasets", "transformers")


def file_system():
    return Tried(HfFileSystem(skip_instance_cache=True))


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def version():
    return huggingface_hub.__version__


def versions():
    """Of what the client consists of, and of the Python that runs it."""
    installed = {}
    for name in PACKAGES:
        try:
            installed[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {**installed, "Python": platform.python_version()}


def can(operation):
    """Whether this client has a method of HfApi."""
    return hasattr(api, operation)


def token_that_is_found():
    return huggingface_hub.get_token()


def account(token=None):
    return api.whoami(token=token)["name"]


# Repositories


def create(name, exist_ok=False, kind=None, private=None):
    return str(api.create_repo(name, repo_type=kind, exist_ok=exist_ok, private=private))


def create_space(name):
    return str(api.create_repo(name, repo_type="space", space_sdk="static"))


def set_private(name, private):
    api.update_repo_settings(name, private=private)
    return api.model_info(name).private


def set_gated(name, gated, token=None):
    api.update_repo_settings(name, gated=gated, token=token)


def move(old, new):
    api.move_repo(old, new)


def delete(name, kind=None, missing_ok=False):
    api.delete_repo(name, repo_type=kind, missing_ok=missing_ok)


def info(name, revision=None):
    return api.model_info(name, revision=revision).id


def info_of_other_kind(name, kind):
    return (api.dataset_info if kind == "dataset" else api.space_info)(name).id


def sizes(name):
    return {file.rfilename: file.size for file in api.model_info(name, files_metadata=True).siblings}


def exists(name, revision=None, path=None):
    found = [api.repo_exists(name)]
    if revision:
        found.append(api.revision_exists(name, revision))
    if path:
        found.append(api.file_exists(name, path))
    return found


def auth_check(name, token=None):
    api.auth_check(name, token=token)


def duplicate(old, new):
    return str(api.duplicate_repo(old, new))


# Files


def upload(repo, path, text, revision=None, parent=None, pull_request=None):
    done = api.upload_file(
        path_or_fileobj=text.encode(), path_in_repo=path, repo_id=repo, revision=revision, parent_commit=parent,
        create_pr=pull_request,
    )
    return {"url": done.commit_url, "oid": done.oid, "pull_request": done.pr_url}


def upload_from(local, repo, path, kind=None):
    return api.upload_file(path_or_fileobj=local, path_in_repo=path, repo_id=repo, repo_type=kind).oid


def upload_many(repo, count):
    operations = [CommitOperationAdd(f"data/{number:04}.txt", b"x%d" % number) for number in range(count)]
    return api.create_commit(repo, operations, commit_message="Many").oid


def upload_texts(repo, files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return api.upload_folder(folder_path=folder, repo_id=repo).oid


def upload_folder(repo, folder):
    return api.upload_folder(folder_path=folder, repo_id=repo).oid


def upload_large_folder(repo, folder):
    from huggingface_hub import _upload_large_folder

    # Its threads sleep for so long each time that they find nothing to do.
    _upload_large_folder.WAITING_TIME_IF_NO_TASKS = 0.1
    api.upload_large_folder(repo_id=repo, folder_path=folder, repo_type="model", print_report=False)


def preupload_then_commit(repo, path, local):
    """As those do who stream what they make: the bytes first, all of them in one commit later."""
    addition = CommitOperationAdd(path, local)
    api.preupload_lfs_files(repo, additions=[addition])
    return api.create_commit(repo, [addition], commit_message="Later").oid


def copy(repo, old, new):
    api.create_commit(repo, [CommitOperationCopy(old, new)], commit_message="Copy")


def delete_file(repo, path):
    api.delete_file(path, repo)


def delete_folder(repo, path):
    api.delete_folder(path, repo)


def replace(repo, old, new, text):
    """A deletion and an addition in one commit."""
    operations = [CommitOperationDelete(old), CommitOperationAdd(new, text.encode())]
    return api.create_commit(repo, operations, commit_message="Replace").oid


def download(repo, path, cache, revision=None, token=None, kind=None):
    return sha256(hf_hub_download(repo, path, revision=revision, cache_dir=cache, token=token, repo_type=kind))


def download_to(repo, path, folder):
    return sha256(hf_hub_download(repo, path, local_dir=folder))


def metadata(repo, path):
    found = get_hf_file_metadata(huggingface_hub.hf_hub_url(repo, path))
    xet = getattr(found, "xet_file_data", None)
    return {
        "etag": found.etag, "size": found.size, "commit": found.commit_hash, "location": found.location,
        "xet": xet and xet.file_hash,
    }


def snapshot(repo, cache, **options):
    folder = Path(snapshot_download(repo, cache_dir=cache, **options))
    return {str(path.relative_to(folder)): sha256(path) for path in folder.rglob("*") if path.is_file()}


def tensors(repo):
    """Reads the beginning of model.safetensors only."""
    return api.get_safetensors_metadata(repo).parameter_count


def card_license(repo):
    return load_card(repo).data.license


# Lists


def models(filters=None):
    return sorted(model.id for model in api.list_models(**(filters or {})))


def datasets(author):
    return sorted(dataset.id for dataset in api.list_datasets(author=author))


def spaces(author):
    return sorted(space.id for space in api.list_spaces(author=author))


def models_in_pages_of(size):
    from huggingface_hub.utils import build_hf_headers
    from huggingface_hub.utils._pagination import paginate

    return [model["id"] for model in paginate(f"{api.endpoint}/api/models", {"limit": size}, build_hf_headers())]


def tree(repo, folder=None, recursive=False, expand=False):
    return [entry.path for entry in api.list_repo_tree(repo, folder, recursive=recursive, expand=expand)]


def files(repo):
    return sorted(api.list_repo_files(repo))


def paths(repo, names):
    return [entry.path for entry in api.get_paths_info(repo, names)]


def commits(repo, revision=None):
    return [commit.title for commit in api.list_repo_commits(repo, revision=revision)]


def likes(repo):
    from huggingface_hub.utils import build_hf_headers, get_session

    get_session().post(f"{api.endpoint}/api/models/{repo}/like", headers=build_hf_headers()).raise_for_status()
    likers = [user.username for user in api.list_repo_likers(repo)]
    liked = api.list_liked_repos(likers[0]).models
    api.unlike(repo)
    return {"likers": likers, "liked": liked, "after": api.list_liked_repos(likers[0]).models}


def person(name):
    return api.get_user_overview(name).username


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


def squash(repo, branch):
    api.super_squash_history(repo, branch=branch)


# Talk


def open_discussion(repo, title):
    made = api.create_discussion(repo, title, description="Why?")
    return {"number": made.num, "url": made.url}


def talk(repo, number):
    """What a discussion consists of after each kind of contribution."""
    comment = api.comment_discussion(repo, number, "Because.")
    edited = api.edit_discussion_comment(repo, number, comment.id, "Just because.").content
    hidden = api.hide_discussion_comment(repo, number, comment.id).hidden
    api.rename_discussion(repo, number, "Answered")
    api.change_discussion_status(repo, number, "closed")
    details = api.get_discussion_details(repo, number)
    return {"title": details.title, "status": details.status, "edited": edited, "hidden": hidden}


def title(repo, number):
    return api.get_discussion_details(repo, number).title


def discussions(repo):
    return [discussion.num for discussion in api.get_repo_discussions(repo)]


def open_pull_request(repo, title):
    return api.create_pull_request(repo, title).num


def merge(repo, number):
    api.merge_pull_request(repo, number)
    return api.get_discussion_details(repo, number).status


# Spaces


def add_secret(space, key, value):
    api.add_space_secret(space, key, value)


def delete_secret(space, key):
    api.delete_space_secret(space, key)


def secrets(space):
    return sorted(api.get_space_secrets(space))


def add_variable(space, key, value):
    return sorted(api.add_space_variable(space, key, value))


def delete_variable(space, key):
    return sorted(api.delete_space_variable(space, key))


def variables(space):
    return {key: variable.value for key, variable in api.get_space_variables(space).items()}


def run_space(space):
    """The stages that it goes through, and its hardware and hours of sleep."""
    return {
        "hardware": api.request_space_hardware(space, "t4-small").requested_hardware,
        "sleep": api.set_space_sleep_time(space, 300).sleep_time,
        "paused": api.pause_space(space).stage,
        "restarted": api.restart_space(space, factory_reboot=True).stage,
        "stage": api.get_space_runtime(space).stage,
    }


# As a file system


def listing(path):
    return sorted(file_system().ls(path, detail=False))


def pattern(path):
    return sorted(file_system().glob(path))


def read_ranges(path, ranges, block_size):
    with file_system().open(path, "rb", block_size=block_size) as file:
        pieces = []
        for start, length in ranges:
            file.seek(start)
            pieces.append(file.read(length).hex())
        return {"size": file.size, "pieces": pieces}


def cat_range(path, start, end):
    return file_system().cat_file(path, start=start, end=end).hex()


def file_system_writes(repo):
    files = file_system()
    with files.open(f"{repo}/a.txt", "w") as file:
        file.write("text")
    files.cp_file(f"{repo}/a.txt", f"{repo}/b.txt")
    files.rm(f"{repo}/a.txt")
    return {"there": files.glob(f"{repo}/*.txt"), "text": files.read_text(f"{repo}/b.txt")}


def file_system_copies(local, path, back):
    files = file_system()
    files.put_file(local, path)
    files.get_file(path, back)
    return {"size": files.info(path)["size"], "exists": files.exists(path), "is_file": files.isfile(path)}


# Inference


def chat(text, stream):
    """The response, and in how many pieces it came."""
    chat = Tried(InferenceClient(base_url=f"{api.endpoint}/v1", api_key="hf_anything"))
    answer = chat.chat_completion([{"role": "user", "content": text}], model="any", stream=stream)
    if not stream:
        return {"text": answer.choices[0].message.content}
    pieces = [piece.choices[0].delta.content or "" for piece in answer]
    return {"text": "".join(pieces), "pieces": len(pieces)}


# The libraries that stand on it, where they are installed


def load_dataset(name):
    import datasets

    found = tried("datasets.load_dataset", datasets.load_dataset)(name)
    return {split: rows.to_list() for split, rows in found.items()}


def stream_dataset(name, split):
    import datasets

    return list(tried("datasets.load_dataset(streaming=True)", datasets.load_dataset)(name, split=split, streaming=True))


def load_config(name):
    from transformers import AutoConfig

    config = tried("transformers.AutoConfig.from_pretrained", AutoConfig.from_pretrained)(name)
    return {"kind": config.model_type, "hidden_size": config.hidden_size}


def tokenize(name, text):
    from transformers import AutoTokenizer

    return tried("transformers.AutoTokenizer.from_pretrained", AutoTokenizer.from_pretrained)(name)(text)["input_ids"]


# Many at once


def crowd(repo, members):
    """A thread for each member makes its calls, one after the other. Gives of each the seconds that its calls took, and what they raised."""
    import threading
    import time

    plain = HfApi()
    results = [{"seconds": [], "errors": []} for _ in members]
    start = threading.Barrier(len(members))

    def work(member, result):
        url = huggingface_hub.hf_hub_url(repo, "README.md")
        start.wait()
        for _ in range(member["calls"]):
            began = time.monotonic()
            try:
                if member.get("head"):
                    huggingface_hub.get_hf_file_metadata(url, token=member["token"])
                else:
                    plain.model_info(repo, token=member["token"])
            except Exception as error:
                result["errors"].append(f"{type(error).__name__}: {error}")
            result["seconds"].append(time.monotonic() - began)
            time.sleep(member.get("pause", 0))

    threads = [threading.Thread(target=work, args=pair) for pair in zip(members, results)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
