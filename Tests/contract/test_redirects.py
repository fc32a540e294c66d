"""Where a response of the Hub, or of its store, may lead: here, to bytes that the gateway fetches itself, and nowhere else."""

import json
import re

import pytest

from fakehub import FakeHub, http
from gate import ask, run

FILE = "/u/r/resolve/main/f"
SIZE = b"X-Linked-Size: 4"
ETAG = b'X-Linked-Etag: "sha"'


@pytest.fixture
def store(another_server):
    return another_server


@pytest.fixture
def other():
    other = FakeHub()
    yield other
    other.close()


def to(url, *fields, status=302):
    location = b"Location: " + url.encode()
    return lambda *_: http(status, b"", location, *fields)


def sealed_path(gate, hub, url):
    """The path of a signed URL that the gateway makes of `url`."""
    body = json.dumps({"objects": [{"actions": {"download": {"href": url}}}]}).encode()
    hub.on("/u/r.git/info/lfs/objects/batch", lambda *_: http(200, body, b"Content-Type: application/vnd.git-lfs+json"))
    answer = ask(gate, "POST", "/u/r.git/info/lfs/objects/batch", b"Content-Length: 0")
    return re.search(rb"/-/signed/[^\"]+", answer.body)[0].decode()


# Out of here


ELSEWHERE = ["https://evil.test/x", "//evil.test/x", r"/\evil.test", "https:evil.test", "http://169.254.169.254/", "ftp://evil.test/"]


@pytest.mark.parametrize("location", ELSEWHERE)
@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 306, 307, 308, 309, 399])
def test_no_redirect_leads_elsewhere_whatever_its_status(start_before, hub, status, location):
    hub.on("/any", to(location, status=status))
    gate = start_before(hub)
    for method in ("GET", "HEAD", "DELETE"):
        answer = ask(gate, method, "/any")
        assert answer.status == 502 and not answer.all("Location")


def test_a_redirect_that_stays_is_relayed_and_what_304_says_is_no_redirect(start_before, hub):
    gate = start_before(hub)
    for status in (300, 301, 305, 307, 399):
        hub.on("/any", to(hub.url + "/there", status=status))
        answer = ask(gate, "GET", "/any")
        assert (answer.status, answer["Location"]) == (status, f"https://localhost:{gate.port}/there")
    hub.on("/any", lambda *_: http(304, b"", b"Location: https://evil.test/"))
    assert ask(gate, "GET", "/any").status == 304


@pytest.mark.parametrize("status", [200, 201, 300, 301, 302, 305, 307, 308])
def test_of_two_locations_none_is_right(start_before, hub, store, status):
    gate = start_before(hub, "--content-hosts", store.url)
    for first, second in (("/here", "https://evil.test/"), ("/here", "/there"), (store.url + "/f", "/here")):
        hub.on("/any", to(first, b"LOCATION: " + second.encode(), status=status))
        answer = ask(gate, "GET", "/any")
        answer.check_is_error(502, "HubBroken")
        assert "two Location" in answer.json["error"] or "2 Location" in answer.json["error"]
    assert store.requests == []


@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308, 399])
def test_no_store_leads_out_of_a_signed_url(start_before, hub, store, status):
    gate = start_before(hub, "--content-hosts", store.url)
    path = sealed_path(gate, hub, store.url + "/f")
    for location in ELSEWHERE:
        store.on("/f", to(location, status=status))
        assert ask(gate, "GET", path).status == 502
    store.on("/f", to("/here", b"Location: /there", status=status))
    ask(gate, "GET", path).check_is_error(502, "HubBroken")


