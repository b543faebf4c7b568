"""The platform's bus."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

from chat_actions.errors import ChatError
from chat_actions.ports import Record

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

_KNOWN = ("incident_id", "timestamp", "alert_name", "severity", "summary", "target", "subject")


class EventBus:
    """Tells what people have said of an incident.

    Parameters
    ----------
    client
        Of EventBridge.
    name
        Name of the bus.
    account_id, region
        Where it is.
    """

    def __init__(self, client: EventBridgeClient, name: str, account_id: str, region: str) -> None:
        self._client, self._name = client, name
        self._where = {"account_id": account_id, "region": region}

    def acknowledged(self, record: Record, by: str, at: str) -> None:
        """Tell that somebody has taken an incident (``incident.acknowledged``).

        Raises
        ------
        ChatError
            The bus does not take it.
        """
        self._tell("incident.acknowledged", "IncidentAcknowledged", record, by, at)

    def undo_asked(self, record: Record, by: str, at: str) -> None:
        """Tell that somebody has taken back what a runbook left (``incident.undo-asked``).

        Raises
        ------
        ChatError
            The bus does not take it.
        """
        self._tell("incident.undo-asked", "IncidentUndoAsked", record, by, at)

    def _tell(self, kind: str, name: str, record: Record, by: str, at: str) -> None:
        detail = {
            "metadata": {
                "event_id": str(uuid.uuid4()),
                "schema_version": "1",
                "alert_event": name,
                "occurred_at": at,
                "received_at": at,
                **self._where,
                "correlation_id": record.get("correlation_id") or record["incident_id"],
            },
            "data": {**{each: record.get(each) for each in _KNOWN}, "by": by},
        }
        answer = self._client.put_events(
            Entries=[
                {
                    "EventBusName": self._name,
                    "Source": "sre.operator",
                    "DetailType": kind,
                    "Detail": json.dumps(detail),
                }
            ]
        )
        if answer["FailedEntryCount"]:
            raise ChatError(f"the bus did not take it: {answer['Entries'][0].get('ErrorCode')}")
