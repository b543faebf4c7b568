"""The catalogue table, to which ``srectl runbooks publish`` writes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from runbook_action.adapters.aws_errors import translated
from runbook_action.errors import StateUnknown

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class CatalogueTable:
    """One item for each name that an alert may select, its definition as JSON.

    A runbook has one under its own name, and a copy under that of each alert that it answers; an
    alert for which none acts has one that only says why (``srectl.runbooks.answers``).

    Parameters
    ----------
    client
        DynamoDB client of the function's own role.
    table
        Name of the catalogue table.
    """

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def definitions(self) -> Sequence[Mapping[str, Any]]:
        """Read every runbook as it was published, each once.

        Raises
        ------
        StateUnknown
            If one of them cannot be read: publish it again.
        """
        with translated(f"reading the catalogue in table {self._table}"):
            pages = self._client.get_paginator("scan").paginate(
                TableName=self._table, FilterExpression="attribute_not_exists(answered_by)"
            )
            items = [item for page in pages for item in page["Items"]]
        found = [self._read(item) for item in items]
        return [each for each in found if "evidence_only" not in each]

    def published(self, name: str) -> Mapping[str, Any] | None:
        """Read what a name selects, consistently; None if there is nothing of that name.

        Raises
        ------
        StateUnknown
            If it cannot be read: publish it again.
        """
        with translated(f"reading runbook {name} in table {self._table}"):
            answer = self._client.get_item(
                TableName=self._table, Key={"name": {"S": name}}, ConsistentRead=True
            )
        item = answer.get("Item")
        return None if item is None else self._read(item)

    def _read(self, item: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            definition = json.loads(item["definition"]["S"])
            if isinstance(definition, dict):
                return definition
            fault: object = type(definition)
        except (KeyError, ValueError) as error:
            fault = error
        raise StateUnknown(
            f"runbook {item.get('name', {}).get('S')} in table {self._table} cannot be read "
            f"({fault!r}). Publish it again with 'srectl runbooks publish'."
        )
