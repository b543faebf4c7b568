"""Runbooks of several steps for tests: how they are written, and what they did and hold."""

from __future__ import annotations

import json
from typing import Any

from tests.integration.statemachine.platform import Platform, plain, wait_for

Event = dict[str, Any]
ASKS = {"required": True, "timeout_seconds": 60}


def id_of(event: Event) -> str:
    return str(event["detail"]["data"]["incident_id"])


def step(name: str, script: dict[str, list[str]] | None = None, **changes: Any) -> dict[str, Any]:
    """A step of a runbook whose action follows a script; ``locks`` are what it locks besides."""
    parameters = {"script": json.dumps(script or {}), "locks": changes.pop("locks", [])}
    return {"name": name, "action": f"do_{name}", "parameters": parameters, **changes}


def runbook(
    platform: Platform, *steps: dict[str, Any], strategy: str = "ladder", **changes: Any
) -> str:
    return platform.runbook(steps=list(steps), strategy=strategy, action=None, **changes)


def done(platform: Platform, event: Event, *operations: str) -> list[tuple[str, int]]:
    """What was asked of the function, in order: operation and step."""
    log = platform.calls_dir / f"{id_of(event)}.jsonl"
    calls = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return [(call["operation"], call["step"]) for call in calls if call["operation"] in operations]


def locks(platform: Platform, event: Event) -> set[str]:
    """Keys that an incident holds."""
    items = platform.ddb.scan(TableName=platform.table("guard"), ConsistentRead=True)["Items"]
    return {
        str(plain(item["guard_key"]))
        for item in items
        if plain(item.get("holder", {"S": ""})) == id_of(event)
    }


def guard(platform: Platform, key: str) -> dict[str, Any]:
    item = platform.ddb.get_item(
        TableName=platform.table("guard"), Key={"guard_key": {"S": key}}, ConsistentRead=True
    ).get("Item", {})
    return {name: plain(value) for name, value in item.items()}


def abandoned(platform: Platform, event: Event, execution: str) -> None:
    """Tell the recorder, as RunbookAbandonedRule does, that a runbook was stopped."""
    ended = {
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "detail": {
            "executionArn": execution,
            "stateMachineArn": execution.replace(":execution:", ":stateMachine:").rsplit(":", 1)[0],
            "status": "ABORTED",
            "input": json.dumps(event),
        },
    }
    platform.run(ended, platform.recorder_variant)


def token(platform: Platform, event: Event) -> str:
    def asked() -> str | None:
        for record in platform.records(id_of(event)):
            if "approval" in record:
                return str(record["approval"]["token"])
        return None

    return str(wait_for(asked, "the request for approval"))
