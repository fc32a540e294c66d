"""The console in headless Chromium: what an operator does with it, that it shows what is, and that a stranger's text stays text."""

import json
import re
import sqlite3
import subprocess
import threading

import pytest

from admin import Admin
from console_page import ConsolePage
from consoles import AXE, EVIL
from fakehub import http
from gate import ROOT, clean_environment
from policy import JSON, request
from rate_limits import limits
from test_admin_api import many_keys
from test_metrics import Page
from waiting import wait_until

CLOSE = b"Connection: close"

@pytest.fixture
def hub(hub):
    hub.otherwise = lambda *_: http(200, b"{}", JSON, *limits(400, 100, 500, 300))
    hub.on("/api/whoami-v2", lambda *_: http(200, b'{"name":"acme","type":"user"}', JSON))
    return hub


@pytest.fixture
def gate(start_before, hub, keys):
    keys.root = keys.create("root", "--role", "admin")
    return start_before(hub, "--access", "keys", "--workers", "1", "--state-dir", str(keys.state))


@pytest.fixture
def console(open_console, gate, keys):
    return open_console(gate, keys.root)


def ask(gate, key, path, method="GET", body=b"", *fields):
    return gate.ask(request(key, method, path, body, CLOSE, *fields))


def test_a_wrong_key_is_told_and_the_right_one_opens_the_pages(chromium, gate, keys):
    chromium.call("Network.clearBrowserCookies")
    page = ConsolePage(chromium, gate)
    page.open()
    page.fill("A gateway key of the role admin", keys.create_at(gate, "reader"))
    page.press("Sign in")
    page.wait_for_text("role admin, without rules that deny")
    page.fill("A gateway key of the role admin", keys.root)
    page.press("Sign in")
    page.wait("button('Sign out')")
    assert page.run("return [...document.querySelectorAll('nav a')].map(one => one.textContent);") == ["Now", "Budget", "Usage", "Keys", "Audit", "Cache", "Health"]
    assert page.run("return document.cookie;") == ""
    # Nothing of the key or the session is left in the address, or where a script could find it later.
    assert page.run("return location.href + JSON.stringify({...localStorage, ...sessionStorage});").endswith("#now{}")
    page.press("Sign out")
    page.wait("field('A gateway key of the role admin')")
    page.open("keys")
    page.wait("field('A gateway key of the role admin')")


def test_a_key_is_made_with_a_preview_used_by_hf_seen_and_revoked(console, gate, keys, hub, tmp_path):
    console.go("Keys")
    console.press("New key")
    console.fill("Name", "team-ml")
    console.fill("Role", "writer")
    console.fill("What it may do with the model", "acme/m")
    console.wait("document.querySelectorAll('ul.preview li').length === 8")

    def verdicts():
        return console.run("return [...document.querySelectorAll('ul.preview b')].map(one => one.textContent);")

    assert wait_until(lambda: verdicts() == ["✓ may"] * 5 + ["✗ no"] * 3, 5), verdicts()
    console.fill("Deny", "read acme/m")
    assert wait_until(lambda: verdicts()[0] == "✗ no", 5), verdicts()
    console.fill("Deny", "read acme/m\nnonsense")
    console.wait_for_text("deny 'nonsense'")
    console.press("Make the key")
    console.wait("document.querySelector('dialog .error').textContent.includes('nonsense')")
    console.fill("Deny", "")
    console.fill("Note", "for the ML team")
    console.press("Make the key")
    key = console.wait("document.querySelector('#made-key')?.textContent")
    assert re.fullmatch(r"hg_[0-9A-Za-z]{10}_[0-9A-Za-z]{49}", key)
    console.press("Done")
    assert key not in console.run("return document.documentElement.innerHTML;")
    shown = keys.show("team-ml")
    assert shown["role"] == "writer" and shown["note"] == "for the ML team" and shown["expires"] and shown["deny"] == []
    console.wait_for_text("team-ml")

    # A real client with it.
    script = "import huggingface_hub; print(huggingface_hub.HfApi().whoami()['auth']['accessToken']['displayName'])"
    environment = clean_environment(tmp_path, HF_ENDPOINT=gate.origin, HF_TOKEN=key, SSL_CERT_FILE=str(gate.certificates.authority))

    def client():
        return subprocess.run([ROOT / ".venv/bin/python", "-c", script], env=environment, capture_output=True, text=True, timeout=60)

    assert client().stdout.strip() == "team-ml"
    console.go("Now")
    console.wait("[...document.querySelectorAll('td')].some(one => one.textContent === 'team-ml')")
    console.go("Keys")
    console.press("team-ml")
    console.wait("document.querySelector('dialog[open]')?.innerText.includes('Uses')")
    console.press("Revoke")
    console.press("Revoke it")
    console.wait("!document.body.innerText.includes('team-ml')")
    done = client()
    assert done.returncode != 0 and "401" in done.stderr
    console.fill("those that are revoked, too", True)
    console.wait_for_text("revoked")
    console.go("Audit")
    console.wait_for_text("key create")
    console.wait_for_text("key revoke")
    console.wait_for_text("sign-in")


