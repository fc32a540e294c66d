"""What a client could try to get past the rules of its key with a request whose path is plain: fields, methods, credentials."""

import base64
import gzip
import json
import re

import pytest

from fakehub import http
from policy import CREDENTIAL, JSON, check_has_no_key, request

MODEL = "/api/models/acme/m"


# Fields


OVERRIDES = (
    "X-HTTP-Method-Override: DELETE", "X-HTTP-Method: DELETE", "X-Method-Override: DELETE", "X-Original-URL: /api/models/acme/x/settings",
    "X-Rewrite-URL: /api/repos/delete", "X-Forwarded-Method: DELETE", "X-Forwarded-Uri: /api/repos/delete", "X-Original-Method: DELETE",
    "Forwarded: for=1.2.3.4", "X-Forwarded-For: 1.2.3.4", "X-Middleware-Subrequest: middleware",
    "Cookie: token=hf_other", "Proxy-Authorization: Bearer hf_other",
)  # fmt: skip


@pytest.mark.parametrize("field", OVERRIDES, ids=lambda field: field.partition(":")[0])
def test_a_field_that_says_another_method_path_or_credential_stays_here(attacked, field):
    assert attacked.ask("reader", "GET", MODEL, b"", field.encode()).status == 409
    (arrived,) = attacked.hub.requests
    assert arrived[field.partition(":")[0]] is None and arrived["Authorization"] == CREDENTIAL


def test_a_field_that_the_body_was_judged_by_cannot_be_taken_away_on_the_road(attacked):
    """What Connection names does not reach the Hub (RFC 9110 section 7.6.1): without a type it would read no JSON, and make public
    what says nothing."""
    bucket = "/api/buckets/acme/b"
    private = b'{"visibility":"private"}'
    assert attacked.ask("writer", "POST", bucket, private).status == 409
    assert attacked.reached == [("POST", bucket)]
    attacked.hub.requests.clear()
    for field in (b"Connection: Content-Type", b"Connection: close, content-type", b"Connection: keep-alive\r\nConnection: CONTENT-TYPE"):
        assert attacked.is_refused(attacked.ask("writer", "POST", bucket, private, field), 415)


def test_who_chooses_a_method_that_the_hub_does_not_know_asks_for_what_is_not_known(attacked):
    for method in ("OPTIONS", "PATCH", "COPY", "PROPFIND", "LOCK", "get", "Head", "QUERY", "DELETE"):
        answer = attacked.ask("reader", method, MODEL)
        assert answer.status >= 400 and not attacked.reached, (method, answer.status)
    answer = attacked.ask("reader", "HEAD", "/acme/m/resolve/main/x")
    assert answer.status == 409 and attacked.reached == [("HEAD", "/acme/m/resolve/main/x")]


METHOD_QUERIES = (
    "_method=DELETE", "%5Fmethod=DELETE", "%5fMETHOD=DELETE", "_metho%64=DELETE", "%255Fmethod=DELETE", "a=1;_method=DELETE", "a;%5Fmethod=DELETE",
    "a=1%26_method=DELETE", "+_method=DELETE", "%20_method=DELETE", "_method%5B%5D=DELETE", "[_method]=DELETE", "a[_method]=DELETE", ".method=DELETE",
)  # fmt: skip


def test_a_query_that_says_another_method_to_some_reader_is_refused(attacked):
    for query in METHOD_QUERIES:
        for method, path, body in (("GET", MODEL, b""), ("POST", MODEL + "/paths-info/main", b'{"paths":[]}'), ("GET", "/v1/models", b"")):
            answer = attacked.ask("chat" if path.startswith("/v1") else "reader", method, f"{path}?{query}", body)
            assert attacked.is_refused(answer, 403, "more than one way"), (query, path)
    for query in ("method=DELETE", "a=_method", "expand[]=private", "search=a;b"):
        assert attacked.ask("reader", "GET", f"{MODEL}?{query}").status == 409, query


def test_a_form_that_says_another_method_is_refused_wherever_a_body_is_judged(attacked):
    form = "application/x-www-form-urlencoded"
    for method, path in (("PUT", MODEL + "/settings"), ("POST", "/api/repos/create"), ("POST", "/api/buckets/acme/b"), ("POST", MODEL + "/duplicate")):
        assert attacked.is_refused(attacked.ask("writer", method, path, b"_method=DELETE", content_type=form), 415), path
    assert attacked.is_refused(attacked.ask("writer", "POST", MODEL, b"_method=DELETE", content_type=form), 403)
    # There is no other method of this path, and clients send a form.
    assert attacked.ask("reader", "POST", MODEL + "/paths-info/main", b"paths=a", content_type=form).status == 409
    assert [one.method for one in attacked.hub.requests] == ["POST"]


