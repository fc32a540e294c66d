"""The counts that commits are compared by: `make bench-check` against bench/baseline.json."""

import json
import pathlib
import statistics

import machine
from case_counts import COUNTED, InstructionsCase, SyscallsCase
from processes import BenchError
from progress import Progress
from tables import table
from workbench import Workbench

PATH = pathlib.Path(__file__).resolve().parent / "baseline.json"
WORSE_BY = 0.05
COUNTS = {"instructions": InstructionsCase, "syscalls": SyscallsCase}
MATTER = ("Swift", "libevent", "libcurl", "OpenSSL", "mimalloc", "valgrind")
"""The versions that change counts without a change here."""


def run(options):
    """The status to exit with."""
    counted = count(options)
    versions = {name: version for name, version in machine.versions(options.binary).items() if name in MATTER}
    if options.baseline:
        figures = {
            kind: {which: _rounded(kind, values) for which, values in of.items()} for kind, of in counted.items()
        }
        PATH.write_text(json.dumps(figures | {"versions": versions}, indent=2) + "\n")
        print(f"{spread_table(counted)}\n\nWritten: bench/baseline.json")
        return 0
    if not PATH.exists():
        raise BenchError("There is no bench/baseline.json: make bench-baseline")
    return compare(json.loads(PATH.read_text()), counted, versions)


def count(options):
    """For each kind and each request the figures of every repetition."""
    progress = Progress(case("", "").estimate(options) / 2 for _ in range(options.repeat) for case in COUNTS.values())
    counted = {kind: {which: [] for which in COUNTED} for kind in COUNTS}
    for _ in range(options.repeat):
        for kind, case_type in COUNTS.items():
            case = case_type(kind, kind)
            case.servers = ("hubgate",)
            progress.begin(kind)
            with Workbench(options.binary) as bench:
                [figures] = case.run(bench, options, progress).servers["hubgate"]
            progress.end()
            for which in COUNTED:
                counted[kind][which].append(figures[which])
    return counted


def compare(baseline, counted, versions):
    rows, worse, better = [], False, False
    for kind, of in counted.items():
        for which, values in of.items():
            before, after = baseline[kind].get(which), statistics.median(values)
            if before is None:
                rows.append([kind, which, "–", f"{_rounded(kind, values):,}", "", "not in the baseline"])
                continue
            change = after / before - 1
            worse, better = worse or change > WORSE_BY, better or change < -WORSE_BY
            said = "**worse**" if change > WORSE_BY else "better" if change < -WORSE_BY else ""
            rows.append([kind, which, f"{before:,}", f"{_rounded(kind, values):,}", f"{change:+.1%}", said])
    print(table(["A request's", "of", "baseline", "measured", "change", ""], rows))
    for name, version in versions.items():
        if baseline["versions"].get(name) != version:
            print(f"The baseline was counted with {name} {baseline['versions'].get(name)}; here is {version}.")
    if worse:
        print(
            f"Worse by more than {WORSE_BY:.0%}: make the change cheaper (make bench CASE=instructions says in which library the "
            "instructions are), or, if that is the price of what it brings, run make bench-baseline and commit bench/baseline.json with it."
        )
    elif better:
        print("Better by so much that the baseline should follow: make bench-baseline.")
    return 1 if worse else 0


def spread_table(counted):
    """How well the counts repeat."""
    rows = []
    for kind, of in counted.items():
        for which, values in of.items():
            apart = max(values) / min(values) - 1
            rows.append([kind, which, f"{_rounded(kind, values):,}", str(len(values)), f"{apart:.2%}"])
    return table(["A request's", "of", "median", "times counted", "highest over lowest"], rows)


def _rounded(kind, values):
    middle = statistics.median(values)
    return round(middle, 2) if kind == "syscalls" else round(middle)
