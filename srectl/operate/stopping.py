"""End the runbook that works on an incident, so that a human can.

Its execution is stopped, and with it the step that is under way. What then happens is what happens
whenever a runbook ends before its incident: ``incident-recorder`` escalates the incident, people
are told what may be half-changed, and ``srectl undo`` takes it back. The locks of its targets stay
until that, or until they run out, so that no other runbook acts on what is half-changed.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from typing import Any

from srectl.errors import CommandFailed
from srectl.operate import at_work, incidents, persons, reasons
from srectl.operate.account import Account
from srectl.operate.acknowledging import MOST_REASON
from srectl.operate.announcing import stamp
from srectl.operate.hands import is_anothers, refused
from srectl.operate.refusals import calling

__all__ = ["MOST_REASON", "add_reason", "stop"]

_WAIT_SECONDS = 60.0
_POLL_SECONDS = 1.0


def stop(
    account: Account,
    incident_id: str,
    by: str,
    reason: str,
    now: datetime.datetime,
    pause: Callable[[float], None] = time.sleep,
    of_nobody_else: bool = False,
    knows: str = "",
) -> bool:
    """Stop the runbook of an incident, and wait until the incident is a human's.

    Parameters
    ----------
    by
        ARN of who stops it; stands in the record.
    reason
        Why; up to :data:`MOST_REASON` characters of it, without secrets. May be empty.
    of_nobody_else
        Only if nobody else has the incident in hand.
    knows
        But for whom is known to have it (:func:`srectl.operate.hands.taking`).

    Returns
    -------
    bool
        Whether there was one to stop. Stopped again, there is none; nor is one stopped that comes
        to its own end in this moment.

    Raises
    ------
    CommandFailed
        There is no such incident, it is over or somebody else's, AWS refused, or the record did not
        follow in time.
    """
    record = incidents.read(account.dynamodb, account.incidents_table, incident_id)
    if record.get("status") == "resolved":
        raise CommandFailed(
            f"incident {incident_id} is over, so there is nothing to stop",
            f"'srectl show {incident_id}' tells its story",
        )
    if of_nobody_else and is_anothers(record, by, knows):
        raise refused(record, by, "stop")
    execution = _execution(account, record)
    if not execution or not _runs(account, execution):
        return False
    reason = reasons.kept(reason, MOST_REASON)
    under_way = at_work.step_of(account, record)
    acts = under_way.index if under_way and under_way.does == "execute" else None
    _note(account, record, execution, by, reason, now, acts)
    try:
        with calling(f"the runbook of incident {incident_id} could not be stopped"):
            account.states.stop_execution(
                executionArn=execution, error="StoppedByHand", cause=f"{by}: {reason}"[:1000]
            )
    except CommandFailed:
        _forget(account, record, execution)
        raise
    with calling(f"a step of incident {incident_id}'s runbook could not be stopped"):
        # Step Functions stops a step together with its runbook as well as it can, and no better.
        for step in at_work.executions_of(account, incident_id):
            account.states.stop_execution(
                executionArn=step["executionArn"], error="StoppedByHand", cause="with its runbook"
            )
    if _status(account, execution) not in ("ABORTED", "RUNNING"):
        _forget(account, record, execution)
        return False
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        record = incidents.read(account.dynamodb, account.incidents_table, incident_id)
        if record.get("status") == "resolved" or record.get("abandoned") == execution:
            return True
        if time.monotonic() > deadline:
            raise CommandFailed(
                f"the runbook of incident {incident_id} is stopped, but its record still says "
                f"{record.get('status')} after {_WAIT_SECONDS:g} seconds",
                "'srectl dlq list' shows whether the recorder could not write it; nobody works "
                "on it any more",
            )
        pause(_POLL_SECONDS)


def add_reason(account: Account, incident_id: str, by: str, reason: str) -> bool:
    """Note why a runbook was stopped, said by who stopped it, afterwards.

    Parameters
    ----------
    by
        ARN of who says so.
    reason
        As for :func:`stop`.

    Returns
    -------
    bool
        Whether it stands in the record. Not where nobody, or somebody else, has stopped one.

    Raises
    ------
    CommandFailed
        There is no such incident, or AWS refused.
    """
    record = incidents.read(account.dynamodb, account.incidents_table, incident_id)
    reason, had = reasons.kept(reason, MOST_REASON), record.get("stopped_by")
    if not reason or not had or not persons.same(had, by):
        return False
    client = account.dynamodb
    with calling(f"the reason could not be written to incident {incident_id}"):
        try:
            client.update_item(
                TableName=account.incidents_table,
                Key={name: {"S": str(record[name])} for name in ("incident_id", "timestamp")},
                UpdateExpression="SET stopped_because = :because",
                ConditionExpression="stopped_execution = :execution AND stopped_by = :by",
                ExpressionAttributeValues={
                    ":because": {"S": reason},
                    ":execution": {"S": str(record.get("stopped_execution"))},
                    ":by": {"S": str(had)},
                },
            )
        except client.exceptions.ConditionalCheckFailedException:
            return False
    return True


def _execution(account: Account, record: dict[str, Any]) -> str:
    """Find who has claimed it, which the record names only once it acts."""
    with calling("the claim of the incident could not be read"):
        answer = account.dynamodb.get_item(
            TableName=account.guard_table,
            Key={"guard_key": {"S": f"incident#{record['incident_id']}"}},
            ConsistentRead=True,
        )
    claimed = answer.get("Item", {}).get("runbook_execution", {}).get("S")
    return str(claimed or record.get("runbook_execution") or "")


def _runs(account: Account, execution: str) -> bool:
    try:
        return _status(account, execution) in ("RUNNING", "PENDING_REDRIVE")
    except CommandFailed as error:
        if "ExecutionDoesNotExist" in error.message:  # kept for 90 days
            return False
        raise


def _status(account: Account, execution: str) -> str:
    with calling("whether its runbook runs could not be asked"):
        found = account.states.describe_execution(
            executionArn=execution, includedData="METADATA_ONLY"
        )
    return str(found["status"])


def _note(
    account: Account,
    record: dict[str, Any],
    execution: str,
    by: str,
    reason: str,
    now: datetime.datetime,
    acts: int | None,
) -> None:
    """Note who stops it, and which step is under way: that has no word in the record yet."""
    at = ", stopped_step = :step" if acts else " REMOVE stopped_step"
    client, incident_id = account.dynamodb, str(record["incident_id"])
    with calling(f"incident {incident_id} could not be written, so nothing was stopped"):
        try:
            client.update_item(
                TableName=account.incidents_table,
                Key={name: {"S": str(record[name])} for name in ("incident_id", "timestamp")},
                UpdateExpression="SET stopped_by = :by, stopped_at = :at, "
                f"stopped_because = :because, stopped_execution = :execution{at}",
                ConditionExpression="#status <> :resolved",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":by": {"S": by},
                    ":at": {"S": stamp(now)},
                    ":because": {"S": reason},
                    ":execution": {"S": execution},
                    ":resolved": {"S": "resolved"},
                    **({":step": {"N": str(acts)}} if acts else {}),
                },
            )
        except client.exceptions.ConditionalCheckFailedException:
            raise CommandFailed(
                f"incident {incident_id} is over meanwhile, so nothing was stopped",
                f"'srectl show {incident_id}' tells its story",
            ) from None


def _forget(account: Account, record: dict[str, Any], execution: str) -> None:
    """Take the note back where nothing was stopped: nobody is to read that somebody did it."""
    client = account.dynamodb
    with calling("the record could not be freed of the note that its runbook was stopped"):
        try:
            client.update_item(
                TableName=account.incidents_table,
                Key={name: {"S": str(record[name])} for name in ("incident_id", "timestamp")},
                UpdateExpression="REMOVE stopped_by, stopped_at, stopped_because, "
                "stopped_execution, stopped_step",
                ConditionExpression="stopped_execution = :execution",
                ExpressionAttributeValues={":execution": {"S": execution}},
            )
        except client.exceptions.ConditionalCheckFailedException:
            return  # erased, or the note is about another one by now
