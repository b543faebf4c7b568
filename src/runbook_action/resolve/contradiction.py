"""An alert must not name another object than the runbook that it selects.

A runbook that names its target is selected by name alone: the alert of staging/checkout selects
the runbook of apps/checkout as well as that of apps/checkout does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from runbook_action.errors import ActionRefused, FinalError, TargetAmbiguous, TargetNotFound
from runbook_action.objects import Autoscaler, Pod
from runbook_action.ports import Cluster
from runbook_action.request import NAME, TargetKind
from runbook_action.resolve.finding import Found
from runbook_action.resolve.labels import LABEL_OF, shown
from runbook_action.resolve.nodes import node_called
from runbook_action.resolve.owners import name_of, owner_of_pod
from runbook_action.rights import WORKLOADS


def refuse_other_labels(runbook: str, target: Mapping[str, Any], labels: Mapping[str, str]) -> None:
    """Stop where the labels alone name another object than a runbook's named target.

    Parameters
    ----------
    target
        As the catalogue writes it. One that takes its name from the alert is never contradicted.

    Raises
    ------
    ActionRefused
        The message names both.
    """
    kind, name = cast(TargetKind, target.get("kind")), target.get("name")
    if "from_alert" in target or not isinstance(name, str):
        return
    # The labels of a node's alert often carry the namespace of the exporter that saw it.
    namespace = None if kind == "node" else target.get("namespace")
    words = WORKLOADS if kind in WORKLOADS else (kind,)
    theirs = {
        str(each): labels[LABEL_OF[each]] for each in words if LABEL_OF.get(each, "") in labels
    }
    elsewhere = namespace is not None and labels.get("namespace", namespace) != namespace
    others = {each: text for each, text in theirs.items() if (each, text) != (kind, name)}
    if elsewhere or others:
        raise ActionRefused(
            _message(_named_by(labels, others or theirs), runbook, _named(kind, namespace, name))
        )


def refuse_other_object(
    runbook: str, found: Found, cluster: Cluster, labels: Mapping[str, str]
) -> None:
    """Stop where a label leads to another object than a runbook's named target, which was found.

    Raises
    ------
    ActionRefused
        The message names both.
    """
    other: str | None = None
    if found.kind in WORKLOADS:
        other = _owner_of_pod(found, cluster, labels)
    elif found.kind == "horizontalpodautoscaler":
        other = _not_scaled(found, labels)
    elif found.kind == "node" and "node" not in labels:
        other = _other_node(found, cluster, labels)
    if other:
        raise ActionRefused(_message(other, runbook, name_of(found.target)))


def _owner_of_pod(found: Found, cluster: Cluster, labels: Mapping[str, str]) -> str | None:
    name = labels.get(LABEL_OF["pod"], "")
    if not NAME.fullmatch(name):
        return None
    try:
        pod = cast(Pod, cluster.read("pod", found.target.namespace, name))
    except TargetNotFound:
        return None  # it has gone, or is an exporter's of another namespace: it names nothing
    try:
        owner = owner_of_pod(cluster, pod)
    except (TargetAmbiguous, TargetNotFound) as error:
        return f"{name_of(pod)} ({error})"
    same = (owner.kind, owner.name) == (found.target.kind, found.target.name)
    return None if same else f"{name_of(pod)} of {owner}"


def _not_scaled(found: Found, labels: Mapping[str, str]) -> str | None:
    scaler = cast(Autoscaler, found.target)
    for kind in WORKLOADS:
        name = labels.get(LABEL_OF[kind])
        if name is not None and scaler.scaled != (kind, name):
            return f"{kind} {scaler.namespace}/{shown(name)}"
    return None


def _other_node(found: Found, cluster: Cluster, labels: Mapping[str, str]) -> str | None:
    if "instance" not in labels:
        return None
    try:
        node = node_called(cluster, "instance", labels["instance"])
    except FinalError:
        return None  # an exporter that is no node's, kube-state-metrics for one
    return None if node.name == found.target.name else name_of(node)


def _named_by(labels: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    namespace = labels.get("namespace")
    place = f"{namespace}/" if namespace and "node" not in theirs else ""
    if not theirs:
        return f"namespace {namespace or ''}"[:300]
    return " and ".join(f"{kind} {place}{name}"[:300] for kind, name in theirs.items())


def _named(kind: object, namespace: str | None, name: str) -> str:
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


def _message(theirs: str, runbook: str, ours: str) -> str:
    return (
        f"the alert names {theirs}, and runbook {runbook} acts on {ours}: nothing is done. Correct "
        f"the alert's labels, or let the runbook take its target from the alert (from_alert)."
    )
