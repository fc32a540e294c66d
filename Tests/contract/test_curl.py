"""The README's walk with a real curl that trusts the gate's authority: one line, one response, as a user sees them.

One gate in its sandbox; what a test creates has a name of its own."""

import json

import pytest

from wire import parse_all

JSON = ["-H", "Content-Type: application/json"]
PLAIN = ["-H", "Accept: text/plain"]
ALIASES = {"model": "models", "dataset": "datasets", "space": "spaces"}


def walk(gate, path, *arguments):
    return parse_all(gate.curl(path, *arguments).stdout)[-1]


def order(gate, method, *arguments, **members):
    return walk(gate, "/api/repo", "-X", method, *JSON, *arguments, "-d", json.dumps(members))


def plain(answer):
    assert answer["Content-Type"].replace(" ", "").lower() == "text/plain;charset=utf-8", answer.headers
    return answer.body.decode()


def info(gate, kind, name):
    """What the Hub says of a repository, through the relay."""
    return walk(gate, f"/api/{ALIASES[kind]}/{name}")


def told(answer):
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


# The endpoints


def test_curl_refuses_the_gate_without_the_authority_and_takes_it_with(gate):
    refused = gate.curl("/", "--cacert", "/dev/null", check=False)
    assert refused.returncode in (60, 77)
    assert walk(gate, "/").status == 200


def test_the_home_page_is_a_short_text_for_curl(gate):
    answer = walk(gate, "/")
    text = plain(answer)
    assert answer.status == 200 and len(text.splitlines()) <= 25
    for part in ("hubgate", gate.origin, "/api/account", "POST", "PUT", "DELETE", "/-/health", "HF_ENDPOINT"):
        assert part in text, part


