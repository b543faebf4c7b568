"""From a target as the catalogue writes it, and an alert, to one object of the cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast, get_args

from runbook_action.errors import (
    ActionRefused,
    InvalidRequest,
    TargetAmbiguous,
    TargetNotFound,
)
from runbook_action.objects import KubernetesObject, Node, Pod
from runbook_action.ports import Cluster
from runbook_action.request import TargetKind, parse_target, refuse_namespace
from runbook_action.resolve.bounds import Bounds
from runbook_action.resolve.claims import owner_using
from runbook_action.resolve.kin import kin_of
from runbook_action.resolve.labels import (
    LABEL_OF,
    Named,
    known,
    name_in,
    named_in,
    namespace_in,
)
from runbook_action.resolve.nodes import node_called, node_in
from runbook_action.resolve.owners import (
    Owner,
    name_of,
    owner_of_pod,
    refuse_if_managed,
)
from runbook_action.rights import WORKLOADS

_KINDS: Sequence[str] = (*get_args(TargetKind), "workload")


@dataclass(frozen=True)
class Found:
    """One object, and what else has a say in it (``kin.kin_of``)."""

    target: KubernetesObject
    kin: Sequence[KubernetesObject] = ()

    @property
    def kind(self) -> TargetKind:
        """Kind of the target."""
        return cast(TargetKind, self.target.kind)

    @property
    def belongs_to(self) -> Sequence[KubernetesObject]:
        """What must not be acted on meanwhile: a pod's workload, the one an autoscaler scales."""
        if self.kind not in ("pod", "horizontalpodautoscaler"):
            return ()
        return [each for each in self.kin if each.kind in get_args(TargetKind)]


@dataclass(frozen=True)
class Place:
    """Where objects are looked for."""

    cluster: Cluster
    labels: Mapping[str, str]
    allowed_namespaces: frozenset[str]
    runbook: str

    def pod(self, namespace: str) -> Pod:
        """Read the pod that the labels name."""
        name = name_in(self.labels, LABEL_OF["pod"]) or ""
        return cast(Pod, self.cluster.read("pod", namespace, name))


def find(place: Place, target: Mapping[str, Any]) -> Found:
    """Find the object of a target that takes it from the alert, or that the catalogue names.

    Raises
    ------
    InvalidRequest
        If the target is not one that the catalogue may hold.
    ActionRefused, TargetNotFound, TargetAmbiguous
        If the alert does not lead to one object within the bounds, or to a node of the control
        plane: through that every repair would have to go.
    """
    found = _from_alert(place, target) if "from_alert" in target else _named(place, target)
    if isinstance(found, Node) and found.runs_control_plane:
        raise ActionRefused(
            f"{name_of(found)} runs the control plane (label node-role.kubernetes.io/…), on which "
            f"nothing acts."
        )
    return Found(found, kin_of(place.cluster, found))


def _named(place: Place, target: Mapping[str, Any]) -> KubernetesObject:
    name = target.get("name")
    if target.get("kind") == "node":
        if isinstance(name, Mapping):
            label = str(name.get("from_label"))
            if label not in place.labels:
                raise TargetNotFound(f"the alert has no label {label} ({known(place.labels)})")
            return node_called(place.cluster, label, place.labels[label])
        return place.cluster.read("node", "", parse_target(target).name)
    named = parse_target(target)
    refuse_namespace(named.namespace, place.allowed_namespaces)
    return place.cluster.read(named.kind, named.namespace or "", named.name)


def _from_alert(place: Place, target: Mapping[str, Any]) -> KubernetesObject:
    kind = target["from_alert"]
    if kind not in _KINDS:
        raise InvalidRequest(f"target.from_alert must be one of {', '.join(_KINDS)}, not {kind!r}")
    bounds = Bounds.of(place.runbook, target)
    if kind == "node":
        node, _ = node_in(place.cluster, place.labels)
        bounds.refuse_name(name_of(node), node.name)
        return node
    namespace = namespace_in(place.labels)
    bounds.refuse_namespace(namespace)
    refuse_namespace(namespace, place.allowed_namespaces)
    found = _labelled(place, kind, namespace, to_workload=target.get("resolve_to") == "workload")
    refuse_if_managed(found)
    bounds.refuse_name(name_of(found), found.name)
    return found


def _labelled(place: Place, kind: str, namespace: str, *, to_workload: bool) -> KubernetesObject:
    if kind == "workload" or kind in WORKLOADS:
        return _workload(place, namespace, kind)
    label = LABEL_OF[cast(TargetKind, kind)]
    name = name_in(place.labels, label)
    if name is None and kind == "job" and "pod" in place.labels:
        pod = place.pod(namespace)
        owner = owner_of_pod(place.cluster, pod)
        return _of_kind(place, name_of(pod), owner, "job")
    if name is None:
        raise TargetNotFound(f"the alert has no label {label} ({known(place.labels)})")
    found = place.cluster.read(cast(TargetKind, kind), namespace, name)
    if kind == "pod":
        pod = cast(Pod, found)
        if not pod.controller and not to_workload:
            return pod
        owner = owner_of_pod(place.cluster, pod)
        for named in named_in(place.labels, WORKLOADS, namespace):
            _refuse_another(pod, owner, named)
        return _of_kind(place, name_of(pod), owner, "workload") if to_workload else pod
    if kind == "persistentvolumeclaim" and to_workload:
        owner = owner_using(place.cluster, found)
        return _of_kind(place, name_of(found), owner, "workload")
    return found


def _workload(place: Place, namespace: str, kind: str) -> KubernetesObject:
    named = named_in(place.labels, WORKLOADS, namespace)
    if len(named) > 1:
        raise TargetAmbiguous(f"the alert names {' and '.join(str(each) for each in named)}")
    try:
        pod = place.pod(namespace) if LABEL_OF["pod"] in place.labels else None
    except TargetNotFound:
        # Gone, or the exporter's own: in this namespace there is none of its name.
        pod = None
    owner = None if pod is None else owner_of_pod(place.cluster, pod)
    if named:
        if pod is not None and owner is not None:
            _refuse_another(pod, owner, named[0])
        if kind not in ("workload", named[0].kind):
            raise TargetNotFound(
                f"the alert names {named[0]}, and runbook {place.runbook} acts on a {kind}"
            )
        return place.cluster.read(named[0].kind, namespace, named[0].name)
    if pod is not None and owner is not None:
        return _of_kind(place, name_of(pod), owner, kind)
    if LABEL_OF["pod"] in place.labels:
        raise TargetNotFound(
            f"pod {namespace}/{place.labels['pod']} has gone, and the alert names no workload "
            f"({known(place.labels)})"
        )
    labels = ", ".join((*WORKLOADS, "pod"))
    raise TargetNotFound(f"the alert has none of the labels {labels} ({known(place.labels)})")


def _refuse_another(pod: Pod, owner: Owner, named: Named) -> None:
    if (owner.kind, owner.name) != (named.kind, named.name):
        raise TargetAmbiguous(f"the alert names {named} and {name_of(pod)}, which is of {owner}")


def _of_kind(place: Place, what: str, owner: Owner, kind: str) -> KubernetesObject:
    """Read an owner, unless it is of another kind than the runbook acts on."""
    if owner.kind not in (WORKLOADS if kind == "workload" else (kind,)):
        raise TargetAmbiguous(
            f"{what} leads to {owner}, and runbook {place.runbook} acts on a {kind}"
        )
    return owner.read(place.cluster)
