"""What an operator gets wrong without knowing, and what the program then says: which file, which word, what to do."""

import subprocess

import pytest

from gate import BINARY, ROOT, clean_environment, run
from keys import Keys
from ports import taken_port, unused_port
from waiting import wait_until

CONFIG = 78
TOKEN = "hf_abcdefghijklmnopqrstuvwxyz01234567"
KEY = "hg_0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"


def lines(done, code):
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    found = done.stderr.splitlines()
    assert found and all(line.startswith("hubgate: ") for line in found), done.stderr
    return found


def line(done, code=CONFIG):
    """The one that it ends with."""
    found = lines(done, code)
    assert len(found) == 1 and done.stdout == "", (done.stdout, found)
    return found[0]


# What is named, and what is hidden


@pytest.mark.parametrize("path", ["/run/secrets/hf_token", "/etc/hubgate/hf_tokens_of_the_whole_team", "./me@home/hg_key.txt"])
@pytest.mark.parametrize("flag", ["--token-file", "--ca-file", "--credentials-dir", "--config", "--tls-cert"])
def test_a_file_is_named_though_its_name_begins_as_a_token_does(workspace, certificates, flag, path):
    pair = {} if flag == "--tls-cert" else certificates.settings
    more = ("--tls-key", "key.pem") if flag == "--tls-cert" else ()
    said = line(run(workspace, "--check", flag, path + ".none", *more, **pair))
    assert path + ".none" in said and "***" not in said


def test_the_file_of_an_empty_token_is_named(workspace, tmp_path):
    path = tmp_path / "hf_token"
    path.write_text("\n")
    # No more than the first 80 characters are shown.
    said = line(run(tmp_path, "--check", "--token-file", "hf_token"))
    assert "the token in hf_token is empty" in said


@pytest.mark.parametrize("flags", [
    ("--listen", TOKEN), ("--token-file", TOKEN), ("--token-file", f"/x/{TOKEN} {TOKEN}"), (f"--{TOKEN}", "x"), ("--ca-file", KEY),
    ("--trusted-origins", TOKEN), ("--protect", TOKEN + "/a/b"), ("--trusted-proxies", TOKEN), ("--content-hosts", f"https://h/{TOKEN}"),
    ("--trusted-origins", f"https://a.test,ftp://{TOKEN[3:]}:x@y"), ("--upstream", f"https://u:{TOKEN[3:]}@hub"),
    ("--upstream", f"u:{TOKEN[3:]}@hub"), ("--public-url", f"https://u:a@{TOKEN[3:]}@hub"), ("--no-proxy", f"u:{TOKEN[3:]}@h"),
    ("--peers", f"https://u:{TOKEN[3:]}@h"), ("--config", "api_org_" + TOKEN[3:]),
])  # fmt: skip
def test_a_token_or_a_password_is_shown_by_no_error_wherever_it_stands(workspace, certificates, flags):
    done = run(workspace, "--check", *flags, **certificates.settings)
    assert done.returncode == CONFIG and "***" in done.stderr, done.stderr
    assert TOKEN[3:] not in done.stderr and TOKEN[8:24] not in done.stderr


def test_what_is_hidden_in_a_value_is_hidden_in_the_reason_too(workspace):
    said = line(run(workspace, "--check", "--trusted-origins", "ftp://x@y"))
    assert "ftp://***@y is no origin" in said and "x@y" not in said


# The variables of a client in the gateway's shell


def test_with_the_sandbox_an_address_of_the_hub_does_not_matter(workspace, certificates):
    done = run(workspace, "--sandbox", "--check", HF_ENDPOINT="https://localhost:8080", HF_TOKEN=KEY, **certificates.settings)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_endpoint_that_is_the_gateway_itself_says_what_to_unset(workspace, certificates):
    said = line(run(workspace, "--check", HF_ENDPOINT="https://localhost:8080", **certificates.settings))
    assert "this gateway itself" in said and "`unset HF_ENDPOINT`" in said and "HUBGATE_UPSTREAM" in said
    said = line(run(workspace, "--check", "--upstream", "https://localhost:8080", **certificates.settings))
    assert "give the address of the Hub" in said and "unset" not in said


def test_an_endpoint_on_this_machine_is_warned_of_at_the_start(start, hub):
    gate = start(sandbox=False, HF_ENDPOINT=hub.url, HF_TOKEN="hf_x")
    # Warnings come behind the line by which a start is known.
    assert wait_until(lambda: any("HF_ENDPOINT is meant for clients" in message for message in gate.messages), 10)
    gate = start("--upstream", hub.url, sandbox=False, HF_TOKEN="hf_x")
    assert not any("HF_ENDPOINT" in message for message in gate.messages)


