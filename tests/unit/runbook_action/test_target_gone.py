"""What a step changed besides its target comes back though that has gone, or was made anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from runbook_action.actions import REGISTRY
from runbook_action.errors import ClusterUnreachable
from runbook_action.operate import operate
from runbook_action.outcome import Outcome
from tests.unit.runbook_action.fakes import INCIDENT, OTHER_INCIDENT, PARAMETER, World, request

GONE = pytest.mark.parametrize("how", ["made anew", "deleted"])


def run(
    world: World,
    action: str,
    operation: Any,
    undo: Mapping[str, Any] | None = None,
    *,
    incident: str = INCIDENT,
    uid: str = "u1",
) -> Outcome:
    """One call of the function, for the object that was resolved."""
    parameters = {"step": 2, "max_replicas": 20} if action == "scale_workload" else {}
    asked = request(action, operation, incident_id=incident, undo=undo, parameters=parameters)
    world.clock.seconds_left = 90
    asked = replace(asked, target=replace(asked.target, uid=uid))
    return operate(REGISTRY[action], asked, world.services)


def goes(world: World, how: str) -> None:
    """Somebody deletes the workload, or makes it anew under its name."""
    raw = world.cluster.raw
    raw["metadata"].pop("annotations", None)
    raw["spec"]["template"]["metadata"].pop("annotations", None)
    if how == "deleted":
        raw["metadata"]["name"] = "gone"
    else:
        raw["metadata"]["uid"] = "u2"


def undo_of(outcome: Outcome) -> Mapping[str, Any]:
    assert outcome.undo is not None
    return outcome.undo.parameters


@GONE
@pytest.mark.parametrize("known", [True, False], ids=["answered", "died"])
def test_degraded_mode_ends_with_its_incident(how: str, known: bool) -> None:
    world = World.new()
    undo = undo_of(run(world, "enable_degraded_mode", "execute"))
    goes(world, how)
    for _ in range(2):
        outcome = run(world, "enable_degraded_mode", "undo", undo if known else None)
        assert "no pod was restarted or waited for: " in outcome.summary
        assert world.parameters.values == {PARAMETER: "false"}
    assert world.leases.kept == {}


def test_degraded_mode_is_no_longer_held_for_who_lost_its_target() -> None:
    world = World.new()
    run(world, "enable_degraded_mode", "execute")
    goes(world, "made anew")
    later: dict[str, Any] = {"incident": OTHER_INCIDENT, "uid": "u2"}
    run(world, "enable_degraded_mode", "execute", **later)
    kept = run(world, "enable_degraded_mode", "undo")
    assert f"stays true: held by {OTHER_INCIDENT}" in kept.summary
    assert run(world, "enable_degraded_mode", "undo", **later).status == "succeeded"
    assert world.parameters.values == {PARAMETER: "false"}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(1, 8))
def test_an_undo_that_dies_is_finished_by_its_repeat(call: int, after: bool) -> None:
    world = World.new()
    run(world, "enable_degraded_mode", "execute")
    goes(world, "made anew")
    world.calls.fail_at(call, ClusterUnreachable("gone"), after=after)
    with pytest.raises(ClusterUnreachable):
        run(world, "enable_degraded_mode", "undo")
    run(world, "enable_degraded_mode", "undo")
    assert (world.parameters.values, world.leases.kept) == ({PARAMETER: "false"}, {})


@GONE
def test_what_was_switched_off_for_good_is_switched_on_again_by_its_undo(how: str) -> None:
    world = World.new(parameter="true")
    undo = undo_of(run(world, "disable_degraded_mode", "execute"))
    goes(world, how)
    outcome = run(world, "disable_degraded_mode", "undo", undo)
    assert outcome.changed
    assert world.parameters.values == {PARAMETER: "true"}


@GONE
def test_what_it_holds_is_handed_over(how: str) -> None:
    world = World.new()
    run(world, "enable_degraded_mode", "execute")
    goes(world, how)
    outcome = run(world, "enable_degraded_mode", "hand_over")
    assert "whoever acts on that brings back" in outcome.summary
    goes(world, "made anew")
    world.cluster.raw["metadata"]["name"] = "checkout"
    later: dict[str, Any] = {"incident": OTHER_INCIDENT, "uid": "u2"}
    run(world, "enable_degraded_mode", "execute", **later)
    run(world, "enable_degraded_mode", "undo", **later)
    assert world.parameters.values == {PARAMETER: "false"}


# ------------------------------------------------------------------------------ an autoscaler


def autoscaled() -> World:
    world = World.new()
    world.cluster.hpa = {
        "metadata": {"name": "web", "namespace": "apps", "resourceVersion": "1", "uid": "h1"},
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "checkout"},
            "minReplicas": 2,
            "maxReplicas": 20,
        },
    }
    return world


def minimum(world: World) -> int:
    assert world.cluster.hpa is not None
    return int(world.cluster.hpa["spec"]["minReplicas"])


@GONE
@pytest.mark.parametrize("known", [True, False], ids=["answered", "died"])
def test_an_autoscaler_has_its_minimum_back(how: str, known: bool) -> None:
    world = autoscaled()
    undo = undo_of(run(world, "scale_workload", "execute"))
    assert minimum(world) == 5
    goes(world, how)
    outcome = run(world, "scale_workload", "undo", undo if known else None)
    assert "went back from 5 to 2; no pod was restarted or waited for: " in outcome.summary
    assert (minimum(world), world.leases.kept) == (2, {})
    again = run(world, "scale_workload", "undo", undo if known else None)
    assert (again.status, minimum(world)) == ("unchanged", 2)


def test_an_autoscaler_that_scales_another_by_now_has_its_minimum_back_without_the_target() -> None:
    world = autoscaled()
    undo = undo_of(run(world, "scale_workload", "execute"))
    goes(world, "deleted")
    assert world.cluster.hpa is not None
    world.cluster.hpa["spec"]["scaleTargetRef"]["name"] = "basket"
    run(world, "scale_workload", "undo", undo)
    assert (minimum(world), world.leases.kept) == (2, {})


def test_a_minimum_is_no_longer_held_for_who_lost_its_target() -> None:
    world = autoscaled()
    undo = undo_of(run(world, "scale_workload", "execute"))
    goes(world, "made anew")
    later: dict[str, Any] = {"incident": OTHER_INCIDENT, "uid": "u2"}
    run(world, "scale_workload", "execute", **later)
    run(world, "scale_workload", "undo", undo)
    run(world, "scale_workload", "undo", **later)
    assert (minimum(world), world.leases.kept) == (2, {})


@GONE
def test_replicas_have_gone_with_their_workload_and_hold_nobody_up(how: str) -> None:
    world = World.new()
    undo = undo_of(run(world, "scale_workload", "execute"))
    goes(world, how)
    outcome = run(world, "scale_workload", "undo", undo)
    assert (outcome.status, world.leases.kept) == ("unchanged", {})
    assert world.cluster.raw["spec"]["replicas"] == 5, "what is there by now is left alone"


def test_the_lease_of_the_workload_that_came_after_is_not_ended() -> None:
    world = World.new()
    undo = undo_of(run(world, "scale_workload", "execute"))
    goes(world, "made anew")
    later: dict[str, Any] = {"incident": OTHER_INCIDENT, "uid": "u2"}
    run(world, "scale_workload", "execute", **later)
    run(world, "scale_workload", "undo", undo)
    run(world, "scale_workload", "undo", **later)
    assert world.cluster.raw["spec"]["replicas"] == 5


@pytest.mark.parametrize("action", ["scale_workload", "raise_autoscaler_maximum"])
def test_bounds_of_an_autoscaler_are_handed_over_though_their_target_has_gone(action: str) -> None:
    world = autoscaled()
    about: dict[str, Any] = {"parameters": {"step": 2, "max_replicas": 40}}
    if action == "raise_autoscaler_maximum":
        about |= {"kind": "horizontalpodautoscaler", "name": "web"}
    asked = request(action, **about)
    undo = undo_of(operate(REGISTRY[action], asked, world.services))
    goes(world, "deleted")
    if action == "raise_autoscaler_maximum":
        world.cluster.hpa = None
    asked = request(action, "hand_over", undo=undo, **about)
    outcome = operate(REGISTRY[action], asked, world.services)
    assert "whoever acts on that brings back" in outcome.summary


# ------------------------------------------------------------------------------- the target itself


def node_terminated(world: World, how: str) -> None:
    """Its instance is terminated; perhaps another one registers under its name, closed at first."""
    metadata = world.cluster.node_raw["metadata"]
    metadata.pop("annotations", None)
    if how == "deleted":
        metadata["name"] = "gone"
    else:
        metadata["uid"] = "n2"


@GONE
@pytest.mark.parametrize("action", ["cordon_node", "drain_node", "uncordon_node"])
def test_a_node_that_was_terminated_has_nothing_to_bring_back(how: str, action: str) -> None:
    world = World.new()
    world.cluster.node_raw["status"] = {"conditions": [{"type": "Ready", "status": "True"}]}
    world.cluster.node_raw["spec"]["unschedulable"] = action == "uncordon_node"

    def node(operation: Any) -> Outcome:
        asked = request(action, operation, kind="node", name="node-1")
        asked = replace(asked, target=replace(asked.target, uid="n1"))
        return operate(REGISTRY[action], asked, world.services)

    node("execute")
    closed = world.cluster.node_raw["spec"].get("unschedulable")
    node_terminated(world, how)
    for _ in range(2):
        outcome = node("undo")
        assert (outcome.status, outcome.changed) == ("unchanged", False)
        assert outcome.summary.startswith("There is nothing to bring back, it has gone with it: ")
    assert world.cluster.node_raw["spec"].get("unschedulable") == closed
    assert world.leases.kept == {}


@pytest.mark.parametrize("action", ["restart_workload", "rollback_workload"])
@GONE
def test_a_workload_that_has_gone_has_no_template_to_bring_back(how: str, action: str) -> None:
    world = World.new()
    goes(world, how)
    outcome = run(world, action, "undo")
    assert (outcome.status, world.calls.writes()) == ("unchanged", [])


@GONE
def test_a_maximum_has_gone_with_its_autoscaler(how: str) -> None:
    world = autoscaled()
    assert world.cluster.hpa is not None
    hpa = world.cluster.hpa
    about: dict[str, Any] = {"kind": "horizontalpodautoscaler", "name": "web"}

    def raised(operation: Any) -> Outcome:
        more = {"step": 2, "max_replicas": 40}
        asked = request("raise_autoscaler_maximum", operation, parameters=more, **about)
        asked = replace(asked, target=replace(asked.target, uid="h1"))
        return operate(REGISTRY["raise_autoscaler_maximum"], asked, world.services)

    raised("execute")
    hpa["metadata"].pop("annotations")
    if how == "deleted":
        world.cluster.hpa = None
    else:
        hpa["metadata"]["uid"] = "h2"
    outcome = raised("undo")
    assert (outcome.status, world.leases.kept) == ("unchanged", {})
    assert hpa["spec"]["maxReplicas"] == 22, "what is there by now is left alone"
