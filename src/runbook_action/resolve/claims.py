"""Who uses a claim of storage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from runbook_action.errors import TargetAmbiguous, TargetNotFound
from runbook_action.objects import KubernetesObject, Pod
from runbook_action.ports import Cluster
from runbook_action.resolve.owners import Owner, name_of, owner_of_pod


def pods_using(cluster: Cluster, namespace: str, claim: str) -> Sequence[Pod]:
    """List the pods that hold a claim: those that have ended hold nothing."""
    found = (cast(Pod, each) for each in cluster.list("pod", namespace, ""))
    return [pod for pod in found if uses(pod, claim) and not pod.finished]


def uses(pod: Pod, claim: str) -> bool:
    """Whether a pod has a volume of a claim, be it one that is made and goes with the pod."""
    for volume in pod.spec.get("volumes") or []:
        named = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if named == claim or ("ephemeral" in volume and f"{pod.name}-{volume['name']}" == claim):
            return True
    return False


def is_made_by(claim: str, statefulset: KubernetesObject) -> bool:
    """Whether a claim's name is one that a StatefulSet gives, be its pods there or not."""
    for template in statefulset.spec.get("volumeClaimTemplates") or []:
        start = f"{(template.get('metadata') or {}).get('name')}-{statefulset.name}-"
        if claim.startswith(start) and claim[len(start) :].isdecimal():
            return True
    return False


def owner_using(cluster: Cluster, claim: KubernetesObject) -> Owner:
    """Find the workload whose pods use a claim of storage.

    Raises
    ------
    TargetNotFound
        If no pod uses it.
    TargetAmbiguous
        If pods of several do. The message names them.
    """
    pods = pods_using(cluster, claim.namespace, claim.name)
    if not pods:
        raise TargetNotFound(f"no running pod uses {name_of(claim)}, so it leads to no workload")
    owners = {str(owner): owner for owner in (owner_of_pod(cluster, pod) for pod in pods)}
    if len(owners) > 1:
        raise TargetAmbiguous(f"{name_of(claim)} is used by {' and '.join(sorted(owners))}")
    return next(iter(owners.values()))
