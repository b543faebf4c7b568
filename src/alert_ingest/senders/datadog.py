"""Datadog's webhook, with the body that events/datadog/webhook-template.json defines.

Datadog has no fixed format: the user writes JSON with variables. Sources of the rules, all from
Datadog's documentation of the webhooks integration: `$ALERT_CYCLE_KEY` links events from trigger to
recovery; `$DATE` is the event's epoch time in milliseconds; a variable that does not apply stays in
the text as its literal `$NAME` and is read here as missing. A recovery does not carry the start.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from alert_ingest.absent import is_absent
from alert_ingest.errors import BodyRejected
from alert_ingest.identity import alert_key, fingerprint_of, incident_id
from alert_ingest.model import Alert, Problem, Purpose, Reading, Severity, Status
from alert_ingest.moments import AHEAD
from alert_ingest.senders.base import (
    NAME_LIMIT,
    SUMMARY_LIMIT,
    links_from,
    runbook_name,
    tidy_labels,
    tidy_map,
    tidy_text,
)
from alert_ingest.senders.blind import not_for_that
from alert_ingest.severity import severity_of
from alert_ingest.target import target_of
from alert_ingest.text import cut
from alert_ingest.timestamps import parse_epoch_milliseconds
from alert_ingest.validation import explain, validator

TRANSITIONS: Mapping[str, Status] = MappingProxyType(
    {
        "Triggered": "firing",
        "Re-Triggered": "firing",
        "Warn": "firing",
        "Re-Warn": "firing",
        "No Data": "firing",
        "Re-No Data": "firing",
        "Renotify": "firing",
        "Recovered": "resolved",
    }
)
# Only the warning threshold was crossed, whatever the monitor's priority.
AT_MOST_WARNING = frozenset({"Warn", "Re-Warn"})

# The monitor cannot tell how the service is.
NO_VERDICT = frozenset({"No Data", "Re-No Data"})

# Datadog's names for Kubernetes objects -> the label names the platform uses for every sender.
TAG_LABELS: Mapping[str, str] = MappingProxyType(
    {
        "kube_daemon_set": "daemonset",
        "kube_deployment": "deployment",
        "kube_job": "job_name",
        "kube_namespace": "namespace",
        "kube_cluster_name": "cluster",
        "kube_node": "node",
        "kube_stateful_set": "statefulset",
        "pod_name": "pod",
    }
)
_REQUIRED = frozenset({"alert_transition", "alert_cycle_key", "org"})
_ANNOTATIONS = ("alert_status", "alert_query", "alert_metric", "alert_scope", "hostname")

# Around a tag; any other is part of it, and makes no name.
_BLANKS = " \t\r\n"
_VARIABLE = re.compile(r"\$[A-Z][A-Z0-9_]*(\[[^\]]*\])?")
_TITLE_PREFIXES = re.compile(
    r"\A(?:\s*\[(?:P[1-5]|(?:Re-)?(?:Triggered|Warn|No Data|Renotify|Recovered)[^\]]*)\])+\s*"
)
# "Test Notifications" of a monitor puts it before or among those prefixes.
_TEST = re.compile(r"\A(?:\s*\[[^\]]*\])*?\s*\[TEST\]")


class Datadog:
    """Reads Datadog bodies."""

    name = "datadog"
    shape = (
        'Datadog webhook with the payload of events/datadog/webhook-template.json: {"schema": '
        '"datadog-webhook/1", "alert_transition": "Triggered", "alert_cycle_key": "...", ...}'
    )

    def __init__(self) -> None:
        self._fits = validator("datadog")

    def recognises(self, body: Mapping[str, Any]) -> bool:
        """Only the Datadog template has a transition and a cycle key at the top."""
        return "alert_transition" in body or "alert_cycle_key" in body

    def read(self, body: Mapping[str, Any], received_at: datetime) -> Reading:
        """Read the one alert a Datadog body holds; see `Sender.read`."""
        given = _without_missing(body)
        if not self._fits(given):
            raise BodyRejected(
                "The body is not a valid Datadog message.",
                [_blame_variable(problem, body) for problem in explain("datadog", given)],
                self.name,
            )
        status = TRANSITIONS[given["alert_transition"]]
        notes: list[str | None] = []
        occurred_at = parse_epoch_milliseconds(given["date"]) if "date" in given else None
        if occurred_at is None:
            occurred_at = received_at
            notes.append("no usable date, the time of arrival stands in")
        elif occurred_at > received_at + AHEAD:
            occurred_at = received_at
            notes.append("its date is in the future, the time of arrival stands in")

        labels = tidy_labels(labels_from_tags(given.get("tags", "")))
        severity, note = _severity(given, labels)
        notes.append(note)
        target, note = target_of(labels)
        notes.append(note)
        runbook, note = runbook_name(labels)
        notes.append(note)
        alert_name = _alert_name(given)
        if given["alert_transition"] in NO_VERDICT:
            notes += not_for_that(runbook, "the monitor got no data")
            # A runbook is also chosen by the alert's name.
            alert_name, runbook = cut(f"No data: {alert_name}", NAME_LIMIT), None
        purpose: Purpose = "test" if _is_test(given) else "alert"
        # A monitor that fires may be tested with its own cycle key: never in the same incident.
        scope = () if purpose == "alert" else (purpose,)
        # A cycle of Datadog's is what fires as well as one firing of it.
        cycle = (given["org"]["id"], given["alert_cycle_key"], *scope)
        alert = Alert(
            sender=self.name,
            incident_id=incident_id(self.name, *cycle),
            alert_key=alert_key(self.name, *cycle),
            fingerprint=_fingerprint(given),
            alert_name=alert_name,
            severity=severity,
            status=status,
            occurred_at=occurred_at,
            started_at=occurred_at if status == "firing" else None,
            ended_at=occurred_at if status == "resolved" else None,
            runbook=runbook,
            summary=tidy_text(given.get("alert_status", ""), SUMMARY_LIMIT) or alert_name,
            labels=labels,
            annotations=tidy_map({key: given[key] for key in _ANNOTATIONS if key in given}),
            links=links_from([("event", given.get("link"))]),
            target=target,
            notes=tuple(note for note in notes if note),
            purpose=purpose,
        )
        return Reading(self.name, (alert,))


def labels_from_tags(tags: str) -> dict[str, str]:
    """Turn ``key:value,key:value,word`` into labels.

    A key that comes twice keeps both values with a comma between. As a comma is in no Kubernetes or
    runbook name, an ambiguous tag thereby selects nothing instead of whichever came last.
    """
    labels: dict[str, str] = {}
    for tag in tags.split(","):
        key, _, value = (part.strip(_BLANKS) for part in tag.partition(":"))
        if not key or (value and is_absent(value)):  # a word without a value is a tag
            continue
        name = TAG_LABELS.get(key, key)
        if name in labels and value not in labels[name].split(","):
            value = f"{labels[name]},{value}"
        elif name in labels:
            continue
        labels[name] = value
    return labels


def _without_missing(body: Mapping[str, Any]) -> dict[str, Any]:
    """Drop variables that Datadog left as they were, and empty texts, one level deep and in org."""
    given = {
        key: value
        for key, value in body.items()
        if not _is_missing(value) or (value is None and key in _REQUIRED)
    }
    if isinstance(given.get("org"), dict):
        given["org"] = {key: item for key, item in given["org"].items() if not _is_missing(item)}
    return given


def _is_missing(value: object) -> bool:
    return is_absent(value) or (
        isinstance(value, str)
        and (not value.strip() or _VARIABLE.fullmatch(value.strip()) is not None)
    )


def _blame_variable(problem: Problem, body: Mapping[str, Any]) -> Problem:
    """Say so when a required field is missing only because its variable was not filled in."""
    value: Any = body
    for part in problem.pointer.split("/")[1:]:
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, str) and _VARIABLE.fullmatch(value.strip()):
        return Problem(problem.pointer, f"{problem.message}: Datadog did not fill in its variable")
    return problem


def _severity(given: Mapping[str, Any], labels: Mapping[str, str]) -> tuple[Severity, str | None]:
    """Take the tag `severity`, else the monitor's priority (P1 is critical, P2 and P3 warning)."""
    severity, note = severity_of(labels.get("severity") or given.get("alert_priority"))
    transition = given["alert_transition"]
    warns = transition in AT_MOST_WARNING or (
        transition == "Renotify" and given.get("alert_type") == "warning"
    )
    if severity == "critical" and warns:
        return "warning", note
    return severity, note


def _alert_name(given: Mapping[str, Any]) -> str:
    """Return the monitor's title without "[P1] [Triggered on …]", which changes on recovery."""
    title = str(given.get("alert_title") or given.get("event_title") or "")
    name = tidy_text(_TITLE_PREFIXES.sub("", title), NAME_LIMIT)
    number = given.get("alert_id", given["alert_cycle_key"])
    return name or tidy_text(f"Datadog monitor {number}", NAME_LIMIT)


def _is_test(given: Mapping[str, Any]) -> bool:
    """Tell whether a human pressed Test Notifications, which both titles then say."""
    titles = (str(given[key]) for key in ("alert_title", "event_title") if key in given)
    return any(_TEST.match(title) for title in titles)


def _fingerprint(given: Mapping[str, Any]) -> str:
    """Return what is the same for every firing of one monitor and group."""
    monitor = f"monitor:{given['alert_id']}" if "alert_id" in given else given["alert_cycle_key"]
    named = str(given.get("aggreg_key") or monitor)
    # A name of which nothing can be seen is one, too.
    return tidy_text(named, NAME_LIMIT) or fingerprint_of({"named": named})


SENDER = Datadog()
