"""Who may do what in a local cluster, beyond the roles that Kubernetes brings along.

The admin is in ``system:masters``, as the creator of an EKS cluster is. The node agent, Prometheus
and kube-state-metrics get certificates of their own and exactly what they need, so that a mistake
in one shows as a 403 here and not only on a real cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = [
    "ADMIN_GROUP",
    "ADMIN_USER",
    "CONTROLLER_MANAGER_USER",
    "KUBE_STATE_METRICS_USER",
    "NODE_AGENT_USER",
    "PROMETHEUS_USER",
    "SCHEDULER_USER",
    "cluster_roles",
]

ADMIN_USER = "srectl:admin"
ADMIN_GROUP = "system:masters"
CONTROLLER_MANAGER_USER = "system:kube-controller-manager"
SCHEDULER_USER = "system:kube-scheduler"
NODE_AGENT_USER = "srectl:node-agent"
PROMETHEUS_USER = "srectl:prometheus"
KUBE_STATE_METRICS_USER = "srectl:kube-state-metrics"

_WATCH = ("get", "list", "watch")
_RBAC = "rbac.authorization.k8s.io"


def _rule(group: str, resources: Sequence[str], verbs: Sequence[str]) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}


# What a kubelet needs (compare the built-in system:node), without its certificates; and what the
# driver of its volumes needs to make them larger.
_NODE_AGENT_RULES = (
    _rule("", ("nodes",), (*_WATCH, "create", "update", "patch", "delete")),
    _rule("", ("nodes/status", "pods/status"), ("update", "patch")),
    _rule("", ("pods",), (*_WATCH, "delete")),
    _rule("", ("configmaps", "secrets", "services", "serviceaccounts"), _WATCH),
    _rule("", ("serviceaccounts/token",), ("create",)),
    _rule("", ("persistentvolumeclaims",), ("get",)),
    _rule("", ("persistentvolumeclaims/status", "persistentvolumes"), ("patch",)),
    _rule("", ("events",), ("create", "update", "patch")),
    _rule("events.k8s.io", ("events",), ("create", "update", "patch")),
    _rule("coordination.k8s.io", ("leases",), (*_WATCH, "create", "update", "patch", "delete")),
)

# What kubernetes_sd_configs asks for with the roles pod, endpointslice, service and node.
_PROMETHEUS_RULES = (
    _rule("", ("pods", "services", "endpoints", "nodes"), _WATCH),
    _rule("discovery.k8s.io", ("endpointslices",), _WATCH),
)

# What it is started to watch; no secrets and no config maps.
_KUBE_STATE_METRICS_RULES = (
    _rule("", ("pods", "nodes", "persistentvolumeclaims"), ("list", "watch")),
    _rule("apps", ("deployments", "statefulsets", "daemonsets"), ("list", "watch")),
    _rule("batch", ("jobs",), ("list", "watch")),
    _rule("autoscaling", ("horizontalpodautoscalers",), ("list", "watch")),
)


def cluster_roles() -> list[tuple[str, dict[str, Any]]]:
    """List what is created in every new cluster.

    Returns
    -------
    list of (str, dict)
        Collection path in the API, and the object to post there.
    """
    objects: list[tuple[str, dict[str, Any]]] = []
    for name, rules in (
        (NODE_AGENT_USER, _NODE_AGENT_RULES),
        (PROMETHEUS_USER, _PROMETHEUS_RULES),
        (KUBE_STATE_METRICS_USER, _KUBE_STATE_METRICS_RULES),
    ):
        metadata = {"name": name, "labels": {"app.kubernetes.io/managed-by": "srectl"}}
        objects.append(
            (
                f"/apis/{_RBAC}/v1/clusterroles",
                {
                    "apiVersion": f"{_RBAC}/v1",
                    "kind": "ClusterRole",
                    "metadata": metadata,
                    "rules": list(rules),
                },
            )
        )
        objects.append(
            (
                f"/apis/{_RBAC}/v1/clusterrolebindings",
                {
                    "apiVersion": f"{_RBAC}/v1",
                    "kind": "ClusterRoleBinding",
                    "metadata": metadata,
                    "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": name},
                    "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": name}],
                },
            )
        )
    return objects
