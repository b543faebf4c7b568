"""In whose hands an incident is, and the refusal to go over the head of who has it."""

from __future__ import annotations

import hashlib
from typing import Any

from srectl.errors import CommandFailed, InOthersHands
from srectl.operate import persons

__all__ = ["is_anothers", "refused", "taking"]


def is_anothers(incident: dict[str, Any], by: str, knows: str = "") -> bool:
    """Say whether somebody has an incident in hand who is not this one.

    Parameters
    ----------
    incident
        The record.
    by
        Who asks, as the record would name them.
    knows
        The :func:`taking` that they were shown, and mean all the same: that one does not count.
    """
    had = incident.get("acknowledged_by")
    return bool(had) and not persons.same(had, by) and taking(incident) != knows


def taking(incident: dict[str, Any]) -> str:
    """Name who has an incident in hand since when, for a form; empty where nobody has it."""
    had = incident.get("acknowledged_by")
    told = f"{had} {incident.get('acknowledged_at')}"
    return hashlib.sha256(told.encode()).hexdigest()[:16] if had else ""


def refused(incident: dict[str, Any], by: str, what: str) -> CommandFailed:
    """Give the refusal to do something to an incident that is over or somebody else's.

    Parameters
    ----------
    what
        What was to be done: take, give back, stop, close.
    """
    incident_id = incident["incident_id"]
    if incident.get("status") == "resolved":
        return CommandFailed(
            f"incident {incident_id} is over, so there is nothing to {what}",
            f"'srectl incidents show {incident_id}' tells its story",
        )
    had = incident.get("acknowledged_by")
    shared = persons.by_the_same_credentials(had, by)
    return InOthersHands(
        f"incident {incident_id} is in the hands of {had} since {incident.get('acknowledged_at')}",
        ("if that is you, say the same --by; else " if shared else "")
        + "talk to each other; with --from-others it is done all the same",
    )
