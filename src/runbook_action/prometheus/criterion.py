"""What a runbook wants to see in the data before it counts its alert as over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runbook_action.errors import InvalidRequest
from runbook_action.prometheus.promql import DEFAULT_SECONDS, IS, faults_of, seconds_of

_KEYS = frozenset({"promql", "is", "for"})


@dataclass(frozen=True)
class Criterion:
    """``verify`` of a runbook.

    Attributes
    ----------
    promql
        Whose answer is compared; empty: it is the alert's own rule that counts.
    comparison, value
        ``below``, ``above``, ``at least`` or ``at most`` a number.
    seconds
        For how long it has to hold.
    """

    promql: str = ""
    comparison: str = ""
    value: float = 0.0
    seconds: int = DEFAULT_SECONDS

    def holds(self, found: float) -> bool:
        """Compare a number; NaN compares with nothing."""
        return {
            "below": found < self.value,
            "above": found > self.value,
            "at least": found >= self.value,
            "at most": found <= self.value,
        }[self.comparison]

    def __str__(self) -> str:
        return f"{self.comparison} {self.value:g}"


def parse_criterion(value: object) -> Criterion:
    """Read ``{promql, is, for}``; None is the alert's own rule, for the usual time.

    Raises
    ------
    InvalidRequest
        The message names the field.
    """
    if value is None:
        return Criterion()
    if not isinstance(value, Mapping) or set(value) - _KEYS:
        raise InvalidRequest(f"verify must be an object of promql, is and for, not {value!r}")
    seconds = seconds_of(str(value.get("for", f"{DEFAULT_SECONDS}s")))
    if seconds is None:
        raise InvalidRequest(f"verify.for is no time such as 60s or 5m: {value['for']!r}")
    if "promql" not in value and "is" not in value:
        return Criterion(seconds=seconds)
    query, compared = value.get("promql"), value.get("is")
    if not isinstance(query, str) or (faults := faults_of(query)):
        said = faults[0] if isinstance(query, str) else "it is no text"
        raise InvalidRequest(f"verify.promql cannot be asked: {said}")
    found = IS.fullmatch(compared) if isinstance(compared, str) else None
    if found is None:
        raise InvalidRequest(f"verify.is is no comparison such as 'below 0.05': {compared!r}")
    return Criterion(query, found[1], float(found[2]), seconds)
