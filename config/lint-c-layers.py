#!/usr/bin/env python3
"""The layers of C: the files of Sources/CEvent do not call each other in a circle, and an exchange knows no connection.

    config/lint-c-layers.py [--report]

Found by their text: which file defines which function or table that is not static, and which other file names it. What C is given as a
pointer to a function, and calls by it, is no arrow. Headers are not looked at but for what they define: an inline function's arrows are
those of whoever includes it.
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
C = ROOT / "Sources/CEvent"
# A definition begins a line, as clang-format sets it: a function's body follows its parameters, a table's value its name.
FUNCTION = re.compile(r"^(?!static\b|typedef\b|extern\b|#)[A-Za-z_][\w *]*?\**\b(\w+)\s*\((?:[^(){};]|\([^()]*\))*\)\s*\{", re.M)
TABLE = re.compile(r"^(?!static\b|typedef\b|extern\b|#)[A-Za-z_][\w *]*?\b(\w+)(?:\[[^\]]*\])?\s*=\s*[{\"\d]", re.M)
# (the file that uses, the file that is used) -> why this arrow of a circle is allowed.
ALLOWED: dict[tuple[str, str], str] = {}
# No file whose name begins with the first calls one whose name begins with the second.
FORBIDDEN = [
    ("exchange", "connection"),
    ("exchange", "http"),
    ("connection", "http"),
    ("request_parser", "exchange"),
    ("request_parser", "connection"),
    ("response", "transfer"),
    ("channel", "upstream"),
    ("connector", "upstream"),
    ("upstream", "transfer"),
]


def without_comments_and_strings(text: str) -> str:
    text = re.sub(r"/\*[\s\S]*?\*/|//[^\n]*", " ", text)
    return re.sub(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', '""', text)


def definitions(text: str) -> set[str]:
    return {m[1] for pattern in (FUNCTION, TABLE) for m in pattern.finditer(text)}


def arrows(texts: dict[str, str]) -> dict[tuple[str, str], set[str]]:
    """What each file uses of each other one."""
    owner = {name: file for file, text in texts.items() for name in definitions(text)}
    found: dict[tuple[str, str], set[str]] = {}
    for file, text in texts.items():
        own_statics = set(re.findall(r"^static [\w *]*?\b(\w+)\s*\(", text, re.M))
        for name in set(re.findall(r"(?<![.\w])(?<!->)[A-Za-z_]\w*", text)) - own_statics:
            home = owner.get(name)
            if home not in (None, file):
                found.setdefault((file, home), set()).add(name)
    return found


def circles(edges: set[tuple[str, str]]) -> list[list[str]]:
    """For each group of files that reach each other, one shortest way round."""
    after: dict[str, list[str]] = {}
    for file, used in sorted(edges):
        after.setdefault(file, []).append(used)
    found, done = [], set()
    for start in sorted(after):
        if start in done:
            continue
        ways, queue = {start: [start]}, [start]
        while queue:
            file = queue.pop(0)
            for used in after.get(file, []):
                if used == start:
                    found.append(ways[file] + [start])
                    done.update(ways[file])
                    queue = []
                    break
                if used not in ways:
                    ways[used] = ways[file] + [used]
                    queue.append(used)
    return found


def problems_of(texts: dict[str, str]) -> list[str]:
    found = arrows(texts)
    said = []
    for way in circles({edge for edge in found if edge not in ALLOWED}):
        steps = ", ".join(f"{a} uses {min(found[a, b])} of {b}" for a, b in zip(way, way[1:]))
        said.append(f"{' -> '.join(way)}: a circle ({steps})")
    for (file, used), names in sorted(found.items()):
        if any(file.startswith(above) and used.startswith(below) for above, below in FORBIDDEN):
            said.append(f"{file} uses {', '.join(sorted(names))} of {used}, which is above it")
    return said


def main() -> None:
    texts = {path.name: without_comments_and_strings(path.read_text()) for path in sorted(C.glob("*.c"))}
    defined = sum(len(definitions(text)) for text in texts.values())
    if defined < 100:
        sys.exit(f"lint-c-layers: only {defined} definitions were found in Sources/CEvent: this check no longer reads C")
    if "--report" in sys.argv:
        for (file, used), names in sorted(arrows(texts).items()):
            print(f"{file} -> {used}: {', '.join(sorted(names))}")
    problems = problems_of(texts)
    for problem in problems:
        print(f"lint-c-layers: Sources/CEvent: {problem}", file=sys.stderr)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
