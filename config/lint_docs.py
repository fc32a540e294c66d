"""The documents checked against the code; config/lint-docs.sh runs this: a part of `make lint` and, with --fix, of `make format`.

Each function below is one check and yields its faults as sentences. What a document says twice is not looked at here, only
what it says that is not so.
"""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
ARCHITECTURE = DOCS / "ARCHITECTURE.md"
TROUBLESHOOTING = DOCS / "troubleshooting.md"
LINES = {"README.md": 250, "docs/ARCHITECTURE.md": 150}
# Pages of docs/ that are printed, or are for developers; the others are for users.
NOT_FOR_USERS = {"SETTINGS.md", "METRICS.md", "operations.md", "COMPATIBILITY.md", "PERFORMANCE.md", "benchmarks.md", "THREATS.md", "ARCHITECTURE.md", "hub-api.md", "README.md"}
# Words with an underscore that are not settings: names of the clients', of the log's members, of other programs' settings.
NOT_SETTINGS = {
    "huggingface_hub", "base_url", "request_id", "hub_request_id", "upstream_ms", "budget_ms", "model_info", "snapshot_download", "allow_patterns", "ignore_patterns", "stop_grace_period", "fail_timeout",
    "https_proxy", "all_proxy", "jwks_file", "jwks_url", "keys_per_subject", "pull_request", "id_tokens", "exist_ok", "missing_ok", "dry_run",
    "restorable_until", "trash_name",
    # Fields of the audit.
    "key_id", "new_name", "bytes_in", "bytes_out", "previous_file",
    # Of the inference API.
    "stream_options", "max_tokens",
    # The words of OAuth.
    "error_description", "invalid_grant", "invalid_request", "unsupported_grant_type", "unauthorized_client", "authorization_pending",
    "slow_down", "expired_token", "access_denied", "temporarily_unavailable",
    # Of OpenTelemetry's logs.
    "severity_text", "severity_number", "trace_id", "span_id", "trace_flags",
}
RULES_BEGIN, RULES_END = "<!-- rules: ", "<!-- /rules -->"
# So that a table which has moved is a fault and not an empty list.
LEAST_CODES, LEAST_RULES = 15, 40

CODE_SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")


@cache
def tracked():
    """The files in git and those that will be, as paths from the root."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=ROOT, check=True, capture_output=True,
        text=True,
    ).stdout
    return {name for name in listed.split("\0") if name and (ROOT / name).is_file()}


@cache
def text(name):
    return (ROOT / name).read_text()


def prose(document):
    """A document without its blocks of code."""
    return re.sub(r"^ *```.*?^ *```", "", document, flags=re.MULTILINE | re.DOTALL)


def sources(*suffixes):
    return sorted(name for name in tracked() if name.startswith("Sources/") and name.endswith(suffixes))


# Links


def anchor(heading):
    """GitHub's: lower case, punctuation gone, blanks as hyphens."""
    heading = LINK.sub("]", heading).replace("`", "").replace("[", "").replace("]", "")
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@cache
def anchors(name):
    return {anchor(heading) for heading in re.findall(r"^#+ (.*)$", prose(text(name)), re.MULTILINE)}


def links():
    for name in sorted(tracked()):
        if not name.endswith(".md"):
            continue
        for link in LINK.findall(prose(text(name))):
            path, _, fragment = link.partition("#")
            if re.match(r"[a-z]+:", link):
                continue
            target = (ROOT / name).parent.joinpath(path).resolve() if path else ROOT / name
            inside = target.is_relative_to(ROOT)
            shown = str(target.relative_to(ROOT)) if inside else ""
            if not inside or not (shown in tracked() or any(file.startswith(f"{shown}/") for file in tracked())):
                yield f"{name}: there is no {path} in git"
            elif fragment and fragment not in anchors(shown):
                yield f"{name}: {shown} has no heading for #{fragment}"


def empty_sections():
    """A heading with nothing below it: what stood there has moved, or was never written."""
    for name in sorted(tracked()):
        if name.endswith(".md"):
            # A block of code is content, so it stays as one word.
            document = re.sub(r"^ *```.*?^ *```", "code", text(name), flags=re.MULTILINE | re.DOTALL)
            parts = re.split(r"^(#+) (.*)$", document, flags=re.MULTILINE)[1:]
            for level, heading, below, following in zip(parts[::3], parts[1::3], parts[2::3], [*parts[3::3], "#"]):
                if not below.strip() and len(following) <= len(level):
                    yield f"{name}: nothing stands below the heading {heading}"


