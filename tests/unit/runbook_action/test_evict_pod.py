"""evict_pod: the pod that was meant, once, and its replacement is waited for."""

from __future__ import annotations

from typing import Any

import pytest

from runbook_action.actions import REGISTRY
from runbook_action.actions.evict_pod import BUDGET_SECONDS
from runbook_action.errors import (
    ActionRefused,
    ClusterUnreachable,
    RolloutFailed,
    TargetNotFound,
)
from tests.unit.runbook_action.fakes import OTHER_INCIDENT, World, request

EVICT = REGISTRY["evict_pod"]
OWNER = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": "s1"}


def pod(uid: str, name: str = "db-0", ready: str = "True", **more: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "name": name,
            "namespace": "apps",
            "uid": uid,
            "labels": {"app": "db"},
            "ownerReferences": [{**OWNER, "controller": True}],
            **more.pop("metadata", {}),
        },
        "spec": more.pop("spec", {}),
        "status": {"conditions": [{"type": "Ready", "status": ready}], **more.pop("status", {})},
    }


@pytest.fixture
def world() -> World:
    """A StatefulSet whose controller replaces a pod under its own name at the next wait."""
    world = World.new()
    world.cluster.put(
        "statefulset",
        {
            "metadata": {"name": "db", "namespace": "apps", "uid": "s1"},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "db"}}},
        },
    )
    world.cluster.put("pod", pod("p0"), pod("p1", "db-1"))
    world.cluster.at_settling = lambda: replace(world)
    return world


def replace(world: World) -> None:
    for number, found in enumerate(world.cluster.more["pod"]):
        if "deletionTimestamp" in found["metadata"]:
            name = found["metadata"]["name"]
            world.cluster.more["pod"][number] = pod(f"{found['metadata']['uid']}-new", name)


def execute(world: World, **more: Any) -> Any:
    return EVICT.execute(request(EVICT.name, kind="pod", name="db-0", **more), world.services)


def uids(world: World) -> list[str]:
    return [each["metadata"]["uid"] for each in world.cluster.more["pod"]]


def test_it_is_evicted_and_its_replacement_waited_for(world: World) -> None:
    outcome = execute(world, parameters={"grace_period_seconds": 7})
    assert outcome.status == "succeeded"
    assert "StatefulSet db has replaced it" in outcome.summary
    assert uids(world) == ["p0-new", "p1"]


def test_a_repeat_does_not_evict_the_replacement_that_has_the_same_name(world: World) -> None:
    execute(world)
    written = world.calls.writes()
    assert execute(world).status == "succeeded"
    assert world.calls.writes() == written
    assert uids(world) == ["p0-new", "p1"]


def test_another_incident_or_step_may_evict_the_replacement(world: World) -> None:
    execute(world)
    execute(world, incident_id=OTHER_INCIDENT)
    assert uids(world) == ["p0-new-new", "p1"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(1, 7))
def test_a_repeat_after_dying_at_any_call_evicts_one_pod_once(
    world: World, call: int, after: bool
) -> None:
    world.calls.fail_at(call, ClusterUnreachable("gone"), after=after)
    with pytest.raises(ClusterUnreachable):
        execute(world)
    world.cluster.settle()
    assert execute(world).status == "succeeded"
    assert uids(world) == ["p0-new", "p1"]


def test_a_budget_that_keeps_it_is_no_failure_for_good(world: World) -> None:
    world.cluster.budgets["db-0"] = 1
    waits = execute(world)
    assert (waits.status, waits.changed) == ("in_progress", False)
    assert "disruption budget" in waits.summary
    assert execute(world).status == "succeeded"
    assert uids(world) == ["p0-new", "p1"]


def test_a_budget_that_never_lets_it_go_is_named_so_that_a_ladder_goes_on(world: World) -> None:
    world.cluster.budgets["db-0"] = 100
    assert execute(world).status == "in_progress"
    world.services.clock.sleep(BUDGET_SECONDS)
    with pytest.raises(RolloutFailed, match="disruption budget"):
        execute(world)
    assert uids(world) == ["p0", "p1"]
    verify = request(EVICT.name, "verify", kind="pod", name="db-0")
    assert EVICT.verify(verify, world.services).healthy, "it is still one of them"


