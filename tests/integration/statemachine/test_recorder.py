"""incident-recorder, run for real: one record an incident, in whatever order events arrive."""

from __future__ import annotations

import itertools
import json
from datetime import datetime
from typing import Any

import pytest

from srectl.operate import incidents
from srectl.operate.account import Account
from tests.integration.statemachine.platform import (
    Platform,
    action_completed,
    incident,
    resolution,
    wait_for,
)

pytestmark = pytest.mark.localaws


def record_in_order(platform: Platform, events: list[dict[str, object]]) -> None:
    for event in events:
        execution = platform.run(event, platform.recorder_variant)
        assert execution["status"] == "SUCCEEDED", execution


def test_a_firing_alert_becomes_an_open_incident_with_all_it_said(platform: Platform) -> None:
    event = incident(labels={"alertname": "X", "odd": 'quote " and ü'})
    record_in_order(platform, [event])
    record = platform.record(event["detail"]["data"]["incident_id"])
    assert record["status"] == "open"
    assert record["timestamp"] == "2026-11-23T15:14:52.704Z"
    assert record["severity"] == "critical"
    assert record["labels"] == {"alertname": "X", "odd": 'quote " and ü'}
    assert record["annotations"] == {}
    assert record["actions_taken"] == []
    assert record["target"]["name"] == "checkout"
    assert record["correlation_id"] == "c-1"
    assert "resolved_at" not in record


def test_what_its_labels_name_is_on_record_where_it_is_no_target(platform: Platform) -> None:
    event = incident()
    data = event["detail"]["data"]
    data["display"] = {**data["display"], "subject": "apps/parcels-7d9f-x"}
    platform.run(event, platform.recorder_variant)
    assert platform.record(data["incident_id"])["subject"] == "apps/parcels-7d9f-x"


def test_a_resolution_closes_the_incident_with_its_mttr(platform: Platform) -> None:
    event = incident()
    record_in_order(platform, [event, resolution(event)])
    record = platform.record(event["detail"]["data"]["incident_id"])
    assert record["status"] == "resolved"
    assert record["resolved_at"] == 1795446982
    assert record["mttr_seconds"] == 90


