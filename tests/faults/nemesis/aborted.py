"""Aborted: somebody stops executions that are under way."""

from __future__ import annotations

import contextlib
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
        """Stop the newest ones; who has ended since it was listed cannot be stopped."""
        states = ground.client("stepfunctions")
        found = sorted(ground.running(self.machine), key=lambda one: one["startDate"])[-_MOST:]
        stopped = []
        for one in found:
            with contextlib.suppress(states.exceptions.ValidationException):
                states.stop_execution(
                    executionArn=one["executionArn"], error="Faults", cause="a campaign of faults"
                )
                stopped.append(one["name"])
        return f"stopped of {self.machine}: {', '.join(stopped) or 'none'}"

    def heal(self, ground: Ground) -> None:
        """Nothing to take back."""


FAULTS = (
    Aborted("runbook-aborted", "IncidentResponseRunbook", ("claim", "act", "verify")),
    Aborted("step-aborted", "RemediationStep", ("act", "undo", "restore")),
)
