"""The locks of the state machines in the guard table: this function only reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runbook_action.adapters.aws_errors import translated
from runbook_action.errors import StateUnknown
from runbook_action.ports import Lock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

#: What the attribute of a runbook begins with that has the incidents it did not help in.
UNHELPED = "unhelped#"


class LockTable:
    """One item for each target.

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

    def read(self, key: str) -> Lock | None:
        """Read a lock, consistently; None if it was never taken.

        Raises
        ------
        StateUnknown
            If what is there is no lock.
        """
        with translated(f"reading the lock {key} in table {self._table}"):
            answer = self._client.get_item(
                TableName=self._table, Key={"guard_key": {"S": key}}, ConsistentRead=True
            )
        item = answer.get("Item")
        if item is None:
            return None
        unhelped = _unhelped(item)
        if "holder" not in item:
            return Lock("", 0, unhelped)
        try:
            return Lock(item["holder"]["S"], float(item["lease_expires_at"]["N"]), unhelped)
        except (KeyError, ValueError) as error:
            raise StateUnknown(
                f"the lock {key} in table {self._table} cannot be read ({error!r}), so who holds "
                f"it is unknown. It runs out by itself, or delete the item."
            ) from error


def _unhelped(item: Mapping[str, Any]) -> dict[str, frozenset[str] | None]:
    """Read what runbooks tried here since they last helped; None for what is no set of texts."""
    return {
        name.removeprefix(UNHELPED): frozenset(value["SS"]) if "SS" in value else None
        for name, value in item.items()
        if name.startswith(UNHELPED)
    }
