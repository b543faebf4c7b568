"""Incidents on which nothing acts and for which nobody was called: why, and how they end.

The machine leaves such a record as it is (state EvaluateAlert), so the reason is read from the
catalogue when it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from srectl.operate.incidents import at_work, hangs
from srectl.operate.plans import not_chosen

__all__ = ["ENDS", "is_unattended", "why_unattended"]

#: How such an incident ends.
ENDS = (
    "it ends with its alert, or when that has not been repeated for QuietMinutes; "
    "'srectl take ID' makes it yours until then"
)


def is_unattended(incident: Mapping[str, Any]) -> bool:
    """Whether an incident stays open, no runbook acts on it and nobody was called."""
    record = dict(incident)
    return (
        record.get("status") == "open"
        and record.get("wakes") is False
        and not hangs(record)
        and not at_work(record)
        and not record.get("in_hand")
    )


def why_unattended(incident: Mapping[str, Any], definition: Mapping[str, Any] | None) -> str:
    """Say why no runbook acts on an unattended incident.

    Parameters
    ----------
    incident
        Its record.
    definition
        What the catalogue has *now* by the name that its alert selects; None for nothing.
    """
    severity = str(incident.get("severity"))
    try:
        reasons = list(not_chosen(incident, definition, [severity]))
    except (KeyError, TypeError):  # published by hand
        reasons = ["its runbook in the catalogue is not readable"]
    if not reasons:
        reasons = [f"either severity {severity} is not in EligibleSeverities, or it has just begun"]
    return "; ".join(reasons)
