"""Instructions a request, counted by valgrind's callgrind: a figure that the machine's mood does not change.

Counted only while a fixed number of requests goes over warm connections. libcrypto is left out: what it costs is the
processor's (which AES instructions valgrind knows), not hubgate's. The kernel is not seen.
"""

import collections
import re

import kept
from processes import BenchError, run

WARM_ROUNDS = 10
ROUNDS = 40
LEFT_OUT = "libcrypto"
UNDER_VALGRIND = ("valgrind", "--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file=callgrind.out")


def instructions_a_request(bench, name, upstream_port, request, tls=False, connections=64):
    """Of a server of its own."""
    stripped = bench.work / "hubgate.stripped"
    if not stripped.exists():
        # valgrind 3.19 cannot read Swift's debug information, and does not need it.
        run("strip", "-g", "-o", stripped, bench.binary)
    out = bench.work / "callgrind.out"
    out.unlink(missing_ok=True)
    server = bench.server(name, upstream_port, tls=tls, before=UNDER_VALGRIND, binary=stripped)
    with kept.KeptConnections(server, bench.client, connections) as client:
        client.exchange(request, WARM_ROUNDS)
        _instrument(server, "on")
        requests = client.exchange(request, ROUNDS)
        _instrument(server, "off")
        bench.stop(server.process, patience=60)
    if out.stat().st_size == 0:
        raise BenchError(f"callgrind wrote nothing: {bench.last_words(server.process)}")
    by_object = instructions(out)
    return sum(count for name, count in by_object.items() if LEFT_OUT not in name) / requests


def _instrument(server, state):
    run("callgrind_control", "-i", state, server.pid)


def instructions(path):
    """By the object (library or program) they were executed in, from callgrind's file.

    https://valgrind.org/docs/manual/cl-format.html: `ob=` sets the object, and `(1)` stands for a name given before. A
    line that begins with a position is a cost of its own; the one behind `calls=` is that of what was called.
    """
    names, counts = {}, collections.Counter()
    current, skip, total = "", False, None
    with open(path) as lines:
        for line in lines:
            if line.startswith(("ob=", "cob=")):
                number, name = re.match(r"c?ob=(\(\d+\))(?: (.*))?$", line).groups()
                if name is not None:
                    names[number] = name
                if line.startswith("ob="):
                    current = names[number]
            elif line.startswith("calls="):
                skip = True
            elif line[0] in "0123456789+-*":
                if not skip:
                    counts[current] += int(line.split()[1])
                skip = False
            elif line.startswith(("summary:", "totals:")):
                total = int(line.split()[1])
    if not counts or sum(counts.values()) != total:
        raise BenchError(f"callgrind's file adds up to {sum(counts.values())}, not to the {total} that it says.")
    return counts
