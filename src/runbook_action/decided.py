"""What a plan decided is what is done.

Between a plan and its execution a human may be asked, and people and controllers go on working: the
locks keep other incidents away, not them. So ``plan`` answers a hash of what it decided, which
comes back with each ``execute``. As long as the step has not begun it is planned again here, and
its conditions are judged again: where anything has become another, nothing is done.

What moves towards the plan by itself makes no other one of it: the control plane deletes the pods
of a dead node while a human is asked whether to evict them. So the lines of a plan that may fall
away (``Change.falls_away_with``) are its parts, which come back with the hash: what was approved is
the most that may be done. A line more is another plan, and so is one for another.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any

from runbook_action.actions.base import Action
from runbook_action.errors import PlanChanged
from runbook_action.facts import plan_if_it_applies
from runbook_action.objects import KubernetesObject
from runbook_action.outcome import Change, Outcome
from runbook_action.ports import Services
from runbook_action.request import PART_DIGITS, Request

# The moment of a restart is of no interest to who approves it, and another one each time.
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def plan_hash(planned: Outcome) -> str:
    """Give the hash of a plan: what was shown, and what its undo would need. Times do not count."""
    return _hash_with(planned, plan_parts(planned))


def plan_parts(planned: Outcome) -> tuple[str, ...]:
    """Give a fingerprint of each line of a plan that may fall away; of most plans none may."""
    lines = [[each.falls_away_with, each.to_json()] for each in planned.plan if _may_go(each)]
    return tuple(sorted(_digest(line)[:PART_DIGITS] for line in lines))


def _may_go(change: Change) -> bool:
    return bool(change.falls_away_with)


def _hash_with(planned: Outcome, parts: Sequence[str]) -> str:
    """Give the hash of what is bound of a plan together with such parts.

    The summary counts what would be done, so where that may become less it is not bound.
    """
    undo = planned.undo and [planned.undo.action, dict(planned.undo.parameters)]
    bound = [each.to_json() for each in planned.plan if not _may_go(each)]
    return _digest([list(parts) or planned.summary, bound, undo])


def _digest(decided: Any) -> str:
    text = json.dumps(decided, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(_TIME.sub("", text).encode()).hexdigest()


def _is_within(now: Outcome, request: Request) -> bool:
    """Whether a plan of this moment does what was planned, or less."""
    given = request.plan_parts
    if not given:
        return request.plan_hash == plan_hash(now)
    return {*plan_parts(now)} <= {*given} and request.plan_hash == _hash_with(now, given)


def refuse_if_plan_changed(
    action: Action,
    request: Request,
    services: Services,
    changed: Sequence[KubernetesObject] = (),
) -> None:
    """Stop a step that has not begun where it would do something else than was planned.

    Parameters
    ----------
    request
        Its ``when`` have to hold still. Without ``plan_hash`` nothing was planned: its one call
        decides and acts. Without ``plan_parts`` the plan has to be the very same.
    changed
        As for ``facts.plan_if_it_applies``.

    Raises
    ------
    PlanChanged
        The message says what would be done now.
    RunbookActionError
        Whatever a plan raises: it is refused, say.
    """
    if not request.plan_hash and not request.when:
        return
    now = plan_if_it_applies(action, request, services, changed)
    if now.why_not or (request.plan_hash and not _is_within(now, request)):
        raise PlanChanged(
            f"{request.target} has changed since this step was planned, so nothing was done. By "
            f"now the plan is: {now.summary}"
        )
