"""What a step reports, whatever its outcome and its object, keeps to the event's schema."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from jsonata import Jsonata
from jsonschema import Draft202012Validator

from runbook_action.request import TargetKind
from tests.support.machines import machines
from tests.support.template import ROOT

SCHEMA = json.loads((ROOT / "events" / "schemas" / "action.completed.json").read_text("utf-8"))
INCIDENT = "b7b0f7a4-3a3c-5f0e-9a55-111111111111"
NOW = "2026-11-23T15:14:52.704Z"


def reported(kind: str, operation: str, status: str, error: Any = None) -> dict[str, Any]:
    """Detail of the event that remediation-step puts on the bus."""
    state = machines()["remediation-step"].definition()["States"]["RecordStep"]
    expression = state["Arguments"].removeprefix("{%").removesuffix("%}")
    entry = Jsonata(expression.replace("$uuid()", f"'{INCIDENT}'")).evaluate(
        None,
        {
            "incident": {"incident_id": INCIDENT},
            "timestamp": NOW,
            "correlation_id": "c-1",
            "me": "arn:aws:states:us-east-1:000000000000:execution:m:e",
            "runbook": {"name": "R"},
            "step": {
                "index": 2,
                "name": "roll-back",
                "action": "rollback_workload",
                "target": {"cluster": "c", "namespace": "apps", "kind": kind, "name": "n"},
            },
            "of": 3,
            "approved_by": "",
            "started_at": NOW,
            "report": {
                "operation": operation,
                "status": status,
                "result": {"summary": "as told"},
                "error": error,
            },
        },
    )
    detail: dict[str, Any] = entry["Entries"][0]["Detail"]
    return detail


@pytest.mark.parametrize("kind", get_args(TargetKind))
@pytest.mark.parametrize(
    ("operation", "status"),
    [
        ("plan", "planned"),
        ("plan", "skipped"),
        ("execute", "succeeded"),
        ("execute", "failed"),
        ("undo", "skipped"),
        ("restore", "failed"),
    ],
)
def test_a_step_is_reported_as_its_schema_says(kind: str, operation: str, status: str) -> None:
    failed = {"name": "RolloutFailed", "message": "no"} if status == "failed" else None
    detail = reported(kind, operation, status, failed)
    problems = [error.message for error in Draft202012Validator(SCHEMA).iter_errors(detail)]
    # Whoever reads no null reads its absence; the bus is given what JSON has.
    assert [each for each in problems if "'error' is a required property" not in each] == []
    assert detail["data"]["action_id"] == f"{INCIDENT}:2:{operation}"
    assert detail["data"]["step"] == {"index": 2, "name": "roll-back", "of": 3}
