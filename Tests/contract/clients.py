"""The real huggingface_hub in each version that is tried, as processes that can reach the gateway and no other host."""

import functools
import hashlib
import json
import random
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

from gate import ROOT, clean_environment

FOLDER = Path(__file__).parent / "client"
SECONDS = 120
MEBIBYTE = 1 << 20
# What new clients ask once a day, without the token.
UNASKED = "/api/agent-harnesses"
# Those of huggingface_hub that its users catch, the most special first.
EXCEPTIONS = (
    "GatedRepoError", "RepositoryNotFoundError", "RevisionNotFoundError", "EntryNotFoundError", "BadRequestError",
    "HfHubHTTPError",
)


@dataclass(frozen=True)
class Series:
    """A series of huggingface_hub; its newest version is in a virtual environment that run.sh makes."""

    name: str
    environment: str

    def program(self, name):
        path = ROOT / self.environment / "bin" / name
        assert path.exists(), f"There is no {path}: Tests/contract/run.sh makes it."
        return path


SERIES = (Series("2.x", ".venv"), Series("1.x", ".venv-1"), Series("0.36", ".venv-0.36"))


@dataclass(frozen=True)
class Variant:
    """A series, with its large files as Xet, which is the default, or as Git LFS (HF_HUB_DISABLE_XET=1)."""

    series: Series
    uses_xet: bool

    def __str__(self):
        return f"{self.series.name}-{'xet' if self.uses_xet else 'lfs'}"

    @property
    def variables(self):
        return {} if self.uses_xet else {"HF_HUB_DISABLE_XET": "1"}


VARIANTS = tuple(Variant(series, uses_xet) for series in SERIES for uses_xet in (True, False))
LIBRARIES = tuple(Variant(Series("libraries", ".venv-libraries"), uses_xet) for uses_xet in (True, False))


# What `datasets` asks for of itself: ready-made Parquet beside HF_ENDPOINT's host, and a counter of downloads. It gets
# neither, and works.
BESIDE_THE_HUB = ("datasets-server.localhost", "s3.amazonaws.com")


def make_guard(directory):
    """Compiles what watches over a client's contacts."""
    guard = directory / "contacts.so"
    flags = ["-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC"]
    subprocess.run(["clang", *flags, "-o", guard, FOLDER / "contacts.c"], check=True, timeout=SECONDS)
    return guard


class ClientError(Exception):
    """What the client raised: the names of the exception's classes, and the status of the response behind it."""

    def __init__(self, answer):
        super().__init__(f"{answer['errors'][0]}: {answer['message']}")
        self.kinds, self.status, self.cause = answer["errors"], answer["status"], answer["cause"]


class Client:
    """huggingface_hub in a process of its own. Without a token: the gateway has one."""

    def __init__(self, variant, gate, hub, guard, directory, **variables):
        self.variant, self.gate, self.hub, self.directory = variant, gate, hub, directory
        self.contacts_path = directory / "contacts"
        self.contacts_path.touch()
        self.tried = set()
        self.environment = clean_environment(
            directory,
            HF_ENDPOINT=gate.origin,
            HF_HOME=str(directory / "hf"),
            HF_HUB_DISABLE_PROGRESS_BARS="1",
            HF_HUB_DISABLE_UPDATE_CHECK="1",
            SSL_CERT_FILE=str(gate.certificates.authority),
            REQUESTS_CA_BUNDLE=str(gate.certificates.authority),
            PYTHONPATH=str(FOLDER),
            PYTHONDONTWRITEBYTECODE="1",
            LD_PRELOAD=str(guard),
            CONTACTS=str(self.contacts_path),
            CONTACTS_ALLOWED=str(gate.port),
            **variant.variables,
            **variables,
        )
        self.errors = open(directory / "errors", "w+")
        self.process = subprocess.Popen(
            [self.python, FOLDER / "worker.py"], cwd=directory, env=self.environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
        )

    @property
    def python(self):
        return self.variant.series.program("python")

    @functools.cached_property
    def versions(self):
        return self("versions")

    @property
    def is_old(self):
        return self.variant.series.name == "0.36"

    def __call__(self, operation, *arguments, **options):
        question = {"operation": operation, "arguments": arguments, "options": options}
        print(json.dumps(question), file=self.process.stdin, flush=True)
        end = threading.Timer(SECONDS, self.process.kill)
        end.start()
        line = self.process.stdout.readline()
        end.cancel()
        assert line, f"The client ended, or took {SECONDS} s: {Path(self.errors.name).read_text()}"
        answer = json.loads(line)
        self.tried.update(answer["tried"])
        if "errors" in answer:
            kind = next((kind for kind in EXCEPTIONS if kind in answer["errors"]), None)
            if kind:
                self.tried.add(f"{kind} ({answer['status']})")
            raise ClientError(answer)
        return answer["value"]

    def refuses(self, operation, *arguments, **options):
        """The exception that it raises."""
        try:
            value = self(operation, *arguments, **options)
        except ClientError as error:
            return error
        raise AssertionError(f"{operation} gave {value!r} where it had to be refused")

    def popen(self, program, *arguments, **variables):
        """Starts a program of the client's environment."""
        return subprocess.Popen(
            [self.variant.series.program(program), *map(str, arguments)], cwd=self.directory,
            env={**self.environment, **variables}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )

    def run(self, *command, check=True, **variables):
        """Runs a program of the client's environment to its end."""
        with self.popen(*command, **variables) as process:
            try:
                output, errors = process.communicate(timeout=SECONDS)
            finally:
                process.kill()
        if check:
            assert process.returncode == 0, output + errors
        return subprocess.CompletedProcess(command, process.returncode, output, errors)

    def hf(self, command, *arguments, check=True, **variables):
        """The command line: `command` is what its help calls a command, such as "repos create"."""
        self.tried.add(f"hf {command}")
        return self.run("hf", *command.split(), *arguments, check=check, **variables)

    def report_to(self, test):
        """Gives compatibility.py what was tried."""
        tried = {"variant": str(self.variant), "versions": self.versions, "operations": sorted(self.tried)}
        test.user_properties.append(("tried", tried))

    @property
    def contacts(self):
        return [tuple(line.split()) for line in self.contacts_path.read_text().splitlines()]

    def check_contacts(self, known=0, others=()):
        """All whom it has met must be the gateway, but for the first so many, and `others` that it asked for in vain."""
        port = str(self.gate.port)
        met = set(self.contacts[known:]) - {("127.0.0.1", port), ("::1", port)}
        assert {host for host, _ in met} <= set(others), f"it was led elsewhere: {sorted(met)}"

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        finally:
            self.process.kill()
            self.process.stdout.close()
            self.errors.close()


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


def digest(content):
    return hashlib.sha256(content if isinstance(content, bytes) else content.encode()).hexdigest()
