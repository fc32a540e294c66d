"""The gateway below a path: nothing of it is at the root but its own state, and real clients work through the path."""

import json
from types import SimpleNamespace

import pytest

from clients import MEBIBYTE, VARIANTS, Client, digest, noise
from fakehub import http
from gate import running_gate
from hub import Hub
from test_inference import ask
from wire import parse_all

BASE = "/hf"


@pytest.fixture(scope="module")
def below(tmp_path_factory, certificates):
    """A gate in its sandbox below BASE."""
    workspace = tmp_path_factory.mktemp("below") / "workspace"
    with running_gate(workspace, certificates, "--sandbox", "--base-path", BASE) as gate:
        yield gate


@pytest.fixture(scope="module")
def hub_below(below):
    return Hub(below)


@pytest.fixture(scope="module")
def start_client_below(below, hub_below, guard, tmp_path_factory):
    endpoint = SimpleNamespace(origin=below.origin + BASE, port=below.port, certificates=below.certificates)
    clients = {}

    def start_client_below(variant):
        if variant not in clients:
            clients[variant] = Client(variant, endpoint, hub_below, guard, tmp_path_factory.mktemp(str(variant)))
        return clients[variant]

    yield start_client_below
    for client in clients.values():
        client.close()


@pytest.fixture(params=VARIANTS, ids=str)
def client_below(request, start_client_below, below, hub_below):
    """Looks, when the test is over, at whom the client has met, and that all it asked for was below the path."""
    client = start_client_below(request.param)
    known, before, asked = len(client.contacts), len(hub_below.journal()), len(below.log_lines)
    yield client
    client.check_contacts(known)
    hub_below.check_credentials(before)
    assert not any(entry["target"].startswith(BASE) for entry in hub_below.journal()[before:])
    beside = {line["path"] for line in below.log_lines[asked:] if not line["path"].startswith(BASE + "/")}
    assert beside <= {"/v1/telemetry"}  # hf_xet tells the root of the host what it has counted, and goes on without it.


def test_the_real_client_reads_below_the_path(client_below, below, hub_below, tmp_path):
    name = "sandbox/demo"
    hub_below.put_linked(name, "x.bin", noise(MEBIBYTE))
    assert client_below("account", "hf_anything") == "sandbox"
    assert client_below("info", name) == name
    assert client_below("download", name, "x.bin", str(tmp_path / "one")) == digest(noise(MEBIBYTE))
    found = client_below("metadata", name, "x.bin")
    assert (found["size"], found["etag"]) == (MEBIBYTE, digest(noise(MEBIBYTE)))
    assert found["location"].startswith(below.origin + BASE)
    files = client_below("snapshot", name, str(tmp_path / "all"))
    assert files["x.bin"] == digest(noise(MEBIBYTE)) and files["config.json"]
    assert sorted(files) == sorted(path for path in client_below("tree", name, None, True) if path in files)


def test_the_real_client_writes_below_the_path(client_below, below, tmp_path):
    if client_below.is_old:
        pytest.skip("this client takes the path for a repository's type, whoever answers")
    address, name = below.origin + BASE, "sandbox/below"
    assert client_below("create", name) == f"{address}/{name}"
    done = client_below("upload", name, "a.txt", "text")
    assert done["url"] == f"{address}/{name}/commit/{done['oid']}"
    client_below("move", name, "acme/below")
    # The old name leads to the new one by a relative Location.
    assert client_below("info", name) == "acme/below"
    assert client_below("download", name, "a.txt", str(tmp_path / "moved")) == digest("text")
    client_below("delete", "acme/below")
    assert "RepositoryNotFoundError" in client_below.refuses("info", "acme/below").kinds


def test_pages_and_redirects_stay_below_the_path(client_below, hub_below, tmp_path):
    before = len(hub_below.journal())
    in_pages = client_below("models_in_pages_of", 2)
    pages = sum(entry["target"].startswith("/api/models?") for entry in hub_below.journal()[before:])
    assert in_pages == client_below("models_in_pages_of", 1000)
    assert pages == -(-len(in_pages) // 2) > 1
    assert client_below("download", "gpt2", "config.json", str(tmp_path)) == client_below(
        "download", "openai-community/gpt2", "config.json", str(tmp_path)
    )


def test_inference_is_below_the_path_too(below):
    assert ask(below, f"{below.origin}{BASE}/v1", streams=False)[0][1] == "You said: one two three"


def one(gate, path, *arguments):
    return parse_all(gate.curl(path, *arguments).stdout)[-1]


@pytest.mark.parametrize("path", ["/", "/api/models", "/api/account", "/v1/models", "/hfx/api/models", "/HF/api/models"])
def test_what_is_not_below_the_path_is_404_with_the_path(below, hub_below, path):
    before = len(hub_below.journal())
    answer = one(below, path)
    assert (answer.status, answer["X-Error-Code"]) == (404, "NotFound")
    assert "begins with /hf:" in json.loads(answer.body)["error"]
    assert len(hub_below.journal()) == before


def test_probes_find_the_gateways_state_at_the_root_and_below_the_path(below):
    for path in ("/-/health", "/-/ready", "/-/metrics", "/hf/-/health"):
        assert one(below, path).status == 200, path
    assert one(below, "/-/other").status == 404


def test_the_home_page_is_at_the_path(below):
    for path in (BASE, BASE + "/"):
        assert f"export HF_ENDPOINT={below.origin}{BASE}\n".encode() in one(below, path).body
    facade = one(below, BASE + "/api/account")
    assert (facade.status, json.loads(facade.body)["name"]) == (200, "sandbox")


def test_with_an_admin_address_the_state_is_there_alone(start):
    gate = start("--base-path", BASE, "--admin-listen", "127.0.0.1:0")
    assert [one(gate, path).status for path in ("/-/health", "/hf/-/health", "/hf/api/account")] == [404, 404, 200]


def test_every_way_back_has_the_path_and_the_hubs_own_prefix_goes(start, hub):
    gate = start("--upstream", hub.url + "/up", "--base-path", BASE, sandbox=False, HF_TOKEN="hf_x")
    address = f"{gate.origin}{BASE}"
    for location, wanted in (
        (f"{hub.url}/up/new?x=%2F", f"{address}/new?x=%2F"),
        ("/up/new?x=%2F", "/hf/new?x=%2F"),
        ("new", "new"),
        ("?page=2", "?page=2"),
    ):
        link = f'<{location}>; rel="next"'
        fields = [f"Location: {location}".encode(), f"Link: {link}".encode()]
        hub.on("/up/old", lambda *_, fields=fields: http(307, b"", *fields))
        answer = one(gate, BASE + "/old")
        assert (answer["Location"], answer["Link"]) == (wanted, f'<{wanted}>; rel="next"')
    body = json.dumps({"url": f"{hub.url}/up/u/r", "text": f"See {hub.url}/up/u/r"}).encode()
    hub.on("/up/api/repos/create", lambda *_: http(200, body, b"Content-Type: application/json"))
    created = json.loads(one(gate, BASE + "/api/repos/create", "-d", "{}").body)
    assert created == {"url": f"{address}/u/r", "text": f"See {hub.url}/up/u/r"}
