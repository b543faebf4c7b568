"""The catalogue table, to which ``srectl runbooks publish`` writes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from runbook_action.adapters.aws_errors import translated
from runbook_action.errors import ActionRefused

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class CatalogueTable:
    """One item for each runbook, its definition as JSON.

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
        """Read every runbook as it was published.

        Raises
        ------
        ActionRefused
            If one of them cannot be read: publish it again.
        """
        found: list[Mapping[str, Any]] = []
        with translated(f"reading the catalogue in table {self._table}"):
            pages = self._client.get_paginator("scan").paginate(TableName=self._table)
            items = [item for page in pages for item in page["Items"]]
        for item in items:
            try:
                found.append(json.loads(item["definition"]["S"]))
            except (KeyError, ValueError) as error:
                raise ActionRefused(
                    f"runbook {item.get('name', {}).get('S')} in table {self._table} cannot be "
                    f"read ({error!r}). Publish it again with 'srectl runbooks publish'."
                ) from error
        return found
