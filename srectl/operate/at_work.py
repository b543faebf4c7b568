"""What a runbook does for an incident at this moment, asked of Step Functions.

A step is written to the record when it has ended. Until then its execution of ``remediation-step``
runs, named after the incident, the step and what is done with it. When all must be over stands in
the lock of the first target.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import Any

from srectl.operate.account import Account
from srectl.operate.incidents import at_work, opened
from srectl.operate.refusals import calling

__all__ = ["Running", "executions_of", "running"]

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


def running(
    account: Account, incident: dict[str, Any]
) -> tuple[Running | None, datetime.datetime | None]:
    """Find the step that is under way, and by when the incident's fate is decided.

    Parameters
    ----------
    incident
        The record, as :func:`srectl.operate.incidents.read` gives it.

    Returns
    -------
    tuple
        The step; None between two steps, while things settle and while the result is verified.
        And the end of the lock, the latest moment for a verdict; None where none is held.

    Raises
    ------
    CommandFailed
        Step Functions or the guard cannot be asked.
    """
    in_hand = opened(incident.get("in_hand"))
    if not at_work(incident) or not isinstance(in_hand, dict):
        return None, None
    steps = {each.get("index"): each for each in in_hand.get("steps") or []}
    found = None
    for each in executions_of(account, str(incident["incident_id"])):
        match = _NAME.fullmatch(each["name"])
        if match and (found is None or each["startDate"] > found.since):
            index = int(match[1])
            found = Running(index, match[2], each["startDate"], steps.get(index, {}))
    return found, _verdict(account, str(incident["incident_id"]), in_hand.get("locks") or [])


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


def _verdict(account: Account, incident_id: str, locks: list[str]) -> datetime.datetime | None:
    for key in locks[:1]:
        with calling("the lock of its target could not be read"):
            answer = account.dynamodb.get_item(
                TableName=account.guard_table, Key={"guard_key": {"S": key}}, ConsistentRead=True
            )
        row = answer.get("Item", {})
        if row.get("holder", {}).get("S") == incident_id and "lease_expires_at" in row:
            return datetime.datetime.fromtimestamp(int(row["lease_expires_at"]["N"]), datetime.UTC)
    return None
