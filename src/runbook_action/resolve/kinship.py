"""Whether what a label names is kin of a target: its workload, its pod, its claim, its node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import cast

from runbook_action.errors import ActionRefused, TargetAmbiguous, TargetNotFound
from runbook_action.kinds import KindWord, known_kind
from runbook_action.objects import Autoscaler, KubernetesObject, Pod
from runbook_action.objects.base import selector_of
from runbook_action.ports import Cluster
from runbook_action.request import NAME, NAMESPACE
from runbook_action.resolve.claims import is_made_by, uses
from runbook_action.resolve.labels import as_name, meant_by, named_by
from runbook_action.resolve.nodes import node_called
from runbook_action.resolve.owners import name_of, owner_of_pod
from runbook_action.resolve.pod_names import is_named_by, is_of_the_exporter, makers_of
from runbook_action.rights import WORKLOADS


class Kinship:
    """One target and its family; the cluster is asked only for what a label makes necessary.

    Parameters
    ----------
    cluster
        Where the target is.
    target
        What is to be acted on.
    kin
        What has a say in it (``kin.kin_of``).
    labels
        Of the alert.
    """

    def __init__(
        self,
        cluster: Cluster,
        target: KubernetesObject,
        kin: Sequence[KubernetesObject],
        labels: Mapping[str, str],
    ) -> None:
        self._cluster = cluster
        self._target = target
        self._family = [target, *kin]
        self._labels = labels

    def another_node(self) -> str | None:
        """Name the node that the labels lead to, if the target is another one.

        Whatever names a node has to lead to it, and so has the node of the pod that is named. An
        address counts where no label ``node`` says which node is meant. One that no node has, or
        several, does not lead to the target: a node that has gone takes its address along.

        Raises
        ------
        AccessDenied, RetryableError
            Where the pod is could not be found out.
        """
        if self._target.kind != "node":
            return None
        pods = [text for _, text in named_by(self._labels, "pod")]
        # Without the host's network a node_exporter takes its pod's name for that of the node.
        named = [pair for pair in named_by(self._labels, "node") if pair[1] not in pods]
        for label, text in named:
            if text != self._target.name and (other := self._other_node(label, text)):
                return other
        if not meant_by(self._labels, "node"):
            for text in meant_by(self._labels, "instance"):
                # A pod has an address, too: beside a name one that no node has is an exporter's.
                if other := self._other_node("instance", text, may_be_none=bool(named)):
                    return other
        return self._node_of_another(pods, named=bool(named))

    def another(self, word: str, name: str) -> str | None:
        """Name what a label leads to; None for the target or kin of it.

        Parameters
        ----------
        word, name
            Kind and name of what the label names (``labels.all_named``).

        Raises
        ------
        AccessDenied, RetryableError
            Whether it is kin could not be found out.
        """
        if any((each.kind, each.name) == (word, name) for each in self._family):
            return None
        if word == "workload" and any(each.name == name for each in self._family):
            return None
        named = f"{as_name(word)} {self._target.namespace}/{as_name(name)}"
        if word == "pod":
            return self._another_pod(name)
        if word == "horizontalpodautoscaler":
            return self._another_autoscaler(name, named)
        if word == "replicaset":
            return self._another_replicaset(name, named)
        if word == "persistentvolumeclaim":
            held = any(uses(pod, name) for pod in self._pods)
            made = any(is_made_by(name, each) for each in self._workloads)
            return None if held or made else named
        if word == "node":
            here = any(pod.node == name for pod in self._pods)
            return None if here else f"node {as_name(name)}, where none of its pods is"
        return named

    @cached_property
    def _workloads(self) -> Sequence[KubernetesObject]:
        """What the target is, belongs to or governs that has pods."""
        return [each for each in self._family if each.kind in (*WORKLOADS, "job")]

    @cached_property
    def _pods(self) -> Sequence[Pod]:
        own = [cast(Pod, each) for each in self._family if each.kind == "pod"]
        if self._target.kind in ("pod", "persistentvolumeclaim"):
            return own
        selectors = [selector_of(each.spec.get("selector") or {}) for each in self._workloads]
        namespace = self._target.namespace
        return [pod for text in selectors if text for pod in self._cluster.pods(namespace, text)]

    def _is_ours(self, kind: KindWord, name: str, uid: str = "") -> bool:
        return any(
            (each.kind, each.name) == (kind, name) and not (uid and each.uid and uid != each.uid)
            for each in self._workloads
        )

    def _another_pod(self, name: str) -> str | None:
        try:
            pod = cast(Pod, self._cluster.read("pod", self._target.namespace, name))
        except TargetNotFound:
            return self._gone_pod(name)
        if self._target.kind == "persistentvolumeclaim":
            return (
                None if uses(pod, self._target.name) else f"{name_of(pod)}, which does not use it"
            )
        try:
            owner = owner_of_pod(self._cluster, pod)
        except (TargetAmbiguous, TargetNotFound) as error:
            return f"{name_of(pod)} ({error})"
        ours = self._is_ours(owner.kind, owner.name, owner.uid)
        return None if ours else f"{name_of(pod)} of {owner}"

    def _gone_pod(self, name: str) -> str | None:
        """Ask its name whose it was; that of an exporter in another namespace names nothing."""
        if any(is_named_by(name, each.kind, each.name) for each in self._workloads):
            maker = self._other_maker_of(name)
            named = f"pod {self._target.namespace}/{as_name(name)}"
            return f"{named}, which is not there and by its name is of {maker}" if maker else None
        if is_of_the_exporter(name, self._labels):
            return None
        return (
            f"pod {self._target.namespace}/{as_name(name)}, which is not there and by its name is "
            f"no pod of it"
        )

    def _other_maker_of(self, pod: str) -> str | None:
        """Name what is there and gives its pods such names, too: `checkout-db-x2x9q` of a Job."""
        for kind, name in makers_of(pod):
            if any((each.kind, each.name) == (kind, name) for each in self._family):
                continue
            try:
                found = self._cluster.read(kind, self._target.namespace, name)
            except TargetNotFound:
                continue
            if kind != "replicaset":
                return name_of(found)
            return None if self._is_made_by_ours(found) else name_of(found)
        return None

    def _another_autoscaler(self, name: str, named: str) -> str | None:
        try:
            found = cast(
                Autoscaler,
                self._cluster.read("horizontalpodautoscaler", self._target.namespace, name),
            )
        except TargetNotFound:
            return f"{named}, which is not there"
        ours = found.scaled is not None and self._is_ours(*found.scaled)
        return None if ours else f"{name_of(found)} of {found.scaled_as_spelled}"

    def _another_replicaset(self, name: str, named: str) -> str | None:
        try:
            found = self._cluster.read("replicaset", self._target.namespace, name)
        except TargetNotFound:
            return f"{named}, which is not there"
        return None if self._is_made_by_ours(found) else name_of(found)

    def _is_made_by_ours(self, found: KubernetesObject) -> bool:
        kind, owner = known_kind(found.controller), found.controller
        uid = str(owner.get("uid") or "")
        return kind is not None and self._is_ours(kind, str(owner.get("name")), uid)

    def _other_node(self, label: str, text: str, *, may_be_none: bool = False) -> str | None:
        try:
            node = node_called(self._cluster, label, text)
        except (ActionRefused, TargetAmbiguous, TargetNotFound) as error:
            gone = isinstance(error, TargetNotFound)
            return None if gone and may_be_none else f"node {as_name(text)} ({error})"
        return None if node.name == self._target.name else name_of(node)

    def _node_of_another(self, pods: Sequence[str], *, named: bool) -> str | None:
        """Name a pod of the alert that runs on another node; one that has gone runs nowhere."""
        spaces = [text for _, text in named_by(self._labels, "namespace")]
        for name in pods:
            if named and is_of_the_exporter(name, self._labels):
                continue
            for space in spaces:
                if not (NAMESPACE.fullmatch(space) and NAME.fullmatch(name)):
                    continue
                try:
                    pod = cast(Pod, self._cluster.read("pod", space, name))
                except TargetNotFound:
                    continue
                if pod.node not in ("", self._target.name) and not pod.finished:
                    return f"{name_of(pod)}, which runs on node {pod.node}"
        return None
