"""Which alert has which answer: a runbook by its name, or evidence only and why.

What an alert selects is one key of the catalogue table. A runbook stands there under its own name
and, once more, under that of each alert that it ``answers``; so the machine looks up one name, and
an alert can reach nothing that nobody has published for it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from srectl.runbooks.folder import named
from srectl.runbooks.schema import faults_of

if TYPE_CHECKING:
    from srectl.runbooks.catalogue import Runbook

__all__ = ["EVIDENCE_FILE", "Entry", "EvidenceOnly", "clashes", "entries", "evidence_in"]

#: The file of a folder of runbooks that says for which alerts none of them acts.
EVIDENCE_FILE = "evidence-only.yaml"
_SCHEMA = Path(__file__).parents[1] / "evidence-only.schema.json"


@dataclass(frozen=True)
class EvidenceOnly:
    """An alert that is known, and for which no runbook acts.

    Attributes
    ----------
    alert
        Its name.
    why
        The reason, for the human who is called.
    source
        File that it came from.
    folder
        The catalogue's, from which on the file is named; None where it is of none.
    """

    alert: str
    why: str
    source: Path
    folder: Path | None = None

    @property
    def file(self) -> str:
        """Its file as people find it in the catalogue."""
        return named(self.source, self.folder) if self.folder else self.source.name


@dataclass(frozen=True)
class Entry:
    """One item of the catalogue table.

    Attributes
    ----------
    key
        What an alert selects it by.
    definition
        A runbook's, or ``{"evidence_only": why}``.
    answered_by
        Name of the runbook that answers an alert of this name; empty for all else.
    """

    key: str
    definition: Mapping[str, Any]
    answered_by: str = ""

    @property
    def checksum(self) -> str:
        """SHA-256 of the definition in its canonical form (hex)."""
        return hashlib.sha256(self.as_json().encode()).hexdigest()

    def as_json(self) -> str:
        """The definition as canonical JSON."""
        return json.dumps(self.definition, sort_keys=True, separators=(",", ":"))


def evidence_in(
    document: object, source: Path, folder: Path
) -> tuple[list[EvidenceOnly], list[str]]:
    """Take the alerts of a file that says which are evidence only.

    Returns
    -------
    tuple
        The alerts, and what the file breaks of its schema; one of the two is empty.
    """
    broken = faults_of(document, _SCHEMA)
    if broken or not isinstance(document, Mapping):
        return [], broken
    found = [
        EvidenceOnly(alert, " ".join(str(each["why"]).split()), source, folder)
        for each in document["evidence_only"]
        for alert in each["alerts"]
    ]
    return found, []


def entries(
    runbooks: Iterable[Runbook], evidence_only: Iterable[EvidenceOnly] = ()
) -> Iterator[Entry]:
    """Give what the catalogue table holds, each runbook before the alerts that it answers."""
    for runbook in runbooks:
        yield Entry(runbook.name, runbook.definition)
        for alert in runbook.answers:
            yield Entry(alert, runbook.definition, runbook.name)
    for known in evidence_only:
        yield Entry(known.alert, {"evidence_only": known.why})


def clashes(runbooks: Iterable[Runbook], evidence_only: Iterable[EvidenceOnly]) -> Iterator[str]:
    """Say which names would lead to two answers, as ``file: what``."""
    first: dict[str, str] = {}
    claims = [(one.name, one.file, f"is the name of {one.name}") for one in runbooks]
    claims += [
        (alert, one.file, f"is answered by {one.name}") for one in runbooks for alert in one.answers
    ]
    claims += [(one.alert, one.file, "is evidence only") for one in evidence_only]
    for key, file, what in claims:
        if key in first:
            yield f"{file}: {key} {what}, and {first[key]}: an alert has one answer"
        first.setdefault(key, f"{what} in {file}")
