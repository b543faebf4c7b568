"""The runbooks of a folder, read and checked against the schema, and written to the catalogue."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from srectl.runbooks import schema
from srectl.runbooks.answers import (
    EVIDENCE_FILE,
    Entry,
    EvidenceOnly,
    clashes,
    entries,
    evidence_in,
)
from srectl.runbooks.folder import leading_out, misnamed, named, real, runbook_files
from srectl.runbooks.reading import NotReadable, line_of, yaml_of
from srectl.steps import steps_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class CatalogueInvalid(Exception):
    """The catalogue breaks its schema; ``problems`` has one line for each fault."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Runbook:
    """One runbook as the state machine reads it.

    Parameters
    ----------
    name
        What an alert selects it by.
    definition
        The YAML file's content, checked against the schema.
    source
        File that it came from.
    folder
        The catalogue's, from which on the file is named; None where it is of none.
    """

    name: str
    definition: dict[str, Any]
    source: Path
    folder: Path | None = None

    @property
    def file(self) -> str:
        """Its file as people find it in the catalogue."""
        return named(self.source, self.folder) if self.folder else self.source.name

    @property
    def answers(self) -> Sequence[str]:
        """Names of the alerts that select it, besides its own."""
        return tuple(self.definition.get("answers", ()))

    def actions(self) -> str:
        """Its actions in their order, for a table."""
        return actions_of(self.definition)


def actions_of(definition: dict[str, Any]) -> str:
    """Give the actions of a definition in their order, for a table."""
    return " → ".join(step["action"] for step in steps_of(definition))


@dataclass(frozen=True)
class Catalogue:
    """All that a folder says of alerts.

    Attributes
    ----------
    runbooks
        Sorted by name.
    evidence_only
        Alerts for which none of them acts, in the order of their files.
    """

    runbooks: Sequence[Runbook]
    evidence_only: Sequence[EvidenceOnly]

    def selected(self) -> Mapping[str, Mapping[str, Any]]:
        """Give what each name that an alert may have selects, as the published table does."""
        return {each.key: each.definition for each in entries(self.runbooks, self.evidence_only)}


def load(folder: Path) -> list[Runbook]:
    """Read every runbook of a folder and check it against the schema; see ``load_all``."""
    return list(load_all(folder).runbooks)


def load_all(folder: Path) -> Catalogue:
    """Read a folder of runbooks and check each file against its schema.

    Parameters
    ----------
    folder
        Folder with ``*.yaml``, in it or in folders in it (see ``folder.NOT_RUNBOOKS``). A file
        ``evidence-only.yaml`` holds no runbook but the alerts for which there is none.

    Raises
    ------
    CatalogueInvalid
        With every fault of every file: unreadable YAML, a key written twice, a schema error with
        its JSON pointer, a name used twice, an alert with two answers, a file that nothing reads
        because of its name, or no runbook at all.
    """
    problems = [
        f"{named(path, folder)}: call it .yaml, else nothing reads it" for path in misnamed(folder)
    ]
    problems += [
        f"{named(path, folder)}: leads to {real(path)}, out of {folder}: put the folder itself "
        "there"
        for path in leading_out(folder)
    ]
    found: dict[str, Runbook] = {}
    known: list[EvidenceOnly] = []
    for path in runbook_files(folder):
        file = named(path, folder)
        try:
            definition = yaml_of(path, folder)
        except NotReadable as error:
            problems.append(f"{file}: {error}")
            continue
        if path.name == EVIDENCE_FILE:
            alerts, broken = evidence_in(definition, path, folder)
            known += alerts
        else:
            broken = schema.faults(definition)
        for fault in broken:
            line = line_of(path, fault.partition(": ")[0])
            problems.append(f"{file}:{line}: {fault}")
        if broken or path.name == EVIDENCE_FILE:
            continue
        runbook = Runbook(definition["name"], definition, path, folder)
        if runbook.name in found:
            other = found[runbook.name].file
            problems.append(f"{file}: /name: {runbook.name} is also the name in {other}")
        found[runbook.name] = runbook
    if not found and not problems:
        problems.append(f"{folder}: no runbook here (looked for *.yaml)")
    runbooks = [found[name] for name in sorted(found)]
    problems += clashes(runbooks, known)
    if problems:
        raise CatalogueInvalid(problems)
    return Catalogue(runbooks, known)


def publish(
    client: DynamoDBClient,
    table: str,
    runbooks: Iterable[Runbook],
    evidence_only: Iterable[EvidenceOnly] = (),
) -> list[str]:
    """Write a catalogue to its table; what is unchanged is left alone.

    An alert that one of these runbooks has answered, and answers no more, selects it no more.

    Parameters
    ----------
    client
        DynamoDB client.
    table
        Name of the catalogue table.
    runbooks, evidence_only
        What to publish.

    Returns
    -------
    list of str
        Names of the runbooks and alerts whose entries were new or had changed.

    Raises
    ------
    CatalogueInvalid
        A runbook breaks the schema; nothing is written then.
    """
    runbooks = list(runbooks)
    problems = [
        f"{runbook.name}: {fault}"
        for runbook in runbooks
        for fault in schema.faults(runbook.definition)
    ]
    if problems:
        raise CatalogueInvalid(problems)
    wanted = {each.key: each for each in entries(runbooks, evidence_only)}
    changed = [key for key, entry in wanted.items() if _put(client, table, entry)]
    _forget(client, table, {one.name for one in runbooks}, wanted)
    return changed


def _put(client: DynamoDBClient, table: str, entry: Entry) -> bool:
    """Write an entry, unless it is there already."""
    answered_by = {"answered_by": {"S": entry.answered_by}} if entry.answered_by else {}
    try:
        client.put_item(
            TableName=table,
            Item={
                "name": {"S": entry.key},
                "definition": {"S": entry.as_json()},
                "checksum": {"S": entry.checksum},
                "published_at": {"S": datetime.datetime.now(datetime.UTC).isoformat()},
                **answered_by,
            },
            ConditionExpression="attribute_not_exists(checksum) OR checksum <> :checksum",
            ExpressionAttributeValues={":checksum": {"S": entry.checksum}},
        )
    except client.exceptions.ConditionalCheckFailedException:
        return False
    return True


def _forget(
    client: DynamoDBClient, table: str, names: Iterable[str], wanted: Mapping[str, Entry]
) -> None:
    """Take away the alerts that runbooks of these names answered before and answer no more."""
    pages = client.get_paginator("scan").paginate(
        TableName=table,
        ConsistentRead=True,
        FilterExpression="attribute_exists(answered_by)",
        ProjectionExpression="#name, answered_by",
        ExpressionAttributeNames={"#name": "name"},
    )
    before = [item for page in pages for item in page["Items"]]
    for item in before:
        if item["answered_by"]["S"] in names and item["name"]["S"] not in wanted:
            client.delete_item(TableName=table, Key={"name": item["name"]})
