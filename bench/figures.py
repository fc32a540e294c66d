"""Figures of rounds: their median, their spread, the ratio to another server's, and whether a target is met."""

import statistics


class Rounds:
    """What a case measured: for each server one dictionary of figures a round, rounds in the order they ran.

    `subject` is the server that has targets; ratios are to `reference`. `noise` is what noise.py says of the time: a list for each kind of
    work.
    """

    def __init__(self, subject="hubgate", reference="nginx", servers=None, noise=None):
        self.subject, self.reference, self.noise = subject, reference, noise
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
        """Round by round: what slows a whole round down slows both."""
        pairs = zip(self.values(server, figure), self.values(self.reference, figure))
        return [mine / theirs for mine, theirs in pairs if theirs]

    def ratio(self, server, figure):
        ratios = self.ratios(server, figure)
        return statistics.median(ratios) if ratios else None


class Target:
    """A bound on a figure of the subject: on its median or, as `ratio`, on the median of its ratios."""

    def __init__(self, figure, bound, what, unit="", ratio=False, at_least=False):
        self.figure, self.bound, self.what, self.unit = figure, bound, what, unit
        self.ratio, self.at_least = ratio, at_least

    def measured(self, rounds):
        of = rounds.ratio if self.ratio else rounds.median
        return of(rounds.subject, self.figure)

    def verdict(self, rounds):
        """A row of the table of targets."""
        figure = self.measured(rounds)
        met = None
        if figure is not None:
            met = figure >= self.bound if self.at_least else figure <= self.bound
        return {
            "what": self.what, "measured": figure, "bound": self.bound, "unit": self.unit,
            "ratio": self.ratio, "reference": rounds.reference, "at_least": self.at_least, "met": met,
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
