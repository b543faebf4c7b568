"""Deployments, StatefulSets and DaemonSets: restarted, rolled back and scaled by the same code."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, get_args

import pytest

from runbook_action.actions import REGISTRY
from runbook_action.errors import (
    ActionRefused,
    ClusterRejected,
    InvalidRequest,
    NamespaceEnding,
    RolloutFailed,
)
from runbook_action.kinds import KINDS, KindWord
from runbook_action.objects import VIEWS, Workload, view
from runbook_action.request import TargetKind, parse_request
from runbook_action.rollout import assess
from runbook_action.stuck_pods import kept_words, release_stuck
from tests.unit.runbook_action.fakes import INCIDENT, World, request

KIND_OF: list[tuple[str, TargetKind]] = [
    ("restart_workload", "deployment"),
    ("restart_workload", "statefulset"),
    ("restart_workload", "daemonset"),
    ("rollback_workload", "deployment"),
    ("rollback_workload", "statefulset"),
    ("scale_workload", "deployment"),
    ("scale_workload", "statefulset"),
]
PARAMETERS: dict[str, dict[str, Any]] = {"scale_workload": {"step": 2, "max_replicas": 9}}
CRASHING = {
    "name": "main",
    "restartCount": 4,
    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
}


def template(image: str) -> dict[str, Any]:
    return {
        "metadata": {"labels": {"app": "checkout"}},
        "spec": {"containers": [{"name": "main", "image": image}]},
    }


def world_of(kind: TargetKind) -> World:
    world = World.new(kind=kind)
    world.cluster.raw["spec"]["template"] = template("main:2")
    if kind == "deployment":
        world.cluster.raw["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "2"}
    for number in (1, 2):
        held = {"spec": {"template": template(f"main:{number}")}}
        metadata = {
            "name": f"checkout-{number}",
            "namespace": "apps",
            "labels": {"app": "checkout"},
            "ownerReferences": [{"uid": "u1", "controller": True}],
        }
        if kind == "deployment":
            annotations = {"deployment.kubernetes.io/revision": str(number)}
            world.cluster.history.append(
                {"metadata": {**metadata, "annotations": annotations}} | held
            )
        else:
            held["spec"]["template"]["$patch"] = "replace"
            world.cluster.history.append({"metadata": metadata, "revision": number, "data": held})
    world.cluster.settle()
    return world


@pytest.mark.parametrize(("what", "kind"), KIND_OF)
def test_it_is_done_once_and_told_of_by_the_kinds_own_name(what: str, kind: TargetKind) -> None:
    world = world_of(kind)
    action = REGISTRY[what]
    asked = request(action.name, kind=kind, parameters=PARAMETERS.get(what))
    outcome = action.execute(asked, world.services)
    assert outcome.status == "succeeded"
    assert {change.kind for change in outcome.plan} == {KINDS[kind].kind}
    found = world.cluster.raw["spec"]
    assert (found["replicas"], found["template"]["spec"]["containers"][0]["image"]) == {
        "restart_workload": (3, "main:2"),
        "rollback_workload": (3, "main:1"),
        "scale_workload": (5, "main:2"),
    }[what]
    assert "$patch" not in found["template"]
    written = world.calls.writes()
    assert action.execute(asked, world.services).status == "succeeded"
    assert world.calls.writes() == written


@pytest.mark.parametrize("kind", ["deployment", "statefulset"])
def test_an_undone_rollback_goes_forward_again(kind: TargetKind) -> None:
    world = world_of(kind)
    action = REGISTRY["rollback_workload"]
    undo = action.execute(request(action.name, kind=kind), world.services).undo
    assert undo is not None
    assert undo.parameters["from_revision"] == 2
    asked = request(action.name, "undo", kind=kind, undo=undo.parameters)
    assert action.undo(asked, world.services).status == "succeeded"
    spec = world.cluster.raw["spec"]["template"]["spec"]
    assert spec["containers"][0]["image"] == "main:2"


@pytest.mark.parametrize("what", ["restart", "rollback", "scale"])
def test_the_older_names_take_deployments_only(what: str) -> None:
    event = {
        "operation": "plan",
        "action": f"{what}_deployment",
        "target": {"cluster": None, "namespace": "apps", "kind": "statefulset", "name": "db"},
        "parameters": PARAMETERS.get(f"{what}_workload", {}),
        "incident_id": INCIDENT,
    }
    with pytest.raises(InvalidRequest, match="must be deployment for action"):
        parse_request(event, REGISTRY, frozenset({"apps"}))


@pytest.mark.parametrize(
    ("kind", "spec", "why"),
    [
        ("statefulset", {"updateStrategy": {"type": "OnDelete"}}, "OnDelete"),
        ("daemonset", {"updateStrategy": {"type": "OnDelete"}}, "OnDelete"),
        (
            "statefulset",
            {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}},
            "partition 2",
        ),
    ],
)
def test_what_would_never_roll_by_itself_is_refused(
    kind: TargetKind, spec: dict[str, Any], why: str
) -> None:
    world = world_of(kind)
    world.cluster.raw["spec"].update(spec)
    with pytest.raises(ActionRefused, match=why):
        REGISTRY["restart_workload"].execute(request("restart_workload", kind=kind), world.services)
    assert world.calls.writes() == []


@pytest.mark.parametrize("kind", ["statefulset", "daemonset"])
def test_one_pod_at_a_time_is_what_must_stay_ready_is_judged_by(kind: TargetKind) -> None:
    world = world_of(kind)
    asked = request("restart_workload", kind=kind, parameters={"min_ready": 3})
    with pytest.raises(ActionRefused, match="may leave 2 of 3"):
        REGISTRY["restart_workload"].execute(asked, world.services)
    asked = request("restart_workload", kind=kind, parameters={"min_ready": 2})
    REGISTRY["restart_workload"].execute(asked, world.services)


@pytest.mark.parametrize(
    ("kind", "changed", "progress"),
    [
        ("statefulset", {"observedGeneration": 0}, "waiting for its controller to see"),
        ("statefulset", {"updatedReplicas": 1}, "1 of 3 new pods created"),
        ("statefulset", {"availableReplicas": 2}, "2 of 3 new pods available"),
        ("statefulset", {"currentRevision": "old"}, "call the rollout complete"),
        ("daemonset", {"updatedNumberScheduled": 2}, "2 of 3 new pods created"),
        ("daemonset", {"numberAvailable": 1}, "1 of 3 new pods available"),
    ],
)
def test_a_rollout_is_complete_only_when_its_own_counts_say_so(
    kind: TargetKind, changed: dict[str, Any], progress: str
) -> None:
    world = world_of(kind)
    raw = copy.deepcopy(world.cluster.raw)
    assert assess(Workload({"kind": KINDS[kind].kind, **raw})).complete
    raw["status"].update(changed)
    state = assess(Workload({"kind": KINDS[kind].kind, **raw}))
    assert not state.complete
    assert progress in state.progress


def stuck_statefulset() -> World:
    world = world_of("statefulset")
    for number, pod in enumerate(world.cluster.pod_list):
        pod["metadata"]["ownerReferences"] = [{"uid": "u1", "controller": True}]
        pod["metadata"]["labels"]["controller-revision-hash"] = "new" if number == 2 else "old"
        pod["status"]["containerStatuses"] = [CRASHING] if number else []
    return world


def test_a_broken_pod_of_an_earlier_revision_no_longer_holds_up_a_statefulset() -> None:
    world = stuck_statefulset()
    release_stuck(world.services, world.cluster.workload("statefulset", "apps", "checkout"))
    # Not the first, which runs, and not the last, which is of the new revision.
    assert world.calls.writes() == ["evict checkout-1"]


def test_a_budget_that_keeps_a_broken_pod_is_asked_again() -> None:
    world = stuck_statefulset()
    world.cluster.budgets["checkout-1"] = 1
    read = world.cluster.workload("statefulset", "apps", "checkout")
    kept = release_stuck(world.services, read)
    assert kept == {"apps/checkout-1": "The disruption budget checkout needs 2 healthy pods"}
    assert release_stuck(world.services, read) == {}
    assert world.calls.writes() == ["evict checkout-1", "evict checkout-1"]


def test_a_broken_pod_that_two_budgets_select_is_kept_and_fails_no_step() -> None:
    world = stuck_statefulset()
    world.cluster.refusals["checkout-1"] = ClusterRejected("500, more than one. Merge them.")
    read = world.cluster.workload("statefulset", "apps", "checkout")
    assert release_stuck(world.services, read) == {
        "apps/checkout-1": "500, more than one. Merge them"
    }


def test_a_broken_pod_of_an_ending_namespace_fails_the_step() -> None:
    world = stuck_statefulset()
    world.cluster.refusals["checkout-1"] = NamespaceEnding("403")
    with pytest.raises(NamespaceEnding):
        release_stuck(world.services, world.cluster.workload("statefulset", "apps", "checkout"))


def test_more_pods_that_are_kept_than_can_be_named_are_counted() -> None:
    words = kept_words({f"apps/db-{number}": "why" for number in range(5)})
    assert words.count("cannot be evicted (why)") == 3
    assert words.endswith("; 2 more pods do, too")
    assert kept_words({}) == ""


def unready(world: World, seconds: Mapping[int, float]) -> None:
    """Let pods run without being ready for so long; the others are ready."""
    for number, pod in enumerate(world.cluster.pod_list):
        since = world.clock.time - timedelta(seconds=seconds.get(number, 3600))
        ready = {"type": "Ready", "status": "False" if number in seconds else "True"}
        ready["lastTransitionTime"] = since.strftime("%Y-%m-%dT%H:%M:%SZ")
        pod["status"] = {"phase": "Running", "conditions": [ready]}
        pod["metadata"]["labels"]["controller-revision-hash"] = "old"


@pytest.mark.parametrize(
    ("seconds", "evicted"),
    [
        ({2: 61}, ["evict checkout-2"]),
        ({2: 59}, []),
        # The controller waits for the first of them, and one at a time is enough.
        ({1: 61, 2: 300}, ["evict checkout-1"]),
        ({1: 10, 2: 300}, []),
        ({}, []),
    ],
)
def test_a_pod_that_runs_and_is_not_ready_no_longer_holds_up_a_statefulset(
    seconds: dict[int, float], evicted: list[str]
) -> None:
    world = stuck_statefulset()
    unready(world, seconds)
    read = world.cluster.workload("statefulset", "apps", "checkout")
    release_stuck(world.services, read)
    assert world.calls.writes() == evicted


def test_a_step_that_adds_pods_evicts_none_that_is_only_not_ready() -> None:
    world = stuck_statefulset()
    unready(world, {1: 600})
    read = world.cluster.workload("statefulset", "apps", "checkout")
    release_stuck(world.services, read, whole=False)
    assert world.calls.writes() == []


def test_one_that_is_new_and_not_ready_is_waited_for() -> None:
    world = stuck_statefulset()
    unready(world, {0: 600, 1: 600})
    world.cluster.pod_list[0]["metadata"]["labels"]["controller-revision-hash"] = "new"
    read = world.cluster.workload("statefulset", "apps", "checkout")
    release_stuck(world.services, read)
    assert world.calls.writes() == []


def test_a_pod_that_no_node_takes_no_longer_holds_up_a_statefulset() -> None:
    world = stuck_statefulset()
    unready(world, {1: 600})
    made = world.clock.time - timedelta(seconds=600)
    pod = world.cluster.pod_list[1]
    pod["metadata"]["creationTimestamp"] = made.strftime("%Y-%m-%dT%H:%M:%SZ")
    pod["status"] = {"phase": "Pending"}
    read = world.cluster.workload("statefulset", "apps", "checkout")
    release_stuck(world.services, read)
    assert world.calls.writes() == ["evict checkout-1"]


@pytest.mark.parametrize("case", ["unseen", "of another", "only collected with it"])
def test_no_pod_is_evicted_that_the_rollout_does_not_wait_for(case: str) -> None:
    world = stuck_statefulset()
    if case == "unseen":
        world.cluster.raw["status"]["observedGeneration"] = 0
    else:
        owner = {"uid": "another", "controller": True} if case == "of another" else {"uid": "u1"}
        world.cluster.pod_list[1]["metadata"]["ownerReferences"] = [owner]
    release_stuck(world.services, world.cluster.workload("statefulset", "apps", "checkout"))
    assert world.calls.writes() == []


@pytest.mark.parametrize(
    "strategy",
    [{"type": "OnDelete"}, {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}],
    ids=["OnDelete", "partition"],
)
def test_no_pod_is_evicted_that_a_human_holds_back(strategy: dict[str, Any]) -> None:
    world = stuck_statefulset()
    world.cluster.raw["spec"]["updateStrategy"] = strategy
    release_stuck(world.services, world.cluster.workload("statefulset", "apps", "checkout"))
    assert world.calls.writes() == []


def test_new_pods_that_crash_are_a_failed_rollout_and_are_not_evicted() -> None:
    world = world_of("statefulset")
    world.cluster.stuck, world.cluster.pod_faults = True, CRASHING
    world.cluster.settle()
    with pytest.raises(RolloutFailed, match="CrashLoopBackOff"):
        REGISTRY["restart_workload"].execute(
            request("restart_workload", kind="statefulset"), world.services
        )
    assert world.calls.writes() == ["patch template"]


def test_every_kind_has_a_word_that_is_its_name_in_small_letters() -> None:
    assert set(KINDS) == set(get_args(KindWord))
    assert all(known.kind.lower() == word for word, known in KINDS.items())
    assert set(get_args(TargetKind)) <= set(KINDS)
    assert set(VIEWS) <= set(KINDS)
    assert view("node", {"metadata": {"name": "n"}}).kind == "node"