# Pages


PAGES = (
    "/settings", "/settings/tokens", "/settings/tokens/abc", "/settings/billing", "/settings/webhooks/settings", "/notifications", "/organizations/acme",
    "/organizations/acme/settings", "/webhooks/x", "/new", "/chat/settings", "/api/settings/billing", "/api/organizations/acme/billing/usage",
)  # fmt: skip


def test_a_page_of_the_account_is_no_repository_and_is_read_by_who_may_see_the_account(attacked):
    for page in PAGES:
        for method in ("GET", "HEAD"):
            assert attacked.ask("all", method, page).status == 403 and not attacked.reached, (method, page)
        assert attacked.is_refused(attacked.ask("all", "GET", page), 403, 'allows "account"'), page
        assert attacked.ask("accountant", "GET", page).status == 409, page
        attacked.hub.requests.clear()
    for page in ("/Settings/tokens", "/SETTINGS", "/%73ettings/tokens", "/settings;x/tokens", "/settings//tokens", "/settings/"):
        assert attacked.is_refused(attacked.ask("all", "GET", page), 403, "more than one way"), page
    for page in ("/acme/settings", "/settings-team/x", "/acme/settings/tree/main", "/acme"):
        assert attacked.ask("all", "GET", page).status == 409, page


def test_a_form_of_the_account_and_a_login_are_passed_on_for_no_key(attacked):
    for page in PAGES[:-2]:
        assert attacked.is_refused(attacked.ask("admin", "POST", page, b"csrf=x"), 403, "forms of the account"), page
    for page in ("/login", "/logout", "/join", "/oauth/authorize?client_id=x", "/sso/acme"):
        for method in ("GET", "POST"):
            assert attacked.is_refused(attacked.ask("admin", method, page), 403, "logins"), page


def test_another_pays_only_for_who_may_spend_what_is_theirs(attacked):
    chat, body = "/v1/chat/completions", b'{"model":"acme/m"}'
    for field in (b"X-HF-Bill-To: acme", b"x-hf-bill-to: other", b"X-HF-Bill-To: acme\r\nX-HF-Bill-To: other"):
        assert attacked.is_refused(attacked.ask("chat", "POST", chat, body, field), 403, 'allows "spend"')
    assert attacked.ask("spender", "POST", chat, body, b"X-HF-Bill-To: acme").status == 409
    assert attacked.hub.requests[-1]["X-HF-Bill-To"] == "acme"
    attacked.hub.requests.clear()
    assert attacked.is_refused(attacked.ask("spender", "POST", chat, body, b"X-HF-Bill-To: other"), 403, "other")


# Credentials


def test_of_two_credentials_the_first_is_taken_whichever_that_is_and_the_other_goes_nowhere(attacked):
    second = b"Authorization: Bearer " + attacked.made["admin"].encode()
    answer = attacked.ask("reader", "DELETE", "/api/repos/delete", b'{"name":"acme/m"}', second)
    assert answer.status in (400, 403) and not attacked.reached
    answer = attacked.ask("reader", "GET", MODEL, b"", second)
    assert answer.status in (400, 409)
    for arrived in attacked.hub.requests:
        check_has_no_key(arrived, attacked.made["admin"])
        check_has_no_key(arrived, attacked.made["reader"])


def test_a_key_elsewhere_than_in_authorization_is_none(attacked):
    key = attacked.made["admin"]
    for target, fields in (
        (f"{MODEL}?access_token={key}", ()), (f"{MODEL}?token={key}", ()), (MODEL, (f"Cookie: token={key}".encode(),)),
        (MODEL, (f"X-Api-Key: {key}".encode(),)), (MODEL, (f"Proxy-Authorization: Bearer {key}".encode(),)),
    ):  # fmt: skip
        answer = attacked.client.ask(request(None, "GET", target, b"", *fields))
        assert attacked.is_refused(answer, 401), target
        assert answer["X-Error-Code"] == "KeyMissing"


# Redirects


