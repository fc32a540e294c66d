"""What the tests of the file cache share: requests, the files on its disk, many clients at once, and a disk with faults."""

import os
import shutil
import struct
import subprocess
import threading
from pathlib import Path

from stored_files import digest
from waiting import wait_until

MIB = 1 << 20
PATH = "/acme/m/resolve/main/model.bin"


def get(path=PATH, *fields, method="GET"):
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", *fields, "", ""]).encode()


def file_of(cache, content, partial=False):
    name = digest(content)
    return cache / "blobs/sha256" / name[:2] / (name + (".part" if partial else ""))


def wait_until_whole(cache, content):
    assert wait_until(file_of(cache, content).exists, 20)


class Clients:
    """So many at once that all ask for the same; what each got."""

    def __init__(self, gate, requests):
        self.found = [None] * len(requests)
        self.taken = [0] * len(requests)
        self.threads = [
            threading.Thread(target=self._one, args=[gate, number, request], daemon=True) for number, request in enumerate(requests)
        ]
        for thread in self.threads:
            thread.start()

    def _one(self, gate, number, request):
        taken = bytearray()
        with gate.connect(timeout=60) as connection:
            connection.send(request)
            try:
                while part := connection.socket.recv(65536):
                    taken += part
                    self.taken[number] = len(taken)
            except OSError:
                pass
        head, _, body = bytes(taken).partition(b"\r\n\r\n")
        self.found[number] = (int(head.split()[1]) if head else None, body)

    def all(self):
        for thread in self.threads:
            thread.join(60)
        return self.found


def make_disk_faults(directory):
    """Compiles what stands between a gate and its disk."""
    library = directory / "disk_faults.so"
    flags = ["-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC"]
    subprocess.run(["clang", *flags, "-o", library, Path(__file__).with_name("disk_faults.c")], check=True, timeout=60)
    return library


class Disk:
    """What the disk under cache_dir does to a gate that is started with `self.variables`."""

    def __init__(self, directory, compiled):
        library, self.page = Path(shutil.copy(compiled, directory)), directory / "disk_faults"
        self.page.write_bytes(bytes(4096))
        # The processes that serve may have another user.
        self.page.chmod(0o666)
        for above in (directory, *directory.parents[:2]):
            os.chmod(above, os.stat(above).st_mode | 0o011)
        self.variables = {"LD_PRELOAD": str(library), "DISK_FAULTS": str(self.page)}

    def fails(self, *, write=0, read=0, stuck=False, old=False, cold=False):
        with open(self.page, "r+b") as page:
            page.write(struct.pack("4I", write, read, stuck, old))
            page.seek(28)
            page.write(struct.pack("I", cold))

    def _numbers(self, first, count):
        return struct.unpack_from(f"{count}I", self.page.read_bytes(), 4 * first)

    @property
    def stuck_reads(self):
        return self._numbers(4, 1)[0]

    @property
    def cold_openings(self):
        """How many blobs were opened, or are, while none was in memory."""
        return self._numbers(8, 1)[0]

    @property
    def listings(self):
        """How often a directory of revisions was listed."""
        return self._numbers(5, 1)[0]

    @property
    def deleters(self):
        """The processes that have deleted content: a name of it, or what it took of the disk."""
        return set(self._numbers(10, min(64, self._numbers(9, 1)[0])))

    @property
    def openings(self):
        """How often a file of revisions was opened to be read."""
        return self._numbers(6, 1)[0]
