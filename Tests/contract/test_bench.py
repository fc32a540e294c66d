"""The bench's own arithmetic: what it reads out of wrk and callgrind, its ratios, verdicts and charts."""

import importlib.util
import pathlib
import sys
import time
import types
import xml.etree.ElementTree

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
import callgrind  # noqa: E402
import case  # noqa: E402
import case_heads  # noqa: E402
import cases  # noqa: E402
import charts  # noqa: E402
import document  # noqa: E402
import figures  # noqa: E402
import noise  # noqa: E402
import processes  # noqa: E402
import results  # noqa: E402
import tables  # noqa: E402
import wrk  # noqa: E402
from waiting import wait_until  # noqa: E402

_SPEC = importlib.util.spec_from_file_location("bench_main", document.ROOT / "bench/__main__.py")
main = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(main)

# With the blank that wrk puts behind a unit of one letter.
WRK = """
  Thread Stats   Avg      Stdev     Max   +/- Stdev
  Latency Distribution
     50%  656.00us
     75%    1.20ms
     99%    1.05s 
  133597 requests in 2.01s, 19.88MB read
"""

CALLGRIND = """events: Ir
ob=(1) /usr/bin/program
fn=(1) main
16 400
cob=(2) /usr/lib/libcrypto.so.3
cfn=(2) encrypt
calls=1 50
16 1000
ob=(2)
fn=(2)
+3 1000
ob=(1)
fn=(1)
* 50
totals: 1450
"""


def test_wrk_is_read_in_milliseconds_whatever_its_units():
    load = wrk.Load(WRK)
    assert (load.requests, load.seconds) == (133597, 2.01)
    assert (load.p50_ms, load.p99_ms) == (0.656, 1050)


def test_instructions_count_where_they_are_executed_and_not_again_where_they_were_called(tmp_path):
    out = tmp_path / "callgrind.out"
    out.write_text(CALLGRIND)
    assert callgrind.instructions(out) == {"/usr/bin/program": 450, "/usr/lib/libcrypto.so.3": 1000}


def test_a_callgrind_file_that_does_not_add_up_is_refused(tmp_path):
    out = tmp_path / "callgrind.out"
    out.write_text(CALLGRIND.replace("totals: 1450", "totals: 2450"))
    with pytest.raises(processes.BenchError):
        callgrind.instructions(out)


def test_a_ratio_is_the_median_of_the_rounds_own():
    rounds = figures.Rounds()
    for nginx, hubgate in (10, 11), (100, 300), (10, 12):
        rounds.add("nginx", cpu_us=nginx)
        rounds.add("hubgate", cpu_us=hubgate)
    assert rounds.ratio("hubgate", "cpu_us") == 1.2
    assert rounds.median("hubgate", "cpu_us") == 12


@pytest.mark.parametrize(
    ("bound", "at_least", "met"), [(1.2, False, True), (1.1, False, False), (1.2, True, True), (1.3, True, False)]
)
def test_a_target_is_met_up_to_its_bound(bound, at_least, met):
    rounds = figures.Rounds()
    rounds.add("nginx", cpu_us=10)
    rounds.add("hubgate", cpu_us=12)
    target = figures.Target("cpu_us", bound, "CPU", ratio=True, at_least=at_least)
    assert target.verdict(rounds)["met"] is met


def test_what_was_not_measured_is_neither_met_nor_missed():
    assert figures.Target("image_mb", 120, "image").verdict(figures.Rounds())["met"] is None


def test_a_machine_is_quiet_when_half_of_the_rounds_were_whatever_the_others_were():
    assert noise.is_quiet({"processor": [1.0, 1.1, 9.0], "memory": [1.0, 1.15, 1.2]})
    assert not noise.is_quiet({"processor": [1.0, 1.0, 1.0], "memory": [1.0, 1.2, 1.3]})


def test_noise_is_measured_and_said_with_the_figures_and_kept_with_them():
    measured = noise.Noise()
    first = measured.count
    measured.sample()
    found = measured.between(first, measured.count)
    # The wall clock over CPU time, of which the least is taken.
    assert {kind: len(values) for kind, values in found.items()} == {"processor": 1, "memory": 1}
    assert min(found["processor"] + found["memory"]) > 0.95
    rounds = figures.Rounds(noise={"processor": [1.0, 1.5, 1.0], "memory": [1.01, 3.0, 1.02]})
    rounds.add("nginx", cpu_us=10)
    kept = results.rounds_of(results.entry(rounds, "now", "here"))
    said = tables.case_table(case.Case("a", "A"), kept)
    assert said.endswith("Noise: processor 1.00 (worst 1.50), memory 1.02 (worst 3.00): quiet.")


