"""llama.cpp and ollama take a model through the gateway: not they themselves, but the requests that their sources make, to the letter.
llama.cpp takes HF_ENDPOINT for the gateway, ollama the host in the model's name.

Read off ggml-org/llama.cpp (common/hf-cache.cpp and common/download.cpp; of before March 2026 common/arg.cpp, in copies of it) and
ollama/ollama (server/images.go, server/download.go), with what their HTTP libraries add: cpp-httplib (the order of its fields is that of
a hash table), libcurl, Go's net/http.
"""

import gzip
import hashlib
import json
import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urljoin, urlsplit

import pytest

from clients import MEBIBYTE, digest, noise
from fakehub import FakeHub, http
from hub import Hub

REPO = "sandbox/model-GGUF"
MODEL = noise(8 * MEBIBYTE)
NAME = "model-Q4_K_M.gguf"
LLAMA = "User-Agent: llama-cpp/b7200-0216dab"
OLLAMA = "User-Agent: ollama/0.13.0 (amd64 linux) Go/go1.24.1"
MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
TEMPLATE = b"{{ .Prompt }}"


def ask(gate, method, target, *fields, ends=""):
    """One request as a program writes it: {host} is the gateway's."""
    lines = [f"{method} {target} HTTP/1.1", *(field.format(host=f"localhost:{gate.port}") for field in fields)]
    with gate.connect() as connection:
        connection.send("\r\n".join([*lines, ends, ""]).encode() if ends else ("\r\n".join(lines) + "\r\n\r\n").encode())
        return connection.answer(method == "HEAD")


def runs(program, command, what):
    return pytest.mark.operation(program, command, what)


# llama.cpp


def httplib(gate, method, target, *fields):
    """cpp-httplib with its own defaults: a connection for each request, redirects followed."""
    accept = () if any(field.startswith("Accept:") for field in fields) else ("Accept: */*",)
    for _ in range(20):
        answer = ask(gate, method, target, *accept, "Connection: close", "Host: {host}", *fields, LLAMA)
        if answer.status not in (301, 302, 303, 307, 308):
            return answer
        target = onward(gate, target, answer)
    raise AssertionError("a redirect without end")


def onward(gate, target, answer):
    """The path that a redirect leads to, which is the gateway's."""
    location = urlsplit(urljoin(gate.origin + target, answer["Location"]))
    assert f"{location.scheme}://{location.netloc}" == gate.origin, f"led elsewhere: {answer['Location']}"
    return location.path + (f"?{location.query}" if location.query else "")


@pytest.fixture(scope="module")
def sandbox(gate):
    sandbox = Hub(gate)
    sandbox.create(REPO)
    sandbox.put_linked(REPO, NAME, MODEL)
    return sandbox


@pytest.mark.parametrize("held", [0, 3 * MEBIBYTE])
@runs("llama.cpp", "llama-cli -hf user/repo", "The commit of a branch, the tree, then HEAD and GET of the file, resumed with a range")
def test_llama_cpp_takes_a_model(gate, sandbox, held):
    before = len(sandbox.journal())
    refs = json.loads(httplib(gate, "GET", f"/api/models/{REPO}/refs", "Accept: application/json").body)
    commit = next(branch["targetCommit"] for branch in refs["branches"] if branch["name"] == "main")
    tree = json.loads(httplib(gate, "GET", f"/api/models/{REPO}/tree/{commit}?recursive=true", "Accept: application/json").body)
    oid = next(file["lfs"]["oid"] for file in tree if file["path"] == NAME)
    path = f"/{REPO}/resolve/{commit}/{NAME}"
    head = httplib(gate, "HEAD", path)
    assert head.status == 200 and head["Content-Length"] == str(len(MODEL)) and head["ETag"]
    assert "none" not in head.all("Accept-Ranges") and head.all("Accept-Ranges"), "it would not resume"
    answer = httplib(gate, "GET", path, *([f"Range: bytes={held}-"] if held else []))
    assert answer.status == (206 if held else 200)
    assert digest(MODEL[:held] + answer.body) == oid == digest(MODEL)
    sandbox.check_credentials(before)


@runs("llama.cpp", "llama-cli -hf (no repository)", "The Hub's words where there is no such repository, in the member it prints")
def test_llama_cpp_says_that_there_is_no_repository(gate, sandbox):
    answer = httplib(gate, "GET", "/api/models/sandbox/none/refs", "Accept: application/json")
    assert answer.status == 404 and json.loads(answer.body)["error"] == "Repository not found"


