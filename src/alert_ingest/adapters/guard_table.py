"""What is remembered in the table of guards.

Of each alert its newest firing (rows ``alert#<key>``), of each API key how many alerts came with it
in an hour (rows ``hour#<key id>#<hour since 1970>``), of an investigator's key how many answers
came in a few seconds (rows ``answers#<key id>#<second since 1970>``). Of each incident
incident-recorder keeps its sort key and its end, and srectl that it was closed or erased (rows
``incident#<id>``), which is only read here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from alert_ingest.adapters.aws import own_errors
from alert_ingest.errors import ChannelUnavailable
from alert_ingest.firings import Firing, milliseconds, moment_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

#: As long as an incident's record.
KEPT_SECONDS = 90 * 86400
#: Of a row that counts: for whoever looks at it the day after.
COUNTED_SECONDS = 2 * 86400
#: Of one BatchGetItem.
MAX_KEYS = 100


class GuardTable:
    """Is a `firings.Memory`, an `allowance.Counter` and `answers.Incidents`.

    Parameters
    ----------
    make_client
        Makes a botocore client for ``dynamodb``, when the first alert is looked up.
    table
        Name of the table.
    """

    def __init__(self, make_client: Callable[[], DynamoDBClient], table: str) -> None:
        self._make_client = make_client
        self._table = table

    @cached_property
    def _client(self) -> DynamoDBClient:
        return self._make_client()

    def read(self, keys: Sequence[str]) -> Mapping[str, Firing]:
        """Read the rows of these alerts; see `alert_ingest.firings.Memory.read`."""
        found: dict[str, Firing] = {}
        for first in range(0, len(keys), MAX_KEYS):
            some = [{"guard_key": {"S": f"alert#{key}"}} for key in keys[first : first + MAX_KEYS]]
            with own_errors("BatchGetItem"):
                answer = self._client.batch_get_item(
                    RequestItems={self._table: {"Keys": some, "ConsistentRead": True}}
                )
            if answer.get("UnprocessedKeys"):
                raise ChannelUnavailable("BatchGetItem left keys out")
            for row in answer["Responses"].get(self._table, []):
                found[row["guard_key"]["S"].removeprefix("alert#")] = _firing_of(row)
        return found

    def over(self, incident_id: str) -> datetime | None:
        """Read when an incident was over; see `alert_ingest.firings.Memory.over`."""
        row = self._of_incident(incident_id, "ended")
        return moment_of(int(row["ended"]["N"])) if "ended" in row else None

    def write(self, key: str, firing: Firing, known: Firing | None) -> bool:
        """Write one row; see `alert_ingest.firings.Memory.write`."""
        values: dict[str, Any] = {}
        condition = "attribute_not_exists(guard_key)"
        if known is not None:
            condition = "incident_id = :incident AND attribute_not_exists(ended)"
            values[":incident"] = {"S": known.incident_id}
            if known.ended is not None:
                condition = "incident_id = :incident AND ended = :ended"
                values[":ended"] = _number(known.ended)
        given: Any = {"ExpressionAttributeValues": values} if values else {}
        with own_errors("PutItem"):
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item={"guard_key": {"S": f"alert#{key}"}, **_row_of(firing)},
                    ConditionExpression=condition,
                    **given,
                )
            except ClientError as error:
                if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                    return False
                raise
        return True

    def count(self, key_id: str, hour: int, critical: int, other: int) -> tuple[int, int]:
        """Add to an hour's row; see `alert_ingest.allowance.Counter.count`."""
        with own_errors("UpdateItem"):
            answer = self._client.update_item(
                TableName=self._table,
                Key={"guard_key": {"S": f"hour#{key_id}#{hour}"}},
                UpdateExpression="SET expires_at = :expires"
                " ADD critical_ones :critical, other_ones :others",
                ExpressionAttributeValues={
                    ":expires": {"N": str(hour * 3600 + COUNTED_SECONDS)},
                    ":critical": {"N": str(critical)},
                    ":others": {"N": str(other)},
                },
                ReturnValues="UPDATED_NEW",
            )
        row = answer["Attributes"]
        return int(row["critical_ones"]["N"]), int(row["other_ones"]["N"])

    def count_answer(self, key_id: str, began: int) -> int:
        """Add to the row of a few seconds; see `alert_ingest.answers.Incidents.count_answer`."""
        with own_errors("UpdateItem"):
            answer = self._client.update_item(
                TableName=self._table,
                Key={"guard_key": {"S": f"answers#{key_id}#{began}"}},
                UpdateExpression="SET expires_at = :expires ADD answers :one",
                ExpressionAttributeValues={
                    ":expires": {"N": str(began + COUNTED_SECONDS)},
                    ":one": {"N": "1"},
                },
                ReturnValues="UPDATED_NEW",
            )
        return int(answer["Attributes"]["answers"]["N"])

    def incident(self, incident_id: str) -> tuple[str, bool] | None:
        """Read what is kept of an incident; see `alert_ingest.answers.Incidents.incident`."""
        row = self._of_incident(incident_id, "incident_timestamp, erased_at")
        if "incident_timestamp" not in row:
            return None
        return row["incident_timestamp"]["S"], "erased_at" in row

    def _of_incident(self, incident_id: str, fields: str) -> Mapping[str, Any]:
        with own_errors("GetItem"):
            answer = self._client.get_item(
                TableName=self._table,
                Key={"guard_key": {"S": f"incident#{incident_id}"}},
                ProjectionExpression=fields,
                ConsistentRead=True,
            )
        return answer.get("Item", {})


def _row_of(firing: Firing) -> dict[str, Any]:
    expires = milliseconds(firing.heard) // 1000 + KEPT_SECONDS
    row: dict[str, Any] = {
        "incident_id": {"S": firing.incident_id},
        "since": _number(firing.since),
        "heard": _number(firing.heard),
        "expires_at": {"N": str(expires)},
    }
    for name in ("start", "ended", "previous_start"):
        moment = getattr(firing, name)
        if moment is not None:
            row[name] = _number(moment)
    for name in ("forerunner", "previous"):
        text = getattr(firing, name)
        if text is not None:
            row[name] = {"S": text}
    return row


def _firing_of(row: Mapping[str, Any]) -> Firing:
    texts: Any = {name: row[name]["S"] for name in ("forerunner", "previous") if name in row}
    moments: Any = {
        name: moment_of(int(row[name]["N"])) if name in row else None
        for name in ("start", "ended", "previous_start")
    }
    return Firing(
        incident_id=row["incident_id"]["S"],
        since=moment_of(int(row["since"]["N"])),
        heard=moment_of(int(row["heard"]["N"])),
        **moments,
        **texts,
    )


def _number(moment: Any) -> dict[str, str]:
    return {"N": str(milliseconds(moment))}
