"""`kill -9` at random moments while much is written: no act without an intent, one whole chain, and what is unknown has a name.

    HUBGATE_CRASH_WRITES=500 HUBGATE_CRASH_KILLS=30 Tests/contract/run.sh test_audit_crashes.py      (make audit-crashes)
"""

import os
import random
import re
import signal
import threading
import time

import pytest

from audit import Audit
from fakehub import FakeHub, http
from gate import IS_SANITIZED
from policy import JSON, request
from descendants import children, state_process_of
from waiting import wait_until

WRITES = int(os.environ.get("HUBGATE_CRASH_WRITES", 120))
KILLS = int(os.environ.get("HUBGATE_CRASH_KILLS", 5))
WRITERS = 6
SEED = int(os.environ.get("HUBGATE_CRASH_SEED", random.randrange(1 << 30)))


class Writers:
    """Clients that delete branches, each of a name of its own, until `stop`, and are never told to wait."""

    def __init__(self, key):
        self.key, self.gate, self.end = key, None, threading.Event()
        self.lock, self.number, self.answers = threading.Lock(), 0, {}
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(WRITERS)]

    def start(self, gate):
        self.gate = gate
        for thread in self.threads:
            if not thread.is_alive():
                thread.start()

    def _run(self):
        while not self.end.is_set():
            gate = self.gate
            if gate is None:
                time.sleep(0.01)
                continue
            with self.lock:
                self.number += 1
                branch = f"b-{self.number}"
            try:
                raw = request(self.key, "DELETE", f"/api/models/acme/m/branch/{branch}", b"", b"Connection: close")
                self.answers[branch] = gate.ask(raw, timeout=15).status
            except (OSError, AssertionError, EOFError, ValueError, Exception):
                # What was sent may have been done.
                self.answers[branch] = None
                time.sleep(0.02)

    def stop(self):
        self.end.set()
        for thread in self.threads:
            thread.join(30)


def branch(line):
    return line["target"].rpartition("/")[2]


def check(audit, hub, keys):
    """What holds at any time at which nothing is under way."""
    audit.check_chain()
    audit.check_acts()
    asked = [arrived.target.rpartition("/")[2] for arrived in hub.requests if arrived.method == "DELETE"]
    assert len(asked) == len(set(asked)), "something was done twice"
    intents = {branch(line) for line in audit.of("intent")}
    assert set(asked) <= intents, f"done without an intent: {set(asked) - intents} (seed {SEED})"
    done = keys.run("audit", "verify", check=False)
    assert done.returncode == 0, (done.stderr, SEED)
    return set(asked)


@pytest.mark.skipif(IS_SANITIZED, reason="its processes are looked into")
@pytest.mark.long
def test_killed_at_random_moments_the_audit_has_every_act_and_says_what_is_unknown(start_before, keys):
    chance = random.Random(SEED)
    key = keys.create("deleter", "--allow", "write acme/*")
    audit = Audit(keys.state / "audit")
    hub = FakeHub()

    def answer(*_):
        time.sleep(chance.random() * 0.02)
        return http(200, b"{}", JSON)

    hub.otherwise = answer

    def begin():
        return start_before(hub, "--access", "keys", "--workers", "2", "--state-dir", str(keys.state))

    gate = begin()
    writers = Writers(key)
    writers.start(gate)
    kills = 0
    kinds = ["worker", "state", "all"]
    while kills < KILLS or writers.number < WRITES:
        time.sleep(chance.random() * 0.4)
        if kills >= KILLS:
            continue
        kind = kinds[kills % 3] if kills < 3 else chance.choice(kinds)
        if kind == "all":
            # For a moment there is no listener for the clients.
            writers.gate = None
            pids = [*children(gate), gate.pid]
            chance.shuffle(pids)
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            gate.kill()
            wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), 10)
            gate = begin()
            writers.start(gate)
        else:
            pids = children(gate)
            try:
                state = state_process_of(gate, keys)
                os.kill(state if kind == "state" else chance.choice([pid for pid in pids if pid != state]), signal.SIGKILL)
            except (ProcessLookupError, IndexError, AssertionError):
                continue
        kills += 1
    writers.stop()
    gate.stop()
    asked = check(audit, hub, keys)
    intents, ends = audit.check_acts()
    assert intents == ends, "an orderly end leaves nothing open"
    # What the gateway says it did was done, and what it says it did not was not.
    answered = {branch(line) for line in audit.of("outcome", outcome="answered", status=200)}
    assert answered <= asked
    assert not {branch(line) for line in audit.of("outcome", outcome="not-sent")} & asked
    told = {name for name, status in writers.answers.items() if status == 200}
    assert told <= asked and len(told) > WRITES / 4, (len(told), SEED)
    unknown = audit.of("unknown")
    assert all(line["key"] == "deleter" and line["action"] == "write" and line["resource"] == "model:acme/m" for line in unknown)
    hub.close()
    print(f"seed {SEED}: {kills} kills, {len(intents)} intents, {len(asked)} acts, {len(unknown)} unknown")


