"""Validates bills of materials against CycloneDX's own schema, strictly: config/check_sbom.py FILE..."""

import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

faults = 0
for name in sys.argv[1:]:
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(Path(name).read_text())
    if fault is not None:
        faults += 1
        print(f"{name}: no CycloneDX 1.6: {str(fault)[:2000]}", file=sys.stderr)
sys.exit(1 if faults or len(sys.argv) < 2 else 0)
