import contextlib
import itertools
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

# pytest's rewriting of the tests takes 8 s of a processor: once, and not in each process of each run. Not by the environment, as programs that
# tests start have their own.
sys.dont_write_bytecode = False
sys.pycache_prefix = str(Path(__file__).resolve().parents[2] / ".build/pycache")

from cached import ON
from clients import BESIDE_THE_HUB, LIBRARIES, VARIANTS, Client, make_guard
from fakehub import FakeHub
from file_cache import Disk, make_disk_faults
from gate import IS_SANITIZED, Gate, make_certificates, make_workspace, running_gate
from hub import Hub
from keys import Keys
from programs import Program, install
from receiver import Receiver
from stored_files import Store

pytest_plugins = ["compatibility", "attacked", "consoles"]


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("certificates") / "certs")


@pytest.fixture
def own_certificates(tmp_path, certificates):
    """The same in a directory of the test's own, to be replaced."""
    return certificates.copied(tmp_path / "own")


@pytest.fixture(scope="session")
def other_certificates(tmp_path_factory):
    """Those of another authority."""
    return make_certificates(tmp_path_factory.mktemp("other-certificates") / "certs")


@pytest.fixture
def workspace(tmp_path):
    """A working directory with nothing of this machine in it."""
    return make_workspace(tmp_path / "workspace")


@pytest.fixture
def start(tmp_path, certificates):
    """Starts gates of the test's own; those that are left at the end are stopped in order, and their logs checked."""
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
def another_server():
    """A fake Hub for what a test has beside the Hub: a store, an issuer, another site."""
    server = FakeHub()
    yield server
    server.close()


@pytest.fixture
def receiver():
    """Of traces."""
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def start_before(start):
    """Starts a gate before a fake Hub, with a token for it."""

    def start_before(hub, *flags, **options):
        options.setdefault("HF_TOKEN", "hf_of_the_gate")
        return start("--upstream", hub.url, *flags, sandbox=False, **options)

    return start_before


@pytest.fixture
def store(hub):
    """Where the fake Hub leads to for large files."""
    store = Store(hub)
    yield store
    store.close()


@pytest.fixture
def cache(tmp_path):
    """The directory of a file cache."""
    return tmp_path / "cache"


@pytest.fixture
def caching(start_before, hub, store, cache):
    """Starts a gate with a file cache before the fake Hub and its store."""

    def begin(*flags, **options):
        return start_before(hub, "--content-hosts", store.url, "--cache-dir", str(cache), *flags, **options)

    return begin


@pytest.fixture(scope="session")
def disk_faults(tmp_path_factory):
    return make_disk_faults(tmp_path_factory.mktemp("disk-faults"))


@pytest.fixture
def disk(request, tmp_path):
    """What the disk of a file cache does, to a gate that is started with its variables."""
    if IS_SANITIZED:
        pytest.skip("the sanitizer has to be loaded first")
    directory = tmp_path / "disk"
    directory.mkdir()
    return Disk(directory, request.getfixturevalue("disk_faults"))


@pytest.fixture
def mount():
    """Mounts a file system in memory on a directory until the test's end; skips the test where this user may mount none."""
    mounted = []

    def mount(directory, options):
        directory.mkdir(exist_ok=True)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", directory], capture_output=True).returncode:
            pytest.skip("no file system may be mounted here")
        mounted.append(directory)
        return directory

    yield mount
    for directory in mounted:
        subprocess.run(["umount", "-l", directory], check=True)


@pytest.fixture
def keys(tmp_path):
    """The command line of who makes gateway keys, with a state of the test's own."""
    workspace = tmp_path / "operator"
    workspace.mkdir()
    return Keys(workspace)


@pytest.fixture
def root_key(keys):
    """Of who runs the gateway."""
    return keys.create("root", "--role", "admin")


@pytest.fixture
def start_with_keys(start_before, hub, keys):
    """Starts a gate before the fake Hub that asks for those keys."""

    def start_with_keys(*flags, workers=2, **options):
        return start_before(
            hub, "--access", "keys", "--workers", str(workers), "--state-dir", str(keys.state), *flags, **options
        )

    return start_with_keys


@pytest.fixture
def cached(start_before, hub):
    """Starts a gate with a cache before the fake Hub."""

    def begin(*flags, **options):
        return start_before(hub, *flags, **ON, **options)

    return begin


@pytest.fixture(scope="module")
def gate(tmp_path_factory, certificates):
    """A gate in its sandbox that the tests of one file share."""
    with running_gate(tmp_path_factory.mktemp("gate") / "workspace", certificates, "--sandbox") as gate:
        yield gate


