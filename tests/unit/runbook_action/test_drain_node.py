"""drain_node: what is evicted, what stays, what forbids it, and what happens at the deadline."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from runbook_action import marks
from runbook_action.actions import REGISTRY
from runbook_action.decided import plan_hash
from runbook_action.errors import (
    AccessDenied,
    ActionRefused,
    ChangeReverted,
    ClusterRejected,
    ClusterUnreachable,
    NamespaceEnding,
    RolloutFailed,
    TargetNotFound,
)
from tests.unit.runbook_action.drains import DRAIN, drain, node_request, pod
from tests.unit.runbook_action.fakes import INCIDENT, OTHER_INCIDENT, World, request

EMPTY_DIR = [{"name": "cache", "emptyDir": {}}]
STAYING = [
    pod("logs", "DaemonSet", volumes=EMPTY_DIR),
    pod("proxy", None, annotations={"kubernetes.io/config.mirror": "x"}),
    pod("job", "Job", phase="Succeeded", volumes=EMPTY_DIR),
]


@pytest.fixture
def world() -> World:
    world = World.new()
    pods = [pod("a"), pod("b", "StatefulSet"), *STAYING]
    world.cluster.node_pods = {each["metadata"]["name"]: each for each in pods}
    return world


def test_execute_cordons_evicts_and_leaves_what_must_stay(world: World) -> None:
    outcome = drain(world)
    assert outcome.status == "succeeded"
    assert set(world.cluster.node_pods) == {"logs", "proxy", "job"}
    assert world.cluster.node_raw["spec"]["unschedulable"] is True
    annotations = world.cluster.node_raw["metadata"]["annotations"]
    assert annotations["sre-platform/incident-id"] == INCIDENT
    assert outcome.details["left"] == {
        "apps/logs": "its DaemonSet would put it back",
        "apps/proxy": "a static pod: only the node itself can end it",
        "apps/job": "finished: it holds nothing",
    }
    assert outcome.undo.parameters == {"cordoned_before": False}


@pytest.mark.parametrize(
    ("extra", "why", "allow"),
    [
        (pod("bare", None), "no controller", {"evict_unmanaged": True}),
        (pod("cached", volumes=EMPTY_DIR), "emptyDir", {"delete_emptydir_data": True}),
    ],
)
def test_what_would_be_lost_forbids_the_drain_unless_allowed(
    world: World, extra: dict[str, Any], why: str, allow: dict[str, Any]
) -> None:
    name = extra["metadata"]["name"]
    world.cluster.node_pods[name] = extra
    with pytest.raises(ActionRefused, match=f"apps/{name}: .*{why}"):
        drain(world)
    assert world.cluster.node_raw["spec"] == {}, "refused before the cordon"
    assert drain(world, **allow).status == "succeeded"
    assert name not in world.cluster.node_pods


def test_scratch_in_memory_or_with_a_limit_is_no_data_and_is_said(world: World) -> None:
    """As of the shipped checkout, and of the operator's Prometheus."""
    volumes = [
        {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}},
        {"name": "config-out", "emptyDir": {"medium": "Memory"}},
        {"name": "work", "emptyDir": {"sizeLimit": "1Gi"}},
    ]
    world.cluster.node_pods["checkout"] = pod("checkout", volumes=volumes)
    lost = {
        "apps/checkout": "scratch tmp (in memory and at most 64Mi), scratch config-out (in memory)"
        ", scratch work (at most 1Gi)"
    }
    plan = DRAIN.plan(node_request("plan"), world.services)
    assert plan.details["lost"] == lost
    assert f"which loses: apps/checkout {lost['apps/checkout']}" in plan.summary
    outcome = drain(world)
    assert (outcome.status, outcome.details["lost"]) == ("succeeded", lost)


def test_data_that_may_be_lost_is_named_in_the_plan_that_a_human_is_shown(world: World) -> None:
    world.cluster.node_pods["a"] = pod("a", volumes=[{"name": "db", "emptyDir": None}])
    plan = DRAIN.plan(node_request("plan", delete_emptydir_data=True), world.services)
    assert "which loses: apps/a emptyDir db (on disk, without a limit)" in plan.summary


SILENT = {"conditions": [{"type": "Ready", "status": "Unknown"}]}


def overdue(world: World, name: str) -> None:
    world.cluster.node_pods[name] = pod(name)
    ends = "2026-11-23T15:14:00Z"  # before the clock's time
    world.cluster.node_pods[name]["metadata"]["deletionTimestamp"] = ends
    world.cluster.lingering.add(name)


