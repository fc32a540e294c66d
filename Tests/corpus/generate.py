#!/usr/bin/env python3
"""Writes operations.tsv and policy.tsv from hub-operations.tsv, by a reading of it that shares nothing with the program.

    Tests/corpus/generate.py [--check]

operations.tsv: what each request does, plainly written, and the same request in spellings that another reader could take for it.
policy.tsv: what becomes of requests under a scope. Both are data for the tests in Swift; README.md has their columns.
"""
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
KINDS = {"models": "model", "datasets": "dataset", "spaces": "space", "kernels": "kernel"}
SAMPLES = {
    "{rev}": "refs%2Fpr%2F1", "{path}": "a%20b/c.txt", "{n}": "7", "{revs}": "a..b", "{kind}": "build", "{s}": "pending",
    "{c}": "5f0c", "{job}": "687f", "{what}": "logs", "{u}": "julien", "{x}": "word", "{o}": "acme", "{slug}": "acme/list-1",
    "{anything}": "chat/completions", "{task}": "fill-mask", "{page}": "tree/main", "{ns}": "acme",
}


def rows():
    for line in (HERE / "hub-operations.tsv").read_text().splitlines():
        if line.startswith("#") or line.startswith("method\t"):
            continue
        methods, path, action, resource, *note = line.split("\t")
        if methods != "*":
            yield methods.split(), path, action, resource, "".join(note)


def optional(path):
    """The path without and with what stands in brackets, from the inside out."""
    match = re.search(r"\[([^\[\]]*)\]", path)
    if not match:
        return [path]
    return optional(path[: match.start()] + path[match.end() :]) + optional(path[: match.start()] + match[1] + path[match.end() :])


def plain():
    """(method, target, actions, resource) of each row in each form; resource None where a body has it."""
    for methods, path, action, resource, note in rows():
        for method in methods:
            for form in dict.fromkeys(optional(path.replace("[{T}/]", "{W}"))):
                kinds = list(KINDS) if "{T}" in form or "{W}" in form else [None]
                for kind in kinds:
                    target, what = form, None
                    if kind and "{id}" in form:
                        what = f"{KINDS[kind]}:acme/team-a-x"
                    elif "{id}" in form:
                        what = ("bucket" if "buckets/" in form else "space" if "spaces/" in form else "model") + ":acme/team-a-x"
                    target = target.replace("{T}", kind or "").replace("{id}", "acme/team-a-x")
                    target = target.replace("{W}", "" if kind in (None, "models") else kind + "/")
                    for name, sample in SAMPLES.items():
                        target = target.replace(name, sample)
                    if resource == "ns" or action == "search" and ("{ns}" in form or "{o}" in form):
                        what = "acme/*"
                    elif resource == "-":
                        what = "-"
                    elif resource.startswith("ns") or resource.startswith("body"):
                        what = None
                    yield method, target, action, what, note, path


def actions(action, target, note):
    if action == "read or write":
        return "write"
    if "discuss is enough" in note and ("xet-write" in target or "create_pr=1" in target):
        return f"{action}|discuss"
    return action


# Rows that the table reads in its own way; why stands in docs/operations.md.
SKIPPED = ("/api/inference-proxy/", "/v1/", "/api/collections", "/collections/", "/oauth/", "/api/whoami", "/models/acme", "/pipeline", "/api/telemetry")


