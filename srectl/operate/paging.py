"""What an event about the pager says, in words that claim no more than is on record.

The event ``incident.paged`` is on the bus for each incident that people are told of, where any
pager is deployed. Whom it calls is decided after that by the rules of the deployment, of which no
record is kept: they go by severity, by team, and by whether a further contact has a pager.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from srectl.operate.audit import data_of
from srectl.operate.moments import moment

__all__ = ["call_of", "end_of", "held", "may_wait", "waits_until"]

#: No call is held back for longer (PageAfterMinutes), and the notifier takes a moment.
_MOST = datetime.timedelta(minutes=125)

_CONTACTS = {2: "the second contact", 3: "the third contact"}


def call_of(data: Mapping[str, Any]) -> str:
    """Say that a call is on the bus, and whom it calls.

    Parameters
    ----------
    data
        Of an event ``incident.paged`` with the action ``trigger``.
    """
    contact = _CONTACTS.get(data.get("level") or 0)
    if contact:
        return f"a call for {contact} is on the bus; it rings where that contact has a pager"
    severity = data.get("severity")
    return f"a call for the pager is on the bus; it rings where PagerSeverities names {severity}"


def end_of(data: Mapping[str, Any]) -> str:
    """Say what the bus asks of a pager that was called.

    Parameters
    ----------
    data
        Of an event ``incident.paged`` with any other action.
    """
    action = str(data.get("action"))
    return {
        "acknowledge": "a pager that was called calls nobody else",
        "resolve": "a call of the pager, if there was one, ends",
    }.get(action, f"the pager hears {action}")


def held(at: Any, data: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    """Say that the call for the beginning waits, or would have.

    Parameters
    ----------
    at
        When that was said, as the event has it.
    data
        Of an event ``incident.page-held``.
    record
        The incident.
    """
    until, said, called = data.get("until"), moment(at), moment(record.get("escalated_at"))
    if said and called and called <= said:
        return (
            "the call for its beginning was to wait for the runbook's verdict; "
            "by then a human had been called for already"
        )
    return f"the call for its beginning waits for the runbook's verdict, until {until} at most"


def may_wait(record: Mapping[str, Any], now: datetime.datetime) -> bool:
    """Say whether the call for an incident's beginning may still wait for its runbook's verdict.

    Not where it is over, somebody has it, or a human was called for it, be it by a question.
    """
    came = moment(record.get("received_at")) or moment(record.get("timestamp"))
    settled = ("acknowledged_by", "resolved_at", "escalated_at", "approval")
    return bool(
        came
        and now - came < _MOST
        and record.get("status") in ("open", "remediating")
        and not any(record.get(each) for each in settled)
    )


def waits_until(
    heard: Iterable[Mapping[str, Any]], record: Mapping[str, Any], now: datetime.datetime
) -> datetime.datetime | None:
    """Give until when the call for an incident's beginning waits at most; None where none does.

    Parameters
    ----------
    heard
        Events of the incident in the audit log, oldest first.
    """
    until = None
    for each in heard:
        kind, data = each.get("detail-type"), data_of(each)
        if kind == "incident.page-held":
            until = moment(data.get("until"))
        elif kind == "incident.paged" and data.get("action") == "trigger":
            until = None
    return until if until and until > now and may_wait(record, now) else None
