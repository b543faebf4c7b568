"""Time, as Lambda grants it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class LambdaContext(Protocol):
    """What is used of Lambda's context object."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends this invocation."""


class SystemClock:
    """Wall clock, and the time that Lambda leaves this invocation.

    Parameters
    ----------
    context
        Lambda's context object.
    margin_seconds
        Kept back for the calls after the last wait, and for the answer.
    """

    def __init__(self, context: LambdaContext, margin_seconds: float = 15.0) -> None:
        self._context = context
        self._margin = margin_seconds

    def now(self) -> datetime:
        """The time, in UTC."""
        return datetime.now(UTC)

    def remaining(self) -> float:
        """Seconds that may still be spent waiting."""
        return self._context.get_remaining_time_in_millis() / 1000 - self._margin

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
