"""Conditions of a step."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook_action import handler as module
from runbook_action.actions import REGISTRY
from runbook_action.errors import InvalidRequest
from runbook_action.when import parse_when, why_not
from tests.unit.runbook_action.fakes import World
from tests.unit.runbook_action.invocations import Context, event

FACTS = {
    "replicas": 3,
    "restarts": 0,
    "last_end_reasons": ["OOMKilled"],
    "autoscaler_at_maximum": True,
    "node_ready": False,
    "check.queue": 2.5,
    "check.broken": float("nan"),
}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"fact": "replicas", "below": 4}, True),
        ({"fact": "replicas", "below": 3}, False),
        ({"fact": "replicas", "at_least": 3}, True),
        ({"fact": "replicas", "at_least": 3.5}, False),
        ({"fact": "replicas", "is": 3.0}, True),
        ({"fact": "replicas", "is": "3"}, False),
        ({"fact": "check.queue", "below": 3}, True),
        ({"fact": "last_end_reasons", "includes": "OOMKilled"}, True),
        ({"fact": "last_end_reasons", "includes": "OOM"}, False),
        ({"fact": "replicas", "includes": "3"}, False),
        ({"fact": "autoscaler_at_maximum", "is": True}, True),
        ({"fact": "autoscaler_at_maximum", "is": 1}, False),
        ({"fact": "autoscaler_at_maximum", "at_least": 1}, False),
        ({"fact": "node_ready", "is": False}, True),
        ({"fact": "node_ready", "is": 0}, False),
        # What is unknown holds in no comparison, not even that it is false.
        ({"fact": "last_rollout_age_seconds", "below": 1800}, False),
        ({"fact": "check", "is": False}, False),
        # What is no number is neither below nor at least anything.
        ({"fact": "check.broken", "below": 3}, False),
        ({"fact": "check.broken", "at_least": 3}, False),
        ({"fact": "check.broken", "is": 3}, False),
    ],
)
def test_a_condition_holds_or_says_what_was_found(condition: dict[str, Any], holds: bool) -> None:
    reason = why_not(parse_when([condition]), FACTS)
    assert (reason == "") is holds
    assert holds or condition["fact"] in reason


def test_all_conditions_must_hold_and_each_that_does_not_is_told() -> None:
    conditions = parse_when(
        [
            {"fact": "replicas", "below": 4},
            {"fact": "restarts", "at_least": 1},
            {"fact": "last_end_reasons", "includes": "Error"},
            {"fact": "last_rollout_age_seconds", "below": 1800},
        ]
    )
    assert why_not(conditions, FACTS) == (
        "restarts at least 1: it is 0; last_end_reasons includes 'Error': it is OOMKilled; "
        "last_rollout_age_seconds below 1800: unknown"
    )


@pytest.mark.parametrize(
    "when",
    [
        "always",
        [3],
        [{"fact": "replicas"}],
        [{"below": 3}],
        [{"fact": 3, "below": 3}],
        [{"fact": "replicas", "below": 3, "at_least": 1}],
        [{"fact": "replicas", "below": True}],
        [{"fact": "replicas", "below": "3"}],
        [{"fact": "replicas", "includes": 3}],
        [{"fact": "replicas", "is": None}],
        [{"fact": "replicas", "above": 3}],
        [{"fact": "replicas", "below": float("nan")}],
        [{"fact": "replicas", "at_least": float("-inf")}],
        [{"fact": "replicas", "is": float("inf")}],
        [{"fact": "replicas", "below": 3}] * 9,
    ],
)
def test_what_is_no_condition_is_named(when: object) -> None:
    with pytest.raises(InvalidRequest, match=r"^when"):
        parse_when(when)


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)


@given(
    st.dictionaries(st.sampled_from(["replicas", "check"]), PLAIN | st.lists(PLAIN, max_size=2)),
    st.sampled_from(["is", "below", "at_least", "includes"]),
    st.booleans() | st.integers() | st.text(max_size=5),
)
def test_no_fact_makes_a_condition_fail_with_an_error(
    facts: dict[str, Any], comparison: str, value: Any
) -> None:
    try:
        conditions = parse_when([{"fact": "replicas", comparison: value}])
    except InvalidRequest:
        return
    holds = why_not(conditions, facts) == ""
    assert not holds or "replicas" in facts


def plan(world: World, *when: dict[str, Any], action: str = "restart_workload") -> dict[str, Any]:
    asked = event(operation="plan", action=action, when=list(when))
    answer: dict[str, Any] = module.handler(asked, Context())
    return answer


def test_a_plan_tells_the_facts_and_that_the_step_applies(world: World) -> None:
    answer = plan(world, {"fact": "replicas", "is": 3})
    assert (answer["status"], answer["applies"], answer["why_not"]) == ("planned", True, "")
    assert answer["facts"] == {
        "replicas": 3,
        "ready_replicas": 3,
        "last_end_reasons": [],
        "restarts": 0,
        "autoscaler_at_maximum": False,
    }


def test_a_step_whose_conditions_do_not_hold_is_not_planned_and_says_why(world: World) -> None:
    world.cluster.raw["spec"]["paused"] = True  # its plan would be refused
    answer = plan(world, {"fact": "replicas", "below": 3})
    assert (answer["status"], answer["applies"]) == ("unchanged", False)
    assert answer["why_not"] == "replicas below 3: it is 3"
    assert "is not for this moment" in answer["summary"]
    assert answer["plan"] == []


def test_the_canary_has_no_facts(world: World) -> None:
    answer = plan(world, action="probe_cluster")
    assert (answer["facts"], answer["applies"]) == ({}, True)
    assert REGISTRY["probe_cluster"].name in answer["action"]
