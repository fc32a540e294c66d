"""What the figures were measured on and with."""

import os
import pathlib
import platform
import re
import subprocess

from processes import run

PACKAGES = {
    "nginx": "nginx", "HAProxy": "haproxy", "wrk": "wrk", "valgrind": "valgrind", "strace": "strace",
    "libevent": "libevent-dev", "libcurl": "libcurl4-openssl-dev", "OpenSSL": "libssl-dev", "mimalloc": "libmimalloc-dev",
    "curl": "curl",
}


def machine():
    """One line on the machine."""
    processor = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    virtual = ", virtual" if "hypervisor" in pathlib.Path("/proc/cpuinfo").read_text() else ""
    name = processor.group(1) if processor else platform.machine()
    return f"{name}, {os.cpu_count()} cores{virtual}, {memory:.0f} GiB, Linux {platform.release().split('-')[0]}"


def versions(binary):
    """By name; Debian's version where it is a package."""
    found = {"hubgate": run(binary, "--version").split()[1]}
    for name, package in PACKAGES.items():
        said = subprocess.run(
            ["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True, check=False
        )
        if said.returncode == 0:
            found[name] = said.stdout.strip()
    swift = re.search(r"Swift version ([\d.]+)", run("swift", "--version"))
    if swift:
        found["Swift"] = swift.group(1)
    return found


def commit(root):
    """The one checked out, with `-dirty` where files differ from it."""
    return run("git", "-C", root, "describe", "--always", "--dirty", "--exclude", "*").strip()


def others_load():
    """How many processes wanted a core in the last minute: a measurement wants this near 0 at its start."""
    return os.getloadavg()[0]