def spellings(target):
    """Other ways to write the same path, which no reader may take for it, or all would have to."""
    path, mark, query = target.partition("?")
    parts = path.split("/")
    if "acme" in parts:
        at = parts.index("acme")
        yield "/".join(parts[:at] + ["%61cme"] + parts[at + 1 :]) + mark + query
        if at + 1 < len(parts):
            yield "/".join(parts[:at] + [parts[at] + "%2F" + parts[at + 1]] + parts[at + 2 :]) + mark + query
            yield "/".join(parts[:at] + [parts[at] + "%2f" + parts[at + 1]] + parts[at + 2 :]) + mark + query
            yield "/".join(parts[: at + 1] + [""] + parts[at + 1 :]) + mark + query
            yield "/".join(parts[: at + 1] + [".", ""] + parts[at + 1 :]) + mark + query
            yield "/".join(parts[: at + 1] + ["y", ".."] + parts[at + 1 :]) + mark + query
            yield "/".join(parts[: at + 1] + ["y", "%2e%2E"] + parts[at + 1 :]) + mark + query
            yield "/".join(parts[: at + 1] + [parts[at + 1] + ";v=1"] + parts[at + 2 :]) + mark + query
            yield "/".join(parts[:at] + ["\u0430cme"] + parts[at + 1 :]) + mark + query
            yield "/".join(parts[:at] + ["%2561cme"] + parts[at + 1 :]) + mark + query
            yield "/".join(parts[:at] + ["acme\\" + parts[at + 1]] + parts[at + 2 :]) + mark + query
            yield "/".join(parts[:at] + ["acme%5C" + parts[at + 1]] + parts[at + 2 :]) + mark + query
            yield "/".join(parts[:at] + ["a" * 97] + parts[at + 1 :]) + mark + query
    if parts[1] == "api":
        yield "/API" + path[4:] + mark + query
        yield "/%61pi" + path[4:] + mark + query
        yield "//api" + path[4:] + mark + query
        yield "/api/" + path[4:] + mark + query
        head = "/api/" + parts[2].capitalize()
        yield head + path[5 + len(parts[2]) :] + mark + query
        if len(parts) > 5 and "jobs" not in parts[2] and parts[2] != "resolve-cache" and parts[5] != "word":
            yield "/".join(parts[:5] + [parts[5].upper()] + parts[6:]) + mark + query
            yield "/".join(parts[:4] + [parts[4] + ".git"] + parts[5:]) + mark + query
            yield "/".join(parts[:4] + [parts[4] + ".GIT"] + parts[5:]) + mark + query
        if path.count("/") < 5:
            yield path + "/" + mark + query
    elif "acme" not in parts:
        first, rest = parts[1], path[1 + len(parts[1]) :]
        yield f"/{first.upper()}{rest}{mark}{query}"
        yield f"/%{ord(first[0]):02x}{first[1:]}{rest}{mark}{query}"
        yield f"//{first}{rest}{mark}{query}"
        yield f"/{first};v=1{rest}{mark}{query}"
        yield f"/./{first}{rest}{mark}{query}"
        yield path + "/" + mark + query
    for word in ("_method", "%5Fmethod", "_metho%64", "+_method", "[_method]"):
        yield target + ("&" if mark else "?") + word + "=DELETE"


def operations():
    seen = set()
    for method, target, action, what, note, path in plain():
        if any(target.startswith(skipped) for skipped in SKIPPED):
            continue
        for query in ("", "?create_pr=1", "?create_pr=0&create_pr=1", "?create_pr=1&create_pr=0", "?create%5Fpr=1", "?create_pr=true", "?create_pr[]=1", "?Create_pr=1", "?create_pr=1;x"):
            if query and ("create_pr" not in note or what is None or not what.startswith("model:")):
                continue
            full = target + query
            expected = actions(action, full if query == "?create_pr=1" else target, note)
            if (method, full) in seen:
                continue
            seen.add((method, full))
            yield method, full, expected, what or "?"
        if what is None or what.startswith("model:") or what in ("-", "acme/*") or "spaces/" in path:
            for other in spellings(target):
                if (method, other) not in seen:
                    seen.add((method, other))
                    yield method, other, "!", "-"


def main():
    import policy_cases
    texts = {
        "operations.tsv": "# Written by generate.py. method, target, actions that suffice (! refused for how it is written), resource (? in the body)\n"
        + "".join("\t".join(row) + "\n" for row in operations()),
        "policy.tsv": "# Written by generate.py. scope, method, target, Content-Type, body, decision\n"
        + "".join("\t".join(row) + "\n" for row in policy_cases.cases()),
    }
    stale = [name for name, text in texts.items() if not (HERE / name).exists() or (HERE / name).read_text() != text]
    if "--check" in sys.argv:
        if stale:
            sys.exit(f"{', '.join(stale)}: run Tests/corpus/generate.py")
        return
    for name, text in texts.items():
        (HERE / name).write_text(text)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    main()
