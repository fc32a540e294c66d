"""The commands with curl of README.md and docs/api.md, as they are written but for the port, and the responses that are shown
beside them."""

import itertools
import re
import subprocess

import pytest

from gate import ROOT, clean_environment, run

# A block of commands, and what is shown behind it, in a block of its own and perhaps a sentence later.
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What differs from run to run: ports, request ids, dates, what is left of the sandbox's quota, and the length that follows.
VARYING = [
    (re.compile(r"https://localhost:\d+"), "https://localhost:PORT"), (re.compile(r"\bhg-[0-9a-f]{8}-[0-9a-f]{8}\b"), "hg-ID"),
    (re.compile(r"^Date: .*$", re.MULTILINE), "Date: NOW"), (re.compile(r";r=\d+;t=\d+"), ";r=LEFT;t=SECONDS"),
]


def same(said):
    for pattern, instead in VARYING:
        said = pattern.sub(instead, said)
    return said.replace("\r\n", "\n").strip()


def commands(document, heading=None):
    """Pairs of commands and what the document shows of their output, if it does; all of them, or a section's."""
    text = (ROOT / document).read_text()
    if heading is not None:
        text = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    blocks = BLOCK.findall(text)
    for (language, block), (next_language, following) in itertools.pairwise([*blocks, ("sh", "")]):
        if language == "sh" and block.startswith("curl"):
            yield block, following if next_language != "sh" else None


def output(gate, block, directory):
    (directory / "certs").exists() or (directory / "certs").symlink_to(gate.certificates.directory)
    done = subprocess.run(
        ["bash", "-ec", block.replace("https://localhost:8080", gate.origin)], cwd=directory,
        env=clean_environment(directory), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
    )
    assert done.returncode == 0, (block, done.stdout, done.stderr)
    return done.stdout


def test_the_endpoint_reference_shows_what_the_gateway_says(gate, tmp_path):
    shown = list(commands("docs/api.md"))
    assert len(shown) >= 10 and all(said for _, said in shown)
    # The reference asks for the account before it counts the keys.
    for block, said in shown:
        got = output(gate, block, tmp_path)
        assert same(got) == same(said), block


@pytest.mark.parametrize(("document", "heading"), [("README.md", "First use with curl"), ("docs/use.md", "curl")])
def test_the_documented_curl_commands_work_as_they_are_written(start, document, heading, tmp_path):
    gate = start()
    [(block, shown)] = commands(document, heading)
    got = output(gate, block, tmp_path)
    assert block.count("curl ") >= 2 and not re.search("\"error\"|Redirect", got), got
    if shown:
        assert same(shown) in same(got)


def test_the_settings_that_are_shown_for_load_balancers_are_good(workspace, certificates):
    text = (ROOT / "docs/behind-a-load-balancer.md").read_text()
    shown = [block for language, block in BLOCK.findall(text) if language == "yaml" and re.match("listen|proxy_protocol", block)]
    assert len(shown) == 2
    for block in shown:
        (workspace / "config/hubgate.yaml").write_text(block)
        done = run(workspace, "--check", HUBGATE_ACCESS="open", **certificates.settings)
        assert done.returncode == 0, (block, done.stderr)
