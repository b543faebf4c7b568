"""An alarm of the account reaches alert-ingest by the shipped rule, and is kept where it does not.

Invariant 1: what CloudWatch tells is in a queue that an alarm watches whatever fails, and one
command hands it over again. Invariant 9: by that rule alone.
"""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from onemachine.aws.local_aws import LocalAws
from srectl.operate import queues
from srectl.operate.account import Account
from srectl.operate.redrive import redrive
from tests.integration.localaws.probes.support import eventually, make_role, zipped
from tests.support.alarms import put_alarm
from tests.support.template import ROOT, deployed

pytestmark = pytest.mark.localaws

#: Fails as long as its setting says so; what it was called with is in its answer.
CODE = """
import os
def handler(event, context):
    if os.environ.get("BROKEN"):
        raise ValueError("it is broken")
    return {"statusCode": 202, "body": "{}"}
"""
EVENTS = ROOT / "events"
SHIPPED = ("FunctionDeadLetters", "FunctionDeadLettersPolicy", "AlarmsRule", "AlarmsMayCall")


def template(function_arn: str, *, permission: bool) -> str:
    """Return the shipped rule, permission and queue around a function that is there already."""
    whole = deployed()
    resources = {name: whole["Resources"][name] for name in SHIPPED}
    del resources["FunctionDeadLetters"]["Properties"]["KmsMasterKeyId"]
    name = function_arn.rsplit(":", 1)[1]
    resources["AlarmsMayCall"]["Properties"]["FunctionName"] = name
    resources["AlarmsRule"]["Properties"]["Targets"][0]["Arn"] = function_arn
    statements = resources["FunctionDeadLettersPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    [rules, _topic] = statements
    rules["Condition"] = {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["AlarmsRule", "Arn"]}}}
    statements[:] = [rules]
    if not permission:
        del resources["AlarmsMayCall"]
    for each in resources.values():
        each.pop("Condition", None)
    parameter = whole["Parameters"]["NamePrefix"]
    return json.dumps({"Parameters": {"NamePrefix": parameter}, "Resources": resources})


class Stack:
    """The shipped way of an alarm, to a function of this test."""

    def __init__(self, aws: LocalAws, *, permission: bool = True) -> None:
        self.aws, self.prefix = aws, f"a{uuid.uuid4().hex[:8]}-"
        self.name = f"{self.prefix}alert-ingest"
        self.functions, self.sqs = aws.client("lambda"), aws.client("sqs")
        created = self.functions.create_function(
            FunctionName=self.name,
            Runtime="python3.11",
            Handler="app.handler",
            Role=make_role(aws, self.name, "lambda.amazonaws.com"),
            Code={"ZipFile": zipped(CODE)},
        )
        cloudformation = aws.client("cloudformation")
        cloudformation.create_stack(
            StackName=self.name,
            TemplateBody=template(created["FunctionArn"], permission=permission),
            Parameters=[{"ParameterKey": "NamePrefix", "ParameterValue": self.prefix}],
        )

        def is_created() -> bool:
            [stack] = cloudformation.describe_stacks(StackName=self.name)["Stacks"]
            assert "FAILED" not in stack["StackStatus"]
            assert "ROLLBACK" not in stack["StackStatus"]
            return bool(stack["StackStatus"] == "CREATE_COMPLETE")

        eventually(is_created, "the stack is created")
        url = self.sqs.get_queue_url(QueueName=f"{self.prefix}sre-dlq-functions")["QueueUrl"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        self.functions.put_function_event_invoke_config(
            FunctionName=self.name,
            MaximumRetryAttempts=0,
            DestinationConfig={"OnFailure": {"Destination": attributes["Attributes"]["QueueArn"]}},
        )

    def broken(self, broken: bool) -> None:
        self.functions.update_function_configuration(
            FunctionName=self.name, Environment={"Variables": {"BROKEN": "yes" if broken else ""}}
        )

    def goes_off(self, name: str) -> None:
        cloudwatch = self.aws.client("cloudwatch")
        put_alarm(cloudwatch, name, Namespace=self.prefix)
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")
        cloudwatch.delete_alarms(AlarmNames=[name])

    def kept(self, name: str) -> list[queues.Message]:
        messages = queues.peek(self.sqs, "functions", self.prefix, 10)
        return [one for one in messages if name in one.body]

    def redriven(self) -> list[str]:
        account = Account(self.prefix)
        for name, client in {"sqs": "sqs", "functions": "lambda", "sts": "sts"}.items():
            account.__dict__[name] = self.aws.client(client)  # cached properties
        now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=1)
        return [left.reason for left in redrive(account, "functions", 10, now).left]

    def close(self) -> None:
        self.aws.client("cloudformation").delete_stack(StackName=self.name)
        self.functions.delete_function(FunctionName=self.name)


def test_an_alarm_whose_call_fails_is_kept_and_handed_over_again(local_aws: LocalAws) -> None:
    stack = Stack(local_aws)
    stack.broken(True)
    name = f"{stack.prefix}cpu"
    stack.goes_off(f"{stack.prefix}sre-parked-events")  # none of ours is an incident
    stack.goes_off(f"{stack.prefix}sre-own")  # and this is none of ours
    stack.goes_off(name)
    [message] = eventually(lambda: stack.kept(name), "the alarm is kept")
    payload: dict[str, Any] = message.decoded()["requestPayload"]
    assert payload["detail"]["alarmName"] == name
    assert payload["detail"]["previousState"]["timestamp"].endswith("+0000")
    assert not stack.kept("sre-parked-events")
    assert eventually(lambda: stack.kept("sre-own"), "one that is called alike is kept")
    stack.broken(False)
    assert stack.redriven() == []
    assert not stack.kept(name)
    stack.close()


