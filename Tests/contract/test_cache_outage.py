"""The Hub is gone, and a team goes on with what it has asked for before: the real clients, each with a cache of its own that is empty."""

import json
import signal
import time

import pytest

from cached import get
from clients import BESIDE_THE_HUB, LIBRARIES, VARIANTS
from hub import Hub
from test_client_libraries import TOKENIZER, VOCABULARY

TINY = "sandbox/tiny"
FILES = {
    "config.json": json.dumps({"model_type": "bert", "hidden_size": 8, "vocab_size": len(VOCABULARY)}),
    "tokenizer.json": json.dumps(TOKENIZER),
    "tokenizer_config.json": json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]"}),
}


@pytest.fixture
def before_a_hub(start):
    """A gate with a cache before a sandbox's Hub that can be ended."""
    house = start()
    hub = Hub(house)
    flags = ("--upstream", hub.origin, "--content-hosts", hub.cdn, "--ca-file", str(hub.authority), "--metadata-ttl", "1s", "--metadata-stale", "0",
             "--xet", "hide")  # fmt: skip
    return house, hub, start(*flags, sandbox=False, HF_TOKEN="hf_sandbox", HUBGATE_CACHE_MEMORY="64MiB")


@pytest.mark.parametrize("variant", [variant for variant in VARIANTS if not variant.uses_xet], ids=str)
def test_what_was_downloaded_once_can_be_downloaded_while_the_hub_is_gone(before_a_hub, fresh, variant):
    house, hub, gate = before_a_hub
    first = fresh(variant, gate, hub)
    first("create", TINY, True)
    first("upload_texts", TINY, FILES)
    hub.put_linked(TINY, "weights.bin", b"w" * 300_000)
    had = {operation: first(operation, TINY, *arguments) for operation, arguments in (
        ("download", ("config.json", "one")), ("snapshot", ("two",)), ("files", ()), ("info", ()))}  # fmt: skip
    first.refuses("download", TINY, "adapter_config.json", "one")
    house.kill()
    time.sleep(1.2)
    second = fresh(variant, gate, hub)
    for operation, arguments in (("download", ("config.json", "one")), ("snapshot", ("two",)), ("files", ()), ("info", ())):
        assert second(operation, TINY, *arguments) == had[operation], operation
    # What is not there is known not to be there.
    assert second.refuses("download", TINY, "adapter_config.json", "one").kinds[0] in ("EntryNotFoundError", "RemoteEntryNotFoundError")
    said = gate.ask(get("/sandbox/tiny/resolve/main/config.json", "Accept-Encoding: identity", "Accept: */*", method="HEAD"), timeout=20)
    if said.status == 200:
        assert int(said["Age"]) >= 1 and "detail=stale-if-error" in said["Cache-Status"]
    second.check_contacts()


def test_a_model_and_a_data_set_are_loaded_while_the_hub_is_gone(before_a_hub, fresh, tmp_path):
    house, hub, gate = before_a_hub
    variant = LIBRARIES[1]
    first = fresh(variant, gate, hub)
    first("create", TINY, True)
    first("upload_texts", TINY, FILES)
    first("create", "sandbox/words", True, "dataset")
    (tmp_path / "file").write_text("\n".join(json.dumps({"word": word}) for word in VOCABULARY))
    first("upload_from", str(tmp_path / "file"), "sandbox/words", "data/train.jsonl", "dataset")
    first("load_config", TINY)
    first("tokenize", TINY, "hello world")
    words = first("load_dataset", "sandbox/words")
    house.kill()
    time.sleep(1.2)
    second = fresh(variant, gate, hub)
    assert second("load_config", TINY) == {"kind": "bert", "hidden_size": 8}
    assert second("tokenize", TINY, "hello new world") == [1, 0, 2]
    assert second("load_dataset", "sandbox/words") == words
    second.check_contacts(others=BESIDE_THE_HUB)


def test_the_outage_ends_when_the_hub_is_back(cached, hub):
    """And a stop of the gateway in the middle of it is in order."""
    broken = []
    hub.otherwise = lambda *_: (b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n" if broken else b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")
    gate = cached("--metadata-ttl", "1s", "--metadata-stale", "0")
    path = "/api/models/acme/m"
    gate.ask(get(path))
    broken.append(1)
    time.sleep(1.2)
    assert "stale-if-error" in gate.ask(get(path))["Cache-Status"]
    broken.clear()
    assert gate.ask(get(path))["Cache-Status"] == "hubgate; fwd=stale; stored"
    gate.signal(signal.SIGTERM)
    gate.wait_for_stop()
