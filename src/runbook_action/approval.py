"""Who approved a step: proven by AWS, not claimed.

An approval is a GetCallerIdentity that the approver signed, with what was approved (incident, step,
hash of the plan) in a signed header. Whoever holds the answer of a waiting task can send it, but
only AWS says whose signature it is. What was approved is the plan's hash, which ``decided`` holds
the step to: where the plan is another one by the time of acting, it is asked again. Once an
approval was found good that is kept, because a step is asked for many times and a signature lasts a
quarter of an hour. Where a runbook wants two persons there are two signatures, of two persons. Who
denies signs that, too: a denial ends the step whoever it is of, and the name that is told is the
one that AWS says.

Who pressed a button in Slack has no credentials at hand. The function that took the button signs
for him, with his name in the statement: its role is believed where it names a person, and nowhere
else. Whoever answers so is held to ``approvers`` by that name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runbook_action.consent import (
    MOST_REASON,
    approval_of,
    denial_of,
    person_of,
    speaker_of,
    spoken_for,
)
from runbook_action.errors import ActionRefused, ApprovalDenied
from runbook_action.ports import Identities, Notes
from runbook_action.request import Request

_MOST_PROOFS = 2
_ROLE = re.compile(r"arn:[a-z-]+:sts::(\d{12}):assumed-role/([^/\s]+)/\S+")
_ACCOUNT = re.compile(r"arn:[a-z-]+:(?:iam|sts)::(\d{12}):\S+")


@dataclass(frozen=True)
class _Signer:
    """Who answered: an ARN that AWS said, or whom the chat's function named.

    Attributes
    ----------
    who
        ARN, or the name in the list of the deployment.
    told
        As it is recorded: a word of the chat is told from a signature.
    listed
        Whether the deployment lists the person as one who may answer.
    """

    who: str
    told: str
    listed: bool = False


@dataclass(frozen=True)
class Approval:
    """Asks for a good approval before a step that needs one acts.

    Parameters
    ----------
    identities
        Says whose signature it is.
    kept
        Who approved what, by the statement that was signed, where that was found good.
    account
        AWS account of the platform: nobody else's users approve unless the runbook names them.
    chat_role
        Name of the role of ``chat-actions``; empty where there is no such function, and nobody is
        spoken for.
    """

    identities: Identities
    kept: Notes
    account: str
    chat_role: str = ""

    def refuse_denied(self, request: Request) -> None:
        """Stop a step that somebody denied, whatever its runbook says by now.

        Raises
        ------
        ApprovalDenied
            It names who, or says that AWS does not know the signature.
        AwsUnavailable
            AWS does not say whose signature it is.
        """
        reason = request.approval.get("denied")
        if reason is None:
            return
        statement = denial_of(request.token, request.plan_hash, str(reason))
        try:
            who = self._signer("".join(_proofs(request)), statement).told
        except ActionRefused as error:
            who = f"Somebody whose name is not proven ({str(error).rstrip('.')})"
        raise ApprovalDenied(f"{who}: {str(reason)[:MOST_REASON]}")

    def require(self, request: Request, wanted: Mapping[str, Any]) -> str:
        """Give the ARN of who approved what was planned for a step, or both of them.

        Parameters
        ----------
        wanted
            From the published runbook: ``approvers``, patterns of ARNs with ``*`` (without them:
            anybody of the account), and ``persons``, how many (without it: one).

        Raises
        ------
        ApprovalDenied
            Nobody has approved it, or somebody who may not, or one person instead of two. No ladder
            goes on past that.
        AwsUnavailable
            AWS does not say whose signature it is.
        """
        statement = approval_of(request.token, request.plan_hash)
        known = self.kept.read(statement)
        if known:
            return known
        proofs = _proofs(request)
        if not proofs or not request.plan_hash:
            raise ApprovalDenied(
                f"step {request.step} of runbook {request.runbook} has to be approved, and "
                f"nobody's signature came with it: use this version of 'srectl approve'."
            )
        try:
            signers = [self._signer(proof, statement) for proof in proofs]
        except ActionRefused as error:
            raise ApprovalDenied(str(error)) from error
        for each in signers:
            self._refuse_others(each, wanted.get("approvers", ()), request)
        _refuse_one_for_two([each.who for each in signers], wanted.get("persons", 1), request)
        who = " and ".join(each.told for each in signers)
        self.kept.keep(statement, who)
        return who

    def _signer(self, proof: str, statement: str) -> _Signer:
        """Give whose answer it is.

        Raises
        ------
        ActionRefused
            AWS does not know the signature, somebody speaks for another, or the chat's function
            for nobody.
        """
        user, person, query = speaker_of(proof)
        arn = self.identities.signer(
            query, spoken_for(statement, user, person) if user else statement
        )
        found = _ROLE.fullmatch(arn)
        chat = bool(found and self.chat_role and found.groups() == (self.account, self.chat_role))
        if chat != bool(user):
            raise ActionRefused(
                f"{arn} may speak for nobody but itself."
                if user
                else f"{arn} answers for people only, and the answer names none."
            )
        return (
            _Signer(person, f"{person} (in Slack, as {user})", True) if user else _Signer(arn, arn)
        )

    def _refuse_others(self, signer: _Signer, approvers: Sequence[str], request: Request) -> None:
        who = signer.who
        found = _ACCOUNT.fullmatch(who)
        own = signer.listed or (found is not None and found[1] == self.account)
        if any(_pattern(each).fullmatch(who) for each in approvers) or (own and not approvers):
            return
        named = ", ".join(approvers) or f"anybody of account {self.account}"
        raise ApprovalDenied(f"{who} may not approve runbook {request.runbook}: that may {named}.")


def _proofs(request: Request) -> list[str]:
    """Give the signatures that came with a request; none if they are no list of a few."""
    given = request.approval.get("proofs")
    if not isinstance(given, list) or len(given) > _MOST_PROOFS:
        return []
    return given if all(isinstance(each, str) for each in given) else []


def _refuse_one_for_two(signers: Sequence[str], wanted: int, request: Request) -> None:
    persons = {person_of(each) for each in signers}
    if len(persons) < wanted:
        twice = len(signers) >= wanted
        raise ApprovalDenied(
            f"runbook {request.runbook} has to be approved by {wanted} persons, and "
            f"{' and '.join(signers)} {'are one' if twice else 'is only one'}: a session of a role "
            f"is told from another only where IAM Identity Center names it."
        )


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in text.split("*")))
