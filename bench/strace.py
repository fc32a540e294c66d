"""System calls a request, counted by strace while a fixed number of requests goes over warm connections."""

import re
import signal

import kept
import proc
from processes import LOAD_CORES, BenchError
from waiting import wait_until

ATTACHED_WITHIN = 10
WARM_ROUNDS = 20
ROUNDS = 25
TIMES = 6


def calls_a_request(bench, server, request, connections=64):
    """Of the process that serves: nginx's worker, hubgate itself. The least of a few counts: what else the machine does
    makes events come in smaller bunches, which only adds calls.
    """
    with kept.KeptConnections(server, bench.client, connections) as client:
        client.exchange(request, WARM_ROUNDS)
        return min(_count(bench, server, client, request) for _ in range(TIMES))


def _count(bench, server, client, request):
    served = proc.children(server.pid) or [server.pid]
    report = bench.work / "strace.txt"
    report.unlink(missing_ok=True)
    processes = [part for pid in served for part in ("-p", str(pid))]
    tracer = bench.start("strace", "strace", "-f", "-c", "-o", report, *processes, cores=LOAD_CORES)
    try:
        _await_tracer(bench, tracer, served)
        requests = client.exchange(request, ROUNDS)
    finally:
        bench.stop(tracer, first=signal.SIGINT)
    total = re.search(r"^\s*100\.00\s+\S+\s+\S+\s+(\d+)\s.*total$", report.read_text(), re.MULTILINE)
    if total is None:
        raise BenchError(f"strace counted nothing: {bench.last_words(tracer)}")
    return int(total.group(1)) / requests


def _await_tracer(bench, tracer, pids):
    def attached():
        return all(proc.tracer(pid) == tracer.pid for pid in pids)

    wait_until(lambda: attached() or tracer.poll() is not None, ATTACHED_WITHIN)
    if not attached():
        raise BenchError(f"strace could not attach: {bench.last_words(tracer)}")

