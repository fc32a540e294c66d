"""docs/COMPATIBILITY.md, printed from what the clients' tests have tried: a plugin of pytest.

A run of all the clients' tests fails if the operations or their results are no longer those of the committed page; the
exact versions may drift. `make compatibility` writes the page.
"""

import datetime
import difflib
import re

import pytest

import programs
from clients import LIBRARIES, VARIANTS
from gate import ROOT

PAGE = ROOT / "docs/COMPATIBILITY.md"
MODULES = {
    "test_hub_clients.py", "test_client_files.py", "test_client_file_system.py", "test_client_commands.py",
    "test_client_libraries.py", "test_curl_files.py", "test_downloaders.py", "test_git.py", "test_openai.py",
    "test_model_runners.py", "test_trusted_origins.py",
}
GROUPS = (
    ("The command line", re.compile(r"hf "), VARIANTS),
    ("Files", re.compile(r"(hf_hub_download|snapshot_download|get_hf_file_metadata|ModelCard)"), VARIANTS),
    ("`HfFileSystem`", re.compile(r"HfFileSystem\."), VARIANTS),
    ("`HfApi`", re.compile(r"HfApi\."), VARIANTS),
    ("Inference", re.compile(r"InferenceClient\."), VARIANTS),
    ("Exceptions, with the status behind them", re.compile(r"\w+Error \("), VARIANTS),
    ("Other libraries", re.compile(r"(datasets|transformers)\."), LIBRARIES),
)

HEAD = """\
# Clients that were tried

Printed by `make compatibility` from the results of `Tests/contract`, which runs the real clients from PyPI against a
gateway in its sandbox; `make test` fails when it finds others. The client's process can reach the gateway and nobody
else, and has no token.

**yes**: all tests that use it pass. **no**: one fails. **–**: this version was not tried, as it does not have it.
*Xet* is the clients' default, *LFS* is `HF_HUB_DISABLE_XET=1`; in an empty cell the same was not tried a second time, as
it does not depend on how large files go.

`datasets` also looks for ready-made Parquet at `datasets-server.` before the host of `HF_ENDPOINT`, and counts downloads
at `s3.amazonaws.com` (`HF_UPDATE_DOWNLOAD_COUNTS=0` stops that). It reaches neither here, and works.

"""


# Of the programs that are no client of the Hub's from PyPI.
PROGRAMS_HEAD = """\
## Other programs

As Debian 12 has them, and OpenAI's SDK from PyPI. Behind git and Git LFS is git's own server (`git http-backend`), as the
sandbox knows no git; the others meet the sandbox or, where it has not what they ask for, a Hub of the tests' own: models,
embeddings and errors of the router, and all below `/v2/`, which the gateway relays like any other path. llama.cpp and ollama
are not run: a test sends, to the letter, the requests that their source makes. In a **no** the text says what fails.

"""


