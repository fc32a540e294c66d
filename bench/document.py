"""Writes the targets into docs/PERFORMANCE.md and the figures of each case into docs/benchmarks.md, between their markers, and draws the charts."""

import pathlib

import charts
import noise
import results
from cases import CASES
from tables import case_table, verdict_table

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs/PERFORMANCE.md"
BENCHMARKS = ROOT / "docs/benchmarks.md"
IMAGES = ROOT / "docs/images"
# With their headings: prose between the two would leave a heading empty and the figures without one.
MARK, END = "<!-- bench: written by `make bench WRITE=1` -->\n", "<!-- /bench -->"
RESULT, FIGURES = f"## Result\n\n{MARK}", f"## Figures\n\n{MARK}"


def write(latest):
    measured = {name: results.rounds_of(entry) for name, entry in latest["cases"].items()}
    draw(measured)
    DOCUMENT.write_text(put_in(DOCUMENT.read_text(), RESULT, result(latest, measured)))
    BENCHMARKS.write_text(put_in(BENCHMARKS.read_text(), FIGURES, figures(measured)))


def draw(measured):
    import bar_chart  # matplotlib, which only this needs

    for name, panels in charts.panels(measured).items():
        (IMAGES / name).write_text(bar_chart.chart(charts.ALL[name], panels))


def put_in(document, begin, written):
    """The document with `written` in the place of what is between `begin` and the mark of the end."""
    before, _, rest = document.partition(begin)
    _, found, after = rest.partition(END)
    if not found:
        raise SystemExit(f"the document has no {begin!r} followed by {END}")
    return f"{before}{begin}\n{written}\n\n{END}{after}"


def result(latest, measured):
    """Markdown: how and on what, the charts, the targets."""
    parts = [_origin(latest), _noise(measured)]
    parts += [f"![{alt}](images/{name})" for name, alt in charts.ALL.items() if (IMAGES / name).exists()]
    parts += ["### Targets", targets(measured)]
    return "\n\n".join(part for part in parts if part)


def figures(measured):
    """Markdown: a table for each case."""
    shown = [case for case in CASES if case.name in measured]
    return "\n\n".join(f"**{case.title}**\n\n{case_table(case, measured[case.name])}" for case in shown)


def targets(measured):
    verdicts = [
        (case.title, target.verdict(measured[case.name]))
        for case in CASES if case.name in measured for target in case.targets
    ]
    return verdict_table(verdicts)


def _noise(measured):
    """Which figures to trust less."""
    told = [case.name for case in CASES if case.name in measured and measured[case.name].noise and not case.contended]
    busy = [name for name in told if not noise.is_quiet(measured[name].noise)]
    if not told:
        return ""
    if not busy:
        return "The machine was quiet all the time."
    return f"The machine was busy during {len(busy)} of {len(told)} cases: {', '.join(f'`{name}`' for name in busy)}."


def _origin(latest):
    dates = sorted({entry["date"][:10] for entry in latest["cases"].values()})
    commits = sorted({entry["commit"] for entry in latest["cases"].values()})
    versions = ", ".join(f"{name} {version}" for name, version in latest["versions"].items())
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    return (
        f"Measured on {when} at {', '.join(commits)}: {latest['machine']}. "
        f"{latest['rounds']} rounds of {latest['seconds']} s; medians, in brackets the lowest and the highest round."
        "\n\n"
        f"{versions}."
    )