def test_of_a_node_whose_kubelet_is_silent_overdue_pods_count_as_gone(world: World) -> None:
    world.cluster.node_raw["status"] = SILENT
    overdue(world, "dead")
    outcome = drain(world, deadline_seconds=30)
    assert outcome.status == "succeeded"
    assert "kubelet is silent" in outcome.details["left"]["apps/dead"]
    assert "terminate its instance" in outcome.summary
    assert DRAIN.verify(node_request("verify"), world.services).healthy
    back = DRAIN.undo(node_request("undo"), world.services)
    assert (back.status, world.leases.kept) == ("unchanged", {})
    assert world.cluster.node_raw["spec"]["unschedulable"] is True


def test_a_silent_node_stays_cordoned_at_the_deadline(world: World) -> None:
    world.cluster.node_raw["status"] = SILENT
    world.cluster.budgets = {"a": 1000}
    with pytest.raises(RolloutFailed, match="stays cordoned: its kubelet is silent"):
        drain(world, deadline_seconds=30)
    assert world.cluster.node_raw["spec"]["unschedulable"] is True


def test_an_overdue_pod_of_a_node_that_answers_is_waited_for(world: World) -> None:
    overdue(world, "slow")
    world.clock.seconds_left = 5
    assert drain(world).details["remaining"] == ["apps/slow"]


def test_a_pod_of_an_ending_namespace_is_named_and_skipped(world: World) -> None:
    world.cluster.refusals = {"a": NamespaceEnding("403")}
    began = world.clock.time
    outcome = drain(world)
    assert outcome.status == "succeeded"
    assert "apps/a (its namespace is ending" in outcome.summary
    assert (world.clock.time - began).total_seconds() < 5, "not waited for"


def test_a_pod_that_two_budgets_select_is_named_at_once_and_the_others_leave(world: World) -> None:
    world.cluster.refusals = {"a": ClusterRejected("more than one PodDisruptionBudget")}
    began = world.clock.time
    with pytest.raises(RolloutFailed, match=r"apps/a \(more than one PodDisruptionBudget"):
        drain(world)
    assert set(world.cluster.node_pods) == {"a", "logs", "proxy", "job"}
    assert (world.clock.time - began).total_seconds() < 5, "not asked until the deadline"
    assert world.calls.log.count("evict a") == 1


def test_a_pod_that_two_budgets_select_is_named_beside_one_that_stayed_to_the_deadline(
    world: World,
) -> None:
    world.cluster.refusals = {"a": ClusterRejected("more than one PodDisruptionBudget")}
    world.cluster.budgets = {"b": 1000}
    named = r"^2 pods were .*apps/a \(more than one .*; apps/b \(The disruption budget checkout"
    with pytest.raises(RolloutFailed, match=named):
        drain(world, deadline_seconds=30)


def test_a_pod_that_two_budgets_select_counts_while_the_drain_goes_on(world: World) -> None:
    world.cluster.refusals = {"a": ClusterRejected("more than one PodDisruptionBudget")}
    world.cluster.budgets = {"b": 1000}
    world.clock.seconds_left = 5
    outcome = drain(world)
    assert outcome.summary == "node node-1 is cordoned; 2 pods are still on it."
    assert outcome.details["remaining"] == ["apps/a", "apps/b"]


def test_a_pod_that_two_budgets_select_and_somebody_else_deletes_is_not_named(
    world: World,
) -> None:
    world.cluster.refusals = {"a": ClusterRejected("more than one PodDisruptionBudget")}
    world.cluster.budgets = {"b": 3}
    world.cluster.at_settling = lambda: world.cluster.node_pods.pop("a", None)
    assert drain(world).status == "succeeded"


def test_who_uncordons_the_node_in_the_middle_stops_the_drain_and_is_named(world: World) -> None:
    world.cluster.budgets = {"a": 1000}

    def uncordon() -> None:
        world.cluster.written_by(
            "node-shepherd", world.cluster.node_raw, "spec", unschedulable=None
        )

    world.cluster.at_settling = uncordon
    with pytest.raises(ChangeReverted, match="open to pods: reverted by node-shepherd"):
        drain(world)
    said = DRAIN.verify(node_request("verify"), world.services)
    assert (said.healthy, "reverted by node-shepherd" in said.summary) == (False, True)


def opened(world: World) -> None:
    world.cluster.written_by("node-shepherd", world.cluster.node_raw, "spec", unschedulable=None)


