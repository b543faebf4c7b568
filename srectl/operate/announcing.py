"""What a human has said of an incident, told on the bus, so that every channel hears it."""

from __future__ import annotations

import datetime
import json
import uuid
from dataclasses import dataclass
from typing import Any

from srectl.errors import CommandFailed
from srectl.operate.account import Account
from srectl.operate.refusals import calling

__all__ = ["ACKNOWLEDGED", "CLOSED", "RELEASED", "UNDO_ASKED", "Said", "announce", "stamp"]


@dataclass(frozen=True)
class Said:
    """What a human may say of an incident.

    Attributes
    ----------
    kind
        Detail-type of the event.
    name
        Its name in the other vocabulary.
    done
        What is so, also where the bus does not take it: ``incident ID ...``.
    whom
        Who has not heard of it then.
    """

    kind: str
    name: str
    done: str
    whom: str = "the pager"


ACKNOWLEDGED = Said(
    "incident.acknowledged", "IncidentAcknowledged", "is acknowledged in its record"
)
CLOSED = Said("incident.closed", "IncidentClosed", "is closed in its record")
RELEASED = Said("incident.released", "IncidentReleased", "is released in its record")
UNDO_ASKED = Said(
    "incident.undo-asked",
    "IncidentUndoAsked",
    "is noted as one to take back what its runbook left",
    "those who heard of it",
)
_KNOWN = ("incident_id", "timestamp", "alert_name", "severity", "summary", "target", "subject")


def announce(
    account: Account,
    what: Said,
    record: dict[str, Any],
    now: datetime.datetime,
    hint: str,
    **said: str,
) -> None:
    """Put it onto the bus.

    Parameters
    ----------
    what
        :data:`ACKNOWLEDGED`, :data:`CLOSED`, :data:`RELEASED` or :data:`UNDO_ASKED`.
    record
        The incident as it is now.
    now
        When it was said.
    hint
        What to do where the bus does not take it.
    said
        Who said it (``by``), and what else belongs into the event.

    Raises
    ------
    CommandFailed
        The bus did not take it. The record stays as it is.
    """
    done = f"incident {record['incident_id']} {what.done}"
    _, _, _, region, account_id, *_ = account.bus_arn.split(":")
    detail = {
        "metadata": {
            "event_id": str(uuid.uuid4()),
            "schema_version": "1",
            "alert_event": what.name,
            "occurred_at": stamp(now),
            "received_at": stamp(now),
            "account_id": account_id,
            "region": region,
            "correlation_id": record.get("correlation_id") or record["incident_id"],
        },
        "data": {**{each: record.get(each) for each in _KNOWN}, **said},
    }
    entry: Any = {
        "EventBusName": account.bus,
        "Source": "sre.operator",
        "DetailType": what.kind,
        "Detail": json.dumps(detail),
    }
    try:
        with calling("the bus did not take it"):
            told = _put(account, entry)
    except CommandFailed as error:
        untold = f"{done}, but the bus could not be reached to tell {what.whom}: {error.message}"
        raise CommandFailed(untold, hint) from error
    if told["FailedEntryCount"]:
        code = told["Entries"][0].get("ErrorCode")
        raise CommandFailed(f"{done}, but the bus refused to tell {what.whom}: {code}", hint)


def _put(account: Account, entry: Any) -> Any:
    return account.events.put_events(Entries=[entry])


def stamp(now: datetime.datetime) -> str:
    """Give a time as events have it."""
    return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z"
