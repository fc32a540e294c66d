"""Writes the corpus's requests as files for a fuzzer: seeds.py TSV FOLDER. Tests/corpus/README.md has the format."""
import pathlib
import re
import sys

PLAIN = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}
ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|\{(\d+)\*([^}]*)\}|([rnt0\\]))|([^\\])", re.DOTALL)


def unescape(text: str) -> bytes:
    out, at = bytearray(), 0
    while at < len(text):
        match = ESCAPE.match(text, at)
        if match is None:
            raise ValueError(f"no such escape: {text[at:at + 8]}")
        code, count, repeated, plain, other = match.groups()
        if code:
            out.append(int(code, 16))
        elif count:
            out += unescape(repeated) * int(count)
        else:
            out += PLAIN[plain] if plain else other.encode()
        at = match.end()
    return bytes(out)


def main() -> None:
    table, folder = map(pathlib.Path, sys.argv[1:3])
    folder.mkdir(parents=True, exist_ok=True)
    for number, line in enumerate(table.read_text().splitlines()):
        if line.startswith("#"):
            continue
        name, *rest, raw = line.split("\t")
        if not rest:  # parsers.tsv: the name is that of a property
            (folder / f"{name}-{number}").write_bytes(unescape(raw))
        else:
            for first in (b"\0", b"\1"):  # the fuzzer's usual and narrow limits
                (folder / f"{name}-{first[0]}").write_bytes(first + unescape(raw))


main()
