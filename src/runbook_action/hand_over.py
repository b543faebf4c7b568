"""Operation ``hand_over``: what a step holds goes to whoever acts on the same alert after it.

It comes in place of ``undo`` where an alert fires again before its change was brought back: then
the change is needed, and who brings it back is the remediation of the later incident. Without this
the earlier one, which is over, would have kept it.
"""

from __future__ import annotations

from runbook_action.actions.base import Action, Holds
from runbook_action.outcome import Outcome
from runbook_action.ports import Services
from runbook_action.request import Request


def hand_over(action: Action, request: Request, services: Services) -> Outcome:
    """Hand over every part that a step has in a lease; the target stays as it is.

    Raises
    ------
    RunbookActionError
        If the target or a lease could not be read, or a lease not be written.
    """
    holdings = action.holdings(request, services) if isinstance(action, Holds) else ()
    handed = [each.hand_over() for each in holdings]
    if True not in handed:
        return Outcome("unchanged", f"{request.target} is not held for this incident.")
    return Outcome(
        "unchanged",
        f"{request.target} stays as it is, because its alert fires again: whoever acts on that "
        f"brings back what was before.",
    )
