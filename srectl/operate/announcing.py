"""What a human has said of an incident, told on the bus, so that every channel hears it."""

from __future__ import annotations

import datetime
import json
import uuid
from typing import Any

from srectl.errors import CommandFailed
from srectl.operate.account import Account
from srectl.operate.refusals import calling

__all__ = ["ACKNOWLEDGED", "CLOSED", "RELEASED", "announce", "stamp"]

#: Detail-types, each with its name in the other vocabulary.
ACKNOWLEDGED = ("incident.acknowledged", "IncidentAcknowledged")
CLOSED = ("incident.closed", "IncidentClosed")
RELEASED = ("incident.released", "IncidentReleased")
_KNOWN = ("incident_id", "timestamp", "alert_name", "severity", "summary", "target")


def announce(
    account: Account,
    what: tuple[str, str],
    record: dict[str, Any],
    now: datetime.datetime,
    hint: str,
    **said: str,
) -> None:
    """Put it onto the bus.

    Parameters
    ----------
    what
        :data:`ACKNOWLEDGED`, :data:`CLOSED` or :data:`RELEASED`.
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
    kind, name = what
    done = f"incident {record['incident_id']} is {kind.partition('.')[2]} in its record"
    _, _, _, region, account_id, *_ = account.bus_arn.split(":")
    detail = {
        "metadata": {
            "event_id": str(uuid.uuid4()),
            "schema_version": "1",
            "alert_event": name,
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
        "DetailType": kind,
        "Detail": json.dumps(detail),
    }
    try:
        with calling("the bus did not take it"):
            told = _put(account, entry)
    except CommandFailed as error:
        raise CommandFailed(f"{done}, but the pager was not told: {error.message}", hint) from error
    if told["FailedEntryCount"]:
        code = told["Entries"][0].get("ErrorCode")
        raise CommandFailed(f"{done}, but the bus refused to tell the pager: {code}", hint)


def _put(account: Account, entry: Any) -> Any:
    return account.events.put_events(Entries=[entry])


def stamp(now: datetime.datetime) -> str:
    """Give a time as events have it."""
    return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z"
