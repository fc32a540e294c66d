"""`protect`: what is named there is deleted, moved or published only by who says its name twice, whichever way the request is written."""

import json
import signal
import subprocess

import pytest

from clients import SERIES
from fakehub import FakeHub
from gate import clean_environment, run, running_gate
from hub import Hub
from keys import Keys
from policy import Client as RawClient, answer_anything, request
from waiting import wait_until

PROTECT = "acme/prod-*,dataset:acme/gold"
DELETE, MOVE, CREATE = "/api/repos/delete", "/api/repos/move", "/api/repos/create"
NAMED = {"type": "model", "organization": "acme", "name": "prod-x"}


class Guarded:
    def __init__(self, gate, hub, key):
        self.gate, self.hub, self.key = gate, hub, key
        self.client = RawClient(gate)

    def ask(self, method, target, body=b"", *fields, **options):
        body = json.dumps(body).encode() if isinstance(body, dict) else body
        self.hub.requests.clear()
        return self.client.ask(request(self.key, method, target, body, *fields, **options))

    @property
    def reached(self):
        return [(one.method, one.target) for one in self.hub.requests]

    def needs(self, name, method, target, body=b"", *fields, **options):
        """It is refused with what to send, and done with that, which does not reach the Hub."""
        answer = self.ask(method, target, body, *fields, **options)
        answer.check_is_error(403, "ConfirmationRequired")
        assert f'"X-Hubgate-Confirm: {name}"' in answer["X-Error-Message"], answer["X-Error-Message"]
        assert not self.reached, (target, body)
        done = self.ask(method, target, body, *fields, f"X-Hubgate-Confirm: {name}".encode(), **options)
        assert done["X-Error-Code"] == "OfTheHub" and len(self.reached) == 1, (target, body, done.body)
        assert self.hub.requests[0]["X-Hubgate-Confirm"] is None
        return True

    def passes(self, method, target, body=b"", *fields, **options):
        answer = self.ask(method, target, body, *fields, **options)
        return answer["X-Error-Code"] == "OfTheHub" and len(self.reached) == 1

    def refuses(self, method, target, body=b"", *fields, **options):
        answer = self.ask(method, target, body, *fields, **options)
        return 400 <= answer.status < 500 and answer["X-Error-Code"] != "OfTheHub" and not self.reached


@pytest.fixture(scope="module", params=["open", "passthrough", "keys"])
def guarded_gate(request, tmp_path_factory, certificates):
    hub = FakeHub()
    answer_anything(hub)
    directory = tmp_path_factory.mktemp(f"protect-{request.param}")
    operator = directory / "operator"
    operator.mkdir()
    flags = ["--upstream", hub.url, "--inference-upstream", hub.url, "--access", request.param, "--protect", PROTECT]
    key = "hf_a_client_s" if request.param == "passthrough" else None
    if request.param == "keys":
        keys = Keys(operator)
        key = keys.create("admin", "--role", "admin")
        flags += ["--state-dir", str(keys.state)]
    with running_gate(directory / "gate", certificates, *flags, HF_TOKEN="hf_of_the_gate") as gate:
        yield Guarded(gate, hub, key)
    hub.close()


@pytest.fixture
def guarded(guarded_gate):
    yield guarded_gate
    guarded_gate.client.close()


