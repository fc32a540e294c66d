"""Behind a proxy: every call to the Hub, the router and the stores goes by CONNECT, and what a proxy does wrong is told for what it is."""

import os
import re
import signal
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fakehub import FakeHub, http
from gate import IS_SANITIZED, ROOT, Certificates, make_workspace, run
from name_server import NameServer
from ports import unused_port
from proxy import ConnectProxy
from waiting import wait_until

USER, PASSWORD = "gate", "s3same:open@%"
ENCODED = "s3same:open%40%25"
MIB = 1 << 20


def request(method, target, *fields, body=b""):
    lines = [f"{method} {target} HTTP/1.1".encode(), b"Host: localhost", b"Connection: close", *fields]
    if body:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def ask(gate, target="/any", method="GET", *fields, body=b""):
    return gate.ask(request(method, target, *fields, body=body), 20)


@pytest.fixture(scope="module")
def far(tmp_path_factory):
    """Certificates of the servers behind the proxy."""
    directory = tmp_path_factory.mktemp("far") / "certs"
    names = ["hub.test", "router.test", "store.test"]
    subprocess.run([ROOT / "config/make-certs.sh", "--out", directory, *names], check=True, capture_output=True)
    return Certificates(directory)


@pytest.fixture
def far_hub(far):
    hub = FakeHub(certificates=far)
    hub.on("/any", lambda *_: http(200, b"there"))
    yield hub
    hub.close()


@pytest.fixture
def make_proxy():
    proxies = []

    def make_proxy(**options):
        proxies.append(ConnectProxy(**options))
        return proxies[-1]

    yield make_proxy
    for proxy in proxies:
        proxy.close()


@pytest.fixture
def names():
    """Knows no name but the proxy's."""
    server = NameServer({"proxy.test": ["127.0.0.1"]})
    yield server
    server.close()


@pytest.fixture
def start_behind(start, far, names):
    """Starts a gate whose Hub is `hub.test`, which the proxy alone can find."""

    def start_behind(hub, *flags, scheme="https", **options):
        options.setdefault("HF_TOKEN", "hf_of_the_gate")
        return start(
            "--upstream", f"{scheme}://hub.test:{hub.port}", "--ca-file", str(far.authority), "--dns-server", names.address,
            *flags, sandbox=False, **options)

    return start_behind


def through(proxy):
    return ("--upstream-proxy", proxy.url)


# What goes through it


def test_a_call_goes_through_the_proxy_and_nobody_is_asked_for_the_hubs_address(start_behind, far_hub, make_proxy, names):
    proxy = make_proxy()
    gate = start_behind(far_hub, *through(proxy))
    answer = ask(gate)
    assert (answer.status, answer.body) == (200, b"there")
    (asked,) = proxy.asked
    assert asked.authority == f"hub.test:{far_hub.port}"
    assert asked.all("Host") == [asked.authority] and not asked.all("Proxy-Authorization")
    assert b"hf_of_the_gate" not in asked.head
    assert far_hub.requests[0]["Authorization"] == "Bearer hf_of_the_gate"
    assert names.questions == []
    assert any(f"through the proxy {proxy.url}" in message for message in gate.messages)


def test_the_proxys_own_name_is_looked_up(start_behind, far_hub, make_proxy, names):
    proxy = make_proxy()
    gate = start_behind(far_hub, "--upstream-proxy", f"http://proxy.test:{proxy.port}/")
    assert ask(gate).body == b"there"
    assert {name for _, name, _ in names.questions} == {"proxy.test"}


def test_a_proxy_with_an_ipv6_address_is_reached(start_behind, far_hub, make_proxy):
    proxy = make_proxy(host="::1")
    answer = ask(start_behind(far_hub, *through(proxy)))
    assert (answer.status, answer.body) == (200, b"there")
    assert len(proxy.asked) == 1