def test_a_key_is_edited_and_rotated(console, keys, gate):
    old = keys.create_at(gate, "ci", "--allow", "read acme/*", "--rate", "600/m", "--concurrent", "3", "--tokens-a-day", "1M")
    console.go("Keys")
    console.press("ci")
    console.fill("Allow", "read acme/*\nwrite acme/x")
    console.fill("Rate", "")
    console.fill("Bytes a day", "lots")
    console.press("Save")
    console.wait("document.querySelector('dialog .error').textContent.includes('50GB')")
    console.fill("Bytes a day", "50GB")
    console.fill("Tokens a day", "")
    console.press("Save")
    console.wait("!document.querySelector('dialog[open]')")
    assert keys.show("ci")["expires"] is None
    assert keys.show("ci")["allow"] == ["read acme/*", "write acme/x"] and keys.show("ci")["rate"] is None
    assert keys.show("ci")["limits"] == {"concurrent": 3, "bytes_a_day": 50_000_000_000}
    console.press("ci")
    console.fill("Ends", "30d")
    console.press("Save")
    console.wait("!document.querySelector('dialog[open]')")
    assert keys.show("ci")["expires"]
    console.press("ci")
    console.press("Rotate")
    console.fill("The old one works", "0")
    console.press("Rotate")
    new = console.wait("document.querySelector('#made-key')?.textContent")
    assert ask(gate, old, "/api/models/acme/x").status == 401 and ask(gate, new, "/api/models/acme/x").status == 200
    console.press("Done")


def test_the_old_secret_is_shown_as_long_as_it_works(console, keys, gate):
    for name in ("rotated", "revoked", "over"):
        keys.create_at(gate, name)
        keys.rotate(name, "--grace", "1s" if name == "over" else "24h")
    keys.revoke("revoked")
    assert wait_until(lambda: keys.show("over")["previous_until"] is None, 10), "the grace of a second is not over"
    assert keys.show("rotated")["previous_until"] and keys.show("revoked")["previous_until"] is None
    console.go("Keys")
    console.fill("those that are revoked, too", True)
    for name in ("rotated", "revoked", "over"):
        console.press(name)
        console.wait("document.querySelector('dialog[open]')?.innerText.includes('Uses')")
        assert ("Old secret until" in console.text) == (name == "rotated"), name
        console.press("Close")
        console.wait("!document.querySelector('dialog[open]')")


def test_a_key_in_shadow_is_told_from_others(console, keys, gate):
    keys.create_at(gate, "free", "--role", "reader", "--policy", "shadow")
    console.go("Keys")
    console.wait("[...document.querySelectorAll('tbody tr')].some(row => row.innerText.includes('free') && row.innerText.includes('SHADOW'))")
    assert console.run("return [...document.querySelectorAll('tbody tr')].filter(row => row.innerText.includes('SHADOW')).length;") == 1


def test_ten_thousand_keys_are_found_and_paged(console, keys):
    many_keys(keys, 10_000)
    console.go("Keys")
    console.wait("document.querySelectorAll('tbody tr').length === 25")
    console.press("Next page")
    console.wait_for_text("team-00030")
    console.press("Previous page")
    console.wait_for_text("team-00003")
    console.fill("Search", "needle")
    console.wait("document.querySelectorAll('tbody tr').length === 1")
    console.wait_for_text("team-07777")


