"""A DNS server of the tests' own, over UDP and TCP, that does what a test tells it to."""

import ipaddress
import socket
import struct
import threading

from ports import connections

A, AAAA = 1, 28


def encoded(name):
    labels = [label.encode() for label in name.rstrip(".").split(".")]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


class NameServer:
    """Knows the addresses of `names`: {name: [address, …]}; another name does not exist.

    `truncates`: over UDP it says only that the response is too long. `silent`: it answers nothing."""

    def __init__(self, names, host="127.0.0.1", port=0, ttl=60, truncates=False, silent=False):
        self.names = {name.lower(): [ipaddress.ip_address(a) for a in found] for name, found in names.items()}
        self.ttl, self.truncates, self.silent = ttl, truncates, silent
        self.questions = []  # (transport, name, type)
        self.stream = socket.socket()
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.stream.bind((host, port))
        self.stream.listen(64)
        self.port = self.stream.getsockname()[1]
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagrams.bind((host, self.port))
        self.address = f"{host}:{self.port}"
        for serve in (self._serve_datagrams, self._serve_stream):
            threading.Thread(target=serve, daemon=True).start()

    def asked(self, name):
        return [question for question in self.questions if question[1] == name]

    def _serve_datagrams(self):
        while True:
            try:
                message, client = self.datagrams.recvfrom(4096)
            except OSError:
                return
            if not message:  # shut down
                return
            response = self._response(message, "udp")
            if response:
                self.datagrams.sendto(response, client)

    def _serve_stream(self):
        for connection in connections(self.stream):
            threading.Thread(target=self._serve_connection, args=[connection], daemon=True).start()

    def _serve_connection(self, connection):
        with connection, connection.makefile("rb") as stream:
            while (prefix := stream.read(2)) and len(prefix) == 2:
                response = self._response(stream.read(struct.unpack("!H", prefix)[0]), "tcp")
                if response:
                    connection.sendall(struct.pack("!H", len(response)) + response)

    def _response(self, message, transport):
        name, kind, end = self._question(message)
        self.questions.append((transport, name, kind))
        if self.silent:
            return None
        known = self.names.get(name)
        found = [a for a in known or [] if a.version == (4 if kind == A else 6)] if kind in (A, AAAA) else []
        flags = 0x8180 | (0 if known is not None else 3)
        if self.truncates and transport == "udp":
            flags, found = flags | 0x0200, []
        records = [
            encoded(name) + struct.pack("!HHIH", kind, 1, self.ttl, len(address.packed)) + address.packed
            for address in found
        ]
        return message[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, 0) + message[12:end] + b"".join(records)

    @staticmethod
    def _question(message):
        labels, at = [], 12
        while message[at]:
            labels.append(message[at + 1 : at + 1 + message[at]].decode())
            at += 1 + message[at]
        return ".".join(labels).lower(), struct.unpack("!H", message[at + 1 : at + 3])[0], at + 5

    def close(self):
        # Closing alone leaves it to the thread that waits on it.
        for listener in (self.datagrams, self.stream):
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()
