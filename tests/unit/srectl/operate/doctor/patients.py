"""A deployment in good health, as AWS would tell of it, and what makes it ill."""

from __future__ import annotations

import base64
import copy
import datetime
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import ClientError

from srectl.operate.account import Account
from srectl.operate.doctor import Check, Deployment, Finding, Severity, examine
from srectl.operate.doctor.http import Answer
from srectl.operate.doctor.template_text import md5
from srectl.operate.queues import QUEUES

NOW = datetime.datetime(2026, 11, 27, 12, tzinfo=datetime.UTC)
TOPIC = "arn:aws:sns:us-east-1:123456789012:t-sre-incident-notifications"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:t-platform-canary"
RULES = ("t-sre-incident-created", "t-sre-audit")
ALARMS = ("t-sre-canary-absent", "t-sre-dlq-audit")
LAST = "arn:aws:states:us-east-1:123456789012:execution:t-platform-canary:one"

TEMPLATE = """\
Parameters: {NamePrefix: {Type: String, Default: ''}}
Resources:
  Machine:
    Type: AWS::StepFunctions::StateMachine
    Properties: {DefinitionS3Location: machine.asl.yaml, RoleArn: !GetAtt Role.Arn}
  AlertIngestFunction:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: src/alert_ingest, MemorySize: 256}
  RunbookActionFunction:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: src/runbook_action}
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Properties: {Threshold: 1, AlarmName: !Sub '${NamePrefix}sre-x'}
"""
MACHINE_TEXT = "StartAt: A\n"
RUNBOOK = (
    "name: CheckoutDown\ndescription: Restarts it.\nseverities: [critical]\n"
    "action: restart_deployment\n"
    "target: {kind: deployment, namespace: apps, name: checkout}\non_failure: undo\n"
    "guard: {cooldown_seconds: 300, max_actions: 3, window_seconds: 3600}\n"
)
#: What the switches hold where nothing holds remediation back.
SWITCHES = {"remediation-mode": "on", "maintenance-windows": "[]", "runbook-modes": "{}"}


def refused(code: str = "AccessDeniedException") -> ClientError:
    """Give what boto3 raises where AWS refuses a call."""
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Asked")


class Canned:
    """A client that gives one answer to each operation, and remembers what it was asked."""

    def __init__(self, service: str, answers: dict[str, Any], asked: list[str]) -> None:
        self._service, self._answers, self._asked = service, answers, asked

        class Meta:
            endpoint_url = f"https://{service}.us-east-1.amazonaws.com"
            region_name = "us-east-1"

        self.meta = Meta()

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        if operation.startswith("__"):
            raise AttributeError(operation)
        return lambda **given: self._answer(operation, given)

    def get_paginator(self, operation: str) -> Any:
        class Pages:
            @staticmethod
            def paginate(**given: Any) -> list[Any]:
                return [self._answer(operation, given)]

        return Pages()

    def _answer(self, operation: str, given: dict[str, Any]) -> Any:
        self._asked.append(f"{self._service}:{operation}")
        answer = self._answers[operation]
        if callable(answer):
            answer = answer(**given)
        if isinstance(answer, Exception):
            raise answer
        return copy.deepcopy(answer)


class FakeAccount(Account):
    """An account whose clients are canned."""

    def _client(self, service: Any) -> Any:
        answers, asked = self.__dict__["answers"], self.__dict__["asked"]
        return Canned(service, answers[service], asked)


class Patient:
    """A deployment in good health; ``aws[service][operation]`` may be changed.

    Parameters
    ----------
    folder
        Becomes the checkout.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = NOW
        self.asked: list[str] = []
        self.web: dict[str, Answer | Exception] = {}
        self._check_out()
        self.inspected: dict[str, Any] = {
            "asked": 12,
            "missing": [],
            "held": True,
            "tried": "Deployment apps/checkout",
            "namespaces": ["apps"],
        }
        self.aws: dict[str, dict[str, Any]] = _healthy(self)
        self.key_file: Path | None = None

    def see(self, check: Check) -> list[Finding]:
        """Run one check."""
        return list(examine(self.deployment(), [check]))

    def deployment(self) -> Deployment:
        """Give what the checks look at."""
        account = FakeAccount("t-")
        account.__dict__.update(answers=self.aws, asked=self.asked)
        return Deployment(account, self.folder, key_file=self.key_file, now=lambda: self.now)

    def ask(self, method: str, url: str, *_: Any) -> Answer:
        """Answer by HTTP, as ``doctor.http.ask`` does."""
        answer = self.web["webhook"]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _check_out(self) -> None:
        for name, text in {
            "template.yaml": TEMPLATE,
            "machine.asl.yaml": MACHINE_TEXT,
            "runbooks/down.yaml": RUNBOOK,
            "src/alert_ingest/handler.py": "handler = 1\n",
            "src/runbook_action/handler.py": "handler = 2\n",
        }.items():
            file = self.folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        self.packages = {
            "ingest": archive({"alert_ingest/handler.py": "handler = 1\n"}),
            "action": archive({"runbook_action/handler.py": "handler = 2\n"}),
        }
        body = {"probe": "answered", "correlation_id": "c"}
        self.web["webhook"] = Answer(200, {}, json.dumps(body).encode())


def archive(files: dict[str, str]) -> bytes:
    """Give an archive with files in it, as 'sam deploy' uploads it."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as written:
        for name, text in files.items():
            written.writestr(name, text)
    return content.getvalue()


