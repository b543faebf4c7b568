"""Incidents that are alike, told together: after a flood one line says what a hundred would."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any

__all__ = ["FEW", "counted", "few", "gathered", "in_common"]

#: As many that are alike are still told one by one.
FEW = 3

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NUMBER = re.compile(r"\d+")


def gathered(
    incidents: Iterable[dict[str, Any]], alike: Callable[[dict[str, Any]], Hashable | None]
) -> Iterator[list[dict[str, Any]]]:
    """Put those that are alike together, each where the first of them stands; none is left out.

    Parameters
    ----------
    incidents
        In their order.
    alike
        Gives what those have in common that belong together; None for one that stands by itself.
    """
    whole = list(incidents)
    kept: dict[Hashable, list[dict[str, Any]]] = {}
    for each in whole:
        if (key := alike(each)) is not None:
            kept.setdefault(key, []).append(each)
    for each in whole:
        key = alike(each)
        together = kept.get(key, []) if key is not None else []
        if len(together) <= FEW:
            yield [each]
        elif together[0] is each:
            yield together


def in_common(
    incident: dict[str, Any], why: object, steps: Iterable[str] = ()
) -> tuple[Hashable, ...]:
    """Give what an incident shares with others that are told together with it.

    Parameters
    ----------
    incident
        Its record, or as much of it as is told.
    why
        What is told of it: why it was escalated, or what is done. Names, ids and numbers in it that
        are the incident's own make no difference.
    steps
        What else has to be the same.
    """
    return (
        incident.get("severity"),
        incident.get("acknowledged_by"),
        incident.get("acknowledged_because"),
        incident.get("escalation_code"),
        _why_of(incident, why),
        # With a reason it does not matter which alerts they are; without one nothing else tells.
        None if why else incident.get("alert_name"),
        tuple(steps),
    )


def _why_of(incident: dict[str, Any], reason: object) -> str:
    """Give a reason without what is the incident's own in it: names, ids and numbers.

    Two that were escalated for the same reason have the same, whatever they are about.
    """
    said = str(reason or "")
    target = incident.get("target")
    names = [incident.get("incident_id"), incident.get("alert_name"), incident.get("subject")]
    names += [target.get(key) for key in ("name", "namespace")] if isinstance(target, dict) else []
    # The longest first: one may be a part of another.
    own = sorted({str(each) for each in names if each}, key=len, reverse=True)
    for name in own:
        said = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", "…", said)
    return _NUMBER.sub("#", _ID.sub("…", said))


def counted(names: Iterable[str]) -> str:
    """Count names, the most frequent first: ``Slow 12, Stuck 3``; one alone just stands there."""
    most = sorted(Counter(names).items(), key=lambda each: (-each[1], each[0]))
    if len(most) == 1:
        return most[0][0]
    return ", ".join(f"{name} {count}" for name, count in most)


def few(names: Iterable[str]) -> str:
    """Name the first few and count the others: ``a, b, c and 4 more``."""
    own = list(dict.fromkeys(names))
    rest = f" and {len(own) - FEW} more" if len(own) > FEW else ""
    return ", ".join(own[:FEW]) + rest
