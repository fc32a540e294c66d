"""What access by keys costs: the same binary without keys and with, under the same requests."""

import callgrind
import kept
from case import Column
from case_requests import RequestsCase
from processes import run
from workbench import Server

ACCESS = {"open": (), "keys": ("--access", "keys", "--state-dir", "state")}
"""By server its flags; it works in the directory in which the state is."""


class KeysCase(RequestsCase):
    """Clients send a key to both: under open access it is a field like any other."""

    columns = (*RequestsCase.columns, Column("instructions", "instructions/req"))
    servers = ("open", "keys")
    subject, reference = "keys", "open"

    def estimate(self, options):
        return super().estimate(options) + 16 * len(self.servers)

    def run(self, bench, options, progress):
        (bench.work / "state").mkdir(mode=0o700)
        command = (bench.binary, "keys", "create", "bench", "--role", "reader", "--state-dir", "state")
        self.fields = (f"Authorization: Bearer {run(*command, cwd=bench.work).strip()}",)
        rounds = super().run(bench, options, progress)
        request = kept.request(self.path, numbered=bool(self.calls), fields=self.fields)
        upstream = bench.upstream()
        for name, flags in ACCESS.items():
            progress.step(f"instructions {name}")
            count = callgrind.of_all_processes(bench, upstream.plain, request, flags)
            rounds.servers[name][0]["instructions"] = count
        bench.stop(upstream.process)
        return rounds

    def _start(self, bench, name, upstream):
        started = bench.server("hubgate", upstream.plain, flags=ACCESS[name])
        return Server(name, started.port, started.process)
