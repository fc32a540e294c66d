"""Signing in to the console: which callers get a session, what it allows, and what others can do with a browser that has one."""

import base64
import hashlib
import re
import sqlite3

import pytest

from admin import Admin, Session
from audit import Audit
from fakehub import http
from policy import JSON
from waiting import wait_until

NEW = {"name": "made", "role": "reader"}


@pytest.fixture
def begin(start_with_keys, hub):
    hub.otherwise = lambda *_: http(200, b"{}", JSON)
    return start_with_keys


@pytest.fixture
def key(root_key):
    return root_key


@pytest.fixture
def gate(begin, key):
    return begin()


def test_a_session_is_good_at_each_worker_and_after_a_restart_and_its_cookie_is_for_this_origin_alone(begin, gate, key, keys):
    session = Session(gate, key)
    for word in ("Path=/", "Secure", "HttpOnly", "SameSite=Strict", "Max-Age=28800"):
        assert word in session.cookie_line.split("; "), session.cookie_line
    assert session.cookie_line.startswith("__Host-hubgate=") and "Domain" not in session.cookie_line
    assert key[14:] not in session.cookie_line and key[14:] not in session.csrf
    admin = session.on(gate)
    for _ in range(8):
        assert admin("GET", "/session")["name"] == "root"
    assert admin("GET", "/session")["csrf_token"] == session.csrf
    gate.stop()
    assert session.on(begin())("GET", "/keys")["keys"][0]["name"] == "root"
    assert wait_until(lambda: Audit(keys.state / "audit").of("admin", event="sign-in", by="root", address="127.0.0.1"))


def test_a_session_acts_as_its_key_and_ends_with_it(gate, key, keys):
    session = Session(gate, key)
    admin = session.on(gate)
    admin("POST", "/keys", NEW, status=201)
    assert wait_until(lambda: Audit(keys.state / "audit").of("key-event", event="create", key="made", by="root"))
    keys.revoke("root")
    assert wait_until(lambda: admin.raw("GET", "/keys").status == 401, 3)
    assert admin.raw("POST", "/keys", {"name": "late", "role": "reader"}).status == 401


@pytest.mark.parametrize("change", [("edit", "root", "--role", "reader"), ("edit", "root", "--deny", "delete *"),
                                    ("edit", "root", "--expires", "1s"), ("rotate", "root", "--grace", "0")], ids=str)  # fmt: skip
def test_a_session_ends_when_its_key_is_another(gate, key, keys, change):
    admin = Session(gate, key).on(gate)
    admin("GET", "/keys")
    keys.run("keys", *change)
    assert wait_until(lambda: admin.raw("GET", "/session").status in (401, 403), 5)
    assert admin.raw("GET", "/keys").status in (401, 403) and admin.raw("POST", "/keys", NEW).status in (401, 403)


def test_signing_out_takes_the_cookie_away(gate, key):
    session = Session(gate, key)
    answer = session.on(gate).raw("DELETE", "/session")
    assert answer.status == 200 and answer["Set-Cookie"].startswith("__Host-hubgate=; ") and "Max-Age=0" in answer["Set-Cookie"]
    Admin(gate, None, session.cookie).refused("DELETE", "/session", 403)


def test_a_session_without_its_csrf_token_or_of_another_sites_page_changes_and_shows_nothing(gate, key, keys):
    session, other = Session(gate, key), Session(gate, key)
    writes = [("POST", "/keys", NEW), ("PATCH", "/keys/root", {"note": "x"}), ("POST", "/keys/root/rotate", {}), ("DELETE", "/keys/root", None),
              ("POST", "/reload", None), ("POST", "/drain", None), ("DELETE", "/requests/hg-00000000-00000000", None),
              ("POST", "/explain", {"grant": {"role": "reader"}, "requests": [{"method": "GET", "path": "/"}]})]  # fmt: skip
    for method, path, body in writes:
        for fields in ((), (b"X-CSRF-Token: ",), (b"X-CSRF-Token: x",), (other.csrf_field,), (session.csrf_field, other.csrf_field)):
            Admin(gate, None, session.cookie, *fields).refused(method, path, 403, body)
        for field in (b"Origin: https://evil.example", b"Origin: null", b"Sec-Fetch-Site: cross-site", b"Sec-Fetch-Site: same-site"):
            Admin(gate, None, session.cookie, session.csrf_field, field).refused(method, path, 403, body)
    Admin(gate, None, session.cookie, b"Sec-Fetch-Site: cross-site").refused("GET", "/keys", 403)
    # What a form can send is no JSON.
    Admin(gate, None, session.cookie, session.csrf_field).refused("POST", "/keys", 415, b'{"name":"a"}', b"Content-Type: text/plain")
    assert [key["name"] for key in keys.list()] == ["root"] and keys.show("root")["note"] == ""