@pytest.mark.parametrize("variables, remedy", [
    ({"HF_TOKEN": KEY}, "`unset HF_TOKEN` in this shell, or give the Hub's in HF_ACCESS_TOKEN"),
    ({"HF_ACCESS_TOKEN": KEY}, "`unset HF_ACCESS_TOKEN` in this shell, or give the Hub's in HUBGATE_TOKEN"),
    ({"HUBGATE_TOKEN": KEY}, "give the Hub's"), ({"HF_TOKEN": KEY, "HF_ENDPOINT": "https://localhost:9"}, "`unset HF_TOKEN`"),
])  # fmt: skip
def test_a_gateway_key_is_no_hub_token(workspace, certificates, variables, remedy):
    said = line(run(workspace, "--check", **variables, **certificates.settings))
    assert "token: this is a gateway key (hg_…), not a Hub token; " + remedy in said and KEY not in said


def test_a_file_with_a_gateway_key_is_named(workspace, certificates):
    (workspace / "credentials").mkdir()
    for path, flags in (("hf_token", ("--token-file", "hf_token")), ("credentials/acme", ("--credentials-dir", "credentials"))):
        (workspace / path).write_text(KEY + "\n")
        said = line(run(workspace, "--check", *flags, **certificates.settings))
        assert f"what is in {path} is a gateway key (hg_…), not a Hub token" in said


def test_another_gateway_takes_a_gateway_key(workspace, certificates):
    done = run(workspace, "--check", "--upstream", "https://gate.example.org", HF_TOKEN=KEY, **certificates.settings)
    assert done.returncode == 0, done.stderr


