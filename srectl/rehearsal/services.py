"""What an action may use besides the cluster, in memory: time, parameters, leases."""

from __future__ import annotations

from datetime import datetime, timedelta

__all__ = ["MemoryParameters", "StandingClock"]


class StandingClock:
    """A time that moves only when somebody waits; each call begins with a minute to spend.

    Parameters
    ----------
    at
        The time of the rehearsal, in UTC.
    """

    seconds = 60.0

    def __init__(self, at: datetime) -> None:
        self._now = at
        self._left = self.seconds

    def next_call(self) -> None:
        """Begin another call of the function."""
        self._left = self.seconds

    def now(self) -> datetime:
        """The time."""
        return self._now

    def remaining(self) -> float:
        """Seconds left of this call."""
        return self._left

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
        self._left -= seconds


class MemoryParameters:
    """A parameter store.

    Parameters
    ----------
    values
        Name → value at the beginning.
    """

    def __init__(self, values: dict[str, str]) -> None:
        self.values = dict(values)

    def get(self, name: str) -> str | None:
        """Value of a parameter, or None."""
        return self.values.get(name)

    def put(self, name: str, value: str) -> None:
        """Write a parameter."""
        self.values[name] = value
