"""Who gets the traces that are exported, and that no receiver can hurt the gateway."""

import json
import re
import threading

import pytest

from fakehub import http
from gate import IS_SANITIZED, run
from policy import JSON
from ports import free_port
from receiver import PATH, Receiver, read
from traced import ask, fates, fill, notices
from waiting import wait_until


@pytest.fixture
def hub(hub):
    hub.otherwise = lambda *_: http(200, b"{}", JSON)
    return hub


@pytest.fixture
def begin(start_before, hub, receiver):
    return lambda *flags, **options: start_before(hub, "--otlp-endpoint", receiver.url, *flags, **options)


# Who gets it


def test_the_receiver_gets_its_own_fields_and_an_address_that_ends_right_stays(start_before, hub, receiver, tmp_path):
    file = tmp_path / "headers"
    file.write_text("x-api-key=a%20secret%2Ckey,Authorization=Basic%20abc\n")
    file.chmod(0o600)
    gate = start_before(hub, "--otlp-endpoint", receiver.url + PATH, "--otlp-headers-file", str(file), "--workers", "2")
    ask(gate)
    gate.stop()
    [request] = receiver.taken
    assert request.target == PATH and request["x-api-key"] == "a secret,key" and request["Authorization"] == "Basic abc"
    assert request["User-Agent"].startswith("hubgate/") and "secret" not in gate.errors


def test_a_receiver_over_tls_has_to_show_a_certificate_that_is_trusted(start_before, hub, certificates):
    secure = Receiver(certificates=certificates)
    address = f"https://localhost:{secure.port}"
    try:
        gate = start_before(hub, "--otlp-endpoint", address, "--ca-file", str(certificates.authority))
        ask(gate)
        gate.stop()
        assert len(secure.spans) == 2
        gate = start_before(hub, "--otlp-endpoint", address)
        ask(gate)
        gate.stop()
        assert len(secure.spans) == 2 and "certificate" in notices(gate)[0]
    finally:
        secure.close()


@pytest.mark.parametrize(
    ("flags", "variables", "reason"),
    [
        (("--otlp-headers", "a=b"), {}, "not accepted here"),
        (("--otlp-endpoint", "ftp://x"), {}, "neither https nor http"),
        (("--otlp-endpoint", "http://user@x"), {}, "user name"),
        (("--otlp-endpoint", "http://127.0.0.1:8080"), {}, "this gateway itself"),
        (("--otlp-endpoint", "http://collector:4318"), {"HUBGATE_OTLP_HEADERS": "a=topsecret"}, "in clear"),
        (("--otlp-endpoint", "https://collector"), {"HUBGATE_OTLP_HEADERS": "topsecret"}, "no name=value"),
        (("--otlp-endpoint", "https://collector"), {"HUBGATE_OTLP_HEADERS": "host=topsecret"}, "the gateway's own"),
        (("--otlp-endpoint", "https://collector"), {"HUBGATE_OTLP_HEADERS": "a=topsecret%0d%0ab"}, "not printable"),
        ((), {"HUBGATE_OTLP_HEADERS": "a=topsecret"}, "without otlp_endpoint"),
        (("--otlp-sample", "1.5"), {}, "from 0 to 1"),
        (("--otlp-sample", "-1"), {}, "from 0 to 1"),
        (("--otlp-sample", "nan"), {}, "from 0 to 1"),
        (("--otlp-headers-file", "/nowhere/x"), {}, "there is no file"),
    ],
)
def test_settings_that_make_no_sense_are_refused_without_a_word_of_the_secret(workspace, flags, variables, reason):
    done = run(workspace, "--check", *flags, **variables)
    assert done.returncode == 78 and reason in done.stderr and "topsecret" not in done.stderr, done.stderr


def test_the_settings_that_are_printed_hide_the_fields(workspace):
    done = run(workspace, "--print-config", "--otlp-endpoint", "https://c", HUBGATE_OTLP_HEADERS="a=topsecret")
    assert done.returncode == 0 and "topsecret" not in done.stdout and re.search(r"otlp_headers\s+= \*\*\*", done.stdout)


# Receivers that are no good


