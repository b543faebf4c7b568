"""An end that is heard and then verified is told as verified, once.

What Step Functions says of the runbook's end carries it to the notifier.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.statemachine.listener import Listener
from tests.integration.statemachine.platform import (
    ACCOUNT,
    Platform,
    incident,
    resolution,
    wait_for,
)
from tests.integration.statemachine.steps import done, runbook, step
from tests.integration.statemachine.telling import id_of
from tests.support.template import deployed

pytestmark = pytest.mark.localaws

Event = dict[str, Any]


@pytest.fixture
def listener(platform: Platform) -> Iterator[Listener]:
    """Return listeners of this test's own."""
    yield from Listener.of(platform)


def pattern_for(machine: str) -> Event:
    """The rule's own pattern, for a machine of this test."""
    rule = deployed()["Resources"]["RunbookClosedRule"]["Properties"]["EventPattern"]
    detail = {**rule["detail"], "stateMachineArn": [machine]}
    return {**rule, "account": [ACCOUNT], "detail": detail}


def subjects(listener: Listener) -> list[str]:
    return [mail["subject"] for mail in listener.mails()]


def ended(execution: str, output: Any) -> Event:
    """What Step Functions says of a runbook that has ended, with what it says itself or without."""
    said = {} if output is None else {"output": json.dumps(output)}
    return {
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "detail": {"executionArn": execution, "name": "e", "status": "SUCCEEDED", **said},
    }


def closed(event: Event, **changes: Any) -> Event:
    data = {
        **event["detail"]["data"],
        "verified": "3/3 ready, degraded mode on",
        "health": "3 of 3 replicas are ready",
        "ended_at": "2026-11-23T15:15:04.704Z",
        "duration_seconds": 12,
        **changes,
    }
    output = {"status": "resolved", "verified_end": {"metadata": {}, "data": data}}
    return ended(f"arn:aws:states:us-east-1:{ACCOUNT}:execution:runbook:e", output)


def in_hand(listener: Listener, event: Event) -> None:
    listener.platform.ddb.update_item(
        TableName=listener.guard,
        Key={"guard_key": {"S": f"incident#{id_of(event)}"}},
        UpdateExpression="SET in_hand = :one",
        ExpressionAttributeValues={":one": {"S": "a runbook"}},
    )


def test_what_was_heard_to_be_over_is_told_again_once_its_target_was_verified(
    platform: Platform, listener: Listener
) -> None:
    runbook = platform.variant()
    shared = {"GuardTable": platform.table("guard"), "FloodNotifications": "100000"}
    notifier = listener.variant(**shared)
    platform.events.put_rule(Name=listener.name, EventPattern=json.dumps(pattern_for(runbook)))
    heard = listener.queue("closed", "events.amazonaws.com")
    role = f"arn:aws:iam::{ACCOUNT}:role/{platform.name}"
    platform.events.put_targets(
        Rule=listener.name,
        Targets=[
            {"Id": "notifier", "Arn": notifier, "RoleArn": role},
            {"Id": "queue", "Arn": listener.arn_of("closed")},
        ],
    )
    try:
        event = incident(platform.runbook(restore={"after_seconds": 2, "watch_seconds": 1}))
        platform.run(event, platform.recorder_variant)
        listener.tell(event, notifier)
        execution = platform.start(event, runbook)
        wait_for(lambda: platform.calls(id_of(event), "execute"), "the action")
        end = resolution(event, ended_at="2026-11-23T15:16:22.704Z")
        listener.tell(end, notifier)
        platform.run(end, platform.recorder_variant)
        # A repetition, for which nothing is to be told.
        platform.run(event, runbook)
        platform.wait_ended(execution)
        wait_for(lambda: len(subjects(listener)) >= 3, "that it was verified")
        # As EventBridge may do: the same once more.
        (told,) = listener.taken_from(heard)
        listener.tell(told, notifier)
    finally:
        platform.events.remove_targets(Rule=listener.name, Ids=["notifier", "queue"])
        platform.events.delete_rule(Name=listener.name)
    place = f"apps/{event['detail']['data']['target']['name']}"
    assert subjects(listener) == [
        f"CRIT {place}: error ratio 9.991%",
        f"ALERT OVER {place}, verifying",
        f"OK {place}: over in 90 s, healthy, degraded mode on",
    ]
    # What is lent is said, in the message and in the record, until when at least.
    record = platform.record(id_of(event))
    wanted = f"Lent:    {record['lent']}; it is taken back at {record['lent_until'][:17]}"
    assert wanted in listener.mails()[2]["body"]
    assert record["lent"].startswith("degraded mode on ")
    kinds = [json.loads(each["Message"])["event"] for each in listener.messages()]
    assert kinds == ["incident.created", "incident.resolved", "incident.resolved"]
    assert [chat["headline"][:2] for chat in listener.chats()] == ["CR", "AL", "OK"]


