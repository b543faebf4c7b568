"""EventBridge: archives, log groups and dead-letter queues as AWS has them."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Sequence
from typing import Any

from onemachine.aws.local_aws import LocalAws
from tests.integration.localaws.probes.registry import shows
from tests.integration.localaws.probes.support import (
    deploy,
    eventually,
    http_receiver,
    make_machine,
    make_queue,
    make_role,
    metric_sum,
    receive,
)


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


@shows("replay_filter")
def a_replay_reaches_the_rules_it_names(aws: LocalAws, name: str) -> None:
    """Of two rules that match, a replay with FilterArns reaches only the one that it names."""
    events, sqs = aws.client("events"), aws.client("sqs")
    bus = events.create_event_bus(Name=name)["EventBusArn"]
    archive = events.create_archive(ArchiveName=name, EventSourceArn=bus)["ArchiveArn"]
    rules, queues = {}, {}
    for which in ("meant", "other"):
        rule = f"{name}-{which}"
        queues[which], queue = make_queue(aws, rule)
        rules[which] = events.put_rule(
            Name=rule, EventBusName=name, EventPattern='{"source":["sre.test"]}'
        )["RuleArn"]
        events.put_targets(Rule=rule, EventBusName=name, Targets=[{"Id": "1", "Arn": queue}])
    _put(aws, name, {"n": 1})
    for url in queues.values():
        receive(aws, url)
        sqs.purge_queue(QueueUrl=url)

    now = datetime.datetime.now(datetime.UTC)
    hour = datetime.timedelta(hours=1)
    events.start_replay(
        ReplayName=name,
        EventSourceArn=archive,
        EventStartTime=now - hour,
        EventEndTime=now + hour,
        Destination={"Arn": bus, "FilterArns": [rules["meant"]]},
    )
    eventually(
        lambda: events.describe_replay(ReplayName=name)["State"] == "COMPLETED", "the replay ends"
    )

    replayed = json.loads(receive(aws, queues["meant"])["Body"])
    assert (replayed["detail"], replayed["replay-name"]) == ({"n": 1}, name)
    assert "Messages" not in sqs.receive_message(QueueUrl=queues["other"])


@shows("event_target_role")
def a_rule_starts_what_its_targets_role_may(aws: LocalAws, name: str) -> None:
    """Without states:StartExecution on the machine, the event is kept; with it, it starts."""
    url, arn = make_queue(aws, name)
    machine = make_machine(aws, name, {"Done": {"Type": "Succeed"}})
    other = machine.replace(name, f"{name}-other")
    role = make_role(
        aws,
        f"{name}-rule",
        "events.amazonaws.com",
        [{"Effect": "Allow", "Action": "states:StartExecution", "Resource": other}],
    )
    events, steps = aws.client("events"), aws.client("stepfunctions")
    events.create_event_bus(Name=name)
    events.put_rule(Name=name, EventBusName=name, EventPattern='{"source":["sre.test"]}')
    target = {"Id": "1", "Arn": machine, "RoleArn": role, "DeadLetterConfig": {"Arn": arn}}
    events.put_targets(Rule=name, EventBusName=name, Targets=[target])
    _put(aws, name, {"n": 1})

    kept = receive(aws, url)
    assert kept["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    assert steps.list_executions(stateMachineArn=machine)["executions"] == []
    aws.client("iam").put_role_policy(
        RoleName=f"{name}-rule",
        PolicyName="p",
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {"Effect": "Allow", "Action": "states:StartExecution", "Resource": machine}
                ],
            }
        ),
    )
    _put(aws, name, {"n": 2})
    eventually(
        lambda: steps.list_executions(stateMachineArn=machine)["executions"], "it is started"
    )


@shows("event_metrics")
def deliveries_are_counted_by_rule(aws: LocalAws, name: str) -> None:
    """``AWS/Events`` has a rule's attempts, failures and losses, by bus and rule."""
    _url, arn = make_queue(aws, name)
    events = aws.client("events")
    events.create_event_bus(Name=name)
    events.put_rule(Name=name, EventBusName=name, EventPattern='{"source":["sre.test"]}')
    missing = f"arn:aws:states:{aws.region}:{aws.account_id}:stateMachine:{name}-gone"
    role = f"arn:aws:iam::{aws.account_id}:role/any"
    lost = {"Id": "2", "Arn": missing, "RoleArn": role, "DeadLetterConfig": {"Arn": f"{arn}-gone"}}
    targets: Any = [{"Id": "1", "Arn": arn}, lost]
    events.put_targets(Rule=name, EventBusName=name, Targets=targets)
    _put(aws, name, {"incident_id": "42"})

    def counted() -> list[float | None]:
        dimensions = {"EventBusName": name, "RuleName": name}
        return [
            metric_sum(aws, "AWS/Events", metric, **dimensions)
            for metric in (
                "InvocationAttempts",
                "FailedInvocations",
                "InvocationsFailedToBeSentToDlq",
            )
        ]

    eventually(lambda: counted() == [2, 1, 1], "both deliveries, failure and loss are counted")


