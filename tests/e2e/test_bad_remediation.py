"""A remediation that makes things worse is undone by itself and handed to a human."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from onemachine.binaries import find
from onemachine.node import write_image_map
from onemachine.processes.waiting import wait_until
from onemachine.stack.clients import client_of
from onemachine.stack.state import StackFolder, StackState
from srectl import runbooks
from tests.support.stacks import post_alert, state_of
from tests.support.waiting import PATIENCE_SECONDS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

RUNBOOK: dict[str, Any] = {
    "name": "RestartIntoABadImage",
    "description": "Restarts checkout while its image is gone from where it came.",
    "severities": ["critical"],
    "action": "restart_deployment",
    "target": {"kind": "deployment", "namespace": "apps", "name": "checkout"},
    "on_failure": "undo",
    "guard": {"cooldown_seconds": 0, "max_actions": 3, "window_seconds": 3600},
}


def pods(exports: dict[str, str], home: Path) -> dict[str, bool]:
    """Every pod of checkout by its identity, and whether it is ready."""
    printed = subprocess.run(
        [find("kubernetes") / "kubectl", "-n", "apps", "get", "pods", "-o", "json"],
        # Without a home, kubectl would keep its cache in the current folder.
        env={"HOME": str(home), "KUBECONFIG": exports["KUBECONFIG"]},
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


def incident_of(state: StackState, incident_id: str) -> dict[str, Any]:
    answer = client_of(state, "dynamodb").query(
        TableName="sre-incidents",
        KeyConditionExpression="incident_id = :id",
        ExpressionAttributeValues={":id": {"S": incident_id}},
        ConsistentRead=True,
    )
    items: list[dict[str, Any]] = answer["Items"]
    return items[0] if items else {}


@pytest.fixture
def image_gone(stack: StackFolder) -> Iterator[None]:
    """The image is gone from where it came: pods that run go on, new ones cannot start."""
    images = stack.path / "node-agent" / "images.json"
    there = images.read_text("utf-8")
    write_image_map(images, {})
    yield
    anew = images.with_suffix(".anew")
    anew.write_text(there, "utf-8")
    anew.replace(images)  # whole or not at all: the agent reads it at any time


@pytest.mark.usefixtures("image_gone")
def test_a_restart_into_a_bad_image_is_undone_and_escalated(
    stack: StackFolder, exports: dict[str, str], tmp_path: Path
) -> None:
    state = state_of(stack)
    before = pods(exports, tmp_path)
    assert list(before.values()) == [True, True, True]
    runbook = runbooks.Runbook(RUNBOOK["name"], RUNBOOK, Path(__file__))
    runbooks.publish(client_of(state, "dynamodb"), "sre-runbooks", [runbook])
    incident_id = post_alert(exports, RUNBOOK["name"])

    wait_until(
        lambda: incident_of(state, incident_id).get("status") == {"S": "escalated"},
        "the incident to be escalated",
        300,
    )

    def steps() -> dict[str, str]:
        actions = incident_of(state, incident_id).get("actions_taken", {"L": []})["L"]
        return {each["M"]["operation"]["S"]: each["M"]["status"]["S"] for each in actions}

    wait_until(lambda: len(steps()) == 2, "both steps on record", PATIENCE_SECONDS)
    assert steps() == {"execute": "failed", "undo": "succeeded"}
    assert "RolloutFailed" in incident_of(state, incident_id)["escalation_reason"]["S"]
    # The pods of before run on, and none that hangs is left beside them.
    wait_until(
        lambda: pods(exports, tmp_path) == before,
        "the pods of before, and no other",
        PATIENCE_SECONDS,
    )
