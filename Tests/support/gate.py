"""A hubgate of the tests' own: started, asked, watched and ended."""

import contextlib
import json
import os
import re
import select
import signal
import socket
import ssl
import subprocess
from pathlib import Path

from certificates import ROOT, Certificates, make_certificates  # noqa: F401 - a gate needs one, so they come with it
from waiting import wait_until
from wire import Connection

BINARY = Path(os.environ.get("HUBGATE_BINARY", ROOT / ".build/debug/hubgate")).resolve()
IS_SANITIZED = b"__asan_init" in BINARY.read_bytes()
# Nearly all tests mean that the Hub is asked; those of the cache set it.
RELAYING = {"HUBGATE_CACHE_MEMORY": "off"}
# What a gate of the tests differs in from one of an operator. The files of a test of root's are closed to everybody else, so that a gate
# that had become another user could not reload them; test_privileges.py has gates that do. The leak checker attaches to the gate.
UNHARDENED = {
    **({"HUBGATE_USER": "root"} if os.geteuid() == 0 else {}),
    **({"HUBGATE_SANDBOXING": "off"} if IS_SANITIZED else {}),
}

SANITIZERS = ("ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS")
# They bound what hangs, on whatever machine.
START_SECONDS = 60
STOP_SECONDS = 60


def clean_environment(home, **variables):
    """Nothing of the user who runs the tests: no token, proxy or setting of theirs."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", *SANITIZERS) if name in os.environ}
    return {**kept, "HOME": str(home), "LC_ALL": "C.UTF-8", **UNHARDENED, **variables}


def make_workspace(directory):
    """A working directory whose settings file says nothing, so that none of the machine's is read."""
    directory = Path(directory)
    (directory / "config").mkdir(parents=True)
    (directory / "config/hubgate.yaml").write_text("# nothing\n")
    return directory


def shown(path):
    """As messages show it: no more than the first 80 characters."""
    return str(path)[:80]


def run(directory, *flags, timeout=60, **variables):
    """Runs the binary to its end."""
    return subprocess.run(
        [BINARY, *flags],
        cwd=directory,
        env=clean_environment(directory, **variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


class Gate:
    """A running hubgate. Its standard error may hold lines of its log only: a crash or a sanitizer writes others."""

    def __init__(self, workspace, certificates, *flags, stdout=None, before=(), **variables):
        self.workspace = workspace
        self.certificates = certificates
        self.context = certificates.client_context()
        self.log_path = workspace / "stdout"
        self.error_path = workspace / "stderr"
        self.killed = False
        listen = () if "--listen" in flags else ("--listen", "127.0.0.1:0")
        with open(self.error_path, "wb") as errors, open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [*before, BINARY, *listen, *flags],
                cwd=workspace,
                env=clean_environment(workspace, **{**RELAYING, **certificates.settings, **variables}),
                stdin=subprocess.DEVNULL,
                stdout=log if stdout is None else stdout,
                stderr=errors,
            )
        self.pid = self.process.pid
        self.port = self._wait_for_port()
        self.origin = f"https://localhost:{self.port}"

    def _wait_for_port(self):
        def listening():
            return re.search(r"Listening on https://localhost:(\d+)\.", self.errors)

        wait_until(lambda: listening() or self.process.poll() is not None, START_SECONDS)
        if found := listening():
            return int(found[1])
        self.kill()
        raise AssertionError(f"The gate did not start (code {self.process.returncode}): {self.errors}")

    # What it says

    @property
    def errors(self):
        return self.error_path.read_text(errors="replace")

    @property
    def messages(self):
        return [line["message"] for line in map(json.loads, self.errors.splitlines())]

    @property
    def log_lines(self):
        return [json.loads(line) for line in self.log_path.read_text().splitlines()]

    def wait_for_log(self, condition, seconds=3):
        """Waits until a line of the access log fulfils `condition`, and gives it."""
        return wait_until(lambda: next((line for line in self.log_lines if condition(line)), None), seconds)

    # What it uses

    @property
    def tasks(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))

    @property
    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    @property
    def resident_bytes(self):
        pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    @property
    def peak_resident_bytes(self):
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024

    # Asking it

    def tcp(self, timeout=10, receive_buffer=None, source=None):
        plain = socket.socket()
        plain.settimeout(timeout)
        if receive_buffer:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source:
            plain.bind((source, 0))
        plain.connect(("127.0.0.1", self.port))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return plain

    def connect(self, timeout=10, context=None, session=None, receive_buffer=None, source=None):
        plain = self.tcp(timeout, receive_buffer, source)
        try:
            # Strict about the end: a stream without close_notify raises.
            secure = (context or self.context).wrap_socket(
                plain, server_hostname="localhost", session=session, suppress_ragged_eofs=False
            )
        except BaseException:
            plain.close()
            raise
        return Connection(secure)

    def hello(self):
        """The bytes that a client's handshake begins with."""
        sent = ssl.MemoryBIO()
        session = self.context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname="localhost")
        with contextlib.suppress(ssl.SSLWantReadError):
            session.do_handshake()
        return sent.read()

    def ask(self, request=b"GET /-/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", timeout=10):
        """One request on a connection of its own; gives its one response."""
        with self.connect(timeout) as connection:
            connection.send(request)
            return connection.answer(request.startswith(b"HEAD "))

    def curl(self, path, *arguments, check=True):
        """A real curl with the authority that a user would name."""
        done = subprocess.run(
            ["curl", "-q", "-sS", "-i", "--max-time", "20", "--cacert", self.certificates.authority, *arguments,
             self.origin + path],
            cwd=self.workspace, env=clean_environment(self.workspace), capture_output=True, timeout=30,
        )
        if check:
            assert done.returncode == 0, f"curl ended with {done.returncode}: {done.stderr.decode()}"
        return done

    # Ending it

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=STOP_SECONDS):
        """Its exit code, as soon as it has one: Popen.wait with a time limit looks in growing steps of up to 50 ms."""
        if self.process.poll() is None:
            ended = os.pidfd_open(self.pid)
            try:
                waiting = select.poll()
                waiting.register(ended, select.POLLIN)
                waiting.poll(seconds * 1000)
            finally:
                os.close(ended)
        return self.process.wait(0)

    def stop(self):
        """Ends it in order and looks at what it leaves."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        self.wait_for_stop()

    def wait_for_stop(self):
        """After a signal to stop."""
        try:
            code = self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"The gate did not stop within {STOP_SECONDS} s of SIGTERM: {self.errors}") from None
        assert code == 0, f"The gate ended with code {code}: {self.errors}"
        self.check_errors()

    def check_errors(self):
        for line in self.errors.splitlines():
            try:
                json.loads(line)
            except ValueError:
                raise AssertionError(f"Standard error has more than log lines: {self.errors}") from None

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.killed = True


def ask(gate, method, target, *fields):
    """One request without a body on a connection of its own; `fields` are whole lines."""
    lines = [f"{method} {target} HTTP/1.1".encode(), b"Host: localhost:%d" % gate.port, *fields, b"Connection: close"]
    return gate.ask(b"\r\n".join(lines) + b"\r\n\r\n")


@contextlib.contextmanager
def running_gate(directory, certificates, *flags, **options):
    """A gate in a working directory of its own, which is made; stopped in order at the end, and looked at."""
    gate = Gate(make_workspace(directory), certificates, *flags, **options)
    try:
        yield gate
        gate.stop()
    finally:
        gate.kill()
