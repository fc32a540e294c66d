"""One worker against two, each with the same small share of a core, so that the load is never the limit."""

import proc
import quota
from case_requests import RequestsCase
from processes import run
from workbench import Server

SHARE = 0.25


class WorkersCase(RequestsCase):
    servers = ("1 worker", "2 workers")
    subject, reference = "2 workers", "1 worker"

    def missing(self, bench):
        if "| `workers` |" not in run(bench.binary, "--print-docs", "settings"):
            return "this hubgate has no setting `workers`"
        if quota.controller() is None:
            return "no cgroup with a CPU controller is writable here"
        return None

    def run(self, bench, options, progress):
        with quota.Quotas() as self.quotas:
            return super().run(bench, options, progress)

    def _start(self, bench, name, upstream):
        started = bench.server("hubgate", upstream.plain, flags=("--workers", name.split()[0]))
        for pid in proc.children(started.pid) or [started.pid]:
            self.quotas.give(pid, SHARE)
        return Server(name, started.port, started.process)
