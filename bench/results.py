"""The latest figures of every case, raw: bench/results/latest.json."""

import json
import pathlib

from figures import Rounds

PATH = pathlib.Path(__file__).resolve().parent / "results/latest.json"


def load():
    return json.loads(PATH.read_text()) if PATH.exists() else {"cases": {}}


def save(results):
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")


def entry(rounds, date, commit):
    """A case's part; figures keep five digits that count."""
    servers = {
        name: [{figure: _rounded(value) for figure, value in one.items()} for one in figures]
        for name, figures in rounds.servers.items()
    }
    return {
        "date": date, "commit": commit, "subject": rounds.subject, "reference": rounds.reference, "servers": servers,
        "noise": {kind: [round(value, 2) for value in values] for kind, values in (rounds.noise or {}).items()},
    }


def rounds_of(entry):
    return Rounds(entry["subject"], entry["reference"], entry["servers"], entry.get("noise"))


def _rounded(value):
    return value if value is None or isinstance(value, int) else float(f"{value:.5g}")