def test_who_opens_the_node_is_named_also_at_the_deadline(world: World) -> None:
    world.cluster.budgets = {"a": 1000}
    world.clock.seconds_left = 10
    drain(world, deadline_seconds=30)
    world.clock.time += timedelta(seconds=60)
    world.clock.seconds_left = 10
    world.cluster.at_settling = lambda: opened(world)
    with pytest.raises(ChangeReverted, match="open to pods: reverted by node-shepherd"):
        drain(world, deadline_seconds=30)
    # At the very last look, too.
    world = World.new()
    world.cluster.node_pods = {"a": pod("a")}
    world.cluster.refusals = {"a": ClusterRejected("more than one PodDisruptionBudget")}
    evict = world.cluster.evict

    def then_opened(*args: Any) -> None:
        opened(world)
        evict(*args)

    world.cluster.evict = then_opened  # type: ignore[assignment,method-assign]  # a human is as quick
    with pytest.raises(ChangeReverted, match="reverted by node-shepherd"):
        drain(world)


def test_a_node_that_somebody_opened_is_not_refused_for_its_group(world: World) -> None:
    world.cluster.budgets = {"a": 1000}
    world.clock.seconds_left = 10
    assert drain(world).status == "in_progress"
    opened(world)
    short = {"metadata": {"name": "node-9", "uid": "n9"}, "spec": {"unschedulable": True}}
    world.cluster.other_nodes = [short]
    evictions = world.calls.log.count("evict a")
    with pytest.raises(ChangeReverted, match="reverted by node-shepherd"):
        drain(world)
    assert world.calls.log.count("evict a") == evictions


def test_a_budget_is_waited_for(world: World) -> None:
    world.cluster.budgets = {"a": 5}
    assert drain(world).status == "succeeded"
    assert world.cluster.budgets == {"a": 0}


def test_at_the_deadline_the_node_is_uncordoned_and_the_budget_named(world: World) -> None:
    world.cluster.budgets = {"a": 1000}
    with pytest.raises(
        RolloutFailed, match=r"apps/a \(The disruption budget checkout .*uncordoned"
    ):
        drain(world, deadline_seconds=30)
    assert world.cluster.node_raw["spec"] == {}
    assert not any(
        key.startswith("sre-platform/") for key in world.cluster.node_raw["metadata"]["annotations"]
    )


def test_a_node_that_was_cordoned_before_stays_cordoned(world: World) -> None:
    world.cluster.node_raw["spec"]["unschedulable"] = True
    world.cluster.budgets = {"a": 1000}
    with pytest.raises(RolloutFailed, match="The node is cordoned as before"):
        drain(world, deadline_seconds=30)
    assert world.cluster.node_raw["spec"]["unschedulable"] is True


def test_a_drain_that_outlasts_the_call_goes_on_with_its_first_deadline(world: World) -> None:
    world.cluster.budgets = {"a": 1000}
    world.clock.seconds_left = 20
    first = drain(world, deadline_seconds=30)
    assert first.status == "in_progress"
    assert first.details["remaining"] == ["apps/a"]
    assert "disruption budget" in first.details["blocked"]["apps/a"]
    assert first.undo.parameters == {"cordoned_before": False}
    world.clock.seconds_left = 90
    with pytest.raises(RolloutFailed):
        drain(world, deadline_seconds=30)
    assert world.clock.seconds_left > 70, "the deadline counts from the first call"


@pytest.mark.parametrize("began", ["2026-11-23", "9999-12-31T23:59:59+00:00", "soon", None])
def test_a_beginning_that_somebody_garbled_is_now(world: World, began: object) -> None:
    world.cluster.budgets = {"a": 1000}
    before = {"cordoned_before": False, "began_at": began}
    world.cluster.node_raw["metadata"]["annotations"] = {
        marks.INCIDENT_ID: INCIDENT,
        marks.PREVIOUS: json.dumps({"1": {"action": "drain_node", "before": before}}),
    }
    world.cluster.node_raw["spec"]["unschedulable"] = True
    with pytest.raises(RolloutFailed, match="1 pods were still on"):
        drain(world, deadline_seconds=30)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", [1, 2])
def test_a_repeat_after_dying_at_any_call_drains_and_knows_the_undo(
    world: World, call: int, after: bool
) -> None:
    world.calls.fail_at(call, ClusterUnreachable("gone"), after=after)
    with pytest.raises(ClusterUnreachable):
        drain(world)
    outcome = drain(world)
    assert outcome.status == "succeeded"
    assert outcome.undo.parameters == {"cordoned_before": False}


def test_the_grace_period_is_passed_on(world: World) -> None:
    world.clock.seconds_left = 0
    drain(world, grace_period_seconds=7)
    assert world.cluster.node_pods["a"]["metadata"]["grace"] == 7


