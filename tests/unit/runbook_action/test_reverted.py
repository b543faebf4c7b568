"""A change that somebody takes back is named, never called done, and never made again."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from runbook_action.actions import REGISTRY
from runbook_action.current_pods import current_pods
from runbook_action.errors import ActionRefused, ChangeReverted, ClusterUnreachable
from runbook_action.objects import KubernetesObject
from runbook_action.reverted import reverted_by
from tests.unit.runbook_action.fakes import World, request
from tests.unit.runbook_action.revisions import revision, template

ARGO = "argocd-controller"
RAISE: dict[str, Any] = {"step": 2, "max_replicas": 9}
Taken = Callable[[World], None]


def world_of(kind: Any = "deployment") -> World:
    """Revision 2 is broken, 1 is good."""
    world = World.new(kind=kind)
    raw = world.cluster.raw
    raw["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "2"}
    raw["spec"]["template"] = template("shop:bad")
    kept = [revision(1, template("shop:good")), revision(2, template("shop:bad"))]
    for number, each in enumerate(kept, start=1):
        each["revision"] = number
        each["data"] = {"spec": each["spec"]}
        each["metadata"]["labels"]["controller-revision-hash"] = f"h{number}"
    world.cluster.history = kept
    return world


def broken_again(world: World) -> None:
    """Git's template is put back; what is not in Git, our marks among it, is left there."""
    containers = template("shop:bad")["spec"]["containers"]
    world.cluster.written_by(
        ARGO, world.cluster.raw, "spec", "template", "spec", containers=containers
    )


def not_restarted(world: World) -> None:
    world.cluster.written_by(
        ARGO, world.cluster.raw, "spec", "template", "metadata", annotations={}
    )


def fewer(world: World) -> None:
    world.cluster.written_by(ARGO, world.cluster.raw, "spec", replicas=3)


KINDS: list[tuple[str, Any, dict[str, Any], Taken]] = [
    *(("rollback_workload", kind, {}, broken_again) for kind in ("deployment", "statefulset")),
    *(
        ("restart_workload", kind, {}, not_restarted)
        for kind in ("deployment", "statefulset", "daemonset")
    ),
    *(("scale_workload", kind, RAISE, fewer) for kind in ("deployment", "statefulset")),
]


@pytest.mark.parametrize(("action", "kind", "parameters", "take_back"), KINDS)
def test_what_is_taken_back_while_it_rolls_is_reverted_by_its_manager_and_not_done_again(
    action: str, kind: Any, parameters: dict[str, Any], take_back: Taken
) -> None:
    world = world_of(kind)
    world.cluster.stuck = True
    world.clock.seconds_left = 0.5
    asked = request(action, kind=kind, parameters=parameters)
    assert REGISTRY[action].execute(asked, world.services).status == "in_progress"
    take_back(world)
    world.cluster.stuck = False
    world.cluster.settle()
    written = world.calls.writes()
    with pytest.raises(ChangeReverted, match=f"reverted by {ARGO}"):
        REGISTRY[action].execute(asked, world.services)
    seen = REGISTRY[action].verify(
        request(action, "verify", kind=kind, parameters=parameters), world.services
    )
    assert seen.healthy is False
    assert f"reverted by {ARGO}" in seen.summary
    REGISTRY[action].undo(request(action, "undo", kind=kind), world.services)
    assert world.calls.writes() == written, "nobody is fought"


def test_it_is_noticed_within_the_very_call_that_made_it() -> None:
    world = world_of()
    world.cluster.stuck = True
    world.cluster.at_settling = lambda: broken_again(world)
    with pytest.raises(ChangeReverted, match=f"reverted by {ARGO}"):
        REGISTRY["rollback_workload"].execute(request("rollback_workload"), world.services)


def test_an_autoscalers_minimum_that_keda_lowers_is_not_raised_again() -> None:
    world = World.new()
    world.cluster.hpa = hpa()
    world.cluster.stuck = True
    world.clock.seconds_left = 0.5
    asked = request("scale_workload", parameters=RAISE)
    action = REGISTRY["scale_workload"]
    assert action.execute(asked, world.services).status == "in_progress"
    world.cluster.written_by("keda", world.cluster.hpa, "spec", minReplicas=2)
    with pytest.raises(ChangeReverted, match="reverted by keda"):
        action.execute(asked, world.services)
    assert world.cluster.hpa["spec"]["minReplicas"] == 2
    assert action.undo(request("scale_workload", "undo"), world.services).status == "unchanged"
    assert world.leases.kept == {}


