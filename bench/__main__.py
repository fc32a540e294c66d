"""The bench: `make bench`, `make bench-check`, `make bench-baseline`. docs/benchmarks.md says how it measures."""

import argparse
import contextlib
import datetime
import os
import pathlib
import signal
import sys
import traceback

# What tests and bench share, which the modules below import.
sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "Tests/support"))

import baseline
import document
import machine
import results
from cases import CASES
from noise import Noise
from processes import LOAD_CORES, BenchError
from progress import Progress
from tables import case_table
from workbench import ROOT, Workbench, raise_descriptor_limit


def arguments():
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("binary", type=pathlib.Path, help="hubgate, release build")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3, help="of each round")
    parser.add_argument("--case", choices=[case.name for case in CASES], action="append", help="this one only")
    parser.add_argument("--write", action="store_true", help="write docs/PERFORMANCE.md, docs/benchmarks.md, their charts and bench/results")
    parser.add_argument("--check", action="store_true", help="compare the counts with bench/baseline.json")
    parser.add_argument("--baseline", action="store_true", help="write the counts to bench/baseline.json")
    parser.add_argument("--repeat", type=int, default=1, help="how often --check and --baseline count")
    options = parser.parse_args()
    options.binary = options.binary.resolve()
    if not os.access(options.binary, os.X_OK):
        parser.error(f"{options.binary} is not a program")
    if min(options.rounds, options.seconds, options.repeat) < 1:
        parser.error("rounds, seconds and repeat are 1 at least")
    return options


@contextlib.contextmanager
def time_limit(seconds):
    """Ends what hangs."""

    def late(*_):
        raise BenchError(f"it took more than {seconds:.0f} s.")

    signal.signal(signal.SIGALRM, late)
    signal.alarm(round(seconds))
    try:
        yield
    finally:
        signal.alarm(0)


def measure(options, chosen):
    """The rounds by case, and whether nothing failed."""
    progress = Progress(case.estimate(options) for case in chosen)
    noise = Noise()
    measured, samples, good = {}, {}, True
    for case in chosen:
        progress.begin(case.name)
        first = noise.count
        noise.sample()
        try:
            with time_limit(5 * case.estimate(options) + 60), Workbench(options.binary, noise) as bench:
                missing = case.missing(bench)
                rounds = None if missing else case.run(bench, options, progress)
            noise.sample()
            if rounds:
                rounds.noise = noise.between(first, noise.count)
                said = case_table(case, rounds)
        except Exception as error:  # whatever breaks a case takes no other's figures with it
            progress.end()
            good = False
            print(f"\n{case.title}: FAILED. {error}", flush=True)
            if not isinstance(error, BenchError):
                traceback.print_exc()
            continue
        progress.end()
        if missing:
            print(f"\n{case.title}: not measured, {missing}.", flush=True)
            continue
        measured[case.name], samples[case.name] = rounds, (first, noise.count)
        print(f"\n{case.title}\n{said}", flush=True)
    # Again, since a later case may have met a quieter machine.
    for name, (first, last) in samples.items():
        measured[name].noise = noise.between(first, last)
    return measured, good


def record(options, versions, measured):
    """Puts the new figures among the latest ones and writes the document from all of them."""
    latest = results.load()
    date = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    latest |= {
        "machine": machine.machine(), "versions": versions,
        "rounds": options.rounds, "seconds": options.seconds,
    }
    for name, rounds in measured.items():
        latest["cases"][name] = results.entry(rounds, date, machine.commit(ROOT))
    results.save(latest)
    document.write(latest)
    print(f"\nWritten: docs/PERFORMANCE.md, docs/benchmarks.md, docs/images, bench/results/latest.json")


def main():
    options = arguments()
    # Ctrl-C raises KeyboardInterrupt by itself; the others have to end what was started too.
    for number in signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, lambda *_: sys.exit(1))
    raise_descriptor_limit()
    os.sched_setaffinity(0, LOAD_CORES)
    if options.check or options.baseline:
        sys.exit(baseline.run(options))
    if machine.others_load() > 1:
        print(f"This machine is busy (load {machine.others_load():.1f}): only ratios and counts will mean anything.")
    # Before the measurements: a build that begins meanwhile loses none of them.
    versions = machine.versions(options.binary)
    measured, good = measure(options, [case for case in CASES if not options.case or case.name in options.case])
    print(f"\n{document.targets(measured)}")
    if options.write:
        record(options, versions, measured)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except BenchError as error:
        sys.exit(f"bench: {error}")
