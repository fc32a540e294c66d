"""What the Hub says of how long its responses are good, and what a hostile one says (RFC 9111)."""

import time

import pytest

from cached import COMMIT, JSON, MODEL, Counting, get
from fakehub import http


def kept(gate, path=MODEL):
    """Whether the second of two who ask is answered from the cache."""
    gate.ask(get(path))
    return "; hit" in (gate.ask(get(path))["Cache-Status"] or "")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ((), True), (("Age: 5",), True), (("Age: -1",), True), (("Age: 1e9",), True), (("Age: x",), True), (("Age:",), True),
        (("Age: 11",), False), (("Age: 9223372036854775807",), False), (("Age: 9223372036854775808",), False),
        (("Age: 18446744073709551616",), False), (("Age: " + "9" * 5000,), False), (("Age: 0", "Age: 99"), True), (("Age: 99", "Age: 0"), False),
        (("Cache-Control: max-age=0",), False), (("Cache-Control: max-age=-5",), False), (("Cache-Control: max-age=99999999999999999999",), True),
        (("Cache-Control: max-age=9", "Age: 9"), False), (("Cache-Control: s-maxage=0, max-age=60",), False), (("Cache-Control: no-cache",), False),
        (("Expires: 0",), False), (("Expires: Sun, 06 Nov 1994 08:49:37 GMT",), False), (("Expires: Fri, 31 Dec 9999 23:59:59 GMT",), True),
        (("Cache-Control: " + "a," * 600,), False),
    ],
)  # fmt: skip
def test_whatever_the_hub_says_of_its_age_nothing_breaks_and_nothing_is_older_than_said(cached, hub, fields, expected):
    Counting(hub, MODEL, *(field.encode() for field in fields))
    gate = cached("--metadata-ttl", "10s", "--metadata-stale", "0")
    assert kept(gate) == expected
    assert gate.process.poll() is None


def test_content_of_a_commit_is_good_for_ever_unless_the_hub_wants_to_be_asked(cached, hub):
    plain, asked = f"/acme/m/resolve/{COMMIT}/a", f"/acme/m/resolve/{COMMIT}/b"
    Counting(hub, plain, b"Cache-Control: max-age=1")
    Counting(hub, asked, b"Cache-Control: no-cache")
    gate = cached("--metadata-ttl", "1s", "--metadata-stale", "0")
    gate.ask(get(plain))
    time.sleep(1.2)
    assert kept(gate, plain) and not kept(gate, asked)


@pytest.mark.parametrize("status", [307, 404])
def test_what_is_answered_of_a_commit_besides_its_content_is_moving(cached, hub, status):
    """A renamed repository can get its name back, and what is not there now may be later."""
    path = f"/acme/m/resolve/{COMMIT}/a"
    fields = (b"Location: /acme/n/resolve/%s/a" % COMMIT.encode(),) if status == 307 else (b"X-Error-Code: EntryNotFound",)
    model = Counting(hub, path, *fields, status=status)
    gate = cached("--metadata-ttl", "1s", "--metadata-stale", "0")
    assert [gate.ask(get(path)).status for _ in range(2)] == [status] * 2 and model.count == 1
    time.sleep(1.2)
    assert gate.ask(get(path)).status == status and model.count == 2


@pytest.mark.parametrize("word", ["must-revalidate", "proxy-revalidate", "s-maxage=1", "no-cache"])
def test_what_the_hub_forbids_to_be_given_out_stale_is_not_even_in_an_outage(cached, hub, word):
    broken = []
    hub.on(MODEL, lambda *_: http(503, b"no", JSON) if broken else http(200, b"{}", JSON, b"Cache-Control: " + word.encode()))
    gate = cached("--metadata-ttl", "1s", "--metadata-stale", "60s")
    gate.ask(get(MODEL))
    broken.append(1)
    time.sleep(1.2)
    assert gate.ask(get(MODEL)).status == 503


