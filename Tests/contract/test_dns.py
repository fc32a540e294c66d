"""How the Hub's name is looked up: resolv.conf(5) as other programs read it, and every address of a name."""

import os
import shutil
import socket
import subprocess
import time

import pytest

from fakehub import http, wait_until
from name_server import NameServer

ASK = b"GET /api/models/o/n HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
PORT = 53


def can_have_a_resolv_conf_of_its_own():
    if os.geteuid() != 0 or not shutil.which("unshare"):
        return False
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0


needs_own_resolv_conf = pytest.mark.skipif(
    not can_have_a_resolv_conf_of_its_own(), reason="only root may mount a resolv.conf for one process"
)


@pytest.fixture
def serve():
    """Starts name servers, and ends them."""
    servers = []

    def serve(names, **options):
        servers.append(NameServer(names, **options))
        return servers[-1]

    yield serve
    for server in servers:
        server.close()


@pytest.fixture
def hub(hub):
    hub.on("/api/models/o/n", lambda *_: http(200, b"found"))
    return hub


@pytest.fixture
def start_for(start, hub, tmp_path):
    """Starts a gateway whose Hub has a name; with `resolv_conf` it reads that instead of the machine's."""

    def start_for(name, *flags, resolv_conf=None, port=None):
        before = ()
        if resolv_conf is not None:
            path = tmp_path / "resolv.conf"
            path.write_text(resolv_conf)
            mount = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
            before = ("unshare", "--mount", "sh", "-c", mount, str(path))
        upstream = f"http://{name}:{port or hub.port}"
        return start(
            "--upstream", upstream, "--upstream-plaintext", *flags, sandbox=False, before=before, HF_TOKEN="hf_x"
        )

    return start_for


def ask(gate):
    answer = gate.ask(ASK, timeout=20)
    return answer.status, answer.body


FOUND = (200, b"found")


def test_a_truncated_response_is_asked_for_again_over_tcp(serve, start_for):
    names = serve({"hub.test": ["127.0.0.1"]}, truncates=True)
    assert ask(start_for("hub.test", "--dns-server", names.address)) == FOUND
    assert ("tcp", "hub.test", 1) in names.questions


def test_a_name_that_does_not_exist_is_a_502_that_names_it(serve, start_for):
    names = serve({})
    status, body = ask(start_for("hub.test", "--dns-server", names.address))
    assert status == 502 and b"hub.test" in body


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.9", "127.0.0.1"],
        ["127.0.0.9", "127.0.0.10", "127.0.0.11", "127.0.0.1"],
        ["::1", "127.0.0.1"],
        ["100::1", "127.0.0.1"],
    ],
    ids=str,
)
def test_every_address_of_a_name_is_tried_before_a_call_fails(serve, start_for, addresses):
    names = serve({"hub.test": addresses})
    assert ask(start_for("hub.test", "--dns-server", names.address)) == FOUND


def test_a_hub_that_has_an_ipv6_address_only_is_reached(serve, start_for):
    listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    names = serve({"hub.test": ["::1"]})
    gate = start_for("hub.test", "--dns-server", names.address, port=listener.getsockname()[1])
    with gate.connect(10) as client:
        client.send(ASK)
        listener.settimeout(10)
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.sendall(http(200, b"found"))
        assert client.answer().body == b"found"
        connection.close()
    listener.close()


def test_addresses_are_kept_for_as_long_as_the_server_says(serve, start_for, hub):
    names = serve({"hub.test": ["127.0.0.1"]}, ttl=30)
    gate = start_for("hub.test", "--dns-server", names.address)
    for _ in range(5):
        assert ask(gate) == FOUND
    assert len(names.asked("hub.test")) == 2, "one question for each kind of address"


@needs_own_resolv_conf
def test_name_servers_are_asked_in_the_order_of_resolv_conf(serve, start_for):
    first = serve({"hub.test": ["127.0.0.1"]}, host="127.11.0.1", port=PORT)
    second = serve({"hub.test": ["127.0.0.1"]}, host="127.11.0.2", port=PORT)
    gate = start_for("hub.test", resolv_conf="nameserver 127.11.0.1\nnameserver 127.11.0.2\n")
    assert ask(gate) == FOUND
    assert first.questions and not second.questions


@needs_own_resolv_conf
def test_behind_a_silent_name_server_the_next_one_is_asked_after_the_timeout(serve, start_for):
    silent = serve({}, host="127.11.0.3", port=PORT, silent=True)
    good = serve({"hub.test": ["127.0.0.1"]}, host="127.11.0.4", port=PORT)
    conf = "nameserver 127.11.0.3\nnameserver 127.11.0.4\noptions timeout:1\n"
    assert ask(start_for("hub.test", resolv_conf=conf)) == FOUND
    assert silent.questions and good.questions


@needs_own_resolv_conf
def test_attempts_says_how_often_a_silent_name_server_is_asked(serve, start_for):
    silent = serve({}, host="127.11.0.5", port=PORT, silent=True)
    gate = start_for("hub.test", resolv_conf="nameserver 127.11.0.5\noptions timeout:1 attempts:1\n")
    status, body = ask(gate)
    assert status == 502 and b"hub.test" in body
    assert sorted(kind for _, _, kind in silent.questions) == [1, 28], "each kind of address once"


@needs_own_resolv_conf
def test_rotate_spreads_names_over_the_servers(serve, start_for, hub):
    names = {"hub.test": ["127.0.0.1"], "other.test": ["127.0.0.1"]}
    servers = [serve(names, host=f"127.11.0.{n}", port=PORT, ttl=1) for n in (6, 7)]
    conf = "nameserver 127.11.0.6\nnameserver 127.11.0.7\noptions rotate\n"
    gate = start_for("hub.test", resolv_conf=conf)

    def both_were_asked():
        ask(gate)
        time.sleep(0.2)
        return all(server.questions for server in servers)

    assert wait_until(both_were_asked, 15)


@needs_own_resolv_conf
def test_search_completes_a_short_name_and_ndots_says_what_is_short(serve, start_for):
    names = serve({"hub.cluster.test": ["127.0.0.1"]}, host="127.11.0.8", port=PORT)
    assert ask(start_for("hub", resolv_conf="nameserver 127.11.0.8\nsearch other.test cluster.test\n")) == FOUND
    assert [name for _, name, kind in names.questions if kind == 1] == ["hub.other.test", "hub.cluster.test"]


@needs_own_resolv_conf
def test_a_name_with_fewer_dots_than_ndots_is_completed_first(serve, start_for):
    names = serve({"a.b.cluster.test": ["127.0.0.1"]}, host="127.11.0.9", port=PORT)
    conf = "nameserver 127.11.0.9\nsearch cluster.test\noptions ndots:5\n"
    assert ask(start_for("a.b", resolv_conf=conf)) == FOUND
    assert names.questions[0][1] == "a.b.cluster.test"


@needs_own_resolv_conf
def test_a_changed_resolv_conf_is_read_without_a_restart(serve, start_for, tmp_path):
    serve({}, host="127.11.0.10", port=PORT)
    serve({"hub.test": ["127.0.0.1"]}, host="127.11.0.11", port=PORT)
    gate = start_for("hub.test", resolv_conf="nameserver 127.11.0.10\n")
    assert ask(gate)[0] == 502
    (tmp_path / "resolv.conf").write_text("nameserver 127.11.0.11\n")
    assert wait_until(lambda: ask(gate) == FOUND, 10)
