"""What alert-ingest says of an alert to people, as the machines find it in an event."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from alert_ingest.display import display_of
from alert_ingest.model import Alert, Target


def display(data: Mapping[str, Any]) -> dict[str, Any]:
    """Word an alert from its event's data with the code of alert-ingest.

    Parameters
    ----------
    data
        Of an incident.created or incident.resolved event.
    """
    resolved = data["status"] == "resolved"
    started, ended = (
        datetime.fromisoformat(data[key]) if data[key] else None
        for key in ("started_at", "ended_at")
    )
    # Tests set a duration without moving either end.
    seconds = data["duration_seconds"]
    if ended and seconds is not None:
        started = ended - timedelta(seconds=seconds)
    occurred = ended if resolved else started
    assert occurred is not None
    alert = Alert(
        **{key: data[key] for key in ("sender", "incident_id", "fingerprint", "alert_name")},
        **{key: data[key] for key in ("severity", "status", "runbook", "summary", "links")},
        labels=data["labels"],
        annotations=data["annotations"],
        occurred_at=occurred,
        started_at=started,
        ended_at=ended,
        target=Target(**data["target"]),
    )
    shown = asdict(display_of(alert))
    return {**shown, "links": [link._asdict() for link in shown["links"]]}


def as_before_display(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event as it was before alerts were worded at the door; archives have such."""
    older = copy.deepcopy(dict(event))
    older["detail"]["data"].pop("display")
    return older
