"""What a client could try to get past the rules of its key with a request whose path is plain: fields, bodies, methods, credentials."""

import base64
import gzip
import json
import re

import pytest

from fakehub import FakeHub, http
from gate import running_gate
from keys import Keys
from policy import CREDENTIAL, JSON, Client, answer_anything, check_has_no_key, request

SCOPES = {
    "reader": ("--allow", "reader acme/*"),
    "writer": ("--allow", "writer acme/*", "--allow", "create acme/*", "--allow", "settings acme/*"),
    "admin": ("--role", "admin"),
    "chat": ("--allow", "infer acme/*"),
    "spender": ("--allow", "infer acme/*", "--allow", "spend acme/*"),
    "narrow": ("--allow", "writer acme/mine"),
}
MODEL = "/api/models/acme/m"
BATCH = "/acme/m.git/info/lfs/objects/batch"


class Setting:
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
def whole(tmp_path_factory, certificates):
    hub = FakeHub()
    answer_anything(hub)
    directory = tmp_path_factory.mktemp("attacks")
    operator = directory / "operator"
    operator.mkdir()
    keys = Keys(operator)
    made = {name: keys.create(name, *flags) for name, flags in SCOPES.items()}
    flags = ("--upstream", hub.url, "--inference-upstream", hub.url, "--access", "keys", "--state-dir", str(keys.state))
    with running_gate(directory / "gate", certificates, *flags, HF_TOKEN="hf_of_the_gate") as gate:
        yield Setting(gate, hub, made)
    hub.close()


@pytest.fixture
def setting(whole):
    whole.hub.requests.clear()
    whole.hub.routes.clear()
    yield whole
    whole.client.close()


# Fields


OVERRIDES = (
    "X-HTTP-Method-Override: DELETE", "X-HTTP-Method: DELETE", "X-Method-Override: DELETE", "X-Original-URL: /api/models/acme/x/settings",
    "X-Rewrite-URL: /api/repos/delete", "X-Forwarded-Method: DELETE", "X-Forwarded-Uri: /api/repos/delete", "X-Original-Method: DELETE",
    "Forwarded: for=1.2.3.4", "X-Forwarded-For: 1.2.3.4", "X-Middleware-Subrequest: middleware",
    "Cookie: token=hf_other", "Proxy-Authorization: Bearer hf_other",
)  # fmt: skip


@pytest.mark.parametrize("field", OVERRIDES, ids=lambda field: field.partition(":")[0])
def test_a_field_that_says_another_method_path_or_credential_stays_here(setting, field):
    assert setting.ask("reader", "GET", MODEL, b"", field.encode()).status == 409
    (arrived,) = setting.hub.requests
    assert arrived[field.partition(":")[0]] is None and arrived["Authorization"] == CREDENTIAL


def test_a_field_that_the_body_was_judged_by_cannot_be_taken_away_on_the_road(setting):
    """What Connection names does not reach the Hub (RFC 9110 section 7.6.1): without a type it would read no JSON, and make public
    what says nothing."""
    bucket = "/api/buckets/acme/b"
    private = b'{"visibility":"private"}'
    assert setting.ask("writer", "POST", bucket, private).status == 409
    assert setting.reached == [("POST", bucket)]
    setting.hub.requests.clear()
    for field in (b"Connection: Content-Type", b"Connection: close, content-type", b"Connection: keep-alive\r\nConnection: CONTENT-TYPE"):
        assert setting.is_refused(setting.ask("writer", "POST", bucket, private, field), 415)


def test_who_chooses_a_method_that_the_hub_does_not_know_asks_for_what_is_not_known(setting):
    for method in ("OPTIONS", "PATCH", "COPY", "PROPFIND", "LOCK", "get", "Head", "QUERY", "DELETE"):
        answer = setting.ask("reader", method, MODEL)
        assert answer.status >= 400 and not setting.reached, (method, answer.status)
    answer = setting.ask("reader", "HEAD", "/acme/m/resolve/main/x")
    assert answer.status == 409 and setting.reached == [("HEAD", "/acme/m/resolve/main/x")]


