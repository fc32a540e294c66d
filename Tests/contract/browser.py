"""Headless Chromium, spoken to in the DevTools protocol over a pipe: no port, and nothing to install."""

import base64
import contextlib
import fcntl
import hashlib
import json
import os
import select
import shutil
import subprocess
import time

from certificates import ROOT
from gate import clean_environment

SECONDS = 120


def key_digest(certificate):
    """What --ignore-certificate-errors-spki-list takes: only this very key is trusted, not any certificate."""
    public = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-pubkey"], check=True, capture_output=True)
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=public.stdout, check=True, capture_output=True)
    return base64.b64encode(hashlib.sha256(der.stdout).digest()).decode()


class Browser:
    def __init__(self, directory, *flags):
        theirs_in, self.out = os.pipe()
        self.inp, theirs_out = os.pipe()
        theirs_in, theirs_out = self._above_9(theirs_in), self._above_9(theirs_out)
        if os.geteuid() == 0:
            flags = ("--no-sandbox", *flags)  # Chromium's own, which root cannot have
        with open(directory / "chromium.log", "wb") as log:
            # Chromium's pipe is descriptors 3 and 4; these two are other numbers here, and none that the script uses.
            script = f'exec 8<&{theirs_in} 9>&{theirs_out}; exec 3<&8 4>&9 8<&- 9>&-; exec "$@"'
            self.process = subprocess.Popen(
                ["bash", "-c", script, "chromium", "chromium", "--headless", "--remote-debugging-pipe", "--disable-gpu",
                 "--no-first-run", "--disable-dev-shm-usage", "--hide-scrollbars", f"--user-data-dir={directory}/profile",
                 *flags],
                env=clean_environment(directory), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=[theirs_in, theirs_out],
            )  # fmt: skip
        os.close(theirs_in)
        os.close(theirs_out)
        self.waiting = b""
        self.number = 0
        self.events = []
        self.session = None

    @staticmethod
    def _above_9(descriptor):
        """The same pipe as a descriptor that is inherited."""
        duplicate = fcntl.fcntl(descriptor, fcntl.F_DUPFD, 10)
        os.close(descriptor)
        return duplicate

    def _next(self, deadline):
        while b"\0" not in self.waiting:
            if not select.select([self.inp], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError("Chromium does not answer")
            part = os.read(self.inp, 1 << 16)
            if not part:
                raise RuntimeError("Chromium has ended")
            self.waiting += part
        message, _, self.waiting = self.waiting.partition(b"\0")
        return json.loads(message)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + SECONDS
        while True:
            answer = self._next(deadline)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait_for(self, method):
        deadline = time.monotonic() + SECONDS
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self._next(deadline))

    def close(self):
        os.close(self.out)  # it ends where its pipe ends
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.inp)


def has_chromium():
    """Chromium comes from Debian, in the way that everything else here does."""
    if not shutil.which("chromium"):
        subprocess.run([ROOT / "config/install-deps.sh", "chromium", "fonts-dejavu-core"], capture_output=True, timeout=400)
    return bool(shutil.which("chromium"))


@contextlib.contextmanager
def browser(directory, certificates):
    """A browser with one tab, which trusts the gateway's key."""
    directory.mkdir()
    browser = Browser(directory, f"--ignore-certificate-errors-spki-list={key_digest(certificates.certificate)}")
    try:
        page = browser.call("Target.createTarget", url="about:blank")["targetId"]
        browser.session = browser.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        browser.call("Page.enable")
        yield browser
    finally:
        browser.close()