def test_deleting_moving_and_publishing_take_the_name_twice_by_the_hubs_paths_and_by_ours(guarded):
    model = "/api/models/acme/prod-x"
    assert guarded.needs("acme/prod-x", "DELETE", DELETE, NAMED)
    assert guarded.needs("acme/prod-x", "DELETE", DELETE, {"name": "acme/prod-x"})
    assert guarded.needs("acme/prod-x", "POST", MOVE, {"fromRepo": "acme/prod-x", "toRepo": "acme/old", "type": "model"})
    assert guarded.needs("acme/prod-y", "POST", MOVE, {"fromRepo": "acme/x", "toRepo": "acme/prod-y", "type": "model"})
    assert guarded.needs("acme/prod-x, acme/prod-y", "POST", MOVE, {"fromRepo": "acme/prod-x", "toRepo": "acme/prod-y"})
    assert guarded.needs("acme/prod-x", "PUT", model + "/settings", {"private": False})
    assert guarded.needs("acme/prod-x", "PUT", model + "/settings", {"visibility": "public"})
    for gate in (False, "auto", "false", 0, None, ""):
        assert guarded.needs("acme/prod-x", "PUT", model + "/settings", {"gated": gate}), gate
    assert guarded.needs("acme/prod-new", "POST", CREATE, {"organization": "acme", "name": "prod-new"})
    assert guarded.needs("acme/prod-c", "POST", "/api/models/acme/x/duplicate", {"repository": "acme/prod-c", "private": False})
    assert guarded.needs("acme/prod-b", "DELETE", "/api/buckets/acme/prod-b")
    assert guarded.needs("acme/gold", "DELETE", DELETE, {"type": "dataset", "name": "acme/gold"})
    # By the facade.
    assert guarded.needs("acme/prod-x", "DELETE", "/api/repo", {"type": "model", "name": "acme/prod-x"})
    assert guarded.needs("acme/prod-x", "DELETE", "/api/repo", {"type": "models", "name": "prod-x", "organization": "acme"})
    assert guarded.needs("acme/prod-x", "PUT", "/api/repo", {"type": "model", "name": "acme/prod-x", "private": "false"})
    assert guarded.needs("acme/prod-n", "POST", "/api/repo", {"type": "model", "name": "acme/prod-n", "private": False})


def test_what_is_not_protected_and_what_is_no_such_change_is_not_asked_for_anything(guarded):
    model = "/api/models/acme/prod-x"
    assert guarded.passes("DELETE", DELETE, {"name": "acme/test"})
    assert guarded.passes("DELETE", DELETE, {"name": "acme/gold"})  # the model
    assert guarded.passes("DELETE", DELETE, {"name": "other/prod-x"})
    assert guarded.passes("PUT", model + "/settings", {"private": True})
    assert guarded.passes("PUT", model + "/settings", {"gated": "manual"})
    assert guarded.passes("PUT", "/api/models/acme/test/settings", b"x" * (2 << 20))  # not read
    assert guarded.passes("POST", CREATE, {"organization": "acme", "name": "prod-new", "private": True})
    assert guarded.passes("POST", model + "/commit/main", b"{}")
    assert guarded.passes("POST", model + "/paths-info/main", b"paths=x", content_type="application/x-www-form-urlencoded")
    assert guarded.passes("GET", model) and guarded.passes("GET", "/acme/prod-x/resolve/main/x")
    assert guarded.passes("DELETE", "/api/repo", {"type": "model", "name": "acme/test"})
    assert guarded.passes("PUT", "/api/repo", {"type": "model", "name": "acme/prod-x", "private": True})
    assert guarded.passes("POST", "/v1/chat/completions", {"model": "acme/prod-x"})


def test_a_name_without_its_owner_may_be_the_protected_one(guarded):
    for name in ("prod-x", "me/prod-x", "ME/prod-x"):
        assert guarded.needs("prod-x", "DELETE", DELETE, {"name": name}), name
    assert guarded.needs("prod-x", "DELETE", "/api/repo", {"type": "model", "name": "prod-x"})
    assert guarded.passes("DELETE", DELETE, {"name": "test"})
    # Not by the name of an owner's, which it may not be.
    assert guarded.refuses("DELETE", DELETE, {"name": "prod-x"}, b"X-Hubgate-Confirm: acme/prod-x")


WRONG = (
    b"X-Hubgate-Confirm: acme/prod-y", b"X-Hubgate-Confirm: *", b"X-Hubgate-Confirm: acme/*", b"X-Hubgate-Confirm: acme/prod-*", b"X-Hubgate-Confirm: prod-x",
    b"X-Hubgate-Confirm: ", b"X-Hubgate-Confirm: true", b"X-Hubgate-Confirm: acme/prod-x;acme/prod-y", b'X-Hubgate-Confirm: "acme/prod-x"',
    b"X-Hubgate-Confirm: acme/prod-x/", b"X-Hubgate-Confirm: acme%2Fprod-x", b"X-Hubgate_Confirm: acme/prod-x", b"Hubgate-Confirm: acme/prod-x",
)  # fmt: skip


