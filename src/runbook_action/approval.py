"""Who approved a step: proven by AWS, not claimed.

An approval is a GetCallerIdentity that the approver signed, with what was approved (incident, step,
hash of the plan) in a signed header. Whoever holds the answer of a waiting task can send it, but
only AWS says whose signature it is. What was approved is the plan's hash: where the plan is
another one by the time of acting, it is asked again. Once an approval was found good that is kept,
because a step is asked for many times and a signature lasts a quarter of an hour.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runbook_action.errors import ActionRefused, PlanChanged
from runbook_action.ports import Approvals, Identities
from runbook_action.request import Request

# The moment of a restart is of no interest to who approves it, and another one each time.
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_ACCOUNT = re.compile(r"arn:[a-z-]+:(?:iam|sts)::(\d{12}):\S+")


def plan_hash(plan: Sequence[Mapping[str, Any]]) -> str:
    """Give the hash of a plan, as ``plan`` answers it; times in it do not count."""
    timeless = [
        {
            key: _TIME.sub("", value) if isinstance(value, str) else value
            for key, value in each.items()
        }
        for each in plan
    ]
    text = json.dumps(timeless, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def statement_of(request: Request, approved: str) -> str:
    """Give what an approver signs: the incident, the step and the hash of the plan."""
    return f"{request.token}/{approved}"


@dataclass(frozen=True)
class Approval:
    """Asks for a good approval before a step that needs one acts.

    Parameters
    ----------
    identities
        Says whose signature it is.
    kept
        The approvals that were found good.
    account
        AWS account of the platform: nobody else's users approve unless the runbook names them.
    """

    identities: Identities
    kept: Approvals
    account: str

    def require(
        self,
        request: Request,
        approvers: Sequence[str],
        plan: Callable[[], Sequence[Mapping[str, Any]]],
    ) -> str:
        """Give the ARN of who approved a step.

        Parameters
        ----------
        approvers
            Patterns of ARNs with ``*`` from the published runbook; empty: anybody of the account.
        plan
            Makes the plan of this moment; asked once, before the first act.

        Raises
        ------
        ActionRefused
            Nobody has approved it, or somebody who may not.
        PlanChanged
            Something else was approved than would be done now.
        AwsUnavailable
            AWS does not say whose signature it is.
        """
        known = self.kept.read(request.token)
        if known:
            return known
        proof, approved = request.approval.get("proof"), request.approval.get("plan_hash")
        if not isinstance(proof, str) or not isinstance(approved, str) or not approved:
            raise ActionRefused(
                f"step {request.step} of runbook {request.runbook} has to be approved, and "
                f"nobody's signature came with it: use this version of 'srectl approve'."
            )
        who = self.identities.signer(proof, statement_of(request, approved))
        self._refuse_others(who, approvers, request)
        if plan_hash(plan()) != approved:
            raise PlanChanged(
                f"the plan is another one than {who} approved, so nothing was done; it is asked "
                f"again."
            )
        self.kept.keep(request.token, who)
        return who

    def _refuse_others(self, who: str, approvers: Sequence[str], request: Request) -> None:
        found = _ACCOUNT.fullmatch(who)
        own = found is not None and found[1] == self.account
        if any(_pattern(each).fullmatch(who) for each in approvers) or (own and not approvers):
            return
        named = ", ".join(approvers) or f"anybody of account {self.account}"
        raise ActionRefused(f"{who} may not approve runbook {request.runbook}: that may {named}.")


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in text.split("*")))
