"""Client certificates: a client of an authority that the gateway trusts needs no key, and what is wrong with a certificate is said."""

import hashlib
import json
import subprocess
import urllib.parse

import pytest

from audit import Audit
from authorities import TLS_1_2, TLS_1_3, Authority, Pair
from clients import SERIES
from fakehub import http
from gate import clean_environment, run
from policy import JSON, request
from test_lifecycle import reload
from waiting import wait_until
from wire import Ended

PATH = "/api/models/acme/m"
SPIFFE = "spiffe://acme/ns/ml/sa/trainer"
RULES = {
    "trainer": {"names": [f"uri={SPIFFE}"], "role": "writer"},
    "build": {"names": ["dns~*.build.acme.example"], "role": "reader", "rate": "3/d"},
    "ann": {"names": ["subject=CN=Ann,O=Acme", "email~*@acme.example"], "role": "reader", "as": "acme"},
    "team": {"names": ["subject~CN=*,OU=team,O=Acme"], "role": "reader"},
}


class Site:
    """The files of one gateway, and the authorities behind them."""

    def __init__(self, directory):
        directory.mkdir()
        self.authorities, self.lists = directory / "clients-ca.pem", directory / "clients-crl.pem"
        self.root = Authority(directory, "root")
        self.middle = Authority(directory, "middle", self.root)
        self.authorities.write_text(self.root.pem)
        self.write_lists()
        self.trainer = self.middle.issue("/CN=trainer", f"URI:{SPIFFE}")

    def write_lists(self, days=(-1, 7)):
        self.lists.write_text(self.root.revocation_list(days) + self.middle.revocation_list(days))

    @property
    def flags(self):
        return ["--client-ca", str(self.authorities), "--client-crl", str(self.lists), "--client-certificates", json.dumps(RULES)]


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path / "site")


@pytest.fixture
def hub(hub):
    hub.otherwise = lambda *_: http(200, b'{"id":"acme/m"}', JSON)
    return hub


@pytest.fixture
def begin(start_with_keys, site, tmp_path):
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "acme").write_text("hf_of_acme")
    (credentials / "acme").chmod(0o600)

    def begin(*flags, workers=1):
        return start_with_keys("--credentials-dir", str(credentials), *(flags or site.flags), workers=workers)

    return begin


def ask(gate, pair, method="GET", path=PATH, key=None, version=None, *fields):
    """The response, and whether the connection ended behind it."""
    with gate.connect(context=pair.context(gate, version) if pair else None) as connection:
        connection.send(request(key, method, path, b"", *fields))
        return connection.answer()


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3], ids=["1.2", "1.3"])
def test_a_certificate_is_a_principal_by_its_uri_its_dns_name_or_its_subject(begin, keys, hub, site, version):
    gate = begin()
    audit = Audit(keys.state / "audit")
    people = {
        f"cert:trainer:{SPIFFE}": (site.trainer, "Bearer hf_of_the_gate"),
        "cert:build:eu.build.acme.example": (
            site.root.issue("/CN=x", "DNS:other.example,DNS:EU.Build.acme.example"), "Bearer hf_of_the_gate"),
        "cert:ann:CN=Ann_O=Acme": (site.root.issue("/O=Acme/CN=Ann", "email:ann@acme.example", usage=None), "Bearer hf_of_acme"),
        "cert:team:CN=J_c3_bcrgen__O_27x_OU=team_O=Acme": (site.root.issue("/O=Acme/OU=team/CN=Jürgen O'x"), "Bearer hf_of_the_gate"),
    }  # fmt: skip
    names = set()
    for pair, credential in people.values():
        hub.requests.clear()
        answer = ask(gate, pair, version=version)
        assert answer.status == 200, answer.body
        assert hub.requests[-1]["Authorization"] == credential
        line = gate.wait_for_log(lambda line: line["request_id"] == answer["X-Hubgate-Request-Id"])
        names.add(line["key"])
    assert [name for name in people if name not in names and "team" not in name] == [], names
    assert sum(name.startswith("cert:team:CN=J") for name in names) == 1, names
    # What it may not is refused, and both have a line.
    assert ask(gate, site.trainer, "DELETE", "/api/models/acme/m/branch/x", version=version).status == 200
    assert ask(gate, people["cert:build:eu.build.acme.example"][0], "DELETE", "/api/models/acme/m/branch/x", version=version).status == 403
    acts = wait_until(lambda: audit.of("outcome", key=f"cert:trainer:{SPIFFE}", action="write"), 5)
    assert acts[0]["role"] == "writer" and acts[0]["key_id"].startswith("cert_")
    assert wait_until(lambda: audit.of("refusal", key="cert:build:eu.build.acme.example"), 5)
    assert f"cert:trainer:{SPIFFE}" in keys.run("audit", "show", "--key", f"cert:trainer:{SPIFFE}").stdout


