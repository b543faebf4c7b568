"""CloudWatch's alarms, as EventBridge tells of them: "CloudWatch Alarm State Change".

The rules come from the documentation of CloudWatch (alarm events and EventBridge, alarm tags in
action payloads):

- An event comes with each change of state and is never repeated; EventBridge may deliver it twice,
  late, or after a later one. An alarm that is deleted tells that, and nothing of its state.
- `resources` has the alarm's ARN, which names account and region. Who may speak for them is settled
  before an event gets here (see `aws_events`).
- A firing is the alarm and the moment of its change into ALARM. The end of one carries that moment
  as `previousState.timestamp`, but not where it went by INSUFFICIENT_DATA.
- INSUFFICIENT_DATA is no verdict: an alarm's owner says by TreatMissingData what missing data mean,
  and this is the state of those who said nothing. It neither begins nor ends an incident; as
  ``missing_data="incident"`` it is one of its own, for a human.
- Where actions are suppressed (a composite alarm's suppressor) nobody wants to be called: it is
  recorded as info, and rises when CloudWatch tells that the suppression is over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

from alert_ingest.errors import BodyRejected
from alert_ingest.identity import alert_key, fingerprint_of, incident_id
from alert_ingest.model import Alert, Problem, Reading, Severity, Status, iso
from alert_ingest.moments import settle
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
from alert_ingest.severity import severity_of, word_in_name
from alert_ingest.target import target_of
from alert_ingest.text import cut
from alert_ingest.timestamps import parse_rfc3339
from alert_ingest.validation import explain, validator

STATE_CHANGE = "CloudWatch Alarm State Change"
CONFIGURATION_CHANGE = "CloudWatch Alarm Configuration Change"
#: What a deployment may take INSUFFICIENT_DATA for (parameter InsufficientData).
MissingData = Literal["unknown", "incident"]

_ARN = re.compile(r"arn:(aws[a-z-]*):cloudwatch:([a-z0-9-]+):([0-9]{12}):alarm:(.+)", re.DOTALL)
#: Dimensions of Container Insights -> the label names the platform uses for every sender. Its
#: PodName is the name of a workload or of a pod, depending on the metric, and so names neither.
_DIMENSION_LABELS: Mapping[str, str] = {
    "ClusterName": "cluster",
    "Namespace": "namespace",
    "NodeName": "node",
}
#: What only a tag may say: a dimension is what a metric is about.
_FOR_TAGS = frozenset({"severity", "runbook", "runbook_url", "dashboard_url"})
_CONSOLES: Mapping[str, str] = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}


@dataclass(frozen=True)
class CloudWatch:
    """Reads alarm events; an `EventSender`.

    Attributes
    ----------
    missing_data
        What INSUFFICIENT_DATA is taken for.
    """

    missing_data: MissingData = "unknown"
    name: str = "cloudwatch"
    source: str = "aws.cloudwatch"
    detail_types: frozenset[str] = frozenset({STATE_CHANGE, CONFIGURATION_CHANGE})
    _fits: Any = field(init=False, repr=False, default_factory=lambda: validator("cloudwatch"))

    def read(self, event: Mapping[str, Any], received_at: datetime) -> Reading:
        """Turn an event into what begins and what ends with it: often one, also none.

        Raises
        ------
        BodyRejected
            The event is none of CloudWatch's, or its alarm is not of its account and region.
        """
        if not self._fits(event):
            problems = explain("cloudwatch", event)
            raise BodyRejected("The event is no valid alarm event.", problems, self.name)
        detail, arn = event["detail"], event["resources"][0]
        found = _ARN.fullmatch(arn)
        about = (event["region"], event["account"], detail["alarmName"])
        if found is None or found.groups()[1:] != about:
            problem = Problem("/resources/0", "is not the alarm's ARN in the event's account")
            raise BodyRejected("The event's alarm is not its account's.", [problem], self.name)
        alarm = _Alarm(self.name, arn, found[1], event, received_at)
        if event["detail-type"] == CONFIGURATION_CHANGE:
            ends = self._deleted(alarm) if detail.get("operation") == "delete" else ()
            return Reading(self.name, tuple(ends))
        return Reading(self.name, tuple(self._changes(alarm)))

    def _changes(self, alarm: _Alarm) -> Iterator[Alert]:
        state, previous = alarm.state["value"], alarm.previous.get("value", "")
        told = self.missing_data == "incident"
        if told and previous == "INSUFFICIENT_DATA" != state:
            yield alarm.end(no_data=True)
        if state == "ALARM":
            yield alarm.firing(begins=previous == "OK")
        elif state == "OK":
            yield alarm.end()
        elif told:
            yield alarm.firing(begins=True, no_data=True)

    def _deleted(self, alarm: _Alarm) -> Iterator[Alert]:
        """End what a deleted alarm had begun: nobody would tell it later."""
        yield alarm.end()
        if self.missing_data == "incident":
            yield alarm.end(no_data=True)


@dataclass(frozen=True)
class _Alarm:
    """One event, and the alerts that it can be made into."""

    sender: str
    arn: str
    partition: str
    event: Mapping[str, Any]
    received_at: datetime

    @property
    def detail(self) -> Mapping[str, Any]:
        detail: Mapping[str, Any] = self.event["detail"]
        return detail

    @property
    def state(self) -> Mapping[str, Any]:
        return _object(self.detail.get("state"))

    @property
    def previous(self) -> Mapping[str, Any]:
        return _object(self.detail.get("previousState"))

    @property
    def changed_at(self) -> datetime:
        """When the state changed; a configuration's change has only the event's own time."""
        told = self.state.get("timestamp") if self.event["detail-type"] == STATE_CHANGE else None
        moment = parse_rfc3339(_text(told)) or parse_rfc3339(self.event["time"])
        return moment or self.received_at

    def firing(self, *, begins: bool, no_data: bool = False) -> Alert:
        """Make the alert of a change into ALARM, or into a lack of data."""
        alert = self._alert("firing", self.changed_at, None, no_data)
        alert.begins = begins
        return alert

    def end(self, *, no_data: bool = False) -> Alert:
        """Make the end of whatever this alarm had begun."""
        was = self.previous.get("value")
        started_at = None
        if was == ("INSUFFICIENT_DATA" if no_data else "ALARM"):
            started_at = parse_rfc3339(_text(self.previous.get("timestamp")))
        alert = self._alert("resolved", started_at, self.changed_at, no_data)
        # An alarm that tells of ALARM before this certainly was; all others may never have been.
        alert.only_if_known = no_data or was != "ALARM" or started_at is None
        return alert

    def _alert(
        self, status: Status, started_at: datetime | None, ended_at: datetime | None, no_data: bool
    ) -> Alert:
        notes: list[str | None] = []
        what = (self.arn, "no-data") if no_data else (self.arn,)
        # A firing whose beginning is not known has its end for a name, until it is looked up.
        known = started_at or ended_at or self.received_at
        since = "until" if started_at is None else "since"
        identity = incident_id(self.sender, *what, since, iso(known))
        started_at, ended_at, mended = settle(started_at, ended_at, self.received_at)
        notes += mended
        name = tidy_text(self.detail["alarmName"], NAME_LIMIT) or "Alarm without a name"
        labels = tidy_labels(self._labels())
        severity, note = self._severity(labels, status)
        notes.append(note)
        target, note = target_of(labels)
        notes.append(note)
        runbook, note = runbook_name(labels)
        notes.append(note)
        if no_data:
            notes += not_for_that(runbook, "the alarm has no data")
            name, runbook = cut(f"No data: {name}", NAME_LIMIT), None
        reason = tidy_text(_text(self.state.get("reason")), SUMMARY_LIMIT)
        return Alert(
            sender=self.sender,
            incident_id=identity,
            alert_key=alert_key(self.sender, *what),
            fingerprint=_fingerprint(what),
            alert_name=name,
            severity=severity,
            status=status,
            occurred_at=(started_at if status == "firing" else ended_at) or self.received_at,
            started_at=started_at,
            ended_at=ended_at,
            runbook=runbook,
            summary=reason or name,
            labels=labels,
            annotations=tidy_map(self._annotations()),
            links=links_from(self._links(labels)),
            target=target,
            notes=tuple(note for note in notes if note),
            told_once=True,
        )

    def _severity(self, labels: Mapping[str, str], status: Status) -> tuple[Severity, str | None]:
        """Take the tag `severity`, else the word with which the name begins or ends."""
        word = labels.get("severity") or word_in_name(self.detail["alarmName"])
        severity, note = severity_of(word)
        suppressed = tidy_text(_text(self.state.get("actionsSuppressedBy")), 32)
        if suppressed and status == "firing" and severity != "info":
            why = tidy_text(_text(self.state.get("actionsSuppressedReason")), 120)
            return "info", f"its actions are suppressed by {suppressed}: {why or 'no reason'}"
        return severity, note

    def _labels(self) -> dict[str, str]:
        labels: dict[str, str] = {}
        for metric in self._metrics():
            insights = _text(metric.get("namespace")).startswith("ContainerInsights")
            for name, value in _texts(metric.get("dimensions")).items():
                key = _DIMENSION_LABELS.get(name, name) if insights else name
                if key in _FOR_TAGS:
                    continue
                # Metrics of different objects: together they name none of them.
                both = labels.get(key, value)
                labels[key] = value if both == value else f"{both},{value}"
        labels |= _texts(self.detail.get("alarmTags"))
        return labels | {
            "alertname": self.detail["alarmName"],
            "account": self.event["account"],
            "region": self.event["region"],
            "alarm_type": "composite" if "alarmRule" in self._configuration else "metric",
        }

    @property
    def _configuration(self) -> Mapping[str, Any]:
        return _object(self.detail.get("configuration"))

    def _metrics(self) -> Iterator[Mapping[str, Any]]:
        queries = self._configuration.get("metrics")
        for query in queries if isinstance(queries, list) else ():
            metric = _object(_object(_object(query).get("metricStat")).get("metric"))
            if metric:
                yield metric

    def _annotations(self) -> dict[str, str]:
        metrics = dict.fromkeys(
            f"{_text(metric.get('namespace'))}/{_text(metric.get('name'))}"
            for metric in self._metrics()
        )
        given = {
            "description": _text(self._configuration.get("description")),
            "reason": _text(self.state.get("reason")),
            "metrics": ", ".join(metrics),
            "alarm_rule": _text(self._configuration.get("alarmRule")),
            "triggered_by": ", ".join(self._children()),
        }
        return {key: value for key, value in given.items() if value}

    def _children(self) -> Iterator[str]:
        """Name the alarms that set off a composite one, as its reason tells in JSON."""
        try:
            told = json.loads(_text(self.state.get("reasonData")) or "{}")
        except (ValueError, RecursionError):
            return
        children = _object(told).get("triggeringAlarms")
        for child in children if isinstance(children, list) else ():
            found = _ARN.fullmatch(_text(_object(child).get("arn")))
            if found:
                yield found[4]

    def _links(self, labels: Mapping[str, str]) -> list[tuple[str, object]]:
        region, console = self.event["region"], _CONSOLES.get(self.partition)
        name = quote(self.detail["alarmName"], safe="")
        here = f"https://{region}.{console}/cloudwatch/home?region={region}#alarmsV2:alarm/{name}"
        return [
            ("runbook", labels.get("runbook_url")),
            ("dashboard", labels.get("dashboard_url")),
            ("alarm", here if console else None),
        ]


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> dict[str, str]:
    return {key: each for key, each in _object(value).items() if isinstance(each, str)}


def _fingerprint(what: tuple[str, ...]) -> str:
    """Return the alarm's ARN where it has room: the same for every firing of it."""
    whole = tidy_text(" ".join(what), 2 * NAME_LIMIT + 1)
    return whole if len(whole) <= NAME_LIMIT else fingerprint_of({"alarm": whole})


SENDER = CloudWatch()