def test_the_page_now_shows_the_figures_of_the_metrics(console, gate, keys, hub):
    reader = keys.create_at(gate, "r")
    hub.on("/api/models/acme/broken", lambda *_: http(500, b"{}", JSON))
    for _ in range(12):
        ask(gate, reader, "/api/models/acme/m")
    for _ in range(3):
        ask(gate, reader, "/api/models/acme/broken")

    def same():
        page = Page(gate)
        shown = console.run("return Object.fromEntries([...document.querySelectorAll('tr[data-route]')].map(row => [row.dataset.route, [...row.cells].slice(1).map(cell => Number(cell.textContent.replace(/,/g, '')))]));")
        wanted = [page("requests_total", route="relay", status=name) for name in ("2xx", "3xx", "4xx", "5xx", "none")]
        own = ("health", "ready", "metrics", "admin", "console", "documents")
        total = sum(value for sample, value in page.samples.items() if sample[0] == "hubgate_requests_total" and dict(sample[1:])["route"] not in own)
        tile = console.run("return document.querySelector('.tile .note').textContent;")
        return shown.get("relay") == wanted and wanted[0] == 12 and wanted[3] == 3 and tile == f"{total:.0f} since the start"

    assert wait_until(same, 10)
    # Each table's filters leave the rows that they name.
    console.wait("[...document.querySelectorAll('td')].some(one => one.textContent.includes('/acme/broken'))")
    console.fill("Status", "5")
    assert console.run("return [...document.querySelectorAll('tbody')].filter(body => body.innerText.includes('broken')).flatMap(body => [...body.rows]).length;") == 3
    console.fill("Status", "2")
    console.fill("Key", "nobody")
    console.wait_for_text("None that fits.")


def test_a_request_is_ended_on_the_page(console, gate, keys, hub):
    release = threading.Event()
    hub.on("/acme/slow/resolve/main/x", lambda *_: release.wait(20) and http(200, b"late"))
    answers = []
    reader = keys.create_at(gate, "r")
    thread = threading.Thread(target=lambda: answers.append(gate.ask(request(reader, "GET", "/acme/slow/resolve/main/x", b"", CLOSE), 30)))
    thread.start()
    try:
        row = "[...document.querySelectorAll('tbody tr')].find(row => row.innerText.includes('/acme/slow/') && row.querySelector('button'))"
        name = console.wait(f"{row}?.querySelector('button').getAttribute('aria-label')", 10)
        console.press(name)
        console.press("End it")
        console.wait("!document.querySelector('dialog[open]')")
        thread.join(10)
        answers[0].check_is_error(403)
    finally:
        release.set()
        thread.join(10)


def test_health_says_how_it_is_and_verifies_the_audit(console, gate):
    console.go("Health")
    for text in ("answers, and takes the token", "can be read and written", "1 of 1", "free of", "request_timeout"):
        console.wait_for_text(text)
    assert "hf_of_the_gate" not in console.text
    console.press("Verify the audit")
    console.wait_for_text("lines fit each other")
    console.fill("Search", "state_dir")
    console.wait("document.querySelectorAll('tbody tr').length === 1")
    console.press("Reload settings and certificate")
    console.press("Reload")
    assert wait_until(lambda: any("Reloaded" in message for message in gate.messages), 10)


def test_a_strangers_text_stays_text(console, gate, keys, hub):
    """Key names, repositories, paths, User-Agent, the Hub's errors: each is shown somewhere, and none becomes an element or runs."""
    worker = keys.create_at(gate, "worker", "--role", "maintainer")
    hub.on("/api/models/acme/evil", lambda *_: http(500, json.dumps({"error": EVIL}).encode(), JSON, b"X-Error-Message: " + EVIL.encode()))
    ask(gate, worker, "/api/models/acme/evil", "GET", b"", b"User-Agent: " + EVIL.encode())
    escaped = "%3Cimg%20src=x%20onerror=%22window.evil=1%22%3E"
    for path in (f"/acme/{escaped}/resolve/main/{escaped}?q={escaped}", f"/api/models/acme/{escaped}"):
        ask(gate, worker, path)
    ask(gate, worker, f"/api/models/acme/{escaped}/commit/main", "POST", b"{}", b"User-Agent: " + EVIL.encode())
    hub.on("/api/repos/create", lambda *_: http(400, json.dumps({"error": EVIL}).encode(), JSON))
    refused = ask(gate, worker, "/api/repo", "POST", b'{"type":"model","name":"x","private":true}')
    assert refused.status == 400 and EVIL in refused.json["error"]
    keys.create("noted", "--role", "reader", "--note", EVIL)
    # Names of keys that logins make contain a stranger's text, too; and another program may have written the database.
    with sqlite3.connect(keys.database) as database:
        database.execute("UPDATE keys SET name = ?1, allow = ?2 WHERE name = 'noted'", [EVIL, EVIL])
        database.execute("UPDATE keys SET change = (SELECT max(change) + 1 FROM keys) WHERE name = ?1", [EVIL])
        database.execute("UPDATE counters SET value = value + 1 WHERE name = 'change'")
    release = threading.Event()
    hub.on("/acme/slow/resolve/main/x", lambda *_: release.wait(20) and http(200, b"late"))
    thread = threading.Thread(target=lambda: gate.ask(request(worker, "GET", "/acme/slow/resolve/main/x", b"", CLOSE, b"User-Agent: " + EVIL.encode()), 30))
    thread.start()
    try:
        console.go("Health")
        console.go("Now")
        console.wait("[...document.querySelectorAll('td')].filter(one => one.textContent.includes('onerror')).length >= 2", 10)
        console.wait("document.querySelector('button[aria-label^=\"End the request\"]')", 10)
        console.go("Keys")
        console.press(EVIL)
        console.wait("document.querySelector('dialog[open]')")
        console.press("Close")
        console.go("Audit")
        console.wait("document.querySelectorAll('tbody tr').length >= 2")
        for number in range(min(4, console.run("return document.querySelectorAll('tbody tr').length;"))):
            console.run(f"[...document.querySelectorAll('tbody tr')][{number}].querySelector('button').click();")
            console.wait("document.querySelector('dialog[open] dl')")
            console.press("Close")
        assert console.run("return [window.evil === undefined, document.querySelectorAll('main img, main script, main svg:not(.chart), dialog img').length];") == [True, 0]
    finally:
        release.set()
        thread.join(10)


