"""An incident that a runbook works on, as the two tables have it."""

from __future__ import annotations

from typing import Any

from boto3.dynamodb.types import TypeSerializer

ID = "0f3c0c0e-6a3b-5d0e-9a55-2f1f4f0e8b11"
STARTED = "2026-11-23T15:14:52.704Z"
KEY = {"incident_id": {"S": ID}, "timestamp": {"S": STARTED}}
ME = "arn:aws:states:us-east-1:123456789012:execution:incident-response-runbook:one"
TARGET = {"cluster": "c", "namespace": "apps", "kind": "deployment", "name": "checkout"}
IN_HAND = {
    "runbook": "Overload",
    "of": 2,
    "locks": ["target#c#apps#deployment#checkout"],
    "steps": [
        {"index": 1, "name": "more", "action": "scale_deployment", "target": TARGET},
        {
            "index": 2,
            "name": "away",
            "action": "drain_node",
            "target": {"kind": "node", "name": "n"},
        },
    ],
}


def put(dynamodb: Any, **values: Any) -> None:
    dynamodb.put_item(
        TableName="guard",
        Item={
            "guard_key": {"S": f"incident#{ID}"},
            "incident_timestamp": {"S": STARTED},
            "runbook_execution": {"S": ME},
            # Of what is locked one write says so in both.
            **({"in_hand": {"S": ME}} if "in_hand" in values else {}),
        },
    )
    record = {key: TypeSerializer().serialize(value) for key, value in values.items()}
    dynamodb.put_item(TableName="incidents", Item={**KEY, **record})


def end() -> dict[str, Any]:
    """Return the event that tells of the end of its alert."""
    data = {
        "incident_id": ID,
        "timestamp": STARTED,
        "ended_at": "2026-11-23T15:20:00.000Z",
        "alert_name": "CheckoutOverloaded",
        "severity": "critical",
        "sender": "alertmanager",
        "sender_name": "prod",
        "fingerprint": "f",
        "labels": {},
        "target": TARGET,
        "warnings": [],
    }
    metadata = {"received_at": "2026-11-23T15:20:01.000Z"}
    return {"detail-type": "incident.resolved", "detail": {"metadata": metadata, "data": data}}