def decisions():
    index = text("docs/README.md")
    for name in sorted(tracked()):
        if name.startswith("docs/decisions/") and f"]({name.removeprefix('docs/')})" not in index:
            yield f"docs/README.md: it does not list {name}"


def pages_are_short():
    for name, most in LINES.items():
        count = len(text(name).splitlines())
        if count > most:
            yield f"{name}: it has {count} lines, {most} at most; the rest belongs into another page of docs/"


# Names


def cited_tests():
    """docs/THREATS.md names tests as file::name, below Tests/."""
    for cited in re.findall(r"`([A-Za-z0-9/_.]+::[^`]+)`", text("docs/THREATS.md")):
        file, _, name = cited.partition("::")
        if cited != "file::name" and (f"Tests/{file}" not in tracked() or name not in text(f"Tests/{file}")):
            yield f"docs/THREATS.md: there is no test {cited}"


SWIFT_DECLARATION = re.compile(
    r"\b(?:class|struct|enum|actor|protocol|extension|typealias|func|var|let|case|macro) +`?([\w.]+)")
# `swift format` sees to it that a type's closing brace is the first one at the line's beginning.
SWIFT_TYPE = re.compile(
    r"^(?:[a-z@(][\w@()]* )*(?:class|struct|enum|actor|protocol|extension) ([\w.]+)[^\n]*\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)


@cache
def declared():
    """The names that Sources declare; of C all words of its code, as declarations have too many forms there."""
    names = set()
    for name in sources(".swift"):
        names |= set(SWIFT_DECLARATION.findall(text(name)))
    for name in sources(".c", ".h"):
        code = re.sub(r'/\*.*?\*/|"(?:[^"\\\n]|\\.)*"', " ", text(name), flags=re.DOTALL)
        names |= set(re.findall(r"[A-Za-z_]\w+", code))
    return names


@cache
def members():
    """For each Swift type what its declaration and its extensions declare."""
    found = {}
    for name in sources(".swift"):
        for type_name, body in SWIFT_TYPE.findall(text(name)):
            found.setdefault(type_name, set()).update(SWIFT_DECLARATION.findall(body))
    return found


def is_declared(name):
    """`Type`, `function`, or `Type.member`."""
    owner, dot, member = name.removesuffix("()").rpartition(".")
    return member in members().get(owner, ()) if dot else member in declared()


@cache
def settings():
    return set(re.findall(r"^\| `(\w+)` \|", text("docs/SETTINGS.md"), re.MULTILINE))


def exists(cited):
    if re.search(r"/|\.(swift|c|h|sh|py|md|yaml)$", cited):
        paths = tracked()
        if cited in paths or any(path.startswith(cited.rstrip("/") + "/") for path in paths):
            return True
        return "/" not in cited and any(path.startswith("Sources/") and path.endswith(f"/{cited}") for path in paths)
    return cited in settings() or is_declared(cited)


def architecture():
    """All in backquotes there is a file, a type, a function or a setting."""
    document = text("docs/ARCHITECTURE.md")
    for cited in dict.fromkeys(CODE_SPAN.findall(prose(document))):
        if not exists(cited):
            yield f"docs/ARCHITECTURE.md: there is no {cited} in the code"


def cited_files():
    """Source files that any page names, but for decisions, which are about their time."""
    names = {Path(name).name for name in tracked()}
    for page in sorted(tracked()):
        if page.endswith(".md") and not page.startswith(("docs/decisions/", "CHANGELOG")):
            for file in sorted(set(re.findall(r"[\w+-]+\.(?:swift|c|h|py|sh)\b", " ".join(CODE_SPAN.findall(prose(text(page))))))):
                if file not in names:
                    yield f"{page}: there is no file {file}"


def cited_settings():
    """Settings, variables and metrics that the pages for users name."""
    shown = {name for name in tracked() if name.startswith(("config/", "docker/", "Tests/"))} | {"Makefile"}
    metrics = text("docs/METRICS.md")
    pages = [name for name in sorted(tracked()) if re.fullmatch(r"docs/[^/]+\.md", name) and Path(name).name not in NOT_FOR_USERS]
    for page in ["README.md", *pages]:
        document = text(page)
        for span in CODE_SPAN.findall(prose(document)):
            word = re.fullmatch(r"([a-z]+(?:_[a-z]+)+)(?: ?[=:].*)?", span)
            if word and not word[1].startswith(("hubgate_", "hf_")) and word[1] not in settings() | NOT_SETTINGS:
                yield (f"{page}: there is no setting {word[1]} in docs/SETTINGS.md "
                       "(a word of another program's belongs into NOT_SETTINGS of config/lint_docs.py)")
        for variable in sorted(set(re.findall(r"\bHUBGATE_([A-Z0-9_]+)\b", document))):
            if variable.lower() not in settings() and not any(f"HUBGATE_{variable}" in text(file) for file in shown
                                                              if not file.endswith((".png", ".svg"))):
                yield f"{page}: nothing reads HUBGATE_{variable}"
        for metric in sorted(set(re.findall(r"\bhubgate_\w+_total\b", document))):
            if metric not in metrics:
                yield f"{page}: there is no metric {metric} in docs/METRICS.md"


# Failures


@cache
def failure_codes():
    """The codes of the table that gives a failure its status and code."""
    tables = [text(name) for name in sources(".swift") if Path(name).name.startswith("Failure")]
    return {code for table in tables for code in re.findall(r'case [^:"\n]+: "([A-Z][A-Za-z]+)"', table)}


@cache
def parser_rules():
    """Status, rule and sentence of each refusal of the parser, in the table's order."""
    row = re.compile(r'\] = \{ ([1-5]\d\d), "([a-z0-9.-]+)",((?:\s*"(?:[^"\\]|\\.)*")+)')
    found = []
    for name in sources(".c"):
        for status, rule, strings in row.findall(text(name)):
            sentence = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', strings)).replace('\\"', '"').replace("\\\\", "\\")
            found.append((status, rule, sentence))
    return found


def code_of(rule):
    """As a response has it: bare-lf is BareLf, encoding-in-1.0 is EncodingIn10."""
    return "".join(word[:1].upper() + word[1:] for word in rule.replace(".", "").split("-"))


def error_codes():
    listed = set(re.findall(r"^\| `([A-Z][A-Za-z]+)` \|", prose(text("docs/troubleshooting.md").partition("### Codes of the Hub")[0]),
                            re.MULTILINE))
    codes = failure_codes()
    if len(codes) < LEAST_CODES:
        yield f"config/lint_docs.py: it finds {len(codes)} codes of failures in Sources; has their table moved?"
    for code in sorted(codes - listed):
        yield f"docs/troubleshooting.md: the code {code} has no entry that says what to do"
    for code in sorted(listed - codes):
        yield f"docs/troubleshooting.md: no failure has the code {code} any more"


def rules_block():
    rows = [f"| `{code_of(rule)}` | {status} | {sentence} |" for status, rule, sentence in parser_rules()]
    return "\n".join(["", "| Code | Status | Message |", "| --- | --- | --- |", *rows, "", ""])


def with_rules(document):
    before, begin, rest = document.partition(RULES_BEGIN)
    comment, newline, rest = rest.partition("\n")
    _, end, after = rest.partition(RULES_END)
    if not end:
        raise SystemExit(f"docs/troubleshooting.md: it has no {RULES_BEGIN}… followed by {RULES_END}")
    return before + begin + comment + newline + rules_block() + end + after


def rules():
    if len(parser_rules()) < LEAST_RULES:
        yield f"config/lint_docs.py: it finds {len(parser_rules())} rules of the parser in Sources; has their table moved?"
    elif with_rules(text("docs/troubleshooting.md")) != text("docs/troubleshooting.md"):
        yield "docs/troubleshooting.md: its rules are not those of the parser: config/lint-docs.sh --fix"


def fix():
    fixed = with_rules(TROUBLESHOOTING.read_text())
    if fixed != TROUBLESHOOTING.read_text():
        TROUBLESHOOTING.write_text(fixed)


def main():
    if sys.argv[1:] == ["--fix"]:
        fix()
    checks = (links, empty_sections, decisions, pages_are_short, cited_tests, architecture, cited_files, cited_settings, error_codes, rules)
    faults = [fault for check in checks for fault in check()]
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
