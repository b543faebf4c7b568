"""Flood control: beyond the limits nothing acts, everything is recorded, one digest tells of it."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import pytest

from tests.integration.statemachine.flood import DIGEST, NO_DIGEST, Flood
from tests.integration.statemachine.platform import (
    Platform,
    resolution,
    wait_for,
)
from tests.integration.statemachine.telling import id_of

pytestmark = pytest.mark.localaws


@pytest.fixture
def flood(platform: Platform) -> Flood:
    return Flood(platform)


@pytest.mark.parametrize("limit", [1, 3])
def test_beyond_the_limit_of_a_target_nothing_acts_and_one_digest_tells(
    flood: Flood, limit: int
) -> None:
    digest = flood.digest()
    machine = flood.runbook(FloodPerTarget=str(limit), DigestArn=digest)
    within = [flood.alert() for _ in range(limit)]
    beyond = [flood.alert() for _ in range(2)]
    elsewhere = flood.alert("another-service")
    for event in (*within, *beyond, elsewhere):
        assert flood.platform.run(event, machine)["status"] == "SUCCEEDED"
    assert [flood.acted(event) for event in within] == [True] * limit
    assert [flood.acted(event) for event in beyond] == [False, False]
    assert flood.acted(elsewhere)
    for event in beyond:
        assert flood.code(event) == "flood"
        record = flood.platform.record(id_of(event))
        assert f"more than {limit} on this target" in record["escalation_reason"]
    ((name, given),) = flood.digests(digest)
    assert name == f"digest-{flood.window}"
    assert json.loads(given) == {"window": flood.window}
    assert [flood.told(event) for event in beyond] == [[], []]
    wait_for(lambda: flood.told(within[0]) == ["end-not-heard"], "the notification")


def test_the_digest_names_what_nobody_was_paged_for(flood: Flood) -> None:
    flood.window_seconds = 10
    windows = {"FloodWindowSeconds": "10"}
    digest = flood.platform.variant("incident-digest", **windows)
    machine = flood.runbook(FloodTotal="0", DigestArn=digest)
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    started = {"timestamp": now, "started_at": now}
    events = [flood.alert(**started), flood.alert(f"{flood.target}-too", **started)]
    for event in events:
        flood.platform.run(event, flood.platform.recorder_variant)
        flood.platform.run(event, machine)

    def named() -> bool:
        for message in flood.platform.heard("incidents.flood"):
            for each in message["targets"]:
                # It also tells what others had escalated within the same seconds.
                alert, _on, places = each["what"].partition(" on ")
                seen.update(places.split(", ") if alert == "CheckoutHighErrorRate" else ())
        return wanted <= seen

    seen: set[str] = set()
    wanted = {f"apps/{event['detail']['data']['target']['name']}" for event in events}
    wait_for(named, f"a digest with {wanted}")
    assert [flood.told(event) for event in events] == [[], []]


def test_beyond_the_limit_in_all_nothing_acts_on_any_target(flood: Flood) -> None:
    digest = flood.digest()
    machine = flood.runbook(FloodTotal="2", DigestArn=digest)
    # One that names no target, and one without a runbook, are part of a flood, too.
    before = [flood.alert(None), flood.alert("one", runbook="NoSuchRunbook")]
    beyond = [flood.alert("two"), flood.alert(None)]
    for event in (*before, *beyond):
        flood.platform.run(event, machine)
    assert [flood.code(event) for event in (*before, *beyond)] == [
        "end-not-heard",
        "no-runbook",
        "flood",
        "flood",
    ]
    assert [flood.acted(event) for event in beyond] == [False, False]
    reason = flood.platform.record(id_of(beyond[0]))["escalation_reason"]
    assert "more than 2 in all" in reason
    assert len(flood.digests(digest)) == 1


def test_warnings_cannot_use_up_what_is_kept_for_critical_alerts(flood: Flood) -> None:
    machine = flood.runbook(
        FloodTotal="4", FloodCriticalReserve="25", Senders="prod=any,,,", DigestArn=flood.digest()
    )
    noise = {"severity": "warning", "runbook": "NoSuchRunbook", "sender_name": "prod"}
    warnings = [flood.alert(f"svc-{number}", **noise) for number in range(4)]
    critical, other = flood.alert(None, sender_name="prod"), flood.alert(None, **noise)
    other["detail"]["data"]["sender_name"] = ""
    for event in (*warnings, critical, other):
        flood.platform.run(event, machine)
    assert [flood.code(event) for event in warnings] == ["no-runbook"] * 3 + ["flood"]
    reason = flood.platform.record(id_of(warnings[-1]))["escalation_reason"]
    assert "more than 3 that are not critical" in reason
    assert flood.acted(critical)
    assert flood.code(other) == "flood"


def test_alerts_without_a_target_are_not_one_target(flood: Flood) -> None:
    machine = flood.runbook(FloodPerTarget="1")
    for event in (flood.alert(None), flood.alert(None)):
        flood.platform.run(event, machine)
        assert flood.acted(event)


def test_an_incident_is_counted_once_however_often_it_comes(flood: Flood) -> None:
    machine = flood.runbook(FloodPerTarget="1")
    event = flood.alert()
    for _ in range(3):
        flood.platform.run(event, machine)
    assert flood.acted(event)
    keys = (
        f"flood#all#{flood.window}",
        f"flood#target#sre-platform#apps#deployment#{flood.target}#{flood.window}",
    )
    for key in keys:
        item = flood.platform.ddb.get_item(
            TableName=flood.platform.table("guard"), Key={"guard_key": {"S": key}}
        )["Item"]
        assert item["critical#"] == {"N": "1"}
        assert int(item["expires_at"]["N"]) > time.time() + flood.window_seconds


def test_in_a_flood_recording_goes_on(flood: Flood) -> None:
    machine = flood.runbook(FloodPerTarget="0", DigestArn=flood.digest())
    event = flood.alert()
    incident_id = id_of(event)
    recorder = flood.platform.recorder_variant
    flood.platform.run(event, recorder)
    flood.platform.run(event, machine)
    record = flood.platform.record(incident_id)
    assert (record["status"], record["alert_name"]) == ("escalated", "CheckoutHighErrorRate")
    flood.platform.run(resolution(event), recorder)
    record = flood.platform.record(incident_id)
    assert (record["status"], record["mttr_seconds"]) == ("resolved", 90)


def test_an_alert_that_has_resolved_is_closed_and_nobody_need_hear(flood: Flood) -> None:
    digest = flood.digest()
    machine = flood.runbook(FloodPerTarget="0", DigestArn=digest)
    event = flood.alert()
    flood.platform.set_record(event, alert_name="resolved before its runbook looked")
    data = event["detail"]["data"]
    flood.platform.ddb.update_item(
        TableName=flood.platform.table("incidents"),
        Key={key: {"S": data[key]} for key in ("incident_id", "timestamp")},
        UpdateExpression="SET resolved_at = :at",
        ExpressionAttributeValues={":at": {"N": "1795446982"}},
    )
    flood.platform.run(event, machine)
    assert flood.platform.record(id_of(event))["status"] == "resolved"
    assert flood.digests(digest) == []


def test_with_the_counter_unwritable_each_is_escalated_by_itself(flood: Flood) -> None:
    role = flood.platform.role_that_may_only(
        "ssm:GetParameters",
        "dynamodb:GetItem",
        "lambda:InvokeFunction",
        "sns:Publish",
        "states:StartExecution",
    )
    flood.platform.allow(role, "dynamodb:UpdateItem", keys=("incident#*", "target#*", "*-*"))
    digest = flood.digest()
    event = flood.alert()
    flood.platform.run(event, flood.platform.variant(role=role, DigestArn=digest))
    assert flood.code(event) == "guard-unavailable"
    assert not flood.acted(event)
    wait_for(lambda: flood.told(event) == ["guard-unavailable"], "the notification")
    assert flood.digests(digest) == []


def test_where_no_digest_can_be_started_each_human_is_told_by_itself(flood: Flood) -> None:
    machine = flood.runbook(FloodPerTarget="0", DigestArn=NO_DIGEST)
    event = flood.alert()
    flood.platform.run(event, machine)
    assert flood.code(event) == "flood"
    assert not flood.acted(event)
    wait_for(lambda: flood.told(event) == ["flood-alone"], "the notification")


def ended(flood: Flood, digest: str, name: str) -> None:
    """Have an execution that stands for a digest, of which none is to come any more."""
    arn = flood.platform.sfn.start_execution(stateMachineArn=digest, name=name, input="{}")
    flood.platform.wait_ended(arn["executionArn"])


@pytest.mark.parametrize("again", [0, 1], ids=["once", "twice"])
def test_where_the_digest_has_died_another_tells_and_where_that_has_each_calls_by_itself(
    flood: Flood, again: int
) -> None:
    """Its name is taken, and before the end of its window that is by one that told nobody."""
    digest = flood.digest(DIGEST)
    machine = flood.runbook(FloodPerTarget="0", DigestArn=digest)
    names = [f"digest-{flood.window}", f"digest-{flood.window}-again"]
    for name in names[: 1 + again]:
        ended(flood, digest, name)
    event = flood.alert()
    flood.platform.run(event, machine)
    assert flood.code(event) == "flood"
    assert sorted(name for name, _ in flood.digests(digest)) == names
    if again:
        wait_for(lambda: flood.told(event) == ["flood-alone"], "the notification")
    else:
        assert json.loads(dict(flood.digests(digest))[names[1]]) == {"window": flood.window}
        assert flood.told(event) == []


def test_a_digest_that_has_read_already_speaks_for_nobody_any_more_though_it_runs(
    flood: Flood,
) -> None:
    flood.window_seconds = 1_000_000
    digest = flood.digest()
    machine = flood.runbook(FloodPerTarget="0", DigestArn=digest)
    window = int(1_767_225_600 // flood.window_seconds)
    given = {"name": f"digest-{window}", "input": json.dumps({"window": window})}
    flood.platform.sfn.start_execution(stateMachineArn=digest, **given)
    event = flood.alert()
    # It was escalated in an earlier window, e.g. before a long wait for the table.
    flood.platform.set_record(event, escalated_at="2026-01-01T00:00:00.000Z")
    flood.platform.run(event, machine)
    assert flood.code(event) == "flood"
    wait_for(lambda: flood.told(event) == ["flood-alone"], "the notification")


def test_the_platforms_heartbeat_gets_through_a_flood_but_nothing_under_its_name(
    flood: Flood,
) -> None:
    machine = flood.runbook(FloodTotal="0", DigestArn=flood.digest())
    definition = {
        "name": "PlatformCanary",
        "severities": ["critical"],
        "action": "enable_degraded_mode",
        "target": {"kind": "deployment", "namespace": "apps", "name": "canary"},
        "on_failure": "keep",
    }
    flood.platform.ddb.put_item(
        TableName=flood.platform.table("runbooks"),
        Item={"name": {"S": "PlatformCanary"}, "definition": {"S": json.dumps(definition)}},
    )
    canary = flood.alert(alert_name="Whatever", purpose="canary")
    pretender = flood.alert(runbook=None, alert_name="PlatformCanary")
    for event in (canary, pretender):
        flood.platform.run(event, machine)
    assert (flood.acted(canary), flood.code(canary)) == (True, "end-not-heard")
    assert (flood.acted(pretender), flood.code(pretender)) == (False, "flood")
