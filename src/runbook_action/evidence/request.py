"""What operation ``collect_evidence`` is given, checked before anything is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from runbook_action.errors import InvalidRequest
from runbook_action.request import parse_incident_id


@dataclass(frozen=True)
class CollectRequest:
    """An alert to find evidence for.

    Attributes
    ----------
    alert
        ``data`` of ``incident.created``.
    labels
        Those of the alert. Text of others: only names of objects are read from it, and checked.
    cluster
        Its cluster label; None for the default cluster.
    began
        When it began, as far as is known.
    """

    incident_id: str
    alert: Mapping[str, Any]
    labels: Mapping[str, str]
    cluster: str | None
    began: datetime | None
    operation: str = "collect_evidence"
    action: str = "none"


def parse_collect(event: Mapping[str, Any]) -> CollectRequest:
    """Turn the function's input into a request.

    Parameters
    ----------
    event
        ``{operation: "collect_evidence", alert, incident_id}``, with ``data`` of the event that
        tells of the incident as ``alert``. Other keys are left alone.

    Raises
    ------
    InvalidRequest
        If it is not what the events hold. The message names the field.
    """
    alert = event.get("alert")
    if not isinstance(alert, Mapping):
        raise InvalidRequest(f"alert must be the data of an incident, not {type(alert).__name__}")
    labels = alert.get("labels")
    if not isinstance(labels, Mapping):
        raise InvalidRequest(f"alert.labels must be an object, not {type(labels).__name__}")
    texts = {str(name): text for name, text in labels.items() if isinstance(text, str)}
    target = alert.get("target")
    cluster = target.get("cluster") if isinstance(target, Mapping) else texts.get("cluster")
    if cluster is not None and not isinstance(cluster, str):
        raise InvalidRequest("alert.target.cluster must be a text or null")
    return CollectRequest(
        incident_id=parse_incident_id(event.get("incident_id")),
        alert=alert,
        labels=texts,
        cluster=cluster or None,
        began=_moment(alert.get("timestamp")),
    )


def _moment(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None
