"""`make cache-tests CHECKOUT=DIRECTORY`: runs http-tests/cache-tests, the field's suite for HTTP caches, against a gateway.

DIRECTORY is a clone of https://github.com/http-tests/cache-tests; node is needed, and for its three tests of interim responses
`npm install undici` in it. What is known to fail, and why it does, is in known.json; the run fails where something else does, and
where something known passes.
"""

import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "support"))

from gate import Gate, make_certificates, make_workspace  # noqa: E402

SECONDS = 600
# Clients without a credential: what they may have is for all, as in the shared cache that the suite means. Nothing is given out stale but in
# an outage, and what says nothing of its freshness is fresh for long.
FLAGS = ("--access", "passthrough", "--metadata-ttl", "24h", "--metadata-stale", "0", "--coalesce=off")


def run(checkout, directory):
    certificates = make_certificates(directory / "certs")
    suite = subprocess.Popen(
        ["node", "--no-warnings", HERE / "suite.mjs", checkout], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "NODE_EXTRA_CA_CERTS": str(certificates.authority)},
    )  # fmt: skip
    gate = None
    try:
        port = suite.stdout.readline().strip()
        upstream = f"http://127.0.0.1:{port}"
        gate = Gate(make_workspace(directory / "gate"), certificates, "--upstream", upstream, *FLAGS, HUBGATE_CACHE_MEMORY="64MiB")
        output, _ = suite.communicate(gate.origin + "\n", timeout=SECONDS)
        gate.stop()
        return json.loads(output.splitlines()[-1])
    finally:
        suite.kill()
        if gate:
            gate.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=pathlib.Path)
    options = parser.parse_args()
    if not (options.checkout / "tests/index.mjs").exists():
        parser.error(f"{options.checkout} is no clone of http-tests/cache-tests")
    with tempfile.TemporaryDirectory() as directory:
        found = run(options.checkout, pathlib.Path(directory))
    known = json.loads((HERE / "known.json").read_text())
    counts = collections.Counter((test["kind"], test["result"]) for test in found.values())
    for kind in ("required", "optimal", "check"):
        results = {result: count for (of, result), count in sorted(counts.items()) if of == kind}
        print(f"{kind}: {sum(results.values())}, of which " + ", ".join(f"{result} {count}" for result, count in results.items()))
    # Of node's packages the suite takes one.
    unable = [name for name, test in found.items() if "Cannot find package" in test["why"]]
    if unable:
        print(f"Not run, for want of a package in {options.checkout} (npm install undici): {', '.join(unable)}")
    required = {name: test for name, test in found.items() if test["kind"] == "required"}
    new = {name: test for name, test in required.items() if test["result"] != "pass" and name not in (*known, *unable)}
    mended = [name for name in known if found.get(name, {}).get("result") == "pass"]
    for name, test in new.items():
        print(f"FAILS {name} ({test['result']}): {test['name']}\n      {test['why']}")
    for name in mended:
        print(f"PASSES, and is in known.json: {name}")
    sys.exit(1 if new or mended else 0)


if __name__ == "__main__":
    main()
