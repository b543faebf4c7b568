"""Leases in the guard table, beside the locks of the state machines."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from runbook_action.adapters.aws_errors import translated
from runbook_action.errors import ClusterConflict, StateUnknown
from runbook_action.leases import HOLD_SECONDS, Holder, Lease, Value

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

#: What the keys of leases begin with; the function may touch no others.
PREFIX = "lease#"
_KEPT_SECONDS = HOLD_SECONDS + 24 * 3600


class LeaseTable:
    """One item for each thing, every write bound to the version that was read.

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

    def read(self, thing: str) -> Lease | None:
        """Read a lease, consistently; None if nobody holds the thing.

        Raises
        ------
        StateUnknown
            If what is there is no lease: then nobody knows the value to bring back.
        """
        with translated(f"reading the lease of {thing}"):
            answer = self._client.get_item(
                TableName=self._table, Key=_key(thing), ConsistentRead=True
            )
        item = answer.get("Item")
        if item is None:
            return None
        try:
            kept = json.loads(item["lease"]["S"])
            version = int(item["version"]["N"])
            holders = {name: _holder(each, kept["set"]) for name, each in kept["holders"].items()}
            uid = kept.get("uid", "")
            return Lease(kept["before"], kept["set"], kept["was"], holders, version, uid)
        except (AttributeError, KeyError, ValueError, TypeError) as error:
            raise StateUnknown(
                f"the lease of {thing} in table {self._table} cannot be read ({error!r}), so its "
                f"value from before is unknown. Look at the item '{PREFIX}{thing}', set the value "
                f"by hand and delete the item."
            ) from error

    def write(self, thing: str, lease: Lease) -> None:
        """Write over the version before; ClusterConflict if that is not there any more."""
        kept = {
            "before": lease.before,
            "set": lease.set,
            "was": lease.was,
            "holders": {name: asdict(each) for name, each in lease.holders.items()},
            "uid": lease.uid,
        }
        arguments: dict[str, Any] = {
            "TableName": self._table,
            "Item": {
                **_key(thing),
                "lease": {"S": json.dumps(kept, sort_keys=True, separators=(",", ":"))},
                "version": {"N": str(lease.version)},
                "expires_at": {"N": str(int(time.time()) + _KEPT_SECONDS)},
            },
            "ConditionExpression": "attribute_not_exists(guard_key)",
        }
        if lease.version > 1:
            arguments["ConditionExpression"] = "version = :before"
            arguments["ExpressionAttributeValues"] = {":before": {"N": str(lease.version - 1)}}
        with translated(f"writing the lease of {thing}"), _conditional(thing):
            self._client.put_item(**arguments)

    def delete(self, thing: str, version: int) -> None:
        """Remove exactly this version; one that is gone already is no fault."""
        with translated(f"ending the lease of {thing}"), _conditional(thing):
            self._client.delete_item(
                TableName=self._table,
                Key=_key(thing),
                ConditionExpression="attribute_not_exists(guard_key) OR version = :version",
                ExpressionAttributeValues={":version": {"N": str(version)}},
            )


def _holder(kept: Any, wants: Value) -> Holder:
    """Read a holder; versions before wishes kept no more of it than its end."""
    return Holder(kept, wants) if isinstance(kept, int) else Holder(**kept)


def _key(thing: str) -> dict[str, Any]:
    return {"guard_key": {"S": f"{PREFIX}{thing}"}}


@contextmanager
def _conditional(thing: str) -> Iterator[None]:
    """Turn a refused condition into the conflict that it is."""
    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ConditionalCheckFailedException":
            raise
        raise ClusterConflict(
            f"the lease of {thing} was written by another incident at the same moment"
        ) from error
