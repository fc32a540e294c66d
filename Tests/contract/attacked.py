"""A gateway with keys before a Hub that answers anything, for tests that try to get past a key's rules."""

import pytest

from fakehub import FakeHub
from gate import running_gate
from keys import Keys
from policy import Client, answer_anything, request

SCOPES = {
    "reader": ("--allow", "reader acme/*"),
    "writer": ("--allow", "writer acme/*", "--allow", "create acme/*", "--allow", "settings acme/*"),
    "admin": ("--role", "admin"),
    "chat": ("--allow", "infer acme/*"),
    "spender": ("--allow", "infer acme/*", "--allow", "spend acme/*"),
    "narrow": ("--allow", "writer acme/mine"),
    "all": ("--allow", "read,search *"),
    "accountant": ("--allow", "account *"),
}


class Attacked:
    def __init__(self, gate, hub, made):
        self.gate, self.hub, self.made = gate, hub, made
        self.client = Client(gate)

    def ask(self, name, method, target, body=b"", *fields, **options):
        return self.client.ask(request(self.made[name], method, target, body, *fields, **options))

    @property
    def reached(self):
        return [(one.method, one.target) for one in self.hub.requests]

    def is_refused(self, answer, status, word=""):
        assert answer.status == status and word in (answer["X-Error-Message"] or ""), (answer.status, answer.body)
        assert not self.reached
        return True


@pytest.fixture(scope="module")
def attacked_gate(tmp_path_factory, certificates):
    hub = FakeHub()
    answer_anything(hub)
    directory = tmp_path_factory.mktemp("attacks")
    operator = directory / "operator"
    operator.mkdir()
    keys = Keys(operator)
    made = {name: keys.create(name, *flags) for name, flags in SCOPES.items()}
    flags = ("--upstream", hub.url, "--inference-upstream", hub.url, "--access", "keys", "--state-dir", str(keys.state))
    with running_gate(directory / "gate", certificates, *flags, HF_TOKEN="hf_of_the_gate") as gate:
        yield Attacked(gate, hub, made)
    hub.close()


@pytest.fixture
def attacked(attacked_gate):
    attacked_gate.hub.requests.clear()
    attacked_gate.hub.routes.clear()
    yield attacked_gate
    attacked_gate.client.close()