def test_an_autoscalers_maximum_that_is_lowered_again_is_named() -> None:
    world = World.new()
    world.cluster.hpa = hpa()
    action = REGISTRY["raise_autoscaler_maximum"]
    more: dict[str, Any] = {
        "kind": "horizontalpodautoscaler",
        "parameters": {**RAISE, "max_replicas": 99},
    }
    action.execute(request(action.name, **more), world.services)
    world.cluster.written_by("keda", world.cluster.hpa, "spec", maxReplicas=1)
    with pytest.raises(ChangeReverted, match="is 1: reverted by keda"):
        action.execute(request(action.name, **more), world.services)
    seen = action.verify(request(action.name, "verify", **more), world.services)
    assert "reverted by keda" in seen.summary


@pytest.mark.parametrize(
    ("action", "to"), [("cordon_node", None), ("uncordon_node", True)], ids=["opened", "closed"]
)
def test_a_cordon_that_is_switched_back_is_named(action: str, to: bool | None) -> None:
    world = World.new()
    world.cluster.node_raw["status"] = {"conditions": [{"type": "Ready", "status": "True"}]}
    if to:
        world.cluster.node_raw["spec"] = {"unschedulable": True}
    asked = request(action, kind="node", name="node-1")
    REGISTRY[action].execute(asked, world.services)
    world.cluster.written_by("kubectl-cordon", world.cluster.node_raw, "spec", unschedulable=to)
    with pytest.raises(ChangeReverted, match="reverted by kubectl-cordon"):
        REGISTRY[action].execute(asked, world.services)
    seen = REGISTRY[action].verify(
        request(action, "verify", kind="node", name="node-1"), world.services
    )
    assert "reverted by kubectl-cordon" in seen.summary


def test_the_lease_of_a_parameter_that_is_set_back_is_not_called_done() -> None:
    world = World.new()
    world.cluster.stuck = True
    world.clock.seconds_left = 0.5
    action, asked = REGISTRY["enable_degraded_mode"], request("enable_degraded_mode")
    assert action.execute(asked, world.services).status == "in_progress"
    world.parameters.values["/checkout/degraded_mode"] = "false"
    world.cluster.stuck = False
    with pytest.raises(ChangeReverted, match="reverted by whoever set /checkout/degraded_mode"):
        action.execute(asked, world.services)


def test_a_switch_off_between_a_call_that_died_and_its_repeat_is_left_alone() -> None:
    action, asked = REGISTRY["enable_degraded_mode"], request("enable_degraded_mode")
    world = World.new()
    world.calls.fail_at(8, ClusterUnreachable("gone"))  # at the restart
    with pytest.raises(ClusterUnreachable):
        action.execute(asked, world.services)
    assert world.parameters.values["/checkout/degraded_mode"] == "true"
    world.parameters.values["/checkout/degraded_mode"] = "false"
    with pytest.raises(ActionRefused, match="somebody has chosen"):
        action.execute(asked, world.services)
    assert world.parameters.values["/checkout/degraded_mode"] == "false"


@pytest.mark.parametrize("action", ["restart_workload", "rollback_workload"])
def test_a_template_that_lost_the_marks_of_this_step_is_not_changed_again(action: str) -> None:
    world = world_of()
    world.cluster.stuck = True
    world.clock.seconds_left = 0.5
    assert REGISTRY[action].execute(request(action), world.services).status == "in_progress"
    found = world.cluster.raw["spec"]["template"]["metadata"]
    found["annotations"] = {"sre-platform/restarted-for": "an earlier incident/1"}
    written = world.calls.writes()
    with pytest.raises(ChangeReverted):
        REGISTRY[action].execute(request(action), world.services)
    assert world.calls.writes() == written


@pytest.mark.parametrize(
    "action", ["restart_workload", "rollback_workload", "enable_degraded_mode"]
)
@pytest.mark.parametrize("marked", [True, False], ids=["marked", "its marks went with it"])
def test_what_a_rollout_undo_took_back_is_not_done_again(action: str, marked: bool) -> None:
    """``kubectl rollout undo`` of a Deployment puts the annotations of the revision, too."""
    world = world_of()
    world.cluster.stuck = True
    world.clock.seconds_left = 0.5
    before = copy.deepcopy(world.cluster.raw)
    assert REGISTRY[action].execute(request(action), world.services).status == "in_progress"
    left = world.cluster.raw["spec"]["template"]
    world.cluster.history.append(revision(5, left))
    world.cluster.written_by(
        "kubectl-rollout", world.cluster.raw, "spec", template=before["spec"]["template"]
    )
    if not marked:
        world.cluster.raw["metadata"]["annotations"] = before["metadata"]["annotations"]
    state, written = world.state(), world.calls.writes()
    with pytest.raises(ChangeReverted, match="reverted by kubectl-rollout"):
        REGISTRY[action].execute(request(action), world.services)
    assert (world.state(), world.calls.writes()) == (state, written)