def worst(findings: list[Finding]) -> Finding:
    """Give the one finding that is not fine."""
    (found,) = [each for each in findings if each.severity is not Severity.OK]
    return found


def described(patient: Patient) -> dict[str, Any]:
    """Give the stack as CloudFormation describes it, to be changed."""
    found: dict[str, Any] = patient.aws["cloudformation"]["describe_stacks"]["Stacks"][0]
    return found


def set_parameter(patient: Patient, name: str, value: str) -> None:
    """Change a parameter of the stack."""
    parameters = described(patient)["Parameters"]
    kept = [each for each in parameters if each["ParameterKey"] != name]
    described(patient)["Parameters"] = [*kept, {"ParameterKey": name, "ParameterValue": value}]


def action_of(call: str) -> str:
    """Give the action of IAM that a call needs: ``sns:list_topics`` → ``sns:ListTopics``."""
    service, _, operation = call.partition(":")
    if service == "apigateway":
        return "apigateway:GET"
    name = re.sub(r"(^|_)(.)", lambda found: found[2].upper(), operation)
    return {"lambda:Invoke": "lambda:InvokeFunction"}.get(
        f"{service}:{name}", f"{'states' if service == 'stepfunctions' else service}:{name}"
    )


def alarm(name: str, **changes: Any) -> dict[str, Any]:
    """Give an alarm that is armed and quiet."""
    return {
        "AlarmName": name,
        "ActionsEnabled": True,
        "AlarmActions": [TOPIC],
        "StateValue": "OK",
        "StateUpdatedTimestamp": NOW - datetime.timedelta(hours=2),
        "AlarmDescription": "Something is missing. Next - srectl dlq show audit",
        **changes,
    }


def invoked(patient: Patient) -> Callable[..., Any]:
    """Answer as runbook-action does; an ``errorType`` is a failed call."""

    def invoke(**_: Any) -> dict[str, Any]:
        said = patient.inspected
        failed = {"FunctionError": "Unhandled"} if "errorType" in said else {}
        return {"Payload": io.BytesIO(json.dumps(said).encode()), **failed}

    return invoke


