"""An audit as a program that is not hubgate reads it: JSON lines, and the chain by the letter of docs/audit.md."""

import hashlib
import json
import re

NAME = re.compile(r"audit-(\d{6,})-(\d{4}-\d\d-\d\d)\.jsonl")
ACTS = {"intent", "outcome", "unknown"}


class Audit:
    def __init__(self, directory):
        self.directory = directory

    @property
    def files(self):
        if not self.directory.exists():
            return []
        return sorted(path for path in self.directory.iterdir() if NAME.fullmatch(path.name))

    @property
    def lines(self):
        """All whole lines."""
        found = []
        for path in self.files:
            found += [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]
        return found

    def of(self, *kinds, **fields):
        return [
            line for line in self.lines
            if line["kind"] in kinds and all(line.get(name) == value for name, value in fields.items())
        ]  # fmt: skip

    def check_chain(self):
        """Each line names the SHA-256 of the one before, over all files; gives how many there are."""
        previous, number, name = "0" * 64, 0, None
        for path in self.files:
            content = path.read_bytes()
            assert content.endswith(b"\n"), f"{path.name} ends in the middle of a line: {content[-200:]}"
            for index, line in enumerate(content.split(b"\n")[:-1]):
                number += 1
                members = json.loads(line)
                assert members["n"] == number, (path.name, index, members["n"], number)
                assert members["prev"] == previous, (path.name, index)
                if index == 0:
                    assert members["kind"] == "begin" and members["file"] == path.name
                    assert members.get("previous_file") == name
                previous = hashlib.sha256(line).hexdigest()
            name = path.name
        return number

    def check_acts(self):
        """No record stands twice, each intent has at most one end, and no end is without an intent."""
        records = [line["record"] for line in self.lines if "record" in line]
        assert len(records) == len(set(records)), "a record stands there twice"
        intents = [(line["worker"], line["request_id"]) for line in self.of("intent")]
        ends = [(line["worker"], line["request_id"]) for line in self.of("outcome", "unknown")]
        assert len(intents) == len(set(intents)) and len(ends) == len(set(ends)), "an act stands there twice"
        assert set(ends) <= set(intents), "an outcome without an intent"
        return set(intents), set(ends)
