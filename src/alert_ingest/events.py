"""Incident events as EventBridge takes them; the contract is events/schemas/.

An entry stays under 200 KB in the most expensive form it ever takes (JSON inside the JSON of a
parked message), so that it fits the bus, the queue, and the 256 KiB state of a runbook execution.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _quoted
from typing import TypedDict

from alert_ingest.display import Link, display_of
from alert_ingest.identity import event_id
from alert_ingest.model import Alert, Target, iso
from alert_ingest.text import cut, fit

SCHEMA_VERSION = "1"
MAX_ENTRY_BYTES = 200_000
#: Begins the source of an event that no rule but that of incident-standby takes.
HELD = "standby"

# What each part may take of the 200,000 bytes; the rest is metadata and the fixed fields. The texts
# for people take theirs from the annotations, of which they repeat one.
LABELS_BUDGET = 60_000
ANNOTATIONS_BUDGET = 80_000
LINKS_BUDGET = 30_000
LABEL_LIMIT = 4_096
ANNOTATION_LIMIT = 16_384
HEADLINE_LIMIT = 300

_FIRST_LABELS = (
    "alertname",
    "severity",
    "runbook",
    "team",
    "cluster",
    "namespace",
    "deployment",
    "statefulset",
    "daemonset",
    "job_name",
    "horizontalpodautoscaler",
    "persistentvolumeclaim",
    "node",
    "instance",
    "pod",
    "service",
)
_FIRST_ANNOTATIONS = ("summary", "description", "runbook_url", "dashboard_url")


# Nothing encoded here can contain itself.
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class Entry(TypedDict):
    """One entry of a PutEvents request."""

    EventBusName: str
    Source: str
    DetailType: str
    Detail: str


@dataclass(frozen=True, slots=True)
class Context:
    """Where and when a body arrived; written into the metadata of each of its events.

    Attributes
    ----------
    sender_key
        Id of the API key that the body came with.
    waking
        Severities that may wake a human.
    sender_name
        Name of who holds that key; empty for a key without one.
    stands_by
        Whether events are held until it shows that the region that acts does not have them.
    """

    event_bus_name: str
    account_id: str
    region: str
    correlation_id: str
    received_at: datetime
    sender_key: str = ""
    waking: frozenset[str] = frozenset({"critical", "warning"})
    sender_name: str = ""
    stands_by: bool = False


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
    started_at = None if alert.started_at is None else iso(alert.started_at)
    ended_at = None if alert.ended_at is None else iso(alert.ended_at)
    occurred_at = iso(alert.occurred_at)
    shown = display_of(alert)
    display = (
        f'{{"name":{_quoted(shown.name)},"headline":{_quoted(shown.headline)},'
        f'"place":{_quoted(shown.place)},"subject":{_quoted(shown.subject)},"summary":{_quoted(shown.summary)},'
        f'"links":{_links(shown.links)}}}'
    )
    labels, labels_cut = fit(alert.labels, _FIRST_LABELS, LABEL_LIMIT, LABELS_BUDGET)
    annotations, annotations_cut = fit(
        alert.annotations,
        _FIRST_ANNOTATIONS,
        ANNOTATION_LIMIT,
        ANNOTATIONS_BUDGET - 2 * len(display),  # encoded again, it at most doubles
    )
    links, links_cut = fit(alert.links, (), LINKS_BUDGET, LINKS_BUDGET)
    warnings = alert.notes
    if labels_cut or annotations_cut or links_cut:
        parts = {"labels": labels_cut, "annotations": annotations_cut, "links": links_cut}
        names = " and ".join(name for name, was_cut in parts.items() if was_cut)
        warnings = (*warnings, f"{names} cut to fit an event")
    maps = _encode({"labels": labels, "annotations": annotations, "links": links})
    seconds = alert.duration_seconds
    started = f'"{started_at}"' if started_at else "null"
    ended = f'"{ended_at}"' if ended_at else "null"
    # Put together from parts instead of encoded as one: the names and half of the values need no
    # escaping, and the encoder is what an entry costs. The schemas in events/schemas are its test.
    event = event_id(alert.incident_id, alert_event, occurred_at, alert.severity)
    detail = (
        f'{{"metadata":{{"event_id":"{event}",'
        f'"alert_event":"{alert_event}","occurred_at":"{occurred_at}",{metadata_of(context)}}},'
        f'"data":{{"incident_id":"{alert.incident_id}","timestamp":"{started_at or occurred_at}",'
        f'"started_at":{started},"ended_at":{ended},'
        f'"duration_seconds":{"null" if seconds is None else _encode(seconds)},'
        f'"sender":"{alert.sender}","sender_key":"{context.sender_key}",'
        f'"sender_name":"{context.sender_name}","alert_key":{_quoted(alert.alert_key)},'
        f'"fingerprint":{_quoted(alert.fingerprint)},"alert_name":{_quoted(alert.alert_name)},'
        f'"severity":"{alert.severity}","status":"{alert.status}","purpose":"{alert.purpose}",'
        f'"notice":{"true" if alert.notice else "false"},'
        f'"wakes":{"true" if alert.severity in context.waking else "false"},'
        f'"forerunner":{_quoted(alert.forerunner) if alert.forerunner else "null"},'
        f'"runbook":{"null" if alert.runbook is None else _quoted(alert.runbook)},'
        f'"headline":{_quoted(cut(shown.headline, HEADLINE_LIMIT))},'
        f'"summary":{_quoted(cut(alert.summary, 500))},"display":{display},{maps[1:-1]},'
        f'"target":{_target(alert.target)},'
        f'"warnings":{_encode(warnings) if warnings else "[]"}}}}}'
    )
    # The heartbeat is about this region, whoever acts.
    held = context.stands_by and alert.purpose != "canary"
    entry = Entry(
        EventBusName=context.event_bus_name,
        Source=f"{HELD if held else 'sre'}.{alert.sender}",
        DetailType="incident.created" if firing else "incident.resolved",
        Detail=detail,
    )
    return entry, warnings


@lru_cache(8)
def metadata_of(context: Context) -> str:
    """Encode what the metadata of all events of a body have in common: the members of an object."""
    common = {
        "schema_version": SCHEMA_VERSION,
        "received_at": iso(context.received_at),
        "account_id": context.account_id,
        "region": context.region,
        "correlation_id": context.correlation_id,
    }
    return _encode(common)[1:-1]


@lru_cache(256)  # the alerts of a group are often about one target
def _target(target: Target) -> str:
    return _encode(asdict(target))


@lru_cache(256)  # and often of one rule
def _links(links: tuple[Link, ...]) -> str:
    return _encode([link._asdict() for link in links])


def message_of(entry: Entry) -> str:
    """Write an entry as a message that can be handed back to PutEvents as it is."""
    return _encode(entry)


def entry_size(entry: Entry) -> int:
    """Return the size of an entry in bytes as a parked message, the largest form it takes.

    Without encoding it once more: `Detail` is printable ASCII already, in which only quotes and
    backslashes are escaped, to two bytes each.
    """
    rest = len(entry["EventBusName"]) + len(entry["Source"]) + len(entry["DetailType"])
    return _ENVELOPE + rest + _encoded_again(entry["Detail"])


def _encoded_again(text: str) -> int:
    """Return the size of JSON text inside another JSON text."""
    return len(text) + text.count('"') + text.count("\\")


_ENVELOPE = len(message_of(Entry(EventBusName="", Source="", DetailType="", Detail="")))