def _healthy(patient: Patient) -> dict[str, dict[str, Any]]:
    resources = {
        **{
            f"Rule{n}": ("AWS::Events::Rule", f"t-sre-platform-events|{name}")
            for n, name in enumerate(RULES)
        },
        "CanaryAbsentAlarm": ("AWS::CloudWatch::Alarm", ALARMS[0]),
        "AuditDeadLettersAlarm": ("AWS::CloudWatch::Alarm", ALARMS[1]),
        "CanaryConnection": ("AWS::Events::Connection", "t-platform-canary"),
        "CanaryApiKey": ("AWS::ApiGateway::ApiKey", "key2"),
        "WebhookApiUsagePlan": ("AWS::ApiGateway::UsagePlan", "plan1"),
    }
    parameters = {
        "AlertIngestConcurrency": "100",
        "RunbookActionConcurrency": "50",
        "ClusterName": "prod",
        "NotificationEmail": "oncall@example.com",
        "CanaryMinutes": "5",
        "Sender1": "shop=grafana",
        "Heartbeat1": "prod",
        "SenderRequestsPerSecond": "50",
    }
    outputs = {
        "CanaryArn": MACHINE,
        "NotificationTopicArn": TOPIC,
        "RemediationRoleArn": "arn:aws:iam::123456789012:role/t-checkout-remediation-role",
        "RunbookArn": "arn:x",
        "WebhookApiId": "api1",
        "WebhookApiKeyId": "key1",
        "WebhookUrl": "https://api1.execute-api.us-east-1.amazonaws.com/live/webhook",
    }
    digest = md5(patient.folder / "machine.asl.yaml")
    deployed = TEMPLATE
    for before, after in {
        "machine.asl.yaml": f"s3://bucket/t/{digest}.yaml",
        "!GetAtt Role.Arn": "{'Fn::GetAtt': [Role, Arn]}",
        "src/alert_ingest": "s3://bucket/t/ingest",
        "src/runbook_action": "s3://bucket/t/action",
    }.items():
        deployed = deployed.replace(before, after)
    definition = yaml.safe_load(RUNBOOK)
    return {
        "sts": {
            "get_caller_identity": {
                "Account": "123456789012",
                "Arn": "arn:aws:iam::123456789012:user/me",
                "ResponseMetadata": {"HTTPHeaders": {"date": "Fri, 27 Nov 2026 12:00:00 GMT"}},
            }
        },
        "cloudformation": {
            "describe_stack_resources": {"StackResources": [{"StackName": "platform"}]},
            "describe_stacks": {
                "Stacks": [
                    {
                        "StackName": "platform",
                        "StackStatus": "UPDATE_COMPLETE",
                        "CreationTime": NOW - datetime.timedelta(days=9),
                        "LastUpdatedTime": NOW - datetime.timedelta(days=1),
                        "Parameters": [
                            {"ParameterKey": key, "ParameterValue": value}
                            for key, value in parameters.items()
                        ],
                        "Outputs": [
                            {"OutputKey": key, "OutputValue": value}
                            for key, value in outputs.items()
                        ],
                    }
                ]
            },
            "list_stack_resources": {
                "StackResourceSummaries": [
                    {
                        "LogicalResourceId": name,
                        "ResourceType": kind,
                        "PhysicalResourceId": physical,
                    }
                    for name, (kind, physical) in resources.items()
                ]
            },
            "get_template": {"TemplateBody": deployed},
        },
        "apigateway": {
            "get_api_key": {"id": "key1", "value": "s3cret"},
            "get_api_keys": {
                "items": [{"id": key, "name": key, "enabled": True} for key in ("key1", "key2")]
            },
            "get_account": {"throttleSettings": {"rateLimit": 10000.0, "burstLimit": 5000}},
        },
        "lambda": {
            "get_function_concurrency": lambda FunctionName: {  # noqa: N803 - boto3's
                "ReservedConcurrentExecutions": 100 if "ingest" in FunctionName else 50
            },
            "get_account_settings": {
                "AccountLimit": {
                    "ConcurrentExecutions": 1000,
                    "UnreservedConcurrentExecutions": 850,
                }
            },
            "get_function_configuration": lambda FunctionName: {  # noqa: N803 - boto3's
                "State": "Active",
                "LastModified": "2026-11-26",
                "CodeSha256": base64.b64encode(
                    hashlib.sha256(patient.packages[FunctionName.rpartition("-")[2]]).digest()
                ).decode(),
            },
            "invoke": invoked(patient),
        },
        "events": {
            "list_rules": lambda EventBusName, **_: {  # noqa: N803 - boto3's
                "Rules": [
                    {"Name": name, "State": "ENABLED", "EventBusName": EventBusName}
                    for name in RULES
                    if EventBusName != "default"
                ]
            },
            "describe_connection": {"ConnectionState": "AUTHORIZED"},
        },
        "s3": {
            "get_object": lambda Bucket, Key: {  # noqa: N803 - boto3's
                "Body": io.BytesIO(patient.packages[Key.rpartition("/")[2]] if Bucket else b"")
            }
        },
        "sns": {
            "list_subscriptions_by_topic": {
                "Subscriptions": [
                    {
                        "SubscriptionArn": f"{TOPIC}:1",
                        "Protocol": "email",
                        "Endpoint": "oncall@example.com",
                    }
                ]
            }
        },
        "cloudwatch": {
            "describe_alarms": {"MetricAlarms": [alarm(name) for name in ALARMS]},
            "get_metric_statistics": {
                "Datapoints": [{"Timestamp": NOW - datetime.timedelta(minutes=1), "Sum": 1.0}]
            },
        },
        "sqs": {
            "get_queue_url": lambda QueueName: {"QueueUrl": f"https://q/{QueueName}"},  # noqa: N803
            "get_queue_attributes": lambda AttributeNames, **_: {  # noqa: N803 - boto3's
                "Attributes": dict.fromkeys(AttributeNames, "0")
            },
        },
        "scheduler": {"get_schedule": {"State": "ENABLED"}},
        "stepfunctions": {
            "list_executions": {
                "executions": [
                    {
                        "executionArn": LAST,
                        "status": "SUCCEEDED",
                        "startDate": NOW - datetime.timedelta(minutes=5),
                        "stopDate": NOW - datetime.timedelta(minutes=4),
                    }
                ]
            },
            "describe_execution": {"cause": "the webhook did not take the alert"},
        },
        "ssm": {
            "get_parameter": lambda Name: {  # noqa: N803 - boto3's
                "Parameter": {"Value": SWITCHES[Name.rpartition("/")[2]]}
            }
        },
        "dynamodb": {
            "query": {"Items": []},
            "scan": {
                "Items": [
                    {
                        "name": {"S": definition["name"]},
                        "definition": {"S": json.dumps(definition)},
                        "published_at": {"S": "2026-11-26T12:00:00Z"},
                    }
                ]
            },
        },
    }


QUEUE_NAMES = tuple(f"t-{name}" for name in QUEUES.values())
