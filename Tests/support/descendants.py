"""The processes of a gate with workers, as the kernel shows them."""

import os
from pathlib import Path

from waiting import wait_until


def children(gate):
    return [int(pid) for pid in Path(f"/proc/{gate.pid}/task/{gate.pid}/children").read_text().split()]


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def state_process_of(gate, keys):
    """The process that has the database open."""
    wanted = str(keys.database)

    def has_it_open(pid):
        try:
            return any(os.readlink(entry.path) == wanted for entry in os.scandir(f"/proc/{pid}/fd"))
        except FileNotFoundError:
            # A process, or a descriptor of its own, ended meanwhile.
            return False

    def found():
        pids = [pid for pid in children(gate) if has_it_open(pid)]
        return pids if len(pids) == 1 else None

    # One that has just been started opens it in a moment.
    pids = wait_until(found, 10)
    assert pids
    return pids[0]


def worker_of(gate, connection):
    """The pid of the worker that has the connection's other end."""
    mine = connection.socket.getsockname()[1]
    wanted = f":{gate.port:04X} ", f":{mine:04X} "
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if words[1].endswith(wanted[0].strip()) and words[2].endswith(wanted[1].strip()):
            inode = f"socket:[{words[9]}]"
            for pid in children(gate):
                if any(os.readlink(entry.path) == inode for entry in os.scandir(f"/proc/{pid}/fd") if os.path.islink(entry.path)):
                    return pid
    raise AssertionError("no worker has this connection")