@pytest.mark.skipif(IS_SANITIZED, reason="its processes are looked into")
@pytest.mark.parametrize("whom", ["worker", "all"])
def test_what_was_under_way_when_it_died_is_named_in_the_log_and_the_audit(start_before, hub, keys, whom):
    key = keys.create("deleter", "--allow", "write acme/*")
    audit = Audit(keys.state / "audit")
    release = threading.Event()

    def answer(*_):
        release.wait(20)
        return http(200, b"{}", JSON)

    hub.on("/api/models/acme/m/branch/long", answer)
    flags = ["--access", "keys", "--workers", "1", "--state-dir", str(keys.state)]
    gate = start_before(hub, *flags)
    with gate.connect() as connection:
        connection.send(request(key, "DELETE", "/api/models/acme/m/branch/long"))
        assert wait_until(lambda: hub.seen("/api/models/acme/m/branch/long"), 10)
        (intent,) = audit.of("intent")
        state = state_process_of(gate, keys)
        # A state process that dies alone leaves it under way.
        os.kill(state, signal.SIGKILL)
        assert wait_until(lambda: state_process_of(gate, keys) != state, 10)
        time.sleep(0.5)
        assert not audit.of("unknown")
        if whom == "worker":
            state = state_process_of(gate, keys)
            os.kill(next(pid for pid in children(gate) if pid != state), signal.SIGKILL)
        else:
            for pid in [*children(gate), gate.pid]:
                os.kill(pid, signal.SIGKILL)
            gate.kill()
            gate = start_before(hub, *flags)
        unknown = wait_until(lambda: audit.of("unknown"), 10)
    release.set()
    assert len(unknown) == 1 and unknown[0]["request_id"] == intent["request_id"] and unknown[0]["intent"] == intent["n"]
    (warning,) = wait_until(lambda: [message for message in gate.messages if "Audit: the outcome of request" in message], 5)
    for word in (intent["request_id"], "deleter", "write model:acme/m"):
        assert word in warning
    shown = keys.run("audit", "show", "--unknown").stdout
    assert re.search(r"deleter +write +model:acme/m +unknown ", shown), shown
    audit.check_acts()
    audit.check_chain()


@pytest.mark.parametrize("rest", [b'{"n":9', b"\0" * 100, b'{"n":1,"prev":"00"}\n', b"garbage\nand more\n"])
def test_a_line_that_a_crash_has_cut_is_put_apart_and_said(start_before, hub, keys, rest):
    key = keys.create("k", "--role", "admin")
    hub.otherwise = lambda *_: http(200, b"{}", JSON)
    audit = Audit(keys.state / "audit")
    flags = ["--access", "keys", "--workers", "1", "--state-dir", str(keys.state)]
    start_before(hub, *flags).stop()
    number = audit.check_chain()
    with open(audit.files[0], "ab") as file:
        file.write(rest)
    assert keys.run("audit", "verify", check=False).returncode == 1
    gate = start_before(hub, *flags)
    assert wait_until(lambda: audit.of("torn"), 10)
    (line,) = audit.of("torn")
    assert line["count"] == len(rest) and line["n"] == number + 1
    kept = audit.directory / line["file"]
    assert kept.read_bytes() == rest and kept.stat().st_mode & 0o777 == 0o600
    assert [message for message in gate.messages if "cut by a crash" in message]
    assert gate.ask(request(key, "DELETE", "/api/models/acme/m/branch/x", b"", b"Connection: close")).status == 200
    gate.stop()
    audit.check_chain()
    keys.run("audit", "verify")
    kept.write_bytes(b"other")
    assert "what a crash had cut off was changed" in keys.run("audit", "verify", check=False).stderr


def test_what_was_taken_from_the_end_meanwhile_is_no_crash_and_stays_to_be_seen(start_before, hub, keys):
    hub.otherwise = lambda *_: http(200, b"{}", JSON)
    audit = Audit(keys.state / "audit")
    flags = ["--access", "keys", "--workers", "1", "--state-dir", str(keys.state)]
    start_before(hub, *flags).stop()
    lines = audit.files[0].read_bytes().split(b"\n")
    audit.files[0].write_bytes(b"\n".join([*lines[:-2], b""]))
    gate = start_before(hub, *flags)
    assert wait_until(lambda: len(audit.files) == 2, 10)
    assert [message for message in gate.messages if "was changed or is incomplete" in message]
    gate.stop()
    done = keys.run("audit", "verify", check=False)
    assert done.returncode == 1 and f"{audit.files[1].name}:1: before it 1 line is missing" in done.stderr, done.stderr
