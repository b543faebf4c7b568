"""In whose hands an incident is, and the refusal to go over the head of who has it."""

from __future__ import annotations

from typing import Any

from srectl.errors import CommandFailed
from srectl.operate import persons

__all__ = ["is_anothers", "refused"]


def is_anothers(incident: dict[str, Any], by: str) -> bool:
    """Say whether somebody has an incident in hand who is not this one.

    Parameters
    ----------
    incident
        The record.
    by
        Who asks, as the record would name them.
    """
    had = incident.get("acknowledged_by")
    return bool(had) and not persons.same(had, by)


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
    return CommandFailed(
        f"incident {incident_id} is in the hands of {had} since {incident.get('acknowledged_at')}",
        ("if that is you, say the same --by; else " if shared else "")
        + "talk to each other; with --from-others it is done all the same",
    )
