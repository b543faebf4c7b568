"""Pods that keep a StatefulSet from rolling.

A StatefulSet replaces its pods one after the other, and waits for each to be ready. Where one of
an earlier revision never will be, it waits for good, also when its template is right again: the
documentation of Kubernetes ("Forced rollback") tells a human to delete that pod. Here it is
evicted, so that a disruption budget has its say.
"""

from __future__ import annotations

from contextlib import suppress

from runbook_action.errors import ClusterConflict, ClusterThrottled, TargetNotFound
from runbook_action.objects import Pod, Workload
from runbook_action.ports import Services

_REVISION = "controller-revision-hash"
#: After so many seconds a pod that is not ready is no longer one that is about to be.
UNREADY_SECONDS = 60


def release_stuck(services: Services, workload: Workload, *, whole: bool = True) -> None:
    """Evict the pods of earlier revisions that will not come up by waiting.

    These are those that say so themselves, and the first of all that are not ready, if it has not
    been so for a minute: it runs and does not answer, or fits on no node, and its controller looks
    at no other before it. All pods are about to be replaced, this one serves nobody.

    Parameters
    ----------
    services
        The cluster where it runs, and the time.
    workload
        As it was just read. Nothing is done to any other kind than a StatefulSet, nor while its
        controller has not seen its template, nor where a human replaces its pods (OnDelete) or
        holds some back (a partition): a step that only adds replicas comes here, too.
    whole
        Whether the step replaces all pods, so that also one goes that is only not ready.
    """
    if workload.kind != "statefulset" or workload.observed_generation < workload.generation:
        return
    if workload.update_strategy.get("type") == "OnDelete" or workload.partition > 0:
        return
    wanted = workload.status.get("updateRevision")
    found = services.cluster.pods(workload.namespace, workload.selector)
    pods = sorted((pod for pod in found if pod.belongs_to(workload)), key=_ordinal)
    waits_for = next((pod for pod in pods if not pod.ready or pod.terminating), None)
    now = services.clock.now()
    for pod in pods:
        if pod.labels.get(_REVISION) == wanted or pod.terminating:
            continue
        is_late = whole and pod is waits_for and pod.unready_seconds(now) >= UNREADY_SECONDS
        if pod.fault() or is_late:
            # Asked again at the next look, if a budget or another hand was in the way.
            with suppress(ClusterThrottled, ClusterConflict, TargetNotFound):
                services.cluster.evict(pod, None)


def _ordinal(pod: Pod) -> int:
    """Give the number at the end of a name, by which the controller goes."""
    number = pod.name.rpartition("-")[2]
    return int(number) if number.isdecimal() else 0