def bad_certificates(site):
    """For each code, who gets it."""
    other = Authority(site.authorities.parent, "other")
    deep = site.root
    for number in range(5):
        deep = Authority(site.authorities.parent, f"deep-{number}", deep)
    revoked, of_revoked = site.root.issue("/CN=x", f"URI:{SPIFFE}"), Authority(site.authorities.parent, "gone", site.root)
    site.root.revoke(revoked.certificate)
    site.root.revoke(of_revoked.certificate)
    lists = [authority.revocation_list() for authority in (site.root, site.middle, of_revoked)]
    site.lists.write_text("".join(lists))
    many = ",".join(f"DNS:host-{number}.example" for number in range(40))
    sent_alone = Pair(site.trainer.certificate, site.trainer.key, site.trainer.certificate)
    return [
        ("CertificateExpired", site.root.issue("/CN=x", f"URI:{SPIFFE}", days=(-9, -1))),
        ("CertificateNotYetValid", site.root.issue("/CN=x", f"URI:{SPIFFE}", days=(1, 9))),
        ("CertificateRevoked", revoked),
        ("CertificateRevoked", of_revoked.issue("/CN=x", f"URI:{SPIFFE}")),
        ("CertificateUntrusted", other.issue("/CN=x", f"URI:{SPIFFE}")),
        ("CertificateUntrusted", other.self_signed()),
        ("CertificateUntrusted", sent_alone),
        ("CertificateForOtherUse", site.root.issue("/CN=x", f"URI:{SPIFFE}", usage="serverAuth")),
        ("CertificateChainTooLong", deep.issue("/CN=x", f"URI:{SPIFFE}")),
        ("RevocationListUnusable", Authority(site.authorities.parent, "unlisted", site.root).issue("/CN=x", f"URI:{SPIFFE}")),
        ("CertificateUnknown", site.root.issue("/CN=x", f"URI:{SPIFFE}/2,DNS:build.acme.example,email:x@acme.example")),
        # GeneralNames of one URI with a NUL, with a byte that is not ASCII, and of more names than are accepted.
        ("CertificateMalformed", site.root.issue("/CN=x", extension="2.5.29.17=DER:30:09:86:07:73:3a:2f:2f:61:00:62")),
        ("CertificateMalformed", site.root.issue("/CN=x", extension="2.5.29.17=DER:30:09:86:07:73:3a:2f:2f:61:ff:62")),
        ("CertificateMalformed", site.root.issue("/CN=x", extension="2.5.29.17=DER:30:09:82:07:61:0a:6b:65:79:3d:62")),
        ("CertificateMalformed", site.root.issue("/CN=x", many)),
        ("CertificateMalformed", site.root.issue("/CN=a\x1b[2Jb", f"URI:{SPIFFE}")),
    ]  # fmt: skip


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3], ids=["1.2", "1.3"])
def test_a_certificate_that_is_no_good_is_401_that_says_why_and_asks_the_hub_nothing(begin, hub, keys, site, version):
    bad = bad_certificates(site)
    gate = begin()
    for code, pair in bad:
        with gate.connect(context=pair.context(gate, version)) as connection:
            connection.send(request(None, "GET", PATH))
            answer = connection.answer()
            assert answer.status == 401 and answer["X-Error-Code"] == code, (code, answer.status, answer["X-Error-Code"], answer.body)
            assert len(json.loads(answer.body)["error"]) > 40
            assert answer.closes, "another certificate comes by another connection"
            connection.check_ended()
        # Who needs none is served all the same.
        assert ask(gate, pair, path="/-/health", version=version).status == 200
    assert ask(gate, None, version=version)["X-Error-Code"] == "KeyMissing"
    assert not hub.requests
    audit = Audit(keys.state / "audit")
    assert wait_until(lambda: len(audit.of("refusal")) > len(bad), 5)
    codes = [line["code"] for line in audit.of("refusal")]
    assert codes == [*(code for code, _ in bad), "KeyMissing"]
    assert ask(gate, site.trainer, version=version).status == 200


