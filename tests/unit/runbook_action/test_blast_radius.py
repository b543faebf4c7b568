"""Blast radius: what is refused before anything is changed."""

from __future__ import annotations

from typing import Any

import pytest

from runbook_action.actions import REGISTRY
from runbook_action.errors import AccessDenied, ActionRefused, ClusterUnreachable
from tests.unit.runbook_action.drains import drain, node_request, pod
from tests.unit.runbook_action.fakes import World, request

ROLLING = ["restart_deployment", "enable_degraded_mode", "disable_degraded_mode"]
DRAIN = REGISTRY["drain_node"]


def limited(action: str, operation: Any = "execute", **limits: Any) -> Any:
    return request(action, operation, parameters=limits)


def rolling_update(surge: Any, unavailable: Any) -> dict[str, Any]:
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    return {"type": "RollingUpdate", "rollingUpdate": rolling}


def world_of(replicas: int, ready: int | None = None, strategy: Any = None) -> World:
    world = World.new(replicas)
    world.cluster.raw["spec"]["strategy"] = strategy or rolling_update(1, 0)
    world.cluster.raw["status"]["readyReplicas"] = replicas if ready is None else ready
    return world


def add_earlier_revision(world: World) -> None:
    raw = world.cluster.raw
    revision = "deployment.kubernetes.io/revision"
    raw["metadata"]["annotations"] = {revision: "2"}
    for number in (1, 2):
        containers = [{"name": "checkout", "image": f"checkout:{number}"}]
        template = {"metadata": {"labels": {"app": "checkout"}}, "spec": {"containers": containers}}
        world.cluster.history.append(
            {
                "metadata": {
                    "name": f"checkout-{number}",
                    "namespace": "apps",
                    "labels": {"app": "checkout"},
                    "annotations": {revision: str(number)},
                    "ownerReferences": [{"uid": "u1", "controller": True}],
                },
                "spec": {"template": template},
            }
        )
    raw["spec"]["template"] = world.cluster.history[1]["spec"]["template"]


@pytest.mark.parametrize("operation", ["plan", "execute"])
@pytest.mark.parametrize("action", [*ROLLING, "rollback_deployment"])
def test_too_few_ready_replicas_are_refused_before_any_change(action: str, operation: str) -> None:
    world = world_of(3, ready=1)
    add_earlier_revision(world)
    asked = limited(action, operation, min_ready=2)
    with pytest.raises(ActionRefused, match="has 1 ready replicas and must keep 2"):
        getattr(REGISTRY[action], operation)(asked, world.services)
    assert world.calls.writes() == []


@pytest.mark.parametrize("action", [*ROLLING, "rollback_deployment"])
def test_with_enough_ready_replicas_the_action_is_done(action: str) -> None:
    world = world_of(3, ready=2)
    add_earlier_revision(world)
    outcome = REGISTRY[action].execute(limited(action, min_ready=2), world.services)
    assert outcome.status == "succeeded"


@pytest.mark.parametrize("action", [*ROLLING, "rollback_deployment"])
def test_a_repeat_watches_on_however_few_are_ready_in_the_middle_of_it(action: str) -> None:
    world = world_of(3)
    add_earlier_revision(world)
    asked = limited(action, min_ready=3)
    REGISTRY[action].execute(asked, world.services)
    written = len(world.calls.writes())
    world.cluster.raw["status"]["readyReplicas"] = 1
    assert REGISTRY[action].execute(asked, world.services).status == "succeeded"
    assert len(world.calls.writes()) == written


@pytest.mark.parametrize(
    ("replicas", "strategy", "limits", "lowest"),
    [
        (4, {"type": "Recreate"}, {"min_ready": 1}, 0),
        (4, rolling_update(1, 2), {"min_ready": 3}, 2),
        (4, rolling_update("25%", "25%"), {"min_ready": 4}, 3),
        (7, rolling_update("25%", "25%"), {"min_ready": 7}, 6),  # 1.75 is rounded down
        (4, rolling_update(0, 0), {"min_ready": 4}, 3),  # one has to go
        (4, rolling_update(0, "10%"), {"min_ready": 4}, 3),  # 0.4 and no surplus: one has to go
        (4, {}, {"min_ready": 4}, 3),  # the defaults: 25 %
        (2, rolling_update(1, 5), {"min_ready": 1}, 0),
        (4, rolling_update(1, "some"), {"min_ready": 1}, 0),  # not understood
        (4, rolling_update(1, "²%"), {"min_ready": 1}, 0),
        (10, rolling_update(1, 2), {"min_ready_percent": 81}, 8),
        (3, rolling_update(1, 1), {"min_ready_percent": 67}, 2),  # 2.01 is 3
        (4, rolling_update(1, 1), {"min_ready": 1, "min_ready_percent": 100}, 3),
    ],
)
def test_a_strategy_that_may_go_below_the_limit_is_refused(
    replicas: int, strategy: Any, limits: dict[str, int], lowest: int
) -> None:
    world = world_of(replicas)
    world.cluster.raw["spec"]["strategy"] = strategy
    with pytest.raises(ActionRefused, match=f"may leave {lowest} of {replicas} replicas"):
        REGISTRY["restart_deployment"].execute(
            limited("restart_deployment", **limits), world.services
        )
    assert world.calls.writes() == []


@pytest.mark.parametrize(
    ("strategy", "limits"),
    [
        (rolling_update(1, 0), {"min_ready": 4}),
        (rolling_update(1, 1), {"min_ready": 3}),
        (rolling_update("25%", "49%"), {"min_ready": 3}),
        (rolling_update(1, 1), {"min_ready_percent": 75}),
        ({"type": "Recreate"}, {"min_ready": 0}),
        ({"type": "Recreate"}, {}),
    ],
)
def test_a_strategy_that_keeps_the_limit_is_not_refused(
    strategy: Any, limits: dict[str, int]
) -> None:
    world = world_of(4, strategy=strategy)
    asked = limited("restart_deployment", **limits)
    assert REGISTRY["restart_deployment"].execute(asked, world.services).status == "succeeded"


