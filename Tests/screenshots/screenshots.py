"""The home page and the console in Chromium, as a phone and a desktop show them."""

import base64
import sys
import tempfile
from pathlib import Path

import console
from browser import Browser, key_digest
from gate import Gate, make_certificates, make_workspace

HEIGHTS = {390: 844, 1280: 800}

MEASURE = """({
    title: document.title,
    width: document.documentElement.scrollWidth,
    boxes: document.querySelectorAll('pre').length,
    wide: [...document.querySelectorAll('pre')].filter(e => e.scrollWidth > e.clientWidth).map(e => e.textContent),
})"""


def look(browser, url, width, target):
    """Writes the picture, and gives what is wrong with the page."""
    browser.session = None
    page = browser.call("Target.createTarget", url="about:blank")["targetId"]
    browser.session = browser.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
    browser.call(
        "Emulation.setDeviceMetricsOverride", width=width, height=HEIGHTS[width], deviceScaleFactor=1, mobile=width < 600
    )
    for domain in ("Page", "Log"):
        browser.call(f"{domain}.enable")
    browser.events.clear()
    problem = browser.call("Page.navigate", url=url).get("errorText")
    if problem:
        return [f"{url} did not load: {problem}"]
    browser.wait_for("Page.loadEventFired")
    seen = browser.call("Runtime.evaluate", expression=MEASURE, returnByValue=True)["result"]["value"]
    size = browser.call("Page.getLayoutMetrics")["cssContentSize"]
    clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
    picture = browser.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)["data"]
    target.write_bytes(base64.b64decode(picture))

    faults = []
    if "hubgate" not in seen["title"].lower() or not seen["boxes"]:
        faults.append(f"this is not the home page: {seen}")
    if seen["width"] > width:
        faults.append(f"the page is {seen['width']} px wide")
    faults += [f"cut off at the right: {text}" for text in seen["wide"]]
    for event in browser.events:
        entry = event.get("params", {}).get("entry", {})
        if event.get("method") == "Log.entryAdded" and entry["source"] == "security":
            faults.append(entry["text"])
    return faults


def main(directory):
    directory.mkdir(parents=True, exist_ok=True)
    faults = 0
    with tempfile.TemporaryDirectory(prefix="hubgate-screenshots-") as work:
        work = Path(work)
        certificates = make_certificates(work / "certs")
        gate = Gate(make_workspace(work / "gate"), certificates, "--sandbox")
        try:
            browser = Browser(work, f"--ignore-certificate-errors-spki-list={key_digest(certificates.certificate)}")
            try:
                for width in HEIGHTS:
                    target = directory / f"home-{width}.png"
                    for fault in look(browser, gate.origin + "/", width, target):
                        faults += 1
                        print(f"FAULT at {width} px: {fault}")
                    print(target)
                for fault in console.look(browser, certificates, work, directory):
                    faults += 1
                    print(f"FAULT in the console: {fault}")
                print(*sorted(directory.glob("console-*.png")), sep="\n")
            finally:
                browser.close()
            gate.stop()
        finally:
            gate.kill()
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
