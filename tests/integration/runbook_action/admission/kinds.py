"""Kinds that remediation makes, changes and deletes nothing of, as one write each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kubernetes import client

from tests.integration.runbook_action.admission.scene import (
    REGISTRIES,
    Scene,
    spec_of_a_workload,
    template,
)

KIND = "nothing of this kind"

FORBIDDEN_KINDS: dict[str, tuple[str, Callable[[Scene], Any]]] = {
    "a deployment": (
        KIND,
        lambda scene: scene.api(client.AppsV1Api).create_namespaced_deployment(
            scene.namespace, {"metadata": {"name": "x"}, **spec_of_a_workload()}, dry_run="All"
        ),
    ),
    "the end of a deployment": (
        KIND,
        lambda scene: scene.api(client.AppsV1Api).delete_namespaced_deployment(
            "checkout", scene.namespace, dry_run="All"
        ),
    ),
    "a pod": (
        KIND,
        lambda scene: scene.core.create_namespaced_pod(
            scene.namespace, {"metadata": {"name": "x"}, "spec": template()["spec"]}, dry_run="All"
        ),
    ),
    "a secret": (
        KIND,
        lambda scene: scene.core.create_namespaced_secret(
            scene.namespace, {"metadata": {"name": "x"}}, dry_run="All"
        ),
    ),
    "the status of a deployment": (
        KIND,
        lambda scene: scene.api(client.AppsV1Api).patch_namespaced_deployment_status(
            "checkout", scene.namespace, {"status": {"collisionCount": 9}}, dry_run="All"
        ),
    ),
    "the status of a node": (
        KIND,
        lambda scene: scene.core.patch_node_status(
            scene.namespace, {"status": {"capacity": {"cpu": "99"}}}, dry_run="All"
        ),
    ),
    "a job's deletion": (
        KIND,
        lambda scene: scene.api(client.BatchV1Api).delete_namespaced_job(
            "checkout", scene.namespace, dry_run="All"
        ),
    ),
    "who leads": (
        KIND,
        lambda scene: scene.api(client.CoordinationV1Api).create_namespaced_lease(
            scene.namespace, {"metadata": {"name": "leader"}}, dry_run="All"
        ),
    ),
    "the namespace's list of registries": (
        KIND,
        lambda scene: scene.core.patch_namespace(
            scene.namespace,
            {"metadata": {"annotations": {REGISTRIES: "evil.example"}}},
            dry_run="All",
        ),
    ),
    "a token": (
        KIND,
        lambda scene: scene.core.create_namespaced_service_account_token(
            "default", scene.namespace, {"spec": {"audiences": []}}, dry_run="All"
        ),
    ),
    "a binding of roles": (
        KIND,
        lambda scene: scene.api(client.RbacAuthorizationV1Api).create_cluster_role_binding(
            {
                "metadata": {"name": "x"},
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": "ClusterRole",
                    "name": "cluster-admin",
                },
            },
            dry_run="All",
        ),
    ),
}