# Credentials


def test_of_two_credentials_the_first_is_taken_whichever_that_is_and_the_other_goes_nowhere(setting):
    second = b"Authorization: Bearer " + setting.made["admin"].encode()
    answer = setting.ask("reader", "DELETE", "/api/repos/delete", b'{"name":"acme/m"}', second)
    assert answer.status in (400, 403) and not setting.reached
    answer = setting.ask("reader", "GET", MODEL, b"", second)
    assert answer.status in (400, 409)
    for arrived in setting.hub.requests:
        check_has_no_key(arrived, setting.made["admin"])
        check_has_no_key(arrived, setting.made["reader"])


def test_a_key_elsewhere_than_in_authorization_is_none(setting):
    key = setting.made["admin"]
    for target, fields in (
        (f"{MODEL}?access_token={key}", ()), (f"{MODEL}?token={key}", ()), (MODEL, (f"Cookie: token={key}".encode(),)),
        (MODEL, (f"X-Api-Key: {key}".encode(),)), (MODEL, (f"Proxy-Authorization: Bearer {key}".encode(),)),
    ):  # fmt: skip
        answer = setting.client.ask(request(None, "GET", target, b"", *fields))
        assert setting.is_refused(answer, 401), target
        assert answer["X-Error-Code"] == "KeyMissing"


# Bodies that are judged


PUBLISHING = b'{"private":false}'
ODD_BODIES = {
    "twice": (b'{"private":true,"private":false}', "application/json", ()),
    "twice by escape": (b'{"private":true,"\\u0070rivate":false}', "application/json", ()),
    "BOM": (b'\xef\xbb\xbf{"private":true}', "application/json", ()),
    "two values": (b'{"private":true}{"private":false}', "application/json", ()),
    "trailing bytes": (b'{"private":true} x', "application/json", ()),
    "trailing NUL": (b'{"private":true}\0', "application/json", ()),
    "comment": (b'{"private":true/**/}', "application/json", ()),
    "single quotes": (b"{'private':true}", "application/json", ()),
    "NaN": (b'{"private":true,"x":NaN}', "application/json", ()),
    "not UTF-8": (b'{"private":true,"x":"\xff"}', "application/json", ()),
    "lone surrogate": (b'{"private":true,"\\ud800":1}', "application/json", ()),
    "array": (b'[{"private":true}]', "application/json", ()),
    "deep": (b'{"private":true,"x":' + b"[" * 40 + b"]" * 40 + b"}", "application/json", ()),
    "a form": (b"private=false", "application/x-www-form-urlencoded", ()),
    "another type": (b'{"private":true}', "text/plain", ()),
    "no type": (b'{"private":true}', None, ()),
    "two types": (b'{"private":true}', "application/json", (b"Content-Type: application/x-www-form-urlencoded",)),
    "another charset": (b'{"private":true}', "application/json; charset=utf-7", ()),
    "a type in a list": (b'{"private":true}', "application/json, text/plain", ()),
    "gzip": (gzip.compress(b'{"private":true}'), "application/json", (b"Content-Encoding: gzip",)),
    "said to be gzip": (b'{"private":true}', "application/json", (b"Content-Encoding: gzip",)),
    "UTF-16": ('{"private":true}'.encode("utf-16"), "application/json", ()),
}


@pytest.mark.parametrize("name", ODD_BODIES)
def test_a_body_that_another_reader_could_take_for_something_else_is_refused(setting, name):
    body, content_type, fields = ODD_BODIES[name]
    answer = setting.ask("writer", "PUT", MODEL + "/settings", body, *fields, content_type=content_type)
    assert answer.status in (400, 415) and not setting.reached, (answer.status, answer.body)


def test_a_body_over_a_mebibyte_is_refused_and_one_of_a_mebibyte_goes_on_byte_for_byte(setting):
    def padded(size):
        empty = b'{"private":true,"x":""}'
        return empty[:-2] + b" " * (size - len(empty)) + empty[-2:]

    whole = padded(1 << 20)
    assert setting.ask("writer", "PUT", MODEL + "/settings", whole).status == 409
    assert [one.body for one in setting.hub.requests] == [whole]
    setting.hub.requests.clear()
    assert setting.is_refused(setting.ask("writer", "PUT", MODEL + "/settings", padded((1 << 20) + 1)), 413)
    assert setting.ask("admin", "PUT", MODEL + "/settings", padded((1 << 20) + 1)).status == 409


