"""What a plan decided is what is done.

Between a plan and its execution a human may be asked, and people and controllers go on working: the
locks keep other incidents away, not them. So ``plan`` answers a hash of what it decided, which
comes back with each ``execute``. As long as the step has not begun it is planned again here, and
its conditions are judged again: where anything has become another, nothing is done.
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
from runbook_action.outcome import Outcome
from runbook_action.ports import Services
from runbook_action.request import Request

# The moment of a restart is of no interest to who approves it, and another one each time.
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def plan_hash(planned: Outcome) -> str:
    """Give the hash of a plan: what was shown, and what its undo would need. Times do not count."""
    undo = planned.undo and [planned.undo.action, dict(planned.undo.parameters)]
    decided: Any = [planned.summary, [each.to_json() for each in planned.plan], undo]
    text = json.dumps(decided, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(_TIME.sub("", text).encode()).hexdigest()


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
        decides and acts.
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
    if now.why_not or (request.plan_hash and request.plan_hash != plan_hash(now)):
        raise PlanChanged(
            f"{request.target} has changed since this step was planned, so nothing was done. By "
            f"now the plan is: {now.summary}"
        )
