"""Taking back by hand what a runbook did, or had in hand when it was stopped.

`incident-restorer` does it: it takes the same locks, undoes newest first by the marks on the
targets, and reports to the record. Nothing is done that the platform would not do itself.
"""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from srectl.errors import CommandFailed
from srectl.operate.incidents import at_work, read
from srectl.operate.leftovers import left, request_of
from srectl.operate.refusals import calling

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_stepfunctions import SFNClient

_POLL_SECONDS = 2.0


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


def start(
    states: SFNClient,
    dynamodb: DynamoDBClient,
    table: str,
    restorer: str,
    incident_id: str,
    now: datetime.datetime,
) -> tuple[str, list[dict[str, Any]]]:
    """Let all be taken back that an incident's runbook left.

    Parameters
    ----------
    table
        Name of the incident table.
    restorer
        ARN of the state machine ``incident-restorer``.

    Returns
    -------
    tuple
        ARN of its execution, and what it takes back, newest first.

    Raises
    ------
    CommandFailed
        There is no such incident, its runbook works on it, nothing is left, or AWS refused.
    """
    incident = read(dynamodb, table, incident_id)
    given = asked(incident)
    with calling(f"what incident {incident_id} left could not be taken back"):
        execution = states.start_execution(
            stateMachineArn=restorer,
            name=f"{incident_id}-undo-{int(now.timestamp())}",
            input=json.dumps(given),
        )["executionArn"]
    return execution, given["stack"][::-1]


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
