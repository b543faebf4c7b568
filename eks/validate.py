"""Checks the eksctl configurations, offline: ``python eks/validate.py [FILE...]``.

Each file is held against the schema that eksctl publishes, kept in ``eks/schemas``, and against
``eks/schemas/cluster-config.json``: only the fields used here, and the values that security
depends on. Where ``eksctl`` is installed, the schema that it carries is asked as well, so that a
field which a newer version renamed is found before a cluster is half created.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import yaml

_HERE = Path(__file__).parent
_FILES = (_HERE / "cluster.yaml", _HERE / "access.yaml")
_SCHEMA = _HERE / "schemas" / "cluster-config.json"
_EKSCTL_VERSION = "0.230.0"
_PUBLISHED = _HERE / "schemas" / f"eksctl-{_EKSCTL_VERSION}" / "schema.json"
_EKSCTL_SECONDS = 30


def findings(document: Any, schema: dict[str, Any]) -> list[str]:
    """What a schema has against a document.

    Parameters
    ----------
    document
        The parsed configuration.
    schema
        A JSON Schema; its ``$schema`` says which draft.

    Returns
    -------
    list of str
        ``path: message``, in the order of the paths; empty if there is nothing.
    """
    validator = jsonschema.validators.validator_for(schema)(schema)
    errors = sorted(validator.iter_errors(document), key=lambda error: error.json_path)
    return [f"{error.json_path}: {error.message}" for error in errors]


def schemas() -> dict[str, dict[str, Any]]:
    """The schemas to ask, by the name a finding is reported under."""
    found = {
        "rules of this project": json.loads(_SCHEMA.read_text("utf-8")),
        f"eksctl {_EKSCTL_VERSION}": json.loads(_PUBLISHED.read_text("utf-8")),
    }
    eksctl = shutil.which("eksctl")
    if eksctl is not None:
        printed = subprocess.run(
            [eksctl, "utils", "schema"],
            capture_output=True,
            check=True,
            text=True,
            timeout=_EKSCTL_SECONDS,
        ).stdout
        found["the installed eksctl"] = json.loads(printed)
    return found


def main(arguments: list[str]) -> int:
    """Check the named files, or the project's own; the exit code is 1 if there are findings."""
    files = [Path(argument) for argument in arguments] or list(_FILES)
    asked = schemas()
    reported = [
        f"{path}: {finding} ({name})"
        for path in files
        for name, schema in asked.items()
        for finding in findings(yaml.safe_load(path.read_text("utf-8")), schema)
    ]
    for line in reported:
        print(line)
    if not reported:
        print(f"{len(files)} cluster configurations fit: {', '.join(asked)}.")
    return 1 if reported else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
