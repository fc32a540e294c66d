"""What is shown in the charts of docs/PERFORMANCE.md, from the bench's own figures; bar_chart.py draws it."""

from cases import CASES
from figures import short

CPU = {
    "fixed": "fixed reply", "held": "held answer", "relayed": "relayed", "relayed-tls": "relayed, TLS upstream",
    "post": "POST of 1 KB", "post-tls": "POST of 1 KB, TLS upstream",
    "handshake": "full handshake", "resumed": "resumed handshake", "down": "1 GiB down",
    "down-tls": "1 GiB down, TLS upstream",
}
MEMORY = (
    ("idle", "kib_4000", "An idle TLS connection of 4,000, KiB"),
    ("slow-1000", "rss_mb", "Most memory with 1,000 requests at once, MB"),
    ("start", "rss_mb", "Memory after the start, MB"),
)
COUNTS = (
    ("instructions", "Instructions a request, libcrypto left out"), ("syscalls", "System calls a request"),
)
COUNTED = {"fixed": "fixed", "relayed": "relayed", "relayed_tls": "relayed, TLS"}
ALL = {
    "bench-cpu.svg": "Server CPU of hubgate and HAProxy as a multiple of nginx's, with the targets",
    "bench-counts.svg": "Instructions and system calls a request, nginx and hubgate, with the targets",
    "bench-memory.svg": "Memory of nginx, HAProxy and hubgate, with the targets",
}


class Bar:
    """`kind` is met, missed or other (a server beside hubgate); `target` a bound to mark, in the bar's unit. A `minor`
    bar is a thin one that belongs to the bar above it.
    """

    def __init__(self, label, value, text, kind, target=None, minor=False):
        self.label, self.value, self.text, self.kind, self.target = label, value, text, kind, target
        self.minor = minor


class Panel:
    """Bars on one scale; `line` marks a value through all of them."""

    def __init__(self, title, bars, line=None):
        self.title, self.bars, self.line = title, bars, line


def panels(measured):
    """By the chart's file the panels for which there are figures."""
    drawn = {
        name: [panel for panel in of_chart if panel.bars]
        for name, of_chart in zip(ALL, (_cpu(measured), _counts(measured), _memory(measured)), strict=True)
    }
    return {name: of_chart for name, of_chart in drawn.items() if of_chart}


def _target(case_name, figure, ratio=False):
    [case] = [case for case in CASES if case.name == case_name]
    for target in case.targets:
        if target.figure == figure and target.ratio == ratio:
            return target
    return None


def _bar(label, value, target, subject, minor=False):
    if not subject:
        return Bar(label, value, short(value), "other", minor=minor)
    met = target is None or value <= target.bound
    return Bar(label, value, short(value), "met" if met else "missed", target.bound if target else None)


def _cpu(measured):
    bars = []
    for name, label in CPU.items():
        if name not in measured:
            continue
        figure = "cpu_s_per_gb" if name.startswith("down") else "cpu_us"
        rounds = measured[name]
        bars.append(_bar(label, rounds.ratio("hubgate", figure), _target(name, figure, ratio=True), True))
        bars.append(_bar("HAProxy", rounds.ratio("haproxy", figure), None, False, minor=True))
    return [Panel("Server CPU as a multiple of nginx's (dashed: nginx)", bars, line=1.0)]


def _memory(measured):
    panels = []
    for name, figure, title in MEMORY:
        if name in measured:
            rounds = measured[name]
            bars = [
                _bar(server, rounds.median(server, figure), _target(name, figure), server == "hubgate")
                for server in ("hubgate", "nginx", "haproxy")
            ]
            panels.append(Panel(title, bars))
    return panels


def _counts(measured):
    panels = []
    for name, title in COUNTS:
        if name in measured:
            rounds = measured[name]
            bars = []
            for figure, label in COUNTED.items():
                bars.append(_bar(label, rounds.median("hubgate", figure), _target(name, figure), True))
                bars.append(_bar("nginx", rounds.median("nginx", figure), None, False, minor=True))
            panels.append(Panel(title, bars))
    return panels