def test_a_replacement_that_is_not_ready_is_waited_for(world: World) -> None:
    world.cluster.at_settling = lambda: None
    outcome = execute(world)
    assert outcome.status == "in_progress"
    assert "has 1 of 2 ready pods" in outcome.summary
    replace(world)
    assert execute(world).status == "succeeded"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"metadata": {"ownerReferences": []}}, "belongs to no controller"),
        (
            {"metadata": {"ownerReferences": [{**OWNER, "kind": "Job", "controller": True}]}},
            "belongs to Job",
        ),
        (
            {"metadata": {"ownerReferences": [{**OWNER, "kind": "Rollout", "controller": True}]}},
            "belongs to Rollout",
        ),
        ({"metadata": {"annotations": {"kubernetes.io/config.mirror": "x"}}}, "a static pod"),
        ({"status": {"phase": "Succeeded"}}, "it has ended"),
        (
            {"spec": {"volumes": [{"name": "x", "emptyDir": {}}]}},
            r"emptyDir x \(.*\) would be lost",
        ),
    ],
)
def test_what_would_not_be_replaced_or_would_lose_something_is_refused(
    world: World, changed: dict[str, Any], why: str
) -> None:
    world.cluster.more["pod"] = [pod("p0", **changed)]
    for operation in (EVICT.plan, EVICT.execute):
        with pytest.raises(ActionRefused, match=why):
            operation(request(EVICT.name, kind="pod", name="db-0"), world.services)
    assert world.calls.writes() == []


def test_scratch_data_may_be_lost_where_the_runbook_says_so(world: World) -> None:
    world.cluster.more["pod"][0]["spec"] = {"volumes": [{"name": "x", "emptyDir": {}}]}
    assert execute(world, parameters={"delete_emptydir_data": True}).status == "succeeded"


def test_a_pod_that_has_gone_is_not_there(world: World) -> None:
    with pytest.raises(TargetNotFound):
        EVICT.execute(request(EVICT.name, kind="pod", name="db-9"), world.services)


def test_plan_shows_it_and_changes_nothing(world: World) -> None:
    asked = request(EVICT.name, "plan", kind="pod", name="db-0")
    assert [each.after for each in EVICT.plan(asked, world.services).plan] == ["evicted"]
    assert world.calls.writes() == []
    execute(world)
    assert EVICT.plan(asked, world.services).status == "unchanged"


def test_verify_counts_the_ready_pods_of_its_controller_and_undo_has_nothing_to_do(
    world: World,
) -> None:
    verify = request(EVICT.name, "verify", kind="pod", name="db-0")
    assert EVICT.verify(verify, world.services).healthy
    world.cluster.more["pod"][1] = pod("p1", "db-1", ready="False")
    outcome = EVICT.verify(verify, world.services)
    assert outcome.healthy is False
    assert "1 of 2 ready pods" in outcome.summary
    undo = request(EVICT.name, "undo", kind="pod", name="db-0")
    assert EVICT.undo(undo, world.services).status == "unchanged"


def going(world: World, **metadata: Any) -> None:
    """Somebody else deletes db-0."""
    world.cluster.more["pod"][0]["metadata"] |= {
        "deletionTimestamp": "2026-01-02T03:04:05Z",
        **metadata,
    }


@pytest.mark.parametrize("name", ["db-0", "db-0-new"], ids=["stateful set", "replica set"])
def test_a_pod_that_another_one_deletes_is_no_eviction_and_waited_for(
    world: World, name: str
) -> None:
    going(world, finalizers=["example.com/stuck"])
    world.cluster.at_settling = lambda: None
    world.cluster.more["pod"].append(pod("p2", "db-2"))
    asked = {
        each: request(EVICT.name, each, kind="pod", name="db-0") for each in ("plan", "verify")
    }
    for _ in range(2):
        plan = EVICT.plan(asked["plan"], world.services)
        assert (plan.status, "by another's hand" in plan.summary) == ("unchanged", True)
        outcome = execute(world)
        assert (outcome.status, outcome.changed, outcome.plan) == ("unchanged", False, ())
        assert "is being deleted by another's hand: this step evicts nothing" in outcome.summary
        assert not any(each.startswith("evict ") for each in world.calls.writes())
        verified = EVICT.verify(asked["verify"], world.services)
        assert not verified.healthy
        assert "held up by finalizer example.com/stuck" in verified.summary
    world.cluster.more["pod"][0] = pod("p0-new", name)
    assert "has gone by another's hand" in execute(world).summary
    assert EVICT.verify(asked["verify"], world.services).healthy
    assert uids(world) == ["p0-new", "p1", "p2"]


def test_a_pod_that_goes_and_that_nothing_replaces_is_refused(world: World) -> None:
    world.cluster.more["pod"] = [pod("p0", metadata={"ownerReferences": []})]
    going(world)
    for operation in (EVICT.plan, EVICT.execute):
        with pytest.raises(ActionRefused, match="belongs to no controller"):
            operation(request(EVICT.name, kind="pod", name="db-0"), world.services)
