"""Instructions a request, counted by valgrind's callgrind: a figure that the machine's mood does not change.

Counted only while a fixed number of requests goes over warm connections. libcrypto is left out: what it costs is the
processor's (which AES instructions valgrind knows), not hubgate's. The kernel is not seen.
"""

import collections
import os
import pathlib
import re
import time

import kept
import proc
from processes import BenchError, run

WARM_ROUNDS = 10
ROUNDS = 40
LEFT_OUT = "libcrypto"
UNDER_VALGRIND = ("valgrind", "--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file=callgrind.out")
FROM_THE_START = ("valgrind", "--tool=callgrind", "--callgrind-out-file=callgrind.out.%p")
# valgrind makes system calls of its own in the process that it watches, and writes its file there as the user who started it.
UNHARDENED = ("--sandboxing=off", *(["--user=root"] if os.geteuid() == 0 else []))


def instructions_a_request(bench, name, upstream_port, request, tls=False, connections=64, flags=()):
    """Of a server of its own, by the program or library they are in, without libcrypto's."""
    stripped = _stripped(bench)
    out = bench.work / "callgrind.out"
    out.unlink(missing_ok=True)
    server = bench.server(name, upstream_port, tls=tls, flags=(*UNHARDENED, *flags), before=UNDER_VALGRIND, binary=stripped)
    with kept.KeptConnections(server, bench.client, connections) as client:
        client.exchange(request, WARM_ROUNDS)
        _instrument(server, "on")
        requests = client.exchange(request, ROUNDS)
        _instrument(server, "off")
        # A signal that comes while vgdb still holds the process is lost.
        while proc.tracer(server.pid) != 0:
            time.sleep(0.01)
        client.exchange(request, 1)
        bench.stop(server.process, patience=60)
    if out.stat().st_size == 0:
        raise BenchError(f"callgrind wrote nothing: {bench.last_words(server.process)}")
    counts = collections.Counter()
    for path, count in instructions(out).items():
        library = _short_name(path)
        if library != LEFT_OUT:
            counts[library] += count / requests
    return dict(counts)


def of_all_processes(bench, upstream_port, request, flags, connections=64):
    """The number for a hubgate with its children, which callgrind_control does not find: all that they execute with so many requests,
    less all with fewer.
    """
    with_fewer, with_more = (
        _from_the_start(bench, upstream_port, request, flags, connections, rounds)
        for rounds in (WARM_ROUNDS, WARM_ROUNDS + ROUNDS)
    )
    return (with_more - with_fewer) / (ROUNDS * connections)


def _from_the_start(bench, upstream_port, request, flags, connections, rounds):
    flags = (*UNHARDENED, *flags)
    server = bench.server("hubgate", upstream_port, flags=flags, before=FROM_THE_START, binary=_stripped(bench))
    with kept.KeptConnections(server, bench.client, connections) as client:
        client.exchange(request, rounds)
        bench.stop(server.process, patience=60)
    total = 0
    for out in bench.work.glob("callgrind.out.*"):
        total += sum(count for path, count in instructions(out).items() if _short_name(path) != LEFT_OUT)
        out.unlink()
    return total


def _stripped(bench):
    stripped = bench.work / "hubgate.stripped"
    if not stripped.exists():
        # valgrind 3.19 cannot read Swift's debug information, and does not need it.
        run("strip", "-g", "-o", stripped, bench.binary)
    return stripped


def _short_name(path):
    """`libcurl` of /usr/lib/x86_64-linux-gnu/libcurl.so.4.8.0; the three parts of libevent are one."""
    name = pathlib.PurePath(path).name.split(".")[0].split("-")[0]
    return name.split("_")[0] if name.startswith("libevent") else name


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