def test_too_large_a_chain_ends_the_handshake(begin, site):
    gate = begin()
    huge = site.root.issue("/CN=x", ",".join(f"DNS:{'x' * 60}-{number}.example" for number in range(600)))
    with pytest.raises((OSError, Ended, AssertionError)):
        ask(gate, huge)
    assert ask(gate, site.trainer).status == 200


def test_a_key_that_is_shown_counts_and_not_the_certificate(begin, hub, keys, site):
    key = keys.create("ml", "--role", "reader")
    gate = begin()
    answer = ask(gate, site.trainer, key=key)
    assert answer.status == 200
    assert gate.wait_for_log(lambda line: line["request_id"] == answer["X-Hubgate-Request-Id"])["key"] == "ml"
    assert ask(gate, site.trainer, "DELETE", "/api/models/acme/m/branch/x", key=key).status == 403
    # Nor does a good certificate mend a bad key, nor a bad certificate spoil a good one.
    keys.revoke("ml")
    assert wait_until(lambda: ask(gate, site.trainer, key=key)["X-Error-Code"] == "KeyRevoked", 5)
    assert ask(gate, site.trainer, key="hf_mine")["X-Error-Code"] == "KeyForeign"
    other = keys.create("other", "--role", "reader")
    bad = site.root.self_signed()
    assert wait_until(lambda: ask(gate, bad, key=other).status == 200, 5)


def test_it_has_the_rate_of_its_rule_over_all_workers_and_certificates_of_the_same_name(begin, site):
    gate = begin(workers=2)
    pairs = [site.root.issue(f"/CN={number}", "DNS:a.build.acme.example") for number in range(2)]
    statuses = [ask(gate, pairs[number % 2]).status for number in range(8)]
    assert statuses.count(200) == 3 and statuses.count(429) == 5
    assert ask(gate, site.root.issue("/CN=x", "DNS:b.build.acme.example")).status == 200


def test_pages_of_other_sites_cannot_use_a_browsers_certificate(begin, hub, site):
    gate = begin()
    answer = ask(gate, site.trainer, "DELETE", "/api/models/acme/m/branch/x", None, None, b"Origin: https://evil.example", b"Sec-Fetch-Site: cross-site")
    assert answer.status == 403 and not hub.requests


def resumed(gate, pair, version, session):
    """Connects with a session; whether it was taken up, and what the first request gets."""
    context = pair.context(gate, version)
    context = session[1] if session else context
    with gate.connect(context=context, session=session[0] if session else None) as connection:
        connection.send(request(None, "GET", PATH))
        answer = connection.answer()
        return connection.socket.session_reused, answer, (connection.socket.session, context)


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3], ids=["1.2", "1.3"])
def test_no_session_and_no_connection_carries_an_identity_over_a_new_revocation_list(begin, hub, site, version):
    gate = begin(workers=2)
    reused, answer, session = resumed(gate, site.trainer, version, None)
    assert not reused and answer.status == 200
    reused, answer, session = resumed(gate, site.trainer, version, session)
    assert reused and answer.status == 200, "a session keeps who it is"
    other = site.middle.issue("/CN=other", f"URI:{SPIFFE}")
    with gate.connect(context=site.trainer.context(gate, version)) as kept, gate.connect(context=other.context(gate, version)) as good:
        for connection in (kept, good):
            connection.send(request(None, "GET", PATH))
            assert connection.answer().status == 200
        site.middle.revoke(site.trainer.certificate)
        site.write_lists()
        # Nothing is read before an operator says so.
        kept.send(request(None, "GET", PATH))
        assert kept.answer().status == 200
        reload(gate)
        before = len(hub.requests)
        kept.send(request(None, "GET", PATH))
        answer = kept.answer()
        assert answer.status == 401 and answer["X-Error-Code"] == "CertificateRevoked"
        kept.check_ended()
        reused, answer, _ = resumed(gate, site.trainer, version, session)
        assert not reused and answer.status == 401 and answer["X-Error-Code"] == "CertificateRevoked"
        assert len(hub.requests) == before
        # Who was not revoked goes on, over the same connection.
        good.send(request(None, "GET", PATH))
        assert good.answer().status == 200


