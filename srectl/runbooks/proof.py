"""Whether what a runbook wants to see in Prometheus (``verify``) could ever be seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from srectl.promql import DEFAULT_SECONDS, MOST_SECONDS, faults_of, seconds_of
from srectl.runbooks.places import at
from srectl.steps import METRIC, steps_of

__all__ = ["unaskable", "unprovable"]


def unprovable(
    definition: Mapping[str, Any], stabilization_seconds: int, verify_seconds: int
) -> Iterator[tuple[str, str]]:
    """Find queries that are none, and times that are longer than anybody looks.

    Parameters
    ----------
    definition
        A runbook that fits the schema.
    stabilization_seconds, verify_seconds
        How long after a step it is first looked whether it helped, and how long from then on.

    Yields
    ------
    tuple
        Place of a fault, and what is wrong there.
    """
    own = [("/verify", definition)] if "verify" in definition and "steps" in definition else []
    own += [(at(definition, step, "verify"), step) for step in _with_their_own(definition)]
    for place, holder in own:
        wanted = holder["verify"]
        for fault in faults_of(wanted["promql"]) if "promql" in wanted else ():
            yield f"{place}/promql", f"this cannot be asked: {fault}"
        seconds = seconds_of(str(wanted.get("for", f"{DEFAULT_SECONDS}s")))
        if seconds is None:
            yield f"{place}/for", f"this is no time between 1 and {MOST_SECONDS} seconds"
            continue
        watched = stabilization_seconds + (holder.get("verify_seconds") or verify_seconds)
        if seconds > watched:
            yield (
                f"{place}/for",
                f"nobody looks that long: it is verified for {watched} seconds (verify_seconds), "
                f"so {seconds} seconds after the repair are never seen",
            )


def unaskable(definition: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Find queries of conditions (``when``) that are none; yields place and fault of each."""
    for step in steps_of(definition):
        for index, condition in enumerate(step["when"]):
            fact = str(condition["fact"])
            for fault in faults_of(fact.removeprefix(METRIC)) if fact.startswith(METRIC) else ():
                yield (
                    f"{at(definition, step)}/when/{index}/promql",
                    f"this cannot be asked: {fault}",
                )


def _with_their_own(definition: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Steps, in their one shape, that say themselves what is to be seen."""
    given = definition.get("steps", [definition])
    for step, written in zip(steps_of(definition), given, strict=True):
        if "verify" in written:
            yield step
