"""The pods that run a workload's current template, told by who owns them.

A label selector is not enough: the pods of a CronJob may carry the same labels, and so do those of
the template before.
"""

from __future__ import annotations

from runbook_action.history import revisions_of
from runbook_action.objects import Pod, Workload
from runbook_action.ports import Cluster

HASH = "controller-revision-hash"


def current_pods(cluster: Cluster, workload: Workload) -> list[Pod]:
    """List the pods of the newest ReplicaSet or controller revision of a workload.

    Parameters
    ----------
    workload
        As it was just read. While its controller has not seen its template there are none yet.
    """
    if workload.observed_generation < workload.generation:
        return []
    pods = cluster.pods(workload.namespace, workload.selector)
    if workload.kind == "statefulset":
        wanted = workload.status.get("updateRevision")
        return [
            each for each in pods if each.belongs_to(workload) and each.labels.get(HASH) == wanted
        ]
    newest = next(iter(revisions_of(cluster, workload)), None)
    if newest is None:
        return []
    if workload.kind == "deployment":
        return [each for each in pods if each.belongs_to(newest)]
    wanted = newest.labels.get(HASH)
    return [each for each in pods if each.belongs_to(workload) and each.labels.get(HASH) == wanted]
