"""One attempt at a time to take back what a runbook left, whoever asks for it and from where.

An attempt has a number on the record, which one write gives to one asker, and an execution of
``incident-restorer`` whose name follows from it. Who asks again learns so what became of the last
one before there is another, and an answer that was lost starts nothing twice. What an attempt has
taken back is told to the record by events; where those do not come there may be another attempt,
which finds nothing left on the targets and says so to the record. Where both this and
the asker are wrong, the restorer takes no lock that another execution of it has. The operator's
tool asks by this same file.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from enum import Enum
from typing import Any

#: What an attempt has taken back stands on the record within seconds of its end; after this the
#: news of it are lost. The end is of AWS's clock, and the moment of the asker's: that is at most
#: five minutes ahead, or AWS takes none of its requests.
NEWS_COME_WITHIN = datetime.timedelta(minutes=10)


class Standing(Enum):
    """How far the newest attempt of an incident has come."""

    #: There is none, or it has ended with something left, or the record was never told that it has
    #: taken all back: there may be another.
    FREE = "free"
    #: It stands on the record, and was never started: whoever comes next starts it.
    NOTED = "noted"
    RUNNING = "running"
    #: It has just taken all back; the record does not say so yet.
    DONE = "done"


def name_of(record: Mapping[str, Any]) -> str:
    """Give the name of the newest attempt's execution; empty where nobody has asked yet."""
    if record.get("undo_attempt"):
        return f"{record['incident_id']}-undo-{record['undo_attempt']}"
    # Asked for before attempts had numbers.
    asked = record.get("undo_asked_of")
    return f"{record['incident_id']}-undo-{asked}" if asked else ""


def arn_of(machine: str, name: str) -> str:
    """Give the ARN of a machine's execution.

    Examples
    --------
    >>> arn_of("arn:aws:states:eu-west-1:1:stateMachine:incident-restorer", "i-undo-1")
    'arn:aws:states:eu-west-1:1:execution:incident-restorer:i-undo-1'
    """
    return f"{machine.replace(':stateMachine:', ':execution:')}:{name}"


def standing(
    record: Mapping[str, Any],
    state: str,
    execution: Mapping[str, Any] | None,
    now: datetime.datetime,
) -> Standing:
    """Tell how far the newest attempt has come.

    Parameters
    ----------
    record
        Of an incident of which something is left.
    state
        Hash of what is left now.
    execution
        What Step Functions tells of the attempt's execution; None where it knows none.
    now
        The moment, by the asker's clock.
    """
    if not name_of(record):
        return Standing.FREE
    if execution is None:
        return Standing.NOTED
    if not has_ended(execution):
        return Standing.RUNNING
    is_same = record.get("undo_asked_of") == state
    if is_same and _has_taken_all_back(execution) and not _news_are_lost(execution, now):
        return Standing.DONE
    return Standing.FREE


def has_ended(execution: Mapping[str, Any] | None) -> bool:
    """Tell whether there was an execution that does nothing more."""
    return execution is not None and execution["status"] not in ("RUNNING", "PENDING_REDRIVE")


def noting(record: Mapping[str, Any], by: str, at: str, state: str) -> dict[str, Any]:
    """Write what notes the next attempt: of several askers one is noted, of a runbook at work none.

    Parameters
    ----------
    record
        As it was read: who has noted another attempt since is not written over.
    by, at
        Who asks, and when.
    state
        Hash of what is to be taken back.

    Returns
    -------
    dict
        What ``UpdateItem`` is given besides the table; it answers with the record.
    """
    before = int(record.get("undo_attempt") or 0)
    return {
        "Key": {name: {"S": str(record[name])} for name in ("incident_id", "timestamp")},
        "UpdateExpression": "SET undo_asked_by = :by, undo_asked_at = :at, undo_asked_of = :of, "
        "undo_attempt = :next",
        "ConditionExpression": (
            "undo_attempt = :before" if before else "attribute_not_exists(undo_attempt)"
        )
        + " AND (#status = :resolved OR (#status = :escalated AND "
        "(attribute_not_exists(in_flight) OR in_flight = abandoned)))",
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": {
            ":by": {"S": by},
            ":at": {"S": at},
            ":of": {"S": state},
            ":next": {"N": str(before + 1)},
            ":resolved": {"S": "resolved"},
            ":escalated": {"S": "escalated"},
            **({":before": {"N": str(before)}} if before else {}),
        },
        "ReturnValues": "ALL_NEW",
    }


def names_before(record: Mapping[str, Any]) -> list[str]:
    """Name the executions that may have left locks: the runbook's restorer, the last attempt."""
    return [name for name in (str(record["incident_id"]), name_of(record)) if name]


def _news_are_lost(execution: Mapping[str, Any], now: datetime.datetime) -> bool:
    """Tell whether the record would say by now what an attempt has taken back."""
    ended = execution.get("stopDate")
    return ended is not None and now - ended >= NEWS_COME_WITHIN


def _has_taken_all_back(execution: Mapping[str, Any]) -> bool:
    if execution["status"] != "SUCCEEDED":
        return False
    try:
        return not json.loads(execution["output"])["failure"]["code"]
    except (KeyError, TypeError, ValueError):
        return False
