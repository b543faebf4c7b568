"""What services of AWS tell by a topic: AWS Budgets, Cost Anomaly Detection, and any other.

Budgets has no events, and those of Cost Anomaly Detection come only in one region; both publish to
a topic. From the documentation of AWS Cost Management:

- Cost Anomaly Detection sends JSON with an `anomalyId`, again when its cost grows.
- Budgets sends a text with lines such as "Budget Name: build"; a threshold is told once a month.

What is neither is a notice all the same, by its subject, because nothing that is told is lost. Each
is a notice: there is nothing that a runbook could repair.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from alert_ingest.errors import BodyRejected
from alert_ingest.identity import fingerprint_of, incident_id
from alert_ingest.model import Alert, Reading, Target
from alert_ingest.moments import settle
from alert_ingest.senders.base import (
    NAME_LIMIT,
    SUMMARY_LIMIT,
    links_from,
    tidy_map,
    tidy_text,
)
from alert_ingest.text import all_clean, cut
from alert_ingest.timestamps import parse_rfc3339
from alert_ingest.validation import explain, validator

_TEXT_LIMIT = 16_000
# To the end of the line, blanks and all: a pattern that leaves them out looks at each of them with
# all after it, which takes minutes of a message made of blanks.
_BUDGET = re.compile(r"^Budget Name: *+(\S.*)", re.MULTILINE)
_BUDGET_LINE = re.compile(
    r"^(Budget Type|Budgeted Amount|Alert Type|Alert Threshold|(?:ACTUAL|FORECASTED) Amount)"
    r": *+(\S.*)",
    re.MULTILINE,
)


@dataclass(frozen=True)
class _Notice:
    """What a message says: its name, what makes it the same, and what is shown of it."""

    name: str
    summary: str
    same: tuple[str, ...]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    link: object = None


@dataclass(frozen=True)
class Sns:
    """Reads the messages of a topic; what is in ``Sns`` of a record that a function gets."""

    name: str = "sns"
    _fits: Any = field(init=False, repr=False, default_factory=lambda: validator("sns"))

    def read(self, message: Mapping[str, Any], received_at: datetime) -> Reading:
        """Turn a message into one notice.

        Raises
        ------
        BodyRejected
            It is no message of a topic.
        """
        if not self._fits(message):
            problems = explain("sns", message)
            raise BodyRejected("The record is no message of a topic.", problems, self.name)
        sent_at = parse_rfc3339(message["Timestamp"]) or received_at
        started_at, _, notes = settle(sent_at, None, received_at)
        notice = _anomaly(message) or _budget(message, sent_at) or _other(message)
        name = tidy_text(notice.name, NAME_LIMIT) or "Notice without a subject"
        topic = message["TopicArn"]
        alert = Alert(
            sender=self.name,
            incident_id=incident_id(self.name, topic, *notice.same),
            fingerprint=fingerprint_of({"topic": topic, "what": json.dumps(notice.same)}),
            alert_name=name,
            severity="warning",
            status="firing",
            occurred_at=started_at or received_at,
            started_at=started_at,
            ended_at=None,
            runbook=None,
            summary=tidy_text(notice.summary, SUMMARY_LIMIT) or name,
            labels=tidy_map(
                {**notice.labels, "alertname": name, "topic": topic.rpartition(":")[2]}
            ),
            annotations=tidy_map(notice.annotations),
            links=links_from([("details", notice.link)]),
            target=Target(),
            notes=tuple(notes),
            notice=True,
        )
        return Reading(self.name, (alert,))


def _anomaly(message: Mapping[str, Any]) -> _Notice | None:
    """Read a message of Cost Anomaly Detection."""
    try:
        told = all_clean(json.loads(message["Message"]))
    except (ValueError, RecursionError):
        return None
    found = told.get("anomalyId") if isinstance(told, dict) else None
    if not isinstance(found, str) or not found:
        return None
    impact = told["impact"] if isinstance(told.get("impact"), dict) else {}
    what = told.get("dimensionalValue")
    name = f"Cost anomaly: {what}" if isinstance(what, str) and what else "Cost anomaly"
    cost, percent = impact.get("totalImpact"), impact.get("totalImpactPercentage")
    spent = f"{_number(impact.get('totalActualSpend'))} spent where " \
        f"{_number(impact.get('totalExpectedSpend'))} were expected"  # fmt: skip
    summary = f"{_number(cost)} US dollars more than expected ({_number(percent)} %): {spent}."
    account = str(told.get("accountId", ""))
    causes = told.get("rootCauses") if isinstance(told.get("rootCauses"), list) else []
    return _Notice(
        name,
        summary,
        ("anomaly", account, found),
        {"account": account, "anomaly_id": found},
        {
            "root_causes": cut(json.dumps(causes), _TEXT_LIMIT),
            "started": str(told.get("anomalyStartDate", "")),
        },
        told.get("anomalyDetailsLink"),
    )


def _budget(message: Mapping[str, Any], sent_at: datetime) -> _Notice | None:
    """Read a message of AWS Budgets, whose threshold may be crossed once in a month."""
    text = message["Message"]
    found = _BUDGET.search(text)
    if found is None:
        return None
    budget = found[1].rstrip()
    lines = {name: value.rstrip() for name, value in _BUDGET_LINE.findall(text)}
    kind, threshold = lines.get("Alert Type", "ACTUAL"), lines.get("Alert Threshold", "")
    amounts = ", ".join(f"{name} {value}" for name, value in lines.items())
    return _Notice(
        f"Budget: {budget}",
        amounts,
        ("budget", budget, kind, threshold, f"{sent_at:%Y-%m}"),
        {"budget": budget, "alert_type": kind},
        {"text": cut(text, _TEXT_LIMIT)},
    )


def _other(message: Mapping[str, Any]) -> _Notice:
    text = message["Message"]
    subject = message.get("Subject") or ""
    return _Notice(
        subject or text.strip().partition("\n")[0],
        text,
        ("message", message["MessageId"]),
        {},
        {"text": cut(text, _TEXT_LIMIT)},
    )


def _number(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "unknown"
    try:
        return f"{value:.2f}"
    except OverflowError:  # JSON has whole numbers that no float holds
        return "unknown"


SENDER = Sns()
