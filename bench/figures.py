"""Figures of rounds: their median, their spread, the ratio to nginx, and whether a target is met."""

import statistics

REFERENCE = "nginx"


class Rounds:
    """What a case measured: for each server one dictionary of figures a round, rounds in the order they ran."""

    def __init__(self, servers=None):
        self.servers = servers if servers is not None else {}

    def add(self, server, **figures):
        self.servers.setdefault(server, []).append(figures)

    def values(self, server, figure):
        return [one[figure] for one in self.servers.get(server, []) if one.get(figure) is not None]

    def median(self, server, figure):
        values = self.values(server, figure)
        return statistics.median(values) if values else None

    def spread(self, server, figure):
        values = self.values(server, figure)
        return (min(values), max(values)) if values else None

    def ratios(self, server, figure):
        """To nginx, round by round: what slows a whole round down slows both."""
        pairs = zip(self.values(server, figure), self.values(REFERENCE, figure))
        return [mine / theirs for mine, theirs in pairs if theirs]

    def ratio(self, server, figure):
        ratios = self.ratios(server, figure)
        return statistics.median(ratios) if ratios else None


class Target:
    """A bound on a figure of hubgate's: on its median or, as `ratio`, on the median of its ratios to nginx."""

    def __init__(self, figure, bound, what, unit="", ratio=False, at_least=False):
        self.figure, self.bound, self.what, self.unit = figure, bound, what, unit
        self.ratio, self.at_least = ratio, at_least

    def measured(self, rounds):
        of = rounds.ratio if self.ratio else rounds.median
        return of("hubgate", self.figure)

    def verdict(self, rounds):
        """A row of the table of targets."""
        figure = self.measured(rounds)
        met = None
        if figure is not None:
            met = figure >= self.bound if self.at_least else figure <= self.bound
        return {
            "what": self.what, "measured": figure, "bound": self.bound, "unit": self.unit,
            "ratio": self.ratio, "at_least": self.at_least, "met": met,
        }


def short(value, unit=""):
    """Three digits that count."""
    if value is None:
        return "–"
    if value >= 1000:
        text = f"{value:,.0f}"
    elif value >= 100:
        text = f"{value:.0f}"
    elif value >= 10:
        text = f"{value:.1f}"
    else:
        text = f"{value:.2f}"
    return f"{text} {unit}".strip()
