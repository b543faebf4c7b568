"""What the function keeps of a step besides leases: short texts, in the guard table."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from runbook_action.adapters.aws_errors import translated
from runbook_action.leases import HOLD_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

#: What the keys begin with: approvals that were found good, and runs that were started.
APPROVALS, RUNS = "approval#", "run#"


class NoteTable:
    """One item for each text.

    Parameters
    ----------
    client
        DynamoDB client of the function's own role.
    table
        Name of the guard table.
    prefix
        What its keys begin with.
    """

    def __init__(self, client: DynamoDBClient, table: str, prefix: str) -> None:
        self._client = client
        self._table = table
        self._prefix = prefix

    def read(self, key: str) -> str:
        """Give what was kept, consistently; empty if nothing was."""
        with translated(f"reading {self._prefix}{key} in table {self._table}"):
            answer = self._client.get_item(
                TableName=self._table, Key=self._key(key), ConsistentRead=True
            )
        return answer.get("Item", {}).get("note", {}).get("S", "")

    def keep(self, key: str, text: str) -> None:
        """Keep it, for as long as anything may run for its step."""
        with translated(f"keeping {self._prefix}{key} in table {self._table}"):
            self._client.put_item(
                TableName=self._table,
                Item={
                    **self._key(key),
                    "note": {"S": text},
                    "expires_at": {"N": str(int(time.time()) + HOLD_SECONDS)},
                },
            )

    def _key(self, key: str) -> dict[str, Any]:
        return {"guard_key": {"S": f"{self._prefix}{key}"}}
