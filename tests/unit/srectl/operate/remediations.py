"""Records of incidents that runbooks had in hand, as they are left."""

from __future__ import annotations

import datetime
import json
from typing import Any
from uuid import uuid4

NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
APPS = {"cluster": "sre-platform", "namespace": "apps", "kind": "deployment", "name": "checkout"}
OTHER = {**APPS, "name": "basket"}


def incident(hours: float = 1, **changes: Any) -> dict[str, Any]:
    began = NOW - datetime.timedelta(hours=hours)
    return {
        "incident_id": str(uuid4()),
        "timestamp": f"{began:%Y-%m-%dT%H:%M:%S}.000Z",
        "status": "resolved",
        "alert_name": "A",
        "actions_taken": [],
        **changes,
    }


def ran(*operations: str, name: str = "R", target: Any = APPS, **changes: Any) -> dict[str, Any]:
    """Give what a runbook leaves on a record that took its target in hand."""
    steps = [{"index": 1, "action": "restart_workload", "target": target}]
    return {
        "in_hand": json.dumps({"runbook": name, "of": 1, "locks": [], "steps": steps}),
        "actions_taken": [
            {"operation": each, "status": "succeeded", "runbook": name, "target": target}
            for each in operations
        ],
        **changes,
    }


HELPED = ran("execute", verified_at="x", mttr_seconds=60)
NOT_HELPED = ran("execute", "undo", status="escalated", escalated_at="x")
