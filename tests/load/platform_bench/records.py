"""Looking for incident records as an operator would, cheaply enough not to be what is measured."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from tests.load.platform_bench.stack import Stack

_KEYS_AT_ONCE = 100
# Only incident-recorder writes it; a record that somebody else has begun is none yet.
_WRITTEN_BY_RECORDER = "alert_name"
_OVER = frozenset({"resolved", "escalated"})


class Records:
    """The table of incidents of a stack."""

    def __init__(self, stack: Stack) -> None:
        self._table = stack.outputs["IncidentTableName"]
        self._guard = stack.outputs["GuardTableName"]
        self._runbook = stack.outputs["RunbookArn"]
        self._dynamodb = stack.client("dynamodb")
        self._states = stack.client("stepfunctions")

    def seen(self, timestamps: Mapping[str, str]) -> set[str]:
        """Give those incidents (id → start) that have their record."""
        found = set()
        wanted = list(timestamps.items())
        for first in range(0, len(wanted), _KEYS_AT_ONCE):
            keys = [
                {"incident_id": {"S": incident_id}, "timestamp": {"S": timestamp}}
                for incident_id, timestamp in wanted[first : first + _KEYS_AT_ONCE]
            ]
            names = f"incident_id, {_WRITTEN_BY_RECORDER}"
            request = {self._table: {"Keys": keys, "ProjectionExpression": names}}
            answer = self._dynamodb.batch_get_item(RequestItems=request)
            for item in answer["Responses"][self._table]:
                if _WRITTEN_BY_RECORDER in item:
                    found.add(item["incident_id"]["S"])
        return found

    def wait(
        self, timestamps: Mapping[str, str], *, until: float, interval: float
    ) -> dict[str, float]:
        """Wait for records; returns when each was first seen (``time.monotonic``)."""
        seen: dict[str, float] = {}
        missing = dict(timestamps)
        while missing:
            for incident_id in self.seen(missing):
                seen[incident_id] = time.monotonic()
                del missing[incident_id]
            if time.monotonic() > until:
                break
            if missing:
                time.sleep(interval)
        return seen

    def all_of(self, prefix: str) -> Iterator[Mapping[str, Any]]:
        """Give every record of alerts whose name begins so."""
        names = "incident_id, fingerprint, alert_name, #status"
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table,
            ConsistentRead=True,
            ProjectionExpression=names,
            FilterExpression="begins_with(alert_name, :prefix)",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":prefix": {"S": prefix}},
        )
        for page in pages:
            yield from page["Items"]

    def forget_floods(self) -> None:
        """Let a measurement begin as after a quiet time: nothing counted towards a flood."""
        scan: Any = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._guard,
            ProjectionExpression="guard_key",
            FilterExpression="begins_with(guard_key, :flood)",
            ExpressionAttributeValues={":flood": {"S": "flood#"}},
        )
        for page in scan:
            for item in page["Items"]:
                self._dynamodb.delete_item(TableName=self._guard, Key=item)

    def wait_quiet(self, timeout: float, fewer_than: int = 1) -> bool:
        """Wait until fewer than so many runbooks run; False where that takes too long."""
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            answer = self._states.list_executions(
                stateMachineArn=self._runbook, statusFilter="RUNNING", maxResults=fewer_than
            )
            if len(answer["executions"]) < fewer_than:
                return True
            time.sleep(1)
        return False


def unfinished(items: Collection[Mapping[str, Any]]) -> int:
    """Count records whose incident somebody, or something, still has in hand."""
    return sum(item.get("status", {}).get("S") not in _OVER for item in items)


def percentile(values: Sequence[float], share: float) -> float:
    """Give the value below which a share (0 to 1) of the values lies; NaN without any."""
    ordered = sorted(values)
    if not ordered:
        return float("nan")
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
