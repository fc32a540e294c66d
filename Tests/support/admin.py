"""The admin API as a program asks it."""

import json
import urllib.parse

HOST = b"Host: localhost"


class Admin:
    """With a key, or as a user of this machine; `fields` are sent with each request."""

    def __init__(self, gate, key=None, *fields):
        self.gate, self.key = gate, key
        self.fields = [HOST, b"Connection: close", *fields]
        if key:
            self.fields.append(b"Authorization: Bearer " + key.encode())

    def raw(self, method, path, body=None, *fields, prefix="/-/api"):
        head = [f"{method} {prefix}{path} HTTP/1.1".encode(), *self.fields, *fields]
        content = b""
        if body is not None:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            head.append(b"Content-Length: %d" % len(content))
            if not any(line.lower().startswith(b"content-type:") for line in fields):
                head.append(b"Content-Type: application/json")
        return self.gate.ask(b"\r\n".join(head) + b"\r\n\r\n" + content)

    def __call__(self, method, path, body=None, *fields, status=200, **query):
        if query:
            path += "?" + urllib.parse.urlencode(query)
        answer = self.raw(method, path, body, *fields)
        assert answer.status == status, (method, path, answer.status, answer.body)
        return answer.json

    def refused(self, method, path, status, body=None, *fields, code=None):
        answer = self.raw(method, path, body, *fields)
        answer.check_is_error(status, code)
        return answer


class Session:
    """A browser that has signed in: its cookie, and the token that its page knows."""

    def __init__(self, gate, key, *fields):
        answer = Admin(gate, None, *fields).raw("POST", "/session", {"key": key})
        assert answer.status == 200, answer.body
        self.cookie_line = answer["Set-Cookie"]
        self.token = self.cookie_line.partition("=")[2].partition(";")[0]
        self.csrf = answer.json["csrf_token"]
        self.cookie = b"Cookie: __Host-hubgate=" + self.token.encode()
        self.csrf_field = b"X-CSRF-Token: " + self.csrf.encode()

    def on(self, gate, *fields):
        """The admin API of a gateway with this session."""
        return Admin(gate, None, self.cookie, self.csrf_field, *fields)
