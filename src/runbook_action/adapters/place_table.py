"""Where incidents are and what they hang on, as rows of the guard table.

A place's row has an attribute for each incident that left its mark there; the row of a relation
has what one incident hangs on. Both run out by themselves.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from runbook_action.adapters.aws_errors import translated
from runbook_action.topology.causes import Known
from runbook_action.topology.reading import Topology
from runbook_action.topology.relating import Mark, Relation

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

#: What the keys begin with; the function may write no others for this.
PLACE, RELATION = "place#", "relation#"
#: Marks of one place at most, so that its row stays far below what an item may hold (400 KB).
MOST = 500
#: Rows of the recorder, which the function only reads.
INCIDENT = "incident#"
_MARK = "mark#"
_FORGOTTEN = 50  # marks that are taken away at a time
_PLACE_KEPT = 24 * 3600
_RELATION_KEPT = 90 * 24 * 3600  # as long as the record


class PlaceTable:
    """The rows. Each write is conditional, and the same when it is made again.

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

    def settle(self, known: Known, topology: Topology) -> Known:
        """Write what is known of an incident; level and beginning that are there already stay."""
        answer = self._update(
            f"{RELATION}{known.incident_id}",
            "SET #level = if_not_exists(#level, :level), began = if_not_exists(began, :began), "
            "incident_timestamp = if_not_exists(incident_timestamp, :timestamp), "
            "severity_rank = :rank, place = :place, suspect = :suspect, #under = :under, "
            "expires_at = :expires",
            {
                ":level": {"N": str(known.level)},
                ":began": {"N": str(known.began)},
                ":timestamp": {"S": known.timestamp},
                ":rank": {"N": str(known.rank)},
                ":place": {"S": known.place},
                ":suspect": {"S": topology.suspect},
                ":under": {"S": topology.under},
                ":expires": _in(_RELATION_KEPT),
            },
            names={"#level": "level", "#under": "under"},
        )
        return Known(
            known.incident_id,
            int(answer["level"]["N"]),
            int(answer["began"]["N"]),
            known.rank,
            answer["incident_timestamp"]["S"],
            known.place,
        )

    def mark(self, place: str, known: Known, *, own: bool) -> Sequence[Mark]:
        """Leave a mark at a place, and give all that are there.

        At a place that is full none is left, but those who are there are given.
        """
        mark = json.dumps({**asdict(known), "own": own}, sort_keys=True, separators=(",", ":"))
        key, name = f"{PLACE}{place}", f"{_MARK}{known.incident_id}"
        try:
            found = self._update(
                key,
                "SET #mark = :mark, expires_at = :expires ADD marks :one",
                {":mark": {"S": mark}, ":expires": _in(_PLACE_KEPT), ":one": {"N": "1"}}
                | {":most": {"N": str(MOST)}},
                names={"#mark": name},
                condition="attribute_exists(#mark) OR attribute_not_exists(marks) OR marks < :most",
            )
        except _Refused:
            found = self._read(key)
        marks = {name: _mark(each["S"]) for name, each in found.items() if name.startswith(_MARK)}
        self._forget(key, known, marks)
        return list(marks.values())

    def _forget(self, key: str, known: Known, marks: Mapping[str, Mark]) -> None:
        """Take away what no window reaches any more, where there is much of it."""
        oldest = known.began - 1000 * _PLACE_KEPT
        stale = [name for name, mark in marks.items() if mark.known.began < oldest][:_FORGOTTEN]
        if len(stale) == _FORGOTTEN:
            names = {f"#stale{number}": name for number, name in enumerate(stale)}
            self._update(
                key,
                f"SET marks = :left REMOVE {', '.join(names)}",
                {":left": {"N": str(len(marks) - len(stale))}},
                names=names,
            )

    def hang(self, child: str, cause: Known) -> None:
        """Hang an incident on a cause, unless it has a better one or was let go."""
        # Refused: a better one has it, or it goes its own way.
        with suppress(_Refused):
            self._update(
                f"{RELATION}{child}",
                "SET caused_by = :cause, cause_key = :key, cause_timestamp = :timestamp, "
                "cause_rank = :rank, cause_place = :place, expires_at = :expires",
                {
                    ":cause": {"S": cause.incident_id},
                    ":key": {"S": cause.key},
                    ":timestamp": {"S": cause.timestamp},
                    ":rank": {"N": str(cause.rank)},
                    ":place": {"S": cause.place},
                    ":expires": _in(_RELATION_KEPT),
                },
                condition="attribute_not_exists(let_go) AND "
                "(attribute_not_exists(cause_key) OR cause_key >= :key)",
            )

            self._update(
                f"{RELATION}{cause.incident_id}",
                "ADD children :child SET expires_at = if_not_exists(expires_at, :expires)",
                {
                    ":child": {"SS": [child]},
                    ":expires": _in(_RELATION_KEPT),
                    ":most": {"N": str(MOST)},
                },
                condition="attribute_not_exists(children) OR size(children) < :most",
            )

    def stand_alone(self, incident_id: str) -> None:
        """Write that an incident leads to no place, so that nobody waits for what it hangs on."""
        self._update(
            f"{RELATION}{incident_id}",
            "SET place = if_not_exists(place, :nowhere), suspect = if_not_exists(suspect, "
            ":nowhere), expires_at = :expires",
            {":nowhere": {"S": ""}, ":expires": _in(_RELATION_KEPT)},
        )

    def ended(self, incident_id: str) -> int | None:
        """Read when an incident ended, as the recorder, or who closed it, wrote it by its key."""
        found = self._read(f"{INCIDENT}{incident_id}").get("ended", {})
        return int(found["N"]) if "N" in found else None

    def relation(self, incident_id: str) -> Relation:
        """Read what an incident hangs on, consistently."""
        found = self._read(f"{RELATION}{incident_id}")
        texts = {name: str(value.get("S", "")) for name, value in found.items()}
        return Relation(
            texts.get("caused_by", ""),
            texts.get("cause_timestamp", ""),
            texts.get("cause_place", ""),
            texts.get("suspect", ""),
            len(found.get("children", {}).get("SS", [])),
        )

    def _read(self, key: str) -> Mapping[str, Any]:
        with translated(f"reading {key} in table {self._table}"):
            answer = self._client.get_item(
                TableName=self._table, Key={"guard_key": {"S": key}}, ConsistentRead=True
            )
        return answer.get("Item") or {}

    def _update(
        self,
        key: str,
        expression: str,
        values: Mapping[str, Any],
        names: Mapping[str, str] | None = None,
        condition: str = "",
    ) -> Mapping[str, Any]:
        arguments: dict[str, Any] = {
            "TableName": self._table,
            "Key": {"guard_key": {"S": key}},
            "UpdateExpression": expression,
            "ExpressionAttributeValues": values,
            "ReturnValues": "ALL_NEW",
            **({"ExpressionAttributeNames": names} if names else {}),
            **({"ConditionExpression": condition} if condition else {}),
        }
        with translated(f"writing {key} in table {self._table}"):
            try:
                return self._client.update_item(**arguments)["Attributes"]
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") == "ConditionalCheckFailedException":
                    raise _Refused from error
                raise


class _Refused(Exception):
    """A condition did not hold, which is an answer."""


def _mark(text: str) -> Mark:
    kept = json.loads(text)
    own = bool(kept.pop("own"))
    return Mark(Known(**kept), own)


def _in(seconds: int) -> Any:
    return {"N": str(int(time.time()) + seconds)}
