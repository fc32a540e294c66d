"""curl, wget and aria2 from Debian take files from a gateway and bring them there. The sandbox is the Hub; each program can
reach the gateway and nobody else."""

import gzip
import hashlib
import json
import re

import pytest

from clients import MEBIBYTE, digest, noise
from fakehub import http
from gate import ROOT
from hub import Hub
from programs import install

REPO = "sandbox/programs"
LARGE = noise(16 * MEBIBYTE)
SMALL = b'{"of":"git"}\n'
PATH = f"/{REPO}/resolve/main/large.bin"
IN_GIT = f"/{REPO}/resolve/main/small.json"


@pytest.fixture(scope="module")
def sandbox(gate):
    sandbox = Hub(gate)
    sandbox.create(REPO)
    sandbox.put_linked(REPO, "large.bin", LARGE)
    commit(sandbox, {"key": "file", "value": {"path": "small.json", "encoding": "utf-8", "content": SMALL.decode()}})
    return sandbox


@pytest.fixture
def files(start_program, gate, sandbox):
    """A program before the sandbox, which sees in the end that the gateway's token alone reached the Hub."""
    before = len(sandbox.journal())
    yield start_program(gate)
    sandbox.check_credentials(before)


def commit(sandbox, line):
    lines = [{"key": "header", "value": {"summary": "s", "description": ""}}, line]
    body = "\n".join(map(json.dumps, lines)).encode()
    assert sandbox.post(f"/api/models/{REPO}/commit/main", body, "application/x-ndjson")["success"]


def ranges(gate, before, path=PATH):
    """How many parts of a file were asked for, after so many lines of the log."""
    return sum(line["path"] == path and line["status"] == 206 for line in gate.log_lines[before:])


def cut_after(sandbox, count):
    sandbox.cut(digest(LARGE), count)


# curl


@pytest.mark.operation("curl", "curl -L", "A small file, over the Hub's redirect to another path of its own")
def test_curl_follows_the_hubs_redirect(files):
    assert files.curl(IN_GIT, "-L").stdout == SMALL


@pytest.mark.operation("curl", "curl", "A file of a store, with no redirect at all")
def test_curl_takes_a_large_file_in_one_response(files):
    done = files.curl(PATH, "-o", "large", "-w", "%{num_redirects} %{http_code} %{size_download}")
    assert done.stdout.split() == [b"0", b"200", str(len(LARGE)).encode()] and files.read("large") == LARGE


@pytest.mark.operation("curl", "curl -C -", "Resumes a download that broke off")
def test_curl_resumes(files, gate, sandbox):
    cut_after(sandbox, 5 * MEBIBYTE)
    assert files.curl(PATH, "-o", "large", check=False).returncode == 18, "a cut download looks whole"
    held, before = len(files.read("large")), len(gate.log_lines)
    assert 0 < held < len(LARGE)
    files.curl(PATH, "-C", "-", "-o", "large")
    assert files.read("large") == LARGE and ranges(gate, before) == 1


@pytest.mark.operation("curl", "curl -r", "A range from the start, from the end, from the middle; one beyond the end is a 416")
def test_curl_takes_ranges(files):
    for said, wanted in (("0-99", LARGE[:100]), ("-100", LARGE[-100:]), ("5000000-5999999", LARGE[5000000:6000000])):
        assert files.curl(PATH, "-r", said).stdout == wanted
    assert files.curl(PATH, "-r", f"{len(LARGE)}-", "-o", "/dev/null", "-w", "%{http_code}").stdout == b"416"


@pytest.mark.operation("curl", "curl -I", "HEAD: size, ETag and commit of a file")
def test_curl_heads(files):
    head = files.curl(PATH, "-I").stdout.decode().lower()
    for line in (f"content-length: {len(LARGE)}", f'etag: "{digest(LARGE)}"', "x-repo-commit: ", "accept-ranges: bytes"):
        assert f"\r\n{line}" in head, line


def check_http_1_0(files, *arguments):
    files.curl(PATH, "--http1.0", *arguments, "-o", "large")
    assert files.read("large") == LARGE
    tree = files.curl(f"/api/models/{REPO}/tree/main", "--http1.0", *arguments).stdout
    assert "large.bin" in [entry["path"] for entry in json.loads(tree)]
    status = ("-o", "/dev/null", "-w", "%{http_code}")
    assert files.curl("/api/models/sandbox/no", "--http1.0", *arguments, *status).stdout == b"404"


