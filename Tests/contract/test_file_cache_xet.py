"""With a file cache large files come whole and once, also to clients that know Xet, whose uploads go by Xet still."""

import pytest

from clients import MEBIBYTE, SERIES, Variant, digest, noise
from file_cache import get
from hub import Hub

REPO = "sandbox/large"
CONTENT = noise(9 * MEBIBYTE + 5)


def by_origin(journal, origin):
    return [entry["target"].split("?")[0] for entry in journal if entry["origin"] == origin and entry["target"] != "/v1/telemetry"]


@pytest.mark.parametrize("series", SERIES, ids=lambda series: series.name)
def test_uploads_go_by_xet_and_downloads_come_once_for_all(start, fresh, cache, tmp_path, series):
    gate = start("--cache-dir", str(cache))
    hub = Hub(gate)
    clients = [fresh(Variant(series, True), gate, hub) for _ in range(3)]
    (tmp_path / "x.bin").write_bytes(CONTENT)
    clients[0]("create", REPO)
    clients[0]("upload_from", str(tmp_path / "x.bin"), REPO, "x.bin")
    up = hub.journal()
    assert [target for target in by_origin(up, "cas") if "/v1/xorbs/" in target] and not by_origin(up, "cdn")
    for number, client in enumerate(clients):
        assert client("download", REPO, "x.bin", str(tmp_path / f"cache-{number}")) == digest(CONTENT)
        assert client("metadata", REPO, "x.bin")["xet"] is None
    assert clients[1]("snapshot", REPO, str(tmp_path / "all"), ignore_patterns=".gitattributes") == {"x.bin": digest(CONTENT)}
    down = hub.journal()[len(up) :]
    assert not by_origin(down, "cas") and not [target for target in by_origin(down, "hub") if "/xet-" in target]
    assert len(by_origin(down, "cdn")) == 1
    hub.check_credentials()
    for client in clients:
        client.check_contacts()


@pytest.mark.parametrize(
    ("flags", "is_shown", "may_write"),
    [((), True, True), (("--cache-dir",), False, True), (("--xet", "uploads"), False, True), (("--cache-dir", "--xet", "carry"), True, True),
     (("--cache-dir", "--xet", "hide"), False, False)],
)  # fmt: skip
def test_what_a_setting_shows_of_xet(start, cache, flags, is_shown, may_write):
    gate = start(*[word for flag in flags for word in ((flag, str(cache)) if flag == "--cache-dir" else (flag,))])
    hub = Hub(gate)
    hub.create(REPO)
    hub.put_linked(REPO, "x.bin", CONTENT)
    head = gate.ask(get(f"/{REPO}/resolve/main/x.bin", method="HEAD"))
    shown = {name for name, value in head.headers if name.startswith("x-xet-") or name == "link" and "xet-" in value}
    assert bool(shown) == is_shown, shown
    listed = gate.ask(get(f"/api/models/{REPO}/tree/main")).body
    assert (b"xetHash" in listed) == is_shown
    read, write = (gate.ask(get(f"/api/models/{REPO}/xet-{kind}-token/main")) for kind in ("read", "write"))
    assert read.status == (200 if is_shown else 404) and write.status == (200 if may_write else 404)
    if may_write:
        assert write["X-Xet-Cas-Url"].startswith("https://localhost/-/signed/b")
    if not is_shown:
        word = "uploads" if may_write else "hide"
        assert f"xet = {word}" in read["X-Error-Message"] and "HF_HUB_DISABLE_XET=1" in read["X-Error-Message"]
