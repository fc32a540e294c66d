"""Tests/corpus as values; its README.md has the format."""

import re
from dataclasses import dataclass

from certificates import ROOT

ESCAPE = re.compile(rb"\\(?:\{(\d+)\*([^}]*)\}|x([0-9A-Fa-f]{2})|([rnt0\\]))")
PLAIN = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0", b"\\": b"\\"}


def unescaped(text):
    def value(found):
        count, repeated, byte, letter = found.groups()
        if count:
            return unescaped(repeated) * int(count)
        return bytes.fromhex(byte.decode()) if byte else PLAIN[letter]

    return ESCAPE.sub(value, text)


@dataclass(frozen=True)
class Target:
    """A request that reaches a handler."""

    method: str
    has_body: bool
    is_cut: bool


@dataclass(frozen=True)
class Line:
    id: str
    answers: int
    refusal: int | None
    rule: str
    targets: tuple
    raw: bytes


def read_target(text):
    words = text.split(" ")
    return Target(words[0], len(words) > 2, words[-1] == "cut")


def read_line(text):
    id, outcome, rule, _, targets, raw = text.split(b"\t")
    targets = () if targets == b"-" else tuple(read_target(target.decode("latin-1")) for target in targets.split(b";"))
    legal = outcome.startswith(b"ok ")
    answers = int(outcome[3:]) if legal else sum(not target.is_cut for target in targets) + 1
    return Line(id.decode(), answers, None if legal else int(outcome), rule.decode(), targets, unescaped(raw))


def lines():
    content = (ROOT / "Tests/corpus/requests.tsv").read_bytes()
    return [read_line(line) for line in content.split(b"\n") if line and not line.startswith(b"#")]


@dataclass(frozen=True)
class Response:
    id: str
    method: str
    outcome: str
    keeps: bool
    status: int | None  # None: no head passes
    length: int | None  # None: its content is cut
    raw: bytes


def responses():
    content = (ROOT / "Tests/corpus/responses.tsv").read_bytes()
    rows = [line.split(b"\t") for line in content.split(b"\n") if line and not line.startswith(b"#")]
    for id, method, outcome, keeps, answer, _, raw in rows:
        status, _, length = answer.decode().partition(" ")
        yield Response(
            id.decode(), method.decode(), outcome.decode(), keeps == b"keep",
            None if status == "-" else int(status), None if length in ("", "cut") else int(length), unescaped(raw),
        )


@dataclass(frozen=True)
class ProxyHeader:
    id: str
    outcome: str  # source, none, more, refused
    source: tuple | None  # address and port
    behind: int
    raw: bytes


def proxy_headers():
    content = (ROOT / "Tests/corpus/proxy_headers.tsv").read_bytes()
    rows = [line.split(b"\t") for line in content.split(b"\n") if line and not line.startswith(b"#")]
    for id, outcome, _, raw in rows:
        kind, *rest = outcome.decode().split(" ")
        source = (rest[0], int(rest[1])) if kind == "source" else None
        yield ProxyHeader(id.decode(), kind, source, int(rest[-1]) if rest else 0, unescaped(raw))


def parser_inputs():
    """What the parsers in Swift are given: the name of a property, and the bytes."""
    content = (ROOT / "Tests/corpus/parsers.tsv").read_bytes()
    for line in content.split(b"\n"):
        if line and not line.startswith(b"#"):
            name, raw = line.split(b"\t")
            yield name.decode(), unescaped(raw)
