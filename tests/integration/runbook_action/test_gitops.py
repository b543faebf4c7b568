"""Fields that Git decides, on a real API server, with a second writer that heals itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from runbook_action.actions import REGISTRY
from runbook_action.errors import ActionRefused
from runbook_action.gitops import Policy
from runbook_action.operate import operate
from runbook_action.outcome import Outcome
from runbook_action.request import Operation
from tests.integration.runbook_action.support import Place
from tests.support.waiting import eventually

pytestmark = pytest.mark.kubernetes
BY_STEP = {"step": 2, "max_replicas": 10}
APPLY = "application/apply-patch+yaml"
ARGO = "argocd-controller"
FLUX = {
    "kustomize.toolkit.fluxcd.io/name": "shop",
    "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
}


def desired(place: Place, *, replicas: bool, **metadata: Any) -> dict[str, Any]:
    """Return what Git has of the Deployment, with or without its replicas."""
    spec = place.apps.api_client.sanitize_for_serialization(place.deployment())["spec"]
    kept = {name: spec[name] for name in ("selector", "template")}
    kept["template"]["metadata"].pop("creationTimestamp", None)
    if replicas:
        kept["replicas"] = 3
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "checkout", "namespace": place.namespace, **metadata},
        "spec": kept,
    }


def apply(place: Place, wanted: Mapping[str, Any], manager: str) -> None:
    """Server-side apply, which takes the fields from whoever had them."""
    place.apps.patch_namespaced_deployment(
        "checkout",
        place.namespace,
        wanted,
        field_manager=manager,
        force=True,
        _content_type=APPLY,
    )


def tracked(place: Place) -> dict[str, Any]:
    mark = f"shop:apps/Deployment:{place.namespace}/checkout"
    return {"annotations": {"argocd.argoproj.io/tracking-id": mark}}


@contextmanager
def healing(place: Place, wanted: Mapping[str, Any], manager: str) -> Iterator[None]:
    """Put back whatever Git decides, again and again, as selfHeal does."""
    stop = threading.Event()

    def heal() -> None:
        while not stop.wait(0.3):
            apply(place, wanted, manager)

    thread = threading.Thread(target=heal, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)


def scale(
    place: Place, operation: Operation = "execute", policy: Policy = "escalate", **more: Any
) -> Outcome:
    services = replace(place.services(), git_policy=policy, **more)
    request = place.request("scale_deployment", operation, parameters=BY_STEP)
    return operate(REGISTRY["scale_deployment"], request, services)


def test_what_git_decides_is_left_alone_and_the_change_to_make_there_is_told(place: Place) -> None:
    apply(place, desired(place, replicas=True, **tracked(place)), ARGO)
    before = place.deployment().metadata.generation
    operations: tuple[Operation, ...] = ("plan", "execute")
    for operation in operations:
        with pytest.raises(ActionRefused) as refused:
            scale(place, operation)
        told = str(refused.value)
        assert f"spec.replicas of Deployment {place.namespace}/checkout is decided in Git" in told
        assert "by Argo CD (shop): change it there from 3 to 5" in told
    assert place.deployment().metadata.generation == before


def test_where_git_leaves_the_replicas_out_they_may_be_changed(place: Place) -> None:
    apply(place, desired(place, replicas=False, **tracked(place)), ARGO)
    with healing(place, desired(place, replicas=False, **tracked(place)), ARGO):
        outcome = scale(place)
    assert outcome.status == "succeeded", outcome.summary
    assert place.deployment().spec.replicas == 5


def test_an_image_of_git_is_not_rolled_back_behind_its_back(place: Place) -> None:
    wanted = desired(place, replicas=False, **tracked(place))
    wanted["spec"]["template"]["spec"]["containers"][0]["image"] = "none/later:1"
    apply(place, wanted, ARGO)
    place.wait_until_ready()
    rollback = place.request("rollback_deployment", "plan")
    with pytest.raises(ActionRefused, match="change it there from none/later:1 to none/none:1"):
        operate(REGISTRY["rollback_deployment"], rollback, place.services())


def test_the_platform_may_act_for_a_time_and_says_who_took_it_back(place: Place) -> None:
    wanted = desired(place, replicas=True, labels=FLUX)
    apply(place, wanted, "kustomize-controller")
    planned = scale(place, "plan", "act")
    assert planned.status == "planned"
    assert "is decided in Git, by Flux (flux-system/shop): it will be reverted" in planned.summary
    scale(place, policy="act")
    assert place.deployment().spec.replicas == 5
    with healing(place, wanted, "kustomize-controller"):
        eventually("Git has it back", lambda: place.deployment().spec.replicas == 3)
        judged = scale(place, "verify", "act")
    assert judged.healthy is False
    assert "reverted by kustomize-controller" in judged.summary


def test_a_human_may_approve_what_the_plan_says_of_git(place: Place) -> None:
    apply(place, desired(place, replicas=True, **tracked(place)), ARGO)
    assert "is decided in Git, by Argo CD (shop)" in scale(place, "plan", "ask").summary
    with pytest.raises(ActionRefused, match="a human has to approve the plan"):
        scale(place, policy="ask")
    assert place.deployment().spec.replicas == 3
    assert scale(place, policy="ask", approved=True).status == "succeeded"
    assert place.deployment().spec.replicas == 5
