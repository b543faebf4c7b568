"""AWS Health: what AWS itself has to say of its services and of an account's resources.

The rules come from the documentation of AWS Health (EventBridge schema):

- One event of AWS Health is its `eventArn` and the account it affects. It is told again with every
  update, on several pages, and in a backup region: all of that is one incident.
- `statusCode` closed is its end; open and upcoming are not.
- Nothing that a runbook could repair: each is a notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from alert_ingest.errors import BodyRejected
from alert_ingest.identity import fingerprint_of, incident_id
from alert_ingest.model import Alert, Reading, Severity, Target
from alert_ingest.moments import settle
from alert_ingest.senders.base import NAME_LIMIT, SUMMARY_LIMIT, tidy_map, tidy_text
from alert_ingest.timestamps import parse_rfc3339
from alert_ingest.validation import explain, validator

#: A problem, or one that is looked into, may concern a service now; a change that AWS has planned
#: is to be read in time. What remains tells of nothing that anybody has to do soon.
SEVERITIES: Mapping[str, Severity] = {
    "issue": "warning",
    "investigation": "warning",
    "scheduledChange": "warning",
    "accountNotification": "info",
}
_LABELS = ("service", "eventTypeCode", "eventTypeCategory", "eventScopeCode", "eventRegion")
_ENTITIES_SHOWN = 20


@dataclass(frozen=True)
class AwsHealth:
    """Reads events of AWS Health; an `EventSender`."""

    name: str = "aws_health"
    source: str = "aws.health"
    detail_types: frozenset[str] = frozenset({"AWS Health Event", "AWS Health Abuse Event"})
    _fits: Any = field(init=False, repr=False, default_factory=lambda: validator("aws_health"))

    def read(self, event: Mapping[str, Any], received_at: datetime) -> Reading:
        """Turn an event into one notice.

        Raises
        ------
        BodyRejected
            The event is none of AWS Health's.
        """
        if not self._fits(event):
            problems = explain("aws_health", event)
            raise BodyRejected("The event is no valid event of AWS Health.", problems, self.name)
        detail = event["detail"]
        account = detail.get("affectedAccount") or event["account"]
        what = (detail["eventArn"], account)
        resolved = detail.get("statusCode") == "closed"
        told_at = _moment(event["time"]) or received_at
        ended_at = (_moment(detail.get("endTime")) or told_at) if resolved else None
        notes: list[str] = []
        # What AWS has planned begins in the future; the notice began when it was told.
        started_at = _moment(detail.get("startTime"))
        if started_at is None or started_at > received_at:
            started_at = None if resolved else told_at
        started_at, ended_at, mended = settle(started_at, ended_at, received_at)
        notes += mended
        code = tidy_text(detail["eventTypeCode"], NAME_LIMIT)
        labels = {key: detail[key] for key in _LABELS if isinstance(detail.get(key), str)}
        labels |= {"alertname": code, "account": account}
        text = _description(detail)
        annotations = {"description": text, "resources": ", ".join(_entities(detail))}
        for key in ("startTime", "endTime", "statusCode"):
            if isinstance(detail.get(key), str):
                annotations[key] = detail[key]
        alert = Alert(
            sender=self.name,
            incident_id=incident_id(self.name, *what),
            fingerprint=fingerprint_of({"event": what[0], "account": account}),
            alert_name=code,
            severity=SEVERITIES.get(detail["eventTypeCategory"], "warning"),
            status="resolved" if resolved else "firing",
            occurred_at=(ended_at if resolved else started_at) or received_at,
            started_at=started_at,
            ended_at=ended_at,
            runbook=None,
            summary=tidy_text(text, SUMMARY_LIMIT) or code,
            labels=tidy_map(labels),
            annotations=tidy_map({key: value for key, value in annotations.items() if value}),
            links={"health": "https://health.aws.amazon.com/health/home"},
            target=Target(),
            notes=tuple(notes),
            notice=True,
        )
        return Reading(self.name, (alert,))


def _description(detail: Mapping[str, Any]) -> str:
    described = _objects(detail.get("eventDescription"))
    english = [one for one in described if str(one.get("language", "")).startswith("en")]
    return str((english or described or [{}])[0].get("latestDescription") or "")


def _entities(detail: Mapping[str, Any]) -> list[str]:
    entities = [str(one.get("entityValue")) for one in _objects(detail.get("affectedEntities"))]
    more = len(entities) - _ENTITIES_SHOWN
    return [*entities[:_ENTITIES_SHOWN], *([f"and {more} more"] if more > 0 else [])]


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _moment(text: object) -> datetime | None:
    """Read a moment of RFC 3339, or of RFC 1123 as AWS Health writes its own."""
    if not isinstance(text, str):
        return None
    moment = parse_rfc3339(text)
    if moment is None:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        return None  # out of range in UTC


SENDER = AwsHealth()
