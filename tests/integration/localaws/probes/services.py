"""What a service may do as itself, by the policies of topics and keys."""

from __future__ import annotations

import json
from typing import Any

from onemachine.aws.local_aws import LocalAws
from tests.integration.localaws.probes.registry import shows
from tests.integration.localaws.probes.support import (
    eventually,
    make_function,
    make_queue,
    receive,
)
from tests.support.alarms import put_alarm


def _statement(service: str, actions: list[str], **more: Any) -> dict[str, Any]:
    principal = {"Service": service}
    return {"Effect": "Allow", "Principal": principal, "Action": actions, "Resource": "*", **more}


@shows("service_grants")
def a_service_publishes_where_topic_and_key_let_it(aws: LocalAws, name: str) -> None:
    """A rule says nothing of where it is, so conditions on that keep it out; an alarm does."""
    account = {"Condition": {"StringEquals": {"aws:SourceAccount": aws.account_id}}}
    use = ["kms:Decrypt", "kms:GenerateDataKey"]
    root = {"AWS": f"arn:aws:iam::{aws.account_id}:root"}
    admin = {"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}
    url, queue_arn = make_queue(aws, name)
    dead_url, dead_arn = make_queue(aws, f"{name}-dead")

    def topic(suffix: str, service: str, key_condition: Any, topic_condition: Any) -> str:
        statements = [admin, _statement(service, use, **key_condition)]
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        key = aws.client("kms").create_key(Policy=policy)["KeyMetadata"]["KeyId"]
        publish = [_statement(service, ["sns:Publish"], **topic_condition)]
        arn = aws.client("sns").create_topic(
            Name=f"{name}-{suffix}",
            Attributes={
                "KmsMasterKeyId": key,
                "Policy": json.dumps({"Version": "2012-10-17", "Statement": publish}),
            },
        )["TopicArn"]
        aws.client("sns").subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn)
        return str(arn)

    rule = "events.amazonaws.com"
    topics = {
        "open": topic("open", rule, {}, {}),
        "key": topic("key", rule, account, {}),
        "policy": topic("policy", rule, {}, account),
    }
    events = aws.client("events")
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    dead = {"DeadLetterConfig": {"Arn": dead_arn}}
    events.put_targets(
        Rule=name, Targets=[{"Id": which, "Arn": arn, **dead} for which, arn in topics.items()]
    )
    events.put_events(Entries=[{"Source": name, "DetailType": "t", "Detail": "{}"}])

    heard = received(aws, url, 1)
    refused = received(aws, dead_url, 2)
    events.remove_targets(Rule=name, Ids=list(topics))
    events.delete_rule(Name=name)
    assert [each["TopicArn"] for each in heard] == [topics["open"]]
    assert len(refused) == 2

    alarms = aws.client("cloudwatch")
    told = topic("alarm", "cloudwatch.amazonaws.com", account, account)
    put_alarm(alarms, name, AlarmActions=[told, topics["open"]])
    alarms.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")
    assert [each["TopicArn"] for each in received(aws, url, 1)] == [told]
    alarms.delete_alarms(AlarmNames=[name])


def received(aws: LocalAws, url: str, count: int) -> list[dict[str, Any]]:
    """Return the bodies of a queue's messages once there are so many, and what comes with them."""
    found: list[dict[str, Any]] = []
    sqs = aws.client("sqs")

    def enough() -> bool:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get(
            "Messages", []
        ):
            found.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return len(found) >= count

    eventually(enough, f"{count} messages in {url}", 5)
    return found


@shows("service_calls_function")
def a_rule_and_a_topic_call_a_function_that_lets_them(aws: LocalAws, name: str) -> None:
    """Each where the function's policy names it; what fails goes to the function's destination."""
    functions, events, sns = aws.client("lambda"), aws.client("events"), aws.client("sns")
    failed_url, failed_arn = make_queue(aws, f"{name}-failed")
    refused_url, refused_arn = make_queue(aws, f"{name}-refused")
    function = make_function(aws, name, "def handler(event, _):\n    raise ValueError('broken')\n")
    functions.put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": failed_arn}},
    )
    target = {"Id": "1", "Arn": function, "DeadLetterConfig": {"Arn": refused_arn}}
    rules = {}
    for suffix in ("let", "not"):
        rule = f"{name}-{suffix}"
        pattern = json.dumps({"source": [rule]})
        rules[suffix] = events.put_rule(Name=rule, EventPattern=pattern)["RuleArn"]
        events.put_targets(Rule=rule, Targets=[target])
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)

    def let(service: str, source: str) -> None:
        functions.add_permission(
            FunctionName=name,
            StatementId=service,
            Action="lambda:InvokeFunction",
            Principal=f"{service}.amazonaws.com",
            SourceArn=source,
        )

    def call(suffix: str) -> None:
        entry = {"Source": f"{name}-{suffix}", "DetailType": "t", "Detail": "{}"}
        events.put_events(Entries=[entry])

    let("events", rules["let"])
    for suffix in ("not", "let"):
        call(suffix)
    refused = receive(aws, refused_url)
    assert refused["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    assert json.loads(refused["Body"])["source"] == f"{name}-not"
    failed = json.loads(receive(aws, failed_url)["Body"])
    assert failed["requestPayload"]["source"] == f"{name}-let"
    aws.client("sqs").purge_queue(QueueUrl=failed_url)
    let("sns", topic)
    sns.publish(TopicArn=topic, Message="told")
    records = json.loads(receive(aws, failed_url)["Body"])["requestPayload"]["Records"]
    assert [record["Sns"]["Message"] for record in records] == ["told"]
