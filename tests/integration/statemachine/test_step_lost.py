"""What may befall the execution of a step: it is stopped, its runbook is, people answer late."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from srectl.errors import CommandFailed
from srectl.operate import incidents, undoing
from tests.integration.statemachine.platform import Platform, incident, resolution, wait_for
from tests.integration.statemachine.steps import (
    ASKS,
    Event,
    abandoned,
    done,
    guard,
    id_of,
    locks,
    runbook,
    step,
    token,
)

pytestmark = [pytest.mark.localaws, pytest.mark.timeout(180)]

SLOW = {"execute": ["in_progress"]}


def children(platform: Platform, event: Event) -> list[dict[str, Any]]:
    """Executions of steps of an incident."""
    listed = platform.sfn.list_executions(stateMachineArn=platform.step_arn, maxResults=1000)
    return [each for each in listed["executions"] if each["name"].startswith(id_of(event))]


def running_child(platform: Platform, event: Event) -> str:
    wait_for(lambda: platform.calls(id_of(event), "execute"), "the step to act")
    (child,) = [each for each in children(platform, event) if each["status"] == "RUNNING"]
    return str(child["executionArn"])


def _undone(platform: Platform, event: Event) -> dict[str, Any] | None:
    found = incidents.read(platform.ddb, platform.table("incidents"), id_of(event))
    back = [one for one in found.get("actions_taken", []) if one["operation"] == "restore"]
    return found if len(back) == 2 else None


def test_a_step_that_is_stopped_is_undone_and_a_human_is_called(platform: Platform) -> None:
    event = incident(runbook(platform, step("one", SLOW), step("two")))
    execution = platform.start(event)
    platform.sfn.stop_execution(executionArn=running_child(platform, event))
    assert platform.wait_ended(execution)["status"] == "SUCCEEDED"
    record = platform.record(id_of(event))
    assert (record["status"], record["escalation_code"]) == ("escalated", "step-lost")
    assert "what it did is not known" in record["escalation_reason"]
    assert [each for each in done(platform, event, "execute", "undo") if each[0] == "undo"] == [
        ("undo", 1)
    ]
    assert ("execute", 2) not in done(platform, event, "execute")
    assert locks(platform, event) == set()


def test_a_machine_for_steps_that_is_broken_is_an_answer_too(platform: Platform) -> None:
    broken = platform.sfn.create_state_machine(
        name=f"{platform.name}-{uuid.uuid4().hex[:6]}",
        definition=json.dumps(
            {"StartAt": "Fail", "States": {"Fail": {"Type": "Fail", "Error": "States.Runtime"}}}
        ),
        roleArn=f"arn:aws:iam::000000000000:role/{platform.name}",
    )["stateMachineArn"]
    event = incident(runbook(platform, step("one")))
    execution = platform.run(event, platform.variant(StepArn=broken))
    assert execution["status"] == "SUCCEEDED"
    record = platform.record(id_of(event))
    assert record["escalation_code"] == "step-lost"
    assert "The undo ended without an answer" in record["escalation_reason"]
    (message,) = wait_for(lambda: platform.notifications(id_of(event)), "a notification")
    assert "acted" in message["payload"]["custom_details"]
    assert locks(platform, event) == set()


def test_a_runbook_that_is_stopped_ends_its_step_and_hands_over(platform: Platform) -> None:
    name = runbook(platform, step("one", SLOW), step("two"))
    event = incident(name, fingerprint=name)
    platform.run(event, platform.recorder_variant)
    execution = platform.start(event)
    child = running_child(platform, event)
    platform.sfn.stop_execution(executionArn=execution)
    wait_for(
        lambda: platform.sfn.describe_execution(executionArn=child)["status"] == "ABORTED",
        "the step to be stopped, too",
    )
    abandoned(platform, event, execution)
    record = platform.record(id_of(event))
    assert (record["status"], record["escalation_code"]) == ("escalated", "runbook-abandoned")
    assert ("execute", 2) not in done(platform, event, "execute")
    assert "It may have left half-changed: 1. " in record["escalation_reason"]
    # What is there to be typed does it, with the locks that the runbook could not let go.
    assert locks(platform, event)
    plain = incidents.read(platform.ddb, platform.table("incidents"), id_of(event))
    platform.run(undoing.asked(plain), platform.restorer_arn)
    assert done(platform, event, "undo") == [("undo", 2), ("undo", 1)]
    assert platform.record(id_of(event))["restoration"] == "restored"
    assert locks(platform, event) == set()
    again = wait_for(lambda: _undone(platform, event), "the undo on record")
    with pytest.raises(CommandFailed, match="nothing is left"):
        undoing.asked(again)


def test_a_runbook_that_is_stopped_before_it_has_begun_is_no_attempt(platform: Platform) -> None:
    """It waited for an answer; the next alert is asked about at once, and may act."""
    guards = {"cooldown_seconds": 600, "max_actions": 1, "window_seconds": 3600}
    name = runbook(platform, step("one", approval=ASKS), guard=guards, on_failure="keep")
    key = f"target#sre-platform#apps#deployment#{name.lower()}"
    event = incident(name)
    execution = platform.start(event)
    token(platform, event)
    assert guard(platform, key)[f"unhelped#{name}"] == [id_of(event)]
    platform.sfn.stop_execution(executionArn=execution)
    platform.wait_ended(execution)
    abandoned(platform, event, execution)
    record = platform.record(id_of(event))
    assert (record["status"], record["escalation_code"]) == ("escalated", "runbook-abandoned")
    lock = guard(platform, key)
    assert (lock["history"], "holder" in lock, f"unhelped#{name}" in lock) == ("[]", False, False)

    event = incident(name)
    execution = platform.start(event)
    asked = token(platform, event)
    platform.sfn.send_task_success(taskToken=asked, output=json.dumps({"proofs": ["grace"]}))
    wait_for(lambda: platform.calls(id_of(event), "execute"), "the action")
    assert platform.record(id_of(event))["begun"] == execution
    platform.sfn.stop_execution(executionArn=execution)
    platform.wait_ended(execution)
    # What may have changed something stays locked and counted.
    abandoned(platform, event, execution)
    lock = guard(platform, key)
    assert (len(json.loads(lock["history"])), lock["holder"]) == (1, id_of(event))
    assert lock[f"unhelped#{name}"] == [id_of(event)]


@pytest.mark.parametrize("when", [[], [{"fact": "replicas", "below": 9}]])
def test_what_is_known_to_be_stopped_does_not_begin(
    platform: Platform, when: list[dict[str, Any]]
) -> None:
    """Step Functions stops a step with its runbook as well as it can, and no better."""
    event = incident(runbook(platform, step("one", approval=ASKS, when=when)))
    execution = platform.start(event)
    asked = token(platform, event)
    platform.set_record(event, abandoned=execution)
    platform.sfn.send_task_success(taskToken=asked, output=json.dumps({"proofs": ["grace"]}))
    (child,) = children(platform, event)
    platform.wait_ended(child["executionArn"])
    platform.sfn.stop_execution(executionArn=execution)
    assert done(platform, event, "execute") == []


@pytest.mark.parametrize("answer", ["nobody's", "no"])
def test_what_nobody_approved_is_no_attempt(platform: Platform, answer: str) -> None:
    asks = {"required": True, "timeout_seconds": 2 if answer == "nobody's" else 60}
    guards = {"cooldown_seconds": 600, "max_actions": 1, "window_seconds": 3600}
    name = runbook(platform, step("one", approval=asks), guard=guards)
    key = f"target#sre-platform#apps#deployment#{name.lower()}"
    event = incident(name)
    execution = platform.start(event)
    asked = token(platform, event)
    if answer == "no":
        output = json.dumps({"proofs": ["ada"], "denied": "too risky"})
        platform.sfn.send_task_success(taskToken=asked, output=output)
    platform.wait_ended(execution)
    code = "approval-denied" if answer == "no" else "approval-timeout"
    assert platform.record(id_of(event))["escalation_code"] == code
    lock = guard(platform, key)
    assert (lock["history"], "holder" in lock, f"unhelped#{name}" in lock) == ("[]", False, False)


def test_of_two_that_take_back_the_same_one_does_and_of_one_that_was_stopped_the_next(
    platform: Platform,
) -> None:
    """The newer step cannot be taken back; asked for again while the older one is on its way."""
    steps = (
        step("one", {"execute": ["in_progress"], "undo": ["in_progress"]}),
        step("two", {"undo": ["AccessDenied"]}),
    )
    name = runbook(platform, *steps)
    event = incident(name, fingerprint=name)
    platform.run(event, platform.recorder_variant)
    execution = platform.start(event)
    running_child(platform, event)
    platform.sfn.stop_execution(executionArn=execution)
    restorer = platform.variant("incident-restorer", ActionTimeoutSeconds="100")
    abandoned(platform, event, execution)
    given = undoing.asked(incidents.read(platform.ddb, platform.table("incidents"), id_of(event)))

    def tried(index: int) -> int:
        calls = platform.calls(id_of(event), "undo")
        return sum(each["step"] == index for each in calls)

    def refused(attempt: str) -> list[str]:
        events = platform.history(attempt)
        failed = [each.get("taskFailedEventDetails", {}).get("error") for each in events]
        return [each for each in failed if each == "DynamoDb.TransactionCanceledException"]

    def begun(attempt: str) -> list[str]:
        entered = [each.get("stateEnteredEventDetails", {}) for each in platform.history(attempt)]
        return [each["name"] for each in entered if each.get("name") == "BringBack"]

    first = platform.start(given, restorer)
    wait_for(lambda: tried(1), "the older step")
    second = platform.start(given, restorer)
    wait_for(lambda: [*refused(second), *begun(second)], "the second attempt")
    assert (begun(second), tried(2)) == ([], 1)
    platform.sfn.stop_execution(executionArn=second)
    platform.sfn.stop_execution(executionArn=first)
    third = platform.start({**given, "ended": [first]}, restorer)
    wait_for(lambda: tried(2) == 2, "the next attempt")
    platform.sfn.stop_execution(executionArn=third)


def test_a_second_rung_asks_while_all_locks_are_held(platform: Platform) -> None:
    event = incident(runbook(platform, step("one"), step("two", approval=ASKS)))
    platform.send(event)
    asked = token(platform, event)
    assert done(platform, event, "execute") == [("execute", 1)]
    assert len(locks(platform, event)) == 1
    (question,) = wait_for(lambda: platform.notifications(id_of(event)), "the question")
    assert question["message"].startswith("Step 2 of 2 of runbook")
    platform.sfn.send_task_success(taskToken=asked, output=json.dumps({"proofs": ["grace"]}))
    wait_for(lambda: ("execute", 2) in done(platform, event, "execute"), "the second rung")
    platform.send(resolution(event))
    platform.wait_status(id_of(event), "resolved")

    def approvers() -> list[Any] | None:
        found = platform.record(id_of(event)).get("actions_taken", [])
        acted = [each for each in found if each["operation"] == "execute"]
        return [each["approved_by"] for each in acted] if len(acted) == 2 else None

    assert wait_for(approvers, "both actions on record") == [None, "grace"]


def test_a_human_who_says_no_ends_a_ladder_and_what_was_done_is_undone(
    platform: Platform,
) -> None:
    event = incident(runbook(platform, step("one"), step("two", approval=ASKS), step("three")))
    execution = platform.start(event)
    asked = token(platform, event)
    platform.sfn.send_task_failure(taskToken=asked, error="ApprovalDenied", cause="ada: no")
    platform.wait_ended(execution)
    record = platform.record(id_of(event))
    assert record["escalation_code"] == "approval-denied"
    assert "ada: no" in record["escalation_reason"]
    assert done(platform, event, "execute", "undo") == [("execute", 1), ("undo", 1)]


@pytest.mark.parametrize("healthy", [True, False])
def test_an_alert_that_ended_while_a_later_step_waited_is_verified_not_acted_on(
    platform: Platform, healthy: bool
) -> None:
    first = step("one", {"verify": ["unhealthy"] * 30 if not healthy else ["healthy"]})
    event = incident(runbook(platform, first, step("two", approval=ASKS)))
    execution = platform.start(event)
    asked = token(platform, event)
    platform.run(resolution(event), platform.recorder_variant)
    platform.sfn.send_task_success(taskToken=asked, output=json.dumps({"proofs": ["grace"]}))
    platform.wait_ended(execution)
    record = platform.record(id_of(event))
    assert done(platform, event, "execute") == [("execute", 1)]
    if healthy:
        assert record["status"] == "resolved"
    else:
        assert record["escalation_code"] == "target-unhealthy"
        assert done(platform, event, "undo") == [("undo", 1)]
    assert locks(platform, event) == set()


def test_an_incident_that_became_somebody_elses_meanwhile_is_left_to_them(
    platform: Platform,
) -> None:
    event = incident(runbook(platform, step("one", approval=ASKS)))
    execution = platform.start(event)
    asked = token(platform, event)
    platform.set_record(event, runbook_execution="arn:another", status="remediating")
    platform.sfn.send_task_success(taskToken=asked, output=json.dumps({"proofs": ["grace"]}))
    assert platform.wait_ended(execution)["status"] == "SUCCEEDED"
    assert done(platform, event, "execute") == []
    assert platform.record(id_of(event))["runbook_execution"] == "arn:another"
    assert platform.notifications(id_of(event))[1:] == []
    assert locks(platform, event) == set()


def test_a_retry_of_its_own_claim_meets_the_record_before_it_acts(platform: Platform) -> None:
    """The lock is this incident's already; its alert has ended since."""
    name = runbook(platform, step("one"))
    event = incident(name)
    key = f"target#sre-platform#apps#deployment#{name.lower()}"
    platform.ddb.put_item(
        TableName=platform.table("guard"),
        Item={
            "guard_key": {"S": key},
            "holder": {"S": id_of(event)},
            "lease_expires_at": {"N": "4102444800"},
            "history": {"S": "[]"},
            "version": {"N": "7"},
        },
    )
    platform.run(event, platform.recorder_variant)
    platform.ddb.update_item(
        TableName=platform.table("incidents"),
        Key={each: {"S": event["detail"]["data"][each]} for each in ("incident_id", "timestamp")},
        UpdateExpression="SET resolved_at = :now",
        ExpressionAttributeValues={":now": {"N": "1800000000"}},
    )
    platform.run(event)
    assert done(platform, event, "execute") == []
    assert platform.record(id_of(event))["status"] == "resolved"


def test_a_retry_of_its_own_claim_is_no_second_run(platform: Platform) -> None:
    guards = {"cooldown_seconds": 600, "max_actions": 1, "window_seconds": 3600}
    name = runbook(platform, step("one"), on_failure="keep", guard=guards)
    event = incident(name)
    key = f"target#sre-platform#apps#deployment#{name.lower()}"
    platform.ddb.put_item(
        TableName=platform.table("guard"),
        Item={
            "guard_key": {"S": key},
            "holder": {"S": id_of(event)},
            "lease_expires_at": {"N": "4102444800"},
            "history": {"S": "[4102444000]"},
            "version": {"N": "7"},
        },
    )
    platform.run(event)
    assert done(platform, event, "execute") == [("execute", 1)]
    assert guard(platform, key)["history"] == "[4102444000]"
