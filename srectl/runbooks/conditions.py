"""Whether the conditions of a step (``when``) could ever all hold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["FACTS", "Fact", "impossible"]

Shape = Literal["count", "seconds", "boolean", "list"]
WORKLOADS = frozenset({"deployment", "statefulset", "daemonset"})
# What compares what: a number is never "included", a list never "below".
_COMPARISONS: Mapping[Shape, Set[str]] = {
    "count": {"is", "below", "at_least"},
    "seconds": {"is", "below", "at_least"},
    "boolean": {"is"},
    "list": {"includes"},
}


@dataclass(frozen=True)
class Fact:
    """What a fact is.

    Attributes
    ----------
    shape
        What its value looks like.
    kinds
        Kinds of targets of which it is known; of others it never is.
    """

    shape: Shape
    kinds: frozenset[str]


FACTS: Mapping[str, Fact] = {
    "last_rollout_age_seconds": Fact("seconds", WORKLOADS),
    "replicas": Fact("count", WORKLOADS),
    "ready_replicas": Fact("count", WORKLOADS),
    "last_end_reasons": Fact("list", WORKLOADS | {"pod"}),
    "restarts": Fact("count", WORKLOADS | {"pod"}),
    # Without an autoscaler none is at its maximum: that is known, too.
    "autoscaler_at_maximum": Fact("boolean", WORKLOADS | {"horizontalpodautoscaler"}),
    "node_ready": Fact("boolean", frozenset({"node"})),
}


def impossible(when: Sequence[Mapping[str, Any]], kinds: Set[str]) -> Iterator[tuple[int, str]]:
    """Find why conditions could never all hold.

    Parameters
    ----------
    when
        Conditions that fit the schema.
    kinds
        Kinds that the step's target may be of.

    Yields
    ------
    tuple
        Index of a condition, and what is wrong with it.
    """
    of_fact: dict[str, list[tuple[int, str, Any]]] = {}
    for index, condition in enumerate(when):
        name = condition["fact"]
        (comparison,) = set(condition) - {"fact"}
        fact = FACTS.get(name)
        if fact is not None:
            if not fact.kinds & kinds:
                known = ", ".join(sorted(fact.kinds))
                yield index, f"{name} is known of {known}, never of {_spoken(kinds)}"
                continue
            if comparison not in _COMPARISONS[fact.shape]:
                fitting = " or ".join(sorted(_COMPARISONS[fact.shape]))
                yield index, f"{name} cannot be compared by {comparison}: use {fitting}"
                continue
            if fact.shape == "boolean" and not isinstance(condition[comparison], bool):
                yield index, f"{name} is true or false, never {condition[comparison]!r}"
                continue
            if fact.shape in ("count", "seconds") and not _is_number(condition[comparison]):
                yield index, f"{name} is a number, never {condition[comparison]!r}"
                continue
        of_fact.setdefault(name, []).append((index, comparison, condition[comparison]))
    for name, comparisons in of_fact.items():
        if _none_fits(FACTS.get(name), comparisons):
            said = ", ".join(f"{comparison} {_yaml(value)}" for _, comparison, value in comparisons)
            yield comparisons[-1][0], f"no value of {name} is {said}"


def _none_fits(fact: Fact | None, comparisons: Sequence[tuple[int, str, Any]]) -> bool:
    wanted = [value for _, comparison, value in comparisons if comparison == "is"]
    if any(value != wanted[0] or type(value) is not type(wanted[0]) for value in wanted[1:]):
        return not all(_is_number(value) for value in wanted) or len(set(wanted)) > 1
    at_least = [value for _, comparison, value in comparisons if comparison == "at_least"]
    below = [value for _, comparison, value in comparisons if comparison == "below"]
    # Counts and ages begin at nothing; what a check answers may be any number.
    lowest = max([*at_least, 0 if fact is not None else -math.inf])
    if fact is not None and fact.shape == "count":
        lowest = math.ceil(lowest)
    highest = min([*below, math.inf])
    if wanted and _is_number(wanted[0]):
        whole = fact is None or fact.shape != "count" or float(wanted[0]).is_integer()
        return not (lowest <= wanted[0] < highest and whole)
    return bool(at_least or below) and lowest >= highest


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _yaml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _spoken(kinds: Set[str]) -> str:
    return " or ".join(f"a {kind}" for kind in sorted(kinds))
