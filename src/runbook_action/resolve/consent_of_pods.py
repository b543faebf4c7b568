"""Which pods of a node their owners let a drain evict."""

from __future__ import annotations

from collections.abc import Sequence

from runbook_action.errors import AccessDenied, ActionRefused, TargetNotFound
from runbook_action.kinds import KindWord, known_kind
from runbook_action.objects import Json, KubernetesObject, Pod
from runbook_action.ports import Cluster, Right
from runbook_action.resolve.consent import refuse_without_consent
from runbook_action.rights import rights

# From a pod upwards, as far as these kinds go. The pods of a DaemonSet stay anyway.
ASKED: Sequence[KindWord] = ("deployment", "statefulset", "replicaset", "job", "cronjob")
# Without a limit, a chain that somebody has forged could lead round and round.
_LONGEST_CHAIN = 3


def rights_to_ask() -> tuple[Right, ...]:
    """Spell what it takes: reads of owners and namespaces, in the whole cluster."""
    kinds = [right for kind in ASKED for right in rights(kind, "get", where="cluster")]
    return (*kinds, *rights("namespace", "get", where="cluster"))


class ConsentOfPods:
    """Asks a pod, whom it belongs to, and its namespace; each of these once.

    An owner of a kind that nobody here knows cannot be asked: its pods and their namespace can.

    Parameters
    ----------
    cluster
        Where the pods are.
    only_annotated
        Whether an annotation is needed (stack parameter RemediateOnlyAnnotated).
    """

    def __init__(self, cluster: Cluster, *, only_annotated: bool) -> None:
        self._cluster = cluster
        self._only_annotated = only_annotated
        self._known: dict[tuple[str, str, str], KubernetesObject | None] = {}

    def why_not(self, pod: Pod) -> str | None:
        """Say who refuses the eviction of a pod; None if nobody does.

        Raises
        ------
        AccessDenied
            If they may not be read. The message names the ClusterRole to renew.
        """
        namespace = self._read("namespace", "", pod.namespace)
        asked = [pod, *self._above(pod), *([namespace] if namespace else [])]
        try:
            refuse_without_consent(asked, only_annotated=self._only_annotated)
        except ActionRefused as error:
            return str(error)
        return None

    def _above(self, pod: Pod) -> Sequence[KubernetesObject]:
        found: list[KubernetesObject] = []
        below: KubernetesObject = pod
        while len(found) < _LONGEST_CHAIN and (owner := self._owner(below, below.controller)):
            found.append(owner)
            below = owner
        return found

    def _owner(self, below: KubernetesObject, reference: Json) -> KubernetesObject | None:
        kind = known_kind(reference)
        if kind is None or kind not in ASKED:
            return None
        owner = self._read(kind, below.namespace, str(reference.get("name")))
        # Another one of its name has nothing to say.
        return owner if owner and owner.uid == str(reference.get("uid") or "") else None

    def _read(self, kind: KindWord, namespace: str, name: str) -> KubernetesObject | None:
        key = (kind, namespace, name)
        if key not in self._known:
            try:
                self._known[key] = self._cluster.read(kind, namespace, name)
            except TargetNotFound:
                self._known[key] = None  # it has gone; what it left is on its way out, too
            except AccessDenied as error:
                raise AccessDenied(
                    f"{error} Without it nobody can be asked whether a pod may be evicted: install "
                    f"the ClusterRole of eks/apps/node-remediation anew."
                ) from error
        return self._known[key]