def test_an_end_that_is_heard_after_somebody_closed_the_incident_is_noted_beside_that(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in platform.aws.operator_environment().items():
        monkeypatch.setenv(name, value)
    event = incident("NoSuchRunbook")
    incident_id = event["detail"]["data"]["incident_id"]
    record_in_order(platform, [event])
    platform.run(event)
    platform.wait_status(incident_id, "escalated")
    closed = datetime.fromisoformat("2026-11-23T15:15:15Z")
    incidents.resolve(Account(f"{platform.name}-"), incident_id, "ada", "rolled back", closed)
    record_in_order(
        platform, [resolution(event), resolution(event, ended_at="2026-11-23T15:18:00Z")]
    )
    record = platform.record(incident_id)
    assert (record["resolved_at"], record["mttr_seconds"]) == (int(closed.timestamp()), 22)
    assert record["alert_ended_at"] == 1795446982


def test_every_order_of_events_ends_in_the_same_record(platform: Platform) -> None:
    ends = []
    for order in itertools.permutations(range(3)):
        event = incident()
        events = [event, resolution(event), action_completed(event)]
        record_in_order(platform, [events[i] for i in order])
        record = platform.record(event["detail"]["data"]["incident_id"])
        ends.append(
            {
                key: record.get(key)
                for key in ("status", "resolved_at", "mttr_seconds", "timestamp", "summary")
            }
            | {"actions": [action["action"] for action in record["actions_taken"]]}
        )
    assert all(end == ends[0] for end in ends), ends
    assert ends[0]["status"] == "resolved"
    assert ends[0]["actions"] == ["enable_degraded_mode"]


def test_repetitions_change_nothing(platform: Platform) -> None:
    event = incident()
    events = [event, action_completed(event), resolution(event)]
    record_in_order(platform, events)
    before = platform.record(event["detail"]["data"]["incident_id"])
    late = resolution(event, ended_at="2026-11-23T16:00:00.000Z")
    record_in_order(platform, [*events, late])
    assert platform.record(event["detail"]["data"]["incident_id"]) == before


def test_what_was_assumed_about_an_alert_is_kept_whatever_the_order(platform: Platform) -> None:
    ends = []
    for order in itertools.permutations(range(3)):
        event = incident(warnings=["severity 'purple' is not known, warning assumed"])
        again = {**event, "detail": {**event["detail"]}}
        again["detail"]["data"] = {**event["detail"]["data"], "warnings": ["a", "b", "a"]}
        events = [event, again, resolution(event, warnings=[])]
        record_in_order(platform, [events[i] for i in order] + [event])
        record = platform.record(event["detail"]["data"]["incident_id"])
        ends.append((record["status"], set(record["warnings"])))
    assert ends == [("resolved", {"a", "b", "severity 'purple' is not known, warning assumed"})] * 6


def test_a_record_without_warnings_has_no_word_of_them(platform: Platform) -> None:
    events = [incident(), incident(warnings=[])]
    record_in_order(platform, events)
    for event in events:
        assert "warnings" not in platform.record(event["detail"]["data"]["incident_id"])


def test_a_recovery_that_does_not_know_the_start_finds_the_incident(platform: Platform) -> None:
    event = incident(sender="datadog")
    recovery = resolution(event, timestamp="2026-11-23T15:16:22.704Z", started_at=None)
    record_in_order(platform, [event, recovery])
    record = platform.record(event["detail"]["data"]["incident_id"])
    assert record["status"] == "resolved"
    assert record["mttr_seconds"] == 90


def test_an_incident_in_remediation_is_left_for_its_runbook_to_close(platform: Platform) -> None:
    event = incident()
    incident_id = event["detail"]["data"]["incident_id"]
    record_in_order(platform, [event])
    platform.set_record(event, status="remediating")
    record_in_order(platform, [resolution(event)])
    record = platform.record(incident_id)
    assert record["status"] == "remediating"
    assert record["resolved_at"] == 1795446982


def test_an_escalated_incident_is_resolved_when_its_alert_is(platform: Platform) -> None:
    event = incident()
    incident_id = event["detail"]["data"]["incident_id"]
    record_in_order(platform, [event])
    platform.set_record(event, status="escalated")
    record_in_order(platform, [resolution(event)])
    assert platform.record(incident_id)["status"] == "resolved"


def test_an_event_that_cannot_be_written_is_parked_whole(platform: Platform) -> None:
    event = incident()
    broken = platform.variant("incident-recorder", IncidentTable="no-such-table")
    execution = platform.run(event, broken)
    assert execution["status"] == "FAILED"
    assert execution["error"] == "NotRecorded"
    incident_id = event["detail"]["data"]["incident_id"]
    bodies = wait_for(lambda: platform.queued("recorder-dlq", incident_id), "the parked event")
    assert any("incident.created" in body for body in bodies)


def test_an_unknown_event_fails_loudly(platform: Platform) -> None:
    event = {**incident(), "detail-type": "incident.renamed"}
    execution = platform.run(event, platform.recorder_variant)
    assert execution["status"] == "FAILED"
    assert "incident.renamed" in execution["cause"]


def test_a_senders_test_is_recorded_and_over_at_once(platform: Platform) -> None:
    event = incident(purpose="test")
    record_in_order(platform, [event])
    record = platform.record(event["detail"]["data"]["incident_id"])
    assert (record["status"], record["mttr_seconds"]) == ("resolved", 0)


def test_a_recurrence_names_its_forerunner_in_the_record(platform: Platform) -> None:
    event = incident(forerunner="the-one-before", wakes=False)
    record_in_order(platform, [event])
    record = platform.record(event["detail"]["data"]["incident_id"])
    assert (record["forerunner"], record["wakes"]) == ("the-one-before", False)


def abandoned(of: dict[str, Any], execution: str) -> dict[str, Any]:
    """What Step Functions reports when the execution that had an incident is stopped."""
    return {
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "detail": {"executionArn": execution, "status": "ABORTED", "input": json.dumps(of)},
    }


def test_an_abandoned_runbook_hands_its_incident_to_a_human(platform: Platform) -> None:
    event = incident()
    incident_id = event["detail"]["data"]["incident_id"]
    record_in_order(platform, [event])
    platform.set_record(event, status="remediating", runbook_execution="arn:mine")
    record_in_order(platform, [abandoned(event, "arn:another")])
    assert platform.record(incident_id)["status"] == "remediating"
    record_in_order(platform, [abandoned(event, "arn:mine")])
    record = platform.record(incident_id)
    assert (record["status"], record["escalation_code"]) == ("escalated", "runbook-abandoned")
    assert "ABORTED" in record["escalation_reason"]
    record_in_order(platform, [resolution(event)])
    assert platform.record(incident_id)["status"] == "resolved"
    record_in_order(platform, [abandoned(event, "arn:mine")])
    assert platform.record(incident_id)["status"] == "resolved"
