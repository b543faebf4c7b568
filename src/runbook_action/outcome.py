"""What a step of a runbook answers to the state machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from runbook_action.request import Request

Status = Literal["succeeded", "in_progress", "unhealthy", "planned", "unchanged"]


@dataclass(frozen=True)
class Change:
    """One line of a plan: a field of an object, before and after.

    Attributes
    ----------
    falls_away_with
        Identity of what may go by itself before the plan is carried out: the plan is no other one
        without this line then, for it does less. Empty where the line is bound.
    """

    kind: str
    name: str
    field: str
    before: Any
    after: Any
    falls_away_with: str = ""

    def to_json(self) -> dict[str, Any]:
        """The change as it stands in the output and in the audit trail."""
        return {
            "kind": self.kind,
            "name": self.name,
            "field": self.field,
            "from": self.before,
            "to": self.after,
        }


@dataclass(frozen=True)
class Undo:
    """What operation ``undo`` of the same action must be given to take the change back."""

    action: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """Result of one operation.

    Attributes
    ----------
    status
        ``in_progress`` means: ask the same again after a wait, it is safe.
    summary
        One plain sentence for a human.
    changed
        Whether this very call changed anything.
    details
        Small facts for the audit trail; JSON-able.
    plan
        What would change (``plan``) or what was changed (``execute``, ``undo``).
    undo
        What taking the change back needs, or None where nothing can be taken back.
    healthy
        Verdict of ``verify``; None from every other operation.
    facts
        What ``plan`` knows of the target, by the names that a runbook's ``when`` uses.
    why_not
        Why the step is not for this moment; empty where it applies.
    """

    status: Status
    summary: str
    changed: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)
    plan: Sequence[Change] = ()
    undo: Undo | None = None
    healthy: bool | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    why_not: str = ""

    def to_json(self, request: Request) -> dict[str, Any]:
        """The function's output: every key is always there."""
        return {
            "status": self.status,
            "action": request.action,
            "operation": request.operation,
            "target": request.target.to_json(),
            "incident_id": request.incident_id,
            "step": request.step,
            "action_id": request.action_id,
            "changed": self.changed,
            "summary": self.summary,
            "details": dict(self.details),
            "plan": [change.to_json() for change in self.plan],
            "undo": (
                {"action": self.undo.action, "parameters": dict(self.undo.parameters)}
                if self.undo
                else None
            ),
            "healthy": self.healthy,
            "facts": dict(self.facts),
            "applies": not self.why_not,
            "why_not": self.why_not,
        }
