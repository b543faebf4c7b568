"""Events that the notifier is told, and whose they are."""

from __future__ import annotations

import copy
from typing import Any

from alert_ingest.display import one_line
from tests.integration.statemachine.shown import display


def escalation(of: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The incident.escalated event of an incident."""
    data = {
        **of["detail"]["data"],
        "reason": "The alert was not resolved 300 seconds after the action.",
        "reason_code": "not-resolved",
        "acted": True,
        **changes,
    }
    shown = data["display"]
    headline = f"A human is needed: {shown['name']} ({data['severity']}). {data['reason']}"
    data["display"] = {**shown, "headline": one_line(headline, 2_000)}
    return {
        **of,
        "source": "sre.runbook",
        "detail-type": "incident.escalated",
        "detail": {"metadata": of["detail"]["metadata"], "data": data},
    }


def heard_as(event: dict[str, Any], severity: str, second: int) -> dict[str, Any]:
    """The same incident, heard again at another severity so many seconds past 15:15."""
    again = copy.deepcopy(event)
    data = again["detail"]["data"]
    data["severity"] = severity
    data["wakes"] = severity != "info"
    data["display"] = display(data)
    again["detail"]["metadata"]["received_at"] = f"2026-11-23T15:15:{second:02}.000Z"
    return again


def id_of(event: dict[str, Any]) -> str:
    return str(event["detail"]["data"]["incident_id"])
