"""What the cases work with: the binary, a certificate, an upstream, and servers in front of it, fresh for each case."""

import contextlib
import getpass
import http.client
import json
import pathlib
import re
import resource
import ssl

from certificates import make_certificates
from ports import accepts, free_port
from processes import LOAD_CORES, SERVER_CORES, BenchError, Processes
from waiting import wait_until

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONFIG = pathlib.Path(__file__).resolve().parent / "config"
SERVERS = ("nginx", "haproxy", "hubgate")
READY_WITHIN = 20
FILE_BYTES = 1 << 30
ACCOUNT = {
    "type": "user", "id": "d9085fce958c72be33bd1376", "name": "sandbox", "fullname": "Sandbox User", "isPro": False,
    "avatarUrl": "/avatars/sandbox.svg", "orgs": [{"name": "acme", "fullname": "acme", "roleInOrg": "admin"}],
    "auth": {"type": "access_token", "accessToken": {"displayName": "bench", "role": "write"}},
}


class Server:
    """A started server: where it listens, and its process."""

    def __init__(self, name, port, process):
        self.name, self.port, self.process = name, port, process

    @property
    def pid(self):
        return self.process.pid

    def url(self, path):
        return f"https://127.0.0.1:{self.port}{path}"


class Upstream:
    """nginx as the Hub. It counts, so that a case can show that it measures what it says."""

    def __init__(self, process, plain, tls):
        self.process, self.plain, self.tls = process, plain, tls
        self._asked = 0

    def counts(self):
        """Connections accepted and requests answered so far, but for these questions; for differences."""
        connection = http.client.HTTPConnection("127.0.0.1", self.plain, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", "/-/status")
            accepted, _, requests = re.search(r"(\d+) (\d+) (\d+)", connection.getresponse().read().decode()).groups()
        self._asked += 1
        return int(accepted) - self._asked, int(requests) - self._asked


class Workbench(Processes):
    """`binary` is hubgate; `noise` is asked between rounds."""

    def __init__(self, binary, noise=None):
        super().__init__()
        self.binary, self.noise = binary, noise
        certificates = make_certificates(self.work / "certs")
        (self.work / "haproxy.pem").write_text(certificates.chain_with_key)
        with open(self.work / "blob", "wb") as blob:
            blob.truncate(FILE_BYTES)
        self.client = ssl.create_default_context(cafile=certificates.authority)
        self.client.check_hostname = False

    def upstream(self, **file):
        """`file`: the hash and size of what it has below `resolve`, where a case needs that."""
        plain, tls = free_port(), free_port()
        account = json.dumps(ACCOUNT, separators=(",", ":"))
        self._fill("upstream.conf", PLAIN=plain, TLS=tls, ACCOUNT=account, **{"KEPT": "", "KEPT_BYTES": 0, **file})
        process = self.start("upstream", "nginx", "-p", self.work, "-c", self.work / "upstream.conf", cores=LOAD_CORES)
        self.await_port(process, plain)
        return Upstream(process, plain, tls)

    def server(self, name, upstream_port, tls=False, tickets=2, flags=(), before=(), binary=None):
        """Starts one of SERVERS in front of a port of 127.0.0.1 and waits until it answers.

        `tickets` is nginx's alone: how many each handshake sends. `flags` are hubgate's, and `binary` stands in for the
        one of the run. `before` precedes the command; nginx then serves in its first process.
        """
        server = Server(name, *self.launch(name, upstream_port, tls, tickets, flags, before, binary))
        self.await_port(server.process, server.port, patience=60 if before else READY_WITHIN)
        self.ask(server, "/-/health")
        return server

    def static(self, name, sendfile):
        """nginx that serves the files of the working directory."""
        port, place = free_port(), f"static-{sendfile}"
        (self.work / place).mkdir()
        self._fill("static.conf", LISTEN=port, SENDFILE=sendfile, PLACE=self.work / place)
        (self.work / "static.conf").rename(self.work / place / "nginx.conf")
        command = ["nginx", "-p", self.work / place, "-c", self.work / place / "nginx.conf"]
        server = Server(name, port, self.start(place, *command, cores=SERVER_CORES))
        self.await_port(server.process, port)
        return server

    def launch(self, name, upstream_port, tls=False, tickets=2, flags=(), before=(), binary=None):
        """Starts it without a wait: its port and its process."""
        port = free_port()
        scheme = "https" if tls else "http"
        if name == "hubgate":
            command = [
                *before, binary or self.binary, "--listen", f"127.0.0.1:{port}",
                "--upstream", f"{scheme}://127.0.0.1:{upstream_port}", "--ca-file", self.work / "certs/ca.pem",
                "--tls-cert", self.work / "certs/cert.pem", "--tls-key", self.work / "certs/key.pem",
                "--inference-upstream", f"{scheme}://127.0.0.1:{upstream_port}",
                "--max-requests-per-connection", "off",
                # The others keep nothing either, but where a case says so.
                "--cache-memory", "off", *flags,
            ]
        elif name == "nginx":
            (self.work / "tickets.conf").write_text(f"ssl_conf_command NumTickets {tickets};\n")
            self._fill("nginx.conf", LISTEN=port, UPSTREAM=upstream_port, SCHEME=scheme)
            alone = ["-g", "master_process off;"] if before else []
            command = [*before, "nginx", "-p", self.work, "-c", self.work / "nginx.conf", *alone]
        else:
            verified = f"ssl verify required ca-file {self.work}/certs/ca.pem verifyhost localhost" if tls else ""
            self._fill("haproxy.cfg", LISTEN=port, UPSTREAM=upstream_port, SERVER_TLS=verified)
            command = ["haproxy", "-db", "-f", self.work / "haproxy.cfg"]
        return port, self.start(name, *command, cores=SERVER_CORES, environment={"HF_TOKEN": "hf_bench"})

    def ask(self, server, path):
        """One GET that has to succeed, on a connection of its own."""
        try:
            connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=30, context=self.client)
            with contextlib.closing(connection):
                connection.request("GET", path)
                answer = connection.getresponse()
                body = answer.read()
        except OSError as error:
            said = self.last_words(server.process)
            raise BenchError(f"{server.name} did not answer {path}: {error}. {said}") from error
        if answer.status != 200:
            raise BenchError(f"{server.name} answered {path} with {answer.status}: {body[:300]!r}")
        return body

    def stop_all(self, *started):
        """Servers and upstreams, in this order."""
        for one in started:
            self.stop(one.process)

    def check_alive(self, server):
        if server.process.poll() is not None:
            raise BenchError(f"{server.name} ended ({server.process.returncode}): {self.last_words(server.process)}")

    def _fill(self, template, **values):
        text = (CONFIG / template).read_text()
        for name, value in {"WORK": self.work, "USER": getpass.getuser(), **values}.items():
            text = text.replace(f"@{name}@", str(value))
        (self.work / template).write_text(text)

    def await_port(self, process, port, patience=READY_WITHIN):
        def listens():
            if process.poll() is not None:
                raise BenchError(f"{process.name} did not start: {self.last_words(process)}")
            return accepts(port)

        if not wait_until(listens, patience):
            raise BenchError(f"{process.name} did not listen within {patience} s: {self.last_words(process)}")


def raise_descriptor_limit(wanted=20000):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise BenchError(f"The limit of open files is {hard}; the bench needs {wanted} (ulimit -n).")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))

