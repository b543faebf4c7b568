"""The kinds of Kubernetes objects this function knows, and where the API has them.

A kind's word is its Kubernetes name in small letters, as ``kubectl`` takes it: what runbooks,
targets, rights and paths of the API spell in four ways stands here once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

KindWord = Literal[
    "controllerrevision",
    "cronjob",
    "daemonset",
    "deployment",
    "event",
    "horizontalpodautoscaler",
    "job",
    "namespace",
    "node",
    "persistentvolume",
    "persistentvolumeclaim",
    "pod",
    "poddisruptionbudget",
    "replicaset",
    "statefulset",
    "storageclass",
]


@dataclass(frozen=True)
class Kind:
    """One kind.

    Attributes
    ----------
    kind
        As manifests and owner references spell it.
    group
        API group; empty for the core API.
    version
        Version of the group that is spoken.
    resource
        As paths of the API and rights spell it.
    namespaced
        Whether its objects lie in a namespace.
    """

    kind: str
    group: str
    version: str
    resource: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """As manifests spell group and version."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def root(self) -> str:
        """Path of the API that the kind is served under."""
        return f"/apis/{self.api_version}" if self.group else f"/api/{self.version}"


KINDS: Mapping[KindWord, Kind] = {
    "controllerrevision": Kind("ControllerRevision", "apps", "v1", "controllerrevisions"),
    "cronjob": Kind("CronJob", "batch", "v1", "cronjobs"),
    "daemonset": Kind("DaemonSet", "apps", "v1", "daemonsets"),
    "deployment": Kind("Deployment", "apps", "v1", "deployments"),
    "event": Kind("Event", "events.k8s.io", "v1", "events"),
    "horizontalpodautoscaler": Kind(
        "HorizontalPodAutoscaler", "autoscaling", "v2", "horizontalpodautoscalers"
    ),
    "job": Kind("Job", "batch", "v1", "jobs"),
    "namespace": Kind("Namespace", "", "v1", "namespaces", namespaced=False),
    "node": Kind("Node", "", "v1", "nodes", namespaced=False),
    "persistentvolume": Kind("PersistentVolume", "", "v1", "persistentvolumes", namespaced=False),
    "persistentvolumeclaim": Kind("PersistentVolumeClaim", "", "v1", "persistentvolumeclaims"),
    "pod": Kind("Pod", "", "v1", "pods"),
    "poddisruptionbudget": Kind("PodDisruptionBudget", "policy", "v1", "poddisruptionbudgets"),
    "replicaset": Kind("ReplicaSet", "apps", "v1", "replicasets"),
    "statefulset": Kind("StatefulSet", "apps", "v1", "statefulsets"),
    "storageclass": Kind(
        "StorageClass", "storage.k8s.io", "v1", "storageclasses", namespaced=False
    ),
}


def known_kind(reference: Mapping[str, Any], *, of_no_version: bool = False) -> KindWord | None:
    """Give the kind that a reference from one object to another means, None for an unknown one.

    Parameters
    ----------
    reference
        An owner reference or a ``scaleTargetRef``, as the API has it.
    of_no_version
        Whether one without ``apiVersion`` may be of any group.

    Examples
    --------
    >>> known_kind({"apiVersion": "apps/v1", "kind": "Deployment", "name": "checkout"})
    'deployment'
    >>> known_kind({"apiVersion": "example.com/v1", "kind": "Deployment", "name": "checkout"})
    """
    version = str(reference.get("apiVersion") or "")
    group = version.rpartition("/")[0]
    for word, kind in KINDS.items():
        if kind.kind == reference.get("kind") and (
            kind.group == group or (of_no_version and not version)
        ):
            return word
    return None


def spelled(reference: Mapping[str, Any]) -> str:
    """Spell a reference for an error: ``Rollout shop (argoproj.io/v1alpha1)``."""
    version = reference.get("apiVersion") or "of no version"
    return f"{reference.get('kind')} {reference.get('name')} ({version})"
