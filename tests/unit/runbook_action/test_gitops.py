"""Whose a field is, by its managers and by the marks of GitOps tools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from runbook_action.errors import ActionRefused
from runbook_action.gitops import (
    MANAGERS,
    Decided,
    Source,
    asks_a_human,
    decided_in_git,
    has_a_source,
    refuse_what_git_decides,
    said_in,
    source_of,
)
from runbook_action.objects import KubernetesObject
from runbook_action.outcome import Change, Outcome
from runbook_action.reverted import FIELD_MANAGER

REPLICAS: dict[str, Any] = {"f:spec": {"f:replicas": {}}}
IMAGE: dict[str, Any] = {
    "f:spec": {
        "f:template": {
            "f:spec": {"f:containers": {'k:{"name":"checkout"}': {".": {}, "f:image": {}}}}
        }
    }
}
TRACKED = {"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:apps/checkout"}}
FLUX = {"labels": {"kustomize.toolkit.fluxcd.io/name": "shop"}}
ON_IMAGE = "spec.template.spec.containers[checkout].image"


def entry(manager: str, fields: Mapping[str, Any], **more: str) -> dict[str, Any]:
    return {"manager": manager, "fieldsV1": fields, **more}


def deployment(*entries: Mapping[str, Any], **metadata: Any) -> KubernetesObject:
    about = {"name": "checkout", "namespace": "apps", "managedFields": list(entries), **metadata}
    return KubernetesObject({"kind": "Deployment", "metadata": about})


@pytest.mark.parametrize("manager", sorted(MANAGERS))
def test_a_field_of_a_tools_manager_is_git_s(manager: str) -> None:
    found = deployment(entry(manager, REPLICAS))
    assert has_a_source(found)
    assert source_of(found, "spec.replicas") == Source(MANAGERS[manager], "", manager)


@pytest.mark.parametrize(
    ("found", "field", "who"),
    [
        # Git leaves the replicas out, whatever marks the object has.
        (deployment(entry("argocd-controller", IMAGE), **TRACKED), "spec.replicas", None),
        (deployment(entry("argocd-controller", IMAGE), **TRACKED), ON_IMAGE, "Argo CD (shop)"),
        (deployment(entry("argocd-controller", IMAGE)), "spec.template", "Argo CD"),
        (
            deployment(entry("argocd-controller", IMAGE)),
            "spec.template.metadata.annotations[kubectl.kubernetes.io/restartedAt]",
            None,
        ),
        # A tool of an unknown name: in doubt it is Git's.
        (deployment(entry("argo-apply", REPLICAS), **TRACKED), "spec.replicas", "Argo CD (shop)"),
        (deployment(entry("gitops", REPLICAS), **FLUX), "spec.replicas", "Flux (shop)"),
        # What we wrote, or a controller that follows the spec, says nothing of Git.
        (deployment(entry(FIELD_MANAGER, REPLICAS), **TRACKED), "spec.replicas", None),
        (deployment(entry("kube-controller-manager", REPLICAS), **TRACKED), "spec.replicas", None),
        # A status is nobody's decision.
        (
            deployment(entry("argocd-controller", REPLICAS, subresource="status")),
            "spec.replicas",
            None,
        ),
        # Helm sets it, too.
        (
            deployment(entry("helm", REPLICAS), labels={"app.kubernetes.io/instance": "shop"}),
            "spec.replicas",
            None,
        ),
        (deployment(entry("kubectl-client-side-apply", REPLICAS)), "spec.replicas", None),
        (deployment(), "spec.replicas", None),
    ],
)  # fmt: skip
def test_whose_a_field_is(found: KubernetesObject, field: str, who: str | None) -> None:
    source = source_of(found, field)
    assert (None if source is None else str(source)) == who


def test_a_name_that_is_no_name_is_not_repeated() -> None:
    mark = {"annotations": {"argocd.argoproj.io/tracking-id": "<script>:apps/Deployment:a/b"}}
    found = deployment(entry("argocd-controller", REPLICAS), **mark)
    assert str(source_of(found, "spec.replicas")) == "Argo CD"


def change(field: str = "spec.replicas", name: str = "apps/checkout") -> Change:
    return Change("Deployment", name, field, 3, 5)


def test_only_changes_of_what_was_read_are_looked_at() -> None:
    found = deployment(entry("argocd-controller", REPLICAS))
    changes = [change(), change(name="apps/other"), change("spec.paused")]
    assert [each.change for each in decided_in_git(changes, [found])] == [change()]
    rolled = deployment(entry("argocd-controller", IMAGE))
    assert list(decided_in_git([change("revision")], [rolled]))


DECIDED = [Decided(change(), Source("Flux", "flux-system/shop", "kustomize-controller"))]


@pytest.mark.parametrize(
    ("policy", "approved", "acts"),
    [
        ("act", False, True),
        ("ask", True, True),
        ("ask", False, False),
        ("escalate", False, False),
        # A human who approves a step does not decide for the deployment.
        ("escalate", True, False),
    ],
)
def test_what_the_policy_lets_be_done(policy: Any, approved: bool, acts: bool) -> None:
    refuse_what_git_decides([], policy, approved=approved)
    if acts:
        refuse_what_git_decides(DECIDED, policy, approved=approved)
        return
    with pytest.raises(ActionRefused) as refused:
        refuse_what_git_decides(DECIDED, policy, approved=approved)
    told = str(refused.value)
    assert told.startswith(
        "spec.replicas of Deployment apps/checkout is decided in Git, by Flux (flux-system/shop): "
        "change it there from 3 to 5. Nothing was done"
    )
    assert f"GitOpsPolicy, which is {policy}" in told


def test_a_human_is_asked_where_the_policy_says_so_and_git_decides() -> None:
    planned = Outcome("planned", "raise the replicas from 3 to 5.")
    told = said_in(planned, DECIDED)
    assert asks_a_human(told, "ask")
    assert not asks_a_human(told, "act")
    assert not asks_a_human(planned, "ask")


def test_a_plan_says_what_of_it_git_decides() -> None:
    planned = Outcome("planned", "raise the replicas from 3 to 5.")
    assert said_in(planned, []) is planned
    told = said_in(planned, DECIDED)
    assert told.summary == (
        "raise the replicas from 3 to 5. spec.replicas of Deployment apps/checkout is decided in "
        "Git, by Flux (flux-system/shop): it will be reverted at its next look."
    )
    assert told.details["decided_in_git"] == [
        {"field": "spec.replicas", "by": "Flux (flux-system/shop)"}
    ]
