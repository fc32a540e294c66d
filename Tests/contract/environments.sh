#!/usr/bin/env bash
# Makes the Python environments of the contract tests from PyPI, all at the same time: .venv with pytest and the newest huggingface_hub 2.x,
# one for each other client of clients.py, one for the bill of materials. What is there already stays. `make test` runs it beside the build.
set -euo pipefail
cd "$(dirname "$0")/../.."
requirements=Tests/contract/requirements

makers=()
environment() {
    config/python-env.sh "$1" "$2" &
    makers+=($!)
}
environment .venv "$requirements/tests.txt"
environment .venv-1 "$requirements/client-1.txt"
environment .venv-0.36 "$requirements/client-0.36.txt"
environment .venv-libraries "$requirements/libraries.txt"
environment .venv-openai "$requirements/openai.txt"
environment .venv-console "$requirements/console.txt"
environment .venv-sbom config/requirements/sbom.txt
for maker in "${makers[@]}"; do
    wait "$maker"
done
