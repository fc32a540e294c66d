import itertools
import signal

import pytest

from fakehub import FakeHub
from gate import Gate, make_certificates, make_workspace


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("certificates") / "certs")


@pytest.fixture
def workspace(tmp_path):
    """A working directory with nothing of this machine in it."""
    return make_workspace(tmp_path / "workspace")


@pytest.fixture
def start(tmp_path, certificates):
    """Starts a gate of the test's own; whoever is left at the end is stopped in order, and looked at."""
    gates = []
    numbers = itertools.count()

    def start(*flags, sandbox=True, workspace_files=None, **options):
        workspace = make_workspace(tmp_path / f"gate-{next(numbers)}")
        for name, content in (workspace_files or {}).items():
            (workspace / name).write_text(content)
        gate = Gate(workspace, certificates, *(["--sandbox"] if sandbox else []), *flags, **options)
        gates.append(gate)
        return gate

    yield start
    try:
        running = [gate for gate in gates if not gate.killed and gate.process.poll() is None]
        # All of them first: each takes a moment to close its connections in order.
        for gate in running:
            gate.signal(signal.SIGTERM)
        for gate in running:
            gate.wait_for_stop()
        for gate in gates:
            gate.check_errors()
    finally:
        for gate in gates:
            gate.kill()


@pytest.fixture
def hub():
    hub = FakeHub()
    yield hub
    hub.close()


@pytest.fixture
def start_before(start):
    """Starts a gate before a fake Hub, with a token for it."""

    def start_before(hub, *flags, **options):
        options.setdefault("HF_TOKEN", "hf_of_the_gate")
        return start("--upstream", hub.url, *flags, sandbox=False, **options)

    return start_before


@pytest.fixture(scope="module")
def gate(tmp_path_factory, certificates):
    """A gate in its sandbox that the tests of one file share."""
    gate = Gate(make_workspace(tmp_path_factory.mktemp("gate") / "workspace"), certificates, "--sandbox")
    try:
        yield gate
        gate.stop()
    finally:
        gate.kill()