def test_who_is_revoked_while_a_body_comes_does_nothing_by_it(begin, hub, site):
    gate = begin(workers=1)
    raw = request(None, "POST", "/api/models/acme/m/commit/main", b"{}\n" * 100, content_type="application/x-ndjson")
    other = site.middle.issue("/CN=other", f"URI:{SPIFFE}")
    with gate.connect(context=site.trainer.context(gate, TLS_1_3)) as held, gate.connect(context=other.context(gate, TLS_1_3)) as good:
        for connection in (held, good):
            connection.send(raw[:-3])
        assert wait_until(lambda: len(hub.requests) == 2, 10)
        site.middle.revoke(site.trainer.certificate)
        site.write_lists()
        reload(gate)
        for connection in (held, good):
            connection.send_whatever_happens(raw[-3:])
        answer = held.answer()
        assert answer.status == 401 and answer["X-Error-Code"] == "CertificateRevoked", answer.body
        assert good.answer().status == 200
        assert sorted(len(arrived.body) for arrived in hub.requests) == [0, 300]


def test_another_authority_and_other_rules_count_from_the_reload_on(start_before, hub, keys, site, tmp_path):
    other = Authority(tmp_path, "other")
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "hubgate.yaml").write_text("")
    text = "access: keys\nstate_dir: {state}\nclient_ca: {ca}\nclient_certificates:\n  trainer: {{names: ['uri={uri}'], role: {role}}}\n"

    def write(role):
        (rules / "hubgate.yaml").write_text(text.format(state=keys.state, ca=site.authorities, uri=SPIFFE, role=role))

    write("writer")
    gate = start_before(hub, "--config", str(rules / "hubgate.yaml"))
    delete = request(None, "DELETE", "/api/models/acme/m/branch/x")
    with gate.connect(context=site.trainer.context(gate)) as connection:
        connection.send(delete)
        assert connection.answer().status == 200
        write("reader")
        reload(gate)
        connection.send(delete)
        assert connection.answer().status == 403
        site.authorities.write_text(other.pem)
        reload(gate)
        connection.send(request(None, "GET", PATH))
        assert connection.answer()["X-Error-Code"] == "CertificateUntrusted"
    assert ask(gate, site.trainer)["X-Error-Code"] == "CertificateUntrusted"
    assert ask(gate, other.issue("/CN=x", f"URI:{SPIFFE}")).status == 200
    # What cannot be read changes nothing.
    site.authorities.write_text("nothing")
    assert "client_ca" in reload(gate, "^Not reloaded")
    assert ask(gate, other.issue("/CN=x", f"URI:{SPIFFE}")).status == 200


def test_a_list_that_is_out_of_date_refuses_all_and_is_warned_of(begin, site):
    site.write_lists(days=(-9, -1))
    gate = begin()
    assert [message for message in gate.messages if "revocation list" in message and "out of date" in message]
    answer = ask(gate, site.trainer)
    assert answer.status == 401 and answer["X-Error-Code"] == "RevocationListUnusable"
    site.write_lists()
    reload(gate)
    assert ask(gate, site.trainer).status == 200


def test_a_list_that_runs_out_while_it_runs_is_warned_of_then(begin, site):
    site.write_lists(days=(-1, 6 / 86_400))
    gate = begin()
    assert wait_until(lambda: [message for message in gate.messages if "out of date" in message], 15)


def test_a_certificate_that_expires_on_its_connection_loses_its_right(begin, site):
    gate = begin()
    pair = site.root.issue("/CN=x", f"URI:{SPIFFE}", days=(-1, 8 / 86_400))
    with gate.connect(context=pair.context(gate)) as connection:
        connection.send(request(None, "GET", PATH))
        assert connection.answer().status == 200

        def expired():
            connection.send(request(None, "GET", PATH))
            return connection.answer()["X-Error-Code"] == "CertificateExpired"

        assert wait_until(expired, 25)