@pytest.mark.parametrize(
    "field",
    [
        b"Location: https://evil.test/x",
        b"Content-Location: https://evil.test/x",
        b"Content-Location: //huggingface.co/x",
        b"Refresh: 0; url=https://evil.test/x",
        b"Refresh: 0;URL='//evil.test'",
        b'Link: </a>; rel="up", <https://evil.test/x>; rel="next"',
        b'Link: <https://evil.test/x>; rel="preload"; as="script"',
    ],
)
def test_with_strict_leaks_no_field_leads_to_a_stranger(start_before, hub, field):
    hub.on("/any", lambda *_: http(200, b"", field))
    answer = ask(start_before(hub, "--strict-leaks"), "GET", "/any")
    answer.check_is_error(502, "HubBroken")
    loose = start_before(hub)
    assert ask(loose, "GET", "/any").status == 200
    assert re.search(rb"hubgate_upstream_leaks_total\{[^}]+\} 1\n", loose.curl("/-/metrics").stdout)


def test_what_leads_to_the_hub_by_content_location_leads_here(start_before, hub):
    hub.on("/any", lambda *_: http(200, b"", b"Content-Location: " + hub.url.encode() + b"/x?y"))
    gate = start_before(hub, "--strict-leaks")
    assert ask(gate, "GET", "/any")["Content-Location"] == f"https://localhost:{gate.port}/x?y"


@pytest.mark.parametrize("path", ["//evil.test/x", "//", "///x"])
def test_a_path_with_two_slashes_is_refused_at_the_root_and_below_a_path(start_before, hub, path):
    for base, flags in (("", ()), ("/hf", ("--base-path", "/hf"))):
        answer = ask(start_before(hub, *flags), "GET", base + path)
        answer.check_is_error(400, "TargetDoubleSlash")
    assert hub.requests == []


# To a file's bytes


def test_a_store_with_a_port_is_fetched_from_and_another_port_is_not(start_before, hub, store, other):
    gate = start_before(hub, "--content-hosts", f"hf.co,{store.url}")
    store.on("/f", lambda *_: http(200, b"file"))
    hub.on(FILE, to(store.url + "/f", ETAG))
    answer = ask(gate, "GET", FILE)
    assert answer.body == b"file" and answer["ETag"] == '"sha"'
    hub.on(FILE, to(other.url + "/f"))
    ask(gate, "GET", FILE).check_is_error(502, "HubBroken")
    assert other.requests == []


def test_a_store_in_clear_is_for_loopback_or_for_who_says_so(workspace, certificates):
    flags = ("--check", "--access", "open", "--content-hosts")
    settings = {**certificates.settings, "HF_TOKEN": "hf_x"}
    for value, more, code in (
        ("http://127.0.0.1:9000", (), 0),
        ("https://minio.internal:9000,hf.co", (), 0),
        ("http://minio.internal:9000", (), 78),
        ("http://minio.internal:9000", ("--upstream-plaintext",), 0),
        ("https://minio.internal:9000/path", (), 78),
        ("https://user@minio.internal", (), 78),
        ("minio.internal:9000", (), 78),
    ):
        done = run(workspace, *flags, value, *more, **settings)
        assert done.returncode == code, (value, done.stderr)


def test_one_redirect_of_the_store_is_followed_within_the_list(start_before, hub, store, other):
    gate = start_before(hub, "--content-hosts", f"{store.url},{other.url}")
    hub.on(FILE, to(store.url + "/f", ETAG, b"X-Repo-Commit: abc"))
    other.on("/g", lambda *_: http(200, b"file", b"X-Repo-Commit: evil"))
    store.on("/g", lambda *_: http(200, b"here"))
    for location, body in ((other.url + "/g", b"file"), ("/g", b"here")):
        store.on("/f", to(location))
        answer = ask(gate, "GET", FILE)
        assert (answer.status, answer.body, answer["X-Repo-Commit"], answer["ETag"]) == (200, body, "abc", '"sha"')
    store.on("/f", to(other.url + "/again"))
    other.on("/again", to("https://third.test/x"))
    answer = ask(gate, "GET", FILE)
    answer.check_is_error(502, "HubBroken")
    assert "third.test" in answer.json["error"]
    store.on("/f", to("https://evil.test/x"))
    answer = ask(gate, "GET", FILE)
    answer.check_is_error(502, "HubBroken")
    assert "evil.test" in answer.json["error"]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_store_that_is_busy_is_shown_as_it_is(start_before, hub, store, status):
    gate = start_before(hub, "--content-hosts", store.url)
    hub.on(FILE, to(store.url + "/f", ETAG))
    store.on("/f", lambda *_: http(status, b"<Error/>", b"Retry-After: 7", b"Server: secret"))
    answer = ask(gate, "GET", FILE)
    assert (answer.status, answer["Retry-After"], answer["Server"]) == (status, "7", None)
    answer.check_is_error(status)


