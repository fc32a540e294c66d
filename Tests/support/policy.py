"""Requests under a scope, as policy.tsv decides them, sent to a gateway before a Hub that says what has reached it."""

import base64
import json
from dataclasses import dataclass

from certificates import ROOT
from fakehub import http

CREDENTIAL = "Bearer hf_of_the_gate"
JSON = b"Content-Type: application/json"


@dataclass(frozen=True)
class Case:
    """One line of policy.tsv."""

    scope: str
    method: str
    target: str
    content_type: str
    body: str
    decision: str

    @property
    def is_of_router(self):
        return self.target.startswith("ROUTER/")

    @property
    def path(self):
        return self.target.removeprefix("ROUTER")

    @property
    def content(self):
        return b"" if self.body == "-" else self.body.encode()

    @property
    def is_allowed(self):
        return self.decision in ("allow", "public", "filtered")

    @property
    def is_mutating(self):
        return self.method not in ("GET", "HEAD")

    @property
    def row(self):
        """The kind of request that it is, whatever its names are: the same for all of a row of the Hub's table."""
        path = self.target.partition("?")
        names = ("acme/team-a-x", "acme/secret", "other/y", "ACME/team-a-x", "Acme/Secret")
        for name in names:
            path = tuple(part.replace(name, "NAME") for part in path)
        return self.method, path, self.content_type


def cases():
    lines = (ROOT / "Tests/corpus/policy.tsv").read_text().splitlines()
    return [Case(*line.split("\t")) for line in lines if not line.startswith("#")]


def chosen(wanted=1500):
    """A choice that is the same each time: of each scope and decision each row once, then what is left at even distances."""
    everything = list(dict.fromkeys(cases()))
    first, rest, met = [], [], set()
    for case in everything:
        kind = case.scope, case.decision, case.row
        (rest if kind in met else first).append(case)
        met.add(kind)
    missing = max(0, wanted - len(first))
    step = max(1, len(rest) // missing) if missing else len(rest) + 1
    return first + rest[::step][:missing]


def flags(scope):
    """The command line's for a scope of policy.tsv."""
    for rule in scope.split("; "):
        denied = rule.removeprefix("deny ")
        yield from ("--deny", denied) if denied != rule else ("--allow", rule)


def make_keys(keys, scopes):
    """The key of each scope, and the name of it."""
    made = {scope: (f"scope-{number}", scope) for number, scope in enumerate(dict.fromkeys(scopes))}
    return {scope: (name, keys.create(name, *flags(scope))) for scope, (name, _) in made.items()}


def request(key, method, target, body=b"", *fields, content_type="application/json", scheme="Bearer"):
    """A request as bytes; `fields` are whole lines."""
    word = base64.b64encode(f"user:{key}".encode()).decode() if scheme == "Basic" else key
    lines = [f"{method} {target} HTTP/1.1".encode("latin-1"), b"Host: localhost"]
    if key:
        lines.append(f"Authorization: {scheme} {word}".encode())
    if body or method not in ("GET", "HEAD", "DELETE", "OPTIONS"):
        lines.append(b"Content-Length: %d" % len(body))
    if body and content_type:
        lines.append(b"Content-Type: " + content_type.encode())
    return b"\r\n".join([*lines, *fields]) + b"\r\n\r\n" + body


class Client:
    """Asks on a connection that is kept for as long as the gateway keeps it."""

    def __init__(self, gate):
        self.gate = gate
        self.connection = None

    def ask(self, raw):
        if self.connection is None:
            self.connection = self.gate.connect()
        self.connection.send_whatever_happens(raw)
        answer = self.connection.answer(raw.startswith(b"HEAD "))
        if answer.closes:
            self.close()
        return answer

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None


def answer_anything(*hubs):
    """Each answers whatever it is asked with a status that nothing is rewritten or followed for, and with a mark of its own."""
    for hub in hubs:
        hub.otherwise = lambda *_: http(409, b'{"error":"The Hub itself"}', JSON, b"X-Error-Code: OfTheHub")


def check_reached(case, seen, key):
    """Once, as it was sent, and with the right credential."""
    assert len(seen) == 1, (case, [(one.method, one.target) for one in seen])
    arrived = seen[0]
    assert (arrived.method, arrived.target, arrived.body) == (case.method, case.path, case.content), case
    assert arrived["Authorization"] == (None if case.decision == "public" else CREDENTIAL), case
    check_has_no_key(arrived, key)


def check_has_no_key(arrived, key):
    """Neither the key nor its secret, in clear or as git sends it."""
    everything = arrived.head + arrived.body
    for text in (key, key[14:], base64.b64encode(f"user:{key}".encode()).decode()):
        assert text.encode() not in everything, arrived.target


def check_refusal(case, answer):
    """What the client is told, from which its library makes its exception."""
    status, _, action = case.decision.partition(" ")
    if status == "400":
        assert answer.status in (400, 415), (case, answer.status)
    else:
        assert answer.status == int(status), (case, answer.status, answer.body)
    if case.method != "HEAD":
        assert json.loads(answer.body)["error"] == answer["X-Error-Message"], case
    message, code = answer["X-Error-Message"], answer["X-Error-Code"]
    if status == "404":
        assert (code, message) == ("RepoNotFound", "Repository not found"), case
        return
    assert code and code not in ("RepoNotFound", "OfTheHub") and message, case
    if action:
        assert f'allows "{action}"' in message, (case, message)
    elif status == "403":
        # Not understood, as a path or as an operation.
        assert "more than one way" in message or 'allows "other"' in message, (case, message)
