"""The handler as a test calls it, and what comes of a call."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest

from tests.unit.alert_ingest.bodies import FakeChannel, proxy_event

ENVIRONMENT = {
    "EVENT_BUS_NAME": "sre-platform-events",
    "PARKING_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/000000000000/parking",
    "ACCOUNT_ID": "000000000000",
    "OWN_ALARMS": "sre-dlq-runbook,sre-parked-events",
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "POWERTOOLS_SERVICE_NAME": "alert-ingest",
    "POWERTOOLS_METRICS_NAMESPACE": "SREPlatform",
}


class LambdaContext:
    """What the runtime hands over beside the event."""

    function_name = "alert-ingest"
    memory_limit_in_mb = 256
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:alert-ingest"
    aws_request_id = "6f0f5a0e-0000-4000-8000-000000000000"


class CurrentStdout:
    """Writes to whatever is sys.stdout now; a logger keeps the stream it was made with."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


@dataclass
class Invoker:
    """Calls the handler and keeps what came of it."""

    module: ModuleType
    capture: pytest.CaptureFixture[str]
    bus: FakeChannel = field(default_factory=FakeChannel)
    parking: FakeChannel = field(default_factory=FakeChannel)

    def event(self, event: object) -> tuple[int, dict[str, Any]]:
        """Invoke with a whole proxy event; return status and decoded answer."""
        answer = self.module.handler(event, LambdaContext())
        assert answer["headers"]["Content-Type"] == "application/json"
        return answer["statusCode"], json.loads(answer["body"])

    def body(self, body: object) -> tuple[int, dict[str, Any]]:
        """Invoke with a body (text, or anything else as JSON)."""
        return self.event(proxy_event(body))

    def log(self) -> list[dict[str, Any]]:
        """Return the log records since the last look, metrics included."""
        return [json.loads(line) for line in self.capture.readouterr().out.splitlines() if line]

    def messages(self) -> list[dict[str, Any]]:
        """Return the log records without the metrics."""
        return [record for record in self.log() if "message" in record]


def data_of(invoke: Invoker, body: object) -> dict[str, Any]:
    """Give what the bus got for a body of one good alert."""
    status, answer = invoke.body(body)
    assert (status, answer["accepted"], answer["rejected"]) == (202, 1, [])
    data: dict[str, Any] = invoke.bus.details[-1]["data"]
    assert answer["incident_ids"] == [data["incident_id"]]
    return data