def test_a_token_that_was_changed_or_is_of_another_cookie_is_none(gate, key):
    session = Session(gate, key)
    one, public, generation, expires, nonce, code = session.token.split(".")
    changed = [
        f"1.{public}.{generation}.{int(expires) + 1}.{nonce}.{code}", f"1.{int(public) + 1}.{generation}.{expires}.{nonce}.{code}",
        f"1.{public}.{generation}.{expires}.{nonce}.{code[:-1]}", f"1.{public}.{generation}.{expires}.{nonce}.", f"2.{public}.{generation}.{expires}.{nonce}.{code}",
        f"1.0{public}.{generation}.{expires}.{nonce}.{code}x", session.token + ".x", "", "x" * 5000, session.token.upper(),
    ]  # fmt: skip
    for token in changed:
        csrf = base64.urlsafe_b64encode(hashlib.sha256(b"hubgate: CSRF, 1\n" + token.encode()).digest()).rstrip(b"=")
        Admin(gate, None, b"Cookie: __Host-hubgate=" + token.encode(), b"X-CSRF-Token: " + csrf).refused("GET", "/keys", 401)
    # Of two cookies one may have been planted.
    Admin(gate, None, session.cookie + b"; __Host-hubgate=x", session.csrf_field).refused("GET", "/keys", 401)
    Admin(gate, None, b"Cookie: hubgate=" + session.token.encode(), session.csrf_field).refused("GET", "/keys", 401)
    # No token in a URL.
    assert Admin(gate).raw("GET", f"/keys?token={session.token}").status in (400, 401)
    assert Admin(gate, None, b"Cookie: a=b; __Host-hubgate=" + session.token.encode() + b"; c=d")("GET", "/session")["name"] == "root"


def test_an_expired_token_is_none(gate, key, keys):
    """The state process looks at the end, whatever a worker says: a token of a while ago is made with its own key."""
    import hmac
    session = Session(gate, key)
    one, public, generation, expires, nonce, code = session.token.split(".")
    secret = (keys.state / "session.key").read_text().strip().encode()

    def sign(expires):
        text = f"1.{public}.{generation}.{expires}.{nonce}"
        mac = hmac.new(secret, b"hubgate: console sessions, 1\n" + text.encode(), hashlib.sha256).digest()
        return text + "." + base64.urlsafe_b64encode(mac).rstrip(b"=").decode()

    assert sign(expires) == session.token
    Admin(gate, None, b"Cookie: __Host-hubgate=" + sign(1).encode()).refused("GET", "/keys", 401)


def test_sign_in_takes_an_administrators_key_and_ten_wrong_ones_are_enough(begin, key, keys):
    gate = begin(workers=1)
    reader = keys.create_at(gate, "r", "--role", "reader")
    Admin(gate).refused("POST", "/session", 403, {"key": reader})
    for body in ({"key": ""}, {"key": "hf_x"}, {"key": key[:-1]}, {"key": key[:-1] + "é"}):
        Admin(gate).refused("POST", "/session", 403, body)
    for body in ({}, {"key": 1}, {"key": key, "x": 1}):
        Admin(gate).refused("POST", "/session", 400, body)
    Admin(gate).refused("POST", "/session", 415, f"key={key}".encode(), b"Content-Type: application/x-www-form-urlencoded")
    for field in (b"Origin: https://evil.example", b"Sec-Fetch-Site: cross-site"):
        Admin(gate, None, field).refused("POST", "/session", 403, {"key": key})
    for _ in range(5):
        Admin(gate).refused("POST", "/session", 403, {"key": "hg_wrong"})
    # Now the valid key has to wait, too; a client that sends it with each request does not.
    answer = Admin(gate).refused("POST", "/session", 429, {"key": key})
    assert 1 <= int(answer["Retry-After"]) <= 600
    assert Admin(gate, key)("GET", "/keys")["keys"]


def test_a_session_of_a_key_reaches_no_hub(gate, key, hub, keys):
    session = Session(gate, key)
    gate.ask(b"GET /api/models/acme/m HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer " + key.encode() + b"\r\n" + session.cookie + b"\r\n\r\n")
    [seen] = [entry for entry in hub.requests if entry.target == "/api/models/acme/m"]
    assert session.token.encode() not in seen.head
    # It is no credential for what is relayed.
    assert gate.ask(b"GET /api/models/acme/m HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + session.cookie + b"\r\n\r\n").status == 401
    assert session.token not in gate.log_path.read_text() + gate.errors


def test_the_page_runs_its_own_script_and_no_other_and_stands_in_no_frame(gate):
    answer = Admin(gate).raw("GET", "", prefix="/-/console")
    policy = answer["Content-Security-Policy"]
    assert answer.status == 200 and "unsafe" not in policy and "'self'" not in policy.split("script-src")[1].split(";")[0]
    for word in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "require-trusted-types-for 'script'"):
        assert word in policy
    text = answer.body.decode()
    for element in ("script", "style"):
        [content] = re.findall(rf"<{element}>(.*?)</{element}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy and len(content) > 1000
    assert not re.search(r"\son\w+=|javascript:|https?://(?!www\.w3\.org)", text.replace("https://www.w3.org", ""))
    assert "innerHTML" not in text and "insertAdjacentHTML" not in text and "eval(" not in text
    assert answer["X-Frame-Options"] == "DENY" and answer["Cache-Control"] == "no-store"


def test_with_an_admin_address_the_console_is_there_and_nowhere_else(begin, key, keys, start):
    from ports import free_port
    port = free_port()
    gate = begin("--admin-listen", f"127.0.0.1:{port}")
    for path in ("/-/console", "/-/api/status", "/-/docs", "/-/openapi.json"):
        assert gate.ask(b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % path.encode()).status == 404
    gate.port = port
    assert Session(gate, key).on(gate)("GET", "/status")["version"]


def test_a_key_that_a_database_cannot_be_asked_of_is_no_session(gate, key, keys):
    """With the state gone, what changes something is 503, and says so."""
    admin = Admin(gate, key)
    with sqlite3.connect(keys.database) as database:
        database.execute("ALTER TABLE keys RENAME TO lost")
    try:
        assert wait_until(lambda: admin.raw("POST", "/keys", NEW).status == 503, 10)
        admin.refused("POST", "/keys", 503, NEW, code="StateUnavailable")
        assert admin("GET", "/status")["version"]
    finally:
        with sqlite3.connect(keys.database) as database:
            database.execute("ALTER TABLE lost RENAME TO keys")
