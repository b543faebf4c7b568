"""The first line a human reads, in plain words: how bad, what, where, and what became of it."""

from __future__ import annotations

from alert_ingest.model import Alert, Target, iso
from alert_ingest.text import cut

HEADLINE_LIMIT = 300


def headline(alert: Alert) -> str:
    """Say what an alert means to whoever is woken by it.

    Parameters
    ----------
    alert
        The alert, firing or resolved.

    Returns
    -------
    str
        One sentence of at most 300 characters.
    """
    what = f"{alert.alert_name}{_where(alert.target)}"
    if alert.status == "firing":
        return cut(
            f"{alert.severity.upper()}: {what} since {iso(alert.occurred_at)}.", HEADLINE_LIMIT
        )
    seconds = alert.duration_seconds
    after = "" if seconds is None else f" after {_words(seconds)}"
    return cut(f"Resolved{after}: {what}.", HEADLINE_LIMIT)


def _where(target: Target) -> str:
    if target.name is None:
        return ""
    place = (
        f"{target.namespace}/{target.name}" if target.namespace else f"{target.kind} {target.name}"
    )
    return f" on {place}" + (f" in {target.cluster}" if target.cluster else "")


def _words(seconds: float) -> str:
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