def test_a_request_that_was_begun_before_its_certificate_expired_does_nothing_more(begin, hub, site):
    done = []
    commit = "/api/models/acme/m/commit/main"
    hub.on(commit, lambda arrived, _: done.append(arrived.body) or http(200, b"{}", JSON))
    gate = begin()
    pair = site.root.issue("/CN=x", f"URI:{SPIFFE}", days=(-1, 8 / 86_400))
    body = b'{"key":"header","value":{"summary":"x"}}'
    sent = request(None, "POST", commit, body, content_type="application/x-ndjson")
    with gate.connect(context=pair.context(gate), timeout=40) as connection, gate.connect(context=pair.context(gate)) as other:
        connection.send(sent[:-5])

        def expired():
            other.send(request(None, "GET", PATH))
            return other.answer()["X-Error-Code"] == "CertificateExpired"

        assert wait_until(expired, 25)
        connection.send_whatever_happens(sent[-5:])
        answer = connection.answer()
        assert (answer.status, answer["X-Error-Code"]) == (401, "CertificateExpired")
    assert done == []


def asks_for_certificates(gate):
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{gate.port}", "-tls1_2"], input=b"", capture_output=True, timeout=20
    )
    return b"Acceptable client certificate CA names" in done.stdout


def test_without_it_no_client_is_asked_and_a_certificate_is_nobody(begin, start_before, hub, keys, site):
    gate = begin("--log-level", "info")
    assert not asks_for_certificates(gate)
    assert ask(gate, site.trainer)["X-Error-Code"] == "KeyMissing"
    assert asks_for_certificates(begin())
    # Without keys it has no effect, and that is said.
    open_gate = start_before(hub, "--access", "open", *site.flags)
    assert not asks_for_certificates(open_gate)
    assert [message for message in open_gate.messages if "no effect with access" in message]


@pytest.mark.parametrize("change, said", [
    ({"client_ca": "/nowhere"}, "client_ca"), ({"client_ca": None}, "without client_ca"), ({"client_crl": "/nowhere"}, "/nowhere"),
    ({"rules": None}, "without client_certificates"), ({"rules": {"x": {"role": "reader"}}}, "no names"), ({"client_ca": "text"}, "PEM"),
    ({"rules": {"x": {"names": ["uri=a"]}}}, "no role"), ({"rules": {"x": {"names": ["uri=a"], "role": "raeder"}}}, "did you mean"),
    ({"rules": {"x": {"names": ["cn=a"], "role": "reader"}}}, "KIND=NAME"), ({"rules": {"x": {"names": ["uri"], "role": "reader"}}}, "KIND=NAME"),
    ({"rules": {"x": {"names": ["uri=a"], "role": "reader", "rate": "fast"}}}, "600/m"), ({"client_ca": "leaf"}, "no authority"),
    ({"rules": {"x": {"names": ["uri=a"], "role": "reader", "color": "red"}}}, "rule x: there is no field color"), ({"client_ca": "middle"}, "no root"),
    ({"rules": {"x": {"names": ["uri=a"], "role": "reader", "as": "../x"}}}, "credentials_dir"), ({"client_crl": "other"}, "not signed"),
    ({"client_crl": "text"}, "revocation list"), ({"client_ca": "huge"}, "more than"),
])  # fmt: skip
def test_what_is_wrong_with_the_settings_is_said_before_anything_is_served(workspace, certificates, keys, site, tmp_path, change, said):
    forged = Authority(tmp_path, "root")
    files = {
        "text": "nothing", "leaf": site.trainer.certificate.read_text(), "middle": site.middle.pem, "other": forged.revocation_list(),
        "huge": "x" * (2 << 20),
    }  # fmt: skip
    values = {"client_ca": str(site.authorities), "client_crl": str(site.lists), "rules": RULES, **change}
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    words = ["--check", "--access", "keys", "--state-dir", str(keys.state)]
    for flag, name in {"--client-ca": "client_ca", "--client-crl": "client_crl"}.items():
        value = str(tmp_path / values[name]) if values[name] in files else values[name]
        words += [flag, value] if value else []
    words += ["--client-certificates", json.dumps(values["rules"])] if values["rules"] else []
    done = run(workspace, *words, **certificates.settings)
    assert done.returncode in (66, 78) and said in done.stderr, (done.returncode, done.stderr)


