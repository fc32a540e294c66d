"""Lines of docs/THREATS.md that no other file shows: each test is named there."""

import json
import re
import socket
import stat
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from fakehub import http
from gate import make_certificates

TOKEN = "hf_of_the_gate"


def ask(gate, method, target, *fields):
    lines = [f"{method} {target} HTTP/1.1".encode(), b"Host: localhost:%d" % gate.port, *fields, b"Connection: close"]
    return gate.ask(b"\r\n".join(lines) + b"\r\n\r\n")


# A web page in a user's browser


@pytest.mark.parametrize(
    "fields",
    [
        [b"Sec-Fetch-Site: cross-site", b"Sec-Fetch-Mode: cors"],
        [b"Sec-Fetch-Site: same-site", b"Sec-Fetch-Mode: no-cors"],
        [b"Origin: https://evil.test"],
        [b"Origin: null"],
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_request_of_another_sites_page_gets_403_and_reaches_no_hub(start_before, hub, method, fields):
    hub.on("/any", lambda *_: http(200, b"private"))
    gate = start_before(hub)
    for target in ("/any", "/api/account"):
        answer = ask(gate, method, target, *fields, b"Content-Length: 0")
        assert answer.status == 403 and b"private" not in answer.body
        assert not answer.all("Access-Control-Allow-Origin")
    assert hub.requests == []


def test_a_page_of_the_gates_own_and_a_followed_link_are_served(start_before, hub):
    hub.on("/any", lambda *_: http(200, b"there"))
    gate = start_before(hub)
    own = b"Origin: https://localhost:%d" % gate.port
    for fields in ([b"Sec-Fetch-Site: cross-site", b"Sec-Fetch-Mode: navigate"], [own], []):
        assert ask(gate, "GET", "/any", *fields).status == 200
    assert len(hub.requests) == 3


def test_an_answer_that_leads_past_the_gate_is_told_of_and_with_strict_leaks_not_given(start_before, hub):
    link = b'Link: <https://huggingface.co/api/models?cursor=s3cret>; rel="next"'
    hub.on("/api/models", lambda *_: http(200, b"[]", link))
    for flags, status in (([], 200), (["--strict-leaks"], 502)):
        gate = start_before(hub, *flags)
        answer = gate.ask(b"GET /api/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert answer.status == status
        assert b'hubgate_upstream_leaks_total{place="link"} 1\n' in gate.curl("/-/metrics").stdout
        warnings = [message for message in gate.messages if "leads clients past" in message]
        assert len(warnings) == 1 and "Link names huggingface.co." in warnings[0]
        assert "s3cret" not in gate.errors and b"s3cret" not in (answer.body if status == 502 else b"")


AUTHORED = {
    "/api/models/acme/m": lambda url: {"id": "acme/m", "cardData": {"note": url, "deep": [{"url": [url]}]}, "tags": [url], "config": {"x": url}},
    "/api/models/acme/m/commits/main": lambda url: [{"title": url, "message": url}],
    "/api/models/acme/m/discussions/1": lambda url: {"title": url, "events": [{"data": {"latest": {"raw": url, "x": [url]}}}]},
    "/api/collections/acme/c": lambda url: {"title": url, "description": url, "items": [{"note": {"text": url}}]},
}


@pytest.mark.parametrize("path", AUTHORED)
@pytest.mark.parametrize("flags", [(), ("--strict-leaks",)])
def test_what_somebody_has_written_is_not_signed_and_is_no_leak(start_before, hub, another_server, path, flags):
    """Otherwise a user who may write a card could have the gateway call any URL of a store."""
    url = another_server.url + "/internal/secret.txt?a=b"
    written = AUTHORED[path](url)
    hub.on(path, lambda *_: http(200, json.dumps(written).encode(), b"Content-Type: application/json"))
    gate = start_before(hub, "--content-hosts", another_server.url, *flags)
    answer = ask(gate, "GET", path)
    assert answer.status == 200 and json.loads(answer.body) == written
    assert not re.search(rb"hubgate_upstream_leaks_total\{[^}]+\} [1-9]", gate.curl("/-/metrics").stdout)
    assert another_server.requests == []


def test_what_the_hub_itself_says_is_signed_beside_it_and_what_leads_to_the_hub_leads_here(start_before, hub, another_server):
    url = another_server.url + "/x"
    said = {"id": "acme/m", "cardData": {"a": url, "b": hub.url + "/acme/m"}, "thumbnail": url, "files": [{"url": url}]}
    hub.on("/api/models/acme/m", lambda *_: http(200, json.dumps(said).encode(), b"Content-Type: application/json"))
    gate = start_before(hub, "--content-hosts", another_server.url, "--strict-leaks")
    found = json.loads(ask(gate, "GET", "/api/models/acme/m").body)
    assert found["cardData"] == {"a": url, "b": f"https://localhost:{gate.port}/acme/m"}
    assert all("/-/signed/" in signed for signed in (found["thumbnail"], found["files"][0]["url"]))


def test_in_passthrough_access_another_sites_page_is_lent_no_token(start_before, hub):
    hub.on("/any", lambda *_: http(200))
    gate = start_before(hub, "--access", "passthrough")
    ask(gate, "GET", "/any", b"Sec-Fetch-Site: cross-site", b"Sec-Fetch-Mode: cors", b"Origin: https://evil.test")
    assert all(seen["Authorization"] is None and TOKEN.encode() not in seen.head for seen in hub.requests)


# A client with access


@pytest.mark.parametrize("host", ["localhost", "evil.test", "evil.test:8443"])
def test_of_a_target_in_absolute_form_only_the_path_reaches_the_hub(start_before, hub, host):
    hub.on("/org/repo", lambda *_: http(200, b"there"))
    gate = start_before(hub)
    with gate.connect() as connection:
        connection.send(f"GET https://{host}/org/repo?a=%2F HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        answer = connection.answer()
    # Another host may be refused (421); it must not be asked.
    assert answer.status in (200, 421) and (answer.status == 200 or host != "localhost")
    for seen in hub.requests:
        assert seen.target == "/org/repo?a=%2F"
        assert seen["Host"] == f"127.0.0.1:{hub.port}" and b"evil" not in seen.head
    assert len(hub.requests) == (answer.status == 200)


# A Hub that speaks for others


def test_what_the_hub_says_about_its_own_origin_does_not_reach_the_client(start_before, hub):
    fields = (
        b'Alt-Svc: h3="evil.test:443"; ma=2592000',
        b"Strict-Transport-Security: max-age=63072000; includeSubDomains",
    )
    hub.on("/any", lambda *_: http(200, b"", *fields, b"X-Stays: 1"))
    answer = ask(start_before(hub), "GET", "/any")
    assert answer["X-Stays"] == "1"
    assert not answer.all("Alt-Svc") and not answer.all("Strict-Transport-Security")


@contextmanager
def listener():
    """A port, and a list with one entry for each connection to it."""
    arrived = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept():
            while True:
                try:
                    plain, address = server.accept()
                except OSError:
                    return
                arrived.append(address)
                plain.close()

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1], arrived
        server.shutdown(socket.SHUT_RDWR)


def test_with_upstream_proxy_off_no_proxy_of_the_environment_is_used(start, hub):
    hub.on("/any", lambda *_: http(200, b"there"))
    with listener() as (port, arrived):
        names = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
        proxies = dict.fromkeys(names, f"http://127.0.0.1:{port}")

        def gate_before(upstream):
            return start(
                "--upstream", upstream, "--upstream-proxy", "off", sandbox=False, HF_TOKEN=TOKEN, no_proxy="", NO_PROXY="",
                **proxies)

        assert ask(gate_before(hub.url), "GET", "/any").body == b"there"
        # https takes other variables: no proxy listens there, and it would have been asked first.
        assert ask(gate_before("https://hub.invalid:9"), "GET", "/any").status == 502
        assert arrived == []


def test_a_netrc_of_the_home_is_not_used(start, hub):
    """With `passthrough` nothing else gives the request a credential, so one from the file would be seen."""
    hub.on("/any", lambda *_: http(200))
    netrc = "machine 127.0.0.1 login someone password of-the-netrc\ndefault login someone password of-the-netrc\n"
    gate = start(
        "--upstream", hub.url, "--access", "passthrough", sandbox=False, workspace_files={".netrc": netrc, "_netrc": netrc}
    )
    assert "HOME=" + str(gate.workspace) in Path(f"/proc/{gate.pid}/environ").read_text().split("\0")
    ask(gate, "GET", "/any")
    (seen,) = hub.requests
    assert seen["Authorization"] is None


FORGERIES = {
    "the end of a string": '", "status": 200, "path": "/forged"}{"x":"',
    "fields of the text form": "Root=1 status=200 path=/forged",
    "a backslash": 'a\\" b\\',
    "a tab": "a\tb",
    "a C1 control, an escape of some terminals": "a\u009b31mb",
    "a change of the writing's direction": "a\u202eb",
}


@pytest.mark.parametrize("name", FORGERIES)
def test_the_hubs_request_id_cannot_forge_a_line_of_the_log(start_before, hub, name):
    value = FORGERIES[name]
    hub.on("/any", lambda *_: http(200, b"x", b"X-Request-Id: " + value.encode()))
    gate = start_before(hub, "--log-format", "json")
    assert ask(gate, "GET", "/any").status == 200
    line = gate.wait_for_log(lambda line: line["path"] == "/any")
    # What a terminal would obey is replaced; the rest comes back as it was.
    assert line["hub_request_id"] == re.sub("[\u0080-\u009f\u202a-\u202e]", "\ufffd", value)
    # Each name once: a parser that takes the first, and one that takes the last, read the same.
    (raw,) = [line for line in gate.log_path.read_text().split("\n") if line]
    pairs = json.loads(raw, object_pairs_hook=list)
    assert len(pairs) == len(dict(pairs)) and dict(pairs) == line


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\0", b"\r\n "])
def test_the_hubs_request_id_cannot_end_a_line_of_the_log(start_before, hub, end):
    hub.on("/any", lambda *_: http(200, b"x", b'X-Request-Id: a%b{"path": "/forged"}' % end))
    gate = start_before(hub, "--log-format", "json")
    ask(gate, "GET", "/any")
    assert gate.wait_for_log(lambda line: line["path"] == "/any")
    assert [line["path"] for line in gate.log_lines] == ["/any"]


# Another local user


def test_no_core_is_dumped(gate):
    assert re.search(r"^Max core file size +0 +0 ", Path(f"/proc/{gate.pid}/limits").read_text(), re.M)


def test_the_keys_of_make_certs_are_for_their_owner_alone(tmp_path):
    made = make_certificates(tmp_path / "certs").directory
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in made.iterdir()}
    assert modes == {"ca.key": 0o600, "key.pem": 0o600, "ca.pem": 0o644, "cert.pem": 0o644, "names": 0o644}
