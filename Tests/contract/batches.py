"""What Git LFS asks: where objects are. A fake Hub that answers with addresses of its store, and a client that asks a gate."""

import json

from fakehub import http
from stored_files import digest

LFS = b"Content-Type: application/vnd.git-lfs+json"


class Batches:
    """The batch endpoint of a repository of the fake Hub. `edit` changes what is said of an object; the size is what the client says, as some servers do."""

    def __init__(self, hub, store, repo="acme/m"):
        self.store = store
        self.path = f"/{repo}.git/info/lfs/objects/batch"
        self.query = "X-Amz-Expires=900&response-content-type=application%2Fzip"
        self.edit = lambda entry: entry
        self.hides = set()
        hub.on(self.path, self._answer)

    def _answer(self, request, _):
        order = json.loads(request.body)
        assert order["operation"] == "download"
        entries = [self.edit(self._entry(wanted)) for wanted in order["objects"]]
        return http(200, json.dumps({"transfer": "basic", "objects": entries}).encode(), LFS)

    def _entry(self, wanted):
        entry = {"oid": wanted["oid"], "size": wanted["size"]}
        if wanted["oid"] not in self.store.files or wanted["oid"] in self.hides:
            return {**entry, "error": {"code": 404, "message": "Object does not exist"}}
        href = f"{self.store.url}/{wanted['oid']}?{self.query}"
        return {**entry, "authenticated": True, "actions": {"download": {"href": href, "expires_in": 900}}}

    def ask(self, gate, *objects, fields=()):
        """The objects of the answer. An object is a content, or its name and what the client says of its size."""
        pairs = [wanted if isinstance(wanted, tuple) else (digest(wanted), len(wanted)) for wanted in objects]
        order = {"operation": "download", "transfers": ["basic"], "objects": [{"oid": oid, "size": size} for oid, size in pairs]}
        return ask_batch(gate, self.path, order, *fields)

    def address(self, gate, content, **options):
        """The path at the gate where one object is."""
        return address_of(gate, self.ask(gate, content, **options)[0])


def ask_batch(gate, path, order, *fields):
    body = json.dumps(order)
    lines = [f"POST {path} HTTP/1.1", f"Host: localhost:{gate.port}", "Connection: close", "Content-Type: application/vnd.git-lfs+json", f"Content-Length: {len(body)}"]
    answer = gate.ask("\r\n".join([*lines, *fields, "", body]).encode())
    assert answer.status == 200, (answer.status, answer.body)
    return json.loads(answer.body)["objects"]


def address_of(gate, entry):
    href = entry["actions"]["download"]["href"]
    assert href.startswith(f"{gate.origin}/-/signed/r"), href
    return href.removeprefix(gate.origin)
