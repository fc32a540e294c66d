"""How loud the machine is: two fixed pieces of work, timed on the server's core between rounds, when no server works.

Noise is the time that a piece took over the least CPU time that it took in this run. Others on the core make it wait, others in the
caches and in memory make it slower; 1 is a quiet machine.
"""

import os
import statistics
import time

from processes import SERVER_CORES

LOOP = 500_000
MEMORY = 64 << 20
"""Bytes: more than the caches have."""
SETTLE = 0.05
"""Seconds before the work: a server has connections to close after a round."""
FIRST = 10
QUIET = 1.15
"""The most that the median noise of a case may be on a machine that is called quiet."""


class Noise:
    def __init__(self):
        swept = bytearray(b"\1") * MEMORY
        self._pieces = {"processor": lambda: sum(range(LOOP)), "memory": lambda: swept.count(b"\2")}
        self._least = {}
        self._taken = []
        for _ in range(FIRST):
            self.sample()

    def sample(self):
        """Before and after each round."""
        time.sleep(SETTLE)
        here = os.sched_getaffinity(0)
        os.sched_setaffinity(0, SERVER_CORES)
        try:
            self._taken.append({name: self._seconds(name) for name in self._pieces})
        finally:
            os.sched_setaffinity(0, here)

    def _seconds(self, name):
        begun, spent = time.perf_counter(), time.thread_time()
        self._pieces[name]()
        spent, took = time.thread_time() - spent, time.perf_counter() - begun
        self._least[name] = min(spent, self._least.get(name, spent))
        return took

    @property
    def count(self):
        return len(self._taken)

    def between(self, first, last):
        """By the kind of work the noise of each sample in that range of them."""
        return {name: [one[name] / self._least[name] for one in self._taken[first:last]] for name in self._pieces}


def is_quiet(noise):
    return all(statistics.median(values) <= QUIET for values in noise.values())