def test_a_judged_body_may_come_in_chunks_or_be_waited_for_and_is_one_body(setting):
    body = b' { "private" :\ttrue , "description":"\xc3\xa9\\n" }\r\n'
    chunks = b"".join(b"%x\r\n%s\r\n" % (1, bytes([byte])) for byte in body) + b"0\r\n\r\n"
    head = f"PUT {MODEL}/settings HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {setting.made['writer']}\r\nContent-Type: application/json\r\n".encode()
    assert setting.client.ask(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks).status == 409
    assert setting.client.ask(head + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body) + body).status == 409
    assert [one.body for one in setting.hub.requests] == [body] * 2
    for one in setting.hub.requests:
        assert one["Content-Length"] == str(len(body)) and one["Expect"] is None and one["Transfer-Encoding"] is None
    setting.hub.requests.clear()
    chunks = b"%x\r\n%s\r\n0\r\nContent-Type: text/plain\r\n\r\n" % (len(PUBLISHING), PUBLISHING)
    answer = setting.client.ask(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
    assert setting.is_refused(answer, 403, 'lacks "publish"')


def test_a_body_that_is_cut_is_never_asked_of_the_hub(setting):
    body = b'{"private":true}'
    with setting.gate.connect() as connection:
        connection.send(request(setting.made["writer"], "PUT", MODEL + "/settings", body)[:-4])
    assert setting.ask("reader", "GET", MODEL).status == 409
    assert setting.reached == [("GET", MODEL)]


def test_a_batch_of_lfs_is_judged_by_what_it_asks_for(setting):
    lfs = "application/vnd.git-lfs+json"
    upload, download = (json.dumps({"operation": word, "objects": []}).encode() for word in ("upload", "download"))
    assert setting.is_refused(setting.ask("reader", "POST", BATCH, upload, content_type=lfs), 403, 'lacks "write"')
    for body in (b'{"operation":"download","operation":"upload"}', b'{"operation":"Download"}', b'{"Operation":"upload"}', b"", b"{}"):
        answer = setting.ask("reader", "POST", BATCH, body, content_type=lfs)
        assert answer.status in (400, 403) and not setting.reached, (body, answer.status)
    assert setting.ask("reader", "POST", BATCH, download, content_type=lfs).status == 409
    assert setting.ask("writer", "POST", BATCH, upload, content_type=lfs).status == 409


def test_the_model_of_a_chat_is_judged_and_a_second_one_is_not_overlooked(setting):
    chat = "/v1/chat/completions"
    for body in (
        b'{"model":"other/m"}', b'{"model":"acme/m","model":"other/m"}', b'{"Model":"acme/m"}', b'{"model":" acme/m"}', b"",
        b'{"model":["acme/m"]}', b'{"model":"acme/../other/m"}', b'{"model":"acme/m\\u0000"}',
    ):  # fmt: skip
        answer = setting.ask("chat", "POST", chat, body)
        assert answer.status in (400, 403) and not setting.reached, (body, answer.status)
    assert setting.ask("chat", "POST", chat, b'{"model":"acme/m"}').status == 409


def test_a_batch_for_a_bucket_in_another_charset_hides_no_source(setting):
    """Its lines are looked through for what they copy from: in another charset the name of that is other bytes."""
    batch, line = "/api/buckets/acme/b/batch", '{"type":"copyFile","sourceRepoType":"model","sourceRepoId":"other/secret"}\n'
    for charset in ("utf-16", "utf-16le", "utf-7", "ibm037", '"utf-32"'):
        content = line.replace("eRepo", "e+AFI-epo") if charset == "utf-7" else line
        answer = setting.ask("writer", "POST", batch, content.encode(charset.strip('"')), content_type=f"application/x-ndjson; charset={charset}")
        assert setting.is_refused(answer, 415), charset
    assert setting.is_refused(setting.ask("writer", "POST", batch, line.encode(), content_type="application/x-ndjson"), 404)


def test_another_pays_only_for_who_may_spend_what_is_theirs(setting):
    chat, body = "/v1/chat/completions", b'{"model":"acme/m"}'
    for field in (b"X-HF-Bill-To: acme", b"x-hf-bill-to: other", b"X-HF-Bill-To: acme\r\nX-HF-Bill-To: other"):
        assert setting.is_refused(setting.ask("chat", "POST", chat, body, field), 403, 'lacks "spend"')
    assert setting.ask("spender", "POST", chat, body, b"X-HF-Bill-To: acme").status == 409
    assert setting.hub.requests[-1]["X-HF-Bill-To"] == "acme"
    setting.hub.requests.clear()
    assert setting.is_refused(setting.ask("spender", "POST", chat, body, b"X-HF-Bill-To: other"), 403, "other")


# Redirects


def test_a_renamed_repository_is_judged_by_its_new_name_too(setting):
    """The Hub sends who asks for the old name on to the new one: the gateway follows no such redirect with its token."""
    for old, new in (("/api/models/acme/mine", "/api/models/acme/secret"), ("/acme/mine/resolve/main/x", "/acme/secret/resolve/main/x")):
        for location in (new, setting.hub.url + new):
            setting.hub.requests.clear()
            setting.hub.on(old, lambda *_, to=location: http(307, b"", b"Location: " + to.encode()))
            answer = setting.ask("narrow", "GET", old)
            assert answer.status == 307 and setting.reached == [("GET", old)]
            led = re.sub(r"^https://[^/]+", "", answer["Location"])
            setting.hub.requests.clear()
            assert led == new and setting.is_refused(setting.ask("narrow", "GET", led), 404, "Repository not found")


# What is not the Hub's


def test_who_am_i_tells_neither_address_nor_bills_nor_foreign_organisations_to_a_key(setting):
    account = {
        "type": "user", "id": "1", "name": "robot", "email": "robot@acme.example", "billingMode": "prepaid", "canPay": True,
        "orgs": [{"type": "org", "name": "acme", "email": "x@acme.example", "canPay": True}, {"type": "org", "name": "other"}],
        "auth": {"accessToken": {"displayName": "the gate's", "role": "write", "fineGrained": {"global": ["x"]}}},
    }  # fmt: skip
    setting.hub.on("/api/whoami-v2", lambda *_: http(200, json.dumps(account).encode(), JSON))
    for path in ("/api/whoami-v2", "/api/account"):
        answer = setting.ask("reader", "GET", path)
        assert answer.status == 200, (path, answer.body)
        for word in (b"@", b"prepaid", b"canPay", b"other", b"the gate's", b"fineGrained\""):
            assert word not in answer.body.replace(b'"role":"fineGrained"', b""), (path, word, answer.body)
    shown = json.loads(setting.ask("reader", "GET", "/api/whoami-v2").body)
    assert shown["auth"]["accessToken"]["displayName"] == "reader" and [org["name"] for org in shown["orgs"]] == ["acme"]


def test_the_response_to_a_refused_request_does_not_say_whether_the_name_exists(setting):
    setting.hub.on("/api/models/other/there", lambda *_: http(200, b"{}", JSON))
    texts = {re.sub(rb'"request_id":"[^"]*"', b"", setting.ask("reader", "GET", f"/api/models/other/{name}").body) for name in ("there", "absent")}
    assert len(texts) == 1 and not setting.reached


def test_a_browser_s_basic_credential_of_a_key_is_not_used_by_another_site_s_page(setting):
    word = base64.b64encode(f"user:{setting.made['admin']}".encode())
    fields = (b"Authorization: Basic " + word, b"Origin: https://evil.example", b"Sec-Fetch-Site: cross-site")
    answer = setting.client.ask(request(None, "POST", "/api/repos/create", b'{"name":"x"}', *fields))
    assert answer.status == 403 and not setting.reached
