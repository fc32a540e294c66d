"""Bodies that are judged: what another reader could take for something else is refused, and what is allowed goes on byte for byte."""

import gzip
import json

import pytest

from policy import request

MODEL = "/api/models/acme/m"
BATCH = "/acme/m.git/info/lfs/objects/batch"


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
def test_a_body_that_another_reader_could_take_for_something_else_is_refused(attacked, name):
    body, content_type, fields = ODD_BODIES[name]
    answer = attacked.ask("writer", "PUT", MODEL + "/settings", body, *fields, content_type=content_type)
    assert answer.status in (400, 415) and not attacked.reached, (answer.status, answer.body)


def test_a_body_over_a_mebibyte_is_refused_and_one_of_a_mebibyte_goes_on_byte_for_byte(attacked):
    def padded(size):
        empty = b'{"private":true,"x":""}'
        return empty[:-2] + b" " * (size - len(empty)) + empty[-2:]

    whole = padded(1 << 20)
    assert attacked.ask("writer", "PUT", MODEL + "/settings", whole).status == 409
    assert [one.body for one in attacked.hub.requests] == [whole]
    attacked.hub.requests.clear()
    assert attacked.is_refused(attacked.ask("writer", "PUT", MODEL + "/settings", padded((1 << 20) + 1)), 413)
    assert attacked.ask("admin", "PUT", MODEL + "/settings", padded((1 << 20) + 1)).status == 409


def test_a_judged_body_may_come_in_chunks_or_be_waited_for_and_is_one_body(attacked):
    body = b' { "private" :\ttrue , "description":"\xc3\xa9\\n" }\r\n'
    chunks = b"".join(b"%x\r\n%s\r\n" % (1, bytes([byte])) for byte in body) + b"0\r\n\r\n"
    head = f"PUT {MODEL}/settings HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {attacked.made['writer']}\r\nContent-Type: application/json\r\n".encode()
    assert attacked.client.ask(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks).status == 409
    assert attacked.client.ask(head + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body) + body).status == 409
    assert [one.body for one in attacked.hub.requests] == [body] * 2
    for one in attacked.hub.requests:
        assert one["Content-Length"] == str(len(body)) and one["Expect"] is None and one["Transfer-Encoding"] is None
    attacked.hub.requests.clear()
    chunks = b"%x\r\n%s\r\n0\r\nContent-Type: text/plain\r\n\r\n" % (len(PUBLISHING), PUBLISHING)
    answer = attacked.client.ask(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
    assert attacked.is_refused(answer, 403, 'allows "publish"')


def test_to_set_a_gate_to_anything_but_manual_takes_the_right_to_publish(attacked):
    path = MODEL + "/settings"
    for gate in (b'"auto"', b"false", b'"false"', b"0", b"null", b'""', b"true", b'["manual"]', b'"Manual"'):
        for body in (b'{"gated":%s}' % gate, b'{"private":true,"gated":%s}' % gate):
            assert attacked.is_refused(attacked.ask("writer", "PUT", path, body), 403, 'allows "publish"'), body
    assert attacked.ask("writer", "PUT", path, b'{"gated":"manual"}').status == 409
    attacked.hub.requests.clear()
    assert attacked.ask("admin", "PUT", path, b'{"gated":"auto"}').status == 409


def test_a_body_that_is_cut_is_never_asked_of_the_hub(attacked):
    body = b'{"private":true}'
    with attacked.gate.connect() as connection:
        connection.send(request(attacked.made["writer"], "PUT", MODEL + "/settings", body)[:-4])
    assert attacked.ask("reader", "GET", MODEL).status == 409
    assert attacked.reached == [("GET", MODEL)]


def test_a_batch_of_lfs_is_judged_by_what_it_asks_for(attacked):
    lfs = "application/vnd.git-lfs+json"
    upload, download = (json.dumps({"operation": word, "objects": []}).encode() for word in ("upload", "download"))
    assert attacked.is_refused(attacked.ask("reader", "POST", BATCH, upload, content_type=lfs), 403, 'allows "write"')
    for body in (b'{"operation":"download","operation":"upload"}', b'{"operation":"Download"}', b'{"Operation":"upload"}', b"", b"{}"):
        answer = attacked.ask("reader", "POST", BATCH, body, content_type=lfs)
        assert answer.status in (400, 403) and not attacked.reached, (body, answer.status)
    assert attacked.ask("reader", "POST", BATCH, download, content_type=lfs).status == 409
    assert attacked.ask("writer", "POST", BATCH, upload, content_type=lfs).status == 409


def test_the_model_of_a_chat_is_judged_and_a_second_one_is_not_overlooked(attacked):
    chat = "/v1/chat/completions"
    for body in (
        b'{"model":"other/m"}', b'{"model":"acme/m","model":"other/m"}', b'{"Model":"acme/m"}', b'{"model":" acme/m"}', b"",
        b'{"model":["acme/m"]}', b'{"model":"acme/../other/m"}', b'{"model":"acme/m\\u0000"}',
    ):  # fmt: skip
        answer = attacked.ask("chat", "POST", chat, body)
        assert answer.status in (400, 403) and not attacked.reached, (body, answer.status)
    assert attacked.ask("chat", "POST", chat, b'{"model":"acme/m"}').status == 409


def test_a_batch_for_a_bucket_in_another_charset_hides_no_source(attacked):
    """Its lines are looked through for what they copy from: in another charset the name of that is other bytes."""
    batch, line = "/api/buckets/acme/b/batch", '{"type":"copyFile","sourceRepoType":"model","sourceRepoId":"other/secret"}\n'
    for charset in ("utf-16", "utf-16le", "utf-7", "ibm037", '"utf-32"'):
        content = line.replace("eRepo", "e+AFI-epo") if charset == "utf-7" else line
        answer = attacked.ask("writer", "POST", batch, content.encode(charset.strip('"')), content_type=f"application/x-ndjson; charset={charset}")
        assert attacked.is_refused(answer, 415), charset
    assert attacked.is_refused(attacked.ask("writer", "POST", batch, line.encode(), content_type="application/x-ndjson"), 404)
