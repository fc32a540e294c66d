"""Keys that act with different Hub tokens, and the facade under a key's rules: nothing of one is seen by the other."""

import json
import threading
import time

import pytest

from fakehub import http
from policy import JSON, request

PATH = "/api/models/acme/m"
LIST = "/api/models"


def who(arrived):
    return (arrived["Authorization"] or "nobody").removeprefix("Bearer ")


def ask(gate, key, path, method="GET", body=b"", **options):
    return gate.ask(request(key, method, path, body, b"Connection: close", **options))


@pytest.fixture
def start(start_before, hub, keys, tmp_path):
    directory = tmp_path / "credentials"
    directory.mkdir()
    for name in ("acme", "zeta"):
        (directory / name).write_text(f"hf_of_{name}\n")

    def start(**options):
        return start_before(
            hub, "--access", "keys", "--state-dir", str(keys.state), "--credentials-dir", str(directory), "--account-cache-ttl", "60s", **options
        )

    return start


def test_accounts_files_and_lists_of_two_credentials_never_cross(start, hub, keys):
    """Each is asked at once by two keys of the same scope and different credentials, while the Hub takes its time."""

    def answer(arrived, _):
        time.sleep(0.2)
        name = who(arrived)
        if arrived.target == LIST:
            body = [{"id": f"acme/{name}", "private": True}, {"id": f"{name}/secret", "private": True}, {"id": "x/y", "private": False}]
        else:
            body = {"name": name, "type": "user", "orgs": [{"name": name, "type": "org"}]}
        return http(200, json.dumps(body).encode(), JSON, b"ETag: \"same\"", b"Cache-Control: public, max-age=60")

    for path in (PATH, LIST, "/api/whoami-v2"):
        hub.on(path, answer)
    rules = ("--allow", "read,search acme/*")
    made = {name: keys.create(name, *rules, "--as", name) for name in ("acme", "zeta")}
    made["own"] = keys.create("own", *rules)
    gate = start()
    tokens = {"acme": "hf_of_acme", "zeta": "hf_of_zeta", "own": "hf_of_the_gate"}
    for path in (PATH, LIST, "/api/whoami-v2", "/api/account"):
        got = []

        def one(name, path=path, got=got):
            got.append((name, ask(gate, made[name], path)))

        threads = [threading.Thread(target=one, args=[name]) for name in [*made] * 4]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(got) == 12
        for name, answer_ in got:
            assert answer_.status == 200, (path, answer_.body)
            others = [token for other, token in tokens.items() if other != name]
            assert tokens[name].encode() in answer_.body and not any(token.encode() in answer_.body for token in others), (path, name)
            assert f"{tokens[name]}/secret".encode() not in answer_.body
    # Equal requests of one key were shared, so that there was something that could have crossed.
    assert len(hub.seen(PATH)) < 12 and {who(arrived) for arrived in hub.seen(PATH)} == set(tokens.values())


def test_two_keys_of_one_credential_and_different_scopes_see_each_its_own_list(start, hub, keys):
    entries = [{"id": f"{owner}/m", "private": True} for owner in ("acme", "zeta")]

    def answer(*_):
        time.sleep(0.2)
        return http(200, json.dumps(entries).encode(), JSON)

    hub.on(LIST, answer)
    made = {name: keys.create(name, "--allow", f"read,search {name}/*") for name in ("acme", "zeta")}
    gate = start()
    got = []
    threads = [threading.Thread(target=lambda name=name: got.append((name, ask(gate, made[name], LIST)))) for name in [*made] * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8
    for name, listed in got:
        assert [entry["id"] for entry in json.loads(listed.body)] == [f"{name}/m"]


def test_a_key_whose_credential_is_not_there_gets_none_in_its_place(start, hub, keys):
    key = keys.create("lost", "--role", "admin", "--as", "nowhere")
    gate = start()
    for method, path, body in (("GET", PATH, b""), ("GET", "/api/account", b""), ("DELETE", "/api/repo", b'{"id":"acme/m"}')):
        assert ask(gate, key, path, method, body).status in (400, 503)
    assert not hub.requests


# The facade

EVERYTHING = {"read", "search", "write", "discuss", "create", "delete", "move", "settings", "publish", "spend", "infer", "account", "other"}
ORDERS = {
    "POST": ({"name": "made", "organization": "acme", "type": "model"}, ("create",), ("POST", "/api/repos/create")),
    "PUT": ({"name": "acme/made", "type": "model"}, ("settings",), ("PUT", "/api/models/acme/made/settings")),
    "DELETE": ({"name": "made", "organization": "acme", "type": "model"}, ("delete",), ("DELETE", "/api/repos/delete")),
}


@pytest.mark.parametrize("method", ORDERS)
def test_the_facade_asks_for_each_right_and_tells_the_hub_nothing_where_one_is_missing(start, hub, keys, method):
    hub.otherwise = lambda *_: http(200, b'{"url":"https://huggingface.co/acme/made","private":true}', JSON)
    order, needed, reaches = ORDERS[method]
    variants = [(order, needed)] if method == "DELETE" else [({**order, "private": True}, needed), ({**order, "private": False}, (*needed, "publish"))]
    kept = (*needed, "publish")
    made = {right: keys.create(f"no-{right}", "--allow", f"{','.join(sorted(EVERYTHING - {right}))} acme/*") for right in kept}
    made["elsewhere"] = keys.create("elsewhere", "--allow", f"{','.join(sorted(EVERYTHING))} other/*")
    whole = keys.create("whole", "--allow", f"{','.join(sorted(EVERYTHING))} acme/*")
    gate = start()
    for body, wanted in variants:
        content = json.dumps(body).encode()
        for right in wanted:
            refused = ask(gate, made[right], "/api/repo", method, content)
            assert refused.status == 403 and f'allows "{right}" on model:acme/made' in refused["X-Error-Message"], (right, refused.body)
        refused = ask(gate, made["elsewhere"], "/api/repo", method, content)
        assert refused.status in (403, 404), refused.body
        assert not hub.requests
        done = ask(gate, whole, "/api/repo", method, content)
        assert done.status == 200, done.body
        assert [(one.method, one.target) for one in hub.requests] == [reaches]
        hub.requests.clear()


def test_the_facade_needs_a_key_and_reads_no_order_twice(start, hub, keys):
    key = keys.create("deleter", "--allow", "delete acme/mine")
    gate = start()
    for body in (
        b'{"name":"mine","organization":"acme","name":"other"}', b'{"name":"mine","organization":"acme","organization":"zeta"}',
        b'{"name":"other","organization":"acme"}', b'{"name":"acme/mine","organization":"zeta"}', b'{"name":"../mine","organization":"acme"}',
    ):  # fmt: skip
        answer = ask(gate, key, "/api/repo", "DELETE", body)
        assert answer.status in (400, 403, 404), (body, answer.status)
    assert ask(gate, None, "/api/repo", "DELETE", b'{"name":"mine","organization":"acme"}').status == 401
    assert not hub.requests