@pytest.fixture(scope="module")
def sandbox_hub(tmp_path_factory, certificates):
    """The Hub of a gate in its sandbox, for tests of one file that talk to it without the gateway."""
    with running_gate(tmp_path_factory.mktemp("hub") / "workspace", certificates, "--sandbox") as gate:
        yield Hub(gate)


# Other programs


@pytest.fixture
def start_program(request, guard, tmp_path):
    """Gives a folder in which programs run before a gate; skips the test whose program is not to be had."""
    started = []

    def start_program(gate):
        mark = request.node.get_closest_marker("operation")
        if mark and not install(program := mark.args[0]):
            pytest.skip(f"There is no {program}, and config/install-deps.sh could not install it: it was not tried.")
        directory = tmp_path / f"program-{next(numbers)}"
        directory.mkdir()
        started.append(Program(gate, guard, directory))
        return started[-1]

    numbers = itertools.count()
    yield start_program
    for program in started:
        program.check_contacts()


# The real clients


@pytest.fixture(scope="session")
def guard(tmp_path_factory):
    return make_guard(tmp_path_factory.mktemp("guard"))


@pytest.fixture(scope="session")
def start_client(tmp_path_factory, certificates, guard):
    """Gives the client of a variant; each has a gate of its own, in its sandbox, which all tests share."""
    clients = {}

    def start_client(variant):
        if variant not in clients:
            directory = tmp_path_factory.mktemp(str(variant))
            # As it is by default: what real clients do has to work with a cache.
            gate = Gate(make_workspace(directory / "workspace"), certificates, "--sandbox", **ON)
            clients[variant] = Client(variant, gate, Hub(gate), guard, directory)
        return clients[variant]

    yield start_client
    try:
        for client in clients.values():
            client.close()
            client.gate.signal(signal.SIGTERM)
        for client in clients.values():
            client.gate.wait_for_stop()
    finally:
        for client in clients.values():
            client.gate.kill()


@pytest.fixture
def fresh(guard, tmp_path):
    """Gives clients that know nothing yet, each for a gate of a test's own."""
    clients = []

    def fresh(variant, gate, hub):
        directory = tmp_path / f"client-{len(clients)}"
        directory.mkdir()
        clients.append(Client(variant, gate, hub, guard, directory))
        return clients[-1]

    yield fresh
    for client in clients:
        client.close()


@pytest.fixture
def watched(request):
    """Runs a test with a client, and looks at the end at what it tried, whom it met, and with what credentials."""

    @contextlib.contextmanager
    def watched(client, others=()):
        known, before = len(client.contacts), len(client.hub.journal())
        client.tried.clear()
        try:
            yield client
        finally:
            client.report_to(request.node)
        client.check_contacts(known, others)
        client.hub.check_credentials(before)

    return watched


def pytest_collection_modifyitems(config, items):
    """In several processes the long ones come first, so that none is left for one when the others have no more to do."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_generate_tests(metafunc):
    """Tests of large files run with each client's Xet and with its Git LFS, others with each client once; those of a file that
    has a client of its own, with that."""
    if "client" in metafunc.fixturenames and not hasattr(metafunc.module, "client"):
        both = metafunc.definition.get_closest_marker("large_files")
        variants = [variant for variant in VARIANTS if both or variant.uses_xet]
        metafunc.parametrize("client", variants, indirect=True, ids=str)


@pytest.fixture
def client(request, start_client, watched):
    """A real client in one of its variants."""
    with watched(start_client(request.param)) as client:
        yield client


@pytest.fixture(params=LIBRARIES, ids=str)
def libraries(request, start_client, watched):
    """The libraries that stand on huggingface_hub."""
    with watched(start_client(request.param), others=BESIDE_THE_HUB) as client:
        yield client


@pytest.fixture
def writes(client):
    """The writes that have reached the Hub since it was asked last."""
    seen = len(client.hub.journal())

    def writes():
        nonlocal seen
        journal = client.hub.journal()
        new, seen = journal[seen:], len(journal)
        return [(entry["method"], entry["target"]) for entry in new if entry["method"] not in ("GET", "HEAD")]

    return writes


@pytest.fixture
def name(client, request):
    """A name for a repository of this test, which is gone after it."""
    name = "sandbox/" + re.sub(r"[^a-z0-9.]+", "-", request.node.name.removeprefix("test_")).strip("-.")
    yield name
    client("delete", name, None, True)


@pytest.fixture
def repo(client, name):
    client("create", name)
    return name


@pytest.fixture
def put(client):
    """Uploads a large file with the client."""

    def put(repo, path, content):
        local = client.directory / "content"
        local.write_bytes(content)
        client("upload_from", str(local), repo, path)

    return put
