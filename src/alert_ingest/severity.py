"""One table from the many words for severity to the three the platform acts on.

`critical` may be remediated without a human, so only words that clearly mean it map to it;
whatever is not in the table becomes `warning` and is noted.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from alert_ingest.model import Severity

WORDS: Mapping[str, Severity] = MappingProxyType(
    {
        "critical": "critical",
        "crit": "critical",
        "page": "critical",
        "emergency": "critical",
        "fatal": "critical",
        "p1": "critical",
        "sev1": "critical",
        "warning": "warning",
        "warn": "warning",
        "error": "warning",
        "high": "warning",
        "major": "warning",
        "medium": "warning",
        "minor": "warning",
        "ticket": "warning",
        "p2": "warning",
        "p3": "warning",
        "sev2": "warning",
        "sev3": "warning",
        "info": "info",
        "informational": "info",
        "notice": "info",
        "low": "info",
        "none": "info",
        "ok": "info",
        "debug": "info",
        "p4": "info",
        "p5": "info",
        "sev4": "info",
        "sev5": "info",
    }
)
UNKNOWN: Severity = "warning"


def severity_of(word: str | None) -> tuple[Severity, str | None]:
    """Map a sender's word to a severity.

    Returns
    -------
    tuple
        The severity, and a note for the log if it had to be assumed.
    """
    if word is None or not word.strip():
        return UNKNOWN, f"no severity given, {UNKNOWN} assumed"
    known = WORDS.get(word.strip().lower())
    if known is None:
        return UNKNOWN, f"severity {word[:64]!r} is not known, {UNKNOWN} assumed"
    return known, None
