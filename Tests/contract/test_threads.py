"""One process, one thread: names are looked up, certificates checked and bodies moved without another."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from fakehub import FakeNames, http

AT_ONCE = 200


def test_two_hundred_requests_at_once_to_a_hub_known_by_name_are_served_by_one_thread(start, hub):
    everybody = threading.Barrier(AT_ONCE)

    def together(*_):
        everybody.wait(15)
        return http(200, b"ok")

    hub.on("/together", together)
    names = FakeNames()
    gate = start(
        "--upstream",
        f"http://hub.test:{hub.port}",
        "--upstream-plaintext",
        "--dns-server",
        names.address,
        sandbox=False,
        HF_TOKEN="hf_x",
    )
    assert gate.tasks == 1
    ask = b"GET /together HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    most = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = [pool.submit(gate.ask, ask, 20) for _ in range(AT_ONCE)]
        while not all(answer.done() for answer in answers):
            most = max(most, gate.tasks)
            time.sleep(0.005)
    names.close()
    # The Hub answered none before all of them were there: they were served at once.
    assert [answer.result().body for answer in answers] == [b"ok"] * AT_ONCE
    assert most == 1, f"{most} threads"
    assert names.questions and hub.accepted == AT_ONCE
    assert len(names.questions) <= 4, "each request asked for the name"


def test_the_sandbox_behind_tls_does_not_start_a_thread_either(gate):
    with ThreadPoolExecutor(50) as pool:
        answers = [
            pool.submit(gate.ask, b"GET /api/models/sandbox/demo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 20)
            for _ in range(100)
        ]
        most = 0
        while not all(answer.done() for answer in answers):
            most = max(most, gate.tasks)
            time.sleep(0.005)
    assert {answer.result().status for answer in answers} == {200}
    assert most == 1
