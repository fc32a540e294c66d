"""A neighbour that is bound by memory: copies 64 MiB to and fro until it is ended."""

SIZE = 64 << 20
"""Bytes; more than the caches have, so that others' lines leave them."""


def main():
    here, there = memoryview(bytearray(b"\1") * SIZE), memoryview(bytearray(b"\2") * SIZE)
    while True:
        there[:] = here
        here, there = there, here


if __name__ == "__main__":
    main()
