"""Incident events as EventBridge takes them; the contract is events/schemas/.

An entry stays under 200 KB in the most expensive form it ever takes (JSON inside the JSON of a
parked message), so that it fits the bus, the queue, and the 256 KiB state of a runbook execution.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TypedDict

from alert_ingest.headline import headline
from alert_ingest.identity import event_id
from alert_ingest.model import Alert, iso
from alert_ingest.text import cut, fit

SCHEMA_VERSION = "1"
MAX_ENTRY_BYTES = 200_000

# What each part may take of the 200,000 bytes; the rest is metadata and the fixed fields.
LABELS_BUDGET = 60_000
ANNOTATIONS_BUDGET = 80_000
LINKS_BUDGET = 30_000
LABEL_LIMIT = 4_096
ANNOTATION_LIMIT = 16_384

_FIRST_LABELS = (
    "alertname",
    "severity",
    "runbook",
    "cluster",
    "namespace",
    "deployment",
    "node",
    "pod",
    "service",
)
_FIRST_ANNOTATIONS = ("summary", "description", "runbook_url", "dashboard_url")


class Entry(TypedDict):
    """One entry of a PutEvents request."""

    EventBusName: str
    Source: str
    DetailType: str
    Detail: str


@dataclass(frozen=True, slots=True)
class Context:
    """Where and when a body arrived; written into the metadata of each of its events."""

    event_bus_name: str
    account_id: str
    region: str
    correlation_id: str
    received_at: datetime


def entry_of(alert: Alert, context: Context) -> tuple[Entry, tuple[str, ...]]:
    """Build the entry for one alert.

    Returns
    -------
    tuple
        The entry, and its warnings: what was assumed while reading the alert, and what had to be
        cut to fit.
    """
    firing = alert.status == "firing"
    alert_event = "AlertFired" if firing else "AlertResolved"
    occurred_at = iso(alert.occurred_at)
    labels, labels_cut = fit(alert.labels, _FIRST_LABELS, LABEL_LIMIT, LABELS_BUDGET)
    annotations, annotations_cut = fit(
        alert.annotations, _FIRST_ANNOTATIONS, ANNOTATION_LIMIT, ANNOTATIONS_BUDGET
    )
    links, links_cut = fit(alert.links, (), LINKS_BUDGET, LINKS_BUDGET)
    warnings = alert.notes
    cut_parts = [
        name
        for name, was_cut in (
            ("labels", labels_cut),
            ("annotations", annotations_cut),
            ("links", links_cut),
        )
        if was_cut
    ]
    if cut_parts:
        warnings = (*warnings, f"{' and '.join(cut_parts)} cut to fit an event")
    detail = {
        "metadata": {
            "event_id": event_id(alert.incident_id, alert_event, occurred_at),
            "schema_version": SCHEMA_VERSION,
            "alert_event": alert_event,
            "occurred_at": occurred_at,
            "received_at": iso(context.received_at),
            "account_id": context.account_id,
            "region": context.region,
            "correlation_id": context.correlation_id,
        },
        "data": {
            "incident_id": alert.incident_id,
            "timestamp": iso(alert.started_at or alert.occurred_at),
            "started_at": iso(alert.started_at) if alert.started_at else None,
            "ended_at": iso(alert.ended_at) if alert.ended_at else None,
            "duration_seconds": alert.duration_seconds,
            "sender": alert.sender,
            "fingerprint": alert.fingerprint,
            "alert_name": alert.alert_name,
            "severity": alert.severity,
            "status": alert.status,
            "runbook": alert.runbook,
            "headline": headline(alert),
            "summary": cut(alert.summary, 500),
            "labels": labels,
            "annotations": annotations,
            "links": links,
            "target": asdict(alert.target),
            "warnings": list(warnings),
        },
    }
    entry = Entry(
        EventBusName=context.event_bus_name,
        Source=f"sre.{alert.sender}",
        DetailType="incident.created" if firing else "incident.resolved",
        Detail=json.dumps(detail, separators=(",", ":")),
    )
    return entry, warnings


def message_of(entry: Entry) -> str:
    """Write an entry as a message that can be handed back to PutEvents as it is."""
    return json.dumps(entry, separators=(",", ":"))


def entry_size(entry: Entry) -> int:
    """Return the size of an entry in bytes as a parked message, the largest form it takes."""
    return len(message_of(entry))
