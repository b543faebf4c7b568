"""What is deployed, and what each of it is built from.

``requirements.in`` says what an artifact carries, and ``requirements.txt`` beside it the same with
the hashes of every package, written by ``make lock``; that is what is installed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PINNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([A-Za-z0-9.+!_-]+)")
_BASE = re.compile(r"^FROM\s+(?:--\S+\s+)?(\S+)(?:\s+AS\s+(\S+))?", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class Artifact:
    """One thing that is deployed.

    Attributes
    ----------
    name
        Of the function or image.
    kind
        CycloneDX's type of component, ``application`` or ``container``.
    folder
        Where its ``requirements.in`` and ``requirements.txt`` stand, inside the project; a
        ``Dockerfile`` beside them names
        the base image.
    """

    name: str
    kind: str
    folder: str


ARTIFACTS = (
    Artifact("alert-ingest", "application", "src/alert_ingest"),
    Artifact("runbook-action", "application", "src/runbook_action"),
    Artifact("chat-actions", "application", "src/chat_actions"),
    Artifact("checkout", "container", "checkout_app"),
)


def requirements(text: str) -> dict[str, tuple[str, list[str]]]:
    """Read a requirements file, name → version and hashes.

    Raises
    ------
    ValueError
        A line pins no exact version.
    """
    found = {}
    for line in text.replace("\\\n", " ").splitlines():
        said = line.partition("#")[0].strip()
        if not said:
            continue
        pinned = _PINNED.match(said)
        if pinned is None:
            raise ValueError(f"{said!r} names no exact version: write NAME==VERSION")
        hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})(?![0-9a-f])", said)
        found[re.sub(r"[-_.]+", "-", pinned[1]).lower()] = (pinned[2], hashes)
    return found


def bases(dockerfile: str) -> list[str]:
    """Give the images that a Dockerfile takes from elsewhere, in its order."""
    found: list[str] = []
    stages: set[str] = {"scratch"}
    for image, stage in _BASE.findall(dockerfile):
        if image.lower() not in stages:
            found.append(image)
        stages.add(stage.lower())
    return found
