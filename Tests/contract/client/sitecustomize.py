"""Writes down whom a Python process with this folder in PYTHONPATH looks up and connects to: one `host port` a line."""

import os
import sys


def watch(path):
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def hook(event, arguments):
        if event == "socket.getaddrinfo":
            host, port = arguments[:2]
        elif event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
            host, port = arguments[1][:2]
        else:
            return
        os.write(log, f"{host.decode() if isinstance(host, bytes) else host} {port}\n".encode())

    sys.addaudithook(hook)


if "CONTACTS" in os.environ:
    watch(os.environ["CONTACTS"])
