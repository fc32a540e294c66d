"""Several gates that share their files, and what they say to each other."""

import base64
import hashlib
import hmac
import re
import secrets
import time

from cached import figures
from file_cache import get
from ports import free_ports
from stored_files import digest

SECRET = "a-secret-of-replicas-that-is-long-enough"
PREFIX = "/-/peer/blobs/"


class Replicas:
    """`count` origins, some of which a test may serve itself; each gate has a cache of its own."""

    def __init__(self, start_before, hub, store, certificates, directory, count=3):
        self.start_before, self.hub, self.store, self.certificates, self.directory = start_before, hub, store, certificates, directory
        self.ports = free_ports(count)
        self.origins = [f"https://localhost:{port}" for port in self.ports]

    def secret(self, number, text=SECRET):
        path = self.directory / f"peer_secret_{number}"
        path.write_text(text + "\n")
        path.chmod(0o600)
        return path

    def settings(self, number, secret=SECRET):
        return {
            "cache_dir": self.cache(number), "peers": ",".join(self.origins), "peer_self": self.origins[number],
            "peer_secret_file": self.secret(number, secret), "peer_ca_file": self.certificates.authority,
        }  # fmt: skip

    def cache(self, number):
        return self.directory / f"cache-{number}"

    def start(self, number, *flags, secret=SECRET, **variables):
        given = [word for name, value in self.settings(number, secret).items() for word in ("--" + name.replace("_", "-"), str(value))]
        return self.begin(number, *given, *flags, **variables)

    def begin(self, number, *flags, **variables):
        """With these settings and no others."""
        listen = ("--listen", f"127.0.0.1:{self.ports[number]}")
        return self.start_before(self.hub, *listen, "--content-hosts", self.store.url, *flags, **variables)

    def owner(self, name):
        weight = lambda number: hashlib.sha256((self.origins[number] + name).encode()).digest()  # noqa: E731
        return max(range(len(self.origins)), key=weight)

    def put(self, path, size, owner):
        """A file that this replica fetches for all."""
        seed = next(seed for seed in range(1000) if self.owner(digest(self.store.put(path, size, seed=seed))) == owner)
        return self.store.put(path, size, seed=seed)


def code(text, key):
    made = hmac.new(key.encode(), text.encode(), "sha256").digest()
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def call(origin, name, size, first, last, source, /, *, secret=SECRET, age=0, nonce=None, method="GET", **changed):
    """A request of a replica's to `origin`. `changed`: what is other in it than what was signed."""
    said = {"name": name, "range": f"bytes={first}-{last}", "size": size, "source": base64.urlsafe_b64encode(source.encode()).rstrip(b"=").decode()}
    moment, nonce = int(time.time()) - age, nonce or secrets.token_hex(16)
    parts = ["GET", origin, PREFIX + name, said["range"], str(size), said["source"], str(moment), nonce]
    signature = f"1.{moment}.{nonce}.{code(chr(10).join(parts), code('hubgate: peers, 1', secret))}"
    sent = {**said, "signature": signature, **changed}
    return get(
        PREFIX + sent["name"], f"Range: {sent['range']}", f"X-Hubgate-Peer-Size: {sent['size']}", f"X-Hubgate-Peer-Source: {sent['source']}",
        *([f"X-Hubgate-Peer-Signature: {sent['signature']}"] if sent["signature"] else []), method=method,
    )  # fmt: skip


def peer_figures(gate):
    """What is counted of replicas, by result: of what it asked, and of what it was asked; and the bytes that came."""
    found = figures(gate, "hubgate_peer_")
    pick = lambda metric: {re.search(r'result="(\w+)"', name)[1]: value for name, value in found.items() if metric in name and value}  # noqa: E731
    return pick("peer_requests_total"), pick("peer_calls_total"), found["hubgate_peer_received_bytes_total"]
