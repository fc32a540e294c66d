"""The table of the Hub's operations knows every call of the real clients."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from client_calls import calls, target_of
from clients import SERIES
from gate import ROOT

NAME = "[A-Za-z0-9._-]+"
KINDS = "(?:models|datasets|spaces|kernels)"
SLOTS = {
    "{T}": KINDS, "{id}": f"{NAME}(?:/{NAME})?", "{ns}": NAME, "{rev}": "[^/]+", "{path}": ".+", "{n}": "[0-9]+", "{x}": "[^/]+",
    "{page}": "(?:tree|blob|blame|commits|commit|discussions|edit|upload|settings|community|viewer|embed)(?:/.+)?",
}
# URLs that are shown to people or joined to by others, not called.
SHOWN = ("/jobs/", "/{repo_type}/{repo_id}")


@pytest.fixture(scope="module")
def rows():
    """(methods, pattern) of each row of the table that the program prints, at the Hub."""
    binary = os.environ.get("HUBGATE_BINARY", ROOT / ".build/debug/hubgate")
    page = subprocess.run([binary, "--print-docs", "operations"], capture_output=True, text=True, check=True).stdout
    found = []
    for methods, path, note in re.findall(r"^\| ([A-Z ]+) \| `([^`]+)` \|.*\| ([^|]*) \|$", page, re.M):
        if "at the router" in note:
            continue
        pattern = re.escape(path)
        for opening, closing in (("\\[", "(?:"), ("\\]", ")?")):
            pattern = pattern.replace(opening, closing)
        for slot, text in SLOTS.items():
            pattern = pattern.replace(re.escape(slot), text)
        found.append((methods.split() + (["HEAD"] if "GET" in methods else []), re.compile(pattern)))
    assert len(found) > 130
    return found


def package(series):
    code = "import huggingface_hub, pathlib; print(pathlib.Path(huggingface_hub.__file__).parent)"
    python = series.program("python")
    return Path(subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip())


@pytest.mark.parametrize("series", SERIES, ids=lambda series: series.name)
def test_every_call_of_the_client_has_a_row(rows, series):
    found = calls(package(series))
    assert sum(call.method is not None for call in found) > 80
    missing = []
    for call in found:
        if call.method is None and call.template.startswith(SHOWN):
            continue
        target = target_of(call.template)
        fitting = [methods for methods, pattern in rows if pattern.fullmatch(target)]
        if not any(call.method is None or call.method in methods for methods in fitting):
            missing.append(f"{call.where}: {call.method} {target}  ({call.template})")
    assert not missing, "\n".join(missing)


def test_the_corpora_are_what_their_generator_writes():
    generator = ROOT / "Tests/corpus/generate.py"
    done = subprocess.run([sys.executable, generator, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
