"""Label and field selectors in the query syntax of the Kubernetes API, judged in memory."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["fields_match", "labels_match"]

_TERM = re.compile(
    r"\s*(?:(?P<absent>!)\s*)?(?P<key>[^\s,!=()]+)\s*"
    r"(?:(?P<sign>==|!=|=)\s*(?P<value>[^\s,]*)|(?P<set>in|notin)\s*\((?P<values>[^)]*)\))?\s*(?:,|$)"
)


def labels_match(selector: str, labels: Mapping[str, str]) -> bool:
    """Judge labels by a selector such as ``app=checkout,tier in (a, b),!canary``.

    Raises
    ------
    ValueError
        The selector is not understood.
    """
    at = 0
    while at < len(selector):
        term = _TERM.match(selector, at)
        if term is None or term.end() == at:
            raise ValueError(f"label selector not understood: {selector!r}")
        if not _holds(term, labels):
            return False
        at = term.end()
    return True


def fields_match(selector: str, raw: Mapping[str, Any]) -> bool:
    """Judge an object by a field selector such as ``spec.nodeName=n1``."""
    for term in filter(None, selector.split(",")):
        path, negated, value = re.split(r"(!?)==?", term, maxsplit=1)
        found: Any = raw
        for key in path.strip().split("."):
            found = found.get(key) if isinstance(found, Mapping) else None
        if (str(found or "") == value.strip()) is bool(negated):
            return False
    return True


def _holds(term: re.Match[str], labels: Mapping[str, str]) -> bool:
    found = labels.get(term["key"])
    if term["absent"]:
        return found is None
    if term["set"]:
        among = found in [value.strip() for value in term["values"].split(",")]
        return among if term["set"] == "in" else not among
    if term["sign"]:
        return (found == term["value"]) is (term["sign"] != "!=")
    return found is not None
