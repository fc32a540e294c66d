"""A share of a core for single processes, by cgroups (version 1 or 2), where they are writable."""

import os
import pathlib

ROOT = pathlib.Path("/sys/fs/cgroup")
PERIOD_US = 10_000


def controller():
    """The directory to make groups in; None where that is not allowed."""
    for path in ROOT / "cpu", ROOT / "cpu,cpuacct":
        if (path / "cpu.cfs_quota_us").exists() or (path / "cpu.shares").exists():
            return path if os.access(path, os.W_OK) else None
    subtree = ROOT / "cgroup.subtree_control"
    if subtree.exists() and "cpu" in subtree.read_text().split() and os.access(ROOT, os.W_OK):
        return ROOT
    return None


class Quotas:
    """Groups of one process each, removed on leaving, when the processes have ended."""

    def __init__(self):
        self._parent = controller()
        self._groups = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for group in self._groups:
            for pid in (group / "cgroup.procs").read_text().split():
                (self._parent / "cgroup.procs").write_text(pid)
            group.rmdir()

    def give(self, pid, share):
        """`share` of one core, at most."""
        group = self._parent / f"hubgate-bench-{os.getpid()}-{len(self._groups)}"
        group.mkdir()
        self._groups.append(group)
        quota = int(share * PERIOD_US)
        if (group / "cpu.max").exists():
            (group / "cpu.max").write_text(f"{quota} {PERIOD_US}")
        else:
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
        (group / "cgroup.procs").write_text(str(pid))
