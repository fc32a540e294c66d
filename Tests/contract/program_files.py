"""What curl, wget and aria2 are to take: a small file of git and a large one of a store, in the sandbox behind a gateway."""

import json

import pytest

from clients import MEBIBYTE, digest, noise
from hub import Hub
from waiting import wait_until

REPO = "sandbox/programs"
LARGE = noise(16 * MEBIBYTE)
SMALL = b'{"of":"git"}\n'
PATH = f"/{REPO}/resolve/main/large.bin"
IN_GIT = f"/{REPO}/resolve/main/small.json"


@pytest.fixture(scope="module")
def sandbox(gate):
    sandbox = Hub(gate)
    sandbox.create(REPO)
    sandbox.put_linked(REPO, "large.bin", LARGE)
    commit(sandbox, {"key": "file", "value": {"path": "small.json", "encoding": "utf-8", "content": SMALL.decode()}})
    return sandbox


@pytest.fixture
def files(start_program, gate, sandbox):
    """A program before the sandbox, which sees in the end that the gateway's token alone reached the Hub."""
    before = len(sandbox.journal())
    yield start_program(gate)
    sandbox.check_credentials(before)


def commit(sandbox, line):
    lines = [{"key": "header", "value": {"summary": "s", "description": ""}}, line]
    body = "\n".join(map(json.dumps, lines)).encode()
    assert sandbox.post(f"/api/models/{REPO}/commit/main", body, "application/x-ndjson")["success"]


def requests(gate, target, least=1, status=None):
    """The methods by which a target was asked for, once there are so many of that status. No two tests have one: each has a query of its
    own, as a line of the log comes after its response."""

    def found():
        lines = [line for line in gate.log_lines if line["path"] == target and status in (None, line["status"])]
        return [line["method"] for line in lines] if len(lines) >= least else []

    return wait_until(found)


def cut_after(sandbox, count):
    sandbox.cut(digest(LARGE), count)
