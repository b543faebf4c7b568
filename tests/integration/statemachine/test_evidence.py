"""incident-evidence, run for real: once an incident, on its own record, whoever comes first."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.integration.statemachine.platform import Platform, incident, resolution, wait_for
from tests.integration.statemachine.telling import id_of

pytestmark = pytest.mark.localaws


def scripted(**script: Any) -> dict[str, Any]:
    return incident(annotations={"script": json.dumps(script)})


def test_what_was_found_stands_on_the_record_and_the_status_stays(platform: Platform) -> None:
    event = incident()
    platform.run(event, platform.recorder_variant)
    ended = platform.run(event, platform.evidence_variant)
    assert ended["status"] == "SUCCEEDED", ended
    record = platform.record(id_of(event))
    assert record["status"] == "open"
    evidence = record["evidence"]
    assert evidence["status"] == "collected"
    assert evidence["findings"] == ["finding 1", "finding 2"]
    assert evidence["sources"] == {"rollouts": "read", "logs": "AccessDenied: 403"}
    assert evidence["key"] == f"incidents/{id_of(event)}.json"
    (asked,) = platform.calls(id_of(event), "collect_evidence")
    assert asked["alert"] == event["detail"]["data"]


@pytest.mark.parametrize("findings", [0, 1, 30])
def test_any_number_of_findings_is_kept_up_to_ten(platform: Platform, findings: int) -> None:
    event = scripted(findings=findings)
    platform.run(event, platform.recorder_variant)
    platform.run(event, platform.evidence_variant)
    record = platform.record(id_of(event))
    assert record["evidence"]["findings"] == named(min(findings, 10))
    assert record["findings"] == handed_on(platform, event) == named(min(findings, 3))


def named(count: int) -> list[str]:
    return [f"finding {number + 1}" for number in range(count)]


def handed_on(platform: Platform, event: dict[str, Any]) -> list[str]:
    """What the notifier will find about an incident in the guard."""
    key = {"guard_key": {"S": f"relation#{id_of(event)}"}}
    row = platform.ddb.get_item(TableName=platform.table("guard"), Key=key)["Item"]
    assert int(row["expires_at"]["N"]) > time.time() + 89 * 86400
    return [each["S"] for each in row["findings"]["L"]]


def test_a_finding_is_handed_on_short(platform: Platform) -> None:
    event = scripted(texts=["x" * 161, "y" * 160])
    platform.run(event, platform.recorder_variant)
    platform.run(event, platform.evidence_variant)
    assert handed_on(platform, event) == ["x" * 159 + "…", "y" * 160]


def test_it_is_collected_once_however_often_the_alert_is_repeated(platform: Platform) -> None:
    event = incident()
    platform.run(event, platform.recorder_variant)
    for _ in range(3):
        platform.run(event, platform.evidence_variant)
    assert len(platform.calls(id_of(event), "collect_evidence")) == 1


def test_it_makes_no_record_and_waits_for_the_one_that_comes(platform: Platform) -> None:
    event = incident()
    execution = platform.start(event, platform.evidence_variant)
    wait_for(lambda: platform.calls(id_of(event), "collect_evidence"), "the collection")
    time.sleep(0.5)
    assert platform.records(id_of(event)) == []
    platform.run(event, platform.recorder_variant)
    assert platform.wait_ended(execution)["status"] == "SUCCEEDED"
    assert platform.record(id_of(event))["evidence"]["status"] == "collected"


def test_it_is_written_under_the_sort_key_that_somebody_else_has_settled(
    platform: Platform,
) -> None:
    """A recovery that overtook its own trigger knew another start of the alert."""
    event = incident()
    early = resolution(event, timestamp="2026-11-23T15:16:22.704Z")
    platform.run(early, platform.recorder_variant)
    platform.run(event, platform.evidence_variant)
    record = platform.record(id_of(event))
    assert record["timestamp"] == "2026-11-23T15:16:22.704Z"
    assert (record["status"], record["evidence"]["status"]) == ("resolved", "collected")


@pytest.mark.parametrize("error", ["AccessDenied", "ClusterUnreachable"])
def test_what_could_not_be_collected_is_said_on_the_record(platform: Platform, error: str) -> None:
    event = scripted(error=error)
    platform.run(event, platform.recorder_variant)
    assert platform.run(event, platform.evidence_variant)["status"] == "SUCCEEDED"
    evidence = platform.record(id_of(event))["evidence"]
    assert (evidence["status"], evidence["findings"]) == ("not collected", [])
    # So that no message waits for any.
    assert handed_on(platform, event) == []
    assert evidence["why_not"] == f"{error}: scripted {error}"
    # What passes is tried again, what does not is not.
    tries = {"AccessDenied": 1, "ClusterUnreachable": 3}[error]
    assert len(platform.calls(id_of(event), "collect_evidence")) == tries


def test_in_a_storm_the_function_is_left_to_remediation(platform: Platform) -> None:
    few = platform.variant("incident-evidence", EvidencePerMinute="1")
    event = incident()
    # One has been counted in this minute, and in the next one, should that have begun by then.
    this = int(time.time() // 60)
    for minute in (this, this + 1):
        platform.ddb.update_item(
            TableName=platform.table("guard"),
            Key={"guard_key": {"S": f"flood#evidence#{minute}"}},
            UpdateExpression="ADD collected :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )
    platform.run(event, platform.recorder_variant)
    platform.run(event, few)
    evidence = platform.record(id_of(event))["evidence"]
    assert evidence["status"] == "not collected"
    assert "too many alerts at once" in evidence["why_not"]
    assert handed_on(platform, event) == []
    assert platform.calls(id_of(event), "collect_evidence") == []


@pytest.mark.parametrize(("at_once", "stands_aside"), [("0", True), ("100000", False)])
def test_of_many_at_a_time_it_is_collected_after_whoever_acts_has_begun(
    platform: Platform, at_once: str, stands_aside: bool
) -> None:
    event = incident()
    platform.run(event, platform.recorder_variant)
    machine = platform.variant(
        "incident-evidence",
        EvidenceAtOnce=at_once,
        EvidencePerMinute="100000",
        StandAsideSeconds="2",
    )
    ended = platform.run(event, machine)
    assert platform.record(id_of(event))["evidence"]["status"] == "collected"
    entered = [
        each["stateEnteredEventDetails"]["name"]
        for each in platform.history(ended["executionArn"])
        if each["type"].endswith("StateEntered")
    ]
    assert entered[-4:] == ["CollectEvidence", "RecordEvidence", "HandOnFindings", "Recorded"]
    assert ("StandAside" in entered) is stands_aside
    took = (ended["stopDate"] - ended["startDate"]).total_seconds()
    assert took >= 2 or not stands_aside


@pytest.mark.parametrize("purpose", ["canary", "test"])
def test_nothing_is_collected_about_a_heartbeat_or_a_test_button(
    platform: Platform, purpose: str
) -> None:
    event = incident(purpose=purpose)
    assert platform.run(event, platform.evidence_variant)["status"] == "SUCCEEDED"
    assert platform.calls(id_of(event), "collect_evidence") == []


def test_without_a_record_it_ends_as_a_failure_that_names_the_incident(platform: Platform) -> None:
    event = incident()
    nowhere = platform.variant("incident-evidence", IncidentTable="no-such-table")
    ended = platform.run(event, nowhere)
    assert (ended["status"], ended["error"]) == ("FAILED", "EvidenceNotRecorded")
    assert id_of(event) in ended["cause"]
