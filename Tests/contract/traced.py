"""A gateway that exports traces: requests to it, and what it says of them."""

from test_metrics import Page

# The trace of a client, and its span, as the specification of W3C Trace Context has them.
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TARGET = "/api/models/acme/m"


def ask(gate, target=TARGET, *fields, method="GET"):
    head = [f"{method} {target} HTTP/1.1".encode(), b"Host: localhost", b"Connection: close", *fields]
    return gate.ask(b"\r\n".join(head) + b"\r\n\r\n")


def traceparent(trace=TRACE, span=PARENT, flags="01"):
    return f"traceparent: 00-{trace}-{span}-{flags}".encode()


def fill(gate, requests=256):
    """As many spans as go out at once: two for each request."""
    left = requests
    with gate.connect(60) as connection:
        while left:
            some = min(left, 32)
            connection.send(b"".join(b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % TARGET.encode() for _ in range(some)))
            for _ in range(some):
                assert connection.answer().status == 200
            left -= some


def fates(gate):
    page = Page(gate)
    return {fate: int(page("trace_spans_total", result=fate)) for fate in ("sent", "rejected", "failed", "dropped")}


def notices(gate):
    return [message for message in gate.messages if "otlp_endpoint" in message]
