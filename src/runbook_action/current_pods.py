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
    # Read in any case, so that a right that is missing shows at the first look.
    pods = cluster.pods(workload.namespace, workload.selector)
    revisions = [] if workload.kind == "statefulset" else revisions_of(cluster, workload)
    if workload.observed_generation < workload.generation:
        return []
    if workload.kind == "deployment":
        return [each for each in pods if revisions and each.belongs_to(revisions[0])]
    wanted = workload.status.get("updateRevision")
    if workload.kind == "daemonset":
        wanted = revisions[0].labels.get(HASH) if revisions else None
    if wanted is None:
        return []
    return [each for each in pods if each.belongs_to(workload) and each.labels.get(HASH) == wanted]
