"""A metered local AWS counts what AWS would charge for, as AWS counts it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from onemachine.aws import meter
from onemachine.aws.local_aws import LocalAws
from onemachine.aws.variables import METER_FILE_VARIABLE
from onemachine.cost.bill import difference, summed
from tests.integration.local_aws_fixtures import StartLocalAws
from tests.integration.localaws.probes.support import eventually, make_machine

pytestmark = pytest.mark.localaws

KILOBYTE = 1024


@dataclass
class Metered:
    """A local AWS and what it has counted."""

    aws: LocalAws
    file: Path

    def counted(self) -> dict[str, float]:
        time.sleep(0.5)  # what is counted is in the file a fifth of a second later
        return summed(meter.read(self.file))


@pytest.fixture(scope="module")
def metered(
    start_local_aws: StartLocalAws, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Metered]:
    file = tmp_path_factory.mktemp("meter") / "metered.json"
    with start_local_aws(**{METER_FILE_VARIABLE: str(file)}) as aws:
        yield Metered(aws, file)


def somebody(aws: LocalAws) -> Any:
    """Give a client of DynamoDB that is not the operator's, who is not counted."""
    iam = aws.client("iam")
    iam.create_user(UserName="somebody")
    grant = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}
    iam.put_user_policy(
        UserName="somebody",
        PolicyName="tables",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [grant]}),
    )
    key = iam.create_access_key(UserName="somebody")["AccessKey"]
    return aws.client(
        "dynamodb",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )


def test_tables_by_the_size_of_items_and_with_their_indexes(metered: Metered) -> None:
    dynamodb = somebody(metered.aws)
    names = [{"AttributeName": name, "AttributeType": "S"} for name in ("k", "status")]
    dynamodb.create_table(
        TableName="tab",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=names,
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-status",
                "KeySchema": [{"AttributeName": "status", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    before = metered.counted()
    item = {"k": {"S": "a"}, "status": {"S": "open"}, "text": {"S": "x" * 5 * KILOBYTE}}
    dynamodb.put_item(TableName="tab", Item=item)  # 6 and 6
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        # 6: a refused write is charged, too
        dynamodb.put_item(TableName="tab", Item=item, ConditionExpression="attribute_not_exists(k)")
    dynamodb.transact_write_items(  # 2
        TransactItems=[{"Put": {"TableName": "tab", "Item": {"k": {"S": "b"}}}}]
    )
    dynamodb.get_item(TableName="tab", Key={"k": {"S": "a"}}, ConsistentRead=True)  # 2
    dynamodb.query(  # 1: half of two
        TableName="tab",
        IndexName="by-status",
        KeyConditionExpression="#s = :s",
        ProjectionExpression="#k",
        ExpressionAttributeNames={"#s": "status", "#k": "k"},
        ExpressionAttributeValues={":s": {"S": "open"}},
    )
    # Whoever looks on is not the platform.
    metered.aws.client("dynamodb").scan(TableName="tab", ConsistentRead=True)
    took = difference(metered.counted(), before)
    assert took["write_units"] == 6 + 6 + 6 + 2
    assert took["read_units"] == 2 + 1


def test_states_by_their_entering_with_each_retry(metered: Metered) -> None:
    queue = metered.aws.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    again = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 1}
    states: dict[str, Any] = {
        "Nothing": {"Type": "Pass", "Next": "Refused"},
        "Refused": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage",
            "Parameters": {"QueueUrl": f"{queue}-gone", "MessageBody": "x"},
            "Retry": [again],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Over"}],
            "End": True,
        },
        "Over": {"Type": "Succeed"},
    }
    machine = make_machine(metered.aws, "m", states, [])
    before = metered.counted()
    steps = metered.aws.client("stepfunctions")
    steps.start_execution(stateMachineArn=machine)

    def over() -> bool:
        (one,) = steps.list_executions(stateMachineArn=machine)["executions"]
        return bool(one["status"] == "SUCCEEDED")

    eventually(over, "the execution is over", 20)
    assert difference(metered.counted(), before)["transitions"] == 4


def test_events_lines_and_keys_by_what_they_weigh(metered: Metered) -> None:
    aws = metered.aws
    aws.client("logs").create_log_group(logGroupName="g")
    aws.client("logs").create_log_stream(logGroupName="g", logStreamName="s")
    aws.client("ssm").put_parameter(Name="/p", Value="v", Type="SecureString")
    aws.client("ssm").put_parameter(Name="/plain", Value="v", Type="String")
    topic = aws.client("sns").create_topic(Name="t")["TopicArn"]
    before = metered.counted()
    detail = json.dumps({"text": "x" * 70 * KILOBYTE})
    aws.client("events").put_events(
        Entries=[{"Source": "sre.x", "DetailType": "d", "Detail": detail}]
    )
    line = {"timestamp": int(time.time() * 1000), "message": "x" * 74}
    aws.client("logs").put_log_events(logGroupName="g", logStreamName="s", logEvents=[line])
    aws.client("ssm").get_parameters(Names=["/p", "/plain"], WithDecryption=True)
    aws.client("sns").publish(TopicArn=topic, Message="x")
    took = difference(metered.counted(), before)
    wanted = {"events": 2, "log_bytes": 100, "key_calls": 1, "publishes": 1}
    assert {unit: took[unit] for unit in wanted} == wanted
