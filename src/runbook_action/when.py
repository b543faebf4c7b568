"""Conditions of a step: comparisons of facts, all of which must hold.

What is not known does not hold, and neither does a comparison with a value of another kind: a step
that was meant for a certain state is not done in an uncertain one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runbook_action.errors import InvalidRequest
from runbook_action.prometheus.promql import faults_of
from runbook_action.steps import METRIC

_COMPARISONS = ("is", "below", "at_least", "includes")
_MOST = 8  # as the catalogue's schema has it


@dataclass(frozen=True)
class Condition:
    """One comparison of one fact."""

    fact: str
    comparison: str
    value: Any

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Whether it holds; never for a fact that is unknown."""
        if self.fact not in facts:
            return False
        found = facts[self.fact]
        if self.comparison == "includes":
            return isinstance(found, list) and self.value in found
        if self.comparison == "is":
            # True is no 1 and 3.0 is 3.
            return isinstance(found, bool) == isinstance(self.value, bool) and found == self.value
        if isinstance(found, bool) or not isinstance(found, int | float):
            return False
        if self.comparison == "below":
            return bool(found < self.value)
        return bool(found >= self.value)  # what is no number holds neither way

    def __str__(self) -> str:
        return f"{self.fact} {self.comparison.replace('_', ' ')} {self.value!r}"


def parse_when(value: object) -> Sequence[Condition]:
    """Read the conditions of a step; None counts as none.

    Parameters
    ----------
    value
        ``[{"fact": …, "below": …}, …]``, each with one comparison.

    Raises
    ------
    InvalidRequest
        The message names the condition.
    """
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > _MOST:
        raise InvalidRequest(f"when must be a list of at most {_MOST} conditions, not {value!r}")
    return tuple(_condition(each, f"when[{index}]") for index, each in enumerate(value))


def why_not(conditions: Sequence[Condition], facts: Mapping[str, Any]) -> str:
    """Say which conditions do not hold and what was found; empty if all do."""
    return "; ".join(
        f"{each}: it is {_told(facts[each.fact])}" if each.fact in facts else f"{each}: unknown"
        for each in conditions
        if not each.holds(facts)
    )


def _told(fact: object) -> str:
    return (", ".join(map(str, fact)) or "none") if isinstance(fact, list) else repr(fact)


def _condition(value: object, path: str) -> Condition:
    if not isinstance(value, Mapping) or not isinstance(value.get("fact"), str):
        raise InvalidRequest(f"{path} must have a fact and a comparison, not {value!r}")
    given = [name for name in _COMPARISONS if name in value]
    if len(given) != 1 or len(value) != 2:
        raise InvalidRequest(
            f"{path} must have exactly one of {', '.join(_COMPARISONS)} beside its fact, "
            f"not {value!r}"
        )
    (name,) = given
    compared = value[name]
    number = isinstance(compared, int) and not isinstance(compared, bool)
    number = number or (isinstance(compared, float) and math.isfinite(compared))
    fits = {
        "is": number or isinstance(compared, bool | str),
        "below": number,
        "at_least": number,
        "includes": isinstance(compared, str),
    }
    if not fits[name]:
        raise InvalidRequest(f"{path}.{name} cannot be compared with: {compared!r}")
    _refuse_query(value["fact"], path)
    return Condition(value["fact"], name, compared)


def _refuse_query(fact: str, path: str) -> None:
    if fact.startswith(METRIC) and (faults := faults_of(fact.removeprefix(METRIC))):
        raise InvalidRequest(f"{path}.promql cannot be asked: {faults[0]}")
