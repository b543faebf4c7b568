"""What is left in the end: records, locks, leases, queues, executions, and who was told."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from onemachine.receiver import read_notifications
from srectl.operate.account import Account
from srectl.operate.incidents import plain
from srectl.operate.queues import QUEUES
from tests.faults.bodies import PREFIX
from tests.faults.ground import Ground
from tests.faults.history import Lock, StepRun
from tests.faults.stages import executions

__all__ = [
    *("depths", "handed", "incidents", "locks", "messages", "records", "running", "step_runs"),
    "told",
]

_MACHINES = ("IncidentResponseRunbook", "RemediationStep", "IncidentRestorer")
_ABANDONED = ("runbook-abandoned", "runbook-stopped", "restore-failed")
_UNDO_LOST = "undo ended without an answer"
_AT_ONCE = 10


def incidents(ground: Ground) -> list[dict[str, Any]]:
    """Give every record there is: the canary's incidents meet the faults, too."""
    pages = (
        ground.client("dynamodb")
        .get_paginator("scan")
        .paginate(TableName=Account().incidents_table, ConsistentRead=True)
    )
    return [plain(item) for page in pages for item in page["Items"]]


def records(
    incidents: Iterable[dict[str, Any]], fingerprints: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Keep the records of the campaign's alerts, and any that has lost its fingerprint."""
    return [
        record
        for record in incidents
        if record.get("fingerprint") in fingerprints
        or (
            "fingerprint" not in record and str(record.get("alert_name", PREFIX)).startswith(PREFIX)
        )
    ]


def locks(ground: Ground) -> list[Lock]:
    """Give the locks and leases of the guard table that hold now."""
    now = time.time()
    pages = (
        ground.client("dynamodb")
        .get_paginator("scan")
        .paginate(TableName=Account().guard_table, ConsistentRead=True)
    )
    found = []
    for item in (plain(raw) for page in pages for raw in page["Items"]):
        key = str(item["guard_key"])
        if key.startswith("lease#"):
            holders = json.loads(item["lease"])["holders"]
            found.append(Lock(key, tuple(sorted(each.split("/")[0] for each in holders))))
        elif item.get("holder") and float(item.get("lease_expires_at", 0)) > now:
            found.append(Lock(key, (str(item["holder"]),)))
    return found


def messages(ground: Ground) -> dict[str, list[str]]:
    """Give what waits in each queue, without taking it away."""
    sqs = ground.client("sqs")
    found: dict[str, list[str]] = {}
    for queue, name in QUEUES.items():
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        seen: dict[str, str] = {}
        while True:
            answer = sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=_AT_ONCE, VisibilityTimeout=20
            )
            new = {one["MessageId"]: one["Body"] for one in answer.get("Messages", [])}
            if not set(new) - set(seen):
                break
            seen |= new
        if seen:
            found[queue] = list(seen.values())
    return found


def depths(ground: Ground) -> dict[str, int]:
    """Count the messages of each queue."""
    sqs = ground.client("sqs")
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = {}
    for queue, name in QUEUES.items():
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        found[queue] = sum(int(answer[each]) for each in names)
    return found


def running(ground: Ground) -> list[str]:
    """Name the executions of incidents that still run."""
    return [one["name"] for machine in _MACHINES for one in ground.running(machine)]


def step_runs(ground: Ground, since: float) -> list[StepRun]:
    """Give every execution of remediation-step since a moment."""
    states = ground.client("stepfunctions")
    found = []
    for one in executions(ground, "RemediationStep", since):
        told = json.loads(states.describe_execution(executionArn=one["executionArn"])["input"])
        target = told["step"]["target"]
        found.append(
            StepRun(
                incident=told["incident"]["incident_id"],
                do=told["do"],
                target="/".join(
                    str(target.get(each, "")) for each in ("kind", "namespace", "name")
                ),
                start=one["startDate"].timestamp(),
                stop=one.get("stopDate", one["startDate"]).timestamp(),
                name=one["name"],
            )
        )
    return found


def told(ground: Ground, records: Iterable[Mapping[str, Any]]) -> Mapping[str, str]:
    """Give the incidents that the topic has told somebody of as escalated, each with the reason."""
    messages = read_notifications(Path(ground.state.endpoints["notifications_file"]))
    by_execution = {record.get("runbook_execution"): record["incident_id"] for record in records}
    found: dict[str, str] = {}
    for message in (one.message for one in messages if isinstance(one.message, dict)):
        if message.get("event") != "incident.escalated":
            continue
        # What ended from outside is told by its execution; a restorer's is named as the incident.
        execution = str(message.get("execution", ""))
        named = by_execution.get(execution) or execution.rpartition(":")[2]
        incident = str(message.get("incident_id") or named)
        # People's own message of it may come after the machines', and says it in words only.
        found[incident] = str(message.get("reason_code") or found.get(incident, ""))
    return found


def handed(records: Iterable[Mapping[str, Any]], told: Mapping[str, str]) -> frozenset[str]:
    """Give the incidents whose change a human has been called to take back.

    Parameters
    ----------
    records
        The incidents.
    told
        Those that somebody was told of as escalated, and why.
    """
    return frozenset(
        record["incident_id"]
        for record in records
        if record["incident_id"] in told
        and (told[record["incident_id"]] in _ABANDONED or _is_half_done(record))
    )


def _is_half_done(record: Mapping[str, Any]) -> bool:
    if record.get("escalation_code") in _ABANDONED:
        return True
    ends = [
        each.get("status")
        for each in record.get("actions_taken") or ()
        if isinstance(each, dict) and each.get("operation") in ("undo", "restore")
    ]
    lost = _UNDO_LOST in str(record.get("escalation_reason"))
    return lost or bool(ends and ends[-1] not in ("succeeded", "unchanged"))
