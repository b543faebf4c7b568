"""The end that Prometheus tells is an event like any other, and ends the firing of its own row."""

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
_SAID = {
    "state": "recovered",
    "by": "promql",
    "text": "Prometheus: the query has been below 0.05 for 60 seconds, now 0.01\n<b>",
    "since": "2026-11-23T15:16:52.000Z",
}
_LINK = {"text": "Rule", "href": "https://example.com/"}


def _given(**changes: Any) -> dict[str, Any]:
    incident = {
        "incident_id": _ID,
        "timestamp": "2026-11-23T15:14:52.704Z",
        "started_at": "2026-11-23T15:14:52.704Z",
        "ended_at": None,
        "duration_seconds": None,
        "sender": "alertmanager",
        "sender_key": "k",
        "fingerprint": "3ddc90754703a6b7",
        "alert_key": "a" * 36,
        "alert_name": "CheckoutHighErrorRate",
        "severity": "critical",
        "status": "firing",
        "purpose": "alert",
        "wakes": True,
        "forerunner": None,
        "runbook": None,
        "headline": "Firing: CheckoutHighErrorRate",
        "summary": "checkout error ratio 9.991%",
        "labels": {},
        "annotations": {},
        "links": {},
        "target": {"cluster": None, "namespace": "apps", "kind": "deployment", "name": "checkout"},
        "warnings": ["of the beginning"],
    }
    display = {
        "name": "CheckoutHighErrorRate",
        "headline": "Firing: CheckoutHighErrorRate",
        "place": "checkout",
        "where": " on checkout",
        "summary": "checkout error ratio 9.991%",
        "links": [_LINK],
    }
    return {
        "incident": incident,
        "display": display,
        "timestamp": incident["timestamp"],
        "recovery": _SAID,
        "me": "arn:aws:states:us-east-1:000000000000:execution:incident-response-runbook:x",
        "correlation_id": "c-1",
        "seen_end": True,
        **changes,
    }


def test_it_keeps_the_contract_and_says_how_it_is_known() -> None:
    state = machines()["incident-response-runbook"].definition()["States"]["TellEnd"]
    # Step Functions' own function.
    asked = state["Arguments"].replace("$uuid()", f"'{_ID}'")
    (entry,) = evaluated(asked, **_given())["Entries"]
    errors = [error.message for error in Draft202012Validator(_SCHEMA).iter_errors(entry["Detail"])]
    assert errors == []
    data = entry["Detail"]["data"]
    assert (data["status"], data["ended_at"]) == ("resolved", "2026-11-23T15:16:52.000Z")
    assert data["duration_seconds"] == pytest.approx(119.296)
    assert data["display"]["links"] == [_LINK]
    assert data["display"]["headline"].startswith(
        "Over: CheckoutHighErrorRate (critical) on checkout, seen in the data, not heard of its "
        "sender yet. Prometheus: the query has been below 0.05 for 60 seconds"
    )
    assert "\n" not in data["display"]["headline"]
    (warning,) = data["warnings"]
    assert warning.startswith("end seen in the data")


def test_an_end_before_the_beginning_is_none() -> None:
    state = machines()["incident-response-runbook"].definition()["States"]["TellEnd"]
    asked = state["Arguments"].replace("$uuid()", f"'{_ID}'")
    early = {**_SAID, "since": "2026-11-23T15:14:00.000Z"}
    (entry,) = evaluated(asked, **_given(recovery=early))["Entries"]
    assert entry["Detail"]["data"]["duration_seconds"] == 0


@pytest.mark.parametrize(("seen", "updates"), [(True, 3), (False, 2)])
def test_only_an_end_that_was_seen_is_written_into_the_row_of_the_alert(
    seen: bool, updates: int
) -> None:
    state = machines()["incident-response-runbook"].definition()["States"]["UpdateStatus"]
    given = _given(seen_end=seen, holding=True, locks=["target#x"], called=False, health="")
    before = ["nobody", "nobody"]
    items = evaluated(state["Arguments"]["TransactItems"], **given, before=before, acted=True)
    assert len(items) == updates
    if seen:
        update = items[-1]["Update"]
        assert update["Key"] == {"guard_key": {"S": "alert#" + "a" * 36}}
        assert update["ConditionExpression"] == "incident_id = :incident"
        assert update["ExpressionAttributeValues"][":ended"] == {"N": "1795447012000"}
