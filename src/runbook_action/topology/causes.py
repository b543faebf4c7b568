"""Which of several incidents is the cause: a function of what they are, not of who comes first.

Incidents have one order: the lower level first (a node, then workloads, then what depends on
them), of a level the one whose alert began first, and for the same moment the smaller id. An
incident hangs only on one that comes before it in this order, so no two ever wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_DIGITS = 15  # of milliseconds since 1970, enough for thirty thousand years


@dataclass(frozen=True)
class Known:
    """What must be known of an incident to compare it with another. It never changes but for rank.

    Attributes
    ----------
    incident_id
        Its id.
    level
        0 for a node, 1 for a workload that depends on none, one more for each step up.
    began
        Start of its alert, in milliseconds since 1970.
    rank
        Of its severity: 3 critical, 2 warning, 1 info.
    timestamp
        The sort key of its record.
    place
        Where it is, as people read it: ``node worker-7``.
    """

    incident_id: str
    level: int
    began: int
    rank: int
    timestamp: str
    place: str

    @property
    def key(self) -> str:
        """Its place in the order; texts of equal length, so that a table can compare them."""
        return f"{self.level:03d}#{self.began:0{_DIGITS}d}#{self.incident_id}"


def may_cause(cause: Known, child: Known, window_seconds: int) -> bool:
    """Whether one may be the cause of another that names its place.

    Parameters
    ----------
    window_seconds
        By how much their alerts may have begun apart, in either direction.
    """
    apart = abs(cause.began - child.began)
    return cause.key < child.key and apart <= 1000 * window_seconds


def over_before(ended: int | None, child: Known) -> bool:
    """Whether what would be its cause was over before an incident began: then it has none in that.

    Parameters
    ----------
    ended
        When the other one ended, in milliseconds since 1970; None where that is not known, be it
        because it goes on.
    """
    return ended is not None and ended < child.began


def cause_of(child: Known, candidates: Iterable[Known], window_seconds: int) -> Known | None:
    """Give the first of those that may be its cause, None where none may."""
    found = (each for each in candidates if may_cause(each, child, window_seconds))
    return min(found, key=lambda each: each.key, default=None)
