"""Writes a table of the corpus as files for a fuzzer: seeds.py requests|responses|proxy_headers|parsers FOLDER. Tests/corpus/README.md has the format."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import corpus  # noqa: E402


def main(table, folder):
    folder.mkdir(parents=True, exist_ok=True)
    if table == "parsers":
        for number, (name, raw) in enumerate(corpus.parser_inputs()):
            (folder / f"{name}-{number}").write_bytes(raw)
        return
    tables = {"requests": corpus.lines, "responses": corpus.responses, "proxy_headers": corpus.proxy_headers}
    for line in tables[table]():
        for first in (b"\0", b"\1"):  # the fuzzer's usual and narrow limits
            (folder / f"{line.id}-{first[0]}").write_bytes(first + line.raw)


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]))
