"""What a runbook does for an incident at this moment, asked of Step Functions.

A step is written to the record when it has ended. Until then its execution of ``remediation-step``
runs, named after the incident, the step and what is done with it. When all must be over stands in
the lock of the first target; when the step is given up is told by ``step_times``.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import Any

from srectl.operate.account import Account
from srectl.operate.incidents import at_work, opened
from srectl.operate.refusals import calling
from srectl.operate.step_times import decided_by

__all__ = ["AtWork", "Running", "executions_of", "running", "step_of"]

_NAME = re.compile(r"[0-9a-f-]{36}-(\d+)-([a-z-]+)-\d+")
_PAGES = 5  # of 200 executions: a flood's worth, and no scan without bound


@dataclass(frozen=True)
class Running:
    """A step that is under way.

    Attributes
    ----------
    index
        Its number in the runbook, from 1.
    does
        What is done with it: plan, execute, undo, restore or hand-over.
    since
        When that began.
    step
        The step as the record has it in hand; empty where it does not.
    """

    index: int
    does: str
    since: datetime.datetime
    step: dict[str, Any]


@dataclass(frozen=True)
class AtWork:
    """How far a runbook is.

    Attributes
    ----------
    step
        The step; None between two steps, while things settle and while the result is verified.
    decided_by
        When that step is given up, or what was done has helped or not; None where it is not known.
    ends_by
        The end of the lock: by then all of the runbook is over, whatever it had to wait for. None
        where none is held.
    """

    step: Running | None = None
    decided_by: datetime.datetime | None = None
    ends_by: datetime.datetime | None = None


def running(account: Account, incident: dict[str, Any], now: datetime.datetime) -> AtWork:
    """Find the step that is under way, when that is given up, and when all is over.

    Parameters
    ----------
    incident
        The record, as :func:`srectl.operate.incidents.read` gives it.
    now
        The time.

    Raises
    ------
    CommandFailed
        Step Functions or the guard cannot be asked.
    """
    in_hand = opened(incident.get("in_hand"))
    if not at_work(incident) or not isinstance(in_hand, dict):
        return AtWork()
    found = step_of(account, incident)
    return AtWork(
        found,
        decided_by(incident, now, found.since if found else None),
        _end_of_lock(account, str(incident["incident_id"]), in_hand.get("locks") or []),
    )


def step_of(account: Account, incident: dict[str, Any]) -> Running | None:
    """Find the step that is under way; None where none is.

    Raises
    ------
    CommandFailed
        Step Functions cannot be asked.
    """
    in_hand = opened(incident.get("in_hand"))
    listed = in_hand.get("steps") if isinstance(in_hand, dict) else None
    steps = {each.get("index"): each for each in listed or []}
    found = None
    for each in executions_of(account, str(incident["incident_id"])):
        match = _NAME.fullmatch(each["name"])
        if match and (found is None or each["startDate"] > found.since):
            index = int(match[1])
            found = Running(index, match[2], each["startDate"], steps.get(index, {}))
    return found


def executions_of(account: Account, incident_id: str) -> list[Any]:
    """Give the executions of ``remediation-step`` that run for an incident.

    Raises
    ------
    CommandFailed
        Step Functions cannot be asked.
    """
    with calling("what its runbook does at the moment could not be asked"):
        pages = account.states.get_paginator("list_executions").paginate(
            stateMachineArn=account.step_arn,
            statusFilter="RUNNING",
            PaginationConfig={"MaxItems": 200 * _PAGES, "PageSize": 200},
        )
        return [
            each
            for page in pages
            for each in page["executions"]
            if each["name"].startswith(f"{incident_id}-")
        ]


def _end_of_lock(account: Account, incident_id: str, locks: list[str]) -> datetime.datetime | None:
    for key in locks[:1]:
        with calling("the lock of its target could not be read"):
            answer = account.dynamodb.get_item(
                TableName=account.guard_table, Key={"guard_key": {"S": key}}, ConsistentRead=True
            )
        row = answer.get("Item", {})
        if row.get("holder", {}).get("S") == incident_id and "lease_expires_at" in row:
            return datetime.datetime.fromtimestamp(int(row["lease_expires_at"]["N"]), datetime.UTC)
    return None
