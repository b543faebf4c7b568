"""What tests grant the account of remediation, and how all of it ends with their place.

The account is one for all tests, on one API server: what one of them leaves granted for the whole
cluster, the next one has as well.
"""

from __future__ import annotations

from typing import Any

from kubernetes import client

from tests.integration.runbook_action.admission.held import REMEDIATION_ACCOUNT

_API = "rbac.authorization.k8s.io"


def grant(admin: Any, place: str, name: str, rules: Any, *, namespace: str = "") -> None:
    """Bind rules to the account.

    Parameters
    ----------
    admin
        The API as its admin.
    place
        Namespace of the place that they end with.
    name
        Of the role and its binding.
    rules
        As a role has them.
    namespace
        Where they hold; without it in the whole cluster.
    """
    rbac: Any = client.RbacAuthorizationV1Api(admin)
    kind = "Role" if namespace else "ClusterRole"
    named = {"metadata": {"name": name, "labels": {"granted-for": place}}}
    role = {**named, "rules": rules}
    binding = {
        **named,
        "roleRef": {"apiGroup": _API, "kind": kind, "name": name},
        "subjects": [REMEDIATION_ACCOUNT],
    }
    if namespace:
        rbac.create_namespaced_role(namespace, role)
        rbac.create_namespaced_role_binding(namespace, binding)
    else:
        rbac.create_cluster_role(role)
        rbac.create_cluster_role_binding(binding)


def take_back(admin: Any, place: str) -> None:
    """Take away what was granted beyond a place: for the cluster, and in namespace ``default``."""
    rbac: Any = client.RbacAuthorizationV1Api(admin)
    granted = {"label_selector": f"granted-for={place}"}
    rbac.delete_collection_cluster_role_binding(**granted)
    rbac.delete_collection_cluster_role(**granted)
    rbac.delete_collection_namespaced_role_binding("default", **granted)
    rbac.delete_collection_namespaced_role("default", **granted)
