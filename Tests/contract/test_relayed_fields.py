"""What of a client's request reaches the Hub and the router, and what is refused with a sentence."""

import json
import re
import subprocess

import pytest

from clients import SERIES
from fakehub import FakeHub, http
from gate import clean_environment

ORDER = b'{"model":"m"}'


@pytest.fixture
def router():
    router = FakeHub()
    yield router
    router.close()


def ask(gate, method, target, *fields, body=b""):
    lines = [b"%s %s HTTP/1.1" % (method.encode(), target.encode()), b"Host: localhost:%d" % gate.port, *fields]
    lines += [b"Content-Length: %d" % len(body)] * (method != "GET") + [b"Connection: close"]
    return gate.ask(b"\r\n".join(lines) + b"\r\n\r\n" + body)


PAYING = [
    "/v1/chat/completions", "/hf-inference/models/m", "/together/v1/completions", "/api/inference-proxy/together/v1/x",
    "/api/models/u/m", "/api/jobs/u", "/u/r/resolve/main/f", "/api/spaces/u/s/runtime",
]  # fmt: skip


@pytest.mark.parametrize("path", PAYING)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_who_pays_is_the_operators_word_on_every_relayed_call(start_before, hub, router, method, path):
    for server in (hub, router):
        server.on(path, lambda *_: http(200, b"{}"))
    names = (b"X-HF-Bill-To: mine", b"x-hf-bill-to: mine", b"X-Hf-Bill-to: other")
    flags = ("--inference-upstream", router.url)
    ask(start_before(hub, *flags, "--bill-to", "acme"), method, path, *names, body=ORDER if method != "GET" else b"")
    ask(start_before(hub, *flags), method, path, names[1])
    assert [seen.all("X-HF-Bill-To") for seen in hub.requests + router.requests] == [["acme"], ["mine"]]


def test_who_pays_is_not_for_the_client_to_say_on_signed_urls_either(start_before, hub, router):
    batch = {"objects": [{"actions": {"upload": {"href": hub.url + "/api/complete_multipart"}}}]}
    token = {"casUrl": router.url, "accessToken": "x", "exp": 1}
    for path, body in (("/u/r.git/info/lfs/objects/batch", batch), ("/api/models/u/r/xet-read-token/main", token)):
        hub.on(path, lambda *_, body=body: http(200, json.dumps(body).encode(), b"Content-Type: application/json"))
    hub.on("/api/complete_multipart", lambda *_: http(200))
    gate = start_before(hub, "--bill-to", "acme", "--content-hosts", router.url)

    def signed(method, path):
        return re.search(rb"/-/signed/[^\"]+", ask(gate, method, path).body)[0].decode()

    end = signed("POST", "/u/r.git/info/lfs/objects/batch")
    server = signed("GET", "/api/models/u/r/xet-read-token/main")
    ask(gate, "POST", end, b"x-hf-bill-to: mine")
    ask(gate, "GET", server + "/v1/x", b"x-hf-bill-to: mine")
    assert [seen["X-HF-Bill-To"] for seen in (hub.requests[-1], router.requests[-1])] == ["acme", None]


def test_where_a_client_is_and_what_else_it_would_have_done_is_not_for_it_to_say(start_before, hub):
    names = """Forwarded Via X-Forwarded-For X-Forwarded-Host X-Forwarded X-Real-IP True-Client-IP CF-Connecting-IP CF-Ray
        Fastly-Client-IP X-Client-IP X-Cluster-Client-IP Client-IP X-Remote-Addr X-Originating-IP CloudFront-Viewer-Address
        X-Envoy-External-Address X-Original-URL X-Original-Host X-Rewrite-URL X-HTTP-Method X-HTTP-Method-Override
        X-Method-Override X-Host Proxy X-Middleware-Subrequest Cookie Cookie2""".split()
    hub.on("/any", lambda *_: http(200))
    spelled = [name.upper().encode() + b": 127.0.0.1" for name in names] + [name.lower().encode() + b": DELETE" for name in names]
    ask(start_before(hub), "GET", "/any", *spelled, b"X-Amzn-Trace-Id: x", b"X-HF-Download-Counter: 1")
    (seen,) = hub.requests
    assert [name for name in names if seen.all(name)] == []
    assert (seen["X-Amzn-Trace-Id"], seen["X-HF-Download-Counter"]) == ("x", "1")


