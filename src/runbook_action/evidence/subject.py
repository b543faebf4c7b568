"""From an alert to what evidence is about: like ``resolve``, but in doubt it looks all the same.

Nothing is done to what is found, so another object than a runbook would choose costs nobody
anything. Names are checked all the same, and nothing is read outside of the allowed namespaces.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from runbook_action.errors import FinalError, InvalidRequest, TargetNotFound
from runbook_action.evidence.ports import Tools
from runbook_action.evidence.request import CollectRequest
from runbook_action.kinds import known_kind
from runbook_action.objects import Autoscaler, KubernetesObject, Pod
from runbook_action.ports import Cluster
from runbook_action.request import NAME, NAMESPACE, parse_target, refuse_namespace
from runbook_action.resolve.claims import owner_using
from runbook_action.resolve.labels import LABEL_OF, named_in, shown
from runbook_action.resolve.nodes import node_called
from runbook_action.resolve.owners import owner_of_pod
from runbook_action.rights import WORKLOADS
from runbook_action.steps import steps_of

_BROKEN = (AttributeError, IndexError, KeyError, TypeError, ValueError)


@dataclass(frozen=True)
class Subject:
    """What was found.

    Attributes
    ----------
    found
        The object; None where the alert leads to none.
    node, pod
        Names that the alert gives besides; empty where it gives none.
    why_not
        Why there is no object.
    """

    found: KubernetesObject | None
    node: str = ""
    pod: str = ""
    why_not: str = ""


def subject_of(asked: CollectRequest, tools: Tools, namespaces: frozenset[str]) -> Subject:
    """Find what an alert is about.

    Its runbook's target if that is named in the catalogue, else what its labels name, else what the
    ingest took for its target; a pod stands for what owns it.

    Parameters
    ----------
    namespaces
        Where the deployment may look.

    Raises
    ------
    RetryableError
        The cluster or the catalogue did not answer.
    """
    labels, cluster = asked.labels, tools.cluster
    pod = labels.get("pod", "")
    pod = pod if NAME.fullmatch(pod) else ""
    node = labels.get("node", "")
    node = node if NAME.fullmatch(node) else ""
    ways: list[Callable[[], KubernetesObject | None]] = [
        lambda: _of_runbook(asked, tools, namespaces),
        lambda: _of_labels(asked, cluster, namespaces),
        lambda: _of_node(asked, cluster),
        lambda: _of_target(asked, cluster, namespaces),
    ]
    why = []
    for way in ways:
        try:
            found = way()
        except FinalError as error:
            why.append(str(error))
            continue
        if found is not None:
            return Subject(found, node, pod)
    said = "; ".join(dict.fromkeys(why)) or "the alert names no object that this platform knows"
    return Subject(None, node, pod, said[:500])


def _of_runbook(
    asked: CollectRequest, tools: Tools, namespaces: frozenset[str]
) -> KubernetesObject | None:
    """Read the target that the catalogue names itself."""
    name = asked.alert.get("runbook") or asked.alert.get("alert_name")
    definition = tools.catalogue.published(str(name)) if name else None
    if definition is None:
        return None
    try:
        targets = [step["target"] for step in steps_of(definition)]
        written = next((each for each in targets if isinstance(each.get("name"), str)), None)
        return None if written is None else _read(written, tools.cluster, namespaces)
    except _BROKEN as error:
        raise InvalidRequest(f"runbook {shown(str(name))} is not one to be published") from error


def _of_target(
    asked: CollectRequest, cluster: Cluster, namespaces: frozenset[str]
) -> KubernetesObject | None:
    target = asked.alert.get("target")
    if not isinstance(target, Mapping) or not target.get("kind") or not target.get("name"):
        return None
    return _read(target, cluster, namespaces)


def _read(
    target: Mapping[str, Any], cluster: Cluster, namespaces: frozenset[str]
) -> KubernetesObject:
    named = parse_target({key: target.get(key) for key in ("cluster", "namespace", "kind", "name")})
    refuse_namespace(named.namespace, namespaces)
    found = cluster.read(named.kind, named.namespace or "", named.name)
    return _above(found, cluster)


def _of_labels(
    asked: CollectRequest, cluster: Cluster, namespaces: frozenset[str]
) -> KubernetesObject | None:
    labels = asked.labels
    namespace = labels.get("namespace", "")
    if not namespace:
        return None
    if not NAMESPACE.fullmatch(namespace):
        raise InvalidRequest(f"label namespace is not the name of one: {shown(namespace)}")
    refuse_namespace(namespace, namespaces)
    # An exporter's own pod may stand beside the name of what it tells of, so that comes first.
    kinds = (*WORKLOADS, "job", "persistentvolumeclaim", "horizontalpodautoscaler", "pod")
    missing: FinalError | None = None
    for kind in kinds:
        for named in named_in(labels, (kind,), namespace):
            try:
                return _above(cluster.read(named.kind, namespace, named.name), cluster)
            except TargetNotFound as error:
                missing = error
                if named.kind == "pod" and (left := _behind(cluster, namespace, named.name)):
                    return left
    if missing is not None:
        raise missing
    return None


def _behind(cluster: Cluster, namespace: str, pod: str) -> KubernetesObject | None:
    """Give the workload whose pod has gone, as a repair makes it go.

    Its ReplicaSet is named as the pod without its last part; who owns that says it itself.
    """
    replicas = pod.rpartition("-")[0]
    if not replicas:
        return None
    try:
        owner = cluster.read("replicaset", namespace, replicas).controller
        if owner and known_kind(owner) == "deployment":
            return cluster.read("deployment", namespace, str(owner.get("name")))
    except TargetNotFound:
        pass
    return None


def _of_node(asked: CollectRequest, cluster: Cluster) -> KubernetesObject | None:
    if LABEL_OF["node"] in asked.labels:
        return node_called(cluster, "node", asked.labels["node"])
    if "namespace" not in asked.labels and "instance" in asked.labels:
        return node_called(cluster, "instance", asked.labels["instance"])
    return None


def _above(found: KubernetesObject, cluster: Cluster) -> KubernetesObject:
    """Give what an object stands for: what owns a pod, what uses a claim, what is scaled."""
    try:
        if found.kind == "pod":
            return owner_of_pod(cluster, cast(Pod, found)).read(cluster)
        if found.kind == "persistentvolumeclaim":
            return owner_using(cluster, found).read(cluster)
        if found.kind == "horizontalpodautoscaler":
            scaled = cast(Autoscaler, found).scaled
            if scaled is not None and scaled[0] in WORKLOADS:
                return cluster.read(scaled[0], found.namespace, scaled[1])
    except FinalError:
        return found  # it is all that is left to look at
    return found
