"""Writes the corpus's requests as files for a fuzzer: seeds.py FOLDER. Tests/corpus/README.md has the format."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import corpus  # noqa: E402


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for line in corpus.lines():
        for first in (b"\0", b"\1"):  # the fuzzer's usual and narrow limits
            (folder / f"{line.id}-{first[0]}").write_bytes(first + line.raw)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
