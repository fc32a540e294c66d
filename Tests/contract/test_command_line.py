"""What is typed, set or mounted wrong or right, and what the program then says and ends with."""

import contextlib
import os
import re
import signal
import subprocess
import time

import pytest

from fakehub import http
from gate import BINARY, clean_environment, run
from ports import free_port, taken_port, unused_port
from waiting import wait_until

CONFIG = 78  # EX_CONFIG of sysexits.h
AS_ROOT = os.geteuid() == 0
TOKEN = "hf_abcdefghijklmnopqrstuvwxyz"


def table(workspace):
    """The settings by name, as the documents list them."""
    done = run(workspace, "--print-docs", "settings")
    assert done.returncode == 0
    names = re.findall(r"^\| `(\w+)` \|", done.stdout, re.M)
    assert len(names) > 30
    return names


def complaint(done, code=CONFIG):
    """The one line that it ends with."""
    assert done.returncode == code, (done.returncode, done.stderr)
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("hubgate: "), done.stderr
    return lines[0]


# What it tells


def test_help_lists_every_setting_and_what_else_can_be_asked(workspace):
    for flag in ("--help", "-h"):
        done = run(workspace, flag)
        assert done.returncode == 0 and done.stderr == ""
        for name in table(workspace):
            if name == "token":
                assert "HF_ACCESS_TOKEN" in done.stdout and "--token " not in done.stdout
            else:
                assert f"--{name.replace('_', '-')}" in done.stdout, name
        for flag in ("--check", "--print-config", "--print-docs", "--probe", "--version", "--help"):
            assert flag in done.stdout


def test_help_and_version_are_given_however_wrong_the_rest_is(workspace):
    for flag in ("--help", "--version"):
        assert run(workspace, "--nonsense", flag, HUBGATE_LISTEN="nowhere").returncode == 0


def test_version_names_the_versions_of_the_three_libraries(workspace):
    done = run(workspace, "--version")
    assert done.returncode == 0 and done.stderr == ""
    assert re.fullmatch(
        r"hubgate \d+\.\d+\.\d+\S* \(libevent \d+\.\d+\.\d+\S*, libcurl \d+\.\d+\.\d+, OpenSSL \d+\.\d+\.\d+.*\)\n",
        done.stdout,
    )


def test_check_of_good_settings_ends_with_0(workspace, certificates):
    done = run(workspace, "--check", HF_TOKEN="hf_x", **certificates.settings)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.count("\n") == 1


def test_check_tells_all_that_is_wrong_at_once_and_ends_with_78(workspace, certificates):
    done = run(workspace, "--check", "--head-limit", "0", HUBGATE_IDLE_TIMEOUT="long", **certificates.settings)
    lines = done.stderr.splitlines()
    assert done.returncode == CONFIG and len(lines) == 2
    assert any("flag --head-limit" in line for line in lines)
    assert any("HUBGATE_IDLE_TIMEOUT" in line and "idle_timeout" in line for line in lines)


def test_print_config_says_each_value_and_whence_and_hides_the_token(workspace):
    (workspace / "config/hubgate.yaml").write_text("head_timeout: 3s\n")
    (workspace / ".env").write_text("HUBGATE_BODY_TIMEOUT=4s\n")
    done = run(workspace, "--print-config", "--idle-timeout", "5s", HF_TOKEN=TOKEN, HUBGATE_STALL_TIMEOUT="6s")
    assert done.returncode == 0 and TOKEN not in done.stdout + done.stderr
    listed = dict(re.findall(r"^(\w+) +=(.*)$", done.stdout, re.M))
    assert set(listed) == set(table(workspace))
    assert "***" in listed["token"] and "HF_TOKEN" in listed["token"]
    assert "3s" in listed["head_timeout"] and "config/hubgate.yaml:1" in listed["head_timeout"]
    assert "4s" in listed["body_timeout"] and ".env:1" in listed["body_timeout"]
    assert "5s" in listed["idle_timeout"] and "--idle-timeout" in listed["idle_timeout"]
    assert "6s" in listed["stall_timeout"] and "HUBGATE_STALL_TIMEOUT" in listed["stall_timeout"]
    assert "default" in listed["listen"]


@pytest.mark.parametrize("document", ["settings", "sample", "env"])
def test_documents_are_printed_and_an_unknown_one_is_refused(workspace, document):
    assert run(workspace, "--print-docs", document).stdout
    assert "sample" in complaint(run(workspace, "--print-docs", document + "x"))


