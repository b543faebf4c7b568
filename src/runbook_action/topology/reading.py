"""Where an object is: what carries it, and what it says that it depends on. Only reads.

A node counts as carrying a workload only where it is unfit and a pod of the workload is not ready
on it: that a healthy node has an alert says nothing about a workload that fails for its own
reasons. A dependency counts because the team has written it down (``depends_on``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from runbook_action.errors import AccessDenied, FinalError, TargetNotFound
from runbook_action.kinds import KindWord
from runbook_action.objects import KubernetesObject, Pod
from runbook_action.objects.base import selector_of
from runbook_action.ports import Cluster
from runbook_action.resolve.claims import pods_using
from runbook_action.resolve.kin import kin_of
from runbook_action.rights import WORKLOADS
from runbook_action.topology.depends_on import dependencies

#: Unfit nodes of a workload that are looked at, dependencies in all, and steps up to them.
MOST_NODES, MOST_DEPENDENCIES, MOST_STEPS = 8, 8, 3
_PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")


@dataclass(frozen=True)
class Topology:
    """Where an incident is.

    Attributes
    ----------
    place
        Key of where it is: cluster, namespace, kind and name.
    called
        The same for people.
    level
        See ``causes.Known``.
    above
        Keys of what may be its cause: unfit nodes under it, and what it depends on.
    suspect
        Why a cause is likely, though none may have been heard of: ``node worker-7 is not ready``.
        Empty where nothing under it is unfit.
    under
        Of a node, what stands on it and is not ready, for people; empty for anything else.
    """

    place: str
    called: str
    level: int
    above: tuple[str, ...] = ()
    suspect: str = ""
    under: str = ""


def key_of(cluster: str, found: KubernetesObject) -> str:
    """Name the place of an object, whose cluster has its canonical label."""
    return f"{cluster}#{found.namespace}#{found.kind}#{found.name}"


def read_topology(cluster: Cluster, label: str, found: KubernetesObject) -> Topology:
    """Read where an object is.

    Parameters
    ----------
    cluster
        The cluster it is in.
    label
        Canonical label of that.
    found
        Of any kind that a target may be. A pod is where its workload is, and an autoscaler where
        what it scales is.

    Raises
    ------
    RetryableError
        The cluster cannot be asked now. What may not be read, or is gone, is left out.
    """
    reader = _Reader(cluster, label)
    if found.kind == "node":
        return Topology(
            key_of(label, found), f"node {found.name}", 0, under=reader.under(found.name)
        )
    subject = _subject(cluster, found)
    pods = [cast(Pod, found)] if found.kind == "pod" else reader.pods_of(subject)
    level = reader.look(subject, pods, MOST_STEPS)
    place = key_of(label, subject)
    return Topology(
        place,
        f"{subject.kind} {subject.namespace}/{subject.name}",
        level,
        # In a circle it depends on itself.
        tuple(each for each in reader.above if each != place),
        reader.suspect,
    )


def _subject(cluster: Cluster, found: KubernetesObject) -> KubernetesObject:
    if found.kind not in ("pod", "horizontalpodautoscaler"):
        return found
    try:
        kin = kin_of(cluster, found)
    except FinalError:
        return found  # of something unknown, or gone
    return next((each for each in kin if each.kind in (*WORKLOADS, "job")), found)


class _Reader:
    """One walk: each node and each dependency is read once."""

    def __init__(self, cluster: Cluster, label: str) -> None:
        self._cluster = cluster
        self._label = label
        self._unfit: dict[str, str] = {}
        self._levels: dict[str, int] = {}
        self._left = MOST_DEPENDENCIES
        self.above: dict[str, None] = {}
        self.suspect = ""

    def look(self, subject: KubernetesObject, pods: Sequence[Pod], steps: int) -> int:
        """Note what is under an object, and give its level."""
        self._levels[key_of(self._label, subject)] = 0  # a circle ends where it began
        self._note_nodes(pods)
        level = 1
        for wanted in dependencies(subject) if steps else ():
            if not self._left:
                break
            self._left -= 1
            found = self._found(wanted.kinds, wanted.namespace, wanted.name)
            if found is None:
                continue
            key = key_of(self._label, found)
            self.above.setdefault(key)
            if key not in self._levels:
                self._levels[key] = self.look(found, self.pods_of(found), steps - 1)
            level = max(level, 1 + self._levels[key])
        return level

    def pods_of(self, subject: KubernetesObject) -> Sequence[Pod]:
        """List the pods of a workload, a Job or a claim; none of what may not be read."""
        try:
            if subject.kind == "persistentvolumeclaim":
                return pods_using(self._cluster, subject.namespace, subject.name)
            selector = selector_of(subject.spec.get("selector") or {})
            return self._cluster.pods(subject.namespace, selector) if selector else ()
        except FinalError:
            return ()

    def under(self, node: str) -> str:
        """Say how many workloads have pods on a node that are not ready."""
        try:
            pods = self._cluster.pods_on_node(node)
        except FinalError:
            return ""
        owners = {
            (pod.namespace, pod.controller.get("uid"))
            for pod in pods
            if _is_down(pod) and pod.controller_kind not in (None, "DaemonSet")
        }
        if not owners:
            return ""
        many = "workloads have" if len(owners) > 1 else "workload has"
        return f"{len(owners)} {many} pods on it that are not ready"

    def _note_nodes(self, pods: Sequence[Pod]) -> None:
        names = sorted({pod.node for pod in pods if pod.node and _is_down(pod)})
        for name in names[:MOST_NODES]:
            if name not in self._unfit:
                self._unfit[name] = self._why_unfit(name)
            if why := self._unfit[name]:
                self.above.setdefault(f"{self._label}##node#{name}")
                self.suspect = self.suspect or f"node {name} {why}"

    def _why_unfit(self, name: str) -> str:
        try:
            node = self._cluster.node(name)
        except TargetNotFound:
            return "has gone"
        except AccessDenied:
            return ""  # nobody let us look
        pressed = [each for each in _PRESSURES if node.condition(each).get("status") == "True"]
        if node.metadata.get("deletionTimestamp"):
            return "is being deleted"
        if pressed:
            return f"has {pressed[0]}"
        return "" if node.ready else "is not ready"

    def _found(self, kinds: Sequence[str], namespace: str, name: str) -> KubernetesObject | None:
        for kind in kinds:
            try:
                return self._cluster.read(cast(KindWord, kind), namespace, name)
            except FinalError:
                continue
        return None


def _is_down(pod: Pod) -> bool:
    return not pod.finished and (pod.terminating or not pod.ready)
