"""The platform's own heartbeat goes through the runbook like any alert, but wakes nobody."""

from __future__ import annotations

import pytest

from tests.integration.statemachine.platform import Platform, incident, resolution

pytestmark = pytest.mark.localaws

# It is known by its purpose, which its API key gives it; the runbook it names is not looked at.
CANARY = {"alert_name": "Whatever", "purpose": "canary", "fingerprint": "706c6174666f726d"}


def test_a_canary_that_fails_is_escalated_in_its_record_and_calls_nobody(
    platform: Platform,
) -> None:
    script = {"execute": ["AccessDenied"]}
    event = incident(platform.runbook(script, name="PlatformCanary", on_failure="keep"), **CANARY)
    ended = platform.run(event)
    incident_id = event["detail"]["data"]["incident_id"]
    record = platform.wait_status(incident_id, "escalated")

    assert ended["status"] == "SUCCEEDED"
    assert record["escalation_code"] == "action-failed"
    assert platform.notifications(incident_id) == []


def test_a_canary_without_a_record_calls_nobody_either(platform: Platform) -> None:
    event = incident(platform.runbook(name="PlatformCanary"), **CANARY)
    ended = platform.run(event, platform.variant(IncidentTable="missing"))

    assert ended["status"] == "SUCCEEDED"
    assert platform.notifications(event["detail"]["data"]["incident_id"]) == []


def test_with_remediation_off_a_canary_closes_when_it_resolves(platform: Platform) -> None:
    event = incident(platform.runbook(name="PlatformCanary"), **CANARY)
    incident_id = event["detail"]["data"]["incident_id"]
    platform.set_mode("off")
    try:
        platform.send(event)
        platform.wait_status(incident_id, "escalated")
    finally:
        platform.set_mode("on")
    platform.send(resolution(event))

    assert platform.wait_status(incident_id, "resolved")["escalation_code"] == "switched-off"
    assert platform.notifications(incident_id) == []
