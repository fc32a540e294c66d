"""What a case is, and how its servers take turns."""

from figures import Rounds


class Column:
    """A column of a printed table: which figure, under which heading, with the spread of its rounds or without."""

    def __init__(self, figure, heading, spread=False, unit=""):
        self.figure, self.heading, self.spread, self.unit = figure, heading, spread, unit


CONTENT_COLUMNS = (
    Column("gb_per_second", "GB/s", spread=True),
    Column("cpu_s_per_gb", "CPU s/GB", spread=True),
    Column("peak_mib", "peak RSS over idle, MiB"),
    Column("busy", "core busy"),
)
"""Of cases that measure how large content is carried."""


class Case:
    """One row of the bench. A subclass says how a round is measured."""

    columns = ()
    compared = None
    """The figure that is shown as a ratio to the reference's."""
    servers = ("nginx", "haproxy", "hubgate")
    subject, reference = "hubgate", "nginx"
    contended = False
    """Whether a neighbour works beside it on purpose."""

    def __init__(self, name, title, targets=()):
        self.name, self.title, self.targets = name, title, targets

    def missing(self, bench):
        """Why it cannot be measured here; None if it can."""
        return None

    def estimate(self, options):
        """About how many seconds it takes, for the time left."""
        raise NotImplementedError

    def run(self, bench, options, progress):
        """Starts what it needs, measures, stops it; the rounds."""
        raise NotImplementedError

    def remarks(self, rounds):
        """What is to be said below the table, in Markdown."""
        return ""

    def interleaved(self, bench, servers, rounds, measure, progress):
        """Every server once a round, so that what the machine does meanwhile hits all of them."""
        measured = Rounds(self.subject, self.reference)
        for number in range(rounds):
            for server in servers:
                progress.step(f"round {number + 1}/{rounds} {server.name}")
                measured.add(server.name, **measure(server))
                bench.noise.sample()
        return measured
