"""The figures as tables, which read the same in a terminal and in Markdown."""

import statistics

import noise
from figures import short


def table(headings, rows):
    """Markdown with columns of one width each."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(3, *(len(row[place]) for row in [headings, *rows])) for place in range(len(headings))]
    lines = [_line(headings, widths), _line(["-" * width for width in widths], widths)]
    return "\n".join(lines + [_line(row, widths) for row in rows])


def _line(cells, widths):
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths)) + " |"


def case_table(case, rounds):
    """One row a server: medians, the spread where it matters, the ratio to the reference. Then the case's remarks."""
    columns = [column for column in case.columns if any(rounds.values(name, column.figure) for name in rounds.servers)]
    headings = [""] + [column.heading for column in columns]
    if case.compared:
        headings.append(f"ratio to {rounds.reference}")
    rows = []
    for name in rounds.servers:
        row = [name] + [_cell(column, rounds, name) for column in columns]
        if case.compared:
            ratios = rounds.ratios(name, case.compared)
            row.append("" if name == rounds.reference else _spread(rounds.ratio(name, case.compared), _ends(ratios)))
        rows.append(row)
    return "\n\n".join(part for part in (table(headings, rows), case.remarks(rounds), noise_line(case, rounds)) if part)


def noise_line(case, rounds):
    """What the machine's other work did to the case."""
    if not rounds.noise:
        return ""
    said = ", ".join(
        f"{kind} {short(statistics.median(values))} (worst {short(max(values))})" for kind, values in rounds.noise.items()
    )
    verdict = "with the neighbour at work" if case.contended else "quiet" if noise.is_quiet(rounds.noise) else "busy"
    return f"Noise: {said}: {verdict}."


def _cell(column, rounds, name):
    if column.figure in ("busy", "resumed"):
        return f"{rounds.median(name, column.figure):.0%}"
    if column.spread:
        return _spread(rounds.median(name, column.figure), rounds.spread(name, column.figure))
    return short(rounds.median(name, column.figure))


def _ends(values):
    return (min(values), max(values)) if values else None


def _spread(middle, ends):
    if ends is None:
        return short(middle)
    return f"{short(middle)} ({short(ends[0])} to {short(ends[1])})"


def verdict_table(titled):
    """`titled`: pairs of a case's title and one of its verdicts."""
    rows = []
    for title, verdict in titled:
        relation = "at least" if verdict["at_least"] else "at most"
        of = f" × {verdict['reference']}" if verdict["ratio"] else ""
        met = {True: "yes", False: "**no**", None: "not measured"}[verdict["met"]]
        rows.append([
            title, verdict["what"], short(verdict["measured"], verdict["unit"]) + (of if verdict["measured"] else ""),
            f"{relation} {short(verdict['bound'], verdict['unit'])}{of}", met,
        ])
    return table(["Case", "Figure", "Measured", "Target", "Met"], rows)
