"""`hubgate cache purge`: what changed at the Hub behind the gateway's back is not given out any more, by any worker."""

import pytest

from cached import COMMIT, Counting, figures
from gate import running_gate
from keys import Keys
from policy import request
from waiting import wait_until

FILE = f"/acme/m/resolve/{COMMIT}/config.json"
OTHER = f"/acme/other/resolve/{COMMIT}/config.json"


class Team:
    """A gate of two workers with keys and a cache."""

    def __init__(self, gate, keys):
        self.gate, self.keys = gate, keys
        self.key = keys.create("reader")
        assert wait_until(lambda: {self.ask("/api/models").status for _ in range(8)} == {404}, 10)

    def ask(self, path):
        return self.gate.ask(request(self.key, "GET", path, b"", b"Connection: close"))

    def bodies(self, path):
        """What is given out, by whichever worker."""
        return {self.ask(path).body for _ in range(12)}


@pytest.fixture
def team(tmp_path, certificates, hub):
    keys = Keys(tmp_path)
    flags = ("--upstream", hub.url, "--access", "keys", "--state-dir", str(keys.state), "--workers", "2", "--coalesce=off")
    with running_gate(tmp_path / "gate", certificates, *flags, HF_TOKEN="hf_of_the_gate", HUBGATE_CACHE_MEMORY="16MiB") as gate:
        yield Team(gate, keys)


@pytest.mark.parametrize(
    ("words", "drops"), [(("acme/m",), {FILE}), (("datasets/ACME/M",), {FILE}), (("acme/m", "acme/other"), {FILE, OTHER}), (("--all",), {FILE, OTHER})])  # fmt: skip
def test_what_is_purged_is_fetched_anew_by_every_worker_and_nothing_else_is(team, hub, words, drops):
    files = {path: Counting(hub, path) for path in (FILE, OTHER)}
    for path in files:
        team.bodies(path)
    before = {path: file.count for path, file in files.items()}
    assert all(count <= 2 for count in before.values())
    done = team.keys.run("cache", "purge", *words)
    assert done.stdout.startswith("Dropped")
    for path, file in files.items():
        fresh = team.bodies(path)
        if path in drops:
            assert all(int(body[5:-1]) > before[path] for body in fresh), (path, fresh)
        else:
            assert file.count == before[path]


def test_a_purge_that_no_gateway_takes_is_told_so_and_not_left_behind(tmp_path):
    keys = Keys(tmp_path)
    keys.create("reader")
    done = keys.run("cache", "purge", "acme/m", check=False)
    assert done.returncode == 69 and "no gateway" in done.stderr


@pytest.mark.parametrize("words", [(), ("--all", "acme/m"), ("gpt2",), ("a/b/c/d",), ("acme/",), ("",)])
def test_what_is_no_order_is_told(tmp_path, words):
    done = Keys(tmp_path).run("cache", "purge", *words, check=False)
    assert done.returncode == 64 and done.stderr


def test_a_state_process_that_dies_takes_no_order_along(team, hub):
    file = Counting(hub, FILE)
    team.bodies(FILE)
    import os
    import signal
    from pathlib import Path

    children = Path(f"/proc/{team.gate.pid}/task/{team.gate.pid}/children").read_text().split()
    # It is the one that has the database open.
    for child in children:
        if any("hubgate.db" in os.readlink(link) for link in Path(f"/proc/{child}/fd").iterdir()):
            os.kill(int(child), signal.SIGKILL)
    before = file.count
    team.keys.run("cache", "purge", "acme/m")
    assert all(int(body[5:-1]) > before for body in team.bodies(FILE))


def test_the_metrics_say_what_the_cache_spares(team, hub):
    Counting(hub, FILE)
    for _ in range(20):
        team.ask(FILE)
    found = figures(team.gate)
    hits = found['hubgate_cache_requests_total{result="hit"}']
    assert hits >= 18 and found["hubgate_cache_saved_calls_total"] >= hits
    assert 1 <= found["hubgate_cache_stored_total"] <= 2 and found["hubgate_cache_responses"] >= 1
