"""Incidents of the past and catalogues, as a backtest is given them."""

from __future__ import annotations

import datetime
import json
from typing import Any
from uuid import NAMESPACE_URL, uuid5

BEGAN = datetime.datetime(2026, 11, 20, 12, 0, tzinfo=datetime.UTC)
APPS = {"cluster": "sre-platform", "namespace": "apps", "kind": "deployment", "name": "checkout"}


def at(minutes: float) -> str:
    return f"{BEGAN + datetime.timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%S}.000Z"


def incident(minutes: float, alert: str = "Sick", **changes: Any) -> dict[str, Any]:
    """One that began so many minutes after the others, and was over in a minute by itself."""
    began = BEGAN + datetime.timedelta(minutes=minutes)
    return {
        "incident_id": str(uuid5(NAMESPACE_URL, f"{alert} {minutes}")),
        "timestamp": at(minutes),
        "received_at": at(minutes),
        "resolved_at": int(began.timestamp()) + 60,
        "status": "resolved",
        "alert_name": alert,
        "severity": "critical",
        "runbook": None,
        "labels": {"namespace": "apps", "deployment": "checkout"},
        "target": APPS,
        "actions_taken": [],
        **changes,
    }


def remedied(minutes: float, name: str = "Sick", **changes: Any) -> dict[str, Any]:
    """One that a runbook acted on, and that it helped unless something else is said."""
    plan = [{"kind": "Deployment", "name": "apps/checkout", "field": "f", "from": 1, "to": 2}]
    steps = [{"index": 1, "action": "restart_workload", "target": APPS}]
    lock = "target#sre-platform#apps#deployment#checkout"
    hand = {"runbook": name, "of": 1, "locks": [lock], "steps": steps}
    done = {"operation": "execute", "status": "succeeded", "runbook": name, "target": APPS}
    return incident(
        minutes,
        in_hand=json.dumps(hand),
        actions_taken=[{**done, "result": {"summary": "restarted", "plan": plan}}],
        **{"verified_at": at(minutes + 1), **changes},
    )


def unhelped(minutes: float) -> dict[str, Any]:
    gone: dict[str, Any] = {
        "status": "escalated",
        "escalated_at": at(minutes + 1),
        "verified_at": None,
    }
    return remedied(minutes, escalation_code="not-resolved", **gone)


def denied(minutes: float) -> dict[str, Any]:
    """One of which somebody said no to the only step."""
    error = {"name": "ApprovalDenied", "message": "ada: too risky"}
    done = {"operation": "execute", "status": "skipped", "runbook": "Sick", "error": error}
    return {
        **unhelped(minutes),
        "actions_taken": [done],
        "escalation_code": "approval-denied",
    }


def stopped(minutes: float, *, begun: bool) -> dict[str, Any]:
    """One whose steps are all planned first, and whose runbook was stopped, begun or not."""
    record = unhelped(minutes)
    return {
        **record,
        "in_hand": json.dumps({**json.loads(record["in_hand"]), "begins": "arn:1"}),
        "actions_taken": [],
        "escalation_code": "runbook-abandoned",
        **({"begun": "arn:1"} if begun else {}),
    }


def runbook(name: str = "Sick", **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "description": "For tests.",
        "severities": ["critical"],
        "action": "restart_workload",
        "target": {"kind": "deployment", "namespace": "apps", "name": "checkout"},
        "on_failure": "keep",
        "guard": {"cooldown_seconds": 0, "max_actions": 20, "window_seconds": 3600},
        **changes,
    }


def catalogue(*runbooks: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in runbooks}
