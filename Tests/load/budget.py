#!/usr/bin/env python3
"""What clients see of the Hub's rate limit, with and without the gateway's broker.

    Tests/load/budget.py BINARY [QUOTA/SECONDS]      100/10s unless said; the Hub's own would be 1000/300s

The real huggingface_hub of `.venv`, 50 threads with five gateway keys, asks a sandbox with that limit for 40 % more than the budget of two windows:
once by calls that are not tried again (`model_info`), with `budget_wait` off and on. It prints how many calls failed, how long all took, and how many
429s the Hub gave. Nothing is judged: machines differ; Tests/contract/test_budget.py judges.
"""

import os
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
os.environ["HUBGATE_BINARY"] = str(Path(sys.argv[1]).resolve())
QUOTA, SECONDS = map(int, re.fullmatch(r"(\d+)/(\d+)s?", sys.argv[2] if len(sys.argv) > 2 else "100/10s").groups())
sys.path[:0] = [str(ROOT / "Tests/support"), str(ROOT / "Tests/contract")]

import clients  # noqa: E402
from gate import make_certificates, running_gate  # noqa: E402
from hub import Hub  # noqa: E402
from keys import Keys  # noqa: E402

# Two windows of 300 s are longer than a test's patience.
clients.SECONDS = 6 * SECONDS + 60


def members(keys):
    """Two threads of a thrifty key, 18 of three others, 30 of a greedy one."""
    wanted = 2 * QUOTA * 14 // 10
    own = [{"token": keys["thrifty"], "calls": 4, "pause": SECONDS / 3}] * 2
    few = [{"token": keys[f"middle-{number}"], "calls": max(2, wanted // 84)} for number in range(3) for _ in range(6)]
    rest = wanted - sum(member["calls"] for member in own + few)
    return own + few + [{"token": keys["greedy"], "calls": rest // 30 + (number < rest % 30)} for number in range(30)]


def measure(directory, certificates, guard, *flags):
    directory.mkdir()
    workspace = directory / "operator"
    workspace.mkdir()
    store = Keys(workspace)
    keys = {name: store.create(name) for name in ("greedy", "thrifty", "middle-0", "middle-1", "middle-2")}
    limits = f"api={QUOTA}/{SECONDS}s"
    common = ("--sandbox", "--sandbox-limits", limits, "--access", "keys", "--state-dir", str(store.state), "--coalesce=off")
    with running_gate(directory / "gate", certificates, *common, *flags) as gate:
        hub = Hub(gate)
        client = clients.Client(clients.Variant(clients.SERIES[0], False), gate, hub, guard, directory)
        began = time.monotonic()
        try:
            results = client("crowd", "sandbox/demo", members(keys))
        finally:
            client.close()
        took = time.monotonic() - began
        refused = sum(entry["status"] == 429 for entry in hub.journal())
    calls = sum(len(result["seconds"]) for result in results)
    failed = sum(len(result["errors"]) for result in results)
    thrifty = [one for result in results[:2] for one in result["seconds"]]
    print(f"{' '.join(flags) or 'as it is by default':32} {calls:6} calls, {failed:5} failed, {took:6.1f} s, {refused:5} 429s of the Hub; "
          f"the thriftiest key's calls: median {statistics.median(thrifty):.3f} s, longest {max(thrifty):.3f} s, "
          f"{sum(len(result['errors']) for result in results[:2])} of {len(thrifty)} failed", flush=True)


with tempfile.TemporaryDirectory() as place:
    place = Path(place)
    (place / "certificates").mkdir()
    certificates = make_certificates(place / "certificates")
    guard = clients.make_guard(place)
    for name, flags in (("off", ("--budget-wait", "off")), ("on", ()), ("two", ("--workers", "2"))):
        measure(place / name, certificates, guard, *flags)
