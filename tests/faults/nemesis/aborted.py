"""Aborted: somebody stops executions that are under way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.ground import Ground

__all__ = ["FAULTS", "Aborted"]

_MOST = 2


@dataclass
class Aborted:
    """Running executions of a machine are stopped."""

    name: str
    machine: str
    stages: Sequence[str]
    seconds: float = 1.0

    def apply(self, ground: Ground) -> str:
        """Stop the newest ones."""
        found = sorted(ground.running(self.machine), key=lambda one: one["startDate"])[-_MOST:]
        for one in found:
            ground.client("stepfunctions").stop_execution(
                executionArn=one["executionArn"], error="Faults", cause="a campaign of faults"
            )
        return f"stopped of {self.machine}: {', '.join(one['name'] for one in found) or 'none'}"

    def heal(self, ground: Ground) -> None:
        """Nothing to take back."""


FAULTS = (
    Aborted("runbook-aborted", "IncidentResponseRunbook", ("claim", "act", "verify")),
    Aborted("step-aborted", "RemediationStep", ("act", "undo", "restore")),
)
