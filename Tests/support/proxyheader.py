"""Headers of the PROXY protocol, versions 1 and 2, as a load balancer writes them (and, for the tests, as none should)."""

import socket
import struct

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LOCAL, PROXY = 0x20, 0x21
TCP4, TCP6, UNIX = 0x11, 0x21, 0x31
CRC32C = 3


def line(source="192.0.2.7", port=40000, family="TCP4", destination=None):
    destination = destination or ("198.51.100.1" if family == "TCP4" else "2001:db8::1")
    return f"PROXY {family} {source} {destination} {port} 443\r\n".encode()


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def tlv(kind, value):
    return struct.pack("!BH", kind, len(value)) + value


def block(source="192.0.2.7", port=40000, command=PROXY, family=TCP4, records=b"", checksum=None, length=None):
    """`checksum`: True adds the right one; a number adds that one."""
    if family == TCP4:
        addresses = socket.inet_pton(socket.AF_INET, source) + socket.inet_pton(socket.AF_INET, "198.51.100.1")
        addresses += struct.pack("!HH", port, 443)
    elif family == TCP6:
        addresses = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, "2001:db8::1")
        addresses += struct.pack("!HH", port, 443)
    elif family == UNIX:
        addresses = b"/run/a".ljust(108, b"\0") + b"/run/b".ljust(108, b"\0")
    else:
        addresses = b""
    if checksum is not None:
        records += tlv(CRC32C, bytes(4))
    body = addresses + records
    whole = SIGNATURE + struct.pack("!BBH", command, family, len(body) if length is None else length) + body
    if checksum is None:
        return whole
    return whole[:-4] + struct.pack("!I", crc32c(whole) if checksum is True else checksum)
