"""Bar charts as SVG, by matplotlib. It is imported where charts are drawn only: to measure needs nothing from PyPI."""

import io

import matplotlib
from matplotlib import ticker
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402 - the backend comes first

WIDTH, ROW, HEADING, LEGEND = 7.9, 0.235, 0.62, 0.5
"""Inches."""
COLOURS = {"met": "#1a7f5a", "missed": "#bc5a00", "other": "#a8b1bb"}
INK, QUIET = "#1f2328", "#59636e"
STYLE = {
    "font.family": "sans-serif", "font.size": 9.5, "text.color": INK, "ytick.color": INK, "xtick.color": QUIET,
    "axes.edgecolor": "#d1d9e0",
    # Text stays text, and the same figures give the same file.
    "svg.fonttype": "none", "svg.hashsalt": "hubgate",
}


def chart(description, panels):
    """The SVG's text. `panels` are those of charts.py."""
    with pyplot.rc_context(STYLE):
        heights = [HEADING + ROW * len(panel.bars) for panel in panels]
        figure, axes = pyplot.subplots(
            len(panels), figsize=(WIDTH, sum(heights) + LEGEND), height_ratios=heights, squeeze=False, layout="constrained",
        )
        try:
            for panel, axis in zip(panels, axes[:, 0], strict=True):
                _draw(panel, axis)
            _explain(figure)
            figure.get_layout_engine().set(w_pad=0.12, h_pad=0.1)
            written = io.StringIO()
            figure.savefig(written, format="svg", metadata={"Title": description, "Date": None, "Creator": None})
        finally:
            pyplot.close(figure)
    # No blanks at line ends: the file is in git.
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines()) + "\n"


def _draw(panel, axis):
    places = range(len(panel.bars))
    axis.barh(
        places, [bar.value for bar in panel.bars], height=[0.42 if bar.minor else 0.72 for bar in panel.bars],
        color=[COLOURS[bar.kind] for bar in panel.bars],
    )
    axis.set_yticks(places, [bar.label for bar in panel.bars])
    axis.invert_yaxis()
    axis.set_title(panel.title, loc="left", fontsize=10.5, fontweight="bold")
    for place, bar, label in zip(places, panel.bars, axis.get_yticklabels(), strict=True):
        if bar.minor:
            label.set(color=QUIET, fontsize=8)
        if bar.target is not None:
            axis.plot([bar.target] * 2, [place - 0.45, place + 0.45], color=INK, linewidth=2.2, solid_capstyle="butt")
        axis.annotate(
            bar.text, (_end(bar, panel), place), xytext=(5, 0), textcoords="offset points", va="center",
            fontsize=8 if bar.minor else 9.5, color=QUIET if bar.minor else INK,
        )
    if panel.line is not None:
        axis.axvline(panel.line, color=QUIET, linestyle=(0, (3, 3)), linewidth=1)
    axis.set_xlim(0, 1.12 * _most(panel))
    axis.xaxis.set_major_formatter(ticker.StrMethodFormatter("{x:,g}"))
    axis.tick_params(axis="y", length=0)
    axis.tick_params(axis="x", labelsize=8)
    axis.spines[["top", "right"]].set_visible(False)


def _most(panel):
    return max([bar.value for bar in panel.bars] + [bar.target or 0 for bar in panel.bars] + [panel.line or 0]) or 1


def _end(bar, panel):
    """Where the bar's text begins: behind a mark that it would cover."""
    end = bar.value
    for mark in sorted(mark for mark in (bar.target, panel.line) if mark is not None):
        if end - 0.01 * _most(panel) < mark < end + (0.04 + 0.014 * len(bar.text)) * _most(panel):
            end = mark
    return end


def _explain(figure):
    said = {"met": "hubgate, target met", "missed": "hubgate, target missed", "other": "others"}
    marks = [Patch(color=COLOURS[kind], label=label) for kind, label in said.items()]
    marks.append(
        Line2D([], [], color=INK, linestyle="none", marker="|", markersize=11, markeredgewidth=2.2,
               label="target. Shorter is better.")
    )
    figure.legend(handles=marks, loc="outside lower left", ncols=len(marks), frameon=False, fontsize=8, handlelength=1.2)
