"""The table of the incidents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import BotoCoreError, ClientError

from chat_actions.errors import Refused
from chat_actions.ports import Record
from chat_actions.undo_attempts import noting
from chat_actions.windows import Window, written

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_deserializer = TypeDeserializer()


class IncidentTable:
    """Reads records, and notes on them what people say.

    Parameters
    ----------
    client
        DynamoDB client of the function's own role.
    table
        Name of the table.
    """

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client, self._table = client, table

    def read(self, incident_id: str) -> Record:
        """Give the record, consistently; empty where there is none."""
        answer = self._client.query(
            TableName=self._table,
            KeyConditionExpression="incident_id = :id",
            ExpressionAttributeValues={":id": {"S": incident_id}},
            ConsistentRead=True,
            ScanIndexForward=False,
            Limit=1,
        )
        return _plain_record(answer["Items"][0]) if answer["Items"] else {}

    def acknowledge(self, record: Record, by: str, at: str) -> Record:
        """Note who has taken an incident; Refused where it is over or somebody else was quicker."""
        try:
            answer = self._client.update_item(
                TableName=self._table,
                Key=_key(record),
                UpdateExpression="SET acknowledged_by = :by, acknowledged_at = :at",
                ConditionExpression="#status <> :resolved "
                "AND attribute_not_exists(acknowledged_by)",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":by": {"S": by},
                    ":at": {"S": at},
                    ":resolved": {"S": "resolved"},
                },
                ReturnValues="ALL_NEW",
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            raise Refused(
                "There is nothing to take: the incident is over, or somebody has just taken it."
            ) from None
        return _plain_record(answer["Attributes"])

    def ask_undo(self, record: Record, by: str, at: str, state: str) -> Record:
        """Note who has all taken back; give the record as it is then, whoever was quicker."""
        try:
            answer = self._client.update_item(
                TableName=self._table, **noting(record, by, at, state)
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return self.read(str(record["incident_id"]))
        return _plain_record(answer["Attributes"])

    def note_silence(self, record: Record, window: Window) -> None:
        """Note since and until when, by whom and why a target is left alone."""
        self._client.update_item(
            TableName=self._table,
            Key=_key(record),
            UpdateExpression="SET silenced_target = :target, silenced_at = :since, "
            "silenced_until = :until, silenced_because = :because",
            ConditionExpression="attribute_exists(incident_id)",
            ExpressionAttributeValues={
                ":target": {"S": window.target},
                ":since": {"S": written(window.start)},
                ":until": {"S": written(window.end)},
                ":because": {"S": window.reason},
            },
        )

    def keep_first(self, record: Record, mine: Mapping[str, str], instead_of: str) -> None:
        """Keep the first of two approvals; Refused where somebody was quicker."""
        there = (
            "approval.#first.#at = :old" if instead_of else "attribute_not_exists(approval.#first)"
        )
        try:
            self._client.update_item(
                TableName=self._table,
                Key=_key(record),
                UpdateExpression="SET approval.#first = :mine",
                ConditionExpression="approval.#token = :token AND "
                f"attribute_not_exists(approval.answer) AND {there}",
                ExpressionAttributeNames={
                    "#token": "token",
                    "#first": "first",
                    **({"#at": "at"} if instead_of else {}),
                },
                ExpressionAttributeValues={
                    ":token": {"S": record["approval"]["token"]},
                    ":mine": {"M": {name: {"S": text} for name, text in mine.items()}},
                    **({":old": {"S": instead_of}} if instead_of else {}),
                },
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            raise Refused("Somebody else has just answered: look at the card again.") from None

    def note_answer(self, record: Record, answer: str, by: str, at: str) -> None:
        """Note an answer that was taken; it counts without, too."""
        with suppress(BotoCoreError, ClientError):
            self._client.update_item(
                TableName=self._table,
                Key=_key(record),
                UpdateExpression="SET approval.answer = :answer, approval.answered_by = :by, "
                "approval.answered_at = :at",
                ConditionExpression="approval.#token = :token",
                ExpressionAttributeNames={"#token": "token"},
                ExpressionAttributeValues={
                    ":answer": {"S": answer},
                    ":by": {"S": by},
                    ":at": {"S": at},
                    ":token": {"S": record["approval"]["token"]},
                },
            )


def _key(record: Record) -> dict[str, Any]:
    return {name: {"S": str(record[name])} for name in ("incident_id", "timestamp")}


def _plain_record(item: Mapping[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] = _plain({key: _deserializer.deserialize(item[key]) for key in item})
    approval = record.get("approval")
    if isinstance(approval, dict):
        with suppress(ValueError, TypeError):
            approval["plan"] = json.loads(approval["plan"]) if "plan" in approval else []
    return record


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, set):
        return sorted(_plain(each) for each in value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
