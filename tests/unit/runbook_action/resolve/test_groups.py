"""A kind is known by its API group, too, and what is managed by somebody else is left to them."""

from __future__ import annotations

from typing import Any

import pytest

from runbook_action.errors import TargetAmbiguous
from runbook_action.kinds import KindWord
from tests.unit.runbook_action.resolve.scene import (
    from_alert,
    owner,
    pod,
    resolved,
    runbook,
    scene,
    stored,
    thing,
)

APPS = {"namespace": "apps"}
# An owner reference of an operator that does not call itself the controller.
OPERATOR = {"apiVersion": "pg.io/v1", "kind": "Cluster", "name": "pg", "uid": "p"}


@pytest.mark.parametrize(
    ("name", "scaled"),
    [
        ("shop", "Rollout shop (argoproj.io/v1alpha1)"),
        ("lookalike", "Deployment checkout (example.com/v1)"),
    ],
)
def test_an_autoscaler_of_something_else_is_refused_with_what_it_scales(
    name: str, scaled: str
) -> None:
    named = {**APPS, "kind": "horizontalpodautoscaler", "name": name}
    for target in (named, from_alert("horizontalpodautoscaler")):
        with pytest.raises(TargetAmbiguous) as caught:
            resolved(scene(), runbook(target), {**APPS, "horizontalpodautoscaler": name})
        assert f"HorizontalPodAutoscaler apps/{name} scales {scaled}" in str(caught.value)


def test_an_autoscaler_of_nothing_is_refused() -> None:
    world = scene()
    stored(world, "horizontalpodautoscaler", "checkout")["spec"].pop("scaleTargetRef")
    target = {**APPS, "kind": "horizontalpodautoscaler", "name": "checkout"}
    with pytest.raises(TargetAmbiguous, match="scales nothing"):
        resolved(world, runbook(target), {})


@pytest.mark.parametrize(
    ("kind", "label", "raw"),
    [
        ("job", "job_name", thing("odd", owner("CronJob", "odd", "o", "example.com/v1"))),
        ("job", "job_name", thing("odd", OPERATOR)),
        ("deployment", "deployment", thing("odd", OPERATOR)),
        ("deployment", "deployment", thing("odd", owner("StatefulSet", "db", "uid-db"))),
        ("statefulset", "statefulset", thing("odd", OPERATOR)),
        ("daemonset", "daemonset", thing("odd", OPERATOR)),
        ("persistentvolumeclaim", "persistentvolumeclaim", thing("odd", OPERATOR)),
        (
            "horizontalpodautoscaler",
            "horizontalpodautoscaler",
            thing(
                "odd",
                OPERATOR,
                spec={
                    "scaleTargetRef": {
                        "apiVersion": "apps/v1",
                        "kind": "Deployment",
                        "name": "checkout",
                    }
                },
            ),
        ),
        ("pod", "pod", pod("odd", OPERATOR)),
        ("pod", "pod", pod("odd", owner("ReplicaSet", "checkout-1", "x", "example.com/v1"))),
    ],
)
def test_what_somebody_elses_resource_owns_is_not_the_target_of_an_alert(
    kind: KindWord, label: str, raw: dict[str, Any]
) -> None:
    world = scene()
    world.cluster.put(kind, raw)
    reference = raw["metadata"]["ownerReferences"][0]
    with pytest.raises(TargetAmbiguous) as caught:
        resolved(world, runbook(from_alert(kind)), {**APPS, label: "odd"})
    assert f"{reference['kind']} {reference['name']}" in str(caught.value)
    assert reference["apiVersion"] in str(caught.value)


@pytest.mark.parametrize("above", ["pod", "replicaset"])
def test_a_pod_of_an_operator_that_is_no_controller_leads_to_no_workload(above: KindWord) -> None:
    world = scene()
    chain = pod("odd-a", OPERATOR)
    if above == "replicaset":
        world.cluster.put("replicaset", thing("odd", OPERATOR))
        chain = pod("odd-a", owner("ReplicaSet", "odd", "uid-odd"))
    world.cluster.put("pod", chain)
    for kind in ("workload", "deployment"):
        with pytest.raises(TargetAmbiguous, match=r"belongs to Cluster pg \(pg.io/v1\)"):
            resolved(world, runbook(from_alert(kind)), {**APPS, "pod": "odd-a"})


def test_a_claim_that_is_its_statefulsets_by_reference_is_expanded() -> None:
    world = scene()
    claim = stored(world, "persistentvolumeclaim", "data-db-0")
    claim["metadata"]["ownerReferences"] = [
        {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": "uid-db"}
    ]
    labels = {**APPS, "persistentvolumeclaim": "data-db-0"}
    answer = resolved(world, runbook(from_alert("persistentvolumeclaim")), labels)
    assert answer["target"]["name"] == "data-db-0"
