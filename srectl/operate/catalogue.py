"""The published catalogue, and how it differs from the one in ``runbooks/``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from srectl.errors import CommandFailed
from srectl.operate.refusals import calling
from srectl.runbooks import Runbook, actions_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class Published:
    """One runbook as the state machine finds it."""

    name: str
    definition: dict[str, Any]
    checksum: str
    published_at: str


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
                )
    return found


def compare(local: Sequence[Runbook], there: dict[str, Published]) -> list[Comparison]:
    """Compare the catalogue of a folder with the published one, by name."""
    here = {runbook.name: runbook for runbook in local}
    rows: list[Comparison] = []
    for name in sorted({*here, *there}):
        mine, theirs = here.get(name), there.get(name)
        if theirs is None:
            state = "new"
        elif mine is None:
            state = "only published"
        else:
            state = "same" if mine.definition == theirs.definition else "changed"
        definition = mine.definition if mine else theirs.definition if theirs else {}
        rows.append(
            Comparison(
                name,
                state,
                _actions(definition),
                theirs.published_at if theirs else None,
            )
        )
    return rows


def _actions(definition: dict[str, Any]) -> str:
    try:
        return actions_of(definition)
    except (KeyError, TypeError):  # published by hand
        return "not readable"
