"""What can be said of the state machines without running them."""

from __future__ import annotations

import re
from typing import Any

#: States whose failure is meant to fail the execution, so that its alarm rings.
LAST_RESORT = {"ParkEvent"}


def test_every_substitution_is_given_and_used(machines: dict[str, dict[str, Any]]) -> None:
    for name, machine in machines.items():
        given = machine["DefinitionSubstitutions"]
        # A value may name others.
        texts = [machine["text"], *(value for value in given.values() if isinstance(value, str))]
        wanted = set(re.findall(r"\$\{(\w+)\}", " ".join(texts)))
        assert wanted == set(given), name


def test_every_state_is_reached_and_leads_somewhere(machines: dict[str, dict[str, Any]]) -> None:
    for name, machine in machines.items():
        states = machine["definition"]["States"]
        reached = {machine["definition"]["StartAt"]}
        for state in states.values():
            nexts = [state.get("Next"), state.get("Default")]
            nexts += [choice["Next"] for choice in state.get("Choices", [])]
            nexts += [catcher["Next"] for catcher in state.get("Catch", [])]
            reached |= {following for following in nexts if following}
            assert any(nexts) or state["Type"] in {"Succeed", "Fail"}
        assert reached == set(states), name


def test_nobody_waits_forever_every_task_has_a_way_out(machines: dict[str, dict[str, Any]]) -> None:
    for machine in machines.values():
        for name, state in machine["definition"]["States"].items():
            if state["Type"] != "Task" or name in LAST_RESORT:
                continue
            caught = [error for catcher in state["Catch"] for error in catcher["ErrorEquals"]]
            assert "States.ALL" in caught, name


def test_retries_are_exponential_with_three_attempts(machines: dict[str, dict[str, Any]]) -> None:
    for name, state in machines["IncidentResponseRunbook"]["definition"]["States"].items():
        for retrier in state.get("Retry", []):
            if retrier["MaxAttempts"] == 0:
                continue
            assert (retrier["MaxAttempts"], retrier["BackoffRate"]) == (3, 2), name
