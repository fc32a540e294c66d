"""Pages of other origins that `trusted_origins` names use the gateway from a browser, and no others: the CORS protocol
(https://fetch.spec.whatwg.org/#http-cors-protocol) as raw requests, and headless Chromium, which obeys it."""

import hashlib
import json

import pytest

from clients import MEBIBYTE, digest, noise
from fakehub import FakeHub, http
from gate import make_workspace, run
from hub import Hub
from test_isolation import browser, has_chromium


APP = "https://app.example.org"
EXPOSED = """ETag X-Error-Code X-Error-Message X-Repo-Commit X-Linked-Size X-Linked-ETag Link Content-Range Accept-Ranges RateLimit
    RateLimit-Policy Retry-After X-Request-Id""".split()
REPO = "sandbox/pages"
LARGE = noise(3 * MEBIBYTE)
PATHS = [
    "/", "/api/models/sandbox/demo", "/api/repo", "/sandbox/demo/resolve/main/config.json", "/v1/chat/completions", "/-/signed/x",
    "/-/health", "/no/such/path", f"/{REPO}.git/info/lfs/objects/batch",
]  # fmt: skip


@pytest.fixture
def trusting(start):
    """Starts a gate in its sandbox that trusts these origins."""

    def trusting(*origins, access="open"):
        return start("--trusted-origins", ",".join(origins), "--access", access)

    return trusting


def ask(gate, method, target, *fields):
    lines = [f"{method} {target} HTTP/1.1", f"Host: localhost:{gate.port}", *fields, "Connection: close"]
    return gate.ask("\r\n".join(lines).encode() + b"\r\n\r\n")


