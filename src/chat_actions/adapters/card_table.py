"""The rows of the cards, in the guard table."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

from chat_actions.ports import Card

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Longer than a call of the function can take, in seconds.
_HELD = 90
_KEPT_DAYS = 90


class CardTable:
    """One item for each incident that has a card.

    Parameters
    ----------
    client
        DynamoDB client of the function's own role.
    table
        Name of the guard table.
    """

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client, self._table = client, table
        self._me = uuid.uuid4().hex

    def read(self, incident_id: str) -> Card:
        """Give the row, consistently."""
        item = self._client.get_item(
            TableName=self._table, Key=_key(incident_id), ConsistentRead=True
        ).get("Item", {})

        def text(name: str) -> str:
            return item.get(name, {}).get("S", "")

        told = frozenset(item.get("told", {}).get("SS", ()))
        return Card(text("channel"), text("message"), text("shown"), told)

    def hold(self, incident_id: str) -> bool:
        """Be the only one who shows this card for a moment."""
        now = int(time.time())
        try:
            self._update(
                incident_id,
                "SET held_by = :me, held_until = :until, expires_at = :expires",
                {
                    ":me": {"S": self._me},
                    ":until": {"N": str(now + _HELD)},
                    ":expires": {"N": str(now + 86400 * _KEPT_DAYS)},
                    ":now": {"N": str(now)},
                },
                "attribute_not_exists(held_until) OR held_until < :now",
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def release(self, incident_id: str) -> None:
        """Let others show it; nothing where it ran out and somebody else has it by now."""
        try:
            self._update(
                incident_id,
                "REMOVE held_by, held_until",
                {":me": {"S": self._me}},
                "held_by = :me",
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return

    def posted(self, incident_id: str, channel: str, message: str, shown: str) -> None:
        """Note where it stands and what it shows; a new message has a new thread."""
        before = self.read(incident_id).message
        self._update(
            incident_id,
            "SET channel = :channel, message = :message, shown = :shown"
            + (" REMOVE told" if before and before != message else ""),
            {
                ":channel": {"S": channel},
                ":message": {"S": message},
                ":shown": {"S": shown},
            },
        )

    def tell(self, incident_id: str, key: str) -> None:
        """Note that its thread has said something."""
        self._update(incident_id, "ADD told :key", {":key": {"SS": [key]}})

    def _update(
        self, incident_id: str, expression: str, values: dict[str, Any], condition: str = ""
    ) -> None:
        self._client.update_item(
            TableName=self._table,
            Key=_key(incident_id),
            UpdateExpression=expression,
            ExpressionAttributeValues=values,
            **({"ConditionExpression": condition} if condition else {}),  # type: ignore[arg-type]
        )


def _key(incident_id: str) -> dict[str, Any]:
    return {"guard_key": {"S": f"chat#{incident_id}"}}
