"""A notification about a group of alerts: the message that Alertmanager and Grafana share.

Grafana's alerting contains an Alertmanager, so both post a list of alerts, each with its own
status, labels, annotations, start, end and fingerprint (a hash of the labels, the same for every
firing). One firing is the fingerprint and `startsAt`. A group mixes firing and resolved alerts, and
may replay a resolved one that was delivered before. What only one of the two does, its module says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from alert_ingest.absent import present
from alert_ingest.errors import BodyRejected
from alert_ingest.identity import alert_key, fingerprint_of, incident_id
from alert_ingest.model import Alert, Problem, Purpose, Reading, RejectedAlert, Status, iso
from alert_ingest.moments import settle
from alert_ingest.naming import name_of
from alert_ingest.senders.base import (
    NAME_LIMIT,
    SUMMARY_LIMIT,
    links_from,
    runbook_name,
    tidy_labels,
    tidy_map,
    tidy_text,
)
from alert_ingest.senders.blind import without_a_verdict
from alert_ingest.severity import severity_of
from alert_ingest.target import target_of
from alert_ingest.text import cut
from alert_ingest.timestamps import is_zero, parse_rfc3339
from alert_ingest.validation import explain, validator

Body = Mapping[str, Any]

# A notification has the key of its group, which begins with the route's matchers in braces. Only
# Grafana's test of a contact point has this one: receiver, fingerprint, seconds since 1970.
_TEST_GROUP = re.compile(r".*-[0-9a-f]{16}-[0-9]{10}", re.DOTALL)
_TEST_INSTANCES = frozenset({"Grafana", "Alertmanager"})
_REQUIRED = frozenset({"version", "alerts", "orgId"})
_REQUIRED_OF_AN_ALERT = frozenset({"status", "startsAt"})
_TEST_SUMMARY = "Notification test"


def purpose_of(labels: Body, annotations: Body, group_key: object) -> Purpose:
    """Tell what a test button sends from an alert.

    Alertmanager's tools took over Grafana's words. One of them alone makes no test, so that an
    alert that happens to be called TestAlert still calls a human.
    """
    if labels.get("alertname") == "TestAlert" and (
        labels.get("instance") in _TEST_INSTANCES or annotations.get("summary") == _TEST_SUMMARY
    ):
        return "test"
    made_up = isinstance(group_key, str) and not group_key.startswith("{")
    return "test" if made_up and _TEST_GROUP.fullmatch(str(group_key)) else "alert"


def _as_it_is(alert: Alert, _item: Body) -> Alert:
    return alert


@dataclass(frozen=True)
class GroupSender:
    """Reads the bodies of one product; a `Sender`.

    Attributes
    ----------
    name, shape
        See `alert_ingest.senders.base.Sender`; ``schemas/<name>.json`` defines the body, and under
        ``definitions/alert`` one of its alerts.
    product
        The product's name as people write it.
    recognises
        Tells this product's bodies from any other.
    scope
        Parts of an incident's identity that stand in the body and not in the alert.
    links
        An alert's candidates for links, from the alert and its body.
    refine
        Adds to an alert what only this product has, from the alert as it was sent.
    """

    name: str
    product: str
    shape: str
    recognises: Callable[[Body], bool]
    links: Callable[[Body, Body], Iterable[tuple[str, object]]]
    scope: Callable[[Body], tuple[str, ...]] = lambda _body: ()
    refine: Callable[[Alert, Body], Alert] = _as_it_is
    _body_fits: Callable[[object], bool] = field(init=False, repr=False)
    _alert_fits: Callable[[object], bool] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_body_fits", validator(self.name))
        object.__setattr__(self, "_alert_fits", validator(f"{self.name}.alert"))

    def read(self, body: Body, received_at: datetime) -> Reading:
        """Read every alert on its own, so that a bad one does not cost the others.

        Raises
        ------
        BodyRejected
            The message around the alerts is not valid.
        """
        body = present(body, _REQUIRED)
        if not self._body_fits(body):
            raise BodyRejected(
                f"The body is not a valid {self.product} message.",
                explain(self.name, body),
                self.name,
            )
        alerts: list[Alert] = []
        labelled = _Labelled()
        rejected: list[RejectedAlert] = []
        truncated = body.get("truncatedAlerts", 0)
        notes = (
            [f"{self.product} left {truncated} more alerts out (max_alerts) and will not send them"]
            if truncated
            else []
        )
        for index, item in enumerate(body["alerts"]):
            item = _present_alert(item)
            result = self._read_alert(item, index, body, received_at, notes)
            if isinstance(result, Alert):
                alerts.append(result)
                labelled.add(result, item["labels"])
            else:
                rejected.append(result)
        labelled.tell_apart()
        return Reading(self.name, tuple(alerts), tuple(rejected))

    def _read_alert(
        self, item: Any, index: int, body: Body, received_at: datetime, body_notes: list[str]
    ) -> Alert | RejectedAlert:
        if not self._alert_fits(item):
            pointer = f"/alerts/{index}"
            return RejectedAlert(pointer, explain(f"{self.name}.alert", item, pointer))
        status: Status = item["status"]
        started_at = parse_rfc3339(item["startsAt"])
        if started_at is None or is_zero(started_at):
            pointer = f"/alerts/{index}"
            problem = Problem(f"{pointer}/startsAt", "is not a moment an alert can have started at")
            return RejectedAlert(pointer, (problem,))

        notes: list[str | None] = [*body_notes]
        ended_at = parse_rfc3339(item.get("endsAt", "")) if status == "resolved" else None
        if ended_at is not None and is_zero(ended_at):
            ended_at = None
        if status == "resolved" and ended_at is None:
            notes.append("resolved without an end, its time of arrival stands in")

        fingerprint = item.get("fingerprint")
        if fingerprint is None:
            fingerprint = fingerprint_of(item["labels"])
            notes.append("no fingerprint given, one made of the labels stands in")
        what = (*self.scope(body), fingerprint)
        identity = incident_id(self.name, *what, iso(started_at))
        started_at, ended_at, mended = settle(started_at, ended_at, received_at)
        notes += mended
        labels = tidy_labels(item["labels"])
        annotations = tidy_map(item.get("annotations", {}))
        severity, note = severity_of(labels.get("severity"))
        notes.append(note)
        target, note = target_of(labels)
        notes.append(note)
        runbook, note = runbook_name(labels)
        notes.append(note)
        # Labels and annotations are tidy already.
        alert_name, note = name_of(labels, NAME_LIMIT)
        notes.append(note)
        alert = Alert(
            sender=self.name,
            incident_id=identity,
            alert_key=alert_key(self.name, *what),
            fingerprint=tidy_text(fingerprint, NAME_LIMIT) or fingerprint_of(item["labels"]),
            alert_name=alert_name,
            severity=severity,
            status=status,
            occurred_at=(started_at if status == "firing" else ended_at) or received_at,
            started_at=started_at,
            ended_at=ended_at,
            runbook=runbook,
            summary=cut(annotations.get("summary", "").strip(), SUMMARY_LIMIT) or alert_name,
            labels=labels,
            annotations=annotations,
            links=links_from(
                [
                    ("runbook", annotations.get("runbook_url")),
                    ("dashboard", annotations.get("dashboard_url")),
                    *self.links(item, body),
                ]
            ),
            target=target,
            notes=tuple(note for note in notes if note),
            purpose=purpose_of(labels, annotations, body.get("groupKey")),
        )
        return self.refine(without_a_verdict(alert), item)


def _present_alert(item: Any) -> Any:
    """Leave out what says nothing, two levels deep; what is no alert stays to be refused."""
    if not isinstance(item, dict):
        return item
    item = present(item, _REQUIRED_OF_AN_ALERT)
    for name in ("labels", "annotations"):
        if isinstance(item.get(name), dict):
            item[name] = present(item[name])
    item.setdefault("labels", {})
    return item


class _Labelled:
    """The alerts of a body with their labels, to find those with one fingerprint that differ.

    A fingerprint is a hash of the labels. Where it is not (a relay makes up its own), alerts that
    differ would become one incident, and all but one of them vanish: also where they began at
    different moments, because one alert whose start moves stays one (see `firings`).
    """

    def __init__(self) -> None:
        self._first: dict[str, Body] = {}
        self._ambiguous: set[str] = set()
        self._all: list[tuple[Alert, Body]] = []

    def add(self, alert: Alert, labels: Body) -> None:
        """Take the next alert, with its labels as they were sent."""
        self._all.append((alert, labels))
        if self._first.setdefault(alert.alert_key, labels) != labels:
            self._ambiguous.add(alert.alert_key)

    def tell_apart(self) -> None:
        """Give each of those alerts an identity of its own, in which its labels count."""
        if not self._ambiguous:
            return
        for alert, labels in self._all:
            if alert.alert_key in self._ambiguous:
                alert.fingerprint = fingerprint_of(labels)
                alert.incident_id = incident_id(alert.sender, alert.incident_id, alert.fingerprint)
                alert.alert_key = alert_key(alert.sender, alert.alert_key, alert.fingerprint)
                alert.notes = (*alert.notes, "its fingerprint is that of other labels, too")
