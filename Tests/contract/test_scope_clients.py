"""The real clients with gateway keys: what each key may do works unchanged, and what it may not raises the client's own exception."""

import signal
import threading
import time

import pytest

from clients import VARIANTS, Client, digest, noise
from gate import running_gate
from hub import Hub
from keys import Keys
from waiting import wait_until

SCOPES = {
    "reader": ("--allow", "reader sandbox/*"),
    "writer": ("--allow", "writer sandbox/*", "--allow", "create,publish,delete,settings,move sandbox/made-*"),
    "member": ("--allow", "reader acme/*"),
    "stranger": ("--allow", "reader nobody/*"),
    "talker": ("--allow", "read,discuss sandbox/*"),
    "sloppy": ("--allow", "reader public"),
}


class Team:
    """A gateway in its sandbox with a key for each of the team, and the real clients that have them."""

    def __init__(self, gate, keys, made, guard, directory):
        self.gate, self.keys, self.made = gate, keys, made
        self.hub = Hub(gate)
        self.guard, self.directory = guard, directory
        self.clients = {}

    def client(self, variant, name, token=None):
        place = variant, name
        if place not in self.clients:
            directory = self.directory / f"{variant}-{name}"
            directory.mkdir()
            self.clients[place] = Client(variant, self.gate, self.hub, self.guard, directory, HF_TOKEN=token or self.made[name])
        return self.clients[place]

    def writes(self, before):
        return [(entry["method"], entry["target"]) for entry in self.hub.journal()[before:] if entry["method"] not in ("GET", "HEAD")]


@pytest.fixture(scope="module")
def team(tmp_path_factory, certificates, guard):
    directory = tmp_path_factory.mktemp("team")
    operator = directory / "operator"
    operator.mkdir()
    keys = Keys(operator)
    made = {name: keys.create(name, *flags) for name, flags in SCOPES.items()}
    flags = ("--sandbox", "--access", "keys", "--state-dir", str(keys.state))
    with running_gate(directory / "gate", certificates, *flags) as gate:
        team = Team(gate, keys, made, guard, directory)
        try:
            yield team
            for client in team.clients.values():
                client.check_contacts()
            for entry in team.hub.journal():
                assert entry["credential"] != "unknown", f"a token that the Hub does not know: {entry}"
                assert entry["origin"] != "cdn" or not entry["authorization"], f"a token came to the CDN: {entry}"
        finally:
            for client in team.clients.values():
                client.close()


@pytest.fixture(params=VARIANTS, ids=str)
def variant(request):
    return request.param


@pytest.fixture(params=[variant for variant in VARIANTS if not variant.uses_xet], ids=lambda variant: variant.series.name)
def series(request):
    return request.param


def test_a_reader_downloads_lists_and_looks_and_changes_nothing(team, series, tmp_path):
    reader = team.client(series, "reader")
    before = len(team.hub.journal())
    assert reader("download", "sandbox/demo", "config.json", str(tmp_path))
    assert reader("download", "sandbox/demo", "model.safetensors", str(tmp_path))
    assert reader("info", "sandbox/demo") == "sandbox/demo" and reader("snapshot", "sandbox/demo", str(tmp_path / "all"))
    assert reader("tree", "sandbox/demo") and reader("paths", "sandbox/demo", ["config.json"]) == ["config.json"]
    assert not [write for write in team.writes(before) if "/paths-info/" not in write[1]]
    before = len(team.hub.journal())
    for missing, operation in (
        ("write", ("upload", "sandbox/demo", "a.txt", "text")), ("create", ("create", "sandbox/made-by-reader")),
        ("delete", ("delete", "sandbox/demo")), ("settings", ("set_private", "sandbox/demo", True)),
        ("move", ("move", "sandbox/demo", "sandbox/made-x")), ("write", ("create_branch", "sandbox/demo", "x")),
        ("discuss", ("open_discussion", "sandbox/demo", "x")),
    ):  # fmt: skip
        refused = reader.refuses(*operation)
        assert (refused.status, "HfHubHTTPError" in refused.kinds or "HTTPError" in refused.kinds) == (403, True), operation
        assert f'allows "{missing}"' in str(refused), (operation, str(refused))
    assert not [write for write in team.writes(before) if "/preupload/" not in write[1]]