@shows("event_connection")
def a_connection_comes_with_the_stack(aws: LocalAws, name: str) -> None:
    """A connection in a template exists, has a secret, and takes its key from another secret."""
    secret = {"Type": "AWS::SecretsManager::Secret", "Properties": {"SecretString": "k1"}}
    key = {"Fn::Sub": "{{resolve:secretsmanager:${Secret}:SecretString}}"}
    connection = {
        "Name": name,
        "AuthorizationType": "API_KEY",
        "AuthParameters": {"ApiKeyAuthParameters": {"ApiKeyName": "k", "ApiKeyValue": key}},
    }
    outputs = {
        attribute: {"Value": {"Fn::GetAtt": ["Connection", attribute]}}
        for attribute in ("Arn", "SecretArn")
    }
    deploy(
        aws,
        name,
        {
            "Secret": secret,
            "Connection": {"Type": "AWS::Events::Connection", "Properties": connection},
        },
        Outputs=outputs,
    )

    described = aws.client("events").describe_connection(Name=name)
    assert described["AuthorizationType"] == "API_KEY"
    (stack,) = aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    found = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    assert found["Arn"] == described["ConnectionArn"]
    assert f":secret:events!connection/{name}/" in found["SecretArn"]


def _destination(name: str, url: str) -> dict[str, Any]:
    return {
        "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": name}},
        "Connection": {
            "Type": "AWS::Events::Connection",
            "Properties": {
                "Name": name,
                "AuthorizationType": "API_KEY",
                "AuthParameters": {
                    "ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": "k"}
                },
            },
        },
        "Destination": {
            "Type": "AWS::Events::ApiDestination",
            "Properties": {
                "Name": name,
                "ConnectionArn": {"Fn::GetAtt": ["Connection", "Arn"]},
                "InvocationEndpoint": url,
                "HttpMethod": "POST",
                "InvocationRateLimitPerSecond": 1,
            },
        },
    }


def _send_to(
    aws: LocalAws, name: str, queue_arn: str, path: Sequence[str] = (), **policy: int
) -> None:
    arn = aws.client("events").describe_api_destination(Name=name)["ApiDestinationArn"]
    aws.client("events").put_rule(
        Name=name, EventBusName=name, EventPattern='{"source":["sre.test"]}'
    )
    aws.client("events").put_targets(
        Rule=name,
        EventBusName=name,
        Targets=[
            {
                "Id": "1",
                "Arn": arn,
                "RoleArn": make_role(aws, f"{name}-rule", "events.amazonaws.com"),
                "DeadLetterConfig": {"Arn": queue_arn},
                "RetryPolicy": {"MaximumEventAgeInSeconds": 600, **policy},
                "HttpParameters": {"PathParameterValues": path},
                "InputTransformer": {
                    "InputPathsMap": {"text": "$.detail.text"},
                    "InputTemplate": '{"text": <text>}',
                },
            }
        ],
    )


@shows("event_input_paths")
def an_input_transformer_takes_a_place_in_a_list(aws: LocalAws, name: str) -> None:
    """A path may name one of several, as ``$.resources[0]``."""
    url, arn = make_queue(aws, name)
    events = aws.client("events")
    events.create_event_bus(Name=name)
    events.put_rule(Name=name, EventBusName=name, EventPattern='{"source":["sre.test"]}')
    transformer = {
        "InputPathsMap": {"second": "$.detail.found[1].name", "none": "$.detail.found[7]"},
        "InputTemplate": '{"name": <second>, "none": "<none>"}',
    }
    target: Any = {"Id": "1", "Arn": arn, "InputTransformer": transformer}
    events.put_targets(Rule=name, EventBusName=name, Targets=[target])
    _put(aws, name, {"found": [{"name": "a"}, {"name": "b"}]})
    assert json.loads(receive(aws, url)["Body"]) == {"name": "b", "none": ""}