def test_undo_uncordons_what_this_incident_cordoned(world: World) -> None:
    undo = drain(world).undo.parameters
    outcome = DRAIN.undo(node_request("undo", undo=undo), world.services)
    assert (outcome.status, outcome.changed) == ("succeeded", True)
    assert world.cluster.node_raw["spec"] == {}
    again = DRAIN.undo(node_request("undo", undo=undo), world.services)
    assert again.status == "unchanged"


def test_undo_leaves_a_node_cordoned_that_was_cordoned_before(world: World) -> None:
    world.cluster.node_raw["spec"]["unschedulable"] = True
    undo = drain(world).undo.parameters
    assert DRAIN.undo(node_request("undo", undo=undo), world.services).status == "unchanged"
    assert world.cluster.node_raw["spec"]["unschedulable"] is True


def test_the_last_of_two_incidents_lets_pods_on_the_node_again(world: World) -> None:
    drain(world)
    other = {"incident_id": OTHER_INCIDENT}
    DRAIN.execute(node_request("execute", **other), world.services)
    kept = DRAIN.undo(node_request("undo"), world.services)
    assert kept.status == "unchanged"
    assert f"stays cordoned: held by {OTHER_INCIDENT}, too" in kept.summary
    assert world.cluster.node_raw["spec"] == {"unschedulable": True}
    assert DRAIN.undo(node_request("undo", **other), world.services).status == "succeeded"
    assert world.cluster.node_raw["spec"] == {}
    assert world.leases.kept == {}


@pytest.mark.parametrize("comes_back", [False, True])
@pytest.mark.parametrize("first", ["drain_node", "cordon_node"])
def test_a_node_whose_kubelet_is_silent_stays_closed_whoever_lets_go_last(
    world: World, first: str, comes_back: bool
) -> None:
    ready = world.cluster.node_raw.get("status")
    drain(world, delete_emptydir_data=True)
    cordon = REGISTRY["cordon_node"]

    def cordoned(operation: Any) -> Any:
        about: dict[str, Any] = {"kind": "node", "name": "node-1", "incident_id": OTHER_INCIDENT}
        return getattr(cordon, operation)(request(cordon.name, operation, **about), world.services)

    cordoned("execute")
    world.cluster.node_raw["status"] = {"conditions": [{"type": "Ready", "status": "Unknown"}]}
    undo = node_request("undo", {"cordoned_before": False})
    if first == "cordon_node":
        cordoned("undo")
    outcome = DRAIN.undo(undo, world.services)
    assert "stays cordoned: its kubelet is silent" in outcome.summary
    if comes_back:
        world.cluster.node_raw["status"] = ready
    assert cordoned("undo").status == "unchanged"
    assert DRAIN.undo(undo, world.services).status == "unchanged"
    assert world.cluster.node_raw["spec"]["unschedulable"] is True
    assert world.leases.kept == {}


def test_plan_lists_the_cordon_and_every_eviction(world: World) -> None:
    outcome = DRAIN.plan(node_request("plan"), world.services)
    assert [(change.kind, change.name) for change in outcome.plan] == [
        ("Node", "node-1"),
        ("Pod", "apps/a"),
        ("Pod", "apps/b"),
    ]
    assert world.calls.writes() == []
    drain(world)
    assert DRAIN.plan(node_request("plan"), world.services).status == "unchanged"


def test_verify_wants_the_node_cordoned_and_empty(world: World) -> None:
    before = DRAIN.verify(node_request("verify"), world.services)
    assert before.healthy is False
    assert "not cordoned; 2 pods are left: apps/a, apps/b" in before.summary
    drain(world)
    assert DRAIN.verify(node_request("verify"), world.services).healthy


def test_without_the_opt_in_role_the_error_says_what_to_install(world: World) -> None:
    world.cluster.forbidden = True
    with pytest.raises(AccessDenied, match="opt-in ClusterRole"):
        drain(world)


def test_a_node_that_does_not_exist_is_not_found(world: World) -> None:
    with pytest.raises(TargetNotFound):
        DRAIN.execute(request(DRAIN.name, kind="node", name="node-9"), world.services)


def test_a_job_that_ends_meanwhile_makes_no_other_plan_of_it(world: World) -> None:
    """Who has approved the drain of a node with CronJobs would be asked again each time."""
    approved = plan_hash(DRAIN.plan(node_request("plan"), world.services))
    world.cluster.node_pods["job-2"] = pod("job-2", "Job", phase="Failed")
    now = DRAIN.plan(node_request("plan"), world.services)
    assert plan_hash(now) == approved
    assert "apps/job-2" in now.details["left"]
    world.cluster.node_pods["c"] = pod("c")
    assert plan_hash(DRAIN.plan(node_request("plan"), world.services)) != approved
