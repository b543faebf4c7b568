"""What a runbook asks about an incident, as its record says it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from chat_actions.consent import GOOD_FOR_SECONDS, approval_of, denial_of
from chat_actions.errors import Refused
from chat_actions.ports import Record
from chat_actions.unanswered import unanswered

# What is left of a first signature's time while the platform asks AWS.
_MARGIN_SECONDS = 60


@dataclass(frozen=True)
class Question:
    """A plan that waits for a human.

    Attributes
    ----------
    token
        Of the waiting task.
    until
        When nobody waits for an answer any more; empty where the record does not say it.
    step, plan_hash
        What is asked.
    plan
        What would change: maps with kind, name, field, from and to. None where the record holds
        something else, of which nobody can say what it would change.
    persons
        How many have to approve.
    first
        ``by``, ``proof`` and ``at`` of who approved already, where two have to; empty without.
    """

    token: str
    runbook: str
    requested_at: str
    until: str
    step: int
    plan_hash: str
    plan: list[dict[str, Any]] | None
    persons: int
    first: dict[str, str]
    incident_id: str

    @property
    def approval(self) -> str:
        """What an approver states."""
        return approval_of(f"{self.incident_id}/{self.step}", self.plan_hash)

    def denial(self, reason: str) -> str:
        """Give what is stated by who denies it."""
        return denial_of(f"{self.incident_id}/{self.step}", self.plan_hash, reason)

    def first_counts(self, now: datetime.datetime) -> bool:
        """Tell whether the first of two answers is still good."""
        if not self.first:
            return False
        lasts = datetime.timedelta(seconds=GOOD_FOR_SECONDS - _MARGIN_SECONDS)
        return datetime.datetime.fromisoformat(self.first["at"]) + lasts > now


def at_work(record: Record) -> bool:
    """Say whether a runbook works on an incident at the moment."""
    at_it = record.get("in_flight")
    return record.get("status") == "remediating" or (
        record.get("status") == "escalated"
        and at_it is not None
        and at_it != record.get("abandoned")
    )


def pending(record: Record) -> Question | None:
    """Give what waits for a human; None where nothing does."""
    approval = unanswered(record)
    if not approval or not approval.get("token") or not at_work(record):
        return None
    plan = approval.get("plan")
    return Question(
        str(approval["token"]),
        str(approval.get("runbook")),
        str(approval.get("requested_at")),
        str(approval.get("until") or ""),
        int(approval.get("step") or 1),
        str(approval.get("plan_hash") or ""),
        plan if isinstance(plan, list) and all(isinstance(e, dict) for e in plan) else None,
        int(approval.get("persons") or 1),
        dict(approval.get("first") or {}),
        str(record["incident_id"]),
    )


def asked(record: Record) -> Question:
    """Give what waits for a human.

    Raises
    ------
    Refused
        Nothing does; it says what became of it.
    """
    found = pending(record)
    if found:
        return found
    approval = record.get("approval") or {}
    if approval.get("answer"):
        raise Refused(
            f"It was {approval['answer']} already, by {approval.get('answered_by')} at "
            f"{approval.get('answered_at')}."
        )
    by = _taken_from(record)
    if by:
        raise Refused(f"It was answered already, by {by}.")
    unused = record.get("escalation_code") == "approval-timeout"
    raise Refused(
        "Nothing waits for an answer any more: the incident is "
        f"{record.get('status', 'not on record')}. "
        + ("Nobody answered in time." if unused else "The card shows what was done.")
    )


def _taken_from(record: Record) -> str:
    """Say whose answer the runbook has used, where whoever gave it could not note that."""
    approval = record.get("approval") or {}
    if record.get("escalation_code") == "approval-denied":
        return f"somebody who denied it ({record.get('escalation_reason')})"
    for action in record.get("actions_taken") or []:
        asked_for = str(action.get("started_at")) >= str(approval.get("requested_at"))
        if action.get("operation") == "execute" and action.get("approved_by") and asked_for:
            return str(action["approved_by"])
    return ""