class Results:
    def __init__(self):
        self.cells = {}
        self.programs = {}
        self.failed = set()
        self.versions = {}
        self.modules = set()
        self.is_partial = False

    # Where the tests run in several processes, each has some of the results and hands them to the one that prints.

    @property
    def handed_over(self):
        """Of what JSON and execnet know."""
        programs = [[*key, place, works] for key, (place, works) in self.programs.items()]
        return [self.cells, programs, self.versions, sorted(self.modules), self.is_partial]

    def take_in(self, handed_over):
        cells, programs, versions, modules, is_partial = handed_over
        for operation, works in cells.items():
            for variant, well in works.items():
                self._add_cell(operation, variant, well)
        for program, command, what, place, works in programs:
            self._add_program(program, command, what, place, works)
        self.versions |= versions
        self.modules |= set(modules)
        self.is_partial = self.is_partial or is_partial

    def add(self, report):
        if report.failed:
            self.failed.add(report.nodeid)
        tried = dict(report.user_properties).get("tried")
        if report.when != "teardown" or not tried:
            return
        self.versions[tried["variant"]] = tried["versions"]
        for operation in tried["operations"]:
            self._add_cell(operation, tried["variant"], report.nodeid not in self.failed)

    def _add_cell(self, operation, variant, works):
        cells = self.cells.setdefault(operation, {})
        cells[variant] = cells.get(variant, True) and works

    def add_program(self, test, report):
        """Of a test with a mark that names what a program does."""
        mark = test.get_closest_marker("operation")
        if not mark or report.when != "call" or report.skipped and not hasattr(report, "wasxfail"):
            return
        works = report.passed and not hasattr(report, "wasxfail")
        self._add_program(*mark.args, test.session.items.index(test), works)

    def _add_program(self, program, command, what, place, works):
        """`place` is the test's among all: rows keep the order of the tests."""
        before, worked = self.programs.get((program, command, what), (place, True))
        self.programs[program, command, what] = min(before, place), worked and works

    def _programs(self):
        lines = []
        rows = sorted(self.programs.items(), key=lambda row: row[1][0])
        for program in dict.fromkeys(program for (program, _, _), _ in rows):
            lines += [f"### {program}", "", f"| | | {programs.version(program)} |", "| --- | --- | --- |"]
            lines += [
                f"| `{command}` | {what} | {'yes' if works else 'no'} |"
                for (of, command, what), (_, works) in rows if of == program
            ]
            lines.append("")
        return PROGRAMS_HEAD + "\n".join(lines)

    @property
    def is_whole(self):
        return not self.is_partial and MODULES <= self.modules

    @property
    def tables(self):
        """Of each its title, its operations and its columns."""
        for title, pattern, variants in GROUPS:
            columns = [str(variant) for variant in variants]
            found = (operation for operation, works in self.cells.items() if works.keys() & set(columns))
            yield title, sorted(filter(pattern.match, found)), columns

    def _row(self, operation, columns):
        works = self.cells[operation]
        words = {True: "yes", False: "no"}
        tried = {column.rpartition("-")[0] for column in works}
        cells = [words.get(works.get(column), "" if column.rpartition("-")[0] in tried else "–") for column in columns]
        return f"| `{operation}` | {' | '.join(cells)} |"

    def _head(self, column):
        variant = next(variant for variant in (*VARIANTS, *LIBRARIES) if str(variant) == column)
        return f"{self.versions[column]['huggingface_hub']} {'Xet' if variant.uses_xet else 'LFS'}"

    def page(self):
        lines = []
        for title, operations, columns in self.tables:
            lines += [f"## {title}", ""]
            lines += [f"| | {' | '.join(map(self._head, columns))} |", f"| --- {'| --- ' * len(columns)}|"]
            lines += [*(self._row(operation, columns) for operation in operations), ""]
        lines += [self._programs(), "## Versions", "", f"Of {datetime.datetime.now(datetime.UTC).date()}.", ""]
        columns = [str(variant) for variant in (*VARIANTS, *LIBRARIES) if str(variant) in self.versions]
        of_series = {column.rpartition("-")[0]: self.versions[column] for column in columns}
        for series, versions in of_series.items():
            lines.append(f"- {series}: " + ", ".join(f"{name} {version}" for name, version in versions.items()))
        return HEAD + "\n".join(lines) + "\n"


def results_of(page):
    """What has to agree: the headings and the rows."""
    return [line for line in page.splitlines() if line.startswith(("| `", "## ", "### "))]


RESULTS = pytest.StashKey[Results]()


def pytest_addoption(parser):
    parser.addoption("--compatibility", action="store_true", help="write docs/COMPATIBILITY.md")


def pytest_configure(config):
    config.stash[RESULTS] = Results()


def pytest_deselected(items):
    if items:
        items[0].config.stash[RESULTS].is_partial = True


def pytest_collection_finish(session):
    session.config.stash[RESULTS].modules = {item.path.name for item in session.items}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    item.config.stash[RESULTS].add(report)
    item.config.stash[RESULTS].add_program(item, report)
    return report


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """pytest-xdist's: one of its processes has ended."""
    if handed_over := getattr(node, "workeroutput", {}).get("compatibility"):
        node.config.stash[RESULTS].take_in(handed_over)


def pytest_sessionfinish(session, exitstatus):
    results = session.config.stash[RESULTS]
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["compatibility"] = results.handed_over
        return
    if not results.is_whole or session.config.option.collectonly:
        return
    if session.config.option.compatibility:
        PAGE.write_text(results.page())
        return
    if exitstatus != pytest.ExitCode.OK:
        return  # What fails is said already.
    committed = PAGE.read_text() if PAGE.exists() else ""
    said, found = results_of(committed), results_of(results.page())
    difference = list(difflib.unified_diff(said, found, "committed", "found", n=0, lineterm=""))
    if difference:
        name = PAGE.relative_to(ROOT)
        print(f"\n{name} says otherwise than these tests (make compatibility writes it):", *difference, sep="\n")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
