"""Several workers: one gateway to its clients and its operator, whatever becomes of each of them."""

import json
import os
import re
import signal
import socket
import struct
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from fakehub import http
from gate import BINARY, IS_SANITIZED, clean_environment, run
from load import Load, is_refused
from ports import taken_port
from descendants import children, is_running, worker_of
from test_lifecycle import copies_in_memory, reload, replace, serial_of, wait_for_message
from test_metrics import Page, request
from waiting import wait_until
from wire import Ended

HEALTH = request("GET", "/-/health")
LAST = request("GET", "/-/health", b"Connection: close")


def served_by(answer):
    """Each process's requests have ids of their own kind."""
    return (answer["X-Hubgate-Request-Id"] or answer["X-Request-Id"]).rpartition("-")[0]


def of_each(ask, count=2):
    """What each worker answers, by its name: asks on connections of their own until `count` have answered."""
    found = {}
    assert wait_until(lambda: found.setdefault(served_by(answer := ask()), answer) and len(found) == count, 10), found
    return found


@pytest.fixture
def hub(hub):
    """One that answers an account and a model at once, and `/slow` when it is let."""
    hub.on("/api/whoami-v2", lambda *_: http(200, b'{"name":"somebody","type":"user"}', b"Content-Type: application/json"))
    hub.on("/quick", lambda *_: http(200, b"quick"))
    return hub


@pytest.fixture
def start_two(start_before, hub):
    def start_two(*flags, **options):
        gate = start_before(hub, "--workers", "2", *flags, **options)
        assert len(children(gate)) == 2
        return gate

    return start_two


def health(gate):
    return lambda: gate.ask(LAST)


# Serving


def test_each_worker_is_a_process_of_one_thread_and_all_of_them_serve(start_before, hub):
    gate = start_before(hub, "--workers", "3")
    assert "Serving with 3 workers." in gate.messages
    of_each(health(gate), 3)
    assert len(children(gate)) == 3
    for pid in [gate.pid, *children(gate)]:
        assert len(os.listdir(f"/proc/{pid}/task")) == 1


def test_one_worker_is_the_process_itself(start):
    for count in [["--workers", "1"], []]:
        gate = start(*count)
        assert children(gate) == [] and gate.ask().status == 200
        assert not [message for message in gate.messages if "orker" in message]


def test_auto_is_as_many_as_there_are_processors_to_use(start_before, hub):
    processors = sorted(os.sched_getaffinity(0))
    if len(processors) < 2:
        pytest.skip("one processor")
    gate = start_before(hub, "--workers", "auto", before=["taskset", "-c", f"{processors[0]},{processors[1]}"])
    assert len(children(gate)) <= 2
    gate = start_before(hub, "--workers", "auto", before=["taskset", "-c", f"{processors[0]}"])
    assert children(gate) == []


def test_whichever_worker_is_asked_tells_the_figures_of_all(start_two):
    gate = start_two()
    of_each(health(gate))
    for _ in range(40):
        gate.ask(LAST)
    asked = sum(1 for line in gate.log_lines if line["path"] == "/-/health")
    before, pages = None, {}

    def page():
        nonlocal before
        page = Page(gate)
        assert page("requests_total", route="health", status="2xx") >= asked
        if before:
            assert_no_counter_went_back(before, page)
        before = pages[served_by(page.answer)] = page
        return page.answer

    of_each(page)
    counts = {page("requests_total", route="health", status="2xx") for page in pages.values()}
    assert len(counts) == 1
    for one in pages.values():
        assert one("workers") == 2 and one("worker_restarts_total") == 0
        assert [value for key, value in one.samples.items() if key[0] == "hubgate_build_info"] == [1]
        assert time.time() - one.samples[("process_start_time_seconds",)] < 60
    # What is counted where connections are: a second later at most.
    total = sum(1 for line in gate.log_lines)
    assert wait_until(lambda: Page(gate)("connections_total") >= total, 3)


def assert_no_counter_went_back(before, after):
    for family in before.families:
        if family.type in ("counter", "histogram"):
            for sample in family.samples:
                key = (sample.name, *sorted(sample.labels.items()))
                assert after.samples[key] >= sample.value, key


def test_a_session_of_one_worker_is_resumed_by_the_other(start_two):
    gate = start_two()
    with gate.connect() as connection:
        connection.send(HEALTH)
        first = served_by(connection.answer())
        session = connection.socket.session
    others = 0
    for _ in range(60):
        with gate.connect(session=session) as connection:
            connection.send(HEALTH)
            others += served_by(connection.answer()) != first
            assert connection.socket.session_reused
    assert others > 0


