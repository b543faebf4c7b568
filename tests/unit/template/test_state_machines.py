"""What can be said of the state machines without running them."""

from __future__ import annotations

import re
from typing import Any

from tests.support import machines as support
from tests.support.readable import long_lines, repeated_blocks
from tests.support.template import ROOT, deployed

#: States whose failure is meant to fail the execution, so that its alarm rings.
LAST_RESORT = {"ParkEvent"}


def test_every_substitution_is_given_and_used(machines: dict[str, dict[str, Any]]) -> None:
    """Also those that only another one names: they are put in until nothing is left to put in."""
    placeholder = re.compile(r"\$\{(\w+)\}")
    for machine in support.machines().values():
        given = machine.substitutions()
        wanted, new = set(), set(placeholder.findall(machine.text))
        while new:
            wanted |= new
            new = {one for name in new for one in placeholder.findall(given[name])} - wanted
        assert wanted == set(given), machine.kind


def test_every_shared_text_is_taken_in_by_some_machine() -> None:
    shared = deployed()["Mappings"]["Shared"]
    taken = {
        tuple(given["Fn::FindInMap"])
        for machine in support.machines().values()
        for given in machine.properties["DefinitionSubstitutions"].values()
        if isinstance(given, dict) and "Fn::FindInMap" in given
    }
    assert taken == {("Shared", kind, name) for kind, texts in shared.items() for name in texts}


def test_every_state_is_reached_and_leads_somewhere(machines: dict[str, dict[str, Any]]) -> None:
    for name, machine in machines.items():
        states = machine["definition"]["States"]
        reached = {machine["definition"]["StartAt"]}
        for state in states.values():
            nexts = [state.get("Next"), state.get("Default")]
            nexts += [choice["Next"] for choice in state.get("Choices", [])]
            nexts += [catcher["Next"] for catcher in state.get("Catch", [])]
            reached |= {following for following in nexts if following}
            assert any(nexts) or state.get("End") or state["Type"] in {"Succeed", "Fail"}
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
            if retrier["ErrorEquals"] == ["Lambda.TooManyRequestsException"]:
                continue  # no attempt: the call has not begun
            assert (retrier["MaxAttempts"], retrier["BackoffRate"]) == (3, 2), name


def test_a_call_that_finds_no_place_waits_longer_than_ten_functions_take_to_start(
    machines: dict[str, dict[str, Any]],
) -> None:
    waits = 0
    for machine in machines.values():
        for name, state in machine["definition"]["States"].items():
            for retrier in state.get("Retry", []):
                if retrier["ErrorEquals"] != ["Lambda.TooManyRequestsException"]:
                    continue
                pauses = [
                    min(retrier["MaxDelaySeconds"], retrier["IntervalSeconds"] * 2**attempt)
                    for attempt in range(retrier["MaxAttempts"])
                ]
                # Half of it on the average (JitterStrategy: FULL); no longer than CallSeconds has.
                assert 60 < sum(pauses) < 100, name
                waits += 1
    assert waits == 6


def test_who_acts_asks_for_a_place_more_often_than_who_only_looks(
    machines: dict[str, dict[str, Any]],
) -> None:
    longest = {
        name: retrier["MaxDelaySeconds"]
        for machine in machines.values()
        for name, state in machine["definition"]["States"].items()
        for retrier in state.get("Retry", [])
        if retrier["ErrorEquals"] == ["Lambda.TooManyRequestsException"]
    }
    soon = {name for name, most in longest.items() if most <= 2}
    assert soon == {"ResolveTargets", "Plan", "Act"}
    assert min(most for name, most in longest.items() if most > 2) == 15


def test_a_function_that_is_killed_in_the_middle_is_called_again(
    machines: dict[str, dict[str, Any]],
) -> None:
    calls = 0
    for machine in machines.values():
        for name, state in machine["definition"]["States"].items():
            if state.get("Resource") == "arn:aws:states:::lambda:invoke":
                again = {error for one in state["Retry"] for error in one["ErrorEquals"]}
                assert again >= {"Runtime.ExitError", "Sandbox.Timedout"}, name
                calls += 1
    assert calls == 7


def test_the_machines_can_be_read_without_scrolling_and_say_nothing_twice() -> None:
    files = sorted((ROOT / "statemachine").iterdir())
    assert files
    assert long_lines(files) == []
    assert repeated_blocks(files) == []


def test_a_state_says_what_it_is_for_where_its_name_does_not() -> None:
    """Choices, waits and ends are read from what they lead to; a task acts on something outside."""
    for machine in support.machines().values():
        states = machine.definition()["States"]
        silent = [
            name
            for name, state in states.items()
            if "Comment" not in state and state["Type"] not in {"Choice", "Wait", "Succeed", "Fail"}
        ]
        assert silent == [], machine.kind
