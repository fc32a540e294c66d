"""The fuzzers: `make fuzz` runs them for long, with the sanitizers."""

import shutil
import subprocess

import pytest

from gate import ROOT


@pytest.mark.long
@pytest.mark.skipif(not shutil.which("swiftc"), reason="there is no Swift compiler here")
def test_the_fuzzer_of_the_parsers_in_swift_has_all_files_that_it_needs():
    done = subprocess.run([ROOT / "Tests/fuzz/swift/build.sh", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
