"""Who owns an object: from a pod to what would make it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runbook_action.errors import TargetAmbiguous, TargetNotFound
from runbook_action.kinds import KINDS, KindWord, known_kind, spelled
from runbook_action.objects import KubernetesObject, Pod
from runbook_action.ports import Cluster
from runbook_action.rights import WORKLOADS

# The way from a pod upwards. What is no target is passed through; a CronJob is never reached: its
# Jobs are done work, and the next one is its own.
_UPWARDS: Sequence[KindWord] = (*WORKLOADS, "job", "replicaset")
# What may own an object of a kind without being an operator that would take a change back. A
# claim is of the StatefulSet that made it, where its retention policy says so.
_OWN_KIND: Mapping[str, Sequence[KindWord]] = {
    "job": ("cronjob",),
    "persistentvolumeclaim": ("statefulset",),
    "pod": _UPWARDS,
}


def name_of(found: KubernetesObject) -> str:
    """Name an object as errors do."""
    return f"{found.kind_name} {found.namespace}/{found.name}".replace(" /", " ")


@dataclass(frozen=True)
class Owner:
    """What owns an object, as its owner reference says: nobody has looked whether it is there."""

    kind: KindWord
    namespace: str
    name: str
    uid: str
    owned: str

    @classmethod
    def of(
        cls, kind: KindWord, owned: KubernetesObject, whose: str, reference: Mapping[str, object]
    ) -> Owner:
        """Take it from an owner reference; ``whose`` names in errors what led to it."""
        uid = str(reference.get("uid") or "")
        return cls(kind, owned.namespace, str(reference.get("name")), uid, whose)

    def __str__(self) -> str:
        return f"{KINDS[self.kind].kind} {self.namespace}/{self.name}"

    def read(self, cluster: Cluster) -> KubernetesObject:
        """Read it.

        Raises
        ------
        TargetNotFound
            If it has gone, be it that there is another of its name.
        """
        owner = cluster.read(self.kind, self.namespace, self.name)
        if self.uid and owner.uid and self.uid != owner.uid:
            raise TargetNotFound(f"{self.owned} belongs to an earlier {self}, which has gone")
        return owner


def owner_of_pod(cluster: Cluster, pod: Pod) -> Owner:
    """Follow a pod's owner references to the Deployment, StatefulSet, DaemonSet or Job.

    Raises
    ------
    TargetAmbiguous
        If something else owns it, such as an Argo Rollout, or an operator that does not call
        itself its controller. The message names what was found.
    TargetNotFound
        If nothing owns it, or a ReplicaSet on the way has gone.
    """
    found: KubernetesObject = pod
    while True:
        reference = found.controller
        if not reference:
            _refuse_if_owned(found)
            raise TargetNotFound(
                f"{name_of(found)} belongs to nothing that would start it again, so there is "
                f"nothing to act on but itself"
            )
        kind = known_kind(reference)
        # Only a pod belongs to a ReplicaSet: one above another could go on for ever.
        if kind is None or kind not in _UPWARDS or (kind == "replicaset" and found is not pod):
            raise TargetAmbiguous(
                f"{name_of(found)} belongs to {spelled(reference)}, which is no kind that this "
                f"platform acts on"
            )
        owner = Owner.of(kind, found, name_of(pod), reference)
        if kind != "replicaset":
            return owner
        found = owner.read(cluster)


def cronjob_of(job: KubernetesObject) -> Owner | None:
    """Give the CronJob that a Job is a run of, if it is one's."""
    reference = job.controller
    if not reference or known_kind(reference) != "cronjob":
        return None
    return Owner.of("cronjob", job, name_of(job), reference)


def refuse_if_managed(found: KubernetesObject) -> None:
    """Stop before what somebody else's controller would take back at once.

    Raises
    ------
    TargetAmbiguous
        If a resource of no known kind owns the object, as its controller or not: an operator's, or
        a KEDA ScaledObject. A kind counts with its API group.
    """
    for manager in managers_of(found):
        raise TargetAmbiguous(
            f"{name_of(found)} is managed by {manager}, which this platform does not know: what is "
            f"the target, it or its owner? A runbook that names the target answers."
        )


def managers_of(found: KubernetesObject) -> list[str]:
    """Name the owners of an object that would take back what somebody else writes."""
    own = _OWN_KIND.get(found.kind, ())
    return [spelled(each) for each in found.owners if known_kind(each) not in own]


def _refuse_if_owned(found: KubernetesObject) -> None:
    """Stop before what has owners, though none that calls itself its controller."""
    if found.owners:
        named = " and ".join(spelled(each) for each in found.owners)
        raise TargetAmbiguous(
            f"{name_of(found)} belongs to {named}, and nothing says that this would start it again"
        )
