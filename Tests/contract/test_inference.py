"""InferenceClient from PyPI through the gateway, with the sandbox behind it as the router; and what curl shows of the stream."""

import importlib.util
import json
import subprocess
import sys

import pytest

from fakehub import http
from gate import clean_environment
from hub import Hub
from waiting import wait_until

PATH = "/v1/chat/completions"
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
needs_client = pytest.mark.skipif(
    importlib.util.find_spec("huggingface_hub") is None, reason="this interpreter has no huggingface_hub"
)

# Prints the moment and the text of each piece, as JSON.
CLIENT = """
import json, sys, time
from huggingface_hub import InferenceClient

base, key, streams = sys.argv[1], sys.argv[2], sys.argv[3] == "stream"
chat = InferenceClient(base_url=base, api_key=key, bill_to="of-the-client")
answer = chat.chat_completion([{"role": "user", "content": "one two three"}], model="m", stream=streams)
if streams:
    pieces = [(time.monotonic(), event.choices[0].delta.content or "") for event in answer]
else:
    pieces = [(time.monotonic(), answer.choices[0].message.content)]
print(json.dumps(pieces))
"""


def ask(gate, base, *, key="hf_anything", streams=True):
    environment = clean_environment(
        gate.workspace,
        HF_HOME=str(gate.workspace / "hf"),
        SSL_CERT_FILE=str(gate.certificates.authority),
        REQUESTS_CA_BUNDLE=str(gate.certificates.authority),
    )
    done = subprocess.run(
        [sys.executable, "-c", CLIENT, base, key, "stream" if streams else "whole"], env=environment,
        capture_output=True, text=True, timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def asked(hub, before):
    return [(entry["method"], entry["target"], entry["credential"]) for entry in hub.journal()[before:]]


@needs_client
def test_the_client_gets_its_answer_whole_and_the_gateways_token_pays(gate):
    hub = Hub(gate)
    before = len(hub.journal())
    assert ask(gate, f"{gate.origin}/v1", streams=False)[0][1] == "You said: one two three"
    assert asked(hub, before) == [("POST", PATH, "sandbox")]


@needs_client
def test_the_client_gets_each_event_when_it_comes(gate):
    hub = Hub(gate)
    before = len(hub.journal())
    pieces = ask(gate, f"{gate.origin}/v1")
    assert "".join(text for _, text in pieces) == "You said: one two three"
    assert len({moment for moment, _ in pieces}) > 2 and pieces[-1][0] > pieces[0][0]
    assert asked(hub, before) == [("POST", PATH, "sandbox")]


@needs_client
def test_in_passthrough_access_the_client_pays(start):
    gate = start("--access", "passthrough")
    hub = Hub(gate)
    assert ask(gate, f"{gate.origin}/v1", key="hf_other", streams=False)[0][1] == "You said: one two three"
    assert asked(hub, 0) == [("POST", PATH, "other")]


# A router that the test commands: the Hub is another.


@pytest.fixture
def routed(start_before, hub):
    """A gate whose router is `hub`, and whose Hub does not exist."""

    def routed(*flags, **options):
        return start_before(hub, "--upstream", "http://127.0.0.1:9", "--inference-upstream", hub.url, *flags, **options)

    return routed


def test_events_are_flushed_as_they_come_and_pass_byte_for_byte(routed, hub):
    gate = routed()
    events = [b'data: {"n":1}\n\n', b": a comment\n\n", b'data: {"error":"in a 200"}\n\n', b"data: [DONE]\n\n"]
    received = []

    def answer(request, connection):
        connection.send(CHUNKED)
        for number, event in enumerate(events):
            connection.send(b"%x\r\n%s\r\n" % (len(event), event))
            # The next one is made when the client has read this one.
            assert wait_until(lambda: len(received) > number, 5)
        connection.send(b"0\r\n\r\n")

    hub.on(PATH, answer)
    with gate.connect() as client:
        client.send(f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.socket.recv(1)
        assert b"content-encoding" not in head.lower()
        for event in events:
            size = b""
            while not size.endswith(b"\r\n"):
                size += client.socket.recv(1)
            assert int(size, 16) == len(event), "one event, one chunk"
            body = b""
            while len(body) < len(event) + 2:
                body += client.socket.recv(len(event) + 2 - len(body))
            assert body == event + b"\r\n"
            received.append(event)


def test_a_client_that_leaves_ends_the_call_at_the_router(routed, hub):
    gate = routed()
    ended = []

    def answer(request, connection):
        connection.send(CHUNKED + b"5\r\ndata:\r\n")
        ended.append(connection.wait_for_end())

    hub.on(PATH, answer)
    with gate.connect() as client:
        client.send(f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        assert client.socket.recv(1)
    assert wait_until(lambda: ended, 12) == [True]
    assert len(hub.seen(PATH)) == 1
    line = gate.wait_for_log(lambda line: line["path"] == PATH)
    assert line and line["end"] == "cut"


def test_who_pays_is_the_setting_or_whom_the_client_names(routed, hub):
    for flags, wanted in (([], "mine"), (["--bill-to", "acme"], "acme")):
        gate = routed(*flags)
        hub.on(PATH, lambda *_: http(200, b"{}"))
        gate.curl(PATH, "-d", "{}", "-H", "X-HF-Bill-To: mine")
        assert hub.requests[-1]["X-HF-Bill-To"] == wanted
        assert hub.requests[-1]["Authorization"] == "Bearer hf_of_the_gate"


def test_metrics_tell_inference_from_the_relay(routed, hub):
    gate = routed()
    hub.on(PATH, lambda *_: http(200, b"{}"))
    gate.curl(PATH, "-d", "{}")
    page = gate.curl("/-/metrics").stdout.decode()
    assert 'hubgate_requests_total{route="inference",status="2xx"} 1\n' in page
    assert 'hubgate_requests_total{route="relay",status="2xx"} 0\n' in page


def test_a_call_that_costs_is_sent_once(routed, hub):
    gate = routed()
    hub.on(PATH, lambda request, connection: connection.reset())
    assert b"502" in gate.curl(PATH, "-d", "{}").stdout.split(b"\r\n")[0]
    assert len(hub.seen(PATH)) == 1


def test_another_hubs_token_does_not_go_to_the_default_router(start_before, hub):
    gate = start_before(hub)
    refused = gate.curl(PATH, "-d", "{}").stdout
    assert b" 404 " in refused.split(b"\r\n")[0] and b"inference_upstream" in refused
    assert not hub.requests