@pytest.mark.operation("curl", "curl --http1.0 --no-alpn", "A file, a list and an error in HTTP/1.0")
def test_curl_speaks_http_1_0(files):
    check_http_1_0(files, "--no-alpn")


@pytest.mark.operation("curl", "curl --http1.0", "The same, where ALPN offers http/1.0 alone: the handshake is refused")
@pytest.mark.xfail(strict=True, reason="the gateway's ALPN knows http/1.1 alone")
def test_curl_speaks_http_1_0_with_alpn(files):
    check_http_1_0(files)


@pytest.mark.operation("curl", "curl --http2", "Falls back to HTTP/1.1, which is all that the gateway offers")
def test_curl_falls_back_to_http_1_1(files):
    assert files.curl(IN_GIT, "-L", "--http2", "-w", "%{http_version}").stdout == SMALL + b"1.1"


@pytest.mark.operation("curl", "curl --etag-compare", "A file that is here already is a 304")
def test_curl_asks_whether_a_file_has_changed(files):
    files.curl(PATH, "--etag-save", "etag", "-o", "large")
    done = files.curl(PATH, "--etag-compare", "etag", "-o", "again", "-w", "%{http_code} %{size_download}")
    assert done.stdout == b"304 0"


@pytest.mark.operation("curl", "curl -Z", "Many files at once over few connections")
def test_curl_takes_files_in_parallel(files):
    origin = files.gate.origin
    targets = [word for number in range(30) for word in ("-o", f"file-{number}", origin + IN_GIT)]
    files.curl(PATH, "-L", "-Z", "--parallel-max", "8", *targets, "-o", "large")
    assert files.read("large") == LARGE
    assert all(files.read(f"file-{number}") == SMALL for number in range(30))


@pytest.mark.operation("curl", "curl --compressed", "What the Hub compressed arrives unpacked")
def test_curl_unpacks(start_program, start_before, hub):
    text = b"some text\n" * 1000

    def answer(request, _):
        assert "gzip" in (request["Accept-Encoding"] or ""), "the client's wish is not the Hub's to know"
        return http(200, gzip.compress(text), b"Content-Encoding: gzip", b"Content-Type: text/plain")

    hub.on("/u/r/raw/main/text", answer)
    done = start_program(start_before(hub)).curl("/u/r/raw/main/text", "--compressed", "-w", "%{size_download}")
    assert done.stdout == text + str(len(gzip.compress(text))).encode()


@pytest.mark.operation("curl", "curl -T", "Brings a large file: Git LFS's batch, PUT to the address in it, commit")
def test_curl_uploads(files):
    content = noise(3 * MEBIBYTE, seed=2)
    oid = hashlib.sha256(content).hexdigest()
    (files.directory / "new.bin").write_bytes(content)
    order = {"operation": "upload", "transfers": ["basic"], "objects": [{"oid": oid, "size": len(content)}]}
    batch = files.curl(f"/{REPO}.git/info/lfs/objects/batch", "-H", "Content-Type: application/vnd.git-lfs+json",
                       "-d", json.dumps(order)).stdout  # fmt: skip
    href = json.loads(batch)["objects"][0]["actions"]["upload"]["href"]
    assert href.startswith(files.gate.origin + "/")
    path = href.removeprefix(files.gate.origin)
    assert files.curl(path, "-T", "new.bin", "-w", "%{http_code}").stdout[-3:] == b"200"
    header = {"key": "header", "value": {"summary": "s", "description": ""}}
    line = {"key": "lfsFile", "value": {"path": "new.bin", "algo": "sha256", "oid": oid, "size": len(content)}}
    body = "\n".join(map(json.dumps, [header, line])).encode()
    files.curl(f"/api/models/{REPO}/commit/main", "-H", "Content-Type: application/x-ndjson", "--data-binary", "@-",
               "-H", "Transfer-Encoding: chunked", stdin=body)  # fmt: skip
    files.curl(f"/{REPO}/resolve/main/new.bin", "-o", "got")
    assert files.read("got") == content


# wget


@pytest.mark.operation("wget", "wget", "A file of a store, and one of git over the Hub's redirect")
def test_wget_downloads(files):
    files.wget(PATH, "-O", "large")
    files.wget(IN_GIT, "-O", "small")
    assert (files.read("large"), files.read("small")) == (LARGE, SMALL)


