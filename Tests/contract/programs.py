"""Programs that know nothing of the gateway, as processes that can reach it and no other host."""

import functools
import re
import shutil
import subprocess

from gate import ROOT, clean_environment

SECONDS = 120
LOOPBACK = ("127.0.0.1", "::1")
OPENAI = ROOT / ".venv-openai/bin/python"
# Debian's packages of those that a test runs, as config/install-deps.sh installs them.
PACKAGES = {"curl": "curl", "wget": "wget", "aria2c": "aria2", "git": "git", "git-lfs": "git-lfs"}
# Programs whose requests a test sends in their place: the commit of their source that these were read off.
REPLAYED = {"llama.cpp": "replayed, 0216dab", "ollama": "replayed, 01ca4ec"}


def install(program):
    """Whether the program is here, once Debian was asked for it."""
    if program not in PACKAGES:
        return True  # run.sh makes it, or it is replayed
    if not shutil.which(program):
        subprocess.run([ROOT / "config/install-deps.sh", PACKAGES[program]], capture_output=True, timeout=400)
    return bool(shutil.which(program))


@functools.cache
def version(program):
    """As it says itself; of one that is replayed, that, and its source's commit."""
    if program in REPLAYED:
        return REPLAYED[program]
    if program == "OpenAI's SDK":
        command = [OPENAI, "-c", "import openai; print(openai.__version__)"]
    else:
        command = [program, "--version"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True).stdout
    return re.search(r"\d+(\.\d+)+", said)[0]


class Program:
    """Runs programs in a folder of their own, with no setting of this machine's. Whom they contact is written down."""

    def __init__(self, gate, guard, directory):
        self.gate, self.directory = gate, directory
        self.authority = gate.certificates.authority
        self.contacts_path = directory / "contacts"
        self.contacts_path.touch()
        self.environment = clean_environment(
            directory, LD_PRELOAD=str(guard), CONTACTS=str(self.contacts_path), CONTACTS_ALLOWED=str(gate.port),
            GIT_CONFIG_NOSYSTEM="1", GIT_TERMINAL_PROMPT="0", GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@localhost",
            GIT_COMMITTER_NAME="a", GIT_COMMITTER_EMAIL="a@localhost",
        )  # fmt: skip

    def run(self, *command, check=True, stdin=b"", **variables):
        done = subprocess.run(
            [str(word) for word in command], cwd=self.directory, env={**self.environment, **variables}, input=stdin,
            capture_output=True, timeout=SECONDS,
        )
        if check:
            assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-4000:])
        return done

    def curl(self, path, *arguments, check=True, **options):
        command = ("curl", "-q", "-sS", "--cacert", self.authority, *arguments, self.gate.origin + path)
        return self.run(*command, check=check, **options)

    def wget(self, path, *arguments, check=True):
        command = ("wget", "--no-config", "-nv", "--ca-certificate", self.authority, *arguments, self.gate.origin + path)
        return self.run(*command, check=check)

    def aria2c(self, path, *arguments, check=True):
        command = ("aria2c", "--no-conf", "--ca-certificate", self.authority, "--allow-overwrite=true", "-k", "1M",
                   "--console-log-level=warn", "--summary-interval=0", *arguments, self.gate.origin + path)  # fmt: skip
        return self.run(*command, check=check)

    def git(self, *arguments, check=True, **variables):
        return self.run("git", "-c", f"http.sslCAInfo={self.authority}", *arguments, check=check, **variables)

    def read(self, name):
        return (self.directory / name).read_bytes()

    def check_contacts(self):
        """All whom they have met is the gateway."""
        port = str(self.gate.port)
        # Port 0: c-ares connects a datagram socket, to learn which of its own addresses would be used.
        met = {tuple(line.split()) for line in self.contacts_path.read_text().splitlines()} - {(host, "0") for host in LOOPBACK}
        assert met <= {(host, port) for host in LOOPBACK}, f"it was led elsewhere: {sorted(met)}"
