"""A short run of wrk where there is one: many connections, no error."""

import re
import shutil
import subprocess

import pytest

from gate import IS_SANITIZED


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
@pytest.mark.skipif(IS_SANITIZED, reason="a sanitizer is too slow to say anything here")
def test_two_seconds_of_64_connections_have_no_error(gate):
    done = subprocess.run(
        ["wrk", "-t1", "-c64", "-d2s", "--timeout", "2s", f"https://127.0.0.1:{gate.port}/api/account"],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert int(re.search(r"(\d+) requests in", done.stdout)[1]) > 200
    assert "Socket errors" not in done.stdout and "Non-2xx" not in done.stdout, done.stdout
    assert gate.tasks == 1
    assert gate.ask().status == 200
