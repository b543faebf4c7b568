"""One table from the many words for severity to the three the platform acts on.

`critical` may be remediated without a human, so only words that clearly mean it map to it; whatever
is not in the table becomes `warning` and is noted. A deployment adds words, or overrules these, by
its parameter SeverityWords.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import cast, get_args

from alert_ingest.model import Severity

# Small letters; "SEV-1", "Sev 1" and "sev_1" are looked up as "sev1".
WORDS: Mapping[str, Severity] = MappingProxyType(
    {
        "critical": "critical",
        "crit": "critical",
        "page": "critical",
        "emergency": "critical",
        "disaster": "critical",
        "blocker": "critical",
        "fatal": "critical",
        "p0": "critical",
        "p1": "critical",
        "s0": "critical",
        "s1": "critical",
        "sev0": "critical",
        "sev1": "critical",
        "warning": "warning",
        "warn": "warning",
        "error": "warning",
        "high": "warning",
        "major": "warning",
        "average": "warning",
        "medium": "warning",
        "moderate": "warning",
        "minor": "warning",
        "ticket": "warning",
        "p2": "warning",
        "p3": "warning",
        "s2": "warning",
        "s3": "warning",
        "sev2": "warning",
        "sev3": "warning",
        "info": "info",
        "information": "info",
        "informational": "info",
        "notice": "info",
        "trivial": "info",
        "low": "info",
        "none": "info",
        "ok": "info",
        "debug": "info",
        "p4": "info",
        "p5": "info",
        "s4": "info",
        "s5": "info",
        "sev4": "info",
        "sev5": "info",
    }
)
UNKNOWN: Severity = "warning"

# Words that stand in a name for nothing else: "high" or "low" of a name tells of the metric.
_IN_NAMES = frozenset(
    {"critical", "crit", "warning", "warn"}
    | {f"{kind}{number}" for kind in ("p", "sev") for number in range(6)}
)
_PARTS = re.compile(r"[^A-Za-z0-9]+")
_JOINTS = re.compile(r"[-_ ]+(?=[0-9]+\Z)")
_table: dict[str, Severity] = dict(WORDS)
_own: dict[str, Severity] = {}


def words_from(text: str) -> dict[str, Severity]:
    """Read a deployment's own words, written ``tuesday=info, blocker=critical``.

    Raises
    ------
    ValueError
        Names the first part that is no word with one of the three severities.
    """
    found: dict[str, Severity] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        word, _, severity = (half.strip().lower() for half in part.partition("="))
        if not word or severity not in get_args(Severity):
            known = ", ".join(get_args(Severity))
            raise ValueError(f"{part!r} is not WORD=SEVERITY with one of {known}")
        found[_spelled(word)] = cast("Severity", severity)
    return found


def use(words: Mapping[str, Severity]) -> None:
    """Let a deployment's words stand beside those of the table, and before them."""
    _table.clear()
    _table.update(WORDS)
    _table.update(words)
    _own.clear()
    _own.update(words)


def severity_of(word: str | None) -> tuple[Severity, str | None]:
    """Map a sender's word to a severity.

    Returns
    -------
    tuple
        The severity, and a note for the log if it had to be assumed.
    """
    if word is None or not word.strip():
        return UNKNOWN, f"no severity given, {UNKNOWN} assumed"
    known = _table.get(word) or _table.get(_spelled(word.strip().lower()))
    if known is None:
        return UNKNOWN, f"severity {word[:64]!r} is not known, {UNKNOWN} assumed"
    return known, None


def word_in_name(name: str) -> str | None:
    """Find the word for a severity with which a name begins or ends.

    Parameters
    ----------
    name
        Such as ``checkout-latency-critical`` or ``[P1] checkout``.

    Returns
    -------
    str or None
        ``critical``, ``warning``, ``P1``, ``sev2`` and their like, or one of the deployment's own.
    """
    parts = [part for part in _PARTS.split(name) if part]
    for part in (*parts[:1], *parts[-1:]):
        word = part.lower()
        if word in _IN_NAMES or word in _own:
            return word
    return None


def _spelled(word: str) -> str:
    return _JOINTS.sub("", word)