def test_a_head_of_so_many_kib_has_them_and_the_slope_is_that_of_the_line():
    for size in case_heads.KIB:
        assert sum(len(line) + 2 for line in case_heads.heads()[f"kib_{size}"]) == size * 1024
    assert case_heads.slope([(5, 110), (20, 140), (60, 220)]) == pytest.approx(2)


class _Broken(case.Case):
    def estimate(self, options):
        return 1

    def run(self, bench, options, progress):
        raise processes.BenchError("it broke")


class _Good(_Broken):
    def run(self, bench, options, progress):
        return figures.Rounds()


def test_a_case_that_fails_takes_no_others_figures_with_it(capsys):
    options = types.SimpleNamespace(binary=pathlib.Path("hubgate"), rounds=1, seconds=1)
    measured, good = main.measure(options, [_Broken("broken", "Broken"), _Good("good", "Good")])
    assert list(measured) == ["good"] and not good and measured["good"].noise
    assert "Broken: FAILED. it broke" in capsys.readouterr().out


def test_a_case_that_hangs_is_ended():
    with pytest.raises(processes.BenchError, match="more than 1 s"), main.time_limit(1):
        time.sleep(20)


def test_what_a_case_has_started_ends_with_its_children():
    with processes.Processes() as started:
        process = started.start("parent", "sh", "-c", "sleep 100 & echo $!; wait")
        log = started.work / "parent.log"
        child = wait_until(lambda: log.read_text().strip())
        assert pathlib.Path(f"/proc/{child}").exists()

    def is_gone():
        stat = pathlib.Path(f"/proc/{child}/stat")
        try:
            return stat.read_text().rpartition(")")[2].split()[0] == "Z"
        except FileNotFoundError:
            return True

    assert wait_until(is_gone)


def test_every_case_is_described_in_the_document_and_all_take_less_than_twenty_six_minutes():
    options = types.SimpleNamespace(rounds=3, seconds=3)
    method = document.BENCHMARKS.read_text().partition("## Figures")[0]
    assert [case.name for case in cases.CASES if f"`{case.name}`" not in method] == []
    assert sum(case.estimate(options) for case in cases.CASES) < 26 * 60


def test_the_figures_are_written_directly_below_their_heading_and_nowhere_else():
    page = document.DOCUMENT.read_text()
    written = document.put_in(page, document.RESULT, "TARGETS")
    assert "\n## Result\n\n<!-- bench" in written and "TARGETS\n\n<!-- /bench -->\n\n## What is not met" in written
    assert "| Case " not in written
    heading, between = "## Result\n\n", "## What is not met\n\nProse.\n\n"
    with pytest.raises(SystemExit):
        document.put_in(page.replace(heading, heading + between), document.RESULT, "TARGETS")
    cases_page = document.put_in(document.BENCHMARKS.read_text(), document.FIGURES, "TABLES")
    assert cases_page.endswith("## Figures\n\n<!-- bench: written by `make bench WRITE=1` -->\n\nTABLES\n\n<!-- /bench -->\n")


def test_a_chart_is_well_formed_whatever_its_labels_are():
    bar_chart = pytest.importorskip("bar_chart", reason="matplotlib is in the bench's own environment", exc_type=ImportError)
    bars = [charts.Bar("a < b & c", 2, "2", "met", target=1), charts.Bar("nothing", 0, "0", "other", minor=True)]
    root = xml.etree.ElementTree.fromstring(bar_chart.chart("a \"chart\"", [charts.Panel("<title>", bars, line=1)]))
    said = "".join(root.itertext())
    assert root.tag.endswith("svg")
    for text in ('a "chart"', "a < b & c", "nothing", "<title>", "target met"):
        assert text in said, text


def test_the_charts_show_the_figures_of_the_latest_results():
    latest = results.load()
    panels = charts.panels({name: results.rounds_of(entry) for name, entry in latest["cases"].items()})
    assert list(panels) == list(charts.ALL)
    for name, of_chart in panels.items():
        root = xml.etree.ElementTree.parse(document.IMAGES / name).getroot()
        said = "\n".join(root.itertext())
        for panel in of_chart:
            assert panel.title in said
            for bar in panel.bars:
                assert bar.label in said and bar.text in said, (name, bar.label, bar.text)