NEW = """
import huggingface_hub, {http} as http
huggingface_hub.set_client_factory(lambda: http.Client(cert=({chain!r}, {key!r}), follow_redirects=True, timeout=30))
"""
OLD = """
import huggingface_hub, requests
def session():
    made = requests.Session()
    made.cert = ({chain!r}, {key!r})
    return made
huggingface_hub.configure_http_backend(backend_factory=session)
"""
WORK = """
import json, sys
api = huggingface_hub.HfApi()
api.upload_file(path_or_fileobj=b"x" * 20_000_000, path_in_repo="weights.bin", repo_id="sandbox/demo")
path = huggingface_hub.hf_hub_download("sandbox/demo", "weights.bin")
me = huggingface_hub.utils.get_session().get(huggingface_hub.constants.ENDPOINT + "/api/whoami-v2").json()
print(json.dumps({"name": me["auth"]["accessToken"]["displayName"], "bytes": len(open(path, "rb").read())}))
"""


@pytest.mark.parametrize("series", SERIES, ids=lambda series: series.name)
def test_the_real_client_uploads_and_downloads_with_a_certificate_alone(series, start, keys, site, certificates, tmp_path):
    gate = start("--access", "keys", "--state-dir", str(keys.state), *site.flags)
    module = {"2.x": "httpx2", "1.x": "httpx"}.get(series.name)
    preface = NEW if module else OLD
    script = preface.format(http=module, chain=str(site.trainer.chain), key=str(site.trainer.key)) + WORK
    home = tmp_path / "home"
    home.mkdir()
    done = subprocess.run(
        [series.program("python"), "-c", script], capture_output=True, text=True, timeout=120, cwd=home,
        env=clean_environment(
            home, HF_ENDPOINT=gate.origin, HF_HOME=str(home / "hf"), HF_HUB_DISABLE_XET="1", HF_HUB_DISABLE_PROGRESS_BARS="1",
            HF_HUB_DISABLE_UPDATE_CHECK="1", SSL_CERT_FILE=str(certificates.authority), REQUESTS_CA_BUNDLE=str(certificates.authority)),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"name": f"cert:trainer:{SPIFFE}", "bytes": 20_000_000}
    signed = [line for line in gate.log_lines if line["path"].startswith("/-/signed/")]
    assert signed and all(line["status"] < 400 and line["key"] == f"cert:trainer:{SPIFFE}" for line in signed)


def test_a_signed_address_takes_the_certificate_that_it_was_given_to(start, keys, site):
    gate = start("--access", "keys", "--state-dir", str(keys.state), *site.flags)
    content = b"weights"
    order = {"operation": "upload", "transfers": ["basic"], "objects": [{"oid": hashlib.sha256(content).hexdigest(), "size": len(content)}]}
    with gate.connect(context=site.trainer.context(gate)) as connection:
        body = json.dumps(order).encode()
        kind = "application/vnd.git-lfs+json"
        connection.send(request(None, "POST", "/sandbox/demo.git/info/lfs/objects/batch", body, content_type=kind))
        (made,) = json.loads(connection.answer().body)["objects"]
    path = urllib.parse.urlsplit(made["actions"]["upload"]["href"]).path
    assert path.startswith("/-/signed/")
    put = request(None, "PUT", path, content, content_type="application/octet-stream")
    # A certificate of the same rule with other names is another principal.
    others = [None, site.root.issue("/CN=x", "DNS:a.build.acme.example"), site.root.self_signed()]
    for pair in others:
        with gate.connect(context=pair.context(gate) if pair else None) as connection:
            connection.send(put)
            refused = connection.answer()
            assert refused.status == 403 and refused["X-Error-Code"] == "SignedURLRefused", refused.body
    key = keys.create("k", "--role", "admin")
    with gate.connect(context=site.trainer.context(gate)) as connection:
        connection.send(request(key, "PUT", path, content))
        assert connection.answer().status == 403
        # A renewed certificate has the same names, so it is the same client.
    renewed = site.middle.issue("/CN=trainer", f"URI:{SPIFFE}")
    for pair in (site.trainer, renewed):
        with gate.connect(context=pair.context(gate)) as connection:
            connection.send(put)
            assert connection.answer().status == 200
