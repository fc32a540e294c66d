"""The pages of the console in Chromium, with something to show: at two widths, in both schemes."""

import json
import math
import threading
import urllib.parse

from admin import Admin
from console_page import ConsolePage
from gate import Gate, make_workspace
from keys import Keys

PAGES = ("Now", "Budget", "Usage", "Keys", "Audit", "Cache", "Health")


def ask(gate, key, method, path, body=b"", media=b"application/json"):
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Host: localhost", b"Connection: close", b"Authorization: Bearer " + key.encode()]
    if body:
        lines += [b"Content-Type: " + media, b"Content-Length: %d" % len(body)]
    return gate.ask(b"\r\n".join(lines) + b"\r\n\r\n" + body)


def fill(gate, keys):
    """Keys of some teams, and what they do in the sandbox. Gives the administrator's key."""
    root = keys.create("alice", "--role", "admin", "--expires", "90d", "--note", "on call")
    made = {"data-team": ("maintainer", "the data team"), "training": ("writer", "nightly training"), "web": ("reader", "the web shop")}
    secrets = {name: keys.create(name, "--role", role, "--expires", "90d", "--note", note) for name, (role, note) in made.items()}
    for number in range(18):
        keys.create(f"job-{number:02}", "--allow", f"read acme/model-{number}", "--rate", "600/m")
    admin = Admin(gate, root)
    while admin.raw("GET", "/keys/job-17").status != 200:
        pass
    for name in ("mnist", "press-releases", "old-model"):
        ask(gate, root, "POST", "/api/repo", json.dumps({"type": "model", "name": name, "private": True}).encode())
    for number in range(60):
        key = secrets[("data-team", "training", "web")[number % 3]]
        ask(gate, key, "GET", f"/api/models/sandbox/{('mnist', 'press-releases')[number % 2]}")
        if number % 6 == 0:
            ask(gate, key, "GET", "/api/models/sandbox/" + ("missing" if number % 4 else "old-model"))
        if number % 15 == 0:
            lines = [{"key": "header", "value": {"summary": "a file"}}, {"key": "file", "value": {"path": f"{number}.txt", "content": "aGk=", "encoding": "base64"}}]
            ask(gate, key, "POST", "/api/models/sandbox/mnist/commit/main", "\n".join(map(json.dumps, lines)).encode(), b"application/x-ndjson")
    for number in range(12):
        ask(gate, secrets["training"], "GET", "/sandbox/demo/resolve/main/model.safetensors" if number % 4 else "/sandbox/demo/resolve/main/config.json")
    ask(gate, root, "DELETE", "/api/repo", json.dumps({"type": "model", "name": "old-model"}).encode())
    return root


def traffic(gate, key, stop):
    """Requests at a pace that rises and falls, so that there is something to draw."""
    number = 0
    while not stop.is_set():
        number += 1
        ask(gate, key, "GET", "/api/models?" + urllib.parse.urlencode({"limit": 5 + number % 40}))
        if number % 9 == 0:
            ask(gate, key, "GET", "/api/models/sandbox/missing")
        stop.wait(0.02 + 0.06 * (1 + math.sin(number / 40)))


def look(browser, certificates, work, directory):
    """Writes the pictures, and gives what is wrong with the pages."""
    workspace = make_workspace(work / "console")
    keys = Keys(workspace)
    gate = Gate(workspace, certificates, "--sandbox", "--access", "keys", "--workers", "2", "--state-dir", str(keys.state),
        "--cache-memory", "64MiB", "--cache-dir", str(work / "cache"), "--sandbox-limits", "api=1000/300s,resolvers=3000/300s")  # fmt: skip
    faults = []
    try:
        root = fill(gate, keys)
        browser.session = None
        page = browser.call("Target.createTarget", url="about:blank")["targetId"]
        browser.session = browser.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        browser.call("Page.enable")
        console = ConsolePage(browser, gate)
        console.size(1280)
        console.open()
        console.wait("field('A gateway key of the role admin')")
        console.picture(directory / "console-sign-in-1280-light.png")
        console.sign_in(root)
        stop = threading.Event()
        thread = threading.Thread(target=traffic, args=(gate, root, stop))
        thread.start()
        try:
            console.wait("document.querySelectorAll('svg.chart path.one')[0].getAttribute('d').length > 500", 90)
            console.picture(directory / "console-now-load-1280-light.png", 800)
        finally:
            stop.set()
            thread.join()
        for width in (390, 1280):
            for scheme in ("light", "dark"):
                console.size(width, 844 if width < 600 else 900, dark=scheme == "dark")
                for title in PAGES:
                    console.go(title)
                    console.wait("document.querySelector('tbody tr')")
                    if title == "Now":
                        for number in range(12):
                            ask(gate, root, "GET", "/api/models?" + urllib.parse.urlencode({"limit": 5 + number % 3}))
                        console.wait("document.querySelectorAll('svg.chart path.one')[0].getAttribute('d').length > 40", 20)
                    console.picture(directory / f"console-{title.lower()}-{width}-{scheme}.png", 1000)
                    wide = console.run("return document.documentElement.scrollWidth;")
                    if wide > width:
                        faults.append(f"{title} is {wide} px wide at {width}")
                console.go("Keys")
                console.press("New key")
                console.fill("Name", "team-ml")
                console.fill("Role", "writer")
                console.wait("document.querySelectorAll('ul.preview b').length === 8 && document.querySelector('ul.preview b').textContent.includes('may')")
                console.picture(directory / f"console-new-key-{width}-{scheme}.png", 900)
                console.press("Cancel")
        faults += console.faults()
        gate.stop()
    finally:
        gate.kill()
    return faults
