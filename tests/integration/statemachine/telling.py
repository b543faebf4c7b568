"""Events that the notifier is told, and whose they are."""

from __future__ import annotations

from typing import Any

from alert_ingest.display import one_line


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


def id_of(event: dict[str, Any]) -> str:
    return str(event["detail"]["data"]["incident_id"])
