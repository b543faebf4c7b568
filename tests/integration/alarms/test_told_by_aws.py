"""What AWS tells reaches the record of an incident, by the rules and the topic as deployed."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from tests.integration.alarms.platform import Deployment
from tests.support.alarms import put_alarm
from tests.support.waiting import eventually

pytestmark = pytest.mark.localaws


def record_of(on: Deployment, alert_name: str, status: str) -> Mapping[str, Any]:
    """Wait for the incident of this name to have a status."""

    def found() -> Mapping[str, Any] | None:
        items = on.aws.client("dynamodb").scan(
            TableName=on.outputs["IncidentTableName"],
            FilterExpression="alert_name = :name AND #status = :status",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":name": {"S": alert_name}, ":status": {"S": status}},
            ConsistentRead=True,
        )["Items"]
        return items[0] if items else None

    return eventually(f"an incident {alert_name} that is {status}", found)


def test_an_alarm_of_the_account_is_an_incident_with_its_tags_until_it_is_ok(
    deployment: Deployment,
) -> None:
    name = f"alarm-{uuid.uuid4().hex[:8]}"
    on, cloudwatch = deployment, deployment.cloudwatch
    put_alarm(
        cloudwatch,
        name,
        Tags=[{"Key": "team", "Value": "shop"}, {"Key": "severity", "Value": "info"}],
    )
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")
    record = record_of(on, name, "open")
    assert record["sender"]["S"] == "cloudwatch"
    assert record["labels"]["M"]["team"] == {"S": "shop"}
    assert "warnings" not in record
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="a test")
    ended = record_of(on, name, "resolved")
    assert ended["incident_id"] == record["incident_id"]
    cloudwatch.delete_alarms(AlarmNames=[name])


def test_what_a_budget_tells_its_topic_is_a_notice_on_which_nothing_acts(
    deployment: Deployment,
) -> None:
    name = f"budget-{uuid.uuid4().hex[:8]}"
    deployment.aws.client("sns").publish(
        TopicArn=deployment.outputs["NoticeTopicArn"],
        Subject="AWS Budgets",
        Message=f"AWS Budget Notification\n\nBudget Name: {name}\nAlert Type: ACTUAL\n",
    )
    record = record_of(deployment, f"Budget: {name}", "escalated")
    assert record["escalation_code"] == {"S": "notice"}