def test_the_keyboard_reaches_everything_and_the_focus_is_kept(console):
    console.go("Keys")
    console.run("document.activeElement.blur();")
    seen = []
    for _ in range(40):
        console.key("Tab", 9)
        seen.append(console.run("const node = document.activeElement; return (node.getAttribute('aria-label') || node.textContent || node.labels?.[0]?.textContent || node.tagName).trim().slice(0, 40);"))
    assert {"To the content", "Now", "Budget", "Usage", "Keys", "Audit", "Cache", "Health", "Sign out", "New key"} <= set(seen), seen
    console.press("New key")
    assert console.run("return document.activeElement === field('Name');")
    console.key("Escape", 27)
    console.wait("!document.querySelector('dialog')")


@pytest.mark.skipif(AXE is None, reason="axe-core is not installed in .venv-console")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(console, keys, gate, dark):
    worker = keys.create_at(gate, "worker", "--role", "maintainer", "--note", "a note that is rather long " * 6)
    for number in range(3):
        ask(gate, worker, f"/api/models/acme/m{number}")
    ask(gate, worker, "/api/models/acme/" + "a-rather-long-name-" * 5)
    ask(gate, worker, "/api/models/acme/m/commit/main", "POST", b"{}")
    admin = Admin(gate, keys.root)
    assert wait_until(lambda: any(one["shares"] for one in admin("GET", "/budget")["budgets"]) and admin("GET", "/usage")["rows"], 10)
    axe = AXE.read_text()
    found = {}
    for width in (390, 1280):
        console.size(width, dark=dark)
        for title in ("Now", "Budget", "Usage", "Keys", "Audit", "Cache", "Health"):
            console.go(title)
            console.wait("document.querySelector('tbody tr')")
            if title == "Keys":
                console.press("New key")
                console.wait("document.querySelectorAll('ul.preview li').length === 8")
            # Not as a script of the page, whose policy would refuse it: the tool stands outside.
            console.browser.call("Runtime.evaluate", expression=axe)
            violations = console.run("return (await axe.run(document, {resultTypes: ['violations']})).violations.map(one => [one.id, one.nodes.map(node => node.html.slice(0, 160) + ' ' + node.any.map(check => check.message).join('; '))]);")
            if violations:
                found[title, width] = violations
            wide = console.run("return document.documentElement.scrollWidth;")
            assert wide <= width, (title, width, wide)
            if title == "Keys":
                console.press("Cancel")
    console.size(1280)
    assert found == {}


def test_nothing_moves_while_figures_come(console, gate, keys):
    """The tiles of the page Now, with a request coming in."""
    reader = keys.create_at(gate, "r")
    console.wait_for_text("since the start")
    console.wait("document.querySelectorAll('tbody tr').length >= 1")
    ask(gate, reader, "/api/models/acme/m")
    before = console.run("return document.querySelector('.tile .value').getBoundingClientRect().top;")
    console.wait("[...document.querySelectorAll('td')].some(one => one.textContent === 'r')", 10)
    assert console.run("return document.querySelector('.tile .value').getBoundingClientRect().top;") == before
    tiles = console.run("return [...document.querySelectorAll('.tile')].map(one => one.getBoundingClientRect().height);")
    assert max(tiles) - min(tiles) < 1


def test_without_keys_this_machine_sees_the_console_at_once(start, chromium):
    gate = start()
    page = ConsolePage(chromium, gate)
    page.size(1280)
    page.open()
    page.wait_for_text("this machine")
    assert page.run("return [...document.querySelectorAll('nav a')].map(one => one.textContent);") == ["Now", "Budget", "Cache", "Health"]
    assert page.faults() == []
