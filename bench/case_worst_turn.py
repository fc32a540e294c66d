"""The worst turn of the loop: how long another client waits for a fixed reply while the worst input of each kind is read.

In CPU time of the server from the request to the reply: on a core of its own that is the wait, and on a shared one others' work is not
counted."""

import contextlib
import http.client
import os
import pathlib
import subprocess
import sys

import hostile
from case import Case, Column
from figures import Rounds, short
from processes import LOAD_CORES, BenchError, run
from tables import table
from workbench import free_port

HERE = pathlib.Path(__file__).resolve().parent
REPEATS = 10
"""How often a small input is sent in a round; a large one is sent once."""


class WorstTurnCase(Case):
    """One row of its table for each kind of input; the first is without any."""

    columns = (Column("worst_ms", "longest wait of another client, ms of the server's CPU"),)
    servers = ("hubgate",)

    def estimate(self, options):
        return 20 * options.rounds

    def run(self, bench, options, progress):
        port = free_port()
        hub = bench.start("hub", sys.executable, HERE / "hostile_hub.py", port, cores=LOAD_CORES)
        bench.await_port(hub, port)
        server = bench.server("hubgate", port)
        rounds = Rounds()
        with Probe(bench, server) as probe:
            # Late itself, it would count what the server did meanwhile. Only root may do this.
            with contextlib.suppress(PermissionError):
                os.sched_setscheduler(probe.process.pid, os.SCHED_FIFO, os.sched_param(1))
            for number in range(options.rounds):
                progress.step(f"round {number + 1}/{options.rounds}")
                figures = {name: probe.longest(work) for name, work in inputs(bench, server, f"http://127.0.0.1:{port}")}
                rounds.add("hubgate", worst_ms=max(figures.values()), load=os.getloadavg()[0], **figures)
        bench.check_alive(server)
        bench.stop(server.process)
        bench.stop(hub)
        return rounds

    def remarks(self, rounds):
        names = [name for name in rounds.servers["hubgate"][0] if name not in ("worst_ms", "load")]
        rows, loads = [], rounds.values("hubgate", "load")
        for name in names:
            waits = rounds.values("hubgate", name)
            rows.append([name, short(min(waits), "ms"), short(max(waits), "ms")])
        return (
            "By input, the longest wait of a round: of the quietest one, which the machine's other work disturbed least, and of all. "
            "The first row is without any. The machine's load, of which the bench is about 2: "
            f"{short(min(loads))} to {short(max(loads))}.\n\n" + table(["Input", "Quietest round", "All rounds"], rows)
        )


def inputs(bench, server, hub):
    """Pairs of a name and a function that sends it."""
    def send(method, path, body=None, fields=(), repeats=REPEATS):
        def work():
            for _ in range(repeats):
                connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=120, context=bench.client)
                # A refusal may come before all of the body has been sent.
                with contextlib.closing(connection), contextlib.suppress(ConnectionError):
                    connection.request(method, path, body, dict(fields))
                    connection.getresponse().read()
        return work

    json = {"Content-Type": "application/json"}
    yield "nothing", send("GET", "/-/health")
    for name, body in hostile.ORDERS.items():
        yield name, send("POST", "/api/repo", body, json)
    for name, fields in hostile.FIELDS.items():
        yield name, send("GET", "/api/models/x", fields=fields)
    for name, target in hostile.TARGETS.items():
        yield name, send("GET", target)
    yield "account", send("GET", "/api/account", repeats=1)
    for path, name, _, body in hostile.answers(hub):
        yield name, send("GET", f"/api/models/{path}", repeats=1 if len(body) > hostile.LIST else REPEATS)

    def download():
        # Another query for each, so that no two are one call.
        run("curl", "-sSf", "--http1.1", "--cacert", bench.work / "certs/ca.pem", "--parallel", "--parallel-immediate",
            "--parallel-max", hostile.DOWNLOADS, "-o", "/dev/null", server.url(f"{hostile.DOWNLOAD_PATH}?[1-{hostile.DOWNLOADS}]"))

    yield f"{hostile.DOWNLOADS} downloads at once", download


class Probe:
    def __init__(self, bench, server):
        self.process = subprocess.Popen(
            [sys.executable, HERE / "probe.py", str(server.port), bench.work / "certs/ca.pem",
             str(server.process.pid)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )
        if self.process.stdout.readline().strip() != "ready":
            raise BenchError("the probe did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def longest(self, work):
        """The longest time in milliseconds that the fixed reply took of the server while `work` ran."""
        self._ask()
        work()
        return self._ask()

    def _ask(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise BenchError("the probe has ended: the fixed reply failed")
        return float(answer)
