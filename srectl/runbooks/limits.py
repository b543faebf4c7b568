"""What of a runbook lies beyond what a stack allows: it would never act there."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from srectl.runbooks.places import at
from srectl.steps import steps_of

__all__ = ["names_out", "namespaces_out", "severities_out"]


def severities_out(
    definition: Mapping[str, Any], severities: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Find the severities of a runbook that are not among EligibleSeverities.

    Yields
    ------
    tuple
        A JSON pointer, and what is wrong.
    """
    for index, severity in enumerate(definition["severities"]):
        if severity not in severities:
            yield (
                f"/severities/{index}",
                f"it never acts for {severity}: the stack's EligibleSeverities are "
                f"{', '.join(severities)}",
            )


def namespaces_out(
    definition: Mapping[str, Any], namespaces: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Find the namespaces of a runbook's targets that AllowedNamespaces hold none of.

    Yields
    ------
    tuple
        A JSON pointer, and what is wrong.
    """
    allowed = ", ".join(namespaces)
    for pointer, name in names_out(definition, namespaces):
        if pointer.endswith("/namespace"):
            yield pointer, f"{name} may not be changed: AllowedNamespaces are {allowed}"
        else:
            yield pointer, f"{name} matches none of AllowedNamespaces ({allowed})"


def names_out(
    definition: Mapping[str, Any], namespaces: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Find the namespaces, and the patterns of some, that AllowedNamespaces hold none of.

    Yields
    ------
    tuple
        A JSON pointer, and what stands there.
    """
    seen: set[str] = set()
    for step in steps_of(definition):
        place, target = at(definition, step, "target"), step["target"]
        if place in seen:
            continue
        seen.add(place)
        if "namespace" in target and target["namespace"] not in namespaces:
            yield f"{place}/namespace", str(target["namespace"])
        for index, pattern in enumerate(target.get("namespaces", [])):
            if not any(fnmatch.fnmatchcase(each, pattern) for each in namespaces):
                yield f"{place}/namespaces/{index}", pattern
