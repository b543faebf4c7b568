"""What a service may do as itself, by the policies of topics and keys."""

from __future__ import annotations

import json
from typing import Any

from onemachine.aws.local_aws import LocalAws
from tests.integration.localaws.probes.registry import shows
from tests.integration.localaws.probes.support import eventually, make_queue


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
    alarms.put_metric_alarm(
        AlarmName=name,
        AlarmActions=[told, topics["open"]],
        Namespace=name,
        MetricName="m",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
    )
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