def test_a_renamed_repository_is_judged_by_its_new_name_too(attacked):
    """The Hub sends who asks for the old name on to the new one: the gateway follows no such redirect with its token."""
    for old, new in (("/api/models/acme/mine", "/api/models/acme/secret"), ("/acme/mine/resolve/main/x", "/acme/secret/resolve/main/x")):
        for location in (new, attacked.hub.url + new):
            attacked.hub.requests.clear()
            attacked.hub.on(old, lambda *_, to=location: http(307, b"", b"Location: " + to.encode()))
            answer = attacked.ask("narrow", "GET", old)
            assert answer.status == 307 and attacked.reached == [("GET", old)]
            led = re.sub(r"^https://[^/]+", "", answer["Location"])
            attacked.hub.requests.clear()
            assert led == new and attacked.is_refused(attacked.ask("narrow", "GET", led), 404, "Repository not found")


# What is not the Hub's


def test_who_am_i_tells_neither_address_nor_bills_nor_foreign_organisations_to_a_key(attacked):
    account = {
        "type": "user", "id": "1", "name": "robot", "email": "robot@acme.example", "billingMode": "prepaid", "canPay": True,
        "orgs": [{"type": "org", "name": "acme", "email": "x@acme.example", "canPay": True}, {"type": "org", "name": "other"}],
        "auth": {"accessToken": {"displayName": "the gate's", "role": "write", "fineGrained": {"global": ["x"]}}},
    }  # fmt: skip
    attacked.hub.on("/api/whoami-v2", lambda *_: http(200, json.dumps(account).encode(), JSON))
    for path in ("/api/whoami-v2", "/api/account"):
        answer = attacked.ask("reader", "GET", path)
        assert answer.status == 200, (path, answer.body)
        for word in (b"@", b"prepaid", b"canPay", b"other", b"the gate's", b"fineGrained\""):
            assert word not in answer.body.replace(b'"role":"fineGrained"', b""), (path, word, answer.body)
    shown = json.loads(attacked.ask("reader", "GET", "/api/whoami-v2").body)
    assert shown["auth"]["accessToken"]["displayName"] == "reader" and [org["name"] for org in shown["orgs"]] == ["acme"]


def test_the_response_to_a_refused_request_does_not_say_whether_the_name_exists(attacked):
    attacked.hub.on("/api/models/other/there", lambda *_: http(200, b"{}", JSON))
    texts = {re.sub(rb'"request_id":"[^"]*"', b"", attacked.ask("reader", "GET", f"/api/models/other/{name}").body) for name in ("there", "absent")}
    assert len(texts) == 1 and not attacked.reached


def test_a_browser_s_basic_credential_of_a_key_is_not_used_by_another_site_s_page(attacked):
    word = base64.b64encode(f"user:{attacked.made['admin']}".encode())
    fields = (b"Authorization: Basic " + word, b"Origin: https://evil.example", b"Sec-Fetch-Site: cross-site")
    answer = attacked.client.ask(request(None, "POST", "/api/repos/create", b'{"name":"x"}', *fields))
    assert answer.status == 403 and not attacked.reached


def test_whether_one_may_write_is_said_of_the_key_and_not_of_the_gateways_token(attacked):
    check = MODEL + "/auth-check/write"
    assert attacked.is_refused(attacked.ask("reader", "GET", check), 403, 'allows "write"')
    assert attacked.is_refused(attacked.ask("reader", "GET", check.replace("acme", "other")), 404)
    assert attacked.ask("writer", "GET", check).status == 200 and not attacked.reached


def test_a_list_that_cannot_be_looked_through_is_not_given(attacked):
    """The Hub may answer in another coding, type or part than was asked for."""
    private = b'[{"id":"other/secret","private":true}]'
    forms = {
        "gzip": (200, gzip.compress(private), JSON, b"Content-Encoding: gzip"), "html": (200, private, b"Content-Type: text/html"),
        "no type": (200, private), "a part": (206, private, JSON, b"Content-Range: bytes 0-37/38"), "no array": (200, b'{"models":' + private + b"}", JSON),
        "cut": (200, private[:-1], JSON), "lines": (200, private[1:-1] + b"\n", JSON), "created": (201, private, JSON),
        "two types": (200, private, JSON, b"Content-Type: text/plain"), "UTF-16": (200, private.decode().encode("utf-16"), JSON),
    }  # fmt: skip
    for name, form in forms.items():
        attacked.hub.on("/api/models", lambda *_, form=form: http(*form))
        for fields in ((), (b"Range: bytes=3-",), (b"Accept-Encoding: gzip",), (b"Accept: text/html",)):
            answer = attacked.ask("reader", "GET", "/api/models?limit=5", b"", *fields)
            assert b"secret" not in answer.body and gzip.compress(private)[10:] not in answer.body, (name, fields, answer.status)
    for arrived in attacked.hub.requests:
        assert arrived["Range"] is None and arrived["Accept-Encoding"] == "identity"