# A Hub that answers below /v2, as the Hub does for both; the sandbox does not.


@pytest.fixture
def registry(hub, start_before):
    store = FakeHub()
    oid, small = digest(MODEL), digest(TEMPLATE)
    layers = [
        {"digest": f"sha256:{oid}", "mediaType": "application/vnd.ollama.image.model", "size": len(MODEL)},
        {"digest": f"sha256:{small}", "mediaType": "application/vnd.ollama.image.template", "size": len(TEMPLATE)},
    ]
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": layers[1], "layers": layers}
    of_llama = {**manifest, "ggufFile": {"rfilename": NAME, "size": len(MODEL), "blobId": f"sha256:{oid}"}}

    def manifests(request, _):
        found = of_llama if request["User-Agent"].startswith("llama-cpp") else manifest
        body, fields = json.dumps(found).encode(), [b"Content-Type: application/json", b"Vary: Origin,User-Agent"]
        if "gzip" in (request["Accept-Encoding"] or ""):
            body, fields = gzip.compress(body), [*fields, b"Content-Encoding: gzip"]
        return http(200, body, *fields)

    def resolve(request, _):
        linked = [b"X-Linked-Size: %d" % len(MODEL), b'X-Linked-Etag: "%s"' % oid.encode(), b"X-Repo-Commit: " + b"a" * 40]
        return http(302, b"", b"Location: %s/blob?X-Amz-Signature=a" % store.url.encode(), b"Accept-Ranges: bytes", *linked)

    def small_blob(request, _):
        whole = http(200, TEMPLATE, b"Location: ?__sign=abc")
        return whole.removesuffix(TEMPLATE) if request.method == "HEAD" else whole

    def blob(request, _):
        assert request["Authorization"] is None, "a token came to the store"
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", request["Range"] or "")
        fields = [b'ETag: "%s"' % oid.encode(), b"Accept-Ranges: bytes"]
        if request.method == "HEAD":
            return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(MODEL) + b"\r\n".join(fields) + b"\r\n\r\n"
        if not span:
            return http(200, MODEL, *fields)
        start, end = int(span[1]), int(span[2] or len(MODEL) - 1)
        return http(206, MODEL[start : end + 1], b"Content-Range: bytes %d-%d/%d" % (start, end, len(MODEL)), *fields)

    for tag in ("latest", "Q4_K_M"):
        hub.on(f"/v2/acme/m-GGUF/manifests/{tag}", manifests)
    hub.on(f"/v2/acme/m-GGUF/blobs/sha256:{small}", small_blob)
    model = f"/acme/m-GGUF/resolve/main/{NAME}"
    hub.on(f"/v2/acme/m-GGUF/blobs/sha256:{oid}", lambda *_: http(307, b"", b"Location: %s" % model.encode()))
    hub.on(model, resolve)
    store.on("/blob", blob)
    yield start_before(hub, "--content-hosts", store.url)
    store.close()


@pytest.mark.parametrize("held", [0, 3 * MEBIBYTE])
@runs("llama.cpp", "llama-cli -hf user/repo:TAG (before 2026)", "The manifest that is for llama-cpp alone, then HEAD and GET of the file it names")
def test_an_older_llama_cpp_takes_a_model(registry, hub, held):
    """By libcurl, which keeps its connection; each is one of its own here."""
    token = "Authorization: Bearer hf_of_the_client"
    manifest = ask(registry, "GET", "/v2/acme/m-GGUF/manifests/Q4_K_M", "Host: {host}", "User-Agent: llama-cpp",
                   "Accept: application/json", token)  # fmt: skip
    path = f"/acme/m-GGUF/resolve/main/{manifest.json['ggufFile']['rfilename']}"
    head = ask(registry, "HEAD", path, "Host: {host}", "Accept: */*", "User-Agent: llama-cpp", token)
    assert head.status == 200 and head["ETag"] and head["Accept-Ranges"] == "bytes"
    span = [f"Range: bytes={held}-"] if held else []
    answer = ask(registry, "GET", path, "Host: {host}", *span, "Accept: */*", "User-Agent: llama-cpp", token)
    assert MODEL[:held] + answer.body == MODEL
    assert {request["Authorization"] for request in hub.requests} == {"Bearer hf_of_the_gate"}


