"""The shipped Role: each right is needed by an action, and there is none beyond."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from kubernetes import client

from runbook_action.actions import REGISTRY
from runbook_action.errors import AccessDenied
from runbook_action.kubernetes_events import tell_of
from runbook_action.outcome import Outcome
from tests.integration.runbook_action.drain_scene import create_pods, drain_request
from tests.integration.runbook_action.support import Place, shipped

pytestmark = pytest.mark.kubernetes
SCALE = {"step": 1, "max_replicas": 9}


def verify_restart(place: Place) -> None:
    action = REGISTRY["restart_deployment"]
    action.verify(place.request(action.name, "verify"), place.services())


def restart(place: Place) -> None:
    action = REGISTRY["restart_deployment"]
    action.execute(place.request(action.name), place.services(seconds=0))


def plan_rollback(place: Place) -> None:
    action = REGISTRY["rollback_deployment"]
    action.plan(place.request(action.name, "plan"), place.services())


def plan_scale(place: Place) -> None:
    action = REGISTRY["scale_deployment"]
    action.plan(place.request(action.name, "plan", parameters=SCALE), place.services())


def scale_with_autoscaler(place: Place) -> None:
    autoscaling: Any = client.AutoscalingV2Api(place.admin)
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "checkout"}
    autoscaling.create_namespaced_horizontal_pod_autoscaler(
        place.namespace,
        {
            "metadata": {"name": "checkout"},
            "spec": {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 9},
        },
    )
    action = REGISTRY["scale_deployment"]
    action.execute(place.request(action.name, parameters=SCALE), place.services(seconds=0))


def tell_of_restart(place: Place) -> None:
    outcome = Outcome("succeeded", "Restarted.", changed=True)
    tell_of(place.request("restart_deployment"), outcome, place.services())


def drain(place: Place, node: str) -> None:
    create_pods(place, node, ["a"])
    drain_node = REGISTRY["drain_node"]
    drain_node.execute(drain_request(place, node), place.services(seconds=0))


def probe(place: Place) -> Outcome:
    action = REGISTRY["probe_cluster"]
    return action.execute(place.request("probe_cluster"), place.services())


NODE_RIGHTS = [
    ("nodes", "get"),
    ("nodes", "list"),
    ("nodes", "patch"),
    ("pods", "list"),
    ("pods/eviction", "create"),
]
NEEDED_BY: dict[tuple[str, str], Callable[[Place], None]] = {
    ("deployments", "get"): verify_restart,
    ("deployments", "patch"): restart,
    ("pods", "list"): verify_restart,
    ("replicasets", "list"): plan_rollback,
    ("horizontalpodautoscalers", "list"): plan_scale,
    ("horizontalpodautoscalers", "patch"): scale_with_autoscaler,
    ("events", "create"): tell_of_restart,
}


def rules() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shipped("base/remediation-rbac.yaml", "Role")["rules"]
    return copy.deepcopy(found)


def set_rules(place: Place, wanted: list[dict[str, Any]]) -> None:
    rbac: Any = client.RbacAuthorizationV1Api(place.admin)
    rbac.patch_namespaced_role("checkout-remediation", place.namespace, {"rules": wanted})


def test_the_role_grants_exactly_what_the_actions_need() -> None:
    granted = {
        (resource, verb)
        for rule in rules()
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert granted == set(NEEDED_BY)


@pytest.mark.parametrize(("resource", "verb"), list(NEEDED_BY))
def test_without_one_right_the_action_that_needs_it_is_denied(
    place: Place, resource: str, verb: str
) -> None:
    fewer = rules()
    for rule in fewer:
        if resource in rule["resources"]:
            rule["verbs"].remove(verb)
    set_rules(place, [rule for rule in fewer if rule["verbs"]])
    with pytest.raises(AccessDenied, match=rf'cannot {verb} resource "{resource}"'):
        NEEDED_BY[(resource, verb)](place)
    with pytest.raises(AccessDenied, match=f"let remediation {verb} {resource}\\."):
        probe(place)


def test_with_the_shipped_role_the_probe_finds_every_right(place: Place) -> None:
    set_rules(place, rules())
    assert probe(place).status == "unchanged"


def node_rules() -> list[dict[str, Any]]:
    file = "node-remediation/node-remediation-rbac.yaml"
    found: list[dict[str, Any]] = shipped(file, "ClusterRole")["rules"]
    return copy.deepcopy(found)


def test_the_opt_in_role_grants_exactly_what_a_drain_needs() -> None:
    granted = [
        (resource, verb)
        for rule in node_rules()
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]
    assert granted == NODE_RIGHTS


@pytest.mark.parametrize(("resource", "verb"), NODE_RIGHTS)
def test_without_one_right_of_the_opt_in_role_a_drain_is_denied(
    place: Place, node: str, resource: str, verb: str
) -> None:
    fewer = node_rules()
    for rule in fewer:
        if resource in rule["resources"]:
            rule["verbs"].remove(verb)
    rbac: Any = client.RbacAuthorizationV1Api(place.admin)
    rbac.patch_cluster_role(node, {"rules": [rule for rule in fewer if rule["verbs"]]})
    with pytest.raises(AccessDenied, match=rf'cannot {verb} resource "{resource}"'):
        drain(place, node)


def test_without_the_right_in_default_a_drain_cannot_be_told_of(place: Place, node: str) -> None:
    told = drain_request(place, node), Outcome("succeeded", "Drained.", changed=True)
    tell_of(*told, place.services())
    rbac: Any = client.RbacAuthorizationV1Api(place.admin)
    rbac.patch_namespaced_role(node, "default", {"rules": []})
    with pytest.raises(AccessDenied, match=r'cannot create resource "events".*"default"'):
        tell_of(*told, place.services())


@pytest.mark.parametrize(
    ("verb", "group", "resource", "namespace"),
    [
        ("delete", "apps", "deployments", None),
        ("create", "apps", "deployments", None),
        ("update", "apps", "deployments", None),
        ("list", "events.k8s.io", "events", None),
        ("create", "events.k8s.io", "events", "default"),
        ("get", "", "secrets", None),
        ("list", "", "secrets", None),
        ("delete", "", "pods", None),
        ("create", "", "pods/exec", None),
        ("create", "", "pods/eviction", None),
        ("get", "apps", "deployments", "default"),
        ("patch", "apps", "deployments", "kube-system"),
        ("patch", "", "nodes", ""),
        ("create", "rbac.authorization.k8s.io", "rolebindings", None),
    ],
)
def test_nothing_beyond_it_is_allowed(
    unchanged_place: Place, verb: str, group: str, resource: str, namespace: str | None
) -> None:
    place = unchanged_place
    access: Any = client.AuthorizationV1Api(place.admin)
    name, _, subresource = resource.partition("/")
    review = access.create_subject_access_review(
        {
            "spec": {
                "user": "system:serviceaccount:apps:checkout-remediation",
                "resourceAttributes": {
                    "verb": verb,
                    "group": group,
                    "resource": name,
                    "subresource": subresource,
                    "namespace": place.namespace if namespace is None else namespace,
                },
            }
        }
    )
    assert not review.status.allowed
