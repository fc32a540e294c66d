"""What the size of a request's head costs: instructions of a relayed request by the number of fields and by their length."""

import callgrind
import kept
from case import Case, Column
from case_counts import SMALL
from figures import Rounds

FIELDS = (5, 20, 60)
"""Of a few bytes each, beside Host."""
KIB = (1, 4, 16)
"""Of four fields, which are of the same length each."""
FEW = 4


def heads():
    """By the figure's name the lines of a head."""
    fields = {f"fields_{count}": [f"X-Field-{number:02}: {number:08}" for number in range(count)] for count in FIELDS}
    return fields | {f"kib_{size}": [_of_length(number, size * 1024 // FEW) for number in range(FEW)] for size in KIB}


def _of_length(number, length):
    name = f"X-Field-{number:02}: "
    return name + "x" * (length - len(name) - len("\r\n"))


def slope(points):
    """The least squares line's, of pairs."""
    middle_x, middle_y = (sum(values) / len(points) for values in zip(*points))
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / sum((x - middle_x) ** 2 for x, _ in points)


class HeadsCase(Case):
    columns = (
        *(Column(f"fields_{count}", f"{count} fields") for count in FIELDS),
        Column("a_field", "each field"),
        *(Column(f"kib_{size}", f"{size} KiB") for size in KIB),
        Column("a_kib", "each KiB"),
    )
    servers = ("nginx", "hubgate")

    def estimate(self, options):
        return len(self.servers) * (len(FIELDS) + len(KIB)) * 8

    def run(self, bench, options, progress):
        upstream = bench.upstream()
        rounds = Rounds()
        for name in self.servers:
            figures = {}
            for which, lines in heads().items():
                progress.step(f"{name} {which}")
                request = kept.request(SMALL, numbered=True, fields=lines)
                figures[which] = sum(callgrind.instructions_a_request(bench, name, upstream.plain, request).values())
            figures["a_field"] = slope([(count, figures[f"fields_{count}"]) for count in FIELDS])
            figures["a_kib"] = slope([(size, figures[f"kib_{size}"]) for size in KIB])
            rounds.add(name, **figures)
        bench.stop(upstream.process)
        return rounds
