"""Taking back by hand what a runbook did, or had in hand when it was stopped.

`incident-restorer` does it: it takes the same locks, undoes newest first by the marks on the
targets, and reports to the record. Nothing is done that the platform would not do itself. Who has
asked for it stands in the record first, in the fields that the button in Slack writes, too.
"""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from srectl.errors import CommandFailed
from srectl.operate.account import Account
from srectl.operate.announcing import stamp
from srectl.operate.incidents import at_work, read
from srectl.operate.leftovers import left, request_of, state_of
from srectl.operate.refusals import calling

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_POLL_SECONDS = 2.0


@dataclass(frozen=True)
class Begun:
    """What is being taken back.

    Attributes
    ----------
    execution
        ARN of the execution of ``incident-restorer``.
    stack
        What it takes back, newest first.
    by, at
        Who has asked for it, and when, as the record has them: somebody else where he was quicker.
    """

    execution: str
    stack: list[dict[str, Any]]
    by: str
    at: str


def told(undo: Any) -> str:
    """Give what takes a step back in words: its action and what that is given.

    Examples
    --------
    >>> told({"action": "scale_workload", "parameters": {"replicas": 3}})
    'scale_workload with replicas 3'
    >>> told({"action": "uncordon_node", "parameters": {}})
    'uncordon_node'
    """
    if not isinstance(undo, dict) or not isinstance(undo.get("action"), str):
        return undo if isinstance(undo, str) else json.dumps(undo)
    given = {name: each for name, each in undo.items() if name not in ("action", "parameters")}
    given |= undo["parameters"] if isinstance(undo.get("parameters"), dict) else {}
    words = [
        f"{name} {each if isinstance(each, str) else json.dumps(each)}"
        for name, each in given.items()
    ]
    action = str(undo["action"])
    return f"{action} with {', '.join(words)}" if words else action


def asked(incident: dict[str, Any]) -> dict[str, Any]:
    """Write what `incident-restorer` is asked for.

    Raises
    ------
    CommandFailed
        A runbook still works on the incident, or it has nothing to be taken back.
    """
    incident_id = incident["incident_id"]
    show = f"'srectl incidents show {incident_id}' tells its story"
    if at_work(incident) or incident.get("status") not in ("escalated", "resolved"):
        raise CommandFailed(
            f"incident {incident_id} is {incident.get('status')}: its runbook works on it, and "
            "takes back itself what does not help",
            f"'srectl stop {incident_id}' stops it first; or wait for its end",
        )
    if not left(incident):
        raise CommandFailed(f"nothing is left to be taken back of incident {incident_id}", show)
    return request_of(incident)


def start(account: Account, incident_id: str, by: str, now: datetime.datetime, shown: str) -> Begun:
    """Let all be taken back that an incident's runbook left, once, and note who wants it.

    Asked again while it is under way, that is the one, and the record keeps who asked first. One
    that ended and left no trace, such as one that was stopped, is begun anew.

    Parameters
    ----------
    by
        Who wants it.
    shown
        What he was shown to be left, as :func:`srectl.operate.leftovers.state_of` names it.

    Raises
    ------
    CommandFailed
        There is no such incident, its runbook works on it, nothing or something else is left, or
        AWS refused.
    """
    record = read(account.dynamodb, account.incidents_table, incident_id)
    given = asked(record)
    if state_of(record) != shown:
        raise _changed(incident_id)
    name, at = f"{incident_id}-undo-{shown}", stamp(now)
    execution = account.restorer_arn.replace(":stateMachine:", ":execution:") + f":{name}"
    if record.get("undo_asked_of") == shown and _runs(account, execution):
        by, at = str(record.get("undo_asked_by")), str(record.get("undo_asked_at"))
        return Begun(execution, given["stack"][::-1], by, at)
    if not _noted(account, record, by, at, shown):
        record = read(account.dynamodb, account.incidents_table, incident_id)
        given = asked(record)
        if state_of(record) != shown or record.get("undo_asked_of") != shown:
            raise _changed(incident_id)
        # Whoever was quicker may have noted it and not reached the machine: it is begun for him.
        by, at = str(record.get("undo_asked_by")), str(record.get("undo_asked_at"))
    states, text = account.states, json.dumps(given)
    with calling(f"what incident {incident_id} left could not be taken back"):
        try:
            states.start_execution(stateMachineArn=account.restorer_arn, name=name, input=text)
        except states.exceptions.ExecutionAlreadyExists:
            if not _runs(account, execution):
                execution = states.start_execution(
                    stateMachineArn=account.restorer_arn,
                    name=f"{name}-{int(now.timestamp())}",
                    input=text,
                )["executionArn"]
    return Begun(execution, given["stack"][::-1], by, at)


def _changed(incident_id: str) -> CommandFailed:
    return CommandFailed(
        f"nothing was taken back of incident {incident_id}: by now something else is left",
        f"'srectl show {incident_id}' tells what; look at it and say it again",
    )


def _runs(account: Account, execution: str) -> bool:
    """Tell whether an execution is under way; one that there never was is not."""
    states = account.states
    with calling("whether it is being taken back could not be asked"):
        try:
            found = states.describe_execution(executionArn=execution)
        except states.exceptions.ExecutionDoesNotExist:
            return False
    return found["status"] in ("RUNNING", "PENDING_REDRIVE")


def _noted(account: Account, record: dict[str, Any], by: str, at: str, state: str) -> bool:
    """Note who has it taken back; False where somebody was quicker, or a runbook has begun."""
    client = account.dynamodb
    seen = record.get("undo_asked_at")
    with calling(f"incident {record['incident_id']} could not be written: nothing is taken back"):
        try:
            client.update_item(
                TableName=account.incidents_table,
                Key={name: {"S": str(record[name])} for name in ("incident_id", "timestamp")},
                UpdateExpression="SET undo_asked_by = :by, undo_asked_at = :at, "
                "undo_asked_of = :of",
                ConditionExpression="(attribute_not_exists(undo_asked_of) OR undo_asked_of <> :of"
                + (" OR undo_asked_at = :seen" if seen else "")
                + ") AND (#status = :resolved OR (#status = :escalated AND "
                "(attribute_not_exists(in_flight) OR in_flight = abandoned)))",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":by": {"S": by},
                    ":at": {"S": at},
                    ":of": {"S": state},
                    ":resolved": {"S": "resolved"},
                    ":escalated": {"S": "escalated"},
                    **({":seen": {"S": str(seen)}} if seen else {}),
                },
            )
        except client.exceptions.ConditionalCheckFailedException:
            return False
    return True


def wait(
    states: SFNClient,
    execution: str,
    seconds: float,
    pause: Callable[[float], None] = time.sleep,
) -> str:
    """Wait until all is taken back.

    Returns
    -------
    str
        Empty, or what could not be taken back and why; a human has been called then.

    Raises
    ------
    CommandFailed
        It has not ended in time, or was stopped.
    """
    deadline = time.monotonic() + seconds
    while True:
        with calling("whether it is taken back could not be told"):
            found = states.describe_execution(executionArn=execution)
        if found["status"] == "SUCCEEDED":
            failure = json.loads(found["output"]).get("failure") or {}
            return str(failure.get("text") or "")
        if found["status"] != "RUNNING" or time.monotonic() > deadline:
            raise CommandFailed(
                f"taking it back is {found['status'].lower()} after {seconds:g} seconds",
                f"'aws stepfunctions describe-execution --execution-arn {execution}' says how far "
                "it has come",
            )
        pause(_POLL_SECONDS)
