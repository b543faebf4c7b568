"""Whether the pods of a node fit elsewhere, before they are asked to leave it.

Judged as the scheduler judges a node (``pkg/scheduler/framework/plugins``): what pods request and
nodes have, taints, node selectors, required node affinity, and the pods that refuse to share a
host. Neither the zone of a volume nor affinity beyond a host is judged: reading volumes is a right
that a drain does not have. The largest pods are placed first, so a fit that only another order
finds counts as none: in doubt the node stays in service.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from runbook_action.objects import Json, Node, Pod, thousandths_of
from runbook_action.ports import Cluster

_HOST = "kubernetes.io/hostname"
_KEEPS_AWAY = ("NoSchedule", "NoExecute")


@dataclass
class _Place:
    """A node that takes pods, and those that are on it or would be."""

    node: Node
    pods: list[Pod]
    used: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        for pod in self.pods:
            self.used.update(requests_of(pod))

    def takes(self, pod: Pod) -> bool:
        """Whether a pod fits on it."""
        room = self.node.status.get("allocatable") or {}
        wanted = requests_of(pod)
        return (
            all(
                # A node that does not say how many pods it runs is not asked.
                (name == "pods" and name not in room)
                or self.used[name] + amount <= thousandths_of(str(room.get(name) or "0"))
                for name, amount in wanted.items()
            )
            and tolerates(pod, self.node)
            and wants(pod, self.node)
            and not any(_part(pod, each) or _part(each, pod) for each in self.pods)
        )

    def put(self, pod: Pod) -> None:
        """Count a pod as being on it."""
        self.pods.append(pod)
        self.used.update(requests_of(pod))


def without_room(pods: Iterable[Pod], nodes: Iterable[Node], cluster: Cluster) -> list[Pod]:
    """Give the pods that fit on none of the nodes once the others of them are placed.

    Parameters
    ----------
    pods
        Those that would leave.
    nodes
        Where they could go. Those that are out of service take none.
    cluster
        Asked for the pods of one node after the other, until all are placed.
    """
    left = sorted(pods, key=_size, reverse=True)
    for node in nodes:
        if not left:
            break
        if node.out_of_service:
            continue
        place = _Place(
            node, [each for each in cluster.pods_on_node(node.name) if not each.finished]
        )
        staying = []
        for pod in left:
            if place.takes(pod):
                place.put(pod)
            else:
                staying.append(pod)
        left = staying
    return left


def requests_of(pod: Pod) -> Mapping[str, int]:
    """What a pod requests, in thousandths, itself as one of ``pods``.

    Containers add up, and so do those that prepare it and go on running; one that only prepares it
    counts where it alone asks for more.
    """
    together, preparing = Counter({"pods": 1000}), Counter[str]()
    for container in pod.spec.get("initContainers") or []:
        if container.get("restartPolicy") == "Always":
            together.update(_requests(container))
        else:
            preparing |= _requests(container)
    for container in pod.spec.get("containers") or []:
        together.update(_requests(container))
    together |= preparing
    together.update(_amounts(pod.spec.get("overhead") or {}))
    return together


def tolerates(pod: Pod, node: Node) -> bool:
    """Whether no taint of a node keeps a pod away."""
    return all(
        any(_tolerated(taint, each) for each in pod.spec.get("tolerations") or [])
        for taint in node.taints
        if taint.get("effect") in _KEEPS_AWAY
    )


def wants(pod: Pod, node: Node) -> bool:
    """Whether a node is one of those that a pod asks for."""
    if any(node.labels.get(key) != value for key, value in _selector(pod).items()):
        return False
    affinity = (pod.spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    terms: Sequence[Json] = required.get("nodeSelectorTerms") or []
    return not terms or any(
        _all_hold(term.get("matchExpressions") or [], node.labels)
        and _all_hold(term.get("matchFields") or [], {"metadata.name": node.name})
        for term in terms
    )


def _selector(pod: Pod) -> Mapping[str, str]:
    return pod.spec.get("nodeSelector") or {}


def _size(pod: Pod) -> tuple[int, int, str]:
    wanted = requests_of(pod)
    return wanted.get("memory", 0), wanted.get("cpu", 0), pod.name


def _requests(container: Json) -> Counter[str]:
    return _amounts((container.get("resources") or {}).get("requests") or {})


def _amounts(amounts: Json) -> Counter[str]:
    return Counter({name: thousandths_of(str(amount)) for name, amount in amounts.items()})


def _tolerated(taint: Json, toleration: Json) -> bool:
    if toleration.get("effect") not in (None, "", taint.get("effect")):
        return False
    exists = toleration.get("operator") == "Exists"
    if not toleration.get("key"):
        return exists
    return toleration["key"] == taint.get("key") and (
        exists or (toleration.get("value") or "") == (taint.get("value") or "")
    )


def _part(one: Pod, other: Pod) -> bool:
    """Whether a pod refuses to share its host with another one."""
    affinity = (one.spec.get("affinity") or {}).get("podAntiAffinity") or {}
    for term in affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or []:
        if term.get("topologyKey") != _HOST:
            continue
        named = term.get("namespaces") or [one.namespace]
        if other.namespace not in named and term.get("namespaceSelector") is None:
            continue
        selector = term.get("labelSelector") or {}
        pairs: Mapping[str, str] = selector.get("matchLabels") or {}
        if all(other.labels.get(key) == value for key, value in pairs.items()) and _all_hold(
            selector.get("matchExpressions") or [], other.labels
        ):
            return True
    return False


def _all_hold(expressions: Iterable[Json], labels: Mapping[str, str]) -> bool:
    return all(_holds(each, labels) for each in expressions)


def _holds(expression: Json, labels: Mapping[str, str]) -> bool:
    found = labels.get(str(expression.get("key")))
    values: Sequence[str] = expression.get("values") or []
    operator = expression.get("operator")
    if operator == "In":
        return found in values
    if operator == "NotIn":
        return found not in values
    if operator in ("Exists", "DoesNotExist"):
        return (found is not None) is (operator == "Exists")
    try:  # Gt and Lt
        number, limit = int(found or ""), int(values[0])
    except (ValueError, IndexError):
        return False
    return number > limit if operator == "Gt" else number < limit
