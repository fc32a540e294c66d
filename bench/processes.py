"""The processes of a run: each on its cores, each ended by its id whatever happens."""

import contextlib
import os
import pathlib
import signal
import subprocess
import tempfile

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORES = set(CORES[:1])
"""Where the measured server runs, alone as far as the machine allows."""
LOAD_CORES = set(CORES[1:] or CORES)
"""Where the load, the upstream and the bench itself run."""

ASK_AGAIN = 5
"""Seconds."""


class BenchError(Exception):
    """A measurement that is not what it says it is: the case has no figures."""


class Processes:
    """Starts programs and ends them on leaving, in reverse order. Owns the directory that they work in."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="hubgate-bench-")
        self.work = pathlib.Path(self._folder.name)
        # hubgate and nginx become other users where root starts them, and read certificates then.
        self.work.chmod(0o711)
        self._running = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(list(self._running)):
            self.stop(process)
        self._folder.cleanup()

    def start(self, name, *command, cores=SERVER_CORES, environment=None):
        """Standard output and error go to NAME.log and NAME.err in the working directory.

        A session of its own keeps Ctrl-C away from it: the bench ends it when it has heard that itself.
        """
        with open(self.work / f"{name}.log", "ab") as log, open(self.work / f"{name}.err", "ab") as errors:
            here = os.sched_getaffinity(0)
            os.sched_setaffinity(0, cores)
            try:
                process = subprocess.Popen(
                    [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=log, stderr=errors,
                    env={"PATH": os.environ["PATH"]} | (environment or {}), cwd=self.work, start_new_session=True,
                )
            finally:
                os.sched_setaffinity(0, here)
        process.name = name
        self._running.append(process)
        return process

    def stop(self, process, first=signal.SIGTERM, patience=15):
        """Asks, waits, then kills, and its children too, should they be left: they are of its session."""
        if process in self._running:
            self._running.remove(process)
        # Again and again: what vgdb holds loses a signal.
        for _ in range(0, patience, ASK_AGAIN):
            if process.poll() is not None:
                break
            process.send_signal(first)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(ASK_AGAIN)
        if process.poll() is None:
            process.kill()
            process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    def last_words(self, process):
        """What the process said last on standard error and output, for a message."""
        said = ""
        for suffix in "err", "log":
            said += (self.work / f"{process.name}.{suffix}").read_text(errors="replace")[-1500:]
        return said.strip()


def run(*command, cwd=None):
    """A helper's output; it fails the case if the helper fails."""
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, start_new_session=True, cwd=cwd
    )
    if done.returncode != 0:
        raise BenchError(f"{command[0]} failed ({done.returncode}): {(done.stderr or done.stdout).strip()[-1500:]}")
    return done.stdout
