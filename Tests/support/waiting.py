"""Waiting for what another process or thread will have done in a moment."""

import time

PAUSE_SECONDS = 0.01


def wait_until(condition, seconds=3):
    """Waits until `condition()` is true, and gives it; after so many seconds what it gives then."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > deadline:
            return value
        time.sleep(PAUSE_SECONDS)
