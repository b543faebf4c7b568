"""Taking back by hand what a runbook did, or had in hand when it was stopped.

`incident-restorer` does it: it takes the same locks, undoes newest first by the marks on the
targets, and reports to the record. Nothing is done that the platform would not do itself. Who has
asked for it stands in the record first, in the fields that the button in Slack writes, too.
"""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from srectl.errors import CommandFailed
from srectl.operate.account import Account
from srectl.operate.announcing import UNDO_ASKED, announce, stamp
from srectl.operate.incidents import at_work, plain, read
from srectl.operate.leftovers import left, request_of, state_of
from srectl.operate.moments import moment
from srectl.operate.refusals import calling
from srectl.operate.undo_attempts import (
    Standing,
    arn_of,
    has_ended,
    name_of,
    names_before,
    noting,
    standing,
)

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_POLL_SECONDS = 2.0
#: What the record's word on an attempt begins with in which nothing failed (``incident-restorer``).
WENT_WELL = ("restored", "not restored: its steps say why")


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
    """Let all be taken back that an incident's runbook left, once; note who wants it, and tell.

    Asked again while it is under way, that is the one, and the record keeps who asked first. One
    that was noted and never begun is begun; one that ended with something left, such as one that
    was stopped, is followed by another, and so is one of which the record was told nothing.

    Parameters
    ----------
    by
        Who wants it.
    shown
        What he was shown to be left, as :func:`srectl.operate.leftovers.state_of` names it.

    Raises
    ------
    CommandFailed
        There is no such incident, its runbook works on it, nothing or something else is left,
        something else is still being taken back, or AWS refused; or the bus did not take that it
        is asked for, and nothing was begun.
    """
    record = read(account.dynamodb, account.incidents_table, incident_id)
    given = asked(record)
    if state_of(record) != shown:
        raise _changed(incident_id)
    known = {name: _found(account, name) for name in names_before(record)}
    how_far = standing(record, shown, known.get(name_of(record)), now)
    if how_far is Standing.RUNNING and record.get("undo_asked_of") != shown:
        raise _under_way(record)
    if how_far is Standing.FREE:
        record = _noted(account, record, by, stamp(now), shown)
    begun = Begun(
        arn_of(account.restorer_arn, name_of(record)),
        given["stack"][::-1],
        str(record.get("undo_asked_by")),
        str(record.get("undo_asked_at")),
    )
    # Before it begins: it may be over, with nothing left to ask for, before the bus is there again.
    # Once more of what was begun before, as an older srectl told it afterwards or not at all. The
    # notifier tells it once.
    hint = "nothing more was begun; run the command again, which goes on from there"
    at = moment(begun.at) or now
    announce(account, UNDO_ASKED, record, at, hint, by=begun.by)
    if how_far not in (Standing.RUNNING, Standing.DONE):
        _begin(account, record, {**given, "ended": _ended(account, known)})
    return begun


def _ended(account: Account, known: Mapping[str, Mapping[str, Any] | None]) -> list[str]:
    return [arn_of(account.restorer_arn, name) for name, each in known.items() if has_ended(each)]


def _begin(account: Account, record: dict[str, Any], asked_for: Mapping[str, Any]) -> None:
    """Start what was noted, also by who comes second: the first may have failed to."""
    with calling(f"what incident {record['incident_id']} left could not be taken back"):
        try:
            account.states.start_execution(
                stateMachineArn=account.restorer_arn,
                name=name_of(record),
                input=json.dumps(asked_for),
            )
        except account.states.exceptions.ExecutionAlreadyExists:
            return


def _changed(incident_id: str) -> CommandFailed:
    return CommandFailed(
        f"nothing was taken back of incident {incident_id}: by now something else is left",
        f"'srectl show {incident_id}' tells what; look at it and say it again",
    )


def _under_way(record: dict[str, Any]) -> CommandFailed:
    incident_id = record["incident_id"]
    return CommandFailed(
        f"what {record.get('undo_asked_by')} has taken back of incident {incident_id} since "
        f"{record.get('undo_asked_at')} is still under way, and some of it could not be",
        f"'srectl show {incident_id}' tells each step; ask again when it has ended",
    )


def _found(account: Account, name: str) -> Mapping[str, Any] | None:
    """Give what Step Functions tells of an execution; None where there never was one."""
    states = account.states
    with calling("whether it is being taken back could not be asked"):
        try:
            return states.describe_execution(executionArn=arn_of(account.restorer_arn, name))
        except states.exceptions.ExecutionDoesNotExist:
            return None


def _noted(
    account: Account, record: dict[str, Any], by: str, at: str, shown: str
) -> dict[str, Any]:
    """Note who has it taken back; give the record as it is then, whoever was quicker."""
    client, incident_id = account.dynamodb, record["incident_id"]
    with calling(f"incident {incident_id} could not be written: nothing is taken back"):
        try:
            answer = client.update_item(
                TableName=account.incidents_table, **noting(record, by, at, shown)
            )
        except client.exceptions.ConditionalCheckFailedException:
            record = read(client, account.incidents_table, incident_id)
            asked(record)
            if state_of(record) != shown or record.get("undo_asked_of") != shown:
                raise _changed(incident_id) from None
            return record
    return plain(answer["Attributes"])


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
