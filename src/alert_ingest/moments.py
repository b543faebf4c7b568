"""Starts and ends that cannot be: corrected with a warning, never a reason to lose an alert.

Alertmanager refuses an end before its start; here the alert has fired all the same, so the moment
is mended and named. An incident's identity keeps the start as it was sent.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from alert_ingest.model import iso

# As far as clocks that are looked after may differ.
AHEAD = timedelta(minutes=5)


def settle(
    started_at: datetime | None, ended_at: datetime | None, received_at: datetime
) -> tuple[datetime | None, datetime | None, list[str]]:
    """Return start and end as they can have been, and a note for each that was mended.

    Parameters
    ----------
    started_at, ended_at
        As the sender says; None where it does not.
    received_at
        When the body arrived: no alert can have begun or ended more than five minutes later.
    """
    latest = received_at + AHEAD
    notes: list[str] = []
    if started_at is not None and started_at > latest:
        notes.append(_ahead("start", started_at))
        started_at = received_at
    if ended_at is not None and ended_at > latest:
        notes.append(_ahead("end", ended_at))
        ended_at = received_at
    if started_at is not None and ended_at is not None and ended_at < started_at:
        notes.append(f"its end {iso(ended_at)} is before its start, the start stands in")
        ended_at = started_at
    return started_at, ended_at, notes


def _ahead(what: str, moment: datetime) -> str:
    return f"its {what} {iso(moment)} is in the future, the time of arrival stands in"