def test_what_one_worker_seals_the_other_opens_without_a_token_to_make_the_key_of(start_two, hub):
    batch = json.dumps({"objects": [{"actions": {"download": {"href": "https://cdn-lfs.hf.co/x?sig=1"}}}]}).encode()
    path = "/u/r.git/info/lfs/objects/batch"
    hub.on(path, lambda *_: http(200, batch, b"Content-Type: application/vnd.git-lfs+json"))
    gate = start_two("--access", "passthrough", HF_TOKEN="")
    answer = gate.ask(request("POST", path, b"Content-Length: 2", b"Connection: close", body=b"{}"))
    signed = json.loads(answer.body)["objects"][0]["actions"]["download"]["href"]
    target = "/" + signed.partition("://")[2].partition("/")[2]
    assert target.startswith("/-/signed/")
    # 405: the signature is good; another key's would be 403.
    put = request("PUT", target, b"Content-Length: 0", b"Connection: close")
    assert {answer.status for answer in of_each(lambda: gate.ask(put)).values()} == {405}


def test_all_workers_find_the_same_sandbox(start):
    gate = start("--workers", "2")
    body = b'{"name":"shared","type":"model","private":false}'
    created = gate.ask(request("POST", "/api/repo", b"Content-Type: application/json", b"Connection: close",
                               b"Content-Length: %d" % len(body), body=body))  # fmt: skip
    assert created.status in (200, 201), created.body
    found = of_each(lambda: gate.ask(request("GET", "/api/models/sandbox/shared", b"Connection: close")))
    assert {answer.status for answer in found.values()} == {200}


def test_the_admin_address_is_shared_too(start_two):
    gate = start_two("--admin-listen", "127.0.0.1:0")
    line = wait_for_message(gate, "alone")
    port = int(re.search(r":(\d+) alone", line)[1])
    assert gate.ask(LAST).status == 404
    found = of_each(lambda: Page(gate, port).answer)
    assert {answer.status for answer in found.values()} == {200}


def test_lines_of_the_log_stay_whole(start_before, hub):
    reading, writing = os.pipe()
    gate = start_before(hub, "--workers", "2", stdout=writing)
    os.close(writing)
    long = "/-/" + "x" * 2000

    def ask(_):
        with gate.connect() as connection:
            for _ in range(50):
                connection.send(request("GET", long))
                assert connection.answer().status == 404

    with ThreadPoolExecutor(9) as pool, os.fdopen(reading, "rb") as log:
        lines = pool.submit(log.read)
        list(pool.map(ask, range(8)))
        gate.stop()
        lines = lines.result().splitlines()
    assert len(lines) == 400 and all(json.loads(line)["path"] == long for line in lines)
    assert len({json.loads(line)["request_id"].rpartition("-")[0] for line in lines}) == 2


# The port


def test_a_port_that_is_taken_ends_the_start_at_once(start_two, certificates, workspace):
    gate = start_two()
    for flags in [["--workers", "2"], ["--workers", "1"]]:
        done = run(workspace, "--sandbox", "--listen", f"127.0.0.1:{gate.port}", *flags, **certificates.settings)
        assert done.returncode == 69, done.stderr
        assert done.stderr == f"hubgate: cannot listen on 127.0.0.1 port {gate.port}: Address already in use; another program has it: take another port\n"
    with taken_port() as port:
        for address in ["--listen", "--admin-listen"]:
            done = run(workspace, "--sandbox", "--workers", "2", *(["--listen", "127.0.0.1:0"] if address != "--listen" else []),
                       address, f"127.0.0.1:{port}", **certificates.settings)  # fmt: skip
            assert done.returncode == 69 and f"cannot listen on 127.0.0.1 port {port}: " in done.stderr
    assert gate.ask().status == 200


def test_the_port_is_held_while_no_worker_lives_and_clients_are_refused(start_two, certificates, workspace):
    gate = start_two()
    # After their fifth young death they stay away for 0.8 seconds.
    for _ in range(5):
        assert wait_until(lambda: len(children(gate)) == 2)
        dead = children(gate)
        for pid in dead:
            os.kill(pid, signal.SIGKILL)
        assert wait_until(lambda: not set(dead) & set(children(gate)))
    assert children(gate) == [] and is_refused(gate.port)
    done = run(workspace, "--sandbox", "--listen", f"127.0.0.1:{gate.port}", "--workers", "2", **certificates.settings)
    assert done.returncode == 69 and "Address already in use" in done.stderr
    assert wait_until(lambda: not is_refused(gate.port), 15)


