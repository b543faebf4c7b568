"""Answer a runbook's question with one's own AWS credentials: sign, send, and note who it was."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from srectl.consent import MOST_REASON
from srectl.errors import CommandFailed
from srectl.operate import approvals, reasons
from srectl.operate.account import Account
from srectl.operate.approvals import Question
from srectl.operate.signatures import Signature, signed, usable_until

__all__ = ["Answer", "approve", "deny"]


@dataclass(frozen=True)
class Answer:
    """What was answered.

    Attributes
    ----------
    by
        Whose answer it is; of two persons both.
    noted
        Whether it stands in the record; it counts without that, too.
    waits_until
        Where it is the first of two: until when the second person has time; else None.
    """

    by: str
    noted: bool = True
    waits_until: datetime.datetime | None = None


def approve(account: Account, asked: Question, at: datetime.datetime) -> Answer:
    """Approve what a runbook asks; the first of two persons' answer waits in the record.

    Parameters
    ----------
    asked
        The question as it was shown: its plan is what is signed.
    at
        When.

    Raises
    ------
    CommandFailed
        Its plan cannot be read, the same person has approved it already, it is not asked any more,
        or AWS refused.
    """
    if not asked.is_readable:
        raise CommandFailed(
            f"the plan of runbook {asked.runbook} cannot be read in the record, so nobody can tell "
            "what would be approved",
            f"'srectl deny {asked.incident['incident_id']} --reason TEXT' keeps it from acting; "
            "unanswered it does nothing either",
        )
    by = account.caller
    waits = approvals.has_to_wait(asked, by, at)
    mine = Signature(by, signed(account.session, asked.statement), f"{at:%Y-%m-%dT%H:%M:%SZ}")
    if waits:
        approvals.keep_first(account.dynamodb, account.incidents_table, asked, mine)
        return Answer(by, waits_until=usable_until(mine))
    given = [mine] if asked.first is None or asked.persons == 1 else [asked.first, mine]
    approvals.approve(account.states, asked, [each.proof for each in given])
    names = " and ".join(each.by for each in given)
    return Answer(names, _noted(account, asked, "approved", names, at))


def deny(account: Account, asked: Question, reason: str, at: datetime.datetime) -> Answer:
    """Deny what a runbook asks; the incident is escalated with the reason.

    Raises
    ------
    CommandFailed
        No reason is given, it is not asked any more, or AWS refused.
    """
    reason = reasons.kept(reason, MOST_REASON)
    if not reason:
        raise CommandFailed("a denial needs a reason", "it is part of the escalation")
    by = account.caller
    approvals.deny(account.states, asked, reason, signed(account.session, asked.denial(reason)))
    return Answer(by, _noted(account, asked, "denied", by, at))


def _noted(account: Account, asked: Question, answer: str, by: str, at: datetime.datetime) -> bool:
    return approvals.note_answer(account.dynamodb, account.incidents_table, asked, answer, by, at)
