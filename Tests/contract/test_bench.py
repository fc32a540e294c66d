"""The bench's own arithmetic: what it reads out of wrk and callgrind, its ratios, verdicts and charts."""

import pathlib
import sys
import xml.etree.ElementTree

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
import callgrind  # noqa: E402
import charts  # noqa: E402
import document  # noqa: E402
import figures  # noqa: E402
import processes  # noqa: E402
import results  # noqa: E402
import wrk  # noqa: E402

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


def test_the_figures_are_written_directly_below_their_heading_and_nowhere_else():
    page = document.DOCUMENT.read_text()
    written = document.put_in(page, "FIGURES")
    assert "\n## Result\n\n<!-- bench" in written and "FIGURES\n\n<!-- /bench -->\n\n## What is not met" in written
    assert "| Case " not in written.partition("## Result")[2]
    heading, between = "## Result\n\n", "## What is not met\n\nProse.\n\n"
    with pytest.raises(SystemExit):
        document.put_in(page.replace(heading, heading + between), "FIGURES")


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
