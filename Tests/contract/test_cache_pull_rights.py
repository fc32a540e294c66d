"""A pull makes a file one of a repository only where that repository's own store has it: that the cache has its SHA-256 may be another repository's right."""

import random

import pytest

from cached import get
from fakehub import http
from pulled import Site
from stored_files import PIECE, digest
from test_cache_pull import COMMIT, entry, listed, listed_by
from waiting import wait_until

STOLEN = "/acme/m/resolve/main/stolen.bin"
SECRET = "/acme/private/resolve/main/secret.bin"


@pytest.fixture
def begin(hub, store, start_before, tmp_path):
    """A gateway with a cache in which another repository's file is, and acme/m with a pointer to that; its store has `other` there, or nothing."""
    site = Site.beside(tmp_path)
    flags = ("--content-hosts", store.url, "--cache-dir", str(site.cache), "--workers", "1")

    def begin(content, other):
        name = digest(content)
        listed_by(hub, [entry(), entry(path="stolen.bin", size=len(content), lfs={"oid": name})])
        if other is None:
            store.server.on(f"/m/{name}", lambda *_: http(404, b"NoSuchKey"))
        else:
            store.put_beside(f"/m/{name}", other)
        location = f"Location: {store.url}/m/{name}?X-Amz-Expires=3600".encode()
        linked = f'X-Linked-Etag: "{name}"'.encode(), b"X-Linked-Size: %d" % len(content)
        for revision in (COMMIT, "main"):
            hub.on(f"/acme/m/resolve/{revision}/stolen.bin", lambda *_: http(302, b"Found", location, *linked))
        hub.on(SECRET, lambda *_: store.redirect(name))
        gate = start_before(hub, *flags)
        assert gate.ask(get(SECRET), timeout=30).body == content
        assert wait_until(lambda: site.blob(content).exists(), 10)
        return site, gate

    begin.again = lambda: start_before(hub, *flags)
    return begin


def out_of_order(hub, path):
    hub.on(path, lambda *_: http(503, b"out of order"))


@pytest.mark.parametrize("has_other", [False, True])
@pytest.mark.parametrize("patterns", [(), ("--include", "a.txt")])
def test_a_pull_gives_a_repository_nothing_of_what_another_has(hub, store, begin, patterns, has_other):
    content = store.put("secret.bin", PIECE)
    other = random.Random(7).randbytes(PIECE) if has_other else None
    site, gate = begin(content, other)
    order = site.pulled("acme/m", "--detach", *patterns)
    wait_until(lambda: listed(site, order["id"])["status"] not in ("waiting", "running"), 10 if patterns else 3)
    answer = gate.ask(get(STOLEN), timeout=30)
    assert answer.body == other if has_other else answer.status == 502
    out_of_order(hub, STOLEN)
    assert content not in gate.ask(get(STOLEN), timeout=30).body
    assert (listed(site, order["id"])["status"] == "done") == bool(patterns)
    gate.stop()
    assert content not in begin.again().ask(get(STOLEN), timeout=30).body
    # Neither does a tree that is made of it.
    if patterns:
        site.run("export", str(site.directory / "tree"), check=False)
        assert all(content not in path.read_bytes() for path in (site.directory / "tree").rglob("*") if path.is_file())


def test_what_two_repositories_have_is_fetched_once_and_pulled_for_each(hub, store, begin):
    content = store.put("secret.bin", PIECE)
    site, gate = begin(content, content)
    assert site.pulled("acme/m")["status"] == "done"
    assert store.bytes_sent(content) == PIECE
    out_of_order(hub, STOLEN)
    asked = len(store.confirmed)
    # What has shown it once is believed.
    assert site.pulled("acme/m", "--include", "a.txt")["status"] == site.pulled("acme/m")["status"] == "done"
    assert len(store.confirmed) == asked
    gate.stop()
    assert begin.again().ask(get(STOLEN), timeout=30).body == content
