"""A deployment as the console may find it: its stores in moto, and incidents of every kind."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from moto import mock_aws

from srectl.operate import incidents
from srectl.operate.account import Account
from srectl.operate.queues import QUEUES
from tests.support.tables import make_table

__all__ = ["HOSTILE", "HOSTILE_KIN", "LOCK", "NEEDS", "Scene", "deployment", "hostile"]

#: Markup of every kind that a page could be made to run.
HOSTILE = (
    "\"'></title></textarea></script><script>window.stolen=1</script>"
    "<img src=x onerror='window.stolen=1'><svg onload='window.stolen=1'>{{7*7}}{%raw%}\u202egnp"
)
#: What `hostile` writes beside its own incident.
HOSTILE_KIN = "66666666-dead-4000-8000-000000000067"
NEEDS = "11111111-0000-4000-8000-000000000001"
CHECKOUT = {
    "cluster": "sre-platform",
    "namespace": "apps",
    "kind": "deployment",
    "name": "checkout",
}
LOCK = "target#sre-platform#apps#deployment#checkout"
VOLUME = {
    "cluster": "sre-platform",
    "namespace": "apps",
    "kind": "persistentvolumeclaim",
    "name": "data-orders-0",
}


class Scene:
    """Writes what the platform would have written.

    Parameters
    ----------
    account
        The deployment.
    now
        The time; everything is told by how long ago it was.
    """

    def __init__(self, account: Account, now: datetime.datetime) -> None:
        self.account = account
        self.now = now
        self._serializer = TypeSerializer()
        self._heard = 0

    def ago(self, **span: float) -> str:
        """Give the time some minutes or hours ago."""
        return f"{self.now - datetime.timedelta(**span):%Y-%m-%dT%H:%M:%S}.000Z"

    def put(self, incident_id: str, **changes: Any) -> dict[str, Any]:
        """Write an incident; five minutes old, escalated, of checkout."""
        began = self.ago(minutes=5)
        record = {
            "incident_id": incident_id,
            "timestamp": began,
            "received_at": began,
            "heard_at": began,
            "status": "escalated",
            "alert_name": "CheckoutHighErrorRate",
            "severity": "critical",
            "summary": "Checkout fails 47.5% of its requests",
            "target": {
                "cluster": "sre-platform",
                "namespace": "apps",
                "kind": "deployment",
                "name": "checkout",
            },
            "labels": {"team": "shop", "namespace": "apps"},
            "annotations": {"summary": "Checkout fails 47.5% of its requests"},
            "links": {"dashboard": "https://grafana.example/d/1", "runbook": "javascript:alert(1)"},
            "sender": "alertmanager",
            "fingerprint": "c0ffee",
            "correlation_id": "1-2-3",
            "actions_taken": [],
            **changes,
        }
        record = {key: value for key, value in record.items() if value is not None}
        item = self._serializer.serialize(record)["M"]
        self.account.dynamodb.put_item(TableName=self.account.incidents_table, Item=item)
        return record

    def hand(self, *actions: str, target: Any = CHECKOUT, **changes: Any) -> str:
        """Give what a runbook has in hand, as its record keeps it."""
        lock = "#".join(["target", *(str(each) for each in target.values())])
        steps = [
            {
                "index": at,
                "name": action.split("_")[0],
                "action": action,
                "of": len(actions),
                "target": target,
                "parameters": {},
                "approval": {"required": True, "timeout_seconds": 900},
                "lends": action == "enable_degraded_mode",
            }
            for at, action in enumerate(actions, 1)
        ]
        whole = {"runbook": "CheckoutHighErrorRate", "of": len(actions), "locks": [lock]}
        return json.dumps({**whole, "steps": steps, **changes})

    def action(self, action: str, at: int = 1, of: int = 1, **changes: Any) -> dict[str, Any]:
        """Give an action as the recorder appends it."""
        plan = [
            {
                "kind": "deployment",
                "name": "checkout",
                "field": "spec.replicas",
                "from": 3,
                "to": 4,
            }
        ]
        return {
            "action_id": f"{action}-{at}",
            "action": action,
            "operation": "execute",
            "step": json.dumps({"index": at, "of": of, "name": action.split("_")[0]}),
            "runbook": "CheckoutHighErrorRate",
            "status": "succeeded",
            "target": json.dumps(CHECKOUT),
            "started_at": self.ago(minutes=4),
            "completed_at": self.ago(minutes=3),
            "summary": "checkout was given one more replica",
            "result": json.dumps({"summary": "done", "plan": plan, "undo": {"replicas": 3}}),
            **changes,
        }

    def publish(self, name: str, action: str, mode: str = "on", **changes: Any) -> None:
        """Publish a runbook of checkout."""
        definition = {
            "name": name,
            "description": f"Does {action} where that is safe",
            "severities": ["critical", "warning"],
            "action": action,
            "target": {"kind": "deployment", "namespace": "apps", "name": "checkout"},
            "mode": mode,
            **changes,
        }
        item = {"name": {"S": name}, "definition": {"S": json.dumps(definition)}}
        self.account.dynamodb.put_item(TableName=self.account.runbooks_table, Item=item)

    def switch(self, parameter: str, value: Any) -> None:
        """Throw a switch."""
        text = value if isinstance(value, str) else json.dumps(value)
        self.account.ssm.put_parameter(Name=parameter, Value=text, Overwrite=True)

    def hear(self, incident_id: str, kind: str, minutes: float, **data: Any) -> None:
        """Have the audit log hold an event of an incident."""
        self._heard += 1
        told = {
            "detail-type": kind,
            "detail": {
                "metadata": {
                    "event_id": f"e{self._heard}",
                    "occurred_at": self.ago(minutes=minutes),
                },
                "data": {"incident_id": incident_id, **data},
            },
        }
        at = round(self.now.timestamp() * 1000 - minutes * 60_000)
        self.account.logs.put_log_events(
            logGroupName=self.account.audit_log_group,
            logStreamName="events",
            logEvents=[{"timestamp": at, "message": json.dumps(told)}],
        )

    def doubt(
        self,
        *incidents: str,
        lock: str = LOCK,
        runbook: str = "CheckoutHighErrorRate",
        by: str = "ada",
        minutes: float = 2,
    ) -> None:
        """Have a runbook not be seen to help on a target; it was trusted there again before."""
        self.account.dynamodb.update_item(
            TableName=self.account.guard_table,
            Key={"guard_key": {"S": lock}},
            UpdateExpression="SET #unhelped = :ids, #trusted = :who",
            ExpressionAttributeNames={
                "#unhelped": f"unhelped#{runbook}",
                "#trusted": f"trusted#{runbook}",
            },
            ExpressionAttributeValues={
                ":ids": {"SS": list(incidents)},
                ":who": {
                    "M": {
                        "by": {"S": by},
                        "at": {"S": self.ago(minutes=minutes)},
                        "incidents": {"N": "3"},
                    }
                },
            },
        )

    def lock(self, holder: str, minutes: float = 7) -> None:
        """Lock the target of checkout for an incident."""
        until = int((self.now + datetime.timedelta(minutes=minutes)).timestamp())
        history = [int(self.now.timestamp()) - 240, int(self.now.timestamp()) - 4000]
        self.account.dynamodb.put_item(
            TableName=self.account.guard_table,
            Item={
                "guard_key": {"S": LOCK},
                "holder": {"S": holder},
                "lease_expires_at": {"N": str(until)},
                "history": {"S": json.dumps(history)},
                "version": {"N": "2"},
            },
        )

    def read(self, incident_id: str) -> dict[str, Any]:
        """Give an incident as it was written."""
        read = incidents.read(self.account.dynamodb, self.account.incidents_table, incident_id)
        kept = {
            key: read[key] for key in read if key not in ("incident_id", "children", "approval")
        }
        approval = read.get("approval")
        return {**kept, **({"approval": approval} if approval else {})}

    def points(self) -> list[list[float]]:
        """Give half an hour of numbers that rise."""
        end = self.now.timestamp()
        return [[end - 60 * (30 - at), 0.01 if at < 25 else 0.1 * (at - 20)] for at in range(30)]

    def keep(self, incident_id: str, evidence: dict[str, Any]) -> None:
        """Keep the whole evidence of an incident."""
        self.account.client("s3").put_object(
            Bucket=self.account.evidence_bucket,
            Key=f"incidents/{incident_id}.json",
            Body=json.dumps(evidence),
        )

    def night(self) -> None:
        """Write a night: some need somebody, one is at work, one is asked about, some are over."""
        self.put(
            "11111111-0000-4000-8000-000000000001",
            escalation_reason="The alert had not resolved 300 seconds after stabilization; "
            "degraded mode did not help and was undone.",
            escalation_code="not-resolved",
            escalated_at=self.ago(minutes=1),
            in_hand=self.hand("enable_degraded_mode"),
            actions_taken=[
                self.action("enable_degraded_mode", summary="degraded mode is on"),
                self.action(
                    "enable_degraded_mode", operation="undo", summary="degraded mode is off"
                ),
            ],
            evidence={
                "status": "collected",
                "at": self.ago(minutes=4.5),
                "findings": [
                    "image checkout:1.4.3 (before: checkout:1.4.2) rolled out 4 minutes before the "
                    "alert, by team-pipeline",
                    "2 of 3 pods fail the readiness probe: HTTP probe failed with statuscode: 503",
                ],
                "sources": {"rollouts": "read", "logs": "may not be read"},
            },
            children={"11111111-0000-4000-8000-000000000003"},
        )
        self.put(
            "22222222-0000-4000-8000-000000000002",
            alert_name="KubePersistentVolumeFillingUp",
            severity="warning",
            summary="Volume data-orders-0 is 98% full",
            status="remediating",
            target=VOLUME,
            in_hand=self.hand("expand_volume", target=VOLUME, runbook="GrowVolume"),
            in_flight="arn:x",
            acknowledged_by="ada",
            acknowledged_at=self.ago(minutes=2),
            approval={
                "token": "secret-token",
                "requested_at": self.ago(minutes=3),
                "runbook": "GrowVolume",
                "step": 1,
                "persons": 1,
                "plan_hash": "abc",
                "plan": json.dumps(
                    [
                        {
                            "kind": "persistentvolumeclaim",
                            "name": "data-orders-0",
                            "field": "spec.resources.requests.storage",
                            "from": "10Gi",
                            "to": "13Gi",
                        }
                    ]
                ),
            },
        )
        self.put(
            "33333333-0000-4000-8000-000000000003",
            alert_name="CheckoutSaturation",
            severity="warning",
            summary="Checkout's pods are at 95% of their CPU",
            status="remediating",
            in_hand=self.hand("scale_deployment", "restart_deployment"),
            in_flight="arn:y",
            actions_taken=[self.action("scale_deployment", 1, 2)],
        )
        self.lock("33333333-0000-4000-8000-000000000003")
        self.put(
            "11111111-0000-4000-8000-000000000003",
            alert_name="KubePodNotReady",
            severity="warning",
            summary="Pod checkout-7d9 is not ready",
            status="open",
            caused_by="11111111-0000-4000-8000-000000000001",
        )
        self.put(
            "44444444-0000-4000-8000-000000000004",
            timestamp=self.ago(hours=3),
            status="resolved",
            in_hand=self.hand("enable_degraded_mode"),
            verified_at=self.ago(hours=2.9),
            resolved_at=int(self.now.timestamp()) - 10500,
            mttr_seconds=312,
            actions_taken=[
                self.action(
                    "enable_degraded_mode",
                    started_at=self.ago(hours=2.98),
                    completed_at=self.ago(hours=2.97),
                )
            ],
            target_health="3 of 3 replicas are ready",
        )
        self.put(
            "55555555-0000-4000-8000-000000000005",
            timestamp=self.ago(hours=5),
            alert_name="NodeDiskPressure",
            severity="warning",
            status="resolved",
            summary="Node ip-10-0-1-23 is under disk pressure",
            mttr_seconds=95,
            resolved_at=int(self.now.timestamp()) - 17900,
        )
        self.put(
            "66666666-0000-4000-8000-000000000006",
            alert_name="PlatformCanary",
            sender_name="platform-canary",
            status="open",
        )
        self.publish("CheckoutHighErrorRate", "enable_degraded_mode")
        volume = {name: VOLUME[name] for name in ("kind", "namespace", "name")}
        asks = {"required": True}
        self.publish("GrowVolume", "expand_volume", approval=asks, target=volume)
        self.publish("RollBackYoungRollout", "rollback_workload", "observe", answers=["CrashLoop"])
        self.doubt(NEEDS)
        for kind, minutes, data in (
            ("incident.created", 5, {}),
            ("incident.notified", 4.9, {"headline": "CRIT apps/checkout: fails 47.5%"}),
            ("incident.acknowledged", 3, {"by": "grace"}),
            ("incident.released", 2, {"by": "grace"}),
            ("incident.escalated", 1, {"reason": "The alert had not resolved"}),
            ("incident.paged", 0.9, {"action": "trigger", "severity": "critical"}),
        ):
            self.hear(NEEDS, kind, minutes, **data)


def hostile(scene: Scene, text: str = HOSTILE) -> str:
    """Write a hostile text wherever anybody outside can, and where a hand may have.

    Into every field of an incident, the catalogue, the switches, a target's lock and leases, the
    audit log, and what could not be delivered. Gives the id of the incident.
    """
    incident_id = "66666666-dead-4000-8000-000000000066"
    action = scene.action(
        text,
        operation=text,
        runbook=text,
        summary=text,
        status=text,
        approved_by=text,
        by=text,
        error=json.dumps({"name": text, "message": text}),
        result=json.dumps(
            {
                "summary": text,
                "undo": {text: text},
                "plan": [{"kind": text, "name": text, "field": text, "from": text, "to": text}],
            }
        ),
    )
    steps = {
        "index": 1,
        "name": text,
        "action": text,
        "of": 2,
        "lends": True,
        "target": {"name": text},
    }
    scene.put(
        incident_id,
        **dict.fromkeys(
            (
                *("alert_name", "summary", "escalation_reason", "sender", "sender_name"),
                *("fingerprint", "correlation_id", "runbook", "restoration", "acknowledged_by"),
                *("acknowledged_because",),
                *("closed_by", "closed_reason", "target_health", "ending", "runbook_execution"),
                *("caused_by", "attached_to", "forerunner", "severity", "risen_from", "let_go_at"),
            ),
            text,
        ),
        acknowledged_at=scene.ago(minutes=1),
        closed_at=scene.ago(minutes=1),
        risen_at=scene.ago(minutes=1),
        escalated_at=scene.ago(minutes=1),
        target=dict.fromkeys(("cluster", "namespace", "kind", "name"), text),
        labels={text: text},
        annotations={text: text},
        links={text: text, "web": f"https://example.com/{text}", "script": "javascript:alert(1)"},
        warnings={text},
        children={text},
        investigations=[
            {
                "answer_id": "a0000000-0000-5000-8000-000000000001",
                **{"by": text, "at": scene.ago(minutes=1), "summary": text, "link": text},
                **{"findings": [text], "suggestions": [text]},
            }
        ],
        evidence={
            "status": "collected",
            "at": scene.ago(minutes=4),
            "findings": [text, text],
            "sources": {text: text},
            "why_not": text,
            "key": f"incidents/{incident_id}.json",
        },
        approval={
            "token": text,
            "requested_at": scene.ago(minutes=2),
            "runbook": text,
            "step": 1,
            "persons": 2,
            "plan": json.dumps([dict.fromkeys(("kind", "name", "field", "from", "to"), text)]),
            "plan_hash": text,
            "first": {"by": text, "at": scene.ago(minutes=1), "proof": "x"},
        },
        in_hand=json.dumps({"runbook": text, "of": 2, "locks": [], "steps": [steps]}),
        in_flight="arn:z",
        actions_taken=[action],
    )
    scene.keep(
        incident_id,
        {
            text: {text: [text]},
            "logs": text,
            "alert_began_at": scene.ago(minutes=5),
            "facts": {
                "measurements": {"numbers": {"series": [{text: text, "points": scene.points()}]}}
            },
        },
    )
    _around(scene, incident_id, text)
    return incident_id


def _around(scene: Scene, incident_id: str, text: str) -> None:
    """Write it beside the incident, and into what it is about."""
    account = scene.account
    for kind, data in (
        ("incident.notified", {"headline": text}),
        ("incident.acknowledged", {"by": text, "because": text}),
        ("incident.released", {"by": text}),
        ("incident.closed", {"by": text, "because": text}),
        ("incident.undo-asked", {"by": text}),
        ("incident.climbed", {"level": text, "to": text}),
        ("incident.paged", {"action": text, "level": text}),
        ("incident.escalated", {"reason": text}),
        ("action.completed", {"action": text, "operation": text, "summary": text, "status": text}),
    ):
        scene.hear(incident_id, kind, 2.5, **data)
    # Of a target that has a page, and ran for by a runbook that has one, too.
    target = {"cluster": "sre-platform", "namespace": "apps", "kind": "deployment", "name": "cart"}
    lock = LOCK.replace("checkout", "cart")
    hand = json.loads(scene.hand("enable_degraded_mode", locks=[lock]))
    hand["steps"][0]["target"] = target
    scene.put(
        HOSTILE_KIN,
        alert_name=text,
        severity=text,
        escalation_reason=text,
        target=target,
        in_hand=json.dumps(hand),
        silenced_target=text,
        silenced_until=text,
        silenced_because=text,
        undo_asked_by=text,
        undo_asked_at=text,
    )
    scene.doubt(HOSTILE_KIN, text, lock=lock, by=text)
    lease = json.dumps({"before": text, "set": text, "holders": {text: 1}})
    key = {"S": f"lease#{lock.removeprefix('target#')}#replicas"}
    item = {"guard_key": key, "lease": {"S": lease}}
    account.dynamodb.put_item(TableName=account.guard_table, Item=item)
    cart = {"kind": "deployment", "namespace": "apps", "name": "cart"}
    scene.publish(text, text, answers=[text], description=text, target=cart)
    scene.publish("Hostile", text, answers=[text], description=text, mode="observe")
    scene.switch(account.own_modes_parameter, {text: "on", "Hostile": "on"})
    scene.switch(account.own_modes_parameter, {text: "on"})
    scene.switch(account.mode_parameter, text)
    scene.switch(account.mode_parameter, "on")
    end = f"{scene.now + datetime.timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    window = {"start": scene.ago(minutes=1)[:19] + "Z", "end": end, "reason": text}
    windows = [{**window, "target": f"apps/{text}"}, {**window, "target": "apps/cart"}]
    scene.switch(account.maintenance_parameter, windows)
    body = {"detail-type": text, "detail": {"data": {"incident_id": text, "alert_name": text}}}
    for queue in QUEUES.values():
        url = account.sqs.get_queue_url(QueueName=f"{account.prefix}{queue}")["QueueUrl"]
        told: Any = {"DataType": "String", "StringValue": text}
        account.sqs.send_message(
            QueueUrl=url,
            MessageBody=json.dumps(body),
            MessageAttributes={"ERROR_CODE": told, "ERROR_MESSAGE": told},
        )


@contextmanager
def deployment(monkeypatch: pytest.MonkeyPatch, prefix: str = "t-") -> Iterator[Account]:
    """Make the stores of a deployment in moto while the block lasts."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        made = Account(prefix)
        _incident_table(made)
        make_table(made.dynamodb, made.runbooks_table, "name")
        make_table(made.dynamodb, made.guard_table, "guard_key")
        made.ssm.put_parameter(Name=made.mode_parameter, Value="on", Type="String")
        made.ssm.put_parameter(Name=made.maintenance_parameter, Value="[]", Type="String")
        made.ssm.put_parameter(Name=made.own_modes_parameter, Value="{}", Type="String")
        for queue in QUEUES.values():
            made.sqs.create_queue(QueueName=f"{prefix}{queue}")
        made.events.create_event_bus(Name=made.bus)
        for machine in ("platform-canary", "remediation-step", "incident-restorer"):
            _machine(made, machine)
        made.client("s3").create_bucket(Bucket=made.evidence_bucket)
        made.logs.create_log_group(logGroupName=made.audit_log_group)
        made.logs.create_log_stream(logGroupName=made.audit_log_group, logStreamName="events")
        yield made


def _incident_table(account: Account) -> None:
    def keys(*names: str) -> list[Any]:
        kinds = zip(names, ("HASH", "RANGE"), strict=True)
        return [{"AttributeName": name, "KeyType": kind} for name, kind in kinds]

    account.dynamodb.create_table(
        TableName=account.incidents_table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"}
            for name in ("incident_id", "timestamp", "status")
        ],
        KeySchema=keys("incident_id", "timestamp"),
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-status",
                "KeySchema": keys("status", "timestamp"),
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )


def _machine(account: Account, name: str) -> None:
    account.states.create_state_machine(
        name=f"{account.prefix}{name}",
        definition=json.dumps({"StartAt": "Over", "States": {"Over": {"Type": "Succeed"}}}),
        roleArn="arn:aws:iam::123456789012:role/machine",
    )