def test_undo_is_not_held_back_by_what_the_action_broke() -> None:
    world = world_of(3)
    action = REGISTRY["enable_degraded_mode"]
    action.execute(limited(action.name, min_ready=3), world.services)
    world.cluster.raw["status"]["readyReplicas"] = 0
    assert action.undo(limited(action.name, "undo", min_ready=3), world.services).changed


def other_node(
    name: str, *, cordoned: bool = False, ready: str | None = "True", taint: str = ""
) -> dict[str, Any]:
    conditions = [] if ready is None else [{"type": "Ready", "status": ready}]
    return {
        "metadata": {"name": name},
        "spec": {
            **({"unschedulable": True} if cordoned else {}),
            **({"taints": [{"key": taint, "effect": "NoSchedule"}]} if taint else {}),
        },
        "status": {"conditions": conditions},
    }


@pytest.fixture
def world() -> World:
    found = World.new()
    found.cluster.node_pods = {"a": pod("a")}
    return found


@pytest.mark.parametrize("operation", ["plan", "execute"])
@pytest.mark.parametrize(
    ("other", "why"),
    [
        (other_node("node-2", cordoned=True), "node-2 is cordoned"),
        (other_node("node-2", ready="False"), "node-2 is not ready"),
        (other_node("node-2", ready="Unknown"), "node-2 is not ready"),
        (other_node("node-2", ready=None), "node-2 is not ready"),
        (other_node("node-2", taint="karpenter.sh/disrupted"), "node-2 is being taken away"),
        (other_node("node-2", taint="ToBeDeletedByClusterAutoscaler"), r"\(ToBeDeletedBy"),
        (other_node("node-2", taint="aws-node-termination-handler/spot-itn"), "taken away"),
    ],
)
def test_a_second_node_of_a_group_is_not_drained(
    world: World, operation: str, other: dict[str, Any], why: str
) -> None:
    world.cluster.other_nodes = [other]
    with pytest.raises(ActionRefused, match=why):
        getattr(DRAIN, operation)(node_request(operation), world.services)
    assert world.calls.writes() == []


@pytest.mark.parametrize("action", ["drain_node", "cordon_node"])
def test_the_last_node_of_a_group_that_takes_pods_stays_in_service(
    world: World, action: str
) -> None:
    ready = other_node("node-1")["status"]
    world.cluster.node_raw["status"], world.cluster.other_nodes = ready, []
    for operation in ("plan", "execute"):
        asked = request(action, operation, kind="node", name="node-1")
        with pytest.raises(ActionRefused, match="the last node of its group"):
            getattr(REGISTRY[action], operation)(asked, world.services)
    assert world.calls.writes() == []
    allowed = request(action, kind="node", name="node-1", parameters={"nodes_are_added": True})
    assert REGISTRY[action].execute(allowed, world.services).status == "succeeded"


def test_the_node_itself_may_be_cordoned_or_not_ready(world: World) -> None:
    world.cluster.node_raw["spec"]["unschedulable"] = True
    world.cluster.other_nodes = [other_node("node-2")]
    assert drain(world).status == "succeeded"


@pytest.mark.parametrize(
    ("labels", "selector"),
    [
        (
            {"eks.amazonaws.com/nodegroup": "blue", "karpenter.sh/nodepool": "x"},
            "eks.amazonaws.com/nodegroup=blue",
        ),
        ({"karpenter.sh/nodepool": "spot"}, "karpenter.sh/nodepool=spot"),
        ({"node.kubernetes.io/instance-group": "g"}, "node.kubernetes.io/instance-group=g"),
        (
            {"kubernetes.io/os": "linux"},
            "!eks.amazonaws.com/nodegroup,!karpenter.sh/nodepool,!node.kubernetes.io/instance-group",
        ),
    ],
)
def test_the_group_is_what_the_nodes_labels_say(
    world: World, labels: dict[str, str], selector: str
) -> None:
    world.cluster.node_raw["metadata"]["labels"] = labels
    drain(world)
    assert set(world.cluster.selected) == {selector, ""}  # the group, and where pods could go


def test_of_two_drains_that_looked_at_the_same_moment_none_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    cordon = world.cluster.patch

    def and_another_one_too(*given: Any) -> Any:
        world.cluster.other_nodes = [other_node("node-2", cordoned=True)]
        return cordon(*given)

    monkeypatch.setattr(world.cluster, "patch", and_another_one_too)
    with pytest.raises(ActionRefused, match="node-2 is cordoned"):
        drain(world)
    assert world.cluster.node_raw["spec"] == {}
    assert "deletionTimestamp" not in world.cluster.node_pods["a"]["metadata"]


def test_a_drained_node_stays_so_when_another_one_falls_out(world: World) -> None:
    drain(world)
    world.cluster.other_nodes = [other_node("node-2", ready="False")]
    assert drain(world).status == "succeeded"
    assert world.cluster.node_raw["spec"]["unschedulable"] is True


@pytest.mark.parametrize("error", [AccessDenied("403"), ClusterUnreachable("gone")])
def test_a_group_that_cannot_be_read_forbids_the_drain(world: World, error: Exception) -> None:
    world.calls.fail_at(3, error)  # the node, whoever has a say in its pods, then its group
    with pytest.raises(type(error)):
        drain(world)
    assert world.calls.log == ["get node", "get namespace", "list nodes"]
