"""incident-response-runbook, run for real against a scripted runbook-action."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.integration.statemachine.called import escalation, holder
from tests.integration.statemachine.platform import (
    Platform,
    incident,
    resolution,
    wait_for,
)
from tests.integration.statemachine.standing import standing
from tests.integration.statemachine.steps import guard as lock_of
from tests.integration.statemachine.steps import runbook as steps_runbook
from tests.integration.statemachine.steps import step
from tests.integration.statemachine.telling import id_of

pytestmark = pytest.mark.localaws


def test_an_alert_is_remediated_verified_and_closed(platform: Platform) -> None:
    event = incident(platform.runbook())
    platform.send(event)
    wait_for(lambda: platform.calls(id_of(event), "execute"), "the action")
    platform.send(resolution(event))
    record = platform.wait_status(id_of(event), "resolved")
    assert record["mttr_seconds"] == 90
    assert record["target_health"] == "scripted verify: healthy"
    wait_for(lambda: platform.record(id_of(event)).get("actions_taken", []), "the recorded action")
    (action,) = platform.record(id_of(event)).get("actions_taken", [])
    assert (action["action"], action["operation"], action["status"]) == (
        "enable_degraded_mode",
        "execute",
        "succeeded",
    )
    (call,) = platform.calls(id_of(event), "execute")
    assert call["target"]["namespace"] == "apps"
    assert call["target"]["cluster"] == "sre-platform"
    wait_for(lambda: holder(platform, event) is None, "the lock to be released")


def test_a_thousandth_delivery_acts_no_second_time(platform: Platform) -> None:
    event = incident(platform.runbook())
    platform.send(event, event, event, event)
    wait_for(lambda: platform.calls(id_of(event), "execute"), "the action")
    platform.send(event, resolution(event))
    platform.wait_status(id_of(event), "resolved")
    platform.run(event)
    assert len(platform.calls(id_of(event), "execute")) == 1
    assert platform.record(id_of(event))["status"] == "resolved"


def test_an_alert_resolved_before_it_fired_is_left_alone(platform: Platform) -> None:
    event = incident(platform.runbook())
    platform.run(resolution(event), platform.recorder_variant)
    platform.run(event)
    assert platform.calls(id_of(event), "execute") == []
    assert platform.record(id_of(event))["status"] == "resolved"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"runbook": "NoSuchRunbook"}, "no-runbook"),
        ({"runbook": None, "alert_name": "NobodyKnowsThis"}, "no-runbook"),
        ({"severity": "info"}, "not-eligible"),
        ({"severity": "warning"}, "not-eligible"),
    ],
)
def test_what_no_runbook_may_repair_goes_to_a_human(
    platform: Platform, changes: dict[str, Any], code: str
) -> None:
    event = incident(**{"runbook": platform.runbook(), **changes})
    platform.run(event)
    escalation(platform, event, code)
    assert platform.calls(id_of(event), "execute") == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("ParameterRefused", "parameter-refused"),
        ("ActionRefused", "target-refused"),
        ("TargetNotFound", "target-not-found"),
        ("TargetAmbiguous", "target-ambiguous"),
        ("InvalidRequest", "resolve-failed"),
    ],
)
def test_what_a_runbook_cannot_be_applied_to_goes_to_a_human_with_what_was_found(
    platform: Platform, error: str, code: str
) -> None:
    event = incident(platform.runbook({"resolve": [error]}))
    platform.run(event)
    record = escalation(platform, event, code)
    assert f"{error}: scripted {error}" in record["escalation_reason"]
    assert len(platform.calls(id_of(event), "resolve")) == 1
    assert platform.calls(id_of(event), "execute") == []
    assert holder(platform, event) is None


def test_a_disabled_runbook_does_not_act(platform: Platform) -> None:
    event = incident(platform.runbook(enabled=False))
    platform.run(event)
    assert "disabled" in escalation(platform, event, "no-runbook")["escalation_reason"]
    assert platform.calls(id_of(event), "execute") == []


def test_the_kill_switch_stops_everything(platform: Platform) -> None:
    event = incident(platform.runbook())
    platform.set_mode("off")
    try:
        platform.run(event)
    finally:
        platform.set_mode("on")
    escalation(platform, event, "switched-off")
    assert platform.calls(id_of(event), "execute") == []


def test_an_unreadable_kill_switch_counts_as_off(platform: Platform) -> None:
    event = incident(platform.runbook())
    platform.run(event, platform.variant(ModeParameterName="/no/such/parameter"))
    record = escalation(platform, event, "switched-off")
    assert "unreadable" in record["escalation_reason"]
    assert platform.calls(id_of(event), "execute") == []


def test_observe_mode_records_the_plan_and_changes_nothing(platform: Platform) -> None:
    event = incident(platform.runbook())
    platform.set_mode("observe")
    try:
        platform.run(event)
    finally:
        platform.set_mode("on")
    escalation(platform, event, "observed")
    assert platform.calls(id_of(event), "execute") == []
    assert platform.calls(id_of(event), "undo") == []
    wait_for(lambda: platform.record(id_of(event)).get("actions_taken"), "the recorded plan")
    (action,) = platform.record(id_of(event)).get("actions_taken", [])
    assert (action["operation"], action["status"]) == ("plan", "planned")


@pytest.mark.parametrize("table", ["GuardTable", "RunbookTable", "IncidentTable"])
def test_with_a_table_unreadable_it_escalates_without_acting(
    platform: Platform, table: str
) -> None:
    event = incident(platform.runbook())
    execution = platform.run(event, platform.variant(**{table: "no-such-table"}))
    assert execution["status"] == "SUCCEEDED"
    messages = wait_for(lambda: platform.notifications(id_of(event)), "a notification")
    assert (
        messages[0]["reason_code"]
        == {
            "GuardTable": "record-unavailable",
            "RunbookTable": "catalogue-unavailable",
            "IncidentTable": "guard-unavailable",
        }[table]
    )
    assert platform.calls(id_of(event), "execute") == []


def test_a_passing_fault_is_retried_by_its_name(platform: Platform) -> None:
    script = {"execute": ["ClusterUnreachable", "ClusterConflict", "succeeded"]}
    event = incident(platform.runbook(script))
    platform.send(event)
    wait_for(lambda: len(platform.calls(id_of(event), "execute")) == 3, "the third try")
    platform.send(resolution(event))
    platform.wait_status(id_of(event), "resolved")


def test_a_fault_that_stays_is_tried_four_times_then_undone_and_escalated(
    platform: Platform,
) -> None:
    event = incident(platform.runbook({"execute": ["ClusterUnreachable"]}))
    platform.run(event)
    record = escalation(platform, event, "action-failed")
    assert "ClusterUnreachable" in record["escalation_reason"]
    assert len(platform.calls(id_of(event), "execute")) == 4
    assert len(platform.calls(id_of(event), "undo")) == 1


def test_a_refusal_is_not_retried(platform: Platform) -> None:
    event = incident(platform.runbook({"execute": ["AccessDenied"]}, on_failure="keep"))
    platform.run(event)
    escalation(platform, event, "action-failed")
    assert len(platform.calls(id_of(event), "execute")) == 1
    assert platform.calls(id_of(event), "undo") == []

    def failed_action() -> list[dict[str, Any]]:
        return [
            a
            for a in platform.record(id_of(event)).get("actions_taken", [])
            if a["status"] == "failed"
        ]

    (action,) = wait_for(failed_action, "the failed action on record")
    assert json.loads(action["error"])["name"] == "AccessDenied"


def test_a_long_rollout_is_asked_after_until_it_is_complete(platform: Platform) -> None:
    event = incident(platform.runbook({"execute": ["in_progress", "in_progress", "succeeded"]}))
    platform.send(event)
    wait_for(lambda: len(platform.calls(id_of(event), "execute")) == 3, "the third question")
    platform.send(resolution(event))
    platform.wait_status(id_of(event), "resolved")


def test_a_rollout_that_never_ends_is_given_up(platform: Platform) -> None:
    event = incident(platform.runbook({"execute": ["in_progress"]}))
    platform.run(event)
    record = escalation(platform, event, "action-timeout")
    assert len(platform.calls(id_of(event), "undo")) == 1
    # With what it waited for to the last: by that alone who is called knows what holds it up.
    waited = "was not complete after 4 seconds: scripted execute: in_progress"
    assert waited in record["escalation_reason"]


def test_what_did_not_help_is_undone_and_escalated_with_the_story(platform: Platform) -> None:
    event = incident(platform.runbook({"verify": ["unhealthy"]}))
    platform.run(event)
    record = escalation(platform, event, "not-resolved")
    assert len(platform.calls(id_of(event), "execute")) == 1
    (undo,) = platform.calls(id_of(event), "undo")
    assert undo["undo"] == {"action": "enable_degraded_mode", "parameters": {}}
    assert "scripted undo" in record["escalation_reason"]
    wait_for(
        lambda: len(platform.record(id_of(event)).get("actions_taken", [])) == 2, "both actions"
    )
    operations = {
        action["operation"] for action in platform.record(id_of(event)).get("actions_taken", [])
    }
    assert operations == {"execute", "undo"}
    assert holder(platform, event) is None


def test_a_runbook_may_keep_what_it_did(platform: Platform) -> None:
    event = incident(platform.runbook({"verify": ["unhealthy"]}, on_failure="keep"))
    platform.run(event)
    escalation(platform, event, "not-resolved")
    assert platform.calls(id_of(event), "undo") == []


def test_a_resolved_alert_with_a_sick_target_is_no_success(platform: Platform) -> None:
    event = incident(platform.runbook({"verify": ["unhealthy"]}))
    platform.send(event)
    wait_for(lambda: platform.calls(id_of(event), "execute"), "the action")
    platform.send(resolution(event))
    record = escalation(platform, event, "target-unhealthy")
    assert "resolved_at" in record


def test_while_the_alert_goes_on_and_no_data_speak_of_it_the_target_is_left_alone(
    platform: Platform,
) -> None:
    event = incident(platform.runbook())
    platform.run(event, platform.recorder_variant)
    execution = platform.start(event, platform.variant(VerifyTimeoutSeconds="3000"))

    def waits() -> int:
        entered = [each.get("stateEnteredEventDetails", {}) for each in platform.history(execution)]
        return sum(each.get("name") == "WaitToVerifyAgain" for each in entered)

    wait_for(lambda: waits() >= 2, "it to have been asked for twice")
    assert platform.calls(id_of(event), "verify") == []
    platform.run(resolution(event), platform.recorder_variant)
    assert platform.wait_ended(execution)["status"] == "SUCCEEDED"
    assert platform.record(id_of(event))["status"] == "resolved"
    assert len(platform.calls(id_of(event), "verify")) == 1


def test_the_check_is_repeated_until_the_target_is_healthy(platform: Platform) -> None:
    event = incident(platform.runbook({"verify": ["unhealthy", "ClusterRejected", "healthy"]}))
    platform.send(event)
    wait_for(lambda: platform.calls(id_of(event), "execute"), "the action")
    platform.send(resolution(event))
    platform.wait_status(id_of(event), "resolved")
    assert len(platform.calls(id_of(event), "verify")) == 3


def test_of_several_alerts_on_one_target_one_acts_and_the_others_join_it(
    platform: Platform,
) -> None:
    runbook = platform.runbook({"execute": ["in_progress", "in_progress", "succeeded"]})
    events = [incident(runbook, fingerprint=f"alert-{number}") for number in range(5)]
    platform.send(*events)

    def parted() -> tuple[list[str], list[str]] | None:
        acting = [id_of(each) for each in events if platform.calls(id_of(each), "execute")]
        joined = [id_of(each) for each in events if platform.joined(id_of(each))]
        return (acting, joined) if len({*acting, *joined}) == len(events) else None

    (acting, joined) = wait_for(parted, "all to act or to join")
    platform.send(*map(resolution, events))
    for event in events:
        platform.wait_status(id_of(event), "resolved")
    assert len(acting) == 1
    for event in events:
        if id_of(event) != acting[0]:
            assert platform.record(id_of(event))["attached_to"] == acting[0]
            assert platform.calls(id_of(event), "execute") == []
            assert platform.record(id_of(event))["actions_taken"] == []
    assert "attached_to" not in platform.record(acting[0])
    assert set(joined) >= {id_of(event) for event in events} - set(acting)


def test_one_that_joined_is_not_closed_by_another_ones_resolution(platform: Platform) -> None:
    runbook = platform.runbook({"execute": ["in_progress", "in_progress", "succeeded"]})
    first = incident(runbook)
    platform.send(first)
    wait_for(lambda: holder(platform, first), "the lock")
    second = incident(runbook, fingerprint="another")
    platform.send(second)
    wait_for(lambda: platform.joined(id_of(second)), "the second to join")
    platform.send(resolution(first))
    platform.wait_status(id_of(first), "resolved")
    record = escalation(platform, second, "end-not-heard")
    assert f"had joined the remediation of incident {id_of(first)}" in record["escalation_reason"]
    assert platform.calls(id_of(second), "execute") == []
    assert platform.calls(id_of(second), "undo") == []


def test_who_joined_waits_for_the_action_that_is_under_way(platform: Platform) -> None:
    runbook = platform.runbook({"execute": [*["in_progress"] * 4, "succeeded"]})
    machine = platform.variant(VerifyTimeoutSeconds="1", ActionTimeoutSeconds="20")
    first, second = incident(runbook), incident(runbook, fingerprint="another")
    platform.start(first, machine)
    wait_for(lambda: holder(platform, first), "the lock")
    platform.start(second, machine)
    wait_for(lambda: len(platform.calls(id_of(first), "execute")) == 5, "the end of the action")
    platform.send(resolution(first), resolution(second))
    platform.wait_status(id_of(first), "resolved")
    assert "escalated_at" not in platform.wait_status(id_of(second), "resolved")
    assert platform.calls(id_of(second), "execute") == []


def test_a_lease_that_ran_out_is_taken_over(platform: Platform) -> None:
    runbook = platform.runbook(on_failure="keep")
    key = f"target#sre-platform#apps#deployment#{runbook.lower()}"
    platform.ddb.put_item(
        TableName=platform.table("guard"),
        Item={
            "guard_key": {"S": key},
            "holder": {"S": "an-incident-that-died"},
            "lease_expires_at": {"N": str(int(time.time()) - 1)},
            "history": {"S": "[]"},
            "version": {"N": "7"},
        },
    )
    event = incident(runbook)
    platform.send(event)
    wait_for(lambda: platform.calls(id_of(event), "execute"), "the action")


def utc(seconds: float) -> str:
    return time.strftime("%FT%TZ", time.gmtime(seconds))


def test_the_cooldown_leaves_a_target_alone(platform: Platform) -> None:
    guard = {"cooldown_seconds": 600, "max_actions": 5, "window_seconds": 3600}
    runbook = platform.runbook(on_failure="keep", guard=guard)
    first = incident(runbook)
    platform.run(first)
    event = incident(runbook)
    platform.run(event)
    reason = escalation(platform, event, "cooldown")["escalation_reason"]
    key = f"target#sre-platform#apps#deployment#{runbook.lower()}"
    until = int(lock_of(platform, key)["acted_until"]) + 600
    assert f"(600 seconds) lasts until {utc(until)}" in reason
    assert f"the last to do so was incident {id_of(first)}." in reason
    assert platform.calls(id_of(event), "execute") == []


def test_the_cooldown_of_a_remediation_that_takes_longer_begins_at_its_end(
    platform: Platform,
) -> None:
    guard = {"cooldown_seconds": 600, "max_actions": 1, "window_seconds": 60}
    runbook = platform.runbook(on_failure="keep", guard=guard)
    key = f"target#sre-platform#apps#deployment#{runbook.lower()}"
    first = incident(runbook)
    began = int(time.time())
    platform.run(first)
    assert len(platform.calls(id_of(first), "execute")) == 1
    assert began <= float(lock_of(platform, key)["acted_until"]) <= time.time()
    # As of one that was at work for longer than its cooldown, and for all of the window.
    platform.ddb.update_item(
        TableName=platform.table("guard"),
        Key={"guard_key": {"S": key}},
        UpdateExpression="SET history = :history",
        ExpressionAttributeValues={":history": {"S": f"[{began - 900}]"}},
    )
    event = incident(runbook)
    platform.run(event)
    escalation(platform, event, "cooldown")
    assert platform.calls(id_of(event), "execute") == []


@pytest.mark.parametrize(("ago", "acts"), [(60, 0), (900, 1)])
def test_the_cooldown_of_one_that_never_let_go_begins_when_its_lease_runs_out(
    platform: Platform, ago: int, acts: int
) -> None:
    guard = {"cooldown_seconds": 600, "max_actions": 5, "window_seconds": 3600}
    runbook = platform.runbook(on_failure="keep", guard=guard)
    now = int(time.time())
    lost = {
        "guard_key": {"S": f"target#sre-platform#apps#deployment#{runbook.lower()}"},
        "holder": {"S": "an-incident-that-died"},
        "lease_expires_at": {"N": str(now - ago)},
        "history": {"S": f"[{now - 3000}]"},
        "version": {"N": "7"},
    }
    platform.ddb.put_item(TableName=platform.table("guard"), Item=lost)
    event = incident(runbook)
    platform.run(event)
    assert len(platform.calls(id_of(event), "execute")) == acts
    if not acts:
        reason = escalation(platform, event, "cooldown")["escalation_reason"]
        assert "the last to do so was incident an-incident-that-died." in reason


def test_a_cooldown_longer_than_the_window_of_the_loop_breaker_counts(platform: Platform) -> None:
    guard = {"cooldown_seconds": 600, "max_actions": 5, "window_seconds": 60}
    runbook = platform.runbook(on_failure="keep", guard=guard)
    acted = json.dumps([int(time.time()) - 120])
    key = f"target#sre-platform#apps#deployment#{runbook.lower()}"
    kept = {"guard_key": {"S": key}, "history": {"S": acted}, "version": {"N": "1"}}
    platform.ddb.put_item(TableName=platform.table("guard"), Item=kept)
    event = incident(runbook)
    platform.run(event)
    escalation(platform, event, "cooldown")
    assert platform.calls(id_of(event), "execute") == []


def test_the_loop_breaker_stops_the_third_action(platform: Platform) -> None:
    guard = {"cooldown_seconds": 0, "max_actions": 2, "window_seconds": 3600}
    runbook = platform.runbook(on_failure="keep", guard=guard)
    for _ in range(2):
        last = incident(runbook)
        platform.run(last)
        assert len(platform.calls(id_of(last), "execute")) == 1
    began = json.loads(
        lock_of(platform, f"target#sre-platform#apps#deployment#{runbook.lower()}")["history"]
    )
    # Another runbook's limit on the same target is its own, and is said beside the count.
    target = {"kind": "deployment", "namespace": "apps", "name": runbook.lower()}
    event = incident(platform.runbook(target=target, guard={**guard, "max_actions": 1}))
    platform.run(event)
    reason = escalation(platform, event, "loop-breaker")["escalation_reason"]
    assert "in hand 2 times within 3600 seconds, and the limit" in reason
    assert " is 1:" in reason
    # It holds until fewer than the limit are within the window.
    assert f"before {utc(began[1] + 3600)}; the last to do so was incident {id_of(last)}." in reason
    event = incident(runbook)
    platform.run(event)
    reason = escalation(platform, event, "loop-breaker")["escalation_reason"]
    assert f"before {utc(began[0] + 3600)}; the last to do so was incident {id_of(last)}." in reason
    assert platform.calls(id_of(event), "execute") == []


def test_an_attempt_that_changed_nothing_counts_for_neither_loop_breaker_nor_cooldown(
    platform: Platform,
) -> None:
    """Its plan is refused a right; the right is given, and the next alert comes at once."""
    guards = {"cooldown_seconds": 600, "max_actions": 1, "window_seconds": 3600}
    when = [{"fact": "replicas", "below": 9}]
    name = steps_runbook(platform, step("one", {"plan": ["AccessDenied"]}, when=when), guard=guards)
    key = f"target#sre-platform#apps#deployment#{name.lower()}"
    for _ in range(2):
        event = incident(name)
        platform.run(event)
        escalation(platform, event, "plan-failed")
        # Counted as long as it was at work: what dies before it lets go stays counted.
        lock = lock_of(platform, key)
        assert (lock["history"], "holder" in lock, "uncounted" in lock) == ("[]", False, False)
        assert "acted_until" not in lock

    steps_runbook(platform, step("one", when=when), guard=guards, name=name, on_failure="keep")
    event = incident(name)
    platform.run(event)
    assert len(platform.calls(id_of(event), "execute")) == 1
    assert len(json.loads(lock_of(platform, key)["history"])) == 1
    event = incident(name)
    platform.run(event)
    escalation(platform, event, "loop-breaker")
    assert len(json.loads(lock_of(platform, key)["history"])) == 1


@pytest.mark.parametrize("on_failure", ["keep", "undo"])
@pytest.mark.parametrize(("error", "counts"), [("ActionRefused", 0), ("RefusedHalfway", 1)])
def test_a_step_that_is_refused_counts_only_where_it_may_have_changed_something(
    platform: Platform, error: str, counts: int, on_failure: str
) -> None:
    guards = {"cooldown_seconds": 600, "max_actions": 1, "window_seconds": 3600}
    name = steps_runbook(
        platform, step("one", {"execute": [error]}), guard=guards, on_failure=on_failure
    )
    key = f"target#sre-platform#apps#deployment#{name.lower()}"
    event = incident(name)
    platform.run(event)
    escalation(platform, event, "action-failed")
    assert len(platform.calls(id_of(event), "undo")) == (counts if on_failure == "undo" else 0)
    lock = lock_of(platform, key)
    assert len(json.loads(lock["history"])) == counts
    assert ("acted_until" in lock) is bool(counts)
    assert ("unhelped#" + name in lock) is bool(counts)


def test_an_escalation_nobody_takes_is_parked(platform: Platform) -> None:
    event = incident("NoSuchRunbook")
    topic = f"{platform.topic}-gone"
    execution = platform.run(event, platform.variant(TopicArn=topic))
    assert execution["status"] == "SUCCEEDED"
    wait_for(lambda: platform.queued("notification-dlq", id_of(event)), "the parked escalation")


def test_a_human_nobody_can_reach_fails_the_execution(platform: Platform) -> None:
    event = incident("NoSuchRunbook")
    gone = f"{platform.topic}-gone"
    machine = platform.variant(
        TopicArn=gone, NotificationDeadLetterQueueUrl=f"{platform.queues['parking']}-gone"
    )
    execution = platform.run(event, machine)
    assert (execution["status"], execution["error"]) == ("FAILED", "NobodyReached")


def test_a_maintenance_window_keeps_runbooks_away(platform: Platform) -> None:
    event = incident(platform.runbook())
    always = {"start": "2020-01-01T00:00:00Z", "end": "2099-01-01T00:00:00Z", "reason": "moving"}
    past = {"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z", "reason": "old"}
    platform.set_maintenance([past, always])
    try:
        platform.run(event)
    finally:
        platform.set_maintenance([])
    assert "moving" in escalation(platform, event, "maintenance")["escalation_reason"]
    assert platform.calls(id_of(event), "execute") == []


def test_a_window_that_is_over_does_not_matter(platform: Platform) -> None:
    event = incident(platform.runbook(on_failure="keep"))
    past = {"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z", "reason": "old"}
    platform.set_maintenance([past])
    try:
        platform.run(event)
    finally:
        platform.set_maintenance([])
    assert len(platform.calls(id_of(event), "execute")) == 1


def test_a_window_of_one_target_keeps_runbooks_from_that_object_alone(platform: Platform) -> None:
    always = {"start": "2020-01-01T00:00:00Z", "end": "2099-01-01T00:00:00Z", "reason": "moving"}
    name = platform.runbook()
    # What the alert is about is another: only what the runbook would change counts.
    mine, other = incident(name), incident(platform.runbook(on_failure="keep"))
    platform.set_maintenance(
        [{**always, "target": each} for each in ("apps/checkout", f"apps/{name.lower()}")]
    )
    try:
        for event in (mine, other):
            platform.run(event)
    finally:
        platform.set_maintenance([])
    assert (
        "its target is open (moving)"
        in (escalation(platform, mine, "maintenance")["escalation_reason"])
    )
    assert platform.calls(id_of(mine), "execute") == []
    assert len(platform.calls(id_of(other), "execute")) == 1


@pytest.mark.parametrize("target", [["apps/other"], "other", ""])
def test_a_window_of_something_that_is_no_target_holds_everything(
    platform: Platform, target: Any
) -> None:
    event = incident(platform.runbook())
    always = {"start": "2020-01-01T00:00:00Z", "end": "2099-01-01T00:00:00Z", "reason": "moving"}
    platform.set_maintenance([{**always, "target": target}])
    try:
        platform.run(event)
    finally:
        platform.set_maintenance([])
    escalation(platform, event, "maintenance")


def test_unreadable_maintenance_windows_count_as_off(platform: Platform) -> None:
    event = incident(platform.runbook())
    platform.run(event, platform.variant(MaintenanceParameterName="/no/such/parameter"))
    escalation(platform, event, "switched-off")
    assert platform.calls(id_of(event), "execute") == []


def approval_token(platform: Platform, event: dict[str, Any]) -> str:
    def token() -> str | None:
        for record in platform.records(id_of(event)):
            if "approval" in record:
                return str(record["approval"]["token"])
        return None

    found: str = wait_for(token, "the request for approval")
    return found


def test_what_git_decides_is_asked_for_though_the_runbook_asks_nobody(platform: Platform) -> None:
    """By GitOpsPolicy=ask each step is planned first; its plan says whether a human is asked."""
    asking = platform.variant(FieldsOfGit="ask")
    event = incident(platform.runbook({"plan": ["asks"]}))
    execution = platform.start(event, asking)
    token = approval_token(platform, event)
    assert platform.calls(id_of(event), "execute") == []
    # A test that waits in vain says of the runbook and of its step where they stand.
    runbook, step = standing(platform.sfn, execution).split("is RUNNING in ")[1:]
    assert (runbook.split()[0], step.split()[0]) == ("ExecuteAction", "AwaitApproval")
    platform.sfn.send_task_success(taskToken=token, output=json.dumps({"proofs": ["ada"]}))
    wait_for(lambda: platform.calls(id_of(event), "execute"), "the action")
    [call] = platform.calls(id_of(event), "execute")
    assert (call["approval"], call["plan_hash"]) == ({"proofs": ["ada"]}, "hash 1")
    platform.send(resolution(event))
    platform.wait_ended(execution)
    # What Git leaves to others is done without asking.
    free = incident(platform.runbook())
    execution = platform.start(free, asking)
    wait_for(lambda: platform.calls(id_of(free), "execute"), "the action")
    assert len(platform.calls(id_of(free), "plan")) == 1
    platform.send(resolution(free))
    platform.wait_ended(execution)


def test_an_approval_lets_the_runbook_act(platform: Platform) -> None:
    event = incident(platform.runbook(approval={"required": True, "persons": 2}))
    platform.send(event)
    token = approval_token(platform, event)
    assert platform.record(id_of(event))["approval"]["persons"] == 2
    assert platform.calls(id_of(event), "execute") == []
    asked = wait_for(lambda: platform.notifications(id_of(event)), "the question")
    assert asked[0]["event"] == "incident.approval-needed"
    assert asked[0]["plan"]
    assert "two persons" in asked[0]["message"]
    answer = json.dumps({"proofs": ["ada", "grace"]})
    platform.sfn.send_task_success(taskToken=token, output=answer)
    wait_for(lambda: platform.calls(id_of(event), "execute"), "the action")
    platform.send(resolution(event))
    platform.wait_status(id_of(event), "resolved")

    def executed() -> list[dict[str, Any]]:
        actions = platform.record(id_of(event)).get("actions_taken", [])
        return [action for action in actions if action["operation"] == "execute"]

    (action,) = wait_for(executed, "the recorded action")
    assert action["approved_by"] == "ada and grace"


def test_what_is_another_plan_by_the_time_of_acting_is_asked_again(platform: Platform) -> None:
    script = {"execute": ["PlanChanged", "succeeded"]}
    event = incident(platform.runbook(approval={"required": True}, script=script))
    platform.send(event)
    first = approval_token(platform, event)
    answer = json.dumps({"proofs": ["signed by grace"]})
    platform.sfn.send_task_success(taskToken=first, output=answer)
    second = wait_for(
        lambda: {approval_token(platform, event)} - {first}, "the second request for approval"
    )

    # It says that it was asked before, and what is another since.
    def questions() -> list[dict[str, Any]] | None:
        told.extend(platform.notifications(id_of(event)))
        found = [one for one in told if one["event"] == "incident.approval-needed"]
        return found if len(found) == 2 else None

    told: list[dict[str, Any]] = []
    asked, again = wait_for(questions, "both questions")
    assert "since_asked" not in asked
    assert again["since_asked"] == {"new": ["Deployment checkout y: a -> b"], "gone": []}
    assert "waits for a human once more" in again["message"]
    assert "the plan has changed since, so nothing was done: 1 new, 0 gone." in again["message"]
    assert platform.record(id_of(event))["approval"]["asked_before"] == 1
    platform.sfn.send_task_success(taskToken=second.pop(), output=answer)
    (_, done) = wait_for(
        lambda: (found := platform.calls(id_of(event), "execute"))[1:] and found, "the action"
    )
    assert (done["approval"], done["plan_hash"]) == ({"proofs": ["signed by grace"]}, "hash 2")
    assert done["plan_parts"] == ["part 2"]
    platform.send(resolution(event))
    platform.wait_status(id_of(event), "resolved")


def test_a_denial_escalates_without_acting(platform: Platform) -> None:
    event = incident(platform.runbook(approval={"required": True}))
    platform.send(event)
    token = approval_token(platform, event)
    platform.notifications(id_of(event))
    answer = json.dumps({"denied": "too risky", "proofs": ["ada"]})
    platform.sfn.send_task_success(taskToken=token, output=answer)
    record = escalation(platform, event, "approval-denied")
    assert "was denied: ada: too risky" in record["escalation_reason"]
    (asked,) = platform.calls(id_of(event), "execute")
    assert asked["approval"]["denied"] == "too risky"

    def told() -> list[dict[str, Any]]:
        actions = platform.record(id_of(event)).get("actions_taken", [])
        return [action for action in actions if action["operation"] == "execute"]

    (action,) = wait_for(told, "the denial on record")
    assert (action["status"], json.loads(action["error"])["message"]) == (
        "skipped",
        "ada: too risky",
    )


def test_an_approval_nobody_gives_escalates(platform: Platform) -> None:
    event = incident(platform.runbook(approval={"required": True, "timeout_seconds": 2}))
    platform.send(event)
    platform.wait_status(id_of(event), "escalated")
    assert platform.record(id_of(event))["escalation_code"] == "approval-timeout"
    assert platform.calls(id_of(event), "execute") == []


def test_an_alert_that_resolved_while_it_waited_needs_no_action(platform: Platform) -> None:
    event = incident(platform.runbook(approval={"required": True}))
    platform.send(event)
    token = approval_token(platform, event)
    platform.run(resolution(event), platform.recorder_variant)
    platform.sfn.send_task_success(taskToken=token, output=json.dumps({"proofs": ["grace"]}))
    platform.wait_status(id_of(event), "resolved")
    assert platform.calls(id_of(event), "execute") == []


def test_what_was_degraded_is_brought_back_once_it_is_quiet(platform: Platform) -> None:
    runbook = platform.runbook(restore={"after_seconds": 1, "watch_seconds": 1})
    event = incident(runbook, fingerprint=runbook)
    platform.send(event)
    wait_for(lambda: platform.calls(id_of(event), "execute"), "the action")
    platform.send(resolution(event))
    wait_for(lambda: platform.calls(id_of(event), "undo"), "the restoration")
    wait_for(lambda: platform.record(id_of(event)).get("restoration") == "restored", "the note")
    assert platform.record(id_of(event))["status"] == "resolved"
    assert holder(platform, event) is None


@pytest.mark.parametrize("other", [None, "another"])
def test_what_was_degraded_is_brought_back_also_when_the_lock_was_lost(
    platform: Platform, other: str | None
) -> None:
    runbook = platform.runbook(restore={"after_seconds": 1, "watch_seconds": 1})
    event = incident(runbook, fingerprint=runbook)
    platform.send(event)
    wait_for(lambda: platform.calls(id_of(event), "execute"), "the action")
    lock = {"guard_key": {"S": str(holder(platform, event))}}
    if other is None:
        platform.ddb.delete_item(TableName=platform.table("guard"), Key=lock)
    else:  # its lease ran out, and so does that of whoever came then
        row = {"holder": {"S": other}, "lease_expires_at": {"N": "1"}, "version": {"N": "7"}}
        platform.ddb.put_item(TableName=platform.table("guard"), Item={**lock, **row})
    platform.send(resolution(event))
    wait_for(lambda: platform.calls(id_of(event), "undo"), "the restoration")
    wait_for(lambda: platform.record(id_of(event)).get("restoration") == "restored", "the note")
    assert platform.record(id_of(event))["status"] == "resolved"


def test_nothing_is_brought_back_while_the_alert_fires_again(platform: Platform) -> None:
    runbook = platform.runbook(restore={"after_seconds": 4, "watch_seconds": 1})
    event = incident(runbook, fingerprint=runbook)
    platform.send(event)
    wait_for(lambda: platform.calls(id_of(event), "execute"), "the action")
    platform.send(resolution(event))
    platform.wait_status(id_of(event), "resolved")
    again = incident(runbook, fingerprint=runbook, timestamp="2026-11-23T15:20:00.000Z")
    platform.run(again, platform.recorder_variant)
    wait_for(lambda: platform.record(id_of(event)).get("restoration"), "the note")
    assert platform.record(id_of(event))["restoration"] == "not restored: the alert came back"
    assert platform.calls(id_of(event), "undo") == []
    (handed,) = platform.calls(id_of(event), "hand_over")
    (executed,) = platform.calls(id_of(event), "execute")
    assert handed["undo"] is not None
    assert all(handed[key] == executed[key] for key in ("action", "target", "step"))


def test_an_alert_that_comes_back_while_things_are_brought_back_waits_and_is_acted_on(
    platform: Platform,
) -> None:
    """To join who brings back would be to wait for nothing: that repairs nothing."""
    runbook = platform.runbook(
        {"undo": [*["in_progress"] * 3, "succeeded"]},
        restore={"after_seconds": 1, "watch_seconds": 1},
    )
    event = incident(runbook, fingerprint=runbook)
    platform.send(event)
    wait_for(lambda: platform.calls(id_of(event), "execute"), "the action")
    platform.send(resolution(event))
    wait_for(lambda: platform.calls(id_of(event), "undo"), "the restoration")
    again = incident(runbook, fingerprint=runbook, timestamp="2026-11-23T15:20:00.000Z")
    platform.send(again)
    wait_for(lambda: platform.calls(id_of(again), "execute"), "the second action")
    assert len(platform.calls(id_of(event), "undo")) == 4
    platform.send(resolution(again))
    record = platform.wait_status(id_of(again), "resolved")
    assert "attached_to" not in record
    wait_for(lambda: holder(platform, again) is None, "the release")


def test_a_restoration_that_fails_calls_a_human(platform: Platform) -> None:
    runbook = platform.runbook(
        {"undo": ["AccessDenied"]}, restore={"after_seconds": 1, "watch_seconds": 1}
    )
    event = incident(runbook, fingerprint=runbook)
    platform.send(event)
    wait_for(lambda: platform.calls(id_of(event), "execute"), "the action")
    platform.send(resolution(event))
    messages = wait_for(lambda: platform.notifications(id_of(event)), "a notification")
    assert messages[0]["reason_code"] == "restore-failed"
    assert platform.record(id_of(event))["status"] == "resolved"


def test_a_long_undo_is_asked_after_until_it_is_complete(platform: Platform) -> None:
    script = {"execute": ["AccessDenied"], "undo": ["in_progress", "succeeded"]}
    event = incident(platform.runbook(script))
    platform.run(event)
    escalation(platform, event, "action-failed")
    assert len(platform.calls(id_of(event), "undo")) == 2


def test_an_action_that_cannot_be_reported_is_parked_and_still_verified(
    platform: Platform,
) -> None:
    role = platform.role_that_may_only(
        "ssm:GetParameters",
        "dynamodb:GetItem",
        "dynamodb:UpdateItem",
        "events:DescribeRule",
        "events:PutRule",
        "events:PutTargets",
        "lambda:InvokeFunction",
        "sns:Publish",
        "sqs:SendMessage",
        "states:DescribeExecution",
        "states:StartExecution",
        "states:StopExecution",
    )
    event = incident(platform.runbook(on_failure="keep"))
    platform.run(event, platform.variant(role=role))
    assert platform.calls(id_of(event), "verify")
    bodies = wait_for(lambda: platform.queued("parking", id_of(event)), "the parked report")
    (parked,) = [json.loads(body) for body in bodies]
    assert parked["DetailType"] == "action.completed"
    assert json.loads(parked["Detail"])["data"]["status"] == "succeeded"
    answer = platform.events.put_events(Entries=[parked])
    assert answer["FailedEntryCount"] == 0
    wait_for(lambda: platform.record(id_of(event)).get("actions_taken"), "the redriven report")


@pytest.mark.parametrize("wakes", [True, False])
def test_a_notice_is_recorded_and_no_runbook_acts_on_it_whatever_it_is_called(
    platform: Platform, wakes: bool
) -> None:
    """It was told when it began; nobody is called a second time for what nothing repairs."""
    runbook = platform.runbook()
    severity = "critical" if wakes else "info"
    event = incident(runbook, alert_name=runbook, severity=severity, wakes=wakes, notice=True)
    platform.send(event)
    if wakes:
        record = platform.wait_status(id_of(event), "escalated")
        assert record["escalation_code"] == "notice"
    else:
        platform.run(event)
        assert platform.wait_status(id_of(event), "open")["status"] == "open"
    assert platform.calls(id_of(event), "execute") == []
    assert platform.notifications(id_of(event)) == []


def test_an_alert_that_may_wake_nobody_is_for_the_record(platform: Platform) -> None:
    event = incident("NoSuchRunbook", severity="info", wakes=False)
    incident_id = event["detail"]["data"]["incident_id"]
    platform.run(event, platform.recorder_variant)
    assert platform.run(event)["status"] == "SUCCEEDED"
    assert platform.record(incident_id)["status"] == "open"
    assert platform.notifications(incident_id) == []
    platform.run(resolution(event), platform.recorder_variant)
    assert platform.record(incident_id)["status"] == "resolved"
