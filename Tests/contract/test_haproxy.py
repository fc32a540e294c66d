"""Three gates behind a real HAProxy with the files of config/haproxy: what happens to one of them costs the clients nothing
but what it was answering when it was killed. docs/scale.md promises it."""

import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from gate import IS_SANITIZED
from haproxy import HAProxy
from test_lifecycle import reload, wait_for_message

CONNECTIONS = 30

pytestmark = [
    pytest.mark.skipif(not Path("/usr/sbin/haproxy").exists(), reason="haproxy is not installed"),
    pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed"),
    pytest.mark.skipif(IS_SANITIZED, reason="a sanitizer is too slow to say anything here"),
]


class Load:
    """wrk on a path of the gates until `result()`, which gives how many requests were answered, how many were not, and how often it could
    not connect."""

    def __init__(self, port):
        self.process = subprocess.Popen(
            ["wrk", "-t1", f"-c{CONNECTIONS}", "-d60s", "--timeout", "5s",
             f"https://127.0.0.1:{port}/api/models/sandbox/demo"],
            stdout=subprocess.PIPE, text=True,
        )

    def result(self):
        self.process.send_signal(signal.SIGINT)
        text, _ = self.process.communicate(timeout=60)
        errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
        refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
        connect, *others = map(int, errors.groups()) if errors else (0,)
        failed = sum(others) + (int(refused[1]) if refused else 0)
        return int(re.search(r"(\d+) requests in", text)[1]), failed, connect


@pytest.fixture
def behind(tmp_path, certificates, start):
    """Starts three gates and a HAProxy before them."""
    proxies = []

    def behind(name, *flags):
        flags = ["--trusted-proxies", "127.0.0.1", *(["--proxy-protocol"] if name == "pass-through.cfg" else []), *flags]
        gates = [start(*flags) for _ in range(3)]
        proxy = HAProxy(tmp_path, name, certificates, gates)
        proxies.append(proxy)
        proxy.wait_for(lambda servers: [state for state, _ in servers] == ["UP"] * 3)
        return proxy, gates

    yield behind
    for proxy in proxies:
        proxy.stop()


@pytest.mark.parametrize("name", ["pass-through.cfg", "re-encrypt.cfg"])
@pytest.mark.long
def test_one_is_killed_one_reloaded_and_one_drained_under_load(behind, name):
    proxy, (killed, reloaded, drained) = behind(name, "--drain-delay", "2s")
    load = Load(proxy.port)
    proxy.wait_for(lambda servers: all(count > 0 for _, count in servers))
    time.sleep(1)

    at_work = proxy.servers()[0][1]
    killed.kill()
    proxy.wait_for(lambda servers: servers[0][0] == "DOWN")
    reload(reloaded)
    reload(reloaded)
    drained.signal(signal.SIGTERM)
    wait_for_message(drained, "Stopping")
    proxy.wait_for(lambda servers: servers[2][0] == "DOWN")
    drained.wait_for_stop()
    assert proxy.servers()[1][0] == "UP"
    time.sleep(0.5)  # The one that is left has all of it.

    answered, failed, unconnected = load.result()
    assert answered > 500
    if name == "re-encrypt.cfg":
        # Reading twice does no harm, so HAProxy asks another gate and the client notices nothing.
        assert (failed, unconnected) == (0, 0)
    else:
        # Passed through, what was in flight is lost: one request a connection. Each that reconnects at once may meet the
        # dying process's listener, once, before it has asked anything.
        assert failed <= at_work, f"{failed} of {answered} failed; {at_work} were on the one that was killed"
        assert unconnected <= at_work


def test_paths_and_refusals_go_through_haproxy_as_they_are(behind):
    proxy, gates = behind("re-encrypt.cfg")

    def status_and_fields(port):
        done = subprocess.run(
            ["curl", "-q", "-sS", "-i", "--path-as-is", "--cacert", gates[0].certificates.authority,
             f"https://localhost:{port}/api/models/sandbox/demo/tree/no%2Fsuch?a=%2F&b"],
            capture_output=True, text=True, timeout=20, check=True,
        )
        head = done.stdout.split("\n\n")[0].splitlines()
        kept = ("x-error-code", "x-error-message", "content-type")
        # HAProxy writes names in lower case, as clients may (RFC 9110 section 5.1).
        fields = [line.lower() for line in head[1:]]
        return [head[0].split()[1], *(line for line in fields if line.split(":")[0] in kept)]

    direct = status_and_fields(gates[0].port)
    assert direct[0] == "404" and len(direct) > 1
    assert status_and_fields(proxy.port) == direct
