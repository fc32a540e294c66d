"""OpenAI's SDK from PyPI through a gateway: the sandbox is its router, or one that the test commands."""

import base64
import json
import struct

import pytest

from clients import FOLDER
from fakehub import http
from hub import Hub
from programs import OPENAI
from waiting import wait_until

PATH = "/v1/chat/completions"
JSON = b"Content-Type: application/json"
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
SAID = "You said: one two three"


def sdk(what, command):
    return pytest.mark.operation("OpenAI's SDK", command, what)


@pytest.fixture
def ask(start_program):
    assert OPENAI.exists(), f"There is no {OPENAI}: Tests/contract/run.sh makes it."

    def ask(gate, call, **variables):
        command = (OPENAI, FOLDER / "openai_calls.py", f"{gate.origin}/v1", call)
        done = start_program(gate).run(*command, SSL_CERT_FILE=str(gate.certificates.authority), **variables)
        return json.loads(done.stdout)

    return ask


@pytest.fixture
def routed(start_before, hub):
    """A gate whose router is `hub`, and whose Hub does not exist."""
    return start_before(hub, "--upstream", "http://127.0.0.1:9", "--inference-upstream", hub.url)


def event(text):
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    data = b"data: %s\n\n" % json.dumps(chunk).encode()
    return b"%x\r\n%s\r\n" % (len(data), data)


@sdk("An answer whole; the gateway's token pays", "chat.completions.create")
def test_an_answer_whole(ask, gate):
    before = len(Hub(gate).journal())
    answer = ask(gate, "complete")
    assert answer["text"] == SAID and answer["total"] > 0
    journal = Hub(gate).journal()[before:]
    assert [(entry["method"], entry["target"], entry["credential"]) for entry in journal] == [("POST", PATH, "sandbox")]


@pytest.mark.parametrize("call", ["stream", "stream_async"])
@sdk("An answer as it comes, with OpenAI and with AsyncOpenAI", "chat.completions.create(stream=True)")
def test_an_answer_as_it_comes(ask, gate, call):
    pieces = ask(gate, call)
    assert "".join(text for _, text in pieces) == SAID
    assert len({moment for moment, _ in pieces}) > 2


@sdk("A client that leaves ends the call at the router", "Stream.close")
def test_a_client_that_leaves_ends_the_call(ask, routed, hub):
    ended = []

    def answer(_, connection):
        connection.send(CHUNKED + event("one"))
        ended.append(connection.wait_for_end())

    hub.on(PATH, answer)
    assert ask(routed, "leave") == "one"
    assert wait_until(lambda: ended, 12) == [True] and len(hub.seen(PATH)) == 1


@sdk("The router's models", "models.list")
def test_models(ask, routed, hub):
    models = [{"id": f"acme/{name}", "object": "model", "created": 1, "owned_by": "acme"} for name in ("a", "b")]
    hub.on("/v1/models", lambda *_: http(200, json.dumps({"object": "list", "data": models}).encode(), JSON))
    assert ask(routed, "models") == ["acme/a", "acme/b"]
    assert hub.requests[-1]["Authorization"] == "Bearer hf_of_the_gate"


@sdk("Vectors, which the SDK asks for in base64", "embeddings.create")
def test_vectors(ask, routed, hub):
    numbers = base64.b64encode(struct.pack("<3f", 0.5, -1, 2)).decode()
    data = [{"object": "embedding", "index": 0, "embedding": numbers}]
    body = {"object": "list", "model": "m", "data": data, "usage": {"prompt_tokens": 1, "total_tokens": 1}}
    hub.on("/v1/embeddings", lambda *_: http(200, json.dumps(body).encode(), JSON))
    assert ask(routed, "embed") == [0.5, -1, 2]
    assert json.loads(hub.requests[-1].body)["encoding_format"] == "base64"


ERRORS = {
    400: "BadRequestError", 401: "AuthenticationError", 403: "PermissionDeniedError", 404: "NotFoundError",
    409: "ConflictError", 422: "UnprocessableEntityError", 429: "RateLimitError", 500: "InternalServerError",
    503: "InternalServerError",
}  # fmt: skip


@pytest.mark.parametrize(
    ("status", "kind"),
    [pytest.param(*error, marks=sdk(f"What the router's {error[0]} raises", error[1])) for error in ERRORS.items()],
)
def test_the_routers_errors_are_the_sdks_exceptions(ask, routed, hub, status, kind):
    body = json.dumps({"error": {"message": "not now", "type": "t", "code": "c"}}).encode()
    hub.on(PATH, lambda *_: http(status, body, JSON, b"X-Request-Id: of-the-router"))
    raised = ask(routed, "fail")
    assert kind in raised["kinds"] and raised["status"] == status and "not now" in raised["message"]
    assert raised["id"] == "of-the-router"


@sdk("What the gateway's own 502 raises: its request id, and its message in the exception's body", "InternalServerError")
def test_the_gateways_own_error_is_an_exception_too(ask, routed, hub):
    hub.on(PATH, lambda _, connection: connection.reset())
    raised = ask(routed, "fail")
    assert "InternalServerError" in raised["kinds"] and raised["status"] == 502
    # The SDK shows a message where it is an object's, in OpenAI's form; here it is a string, in the Hub's.
    assert raised["id"].startswith("hg-") and len(raised["body"]) > 30
    assert len(hub.seen(PATH)) == 1


@sdk("Waits as Retry-After says, and calls again", "OpenAI(max_retries=2)")
def test_the_sdk_retries_when_it_is_told_to(ask, routed, hub):
    answers = [http(429, b"{}", JSON, b"Retry-After: 1"), http(503, b"{}", JSON, b"Retry-After: 1")]
    model = {"id": "a", "object": "model", "created": 1, "owned_by": "o"}
    answers.append(http(200, json.dumps({"object": "list", "data": [model]}).encode(), JSON))
    hub.on("/v1/models", lambda *_: answers[len(hub.seen("/v1/models")) - 1])
    assert ask(routed, "retry") == "a"
    first, second, third = (request.arrived for request in hub.seen("/v1/models"))
    assert second - first >= 1 and third - second >= 1


@pytest.mark.parametrize("end", ["an error in an event", "a cut"])
@sdk("Raises where a stream brings an error, or breaks off", "chat.completions.create(stream=True)")
def test_a_stream_that_fails_does_not_look_whole(ask, routed, hub, end):
    def answer(_, connection):
        connection.send(CHUNKED + event("one"))
        if end == "a cut":
            return connection.reset()
        data = b'data: {"error": {"message": "no more", "code": 500}}\n\n'
        connection.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data))

    hub.on(PATH, answer)
    failed = ask(routed, "fail_in_stream")
    assert failed["seen"] == "one"
    assert ("APIError" if end != "a cut" else "APIConnectionError") in failed["kinds"], failed