def preflight(gate, target, origin, method="POST", headers="authorization,content-type"):
    fields = (f"Origin: {origin}", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: cors")
    wishes = (f"Access-Control-Request-Method: {method}", f"Access-Control-Request-Headers: {headers}")
    return ask(gate, "OPTIONS", target, *fields, *wishes)


def words(answer, name):
    return {word.strip().lower() for value in answer.all(name) for word in value.split(",")}


def may_read(answer):
    return answer["Access-Control-Allow-Origin"]


@pytest.mark.parametrize("origin", [APP, "tauri://localhost", "http://127.0.0.1:3000"])
def test_a_preflight_is_answered_on_every_path(trusting, origin):
    gate = trusting(APP, "tauri://localhost", "http://127.0.0.1:3000")
    before = len(Hub(gate).journal())
    for path in PATHS:
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH"):
            answer = preflight(gate, path, origin, method)
            assert answer.status in (200, 204) and may_read(answer) == origin, (path, method)
            assert method.lower() in words(answer, "Access-Control-Allow-Methods")
            assert {"authorization", "content-type"} <= words(answer, "Access-Control-Allow-Headers")
            assert "origin" in words(answer, "Vary") and answer["Access-Control-Allow-Credentials"] is None
    assert len(Hub(gate).journal()) == before, "a preflight is no request to the Hub"


@pytest.mark.parametrize("origin", [APP, "tauri://localhost"])
def test_every_response_can_be_read_errors_too(trusting, origin):
    gate = trusting(APP, "tauri://localhost")
    for path in PATHS:
        answer = ask(gate, "GET", path, f"Origin: {origin}", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: cors")
        assert may_read(answer) == origin, (path, answer.status)
        assert {name.lower() for name in EXPOSED} <= words(answer, "Access-Control-Expose-Headers"), path
        assert "origin" in words(answer, "Vary"), path
        assert answer["Access-Control-Allow-Credentials"] is None


@pytest.mark.parametrize(
    "origin",
    ["https://evil.test", "null", f"{APP}.evil.test", f"{APP}:8443", APP.replace("https", "http"), APP.upper(), f"{APP}/", "*",
     f"{APP}, https://evil.test", "tauri://localhost", "https://example.org", ""],
)  # fmt: skip
def test_no_other_origin_is_let_in(trusting, origin):
    gate = trusting(APP)
    for path in PATHS:
        refused = preflight(gate, path, origin)
        assert may_read(refused) is None and refused["Access-Control-Allow-Methods"] is None, path
        answer = ask(gate, "GET", path, f"Origin: {origin}", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: cors")
        assert may_read(answer) is None, path
    order = json.dumps({"type": "model", "name": "of-a-page", "private": True})
    fields = (f"Origin: {origin}", "Content-Type: application/json", f"Content-Length: {len(order)}")
    with gate.connect() as connection:
        head = [f"POST /api/repo HTTP/1.1\r\nHost: localhost:{gate.port}", *fields, "Connection: close\r\n\r\n"]
        connection.send("\r\n".join(head).encode() + order.encode())
        assert connection.answer().status == 403


def test_programs_that_are_no_browser_see_no_difference(trusting, start):
    trusts, does_not = trusting(APP), start()
    for gate in (trusts, does_not):
        answer = ask(gate, "GET", "/api/models/sandbox/demo")
        assert answer.status == 200 and may_read(answer) is None


@pytest.mark.parametrize("value", ["*", "https://app.example.org/", "app.example.org", "https://*.example.org", "null", "https://"])
def test_a_value_that_would_let_in_more_than_it_says_is_refused_at_the_start(tmp_path, value):
    for given, is_named in ((APP, False), (value, True)):
        workspace = make_workspace(tmp_path / str(is_named))
        done = run(workspace, "--sandbox", "--check", "--access", "open", "--trusted-origins", given)
        assert ("trusted_origins" in done.stdout + done.stderr) is is_named
    assert done.returncode != 0


def test_every_origin_may_be_trusted_where_clients_bring_their_own_token(trusting):
    gate = trusting("*", access="passthrough")
    answer = ask(gate, "GET", "/api/models/sandbox/demo", "Origin: https://any.test", "Sec-Fetch-Site: cross-site")
    assert answer.status == 200 and may_read(answer) in ("*", "https://any.test")
    assert may_read(ask(gate, "GET", "/", "Origin: null")) is None


# In a browser

SCRIPT = """
const token = {Authorization: 'Bearer hf_sandbox'};
const sha256 = async bytes =>
    [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))].map(byte => byte.toString(16).padStart(2, '0')).join('');
const fields = (response, ...names) => Object.fromEntries(names.map(name => [name, response.headers.get(name)]));
const file = async (path, more) => {
    const response = await fetch(gate + path, {headers: {...token, ...more}});
    return {status: response.status, sha256: await sha256(await response.arrayBuffer()),
        ...fields(response, 'ETag', 'Content-Range', 'X-Repo-Commit', 'X-Linked-Size')};
};
const commit = lines => fetch(`${gate}/api/models/${repo}/commit/main`, {method: 'POST',
    headers: {...token, 'Content-Type': 'application/x-ndjson'}, body: lines.map(line => JSON.stringify(line)).join('\\n')});
const header = {key: 'header', value: {summary: 'from a page', description: ''}};
"""
# Each is what a page does, and what Chromium says to it.
WHOLE = "return await file(`/${repo}/resolve/main/large.bin`)"
RANGE = "return await file(`/${repo}/resolve/main/large.bin`, {Range: 'bytes=1048576-2097151'})"
LIST = "return (await (await fetch(`${gate}/api/models/${repo}/tree/main`, {headers: token})).json()).map(entry => entry.path)"
ERROR = """const response = await fetch(gate + '/api/models/sandbox/none', {headers: token});
return {status: response.status, ...fields(response, 'X-Error-Message', 'X-Error-Code')}"""
UPLOAD = """const made = await commit([header, {key: 'file', value: {path: 'page.txt', content: btoa('of a page'), encoding: 'base64'}}]);
const read = await fetch(`${gate}/${repo}/resolve/main/page.txt`, {headers: token});
return {made: made.status, read: await read.text()}"""
UPLOAD_LARGE = """const bytes = new Uint8Array(2 << 20).fill(7), oid = await sha256(bytes);
const batch = await fetch(`${gate}/${repo}.git/info/lfs/objects/batch`, {method: 'POST',
    headers: {...token, 'Content-Type': 'application/vnd.git-lfs+json'},
    body: JSON.stringify({operation: 'upload', transfers: ['basic'], objects: [{oid, size: bytes.length}]})});
const put = await fetch((await batch.json()).objects[0].actions.upload.href, {method: 'PUT', body: bytes});
const made = await commit([header, {key: 'lfsFile', value: {path: 'page.bin', algo: 'sha256', oid, size: bytes.length}}]);
return {put: put.status, made: made.status, sha256: (await file(`/${repo}/resolve/main/page.bin`)).sha256}"""
CHAT = """const response = await fetch(gate + '/v1/chat/completions', {method: 'POST',
    headers: {...token, 'Content-Type': 'application/json'},
    body: JSON.stringify({model: 'm', stream: true, messages: [{role: 'user', content: 'one two'}]})});
let text = '';
for (const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();;) {
    const {done, value} = await reader.read();
    if (done) break;
    text += value;
}
return text.split('\\n').filter(line => line.startsWith('data: {')).map(line => JSON.parse(line.slice(6)).choices[0].delta.content).join('')"""
LINKED = {"ETag": f'"{digest(LARGE)}"', "X-Linked-Size": str(len(LARGE))}
WANTED = {
    WHOLE: {"status": 200, "sha256": digest(LARGE), "Content-Range": None, **LINKED},
    RANGE: {"status": 206, "sha256": digest(LARGE[MEBIBYTE : 2 * MEBIBYTE]), "Content-Range": f"bytes 1048576-2097151/{len(LARGE)}",
            **LINKED},
    LIST: [".gitattributes", "large.bin"],
    ERROR: {"status": 404, "X-Error-Message": "Repository not found", "X-Error-Code": "RepoNotFound"},
    UPLOAD: {"made": 200, "read": "of a page"},
    UPLOAD_LARGE: {"put": 200, "made": 200, "sha256": hashlib.sha256(b"\7" * (2 << 20)).hexdigest()},
    CHAT: "You said: one two",
}
NAMES = {
    WHOLE: "Reads a file, its ETag and its commit", RANGE: "Reads a range of a file", LIST: "Lists a repository's files",
    ERROR: "Reads what the Hub says in an error", UPLOAD: "Commits a small file", UPLOAD_LARGE: "Brings a large file to the store",
    CHAT: "Reads a stream of /v1 as it comes",
}  # fmt: skip


@pytest.fixture
def pages():
    """Two web servers, of which the gateway will trust the first."""
    servers = [FakeHub(), FakeHub()]
    for server in servers:
        server.on("/", lambda *_: http(200, b"<!doctype html><title>t</title>", b"Content-Type: text/html"))
    yield servers
    for server in servers:
        server.close()


def evaluate(chromium, page, gate, body):
    """What a page's script gives, or the name of what it throws."""
    chromium.events.clear()
    chromium.call("Page.navigate", url=f"{page.url}/")
    chromium.wait_for("Page.loadEventFired")
    script = f"(async () => {{ const gate = {gate.origin!r}, repo = {REPO!r}; {SCRIPT} {body} }})().catch(error => error.name)"
    return chromium.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)["result"].get("value")


@pytest.fixture
def in_chromium(pages, trusting, tmp_path, certificates):
    """Runs a script in a page of one of the two."""
    if not has_chromium():
        pytest.skip("There is no chromium, and config/install-deps.sh could not install it: no browser has been tried.")

    def in_chromium(access):
        gate = trusting(pages[0].url, access=access)
        hub = Hub(gate)
        hub.create(REPO)
        hub.put_linked(REPO, "large.bin", LARGE)
        return gate, hub

    with browser(tmp_path / "browser", certificates) as chromium:
        yield chromium, in_chromium


@pytest.mark.parametrize("access", ["open", "passthrough"])
@pytest.mark.parametrize(
    "act", [pytest.param(act, marks=pytest.mark.operation("chromium", "fetch", name), id=name) for act, name in NAMES.items()]
)
def test_a_page_of_a_trusted_origin_uses_the_gateway(in_chromium, pages, act, access):
    chromium, begin = in_chromium
    gate, hub = begin(access)
    got = evaluate(chromium, pages[0], gate, act)
    if isinstance(got, dict) and "X-Repo-Commit" in got:
        assert len(got.pop("X-Repo-Commit")) == 40
    assert got == WANTED[act]
    hub.check_credentials()


@pytest.mark.operation("chromium", "fetch", "A page of an origin that is not trusted reads and writes nothing")
@pytest.mark.parametrize("access", ["open", "passthrough"])
def test_a_page_of_another_origin_does_not(in_chromium, pages, access):
    chromium, begin = in_chromium
    gate, hub = begin(access)
    before = len(hub.journal())
    for act in NAMES:
        assert evaluate(chromium, pages[1], gate, act) == "TypeError"
    written = [entry for entry in hub.journal()[before:] if entry["method"] not in ("GET", "HEAD", "OPTIONS")]
    assert written == []