@pytest.mark.operation("wget", "wget -c", "Goes on where it was stopped, and where the transfer broke off")
def test_wget_resumes(files, gate, sandbox):
    (files.directory / "large.bin").write_bytes(LARGE[: 3 * MEBIBYTE])
    before = len(gate.log_lines)
    files.wget(PATH, "-c")
    assert files.read("large.bin") == LARGE and ranges(gate, before) == 1
    cut_after(sandbox, 5 * MEBIBYTE)
    before = len(gate.log_lines)
    files.wget(PATH, "-t", "3", "-O", "again")
    assert files.read("again") == LARGE and ranges(gate, before) == 1


@pytest.mark.operation("wget", "wget --spider", "Whether a file is there: HEAD only, and an exit code of 8 where it is not")
def test_wget_looks(files, gate):
    before = len(gate.log_lines)
    files.wget(PATH, "--spider")
    assert gate.wait_for_log(lambda line: line["path"] == PATH)
    assert {line["method"] for line in gate.log_lines[before:] if line["path"] == PATH} == {"HEAD"}
    assert files.wget(f"/{REPO}/resolve/main/no", "--spider", check=False).returncode == 8


@pytest.mark.operation("wget", "wget --content-disposition", "The file's own name, from the Hub's header")
def test_wget_takes_the_files_name(files):
    files.wget(PATH + "?download=true", "--content-disposition")
    assert files.read("large.bin") == LARGE


# aria2


@pytest.mark.operation("aria2c", "aria2c -x 8 -s 8", "Eight ranges of one file at once")
def test_aria2_takes_ranges_in_parallel(files, gate):
    before = len(gate.log_lines)
    # Not faster, so that no range has ended before the last one is asked for.
    files.aria2c(PATH, "-x", "8", "-s", "8", "-o", "large", "--max-overall-download-limit=8M")
    assert digest(files.read("large")) == digest(LARGE)
    # Its first request is for the whole file, and cut when the others are on their way.
    assert ranges(gate, before) >= 7


@pytest.mark.operation("aria2c", "aria2c --checksum", "Compares the content with the hash that the Hub's ETag is")
def test_aria2_checks_the_hash(files):
    etag = next(line for line in files.curl(PATH, "-I").stdout.decode().splitlines() if line.lower().startswith("etag:"))
    said = etag.partition(": ")[2].strip('"')
    files.aria2c(PATH, "-x", "4", "--checksum", f"sha-256={said}", "-o", "large")
    wrong = files.aria2c(PATH, "--checksum", f"sha-256={'0' * 64}", "-o", "wrong", check=False)
    assert wrong.returncode == 32


@pytest.mark.operation("aria2c", "aria2c -c", "Goes on where it was stopped, and where a transfer broke off")
def test_aria2_resumes(files, gate, sandbox):
    (files.directory / "large").write_bytes(LARGE[: 5 * MEBIBYTE])
    before = len(gate.log_lines)
    files.aria2c(PATH, "-c", "-x", "4", "-s", "4", "-o", "large", "--allow-overwrite=false")
    assert files.read("large") == LARGE and ranges(gate, before) >= 1
    cut_after(sandbox, 5 * MEBIBYTE)
    files.aria2c(PATH, "-x", "1", "-s", "1", "--retry-wait=1", "-o", "again")
    assert files.read("again") == LARGE


@pytest.mark.operation("aria2c", "aria2c -i", "A list of files, five at a time")
def test_aria2_takes_a_list(files):
    origin = files.gate.origin
    wanted = [f"{origin}{IN_GIT}\n out=file-{number}" for number in range(20)]
    (files.directory / "list").write_text("\n".join(wanted) + "\n")
    files.run("aria2c", "--no-conf", "--ca-certificate", files.authority, "-j", "5", "-i", "list")
    assert all(files.read(f"file-{number}") == SMALL for number in range(20))


# As they are written


def test_the_documented_commands_work_as_they_are_written(files):
    """But for the port, in a folder with certs/."""
    if not (install("wget") and install("aria2c")):
        pytest.skip("wget or aria2 is not to be had")
    section = (ROOT / "docs/use.md").read_text().partition("\n## wget and aria2\n")[2].partition("\n## ")[0]
    block = re.search(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)[1]
    assert "wget " in block and "aria2c " in block
    (files.directory / "certs").symlink_to(files.gate.certificates.directory)
    files.run("bash", "-ec", block.replace("https://localhost:8080", files.gate.origin))
    assert files.read("model.safetensors") == files.read("weights.safetensors") != b""