def test_for_a_signed_url_that_has_expired_the_hub_is_asked_once_more(start_before, hub, store):
    gate = start_before(hub, "--content-hosts", store.url)
    urls = iter(["/old", "/new"])
    hub.on(FILE, lambda *_: http(302, b"", b"Location: %s%s" % (store.url.encode(), next(urls).encode()), ETAG))
    store.on("/old", lambda *_: http(403, b"<Code>AccessDenied</Code>"))
    store.on("/new", lambda *_: http(206, b"le", b"Content-Range: bytes 2-3/4"))
    answer = ask(gate, "GET", FILE, b"Range: bytes=2-3")
    assert (answer.status, answer.body) == (206, b"le")
    assert [r.target for r in hub.requests] == [FILE, FILE] and [r.target for r in store.requests] == ["/old", "/new"]
    assert [r["Range"] for r in store.requests] == ["bytes=2-3"] * 2
    hub.on(FILE, to(store.url + "/old"))
    ask(gate, "GET", FILE).check_is_error(502, "HubBroken")
    assert len(hub.seen(FILE)) == 4


# Conditions


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ([b'If-None-Match: "sha"'], 304),
        ([b'If-None-Match: W/"sha"'], 304),
        ([b"If-None-Match: *"], 304),
        ([b'If-None-Match: "x, \\", "sha"'], 304),
        ([b'If-None-Match: "a"', b'If-None-Match: "sha"'], 304),
        ([b'If-None-Match: "sha"', b"If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT"], 304),
        ([b'If-None-Match: "other"', b'If-None-Match: "sh"'], 200),
        ([b"If-None-Match: sha"], 200),
        ([b'If-Match: "other"'], 412),
        ([b'If-Match: W/"sha"'], 412),
        ([b'If-Match: "other"', b'If-None-Match: "sha"'], 412),
        ([b'If-Match: "a", "sha"'], 200),
        ([b"If-Match: *"], 200),
        ([b'If-Match: "sha"', b'If-None-Match: "sha"'], 304),
    ],
)
def test_conditions_are_judged_by_the_etag_that_is_shown(start_before, hub, store, method, fields, status):
    gate = start_before(hub, "--content-hosts", store.url)
    hub.on(FILE, to(store.url + "/f", ETAG, SIZE, b'ETag: "of the redirect"', b"X-Repo-Commit: abc"))
    store.on("/f", lambda *_: http(200, b"file", b'ETag: "of the store"'))
    answer = ask(gate, method, FILE, *fields)
    assert (answer.status, answer["ETag"], answer["X-Repo-Commit"]) == (status, '"sha"', "abc")
    assert answer.body == (b"file" if status == 200 and method == "GET" else b"")
    assert len(store.requests) == (status == 200 and method == "GET")
    for request in store.requests:
        assert not request.all("If-None-Match") and not request.all("If-Match") and not request.all("If-Modified-Since")


def test_dates_are_the_stores(start_before, hub, store):
    gate = start_before(hub, "--content-hosts", store.url)
    hub.on(FILE, to(store.url + "/f", ETAG, SIZE))
    date = b"Thu, 01 Jan 2026 00:00:00 GMT"
    store.on("/f", lambda request, _: http(304 if request["If-Modified-Since"] else 412, b"", b"Last-Modified: " + date))
    answer = ask(gate, "GET", FILE, b"If-Modified-Since: " + date)
    assert (answer.status, answer["ETag"], answer["Last-Modified"]) == (304, '"sha"', date.decode())
    assert ask(gate, "GET", FILE, b"If-Unmodified-Since: " + date).status == 412
