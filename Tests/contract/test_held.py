"""Calls to the Hub that are made once for several callers: a caller that leaves does not end them, and no Hub makes them last."""

import threading
import time

import pytest

from fakehub import http, wait_until

ACCOUNT = b"GET /api/account HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
READY = b"GET /-/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
WHO = http(200, b'{"name":"me","type":"user"}', b"Content-Type: application/json")


def in_background(work):
    found = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()

    def result():
        thread.join()
        return found[0]

    return result


def test_who_asked_first_and_leaves_while_calls_are_scarce_takes_no_answer_from_others(start_before, hub):
    go_on = threading.Event()
    hub.on("/slow", lambda *_: go_on.wait(20) and http(200, b"slow"))
    hub.on("/api/whoami-v2", lambda *_: WHO)
    gate = start_before(hub, "--upstream-connections", "1")
    slow = in_background(lambda: gate.ask(ACCOUNT.replace(b"/api/account", b"/slow"), timeout=30))
    wait_until(lambda: hub.seen("/slow"))
    with gate.connect() as first:
        first.send(ACCOUNT)
        time.sleep(0.2)
        second = in_background(lambda: gate.ask(ACCOUNT, timeout=30))
        time.sleep(0.2)
    # Long enough for the gateway to see that the first has left.
    time.sleep(0.3)
    go_on.set()
    assert slow().body == b"slow"
    assert second().status == 200
    assert gate.ask(ACCOUNT).status == 200
    assert len(hub.seen("/api/whoami-v2")) == 1


def endless(piece, pause):
    def answer(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.send(b"%x\r\n" % len(piece) + piece + b"\r\n")
            time.sleep(pause)

    return answer


@pytest.mark.parametrize("request_", [ACCOUNT, READY], ids=["account", "ready"])
def test_an_answer_without_end_is_given_up_as_soon_as_it_is_too_large(start_before, hub, request_):
    hub.on("/api/whoami-v2", endless(b" " * 65536, 0.01))
    gate = start_before(hub)
    assert gate.ask(request_, timeout=15).status == (502 if request_ is ACCOUNT else 503)
    wait_until(lambda: not hub.open)


def test_a_small_answer_that_comes_byte_by_byte_has_a_time_limit(start_before, hub):
    hub.on("/api/whoami-v2", endless(b" ", 0.1))
    gate = start_before(hub, "--stall-timeout", "1s")
    assert gate.ask(ACCOUNT, timeout=15).status == 504
    wait_until(lambda: not hub.open)


def test_who_waits_for_anothers_call_waits_no_longer_than_for_their_own(start_before, hub):
    hub.on("/api/whoami-v2", endless(b" ", 0.1))
    gate = start_before(hub, "--request-timeout", "1s")
    first = in_background(lambda: gate.ask(ACCOUNT, timeout=15))
    second = in_background(lambda: gate.ask(ACCOUNT, timeout=15))
    assert (first().status, second().status) == (504, 504)
