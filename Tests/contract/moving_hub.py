"""A Hub with repositories that can be moved, made private and deleted, which fails where a test says so."""

import json
import re

from fakehub import FakeHub, http
from policy import JSON

INFO = re.compile(r"/api/(model|dataset|space)s/([^/?]+/[^/?]+)(/settings)?(?:\?.*)?")
GONE = (b"X-Error-Code: RepoNotFound", b"X-Error-Message: Repository not found")


class MovingHub(FakeHub):
    """`repos`: by kind and name, what is there. A former name redirects, until something is created there. `faults` has for a step
    (look, settings, move, delete) a function that is called with (name, act) instead: it gives the response, None to close the connection,
    and may call `act` to do what was asked for."""

    def __init__(self):
        super().__init__()
        self.repos, self.former, self.faults, self.steps = {}, {}, {}, []
        self.serials = 0
        self.otherwise = self.answer

    def add(self, name, private=False, kind="model"):
        self.serials += 1
        self.former.pop((kind, name), None)
        self.repos[kind, name] = {"_id": f"{self.serials:024x}", "private": private}

    def names(self, kind="model"):
        return {name for of, name in list(self.repos) if of == kind}

    def trashed(self, kind="model"):
        return {name for name in self.names(kind) if name.partition("/")[2].startswith("hubgate-trash-")}

    def is_private(self, name, kind="model"):
        return self.repos[kind, name]["private"]

    def answer(self, request, _):
        body = json.loads(request.body) if request.body.startswith(b"{") else {}
        step, name, act = self.understand(request, body)
        self.steps.append((step, name))
        if fault := self.faults.get(step):
            return fault(name, act)
        return act()

    def understand(self, request, body):
        path = request.target.partition("?")[0]
        kind = body.get("type") or "model"
        named = "/".join(part for part in (body.get("organization") or "", body.get("name") or "") if part)
        if path == "/api/whoami-v2":
            return "account", "", lambda: self.json({"type": "user", "name": "robot", "orgs": [{"name": "acme", "roleInOrg": "write"}], "auth": {"accessToken": {"role": "write"}}})
        if path == "/api/repos/move":
            return "move", body["fromRepo"], lambda: self.move(kind, body["fromRepo"], body["toRepo"])
        if path == "/api/repos/delete":
            return "delete", named, lambda: self.delete(kind, named)
        if path == "/api/repos/create":
            return "create", named, lambda: self.create(kind, named, body)
        if found := INFO.fullmatch(request.target):
            kind, name, settings = found.groups()
            if settings:
                return "settings", name, lambda: self.change(kind, name, body)
            return "look", name, lambda: self.look(kind, name, request.target)
        if request.method == "GET" and (found := re.match(r"/api/(model|dataset|space)s(\?|$)", request.target)):
            return "list", "", lambda: self.list(found[1])
        # A file or a page: of a model.
        parts = path.split("/")
        name = "/".join(parts[1:3]).removesuffix(".git")
        return "page", name, lambda: self.look("model", name, request.target, write=lambda: http(200, b"content"))

    @staticmethod
    def json(value, status=200, *fields):
        return http(status, json.dumps(value).encode(), JSON, *fields)

    def absent(self):
        return self.json({"error": "Repository not found"}, 404, *GONE)

    def look(self, kind, name, target, write=None):
        if (kind, name) in self.repos:
            return write() if write else self.json({"id": name, **self.repos[kind, name]})
        new = name
        while (kind, new) in self.former:
            new = self.former[kind, new]
        if new == name or (kind, new) not in self.repos:
            return self.absent()
        return http(307, b"", b"Location: " + target.replace(name, new, 1).encode())

    def list(self, kind):
        return self.json([{"id": name, "private": self.is_private(name, kind)} for name in sorted(self.names(kind))])

    def create(self, kind, name, body):
        if (kind, name) in self.repos:
            return self.json({"error": "You already created this repo"}, 409)
        self.add(name, bool(body.get("private")), kind)
        return self.json({"url": f"{self.url}/{name}", "name": name})

    def move(self, kind, old, new):
        if (kind, old) not in self.repos:
            return self.absent()
        if (kind, new) in self.repos:
            return self.json({"error": "You already have a repo with this name"}, 409)
        self.repos[kind, new] = self.repos.pop((kind, old))
        self.former.pop((kind, new), None)
        self.former[kind, old] = new
        return http(200, b"OK")

    def delete(self, kind, name):
        return http(200, b"OK") if self.repos.pop((kind, name), None) else self.absent()

    def change(self, kind, name, body):
        if (kind, name) not in self.repos:
            return self.absent()
        self.repos[kind, name]["private"] = body["private"]
        return self.json({"private": body["private"]})
