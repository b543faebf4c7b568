"""What the notifier's expressions make of an event, evaluated as Step Functions does."""

from __future__ import annotations

import json
import uuid
from functools import cache
from typing import Any

from jsonata import Jsonata

from tests.support.machines import machines

INCIDENT = "b7b0f7a4-3a3c-5f0e-9a55-111111111111"


NOW = "2026-11-23T15:14:52.704Z"


EXECUTION = "arn:aws:states:us-east-1:000000000000:execution:incident-response-runbook:e-1"


ALARM = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:sre-runbook-failed"


DATA = {
    "incident_id": INCIDENT,
    "timestamp": NOW,
    "alert_name": "Down",
    "severity": "warning",
    "sender": "prod",
    "summary": "nothing answers",
    "target": {"cluster": "c", "namespace": "apps", "kind": "deployment", "name": "checkout"},
    "display": {
        "name": "Down",
        "headline": f"WARNING: Down on apps/checkout since {NOW}.",
        "place": "apps/checkout",
        "summary": "nothing answers",
        "links": [],
    },
}


@cache
def states() -> dict[str, Any]:
    found: dict[str, Any] = machines()["incident-notifier"].definition(
        {"PagerKind": "pagerduty", "NotificationTopic": "topic", **dict.fromkeys(ANYTHING, "x")}
    )["States"]
    return found


ANYTHING = (
    "EventBus",
    "GuardTable",
    "IncidentDigest",
    "IncidentTable",
    "NotificationDeadLetters",
    "ParkingQueue",
    "AWS::AccountId",
    "AWS::Region",
)


def evaluated(value: Any, given: Any, variables: dict[str, Any]) -> Any:
    """Evaluate a field of a state as Step Functions does."""
    if isinstance(value, dict):
        return {key: evaluated(item, given, variables) for key, item in value.items()}
    if not (isinstance(value, str) and value.startswith("{%")):
        return value
    expression = Jsonata(value.strip().removeprefix("{%").removesuffix("%}"))
    expression.register_lambda("parse", json.loads)
    expression.register_lambda("uuid", lambda: str(uuid.uuid4()))
    context = {"input": given, "context": {"Execution": {"Id": EXECUTION}}}
    return expression.evaluate(None, {"states": context, **variables})


def assigned(name: str, given: Any, variables: dict[str, Any], *wanted: str) -> dict[str, Any]:
    fields = states()[name]["Assign"]
    found = {key: fields[key] for key in wanted} if wanted else fields
    new: dict[str, Any] = evaluated(found, given, variables)
    return variables | new


def read(event: dict[str, Any]) -> dict[str, Any]:
    """Name what later states ask for, of an event as EventBridge hands it over."""
    [ended] = states()["IsARunbooksEnd"]["Choices"]
    if evaluated(ended["Condition"], event, {}):
        event = evaluated(states()["ReadEvent"]["Output"], event, {})
    variables = assigned("ReadData", event, {})
    assert not [name for name, value in variables.items() if value is None]
    return variables


def told(variables: dict[str, Any], **row: str) -> dict[str, Any]:
    """Put together what is told of it."""
    variables = variables | {"row": row}
    for name in ("WhatIsToBeTold", "Headline", "Compose"):
        variables = assigned(name, {}, variables)
    return variables