@pytest.mark.skipif(os.getuid() != 0, reason="root can be another user")
def test_another_user_cannot_share_the_port(start_two):
    gate = start_two()
    attempt = f"""
import socket
thief = socket.socket()
thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
thief.bind(("127.0.0.1", {gate.port}))
"""
    done = subprocess.run(["python3", "-I", "-c", attempt], user=65534, group=65534, cwd="/", capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and "Address already in use" in done.stderr, done.stderr


# Deaths


def test_a_worker_that_dies_loses_its_own_requests_only_and_is_replaced(start_two, hub):
    gate = start_two()
    came, go = [], []
    hub.on("/slow", lambda *_: came.append(1) or (wait_until(lambda: go, 20), http(200, b"slow"))[1])
    slow = [gate.connect(timeout=20) for _ in range(12)]
    pids = [worker_of(gate, connection) for connection in slow]
    assert len(set(pids)) == 2, "twelve connections of one worker: once in two thousand times"
    for connection in slow:
        connection.send(request("GET", "/slow"))
    assert wait_until(lambda: len(came) == 12)
    time.sleep(1.1)
    before = Page(gate)
    victim = pids[0]
    os.kill(victim, signal.SIGKILL)
    line = wait_for_message(gate, r"^Worker [12] \(pid \d+\) was ended by SIGKILL; its requests are lost. Another starts at once\.")
    assert f"(pid {victim})" in line
    wait_for_message(gate, r"serves again")
    go.append(1)
    for connection, pid in zip(slow, pids):
        if pid == victim:
            with pytest.raises((Ended, OSError)):
                connection.answer()
        else:
            assert connection.answer().body == b"slow"
    of_each(health(gate))
    after = Page(gate)
    assert_no_counter_went_back(before, after)
    assert after("workers") == 2 and after("worker_restarts_total") == 1
    assert victim not in children(gate) and len(children(gate)) == 2
    assert wait_until(lambda: Page(gate)("upstream_calls_in_flight") == 0), "gauges of the dead are gone"


def test_under_load_a_death_costs_no_more_than_the_requests_of_the_dead(start_two):
    gate = start_two()
    with Load(gate, clients=8, path="/-/health") as load:
        load.wait_for(200)
        os.kill(children(gate)[0], signal.SIGKILL)
        wait_for_message(gate, "serves again")
        load.wait_for(200)
    # Who connects to a process that is just dying has asked nothing yet.
    lost = [failure for failure in load.failures if not failure.startswith("connect:")]
    assert len(lost) <= 8, load.failures


def test_who_dies_again_and_again_is_restarted_later_and_later(start_two):
    gate = start_two()

    def kill_second():
        """The younger one, which is always of the same place."""
        known = set(children(gate))
        pid = max(known)
        os.kill(pid, signal.SIGKILL)
        assert wait_until(lambda: set(children(gate)) - known, 10)

    for number in range(4):
        kill_second()
        wait_for_message(gate, "serves again", count=number + 1)
    told = [message for message in gate.messages if "Another starts" in message]
    assert [re.search(r"Another starts (.*)\.$", message)[1] for message in told] == ["at once", "in 100 ms", "in 200 ms", "in 400 ms"]
    assert gate.ask().status == 200


def test_a_worker_that_is_told_to_stop_drains_and_is_replaced(start_two):
    gate = start_two()
    with Load(gate, clients=6, path="/-/health") as load:
        load.wait_for(100)
        pid = children(gate)[0]
        os.kill(pid, signal.SIGTERM)
        os.kill(pid, signal.SIGTERM)
        wait_for_message(gate, "serves again")
        load.wait_for(100)
    assert load.failures == []
    assert "ended with code 0. Another starts at once." in " ".join(gate.messages)


@pytest.mark.skipif(IS_SANITIZED, reason="a sanitizer wants descriptors of its own")
def test_a_gateway_whose_workers_cannot_start_does_not_start(certificates, workspace):
    # Descriptors enough for the parent and its first worker, not for the second.
    done = subprocess.run(
        ["prlimit", "--nofile=10:10", BINARY, "--listen", "127.0.0.1:0", "--workers", "2"], cwd=workspace,
        env=clean_environment(workspace, **certificates.settings), capture_output=True, text=True, timeout=20,
    )  # fmt: skip
    assert done.returncode == 69, done.stderr
    assert "Worker 2: cannot start a process: Too many open files." in done.stderr
    assert "Listening" not in done.stderr


def test_workers_end_with_their_parent(start_two):
    gate = start_two()
    pids = children(gate)
    gate.kill()
    assert wait_until(lambda: not any(map(is_running, pids)))
    assert is_refused(gate.port)


def test_without_its_sandbox_the_gateway_stops_and_says_so(start):
    gate = start("--workers", "2")
    oldest = min(children(gate))
    os.kill(oldest, signal.SIGKILL)
    assert gate.wait() == 1
    assert f"The sandbox's Hub (pid {oldest}) was ended by SIGKILL: stopping." in gate.messages
    assert is_refused(gate.port)


# Reload


def test_a_reload_reaches_all_workers_and_costs_no_request(start_two, own_certificates, other_certificates):
    gate = start_two("--tls-cert", str(own_certificates.certificate), "--tls-key", str(own_certificates.key))
    both = own_certificates.client_context()
    both.load_verify_locations(other_certificates.authority)
    gate.context = both
    old = serial_of(gate)
    with Load(gate, clients=6, path="/-/health") as load:
        load.wait_for(100)
        replace(own_certificates, other_certificates)
        assert "certificate and key were read again" in reload(gate)
        # All of them have, once it is told.
        assert old not in {serial_of(gate) for _ in range(12)}
        load.wait_for(100)
    assert load.failures == []
    assert len([message for message in gate.messages if message.startswith("Reloaded")]) == 1


def test_a_fault_leaves_all_with_what_they_had_and_a_successor_too(start_two, hub, tmp_path):
    token = tmp_path / "token"
    token.write_text("hf_first")
    hub.on("/whose", lambda request, _: http(200, (request["Authorization"] or "").encode()))
    gate = start_two("--token-file", str(token), HF_TOKEN="")

    def tokens():
        return {answer.body for answer in of_each(lambda: gate.ask(request("GET", "/whose", b"Connection: close"))).values()}

    assert tokens() == {b"Bearer hf_first"}
    token.write_text("hf_second")
    assert "changed: token" in reload(gate)
    assert tokens() == {b"Bearer hf_second"}
    token.write_text("two words")
    assert str(token) in reload(gate, "^Not reloaded")
    assert len([message for message in gate.messages if message.startswith("Not reloaded")]) == 1
    os.kill(children(gate)[0], signal.SIGKILL)
    wait_for_message(gate, "serves again")
    assert tokens() == {b"Bearer hf_second"}


@pytest.mark.skipif(IS_SANITIZED, reason="the sanitizer's shadow is terabytes")
def test_a_replaced_token_leaves_the_memory_of_all_processes(start_two, tmp_path):
    old, new = (b"hf_" + os.urandom(15).hex().encode() for _ in range(2))
    token = tmp_path / "token"
    token.write_bytes(old)
    gate = start_two("--token-file", str(token), HF_TOKEN="")
    ask = lambda: gate.ask(request("GET", "/quick", b"Connection: close"))  # noqa: E731
    of_each(ask)

    class Process:
        def __init__(self, pid):
            self.pid = pid

    processes = [Process(pid) for pid in [gate.pid, *children(gate)]]
    try:
        assert all(copies_in_memory(process, old) for process in processes)
    except PermissionError:
        pytest.skip("this system does not let a process read another's memory")
    token.write_bytes(new)
    reload(gate)
    for _ in range(5):
        of_each(ask)
    assert [copies_in_memory(process, old) for process in processes] == [0, 0, 0]


def test_a_stuck_worker_holds_up_no_reload(start_two):
    gate = start_two()
    stuck, _ = children(gate)
    os.kill(stuck, signal.SIGSTOP)
    try:
        gate.signal(signal.SIGHUP)
        wait_for_message(gate, "^1 of 2 workers have not answered", 10)
    finally:
        os.kill(stuck, signal.SIGCONT)
    reload(gate)


def test_a_worker_that_drains_holds_up_no_reload(start_two, hub):
    gate = start_two()
    came, go = [], []
    hub.on("/slow", lambda *_: came.append(1) or (wait_until(lambda: go, 20), http(200, b"slow"))[1])
    slow = gate.connect(timeout=20)
    slow.send(request("GET", "/slow"))
    assert wait_until(lambda: came)
    os.kill(worker_of(gate, slow), signal.SIGTERM)
    time.sleep(0.2)
    reload(gate)
    assert not [message for message in gate.messages if "not answered" in message]
    go.append(1)
    assert slow.answer().body == b"slow"
    wait_for_message(gate, "serves again")


def test_the_number_of_workers_needs_a_restart(start_before, hub):
    gate = start_before(hub, "--access", "open")
    (gate.workspace / "config/hubgate.yaml").write_text("workers: 3\n")
    reload(gate)
    wait_for_message(gate, "need a restart: workers")
    assert children(gate) == []


# Stopping


def test_sigterm_under_load_costs_nothing_and_leaves_no_process(start_two):
    gate = start_two()
    pids = children(gate)
    with Load(gate, clients=12, path="/-/health") as load:
        load.wait_for(200)
        gate.signal(signal.SIGTERM)
        assert gate.wait() == 0
    assert load.failures == [] and load.closes > 0
    assert is_refused(gate.port) and not any(map(is_running, pids))
    assert [message for message in gate.messages if message.startswith("Stopping")] == [gate.messages[-1]]


def test_signals_that_reach_workers_too_still_let_requests_finish(start_two, hub):
    """As a terminal does it, and a service manager that signals the whole control group."""
    gate = start_two()
    came, go = [], []
    hub.on("/slow", lambda *_: came.append(1) or (wait_until(lambda: go, 20), http(200, b"slow"))[1])
    slow = [gate.connect(timeout=20) for _ in range(4)]
    for connection in slow:
        connection.send(request("GET", "/slow"))
    assert wait_until(lambda: len(came) == 4)
    for pid in [*children(gate), gate.pid]:
        os.kill(pid, signal.SIGINT)
    wait_for_message(gate, "^Stopping")
    for pid in children(gate):
        os.kill(pid, signal.SIGTERM)
    time.sleep(0.2)
    go.append(1)
    for connection in slow:
        assert connection.answer().body == b"slow"
    assert gate.wait() == 0


def test_what_does_not_finish_is_cut_off_by_its_worker(start_two, hub):
    gate = start_two("--drain-timeout", "700ms")
    came = []
    hub.on("/slow", lambda *_: came.append(1) or wait_until(lambda: False, 5) or None)
    slow = gate.connect(timeout=15)
    slow.send(request("GET", "/slow"))
    assert wait_until(lambda: came)
    gate.signal(signal.SIGTERM)
    assert gate.wait(5) == 0
    assert "within drain_timeout: 1." in " ".join(gate.messages)


def test_a_second_signal_ends_all_at_once(start_two, hub):
    gate = start_two()
    pids = children(gate)
    came = []
    hub.on("/slow", lambda *_: came.append(1) or wait_until(lambda: False, 5) or None)
    slow = gate.connect()
    slow.send(request("GET", "/slow"))
    assert wait_until(lambda: came)
    gate.signal(signal.SIGTERM)
    wait_for_message(gate, "^Stopping")
    gate.signal(signal.SIGTERM)
    assert gate.wait(2) == 1
    assert wait_until(lambda: not any(map(is_running, pids)))


def test_a_worker_that_dies_while_it_stops_makes_the_exit_code_1(start_two, hub):
    gate = start_two()
    came = []
    hub.on("/slow", lambda *_: came.append(1) or wait_until(lambda: False, 5) or None)
    slow = gate.connect()
    slow.send(request("GET", "/slow"))
    assert wait_until(lambda: came)
    victim = worker_of(gate, slow)
    gate.signal(signal.SIGTERM)
    wait_for_message(gate, "^Stopping")
    os.kill(victim, signal.SIGKILL)
    assert gate.wait() == 1
    assert "was ended by SIGKILL while it stopped; its requests are lost." in gate.messages[-1]


# The service manager


class Manager:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.bind(str(path))
        self.socket.settimeout(10)
        self.senders = set()

    def told(self, name):
        while True:
            data, ancillary, *_ = self.socket.recvmsg(4096, 256)
            self.senders.add(struct.unpack("3i", ancillary[0][2])[0])
            message = dict(line.split("=", 1) for line in data.decode().split("\n"))
            if name in message:
                return message


def test_the_parent_alone_speaks_to_the_service_manager(start_two, tmp_path):
    manager = Manager(tmp_path / "notify")
    gate = start_two(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="400000")
    message = manager.told("READY")
    assert message["STATUS"] == f"Listening on port {gate.port}, workers: 2"
    for _ in range(3):
        manager.told("WATCHDOG")
    gate.signal(signal.SIGHUP)
    manager.told("RELOADING")
    manager.told("READY")
    gate.signal(signal.SIGTERM)
    manager.told("STOPPING")
    assert gate.wait() == 0
    assert manager.senders == {gate.pid}
    manager.socket.close()


def test_a_worker_that_is_stuck_is_ended_where_there_is_a_watchdog(start_two, tmp_path):
    manager = Manager(tmp_path / "notify")
    gate = start_two(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="1000000")
    victim = children(gate)[0]
    os.kill(victim, signal.SIGSTOP)
    wait_for_message(gate, rf"\(pid {victim}\) has been stuck for \d+ ms: it is ended", 10)
    wait_for_message(gate, "serves again")
    of_each(health(gate))
    manager.socket.close()
