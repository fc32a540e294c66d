"""What a fault in the gateway is worth: whose rights it has, and what the kernel lets it do."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from audit import Audit
from fakehub import wait_until
from gate import BINARY, IS_SANITIZED, ROOT, Certificates, Gate, make_workspace, run
from keys import Keys
from test_lifecycle import reload, serial_of, wait_for_message
from descendants import children, is_running

AS_ROOT = os.geteuid() == 0
NOBODY = 65534
SECONDS = 30

as_root = pytest.mark.skipif(not AS_ROOT, reason="only root can become another user")
not_sanitized = pytest.mark.skipif(IS_SANITIZED, reason="the leak checker attaches to the gate")


def status(pid):
    """Of /proc/PID/status, by name."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.split() for name, _, value in (line.partition(":") for line in lines)}


def assert_without_rights(pid, user=NOBODY):
    found = status(pid)
    assert found["Uid"] == [str(user)] * 4 and found["Groups"] == []
    assert len(set(found["Gid"])) == 1 and found["Gid"][0] != "0"
    assert {found[name][0] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}


def assert_restricted(pid):
    found = status(pid)
    assert found["NoNewPrivs"] == ["1"] and found["Seccomp"] == ["2"]


@pytest.fixture
def shared(tmp_path_factory):
    """A directory that every user can reach, unlike those of pytest."""
    directory = Path("/tmp") / f"hubgate-test-{os.getpid()}-{tmp_path_factory.mktemp('name').name}"
    directory.mkdir(mode=0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def open_certificates(shared, certificates):
    """Certificates that every user can read: a reload works for the user that the gate has become."""
    copy = certificates.copied(shared / "certs")
    for path in [copy.directory, *copy.directory.iterdir()]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return copy


@pytest.fixture
def begin(shared):
    gates = []

    def begin(certificates, *flags, **options):
        gates.append(Gate(make_workspace(shared / f"gate-{len(gates)}"), certificates, "--sandbox", *flags, **options))
        return gates[-1]

    yield begin
    try:
        for gate in gates:
            gate.stop()
    finally:
        for gate in gates:
            gate.kill()


# Privileges


@as_root
@pytest.mark.parametrize("workers", [1, 3])
def test_started_as_root_it_drops_to_the_user_and_says_so(begin, open_certificates, workers):
    gate = begin(open_certificates, "--user", "nobody", "--workers", str(workers))
    line = wait_for_message(gate, r"^Started as root")
    assert re.fullmatch(r"Started as root, and runs as nobody \(uid 65534, gid \d+\) from here on\.", line)
    pids = [gate.pid, *children(gate)]
    assert len(pids) == (1 if workers == 1 else 2 + workers), "a parent, a sandbox, its workers"
    for pid in pids:
        assert_without_rights(pid)
    assert gate.ask().status == 200
    page = gate.curl("/-/metrics").stdout.decode()
    assert int(re.search(r"^process_open_fds (\d+)$", page, re.MULTILINE)[1]) > 3, "its own state is still readable"
    assert not [message for message in gate.messages if "cannot be read" in message]


@as_root
def test_without_a_user_it_is_hubgate_or_nobody(begin, open_certificates):
    gate = begin(open_certificates, "--listen", "127.0.0.1:0", HUBGATE_USER="")
    there = subprocess.run(["id", "-u", "hubgate"], capture_output=True, text=True)
    assert_without_rights(gate.pid, int(there.stdout) if there.returncode == 0 else NOBODY)


@as_root
def test_a_state_directory_of_roots_is_the_users_once_the_gateway_is_that(begin, open_certificates, shared):
    keys = Keys(shared, shared / "state")
    (shared / "state").chmod(0o700)
    first = keys.create("first")
    gate = begin(open_certificates, "--user", "nobody", "--access", "keys", "--state-dir", keys.state)
    assert {path.stat().st_uid for path in [keys.state, *keys.state.iterdir()]} == {NOBODY}
    second = keys.create("second")
    for key in (first, second):
        ask = b"GET /api/account HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n" % key.encode()
        assert wait_until(lambda: gate.ask(ask).status == 200, 10)


@as_root
def test_an_audit_directory_is_made_for_the_user_and_only_the_state_process_writes_there(begin, open_certificates, shared):
    keys = Keys(shared, shared / "state")
    key = keys.create("boss", "--role", "admin")
    place = shared / "log" / "audit"
    place.parent.mkdir(mode=0o755)
    gate = begin(
        open_certificates, "--user", "nobody", "--access", "keys", "--state-dir", keys.state, "--audit-dir", place,
        "--workers", "2")  # fmt: skip
    body = b'{"type":"model","organization":"sandbox","name":"audited","private":true}'
    head = (
        f"POST /api/repos/create HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    assert gate.ask(head.encode() + body).status == 200
    assert wait_until(lambda: Audit(place).of("outcome", action="create", resource="model:sandbox/audited"), 10)
    assert {path.stat().st_uid for path in [place, *place.iterdir()]} == {NOBODY}
    opened = {pid: [os.path.realpath(entry.path) for entry in os.scandir(f"/proc/{pid}/fd")] for pid in children(gate)}
    assert sum(any(path.startswith(str(place)) for path in paths) for paths in opened.values()) == 1
    assert not [message for message in gate.messages if "cannot be written" in message]


@as_root
@pytest.mark.parametrize("change", ["another file", "open to others"])
def test_a_directory_that_is_not_only_the_states_stays_roots(open_certificates, shared, change):
    keys = Keys(shared, shared / "state")
    keys.create("ml")
    if change == "another file":
        (keys.state / ".bashrc").write_text("")
    else:
        keys.state.chmod(0o755)
    done = run(
        make_workspace(shared / "gate"), "--listen", "127.0.0.1:0", "--sandbox", "--user", "nobody", "--access", "keys",
        "--state-dir", keys.state, **open_certificates.settings,
    )  # fmt: skip
    assert done.returncode == 69 and "state_dir: " in done.stderr
    assert {path.stat().st_uid for path in [keys.state, *keys.state.iterdir()]} == {0}


@as_root
def test_what_a_link_in_the_state_directory_leads_to_stays_roots(begin, open_certificates, shared):
    keys = Keys(shared, shared / "state")
    keys.create("ml")
    (shared / "elsewhere").write_text("root's")
    (keys.state / "signing.key").symlink_to(shared / "elsewhere")
    begin(open_certificates, "--user", "nobody", "--access", "keys", "--state-dir", keys.state)
    assert (shared / "elsewhere").stat().st_uid == 0


@as_root
def test_user_root_stays_root_and_is_warned_of(begin, open_certificates):
    gate = begin(open_certificates, "--user", "root")
    assert status(gate.pid)["Uid"] == ["0"] * 4
    wait_for_message(gate, r"^This runs as root, since user says so")


@as_root
def test_after_the_drop_reloads_and_replacements_of_workers_go_on(begin, open_certificates, other_certificates, shared):
    gate = begin(open_certificates, "--user", "nobody", "--workers", "2")
    first = serial_of(gate)
    new = other_certificates.copied(shared / "new")
    for name in ("cert.pem", "key.pem"):
        (new.directory / name).chmod(0o644)
        os.rename(new.directory / name, open_certificates.directory / name)
    context = new.client_context()
    reload(gate)
    assert wait_until(lambda: serial_of(gate, context) != first)
    gate.context = context
    for victim in sorted(children(gate))[1:]:
        os.kill(victim, signal.SIGKILL)
        assert wait_until(lambda: not is_running(victim))
    wait_for_message(gate, r"serves again", seconds=15, count=2)
    for pid in children(gate):
        assert_without_rights(pid)
    assert serial_of(gate, context) != first and gate.ask().status == 200


@as_root
@pytest.mark.parametrize("workers", [1, 2])
def test_a_key_that_only_root_can_read_serves_and_a_reload_says_which_file_and_which_user(begin, open_certificates, workers):
    """As in a checkout of root's: make run."""
    open_certificates.key.chmod(0o600)
    gate = begin(open_certificates, "--user", "nobody", "--workers", str(workers))
    key = re.escape(str(open_certificates.key))
    wait_for_message(gate, rf"^tls_key: \"?{key}\"? was read as root; a reload will fail, .* for the user nobody\. Give nobody the right to read it: chgrp GROUP and chmod 640, ")
    refusal = reload(gate, r"^Not reloaded")
    assert re.search(rf"tls_key: the private key \"?{key}\"? cannot be read: Permission denied for the user nobody", refusal)
    assert gate.ask().status == 200
    if workers > 1:
        victim = max(children(gate))
        os.kill(victim, signal.SIGKILL)
        wait_for_message(gate, r"serves again")
        assert gate.ask().status == 200, "a worker has the key from its parent"


@as_root
def test_a_privileged_port_can_be_listened_on_and_by_replaced_workers_too(begin, open_certificates):
    gate = begin(open_certificates, "--user", "nobody", "--workers", "2", "--admin-listen", "127.0.0.1:943")
    for victim in sorted(children(gate))[1:]:
        os.kill(victim, signal.SIGKILL)
    wait_for_message(gate, r"serves again", seconds=15, count=2)
    page = gate.curl("/-/metrics", "--connect-to", f"localhost:{gate.port}:127.0.0.1:943", check=False).stdout
    assert b"200 OK" in page


@pytest.fixture
def below_1024(shared, open_certificates):
    """Starts a gateway as a user without rights but for those that are named, where ports below 1024 take one, until it listens or has ended."""
    shutil.copy(BINARY, shared / "hubgate")
    directory = make_workspace(shared / "workspace")
    # Every machine has this limit in a network of its own, whatever containers are given.
    network = ["unshare", "--net", "--"]
    if not AS_ROOT or not shutil.which("setpriv") or subprocess.run([*network, "true"], capture_output=True).returncode:
        pytest.skip("only root can make another network, and become another user")

    def below_1024(*flags, rights="-all"):
        user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", f"--inh-caps={rights}", f"--ambient-caps={rights}", "--"]
        process = subprocess.Popen(
            [*network, *user, shared / "hubgate", "--listen", ":443", "--access", "passthrough", *flags], cwd=directory, text=True,
            env={"PATH": os.environ["PATH"], "HOME": str(directory), **open_certificates.settings}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "Listening on" in line:
                process.terminate()
        return process.wait(SECONDS), "".join(lines)

    return below_1024


@not_sanitized
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_below_1024_takes_a_right_and_who_lacks_it_is_told_which(below_1024, workers):
    code, said = below_1024("--workers", workers)
    assert code == 69 and said == "hubgate: cannot listen on every address, port 443: Permission denied; ports below 1024 need CAP_NET_BIND_SERVICE\n"
    code, said = below_1024("--workers", workers, rights="+net_bind_service")
    assert code == 0 and "Listening on https://localhost:443." in said, said


@as_root
def test_a_log_that_nobody_reads_holds_up_no_request_after_the_drop(begin, open_certificates):
    reading, writing = os.pipe()
    gate = begin(open_certificates, "--user", "nobody", "--workers", "2", stdout=writing)
    os.close(writing)
    with gate.connect() as connection:
        for _ in range(1500):
            connection.send(b"GET /-/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert connection.answer().status == 200
    os.close(reading)


@as_root
def test_authorities_that_the_user_cannot_read_are_an_error_at_the_start(workspace, tmp_path, certificates):
    done = run(
        workspace, "--user", "nobody", "--listen", "127.0.0.1:0", "--ca-file", str(certificates.authority),
        HF_TOKEN="hf_x", **certificates.settings,
    )
    assert done.returncode == 69
    assert "ca_file: " in done.stderr and "cannot be read: Permission denied for the user nobody" in done.stderr


@pytest.mark.parametrize("command", [["--check"], []])
def test_a_user_that_is_not_there_is_refused(workspace, certificates, command):
    done = run(workspace, *command, "--user", "no-such-user", "--sandbox", **certificates.settings)
    assert done.returncode == 78 and "user: there is no user no-such-user here" in done.stderr


@as_root
def test_who_is_not_root_can_become_nobody_else(open_certificates, shared):
    binary = shared / "hubgate"
    shutil.copy(os.environ.get("HUBGATE_BINARY", ROOT / ".build/debug/hubgate"), binary)
    directory = make_workspace(shared / "workspace")
    command = [binary, "--check", "--sandbox", "--user", "daemon"]
    environment = {"PATH": os.environ["PATH"], **open_certificates.settings}
    done = subprocess.run(
        command, cwd=directory, env=environment, user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 78
    assert "user: only root can become daemon, and this is nobody; start it as root or as daemon" in done.stderr
    command[-1] = "nobody"
    same = subprocess.run(
        command, cwd=directory, env=environment, user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, text=True,
        timeout=SECONDS,
    )
    assert same.returncode == 0, same.stderr


# Sandboxing


@not_sanitized
@pytest.mark.parametrize("workers", [1, 2])
def test_all_its_processes_are_restricted_and_it_says_so(begin, open_certificates, workers):
    gate = begin(open_certificates, "--workers", str(workers))
    wait_for_message(gate, r"^Sandboxing: (Landlock \(ABI \d+\), )?seccomp\.$")
    for pid in [gate.pid, *children(gate)]:
        assert_restricted(pid)
    assert not children(gate) or len({*status(gate.pid)["Seccomp_filters"]}) == 1


def test_sandboxing_off_is_off_and_warned_of(begin, open_certificates):
    gate = begin(open_certificates, "--sandboxing=off")
    assert status(gate.pid)["Seccomp"] == ["0"] and status(gate.pid)["NoNewPrivs"] == ["0"]
    wait_for_message(gate, r"^sandboxing is off: ")


@not_sanitized
def test_files_that_are_replaced_as_kubernetes_and_certbot_do_stay_readable(begin, open_certificates, shared, other_certificates):
    """Links to links, renamed over each other: ..data, and live/ to archive/."""
    mount, archive = shared / "mount", shared / "archive"
    for directory in (mount / "..1", archive):
        directory.mkdir(parents=True)
    shutil.copy(open_certificates.certificate, mount / "..1/cert.pem")
    shutil.copy(open_certificates.key, archive / "key1.pem")
    (mount / "..data").symlink_to("..1")
    (mount / "cert.pem").symlink_to("..data/cert.pem")
    (mount / "key.pem").symlink_to("../archive/key1.pem")
    own = Certificates(mount)
    shutil.copy(open_certificates.authority, mount / "ca.pem")
    gate = begin(own)
    first = serial_of(gate)
    new = other_certificates
    (mount / "..2").mkdir()
    shutil.copy(new.certificate, mount / "..2/cert.pem")
    shutil.copy(new.key, archive / "key2.pem")
    for link, target in (("..data", "..2"), ("key.pem", "../archive/key2.pem")):
        (mount / "link").symlink_to(target)
        os.rename(mount / "link", mount / link)
    reload(gate)
    assert serial_of(gate, new.client_context()) != first
    gate.context = new.client_context()


@not_sanitized
def test_a_reload_that_needs_another_directory_says_that_it_takes_a_restart(begin, open_certificates, shared):
    elsewhere = shared / "elsewhere"
    shutil.copytree(open_certificates.directory, elsewhere)
    settings = shared / "settings"
    settings.mkdir()
    file = settings / "hubgate.yaml"
    file.write_text(f"tls_cert: {open_certificates.certificate}\ntls_key: {open_certificates.key}\n")

    class Named(Certificates):
        settings = {}

    gate = begin(Named(open_certificates.directory), "--config", str(file))
    if "Landlock" not in wait_for_message(gate, r"^Sandboxing: "):
        pytest.skip("this kernel has no Landlock")
    file.write_text(f"tls_cert: {elsewhere}/cert.pem\ntls_key: {elsewhere}/key.pem\n")
    refusal = reload(gate, r"^Not reloaded")
    assert "elsewhere/cert.pem" in refusal and "restart to use it" in refusal
    assert gate.ask().status == 200


@not_sanitized
@pytest.mark.parametrize("workers", [1, 2])
def test_a_reload_that_names_a_store_on_another_port_says_that_it_takes_a_restart(begin, open_certificates, shared, workers):
    file = shared / "hubgate.yaml"
    file.write_text("content_hosts: hf.co,http://127.0.0.1:9\n")
    gate = begin(open_certificates, "--config", str(file), f"--workers={workers}")
    if not re.search(r"ABI ([4-9]|\d\d)", wait_for_message(gate, r"^Sandboxing: ")):
        pytest.skip("this kernel's Landlock knows no ports")
    file.write_text("content_hosts: http://127.0.0.1:9\n")
    reload(gate, r"^Reloaded")
    assert not [line for line in gate.messages if "restart to use them" in line]
    file.write_text("content_hosts: http://127.0.0.1:9,http://127.0.0.1:10\n")
    gate.signal(signal.SIGHUP)
    assert "(10)" in wait_for_message(gate, r"restart to use them\.$")


# What the filter refuses, tried behind it


@pytest.fixture(scope="module")
def attempt(tmp_path_factory):
    """Runs one attempt of hardening/attempts.c: what it says, or the signal that ended it."""
    program = tmp_path_factory.mktemp("attempts") / "attempts"
    sources = ROOT / "Sources/CEvent"
    parts = [sources / f"{name}.c" for name in ("system_calls", "landlock", "loop", "turns")]
    subprocess.run(
        ["clang", "-Wall", "-Wextra", "-Werror", "-I", sources / "include", "-I", sources, "-o", program,
         Path(__file__).parent / "hardening/attempts.c", *parts, "-levent_core", "-lseccomp"],
        check=True, timeout=SECONDS,
    )  # fmt: skip

    def attempt(role, name, operand="", directory="-", port=1):
        done = subprocess.run(
            [program, role, str(directory), str(port), name, str(operand)], stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=SECONDS,
        )
        if done.returncode == 2 and "no Landlock" in done.stderr:
            pytest.skip("this kernel has no Landlock")
        assert done.returncode <= 0, done.stderr
        # Of an exec that succeeded nothing is left that could print.
        return done.stdout.strip() or (signal.Signals(-done.returncode).name if done.returncode else "allowed")

    return attempt


# Processes that write no file, and the one that does.
ROLES = ("serving", "worker", "worker-with-keys", "supervisor")
ALL_ROLES = (*ROLES, "state")


@pytest.mark.parametrize("role", ALL_ROLES)
@pytest.mark.parametrize(
    "name", ["execve", "execveat", "ptrace", "process_vm_readv", "setuid", "bpf", "io_uring", "mount", "unshare"]
)
def test_what_an_attacker_would_call_ends_the_process(attempt, role, name):
    assert attempt(role, name) == "SIGSYS"
    assert attempt("none", name) != "SIGSYS", "without the filter it would not end"


@pytest.mark.parametrize("role", ALL_ROLES)
@pytest.mark.parametrize(
    "name",
    ["thread", "raw-socket", "packet-socket", "unix-socket", "vsock", "executable-memory", "make-executable", "memfd",
     "unknown-call", "type-into-terminal"],
)  # fmt: skip
def test_what_the_gateway_does_not_need_is_refused(attempt, role, name):
    assert attempt(role, name) == "ENOSYS"


@pytest.mark.parametrize("name", ["write", "read-write", "create", "truncate", "unlink", "rename", "chmod"])
@pytest.mark.parametrize("role", ROLES)
def test_no_file_can_be_written_made_or_removed(attempt, role, name, tmp_path):
    file = tmp_path / "file"
    file.write_text("as it was")
    assert attempt(role, name, file) == "ENOSYS"
    assert file.read_text() == "as it was" and file.stat().st_mode & 0o777 == 0o644 and list(tmp_path.iterdir()) == [file]


def test_who_serves_makes_no_process_and_signals_nobody_and_the_parent_does(attempt):
    for role in ("serving", "worker", "worker-with-keys", "state"):
        assert attempt(role, "fork") == attempt(role, "kill-parent") == "ENOSYS"
        assert attempt(role, "kill-self") == "allowed" and attempt(role, "abort") == "SIGABRT"
    assert attempt("supervisor", "fork") == attempt("supervisor", "kill-parent") == "allowed"
    assert attempt("serving", "ip-socket") == "allowed"


def test_landlock_leaves_the_files_of_the_settings_to_read_and_none_to_write(attempt, tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for directory in (inside, outside):
        directory.mkdir()
        (directory / "file").write_text("x")
    assert attempt("none", "read", inside / "file", inside) == attempt("none", "list", inside, inside) == "allowed"
    for name, operand in (
        ("read", outside / "file"), ("list", outside), ("list", "/"), ("read", "/etc/passwd"), ("write", inside / "file"),
        ("truncate", inside / "file"), ("unlink", inside / "file"), ("create", inside / "new"), ("execve", ""),
    ):  # fmt: skip
        assert attempt("none", name, operand, inside) == "EACCES", (name, operand)


def test_the_state_process_writes_in_its_directory_and_nowhere_else(attempt, tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for directory in (inside, outside):
        directory.mkdir()
        (directory / "file").write_text("x")
    for name in ("read", "write", "read-write", "truncate"):
        assert attempt("state", name, inside / "file", f"+{inside}") == "allowed", name
        assert attempt("state", name, outside / "file", f"+{inside}") == "EACCES", name
    assert attempt("state", "create", inside / "new", f"+{inside}") == attempt("state", "unlink", inside / "new", f"+{inside}") == "allowed"
    assert attempt("state", "create", outside / "new", f"+{inside}") == attempt("state", "unlink", outside / "file", f"+{inside}") == "EACCES"
    assert attempt("state", "chmod", inside / "file") == attempt("state", "rename", inside / "file") == "ENOSYS"
    assert (outside / "file").read_text() == "x" and not (outside / "new").exists()


def test_landlock_leaves_the_ports_of_the_hub_to_connect_to_and_none_to_bind(attempt, tmp_path):
    found = attempt("none", "connect", 9, tmp_path, port=9)
    if attempt("none", "bind", 0, tmp_path) == "allowed":
        pytest.skip("this kernel's Landlock knows no ports")
    assert found == "allowed" and attempt("none", "connect", 9, tmp_path, port=443) == "EACCES"
    assert attempt("none", "bind", 0, tmp_path) == "EACCES"


# Permissions


def warnings(gate):
    return [message for message in gate.messages if message.startswith("Others can ")]


def test_secrets_that_others_can_read_are_warned_of_at_the_start_and_at_a_reload(begin, open_certificates):
    open_certificates.key.chmod(0o640)
    gate = begin(open_certificates)
    key = str(open_certificates.key)
    # They follow the line by which the start is known.
    assert wait_until(lambda: len(warnings(gate)) == 1) and key in warnings(gate)[0] and "(mode 0640): chmod 600 " in warnings(gate)[0]
    (gate.workspace / ".env").write_text("HF_TOKEN=hf_x\n")
    (gate.workspace / ".env").chmod(0o666)
    open_certificates.key.chmod(0o600)
    reload(gate)
    assert wait_until(lambda: len(warnings(gate)) == 2)
    assert re.fullmatch(r"Others can change \"?\.env\"? \(mode 0666\): chmod 600 \"?\.env\"?", warnings(gate)[1])


def test_files_as_make_certs_makes_them_and_as_kubernetes_mounts_them_are_not_warned_of(begin, certificates, shared):
    assert not warnings(begin(certificates))
    mount = shared / "mount"
    (mount / "..2026").mkdir(parents=True)
    for name in ("cert.pem", "key.pem"):
        shutil.copy(certificates.directory / name, mount / "..2026" / name)
        (mount / "..2026" / name).chmod(0o644)
        (mount / name).symlink_to(f"..data/{name}")
    (mount / "..data").symlink_to("..2026")
    shutil.copy(certificates.authority, mount / "ca.pem")
    assert not warnings(begin(Certificates(mount)))
