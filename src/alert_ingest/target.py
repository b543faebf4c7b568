"""Which deployment or node the labels point at.

Labels `namespace` and `deployment` name a deployment; else label `node` names a node. A value that
Kubernetes would not accept as a name (RFC 1123, as in its object naming rules) gives no target
rather than a cleaned-up guess: without a target the runbook escalates instead of acting.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from alert_ingest.model import Target

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_DNS_SUBDOMAIN = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
)
# Longer than any cluster name (EKS: 100). It is never defaulted or repaired: a cluster label that
# is wrong must be refused by the runbook's allow-list, not replaced by the default cluster.
_CLUSTER_LIMIT = 256
# One more than any name may have: enough to see that it is too long.
_NAME_LIMIT = 254


def target_of(labels: Mapping[str, str]) -> tuple[Target, str | None]:
    """Find the target in an alert's labels.

    Returns
    -------
    tuple
        The target, and a note for the log if labels were there but unusable.
    """
    return _target(
        labels.get("cluster", "").strip()[:_CLUSTER_LIMIT] or None,
        labels.get("namespace", "").strip()[:_NAME_LIMIT],
        labels.get("deployment", "").strip()[:_NAME_LIMIT],
        labels.get("node", "").strip()[:_NAME_LIMIT],
    )


def is_name(text: str) -> bool:
    """Tell whether Kubernetes would accept a text as the name of an object."""
    return bool(_DNS_SUBDOMAIN.fullmatch(text))


def is_namespace(text: str) -> bool:
    """Tell whether Kubernetes would accept a text as the name of a namespace."""
    return bool(_DNS_LABEL.fullmatch(text))


@lru_cache(256)  # the alerts of a group are often about one target
def _target(
    cluster: str | None, namespace: str, deployment: str, node: str
) -> tuple[Target, str | None]:
    if namespace and deployment:
        if _DNS_LABEL.fullmatch(namespace) and _DNS_SUBDOMAIN.fullmatch(deployment):
            return Target(cluster, namespace, "deployment", deployment), None
        return Target(cluster), "labels namespace and deployment are no Kubernetes names: no target"
    if node:
        if _DNS_SUBDOMAIN.fullmatch(node):
            return Target(cluster, None, "node", node), None
        return Target(cluster), "label node is no Kubernetes name: no target"
    if namespace and _DNS_LABEL.fullmatch(namespace):
        return Target(cluster, namespace), None
    return Target(cluster), None
