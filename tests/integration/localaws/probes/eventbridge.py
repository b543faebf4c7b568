"""EventBridge: archives, log groups and dead-letter queues as AWS has them."""

from __future__ import annotations

import json
from typing import Any

from srectl.local.aws.process import LocalAws
from tests.integration.localaws.probes.registry import shows
from tests.integration.localaws.probes.support import deploy, eventually, make_queue, receive


def _bus(name: str) -> dict[str, Any]:
    return {"Type": "AWS::Events::EventBus", "Properties": {"Name": name}}


def _put(aws: LocalAws, bus: str, detail: Any) -> None:
    aws.client("events").put_events(
        Entries=[
            {
                "EventBusName": bus,
                "Source": "sre.test",
                "DetailType": "incident.created",
                "Detail": json.dumps(detail),
            }
        ]
    )


@shows("event_archive")
def archive_from_cloudformation(aws: LocalAws, name: str) -> None:
    """An archive in a template exists, keeps events and follows an update of the template."""

    def template(days: int) -> dict[str, Any]:
        archive = {
            "ArchiveName": name,
            "SourceArn": {"Fn::GetAtt": ["Bus", "Arn"]},
            "RetentionDays": days,
            "EventPattern": {"source": ["sre.test"]},
        }
        return {
            "Bus": _bus(name),
            "Archive": {"Type": "AWS::Events::Archive", "Properties": archive},
        }

    deploy(aws, name, template(7))
    _put(aws, name, {"n": 1})

    events = aws.client("events")
    described = events.describe_archive(ArchiveName=name)
    assert described["RetentionDays"] == 7
    assert described["EventCount"] == 1
    deploy(aws, name, template(8))
    assert events.describe_archive(ArchiveName=name)["RetentionDays"] == 8


@shows("event_log_target")
def log_group_as_target(aws: LocalAws, name: str) -> None:
    """A rule writes the whole event into a log group."""
    group = f"/aws/events/{name}"
    rule = {
        "EventBusName": {"Ref": "Bus"},
        "EventPattern": {"source": ["sre.test"]},
        "Targets": [{"Id": "Log", "Arn": {"Fn::GetAtt": ["Group", "Arn"]}}],
    }
    deploy(
        aws,
        name,
        {
            "Bus": _bus(name),
            "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": group}},
            "Rule": {"Type": "AWS::Events::Rule", "Properties": rule},
        },
    )
    _put(aws, name, {"incident_id": "42"})

    logs = aws.client("logs")
    found = eventually(
        lambda: logs.filter_log_events(logGroupName=group)["events"], "the event is logged", 5
    )
    logged = json.loads(found[0]["message"])
    assert logged["detail"] == {"incident_id": "42"}
    assert logged["detail-type"] == "incident.created"


@shows("event_dead_letters")
def undeliverable_event_goes_to_the_dead_letter_queue(aws: LocalAws, name: str) -> None:
    """An event for a target that does not exist ends in the target's dead-letter queue."""
    url, arn = make_queue(aws, name)
    events = aws.client("events")
    events.create_event_bus(Name=name)
    events.put_rule(Name=name, EventBusName=name, EventPattern='{"source":["sre.test"]}')
    missing = f"arn:aws:states:{aws.region}:{aws.account_id}:stateMachine:{name}-gone"
    events.put_targets(
        Rule=name,
        EventBusName=name,
        Targets=[
            {
                "Id": "1",
                "Arn": missing,
                "RoleArn": f"arn:aws:iam::{aws.account_id}:role/any",
                "DeadLetterConfig": {"Arn": arn},
            }
        ],
    )
    _put(aws, name, {"incident_id": "42"})

    message = receive(aws, url)
    assert json.loads(message["Body"])["detail"] == {"incident_id": "42"}
    attributes = {k: v["StringValue"] for k, v in message["MessageAttributes"].items()}
    assert attributes["TARGET_ARN"] == missing
    assert attributes["ERROR_CODE"] == "RESOURCE_NOT_FOUND"
    assert attributes["RULE_ARN"].endswith(f"/{name}")
