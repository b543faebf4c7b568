"""What a sender posts and API Gateway hands over, made from the sample of Alertmanager."""

from __future__ import annotations

import copy
import json
import uuid
from typing import Any

from tests.integration.statemachine.platform import ACCOUNT, ROOT, Platform

_SAMPLE = ROOT / "events" / "alertmanager" / "api-firing.json"


def variables(platform: Platform) -> dict[str, str]:
    """The environment of alert-ingest for a platform's bus and parking queue."""
    return {
        "EVENT_BUS_NAME": platform.bus,
        "PARKING_QUEUE_URL": platform.queues["parking"],
        "ACCOUNT_ID": ACCOUNT,
        "POWERTOOLS_SERVICE_NAME": "alert-ingest",
        "POWERTOOLS_METRICS_NAMESPACE": "SREPlatform",
    }


def request(fingerprints: list[str], ended_at: str = "", **labels: str) -> dict[str, Any]:
    """One request with an alert for each fingerprint; resolved where it has an end."""
    event: dict[str, Any] = json.loads(_SAMPLE.read_text("utf-8"))
    body = json.loads(event["body"])
    first = body["alerts"][0]
    body["alerts"] = []
    for fingerprint in fingerprints:
        alert = copy.deepcopy(first)
        alert["fingerprint"] = fingerprint
        alert["labels"] |= labels
        if ended_at:
            alert |= {"status": "resolved", "endsAt": ended_at}
        body["alerts"].append(alert)
    event["body"] = json.dumps(body)
    event["requestContext"]["requestId"] = str(uuid.uuid4())
    return event
