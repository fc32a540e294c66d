"""Gateway keys and the state, as an operator makes them on the command line."""

import json
import subprocess

from gate import BINARY, clean_environment


class Keys:
    """The command line of a workspace with a state directory of its own."""

    def __init__(self, workspace, state=None):
        self.workspace = workspace
        self.state = state or workspace / "state"
        self.state.mkdir(mode=0o700, exist_ok=True)

    @property
    def database(self):
        return self.state / "hubgate.db"

    def run(self, *words, check=True, prefix=(), **variables):
        done = subprocess.run(
            [*prefix, BINARY, *words, "--state-dir", self.state],
            cwd=self.workspace, env=clean_environment(self.workspace, **variables),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        if check:
            assert done.returncode == 0, (words, done.returncode, done.stderr)
        return done

    def create(self, name, *flags):
        """The key, as the client gets it."""
        return self.run("keys", "create", name, *(flags or ("--role", "reader"))).stdout.strip()

    def rotate(self, name, *flags):
        return self.run("keys", "rotate", name, *flags).stdout.strip()

    def revoke(self, name):
        self.run("keys", "revoke", name)

    def show(self, name):
        return json.loads(self.run("keys", "show", name, "--json").stdout)

    def list(self, *flags):
        return json.loads(self.run("keys", "list", "--json", *flags).stdout)
