"""The platform's tables, bus, topic and both real state machines on the local AWS."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from boto3.dynamodb.types import TypeSerializer

from onemachine.aws.definitions import read_definition
from onemachine.aws.local_aws import LocalAws
from tests.integration.rie.harness import Function, build
from tests.integration.statemachine.shown import display
from tests.integration.statemachine.standing import standing
from tests.support.machines import machines
from tests.support.queues import take_all
from tests.support.template import deployed
from tests.support.waiting import PATIENCE_SECONDS, eventually

ROOT = Path(__file__).resolve().parents[3]
ACCOUNT = "000000000000"
REGION = "us-east-1"
#: Machines that start remediation-step.
LEADERS = ("incident-response-runbook", "incident-restorer")


@dataclass
class Platform:
    """Everything the two state machines touch, under names of its own."""

    aws: LocalAws
    name: str
    calls_dir: Path
    #: A table of incidents that is there already, as a replica of another region's.
    shared: str = ""
    queues: dict[str, str] = field(default_factory=dict)
    topic: str = ""
    runbook_arn: str = ""
    recorder_arn: str = ""
    #: The recorder as a Standard machine: an Express execution cannot be described afterwards.
    recorder_variant: str = ""
    notifier_arn: str = ""
    digest_arn: str = ""
    restorer_arn: str = ""
    step_arn: str = ""
    #: Of incident-evidence, as a Standard machine too.
    evidence_variant: str = ""
    _kept: dict[str, list[str]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.ddb = self.aws.client("dynamodb")
        self.sfn = self.aws.client("stepfunctions")
        self.events = self.aws.client("events")
        self.sqs = self.aws.client("sqs")
        self.ssm = self.aws.client("ssm")

    # ------------------------------------------------------------ building
    def build(self, rules: tuple[str, ...] = ("records", "created")) -> Platform:
        """Create everything; ``rules`` names those that bring events to the machines."""
        for table, key, sort in (
            ("incidents", "incident_id", "timestamp"),
            ("runbooks", "name", None),
            ("guard", "guard_key", None),
        ):
            if sort and self.shared:
                continue
            keys = [(key, "HASH")] + ([(sort, "RANGE")] if sort else [])
            names = [k for k, _ in keys] + (["fingerprint", "status"] if sort else [])
            indexes = [
                {
                    "IndexName": f"by-{attribute}",
                    "KeySchema": [
                        {"AttributeName": attribute, "KeyType": "HASH"},
                        {"AttributeName": "timestamp", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
                for attribute in ("fingerprint", "status")
            ]
            self.ddb.create_table(
                TableName=self.table(table),
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in names],
                KeySchema=[{"AttributeName": k, "KeyType": t} for k, t in keys],
                **({"GlobalSecondaryIndexes": indexes} if sort else {}),
            )
        # Named as template.yaml names them, so that srectl finds them by the prefix.
        for queue, name in (
            ("recorder-dlq", "sre-dlq-recorder"),
            ("runbook-dlq", "sre-dlq-runbook"),
            ("notification-dlq", "sre-dlq-notifications"),
            ("parking", "sre-parked-events"),
            ("inbox", "inbox"),
        ):
            url = self.sqs.create_queue(QueueName=f"{self.name}-{name}")["QueueUrl"]
            self.queues[queue] = url
        sns = self.aws.client("sns")
        self.topic = sns.create_topic(Name=f"{self.name}-topic")["TopicArn"]
        inbox = f"arn:aws:sqs:{self.aws.region}:{ACCOUNT}:{self.name}-inbox"
        allow = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": inbox,
        }
        self.sqs.set_queue_attributes(
            QueueUrl=self.queues["inbox"],
            Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [allow]})},
        )
        sns.subscribe(
            TopicArn=self.topic,
            Protocol="sqs",
            Endpoint=inbox,
            Attributes={"RawMessageDelivery": "true"},
        )
        self.set_mode("on")
        self.set_maintenance([])
        self.set_own_modes({})
        self.events.create_event_bus(Name=self.bus)
        role = self._role(self.name)
        function = self._function(
            self.role_that_may_only("dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem")
        )
        self.recorder_arn = self.machine("incident-recorder", role, function)
        self.digest_arn = self.machine("incident-digest", role, function)
        self.step_arn = self.machine("remediation-step", role, function)
        self.restorer_arn = self.machine("incident-restorer", role, function)
        self.runbook_arn = self.machine("incident-response-runbook", role, function)
        self.recorder_variant = self.variant("incident-recorder")
        self.evidence_variant = self.variant("incident-evidence")
        self.notifier_arn = self.machine("incident-notifier", role, function)
        routes = {
            "records": (
                [
                    "incident.created",
                    "incident.resolved",
                    "incident.investigated",
                    "action.completed",
                ],
                self.recorder_arn,
            ),
            "created": (["incident.created"], self.runbook_arn),
        }
        for name in rules:
            self.route(name, *routes[name])
        return self

    def table(self, name: str) -> str:
        """Name of a table."""
        if name == "incidents" and self.shared:
            return self.shared
        names = {"incidents": "sre-incidents", "runbooks": "sre-runbooks"}
        return f"{self.name}-{names.get(name, 'sre-remediation-guard')}"

    @property
    def bus(self) -> str:
        """Name of the bus."""
        return f"{self.name}-sre-platform-events"

    @property
    def mode_parameter(self) -> str:
        """Name of the kill switch."""
        return f"/{self.name}/remediation-mode"

    @property
    def maintenance_parameter(self) -> str:
        """Name of the parameter with the maintenance windows."""
        return f"/{self.name}/maintenance-windows"

    @property
    def own_modes_parameter(self) -> str:
        """Name of the modes that single runbooks were switched to."""
        return f"/{self.name}/runbook-modes"

    def machine(
        self, kind: str, role: str, function: str, suffix: str = "", type_: str = "", **changes: str
    ) -> str:
        """Create one of the template's machines; ``changes`` replace what stands for something.

        They name a substitution, or a resource or parameter of the template.
        """
        values = {
            "NamePrefix": f"{self.name}-",
            "AWS::AccountId": ACCOUNT,
            "AWS::Region": self.aws.region,
            "IncidentTable": self.table("incidents"),
            "RunbookTable": self.table("runbooks"),
            "GuardTable": self.table("guard"),
            "RemediationModeParameter": self.mode_parameter,
            "MaintenanceParameter": self.maintenance_parameter,
            "RunbookModesParameter": self.own_modes_parameter,
            "RunbookActionFunction.Arn": function,
            "EventBus": self.bus,
            "NotificationTopic": self.topic,
            "ParkingQueue": self.queues["parking"],
            "RecorderDeadLetters": self.queues["recorder-dlq"],
            "NotificationDeadLetters": self.queues["notification-dlq"],
            "IncidentDigest": self.digest_arn,
            "IncidentRestorer": self.restorer_arn,
            "RemediationStep": self.step_arn,
            "StabilizationSeconds": "1",
            "VerifyIntervalSeconds": "1",
            "VerifyTimeoutSeconds": "4",
            "EndHeardSeconds": "1",
            # Nothing is waited for where a test does not relate anything.
            "CauseWaitSeconds": "0",
            "FindingsWaitSeconds": "0",
            "StandAsideSeconds": "0",
            "ActionTimeoutSeconds": "4",
            "ProgressIntervalSeconds": "1",
            "CallSeconds": "20",
            # No flood of runbooks where the tests of other things share a target.
            "FloodPerTarget": "100000",
            "FloodTotal": "100000",
            "DigestGraceSeconds": "1",
        }
        machine = machines()[kind]
        wanted = machine.substitutions({**values, **changes})
        known = {*values, *deployed()["Parameters"]}
        known |= {one for each in machines().values() for one in each.substitutions()}
        assert {*changes} <= known, f"no machine knows { ({*changes} - known) }"
        # Retries as in production, only sooner.
        sooner = {
            name: text.replace("IntervalSeconds: 2", "IntervalSeconds: 1")
            for name, text in wanted.items()
        }
        answer = self.sfn.create_state_machine(
            name=f"{self.name}-{kind}{suffix}",
            definition=json.dumps(read_definition(machine.text, sooner)),
            roleArn=role,
            type=type_ or machine.properties["StateMachineType"],
        )
        return str(answer["stateMachineArn"])

    def variant(
        self, kind: str = "incident-response-runbook", *, role: str = "", **changes: str
    ) -> str:
        """Create the machine once more with some substitutions changed, e.g. a missing table.

        One that leads steps gets a machine for them that is changed likewise.
        """
        own = {
            "role": role or f"arn:aws:iam::{ACCOUNT}:role/{self.name}",
            "function": f"arn:aws:lambda:{self.aws.region}:{ACCOUNT}:function:{self.name}",
            "suffix": f"-{uuid.uuid4().hex[:6]}",
            "type_": "STANDARD",
        }
        if kind in LEADERS and "StepArn" not in changes:
            changes["StepArn"] = self.machine("remediation-step", **own, **changes)
        return self.machine(kind, **own, **changes)

    def role_that_may_only(self, *actions: str) -> str:
        """Create a role for a machine that lacks some grants."""
        arn = self._role(f"{self.name}-{uuid.uuid4().hex[:6]}")
        self.allow(arn, *actions)
        return arn

    def allow(self, role: str, *actions: str, keys: tuple[str, ...] = ()) -> None:
        """Grant a role actions on everything, or on the table items whose key is like ``keys``."""
        statement: dict[str, Any] = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        if keys:
            like = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(keys)}}
            statement["Condition"] = like
        self.aws.client("iam").put_role_policy(
            RoleName=role.rsplit("/", 1)[-1],
            PolicyName=f"some-{uuid.uuid4().hex[:6]}",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )

    def _role(self, name: str) -> str:
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "sts:AssumeRole",
                    "Principal": {
                        "Service": [
                            "lambda.amazonaws.com",
                            "states.amazonaws.com",
                            "events.amazonaws.com",
                        ]
                    },
                }
            ],
        }
        role = self.aws.client("iam").create_role(
            RoleName=name, AssumeRolePolicyDocument=json.dumps(trust)
        )
        return str(role["Role"]["Arn"])

    def _function(self, role: str) -> str:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as package:
            package.write(Path(__file__).with_name("scripted_action.py"), "scripted_action.py")
            for path in sorted((ROOT / "src" / "runbook_action").rglob("*.py")):
                package.write(path, path.relative_to(ROOT / "src"))
        answer = self.aws.client("lambda").create_function(
            FunctionName=self.name,
            Runtime="python3.11",
            Handler="scripted_action.handler",
            Role=role,
            Timeout=20,
            Code={"ZipFile": archive.getvalue()},
            Environment={
                "Variables": {
                    "CALLS_DIR": str(self.calls_dir),
                    "GUARD_TABLE": self.table("guard"),
                    "INCIDENTS_TABLE": self.table("incidents"),
                }
            },
        )
        return str(answer["FunctionArn"])

    def deploy(self, function: Function, *allowed: str, name: str = "", **variables: str) -> str:
        """Deploy a function's built artifact, with grants of its own; returns its ARN.

        One that is deployed more than once needs a name.
        """
        archive = io.BytesIO()
        artifact = build(function)
        with zipfile.ZipFile(archive, "w") as package:
            for path in sorted(artifact.rglob("*")):
                package.write(path, path.relative_to(artifact))
        answer = self.aws.client("lambda").create_function(
            FunctionName=f"{self.name}-{name or function.package}",
            Runtime="python3.11",
            Handler=function.handler,
            Role=self.role_that_may_only(*allowed),
            Timeout=function.timeout_seconds,
            Code={"ZipFile": archive.getvalue()},
            Environment={"Variables": variables},
        )
        return str(answer["FunctionArn"])

    def route(self, name: str, detail_types: list[str], machine: str) -> None:
        """Make a rule that starts a machine with every event of these kinds."""
        rule = f"{self.name}-sre-incident-{name}"
        self.events.put_rule(
            Name=rule,
            EventBusName=self.bus,
            EventPattern=json.dumps({"source": [{"prefix": "sre."}], "detail-type": detail_types}),
        )
        role = f"arn:aws:iam::{ACCOUNT}:role/{self.name}"
        self.events.put_targets(
            Rule=rule,
            EventBusName=self.bus,
            Targets=[{"Id": "1", "Arn": machine, "RoleArn": role}],
        )

    # ------------------------------------------------------------ driving
    def set_mode(self, mode: str) -> None:
        """Set the kill switch."""
        self.ssm.put_parameter(Name=self.mode_parameter, Value=mode, Type="String", Overwrite=True)

    def set_maintenance(self, windows: list[dict[str, str]]) -> None:
        """Set the maintenance windows."""
        self.ssm.put_parameter(
            Name=self.maintenance_parameter,
            Value=json.dumps(windows),
            Type="String",
            Overwrite=True,
        )

    def set_own_modes(self, modes: dict[str, str]) -> None:
        """Switch single runbooks."""
        self.ssm.put_parameter(
            Name=self.own_modes_parameter, Value=json.dumps(modes), Type="String", Overwrite=True
        )

    def runbook(self, script: dict[str, list[str]] | None = None, **changes: Any) -> str:
        """Publish a runbook whose action follows ``script``; returns its name."""
        name = str(changes.get("name", f"Runbook-{uuid.uuid4().hex[:8]}"))
        definition = {
            "name": name,
            "severities": ["critical"],
            "action": "enable_degraded_mode",
            "target": {"kind": "deployment", "namespace": "apps", "name": name.lower()},
            "parameters": {"script": json.dumps(script or {})},
            "on_failure": "undo",
            "guard": {"cooldown_seconds": 0, "max_actions": 3, "window_seconds": 3600},
            **changes,
        }
        self.ddb.put_item(
            TableName=self.table("runbooks"),
            Item={"name": {"S": name}, "definition": {"S": json.dumps(definition)}},
        )
        return name

    def set_record(self, of: dict[str, Any], **values: Any) -> None:
        """Put an incident's record into some state, as if that had happened before."""
        data = of["detail"]["data"]
        self.ddb.update_item(
            TableName=self.table("incidents"),
            Key={key: {"S": data[key]} for key in ("incident_id", "timestamp")},
            UpdateExpression="SET " + ", ".join(f"#{key} = :{key}" for key in values),
            ExpressionAttributeNames={f"#{key}": key for key in values},
            ExpressionAttributeValues={
                f":{key}": TypeSerializer().serialize(value) for key, value in values.items()
            },
        )

    def send(self, *events: dict[str, Any]) -> None:
        """Put events on the bus, in this order."""
        for event in events:
            answer = self.events.put_events(
                Entries=[
                    {
                        "EventBusName": self.bus,
                        "Source": event["source"],
                        "DetailType": event["detail-type"],
                        "Detail": json.dumps(event["detail"]),
                    }
                ]
            )
            assert answer["FailedEntryCount"] == 0

    def start(self, event: dict[str, Any], machine: str = "") -> str:
        """Start one execution with an event; returns its ARN."""
        answer = self.sfn.start_execution(
            stateMachineArn=machine or self.runbook_arn, input=json.dumps(event)
        )
        return str(answer["executionArn"])

    def run(
        self, event: dict[str, Any], machine: str = "", timeout: float = PATIENCE_SECONDS
    ) -> dict[str, Any]:
        """Start one execution with an event and wait for its end."""
        return self.wait_ended(self.start(event, machine), timeout)

    def start_and_wait(self, event: dict[str, Any], machine: str = "") -> str:
        """Start one execution with an event, wait for its end and return its ARN."""
        execution = self.start(event, machine)
        self.wait_ended(execution)
        return execution

    def wait_ended(self, arn: str, timeout: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """Wait until an execution has ended and describe it."""
        return eventually(
            "the end of an execution",
            lambda: self._ended(arn),
            timeout,
            lambda: standing(self.sfn, arn),
        )

    def _ended(self, arn: str) -> dict[str, Any] | None:
        execution: dict[str, Any] = self.sfn.describe_execution(executionArn=arn)
        return None if execution["status"] == "RUNNING" else execution

    # ------------------------------------------------------------ looking
    def history(self, execution: str) -> list[dict[str, Any]]:
        """What happened in an execution, and in those of the steps that it waited for."""
        pages = self.sfn.get_paginator("get_execution_history").paginate(executionArn=execution)
        events = [event for page in pages for event in page["events"]]
        for event in list(events):
            ended = event.get("taskSucceededEventDetails", {})
            if ended.get("resource", "").endswith("startExecution.sync:2"):
                events += self.history(json.loads(ended["output"])["ExecutionArn"])
        return events

    def records(self, incident_id: str) -> list[dict[str, Any]]:
        """All items of an incident, plain values."""
        items = self.ddb.query(
            TableName=self.table("incidents"),
            KeyConditionExpression="incident_id = :id",
            ExpressionAttributeValues={":id": {"S": incident_id}},
            ConsistentRead=True,
        )["Items"]
        return [{key: plain(value) for key, value in item.items()} for item in items]

    def record(self, incident_id: str) -> dict[str, Any]:
        """The one item of an incident."""
        items = self.records(incident_id)
        assert len(items) == 1, items
        return items[0]

    def joined(self, incident_id: str) -> str:
        """Whose remediation an incident has joined; empty as long as it has joined none."""
        return str(next((item.get("attached_to", "") for item in self.records(incident_id)), ""))

    def wait_status(
        self, incident_id: str, status: str, timeout: float = PATIENCE_SECONDS
    ) -> dict[str, Any]:
        """Wait until an incident has a status."""

        def has_status() -> dict[str, Any] | None:
            items = self.records(incident_id)
            return items[0] if items and items[0].get("status") == status else None

        item: dict[str, Any] = wait_for(
            has_status, f"incident {incident_id} to be {status}", timeout
        )
        return item

    def calls(self, incident_id: str, operation: str) -> list[dict[str, Any]]:
        """What the function was asked to do for an incident."""
        log = self.calls_dir / f"{incident_id}.jsonl"
        lines = log.read_text().splitlines() if log.exists() else []
        return [call for call in map(json.loads, lines) if call["operation"] == operation]

    def notifications(self, incident_id: str) -> list[dict[str, Any]]:
        """Take the notifications about one incident out of the inbox."""
        return self._taken("incident_id", incident_id)

    def heard(self, event: str) -> list[dict[str, Any]]:
        """Take the notifications of one kind out of the inbox."""
        return self._taken("event", event)

    def _taken(self, key: str, value: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            messages = self.sqs.receive_message(
                QueueUrl=self.queues["inbox"], MaxNumberOfMessages=10, VisibilityTimeout=1
            ).get("Messages", [])
            if not messages:
                return found
            for message in messages:
                body = json.loads(message["Body"])
                if body.get(key) == value:
                    found.append(body)
                    self.sqs.delete_message(
                        QueueUrl=self.queues["inbox"], ReceiptHandle=message["ReceiptHandle"]
                    )

    def queued(self, queue: str, about: str = "") -> list[str]:
        """Bodies of the messages with these words that have come into a queue.

        They are taken out, as a queue shows ten at once: what came eleventh would not be seen.
        """
        kept = self._kept.setdefault(queue, [])
        kept += take_all(self.sqs, self.queues[queue])
        return [body for body in kept if about in body]


def incident(runbook: str | None = None, **changes: Any) -> dict[str, Any]:
    """An incident.created event as alert-ingest puts it on the bus."""
    data = {
        "incident_id": str(uuid.uuid4()),
        "timestamp": "2026-11-23T15:14:52.704Z",
        "started_at": "2026-11-23T15:14:52.704Z",
        "ended_at": None,
        "duration_seconds": None,
        "sender": "alertmanager",
        "fingerprint": "3ddc90754703a6b7",
        "alert_name": "CheckoutHighErrorRate",
        "severity": "critical",
        "status": "firing",
        "runbook": runbook,
        "summary": "checkout error ratio 9.991%",
        "labels": {"alertname": "CheckoutHighErrorRate", "severity": "critical"},
        "annotations": {},
        "links": {"generator": "http://prometheus.example/graph"},
        "target": {
            "cluster": "sre-platform",
            "namespace": "apps",
            "kind": "deployment",
            "name": "checkout",
        },
        **changes,
    }
    return _event("incident.created", "AlertFired", {**data, "display": display(data)})


def resolution(of: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The incident.resolved event of an incident, 90 seconds after its start."""
    data = {
        **of["detail"]["data"],
        "status": "resolved",
        "ended_at": "2026-11-23T15:16:22.704Z",
        "duration_seconds": 90.0,
        **changes,
    }
    return _event("incident.resolved", "AlertResolved", {**data, "display": display(data)})


def action_completed(of: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """An action.completed event for an incident."""
    data = {
        "incident_id": of["detail"]["data"]["incident_id"],
        "timestamp": of["detail"]["data"]["timestamp"],
        "action_id": of["detail"]["data"]["incident_id"] + ":1:execute",
        "action": "enable_degraded_mode",
        "operation": "execute",
        "target": of["detail"]["data"]["target"],
        "status": "succeeded",
        "started_at": "2026-11-23T15:15:00.000Z",
        "completed_at": "2026-11-23T15:15:10.000Z",
        "result": {"summary": "done"},
        "error": None,
        **changes,
    }
    return {**_event("action.completed", "ActionCompleted", data), "source": "sre.runbook"}


def _event(detail_type: str, alert_event: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "source": "sre.alertmanager",
        "detail-type": detail_type,
        "detail": {
            "metadata": {
                "event_id": str(uuid.uuid4()),
                "schema_version": "1",
                "alert_event": alert_event,
                "occurred_at": data.get("ended_at") or "2026-11-23T15:14:52.704Z",
                "received_at": "2026-11-23T15:15:01.000Z",
                "account_id": ACCOUNT,
                "region": REGION,
                "correlation_id": "c-1",
            },
            "data": data,
        },
    }


def wait_for(probe: Callable[[], Any], what: str, timeout: float = PATIENCE_SECONDS) -> Any:
    """Poll until ``probe`` gives something; fails naming ``what``."""
    return eventually(what, probe, timeout)


def plain(value: dict[str, Any]) -> Any:
    """A DynamoDB attribute value as a plain Python value."""
    ((kind, content),) = value.items()
    if kind == "M":
        return {key: plain(item) for key, item in content.items()}
    if kind == "L":
        return [plain(item) for item in content]
    if kind == "N":
        return float(content)
    return None if kind == "NULL" else content
