"""What makes runbook-action listen: a published runbook that fits a call, and the lock."""

from __future__ import annotations

import json
import time
from typing import Any

_HOUR = 3600


def fitting_runbook(event: dict[str, Any]) -> dict[str, Any]:
    """Give the definition of a runbook whose steps all make just this call."""
    target = {name: event["target"][name] for name in ("kind", "name")}
    if event["target"]["kind"] != "node":
        target["namespace"] = event["target"]["namespace"]
    step = {"action": event["action"], "target": target, "parameters": event["parameters"]}
    return {
        "name": "Fits",
        "description": "It does what the call asks for",
        "severities": ["critical"],
        "strategy": "sequence",
        "steps": [step] * int(event.get("step", 1)),
        "on_failure": "keep",
        "guard": {"cooldown_seconds": 0, "max_actions": 9, "window_seconds": 3600},
    }


def lock_of(event: dict[str, Any], default_cluster: str = "sre-platform") -> str:
    """Name the lock of a call's target."""
    target = event["target"]
    namespace = "" if target["kind"] == "node" else target["namespace"]
    cluster = target.get("cluster") or default_cluster
    return f"target#{cluster}#{namespace}#{target['kind']}#{target['name']}"


def entitled(dynamodb: Any, runbooks: str, guard: str, event: dict[str, Any]) -> dict[str, Any]:
    """Publish a runbook for a call and take its lock; give the call as that runbook makes it."""
    name = f"Fits-{event['action']}-{event['target']['name']}".replace(".", "-")
    definition = {**fitting_runbook(event), "name": name}
    item = {"name": {"S": name}, "definition": {"S": json.dumps(definition)}}
    dynamodb.put_item(TableName=runbooks, Item=item)
    dynamodb.update_item(
        TableName=guard,
        Key={"guard_key": {"S": lock_of(event)}},
        UpdateExpression="SET holder = :holder, lease_expires_at = :until",
        ExpressionAttributeValues={
            ":holder": {"S": event["incident_id"]},
            ":until": {"N": str(int(time.time()) + _HOUR)},
        },
    )
    return {**event, "runbook": name}
