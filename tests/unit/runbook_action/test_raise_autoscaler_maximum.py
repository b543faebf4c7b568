"""raise_autoscaler_maximum: how far, once, and back only while it is ours."""

from __future__ import annotations

from typing import Any

import pytest

from runbook_action.actions import REGISTRY
from runbook_action.autoscaler_things import minimum_holding
from runbook_action.errors import ActionRefused, ClusterUnreachable, InvalidRequest
from runbook_action.objects import Autoscaler
from tests.unit.runbook_action.fakes import INCIDENT, OTHER_INCIDENT, World, request

RAISE = REGISTRY["raise_autoscaler_maximum"]
BY_FACTOR = {"factor": 1.5, "max_replicas": 20}


@pytest.fixture
def world() -> World:
    world = World.new()
    world.cluster.hpa = {
        "metadata": {"name": "checkout", "namespace": "apps", "resourceVersion": "1"},
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "checkout"},
            "minReplicas": 2,
            "maxReplicas": 8,
        },
        "status": {"currentReplicas": 8},
    }
    return world


def run(world: World, operation: Any = "execute", parameters: Any = BY_FACTOR, **more: Any) -> Any:
    asked = request(
        RAISE.name, operation, kind="horizontalpodautoscaler", parameters=parameters, **more
    )
    return getattr(RAISE, operation)(asked, world.services)


def maximum(world: World) -> int:
    assert world.cluster.hpa is not None
    return int(world.cluster.hpa["spec"]["maxReplicas"])


@pytest.mark.parametrize(
    ("parameters", "after"),
    [(BY_FACTOR, 12), ({"step": 3, "max_replicas": 20}, 11), ({"step": 50, "max_replicas": 9}, 9)],
)
def test_it_rises_by_a_step_or_a_factor_up_to_the_limit_once(
    world: World, parameters: Any, after: int
) -> None:
    for _ in range(2):
        outcome = run(world, parameters=parameters)
        assert outcome.status == "succeeded"
        assert outcome.undo.parameters == {"before": 8, "after": after}
    assert maximum(world) == after


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", [1, 2])
def test_a_repeat_after_dying_raises_it_once(world: World, call: int, after: bool) -> None:
    world.calls.fail_at(call, ClusterUnreachable("gone"), after=after)
    with pytest.raises(ClusterUnreachable):
        run(world)
    run(world)
    assert maximum(world) == 12


def test_at_the_limit_it_is_refused(world: World) -> None:
    for operation in ("plan", "execute"):
        with pytest.raises(ActionRefused, match="may make 8 replicas"):
            run(world, operation, {"step": 1, "max_replicas": 8})
    assert world.calls.writes() == []


@pytest.mark.parametrize("parameters", [{"max_replicas": 9}, {**BY_FACTOR, "step": 1}])
def test_either_step_or_factor_must_be_given(world: World, parameters: Any) -> None:
    with pytest.raises(InvalidRequest, match="either step or factor"):
        run(world, parameters=parameters)


@pytest.mark.parametrize("by", ["undo", "mark"])
def test_undo_brings_the_earlier_maximum_back(world: World, by: str) -> None:
    undo = run(world).undo.parameters
    assert run(world, "undo", undo=undo if by == "undo" else None).status == "succeeded"
    assert maximum(world) == 8
    assert run(world, "undo").status == "unchanged"


def test_undo_leaves_alone_what_somebody_else_has_chosen_since(world: World) -> None:
    run(world)
    assert world.cluster.hpa is not None
    world.cluster.hpa["spec"]["maxReplicas"] = 30
    outcome = run(world, "undo")
    assert outcome.status == "unchanged"
    assert "is 30, which somebody has chosen since" in outcome.summary
    assert maximum(world) == 30


@pytest.mark.parametrize(("minimum", "status"), [(10, "succeeded"), (12, "unchanged")])
def test_under_a_minimum_that_a_human_has_raised_it_says_what_nobody_brings_back(
    world: World, minimum: int, status: str
) -> None:
    run(world)
    assert world.cluster.hpa is not None
    world.cluster.hpa["spec"]["minReplicas"] = minimum
    outcome = run(world, "undo")
    assert outcome.status == status
    assert maximum(world) == minimum
    for words in (f"as low as its minimum of {minimum}", "nobody brings the maximum back to 8"):
        assert words in outcome.summary


def hold_minimum(world: World, incident: str, minimum: int) -> dict[str, Any]:
    """Let a step of an incident raise the autoscaler's minimum; give the autoscaler's spec."""
    assert world.cluster.hpa is not None
    autoscaler = Autoscaler(world.cluster.hpa)
    other = request("scale_workload", incident_id=incident, step=2)
    holding = minimum_holding(other, world.services, autoscaler)
    taken = holding.take(autoscaler.min_replicas, minimum)
    spec: dict[str, Any] = world.cluster.hpa["spec"]
    spec["minReplicas"] = minimum
    holding.settle(taken)
    return spec


@pytest.mark.parametrize("incident", [INCIDENT, OTHER_INCIDENT])
def test_under_a_minimum_that_an_incident_holds_it_names_who_brings_the_rest_back(
    world: World, incident: str
) -> None:
    run(world)
    hold_minimum(world, incident, 10)
    assert f"held by {incident}: it goes to 8 with that one" in run(world, "undo").summary


def test_a_minimum_that_a_human_has_raised_over_an_incident_s_is_held_by_nobody(
    world: World,
) -> None:
    run(world)
    hold_minimum(world, OTHER_INCIDENT, 9)["minReplicas"] = 10
    summary = run(world, "undo").summary
    assert "which no incident holds: nobody brings the maximum back to 8" in summary
    assert OTHER_INCIDENT not in summary


def test_the_second_of_two_incidents_says_what_it_raised_itself(world: World) -> None:
    first = run(world).plan[0]
    for _ in range(2):
        second = run(world, parameters={"step": 2, "max_replicas": 50}, incident_id=OTHER_INCIDENT)
        change = second.plan[0]
        assert (change.before, change.after) == (first.after, first.after + 2)
        assert f"from {first.after} to {first.after + 2}" in second.summary


def test_verify_wants_room_above(world: World) -> None:
    assert run(world, "verify").healthy is False
    run(world)
    assert run(world, "verify").healthy


def test_an_autoscaler_that_cannot_scale_is_not_healthy(world: World) -> None:
    run(world)
    assert world.cluster.hpa is not None
    world.cluster.hpa["status"]["conditions"] = [
        {"type": "AbleToScale", "status": "False", "reason": "FailedGetScale"}
    ]
    assert "FailedGetScale" in run(world, "verify").summary


def test_plan_shows_the_numbers_and_changes_nothing(world: World) -> None:
    (change,) = run(world, "plan").plan
    assert (change.before, change.after) == (8, 12)
    assert world.calls.writes() == []
    run(world)
    assert run(world, "plan").status == "unchanged"


@pytest.mark.parametrize("operation", ["plan", "execute"])
def test_one_that_keda_makes_is_refused_as_it_would_be_lowered_again(
    world: World, operation: str
) -> None:
    assert world.cluster.hpa is not None
    owner = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "checkout"}
    world.cluster.hpa["metadata"]["ownerReferences"] = [{**owner, "uid": "k"}]
    with pytest.raises(ActionRefused, match=r"managed by ScaledObject.*a higher maximum back"):
        run(world, operation)
    assert maximum(world) == 8
