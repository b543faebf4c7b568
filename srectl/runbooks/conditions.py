"""Whether the conditions of a step (``when``) could ever all hold."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Literal

from srectl.steps import METRIC, WORKLOADS

__all__ = ["FACTS", "Fact", "bounds", "impossible"]

Shape = Literal["count", "seconds", "boolean", "list", "answer"]
_WORKLOADS = frozenset(WORKLOADS)
# What compares what: a number is never "included", a list never "below".
_COMPARISONS: Mapping[Shape, Set[str]] = {
    "count": {"is", "below", "at_least"},
    "seconds": {"is", "below", "at_least"},
    "boolean": {"is"},
    "list": {"includes"},
    "answer": {"is", "below", "at_least"},
}
# What none is ever more than: Kubernetes has counts in 32 bits, and is itself not a century old.
_MOST: Mapping[Shape, int] = {"count": 2**31 - 1, "seconds": 100 * 366 * 86400}
# As kubelet and container runtimes write why a container ended.
_REASONS = (
    "Completed",
    "ContainerCannotRun",
    "ContainerStatusUnknown",
    "DeadlineExceeded",
    "Error",
    "Evicted",
    "OOMKilled",
    "StartError",
)
_REASON = re.compile(r"[A-Z][A-Za-z0-9]*")


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
    "last_rollout_age_seconds": Fact("seconds", _WORKLOADS),
    "replicas": Fact("count", _WORKLOADS),
    "ready_replicas": Fact("count", _WORKLOADS),
    "last_end_reasons": Fact("list", _WORKLOADS | {"pod"}),
    "restarts": Fact("count", _WORKLOADS | {"pod"}),
    # Without an autoscaler none is at its maximum: that is known, too.
    "autoscaler_at_maximum": Fact("boolean", _WORKLOADS | {"horizontalpodautoscaler"}),
    "node_ready": Fact("boolean", frozenset({"node"})),
}


def _fact(name: str, kinds: Set[str]) -> Fact | None:
    """A fact of the platform, or one that a check or Prometheus answers, whatever the target is."""
    if name == "check":
        return Fact("boolean", frozenset(kinds))
    answered = name.startswith(("check.", METRIC))
    return FACTS.get(name, Fact("answer", frozenset(kinds)) if answered else None)


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
    of_fact: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    for index, condition in enumerate(when):
        if fault := _misfit(condition, kinds):
            yield index, fault
        else:
            of_fact.setdefault(condition["fact"], []).append((index, condition))
    for name, found in of_fact.items():
        conditions = [condition for _, condition in found]
        if _none_fits(name, conditions):
            yield found[-1][0], f"no value of {name} is {', '.join(map(_said, conditions))}"


def bounds(name: str, when: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Give the lowest value that conditions leave a fact, and the first that is too high.

    Parameters
    ----------
    name
        Of a fact that is a number.
    when
        Conditions, also such that are of other facts.
    """
    fact = FACTS.get(name)
    mine = [each for each in when if each["fact"] == name]
    # Counts and ages begin at nothing; what a check answers may be any number.
    lowest: float = 0 if fact is not None else -math.inf
    lowest = max([lowest, *(each["at_least"] for each in mine if "at_least" in each)])
    highest: float = min([math.inf, *(each["below"] for each in mine if "below" in each)])
    if fact is not None and fact.shape == "count":
        lowest = math.ceil(lowest)
    for value in (each["is"] for each in mine if _is_number(each.get("is"))):
        lowest = max(lowest, value)
    return lowest, highest


def _misfit(condition: Mapping[str, Any], kinds: Set[str]) -> str:
    """Why one condition alone could never hold; empty if it could."""
    name, fact = condition["fact"], _fact(condition["fact"], kinds)
    (comparison,) = set(condition) - {"fact"}
    value = condition[comparison]
    if fact is None:
        return ""
    if not fact.kinds & kinds:
        known = ", ".join(sorted(fact.kinds))
        return f"{name} is known of {known}, never of {_spoken(kinds)}"
    if comparison not in _COMPARISONS[fact.shape]:
        fitting = " or ".join(sorted(_COMPARISONS[fact.shape]))
        return f"{name} cannot be compared by {comparison}: use {fitting}"
    if fact.shape == "boolean" and not isinstance(value, bool):
        return f"{name} is true or false, never {value!r}"
    number = fact.shape in ("count", "seconds") or comparison in ("below", "at_least")
    if (number and not _is_number(value)) or (isinstance(value, float) and not _is_number(value)):
        return f"{name} is a number, never {value!r}"
    most = _MOST.get(fact.shape, math.inf)
    if comparison in ("is", "at_least") and _is_number(value) and value > most:
        return f"{name} is never more than {most}, and this asks for {_yaml(value)}"
    if name == "last_end_reasons" and not _REASON.fullmatch(value):
        alike = [each for each in _REASONS if each.casefold() == value.casefold()]
        written = alike[0] if alike else f"a word such as {', '.join(_REASONS)}"
        return f"no container ends for the reason {value!r}: write {written}"
    return ""


def _none_fits(name: str, conditions: Sequence[Mapping[str, Any]]) -> bool:
    fact = FACTS.get(name)
    wanted = [each["is"] for each in conditions if "is" in each]
    if any(value != wanted[0] or type(value) is not type(wanted[0]) for value in wanted[1:]):
        return not all(_is_number(value) for value in wanted) or len(set(wanted)) > 1
    lowest, highest = bounds(name, conditions)
    compared = any("is" not in each and "includes" not in each for each in conditions)
    if wanted and not _is_number(wanted[0]):
        return compared  # a text is neither below nor at least anything
    if wanted:
        whole = fact is None or fact.shape != "count" or wanted[0] == int(wanted[0])
        return not (lowest <= wanted[0] < highest and whole)
    return compared and lowest >= highest


def _said(condition: Mapping[str, Any]) -> str:
    (comparison,) = set(condition) - {"fact"}
    return f"{comparison} {_yaml(condition[comparison])}"


def _is_number(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _yaml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _spoken(kinds: Set[str]) -> str:
    return " or ".join(f"a {kind}" for kind in sorted(kinds))
