"""Answer a runbook that waits for a human, or for two.

The token of the waiting task stands in the incident's record. Whose answer Step Functions takes
first counts; the record then says who it was, so that a second engineer sees it. Where two persons
have to approve, the first one's signature waits in the record, and the second answers with both. A
denial is an answer, too: the platform asks AWS whose it is, and does nothing.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from srectl.consent import approval_of, denial_of, person_of
from srectl.errors import CommandFailed
from srectl.operate import incidents
from srectl.operate.refusals import calling
from srectl.operate.signatures import Signature, usable_until
from srectl.operate.unanswered import unanswered

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_stepfunctions import SFNClient

#: So much of why it waits for nobody stands in a refusal, in characters.
_MOST_REASON = 200


@dataclass(frozen=True)
class Question:
    """What a runbook asks.

    Attributes
    ----------
    plan
        What it would change: maps with kind, name, field, from and to.
    persons
        How many have to approve.
    first
        Signature of who approved already, where two have to.
    before
        How often it was answered before: each time the plan had changed by the time of acting.
    is_readable
        Whether the record's plan can be read; nobody approves what cannot be shown.
    """

    incident: dict[str, Any]
    token: str
    runbook: str
    requested_at: str
    plan: list[dict[str, Any]]
    step: int = 1
    plan_hash: str = ""
    persons: int = 1
    first: Signature | None = None
    before: int = 0
    is_readable: bool = True

    @property
    def statement(self) -> str:
        """What an approver signs."""
        return approval_of(self._token, self.plan_hash)

    def denial(self, reason: str) -> str:
        """Give what is signed by who denies it."""
        return denial_of(self._token, self.plan_hash, reason)

    @property
    def _token(self) -> str:
        return f"{self.incident['incident_id']}/{self.step}"


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
    if not unanswered(incident) or not incidents.at_work(incident):
        # Of one that is over it is an old story, and show has all of it.
        escalated = incident.get("status") == "escalated"
        reason = str(incident.get("escalation_reason") or "") if escalated else ""
        reason = reason if len(reason) <= _MOST_REASON else f"{reason[: _MOST_REASON - 1]}…"
        leads = incident.get("attached_to")
        if leads and incidents.at_work(incident):
            raise CommandFailed(
                f"nothing waits for approval: incident {incident_id} follows the remediation of "
                f"incident {leads}",
                f"if that asks, 'srectl approve {leads}' answers it; {show}",
            )
        raise CommandFailed(
            f"nothing waits for approval: incident {incident_id} is {incident.get('status')}"
            + (f" ({reason})" if reason else ""),
            show,
        )
    plan = plan_of(approval.get("plan"))
    return Question(
        incident,
        approval["token"],
        str(approval.get("runbook")),
        str(approval.get("requested_at")),
        plan or [],
        int(approval.get("step") or 1),
        str(approval.get("plan_hash") or ""),
        int(approval.get("persons") or 1),
        Signature(**approval["first"]) if approval.get("first") else None,
        int(approval.get("asked_before") or 0),
        plan is not None,
    )


def plan_of(plan: Any) -> list[dict[str, Any]] | None:
    """Give the changes that a question is about; None where they cannot be read, or not all."""
    if not isinstance(plan, list) or not all(isinstance(each, dict) for each in plan):
        return None
    return plan


def has_to_wait(asked: Question, by: str, now: datetime.datetime) -> bool:
    """Tell whether an approval is the first of two, which waits for another person's.

    Parameters
    ----------
    by
        ARN of who approves.

    Raises
    ------
    CommandFailed
        The same person has approved it already.
    """
    if asked.persons < 2 or asked.first is None or usable_until(asked.first) <= now:
        return asked.persons > 1
    if person_of(asked.first.by) == person_of(by):
        same = "" if asked.first.by == by else f" (as {asked.first.by}, who is the same person)"
        raise CommandFailed(
            f"{by} has approved it already, at {asked.first.at}{same}: it takes two persons",
            f"another one has to type 'srectl approve {asked.incident['incident_id']}'",
        )
    return False


def keep_first(client: DynamoDBClient, table: str, asked: Question, mine: Signature) -> None:
    """Write the first of two signatures to the record, in place of one that has run out.

    Raises
    ------
    CommandFailed
        Somebody was quicker, or it could not be written.
    """
    incident_id = asked.incident["incident_id"]
    names = {"#token": "token", "#first": "first", **({"#at": "at"} if asked.first else {})}
    there = "attribute_not_exists(approval.#first)"
    with calling(f"the approval of incident {incident_id} could not be written"):
        try:
            client.update_item(
                TableName=table,
                Key=_key(asked),
                UpdateExpression="SET approval.#first = :mine",
                ConditionExpression="approval.#token = :token AND "
                "attribute_not_exists(approval.answer) AND "
                + ("approval.#first.#at = :old" if asked.first else there),
                ExpressionAttributeNames=names,
                ExpressionAttributeValues={
                    ":token": {"S": asked.token},
                    ":mine": {"M": {name: {"S": text} for name, text in vars(mine).items()}},
                    **({":old": {"S": asked.first.at}} if asked.first else {}),
                },
            )
        except client.exceptions.ConditionalCheckFailedException:
            raise CommandFailed(
                f"somebody else has just answered for incident {incident_id}",
                f"'srectl approve {incident_id}' again shows how it stands",
            ) from None


def approve(states: SFNClient, asked: Question, proofs: Sequence[str]) -> None:
    """Let the runbook act.

    Parameters
    ----------
    proofs
        Signatures of the question's statement, of as many persons as have to approve: by them the
        platform knows who they are.

    Raises
    ------
    CommandFailed
        The runbook does not wait any more, or Step Functions refused.
    """
    _answer(states, asked, {"proofs": list(proofs)})


def deny(states: SFNClient, asked: Question, reason: str, proof: str) -> None:
    """Stop the runbook; the incident is escalated with the reason, and names who.

    Parameters
    ----------
    proof
        Signature of the question's denial for this reason.

    Raises
    ------
    CommandFailed
        The runbook does not wait any more, or Step Functions refused.
    """
    _answer(states, asked, {"denied": reason, "proofs": [proof]})


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
            Key=_key(asked),
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


def _key(asked: Question) -> dict[str, Any]:
    return {name: {"S": asked.incident[name]} for name in ("incident_id", "timestamp")}


def _answer(states: SFNClient, asked: Question, answer: dict[str, Any]) -> None:
    """Send an answer; one that came too late is told from other refusals."""
    incident_id = asked.incident["incident_id"]
    late = (
        states.exceptions.TaskTimedOut,
        states.exceptions.TaskDoesNotExist,
        states.exceptions.InvalidToken,
    )
    with calling(f"the answer for incident {incident_id} could not be given"):
        try:
            states.send_task_success(taskToken=asked.token, output=json.dumps(answer))
        except late as error:
            raise CommandFailed(
                f"the answer for incident {incident_id} came too late: the runbook asked at "
                f"{asked.requested_at} and does not wait any more (timed out, or answered by "
                "somebody else)",
                f"'srectl incidents show {incident_id}' says what became of it",
            ) from error
