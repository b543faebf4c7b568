"""The runbooks of a folder, read and checked against the schema, and written to the catalogue."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from srectl.runbooks import schema
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
    """

    name: str
    definition: dict[str, Any]
    source: Path

    @property
    def checksum(self) -> str:
        """SHA-256 of the definition in its canonical form (hex)."""
        return hashlib.sha256(self.as_json().encode()).hexdigest()

    def as_json(self) -> str:
        """The definition as canonical JSON."""
        return json.dumps(self.definition, sort_keys=True, separators=(",", ":"))

    def actions(self) -> str:
        """Its actions in their order, for a table."""
        return actions_of(self.definition)


def actions_of(definition: dict[str, Any]) -> str:
    """Give the actions of a definition in their order, for a table."""
    return " → ".join(step["action"] for step in steps_of(definition))


def load(folder: Path) -> list[Runbook]:
    """Read every runbook of a folder and check it against the schema.

    Parameters
    ----------
    folder
        Folder with ``*.yaml``.

    Returns
    -------
    list of Runbook
        Sorted by name.

    Raises
    ------
    CatalogueInvalid
        With every fault of every file: unreadable YAML, a key written twice, a schema error with
        its JSON pointer, a name used twice, or no runbook at all.
    """
    problems: list[str] = []
    found: dict[str, Runbook] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            definition = yaml_of(path)
        except NotReadable as error:
            problems.append(f"{path.name}: {error}")
            continue
        broken = schema.faults(definition)
        for fault in broken:
            line = line_of(path, fault.partition(": ")[0])
            problems.append(f"{path.name}:{line}: {fault}")
        if broken:
            continue
        runbook = Runbook(definition["name"], definition, path)
        if runbook.name in found:
            other = found[runbook.name].source.name
            problems.append(f"{path.name}: /name: {runbook.name} is also the name in {other}")
        found[runbook.name] = runbook
    if not found and not problems:
        problems.append(f"{folder}: no runbook here (looked for *.yaml)")
    if problems:
        raise CatalogueInvalid(problems)
    return [found[name] for name in sorted(found)]


def publish(client: DynamoDBClient, table: str, runbooks: Iterable[Runbook]) -> list[str]:
    """Write runbooks to the catalogue table; unchanged ones are left alone.

    Parameters
    ----------
    client
        DynamoDB client.
    table
        Name of the catalogue table.
    runbooks
        What to publish.

    Returns
    -------
    list of str
        Names of those that were new or had changed.

    Raises
    ------
    CatalogueInvalid
        One of them breaks the schema; none is written then.
    """
    runbooks = list(runbooks)
    problems = [
        f"{runbook.name}: {fault}"
        for runbook in runbooks
        for fault in schema.faults(runbook.definition)
    ]
    if problems:
        raise CatalogueInvalid(problems)
    changed: list[str] = []
    for runbook in runbooks:
        try:
            client.put_item(
                TableName=table,
                Item={
                    "name": {"S": runbook.name},
                    "definition": {"S": runbook.as_json()},
                    "checksum": {"S": runbook.checksum},
                    "published_at": {"S": datetime.datetime.now(datetime.UTC).isoformat()},
                },
                ConditionExpression="attribute_not_exists(checksum) OR checksum <> :checksum",
                ExpressionAttributeValues={":checksum": {"S": runbook.checksum}},
            )
        except client.exceptions.ConditionalCheckFailedException:
            continue
        changed.append(runbook.name)
    return changed
