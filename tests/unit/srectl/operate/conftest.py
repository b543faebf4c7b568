"""A deployment's tables, switches and queues in moto, and a runner for the commands."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from click.testing import CliRunner, Result
from moto import mock_aws

from srectl.cli import cli
from srectl.operate.account import Account

ID = "0f3c0c0e-6a3b-5d0e-9a55-2f1f4f0e8b11"
STARTED = "2026-11-23T15:14:52.704Z"


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """Return a deployment with the prefix "t-"."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        made = Account("t-")
        made.dynamodb.create_table(
            TableName="t-sre-incidents",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"}
                for name in ("incident_id", "timestamp", "status", "fingerprint")
            ],
            KeySchema=[
                {"AttributeName": "incident_id", "KeyType": "HASH"},
                {"AttributeName": "timestamp", "KeyType": "RANGE"},
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": f"by-{key}",
                    "KeySchema": [
                        {"AttributeName": key, "KeyType": "HASH"},
                        {"AttributeName": "timestamp", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
                for key in ("status", "fingerprint")
            ],
        )
        for name, key in (("sre-runbooks", "name"), ("sre-remediation-guard", "guard_key")):
            made.dynamodb.create_table(
                TableName=f"t-{name}",
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
                KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            )
        made.ssm.put_parameter(Name=made.mode_parameter, Value="on", Type="String")
        made.ssm.put_parameter(Name=made.maintenance_parameter, Value="[]", Type="String")
        made.ssm.put_parameter(Name=made.own_modes_parameter, Value="{}", Type="String")
        yield made


@pytest.fixture
def heard(account: Account) -> Callable[[], list[dict[str, Any]]]:
    """Make the bus, and give what was said on it."""
    url = account.sqs.create_queue(QueueName="t-heard")["QueueUrl"]
    account.events.create_event_bus(Name=account.bus)
    account.events.put_rule(
        Name="t-all", EventPattern='{"source": ["sre.operator"]}', EventBusName=account.bus
    )
    account.events.put_targets(
        Rule="t-all",
        EventBusName=account.bus,
        Targets=[{"Id": "heard", "Arn": account.arn("sqs", "t-heard")}],
    )

    def take() -> list[dict[str, Any]]:
        found = account.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [json.loads(each["Body"]) for each in found.get("Messages", [])]

    return take


@pytest.fixture
def put_incident(account: Account) -> Callable[..., dict[str, Any]]:
    """Write an incident record as the recorder and the runbook leave it."""

    def put(**changes: Any) -> dict[str, Any]:
        incident = {
            "incident_id": ID,
            "timestamp": STARTED,
            "status": "escalated",
            "alert_name": "CheckoutHighErrorRate",
            "severity": "critical",
            "summary": "Checkout fails",
            "target": {
                "cluster": "sre-platform",
                "namespace": "apps",
                "kind": "deployment",
                "name": "checkout",
            },
            "labels": {"team": "shop"},
            "actions_taken": [],
            **changes,
        }
        serialized = TypeSerializer().serialize(incident)["M"]
        account.dynamodb.put_item(TableName=account.incidents_table, Item=serialized)
        return incident

    return put


@pytest.fixture
def srectl(account: Account) -> Callable[..., Result]:
    """Run a command against the deployment."""

    def run(*arguments: str, stdin: str = "") -> Result:
        return CliRunner(env={"SRECTL_PREFIX": account.prefix, "COLUMNS": "200"}).invoke(
            cli, arguments, input=stdin
        )

    return run
