"""Pods that keep a StatefulSet from rolling.

A StatefulSet replaces its pods one after the other, and waits for each to be ready. Where one of
an earlier revision never will be, it waits for good, also when its template is right again: the
documentation of Kubernetes ("Forced rollback") tells a human to delete that pod. Here it is
evicted, so that a disruption budget has its say.
"""

from __future__ import annotations

from contextlib import suppress

from runbook_action.errors import ClusterConflict, ClusterThrottled, TargetNotFound
from runbook_action.objects import Workload
from runbook_action.ports import Cluster

_REVISION = "controller-revision-hash"


def release_stuck(cluster: Cluster, workload: Workload) -> None:
    """Evict the pods of earlier revisions that will not come up by waiting.

    Parameters
    ----------
    cluster
        Where it runs.
    workload
        As it was just read. Nothing is done to any other kind than a StatefulSet, nor while its
        controller has not seen its template, nor where a human replaces its pods (OnDelete) or
        holds some back (a partition): a step that only adds replicas comes here, too.
    """
    if workload.kind != "statefulset" or workload.observed_generation < workload.generation:
        return
    if workload.update_strategy.get("type") == "OnDelete" or workload.partition > 0:
        return
    wanted = workload.status.get("updateRevision")
    for pod in cluster.pods(workload.namespace, workload.selector):
        is_earlier = pod.belongs_to(workload) and pod.labels.get(_REVISION) != wanted
        if is_earlier and not pod.terminating and pod.fault():
            # Asked again at the next look, if a budget or another hand was in the way.
            with suppress(ClusterThrottled, ClusterConflict, TargetNotFound):
                cluster.evict(pod, None)
