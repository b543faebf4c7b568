"""Answer a runbook that waits for a human.

The token of the waiting task stands in the incident's record. Whose answer Step Functions takes
first counts; the record then says who it was, so that a second engineer sees it.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from srectl.errors import CommandFailed
from srectl.operate import incidents
from srectl.operate.refusals import calling

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_stepfunctions import SFNClient

_LIMIT = 1000


@dataclass(frozen=True)
class Question:
    """What a runbook asks.

    Attributes
    ----------
    plan
        What it would change: maps with kind, name, field, from and to.
    """

    incident: dict[str, Any]
    token: str
    runbook: str
    requested_at: str
    plan: list[dict[str, Any]]


def question(client: DynamoDBClient, table: str, incident_id: str) -> Question:
    """Find what is asked about an incident.

    Raises
    ------
    CommandFailed
        There is no such incident, or nothing waits for approval.
    """
    incident = incidents.read(client, table, incident_id)
    approval = incident.get("approval") or {}
    show = f"'srectl incidents show {incident_id}' tells its story"
    if approval.get("answer"):
        raise CommandFailed(
            f"incident {incident_id} was {approval['answer']} by {approval.get('answered_by')} "
            f"at {approval.get('answered_at')}",
            show,
        )
    if not approval.get("token") or incident.get("status") != "remediating":
        reason = incident.get("escalation_reason")
        raise CommandFailed(
            f"nothing waits for approval: incident {incident_id} is {incident.get('status')}"
            + (f" ({reason})" if reason else ""),
            show,
        )
    plan = approval.get("plan")
    return Question(
        incident,
        approval["token"],
        str(approval.get("runbook")),
        str(approval.get("requested_at")),
        plan if isinstance(plan, list) else [],
    )


def approve(states: SFNClient, asked: Question, by: str) -> None:
    """Let the runbook act.

    Raises
    ------
    CommandFailed
        The runbook does not wait any more, or Step Functions refused.
    """
    with _answering(states, asked):
        states.send_task_success(taskToken=asked.token, output=json.dumps({"by": by}))


def deny(states: SFNClient, asked: Question, by: str, reason: str) -> None:
    """Stop the runbook; the incident is escalated with the reason.

    Raises
    ------
    CommandFailed
        The runbook does not wait any more, or Step Functions refused.
    """
    with _answering(states, asked):
        states.send_task_failure(
            taskToken=asked.token, error="ApprovalDenied", cause=f"{by}: {reason}"[:_LIMIT]
        )


def note_answer(
    client: DynamoDBClient,
    table: str,
    asked: Question,
    answer: str,
    by: str,
    now: datetime.datetime,
) -> bool:
    """Write the answer to the record; the answer counts without it, too.

    Returns
    -------
    bool
        Whether it could be written.
    """
    try:
        client.update_item(
            TableName=table,
            Key={
                "incident_id": {"S": asked.incident["incident_id"]},
                "timestamp": {"S": asked.incident["timestamp"]},
            },
            UpdateExpression="SET approval.answer = :answer, approval.answered_by = :by, "
            "approval.answered_at = :at",
            ConditionExpression="approval.#token = :token",
            ExpressionAttributeNames={"#token": "token"},
            ExpressionAttributeValues={
                ":answer": {"S": answer},
                ":by": {"S": by},
                ":at": {"S": now.strftime("%Y-%m-%dT%H:%M:%SZ")},
                ":token": {"S": asked.token},
            },
        )
    except (BotoCoreError, ClientError):
        return False
    return True


@contextmanager
def _answering(states: SFNClient, asked: Question) -> Iterator[None]:
    """Tell an answer that came too late from other refusals."""
    incident_id = asked.incident["incident_id"]
    late = (
        states.exceptions.TaskTimedOut,
        states.exceptions.TaskDoesNotExist,
        states.exceptions.InvalidToken,
    )
    with calling(f"the answer for incident {incident_id} could not be given"):
        try:
            yield
        except late as error:
            raise CommandFailed(
                f"the answer for incident {incident_id} came too late: the runbook asked at "
                f"{asked.requested_at} and does not wait any more (timed out, or answered by "
                "somebody else)",
                f"'srectl incidents show {incident_id}' says what became of it",
            ) from error