def test_a_batch_goes_out_when_it_is_full_and_again_when_the_receiver_says_later(begin, receiver):
    receiver.answers = [http(503, b"", b"Retry-After: 1"), http(429, b"")]
    gate = begin()
    fill(gate)
    assert wait_until(lambda: len(receiver.spans) == 512, 15)
    # On a slow machine it is no full batch, and another follows.
    first, second, third, *_ = receiver.seen(PATH)
    assert first.body == second.body == third.body and second.arrived - first.arrived >= 1
    assert wait_until(lambda: fates(gate) == {"sent": 512, "rejected": 0, "failed": 0, "dropped": 0})
    # Once when it begins to fail, and once when that is over.
    assert [("again" in notice) for notice in notices(gate)] == [False, True]


def test_spans_wait_for_a_receiver_that_is_not_there_yet(start_before, hub):
    port = free_port()
    gate = start_before(hub, "--otlp-endpoint", f"http://127.0.0.1:{port}")
    fill(gate)
    assert wait_until(lambda: notices(gate), 10)
    late = Receiver(port=port)
    try:
        assert wait_until(lambda: len(late.spans) == 512, 20)
        assert wait_until(lambda: len(notices(gate)) == 2, 5)
        # A batch that does not get full goes out all the same, after a while.
        ask(gate)
        assert wait_until(lambda: len(late.spans) == 514, 10)
    finally:
        gate.stop()
        late.close()


@pytest.mark.parametrize(("answer", "reason"), [
    (http(400, b'{"code":3}', b"Content-Type: application/json"), "answered 400"),
    (http(302, b"", b"Location: http://127.0.0.1:1/elsewhere"), "redirect is not followed"),
    (http(501, b""), "answered 501"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n" + b"x" * 70000, "more than 64 KiB"),
])
def test_what_a_receiver_does_not_take_is_given_up_and_counted(begin, receiver, answer, reason):
    receiver.answers = [answer]
    gate = begin()
    fill(gate)
    assert wait_until(lambda: fates(gate)["failed"] > 0, 10)
    [given_up, *others] = receiver.seen(PATH)
    assert fates(gate)["failed"] == len(read(given_up.body)) and all(other.body != given_up.body for other in others)
    assert reason in notices(gate)[0]
    fill(gate, 10)
    gate.stop()
    assert len(receiver.spans) >= 20


def test_spans_that_a_receiver_rejects_are_counted_and_told_once(begin, receiver):
    partial = json.dumps({"partialSuccess": {"rejectedSpans": "12", "errorMessage": "too old\x1b[2J"}}).encode()
    receiver.answers = [http(200, partial), http(200, partial)]
    gate = begin()
    fill(gate, 512)
    assert wait_until(lambda: fates(gate) == {"sent": 1000, "rejected": 24, "failed": 0, "dropped": 0}, 10)
    assert len(notices(gate)) == 1 and "rejects 12 spans: too old" in notices(gate)[0] and "\x1b" not in notices(gate)[0]


def test_an_endless_answer_is_cut(begin, receiver):
    ended = threading.Event()

    def endless(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                connection.send(b"1000\r\n" + b"x" * 4096 + b"\r\n")
        except OSError:
            ended.set()
            raise

    receiver.answers = [endless]
    gate = begin()
    fill(gate)
    assert ended.wait(10)
    assert wait_until(lambda: fates(gate)["failed"] == len(read(receiver.seen(PATH)[0].body)), 10)


@pytest.mark.skipif(IS_SANITIZED, reason="its memory is measured")
def test_a_receiver_that_never_answers_costs_bounded_memory_and_holds_up_nobody(begin, hub, receiver):
    over = threading.Event()
    receiver.answers = [lambda *_: over.wait(60) and None] * 20
    gate = begin()
    fill(gate)
    assert wait_until(lambda: receiver.seen(PATH), 10)
    before = gate.resident_bytes
    fill(gate, 2600)
    # What is under way, mostly 512, and 4096 that wait.
    under_way = len(read(receiver.seen(PATH)[0].body))
    assert wait_until(lambda: fates(gate)["dropped"] == 512 + 5200 - under_way - 4096), fates(gate)
    assert gate.resident_bytes - before < 32 << 20
    over.set()


def test_a_stop_waits_a_moment_for_a_receiver_and_no_longer(begin, receiver):
    over = threading.Event()
    receiver.answers = [lambda *_: over.wait(60) and None]
    gate = begin()
    ask(gate)
    gate.stop()
    over.set()
    assert len(receiver.seen(PATH)) == 1 and len(read(receiver.seen(PATH)[0].body)) == 2
