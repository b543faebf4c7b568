"""The demonstration is proven by what was measured, and each claim can fail."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from onemachine.demo.report import Account, show, write
from onemachine.demo.verdict import Evidence, judge
from onemachine.demo.watch import Milestone, Reached, Sighting
from onemachine.receiver import ChatMessage, Mail, Notification, Page

ACTED = {"action": "enable_degraded_mode", "operation": "execute", "status": "succeeded"}
RECORD = {"status": "resolved", "mttr_seconds": 14, "actions_taken": [ACTED]}
GOOD = Evidence(
    RECORD, {"a": "1", "b": "2"}, {"c": "3", "d": "4"}, ratio_before=0.0, ratio_peak=0.3,
    ratio_after=0.01,
)  # fmt: skip


def failed(**changes: Any) -> list[str]:
    checks = judge(dataclasses.replace(GOOD, **changes))
    return [check.name for check in checks if not check.passed]


def test_a_real_repair_is_proven() -> None:
    assert failed() == []


@pytest.mark.parametrize("status", ["open", "remediating", "escalated", None])
def test_a_record_that_is_not_resolved_proves_nothing(status: str | None) -> None:
    assert failed(record={**RECORD, "status": status}) == ["the record says resolved"]


@pytest.mark.parametrize(
    "actions",
    [
        [],
        None,
        [{**ACTED, "status": "failed"}],
        [{**ACTED, "operation": "undo"}],
        [{**ACTED, "action": "restart"}],
    ],
)
def test_an_action_that_was_not_taken_proves_nothing(actions: Any) -> None:
    claim = "enable_degraded_mode is in actions_taken"
    assert failed(record={**RECORD, "actions_taken": actions}) == [claim]


@pytest.mark.parametrize(
    "after", [{}, {"c": "3"}, {"c": "3", "b": "2"}, {"a": "1", "b": "2"}, {"c": "1", "d": "2"}]
)
def test_pods_that_stayed_or_are_missing_prove_nothing(after: dict[str, str]) -> None:
    assert failed(pods_after=after) == ["every pod was replaced"]


@pytest.mark.parametrize(
    ("before", "peak", "after"),
    [
        (0.0, 0.03, 0.0),  # nothing was broken
        (0.2, 0.3, 0.0),  # it was broken before
        (0.0, 0.3, 0.06),  # still above the threshold
        (0.0, 0.06, 0.04),  # below it, but hardly fell
        (None, 0.3, 0.0),
        (0.0, None, 0.0),
        (0.0, 0.3, None),  # no traffic: nothing was measured
    ],
)
def test_a_ratio_that_did_not_fall_proves_nothing(
    before: float | None, peak: float | None, after: float | None
) -> None:
    claim = "the error ratio rose and really fell"
    assert failed(ratio_before=before, ratio_peak=peak, ratio_after=after) == [claim]


def test_a_record_without_mttr_is_not_complete() -> None:
    assert failed(record={**RECORD, "mttr_seconds": None}) == ["the record has an MTTR"]


def account() -> Account:
    told = Account("demo", realistic=False, template="template.yaml")
    told.started_at, told.fault_at, told.finished_at = 1000.0, 1060.0, 1100.0
    told.setup = {"aws": 2.0, "deploy": 31.0}
    told.tell_steps(
        [
            Reached(Milestone("closed", "incident closed", 1, lambda: None), Sighting(1090.0)),
            Reached(
                Milestone("first-error", "first error", 1, lambda: None),
                Sighting(1061.5, "[red]3 of 20[/] checkouts"),
            ),
        ]
    )
    told.incident = {
        "incident_id": "i-1",
        "status": "resolved",
        "evidence": {"findings": ["image [b]checkout:2[/b] rolled out 4 minutes before"]},
    }
    message = {"event": "incident.created", "message": "Checkout fails [b]5 %[/b]"}
    told.notifications = [Notification(1065.0, "m-1", "arn:topic", "", message, {})]
    told.pages = [Page(1065.0, "trigger", "i-1", "critical", "Checkout fails [b]5 %[/b]", {})]
    told.mails = [
        Mail(1065.0, "m-1", "oncall@example.com", "CRITICAL: [b]", "Checkout fails.\n\nWhat: [i]")
    ]
    told.chat = [ChatMessage(1066.0, "CRITICAL: 5 &lt; 6\n`srectl incidents show i-1`")]
    told.checks = judge(GOOD)
    told.outcome = "resolved"
    return told


def test_the_timeline_is_in_order_of_time_with_the_seconds_between() -> None:
    steps = [(step.name, step.since_fault, step.since_previous) for step in account().steps]
    assert steps == [("first-error", 1.5, 1.5), ("closed", 30.0, 28.5)]


def test_the_report_holds_everything_that_is_printed(tmp_path: Path) -> None:
    path = tmp_path / "build" / "report.json"
    write(account(), path)
    report = json.loads(path.read_text())
    assert report["outcome"] == "resolved"
    assert report["seconds"] == 100.0
    assert report["steps"][0]["at"] == "1970-01-01T00:17:41.500000+00:00"
    assert report["incident"]["incident_id"] == "i-1"
    assert report["notifications"][0]["message"]["event"] == "incident.created"
    assert report["pages"][0]["received_at"] == "1970-01-01T00:17:45+00:00"
    assert report["mails"][0]["sent_at"] == "1970-01-01T00:17:45+00:00"
    assert report["chat"][0]["text"].startswith("CRITICAL")
    assert all(check["passed"] for check in report["checks"])


def test_what_an_alert_says_is_printed_as_it_stands() -> None:
    console = Console(record=True, width=200, force_terminal=False)
    show(account(), console)
    text = console.export_text()
    assert "[red]3 of 20[/] checkouts" in text
    assert "trigger i-1: Checkout fails [b]5 %[/b]" in text
    assert "Subject: CRITICAL: [b]" in text
    assert "| What: [i]" in text
    assert "  image [b]checkout:2[/b] rolled out 4 minutes before" in text
    assert "CRITICAL: 5 < 6 / `srectl incidents show i-1`" in text
    assert "✓ the record says resolved" in text