def test_a_304_says_what_the_fields_of_what_is_kept_are_now(cached, hub):
    """But nothing of its content, and nothing of what isolates it; and each leaves no byte more."""
    count = [0]

    def answer(request, connection):
        count[0] += 1
        if request["If-None-Match"]:
            fields = (b'ETag: "e"', b"X-Count: %d" % count[0], b"Link: <%s/next>; rel=next" % hub.url.encode(), b"Content-Type: text/html",
                      b"Content-Security-Policy: x", b"Set-Cookie: a=b")  # fmt: skip
            return b"HTTP/1.1 304 Not Modified\r\n" + b"".join(field + b"\r\n" for field in fields) + b"\r\n"
        return http(200, b"{}", JSON, b'ETag: "e"', b"X-Count: 1", b"X-Stays: yes")

    hub.on(MODEL, answer)
    gate = cached("--metadata-ttl", "60s")
    gate.ask(get(MODEL))
    for _ in range(50):
        gate.ask(get(MODEL, "Cache-Control: no-cache"))
    after = gate.ask(get(MODEL))
    assert after["X-Count"] == "51" and after["X-Stays"] == "yes" and after.body == b"{}" and after["Content-Type"] == "application/json"
    assert after["Link"].startswith("<https://localhost/next>") and after["Set-Cookie"] is None and len(after.all("Link")) == 1
    assert after.all("Content-Security-Policy") == ["sandbox"] and after.all("X-Content-Type-Options") == ["nosniff"]
    from cached import figures

    assert figures(gate)["hubgate_cache_bytes"] < 2000


# What it says of itself (RFC 9211)


def test_each_relayed_response_says_what_part_the_cache_had(cached, hub):
    fields = (b'ETag: "e"', b"Cache-Status: ExampleCDN; hit")
    Counting(hub, MODEL, *fields)
    Counting(hub, MODEL + "/commit/main")
    Counting(hub, MODEL + "/xet-read-token/main")
    gate = cached("--metadata-ttl", "60s")
    status = lambda *fields, path=MODEL, method="GET": gate.ask(get(path, *fields, method=method)).all("Cache-Status")  # noqa: E731
    assert status() == ["ExampleCDN; hit", "hubgate; fwd=uri-miss; stored"]
    assert status()[-1].startswith("hubgate; hit; ttl=")
    assert status("Cache-Control: no-cache") == ["ExampleCDN; hit", "hubgate; fwd=request; stored"]
    assert status("Cache-Control: no-store")[-1] == "hubgate; fwd=bypass"
    assert status(path=MODEL + "/xet-read-token/main") == ["hubgate; fwd=bypass"]
    assert status(path=MODEL + "/commit/main", method="POST") == ["hubgate; fwd=method"]
    assert status(path="/-/health") == []


@pytest.mark.parametrize(
    "path", ["/api/models/acme/m/xet-read-token/main", "/api/buckets/acme/b/xet-read-token", "/api/buckets/acme/b/xet-write-token",
             "/api/models/acme/m/jwt", "/api/spaces/acme/s/runtime", "/api/jobs/acme/1"])  # fmt: skip
def test_what_is_one_clients_own_is_kept_for_nobody(cached, hub, path):
    Counting(hub, path)
    assert not kept(cached(), path)


@pytest.mark.parametrize("path", ["/api/buckets/acme/b/xet-read-token", "/api/buckets/acme/b/xet-write-token?x=1", "/api/models/acme/m/xet-read-token/main"])
def test_where_xet_is_hidden_nobody_is_let_into_it(start_before, hub, path):
    hub.otherwise = lambda *_: http(200, b"{}", JSON)
    gate = start_before(hub, "--xet", "hide")
    assert gate.ask(get(path)).status == 404 and not hub.requests
    # A repository that is only called so is another thing.
    assert gate.ask(get("/api/models/acme/xet-read-token-demo")).status == 200
