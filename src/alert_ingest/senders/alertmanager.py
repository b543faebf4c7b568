"""Prometheus Alertmanager's webhook, version 4 of its message.

One firing is `fingerprint` + `startsAt`: the fingerprint alone is the same for every firing of an
alert, and repeats of one firing are byte-identical (observed on 0.25 to 0.31). A group mixes firing
and resolved alerts, and may replay a resolved one that was delivered before.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alert_ingest.clock import is_zero, parse_rfc3339
from alert_ingest.errors import BodyRejected
from alert_ingest.identity import incident_id
from alert_ingest.model import Alert, Problem, Reading, RejectedAlert, Status, iso
from alert_ingest.senders.base import (
    NAME_LIMIT,
    SUMMARY_LIMIT,
    links_from,
    runbook_name,
    tidy_map,
    tidy_text,
)
from alert_ingest.severity import severity_of
from alert_ingest.target import target_of
from alert_ingest.validation import explain, validator


class Alertmanager:
    """Reads Alertmanager bodies."""

    name = "alertmanager"
    shape = 'Alertmanager webhook version 4: {"version": "4", "alerts": [...]}'

    def __init__(self) -> None:
        self._body_fits = validator("alertmanager")
        self._alert_fits = validator("alertmanager.alert")

    def recognises(self, body: Mapping[str, Any]) -> bool:
        """Only Alertmanager sends a list of `alerts`."""
        return "alerts" in body

    def read(self, body: Mapping[str, Any], received_at: datetime) -> Reading:
        """Read every alert on its own; see `Sender.read`."""
        if not self._body_fits(body):
            raise BodyRejected(
                "The body is not a valid Alertmanager message.",
                explain("alertmanager", body),
                self.name,
            )
        alerts: list[Alert] = []
        rejected: list[RejectedAlert] = []
        for index, item in enumerate(body["alerts"]):
            result = self._read_alert(item, f"/alerts/{index}", body, received_at)
            if isinstance(result, Alert):
                alerts.append(result)
            else:
                rejected.append(result)
        return Reading(self.name, tuple(alerts), tuple(rejected))

    def _read_alert(
        self, item: Any, pointer: str, body: Mapping[str, Any], received_at: datetime
    ) -> Alert | RejectedAlert:
        if not self._alert_fits(item):
            return RejectedAlert(pointer, explain("alertmanager.alert", item, pointer))
        status: Status = item["status"]
        started_at = parse_rfc3339(item["startsAt"])
        if started_at is None or is_zero(started_at):
            problem = Problem(f"{pointer}/startsAt", "is not a moment an alert can have started at")
            return RejectedAlert(pointer, (problem,))

        notes: list[str | None] = []
        ended_at = parse_rfc3339(item.get("endsAt", "")) if status == "resolved" else None
        if ended_at is not None and is_zero(ended_at):
            ended_at = None
        if status == "resolved" and ended_at is None:
            notes.append("resolved without an end, its time of arrival stands in")

        labels = tidy_map(item["labels"])
        annotations = tidy_map(item.get("annotations", {}))
        severity, note = severity_of(labels.get("severity"))
        notes.append(note)
        target, note = target_of(labels)
        notes.append(note)
        runbook, note = runbook_name(labels)
        notes.append(note)
        alert_name = tidy_text(labels["alertname"], NAME_LIMIT)
        return Alert(
            sender=self.name,
            incident_id=incident_id(self.name, item["fingerprint"], iso(started_at)),
            fingerprint=tidy_text(item["fingerprint"], NAME_LIMIT),
            alert_name=alert_name,
            severity=severity,
            status=status,
            occurred_at=started_at if status == "firing" else ended_at or received_at,
            started_at=started_at,
            ended_at=ended_at,
            runbook=runbook,
            summary=tidy_text(annotations.get("summary", ""), SUMMARY_LIMIT) or alert_name,
            labels=labels,
            annotations=annotations,
            links=links_from(
                [
                    ("generator", item.get("generatorURL")),
                    ("alertmanager", body.get("externalURL")),
                    ("runbook", annotations.get("runbook_url")),
                    ("dashboard", annotations.get("dashboard_url")),
                ]
            ),
            target=target,
            notes=tuple(note for note in notes if note),
        )


SENDER = Alertmanager()
