"""Approvals that were found good, in the guard table."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from runbook_action.adapters.aws_errors import translated
from runbook_action.leases import HOLD_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PREFIX = "approval#"


class ApprovalTable:
    """One item for each approved step.

    Parameters
    ----------
    client
        DynamoDB client of the function's own role.
    table
        Name of the guard table.
    """

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def read(self, token: str) -> str:
        """Give who approved a step; empty if nobody has."""
        with translated(f"reading the approval of {token}"):
            answer = self._client.get_item(
                TableName=self._table, Key=_key(token), ConsistentRead=True
            )
        return answer.get("Item", {}).get("approved_by", {}).get("S", "")

    def keep(self, token: str, who: str) -> None:
        """Keep who approved a step, for as long as anything may run for it."""
        with translated(f"keeping the approval of {token}"):
            self._client.put_item(
                TableName=self._table,
                Item={
                    **_key(token),
                    "approved_by": {"S": who},
                    "expires_at": {"N": str(int(time.time()) + HOLD_SECONDS)},
                },
            )


def _key(token: str) -> dict[str, Any]:
    return {"guard_key": {"S": f"{PREFIX}{token}"}}