def test_the_next_address_of_the_proxys_name_is_tried(start, far, far_hub, make_proxy):
    proxy = make_proxy()
    server = NameServer({"proxy.test": ["127.0.0.9", "127.0.0.1"]})
    gate = start(
        "--upstream", f"https://hub.test:{far_hub.port}", "--ca-file", str(far.authority), "--dns-server", server.address,
        "--upstream-proxy", f"http://proxy.test:{proxy.port}", sandbox=False, HF_TOKEN="hf_x")
    assert ask(gate).body == b"there"
    server.close()


def test_a_large_download_and_upload_come_through_whole(start_behind, far_hub, make_proxy):
    content = bytes(range(256)) * (8 * MIB // 256)
    far_hub.on("/large", lambda *_: http(200, content))
    far_hub.on("/upload", lambda asked, _: http(200, b"%d" % len(asked.body)))
    gate = start_behind(far_hub, *through(make_proxy()))
    assert ask(gate, "/large").body == content
    assert ask(gate, "/upload", "POST", body=content).body == b"%d" % len(content)
    assert far_hub.seen("/upload")[0].body == content


def test_a_files_bytes_and_a_model_come_through_the_proxy_too(start_behind, far, far_hub, make_proxy):
    proxy = make_proxy()
    store, router = FakeHub(certificates=far), FakeHub(certificates=far)
    store.on("/bytes", lambda *_: http(200, b"bytes"))
    router.on("/v1/chat/completions", lambda *_: http(200, b"{}", b"Content-Type: application/json"))
    far_hub.on("/m/resolve/main/f", lambda *_: http(
        302, b"", f"Location: https://store.test:{store.port}/bytes".encode(), b"X-Linked-Size: 5", b'X-Linked-Etag: "e"'))
    gate = start_behind(
        far_hub, *through(proxy), "--content-hosts", f"https://store.test:{store.port}",
        "--inference-upstream", f"https://router.test:{router.port}")
    assert ask(gate, "/m/resolve/main/f").body == b"bytes"
    assert ask(gate, "/v1/chat/completions", "POST", body=b"{}").body == b"{}"
    assert proxy.authorities == [f"hub.test:{far_hub.port}", f"store.test:{store.port}", f"router.test:{router.port}"]
    assert store.requests[0]["Authorization"] is None
    store.close(), router.close()


def test_a_plaintext_hub_is_reached_through_a_tunnel(start_behind, hub, make_proxy):
    hub.on("/any", lambda *_: http(200, b"there"))
    proxy = make_proxy()
    gate = start_behind(hub, *through(proxy), "--upstream-plaintext", scheme="http")
    assert ask(gate).body == b"there"
    assert proxy.authorities == [f"hub.test:{hub.port}"]


def test_a_loopback_address_is_never_called_through_a_proxy(start_before, hub, make_proxy):
    hub.on("/any", lambda *_: http(200, b"there"))
    proxy = make_proxy()
    assert ask(start_before(hub, *through(proxy))).body == b"there"
    assert proxy.asked == []


def test_the_sandbox_is_not_behind_the_proxy(start, make_proxy):
    proxy = make_proxy()
    gate = start(*through(proxy))
    assert ask(gate, "/api/whoami-v2").status == 200
    assert proxy.asked == []


def test_kept_connections_are_used_again_inside_their_tunnel(start_behind, far_hub, make_proxy):
    proxy = make_proxy()
    gate = start_behind(far_hub, *through(proxy))
    for _ in range(10):
        assert ask(gate).body == b"there"
    assert len(proxy.asked) == 1 and far_hub.accepted == 1


def test_while_the_far_side_of_a_tunnel_thinks_the_loop_sleeps(start_behind, far_hub, make_proxy):
    def think(*_):
        time.sleep(3)
        return http(200, b"thought")

    far_hub.on("/slow", think)
    gate = start_behind(far_hub, *through(make_proxy()))

    def cpu_seconds():
        user, system = Path(f"/proc/{gate.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    before = cpu_seconds()
    assert ask(gate, "/slow").body == b"thought"
    # It took all of the time where a descriptor that is closed was still told of.
    assert cpu_seconds() - before < 0.5


def test_workers_and_sandboxing_leave_the_way_to_the_proxy_open(start_behind, far_hub, make_proxy):
    proxy = make_proxy()
    gate = start_behind(far_hub, *through(proxy), "--workers", "2")
    assert [ask(gate).body for _ in range(8)] == [b"there"] * 8
    assert proxy.asked


# Credentials


def test_user_and_password_are_sent_as_basic(start_behind, far_hub, make_proxy):
    proxy = make_proxy(user=USER, password=PASSWORD)
    gate = start_behind(far_hub, HUBGATE_UPSTREAM_PROXY=f"http://{USER}:{ENCODED}@{proxy.address}")
    assert ask(gate).body == b"there"
    assert proxy.asked[0].status == 200


def test_a_file_holds_the_address_with_the_password_and_a_reload_takes_up_another(start_behind, far_hub, make_proxy, tmp_path):
    first = make_proxy(user=USER, password=PASSWORD)
    second = make_proxy(user=USER, password="other")
    path = tmp_path / "upstream_proxy"
    path.write_text(f"http://{USER}:{ENCODED}@{first.address}\n")
    path.chmod(0o600)
    gate = start_behind(far_hub, "--upstream-proxy-file", str(path), "--sandboxing=off")
    assert ask(gate).body == b"there"
    path.write_text(f"http://{USER}:other@{second.address}\n")
    gate.signal(signal.SIGHUP)
    wait_until(lambda: any("changed: upstream_proxy." in message for message in gate.messages), 10)
    assert ask(gate).body == b"there"
    assert (len(first.asked), len(second.asked)) == (1, 1), "a connection that went another way is not used again"


@pytest.mark.parametrize("credentials", ["", "gate:wrong@"], ids=["none", "wrong"])
def test_what_the_proxy_does_not_take_is_a_502_that_says_so_and_not_what_it_was(start_behind, far_hub, make_proxy, credentials):
    proxy = make_proxy(user=USER, password=PASSWORD)
    gate = start_behind(far_hub, HUBGATE_UPSTREAM_PROXY=f"http://{credentials}{proxy.address}")
    answer = ask(gate)
    answer.check_is_error(502)
    assert b"407" in answer.body and b"upstream_proxy" in answer.body and proxy.address.encode() in answer.body
    assert b"wrong" not in answer.body and "wrong" not in gate.errors and far_hub.requests == []


@pytest.mark.parametrize("way", ["flag", "file"])
def test_a_password_is_refused_where_others_can_read_it(tmp_path, way):
    workspace = make_workspace(tmp_path / "w")
    url = "http://gate:verysecret@proxy.test:3128"
    if way == "file":
        (workspace / "config/hubgate.yaml").write_text(f"upstream_proxy: {url}\n")
    done = run(workspace, "--check", *([f"--upstream-proxy={url}"] if way == "flag" else []))
    assert done.returncode == 78 and "upstream_proxy_file" in done.stderr and "verysecret" not in done.stderr + done.stdout


def test_the_password_is_printed_nowhere(start_behind, far_hub, make_proxy, tmp_path):
    proxy = make_proxy(user=USER, password="verysecret")
    url = f"http://{USER}:verysecret@{proxy.address}"
    shown = run(make_workspace(tmp_path / "w"), "--print-config", HUBGATE_UPSTREAM_PROXY=url).stdout
    assert f"http://***@{proxy.address} (environment variable HUBGATE_UPSTREAM_PROXY)" in shown
    gate = start_behind(far_hub, "--log-level", "debug", HUBGATE_UPSTREAM_PROXY=url)
    assert ask(gate).body == b"there"
    page = ask(gate, "/-/metrics").body + ask(gate, "/").body
    said = shown + gate.errors + gate.log_path.read_text() + page.decode()
    assert "verysecret" not in said and USER + ":" not in said


# Whom it does not lead to


@pytest.mark.parametrize("exceptions", ["hub.test", ".test", "*", "a.example, HUB.test."])
def test_a_name_of_no_proxy_is_called_directly(start, far, far_hub, make_proxy, exceptions):
    proxy = make_proxy()
    server = NameServer({"hub.test": ["127.0.0.1"]})
    gate = start(
        "--upstream", f"https://hub.test:{far_hub.port}", "--ca-file", str(far.authority), "--dns-server", server.address,
        *through(proxy), "--no-proxy", exceptions, sandbox=False, HF_TOKEN="hf_x")
    assert ask(gate).body == b"there"
    assert proxy.asked == []
    server.close()


def test_what_no_proxy_does_not_name_goes_through_it(start_behind, far_hub, make_proxy):
    proxy = make_proxy()
    assert ask(start_behind(far_hub, *through(proxy), "--no-proxy", "b.test,ub.test,10.0.0.0/8")).body == b"there"
    assert len(proxy.asked) == 1


# The environment


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_environment_counts(start_behind, far_hub, make_proxy, name):
    proxy = make_proxy()
    assert ask(start_behind(far_hub, **{name: proxy.address})).body == b"there"
    assert len(proxy.asked) == 1


def test_the_environments_exceptions_count_with_its_proxy(start, far, far_hub, make_proxy):
    proxy = make_proxy()
    server = NameServer({"hub.test": ["127.0.0.1"]})
    gate = start(
        "--upstream", f"https://hub.test:{far_hub.port}", "--ca-file", str(far.authority), "--dns-server", server.address,
        sandbox=False, HF_TOKEN="hf_x", HTTPS_PROXY=proxy.url, NO_PROXY="localhost,.test")
    assert ask(gate).body == b"there"
    assert proxy.asked == []
    server.close()


def test_off_and_a_proxy_of_ones_own_win_over_the_environment(start_behind, far_hub, make_proxy):
    mine, other = make_proxy(), make_proxy()
    assert ask(start_behind(far_hub, *through(mine), HTTPS_PROXY=other.url, NO_PROXY="hub.test")).body == b"there"
    assert ask(start_behind(far_hub, "--upstream-proxy", "off", HTTPS_PROXY=other.url)).status == 502
    assert len(mine.asked) == 1 and other.asked == []


def test_plaintext_takes_no_proxy_from_the_environment(start, hub, make_proxy):
    hub.on("/any", lambda *_: http(200, b"there"))
    proxy = make_proxy()
    server = NameServer({"hub.test": ["127.0.0.1"]})
    variables = dict.fromkeys(("http_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), proxy.url)
    gate = start(
        "--upstream", f"http://hub.test:{hub.port}", "--upstream-plaintext", "--dns-server", server.address, sandbox=False,
        HF_TOKEN="hf_x", **variables)
    assert ask(gate).body == b"there"
    assert proxy.asked == []
    server.close()


# Errors


def test_bad_values_are_errors_that_name_the_setting(tmp_path):
    workspace = make_workspace(tmp_path / "w")
    for setting, value in [
        ("upstream_proxy", "socks5://proxy.test:1080"), ("upstream_proxy", "https://proxy.test:3129"),
        ("upstream_proxy", "http://proxy.test"), ("upstream_proxy", "http://proxy.test:0"), ("upstream_proxy", "yes"),
        ("upstream_proxy", "http://proxy.test:3128/path"), ("no_proxy", "10.0.0.0/33"), ("no_proxy", "a b/c"),
        ("upstream_proxy_file", "/nowhere/proxy"),
    ]:
        done = run(workspace, "--check", f"--{setting.replace('_', '-')}", value)
        assert done.returncode == 78 and f": {setting}: " in done.stderr, (setting, value, done.stderr)
    done = run(workspace, "--check", HTTPS_PROXY="ftp://proxy.test:1")
    assert done.returncode == 78 and "HTTPS_PROXY: upstream_proxy: " in done.stderr
    # Exceptions are not read where there is no proxy.
    assert run(workspace, "--print-config", NO_PROXY="<local>;*.x").returncode == 0


def failing(gate, *words, advice):
    answer = ask(gate)
    answer.check_is_error(502, "HubUnreachable")
    for word in (*words, advice):
        assert word in answer.body.decode(), answer.body
    return answer


def test_a_proxy_whose_name_nobody_knows(start_behind, far_hub):
    gate = start_behind(far_hub, "--upstream-proxy", "http://nobody.test:3128")
    failing(gate, "nobody.test", advice="upstream_proxy")


def test_a_proxy_where_nobody_listens(start_behind, far_hub):
    with unused_port() as port:
        gate = start_behind(far_hub, "--upstream-proxy", f"http://127.0.0.1:{port}")
        failing(gate, f"127.0.0.1:{port}", advice="upstream_proxy")


@pytest.mark.parametrize("status", [301, 400, 403, 405, 429])
def test_a_proxy_that_lets_nobody_through(start_behind, far_hub, make_proxy, status):
    authority = f"hub.test:{far_hub.port}"
    proxy = make_proxy(refused={authority: status})
    failing(start_behind(far_hub, *through(proxy)), authority, f"({status})", advice="The operator of the proxy")


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_proxy_that_does_not_reach_the_hub(start_behind, far_hub, make_proxy, status):
    proxy = make_proxy(refused={f"hub.test:{far_hub.port}": status})
    failing(start_behind(far_hub, *through(proxy)), f"({status})", advice="Try again later")


def saying(*pieces):
    def answer(_, plain):
        for piece in pieces:
            plain.sendall(piece)
            time.sleep(0.05)

    return answer


GARBAGE = {
    "nothing": [],
    "another protocol": [b"SSH-2.0-OpenSSH_9.2\r\n\r\n"],
    "HTTP/0.9": [b"<html>hello</html>"],
    "a head that is cut": [b"HTTP/1.1 200 OK\r\nVia"],
    "bare line feeds": [b"HTTP/1.1 200 OK\n\n"],
    "a folded field": [b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"],
    "many interim responses": [b"HTTP/1.1 103 Early\r\n\r\n" * 20],
    "another protocol's switch": [b"HTTP/1.1 101 Switching\r\n\r\n"],
    "more than its answer": [b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen"],
    "a body behind 200": [b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen"],
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_a_proxy_that_answers_what_cannot_be_read(start_behind, far_hub, make_proxy, kind):
    proxy = make_proxy(answer=saying(*GARBAGE[kind]))
    answer = failing(start_behind(far_hub, *through(proxy)), proxy.address, advice="upstream_proxy")
    assert b"stolen" not in answer.body


def test_bytes_behind_the_answer_are_not_taken_for_a_plaintext_hubs(start_behind, hub, make_proxy):
    hub.on("/any", lambda *_: http(200, b"there"))
    stolen = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen"
    proxy = make_proxy(established=b"HTTP/1.1 200 OK\r\n\r\n" + stolen)
    gate = start_behind(hub, *through(proxy), "--upstream-plaintext", scheme="http")
    for _ in range(3):
        answer = ask(gate)
        assert answer.status == 502 and b"stolen" not in answer.body
    assert hub.requests == []


@pytest.mark.parametrize("split", [1, 7])
def test_an_answer_that_comes_in_pieces_with_fields_is_read(start_behind, far_hub, make_proxy, split):
    head = b"HTTP/1.0 200 Connection established\r\nVia: 1.1 proxy\r\nX-Empty:\r\nContent-Length: 0\r\n\r\n"
    *pieces, last = [head[start : start + split] for start in range(0, len(head), split)]
    proxy = make_proxy(established=last)

    def answer(asked, plain):
        for piece in pieces:
            plain.sendall(piece)
            time.sleep(0.002)
        proxy.tunnel(plain, int(asked.authority.rpartition(":")[2]))

    proxy.answer = answer
    assert ask(start_behind(far_hub, *through(proxy))).body == b"there"


@pytest.mark.parametrize("where", ["accepts and says nothing", "does not accept"])
def test_a_proxy_that_hangs_ends_with_connect_timeout(start_behind, far_hub, make_proxy, where):
    if where == "does not accept":
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        # As many as the queue holds; the next is not taken.
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    else:
        over = threading.Event()
        address = make_proxy(answer=lambda *_: over.wait(20)).address
    gate = start_behind(far_hub, "--upstream-proxy", f"http://{address}", "--connect-timeout", "500ms")
    failing(gate, address, "time limit", advice="upstream_proxy")
    if where == "does not accept":
        listener.close()
        for client in waiting:
            client.close()
    else:
        over.set()


FLOODS = {
    "fields without end": (b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"y" * 100 + b"\r\n"),
    "a line without end": (b"HTTP/1.1 200 OK\r\nX: ", b"y" * 4096),
    "a body behind 407": (b"HTTP/1.1 407 No\r\nContent-Length: 100000000000\r\n\r\n", b"y" * 65536),
}


@pytest.mark.parametrize("kind", FLOODS)
def test_a_proxy_that_never_stops_sending_holds_up_nobody(start_behind, far_hub, make_proxy, kind):
    first, more = FLOODS[kind]
    over = threading.Event()

    def flood(_, plain):
        plain.sendall(first)
        block = more * max(1, 65536 // len(more))
        while not over.is_set():
            plain.sendall(block)

    gate = start_behind(far_hub, *through(make_proxy(answer=flood)), "--connect-timeout", "5s")
    before = gate.resident_bytes
    answer = ask(gate)
    over.set()
    answer.check_is_error(502)
    assert b"time limit" not in answer.body, "it is told at once, not when the time is over"
    assert ask(gate, "/-/health").status == 200
    assert gate.resident_bytes - before < 16 * MIB


def test_a_proxy_that_intercepts_tls_is_told_as_such_and_ca_file_helps(start, far, far_hub, names, make_proxy, tmp_path):
    subprocess.run(
        [ROOT / "config/make-certs.sh", "--out", tmp_path / "interceptor", "hub.test"], check=True, capture_output=True)
    interceptor = Certificates(tmp_path / "interceptor")
    impostor = FakeHub(certificates=interceptor)
    impostor.on("/any", lambda *_: http(200, b"intercepted"))
    proxy = make_proxy()
    proxy.answer = lambda _, plain: proxy.tunnel(plain, impostor.port)

    def gate_that_trusts(authority):
        return start(
            "--upstream", "https://hub.test", "--ca-file", str(authority), "--dns-server", names.address, *through(proxy),
            sandbox=False, HF_TOKEN="hf_x")

    answer = ask(gate_that_trusts(far.authority))
    answer.check_is_error(502)
    assert b"certificate" in answer.body and b"through the proxy" in answer.body and b"ca_file" in answer.body
    assert impostor.requests == [], "no token for whoever cannot show a certificate"
    assert ask(gate_that_trusts(interceptor.authority)).body == b"intercepted"
    impostor.close()


def test_a_client_that_leaves_while_the_proxy_thinks_leaves_nothing_behind(start_behind, far_hub, make_proxy):
    over = threading.Event()
    gate = start_behind(far_hub, *through(make_proxy(answer=lambda *_: over.wait(20))), "--connect-timeout", "30s")
    before = gate.descriptors
    for _ in range(5):
        with gate.connect() as client:
            client.send(request("GET", "/any"))
            time.sleep(0.1)
    assert wait_until(lambda: gate.descriptors <= before, 10)
    over.set()


# Reloading


def test_a_reload_takes_up_a_proxy_another_one_and_none(start, far, far_hub, make_proxy):
    server = NameServer({"hub.test": ["127.0.0.1"]})
    first, second = make_proxy(), make_proxy()
    gate = start(
        "--upstream", f"https://hub.test:{far_hub.port}", "--ca-file", str(far.authority), "--dns-server", server.address,
        "--sandboxing=off", sandbox=False, HF_TOKEN="hf_x")
    path = gate.workspace / "config/hubgate.yaml"

    def reload(text):
        done = sum("Reloaded" in message for message in gate.messages)
        path.write_text(text)
        gate.signal(signal.SIGHUP)
        wait_until(lambda: sum("Reloaded" in message for message in gate.messages) > done, 10)
        assert ask(gate).body == b"there"
        return len(first.asked), len(second.asked)

    assert ask(gate).body == b"there"
    assert reload(f"upstream_proxy: {first.url}\n") == (1, 0)
    assert reload(f"upstream_proxy: {first.url}\nlog_level: warning\n") == (1, 0), "the connection is kept"
    assert reload(f"upstream_proxy: {second.url}\n") == (1, 1)
    assert reload(f"upstream_proxy: {second.url}\nno_proxy: .test\n") == (1, 1)
    assert reload("upstream_proxy: off\n") == (1, 1)
    server.close()


def test_a_reload_ends_many_idle_connections_and_none_of_them_is_used_again(start, far, far_hub, make_proxy):
    """More than one turn of the loop closes."""
    many, arrived = 50, threading.Barrier(50)
    far_hub.on("/together", lambda *_: arrived.wait(20) is None or http(200, b"together"))
    server = NameServer({"hub.test": ["127.0.0.1"]})
    proxy = make_proxy()
    gate = start(
        "--upstream", f"https://hub.test:{far_hub.port}", "--ca-file", str(far.authority), "--dns-server", server.address,
        "--upstream-connections", "100", "--sandboxing=off", sandbox=False, HF_TOKEN="hf_x")
    with ThreadPoolExecutor(many) as pool:
        paths = [f"/together?{number}" for number in range(many)]
        for answer in pool.map(lambda path: ask(gate, path), paths):
            assert answer.body == b"together"
    old = set(far_hub.open)
    assert len(old) == many
    (gate.workspace / "config/hubgate.yaml").write_text(f"upstream_proxy: {proxy.url}\n")
    gate.signal(signal.SIGHUP)
    assert wait_until(lambda: not far_hub.open & old, 10), f"{len(far_hub.open & old)} are open still"
    assert ask(gate).body == b"there" and len(proxy.asked) == 1
    server.close()


def test_a_connection_that_was_busy_while_the_proxy_changed_is_not_used_again(start_behind, far_hub, make_proxy):
    first, second = make_proxy(), make_proxy()
    goes_on = threading.Event()

    def slow(*_):
        goes_on.wait(20)
        return http(200, b"slow")

    far_hub.on("/slow", slow)
    gate = start_behind(
        far_hub, "--config", "settings.yaml", "--sandboxing=off",
        workspace_files={"settings.yaml": f"upstream_proxy: {first.url}\n"})
    with gate.connect(30) as client:
        client.send(request("GET", "/slow"))
        wait_until(lambda: far_hub.seen("/slow"), 10)
        (gate.workspace / "settings.yaml").write_text(f"upstream_proxy: {second.url}\n")
        gate.signal(signal.SIGHUP)
        wait_until(lambda: any("changed: upstream_proxy." in message for message in gate.messages), 10)
        goes_on.set()
        assert client.answer().body == b"slow"
    assert ask(gate).body == b"there"
    assert (len(first.asked), len(second.asked)) == (1, 1)


@pytest.mark.skipif(IS_SANITIZED, reason="a sanitized binary is not sandboxed")
def test_a_reload_that_names_a_proxy_on_another_port_says_that_it_takes_a_restart(start_behind, far_hub, make_proxy):
    first, second = make_proxy(), make_proxy()
    gate = start_behind(far_hub, "--config", "settings.yaml", workspace_files={"settings.yaml": f"upstream_proxy: {first.url}\n"})
    said = wait_until(lambda: [message for message in gate.messages if message.startswith("Sandboxing: ")], 5)
    if not re.search(r"ABI ([4-9]|\d\d)", said[0]):
        pytest.skip("this kernel's Landlock knows no ports")
    assert ask(gate).body == b"there"
    (gate.workspace / "settings.yaml").write_text(f"upstream_proxy: {second.url}\n")
    gate.signal(signal.SIGHUP)
    assert wait_until(
        lambda: any(f"({second.port})" in message and "upstream_proxy" in message for message in gate.messages), 10)
    failing(gate, second.address, advice="upstream_proxy")
