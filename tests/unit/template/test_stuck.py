"""Which open incidents count as stuck: those that nobody and nothing works on."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.support.machines import machines
from tests.support.sdk_names import as_api
from tests.support.verification import evaluated


@pytest.mark.parametrize(
    ("record", "counts"),
    [
        ({}, True),
        ({"wakes": {"BOOL": True}}, True),
        ({"wakes": {"BOOL": False}}, False),
        # It hangs on a node's incident, say, and waits for that for a day at the most.
        ({"caused_by": {"S": "the-node"}}, False),
        ({"caused_by": {"S": "the-node"}, "let_go_at": {"S": "2026-11-23T16:00:00Z"}}, True),
    ],
)
def test_what_waits_for_its_cause_is_not_stuck(
    record: dict[str, Any], counts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    state = machines()["platform-canary"].definition()["States"]["FindOldestOpen"]
    asked = as_api(evaluated(state["Arguments"]))
    names = ("status", "timestamp")
    keys: list[Any] = [
        {"AttributeName": name, "KeyType": kind}
        for name, kind in zip(names, ("HASH", "RANGE"), strict=True)
    ]
    with mock_aws():
        dynamodb = boto3.client("dynamodb")
        dynamodb.create_table(
            TableName=asked["TableName"],
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in names],
            KeySchema=keys,
            GlobalSecondaryIndexes=[
                {
                    "IndexName": asked["IndexName"],
                    "KeySchema": keys,
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
        )
        began = {"S": "2026-11-23T15:14:52.704Z"}
        dynamodb.put_item(
            TableName=asked["TableName"],
            Item={"status": {"S": "open"}, "timestamp": began, **record},
        )
        assert dynamodb.query(**asked)["Count"] == counts
