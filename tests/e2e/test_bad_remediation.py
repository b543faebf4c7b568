"""A remediation that makes things worse is undone by itself and handed to a human."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from onemachine.binaries import find
from onemachine.node import write_image_map
from onemachine.processes.waiting import wait_until
from onemachine.stack.clients import client_of
from onemachine.stack.control import stop_stack
from onemachine.stack.state import StackFolder, StackState
from tests.e2e.test_stack import FIRING, post, srectl, start, state_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

RUNBOOK = {
    "name": "RestartIntoABadImage",
    "severities": ["critical"],
    "action": "restart_deployment",
    "target": {"kind": "deployment", "namespace": "apps", "name": "checkout"},
    "on_failure": "undo",
    "guard": {"cooldown_seconds": 0, "max_actions": 3, "window_seconds": 3600},
}


@pytest.fixture(scope="module")
def stack() -> Iterator[StackFolder]:
    folder = StackFolder.named(f"e2e-bad-{os.getpid()}")
    try:
        yield start(folder.name)
    finally:
        stop_stack(folder, lambda _: None)


def pods(state: StackState) -> dict[str, bool]:
    """Every pod of checkout by its identity, and whether it is ready."""
    printed = subprocess.run(
        [find("kubernetes") / "kubectl", "-n", "apps", "get", "pods", "-o", "json"],
        env={
            "HOME": str(StackFolder.named(state.name).path),
            "KUBECONFIG": exported(state)["KUBECONFIG"],
        },
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return {
        pod["metadata"]["uid"]: any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in pod["status"].get("conditions", [])
        )
        for pod in json.loads(printed)["items"]
    }


def exported(state: StackState) -> dict[str, str]:
    lines = srectl("env", "--name", state.name).stdout.splitlines()
    pairs = (line.removeprefix("export ").split("=", 1) for line in lines if "=" in line)
    return {name: value.strip("'\"") for name, value in pairs}


def incident_of(state: StackState, incident_id: str) -> dict[str, Any]:
    answer = client_of(state, "dynamodb").query(
        TableName="sre-incidents",
        KeyConditionExpression="incident_id = :id",
        ExpressionAttributeValues={":id": {"S": incident_id}},
        ConsistentRead=True,
    )
    items: list[dict[str, Any]] = answer["Items"]
    return items[0] if items else {}


def test_a_restart_into_a_bad_image_is_undone_and_escalated(stack: StackFolder) -> None:
    state = state_of(stack)
    before = pods(state)
    assert list(before.values()) == [True, True, True]
    client_of(state, "dynamodb").put_item(
        TableName="sre-runbooks",
        Item={"name": {"S": RUNBOOK["name"]}, "definition": {"S": json.dumps(RUNBOOK)}},
    )
    # The image is gone from where it came: pods that run go on, new ones cannot start.
    write_image_map(stack.path / "node-agent" / "images.json", {})

    body = json.loads(FIRING.read_text("utf-8"))
    (alert,) = body["alerts"]
    alert["labels"]["runbook"] = RUNBOOK["name"]
    exports = exported(state)
    status, answer = post(
        exports["WEBHOOK_URL"],
        json.dumps(body).encode(),
        {"X-Api-Key": exports["WEBHOOK_API_KEY"]},
    )
    assert status == 202, answer
    (incident_id,) = json.loads(answer)["incident_ids"]

    wait_until(
        lambda: incident_of(state, incident_id).get("status") == {"S": "escalated"},
        "the incident to be escalated",
        300,
    )

    def steps() -> dict[str, str]:
        actions = incident_of(state, incident_id).get("actions_taken", {"L": []})["L"]
        return {each["M"]["operation"]["S"]: each["M"]["status"]["S"] for each in actions}

    wait_until(lambda: len(steps()) == 2, "both steps on record", 30)
    assert steps() == {"execute": "failed", "undo": "succeeded"}
    assert "RolloutFailed" in incident_of(state, incident_id)["escalation_reason"]["S"]
    # The pods of before run on, and none that hangs is left beside them.
    wait_until(lambda: pods(state) == before, "the pods of before, and no other", 30)
