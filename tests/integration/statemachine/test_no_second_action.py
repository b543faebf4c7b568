"""Twice is once, also when an operator brings events back: by a redrive, by a replay."""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from srectl.operate import redrive, replay
from srectl.operate.account import Account
from tests.integration.statemachine.platform import (
    Platform,
    action_completed,
    incident,
    resolution,
    wait_for,
)

pytestmark = [pytest.mark.localaws, pytest.mark.timeout(180)]

Event = dict[str, Any]


@pytest.fixture
def account(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Account:
    """Return the platform as srectl sees it: by the environment and the prefix of its names."""
    for name, value in platform.aws.operator_environment().items():
        monkeypatch.setenv(name, value)
    return Account(f"{platform.name}-")


@pytest.fixture(scope="module")
def archive(platform: Platform) -> str:
    """Return the archive of the bus; it keeps what is put on the bus from now on."""
    arn = f"arn:aws:events:us-east-1:000000000000:event-bus/{platform.bus}"
    platform.events.create_archive(ArchiveName=platform.bus, EventSourceArn=arn)
    return platform.bus


def fresh(platform: Platform) -> Event:
    """Give an alert of now with a runbook and a target of its own."""
    name = platform.runbook()
    now = datetime.datetime.now(datetime.UTC)
    event = incident(name)
    event["detail"]["metadata"]["received_at"] = now.isoformat()
    target = {"cluster": "sre-platform", "namespace": "apps", "kind": "deployment"}
    event["detail"]["data"]["target"] = {**target, "name": name.lower()}
    return event


def remediated(platform: Platform) -> tuple[Event, dict[str, Any]]:
    """Let an alert go over the bus until its incident is remediated and closed."""
    event = fresh(platform)
    incident_id = event["detail"]["data"]["incident_id"]
    platform.send(event)
    wait_for(lambda: platform.calls(incident_id, "execute"), "the action")
    platform.send(resolution(event))
    platform.wait_status(incident_id, "resolved")
    complete = wait_for(
        lambda: [one for one in platform.records(incident_id) if one.get("actions_taken")],
        "the action on record",
    )
    return event, complete[0]


def keep(platform: Platform, queue: str, event: Event, **attributes: str) -> None:
    """Put an event into a queue as EventBridge or the recorder does."""
    platform.sqs.send_message(
        QueueUrl=platform.queues[queue],
        MessageBody=json.dumps(event),
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        },
    )


def runbook_executions(platform: Platform) -> list[str]:
    """Give the runbook's executions that have ended; none may still be under way."""
    listed = platform.sfn.list_executions(stateMachineArn=platform.runbook_arn, maxResults=1000)
    return [each["executionArn"] for each in listed["executions"]]


def settled(platform: Platform) -> Callable[[], bool]:
    def none_runs() -> bool:
        running = platform.sfn.list_executions(
            stateMachineArn=platform.runbook_arn, statusFilter="RUNNING"
        )
        return not running["executions"]

    return none_runs


def test_redriving_every_queue_acts_no_second_time_on_an_incident_that_is_over(
    platform: Platform, account: Account
) -> None:
    event, before = remediated(platform)
    incident_id = event["detail"]["data"]["incident_id"]
    stamped = {**event, "id": str(uuid.uuid4()), "time": "2026-11-23T15:15:01Z"}
    keep(platform, "runbook-dlq", stamped, TARGET_ARN=platform.runbook_arn)
    reported = action_completed(event)
    reported["detail"]["data"]["started_at"] = before["actions_taken"][0]["started_at"]
    for lost in (stamped, resolution(event), reported):
        keep(platform, "recorder-dlq", lost, TARGET_ARN=platform.recorder_arn)
    entry = {
        "EventBusName": platform.bus,
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Detail": json.dumps(event["detail"]),
    }
    keep(platform, "parking", entry)
    started = len(runbook_executions(platform))

    now = datetime.datetime.now(datetime.UTC)
    delivered = {
        queue: len(redrive.redrive(account, queue, 10, now).delivered)
        for queue in ("recorder", "parked", "runbook")
    }

    assert delivered == {"recorder": 3, "parked": 1, "runbook": 1}
    wait_for(
        lambda: len(runbook_executions(platform)) == started + 2 and settled(platform)(),
        "both runbooks that were started to end",
    )
    assert len(platform.calls(incident_id, "execute")) == 1
    assert platform.record(incident_id) == before


def replayed(account: Account, *rules: str) -> None:
    now = datetime.datetime.now(datetime.UTC)
    hour = datetime.timedelta(hours=1)
    name = replay.start(account, replay.Range(now - hour, now + hour, rules))
    states = [state["State"] for state in replay.follow(account, name, 0.1)]
    assert states[-1] == "COMPLETED"


@pytest.mark.usefixtures("archive")
def test_replaying_an_incident_that_is_over_starts_its_runbook_which_does_nothing(
    platform: Platform, account: Account
) -> None:
    event, before = remediated(platform)
    incident_id = event["detail"]["data"]["incident_id"]
    started = len(runbook_executions(platform))

    replayed(account, "records", "created")

    wait_for(
        lambda: len(runbook_executions(platform)) > started and settled(platform)(),
        "the runbooks that were started to end",
    )
    assert len(platform.calls(incident_id, "execute")) == 1
    assert platform.record(incident_id) == before


@pytest.mark.usefixtures("archive")
def test_a_replay_to_the_records_makes_a_lost_one_again_and_starts_nothing(
    platform: Platform, account: Account
) -> None:
    event, before = remediated(platform)
    data = event["detail"]["data"]
    platform.ddb.delete_item(
        TableName=platform.table("incidents"),
        Key={key: {"S": data[key]} for key in ("incident_id", "timestamp")},
    )
    started = runbook_executions(platform)

    replayed(account, *replay.DEFAULT_RULES)

    again = platform.wait_status(data["incident_id"], "resolved")
    wait_for(lambda: platform.record(data["incident_id"]).get("actions_taken"), "its action")
    again = platform.record(data["incident_id"])
    assert again["actions_taken"] == before["actions_taken"]
    assert {again[name] == before[name] for name in ("labels", "severity", "mttr_seconds")} == {
        True
    }
    # The claim is not in the record: a rule that starts runbooks would not have acted again either.
    assert "runbook_execution" not in again
    assert runbook_executions(platform) == started
    assert len(platform.calls(data["incident_id"], "execute")) == 1
