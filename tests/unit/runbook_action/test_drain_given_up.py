"""A drain that gives up lets pods on its node again, whichever of its calls is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runbook_action.errors import ActionRefused, ClusterUnreachable, RolloutFailed
from tests.unit.runbook_action.drains import DRAIN, drain, node_request, pod
from tests.unit.runbook_action.fakes import World

READY = {"conditions": [{"type": "Ready", "status": "True"}]}


def one_whose_pod_never_ends() -> World:
    world = World.new()
    world.cluster.node_raw["status"] = READY
    world.cluster.node_pods = {"a": pod("a")}
    world.cluster.lingering = {"a"}
    return world


def one_beside_which_another_began() -> World:
    """The other node of the group is closed by the time that this one is."""
    world = one_whose_pod_never_ends()
    patch = world.cluster.patch

    def patched(current, changes):  # type: ignore[no-untyped-def]  # as the cluster's own
        if changes.get("spec", {}).get("unschedulable"):
            world.cluster.other_nodes[0]["spec"] = {"unschedulable": True}
        return patch(current, changes)

    world.cluster.patch = patched  # type: ignore[method-assign]  # a race
    return world


@pytest.mark.parametrize(
    "scene",
    [one_whose_pod_never_ends, one_beside_which_another_began],
    ids=lambda one: one.__name__,
)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(1, 19))
def test_its_repeat_leaves_the_node_open(
    scene: Callable[[], World], call: int, after: bool
) -> None:
    world = scene()
    world.calls.fail_at(call, ClusterUnreachable("gone"), after=after)
    with pytest.raises((ClusterUnreachable, RolloutFailed, ActionRefused)):
        drain(world, deadline_seconds=2)
    world.calls.fail_at(-1, ClusterUnreachable("never"))
    world.cluster.other_nodes[0]["spec"] = {}
    world.clock.seconds_left = 90
    with pytest.raises((RolloutFailed, ActionRefused)) as told:
        drain(world, deadline_seconds=2)
    assert "somebody has chosen" not in str(told.value)
    assert world.cluster.node_raw["spec"] == {}
    DRAIN.undo(node_request("undo"), world.services)
    assert world.cluster.node_raw["spec"] == {}
    assert world.leases.kept == {}


def test_its_repeat_says_that_it_was_given_up() -> None:
    world = one_whose_pod_never_ends()
    log = world.calls.log
    with pytest.raises(RolloutFailed):
        drain(world, deadline_seconds=2)
    uncordons = len(log) - log[::-1].index("patch node")
    world = one_whose_pod_never_ends()
    world.calls.fail_at(uncordons, ClusterUnreachable("gone"), after=True)
    with pytest.raises(ClusterUnreachable):
        drain(world, deadline_seconds=2)
    evictions = world.calls.log.count("evict a")
    with pytest.raises(ActionRefused, match="an earlier call of this step gave it up"):
        drain(world, deadline_seconds=2)
    assert world.calls.log.count("evict a") == evictions
