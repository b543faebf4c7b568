"""Deployments, StatefulSets and DaemonSets, and what keeps their earlier templates.

The three count their pods under different names; a ``Workload`` knows which.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from runbook_action.objects.base import Json, KubernetesObject, number_in, selector_of

Count = Literal["existing", "updated", "ready", "available"]
_COUNTS: Final[Mapping[Count, tuple[str, str]]] = {  # of a DaemonSet, of the two others
    "existing": ("currentNumberScheduled", "replicas"),
    "updated": ("updatedNumberScheduled", "updatedReplicas"),
    "ready": ("numberReady", "readyReplicas"),
    "available": ("numberAvailable", "availableReplicas"),
}
_REVISION = "deployment.kubernetes.io/revision"


class Workload(KubernetesObject):
    """A Deployment, StatefulSet or DaemonSet (apps/v1)."""

    @property
    def paused(self) -> bool:
        """Whether rollouts are switched off by its owner."""
        return bool(self.spec.get("paused"))

    @property
    def replicas(self) -> int:
        """Pods asked for; Kubernetes defaults to 1, and counts nodes for a DaemonSet."""
        if self.kind == "daemonset":
            return int(self.status.get("desiredNumberScheduled") or 0)
        replicas = self.spec.get("replicas")
        return 1 if replicas is None else int(replicas)

    @property
    def template(self) -> Json:
        """The pod template."""
        return self.spec.get("template") or {}

    @property
    def template_annotations(self) -> Mapping[str, str]:
        """Annotations that its pods carry."""
        return (self.template.get("metadata") or {}).get("annotations") or {}

    @property
    def selector(self) -> str:
        """Its label selector in the API's query syntax."""
        return selector_of(self.spec.get("selector") or {})

    @property
    def update_strategy(self) -> Json:
        """How it replaces pods, never None; ``type`` may be missing for the default."""
        name = "strategy" if self.kind == "deployment" else "updateStrategy"
        return self.spec.get(name) or {}

    @property
    def partition(self) -> int:
        """Pods that a rolling update of a StatefulSet leaves as they are."""
        rolling = self.update_strategy.get("rollingUpdate") or {}
        return int(rolling.get("partition") or 0) if self.kind == "statefulset" else 0

    @property
    def replaced_by_hand(self) -> bool:
        """Whether a pod takes a new template only when somebody deletes it."""
        return self.kind != "deployment" and self.update_strategy.get("type") == "OnDelete"

    @property
    def held_back(self) -> str:
        """What keeps pods from the template, in words; empty where it rolls out by itself."""
        if self.paused:
            return "paused"
        if self.replaced_by_hand:
            return "update strategy OnDelete"
        return f"partition {self.partition}" if self.partition > 0 else ""

    @property
    def revision(self) -> int:
        """Number of the current template in a Deployment's history."""
        return number_in(self.annotations.get(_REVISION)) or 0

    def count(self, what: Count) -> int:
        """A number of its pods; one that the status does not have means 0."""
        of_daemonset, of_others = _COUNTS[what]
        name = of_daemonset if self.kind == "daemonset" else of_others
        return int(self.status.get(name) or 0)

    @property
    def observed_generation(self) -> int:
        """The newest spec that its controller has seen."""
        return int(self.status.get("observedGeneration") or 0)

    @property
    def observed(self) -> bool:
        """Whether its status is about the spec as it is now; a count it leaves out is then 0."""
        return "observedGeneration" in self.status and self.observed_generation >= self.generation


class Revision(KubernetesObject):
    """An earlier template: a Deployment's ReplicaSet, or a ControllerRevision of the others."""

    @property
    def revision(self) -> int:
        """Its number in the history."""
        if self.kind == "controllerrevision":
            return int(self.raw.get("revision") or 0)
        return number_in(self.annotations.get(_REVISION)) or 0

    @property
    def template(self) -> Json:
        """Its pod template."""
        data = self.raw.get("data") or {} if self.kind == "controllerrevision" else self.raw
        template = (data.get("spec") or {}).get("template") or {}
        # A ControllerRevision is a patch, and says so inside of the template.
        return {key: value for key, value in template.items() if key != "$patch"}

    @property
    def template_annotations(self) -> Mapping[str, str]:
        """Annotations of its pod template, never None."""
        return (self.template.get("metadata") or {}).get("annotations") or {}
