"""A Hub, a gateway that pulls from it into a cache, and gateways that have the cache and no Hub."""

import json
import urllib.request

from clients import Variant
from gate import run
from hub import Hub
from stored_files import digest
from waiting import wait_until

TINY = "sandbox/tiny"
WEIGHTS = b"w" * 300_000
PATH = "/sandbox/tiny/resolve/main"


class Site:
    """`house` is the sandbox's Hub; `start` starts gates."""

    def __init__(self, start, directory):
        self.start, self.directory = start, directory
        self.house = start()
        self.hub = Hub(self.house)
        self.cache = directory / "cache"

    @classmethod
    def beside(cls, directory):
        """The command line alone, beside a gate of the test's."""
        site = cls.__new__(cls)
        site.directory, site.cache = directory, directory / "cache"
        return site

    def gate(self, *flags, cache=None, **variables):
        """Before the Hub, with the cache."""
        before = ("--upstream", self.hub.origin, "--content-hosts", self.hub.cdn, "--ca-file", str(self.hub.authority))
        options = {"HF_TOKEN": "hf_sandbox", **variables}
        return self.start(*before, "--cache-dir", str(cache or self.cache), "--xet", "hide", *flags, sandbox=False, **options)

    def off(self, *flags, cache=None, **variables):
        """Without a Hub."""
        return self.start("--upstream", "off", "--cache-dir", str(cache or self.cache), *flags, sandbox=False, **variables)

    def run(self, *words, cache=None, check=True, **variables):
        done = run(self.directory, "cache", *words, "--cache-dir", str(cache or self.cache), **variables)
        if check:
            assert done.returncode == 0, (words, done.returncode, done.stdout, done.stderr)
        return done

    def pull(self, *words, **options):
        """As soon as the gateway has taken its lock."""
        check, done = options.pop("check", True), []

        def is_taken():
            done.append(self.run("pull", *words, check=False, **options))
            return "no gateway runs" not in done[-1].stderr

        assert wait_until(is_taken, 10)
        assert not check or done[-1].returncode == 0, (words, done[-1].returncode, done[-1].stdout, done[-1].stderr)
        return done[-1]

    def pulled(self, *words, **options):
        """What came of an order, as JSON."""
        return json.loads(self.pull(*words, "--json", **options).stdout)

    def fill(self, repo=TINY):
        """A repository with files of both kinds."""
        self.hub.create(repo)
        self.hub.put_linked(repo, "weights.bin", WEIGHTS)
        for path, text in files().items():
            self.put(repo, path, text)
        return self

    def put(self, repo, path, text, kind="models"):
        lines = [{"key": "header", "value": {"summary": "put"}}, {"key": "file", "value": {"path": path, "content": text}}]
        body = "\n".join(json.dumps(line) for line in lines).encode()
        return self.hub.post(f"/api/{kind}/{repo}/commit/main", body, "application/x-ndjson")

    def set(self, repo, **settings):
        headers = {"Authorization": "Bearer hf_sandbox", "Content-Type": "application/json"}
        address = f"{self.hub.origin}/api/models/{repo}/settings"
        request = urllib.request.Request(address, json.dumps(settings).encode(), headers, method="PUT")
        urllib.request.urlopen(request, context=self.hub.context, timeout=10).close()

    def blob(self, content, cache=None):
        name = digest(content)
        return (cache or self.cache) / "blobs/sha256" / name[:2] / name

    def revisions(self, **options):
        return json.loads(self.run("revisions", "--json", **options).stdout)


def files():
    return {"config.json": '{"model_type": "bert"}', "data/deep/a.txt": "deep", "data/b.txt": "", "README.md": "# tiny"}


def stored():
    """The SHA-256 of each file of the repository, as a snapshot has them."""
    found = {path: digest(text.encode()) for path, text in files().items()}
    return {**found, "weights.bin": digest(WEIGHTS)}


def plain(series):
    return Variant(series, False)
