"""A call that one client began goes on for those who wait for the same, whatever it waits for when that client leaves."""

import threading

import pytest

from cached import JSON, MODEL, Asking, get, in_flight
from fakehub import http
from test_metrics import eventually

SPENT = (b'RateLimit: "api";r=0;t=2', b'RateLimit-Policy: "fixed window";"api";q=500;w=300', b"Retry-After: 2")


class Hesitant:
    """A path that is refused for want of budget the first time, when the test says so."""

    def __init__(self, hub, path, first):
        self.arrived, self.go_on, self.count, self.first = threading.Event(), threading.Event(), 0, first
        hub.on(path, self.answer)

    def answer(self, request, connection):
        self.count += 1
        if self.count > 1:
            return http(200, b'"late"', JSON)
        self.arrived.set()
        self.go_on.wait(20)
        return self.first


@pytest.mark.parametrize("memory", ["64MiB", "0"])
def test_a_call_that_waits_for_budget_goes_on_when_its_client_leaves(start_before, hub, memory):
    model = Hesitant(hub, MODEL, http(429, b"no", *SPENT))
    gate = start_before(hub, HUBGATE_CACHE_MEMORY=memory)
    leader = gate.connect()
    leader.send(get(MODEL))
    assert model.arrived.wait(10)
    others = [Asking(gate, get(MODEL)) for _ in range(5)]
    in_flight(gate, 6)
    model.go_on.set()
    assert eventually(gate, lambda page: page("budget_waiting") == 1, 10)
    leader.close()
    assert [other.result().body for other in others] == [b'"late"'] * 5
    # And not one after the other.
    assert model.count == 2
    assert gate.wait_for_log(lambda line: line["status"] == 499)


def test_a_call_that_waits_for_budget_ends_when_all_have_left(start_before, hub):
    model = Hesitant(hub, MODEL, http(429, b"no", *SPENT))
    gate = start_before(hub)
    crowd = [gate.connect() for _ in range(3)]
    crowd[0].send(get(MODEL))
    assert model.arrived.wait(10)
    for connection in crowd[1:]:
        connection.send(get(MODEL))
    in_flight(gate, 3)
    model.go_on.set()
    assert eventually(gate, lambda page: page("budget_waiting") == 1, 10)
    for connection in crowd:
        connection.close()
    assert eventually(gate, lambda page: page("budget_waiting") == 0, 10)
    in_flight(gate, 0)
    assert model.count == 1


def test_who_waits_for_a_call_whose_client_has_left_is_told_why_it_failed(start_before, hub):
    """All the same, and by the one call that was made."""
    path, count = "/acme/m/resolve/main/config.json", []
    arrived, go_on = threading.Event(), threading.Event()

    def answer(request, connection):
        count.append(1)
        arrived.set()
        go_on.wait(20)
        connection.reset()

    hub.on(path, answer)
    gate = start_before(hub, "--connect-timeout", "2s")
    leader = gate.connect()
    leader.send(get(path, method="HEAD"))
    assert arrived.wait(10)
    others = [Asking(gate, get(path, method="HEAD")) for _ in range(4)]
    in_flight(gate, 5)
    leader.close()
    assert gate.wait_for_log(lambda line: line["status"] == 499)
    before = len(count)
    go_on.set()
    assert {other.result().status for other in others} == {502}
    assert len(count) <= before + 2
