"""A Hub that has repositories of git, served by git's own server, and their large files in a store of another origin."""

import hashlib
import json
import os
import subprocess

from fakehub import http

LFS = b"Content-Type: application/vnd.git-lfs+json"


class HubOfGit:
    """Teaches a FakeHub one bare repository, at `/owner/name` and `/owner/name.git`, and a second one to hold its objects."""

    def __init__(self, hub, store, directory, name="acme/model"):
        self.hub, self.store, self.name = hub, store, name
        self.directory = directory / "hub"
        self.bare = self.directory / f"{name}.git"
        self.objects = {}
        self._git("init", "-q", "--bare", "-b", "main", self.bare)
        self._git("-C", self.bare, "config", "http.receivepack", "true")
        for path in (f"/{name}", f"/{name}.git"):
            for service in ("info/refs", "git-upload-pack", "git-receive-pack"):
                hub.on(f"{path}/{service}", self._serve)
        hub.on(f"/{name}.git/info/lfs/objects/batch", self._batch)
        hub.on(f"/{name}.git/info/lfs/objects/verify", self._verify)

    def _git(self, *arguments):
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.directory)}
        return subprocess.run(["git", *map(str, arguments)], check=True, capture_output=True, env=environment)

    def _serve(self, request, _):
        """What a web server does for git: CGI."""
        path, _, query = request.target.partition("?")
        service = path.removeprefix(f"/{self.name}").removeprefix(".git")
        environment = {
            "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(self.directory), "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{self.name}.git{service}", "QUERY_STRING": query, "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": request["Content-Type"] or "", "REMOTE_USER": "hub", "REMOTE_ADDR": "127.0.0.1",
            "HTTP_CONTENT_ENCODING": request["Content-Encoding"] or "", "GIT_PROTOCOL": request["Git-Protocol"] or "",
            "CONTENT_LENGTH": str(len(request.body)),
        }  # fmt: skip
        done = subprocess.run(["git", "http-backend"], input=request.body, env=environment, capture_output=True, check=True)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        fields = head.split(b"\r\n")
        status = next((int(field.split()[1]) for field in fields if field.startswith(b"Status:")), 200)
        return http(status, body, *(field for field in fields if not field.startswith(b"Status:")))

    def _batch(self, request, _):
        order = json.loads(request.body)
        objects = []
        for wanted in order["objects"]:
            oid, href = wanted["oid"], f"{self.store.url}/{wanted['oid']}?X-Amz-Expires=900&X-Amz-Signature=abc"
            self.store.on(f"/{oid}", self._store)
            is_here = oid in self.objects
            actions = {}
            if order["operation"] == "download" and is_here:
                actions = {"download": {"href": href}}
            elif order["operation"] == "upload" and not is_here:
                verify = f"{self.hub.url}/{self.name}.git/info/lfs/objects/verify"
                actions = {"upload": {"href": href}, "verify": {"href": verify}}
            objects.append({"oid": oid, "size": wanted["size"], "authenticated": True, "actions": actions})
        return http(200, json.dumps({"transfer": "basic", "objects": objects}).encode(), LFS)

    def _verify(self, request, _):
        order = json.loads(request.body)
        is_whole = len(self.objects.get(order["oid"], b"")) == order["size"]
        return http(200 if is_whole else 404, b"{}", LFS)

    def _store(self, request, _):
        assert request["Authorization"] is None, "a token came to the store"
        oid = request.target[1:].partition("?")[0]
        if request.method == "PUT":
            assert hashlib.sha256(request.body).hexdigest() == oid
            self.objects[oid] = request.body
            return http(200)
        return http(200, self.objects[oid], b"Content-Type: application/octet-stream")
