"""What Prometheus says of a remediation in the machine: closes, undoes, or leaves it to the ear."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.integration.statemachine.platform import Platform, incident, resolution, wait_for
from tests.integration.statemachine.steps import done, id_of, locks

pytestmark = pytest.mark.localaws

WANTED = {"promql": "errors", "is": "below 0.05"}


def with_data(platform: Platform, *words: str, **more: Any) -> dict[str, Any]:
    """An alert whose runbook's function answers these words when it is asked whether it helped."""
    name = platform.runbook({"verify": list(words)}, verify=WANTED, **more)
    event = incident(name, fingerprint=name)
    event["detail"]["data"]["alert_key"] = uuid.uuid4().hex
    platform.run(event, platform.recorder_variant)
    return event


def remember(platform: Platform, event: dict[str, Any], of: str) -> str:
    """Write the row by which alert-ingest knows the newest firing of the alert."""
    key = f"alert#{event['detail']['data']['alert_key']}"
    row = {"guard_key": {"S": key}, "incident_id": {"S": of}}
    platform.ddb.put_item(TableName=platform.table("guard"), Item=row)
    return key


def ended(platform: Platform, key: str) -> Any:
    found = platform.ddb.get_item(TableName=platform.table("guard"), Key={"guard_key": {"S": key}})
    return found["Item"].get("ended")


def test_what_the_data_show_to_be_over_is_closed_before_its_end_is_heard(
    platform: Platform,
) -> None:
    event = with_data(platform, "recovering", "recovered")
    key = remember(platform, event, id_of(event))
    platform.run(event)
    record = platform.record(id_of(event))
    assert record["status"] == "resolved"
    assert record["target_health"] == "scripted verify: recovered"
    assert done(platform, event, "execute", "undo") == [("execute", 1)]
    assert locks(platform, event) == set()
    # The end is told, so the record has its MTTR, and alert-ingest knows that this firing is over.
    record = wait_for(
        lambda: (each := platform.record(id_of(event))).get("mttr_seconds") is not None and each,
        "the end in the record",
    )
    assert any(each.startswith("end seen in the data, not heard") for each in record["warnings"])
    assert int(ended(platform, key)["N"]) // 1000 == int(record["resolved_at"])
    # Heard as well, later, it is the same end once more.
    platform.run(resolution(event), platform.recorder_variant)
    again = platform.record(id_of(event))
    assert (again["resolved_at"], again["status"]) == (record["resolved_at"], "resolved")
    asked = platform.calls(id_of(event), "verify")[0]
    own_alert = {"rule": "scripted", "labels": {"alertname": "scripted"}}
    assert (asked["verify"], asked["own_alert"]) == (WANTED, own_alert)


def test_the_row_of_a_newer_firing_is_left_alone_and_the_record_closed(platform: Platform) -> None:
    event = with_data(platform, "recovered")
    key = remember(platform, event, "another incident")
    platform.run(event)
    assert platform.record(id_of(event))["status"] == "resolved"
    assert ended(platform, key) is None
    assert locks(platform, event) == set()


def test_what_prometheus_knows_to_be_firing_is_undone_without_waiting_for_news(
    platform: Platform,
) -> None:
    event = with_data(platform, "still-firing")
    platform.run(event, platform.variant(EndHeardSeconds="3000"))
    record = platform.record(id_of(event))
    assert (record["status"], record["escalation_code"]) == ("escalated", "not-resolved")
    assert done(platform, event, "execute", "undo") == [("execute", 1), ("undo", 1)]


def test_a_query_that_does_not_hold_keeps_open_what_was_heard_to_be_over(
    platform: Platform,
) -> None:
    event = with_data(platform, "query-says-no")
    execution = platform.start(event)
    wait_for(lambda: platform.calls(id_of(event), "execute"), "the action")
    platform.run(resolution(event), platform.recorder_variant)
    platform.wait_ended(execution)
    record = platform.record(id_of(event))
    assert (record["status"], record["escalation_code"]) == ("escalated", "target-unhealthy")
    assert "what its runbook wants to see in the data is not so" in record["escalation_reason"]


def test_without_an_answer_what_is_heard_counts_and_that_is_said(platform: Platform) -> None:
    heard, unheard = (with_data(platform, "unreachable") for _ in range(2))
    executions = [platform.start(each) for each in (heard, unheard)]
    wait_for(lambda: platform.calls(id_of(heard), "execute"), "the action")
    platform.run(resolution(heard), platform.recorder_variant)
    for execution in executions:
        platform.wait_ended(execution)
    record = platform.record(id_of(heard))
    assert (record["status"], record["target_health"]) == (
        "resolved",
        "scripted verify: unreachable",
    )
    record = platform.record(id_of(unheard))
    assert record["escalation_code"] == "end-not-heard"
    (told,) = wait_for(lambda: platform.notifications(id_of(unheard)), "a notification")
    assert told["reason"].endswith("scripted verify: unreachable.")


_LENT = {"after_seconds": 1, "watch_seconds": 1}


def brought_back(platform: Platform, event: dict[str, Any]) -> str:
    def noted() -> Any:
        return platform.record(id_of(event)).get("restoration")

    return str(wait_for(noted, "what became of bringing it back"))


def test_nothing_is_brought_back_before_the_data_say_that_it_is_over(platform: Platform) -> None:
    words = ("recovered", "still-firing", "recovering", "recovered")
    event = with_data(platform, *words, restore=_LENT)
    platform.run(event)
    assert platform.record(id_of(event))["status"] == "resolved"
    assert brought_back(platform, event) == "restored"
    assert done(platform, event, "execute", "verify", "undo") == [
        ("execute", 1),
        *[("verify", 1)] * 4,
        ("undo", 1),
        ("verify", 1),
    ]


def test_an_alert_that_the_data_show_after_bringing_back_came_back(platform: Platform) -> None:
    event = with_data(platform, "recovered", "recovered", "still-firing", restore=_LENT)
    platform.run(event)
    assert brought_back(platform, event) == "restored, then the alert came back"
    assert done(platform, event, "undo") == [("undo", 1)]


def test_what_never_ends_in_the_data_is_left_to_a_human(platform: Platform) -> None:
    event = with_data(platform, "recovered", "still-firing", restore=_LENT)
    platform.run(event)
    (told,) = wait_for(lambda: platform.notifications(id_of(event)), "a notification")
    assert told["reason_code"] == "restore-failed"
    assert "the data do not say that it is over" in told["reason"]
    assert done(platform, event, "undo") == []


def test_a_restorer_that_gets_no_answer_goes_by_what_was_heard(platform: Platform) -> None:
    event = with_data(platform, "recovered", "unreachable", restore=_LENT)
    platform.run(event)
    assert brought_back(platform, event) == "restored"