@shows("event_api_destination")
def a_template_makes_an_api_destination(aws: LocalAws, name: str) -> None:
    """Connection and destination come with the stack, and change with it."""
    with http_receiver() as receiver:
        deploy(aws, name, _destination(name, "http://127.0.0.1:1/"))
        deploy(aws, name, _destination(name, receiver.url))
        _url, queue_arn = make_queue(aws, name)
        _send_to(aws, name, queue_arn)
        _put(aws, name, {"text": 'a line\nand a "quote"'})
        [sent] = eventually(lambda: receiver.requests, "the destination hears")
        assert sent == {"text": 'a line\nand a "quote"'}
    aws.client("cloudformation").delete_stack(StackName=name)


@shows("event_api_retries")
def an_api_destination_that_fails_is_tried_again(aws: LocalAws, name: str) -> None:
    """Failed requests are retried; what stays undelivered goes to the dead-letter queue."""
    with http_receiver(failures=2) as receiver:
        events = aws.client("events")
        events.create_event_bus(Name=name)
        connection = events.create_connection(
            Name=name,
            AuthorizationType="API_KEY",
            AuthParameters={"ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": "k"}},
        )["ConnectionArn"]
        events.create_api_destination(
            Name=name,
            ConnectionArn=connection,
            InvocationEndpoint=f"{receiver.url}*",
            HttpMethod="POST",
        )
        queue_url, queue_arn = make_queue(aws, name)
        _send_to(aws, name, queue_arn, path=["$.detail-type"], MaximumRetryAttempts=2)
        _put(aws, name, {"text": "third time lucky"})
        eventually(lambda: len(receiver.requests) == 3, "three requests", 10)
        assert set(receiver.paths) == {"/incident.created"}

        receiver.failures_left = 99
        _put(aws, name, {"text": "nobody home"})
        kept = receive(aws, queue_url, 15)
        assert json.loads(kept["Body"])["detail"] == {"text": "nobody home"}
        assert len(receiver.requests) == 6


@shows("event_delivery")
def events_are_delivered_after_the_answer(aws: LocalAws, name: str) -> None:
    """PutEvents does not take as long as the deliveries, and all of them come."""
    sqs, events = aws.client("sqs"), aws.client("events")
    events.create_event_bus(Name=name)
    url, arn = make_queue(aws, name)
    rules, targets, entries = 40, 5, 10
    for number in range(rules):
        rule = f"{name}-{number}"
        pattern = json.dumps({"source": ["sre.test"]})
        events.put_rule(Name=rule, EventBusName=name, EventPattern=pattern)
        wanted = [{"Id": f"t{each}", "Arn": arn} for each in range(targets)]
        events.put_targets(Rule=rule, EventBusName=name, Targets=wanted)
    entry = {"EventBusName": name, "Source": "sre.test", "DetailType": "incident.created"}
    detail = json.dumps({"labels": {f"label{each}": "value" for each in range(200)}})

    began = time.monotonic()
    events.put_events(Entries=[{**entry, "Detail": detail}] * entries)
    answered = time.monotonic() - began

    def all_there() -> bool:
        attribute = "ApproximateNumberOfMessages"
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[attribute])["Attributes"]
        return int(found[attribute]) == rules * targets * entries

    eventually(all_there, "every event is delivered", 60)
    delivered = time.monotonic() - began
    assert answered < delivered / 2, (answered, delivered)


@shows("schedule_input")
def when_a_schedule_was_due(aws: LocalAws, name: str) -> None:
    """What a schedule starts is told for when, in place of Scheduler's word for it."""
    url, arn = make_queue(aws, name)
    begun = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    aws.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression=f"at({begun:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": arn,
            "RoleArn": make_role(aws, name, "scheduler.amazonaws.com"),
            "Input": json.dumps({"at": "<aws.scheduler.scheduled-time>"}),
        },
    )
    # It looks every ten seconds.
    at = json.loads(receive(aws, url, 25)["Body"])["at"]
    assert at.startswith("20")
    assert begun <= datetime.datetime.fromisoformat(at) <= datetime.datetime.now(datetime.UTC)
