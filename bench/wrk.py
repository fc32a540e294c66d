"""wrk, and what it says. Any answer but 2xx and 3xx, and any socket error, fails the case."""

import pathlib
import re

from processes import BenchError, run

SCRIPTS = pathlib.Path(__file__).resolve().parent / "config"
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


class Load:
    """One run: `requests` answered within `seconds`, and latencies in milliseconds."""

    def __init__(self, said):
        requests, seconds, unit = re.search(r"(\d+) requests in ([\d.]+)(us|ms|s|m),", said).groups()
        self.requests = int(requests)
        self.seconds = float(seconds) * UNITS[unit] / 1e3
        self.p50_ms = _percentile(said, 50)
        self.p99_ms = _percentile(said, 99)


def load(server, path, seconds, connections=64, script=None, fields=()):
    """One thread of wrk, which is all the load's core carries. `script` is a Lua file in bench/config, `fields` are lines of each head."""
    more = ["-s", SCRIPTS / script] if script else []
    for field in fields:
        more += ["-H", field]
    said = run(
        "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "--latency", *more, server.url(path)
    )
    for fault in "Socket errors", "Non-2xx":
        if fault in said:
            raise BenchError(f"{server.name}: not every request of {path} was answered well.\n{said}")
    if re.search(r"^\s+0 requests in", said, re.MULTILINE):
        raise BenchError(f"{server.name} answered no request of {path} in {seconds} s.")
    return Load(said)


def _percentile(said, which):
    # wrk puts a blank behind a unit of one letter.
    found = re.search(rf"^\s+{which}%\s+([\d.]+)(us|ms|s|m) *$", said, re.MULTILINE)
    if found is None:
        raise BenchError(f"wrk says nothing of the latency at {which} %:\n{said}")
    return float(found.group(1)) * UNITS[found.group(2)]
