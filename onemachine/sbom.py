"""Writes what the image and both functions are made of, as CycloneDX 1.6 (`make sbom`).

Read from what each is built from: its requirements, which pin every package that it holds, and the
base image or runtime under them. The same sources give the same bytes.
"""

from __future__ import annotations

import json
import sys
import uuid
from pathlib import Path
from typing import Any

from onemachine.artifacts import ARTIFACTS, Artifact, bases, requirements
from onemachine.project import PROJECT_ROOT


def sbom(artifact: Artifact, project: Path = PROJECT_ROOT) -> dict[str, Any]:
    """Give the bill of materials of one artifact.

    Raises
    ------
    ValueError
        A package is not pinned.
    OSError
        A file of the artifact cannot be read.
    """
    folder = project / artifact.folder
    components = [
        {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name}@{version}",
            "name": name,
            "version": version,
            "purl": f"pkg:pypi/{name}@{version}",
        }
        for name, (version, _) in sorted(
            requirements((folder / "requirements.txt").read_text()).items()
        )
    ]
    if artifact.kind == "container":
        components += [_image(each) for each in bases((folder / "Dockerfile").read_text())]
    else:
        components.append(
            {"type": "platform", "bom-ref": "runtime:python3.11", "name": "AWS Lambda python3.11"}
        )
    subject = {"type": artifact.kind, "bom-ref": artifact.name, "name": artifact.name}
    content = {
        "metadata": {"component": subject},
        "components": components,
        "dependencies": [
            {"ref": artifact.name, "dependsOn": [one["bom-ref"] for one in components]}
        ],
    }
    number = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(content, sort_keys=True))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{number}",
        "version": 1,
        **content,
    }


def _image(base: str) -> dict[str, Any]:
    tagged, _, digest = base.partition("@sha256:")
    name, _, tag = tagged.partition(":")
    return {
        "type": "container",
        "bom-ref": f"image:{base}",
        "name": name,
        "version": tag,
        "hashes": [{"alg": "SHA-256", "content": digest}] if digest else [],
    }


def main(folder: Path) -> None:
    """Write one file for each artifact into a folder, and say where."""
    folder.mkdir(parents=True, exist_ok=True)
    for artifact in ARTIFACTS:
        path = folder / f"{artifact.name}.cdx.json"
        path.write_text(json.dumps(sbom(artifact), indent=2) + "\n", encoding="utf-8")
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/sbom"))
