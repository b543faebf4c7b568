"""Both forms of a runbook have one shape, and it is worked out in one place."""

from __future__ import annotations

from typing import Any

import srectl.steps
from runbook_action.steps import steps_of, strategy_of
from tests.support.template import ROOT

NODE = {"kind": "node", "name": {"from_label": "node"}}
PLAIN = {"required": False, "timeout_seconds": 900}


def step(**changes: Any) -> dict[str, Any]:
    return {
        "index": 1,
        "name": "step-1",
        "action": "drain_node",
        "target": NODE,
        "parameters": {},
        "on_failure": "undo",
        "verify_seconds": None,
        "verify": None,
        "approval": PLAIN,
        "when": [],
        **changes,
    }


def test_what_is_to_be_seen_is_the_steps_own_or_the_runbooks() -> None:
    wanted, own = {"promql": "a", "is": "below 1"}, {"for": "5m"}
    steps = [{"action": "a"}, {"action": "b", "verify": own}]
    found = steps_of({"steps": steps, "verify": wanted, "target": NODE, "strategy": "ladder"})
    assert [each["verify"] for each in found] == [wanted, own]
    short = steps_of({"action": "a", "target": NODE, "verify": wanted})
    assert short[0]["verify"] == wanted


def test_the_short_form_is_a_ladder_of_one_rung() -> None:
    short = {
        "name": "NodeNotReady",
        "action": "drain_node",
        "target": NODE,
        "on_failure": "undo",
        "approval": {"required": True},
    }
    asks = {"required": True, "timeout_seconds": 900}
    assert steps_of(short) == [step(approval=asks)]
    assert strategy_of(short) == "ladder"


def test_a_step_takes_from_the_runbook_what_it_does_not_say_itself() -> None:
    when = [{"fact": "replicas", "below": 3}]
    runbook = {
        "strategy": "sequence",
        "target": NODE,
        "on_failure": "undo",
        "steps": [
            {"action": "drain_node"},
            {
                "name": "again",
                "action": "drain_node",
                "target": {"kind": "node", "name": "n2"},
                "parameters": {"deadline_seconds": 60},
                "on_failure": "keep",
                "verify_seconds": 30,
                "approval": {"required": True, "timeout_seconds": 60, "persons": 2},
                "when": when,
            },
        ],
    }
    assert strategy_of(runbook) == "sequence"
    assert steps_of(runbook) == [
        step(),
        step(
            index=2,
            name="again",
            target={"kind": "node", "name": "n2"},
            parameters={"deadline_seconds": 60},
            on_failure="keep",
            verify_seconds=30,
            approval={"required": True, "timeout_seconds": 60, "persons": 2},
            when=when,
        ),
    ]


def test_the_tool_and_the_function_have_one_file() -> None:
    function = ROOT / "src" / "runbook_action" / "steps.py"
    assert (ROOT / "srectl" / "steps.py").resolve() == function
    assert srectl.steps.steps_of.__doc__ == steps_of.__doc__
