#!/usr/bin/env python3
"""The layers: only EventIO imports CEvent, and no folder of Sources/Server uses what one above it declares.

    config/lint-layers.py [--report]

The order of the folders is that of the table of layers in docs/ARCHITECTURE.md: a row names its folder as `Sources/Server/Name`. The arrows between targets are the compiler's, by Package.swift. What Server declares is found by its text: types, and
functions and values outside of types. A type's name that a target below has too does not count.
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SERVER = ROOT / "Sources/Server"
DECLARED = re.compile(
    r"^(?P<indent> *)(?:@\w+(?:\([^)]*\))? +)*(?:(?:public|package|internal|final|indirect|nonisolated(?:\(unsafe\))?|static) +)*"
    r"(?P<kind>struct|enum|class|actor|protocol|typealias|func|let|var) +(?P<name>[A-Za-z_]\w*)",
    re.M,
)
# A use that is allowed although it leads upwards: (folder, name) -> why.
ALLOWED: dict[tuple[str, str], str] = {}


def without_comments_and_strings(text: str) -> str:
    text = re.sub(r"//[^\n]*", "", text)
    text = re.sub(r'#?"""[\s\S]*?"""#?', '""', text)
    return re.sub(r'"(?:\\\((?:[^()"]|\([^()]*\))*\)|\\.|[^"\\\n])*"', lambda m: " ".join(re.findall(r"\\\(([^\"]*?)\)", m[0])), text)


def order() -> list[str]:
    page = (ROOT / "docs/ARCHITECTURE.md").read_text()
    table = page.partition("\n## Layers\n")[2].partition("\n## ")[0]
    folders = re.findall(r"^\|.*`Sources/Server/(\w+)`", table, re.M)
    if not folders:
        sys.exit("lint-layers: docs/ARCHITECTURE.md has no table of layers that names folders of Sources/Server")
    return folders


def main() -> None:
    problems: list[str] = []
    for path in sorted((ROOT / "Sources").rglob("*.swift")):
        if re.search(r"^(?:\w+ )?import CEvent$", path.read_text(), re.M) and "EventIO" not in path.parts:
            problems.append(f"{path.relative_to(ROOT)}: only Sources/EventIO imports CEvent")

    folders = order()
    texts: dict[str, dict[Path, str]] = {}
    for path in sorted(SERVER.rglob("*.swift")):
        parts = path.relative_to(SERVER).parts
        if len(parts) == 1:
            problems.append(f"{path.relative_to(ROOT)}: a file lies in a folder")
            continue
        texts.setdefault(parts[0], {})[path] = without_comments_and_strings(path.read_text())
    for folder in texts:
        if folder not in folders:
            problems.append(f"Sources/Server/{folder}: is not in the table of layers of docs/ARCHITECTURE.md")

    elsewhere = {
        m["name"]
        for target in ("HTTP", "Hub", "EventIO", "Sandbox")
        for path in (ROOT / "Sources" / target).rglob("*.swift")
        for m in DECLARED.finditer(path.read_text())
        if not m["indent"]
    }
    owner: dict[str, str] = {}
    twice: set[str] = set()
    for folder, files in texts.items():
        for text in files.values():
            for m in DECLARED.finditer(text):
                if m["indent"] or "private" in m[0]:
                    continue
                if owner.setdefault(m["name"], folder) != folder:
                    twice.add(m["name"])
    uses: dict[tuple[str, str], dict[str, set[str]]] = {}
    for folder, files in texts.items():
        for path, text in files.items():
            for name in set(re.findall(r"(?<![.\w])[A-Za-z_]\w*", text)):
                home = owner.get(name)
                if home in (None, folder) or name in elsewhere or name in twice:
                    continue
                uses.setdefault((folder, home), {}).setdefault(name, set()).add(path.name)
    rank = {name: index for index, name in enumerate(folders)}
    for (folder, home), names in sorted(uses.items()):
        if folder in rank and home in rank and rank[home] < rank[folder]:
            for name, paths in sorted(names.items()):
                if (folder, name) not in ALLOWED:
                    problems.append(f"Sources/Server/{folder} ({', '.join(sorted(paths))}) uses {name} of {home}/, which is above it")
    if "--report" in sys.argv:
        for (folder, home), names in sorted(uses.items()):
            print(f"{folder} -> {home}: {', '.join(sorted(names))}")
    for problem in problems:
        print(f"lint-layers: {problem}", file=sys.stderr)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
