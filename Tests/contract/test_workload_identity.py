"""Workload identity: a job's OpenID Connect token becomes a gateway key by the rules of the settings, and nothing else does."""

import hashlib
import hmac
import json
import os
import re
import signal
import sqlite3
import subprocess
import time
import urllib.parse
from pathlib import Path

import pytest

from audit import Audit
from clients import SERIES
from fakehub import FakeHub, http
from gate import ROOT, clean_environment, run
from issuer import Issuer, Key, encoded
from policy import JSON, request
from descendants import state_process_of
from waiting import wait_until

PATH = "/api/models/acme/m"
GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
AUDIENCE = "https://gate.example"
SUBJECT = "repo:acme/app:ref:refs/heads/main"
FORM, AS_JSON = b"Content-Type: application/x-www-form-urlencoded", b"Content-Type: application/json"


@pytest.fixture
def issuer_server():
    server = FakeHub()
    yield server
    server.close()


@pytest.fixture
def issuer(tmp_path, issuer_server):
    return Issuer(tmp_path, issuer_server)


@pytest.fixture
def hub(hub):
    hub.on(PATH, lambda *_: http(200, b'{"id":"acme/m"}', JSON))
    hub.on("/api/whoami-v2", lambda *_: http(200, b'{"name":"somebody","type":"user","orgs":[]}', JSON))
    return hub


def login(issuer, **others):
    """A rule of the settings."""
    rule = {"issuer": issuer.url, "audience": [AUDIENCE], "claims": ["repository=acme/app"], "role": "reader", **others}
    return {name: value for name, value in rule.items() if value is not None}


@pytest.fixture
def start_with(start_with_keys, tmp_path):
    settings = tmp_path / "logins.yaml"

    def start_with(logins, *flags, **options):
        # JSON is YAML.
        settings.write_text(f"logins: {json.dumps(logins)}\n")
        return start_with_keys("--config", str(settings), *flags, **options)

    start_with.settings = settings
    return start_with


def post(gate, body, kind=AS_JSON, path="/oauth/token", *fields):
    head = [f"POST {path} HTTP/1.1".encode(), b"Host: localhost", b"Connection: close", kind, b"Content-Length: %d" % len(body), *fields]
    return gate.ask(b"\r\n".join(head) + b"\r\n\r\n" + body)


def exchange(gate, token, **others):
    parameters = {"grant_type": GRANT, "subject_token_type": ID_TOKEN, "subject_token": token, "resource": "acme/m", **others}
    return post(gate, json.dumps(parameters).encode())