def test_what_was_chosen_after_a_call_died_is_not_overwritten_by_its_second_repeat_either() -> None:
    action, asked = REGISTRY["enable_degraded_mode"], request("enable_degraded_mode")
    world = World.new()
    world.calls.fail_at(8, ClusterUnreachable("gone"))  # at the restart
    with pytest.raises(ClusterUnreachable):
        action.execute(asked, world.services)
    world.parameters.values["/checkout/degraded_mode"] = "false"
    for _ in range(2):
        with pytest.raises(ActionRefused, match="somebody has chosen"):
            action.execute(asked, world.services)
    assert world.parameters.values["/checkout/degraded_mode"] == "false"
    assert world.leases.kept == {}


@pytest.mark.parametrize("autoscaled", [False, True])
def test_a_deployment_at_no_replicas_is_never_scaled_up(autoscaled: bool) -> None:
    world = World.new(replicas=0)
    if autoscaled:
        world.cluster.hpa = hpa()
    for operation in ("plan", "execute"):
        asked = request("scale_workload", operation, parameters=RAISE)
        with pytest.raises(ActionRefused, match="scaled to 0 replicas"):
            getattr(REGISTRY["scale_workload"], operation)(asked, world.services)
    assert world.calls.writes() == []


@pytest.mark.parametrize("kind", ["deployment", "statefulset", "daemonset"])
def test_a_crashing_pod_of_a_cronjob_with_the_same_labels_is_not_ours(kind: Any) -> None:
    world = World.new(kind=kind)
    world.cluster.put("pod", crashing("report-1", owner="a job", hash_="new"))
    asked = request("restart_workload", kind=kind)
    assert REGISTRY["restart_workload"].execute(asked, world.services).status == "succeeded"
    seen = REGISTRY["restart_workload"].verify(
        request("restart_workload", "verify", kind=kind), world.services
    )
    assert seen.healthy, seen.summary


@pytest.mark.parametrize(("kind", "lists"), [("deployment", 2), ("statefulset", 1)])
def test_what_tells_the_current_pods_is_read_though_the_change_is_not_seen_yet(
    kind: Any, lists: int
) -> None:
    """So that a right that is missing shows at the first look, on a slow cluster, too."""
    world = World.new(kind=kind)
    world.cluster.raw["status"]["observedGeneration"] = 0
    workload = world.cluster.workload(kind, "apps", "checkout")
    assert current_pods(world.cluster, workload) == []
    assert len(world.cluster.selected) == lists


def hpa() -> dict[str, Any]:
    return {
        "metadata": {"name": "checkout", "namespace": "apps", "resourceVersion": "1"},
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "checkout"},
            "minReplicas": 2,
            "maxReplicas": 9,
        },
    }


def crashing(name: str, owner: str, hash_: str) -> dict[str, Any]:
    waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
    return {
        "metadata": {
            "name": name,
            "namespace": "apps",
            "labels": {"app": "checkout", "controller-revision-hash": hash_},
            "ownerReferences": [{"uid": owner, "kind": "Job", "controller": True}],
        },
        "status": {"containerStatuses": [{"name": "c", "restartCount": 9, "state": waiting}]},
    }


def entry(manager: str, time: str, *path: str, subresource: str = "") -> dict[str, Any]:
    fields: dict[str, Any] = {}
    within = fields
    for key in path:
        within = within.setdefault(f"f:{key}", {})
    return {"manager": manager, "time": time, "fieldsV1": fields, "subresource": subresource}


OURS = entry("sre-platform-runbook-action", "2026-11-23T15:00:00Z", "metadata")


@pytest.mark.parametrize(
    ("entries", "who"),
    [
        ([OURS, entry("flux", "2026-11-23T14:00:00Z", "spec", "replicas")], "flux"),
        (
            [entry("old", "1", "spec", "replicas"), entry("kubectl", "2", "spec", "replicas")],
            "kubectl",
        ),
        # A field that was removed is nobody's.
        ([OURS, entry("helm", "2026-11-23T15:01:00Z", "metadata")], "helm"),
        ([OURS, entry("helm", "2026-11-23T14:01:00Z", "metadata")], "somebody"),
        ([OURS, entry("kubelet", "2026-11-23T15:01:00Z", subresource="status")], "somebody"),
        ([OURS, entry("kube-controller-manager", "2026-11-23T15:01:00Z", "spec")], "somebody"),
        ([], "somebody"),
    ],
)
def test_who_it_was_stands_in_the_managed_fields(entries: list[Any], who: str) -> None:
    found = KubernetesObject({"kind": "Deployment", "metadata": {"managedFields": entries}})
    assert reverted_by(found, "spec", "replicas").startswith(f"reverted by {who}")
