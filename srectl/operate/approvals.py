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

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, ClientError

from srectl.errors import CommandFailed
from srectl.operate import incidents
from srectl.operate.refusals import calling

if TYPE_CHECKING:
    from boto3.session import Session
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
    step: int = 1
    plan_hash: str = ""

    @property
    def statement(self) -> str:
        """What an approver signs: the incident, the step and the hash of the plan."""
        return f"{self.incident['incident_id']}/{self.step}/{self.plan_hash}"


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
        int(approval.get("step") or 1),
        str(approval.get("plan_hash") or ""),
    )


def signed(session: Session, asked: Question) -> str:
    """Sign what is approved with the approver's own credentials.

    Returns
    -------
    str
        Query of a GetCallerIdentity for the regional STS, good for 15 minutes. It says who signed
        it and lets nobody do anything else.

    Raises
    ------
    CommandFailed
        There are no credentials to sign with.
    """
    credentials, region = session.get_credentials(), session.region_name
    if credentials is None or region is None:
        raise CommandFailed(
            "an approval has to be signed, and there are no credentials of AWS or no region",
            "'aws sts get-caller-identity' says whether there are",
        )
    host = f"sts.{region}.amazonaws.com" + (".cn" if region.startswith("cn-") else "")
    request = AWSRequest(
        method="GET",
        url=f"https://{host}/?Action=GetCallerIdentity&Version=2011-06-15",
        headers={"x-sre-approval": asked.statement},
    )
    SigV4QueryAuth(credentials.get_frozen_credentials(), "sts", region, expires=900).add_auth(
        request
    )
    return str(request.url).partition("?")[2]


def approve(states: SFNClient, asked: Question, by: str, proof: str) -> None:
    """Let the runbook act.

    Parameters
    ----------
    proof
        Of ``signed``: by it the platform knows who approves.

    Raises
    ------
    CommandFailed
        The runbook does not wait any more, or Step Functions refused.
    """
    with _answering(states, asked):
        states.send_task_success(
            taskToken=asked.token, output=json.dumps({"by": by, "proof": proof})
        )


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