def test_an_end_names_the_rung_that_helped_and_its_mail_what_came_of_each(
    platform: Platform, listener: Listener
) -> None:
    first = step("first", {"execute": ["RolloutFailed"]})
    event = incident(runbook(platform, first, step("second"), step("never")))
    platform.run(event, platform.recorder_variant)
    listener.tell(event)
    in_hand(listener, event)
    execution = platform.start(event, platform.variant())
    wait_for(lambda: ("execute", 2) in done(platform, event, "execute"), "the second rung")
    platform.run(resolution(event), platform.recorder_variant)
    listener.tell(ended(execution, json.loads(platform.wait_ended(execution)["output"])))
    mail = listener.mails()[-1]
    assert mail["subject"].endswith(" s, healthy, do second on")
    said = [each for each in mail["body"].splitlines() if each.startswith("Done:")]
    assert [each.partition(" (")[0] for each in said] == [
        "Done:    1. first: failed",
        "Done:    2. second: done",
    ]


def test_an_end_for_which_nothing_was_done_is_told_once(listener: Listener) -> None:
    event = incident()
    for each in (event, resolution(event, duration_seconds=12), closed(event)):
        assert listener.tell(each)["status"] == "SUCCEEDED"
    assert subjects(listener)[1:] == ["OK apps/checkout: over in 12 s"]


def test_a_verification_that_is_quicker_than_the_news_of_the_end_tells_both(
    listener: Listener,
) -> None:
    event = incident()
    listener.tell(event)
    in_hand(listener, event)
    for each in (closed(event), resolution(event), closed(event)):
        listener.tell(each)
    said = "OK apps/checkout: over in 12 s, 3/3 ready, degraded mode on"
    assert subjects(listener)[1:] == [said]


def test_what_nobody_has_heard_of_is_not_told_to_be_verified(listener: Listener) -> None:
    event = incident()
    listener.tell(closed(event))
    assert listener.mails() == []
    # And what is told of its end is all that is told.
    in_hand(listener, event)
    listener.tell(resolution(event, duration_seconds=12))
    assert subjects(listener) == ["OK apps/checkout: over in 12 s"]


def test_what_the_data_told_as_verified_is_not_told_again(listener: Listener) -> None:
    event = incident()
    listener.tell(event)
    in_hand(listener, event)
    seen = resolution(event, duration_seconds=12, verified="3/3 ready")
    for each in (seen, closed(event)):
        listener.tell(each)
    assert subjects(listener)[1:] == ["OK apps/checkout: over in 12 s, 3/3 ready"]


def test_what_an_event_leaves_out_is_read_from_the_record(listener: Listener) -> None:
    """As where the runbook's history is encrypted: the event has neither input nor output."""
    platform, event = listener.platform, incident()
    arn = f"arn:aws:states:us-east-1:{ACCOUNT}:execution:runbook:{listener.name}"
    platform.run(event, platform.recorder_variant)
    listener.tell(event)
    in_hand(listener, event)
    end = resolution(event, ended_at="2026-11-23T15:15:04.704Z")
    listener.tell(end)
    platform.run(end, platform.recorder_variant)
    words = {
        "verified_at": "2026-11-23T15:15:09.000Z",
        "target_health": "3 of 3 replicas are ready",
    }
    platform.set_record(event, runbook_execution=arn, **words)
    assert platform.record(id_of(event))["status"] == "resolved"
    for execution in (arn, arn + "-of-nothing"):
        answer = listener.tell(ended(execution, None))
        assert answer["status"] == "SUCCEEDED", answer
    assert subjects(listener)[1:] == [
        "ALERT OVER apps/checkout, verifying",
        "OK apps/checkout: over in 12 s, 3/3 ready",
    ]


@pytest.mark.parametrize(
    ("detail", "matches"),
    [
        ({"output": '{"status":"resolved","verified_end":{"data":{}}}'}, True),
        ({"output": '{"status":"duplicate"}'}, False),
        ({"output": '{"status":"resolved","incident_id":"the heartbeat"}'}, False),
        ({"output": '{"status":"escalated","reason":{"text":"\\"verified_end\\""}}'}, False),
        ({"output": None, "outputDetails": {"included": False}}, True),
        ({"status": "FAILED", "output": None, "outputDetails": None}, False),
        ({"stateMachineArn": "another", "output": '{"verified_end":{}}'}, False),
    ],
)
def test_only_a_runbook_that_tells_an_end_or_hides_it_is_told_of(
    platform: Platform, detail: dict[str, Any], matches: bool
) -> None:
    given = {"stateMachineArn": "m", "status": "SUCCEEDED", "outputDetails": {"included": True}}
    event = {
        "id": "e",
        "account": ACCOUNT,
        "source": "aws.states",
        "time": "2026-11-23T15:14:52Z",
        "region": "us-east-1",
        "resources": ["m"],
        "detail-type": "Step Functions Execution Status Change",
        "detail": {**given, **detail},
    }
    answer = platform.events.test_event_pattern(
        EventPattern=json.dumps(pattern_for("m")), Event=json.dumps(event)
    )
    assert answer["Result"] is matches
