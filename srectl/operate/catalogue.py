"""The published catalogue, and how it differs from the one in ``runbooks/``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from srectl.errors import CommandFailed
from srectl.operate.refusals import calling
from srectl.runbooks import Entry, EvidenceOnly, Runbook, actions_of, entries

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class Published:
    """One entry as the state machine finds it.

    Attributes
    ----------
    answered_by
        Name of the runbook that answers an alert of this name; empty for all else.
    """

    name: str
    definition: dict[str, Any]
    checksum: str
    published_at: str
    answered_by: str = ""


@dataclass(frozen=True)
class Comparison:
    """One runbook here and there.

    Attributes
    ----------
    state
        "same", "changed", "new" (not published) or "only published".
    """

    name: str
    state: str
    action: str
    published_at: str | None


def published(client: DynamoDBClient, table: str) -> dict[str, Published]:
    """Read the whole published catalogue.

    Raises
    ------
    CommandFailed
        The table cannot be read, or holds something that is no runbook.
    """
    found: dict[str, Published] = {}
    with calling(f"the catalogue could not be read from table {table}"):
        for page in client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
            for item in page["Items"]:
                name = item["name"]["S"]
                try:
                    definition = json.loads(item["definition"]["S"])
                except (KeyError, ValueError) as error:
                    raise CommandFailed(
                        f"runbook {name} in table {table} has no readable definition",
                        "'srectl runbooks publish' writes it anew",
                    ) from error
                found[name] = Published(
                    name,
                    definition,
                    item.get("checksum", {}).get("S", ""),
                    item.get("published_at", {}).get("S", ""),
                    item.get("answered_by", {}).get("S", ""),
                )
    return found


def selected(client: DynamoDBClient, table: str, name: str) -> dict[str, Any] | None:
    """Read what an alert that wants a name finds in the published catalogue; None for nothing.

    Raises
    ------
    CommandFailed
        The table cannot be read.
    """
    with calling(f"the catalogue could not be read from table {table}"):
        item = client.get_item(TableName=table, Key={"name": {"S": name}}).get("Item", {})
    try:
        found = json.loads(item["definition"]["S"])
    except (KeyError, ValueError):
        return {} if item else None
    return found if isinstance(found, dict) else {}


def compare(
    local: Sequence[Runbook],
    there: Mapping[str, Published],
    evidence_only: Iterable[EvidenceOnly] = (),
) -> list[Comparison]:
    """Compare the catalogue of a folder with the published one, by name.

    A runbook is the same only if the alerts that it answers find the same.
    """
    here: dict[str, list[Entry]] = {}
    for entry in entries(local, evidence_only):
        here.setdefault(entry.answered_by or entry.key, []).append(entry)
    found: dict[str, list[Published]] = {}
    for one in there.values():
        found.setdefault(one.answered_by or one.name, []).append(one)
    return [
        _compared(name, here.get(name, []), found.get(name, [])) for name in sorted({*here, *found})
    ]


def _compared(name: str, here: Sequence[Entry], there: Sequence[Published]) -> Comparison:
    theirs = next((one for one in there if one.name == name), None)
    if not here:
        state = "only published"
    elif theirs is None:
        state = "new"
    else:
        wanted = {each.key: dict(each.definition) for each in here}
        found = {each.name: each.definition for each in there}
        state = "same" if wanted == found else "changed"
    definition = dict(here[0].definition) if here else theirs.definition if theirs else {}
    return Comparison(
        name, state, actions_told(definition), theirs.published_at if theirs else None
    )


def actions_told(definition: dict[str, Any]) -> str:
    """Give the actions of a published definition, also where it was not published by srectl."""
    if "evidence_only" in definition:
        return "evidence only"
    try:
        return actions_of(definition)
    except (KeyError, TypeError):  # published by hand
        return "not readable"
