"""curl from Debian takes files from a gateway and brings them there. The sandbox is the Hub; curl can reach the gateway and nobody
else."""

import gzip
import hashlib
import json

import pytest

from clients import MEBIBYTE, digest, noise
from fakehub import http
from program_files import (  # noqa: F401 - two are fixtures
    IN_GIT, LARGE, PATH, REPO, SMALL, requests, cut_after, files, sandbox,
)


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
    target = PATH + "?curl=resumes"
    assert files.curl(target, "-o", "large", check=False).returncode == 18, "a cut download looks whole"
    assert 0 < len(files.read("large")) < len(LARGE)
    files.curl(target, "-C", "-", "-o", "large")
    assert files.read("large") == LARGE and requests(gate, target, status=206) == ["GET"]


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


@pytest.mark.operation("curl", "curl --http1.0", "The same, where ALPN offers http/1.0 alone")
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


def test_no_contact_goes_unseen_or_gets_through(files, sandbox):
    """The tests' own test."""
    assert files.run("curl", "-q", "-k", sandbox.cdn, check=False).returncode == 7
    with pytest.raises(AssertionError, match="led elsewhere"):
        files.check_contacts()
    files.contacts_path.write_text("")
