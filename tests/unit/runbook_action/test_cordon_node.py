"""cordon_node and uncordon_node: one node of a group at a time, once, and back."""

from __future__ import annotations

from typing import Any

import pytest

from runbook_action.actions import REGISTRY
from runbook_action.errors import ActionRefused, ClusterUnreachable
from tests.unit.runbook_action.fakes import OTHER_INCIDENT, World, request

READY = {"conditions": [{"type": "Ready", "status": "True"}]}
BOTH = pytest.mark.parametrize("action", ["cordon_node", "uncordon_node"])


def world_for(action: str) -> World:
    """A ready node that the action would change."""
    world = World.new()
    world.cluster.node_raw["status"] = READY
    if action == "uncordon_node":
        world.cluster.node_raw["spec"] = {"unschedulable": True}
    return world


def run(world: World, action: str, operation: Any = "execute", **more: Any) -> Any:
    asked = request(action, operation, kind="node", name="node-1", **more)
    return getattr(REGISTRY[action], operation)(asked, world.services)


def is_cordoned(world: World) -> bool:
    return bool(world.cluster.node_raw["spec"].get("unschedulable"))


def marks_of(world: World) -> dict[str, str]:
    return world.cluster.node_raw["metadata"].get("annotations") or {}


@BOTH
def test_it_is_switched_once_and_undone(action: str) -> None:
    world = world_for(action)
    wanted = action == "cordon_node"
    outcome = run(world, action)
    assert (outcome.status, is_cordoned(world)) == ("succeeded", wanted)
    assert run(world, action).undo == outcome.undo
    assert world.calls.writes() == ["patch node"]
    assert run(world, action, "verify").healthy
    assert run(world, action, "undo", undo=outcome.undo.parameters).status == "succeeded"
    assert is_cordoned(world) is not wanted
    assert run(world, action, "undo").status == "unchanged"


@BOTH
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", [1, 2])
def test_a_repeat_after_dying_still_knows_what_was_before(
    action: str, call: int, after: bool
) -> None:
    world = world_for(action)
    before = is_cordoned(world)
    world.calls.fail_at(call, ClusterUnreachable("gone"), after=after)
    with pytest.raises(ClusterUnreachable):
        run(world, action)
    run(world, action)
    assert is_cordoned(world) is not before
    run(world, action, "undo")
    assert is_cordoned(world) is before


@BOTH
def test_what_was_so_before_stays_so_after_undo(action: str) -> None:
    world = world_for(action)
    world.cluster.node_raw["spec"] = {"unschedulable": True} if action == "cordon_node" else {}
    before = is_cordoned(world)
    assert run(world, action, "plan").status == "unchanged"
    assert not run(world, action).changed
    assert run(world, action, "undo").status == "unchanged"
    assert is_cordoned(world) is before


def test_a_second_node_of_the_group_is_not_cordoned() -> None:
    world = world_for("cordon_node")
    world.cluster.other_nodes = [{"metadata": {"name": "node-2"}, "spec": {}}]
    for operation in ("plan", "execute"):
        with pytest.raises(ActionRefused, match="node-2 is not ready"):
            run(world, "cordon_node", operation)
    assert not is_cordoned(world)


@pytest.mark.parametrize("action", ["cordon_node", "drain_node"])
def test_of_two_nodes_that_are_closed_at_one_moment_it_opens_its_own_again(action: str) -> None:
    world = world_for(action)
    patch = world.cluster.patch

    def while_the_other_one_is(*given: Any) -> Any:
        closed = {"metadata": {"name": "node-2"}, "spec": {"unschedulable": True}}
        world.cluster.other_nodes = [{**closed, "status": READY}]
        return patch(*given)

    world.cluster.patch = while_the_other_one_is  # type: ignore[assignment,method-assign]
    for _try in range(2):
        with pytest.raises(ActionRefused, match="node-2 is cordoned"):
            run(world, action)
        assert not is_cordoned(world)
    assert run(world, action, "undo", undo={"cordoned_before": False}).status == "unchanged"
    assert not any(key.startswith("sre-platform/") for key in marks_of(world))


def test_a_node_that_is_not_ready_gets_no_pods() -> None:
    world = world_for("uncordon_node")
    world.cluster.node_raw["status"] = {}
    for operation in ("plan", "execute"):
        with pytest.raises(ActionRefused, match="not ready"):
            run(world, "uncordon_node", operation)
    assert run(world, "uncordon_node", "verify").healthy is False


@pytest.mark.parametrize("held_by", ["cordon_node", "drain_node"])
def test_a_node_that_another_incident_holds_is_not_opened(held_by: str) -> None:
    world = world_for("cordon_node")
    held = run(world, held_by, incident_id=OTHER_INCIDENT)
    for operation in ("plan", "execute"):
        with pytest.raises(ActionRefused, match=f"held cordoned or drained by {OTHER_INCIDENT}"):
            run(world, "uncordon_node", operation)
    assert is_cordoned(world)
    run(world, held_by, "undo", incident_id=OTHER_INCIDENT, undo=held.undo.parameters)
    assert run(world, "uncordon_node").status == "succeeded"


@pytest.mark.parametrize("second", ["cordon_node", "drain_node"])
def test_a_node_that_another_incident_has_closed_is_no_change_of_the_second_one(
    second: str,
) -> None:
    world = world_for("cordon_node")
    run(world, "cordon_node", incident_id=OTHER_INCIDENT)
    for _ in range(2):
        outcome = run(world, second)
        assert "spec.unschedulable" not in [each.field for each in outcome.plan]
        assert outcome.undo.parameters == {"cordoned_before": False}
    if second == "cordon_node":
        assert (outcome.changed, outcome.summary) == (
            False,
            f"node node-1 is cordoned as it was, held by {OTHER_INCIDENT}, too.",
        )
    run(world, "cordon_node", "undo", incident_id=OTHER_INCIDENT)
    assert is_cordoned(world)
    run(world, second, "undo")
    assert not is_cordoned(world)


def test_a_node_that_this_incident_holds_may_be_opened_and_stays_open() -> None:
    world = world_for("cordon_node")
    run(world, "cordon_node", step=1)
    assert run(world, "uncordon_node", "plan", step=2).status == "planned"
    assert run(world, "uncordon_node", step=2).changed
    assert run(world, "cordon_node", "undo", step=1).status == "unchanged"
    assert not is_cordoned(world)


def test_undo_does_not_close_a_node_again_that_another_incident_has_acted_on_since() -> None:
    world = world_for("uncordon_node")
    undo = run(world, "uncordon_node").undo.parameters
    run(world, "cordon_node", incident_id=OTHER_INCIDENT)
    run(world, "cordon_node", "undo", incident_id=OTHER_INCIDENT)
    assert run(world, "uncordon_node", "undo", undo=undo).status == "unchanged"
    assert not is_cordoned(world)


@BOTH
def test_plan_shows_the_switch_and_changes_nothing(action: str) -> None:
    world = world_for(action)
    (change,) = run(world, action, "plan").plan
    assert change.after is (action == "cordon_node")
    assert world.calls.writes() == []