def test_another_confirmation_is_none(guarded):
    for field in WRONG:
        assert guarded.refuses("DELETE", DELETE, NAMED, field), field
        assert guarded.refuses("DELETE", "/api/repo", {"type": "model", "name": "acme/prod-x"}, field), field


def test_a_confirmation_may_be_in_any_case_among_others_and_in_several_fields(guarded):
    for fields in (
        (b"x-hubgate-confirm: ACME/Prod-X",), (b"X-Hubgate-Confirm: acme/test , acme/prod-x,",),
        (b"X-Hubgate-Confirm: acme/test", b"X-Hubgate-Confirm: acme/prod-x"),
    ):  # fmt: skip
        assert guarded.passes("DELETE", DELETE, NAMED, *fields), fields


SPELLINGS = {
    "case of the owner": ("DELETE", DELETE, b'{"name":"ACME/prod-x"}'),
    "case of the name": ("DELETE", DELETE, b'{"organization":"acme","name":"PROD-X"}'),
    "escaped name": ("DELETE", DELETE, b'{"name":"acme\\u002fprod-x"}'),
    "escaped member": ("DELETE", DELETE, b'{"n\\u0061me":"acme/prod-x"}'),
    "member twice": ("DELETE", DELETE, b'{"name":"acme/test","name":"acme/prod-x"}'),
    "byte order mark": ("DELETE", DELETE, b'\xef\xbb\xbf{"name":"acme/prod-x"}'),
    "no body": ("DELETE", DELETE, b""),
    "blanks": ("DELETE", DELETE, b'{"name":" acme/prod-x"}'),
    "dots": ("DELETE", DELETE, b'{"name":"test/../acme/prod-x"}'),
    "another owner beside": ("DELETE", DELETE, b'{"organization":"test","name":"acme/prod-x"}'),
    "kind of another form": ("DELETE", DELETE, b'{"type":"models","name":"acme/prod-x"}'),
    "slash at the end": ("DELETE", DELETE + "/", b'{"name":"acme/prod-x"}'),
    "escaped path": ("DELETE", "/api/repos/%64elete", b'{"name":"acme/prod-x"}'),
    "capital path": ("DELETE", "/api/Repos/delete", b'{"name":"acme/prod-x"}'),
    "two slashes": ("DELETE", "/api//repos/delete", b'{"name":"acme/prod-x"}'),
    "semicolon": ("DELETE", "/api/repos/delete;x", b'{"name":"acme/prod-x"}'),
    "query says the method": ("POST", DELETE + "?_method=DELETE", b'{"name":"acme/prod-x"}'),
    "query of a GET says the method": ("GET", DELETE + "?_method=DELETE", b'{"name":"acme/prod-x"}'),
    "escaped query says the method": ("GET", DELETE + "?%5Fmethod=DELETE", b'{"name":"acme/prod-x"}'),
    "query behind a semicolon": ("GET", DELETE + "?a=1;_method=DELETE", b'{"name":"acme/prod-x"}'),
    "query in brackets": ("GET", DELETE + "?[_method]=DELETE", b'{"name":"acme/prod-x"}'),
    "query of a repository says the method": ("POST", "/api/models/acme/prod-x/paths-info/main?+_method=DELETE", b""),
    "another method": ("POST", DELETE, b'{"name":"acme/prod-x"}'),
    "small method": ("delete", DELETE, b'{"name":"acme/prod-x"}'),
    "unknown call of repos": ("POST", "/api/repos/destroy", b'{"name":"acme/prod-x"}'),
    "unknown call of the repository": ("DELETE", "/api/models/acme/prod-x", b""),
    "unknown call with its name in capitals": ("DELETE", "/api/models/ACME/PROD-X", b""),
    "unknown page of the repository": ("POST", "/acme/prod-x/settings/delete", b""),
    "escaped repository": ("DELETE", "/api/models/acme/prod%2Dx", b""),
    "settings of an escaped repository": ("PUT", "/api/models/acme/prod%2Dx/settings", b'{"private":false}'),
    "settings in capitals": ("PUT", "/api/models/Acme/Prod-x/settings", b'{"private":false}'),
    "settings that say nothing twice": ("PUT", "/api/models/acme/prod-x/settings", b'{"private":true,"private":false}'),
    "facade in capitals": ("DELETE", "/api/repo", b'{"type":"MODEL","name":"Acme/Prod-x"}'),
    "facade with a query": ("DELETE", "/api/repo?x=1", b'{"type":"model","name":"acme/prod-x"}'),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_gets_past_it(guarded, spelling):
    method, target, body = SPELLINGS[spelling]
    assert guarded.refuses(method, target, body), spelling


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", None, "application/json; charset=utf-7"])
def test_a_body_that_the_hub_could_read_in_another_way_is_not_passed_on(guarded, content_type):
    for target, method in ((DELETE, "DELETE"), (MOVE, "POST"), (CREATE, "POST")):
        assert guarded.refuses(method, target, b'{"name":"acme/test","fromRepo":"acme/a","toRepo":"acme/b"}', content_type=content_type)
    named = (b"Connection: Content-Type",)
    assert guarded.refuses("DELETE", DELETE, b'{"name":"acme/test"}', *named)


def test_without_the_setting_nothing_is_read_or_asked_for(start_before, hub):
    answer_anything(hub)
    gate = start_before(hub)
    for target, body in ((DELETE, b'{"name":"acme/prod-x"}'), (DELETE, b"no json"), ("/api//repos/delete", b"{}")):
        answer = gate.ask(request(None, "DELETE", target, body, b"Connection: close", b"X-Hubgate-Confirm: x"))
        assert answer["X-Error-Code"] == "OfTheHub"
    assert [one["X-Hubgate-Confirm"] for one in hub.requests] == [None] * 3


def test_a_pattern_that_cannot_be_read_is_told_at_the_start(workspace):
    for value, word in (("acme/**", "stars"), ("public", "public"), ("a/b/c", "slash"), ("modle:acme/x", "model"), ("acme/x,,y", "missing")):
        done = run(workspace, "--check", "--protect", value)
        assert done.returncode == 78 and "protect" in done.stderr and word in done.stderr, (value, done.stderr)


def test_a_reload_protects_more(start_before, hub, workspace):
    answer_anything(hub)
    gate = start_before(hub, workspace_files={"config/hubgate.yaml": "protect: [acme/a]\n"})
    ask = lambda name: gate.ask(request(None, "DELETE", DELETE, json.dumps({"name": name}).encode(), b"Connection: close"))  # noqa: E731
    assert ask("acme/a").status == 403 and ask("acme/b").status == 409
    (gate.workspace / "config/hubgate.yaml").write_text("protect: [acme/b]\n")
    gate.signal(signal.SIGHUP)
    assert wait_until(lambda: ask("acme/b").status == 403, 20) and ask("acme/a").status == 409


SCRIPT = """
import sys
from huggingface_hub import HfApi
api = HfApi(headers={"X-Hubgate-Confirm": sys.argv[2]} if len(sys.argv) > 2 else None)
try:
    api.delete_repo(sys.argv[1])
    print("deleted")
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("series", SERIES[:2], ids=lambda series: series.name)
def test_huggingface_hub_confirms_by_a_header_of_its_own(start, series, tmp_path):
    gate = start("--protect", "sandbox/prod-*")
    hub = Hub(gate)
    hub.create("sandbox/prod-x")

    def delete(*words):
        done = subprocess.run(
            [series.program("python"), "-c", SCRIPT, *words], capture_output=True, text=True, timeout=60,
            env=clean_environment(tmp_path, HF_ENDPOINT=gate.origin, SSL_CERT_FILE=str(gate.certificates.authority), REQUESTS_CA_BUNDLE=str(gate.certificates.authority)),
        )  # fmt: skip
        return done.stdout + done.stderr

    before = len(hub.journal())
    refused = delete("sandbox/prod-x")
    assert "403" in refused and 'X-Hubgate-Confirm: sandbox/prod-x' in refused, refused
    assert not [entry for entry in hub.journal()[before:] if entry["method"] == "DELETE"]
    assert delete("sandbox/prod-x", "sandbox/prod-x").strip() == "deleted"
    assert [entry["target"] for entry in hub.journal()[before:] if entry["method"] == "DELETE"] == [DELETE]