def test_an_alarm_that_may_not_call_is_kept_and_handed_over(local_aws: LocalAws) -> None:
    stack = Stack(local_aws, permission=False)
    name = f"{stack.prefix}cpu"
    stack.goes_off(name)
    [message] = eventually(lambda: stack.kept(name), "the alarm is kept")
    assert message.attributes["ERROR_CODE"] == "NO_PERMISSIONS"
    assert message.decoded()["detail"]["alarmName"] == name
    assert stack.redriven() == []
    assert not stack.kept(name)
    stack.close()


FORWARDED = ("AlarmBus", "AlarmBusPolicy", "ForwardedAlarmsRule", "AlarmsRule", "HealthRule")
OTHER = "111122223333"


@pytest.fixture(scope="module")
def rules(local_aws: LocalAws) -> Iterator[Mapping[str, Any]]:
    """Deploy the shipped rules and the bus for other accounts; give them by logical id."""
    whole, name = deployed(), f"a{uuid.uuid4().hex[:8]}"
    resources = {each: whole["Resources"][each] for each in FORWARDED}
    for each in resources.values():
        each.pop("Condition", None)
        for target in each["Properties"].pop("Targets", ()):
            assert target["DeadLetterConfig"] == {
                "Arn": {"Fn::GetAtt": ["FunctionDeadLetters", "Arn"]}
            }
    bus = resources["AlarmBus"]["Properties"]
    del bus["KmsKeyIdentifier"], bus["DeadLetterConfig"]
    cloudformation = local_aws.client("cloudformation")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=json.dumps(
            {
                "Parameters": {
                    each: whole["Parameters"][each] for each in ("NamePrefix", "AlarmAccounts")
                },
                "Resources": resources,
            }
        ),
        Parameters=[
            {"ParameterKey": "NamePrefix", "ParameterValue": f"{name}-"},
            {"ParameterKey": "AlarmAccounts", "ParameterValue": OTHER},
        ],
    )

    def created() -> bool:
        [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
        assert "FAILED" not in stack["StackStatus"]
        assert "ROLLBACK" not in stack["StackStatus"]
        return bool(stack["StackStatus"] == "CREATE_COMPLETE")

    eventually(created, "the stack is created")
    events, found = local_aws.client("events"), {"prefix": f"{name}-"}
    for bus_name in ("default", f"{name}-sre-alarms"):
        listed = events.list_rules(EventBusName=bus_name, NamePrefix=f"{name}-")["Rules"]
        found |= {each["Name"].removeprefix(f"{name}-"): each["EventPattern"] for each in listed}
    found["policy"] = events.describe_event_bus(Name=f"{name}-sre-alarms")["Policy"]
    yield found
    cloudformation.delete_stack(StackName=name)


@pytest.mark.parametrize(
    ("rule", "sample", "taken"),
    [
        ("sre-alarms", "cloudwatch/alarm", True),
        ("sre-alarms", "cloudwatch/insufficient-data", True),
        ("sre-alarms", "cloudwatch/composite-alarm", True),
        ("sre-alarms", "cloudwatch/deleted", True),
        ("sre-alarms", "cloudwatch/own-alarm", False),
        ("sre-alarms", "cloudwatch/alarm-other-account", False),
        ("sre-alarms", "aws_health/issue-open", False),
        ("sre-health", "aws_health/issue-open", True),
        ("sre-health", "cloudwatch/alarm", False),
        ("sre-forwarded-alarms", "cloudwatch/alarm-other-account", True),
        ("sre-forwarded-alarms", "cloudwatch/alarm", False),
    ],
)
def test_each_rule_takes_what_is_meant_for_it(
    local_aws: LocalAws, rules: Mapping[str, Any], rule: str, sample: str, taken: bool
) -> None:
    """The patterns as deployed, by the matcher of the bus."""
    text = (EVENTS / f"{sample}.json").read_text("utf-8")
    event = text.replace("sre-parked-events", f"{rules['prefix']}sre-parked-events")
    answer = local_aws.client("events").test_event_pattern(EventPattern=rules[rule], Event=event)
    assert answer["Result"] is taken


def test_the_bus_of_other_accounts_lets_them_tell_of_alarms_alone(
    rules: Mapping[str, Any],
) -> None:
    [statement] = json.loads(rules["policy"])["Statement"]
    assert OTHER in json.dumps(statement["Principal"])
    assert statement["Action"] == "events:PutEvents"
    assert statement["Condition"] == {
        "StringEquals": {"events:source": ["aws.cloudwatch", "aws.health"]}
    }


def test_nobody_can_put_what_cloudwatch_says(local_aws: LocalAws) -> None:
    """Invariant 9: as AWS refuses it to everybody, whatever IAM allows them."""
    entry = json.loads((EVENTS / "cloudwatch/alarm.json").read_text("utf-8"))
    put = {
        "Source": entry["source"],
        "DetailType": entry["detail-type"],
        "Resources": entry["resources"],
        "Detail": json.dumps(entry["detail"]),
    }
    [answer] = local_aws.client("events").put_events(Entries=[put])["Entries"]
    assert answer["ErrorCode"] == "NotAuthorizedForSourceException"
