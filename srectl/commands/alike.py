"""Incidents that are alike, told together: after a flood one line says what a hundred would."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any

__all__ = ["FEW", "counted", "gathered", "why_of"]

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


def why_of(incident: dict[str, Any], reason: object) -> str:
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
    """Count names, the most frequent first: ``Slow 12, Stuck 3``."""
    most = sorted(Counter(names).items(), key=lambda each: (-each[1], each[0]))
    return ", ".join(f"{name} {count}" for name, count in most)
