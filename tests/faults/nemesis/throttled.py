"""Throttled: a function has no place left, and Lambda answers TooManyRequests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.faults.ground import Ground

__all__ = ["FAULTS", "Throttled"]


@dataclass
class Throttled:
    """A function's reserved concurrency is none for a while."""

    name: str
    function: str
    stages: Sequence[str]
    seconds: float = 6.0
    _before: int | None = field(default=None, init=False)

    def apply(self, ground: Ground) -> str:
        """Take all its places away."""
        functions = ground.client("lambda")
        found = functions.get_function_concurrency(FunctionName=self.function)
        self._before = found.get("ReservedConcurrentExecutions")
        functions.put_function_concurrency(
            FunctionName=self.function, ReservedConcurrentExecutions=0
        )
        return f"{self.function} may run nowhere"

    def heal(self, ground: Ground) -> None:
        """Give them back."""
        if self._before is not None:
            ground.client("lambda").put_function_concurrency(
                FunctionName=self.function, ReservedConcurrentExecutions=self._before
            )
            self._before = None


FAULTS = (
    Throttled("throttled-intake", "alert-ingest", ("intake",)),
    Throttled("throttled-action", "runbook-action", ("guard", "act", "verify", "undo", "restore")),
)
