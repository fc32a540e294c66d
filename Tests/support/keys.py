"""Gateway keys and the state, as an operator makes them on the command line."""

import json
import subprocess

from gate import BINARY, clean_environment
from waiting import wait_until


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

    def create_at(self, gate, name, *flags):
        """The same beside a running gateway: when it comes back every worker knows the key."""
        key = self.create(name, *flags)
        ask = b"GET /api/account HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer " + key.encode() + b"\r\n\r\n"
        in_a_row = wait_until(lambda: all(gate.ask(ask).status != 401 for _ in range(6)), 10)
        assert in_a_row, "the gateway does not know the key"
        return key

    def rotate(self, name, *flags):
        return self.run("keys", "rotate", name, *flags).stdout.strip()

    def revoke(self, name):
        self.run("keys", "revoke", name)

    def show(self, name):
        return json.loads(self.run("keys", "show", name, "--json").stdout)

    def list(self, *flags):
        return json.loads(self.run("keys", "list", "--json", *flags).stdout)
