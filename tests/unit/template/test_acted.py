"""What counts as acted on: a step that changed nothing leaves an incident free."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from onemachine.aws.definitions import substituted
from runbook_action.actions import REGISTRY
from runbook_action.fields import parse_fields
from tests.support.machines import machines
from tests.support.verification import evaluated

RUNBOOK = "incident-response-runbook"


def state(kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = machines()[kind].definition()["States"][name]
    return found


@pytest.mark.parametrize(("status", "counts"), [("unchanged", False), ("succeeded", True)])
def test_who_changed_nothing_has_not_acted(status: str, counts: bool) -> None:
    answered = {"result": {"Payload": {"status": status, "summary": "as told"}}}
    assign = state("remediation-step", "Act")["Assign"]
    found = evaluated(assign["answer"], states=answered, operation="execute", approved_by="")
    assert found["acted"] is counts


@pytest.mark.parametrize("action", ["invoke_check", "probe_cluster", "restart_workload"])
def test_what_only_looks_has_not_acted_when_it_fails_or_is_lost(action: str) -> None:
    step = {"index": 1, "action": action, "changes": REGISTRY[action].changes}
    counts = action == "restart_workload"
    failed = evaluated(
        state("remediation-step", "TellOfFailure")["Assign"]["answer"],
        reported="execute",
        error={"Error": "CheckUnavailable"},
        states={"input": {"text": "it did not answer", "message": ""}},
        answer={},
        plan=[],
        of=1,
        approved_by="",
        step=step,
    )
    assert failed["acted"] is counts
    caught = state(RUNBOOK, "ExecuteAction")["Catch"][0]["Assign"]
    given = {
        "acted": False,
        "mode": "on",
        "steps": [step],
        "at": 1,
        "answers": [],
        "states": {"errorOutput": {"Error": "States.TaskFailed"}},
    }
    assert evaluated(caught["acted"], **given) is counts
    assert evaluated(caught["answers"], **given)[0]["acted"] is counts


def test_of_a_long_runbook_what_an_undo_needs_stays_in_hand() -> None:
    given = {
        "run_automation": {"document": "Team-Restart", "inputs": {"text": "x" * 40_000}},
        "scale_workload": {"step": 2, "max_replicas": 8},
        "cordon_node": {},
    }
    steps = [
        {"index": n, "name": name, "action": name, "target": {"name": "t"}, "parameters": values}
        for n, (name, values) in enumerate(given.items(), start=1)
    ]
    kept = evaluated(
        substituted("${InHand}", machines()[RUNBOOK].substitutions()),
        runbook={"name": "R"},
        of=len(steps),
        locks=["target#a"],
        steps=steps,
        strategy="ladder",
    )
    assert len(kept) < 30_000
    # And so does what tells when a step is given up (srectl.operate.step_times).
    times = json.loads(kept)
    assert times["seconds"] == {"action": 600, "settle": 60, "verify": 300, "heard": 360}
    assert datetime.fromisoformat(times["since"])
    assert times["strategy"] == "ladder"
    for step in json.loads(kept)["steps"]:
        parse_fields(REGISTRY[step["action"]].fields, step["parameters"], "parameters")
