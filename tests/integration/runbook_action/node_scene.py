"""A ready node that the remediation may close and drain."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kubernetes import client

from runbook_action.objects import GROUP_LABELS
from tests.integration.runbook_action.admission.held import REMEDIATION_ACCOUNT
from tests.integration.runbook_action.drain_scene import beside, kept_ready
from tests.integration.runbook_action.support import Place, shipped


@contextmanager
def node_of(place: Place) -> Iterator[str]:
    """Make it, beside another one of its group; the opt-in ClusterRole is installed for it."""
    core = place.core
    rbac: Any = client.RbacAuthorizationV1Api(place.admin)
    name = f"node-of-{place.namespace}"
    rules = shipped("node-remediation/node-remediation-rbac.yaml", "ClusterRole")["rules"]
    # A group of its own: other tests leave nodes behind that nobody runs.
    core.create_node({"metadata": {"name": name, "labels": {GROUP_LABELS[-1]: name}}})
    _grant(rbac, name, rules)
    events = shipped("node-remediation/node-remediation-rbac.yaml", "Role")
    in_default = events["metadata"]["namespace"]
    rbac.create_namespaced_role(in_default, {"metadata": {"name": name}, "rules": events["rules"]})
    rbac.create_namespaced_role_binding(
        in_default,
        {
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [REMEDIATION_ACCOUNT],
        },
    )
    with kept_ready(place, name), beside(place, name):
        # The taints of a node that is not ready come off by themselves: a change under the drain.
        while core.read_node(name).spec.taints:
            time.sleep(0.1)
        yield name
    rbac.delete_namespaced_role_binding(name, in_default)
    rbac.delete_namespaced_role(name, in_default)
    rbac.delete_cluster_role_binding(name)
    rbac.delete_cluster_role(name)
    core.delete_node(name)


def _grant(rbac: Any, name: str, rules: Any) -> None:
    rbac.create_cluster_role({"metadata": {"name": name}, "rules": rules})
    rbac.create_cluster_role_binding(
        {
            "metadata": {"name": name},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": name,
            },
            "subjects": [REMEDIATION_ACCOUNT],
        }
    )
