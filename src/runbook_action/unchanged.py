"""Write to an object that was read, unless somebody changed what the decision was made from."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from runbook_action import marks
from runbook_action.errors import ClusterConflict
from runbook_action.objects import KubernetesObject
from runbook_action.ports import Cluster

T = TypeVar("T", bound=KubernetesObject)
#: Seconds to wait for a status to come to rest, try by try: a rollout on a busy cluster makes
#: several updates a second, and trying at once loses against each of them.
_PAUSES = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8)
#: https://kubernetes.io/docs/reference/labels-annotations-taints/#node-kubernetes-io-unschedulable
_TAINT_OF_A_CORDON = "node.kubernetes.io/unschedulable"


def unless_changed(
    current: T,
    read: Callable[[], T],
    write: Callable[[T], T],
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Write, unless the object's spec or our marks changed since it was read.

    Controllers and kubelets update the status all the time, and every update is a new version:
    only a change of what the decision was made from is a conflict.

    Parameters
    ----------
    current
        The object as it was read.
    read
        Reads it again.
    write
        Writes to exactly the version it is given, else raises ClusterConflict.
    sleep
        Waits for some seconds.

    Raises
    ------
    ClusterConflict
        If somebody changed the spec or the marks, or the object never stood still.
    """
    for pause in _PAUSES:
        try:
            return write(current)
        except ClusterConflict:
            sleep(pause)
            found = read()
            if _decided_from(found) != _decided_from(current):
                raise
            current = found
    return write(current)


def patch_unless_changed(cluster: Cluster, current: T, patch: Mapping[str, Any]) -> T:
    """Merge a patch into an object under the rule of ``unless_changed``."""
    return unless_changed(
        current,
        read=lambda: cast(T, cluster.read(current.kind, current.namespace, current.name)),
        write=lambda found: cluster.patch(found, patch),
    )


def _decided_from(target: KubernetesObject) -> tuple[object, ...]:
    return target.uid, _chosen(target.spec), marks.of(target)


def _chosen(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a spec without the taint that Kubernetes puts on a cordoned node by itself.

    It follows ``unschedulable`` a moment later, so whoever undoes a cordon at once meets it.
    """
    taints = [each for each in spec.get("taints") or () if each["key"] != _TAINT_OF_A_CORDON]
    return {**{key: spec[key] for key in spec if key != "taints"}, "taints": taints}
