"""Where a run is and how long it still takes, on standard error."""

import sys
import time


class Progress:
    """`estimates` are the seconds of each case to come, in their order."""

    def __init__(self, estimates):
        self._left = list(estimates)
        self._all = len(self._left)
        self._case, self._begun = "", time.monotonic()

    def begin(self, case):
        self._case, self._begun = case, time.monotonic()

    def step(self, what):
        """One line; on a terminal it takes the place of the one before."""
        spent = time.monotonic() - self._begun
        left = max(self._left[0] - spent, 0) + sum(self._left[1:])
        number = self._all - len(self._left) + 1
        line = f"[{number:2}/{self._all}] {self._case:21} {what:32} about {left // 60:.0f}:{left % 60:02.0f} left"
        if sys.stderr.isatty():
            print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)

    def end(self):
        """The case is over: what is printed now begins on a line of its own."""
        self._left.pop(0)
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)