def test_a_writer_uploads_and_reads_it_again_and_may_make_and_delete_only_what_its_scope_names(team, variant, tmp_path):
    writer = team.client(variant, "writer")
    name = f"sandbox/made-{variant}".replace(".", "-")
    assert writer("create", name) == f"{team.gate.origin}/{name}"
    assert writer("upload", name, "a.txt", "text")["oid"]
    large = noise(100_000, seed=len(name))
    (tmp_path / "large.bin").write_bytes(large)
    assert writer("upload_from", str(tmp_path / "large.bin"), name, "large.bin")
    assert writer("download", name, "large.bin", str(tmp_path)) == digest(large)
    assert team.client(variant, "reader")("download", name, "large.bin", str(tmp_path / "reader")) == digest(large)
    assert writer("set_private", name, True) is True
    refused = writer.refuses("move", name, "sandbox/elsewhere")
    assert refused.status == 403 and 'allows "move" on model:sandbox/elsewhere' in str(refused)
    for missing, operation in (("create", ("create", "sandbox/elsewhere")), ("delete", ("delete", "sandbox/demo"))):
        refused = writer.refuses(*operation)
        assert refused.status == 403 and f'allows "{missing}"' in str(refused)
    writer("delete", name)
    assert "RepositoryNotFoundError" in writer.refuses("info", name).kinds


def test_for_a_key_out_of_its_scope_nothing_is_there(team, series, tmp_path):
    stranger = team.client(series, "stranger")
    before = len(team.hub.journal())
    for operation in (
        ("info", "sandbox/demo"), ("download", "sandbox/demo", "config.json", str(tmp_path)), ("tree", "sandbox/demo"),
        ("upload", "sandbox/demo", "a.txt", "text"), ("delete", "sandbox/demo"), ("info", "sandbox/no"),
    ):  # fmt: skip
        refused = stranger.refuses(*operation)
        assert ("RepositoryNotFoundError" in refused.kinds, refused.status) == (True, 404), operation
    assert stranger("exists", "sandbox/demo") == [False]
    assert [entry["target"] for entry in team.hub.journal()[before:] if "sandbox" in entry["target"]] == []


def test_lists_leave_out_what_is_private_and_not_in_scope(team, series):
    with_token = {model["id"]: model["private"] for model in team.hub.get("/api/models?limit=1000")}
    private = {name for name, is_private in with_token.items() if is_private}
    assert any(model.startswith("acme/") for model in private), "the sandbox has nothing private to leave out"
    for name, within in (("member", "acme/"), ("reader", "sandbox/"), ("stranger", "nobody/"), ("sloppy", "nobody/")):
        listed = set(team.client(series, name)("models"))
        assert listed == {model for model in with_token if model not in private or model.startswith(within)}, name


def test_what_is_public_is_read_by_a_key_for_that_without_the_gateways_token(team, series, tmp_path):
    public = team.client(series, "sloppy")
    before = len(team.hub.journal())
    assert public("download", "sandbox/demo", "config.json", str(tmp_path))
    assert "RepositoryNotFoundError" in public.refuses("info", "acme/tiny-bert").kinds
    asked = [entry for entry in team.hub.journal()[before:] if entry["origin"] == "hub"]
    assert asked and {entry["credential"] for entry in asked} == {"none"}


def test_whoami_is_the_key_and_its_account_without_an_address(team, series):
    client = team.client(series, "reader")
    assert client("account") == "sandbox"
    done = client.run("python", "-c", "import huggingface_hub, json; print(json.dumps(huggingface_hub.whoami()))")
    assert '"displayName": "reader"' in done.stdout and "email" not in done.stdout and "@" not in done.stdout
    assert client.hf("auth whoami").stdout.count("sandbox") >= 1


def test_hf_download_works_unchanged_with_a_key_as_the_token(team, series):
    client = team.client(series, "reader")
    done = client.hf("download", "sandbox/demo", "config.json", "--local-dir", "plain")
    assert "config.json" in done.stdout and (client.directory / "plain/config.json").stat().st_size > 0
    refused = client.hf("download", "acme/tiny-bert", check=False)
    assert refused.returncode != 0 and ("not found" in refused.stderr or "Repository Not Found" in refused.stderr)


