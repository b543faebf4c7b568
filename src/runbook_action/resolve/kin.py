"""What an object belongs to, and what it governs: whose word counts when it is acted on.

A pod is of its workload, a Job of its CronJob, a claim of those who use it, and an autoscaler
governs what it scales. Whatever is of a kind that nobody here knows is refused with its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from runbook_action.errors import TargetAmbiguous
from runbook_action.objects import Autoscaler, KubernetesObject, Pod
from runbook_action.ports import Cluster
from runbook_action.resolve.claims import is_made_by, pods_using
from runbook_action.resolve.owners import cronjob_of, name_of, owner_of_pod
from runbook_action.rights import WORKLOADS


def kin_of(cluster: Cluster, found: KubernetesObject) -> Sequence[KubernetesObject]:
    """Read what has a say in an object besides itself, the nearest first; each once.

    Parameters
    ----------
    cluster
        Where it is.
    found
        Of any kind that a target may be. A Deployment, a StatefulSet, a DaemonSet and a node
        belong to nothing that is asked.

    Raises
    ------
    TargetAmbiguous
        If one of them is of an unknown kind. The message names it.
    TargetNotFound
        If one has gone, be it that there is another of its name.
    """
    if found.kind == "pod":
        return _above_pod(cluster, cast(Pod, found))
    if found.kind == "job":
        cronjob = cronjob_of(found)
        return [cronjob.read(cluster)] if cronjob else []
    if found.kind == "horizontalpodautoscaler":
        return [scaled_by(cluster, cast(Autoscaler, found))]
    if found.kind == "persistentvolumeclaim":
        return _users(cluster, found)
    return []


def scaled_by(cluster: Cluster, autoscaler: Autoscaler) -> KubernetesObject:
    """Read the workload whose replicas an autoscaler sets.

    Raises
    ------
    TargetAmbiguous
        If it scales something else, such as an Argo Rollout. The message names it.
    """
    scaled = autoscaler.scaled
    if scaled is None or scaled[0] not in WORKLOADS:
        raise TargetAmbiguous(
            f"{name_of(autoscaler)} scales {autoscaler.scaled_as_spelled}, which is no kind that "
            f"this platform acts on"
        )
    return cluster.read(scaled[0], autoscaler.namespace, scaled[1])


def _above_pod(cluster: Cluster, pod: Pod) -> Sequence[KubernetesObject]:
    if not pod.owners:
        return []
    owner = owner_of_pod(cluster, pod).read(cluster)
    return [owner, *kin_of(cluster, owner)]


def _users(cluster: Cluster, claim: KubernetesObject) -> Sequence[KubernetesObject]:
    found: list[KubernetesObject] = []
    for pod in pods_using(cluster, claim.namespace, claim.name):
        found += [pod, *_above_pod(cluster, pod)]
    found += [
        each
        for each in cluster.list("statefulset", claim.namespace)
        if is_made_by(claim.name, each)
    ]
    return list({(each.kind, each.name): each for each in found}.values())
