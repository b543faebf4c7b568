"""The deployed platform as the alarm tests see it: break something, watch an alarm, mend it."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from onemachine.aws.local_aws import LocalAws
from onemachine.receiver import Page, Question, read_mails, read_pages, read_questions
from onemachine.stack.deploy import StackOutputs
from tests.integration.alarms.subscriber import Subscriber
from tests.support.alarms import put_alarm

#: The alarms' clock: five minutes pass in ten seconds.
PACE = 30.0
#: Longest that an alarm may take, its periods included; far more than it does.
PATIENCE_SECONDS = 150.0


def eventually(probe: Callable[[], Any], what: str, again: Callable[[], Any] | None = None) -> Any:
    """Return the first truthy answer of ``probe``; ``again`` is done once a second meanwhile."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        if again is not None:
            again()
        answer = probe()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise AssertionError(f"{what}: not within {PATIENCE_SECONDS:g} s")
        time.sleep(1)


@dataclass
class Deployment:
    """The stack, and a subscriber of its topic.

    Parameters
    ----------
    aws : LocalAws
        Where it is deployed.
    outputs : StackOutputs
        Outputs of the template.
    told_file : Path
        File of the receiver that stands in for the pager.
    """

    aws: LocalAws
    outputs: StackOutputs
    told_file: Path

    def __post_init__(self) -> None:
        self.cloudwatch = self.aws.client("cloudwatch")
        self.functions = self.aws.client("lambda")
        self.steps = self.aws.client("stepfunctions")
        self.inbox = self.aws.client("sqs")
        self._subscriber = Subscriber(self.aws, self.outputs["NotificationTopicArn"])

    # ------------------------------------------------------------ alarms
    def alarms(self) -> dict[str, dict[str, Any]]:
        """Return every alarm by name."""
        pages = self.cloudwatch.get_paginator("describe_alarms").paginate()
        return {a["AlarmName"]: a for page in pages for a in page["MetricAlarms"]}

    def is_state(self, name: str, state: str) -> bool:
        """Tell whether an alarm is in a state."""
        found = self.cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return bool(found) and found[0]["StateValue"] == state

    def told(self, name: str) -> list[str]:
        """Return the states of an alarm that subscribers of the topic heard of, in order."""
        alarms = map(_alarm_of, self._subscriber.heard())
        return [alarm["NewStateValue"] for alarm in alarms if alarm.get("AlarmName") == name]

    def announcements(self) -> list[str]:
        """Return what else subscribers of the topic heard, in order."""
        return [each for each in self._subscriber.heard() if not _alarm_of(each)]

    def pages(self, key: str) -> list[Page]:
        """Return what the pager was sent under a key, or under keys that end so, in order."""
        return [page for page in read_pages(self.told_file) if page.key.endswith(key)]

    def questions(self, begin: str) -> list[Question]:
        """Return what the investigator was asked about alerts whose names begin so, in order."""
        asked = read_questions(self.told_file)
        return [each for each in asked if str(each.body.get("title")).startswith(begin)]

    def mailed(self) -> list[str]:
        """Return the subjects of all mails, in order."""
        return [mail.subject for mail in read_mails(self.aws.mail_file)]

    # ------------------------------------------------------------ the platform
    def api_key(self) -> str:
        """Return the senders' API key."""
        key: str = self.aws.client("apigateway").get_api_key(
            apiKey=self.outputs["WebhookApiKeyId"], includeValue=True
        )["value"]
        return key

    def sender_key(self, place: int) -> tuple[str, str]:
        """Return id and value of the key of a sender's place."""
        (found,) = self.aws.client("apigateway").get_api_keys(
            nameQuery=f"sre-sender-{place}", includeValues=True
        )["items"]
        return found["id"], found["value"]

    @contextmanager
    def has_sent(self, key_id: str, alerts: int) -> Iterator[None]:
        """Run a block as if so many alerts had come with a key this hour (and the next)."""
        dynamodb, table = self.aws.client("dynamodb"), self.outputs["GuardTableName"]
        hour = int(time.time()) // 3600
        keys = [{"guard_key": {"S": f"hour#{key_id}#{each}"}} for each in (hour, hour + 1)]
        for key in keys:
            dynamodb.put_item(TableName=table, Item={**key, "critical_ones": {"N": str(alerts)}})
        try:
            yield
        finally:
            for key in keys:
                dynamodb.delete_item(TableName=table, Key=key)

    def investigator_key(self) -> tuple[str, str]:
        """Return id and value of the investigator's key."""
        (found,) = self.aws.client("apigateway").get_api_keys(
            nameQuery="sre-investigator", includeValues=True
        )["items"]
        return found["id"], found["value"]

    @contextmanager
    def at_the_gateways_limit(self, plan: str) -> Iterator[None]:
        """Run a block in which a usage plan lets no call in.

        Parameters
        ----------
        plan : str
            Its logical name.
        """
        gateway = self.aws.client("apigateway")
        (plan_id,) = [
            each["PhysicalResourceId"]
            for each in self.stack_resources()
            if each["LogicalResourceId"] == plan
        ]
        before = gateway.get_usage_plan(usagePlanId=plan_id)["throttle"]

        def throttle(rate: float, burst: float) -> None:
            given = {"rateLimit": rate, "burstLimit": burst}
            gateway.update_usage_plan(
                usagePlanId=plan_id,
                patchOperations=[
                    {"op": "replace", "path": f"/throttle/{name}", "value": str(value)}
                    for name, value in given.items()
                ],
            )

        throttle(0, 0)
        try:
            yield
        finally:
            throttle(before["rateLimit"], before["burstLimit"])

    def post(self, body: Mapping[str, Any], key: str | None = None, route: str = "webhook") -> int:
        """Send a body to the webhook, or another route, and return the answer's status."""
        request = urllib.request.Request(
            f"{self.aws.endpoint_url}/_aws/execute-api/{self.outputs['WebhookApiId']}/live/{route}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "x-api-key": key or self.api_key()},
            method="POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code

    def start_machine(self, name: str, given: str) -> str:
        """Start one of the platform's state machines and return its execution."""
        where = f"arn:aws:states:{self.aws.region}:{self.aws.account_id}:stateMachine:{name}"
        return str(self.steps.start_execution(stateMachineArn=where, input=given)["executionArn"])

    def start_canary(self) -> str:
        """Start the canary and return its execution."""
        started = self.steps.start_execution(stateMachineArn=self.outputs["CanaryArn"])
        return str(started["executionArn"])

    def run_canary(self) -> dict[str, Any]:
        """Run the canary once and return how it ended."""
        arn = self.start_canary()
        while True:
            execution: dict[str, Any] = self.steps.describe_execution(executionArn=arn)
            if execution["status"] != "RUNNING":
                return execution
            time.sleep(0.5)

    def stack_resources(self) -> list[dict[str, Any]]:
        """Return every resource of the stack."""
        found: list[dict[str, Any]] = self.aws.client("cloudformation").describe_stack_resources(
            StackName="sre-platform"
        )["StackResources"]
        return found

    def newest_record(self, alert_name: str) -> dict[str, Any]:
        """Return the newest incident of an alert, plain texts and numbers."""
        items = self.aws.client("dynamodb").scan(
            TableName=self.outputs["IncidentTableName"], ConsistentRead=True
        )["Items"]
        mine = [item for item in items if item.get("alert_name") == {"S": alert_name}]
        newest = max(mine, key=lambda item: item["timestamp"]["S"])
        return {name: next(iter(value.values())) for name, value in newest.items()}

    def put_incident(self, status: str, age_seconds: float) -> dict[str, Any]:
        """Write an incident that the platform heard of some time ago; return its key."""
        heard = datetime.now(UTC) - timedelta(seconds=age_seconds)
        stamp = heard.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        key = {"incident_id": {"S": "stuck"}, "timestamp": {"S": stamp}}
        self.aws.client("dynamodb").put_item(
            TableName=self.outputs["IncidentTableName"],
            Item={**key, "status": {"S": status}, "received_at": {"S": stamp}},
        )
        return key

    def delete_incident(self, key: Mapping[str, Any]) -> None:
        """Take an incident away again."""
        self.aws.client("dynamodb").delete_item(
            TableName=self.outputs["IncidentTableName"], Key=dict(key)
        )

    def fill_queue(self, name: str) -> None:
        """Leave a message in a queue."""
        url = self.inbox.get_queue_url(QueueName=name)["QueueUrl"]
        self.inbox.send_message(QueueUrl=url, MessageBody="{}")

    @contextmanager
    def queue_refuses(self, name: str) -> Iterator[None]:
        """Run a block in which a queue takes nothing of a rule."""
        url = self.inbox.get_queue_url(QueueName=name)["QueueUrl"]
        before = self.inbox.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
        policy = json.loads(before["Attributes"]["Policy"])
        for statement in policy["Statement"]:
            statement["Effect"] = "Deny"
        self.inbox.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
        try:
            yield
        finally:
            self.inbox.set_queue_attributes(QueueUrl=url, Attributes=before["Attributes"])

    @contextmanager
    def no_rule_may_call(self, function: str) -> Iterator[None]:
        """Run a block in which a function's policy lets no rule call it."""
        policy = json.loads(self.functions.get_policy(FunctionName=function)["Policy"])
        taken = [
            each
            for each in policy["Statement"]
            if each["Principal"] == {"Service": "events.amazonaws.com"}
        ]
        for each in taken:
            self.functions.remove_permission(FunctionName=function, StatementId=each["Sid"])
        try:
            yield
        finally:
            for each in taken:
                self.functions.add_permission(
                    FunctionName=function,
                    StatementId=each["Sid"],
                    Action=each["Action"],
                    Principal="events.amazonaws.com",
                    SourceArn=each["Condition"]["ArnLike"]["AWS:SourceArn"],
                )

    def change_alarm(self, name: str) -> None:
        """Let an alarm that is none of the platform's go, and come back."""
        put_alarm(self.cloudwatch, name, Namespace="Another")
        for state in ("ALARM", "OK"):
            self.cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="a test")

    def empty_queue(self, name: str) -> None:
        """Take every message out of a queue."""
        self.inbox.purge_queue(QueueUrl=self.inbox.get_queue_url(QueueName=name)["QueueUrl"])

    @contextmanager
    def mode(self, mode: str) -> Iterator[None]:
        """Run a block with the kill switch set otherwise."""
        ssm, name = self.aws.client("ssm"), self.outputs["RemediationModeParameterName"]
        before = ssm.get_parameter(Name=name)["Parameter"]["Value"]
        ssm.put_parameter(Name=name, Value=mode, Type="String", Overwrite=True)
        try:
            yield
        finally:
            ssm.put_parameter(Name=name, Value=before, Type="String", Overwrite=True)

    @contextmanager
    def canary_key_refused(self) -> Iterator[None]:
        """Run a block in which the canary's key is in no usage plan."""
        gateway = self.aws.client("apigateway")
        ids = {
            each["LogicalResourceId"]: each["PhysicalResourceId"] for each in self.stack_resources()
        }
        plan, key = ids["WebhookApiUsagePlan"], ids["CanaryApiKey"]
        gateway.delete_usage_plan_key(usagePlanId=plan, keyId=key)
        try:
            yield
        finally:
            gateway.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")

    @contextmanager
    def function_environment(self, name: str, **changes: str) -> Iterator[None]:
        """Run a block with some of a function's variables changed."""
        before = self.functions.get_function_configuration(FunctionName=name)
        variables = before["Environment"]["Variables"]
        set_ = self.functions.update_function_configuration
        set_(FunctionName=name, Environment={"Variables": {**variables, **changes}})
        try:
            yield
        finally:
            set_(FunctionName=name, Environment={"Variables": variables})

    @contextmanager
    def without_concurrency(self, name: str) -> Iterator[None]:
        """Run a block in which a function takes no call."""
        before = self.functions.get_function_concurrency(FunctionName=name)
        set_ = self.functions.put_function_concurrency
        set_(FunctionName=name, ReservedConcurrentExecutions=0)
        try:
            yield
        finally:
            reserved = before["ReservedConcurrentExecutions"]
            set_(FunctionName=name, ReservedConcurrentExecutions=reserved)

    @contextmanager
    def without_rights(self, role: str, policy: str) -> Iterator[None]:
        """Run a block in which a policy of a role lets nothing be done.

        Parameters
        ----------
        role : str
            Logical name of the role.
        policy : str
            Name of the policy.
        """
        (name,) = [
            each["PhysicalResourceId"]
            for each in self.stack_resources()
            if each["LogicalResourceId"] == role
        ]
        iam = self.aws.client("iam")
        before = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        useless = [{**each, "Action": "sts:GetSessionToken"} for each in before["Statement"]]

        def write(document: dict[str, Any]) -> None:
            text = json.dumps(document)
            iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=text)

        write({**before, "Statement": useless})
        try:
            yield
        finally:
            write(before)


def _alarm_of(heard: str) -> dict[str, Any]:
    """Return what CloudWatch tells of an alarm; nothing where it is a text for people."""
    try:
        told = json.loads(json.loads(heard)["Message"])
    except ValueError:
        return {}
    return told if isinstance(told, dict) and "AlarmName" in told else {}


def alert(name: str, starts_at: str = "2026-11-23T15:14:52.704Z") -> dict[str, Any]:
    """Return a firing alert as Alertmanager sends it."""
    labels = {"alertname": name, "severity": "warning"}
    return {
        "version": "4",
        "groupKey": "{}",
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "test",
        "groupLabels": {},
        "commonLabels": labels,
        "commonAnnotations": {},
        "externalURL": "",
        "alerts": [
            {
                "status": "firing",
                "labels": labels,
                "annotations": {},
                "startsAt": starts_at,
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "",
                "fingerprint": "00000000000000aa",
            }
        ],
    }