# What is wrong


@pytest.mark.parametrize(
    "flags, variables, words",
    [
        (["--listen", "nowhere"], {}, ["flag --listen", "listen", '"nowhere"', "accepted"]),
        (["--listen=127.0.0.1:99999"], {}, ["flag --listen", "listen"]),
        (["--listne", "8080"], {}, ["--listne", "--listen"]),
        (["--access", "everybody"], {}, ["flag --access", "access", "open, passthrough or keys"]),
        (["--head-timeout"], {}, ["--head-timeout", "missing"]),
        (["--sandbox=perhaps"], {}, ["--sandbox", "sandbox"]),
        (["--sandbox", "stray"], {}, ["no flag before it"]),
        (["--check", "--probe"], {}, ["exclude each other"]),
        (["--config", "no-such-file.yaml"], {}, ["--config", "no-such-file.yaml"]),
        (["--target-limit", "64KiB", "--head-limit", "8KiB"], {}, ["target_limit", "head_limit"]),
        (["--upstream", "ftp://hub.test"], {}, ["flag --upstream", "upstream"]),
        (["--upstream", "http://hub.test"], {}, ["upstream", "clear", "upstream_plaintext"]),
        (["--upstream", "https://user:pw@hub.test"], {}, ["upstream"]),
        (["--tls-cert", "a.pem"], {}, ["tls_cert", "tls_key"]),
        ([], {"HUBGATE_BODY_LIMIT": "1 parsec"}, ["HUBGATE_BODY_LIMIT", "body_limit", "1 parsec"]),
        ([], {"HUBGATE_LISTN": "x"}, ["HUBGATE_LISTN", "HUBGATE_LISTEN"]),
        ([], {"HF_ENDPOINT": "hub.test"}, ["HF_ENDPOINT", "upstream"]),
        ([], {"HUBGATE_TOKEN_FILE": "no-such-token"}, ["token_file", "no-such-token"]),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it_and_where_it_came_from(workspace, flags, variables, words):
    line = complaint(run(workspace, *flags, **variables))
    for word in words:
        assert word in line, (word, line)


def test_wrong_lines_of_the_files_are_named_by_their_number(workspace):
    (workspace / "config/hubgate.yaml").write_text("# first\nlisten: nowhere\n")
    assert "config/hubgate.yaml:2: listen:" in complaint(run(workspace))
    (workspace / "config/hubgate.yaml").write_text("upstream: [a, b]\n")
    assert "config/hubgate.yaml:1" in complaint(run(workspace))
    (workspace / "config/hubgate.yaml").write_text("")
    (workspace / ".env").write_text("A=b\nHUBGATE_ACCESS=nobody\n")
    assert ".env:2: access:" in complaint(run(workspace))


def test_a_token_where_it_does_not_belong_is_refused_and_not_repeated(workspace):
    for flags in (["--token", TOKEN], [f"--token={TOKEN}"], [TOKEN], ["--toekn", TOKEN]):
        assert TOKEN not in complaint(run(workspace, *flags), 64 if flags == [TOKEN] else CONFIG)
    (workspace / "config/hubgate.yaml").write_text(f"token: {TOKEN}\n")
    assert TOKEN not in complaint(run(workspace))
    (workspace / "config/hubgate.yaml").write_text("")
    assert TOKEN not in complaint(run(workspace, HF_TOKEN=TOKEN + "\t" + TOKEN))


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", ":0", "10.1.2.3:0"])
def test_an_address_for_strangers_is_refused_until_access_is_chosen(workspace, certificates, address):
    line = complaint(run(workspace, "--listen", address, **certificates.settings))
    assert "access" in line and "passthrough" in line
    assert (
        run(workspace, "--check", "--listen", address, "--access", "passthrough", **certificates.settings).returncode
        == 0
    )


def test_a_port_in_use_is_said_clearly(workspace, certificates):
    with taken_port() as port:
        done = run(workspace, "--listen", f"127.0.0.1:{port}", "--sandbox", **certificates.settings)
    assert done.returncode not in (0, -signal.SIGABRT, -signal.SIGILL, -signal.SIGSEGV)
    line = complaint(done, done.returncode)
    assert str(port) in line and "in use" in line.lower() and "take another port" in line


def test_an_address_that_is_not_this_machines_is_said_clearly(workspace, certificates):
    done = run(workspace, "--listen", "192.0.2.1:0", "--access", "open", "--sandbox", **certificates.settings)
    assert "192.0.2.1" in complaint(done, done.returncode) and done.returncode > 0


# Certificates


def certificate_faults(directory, certificates):
    """Pairs that must not be served, with a word of the reason."""
    directory.mkdir()
    expired, request, key = directory / "expired.pem", directory / "request.pem", directory / "key.pem"
    for command in (
        [
            "req",
            "-new",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            "/CN=x",
            "-keyout",
            key,
            "-out",
            request,
        ],
        ["x509", "-req", "-in", request, "-signkey", key, "-days", "-1", "-out", expired],
    ):
        subprocess.run(["openssl", *command], check=True, capture_output=True)
    nonsense = directory / "nonsense.pem"
    nonsense.write_text("nonsense\n")
    locked = directory / "locked.pem"
    subprocess.run(
        ["openssl", "pkcs8", "-topk8", "-in", certificates.key, "-out", locked, "-passout", "pass:secret"],
        check=True,
        capture_output=True,
    )
    faults = {
        "missing certificate": (directory / "none.pem", certificates.key, "No such file"),
        "missing key": (certificates.certificate, directory / "none.pem", "No such file"),
        "expired": (expired, key, "expired"),
        "mismatched": (certificates.certificate, key, "does not belong"),
        "no PEM": (nonsense, certificates.key, "PEM"),
        "key no PEM": (certificates.certificate, nonsense, "PEM"),
        "key with a passphrase": (certificates.certificate, locked, "passphrase"),
        "a directory": (directory, certificates.key, ""),
    }
    if not AS_ROOT:
        unreadable = directory / "unreadable.pem"
        unreadable.write_bytes(certificates.key.read_bytes())
        unreadable.chmod(0)
        faults["unreadable"] = (certificates.certificate, unreadable, "denied")
    return faults


def test_check_refuses_certificates_that_cannot_be_served(workspace, certificates, tmp_path):
    for name, (certificate, key, reason) in certificate_faults(tmp_path / "faults", certificates).items():
        done = run(workspace, "--check", HUBGATE_TLS_CERT=str(certificate), HUBGATE_TLS_KEY=str(key))
        line = complaint(done)
        assert reason in line and (str(certificate) in line or str(key) in line), (name, line)


def test_certificates_that_cannot_be_served_are_an_error_at_the_start(workspace, certificates, tmp_path):
    for name, (certificate, key, reason) in certificate_faults(tmp_path / "faults", certificates).items():
        done = run(
            workspace,
            "--listen",
            "127.0.0.1:0",
            "--sandbox",
            HUBGATE_TLS_CERT=str(certificate),
            HUBGATE_TLS_KEY=str(key),
        )
        line = complaint(done)
        assert reason in line and (str(certificate) in line or str(key) in line), (name, line)


# Where the token comes from


@pytest.fixture
def credential(start, hub):
    """Starts a gate with what is set, and gives the token that reaches the Hub."""
    hub.on("/api/models/x", lambda *_: http(200, b"{}"))

    def credential(*flags, workspace_files=None, **variables):
        gate = start("--upstream", hub.url, *flags, sandbox=False, workspace_files=workspace_files, **variables)
        gate.ask(b"GET /api/models/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        gate.stop()
        said = gate.log_path.read_text() + gate.errors
        token = hub.requests[-1]["Authorization"].removeprefix("Bearer ")
        assert token not in said
        return token

    return credential


def test_hf_access_token_wins_over_hf_token_and_our_own_name_over_both(credential):
    assert credential(HF_TOKEN="hf_second", HF_ACCESS_TOKEN="hf_first") == "hf_first"
    assert credential(HF_TOKEN="hf_only", HF_ACCESS_TOKEN="") == "hf_only"
    assert credential(HF_TOKEN="hf_c", HF_ACCESS_TOKEN="hf_b", HUBGATE_TOKEN="hf_a") == "hf_a"


def test_the_environment_wins_over_dot_env_and_dot_env_is_read(credential):
    lines = "# comment\nexport HF_TOKEN='hf_from_dot_env'\nUNRELATED=1\n"
    assert credential(workspace_files={".env": lines}) == "hf_from_dot_env"
    assert credential(workspace_files={".env": lines}, HF_TOKEN="hf_from_environment") == "hf_from_environment"


def test_the_token_comes_from_its_file_as_secrets_are_mounted(credential, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("hf_from_file\n")
    assert credential(HUBGATE_TOKEN_FILE=str(secret)) == "hf_from_file"
    assert credential("--token-file", str(secret), HF_TOKEN="hf_from_environment") == "hf_from_file"
    assert credential(workspace_files={"config/hubgate.yaml": f"token_file: {secret}\n"}) == "hf_from_file"


def test_a_token_file_that_is_no_token_is_refused_and_not_repeated(workspace, tmp_path):
    secret = tmp_path / "secret"
    for content in ("", "\n", f"{TOKEN}\n{TOKEN}\n", f"{TOKEN} {TOKEN}", TOKEN + "\0"):
        secret.write_text(content)
        line = complaint(run(workspace, "--check", HUBGATE_TOKEN_FILE=str(secret)))
        assert "token_file" in line and TOKEN not in line
    assert "token_file" in complaint(run(workspace, HUBGATE_TOKEN_FILE=str(secret), HF_TOKEN=TOKEN))


# The probe


def test_the_probe_of_a_gate_that_runs_ends_with_0(start, workspace, certificates):
    gate = start()
    done = run(workspace, "--probe", "--listen", f"127.0.0.1:{gate.port}", **certificates.settings)
    assert (done.returncode, done.stderr) == (0, "")
    # As in a container, where it listens for all hosts.
    done = run(workspace, "--probe", "--listen", f"0.0.0.0:{gate.port}", "--access", "open", **certificates.settings)
    assert done.returncode == 0
    # No certificate is needed to ask.
    assert run(workspace, "--probe", "--listen", f"127.0.0.1:{gate.port}").returncode == 0


def test_the_probe_where_nothing_runs_says_so_and_ends_with_1(workspace):
    with unused_port() as port:
        done = run(workspace, "--probe", "--listen", f"127.0.0.1:{port}")
        assert complaint(done, 1)


def test_the_probe_of_something_that_does_not_answer_ends_in_time(workspace):
    with taken_port() as silent:
        started = time.monotonic()
        done = run(workspace, "--probe", "--listen", f"127.0.0.1:{silent}")
        assert complaint(done, 1) and time.monotonic() - started < 6


# How it is started


@contextlib.contextmanager
def launched(workspace, certificates, *command, stderr=subprocess.DEVNULL):
    """A gate that is told to stop at the end, and does."""
    process = subprocess.Popen(
        command, cwd=workspace, env=clean_environment(workspace, **certificates.settings), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=stderr,
    )
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stderr:
            process.stderr.close()


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&-", "<&- >&- 2>&-"])
def test_standard_descriptors_that_are_closed_at_the_start_harm_nobody(workspace, certificates, closed):
    port = free_port()
    with launched(workspace, certificates, "bash", "-c", f'exec "$0" --sandbox --listen 127.0.0.1:{port} {closed}', BINARY):

        def ask():
            return subprocess.run(
                ["curl", "-q", "-sS", "--max-time", "5", "--cacert", certificates.authority, f"https://localhost:{port}/-/health"],
                capture_output=True, check=False,
            ).stdout.strip()

        assert wait_until(lambda: ask() == b'{"status":"ok"}', 5)
        # Whatever descriptor a client's socket has, no log line is written to it.
        assert [ask() for _ in range(5)] == [b'{"status":"ok"}'] * 5


def test_the_first_lines_say_where_it_listens_and_that_the_sandbox_is_one(start):
    gate = start()
    assert any("SANDBOX" in message for message in gate.messages)
    assert any(gate.origin in message and "curl --cacert" in message for message in gate.messages)


def test_a_gate_without_a_token_says_so_at_the_start(start, hub):
    gate = start("--upstream", hub.url, sandbox=False)
    assert any("No Hub token" in message and "HF_ACCESS_TOKEN" in message for message in gate.messages)


def test_the_log_of_requests_can_be_switched_off(start):
    gate = start("--access-log=off")
    assert gate.ask().status == 200
    gate.stop()
    assert gate.log_path.read_text() == ""


def test_the_log_is_text_where_that_is_asked_for(workspace, certificates):
    command = [BINARY, "--listen", "127.0.0.1:0", "--sandbox", "--log-format", "text"]
    with launched(workspace, certificates, *command, stderr=subprocess.PIPE) as process:
        lines = [process.stderr.readline() for _ in range(3)]
        assert b"SANDBOX" in lines[0] and b"The sandbox's Hub: " in lines[1] and b"Listening on" in lines[2]
        assert not any(line.startswith(b"{") for line in lines)
        time.sleep(0.2)
