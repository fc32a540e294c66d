"""What the Hub serves may run nothing in the gateway's origin: the fields that say so, and Chromium, which obeys them."""

import json
import re
import time

import pytest

from browser import browser, has_chromium
from fakehub import http, wait_until
from gate import ask

HUBS_POLICIES = (b"Content-Security-Policy: default-src 'self'", b"content-security-policy: sandbox allow-scripts allow-same-origin")
LFS = b"Content-Type: application/vnd.git-lfs+json"


@pytest.fixture
def store(another_server):
    return another_server


def check_isolated(answer, hubs=()):
    policies = answer.all("Content-Security-Policy")
    assert policies == [*hubs, "sandbox"], answer.headers
    assert answer.all("X-Content-Type-Options") == ["nosniff"]


@pytest.mark.parametrize("status", [200, 201, 204, 206, 302, 304, 400, 404, 429, 500])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
def test_every_relayed_response_is_isolated_beside_what_the_hub_says(start_before, hub, method, status):
    body = b"" if method == "HEAD" or status in (204, 304) else b"<script>1</script>"
    fields = (*HUBS_POLICIES, b"X-Content-Type-Options: sniff", b"X-Content-Type-Options: please", b"Location: /x")
    hub.on("/any", lambda *_: http(status, body, *fields))
    answer = ask(start_before(hub), method, "/any", *([b"Content-Length: 0"] if method == "POST" else []))
    assert answer.status == status
    check_isolated(answer, [field.partition(b": ")[2].decode() for field in HUBS_POLICIES])


def test_files_signed_urls_inference_and_errors_are_isolated_too(start_before, hub, store):
    hub.on("/u/r/resolve/main/f", lambda *_: http(302, b"", b"Location: %s/f" % store.url.encode(), b"X-Linked-Size: 4"))
    hub.on("/u/r/resolve/main/g", lambda *_: http(302, b"", b"Location: %s/f" % store.url.encode()))
    href = json.dumps({"objects": [{"actions": {"download": {"href": store.url + "/f"}}}]}).encode()
    hub.on("/u/r.git/info/lfs/objects/batch", lambda *_: http(200, href, LFS))
    hub.on("/v1/models", lambda *_: http(200, b"{}", b"Content-Type: application/json"))
    hub.on("/broken", lambda *_: http(302, b"", b"Location: https://evil.test/"))
    store.on("/f", lambda *_: http(200, b"file", b"Content-Type: text/html"))
    gate = start_before(hub, "--content-hosts", store.url, "--inference-upstream", hub.url)
    for method in ("GET", "HEAD"):
        for target in ("/u/r/resolve/main/f", "/u/r/resolve/main/g", "/v1/models"):
            answer = ask(gate, method, target)
            assert answer.status == 200
            check_isolated(answer)
    signed = ask(gate, "POST", "/u/r.git/info/lfs/objects/batch", b"Content-Length: 0").body
    path = re.search(rb"/-/signed/[^\"]+", signed)[0].decode()
    for method in ("GET", "HEAD"):
        answer = ask(gate, method, path)
        assert answer.status == 200
        check_isolated(answer)
    for target, status in (("/broken", 502), ("/-/nothing", 404)):
        answer = ask(gate, "GET", target)
        answer.check_is_error(status)
        check_isolated(answer)


def test_what_speaks_for_the_origin_is_not_relayed(start_before, hub):
    names = """Set-Cookie Set-Cookie2 Alt-Svc Alt-Used Strict-Transport-Security Public-Key-Pins Expect-CT Clear-Site-Data NEL
        Report-To Reporting-Endpoints Content-Security-Policy-Report-Only Service-Worker-Allowed Origin-Agent-Cluster Origin-Trial
        Accept-CH Critical-CH Permissions-Policy Document-Policy Speculation-Rules Use-As-Dictionary Set-Login SourceMap X-SourceMap
        Cross-Origin-Opener-Policy Cross-Origin-Embedder-Policy Cross-Origin-Resource-Policy
        Attribution-Reporting-Register-Trigger Secure-Session-Registration""".split()
    hub.on("/any", lambda *_: http(200, b"", *(f"{name}: x".encode() for name in names), b"X-Frame-Options: DENY"))
    answer = ask(start_before(hub), "GET", "/any")
    assert answer["X-Frame-Options"] == "DENY"
    assert [name for name in names if answer.all(name)] == []


@pytest.mark.parametrize("field", [b"Service-Worker: script", b"service-worker: anything", b"Sec-Fetch-Dest: serviceworker"])
def test_no_script_becomes_a_service_worker_of_the_gates_origin(start_before, hub, field):
    hub.on("/u/r/resolve/main/sw.js", lambda *_: http(200, b"1", b"Content-Type: text/javascript"))
    gate = start_before(hub)
    ask(gate, "GET", "/u/r/resolve/main/sw.js", b"Sec-Fetch-Site: same-origin", field).check_is_error(403, "Denied")
    assert hub.requests == []


def test_a_body_in_parts_is_no_document_of_its_parts(start_before, hub):
    for number, value in enumerate((b"multipart/x-mixed-replace;boundary=b", b"text/plain, Multipart/X-Mixed-Replace ;boundary=b")):
        hub.on(f"/{number}", lambda *_, value=value: http(200, b"--b", b"Content-Type: " + value))
        assert ask(start_before(hub), "GET", f"/{number}")["Content-Type"] == "application/octet-stream"


