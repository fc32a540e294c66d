"""wget and aria2 from Debian take files from a gateway. The sandbox is the Hub; they can reach the gateway and no other host."""

import re

import pytest

from clients import MEBIBYTE, digest
from gate import ROOT
from program_files import (  # noqa: F401 - two are fixtures
    IN_GIT, LARGE, PATH, REPO, SMALL, requests, cut_after, files, sandbox,
)
from programs import install


# wget


@pytest.mark.operation("wget", "wget", "A file of a store, and one of git over the Hub's redirect")
def test_wget_downloads(files):
    files.wget(PATH, "-O", "large")
    files.wget(IN_GIT, "-O", "small")
    assert (files.read("large"), files.read("small")) == (LARGE, SMALL)


@pytest.mark.operation("wget", "wget -c", "Goes on where it was stopped, and where the transfer broke off")
def test_wget_resumes(files, gate, sandbox):
    (files.directory / "large.bin").write_bytes(LARGE[: 3 * MEBIBYTE])
    stopped, cut = PATH + "?wget=stopped", PATH + "?wget=cut"
    files.wget(stopped, "-c", "-O", "large.bin")
    assert files.read("large.bin") == LARGE and requests(gate, stopped, status=206) == ["GET"]
    cut_after(sandbox, 5 * MEBIBYTE)
    files.wget(cut, "-t", "3", "-O", "again")
    assert files.read("again") == LARGE and requests(gate, cut, status=206) == ["GET"]


@pytest.mark.operation("wget", "wget --spider", "Whether a file is there: HEAD only, and an exit code of 8 where it is not")
def test_wget_looks(files, gate):
    target = PATH + "?wget=looks"
    files.wget(target, "--spider")
    assert set(requests(gate, target)) == {"HEAD"}
    assert files.wget(f"/{REPO}/resolve/main/no", "--spider", check=False).returncode == 8


@pytest.mark.operation("wget", "wget --content-disposition", "The file's own name, from the Hub's header")
def test_wget_takes_the_files_name(files):
    files.wget(PATH + "?download=true", "--content-disposition")
    assert files.read("large.bin") == LARGE


# aria2


@pytest.mark.operation("aria2c", "aria2c -x 8 -s 8", "Eight ranges of one file at once")
def test_aria2_takes_ranges_in_parallel(files, gate):
    target = PATH + "?aria2=parallel"
    # Not faster, so that no range has ended before the last one is asked for.
    files.aria2c(target, "-x", "8", "-s", "8", "-o", "large", "--max-overall-download-limit=8M")
    assert digest(files.read("large")) == digest(LARGE)
    # Its first request is for the whole file, and cut when the others are on their way.
    assert len(requests(gate, target, least=7, status=206)) >= 7


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
    target = PATH + "?aria2=resumes"
    files.aria2c(target, "-c", "-x", "4", "-s", "4", "-o", "large", "--allow-overwrite=false")
    assert files.read("large") == LARGE and requests(gate, target, status=206)
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
