"""Pods that keep a StatefulSet from rolling.

A StatefulSet replaces its pods one after the other, and waits for each to be ready. Where one of
an earlier revision never will be, it waits for good, also when its template is right again: the
documentation of Kubernetes ("Forced rollback") tells a human to delete that pod. Here it is
evicted, so that a disruption budget has its say. One that budgets keep is named, with what keeps
it: the rollout waits for whoever makes room, and nothing else says so.
"""

from __future__ import annotations

from collections.abc import Mapping

from runbook_action.errors import (
    ClusterConflict,
    ClusterRejected,
    ClusterThrottled,
    NamespaceEnding,
    TargetNotFound,
)
from runbook_action.objects import Pod, Workload
from runbook_action.ports import Services

_REVISION = "controller-revision-hash"
#: After so many seconds a pod that is not ready is no longer one that is about to be.
UNREADY_SECONDS = 60
_NAMED = 3


def release_stuck(
    services: Services, workload: Workload, *, whole: bool = True
) -> Mapping[str, str]:
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

    Returns
    -------
    Mapping[str, str]
        Why each pod that should go is kept: by a disruption budget without room, or as two of them
        select it. It is asked again at the next look.
    """
    kept: dict[str, str] = {}
    if workload.kind != "statefulset" or workload.observed_generation < workload.generation:
        return kept
    if workload.update_strategy.get("type") == "OnDelete" or workload.partition > 0:
        return kept
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
            try:
                services.cluster.evict(pod, None)
            except (ClusterConflict, TargetNotFound):
                continue  # gone, or another pod of that name by now
            except NamespaceEnding:
                raise
            except (ClusterThrottled, ClusterRejected) as error:
                kept[f"{pod.namespace}/{pod.name}"] = str(error).rstrip(".")
    return kept


def kept_words(kept: Mapping[str, str]) -> str:
    """Name the pods that hold a rollout up, and what keeps them, to go on a sentence with."""
    named = [f"{pod} holds it up and cannot be evicted ({why})" for pod, why in kept.items()]
    more = [f"{len(named) - _NAMED} more pods do, too"] if len(named) > _NAMED else []
    return "".join(f"; {each}" for each in [*named[:_NAMED], *more])


def _ordinal(pod: Pod) -> int:
    """Give the number at the end of a name, by which the controller goes."""
    number = pod.name.rpartition("-")[2]
    return int(number) if number.isdecimal() else 0
