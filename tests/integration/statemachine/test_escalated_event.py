"""incident.escalated: what else may listen hears that a human was called."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.integration.statemachine.platform import (
    ACCOUNT,
    REGION,
    ROOT,
    Platform,
    incident,
    wait_for,
)
from tests.support.queues import take_all

pytestmark = pytest.mark.localaws
_FAILED = "taskFailedEventDetails"
SCHEMA = json.loads((ROOT / "events" / "schemas" / "incident.escalated.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def listener(platform: Platform) -> str:
    """A queue that a rule fills with every incident.escalated; returns its URL."""
    name = f"{platform.name}-escalated"
    url: str = platform.sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    platform.sqs.set_queue_attributes(
        QueueUrl=url,
        Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [allow]})},
    )
    platform.events.put_rule(
        Name=name,
        EventBusName=platform.bus,
        EventPattern=json.dumps({"source": ["sre.runbook"], "detail-type": ["incident.escalated"]}),
    )
    platform.events.put_targets(
        Rule=name, EventBusName=platform.bus, Targets=[{"Id": "queue", "Arn": arn}]
    )
    return url


def heard(platform: Platform, url: str, incident_id: str) -> list[dict[str, Any]]:
    """Take what the listener has heard and return the events of one incident."""
    events = [json.loads(body) for body in take_all(platform.sqs, url)]
    return [each for each in events if each["detail"]["data"]["incident_id"] == incident_id]


def failures(platform: Platform, execution: dict[str, Any]) -> list[str]:
    """Causes of the tasks that failed in an execution."""
    history = platform.sfn.get_execution_history(
        executionArn=execution["executionArn"], maxResults=1000
    )["events"]
    return [each["taskFailedEventDetails"]["cause"] for each in history if _FAILED in each]


@pytest.mark.parametrize(
    ("known", "limits", "code", "acted"),
    [
        (True, {"VerifyTimeoutSeconds": "1"}, "end-not-heard", True),
        (False, {}, "no-runbook", False),
        (True, {"FloodTotal": "0", "FloodWindowSeconds": "1999999"}, "flood", False),
    ],
)
def test_an_escalation_is_an_event_that_keeps_the_contract(
    platform: Platform,
    listener: str,
    known: bool,
    limits: dict[str, str],
    code: str,
    acted: bool,
) -> None:
    runbook = platform.runbook(on_failure="keep") if known else "NoSuchRunbook"
    event = incident(runbook)
    data = event["detail"]["data"]
    platform.run(event, platform.variant(**limits))
    (found,) = wait_for(lambda: heard(platform, listener, data["incident_id"]), "the event")
    Draft202012Validator(SCHEMA).validate(found["detail"])
    told = found["detail"]["data"]
    same = ("timestamp", "sender", "fingerprint", "alert_name", "severity", "summary", "target")
    assert {key: told[key] for key in same} == {key: data[key] for key in same}
    assert (told["reason_code"], told["acted"]) == (code, acted)
    assert told["runbook"] == (runbook if known and acted else None)
    assert told["reason"] == platform.record(data["incident_id"])["escalation_reason"]
    shown = {**data["display"], "headline": told["display"]["headline"]}
    assert told["display"] == shown
    assert told["display"]["headline"].startswith(
        "A human is needed: CheckoutHighErrorRate (critical) on apps/checkout in sre-platform. "
    )
    # Whoever tells chat of it finds in it all that it reads.
    notified = platform.run(found, platform.variant("incident-notifier"))
    assert (notified["status"], failures(platform, notified)) == ("SUCCEEDED", [])


@pytest.mark.parametrize("queue_takes_it", [True, False])
def test_what_the_bus_does_not_take_is_kept_for_the_pager_or_rings(
    platform: Platform, queue_takes_it: bool
) -> None:
    role = platform.role_that_may_only(
        "ssm:GetParameters",
        "dynamodb:GetItem",
        "dynamodb:UpdateItem",
        "sns:Publish",
        *(["sqs:SendMessage"] if queue_takes_it else []),
    )
    event = incident("NoSuchRunbook")
    incident_id = event["detail"]["data"]["incident_id"]
    execution = platform.run(event, platform.variant(role=role))
    assert any("events:PutEvents" in cause for cause in failures(platform, execution))
    assert wait_for(lambda: platform.notifications(incident_id), "the notification")
    assert platform.record(incident_id)["status"] == "escalated"
    if not queue_takes_it:
        assert (execution["status"], execution["error"]) == ("FAILED", "NobodyReached")
        return
    assert execution["status"] == "SUCCEEDED"
    kept = [json.loads(each) for each in platform.queued("notification-dlq", incident_id)]
    assert [(each["source"], each["detail-type"]) for each in kept] == [
        ("sre.runbook", "incident.escalated")
    ]
    Draft202012Validator(SCHEMA).validate(kept[0]["detail"])
    # Redriven it is announced as if it had come at once.
    notified = platform.run(kept[0], platform.variant("incident-notifier"))
    assert (notified["status"], failures(platform, notified)) == ("SUCCEEDED", [])


@pytest.mark.parametrize(("of", "named"), [("arn:mine", True), ("arn:another", False)])
def test_whoever_has_stopped_that_very_execution_is_named(
    platform: Platform, listener: str, of: str, named: bool
) -> None:
    event = incident()
    data = event["detail"]["data"]
    platform.run(event, platform.recorder_variant)
    platform.set_record(
        event,
        status="remediating",
        runbook_execution="arn:mine",
        stopped_execution=of,
        stopped_by="arn:ada",
        stopped_because="sale\nis on",
    )
    end = {"executionArn": "arn:mine", "status": "ABORTED", "input": json.dumps(event)}
    stopped = {
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "detail": end,
    }
    assert platform.run(stopped, platform.recorder_variant)["status"] == "SUCCEEDED"
    (found,) = wait_for(lambda: heard(platform, listener, data["incident_id"]), "the event")
    said = "Its runbook was stopped by arn:ada (sale is on) before the incident was over. It had"
    assert (said in found["detail"]["data"]["reason"]) is named
