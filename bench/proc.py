"""What the kernel says about a process and its children: CPU and memory (proc(5))."""

import os
import pathlib
import re

TICKS = os.sysconf("SC_CLK_TCK")


def family(pid):
    """The process and its children, which for nginx, and for hubgate with workers, do the work."""
    return [pid, *children(pid)]


def children(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def cpu_seconds(pid):
    """User and system time of all of them, in steps of 1/SC_CLK_TCK."""
    ticks = 0
    for one in family(pid):
        fields = pathlib.Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


def resident_kib(pid):
    return _status(pid, "VmRSS")


def peak_kib(pid):
    """The most since the start, or since `reset_peak`."""
    return _status(pid, "VmHWM")


def reset_peak(pid):
    for one in family(pid):
        pathlib.Path(f"/proc/{one}/clear_refs").write_text("5")


def tracer(pid):
    """The process that traces it (strace, or valgrind's vgdb); 0 for none."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^TracerPid:\s+(\d+)$", status, re.MULTILINE).group(1))


def _status(pid, field):
    total = 0
    for one in family(pid):
        status = pathlib.Path(f"/proc/{one}/status").read_text()
        total += int(re.search(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE).group(1))
    return total
