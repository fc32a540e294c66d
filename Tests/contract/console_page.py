"""The console in a browser, used as a person does: fields by their labels, buttons by their names."""

import base64
import json

from waiting import wait_until

# Finds what a person, or a screen reader, would: a field by its label, a button or link by its name.
FIND = """
const visible = node => node.getClientRects().length > 0;
const top = () => { const open = [...document.querySelectorAll('dialog[open]')]; return open.length ? open[open.length - 1] : document; };
const field = label => { const found = [...top().querySelectorAll('label')].find(one => one.textContent.trim() === label && visible(one));
  return found && (found.control || found.querySelector('input')); };
const button = name => [...top().querySelectorAll('button, nav a')].find(one => visible(one) && !one.disabled && (one.getAttribute('aria-label') || one.textContent).trim() === name);
"""


class ConsolePage:
    def __init__(self, browser, gate):
        self.browser, self.gate = browser, gate
        for domain in ("Log", "Runtime"):
            browser.call(f"{domain}.enable")
        browser.call("Audits.enable")

    def run(self, script):
        """What the script gives, as JSON; promises are awaited."""
        found = self.browser.call("Runtime.evaluate", expression=f"(async () => {{ {FIND} {script} }})()", awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def open(self, page="now"):
        self.browser.events.clear()
        shown = self.browser.call("Page.navigate", url=f"{self.gate.origin}/-/console#{page}")
        assert not shown.get("errorText"), shown
        if shown.get("loaderId"):
            self.browser.wait_for("Page.loadEventFired")

    def size(self, width, height=900, dark=False):
        self.browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
                                                                  {"name": "prefers-reduced-motion", "value": "reduce"}])  # fmt: skip

    def wait(self, condition, seconds=10):
        """Until the script, an expression, is true; gives it."""
        found = wait_until(lambda: self.run(f"const found = ({condition}); return found instanceof Node ? true : found;"), seconds)
        assert found, f"{condition} did not come: {self.text}"
        return found

    @property
    def text(self):
        return self.run("return (document.querySelector('dialog[open]') || document.body).innerText;")

    def wait_for_text(self, text, seconds=10):
        self.wait(f"document.body.innerText.includes({json.dumps(text)})", seconds)

    def fill(self, label, value):
        self.wait(f"field({json.dumps(label)})")
        self.run(f"""const node = field({json.dumps(label)}); node.focus();
            if (node.type === 'checkbox') {{ node.checked = {json.dumps(bool(value))}; node.dispatchEvent(new Event('change', {{bubbles: true}})); }}
            else {{ node.value = {json.dumps(value)}; node.dispatchEvent(new Event('input', {{bubbles: true}})); }}""")

    def press(self, name):
        self.wait(f"button({json.dumps(name)})")
        self.run(f"button({json.dumps(name)}).click();")

    def key(self, name, code, **modifiers):
        for kind in ("keyDown", "keyUp"):
            self.browser.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code, **modifiers)

    def sign_in(self, key):
        self.open()
        self.fill("A gateway key of the role admin", key)
        self.press("Sign in")
        self.wait("button('Sign out')")

    def watch_layout(self):
        """Counts layout shifts as browsers measure them (https://web.dev/cls). What the document has now is painted first, so it is not counted."""
        self.run("""await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
            window.shift = 0; window.watch?.disconnect();
            window.watch = new PerformanceObserver(list => { for (const one of list.getEntries()) window.shift += one.value; });
            window.watch.observe({type: 'layout-shift'});""")

    @property
    def layout_shift(self):
        return self.run("await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))); return window.shift;")

    def go(self, title):
        self.press(title)
        self.wait(f"document.querySelector('h1')?.textContent === {json.dumps(title)}")

    def picture(self, path, height=None):
        size = self.browser.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], height or size["height"]), "scale": 1}
        picture = self.browser.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)["data"]
        path.write_bytes(base64.b64decode(picture))

    def faults(self):
        """What the browser has refused of the page or its script has thrown, but for answers that the page asked for and shows."""
        faults = []
        for event in self.browser.events:
            entry = event.get("params", {}).get("entry", {})
            if event.get("method") == "Log.entryAdded" and entry["source"] in ("security", "javascript", "violation"):
                faults.append(entry["text"])
            if event.get("method") == "Runtime.exceptionThrown":
                faults.append(str(event["params"]["exceptionDetails"]))
            if event.get("method") == "Audits.issueAdded" and "ontentSecurityPolicy" in event["params"]["issue"]["code"]:
                faults.append(str(event["params"]["issue"]))
        return faults
