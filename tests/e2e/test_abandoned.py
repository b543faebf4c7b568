"""A runbook that is stopped from outside: who is called, what is half-changed, how to undo it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from onemachine.binaries import find
from onemachine.processes.waiting import wait_until
from onemachine.receiver import read_notifications
from onemachine.stack.clients import client_of
from onemachine.stack.state import StackFolder
from srectl import runbooks
from tests.support.stacks import post_alert, srectl, state_of
from tests.support.waiting import PATIENCE_SECONDS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def test_a_runbook_that_is_stopped_leaves_its_incident_to_a_human_with_the_undo_to_type(
    stack: StackFolder, exports: dict[str, str], tmp_path: Path
) -> None:
    """It has scaled checkout and asks whether to restart it, too."""
    state = state_of(stack)
    runbook: dict[str, Any] = {
        "name": "Asks",
        "description": "Scales checkout, and restarts it after somebody was asked.",
        "severities": ["critical"],
        "strategy": "sequence",
        "steps": [
            {
                "name": "more",
                "action": "scale_deployment",
                "parameters": {"step": 1, "max_replicas": 9},
            },
            {
                "name": "anew",
                "action": "restart_deployment",
                "approval": {"required": True, "timeout_seconds": 600},
            },
        ],
        "target": {"kind": "deployment", "namespace": "apps", "name": "checkout"},
        "on_failure": "keep",
        "guard": {"cooldown_seconds": 0, "max_actions": 3, "window_seconds": 3600},
    }
    dynamodb = client_of(state, "dynamodb")
    asks = runbooks.Runbook("Asks", runbook, Path(__file__))
    runbooks.publish(dynamodb, "sre-runbooks", [asks])
    incident_id = post_alert(exports, "Asks", fingerprint="a5cedbeefa5cedbe")

    def record() -> dict[str, Any]:
        items = dynamodb.query(
            TableName="sre-incidents",
            KeyConditionExpression="incident_id = :id",
            ExpressionAttributeValues={":id": {"S": incident_id}},
            ConsistentRead=True,
        )["Items"]
        found: dict[str, Any] = items[0] if items else {}
        return found

    def replicas() -> str:
        asked = "-n apps get deployment checkout -o jsonpath={.spec.replicas}"
        return subprocess.run(
            [str(find("kubernetes") / "kubectl"), *asked.split()],
            env={"HOME": str(tmp_path), "KUBECONFIG": exports["KUBECONFIG"]},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    before = replicas()
    wait_until(lambda: "approval" in record(), "the runbook to ask", PATIENCE_SECONDS)
    assert int(replicas()) == int(before) + 1
    assert "▶ 2. restart_deployment" in srectl("show", incident_id[:12], exports=exports).stdout
    stopped = srectl("stop", incident_id[:12], "--reason", "sale is on", exports=exports)
    assert stopped.returncode == 0, stopped.stdout + stopped.stderr

    wait_until(lambda: record()["status"] == {"S": "escalated"}, "a human to be called", 60)
    assert record()["escalation_code"] == {"S": "runbook-abandoned"}

    def told(*words: str) -> bool:
        messages = [
            json.dumps(each.message) for each in read_notifications(stack.notifications_file)
        ]
        return any(all(each in message for each in words) for message in messages)

    steps = enumerate(runbook["steps"], 1)
    wait_until(
        lambda: told(f"Its runbook was stopped by {record()['stopped_by']['S']} (sale is on)"),
        "people to be told who has stopped it",
        PATIENCE_SECONDS,
    )
    again = srectl("stop", incident_id, exports=exports)
    assert "no runbook is at work" in again.stdout
    what = [f"{at}. {each['action']} on deployment apps/checkout" for at, each in steps][:1]
    what.append("step 2 waited for an answer")
    undo = f"srectl incidents undo {incident_id}"
    wait_until(
        lambda: told(*what, undo), "what may be half-changed, and what to type", PATIENCE_SECONDS
    )
    shown = srectl("incidents", "show", incident_id, exports=exports).stdout
    assert "may be left half-changed" in shown
    typed = srectl(*undo.split()[1:], "--yes", exports=exports)
    assert typed.returncode == 0, typed.stdout + typed.stderr
    assert replicas() == before
    person = record()["undo_asked_by"]["S"]
    wait_until(
        lambda: told("UNDO apps/checkout: by", person, incident_id),
        "people to be told who has it taken back",
        PATIENCE_SECONDS,
    )
    assert record()["undo_asked_by"]["S"] == record()["stopped_by"]["S"]
    again = srectl(*undo.split()[1:], "--yes", exports=exports)
    assert "nothing is left to be taken back" in again.stderr
    # The event of the execution's end has nothing to add, and is told no second time.
    calls = [each.message for each in read_notifications(stack.notifications_file)]
    (_,) = [
        each
        for each in calls
        if (each.get("event"), each.get("incident_id")) == ("incident.escalated", incident_id)
    ]
