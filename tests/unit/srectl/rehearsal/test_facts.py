"""What ``validate`` says of facts is what the function finds out."""

from __future__ import annotations

import pytest

from runbook_action.facts import facts_of
from runbook_action.marks import RESTARTED_AT
from runbook_action.request import Request, Target, TargetKind
from srectl.rehearsal.manifests import objects_of
from srectl.rehearsal.world import World
from srectl.runbooks.conditions import FACTS
from tests.unit.srectl.rehearsal.worlds import case_of

SINCE = "2026-01-01T11:00:00Z"
CONTAINERS = [{"name": "c"}]
TEMPLATE = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": CONTAINERS}}
KINDS: dict[TargetKind, str] = {
    "deployment": "Deployment",
    "statefulset": "StatefulSet",
    "daemonset": "DaemonSet",
    "pod": "Pod",
    "node": "Node",
    "horizontalpodautoscaler": "HorizontalPodAutoscaler",
    "job": "Job",
    "persistentvolumeclaim": "PersistentVolumeClaim",
}
GROUPS = {"Pod": "v1", "Node": "v1", "PersistentVolumeClaim": "v1", "Job": "batch/v1"}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_fact_is_known_of_the_kinds_that_validate_says(kind: TargetKind) -> None:
    spelled = KINDS[kind]
    metadata = {"name": "x", **({} if kind == "node" else {"namespace": "apps"})}
    group = "autoscaling/v2" if kind == "horizontalpodautoscaler" else "apps/v1"
    target = {
        "apiVersion": GROUPS.get(spelled, group),
        "kind": spelled,
        "metadata": metadata,
        "spec": {
            "maxReplicas": 3,
            "containers": CONTAINERS,
            "selector": {"matchLabels": {"app": "x"}},
            "template": TEMPLATE,
        },
    }
    kept = "ReplicaSet" if kind == "deployment" else "ControllerRevision"
    revision = {
        "apiVersion": "apps/v1",
        "kind": kept,
        "metadata": {
            "name": "x-1",
            "namespace": "apps",
            "labels": {"app": "x"},
            "annotations": {"deployment.kubernetes.io/revision": "1"},
            "creationTimestamp": SINCE,
            "ownerReferences": [{"kind": spelled, "name": "x"}],
        },
        "revision": 1,
        "spec": {"template": TEMPLATE},
        "data": {"spec": {"template": TEMPLATE}},
    }
    world = World(objects_of([], [target, revision]), case_of())
    namespace = None if kind == "node" else "apps"
    request = Request("plan", "any", Target("c", namespace, kind, "x"), "i", {})
    found = facts_of(request, world.services)
    assert set(found) == {name for name, fact in FACTS.items() if kind in fact.kinds}
    if "last_rollout_age_seconds" in found:
        assert found["last_rollout_age_seconds"] == 3600


@pytest.mark.parametrize("kind", ["deployment", "statefulset"])
def test_a_restart_that_was_undone_makes_no_version_young_in_a_test(kind: TargetKind) -> None:
    """The revisions as a cluster keeps them then, written into a test's manifests."""
    label = {"labels": {"app": "x"}}
    good, bad = ({**TEMPLATE, "spec": {"containers": [{"name": "c", "image": i}]}} for i in "ab")
    restarted = {**bad, "metadata": {**label, "annotations": {RESTARTED_AT: "now"}}}
    revisions = [
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet" if kind == "deployment" else "ControllerRevision",
            "metadata": {
                "name": f"x-{number}",
                "namespace": "apps",
                **label,
                "annotations": {"deployment.kubernetes.io/revision": str(number)},
                "creationTimestamp": made,
                "ownerReferences": [{"kind": KINDS[kind], "name": "x"}],
            },
            **(
                {"spec": {"template": of}}
                if kind == "deployment"
                else {"revision": number, "data": {"spec": {"template": of}}}
            ),
        }
        for number, of, made in (
            (7, good, "2025-12-20T08:00:00Z"),
            (9, restarted, "2026-01-01T11:58:00Z"),
            (10, bad, "2025-12-30T12:00:00Z"),
        )
    ]
    target = {
        "apiVersion": "apps/v1",
        "kind": KINDS[kind],
        "metadata": {"name": "x", "namespace": "apps"},
        "spec": {"selector": {"matchLabels": {"app": "x"}}, "template": bad},
    }
    world = World(objects_of([], [target, *revisions]), case_of())
    request = Request("plan", "any", Target("c", "apps", kind, "x"), "i", {})
    assert facts_of(request, world.services)["last_rollout_age_seconds"] == 2 * 86400
