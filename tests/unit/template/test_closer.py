"""What incident-closer puts on the bus keeps the contract, whatever a record lacks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.support.machines import machines
from tests.support.template import ROOT
from tests.support.verification import evaluated

_SCHEMA = json.loads((ROOT / "events/schemas/incident.resolved.json").read_text("utf-8"))
_ID = "0f3c0c0e-6a3b-5d0e-9a55-2f1f4f0e8b11"
_WHOLE: dict[str, Any] = {
    "incident_id": {"S": _ID},
    "timestamp": {"S": "2026-11-23T15:14:52.704Z"},
    "sender": {"S": "alertmanager"},
    "fingerprint": {"S": "3ddc90754703a6b7"},
    "alert_name": {"S": "CheckoutHighErrorRate"},
    "severity": {"S": "critical"},
    "summary": {"S": "checkout error ratio 9.991%"},
    "correlation_id": {"S": "c-1"},
    "subject": {"S": "node n1"},
    "target": {"M": {"cluster": {"NULL": True}, "kind": {"S": "node"}, "name": {"S": "n1"}}},
}


@pytest.mark.parametrize("lacks", [(), ("correlation_id",), ("target",), ("subject",)])
def test_an_end_that_nobody_told_of_is_an_event_like_any_other(lacks: tuple[str, ...]) -> None:
    state = machines()["incident-closer"].definition()["States"]["TellEnds"]
    record: dict[str, Any] = {key: value for key, value in _WHOLE.items() if key not in lacks}
    (entry,) = evaluated(
        # Step Functions' own function.
        state["Arguments"]["Entries"].replace("$uuid()", f"'{_ID}'"),
        found=[record],
        me="arn:aws:states:us-east-1:000000000000:express:incident-closer:x:y",
    )
    errors = [error.message for error in Draft202012Validator(_SCHEMA).iter_errors(entry["Detail"])]
    assert errors == []
    data = entry["Detail"]["data"]
    assert (data["end_heard"], data["wakes"], data["duration_seconds"]) == (False, False, None)
    assert data["subject"] == (None if "subject" in lacks else "node n1")
    assert data["headline"] == (
        "Over: CheckoutHighErrorRate (critical), "
        "end not heard: its alert has not been repeated for 1440 minutes."
    )