def test_make_run_starts_the_sandbox_in_the_shell_of_a_client(certificates, tmp_path):
    """The script with its program, beside certificates, as in a checkout."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config/run.sh").write_text((ROOT / "config/run.sh").read_text())
    with unused_port() as port:
        for own in (port, 9):
            done = subprocess.run(
                ["sh", tmp_path / "config/run.sh", BINARY, "--listen", f"127.0.0.1:{port}", "--print-config"], capture_output=True, text=True,
                env=clean_environment(tmp_path, HF_ENDPOINT=f"https://localhost:{own}", **certificates.settings))  # fmt: skip
            assert done.returncode == 0 and "sandbox " in done.stdout and "= on (flag --sandbox)" in done.stdout, done.stderr
            assert "HF_ENDPOINT leads to this machine" in done.stderr and "starting the sandbox" in done.stderr


# Commands


@pytest.mark.parametrize("words, said", [
    (("key", "list"), "`key` is neither a command nor a flag (did you mean `keys`?); `hubgate --help` lists both"),
    (("start",), "`start` is neither a command nor a flag (`hubgate` without a command serves)"),
    (("version",), "(did you mean `--version`?)"), (("-v",), "`-v` is neither a command nor a flag (did you mean `--version`?)"),
    (("check",), "(did you mean `--check`?)"), (("Secretword",), "the first argument is neither a command nor a flag;"),
    (("-pSecret",), "the first argument is neither"),
    (("--state-dir", ".state", "keys", "list"), "flags of a command come after it: `hubgate keys list --state-dir .state`"),
    (("--state-dir=.state", "keys", "list"), "`hubgate keys list --state-dir=.state`"),
    (("--listen", "8080", "keys", "list"), "flags of a command come after it: `hubgate keys --help`"),
    (("keys", "creat", "x"), "there is no command `keys creat` (did you mean `keys create`?)"),
    (("cache", "frobnicate"), "there is no command `cache frobnicate`; `hubgate cache --help` lists them"),
])  # fmt: skip
def test_a_mistyped_command_is_one_line_that_says_what_was_meant(workspace, words, said):
    found = line(run(workspace, *words), 64)
    assert said in found and "Secret" not in found


@pytest.mark.parametrize("words", [("keys", "create"), ("keys", "list", "--bogus"), ("usage", "--sinc", "1d"), ("keys", "--bogus")])
def test_what_is_wrong_behind_a_command_begins_as_all_else_does(workspace, words):
    done = run(workspace, *words)
    assert done.returncode == 64 and done.stdout == "" and done.stderr.startswith("hubgate: "), done.stderr


def test_a_value_that_is_called_as_a_command_is_is_a_value(workspace, certificates):
    (workspace / "keys").write_text("")
    done = run(workspace, "--config", "keys", "--check", **certificates.settings)
    assert done.returncode == 0, done.stderr
    assert "no flag before it" in line(run(workspace, "--sandbox", "stray", "other"))


def test_init_says_where_the_state_is_and_a_second_one_fails_with_what_to_do(workspace):
    first = run(workspace, "init", "--state-dir", "new")
    assert first.returncode == 0 and first.stdout.count("\n") == 2
    assert "hubgate.db; the gateway needs the same state_dir." in first.stderr
    again = run(workspace, "init", "--state-dir", "new")
    assert again.returncode == 73 and again.stdout == ""
    assert "has keys already" in again.stderr and "hubgate keys create" in again.stderr and "hubgate keys rotate" in again.stderr


# Settings


@pytest.mark.parametrize("flags, said", [
    (("--listen", "99999"), "the port must be from 1 to 65535"), (("--listen", "127.0.0.1:70000"), "the port must be from 1 to 65535"),
    (("--listen", "[::1]:65536"), "the port must be from 1 to 65535"), (("--state-dir", ""), "accepted: the path of a directory"),
    (("--roles", "{team: {alow: [read *]}}"), "roles: role team: there is no field alow (did you mean allow?)"),
    (("--roles", "{team: {colour: red}}"), "there is no field colour; a role has allow, deny, weight, rate,"),
    (("--roles", "{team: 1}"), "rate, concurrent, bytes_a_day, tokens_a_day and inference_a_day"),
    (("--login-role", "reader"), "login_role: takes access = keys"), (("--no-proxy", "a.test b.test"), '"a.test b.test" has a blank in it'),
    (("--otlp-sample", "0.5x"), '"0.5x" is not understood; accepted: a number from 0 to 1'),
    (("--cache-dir", "/none/such"), "cache_dir: there is no directory /none/such; make it, and give it to the gateway's user (mode 0700)"),
])  # fmt: skip
def test_a_wrong_setting_says_what_would_be_right(workspace, certificates, flags, said):
    found = line(run(workspace, "--check", *flags, **certificates.settings))
    assert said in found and "{team" not in found, found


@pytest.mark.parametrize("content, said", [
    ("log_level: info\n\tlisten: 8080\n", "config/hubgate.yaml:2: the line begins with a tab; use blanks"),
    ("roles:\n\tteam: {allow: [read *]}\n", "config/hubgate.yaml:2: the line begins with a tab; use blanks"),
    ("HUBGATE_LISTEN: 8080\n", "there is no setting HUBGATE_LISTEN; write listen"),
    ("HF_ENDPOINT: https://hub.test\n", "there is no setting HF_ENDPOINT; write upstream"),
    (f"HF_TOKEN: {TOKEN}\n", "there is no setting HF_TOKEN; a token is not accepted here"),
])  # fmt: skip
def test_a_wrong_line_of_the_file_says_what_to_write(workspace, content, said):
    (workspace / "config/hubgate.yaml").write_text(content)
    found = line(run(workspace, "--check"))
    assert said in found and TOKEN not in found


def test_a_cache_directory_that_can_be_made_is_good_and_one_that_cannot_is_no_fault_at_the_start(workspace, certificates, start):
    assert run(workspace, "--check", "--cache-dir", "cache", **certificates.settings).returncode == 0
    (workspace / "file").write_text("")
    assert "is no directory" in line(run(workspace, "--check", "--cache-dir", "file", **certificates.settings))
    gate = start("--cache-dir", "/none/such")
    assert any("/none/such" in message and "make it, and give it" in message for message in gate.messages)


def test_a_port_that_cannot_be_had_says_what_to_do(workspace, certificates):
    with taken_port() as port:
        done = run(workspace, "--sandbox", "--listen", f"127.0.0.1:{port}", **certificates.settings)
    assert "another program has it: take another port" in line(done, 69)


# The codes


def test_each_command_ends_with_the_code_of_what_is_wrong(workspace):
    keys = Keys(workspace)
    run(workspace, "init", "--state-dir", str(keys.state))
    cache = ("--cache-dir", str(workspace / "cache"))
    (workspace / "cache").mkdir()
    for words, code, said in [
        (("keys", "list", "--state-dir", "/none"), CONFIG, "there is no directory /none"),
        (("state", "backup", "/none/x", "--state-dir", keys.state), 73, "/none/x cannot be made"),
        (("init", "--state-dir", "/none/x"), 73, "cannot be made"),
        # Where not even root can make anything.
        (("state", "backup", "/sys/x", "--state-dir", keys.state), 77, "/sys/x cannot be made"),
        (("init", "--state-dir", "/sys/x"), 77, "cannot be made"),
        (("cache", "import", "/none", *cache), 66, "/none cannot be read"),
        (("cache", "list"), 66, "cache_dir is off"),
        (("--gate", "https://localhost:1", "--admin-key-file", "/none", "keys", "list"), 66, "there is no file /none"),
        (("--gate", "http://localhost:1", "keys", "list"), 64, "the gateway speaks only https"),
    ]:  # fmt: skip
        assert said in line(run(workspace, *words, HUBGATE_ADMIN_KEY="" if "--admin-key-file" in words else KEY), code), words


def test_what_is_explained_has_commas_between_methods(workspace):
    keys = Keys(workspace)
    keys.create("k")
    said = keys.run("keys", "explain", "k", "DELETE", "/api/models/acme/m/tag/v1", check=False).stdout
    assert "POST, DELETE /api/{T}/{id}/tag/{rev}" in said, said


def test_a_purge_beside_a_gateway_of_another_access_says_why_none_answers(workspace):
    keys = Keys(workspace)
    keys.create("k")
    done = keys.run("cache", "purge", "acme/m", check=False)
    assert done.returncode == 69 and "no gateway with access = keys uses the state in " in done.stderr and "restart the gateway" in done.stderr
