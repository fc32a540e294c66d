"""Metadata through the gateway is what the Hub said, byte for byte, but for the addresses that have to lead back to it."""

import http.client
import json
from urllib.parse import urlsplit

import pytest

from hub import Hub

# A connection's own, the moment, and how often the Hub was asked.
OWN = {"connection", "keep-alive", "transfer-encoding", "date", "ratelimit"}
# Their JSON may have to be rewritten while it streams, so their length is not said before.
REWRITTEN = ("/discussions", "/api/repos/create")
# What the gateway adds, so that nothing of the Hub's runs in its origin.
ISOLATION = [("content-security-policy", "sandbox"), ("x-content-type-options", "nosniff")]
# Each side has its own.
IDS = {"x-request-id", "x-hubgate-request-id"}
DEMO = "/api/models/sandbox/demo"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}

METADATA = [
    ("GET", "/api/whoami-v2"),
    ("GET", "/api/users/sandbox/overview"),
    ("GET", "/api/users/sandbox/likes"),
    ("GET", "/api/models"),
    ("GET", "/api/models?limit=2&sort=lastModified"),
    ("GET", "/api/models?author=sandbox&expand=author&expand=sha"),
    ("GET", "/api/datasets?search=squad&full=True"),
    ("GET", "/api/spaces?author=sandbox"),
    ("GET", DEMO),
    ("HEAD", DEMO),
    ("GET", f"{DEMO}?blobs=true"),
    ("GET", f"{DEMO}/revision/main?expand=siblings&expand=tags"),
    ("GET", "/api/models/gpt2"),
    ("GET", f"{DEMO}/auth-check"),
    ("GET", f"{DEMO}/tree/main?recursive=True&expand=False"),
    ("GET", f"{DEMO}/tree/main/tokenizer?expand=true"),
    ("POST", f"{DEMO}/paths-info/main", FORM, "paths=config.json&paths=no&expand=False"),
    ("POST", f"{DEMO}/paths-info/main", JSON, '{"paths": ["model.safetensors"], "expand": true}'),
    ("GET", f"{DEMO}/refs?include_prs=1"),
    ("GET", f"{DEMO}/commits/main"),
    ("GET", f"{DEMO}/commits/main?limit=1"),
    ("POST", f"{DEMO}/preupload/main", JSON, '{"files": [{"path": "a.bin", "size": 3, "sample": "YWJj"}]}'),
    ("GET", f"{DEMO}/discussions?p=0"),
    ("GET", f"{DEMO}/likers"),
    ("GET", "/api/spaces/sandbox/hello/runtime"),
    ("GET", "/api/spaces/sandbox/hello/variables"),
    ("GET", "/sandbox/demo/resolve/main/config.json"),
    ("HEAD", "/sandbox/demo/resolve/main/config.json"),
    ("GET", "/sandbox/demo/raw/main/model.safetensors"),
    ("POST", "/api/validate-yaml", JSON, '{"content": "---\\nlicense: mit\\n---\\n", "repoType": "model"}'),
]
REFUSALS = [
    ("GET", "/api/models/sandbox/no"),
    ("GET", f"{DEMO}/revision/no"),
    ("GET", f"{DEMO}/tree/main/no"),
    ("GET", "/sandbox/demo/resolve/main/no.txt"),
    ("HEAD", "/sandbox/demo/resolve/no/config.json"),
    ("GET", f"{DEMO}/discussions/77"),
    ("POST", "/api/repos/create", JSON, '{"type": "model"}'),
    ("POST", "/api/repos/create", JSON, '{"name": "mine", "organization": "readers", "type": "model"}'),
    ("POST", f"{DEMO}/branch/main", JSON, "{}"),
    ("PUT", "/api/models/other/shared/settings", JSON, '{"private": true}'),
    ("DELETE", "/api/repos/delete", JSON, '{"name": "no", "organization": "sandbox"}'),
    ("POST", "/api/whoami-v2"),
    ("GET", "/api/no/such/call"),
]


def ask(origin, context, method, target, headers=None, body=None):
    parts = urlsplit(origin)
    connection = http.client.HTTPSConnection(parts.hostname, parts.port, context=context, timeout=10)
    try:
        connection.request(method, target, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read(), [(name.lower(), value) for name, value in answer.getheaders()]
    finally:
        connection.close()


@pytest.fixture(scope="module")
def hub(gate):
    return Hub(gate)


@pytest.fixture
def compare(gate, hub):
    """Asks the Hub and the gateway; gives the Hub's status, body and fields after it found them to be the same."""

    def compare(method, target, headers=None, body=None):
        token = {"Authorization": "Bearer hf_sandbox"}
        said = ask(hub.origin, hub.context, method, target, {**(headers or {}), **token}, body)
        relayed = ask(gate.origin, gate.context, method, target, headers, body)
        assert relayed[0] == said[0]
        assert relayed[1] == said[1]
        left_out = OWN | IDS | ({"content-length"} if any(part in target for part in REWRITTEN) else set())
        fields = [[pair for pair in answer[2] if pair[0] not in left_out] for answer in (said, relayed)]
        fields[0] = [(name, led_back(name, value, hub, gate)) for name, value in fields[0]]
        assert sorted(fields[1]) == sorted(fields[0] + ISOLATION)
        assert {name for name, _ in relayed[2]} >= ({name for name, _ in said[2]} & IDS)
        return said

    return compare


def led_back(name, value, hub, gate):
    """The two fields whose addresses the gateway turns to itself."""
    return value.replace(hub.origin, gate.origin) if name in ("link", "location") else value


@pytest.mark.parametrize("asked", METADATA, ids=lambda asked: " ".join(asked[:2]))
def test_metadata_is_the_hubs_byte_for_byte(compare, asked):
    status, body, _ = compare(*asked)
    assert status < 400
    assert body or asked[0] == "HEAD" or status in (204, 307)


@pytest.mark.parametrize("asked", REFUSALS, ids=lambda asked: " ".join(asked[:2]))
def test_a_refusal_is_the_hubs_byte_for_byte(compare, asked):
    assert compare(*asked)[0] >= 400


def test_every_page_of_a_list_is_the_hubs(compare, hub):
    target, pages, names = "/api/models?limit=2", 0, []
    while target:
        _, body, fields = compare("GET", target)
        names += [model["id"] for model in json.loads(body)]
        pages += 1
        link = dict(fields).get("link")
        target = link and link[1 : link.index(">")].removeprefix(hub.origin)
    assert pages == -(-len(names) // 2) > 1
    assert len(set(names)) == len(names)


def test_a_condition_is_answered_as_by_the_hub(compare):
    """With what the client knows already, whole and in part."""
    regular = dict(compare("GET", "/sandbox/demo/resolve/main/config.json")[2])
    file = regular.get("location") or "/sandbox/demo/resolve/main/config.json"
    status, content, fields = compare("GET", file)
    assert status == 200
    etag = dict(fields)["etag"]
    assert compare("GET", file, {"If-None-Match": etag})[0] == 304
    assert compare("HEAD", file, {"If-None-Match": etag})[0] == 304
    part = compare("GET", file, {"Range": "bytes=2-5"})
    assert (part[0], part[1]) == (206, content[2:6])
    assert compare("GET", file, {"Range": "bytes=100000-"})[0] == 416
