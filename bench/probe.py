"""A client that asks for a fixed reply again and again on one connection and says how long the longest took: probe.py PORT CA PID.

It reads lines: at each it prints the longest time in milliseconds since the last line. So what holds the loop up in between shows. Time is
the CPU time of the server, PID.
"""

import select
import socket
import ssl
import sys
import time

REQUEST = b"GET /-/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
PAUSE = 0.001
"""Between two requests, in seconds."""


def main():
    # clock_getcpuclockid(3) of Linux, which Python has for threads only.
    clock = ~int(sys.argv[3]) << 3 | 2
    context = ssl.create_default_context(cafile=sys.argv[2])
    context.check_hostname = False
    plain = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 60)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    longest = 0
    with context.wrap_socket(plain) as connection:
        print("ready", flush=True)
        while True:
            begun = time.clock_gettime(clock)
            connection.sendall(REQUEST)
            if not connection.recv(65536).startswith(b"HTTP/1.1 200 "):
                sys.exit("the fixed reply failed")
            longest = max(longest, time.clock_gettime(clock) - begun)
            if select.select([sys.stdin], [], [], PAUSE)[0]:
                if not sys.stdin.readline():
                    return
                print(longest * 1e3, flush=True)
                longest = 0


if __name__ == "__main__":
    main()
