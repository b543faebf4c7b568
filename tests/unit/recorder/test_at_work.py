"""What a runbook works on is closed by it; each time that a step did something is on record."""

from __future__ import annotations

import json
from typing import Any

import pytest

from srectl.operate.incidents import plain
from srectl.operate.leftovers import left
from tests.support.recorder import Recorder
from tests.unit.recorder.rows import ID, IN_HAND, KEY, ME, STARTED, TARGET, end, put


def report(operation: str, status: str, started_at: str) -> dict[str, Any]:
    data = {
        "incident_id": ID,
        "timestamp": STARTED,
        "action_id": f"{ID}:1:{operation}",
        "action": "scale_deployment",
        "operation": operation,
        "step": {"index": 1, "name": "more", "of": 2},
        "status": status,
        "target": TARGET,
        "started_at": started_at,
        "completed_at": started_at,
        "result": {"summary": status},
        "error": None,
    }
    return {"detail-type": "action.completed", "detail": {"metadata": {}, "data": data}}


def record(dynamodb: Any) -> dict[str, Any]:
    return plain(dynamodb.get_item(TableName="incidents", Key=KEY)["Item"])


@pytest.mark.parametrize(
    ("at_it", "becomes"), [({"in_flight": ME}, "escalated"), ({}, "resolved")], ids=["yes", "no"]
)
def test_an_escalated_incident_is_not_closed_from_under_its_runbook(
    dynamodb: Any, at_it: dict[str, str], becomes: str
) -> None:
    """Its severity had risen: the runbook looks at the target before it closes the record."""
    put(dynamodb, status="escalated", **at_it)
    Recorder(dynamodb, "incidents", "guard").take(end())
    found = record(dynamodb)
    assert (found["status"], "resolved_at" in found) == (becomes, True)
    assert found["sender_name"] == "prod"


def test_of_a_runbook_that_was_stopped_it_is(dynamodb: Any) -> None:
    put(dynamodb, status="escalated", in_flight=ME, abandoned=ME)
    Recorder(dynamodb, "incidents", "guard").take(end())
    assert record(dynamodb)["status"] == "resolved"


def test_what_is_taken_back_at_the_second_try_is_on_record(dynamodb: Any) -> None:
    put(dynamodb, status="escalated", in_hand=json.dumps(IN_HAND))
    recorder = Recorder(dynamodb, "incidents", "guard")
    again = report("restore", "succeeded", "2026-11-23T17:00:00.000Z")
    for event in (report("restore", "failed", "2026-11-23T16:00:00.000Z"), again, again):
        recorder.take(event)
    found = record(dynamodb)
    assert [each["status"] for each in found["actions_taken"]] == ["failed", "succeeded"]
    assert [each["step"]["index"] for each in left(found)] == [2]