def test_json_that_is_said_to_be_compressed_in_a_second_field_is_not_passed_on_unread(start_before, hub):
    gate = start_before(hub)
    url = json.dumps({"url": hub.url + "/u/r"}).encode()
    for second in (b"gzip", b"identity, gzip", b"br"):
        hub.on("/api/repos/create", lambda *_, second=second: http(
            200, url, b"Content-Type: application/json", b"Content-Encoding: identity", b"Content-Encoding: " + second))
        ask(gate, "POST", "/api/repos/create", body=b"{}").check_is_error(502, "HubBroken")
    for fields in ((b"Content-Type: text/plain", b"Content-Type: application/json"), (b"Content-Type: Application/JSON",)):
        hub.on("/api/repos/create", lambda *_, fields=fields: http(200, url, *fields, b"Content-Encoding: identity"))
        answer = ask(gate, "POST", "/api/repos/create", body=b"{}")
        assert json.loads(answer.body) == {"url": f"https://localhost:{gate.port}/u/r"}


@pytest.mark.parametrize("path", ["/any", "/v1/realtime"])
def test_a_websocket_is_refused_with_a_sentence(start_before, hub, router, path):
    gate = start_before(hub, "--inference-upstream", router.url)
    lines = [b"Connection: Upgrade", b"Upgrade: WebSocket", b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: dGhlIHNhbXBsZQ=="]
    answer = ask(gate, "GET", path, *lines)
    answer.check_is_error(501, "WebSocket")
    assert "text/event-stream" in answer.json["error"] and hub.requests + router.requests == []
    hub.on("/any", lambda *_: http(200, b"plain"))
    assert ask(gate, "GET", "/any", b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c").body == b"plain"


@pytest.mark.parametrize("target", ["/modèle".encode(), b"/x?q=\xff", "/日本".encode()])
def test_a_target_in_raw_utf_8_is_refused_with_how_to_encode_it(gate, target):
    answer = gate.ask(b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % target)
    answer.check_is_error(400, "TargetByte")
    assert "UTF-8" in answer.json["error"] and "%C3%BC" in answer.json["error"]


def test_what_is_wrong_with_a_certificate_is_not_to_be_tried_again(start, gate, other_certificates):
    """The Hub is another gateway, whose authority this one does not know."""
    stranger = start("--upstream", gate.origin, sandbox=False, HF_TOKEN="hf_x", HUBGATE_CA_FILE=str(other_certificates.authority))
    answer = ask(stranger, "GET", "/any")
    answer.check_is_error(502, "HubUnreachable")
    assert "certificate" in answer.json["error"] and "ca_file" in answer.json["error"]
    assert "again" not in answer.json["error"].lower()
    closed = start("--upstream", "https://localhost:9", sandbox=False, HF_TOKEN="hf_x")
    assert "Try again later." in ask(closed, "GET", "/any").json["error"]


ROUTES = """
import json
from huggingface_hub.inference._providers import PROVIDERS
routes = set()
for provider, tasks in PROVIDERS.items():
    for task in tasks.values():
        base = task._prepare_base_url("hf_key")
        if not base.startswith("https://router.huggingface.co"):
            continue
        for model in ("fal-ai/flux/dev", "owner/model"):
            route = task._prepare_url("hf_key", model) if provider != "hf-inference" else f"{base}/models/{model}"
            routes.add(route.removeprefix("https://router.huggingface.co"))
print(json.dumps(sorted(routes)))
"""


@pytest.mark.parametrize("series", SERIES, ids=lambda series: series.name)
def test_every_route_that_the_client_has_for_the_router_goes_there(start_before, hub, router, tmp_path, series):
    done = subprocess.run([series.program("python"), "-c", ROUTES], env=clean_environment(tmp_path), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    routes = json.loads(done.stdout)
    assert len(routes) > 20
    gate = start_before(hub, "--inference-upstream", router.url)
    with gate.connect() as connection:
        for route in routes:
            connection.send(b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}" % route.encode())
            connection.answer()
    assert [seen.target for seen in router.requests] == routes and hub.requests == []
