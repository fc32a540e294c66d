"""Ports of 127.0.0.1 for servers that have to be told one, ports that cannot be had, and the connections of a listener."""

import contextlib
import socket


def free_port():
    """A port that no process listens on now. Another one may take it first; the kernel gives each one out again late."""
    with unused_port() as port:
        return port


def free_ports(count):
    """So many of them, all different: each is held until the last is known."""
    with contextlib.ExitStack() as held:
        return [held.enter_context(unused_port()) for _ in range(count)]


@contextlib.contextmanager
def unused_port():
    """No process listens on it, and none can."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@contextlib.contextmanager
def taken_port():
    """A process listens on it, and sends nothing to clients that connect."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        yield held.getsockname()[1]


def accepts(port):
    """Whether a server accepts at it. A client may get the same port itself, and then connects to itself."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as plain:
        return plain.getsockname() != plain.getpeername()
    return False


def connections(listener):
    """The connections that come in at a listening socket, until it is closed."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        yield connection
