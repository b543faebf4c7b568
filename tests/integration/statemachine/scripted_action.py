"""Stands in for runbook-action where a state machine is under test: does what its script says.

The script travels in the runbook's parameters, as JSON:
``{"execute": ["ClusterUnreachable", "succeeded"], "verify": ["unhealthy", "healthy"]}``.
Each call takes the next step, the last one stays. A step that is no known status is raised as an
error of that name.
"""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any

STATUSES = {"succeeded", "in_progress", "unchanged", "planned", "healthy", "unhealthy"}


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Take the next step of the script and note the call."""
    log = pathlib.Path(os.environ["CALLS_DIR"]) / f"{event['incident_id']}.jsonl"
    operation = event["operation"]
    earlier = log.read_text().splitlines() if log.exists() else []
    with log.open("a") as file:
        file.write(json.dumps(event) + "\n")
    turn = sum(json.loads(line)["operation"] == operation for line in earlier)
    script = json.loads(event["parameters"].get("script", "{}"))
    steps = script.get(operation) or [
        {"verify": "healthy", "plan": "planned"}.get(operation, "succeeded")
    ]
    step = steps[min(turn, len(steps) - 1)]
    if step not in STATUSES:
        raise type(step, (Exception,), {})(f"scripted {step}")
    return {
        "status": "succeeded" if step == "healthy" else step,
        "action": event["action"],
        "operation": operation,
        "target": event["target"],
        "incident_id": event["incident_id"],
        "changed": step == "succeeded",
        "summary": f"scripted {operation}: {step}",
        "details": {},
        "plan": [{"kind": "Deployment", "name": "checkout", "field": "x", "from": "a", "to": "b"}],
        "undo": {"action": event["action"], "parameters": {}} if operation == "execute" else None,
        "healthy": step == "healthy" if operation == "verify" else None,
    }