def test_the_home_page_is_html_for_browsers_and_loads_nothing_from_elsewhere(gate):
    answer = walk(gate, "/", "-H", "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
    assert answer.status == 200 and answer["Content-Type"].lower().startswith("text/html")
    page = answer.body.decode()
    assert page.lower().startswith("<!doctype html>") and "curl" in page and "/api/repo" in page
    assert answer["Content-Security-Policy"] and answer["X-Content-Type-Options"] == "nosniff"
    assert 'src="http' not in page and "@import" not in page


def test_the_home_page_does_not_trust_the_host_that_a_client_names(gate):
    page = walk(gate, "/", "-H", "Accept: text/html", "-H", "Host: evil.test").body.decode()
    assert "<script>evil" not in page
    assert walk(gate, "/", "-H", "Host: <script>").status == 400


def test_the_account_is_the_hubs_without_the_tokens_secrets(gate):
    answer = walk(gate, "/api/account")
    account = answer.json
    assert answer.status == 200 and account["name"] == "sandbox" and account["type"] == "user"
    assert "hf_" not in answer.body.decode()


def test_health_and_readiness_are_json(gate):
    assert walk(gate, "/-/health").json == {"status": "ok"}
    assert walk(gate, "/-/ready").json == {"status": "ready"}


def test_head_is_get_without_its_body(gate):
    for path in ("/", "/api/account", "/-/health"):
        whole, head = walk(gate, path), walk(gate, path, "--head")
        assert head.status == 200 and head.body == b"" and head["Content-Length"] == str(len(whole.body)), path


# A repository's life


@pytest.mark.parametrize("kind", ALIASES)
def test_a_repository_is_created_seen_hidden_shown_and_deleted(gate, kind):
    name = f"walk-{kind}"
    created = order(gate, "POST", type=kind, name=name, private=True)
    body = created.json
    assert created.status == 200
    assert body["message"] == f"New repo created: {body['url']}" and body["url"].endswith(f"sandbox/{name}")
    assert (body["name"], body["type"]) == (f"sandbox/{name}", kind)
    assert told(info(gate, kind, f"sandbox/{name}"))["private"] is True

    again = order(gate, "POST", type=kind, name=name, private=True)
    again.check_is_error(409)

    shown = order(gate, "PUT", type=kind, namespace=f"sandbox/{name}", private=False)
    assert shown.status == 200 and shown.json["message"] == "SUCCESS: Repo visibility updated"
    assert told(info(gate, kind, f"sandbox/{name}"))["private"] is False

    deleted = order(gate, "DELETE", type=kind, name=name)
    assert deleted.status == 200 and deleted.json["message"] == "SUCCESS: Deleted repo"
    assert info(gate, kind, f"sandbox/{name}").status == 404
    order(gate, "DELETE", type=kind, name=name).check_is_error(404, "RepoNotFound")


def test_plain_text_gets_the_originals_sentences(gate):
    made = order(gate, "POST", *PLAIN, type="model", name="plain", private=True)
    assert made.status == 200 and plain(made).startswith("New repo created: https://") and plain(made).endswith("\n")
    again = order(gate, "POST", *PLAIN, type="model", name="plain", private=True)
    assert (again.status, plain(again).strip()) == (409, "ERROR: This repo already exists")
    shown = order(gate, "PUT", *PLAIN, type="model", namespace="sandbox/plain", private="false")
    assert (shown.status, plain(shown).strip()) == (200, "SUCCESS: Repo visibility updated")
    assert told(info(gate, "model", "sandbox/plain"))["private"] is False
    gone = order(gate, "DELETE", *PLAIN, type="model", name="plain")
    assert (gone.status, plain(gone).strip()) == (200, "SUCCESS: Deleted repo")
    never = order(gate, "DELETE", *PLAIN, type="model", name="plain")
    assert (never.status, plain(never).strip()) == (404, "ERROR: Repo DNE")


def test_plurals_case_words_for_booleans_and_unknown_fields_are_accepted(gate):
    for number, (kind, private) in enumerate(
        [("Models", "true"), ("DATASET", "false"), ("spaces", True), ("Datasets", False)]
    ):
        answer = order(gate, "POST", type=kind, name=f"alias-{number}", private=private, extra={"a": [1]})
        assert answer.status == 200, answer.body
        singular = kind.lower().removesuffix("s")
        assert answer.json["type"] == singular
        seen = told(info(gate, singular, f"sandbox/alias-{number}"))
        assert seen["private"] is (str(private).lower() == "true")


def test_an_organisation_is_named_in_either_way(gate):
    first = order(gate, "POST", type="model", name="by-field", organization="acme", private=False)
    second = order(gate, "POST", type="model", name="acme/by-slash", private=False)
    assert (first.json["name"], second.json["name"]) == ("acme/by-field", "acme/by-slash")
    assert info(gate, "model", "acme/by-field").status == info(gate, "model", "acme/by-slash").status == 200
    assert order(gate, "DELETE", type="model", name="acme/by-field").status == 200
    assert order(gate, "DELETE", type="model", name="by-slash", organization="acme").status == 200
    assert info(gate, "model", "acme/by-slash").status == 404


@pytest.mark.parametrize("sdk", [None, "static", "gradio", "docker"])
def test_a_space_has_an_sdk(gate, sdk):
    members = {} if sdk is None else {"sdk": sdk}
    answer = order(gate, "POST", type="space", name=f"space-{sdk}", private=False, **members)
    assert answer.status == 200
    assert told(info(gate, "space", f"sandbox/space-{sdk}"))["sdk"] == (sdk or "static")


def test_what_was_created_is_in_the_list_of_its_owner(gate):
    order(gate, "POST", type="model", name="listed", private=True)
    names = [repo["id"] for repo in told(walk(gate, "/api/models?author=sandbox"))]
    assert "sandbox/listed" in names


# Errors


def test_every_impossible_order_is_a_400_that_says_what_to_do(gate):
    good = {"type": "model", "name": "fine", "private": True}
    for method, change in (
        ("POST", {"type": "modle"}),
        ("POST", {"type": 1}),
        ("POST", {"type": None}),
        ("POST", {"name": ""}),
        ("POST", {"name": "a" * 97}),
        ("POST", {"name": "a--b"}),
        ("POST", {"name": "a..b"}),
        ("POST", {"name": "a.git"}),
        ("POST", {"name": "a b"}),
        ("POST", {"name": "é"}),
        ("POST", {"name": "-a"}),
        ("POST", {"name": "a/b/c"}),
        ("POST", {"name": ["a"]}),
        ("POST", {"private": "maybe"}),
        ("POST", {"private": 1}),
        ("POST", {"sdk": "php", "type": "space"}),
        ("PUT", {"name": None, "namespace": "no-owner"}),
        ("PUT", {"name": "no-owner"}),
        ("DELETE", {"name": None}),
        ("DELETE", {"name": "../x"}),
    ):
        members = {key: value for key, value in {**good, **change}.items() if value is not None}
        answer = order(gate, method, **members)
        answer.check_is_error(400)
        assert len(answer.json["error"]) > 20, (change, answer.body)
    assert info(gate, "model", "sandbox/fine").status == 404


@pytest.mark.parametrize(
    "body", ["", "{", "[]", '"x"', "null", '{"type":"model"', '{"type":"model"}x', "\ufeff{}", "[" * 5000]
)
def test_a_body_that_is_not_an_object_is_a_400(gate, body):
    answer = walk(gate, "/api/repo", "-X", "POST", *JSON, "--data-binary", body)
    answer.check_is_error(400)


def test_a_body_of_another_type_is_a_415(gate):
    for arguments in ([], ["-H", "Content-Type: text/plain"], ["-H", "Content-Type:"]):
        answer = walk(gate, "/api/repo", "-X", "POST", *arguments, "-d", '{"type":"model","name":"x","private":true}')
        answer.check_is_error(415, "UnsupportedMediaType")
        assert "application/json" in answer.json["error"]


def test_other_methods_are_a_405_that_names_those_there_are(gate):
    for method, path, allowed in (
        ("PATCH", "/api/repo", {"POST", "PUT", "DELETE"}),
        ("GET", "/api/repo", {"POST", "PUT", "DELETE"}),
        ("POST", "/api/account", {"GET", "HEAD"}),
        ("DELETE", "/", {"GET", "HEAD"}),
        ("PUT", "/-/health", {"GET", "HEAD"}),
    ):
        answer = walk(gate, path, "-X", method)
        answer.check_is_error(405, "MethodNotAllowed")
        assert set(answer["Allow"].split(", ")) == allowed


def test_unknown_paths_are_404_ours_and_the_hubs(gate):
    walk(gate, "/-/nothing").check_is_error(404, "NotFound")
    hubs = walk(gate, "/api/models/sandbox/nothing")
    assert hubs.status == 404 and hubs["X-Error-Code"] == "RepoNotFound"


def test_what_the_hub_forbids_keeps_its_status(gate):
    order(gate, "POST", type="model", name="readers/nope", private=True).check_is_error(403)
    order(gate, "PUT", type="model", namespace="other/shared", private=True).check_is_error(403)
    order(gate, "DELETE", type="model", name="other/shared").check_is_error(403)


def test_a_body_too_large_is_a_413(gate, tmp_path):
    large = tmp_path / "large"
    large.write_bytes(b" " * (1 << 21))
    answer = walk(gate, "/api/repo", "-X", "POST", *JSON, "--data-binary", f"@{large}", "-H", "Expect:")
    answer.check_is_error(413, "ContentTooLarge")


def test_each_answer_has_an_id_that_the_log_has_too(gate):
    ids = set()
    for path in ("/", "/api/account", "/-/health", "/-/nothing", "/api/repo"):
        id = walk(gate, path)["X-Request-Id"]
        assert id and id not in ids
        ids.add(id)
    for id in ids:
        assert gate.wait_for_log(lambda line, id=id: line["request_id"] == id)


def test_curl_keeps_its_connection_for_several_calls(gate):
    done = gate.curl(
        "/-/health",
        gate.origin + "/api/account",
        gate.origin + "/",
        "-w",
        "%{num_connects}\n",
        "-o",
        "/dev/null",
        "-o",
        "/dev/null",
        "-o",
        "/dev/null",
    )
    assert done.stdout.split() == [b"1", b"0", b"0"]


def test_queries_with_secrets_are_not_in_the_log(gate):
    walk(
        gate,
        "/-/health?token=hf_abcdefghijklmnop&X-Amz-Signature=secretsecret&page=2",
        "-H",
        "Authorization: Bearer hf_qqqq",
    )
    assert gate.wait_for_log(lambda line: "page=2" in line["path"])
    log = gate.log_path.read_text() + gate.errors
    assert "hf_abc" not in log and "secretsecret" not in log and "hf_qqqq" not in log
