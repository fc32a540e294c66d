"""The sandbox's own Hub and CDN, for tests that talk to them without the gateway."""

import hashlib
import json
import re
import ssl
import urllib.request
from urllib.parse import urlsplit


class Hub:
    """Behind a Gate that runs with --sandbox; both origins show one certificate, which only the handshake gives away."""

    def __init__(self, gate):
        found = next(m for m in map(re.compile(r"The sandbox's Hub: (\S+)\. Its CDN: (\S+)\.").search, gate.messages) if m)
        self.origin, self.cdn = found.groups()
        self.authority = gate.workspace / "sandbox-ca.pem"
        parts = urlsplit(self.origin)
        self.authority.write_text(ssl.get_server_certificate((parts.hostname, parts.port)))
        self.context = ssl.create_default_context(cafile=self.authority)

    def journal(self):
        """What reached it: origin (hub, cdn or cas), method, target, credential, authorization, bodyLength, status."""
        return self.get("/-/journal", token=None)

    def get(self, target, token="hf_sandbox"):
        """JSON of the Hub, or of another origin where `target` is a whole address."""
        address = target if target.startswith("https://") else self.origin + target
        request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"} if token else {})
        with urllib.request.urlopen(request, context=self.context, timeout=10) as answer:
            return json.load(answer)

    def post(self, target, body, media_type, token="hf_sandbox"):
        """Bytes to the Hub, and the JSON that it answers with."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": media_type}
        request = urllib.request.Request(self.origin + target, body, headers)
        with urllib.request.urlopen(request, context=self.context, timeout=10) as answer:
            return json.load(answer)

    def check_credentials(self, before=0):
        """What came after so many entries: only the gateway has a token, and it is for the Hub alone."""
        for entry in self.journal()[before:]:
            if entry["origin"] == "cdn":
                assert not entry["authorization"], f"a token came to the CDN: {entry}"
            elif entry["origin"] == "cas":
                assert entry["credential"] == "xet", f"not a token of Xet's: {entry}"
            elif entry["target"].startswith("/api/complete_multipart"):
                assert entry["credential"] == "none", f"who completes an upload shows no token: {entry}"
            elif entry["target"] == "/v1/telemetry":
                assert entry["credential"] != "unknown", f"a token of somebody's: {entry}"  # hf_xet's, of its own accord
            elif entry["target"] == "/api/agent-harnesses":
                assert entry["credential"] in ("none", "sandbox"), f"not the gateway's token: {entry}"
            else:
                assert entry["credential"] == "sandbox", f"not the gateway's token: {entry}"

    def create(self, repo, token="hf_sandbox"):
        """A model's repository."""
        owner, name = repo.split("/")
        body = json.dumps({"name": name, "organization": owner}).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.origin}/api/repos/create", body, headers)
        urllib.request.urlopen(request, context=self.context, timeout=10).close()

    def cut(self, etag, after):
        """The next whole download of the content with this ETag breaks off after so many bytes, once."""
        request = urllib.request.Request(f"{self.origin}/-/cut?etag={etag}&after={after}", method="POST")
        urllib.request.urlopen(request, context=self.context, timeout=10).close()

    def grant_xorbs(self, on):
        """Whether the CAS gives addresses of the CDN for xorbs, instead of taking them itself."""
        request = urllib.request.Request(f"{self.origin}/-/xorb-grants?on={int(on)}", method="POST")
        urllib.request.urlopen(request, context=self.context, timeout=10).close()

    def variables(self, home, token="hf_sandbox"):
        """The environment in which each of the real clients works against it."""
        return {
            "HF_ENDPOINT": self.origin,
            "HF_HOME": str(home),
            "HF_TOKEN": token,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "SSL_CERT_FILE": str(self.authority),
            "REQUESTS_CA_BUNDLE": str(self.authority),
        }

    def put_linked(self, repo, path, content, token="hf_sandbox"):
        """A file on the CDN in a model's repository, uploaded as the clients do, but straight to the Hub."""
        oid, size = hashlib.sha256(content).hexdigest(), len(content)

        def call(url, body, media_type, method="POST", token=token):
            headers = {"Content-Type": media_type, **({"Authorization": f"Bearer {token}"} if token else {})}
            request = urllib.request.Request(url, body, headers, method=method)
            with urllib.request.urlopen(request, context=self.context, timeout=10) as answer:
                return answer.read()

        order = {"operation": "upload", "transfers": ["basic"], "objects": [{"oid": oid, "size": size}]}
        lfs = "application/vnd.git-lfs+json"
        batch = call(f"{self.origin}/{repo}.git/info/lfs/objects/batch", json.dumps(order).encode(), lfs)
        actions = json.loads(batch)["objects"][0].get("actions")
        if actions:
            call(actions["upload"]["href"], content, "application/octet-stream", "PUT", token=None)
        lines = [
            {"key": "header", "value": {"summary": f"Upload {path}", "description": ""}},
            {"key": "lfsFile", "value": {"path": path, "algo": "sha256", "oid": oid, "size": size}},
        ]
        body = "\n".join(map(json.dumps, lines)).encode()
        call(f"{self.origin}/api/models/{repo}/commit/main", body, "application/x-ndjson")
