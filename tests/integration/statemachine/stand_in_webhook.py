"""Stands in for gateway and alert-ingest where the canary is under test: an alert onto the bus."""

from __future__ import annotations

import json
import os
import uuid
from typing import Any

import boto3


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Put the one alert of the body onto the bus; answer with the id of its incident."""
    (alert,) = json.loads(event["body"])["alerts"]
    template = json.loads(os.environ["EVENT"])
    incident_id = str(uuid.uuid5(uuid.NAMESPACE_URL, alert["startsAt"]))
    resolved = alert["status"] == "resolved"
    template["detail"]["data"] |= {
        "incident_id": incident_id,
        "timestamp": alert["startsAt"],
        "started_at": alert["startsAt"],
        "ended_at": alert["endsAt"] if resolved else None,
        "duration_seconds": 1 if resolved else None,
        "status": alert["status"],
        "alert_name": alert["labels"]["alertname"],
        "severity": alert["labels"]["severity"],
        "fingerprint": alert["fingerprint"],
        "purpose": "canary",
    }
    entry: Any = {
        "EventBusName": os.environ["EVENT_BUS_NAME"],
        "Source": template["source"],
        "DetailType": "incident.resolved" if resolved else "incident.created",
        "Detail": json.dumps(template["detail"]),
    }
    answer = boto3.client("events").put_events(Entries=[entry])
    return {
        "statusCode": 503 if answer["FailedEntryCount"] else 202,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps({"incident_ids": [incident_id]}),
    }
