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
from srectl.operate.incidents import at_work, opened, read
from srectl.operate.refusals import calling

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_stepfunctions import SFNClient

_POLL_SECONDS = 2.0
_TAKEN_BACK = ("undo", "restore")


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


def left(incident: dict[str, Any]) -> list[dict[str, Any]]:
    """Find what may still be as a runbook left it, newest first.

    A step that is not on record as done may have been stopped half-way: it is in the list, too, and
    undone by what it marked, if it came to that.

    Parameters
    ----------
    incident
        The record, as `srectl.operate.incidents.read` gives it.

    Returns
    -------
    list of dict
        ``step`` as the runbook resolved it, and ``undo``, what is known of how to take it back.
    """
    in_hand = opened(incident.get("in_hand"))
    steps = in_hand.get("steps", []) if isinstance(in_hand, dict) else []
    undo: dict[int, Any] = {}
    back: set[int] = set()
    for action in incident.get("actions_taken") or []:
        step, result = action.get("step"), action.get("result")
        index = int(step.get("index", 0)) if isinstance(step, dict) else 0
        done = action.get("status") in ("succeeded", "skipped")
        if action.get("operation") == "execute" and isinstance(result, dict):
            undo[index] = result.get("undo")
        elif action.get("operation") in _TAKEN_BACK and done and not _is_handed_over(result):
            back.add(index)
    return [
        {"step": step, "undo": undo.get(int(step["index"]))}
        for step in reversed(steps)
        if "index" in step and int(step["index"]) not in back
    ]


def _is_handed_over(result: object) -> bool:
    """Tell what was left as it is for the next remediation, which perhaps never came."""
    return isinstance(result, dict) and result.get("handed_over") is True


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
    stack = left(incident)
    if not stack:
        raise CommandFailed(f"nothing is left to be taken back of incident {incident_id}", show)
    in_hand = opened(incident["in_hand"])
    target = incident.get("target") or {}
    place = "/".join(str(target[key]) for key in ("namespace", "name") if target.get(key))
    return {
        "detail": {
            "metadata": {"correlation_id": str(incident.get("correlation_id"))},
            "data": {
                **{
                    name: incident.get(name)
                    for name in (
                        "incident_id",
                        "sender",
                        "sender_name",
                        "fingerprint",
                        "alert_name",
                        "severity",
                    )
                },
                "summary": incident.get("summary"),
                "target": target,
                "links": incident.get("links") or {},
                "wakes": incident.get("wakes") is not False,
            },
        },
        "timestamp": incident["timestamp"],
        "display": {
            "name": str(incident.get("alert_name")),
            "place": place,
            "where": f" on {place}" if place else "",
            "summary": str(incident.get("summary")),
            "links": [],
        },
        "runbook": {
            "name": in_hand.get("runbook"),
            "restore": {"after_seconds": 1, "watch_seconds": 1},
        },
        "of": in_hand.get("of", len(stack)),
        "locks": in_hand.get("locks", []),
        # Oldest first: it is the restorer that goes from the newest on.
        "stack": stack[::-1],
    }


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