# ollama


def go(gate, method, target, *fields, follows=True):
    """Go's client: it unpacks gzip that it has asked for itself, and names where a redirect came from."""
    referer = ()
    for _ in range(10):
        answer = ask(gate, method, target, "Host: {host}", OLLAMA, *fields, *referer,
                     *(["Accept-Encoding: gzip"] if method == "GET" else []))  # fmt: skip
        if answer.status not in (301, 302, 303, 307, 308) or not follows:
            break
        referer, target = (f"Referer: {gate.origin}{target}",), onward(gate, target, answer)
    if answer["Content-Encoding"] == "gzip":
        answer.body = gzip.decompress(answer.body)
    return answer, target


def part(gate, target, first, last):
    """A part of a blob, by another client of Go's, without the name of the program."""
    return ask(gate, "GET", target, "Host: {host}", "User-Agent: Go-http-client/1.1", f"Range: bytes={first}-{last}")


def pull_blob(gate, target, size, parts):
    head, _ = go(gate, "HEAD", target)
    assert (head.status, head["Content-Length"]) == (200, str(size))
    found, final = go(gate, "GET", target)
    assert found.status == 200
    step = -(-size // parts)  # ollama's own are of 100 MB at least
    spans = [(first, min(first + step, size) - 1) for first in range(0, size, step)]
    with ThreadPoolExecutor(parts) as pool:
        answers = list(pool.map(lambda span: followed(gate, target, *span), spans))
    return found, final, b"".join(answer.body[:last - first + 1] for answer, (first, last) in zip(answers, spans, strict=True))


def followed(gate, target, first, last):
    for _ in range(10):
        answer = part(gate, target, first, last)
        if answer.status not in (302, 307):
            return answer
        target = onward(gate, target, answer)
    raise AssertionError("a redirect without end")


@runs("ollama", "ollama pull HOST/user/repo", "The manifest, and each blob: HEAD, GET, then 16 ranges of it at once")
def test_ollama_pulls_a_model(registry, hub):
    manifest, _ = go(registry, "GET", "/v2/acme/m-GGUF/manifests/latest", f"Accept: {MANIFEST_TYPE}")
    for layer in json.loads(manifest.body)["layers"]:
        path = f"/v2/acme/m-GGUF/blobs/{layer['digest']}"
        _, _, content = pull_blob(registry, path, layer["size"], 16 if layer["size"] > MEBIBYTE else 1)
        assert f"sha256:{hashlib.sha256(content).hexdigest()}" == layer["digest"]
    assert {request["Authorization"] for request in hub.requests} == {"Bearer hf_of_the_gate"}


@runs("ollama", "ollama pull HOST/user/repo:TAG", "A quantisation that the repository has not: the Hub's 400 with its words")
def test_ollama_shows_what_the_hub_refuses(registry, hub):
    said = b'{"error":"The specified tag is not a valid quantization scheme."}'
    hub.on("/v2/acme/m-GGUF/manifests/Q9", lambda *_: http(400, said, b"Content-Type: application/json"))
    refused, _ = go(registry, "GET", "/v2/acme/m-GGUF/manifests/Q9", f"Accept: {MANIFEST_TYPE}")
    assert (refused.status, refused.body) == (400, said)


def check_blobs_address(gate, content):
    """As ollama has it where it does not take a plain 200 (ollama/ollama#9737, #15512): the response to GET of a blob is to name an address
    for its ranges, be it a redirect to another host or a 200 with Location."""
    found, final = go(gate, "GET", f"/v2/acme/m-GGUF/blobs/sha256:{digest(content)}")
    assert found.status in (200, 307) and found["Location"], "http: no Location header in response"
    assert part(gate, onward(gate, final, found), 0, 12).body[:13] == content[:13]


@runs("ollama", "ollama pull (where 200 needs a Location)", "Its small blobs, which the Hub gives itself with a Location")
def test_an_ollama_that_needs_a_location_finds_a_small_blobs_address(registry):
    check_blobs_address(registry, TEMPLATE)


@runs("ollama", "ollama pull (where 200 needs a Location)", "The model, whose 200 names its own address for an ollama")
def test_an_ollama_that_needs_a_location_finds_the_models_address(registry):
    check_blobs_address(registry, MODEL)
