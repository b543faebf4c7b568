"""The runbook catalogue: read ``runbooks/*.yaml``, check it, publish it to ``sre-runbooks``."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import yaml

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# A link to the one beside the catalogue, so that an installed srectl has it: what fits it is what
# the deployed machine can read, whatever folder a runbook lies in.
SCHEMA_FILE = Path(__file__).with_name("runbook.schema.json")


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


def load(folder: Path) -> list[Runbook]:
    """Read and check every runbook of a folder.

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
        With every fault of every file: unreadable YAML, a schema error with its JSON pointer,
        a name used twice, or no runbook at all.
    """
    problems: list[str] = []
    found: dict[str, Runbook] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            definition = yaml.safe_load(path.read_text("utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            problems.append(f"{path.name}: not readable as YAML: {error}")
            continue
        broken = faults(definition)
        problems += [f"{path.name}: {fault}" for fault in broken]
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


def faults(definition: object) -> list[str]:
    """Give what a definition breaks of the schema, a JSON pointer and a message for each fault."""
    errors = sorted(_validator().iter_errors(definition), key=lambda error: error.json_path)
    return [f"{_pointer(error)}: {error.message}" for error in errors]


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
        f"{runbook.name}: {fault}" for runbook in runbooks for fault in faults(runbook.definition)
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


@cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text("utf-8")))


def _pointer(error: jsonschema.ValidationError) -> str:
    return "/" + "/".join(str(part) for part in error.absolute_path)
