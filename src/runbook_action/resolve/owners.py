"""Who owns an object: from a pod to what would make it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from runbook_action.errors import TargetAmbiguous, TargetNotFound
from runbook_action.kinds import KINDS, KindWord
from runbook_action.objects import Json, KubernetesObject, Pod
from runbook_action.ports import Cluster
from runbook_action.rights import WORKLOADS

# The way from a pod upwards. What is no target is passed through; a CronJob is never reached: its
# Jobs are done work, and the next one is its own.
_UPWARDS: Sequence[KindWord] = (*WORKLOADS, "job", "replicaset")


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
        If something else owns it, such as an Argo Rollout. The message names what was found.
    TargetNotFound
        If nothing owns it, or a ReplicaSet on the way has gone.
    """
    found: KubernetesObject = pod
    while True:
        reference = found.controller
        if not reference:
            raise TargetNotFound(
                f"{name_of(found)} belongs to nothing that would start it again, so there is "
                f"nothing to act on but itself"
            )
        kind = _known(reference)
        # Only a pod belongs to a ReplicaSet: one above another could go on for ever.
        if kind is None or (kind == "replicaset" and found is not pod):
            raise TargetAmbiguous(
                f"{name_of(found)} belongs to {_spelled(reference)}, which is no kind that this "
                f"platform acts on"
            )
        name, uid = str(reference.get("name")), str(reference.get("uid") or "")
        owner = Owner(kind, found.namespace, name, uid, name_of(pod))
        if kind != "replicaset":
            return owner
        found = owner.read(cluster)


def refuse_if_managed(found: KubernetesObject) -> None:
    """Stop before what somebody else's controller would take back at once.

    Raises
    ------
    TargetAmbiguous
        If a resource of no known kind owns the object: an operator's, or a KEDA ScaledObject.
    """
    reference = found.controller
    if reference and reference.get("kind") != "CronJob" and _known(reference) is None:
        raise TargetAmbiguous(
            f"{name_of(found)} is managed by {_spelled(reference)}, which this platform does not "
            f"know: what is the target, it or its owner? A runbook that names the target answers."
        )


def owner_using(cluster: Cluster, claim: KubernetesObject) -> Owner:
    """Find the workload whose pods use a claim of storage.

    Raises
    ------
    TargetNotFound
        If no pod uses it.
    TargetAmbiguous
        If pods of several do. The message names them.
    """
    pods = [
        cast(Pod, each)
        for each in cluster.list("pod", claim.namespace, "")
        if _uses(cast(Pod, each), claim.name)
    ]
    live = [pod for pod in pods if not pod.finished]
    if not live:
        raise TargetNotFound(f"no running pod uses {name_of(claim)}, so it leads to no workload")
    owners = {str(owner): owner for owner in (owner_of_pod(cluster, pod) for pod in live)}
    if len(owners) > 1:
        raise TargetAmbiguous(f"{name_of(claim)} is used by {' and '.join(sorted(owners))}")
    return next(iter(owners.values()))


def _known(reference: Json) -> KindWord | None:
    # By group, too: an operator's resource may be called Deployment.
    group = str(reference.get("apiVersion", "")).rpartition("/")[0]
    return next(
        (
            kind
            for kind in _UPWARDS
            if (KINDS[kind].kind, KINDS[kind].group) == (reference.get("kind"), group)
        ),
        None,
    )


def _spelled(reference: Json) -> str:
    return f"{reference.get('kind')} {reference.get('name')} ({reference.get('apiVersion')})"


def _uses(pod: Pod, claim: str) -> bool:
    for volume in pod.spec.get("volumes") or []:
        named = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if named == claim or ("ephemeral" in volume and f"{pod.name}-{volume['name']}" == claim):
            return True
    return False
