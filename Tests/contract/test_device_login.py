"""Logging a device in: hf auth login gets a gateway key once a person has confirmed its code, and no device gets one otherwise."""

import json
import re
import signal
import sqlite3
import subprocess
import time
import urllib.parse

import pytest

from audit import Audit
from clients import SERIES
from fakehub import http
from gate import clean_environment, run
from policy import JSON, request
from waiting import wait_until

PATH = "/api/models/acme/m"
GRANT = "urn:ietf:params:oauth:grant-type:device_code"
FORM = b"Content-Type: application/x-www-form-urlencoded"
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"


@pytest.fixture
def hub(hub):
    hub.on(PATH, lambda *_: http(200, b'{"id":"acme/m"}', JSON))
    hub.on("/api/whoami-v2", lambda *_: http(200, b'{"name":"somebody","type":"user","orgs":[]}', JSON))
    return hub


@pytest.fixture
def start_with(start_with_keys):
    def start_with(*flags, role="reader", **options):
        return start_with_keys(*(("--login-role", role) if role else ()), *flags, **options)

    return start_with


def post(gate, path, fields, *lines):
    body = urllib.parse.urlencode(fields).encode()
    head = [f"POST {path} HTTP/1.1".encode(), b"Host: localhost", b"Connection: close", FORM, b"Content-Length: %d" % len(body), *lines]
    return gate.ask(b"\r\n".join(head) + b"\r\n\r\n" + body)


def begin(gate):
    answer = post(gate, "/oauth/device", {"client_id": "26be6b09"})
    assert answer.status == 200, answer.body
    return answer.json


def poll(gate, device):
    answer = post(gate, "/oauth/token", {"grant_type": GRANT, "device_code": device["device_code"], "client_id": "26be6b09"})
    return answer.json.get("access_token") or answer.json["error"], answer


def page(gate, code, key, verdict="confirm", *lines):
    return post(gate, "/-/login", {"code": code, "key": key, "verdict": verdict}, *lines)


def status(gate, key, path=PATH, method="GET"):
    return gate.ask(request(key, method, path, b"", b"Connection: close")).status


def age(keys, seconds):
    """Makes all devices older."""
    with sqlite3.connect(keys.database) as database:
        database.execute("UPDATE device_logins SET created = created - ?1, expires = expires - ?1, polled = polled - ?1", [seconds])


# The real client