def test_who_may_only_discuss_opens_a_pull_request_and_commits_nothing(team, series, tmp_path):
    talker = team.client(series, "talker")
    done = talker("upload", "sandbox/demo", "by-talker.txt", "text", None, None, True)
    assert done["pull_request"].startswith(f"{team.gate.origin}/sandbox/demo/discussions/")
    number = done["pull_request"].rpartition("/")[2]
    assert talker("download", "sandbox/demo", "by-talker.txt", str(tmp_path), f"refs/pr/{number}") == digest("text")
    for operation in (("upload", "sandbox/demo", "x.txt", "text"), ("merge", "sandbox/demo", int(number))):
        refused = talker.refuses(*operation)
        assert refused.status == 403 and 'allows "write"' in str(refused), operation
    assert talker("open_discussion", "sandbox/demo", "Question")["number"] > int(number)


def test_a_wrong_or_mistyped_key_is_the_clients_own_exception_and_says_which(team, series, tmp_path):
    good = team.made["reader"]
    other = Keys(team.keys.workspace, tmp_path / "other").create("elsewhere")
    mistyped = good[:-1] + ("a" if good[-1] != "a" else "b")
    before = len(team.hub.journal())
    for name, token in (("mistyped", mistyped), ("unknown", other), ("foreign", "hf_abcdefghijklmnop")):
        client = team.client(series, name, token)
        for operation in (("info", "sandbox/demo"), ("account",)):
            refused = client.refuses(*operation)
            assert "HfHubHTTPError" in refused.kinds or "HTTPError" in refused.kinds, refused.kinds
            assert refused.status == 401 and token not in str(refused), operation
            assert "RepositoryNotFoundError" not in refused.kinds, operation
    assert not [entry for entry in team.hub.journal()[before:] if "sandbox" in entry["target"]]


@pytest.mark.parametrize("series", [variant for variant in VARIANTS if not variant.uses_xet], ids=lambda variant: variant.series.name)
def test_an_edit_in_the_middle_of_an_upload_ends_it_with_a_sentence_and_it_goes_on_where_it_was(certificates, guard, tmp_path, series):
    for place in ("operator", "client", "files"):
        (tmp_path / place).mkdir()
    count = 24
    for number in range(count):
        (tmp_path / "files" / f"large-{number}.bin").write_bytes(noise(4 << 20, number))
    keys = Keys(tmp_path / "operator")
    key = keys.create("ml", "--allow", "writer sandbox/*")
    with running_gate(tmp_path / "gate", certificates, "--sandbox", "--access", "keys", "--state-dir", str(keys.state)) as gate:
        hub = Hub(gate)
        client = Client(series, gate, hub, guard, tmp_path / "client", HF_TOKEN=key)

        def objects():
            return sum(entry["origin"] == "cdn" and entry["method"] == "PUT" and entry["status"] == 200 for entry in hub.journal())

        def edit():
            assert wait_until(lambda: objects() > 0, 60)
            # A fast machine would be done before the edit is in force.
            client.process.send_signal(signal.SIGSTOP)
            try:
                keys.run("keys", "edit", "ml", "--allow", "reader sandbox/*")
                time.sleep(1.5)
            finally:
                client.process.send_signal(signal.SIGCONT)

        editing = threading.Thread(target=edit)
        editing.start()
        try:
            refused = client.refuses("upload_folder", "sandbox/demo", str(tmp_path / "files"))
            editing.join()
            # It wraps what it was told into an exception of its own.
            assert "403" in refused.cause and "has changed since" in refused.cause or "403" in str(refused), (str(refused), refused.cause)
            before = objects()
            assert 0 < before < count
            # Of what is there nothing is sent again, but for what was on its way when the client gave up.
            keys.run("keys", "edit", "ml", "--allow", "writer sandbox/*")
            assert wait_until(lambda: keys.show("ml")["allow"] == ["writer sandbox/*"])
            time.sleep(1.5)
            client("upload_folder", "sandbox/demo", str(tmp_path / "files"))
            assert count <= objects() <= count + 8
        finally:
            editing.join()
            client.close()