def key_of(gate, token, **others):
    answer = exchange(gate, token, **others)
    assert answer.status == 200, answer.body
    assert answer["Cache-Control"] == "no-store"
    said = answer.json
    assert said["token_type"] == "bearer" and said["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    return said["access_token"], said["expires_in"]


def refusal(gate, token, **others):
    answer = exchange(gate, token, **others)
    assert answer.status in (400, 429, 503), answer.body
    said = answer.json
    assert set(said) == {"error", "error_description"} and answer["X-Error-Message"] == said["error_description"]
    return said["error"]


def status(gate, key, path=PATH, method="GET"):
    return gate.ask(request(key, method, path, b"", b"Connection: close")).status


def reload(gate):
    gate.signal(signal.SIGHUP)
    assert wait_until(lambda: any(line.startswith("Reloaded;") for line in gate.messages), 10)


# What is right


@pytest.mark.parametrize("kind", ["RS256", "ES256", "EdDSA"])
def test_a_token_of_each_algorithm_becomes_a_key_that_is_good_at_every_worker(start_with, issuer, keys, hub, kind):
    issuer.add_key("another", kind)
    gate = start_with({"ci": login(issuer)})
    for _ in range(5):
        key, seconds = key_of(gate, issuer.token())
        assert seconds == 3600
        # At once, at whichever worker.
        assert [status(gate, key) for _ in range(4)] == [200] * 4
        assert status(gate, key, method="DELETE") != 200
    assert all(asked["Authorization"] == "Bearer hf_of_the_gate" for asked in hub.seen(PATH))
    [shown, *_] = keys.list()
    assert shown["name"].startswith("oidc:repo:acme/app:ref:refs/heads/main#") and shown["role"] == "reader"
    assert gate.wait_for_log(lambda line: line.get("key") == shown["name"])
    text = gate.errors + gate.log_path.read_text()
    assert key[14:] not in text and issuer.token().split(".")[2] not in text


def test_the_real_hf_downloads_and_says_who_it_is_with_a_token_alone(start, keys, issuer, tmp_path, certificates):
    settings = tmp_path / "logins.yaml"
    settings.write_text(f"logins: {json.dumps({'ci': login(issuer)})}\n")
    gate = start("--access", "keys", "--config", str(settings), "--state-dir", str(keys.state))
    home = tmp_path / "home"
    home.mkdir()
    environment = clean_environment(
        home, HF_ENDPOINT=gate.origin, SSL_CERT_FILE=str(certificates.authority), HF_OIDC_ID_TOKEN=issuer.token(),
        HF_OIDC_RESOURCE="sandbox/demo", HF_HUB_DISABLE_TELEMETRY="1")  # fmt: skip
    hf = SERIES[0].program("hf")
    for words in (["auth", "whoami"], ["download", "sandbox/demo", "config.json"]):
        done = subprocess.run([hf, *words], env=environment, cwd=home, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stderr
    expired = {**environment, "HF_OIDC_ID_TOKEN": issuer.token(exp=int(time.time()) - 100)}
    done = subprocess.run([hf, "auth", "whoami"], env=expired, cwd=home, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode != 0 and "The token has expired" in done.stdout + done.stderr


def test_a_form_is_read_as_json_is_and_the_type_jwt_too(start_with, issuer):
    gate = start_with({"ci": login(issuer)}, workers=1)
    for kind in (ID_TOKEN, "urn:ietf:params:oauth:token-type:jwt"):
        form = urllib.parse.urlencode({"grant_type": GRANT, "subject_token_type": kind, "subject_token": issuer.token()})
        assert post(gate, form.encode(), FORM).status == 200


def test_conditions_are_to_the_byte_and_patterns_only_where_a_rule_says_so(start_with, issuer):
    gate = start_with({
        "exact": login(issuer, claims=["repository=acme/*"], role="admin"),
        "main": login(issuer, claims=["sub~repo:acme/*:ref:refs/heads/main", "environment=prod"], role="writer"),
        "any": login(issuer, claims=["sub~repo:acme/*"], role="reader", lifetime="10m"),
    }, workers=1)  # fmt: skip
    assert key_of(gate, issuer.token(environment="prod"))[1] == 3600
    assert key_of(gate, issuer.token(sub="repo:acme/x:pull_request"))[1] == 600
    # A client may choose a rule by its name, and that one only.
    assert key_of(gate, issuer.token(environment="prod"), resource="any")[1] == 600
    assert refusal(gate, issuer.token(), resource="main") == "invalid_grant"
    # The text with the star itself, and nothing that the star would stand for.
    assert key_of(gate, issuer.token(repository="acme/*"), resource="exact")[1] == 3600
    assert refusal(gate, issuer.token(repository="acme/app"), resource="exact") == "invalid_grant"
    for sub in ("repo:evil/acme/x", "Repo:acme/x", ["repo:acme/x"], {"a": 1}, 7, None):
        assert refusal(gate, issuer.token(sub=sub)) == "invalid_grant", sub


def test_clocks_may_differ_by_a_minute(start_with, issuer):
    gate = start_with({"ci": login(issuer)}, workers=1)
    now = int(time.time())
    key_of(gate, issuer.token(exp=now - 50))
    key_of(gate, issuer.token(nbf=now + 50, iat=now + 50))
    key_of(gate, issuer.token(exp=now + 60.5))
    key_of(gate, issuer.token(nbf=None, iat=None))


# What is not


def forged(issuer, **changes):
    return issuer.token(**changes)


def hs256_with_the_public_key(issuer):
    """The oldest attack: the public key taken as the secret of an HMAC."""
    signed = f"{encoded({'alg': 'HS256', 'typ': 'JWT', 'kid': issuer.key.kid})}.{encoded(issuer.claims())}"
    return f"{signed}.{encoded(hmac.digest(issuer.key.public_pem, signed.encode(), hashlib.sha256))}"


def signed_again(issuer, change):
    """A right token whose payload was changed after it was signed."""
    head, body, signature = issuer.token().split(".")
    return f"{head}.{change(body)}.{signature}"


def raw(issuer, payload, header=None):
    """Of a payload that is written as it stands."""
    head = encoded(header if header is not None else {"alg": "RS256", "typ": "JWT", "kid": issuer.key.kid})
    signed = f"{head}.{encoded(payload)}"
    return f"{signed}.{encoded(issuer.key.sign(signed.encode()))}"


def payload(issuer, **changes):
    return json.dumps(issuer.claims(**changes))


ATTACKS = {
    "alg none": lambda i, _: forged(i, header={"alg": "none"}, signature=b""),
    "alg none with a signature": lambda i, _: forged(i, header={"alg": "none"}),
    "alg nOnE": lambda i, _: forged(i, header={"alg": "nOnE"}, signature=b"x"),
    "HS256 with the public key": lambda i, _: hs256_with_the_public_key(i),
    "RS512": lambda i, _: forged(i, header={"alg": "RS512"}),
    "alg is a list": lambda i, _: forged(i, header={"alg": ["RS256"]}),
    "no alg": lambda i, _: forged(i, header={"alg": None}),
    "unknown kid": lambda i, _: forged(i, header={"kid": "nobody"}),
    "no kid": lambda i, _: forged(i, header={"kid": None}),
    "kid is a path": lambda i, _: forged(i, header={"kid": "../../../../dev/null"}),
    "crit": lambda i, _: forged(i, header={"crit": ["exp"]}),
    "b64": lambda i, _: forged(i, header={"b64": False}),
    "typ of an access token": lambda i, _: forged(i, header={"typ": "at+jwt"}),
    "a key in its header": lambda i, d: forged(i, key=(k := Key(d, "mine")), header={"jwk": k.jwk, "kid": "mine"}),
    "an address of keys in its header": lambda i, d: forged(i, key=Key(d, "mine2"), header={"jku": "https://evil.example/keys", "kid": "first"}),
    "another's key": lambda i, d: forged(i, key=Key(d, "mine3"), header={"kid": "first"}),
    "a key for encryption": lambda i, _: forged(i, header={"kid": "enc"}),
    "a weak key": lambda i, _: forged(i, key=i.weak),
    "a key of another curve": lambda i, _: forged(i, key=i.p384),
    "ES256 with an RSA key": lambda i, _: forged(i, header={"alg": "ES256"}),
    "RS256 with an EC key": lambda i, _: forged(i, key=i.ec, header={"alg": "RS256"}),
    "an EC signature in DER": lambda i, _: ec_signature(i, lambda s: b"\x30\x44\x02\x20" + s[:32] + b"\x02\x20" + s[32:]),
    "an EC signature that is short": lambda i, _: ec_signature(i, lambda s: s[:-1]),
    "an EC signature of zeros": lambda i, _: ec_signature(i, lambda s: bytes(64)),
    "no signature": lambda i, _: i.token(signature=b""),
    "a cut signature": lambda i, _: i.token()[:-4],
    "a signature with a bit more": lambda i, _: i.token() + "A",
    "a changed payload": lambda i, _: signed_again(i, lambda _: encoded(i.claims(sub="repo:acme/app:ref:refs/heads/other"))),
    "two parts": lambda i, _: ".".join(i.token().split(".")[:2]),
    "four parts": lambda i, _: i.token() + ".x",
    "an encrypted token": lambda i, _: i.token() + ".x.y",
    "padding": lambda i, _: i.token() + "==",
    "the other alphabet": lambda i, _: i.token().replace("-", "+").replace("_", "/") + "/",
    "a blank inside": lambda i, _: i.token().replace(".", " .", 1),
    "nothing": lambda i, _: "",
    "only dots": lambda i, _: "..",
    "a claim twice": lambda i, _: raw(i, (payload(i)[:-1] + ', "repository": "acme/app"}').encode()),
    "a claim twice, escaped": lambda i, _: raw(i, (payload(i, repository="x")[:-1] + ', "repositor\\u0079": "acme/app"}').encode()),
    "a header member twice": lambda i, _: raw(i, payload(i).encode(), b'{"alg":"none","alg":"RS256","kid":"first"}'),
    "a payload that is a list": lambda i, _: raw(i, b"[1]"),
    "a payload that is no JSON": lambda i, _: raw(i, b"{"),
    "a payload not in UTF-8": lambda i, _: raw(i, b'{"iss":"\xff"}'),
    "a deep payload": lambda i, _: raw(i, b'{"a":' + b"[" * 500 + b"]" * 500 + b"}"),
    "over 16 KiB": lambda i, _: i.token(filler="x" * (16 << 10)),
    "expired": lambda i, _: i.token(exp=int(time.time()) - 62),
    "no exp": lambda i, _: i.token(exp=None),
    "exp is a text": lambda i, _: i.token(exp="9999999999"),
    "exp is beyond numbers": lambda i, _: raw(i, payload(i, exp=1).replace('"exp": 1', '"exp": -1e400').encode()),
    "nbf to come": lambda i, _: i.token(nbf=int(time.time()) + 100),
    "iat to come": lambda i, _: i.token(iat=1e300),
    "another audience": lambda i, _: i.token(aud="https://huggingface.co"),
    "no audience": lambda i, _: i.token(aud=None),
    "an audience with more behind": lambda i, _: i.token(aud=AUDIENCE + "/"),
    "an audience in an object": lambda i, _: i.token(aud={"x": AUDIENCE}),
    "an audience among numbers": lambda i, _: i.token(aud=[AUDIENCE, 1]),
    "another issuer": lambda i, _: i.token(iss="https://evil.example"),
    "an issuer with a slash behind": lambda i, _: i.token(iss=i.url + "/"),
    "no issuer": lambda i, _: i.token(iss=None),
    "issuer in a list": lambda i, _: i.token(iss=[i.url]),
    "another repository": lambda i, _: i.token(repository="evil/app"),
    "a repository in capitals": lambda i, _: i.token(repository="Acme/app"),
    "a repository in a list": lambda i, _: i.token(repository=["acme/app"]),
    "no repository": lambda i, _: i.token(repository=None),
}  # fmt: skip


def ec_signature(issuer, change):
    signed = ".".join(issuer.token(key=issuer.ec).split(".")[:2])
    return f"{signed}.{encoded(change(issuer.ec.sign(signed.encode())))}"


def test_no_forged_or_foreign_token_becomes_a_key_and_the_log_says_why(start_with, issuer, keys, tmp_path):
    issuer.ec = Key(tmp_path, "curve", "ES256")
    issuer.weak = Key(tmp_path, "weak", "RS256-1024")
    issuer.p384 = Key(tmp_path, "p384", "ES384")
    issuer.extra = [
        issuer.ec.jwk, issuer.weak.jwk, issuer.p384.jwk, {**issuer.key.jwk, "kid": "enc", "use": "enc"},
        {"kty": "oct", "kid": "secret", "k": encoded(issuer.key.public_pem)},
    ]  # fmt: skip
    gate = start_with({"ci": login(issuer)}, workers=1)
    key_of(gate, issuer.token())
    key_of(gate, issuer.token(key=issuer.ec))
    refused = 0
    for name, attack in ATTACKS.items():
        token = attack(issuer, tmp_path)
        if refused % 25 == 24:
            # Its failures are counted by address and process.
            gate.stop()
            gate = start_with({"ci": login(issuer)}, workers=1)
        answer = exchange(gate, token)
        assert answer.status == 400, (name, answer.status, answer.body)
        assert answer.json["error"] == "invalid_grant", (name, answer.json)
        said = answer.json["error_description"]
        assert "evil" not in said and "acme" not in said, (name, said)
        number = answer["X-Request-Id"]
        assert wait_until(lambda: any(f"(request {number})" in line and "Login refused" in line for line in gate.messages), 3), name
        assert number in said, (name, said)
        refused += 1
    assert refused == len(ATTACKS) and len(keys.list()) == 2


def test_failures_of_one_address_are_limited_and_cost_nothing_more(start_with, issuer):
    gate = start_with({"ci": login(issuer)}, workers=1)
    bad = issuer.token(repository="evil/app")
    answers = [exchange(gate, bad) for _ in range(31)]
    assert [answer.status for answer in answers] == [400] * 30 + [429]
    assert int(answers[-1]["Retry-After"]) >= 1
    # Clients that share the address wait too: their tokens are not even looked at.
    assert exchange(gate, issuer.token()).status == 429


def test_what_is_no_exchange_is_told_what_to_do(start_with, issuer):
    gate = start_with({"ci": login(issuer)}, workers=1)
    good = {"grant_type": GRANT, "subject_token_type": ID_TOKEN, "subject_token": "x"}
    for change, error in [
        ({"grant_type": None}, "invalid_request"), ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"subject_token": None}, "invalid_request"), ({"subject_token_type": "x"}, "invalid_request"), ({"subject_token": ["x"]}, "invalid_request"),
    ]:  # fmt: skip
        body = {name: value for name, value in {**good, **change}.items() if value is not None}
        answer = post(gate, json.dumps(body).encode())
        assert (answer.status, answer.json["error"]) == (400, error), change
    for body, kind in [
        (b"{", AS_JSON), (b"[]", AS_JSON), (b"a=1&a=2", FORM), (b"a=%zz", FORM), (b"a=%ff", FORM), (b"&".join([b"a=1"] * 99), FORM),
        (b'{"grant_type":"x","grant_type":"y"}', AS_JSON), (b"x", b"Content-Type: text/plain"), (b"x", b"X: y"),
    ]:  # fmt: skip
        answer = post(gate, body, kind)
        assert (answer.status, answer.json["error"]) == (400, "invalid_request"), body
    assert post(gate, b"x" * (33 << 10)).status == 413
    assert gate.ask(b"GET /oauth/token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").status == 405


def test_without_logins_the_answer_says_so_and_without_keys_the_path_is_the_hubs(start_before, start_with, hub, issuer):
    gate = start_with({}, workers=1)
    assert refusal(gate, issuer.token()) == "unsupported_grant_type"
    hub.on("/oauth/token", lambda *_: http(418, b"the Hub's"))
    other = start_before(hub, "--access", "open")
    assert exchange(other, issuer.token()).status == 418
    assert [b"/oauth/token" in at.curl("/", "-H", "Accept: text/html").stdout for at in (other, gate)] == [False, True]


# The issuer's keys


def test_an_address_of_keys_that_the_settings_name_takes_the_place_of_discovery(start_with, issuer, issuer_server):
    issuer_server.on("/.well-known/openid-configuration", lambda *_: http(500, b""))
    gate = start_with({"ci": login(issuer, jwks_url=f"{issuer.url}/keys")}, workers=1)
    key_of(gate, issuer.token())
    assert not issuer_server.seen("/.well-known/openid-configuration")
    [asked] = issuer_server.seen("/keys")
    # Nothing of the gateway's goes to an issuer.
    assert asked["Authorization"] is None and asked["Cookie"] is None


@pytest.mark.long
def test_keys_of_issuers_are_fetched_anew_after_ten_seconds_and_those_of_one_that_is_gone_count(start_with, issuer, tmp_path, another_server):
    (tmp_path / "gone").mkdir()
    gone = Issuer(tmp_path / "gone", another_server, kind="ES256")
    kept = issuer.add_key("kept", "ES256")
    gate = start_with({"ci": login(issuer), "far": login(gone)}, workers=1)
    old = issuer.keys[0]
    begun = time.monotonic()
    for key in (old, kept):
        key_of(gate, issuer.token(key=key))
    key_of(gate, gone.token())
    assert issuer.fetches == gone.fetches == 1
    issuer.keys.remove(old)
    issuer.add_key("new")
    another_server.on("/keys", lambda *_: http(500, b"no"))
    # Not fetched again within ten seconds, whichever client asks.
    for key in [None] * 5 + [old]:
        answer = exchange(gate, issuer.token(key=key))
        if time.monotonic() - begun < 10:
            assert answer.status == (200 if key else 400) and issuer.fetches == 1, answer.body
    time.sleep(10.1)
    key_of(gate, issuer.token())
    assert issuer.fetches == 2
    key_of(gate, issuer.token(key=kept))
    assert refusal(gate, issuer.token(key=old)) == "invalid_grant"
    # An unknown one has those of the other asked for again, which fails.
    assert refusal(gate, gone.token(header={"kid": "nobody"})) == "invalid_grant"
    assert wait_until(lambda: any("keys of a token issuer cannot be had" in line and "it answered 500" in line for line in gate.messages), 3)
    key_of(gate, gone.token())


@pytest.mark.parametrize("fault", ["absent", "redirect", "huge", "not json", "other issuer", "other host", "no keys", "slow"])
def test_an_issuer_that_answers_wrongly_gives_no_keys(start_with, issuer, issuer_server, hub, fault):
    moved = f"Location: {hub.url}/keys".encode()
    configuration = {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys"}
    wrong = {
        "absent": lambda *_: http(404, b""), "redirect": lambda *_: http(302, b"", moved), "huge": lambda *_: http(200, b" " * (257 << 10)),
        "not json": lambda *_: http(200, b"<html>"), "no keys": lambda *_: http(200, b'{"keys": []}'), "slow": lambda *_: time.sleep(6) or http(200, b""),
    }  # fmt: skip
    hub.on("/keys", lambda *_: http(200, json.dumps(issuer.jwks).encode(), JSON))
    if fault in wrong:
        issuer_server.on("/keys", wrong[fault])
    elif fault == "other issuer":
        issuer_server.on("/.well-known/openid-configuration", lambda *_: http(200, json.dumps({**configuration, "issuer": "https://x.example"}).encode(), JSON))
    else:
        issuer_server.on("/.well-known/openid-configuration", lambda *_: http(200, json.dumps({**configuration, "jwks_uri": f"{hub.url}/keys"}).encode(), JSON))
    gate = start_with({"ci": login(issuer)}, workers=1)
    assert refusal(gate, issuer.token()) == "invalid_grant"
    assert wait_until(lambda: any("keys of a token issuer cannot be had" in line for line in gate.messages), 3)
    assert not hub.seen("/keys")


@pytest.mark.parametrize("trusted", [True, False])
def test_keys_come_over_tls_from_whom_ca_file_vouches_for_and_nobody_else(start_with, certificates, tmp_path, trusted):
    server = FakeHub(certificates=certificates)
    try:
        issuer = Issuer(tmp_path, server, url=f"https://localhost:{server.port}")
        flags = ("--ca-file", str(certificates.authority)) if trusted else ()
        gate = start_with({"ci": login(issuer)}, *flags, workers=1)
        if trusted:
            key_of(gate, issuer.token())
        else:
            assert refusal(gate, issuer.token()) == "invalid_grant" and issuer.fetches == 0
    finally:
        server.close()


def test_keys_come_from_a_file_too_and_are_read_anew_on_a_reload(start_with, tmp_path):
    directory = tmp_path / "far"
    directory.mkdir()
    issuer = Issuer(directory, url="https://kubernetes.default.svc")
    document = tmp_path / "jwks.json"
    document.write_text(json.dumps(issuer.jwks))
    sub = "system:serviceaccount:ml:trainer"
    gate = start_with({"k8s": login(issuer, claims=[f"sub={sub}"], jwks_file=str(document))})
    key_of(gate, issuer.token(sub=sub))
    issuer.keys = []
    issuer.add_key("next")
    assert refusal(gate, issuer.token(sub=sub)) == "invalid_grant"
    document.write_text(json.dumps(issuer.jwks))
    reload(gate)
    key_of(gate, issuer.token(sub=sub))
    document.write_text("[]")
    gate.signal(signal.SIGHUP)
    assert wait_until(lambda: any("Not reloaded" in line and "no set of public keys" in line for line in gate.messages), 5)
    key_of(gate, issuer.token(sub=sub))


# What a rule may make


def test_a_reload_takes_a_rule_away_and_its_keys_stay_until_their_end(start_with, issuer):
    gate = start_with({"ci": login(issuer)})
    key, _ = key_of(gate, issuer.token())
    start_with.settings.write_text(f"logins: {json.dumps({'other': login(issuer, claims=['repository=acme/other'])})}\n")
    reload(gate)
    assert refusal(gate, issuer.token()) == "invalid_grant"
    assert status(gate, key) == 200


def test_a_rule_has_no_more_keys_than_it_may(start_with, issuer, keys):
    gate = start_with({"ci": login(issuer, keys="2")})
    made = [key_of(gate, issuer.token()) for _ in range(2)]
    answer = exchange(gate, issuer.token())
    assert (answer.status, answer.json["error"]) == (429, "temporarily_unavailable")
    keys.revoke(keys.list()[0]["name"])
    key_of(gate, issuer.token())
    assert len(made) == 2 and len(keys.list()) == 2


def test_one_workload_cannot_take_the_keys_of_the_others_of_its_rule(start_with, issuer, keys):
    gate = start_with({"ci": login(issuer, keys="4", keys_per_subject="2")})
    for _ in range(2):
        key_of(gate, issuer.token())
    answer = exchange(gate, issuer.token())
    assert (answer.status, answer.json["error"]) == (429, "temporarily_unavailable")
    assert "workload" in answer.json["error_description"] and int(answer["Retry-After"]) > 0
    assert [message for message in gate.messages if "keys_per_subject" in message]
    key_of(gate, issuer.token(sub="repo:acme/app:ref:refs/heads/other"))
    keys.revoke(keys.list()[0]["name"])
    key_of(gate, issuer.token())


def test_each_exchange_and_each_refusal_is_a_line_of_the_audit_that_joins_the_keys(start_with, issuer, keys):
    audit = Audit(keys.state / "audit")
    gate = start_with({"ci": login(issuer)}, workers=1)
    answer = exchange(gate, issuer.token())
    key, request_id = answer.json["access_token"], answer["X-Request-Id"]
    (line,) = wait_until(lambda: audit.of("login"), 5)
    (event,) = wait_until(lambda: audit.of("key-event"), 5)
    name = keys.list()[0]["name"]
    assert (line["event"], line["decision"], line["rule"], line["key"]) == ("exchange", "allowed", "ci", name)
    assert (line["issuer"], line["subject"], line["address"]) == (issuer.url, SUBJECT, "127.0.0.1")
    assert line["request_id"] == event["request_id"] and line["key_id"] == event["key_id"] and line["request_id"]
    assert request_id in (None, line["request_id"])
    assert event["by"] == "login ci"
    # What it does afterwards has the same name.
    foreign, bad = issuer.token(aud="elsewhere"), issuer.token(signature=bytes(256))
    for token in (foreign, bad, "no token"):
        assert refusal(gate, token)
    refused = wait_until(lambda: len(found := audit.of("login", decision="refused")) == 3 and found, 5)
    assert [line["event"] for line in refused] == ["login"] * 3 and all(line["detail"] for line in refused)
    assert refused[0]["issuer"] == issuer.url and refused[0]["subject"] == SUBJECT and "aud" in refused[0]["detail"]
    text = "".join(path.read_text() for path in audit.files)
    for secret in (key, foreign, bad, foreign.rpartition(".")[2]):
        assert secret not in text
    shown = keys.run("audit", "show", "--action", "login").stdout
    assert shown.count("\n") == 5 and "login exchange" in shown and "refused" in shown, shown
    assert keys.run("audit", "show", "--refusals").stdout.count("refused") == 3
    assert "login exchange" in keys.run("audit", "show", "--request", line["request_id"]).stdout
    assert "login exchange" in keys.run("audit", "show", "--key", SUBJECT).stdout
    audit.check_chain()


def test_rules_of_logins_reach_a_state_process_that_stood_still_while_they_changed(start_with, issuer, keys):
    many = {f"{'r' * 58}-{number}": login(issuer, role="writer", claims=[f"repository=acme/{number}"]) for number in range(100)}
    gate = start_with({"ci": login(issuer), **dict(list(many.items())[:-1])}, workers=1)
    pid = state_process_of(gate, keys)
    os.kill(pid, signal.SIGSTOP)
    try:
        for number in range(40):
            start_with.settings.write_text(f"logins: {json.dumps({f'turn-{number}': login(issuer), **dict(list(many.items())[:-1])})}\n")
            count = len([message for message in gate.messages if message.startswith("Reloaded;")])
            gate.signal(signal.SIGHUP)
            assert wait_until(lambda: len([m for m in gate.messages if m.startswith("Reloaded;")]) > count, 10)
            if [message for message in gate.messages if "state process does not read" in message]:
                break
        else:
            raise AssertionError("the line to the state process is never full")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert wait_until(lambda: exchange(gate, issuer.token()).status == 200, 10)
    assert keys.list()[0]["name"].startswith("oidc:")
    assert f"login turn-{number}" in keys.run("audit", "show", "--json").stdout


def test_keys_that_are_long_over_are_removed_from_the_database(start_with, issuer, keys):
    by_hand = keys.create("by-hand", "--role", "reader", "--expires", "1s")
    gate = start_with({"ci": login(issuer)})
    old, _ = key_of(gate, issuer.token())
    assert status(gate, old) == 200
    new, _ = key_of(gate, issuer.token())
    assert wait_until(lambda: all(key["uses"] for key in keys.list() if key["name"].startswith("oidc:") and key["name"].endswith("#2")), 10)
    gate.stop()
    with sqlite3.connect(keys.database) as database:
        database.execute("UPDATE keys SET expires = expires - 200000 WHERE name LIKE 'oidc:%#2' OR name = 'by-hand'")
    gate = start_with({"ci": login(issuer)})
    assert wait_until(lambda: len(keys.list()) == 2, 10)
    assert {key["name"][:4] for key in keys.list()} == {"by-h", "oidc"}
    assert [status(gate, key) for key in (old, by_hand, new)] == [401, 401, 200]


def test_a_key_of_a_login_is_revoked_and_ends_as_any_other(start_with, issuer, keys):
    gate = start_with({"ci": login(issuer, lifetime="1m")})
    key, seconds = key_of(gate, issuer.token())
    assert seconds == 60
    keys.revoke(keys.list()[0]["name"])
    assert wait_until(lambda: status(gate, key) == 401, 5)


def test_a_strange_subject_is_harmless_in_the_keys_name(start_with, issuer, keys):
    gate = start_with({"ci": login(issuer)}, workers=1)
    key, _ = key_of(gate, issuer.token(sub='a"b\n\u2028\x1b[31m ' + "x" * 500))
    assert status(gate, key) == 200
    [shown] = keys.list()
    assert len(shown["name"]) < 200 and set(shown["name"]) <= set("abcdefghijklmnopqrstuvwxyz0123456789:_#[")
    assert all(json.loads(line) for line in gate.log_path.read_text().splitlines())


def test_a_state_process_that_dies_loses_no_key_that_a_client_has(start_with, issuer):
    gate = start_with({"ci": login(issuer)})
    made = []
    for index in range(6):
        if index % 2:
            children = Path(f"/proc/{gate.pid}/task/{gate.pid}/children").read_text().split()
            os.kill(int(children[0]), signal.SIGKILL)
        assert wait_until(lambda: (answer := exchange(gate, issuer.token())).status == 200 and made.append(answer.json["access_token"]) is None, 10)
    assert wait_until(lambda: all(status(gate, key) == 200 for key in made), 5)


# The settings


@pytest.mark.parametrize("change, said", [
    ({"issuer": None}, "no issuer"), ({"role": None}, "no role"), ({"claims": None}, "no claims"), ({"claims": ["sub~*"]}, "no claims"),
    ({"claims": ["sub"]}, "name=value"), ({"claims": "x" * 600}, "512"), ({"role": "raeder"}, "did you mean"), ({"issuer": "http://far.example"}, "https"),
    ({"lifetime": "2d"}, "lifetime"), ({"lifetime": "25h"}, "out of range"), ({"keys": "0"}, "out of range"), ({"as": "../x"}, "credentials_dir"),
    ({"jwks_file": "/nowhere"}, "no file"), ({"jwks_url": "ftp://x"}, "neither https"), ({"jwks_url": "https://a.example/k", "jwks_file": "x"}, "give one"),
    ({"color": "red"}, "login ci: there is no field color"), ({"audience": None}, "public_url"),
])  # fmt: skip
def test_what_is_wrong_with_a_login_is_said_before_anything_is_served(workspace, change, said):
    rule = {"issuer": "https://issuer.example", "audience": ["x"], "claims": ["sub=x"], "role": "reader", **change}
    text = json.dumps({"ci": {name: value for name, value in rule.items() if value is not None}})
    done = run(workspace, "--check", "--access", "keys", "--logins", text)
    assert done.returncode == 78 and said in done.stderr, done.stderr
    assert "logins" in done.stderr


def test_logins_without_access_by_keys_are_warned_of(start):
    rule = {"ci": {"issuer": "https://issuer.example", "audience": ["x"], "claims": ["sub=x"], "role": "reader"}}
    gate = start("--access", "open", "--logins", json.dumps(rule))
    assert wait_until(lambda: any("set access to keys" in line for line in gate.messages), 3)


# The document


def blocks(language):
    text = (ROOT / "docs/ci-without-secrets.md").read_text()
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_rules_of_the_document_are_read_as_they_are_written(workspace, certificates, issuer):
    [rules] = [block for block in blocks("yaml") if "logins:" in block]
    (workspace / "cluster-keys.json").write_text(json.dumps(issuer.jwks))
    (workspace / "config/hubgate.yaml").write_text(
        rules.replace("/etc/hubgate/cluster-keys.json", "cluster-keys.json") + "roles: {data-team: {allow: [read acme/*]}}\n")
    (workspace / "state").mkdir(mode=0o700)
    done = run(workspace, "--check", "--listen", "127.0.0.1:0", "--state-dir", "state", **certificates.settings)
    assert done.returncode == 0, done.stderr


def test_the_commands_of_the_document_get_a_key(start_with, issuer, certificates, tmp_path):
    gate = start_with({"ci": login(issuer)}, workers=1)
    [command] = [block for block in blocks("sh") if "curl" in block]
    (tmp_path / "token").write_text(issuer.token())
    line = command.replace("https://gate.example", gate.origin).replace("/var/run/gate/token", str(tmp_path / "token"))
    environment = {**clean_environment(tmp_path), "SSL_CERT_FILE": str(certificates.authority), "CURL_CA_BUNDLE": str(certificates.authority)}
    done = subprocess.run(["bash", "-c", line], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and json.loads(done.stdout)["access_token"].startswith("hg_"), done.stderr
