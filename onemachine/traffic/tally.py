"""What became of the requests, second by second."""

from __future__ import annotations

import math
import threading
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["OUTCOMES", "Second", "Tally", "outcome_of"]

OUTCOMES = ("ok", "error", "rejected", "lost", "not_sent")


@dataclass(frozen=True)
class Second:
    """The requests that ended in one second.

    Attributes
    ----------
    time : float
        Its end, seconds since 1970.
    ok, error, rejected : int
        Answered with 2xx, with 5xx, with anything else.
    lost : int
        Not answered: connection refused, reset, or timed out.
    not_sent : int
        No pod was ready, or too many requests were still running.
    pods : int
        How many pods were ready at its end.
    p95_ms : float or None
        95th percentile of the time to an answer, in milliseconds.
    """

    time: float
    ok: int
    error: int
    rejected: int
    lost: int
    not_sent: int
    pods: int
    p95_ms: float | None

    @property
    def error_ratio(self) -> float | None:
        """Share of what should have been answered well and was not; None without requests."""
        total = self.ok + self.error + self.rejected + self.lost + self.not_sent
        return None if total == 0 else 1 - (self.ok + self.rejected) / total

    def as_dict(self) -> dict[str, Any]:
        """Give all of it, with the ratio."""
        return asdict(self) | {"error_ratio": self.error_ratio}


class Tally:
    """Counts outcomes; may be used from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(OUTCOMES, 0)
        self._durations: list[float] = []

    def add(self, outcome: str, seconds: float | None = None) -> None:
        """Count one request.

        Parameters
        ----------
        outcome : str
            One of :data:`OUTCOMES`.
        seconds : float, optional
            Time to its answer, if there was one.
        """
        with self._lock:
            self._counts[outcome] += 1
            if seconds is not None:
                self._durations.append(seconds)

    def close(self, time: float, pods: int) -> Second:
        """Give what was counted and begin anew."""
        with self._lock:
            counts, self._counts = self._counts, dict.fromkeys(OUTCOMES, 0)
            durations, self._durations = sorted(self._durations), []
        p95 = None
        if durations:
            p95 = round(durations[math.ceil(0.95 * len(durations)) - 1] * 1000, 1)
        return Second(time=round(time, 3), pods=pods, p95_ms=p95, **counts)


def outcome_of(status: int) -> str:
    """Name the outcome of an answer."""
    if 200 <= status < 300:
        return "ok"
    return "error" if status >= 500 else "rejected"