@pytest.mark.parametrize("by", ["page", "command"])
def test_the_real_hf_auth_login_gets_a_key_that_works(start, keys, tmp_path, certificates, by):
    own = keys.create("ann", "--role", "writer")
    gate = start("--access", "keys", "--login-role", "reader", "--state-dir", str(keys.state), "--workers", "2")
    home = tmp_path / "home"
    home.mkdir()
    environment = clean_environment(
        home, HF_ENDPOINT=gate.origin, SSL_CERT_FILE=str(certificates.authority), HF_HUB_DISABLE_TELEMETRY="1", PYTHONUNBUFFERED="1")
    hf = SERIES[0].program("hf")
    with open(home / "said", "wb") as said:
        login = subprocess.Popen([hf, "auth", "login"], env=environment, cwd=home, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT)
    try:
        found = wait_until(lambda: re.search(r"\b([B-Z]{4}-[B-Z]{4})\b", (home / "said").read_text()), 30)
        assert found, (home / "said").read_text()
        assert f"{gate.origin}/-/login" in (home / "said").read_text()
        assert login.poll() is None
        if by == "page":
            answer = page(gate, found[1], own)
            assert answer.status == 200 and b"Confirmed" in answer.body
        else:
            assert "Confirmed" in keys.run("login", "confirm", found[1].lower(), "--role", "reader").stdout
        assert login.wait(60) == 0, (home / "said").read_text()
    finally:
        login.kill()
    assert "Login successful" in (home / "said").read_text() or "logged in" in (home / "said").read_text()
    for words in (["auth", "whoami"], ["download", "sandbox/demo", "config.json"]):
        done = subprocess.run([hf, *words], env=environment, cwd=home, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stderr
    [made] = [key for key in keys.list() if key["name"].startswith("login:")]
    assert made["role"] == "reader" and made["name"].startswith("login:ann#" if by == "page" else "login:the_command_line#")


def test_the_real_hf_says_where_a_gateway_has_no_logins(start_with, tmp_path, certificates):
    gate = start_with(role=None)
    environment = clean_environment(tmp_path, HF_ENDPOINT=gate.origin, SSL_CERT_FILE=str(certificates.authority), HF_HUB_DISABLE_TELEMETRY="1")
    done = subprocess.run(
        [SERIES[0].program("hf"), "auth", "login"], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode != 0 and "This gateway gives no keys by login" in done.stdout + done.stderr
    assert gate.ask(b"GET /-/login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").body.count(b"login_role is not set")


# The flow


def test_a_device_waits_is_confirmed_and_gets_one_key_at_any_worker(start_with, keys):
    own = keys.create("ann", "--role", "writer", "--expires", "90d")
    gate = start_with()
    device = begin(gate)
    assert set(device) == {"device_code", "user_code", "verification_uri", "verification_uri_complete", "expires_in", "interval"}
    assert (device["expires_in"], device["interval"], len(device["device_code"])) == (600, 5, 43)
    code = device["user_code"].replace("-", "")
    assert len(code) == 8 and set(code) <= set(LETTERS)
    assert device["verification_uri"] == "https://localhost/-/login"
    assert poll(gate, device)[0] == "authorization_pending"
    assert page(gate, device["user_code"], own).status == 200
    key, answer = poll(gate, device)
    assert key.startswith("hg_") and answer["Cache-Control"] == "no-store"
    assert 30 * 86_400 - 5 <= answer.json["expires_in"] <= 30 * 86_400 and answer.json["token_type"] == "bearer"
    assert [status(gate, key) for _ in range(4)] == [200] * 4 and status(gate, key, method="DELETE") != 200
    # One use.
    assert [poll(gate, device)[0] for _ in range(3)] == ["invalid_grant"] * 3
    assert b"already confirmed or refused" in page(gate, device["user_code"], own).body
    text = gate.errors + gate.log_path.read_text()
    assert device["device_code"] not in text and key[14:] not in text and own[14:] not in text
    assert keys.show("ann")["role"] == "writer"


def test_each_step_of_a_devices_login_is_a_line_of_the_audit(start_with, keys):
    audit = Audit(keys.state / "audit")
    gate = start_with(workers=1)
    ann = keys.create("ann", "--role", "admin")
    device = begin(gate)
    assert "No device waits" in page(gate, "BBBB-BBBB", ann).body.decode()
    assert "does not accept this key" in page(gate, device["user_code"], "hg_wrong").body.decode()
    assert page(gate, device["user_code"], ann).status == 200
    key, _ = poll(gate, device)
    lines = wait_until(lambda: len(found := audit.of("login")) == 5 and found, 5)
    assert [(line["event"], line["decision"]) for line in lines] == [
        ("device-ask", "allowed"), ("login", "refused"), ("login", "refused"), ("device-confirm", "allowed"), ("device-key", "allowed")]
    ask, unknown, _, confirmed, given = lines
    assert confirmed["key"] == "ann" == unknown["key"] and device["user_code"] in confirmed["detail"]
    (event,) = wait_until(lambda: audit.of("key-event", event="create", by="login device"), 5)
    assert event["request_id"] == given["request_id"] and event["key_id"] == given["key_id"] and "ann" in event["detail"]
    assert device["user_code"].replace("-", "") in event["detail"]
    # The command line has no request, and a line all the same.
    second = begin(gate)
    keys.run("login", "deny", second["user_code"])
    (denied,) = wait_until(lambda: audit.of("login", event="device-deny"), 5)
    assert denied["by"].endswith("on the command line") and second["user_code"] in denied["detail"]
    text = "".join(path.read_text() for path in audit.files)
    assert key not in text and ann not in text and device["device_code"] not in text
    audit.check_chain()


def test_a_device_that_asks_too_often_is_slowed_down(start_with, keys):
    gate = start_with()
    device = begin(gate)
    assert [poll(gate, device)[0] for _ in range(3)] == ["authorization_pending", "slow_down", "slow_down"]
    # After two times too early it has to wait for 15 s.
    age(keys, 6)
    assert poll(gate, device)[0] == "slow_down"


def test_a_person_refuses_and_the_device_is_told(start_with, keys):
    own = keys.create("ann")
    gate = start_with()
    first, second = begin(gate), begin(gate)
    assert b"Refused" in page(gate, first["user_code"], own, "deny").body
    assert "gets no key" in keys.run("login", "deny", second["user_code"]).stdout
    for device in (first, second):
        assert poll(gate, device)[0] == "access_denied"
        assert page(gate, device["user_code"], own).status == 400
    assert len(keys.list()) == 1


def test_a_code_ends_after_ten_minutes_for_the_device_and_for_who_confirms(start_with, keys):
    own = keys.create("ann")
    gate = start_with()
    waiting, confirmed = begin(gate), begin(gate)
    assert page(gate, confirmed["user_code"], own).status == 200
    age(keys, 601)
    assert poll(gate, waiting)[0] == "expired_token" and poll(gate, confirmed)[0] == "expired_token"
    assert b"No device waits" in page(gate, waiting["user_code"], own).body
    assert keys.run("login", "confirm", waiting["user_code"], "--role", "reader", check=False).returncode == 66
    assert json.loads(keys.run("login", "list", "--json").stdout) == []
    age(keys, 4000)
    begin(gate)
    assert poll(gate, waiting)[0] == "invalid_grant"


def test_what_waits_outlives_a_restart_and_the_state_process(start_with, keys):
    own = keys.create("ann")
    gate = start_with()
    device = begin(gate)
    gate.stop()
    gate = start_with()
    assert page(gate, device["user_code"], own).status == 200
    gate.stop()
    gate = start_with()
    assert poll(gate, device)[0].startswith("hg_")


def test_unknown_and_foreign_device_codes_get_nothing(start_with, keys):
    gate = start_with()
    device = begin(gate)
    for code in ("x", device["user_code"], device["device_code"][:-1], device["device_code"] + "x", "A" * 20_000):
        assert poll(gate, {"device_code": code})[0] == "invalid_grant"
    assert post(gate, "/oauth/token", {"grant_type": GRANT}).json["error"] == "invalid_request"
    assert not keys.list()


# What a key may confirm


@pytest.mark.parametrize("flags, role, confirmed", [
    (("--role", "reader"), "reader", True), (("--role", "admin"), "reader", True), (("--role", "reader"), "writer", False),
    (("--role", "inference"), "reader", False), (("--allow", "read acme/*"), "reader", False), (("--allow", "read,search *"), "reader", True),
    (("--role", "admin", "--deny", "read acme/secret"), "reader", False), (("--allow", "read acme/*"), "approver", True),
])  # fmt: skip
def test_a_key_confirms_no_more_than_it_has(start_with, keys, flags, role, confirmed):
    own = keys.create("ann", *flags)
    gate = start_with(role=role, workers=1)
    device = begin(gate)
    answer = page(gate, device["user_code"], own)
    assert answer.status == (200 if confirmed else 403), answer.body
    if not confirmed:
        assert b"may do less" in answer.body and poll(gate, device)[0] == "authorization_pending"
        return
    key, _ = poll(gate, device)
    [made] = [key for key in keys.list() if key["name"].startswith("login:")]
    wanted = keys.show("ann") if role == "approver" else {"role": role, "allow": [], "deny": [], "as": None}
    assert {name: made[name] for name in ("role", "allow", "deny", "as")} == {name: wanted[name] for name in ("role", "allow", "deny", "as")}
    assert status(gate, key) == 200


def test_a_devices_key_ends_with_the_one_that_confirmed_it_and_has_its_credential(start_with, keys, tmp_path):
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials/acme").write_text("hf_acme")
    own = keys.create("ann", "--role", "writer", "--expires", "1h", "--as", "acme")
    gate = start_with("--login-lifetime", "2h", "--credentials-dir", str(tmp_path / "credentials"))
    device = begin(gate)
    assert page(gate, device["user_code"], own).status == 200
    _, answer = poll(gate, device)
    assert answer.json["expires_in"] <= 3600
    [made] = [key for key in keys.list() if key["name"].startswith("login:")]
    assert (made["as"], made["expires"]) == ("acme", keys.show("ann")["expires"])


@pytest.mark.parametrize("role", ["reader", "approver"])
def test_a_key_with_limits_or_of_a_login_confirms_no_device_and_the_page_says_what_to_do(start_with, keys, tmp_path, role):
    """Each device would start with unused limits, and confirm the next one."""
    settings = tmp_path / "hubgate.yaml"
    settings.write_text("roles: {team: {allow: ['read,search *'], rate: 5/h, bytes_a_day: 3KiB}, free: {allow: ['read,search *']}}\n")

    def create(name, *flags):
        return keys.run("keys", "create", name, "--config", str(settings), *flags).stdout.strip()

    bound = {
        "role": create("role", "--role", "team"), "rate": create("rate", "--role", "free", "--rate", "600/m"),
        "limits": create("limits", "--role", "free", "--bytes-a-day", "3KiB"),
    }
    free = create("free", "--role", "reader")
    gate = start_with("--config", str(settings), role=role, workers=1)
    device = begin(gate)
    assert page(gate, device["user_code"], free).status == 200
    bound["login"], _ = poll(gate, device)
    assert bound["login"].startswith("hg_")
    device = begin(gate)
    for name, key in bound.items():
        answer = page(gate, device["user_code"], key)
        assert answer.status == 403, (name, answer.body)
        assert b"has limits, or a login has made it" in answer.body and b"hubgate login confirm" in answer.body
    assert poll(gate, device)[0] == "authorization_pending"
    # To refuse one gives nothing away.
    assert page(gate, device["user_code"], bound["rate"], "deny").status == 200


def test_a_key_that_is_not_good_confirms_nothing_and_its_guesses_are_limited(start_with, keys):
    good = keys.create("good", "--role", "writer")
    revoked, expired = keys.create("revoked", "--role", "writer"), keys.create("expired", "--role", "writer", "--expires", "1s")
    keys.revoke("revoked")
    gate = start_with(workers=1)
    time.sleep(1.1)
    device = begin(gate)
    for key in (revoked, expired, good[:-1], "", "hf_token", good[:14] + revoked[14:], "x" * 5000):
        answer = page(gate, device["user_code"], key)
        assert answer.status in (403, 413), answer.body
        assert not key or key.encode() not in answer.body
    for _ in range(3):
        page(gate, device["user_code"], "no")
    assert page(gate, device["user_code"], good).status == 429
    assert poll(gate, device)[0] == "authorization_pending"


def test_guessed_codes_end_after_ten_for_an_address_over_all_workers(start_with, keys):
    own = keys.create("ann", "--role", "writer")
    gate = start_with(workers=2)
    device = begin(gate)
    answers = [page(gate, code, own).status for code in [LETTERS[i] * 8 for i in range(12)]]
    assert answers == [400] * 10 + [429] * 2
    # The right one no more, and an operator's command all the same.
    assert page(gate, device["user_code"], own).status == 429
    assert poll(gate, device)[0] == "authorization_pending"
    keys.run("login", "confirm", device["user_code"], "--role", "reader")
    age(keys, 5)
    assert poll(gate, device)[0].startswith("hg_")


def test_who_has_no_good_key_learns_nothing_of_a_code(start_with):
    gate = start_with(workers=1)
    code = begin(gate)["user_code"]
    there, not_there = page(gate, code, "no"), page(gate, "BBBB-BBBB", "no")
    assert (there.status, there.body.replace(code.encode(), b"CODE")) == (not_there.status, not_there.body.replace(b"BBBB-BBBB", b"CODE"))


def test_devices_that_wait_are_bounded_for_an_address(start_with, keys):
    gate = start_with(workers=1)
    for _ in range(10):
        begin(gate)
    answer = post(gate, "/oauth/device", {"client_id": "x"})
    assert (answer.status, answer.json["error"]) == (429, "temporarily_unavailable")
    assert len(json.loads(keys.run("login", "list", "--json").stdout)) == 10
    age(keys, 601)
    begin(gate)


# The page


def test_the_page_has_no_script_stands_in_no_frame_and_is_sent_by_no_other_site(start_with, keys):
    own = keys.create("ann", "--role", "writer")
    gate = start_with(workers=1)
    device = begin(gate)
    answer = gate.ask(f"GET /-/login?code={device['user_code']} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert answer.status == 200 and f'value="{device["user_code"]}"'.encode() in answer.body and b"<script" not in answer.body
    policy = answer["Content-Security-Policy"]
    for part in ("default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'", "style-src 'sha256-"):
        assert part in policy
    assert (answer["X-Frame-Options"], answer["Cache-Control"], answer["Referrer-Policy"]) == ("DENY", "no-store", "no-referrer")
    for text in ("%22%3E%3Cscript%3E", "%3Cb%3E", "BCDF", "x" * 500):
        answer = gate.ask(f"GET /-/login?code={text} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        assert answer.status == 200 and b'value=""' in answer.body
    for line in (b"Origin: https://evil.example", b"Sec-Fetch-Site: cross-site", b"Sec-Fetch-Site: same-site", b"Origin: null"):
        assert page(gate, device["user_code"], own, "confirm", line).status == 403
    assert poll(gate, device)[0] == "authorization_pending"
    assert page(gate, device["user_code"], own, "confirm", b"Origin: https://localhost", b"Sec-Fetch-Site: same-origin").status == 200
    # Neither another form of body, nor a verdict that is none, confirms.
    body = json.dumps({"code": "BBBBBBBB", "key": own, "verdict": "confirm"}).encode()
    head = b"POST /-/login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    assert gate.ask(head % len(body) + body).status == 400


def test_the_page_is_where_the_gateway_says_it_is(start_with, keys):
    gate = start_with("--base-path", "/hf", "--public-url", "https://gate.example/hf", "--admin-listen", "127.0.0.1:0", workers=1)
    answer = post(gate, "/hf/oauth/device", {"client_id": "x"})
    assert answer.json["verification_uri"] == "https://gate.example/hf/-/login"
    shown = gate.ask(b"GET /hf/-/login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert shown.status == 200 and b'action="/hf/-/login"' in shown.body


# The settings and the command line


def test_a_reload_switches_logins_on_and_off(start_before, hub, keys, tmp_path):
    settings = tmp_path / "hubgate.yaml"
    settings.write_text("log_level: info\n")
    gate = start_before(hub, "--access", "keys", "--config", str(settings), "--state-dir", str(keys.state), "--workers", "2")
    assert post(gate, "/oauth/device", {}).json["error"] == "unauthorized_client"
    settings.write_text("login_role: reader\n")
    gate.signal(signal.SIGHUP)
    assert wait_until(lambda: any("login_role" in line for line in gate.messages), 10)
    assert begin(gate)["user_code"]


@pytest.mark.parametrize("flags, said", [
    (("--access", "keys", "--login-role", "nobody"), "which is not there"), (("--access", "keys", "--login-role", "a b"), "no such name"),
    (("--access", "keys", "--login-lifetime", "1s"), "out of range"),
])  # fmt: skip
def test_what_is_wrong_with_the_settings_is_said(workspace, flags, said):
    done = run(workspace, "--check", *flags)
    assert done.returncode == 78 and said in done.stderr, done.stderr


def test_the_command_line_says_what_is_wrong(start_with, keys):
    start_with(workers=1)
    for words, code, said in [
        (("confirm", "BBBB-BBBB", "--role", "reader"), 66, "no device waits"), (("confirm", "no", "--role", "reader"), 64, "8 letters"),
        (("confirm", "BBBB-BBBB"), 64, "--role"), (("confirm", "BBBB-BBBB", "--role", "raeder"), 64, "there is no role"), (("deny", "BBBBBBBB"), 66, "no device"),
    ]:  # fmt: skip
        done = keys.run("login", *words, check=False)
        assert done.returncode == code and said in done.stderr, (words, done.stderr)
    assert keys.run("login", "list").stdout == "No device waits.\n"