# In a browser

# Each is the Content-Type fields of one file; a string is one field.
TYPES = [
    "text/html", "text/html; charset=utf-8", "TEXT/HTML", "text/html x", "text/html(x)", "text/html;", "text/html, text/plain",
    "text/plain, text/html", "text/plain; a=b, text/html", ";text/html", "text/html;;;", "\ttext/html", "text/ html", "text/xml",
    "text/xsl", "text/xsl; x=y", "application/xml", "application/xhtml+xml", "application/xhtml+xml x", "image/svg+xml",
    "image/svg+xml x", "image/svg+xml(x)", "application/rss+xml", "application/atom+xml", "application/mathml+xml", "text/x+xml",
    "application/xslt+xml", "application/rdf+xml", "application/vnd.wap.xhtml+xml", "model/vnd.collada+xml", "*/*", "*/*(x)", "*/*;x",
    "unknown/unknown", "application/unknown", "application/octet-stream", "text/plain", "text", "html", "/", "", None,
    ("text/plain", "text/html"), ("text/html", "text/plain"), ("", "text/html"), ("*/*", "image/svg+xml"),
    "multipart/x-mixed-replace; boundary=b", "multipart/related; boundary=b", "message/rfc822", "application/x-mimearchive",
    "application/pdf", "text/event-stream", "application/json", "text/javascript", "text/css", "image/png", "text/cache-manifest",
    "application/x-shockwave-flash", "application/wasm", "application/manifest+json", "application/signed-exchange;v=b3",
]  # fmt: skip
# The file's number is in the name: the facade takes no query that it does not know.
ORDER = "JSON.stringify({type: 'model', name: 'victim/' + location.pathname.split('/').pop()})"
ATTACK = f"""<html xmlns="http://www.w3.org/1999/xhtml"><head><title>t</title></head><body><img src="/api/account?by=img" />
<script>//<![CDATA[
fetch('/api/account?by=' + location.pathname);
fetch('/api/repo', {{method: 'DELETE', headers: {{'Content-Type': 'application/json'}}, body: {ORDER}}});
//]]></script></body></html>"""
PARTS = f"--b\r\nContent-Type: text/html\r\n\r\n{ATTACK}\r\n--b--\r\n"
# What the gateway asks the Hub for when it is told to, and what a page of the Hub's own origin would ask itself.
ACTS = ("/api/whoami-v2", "/api/repos/delete", "/api/account", "/api/repo")


def file(kind):
    def answer(*_):
        values = kind if isinstance(kind, tuple) else () if kind is None else (kind,)
        body = PARTS if "multipart" in str(kind) else ATTACK
        return http(200, body.encode(), *(b"Content-Type: " + value.encode() for value in values))

    return answer


def acts(hub):
    return [(request.method, request.target) for request in hub.requests if request.target.partition("?")[0] in ACTS]


@pytest.mark.long
def test_no_file_of_the_hub_acts_in_the_gates_name_in_chromium(start_before, hub, tmp_path, certificates):
    if not has_chromium():
        pytest.skip("There is no chromium, and config/install-deps.sh could not install it: no browser has been tried.")
    for number, kind in enumerate(TYPES):
        hub.on(f"/u/r/resolve/main/{number}", file(kind))
    hub.on("/api/whoami-v2", lambda *_: http(200, b'{"name":"victim"}', b"Content-Type: application/json"))
    hub.on("/api/repos/delete", lambda *_: http(200, b"{}"))
    hub.on("/api/account", lambda *_: http(200, b"{}"))
    hub.on("/api/repo", lambda *_: http(200, b"{}"))
    gate = start_before(hub)
    with browser(tmp_path / "browser", certificates) as chromium:

        def show(url):
            chromium.events.clear()
            shown = chromium.call("Page.navigate", url=url)
            if not shown.get("errorText") and not shown.get("isDownload"):
                chromium.wait_for("Page.loadEventFired")

        def frames(origin):
            page = "".join(f"<iframe src='{origin}/u/r/resolve/main/{number}'></iframe>" for number in range(len(TYPES)))
            hub.on("/frames", lambda *_: http(200, page.encode(), b"Content-Type: text/html"))
            show(f"{hub.url}/frames")

        # The attack is one: pages of the Hub's own origin carry it out there, and tell which types are documents.
        frames(hub.url)
        certain = {"text/html", "text/html x", "text/html(x)", "text/xsl", "image/svg+xml x", ("text/plain", "text/html")}

        def ran():
            orders = [json.loads(request.body) for request in hub.requests if (request.method, request.target) == ("DELETE", "/api/repo")]
            return {TYPES[int(order["name"].removeprefix("victim/"))] for order in orders}

        assert wait_until(lambda: certain <= ran() and len(ran()) >= 20, seconds=20), ran()

        hub.requests.clear()
        for number in range(len(TYPES)):
            show(f"{gate.origin}/u/r/resolve/main/{number}")
        frames(gate.origin)
        # By now each of them has been fetched; a script would have run.
        files = wait_until(lambda: len([r for r in hub.requests if "/resolve/" in r.target]) >= 2 * len(TYPES), seconds=10)
        time.sleep(1)
        assert files and acts(hub) == []
