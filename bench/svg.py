"""Bar charts as SVG, readable on light and on dark pages."""

from html import escape

WIDTH, MARGIN, LABELS, VALUES = 760, 20, 190, 80
HEADING, GAP = 30, 14
STYLE = """
text { font: 14px system-ui, -apple-system, "Segoe UI", "Helvetica Neue", sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.small { font-size: 12px; fill: #59636e }
.card { fill: #ffffff; stroke: #d1d9e0 }
.met { fill: #1a7f5a } .missed { fill: #bc5a00 } .other { fill: #a8b1bb }
.one { stroke: #59636e; stroke-dasharray: 3 3 }
.target { stroke: #1f2328; stroke-width: 3 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .small { fill: #9198a1 }
  .card { fill: #0d1117; stroke: #3d444d }
  .met { fill: #3fb68b } .missed { fill: #e0823d } .other { fill: #59636e }
  .one { stroke: #9198a1 } .target { stroke: #f0f6fc }
}
"""


class Bar:
    """`kind` is met, missed or other (a server beside hubgate); `target` a bound to mark, in the bar's unit. A `minor`
    bar is a thin one that belongs to the bar above it.
    """

    def __init__(self, label, value, text, kind, target=None, minor=False):
        self.label, self.value, self.text, self.kind, self.target = label, value, text, kind, target
        self.row, self.middle, self.thickness, self.text_kind = (23, 6, 7, "small") if minor else (22, 10, 14, "")


class Panel:
    """Bars on one scale; `line` marks a value through all of them."""

    def __init__(self, title, bars, line=None):
        self.title, self.bars, self.line = title, bars, line

    @property
    def height(self):
        return HEADING + sum(bar.row for bar in self.bars) + GAP


def chart(description, panels, legend):
    """`legend` is a sentence below the panels."""
    height = MARGIN + sum(panel.height for panel in panels) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="{escape(description)}">',
        f"<style>{STYLE}</style>",
        f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
    ]
    top = MARGIN
    for panel in panels:
        parts += _panel(panel, top)
        top += panel.height
    parts += _legend(legend, top + 8)
    return "\n".join(parts + ["</svg>", ""])


def _panel(panel, top):
    left = MARGIN + LABELS
    most = max([bar.value for bar in panel.bars] + [bar.target or 0 for bar in panel.bars] + [panel.line or 0])
    scale = (WIDTH - MARGIN - VALUES - left) / most
    parts = [_text(MARGIN, top + 14, panel.title, "title")]
    y = top + HEADING
    if panel.line is not None:
        parts.append(_line(left + panel.line * scale, y - 2, top + panel.height - GAP, "one"))
    for bar in panel.bars:
        parts += _bar(bar, left, y, scale, panel.line)
        y += bar.row
    return parts


def _bar(bar, left, y, scale, line):
    width = max(bar.value * scale, 1)
    middle = y + bar.middle
    parts = [
        _text(left - 10, middle + 5, bar.label, bar.text_kind, "end"),
        f'<rect class="{bar.kind}" x="{left}" y="{middle - bar.thickness / 2}" width="{width:.1f}" '
        f'height="{bar.thickness}" rx="2"/>',
    ]
    if bar.target is not None:
        parts.append(_line(left + bar.target * scale, middle - 10, middle + 10, "target"))
    # The text goes behind a mark that it would cover.
    marks = [mark * scale for mark in (bar.target, line) if mark is not None]
    behind = width
    for mark in sorted(marks):
        if behind - 4 < mark < behind + 45:
            behind = mark
    return parts + [_text(left + behind + 8, middle + 5, bar.text, bar.text_kind)]


def _legend(legend, y):
    parts, x = [], MARGIN
    for kind, said in (("met", "hubgate, target met"), ("missed", "hubgate, target missed"), ("other", "others")):
        parts.append(f'<rect class="{kind}" x="{x}" y="{y}" width="12" height="12" rx="2"/>')
        parts.append(_text(x + 18, y + 11, said, "small"))
        x += 30 + 7 * len(said)
    parts.append(_line(x + 2, y - 1, y + 13, "target"))
    parts.append(_text(x + 12, y + 11, f"target. {legend}", "small"))
    return parts


def _text(x, y, said, kind="", anchor="start"):
    return f'<text x="{x:.1f}" y="{y}" class="{kind}" text-anchor="{anchor}">{escape(said)}</text>'


def _line(x, top, bottom, kind):
    return f'<line class="{kind}" x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}"/>'
