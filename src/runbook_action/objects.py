"""Kubernetes objects as the actions read them: thin views of what the API answered.

The API's own JSON stays underneath, so nothing an object carries is lost on the way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]

# Waiting reasons out of which a container does not come by waiting. CrashLoopBackOff is judged
# apart: a first crash may be bad luck.
_STUCK = frozenset(
    {
        "ImagePullBackOff",
        "ErrImageNeverPull",
        "InvalidImageName",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
    }
)
CRASHES_THAT_ARE_A_LOOP = 2

# What makes nodes a group, in this order: an EKS node group, a Karpenter pool, or by hand.
GROUP_LABELS = (
    "eks.amazonaws.com/nodegroup",
    "karpenter.sh/nodepool",
    "node.kubernetes.io/instance-group",
)


@dataclass(frozen=True)
class KubernetesObject:
    """What every object has."""

    raw: Json

    @property
    def metadata(self) -> Json:
        """Its metadata, never None."""
        return self.raw.get("metadata") or {}

    @property
    def spec(self) -> Json:
        """Its spec, never None."""
        return self.raw.get("spec") or {}

    @property
    def status(self) -> Json:
        """Its status, never None."""
        return self.raw.get("status") or {}

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.metadata["name"])

    @property
    def namespace(self) -> str:
        """Its namespace; empty for an object of the cluster."""
        return str(self.metadata.get("namespace") or "")

    @property
    def uid(self) -> str:
        """Its identity: a recreated object of the same name has another one."""
        return str(self.metadata.get("uid") or "")

    @property
    def resource_version(self) -> str:
        """Version to give with a write that must not overwrite someone else's."""
        return str(self.metadata.get("resourceVersion") or "")

    @property
    def annotations(self) -> Mapping[str, str]:
        """Its annotations, never None."""
        return self.metadata.get("annotations") or {}


class Deployment(KubernetesObject):
    """A Deployment (apps/v1)."""

    @property
    def paused(self) -> bool:
        """Whether rollouts are switched off by its owner."""
        return bool(self.spec.get("paused"))

    @property
    def replicas(self) -> int:
        """Replicas asked for; Kubernetes defaults to 1."""
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
        selector = self.spec.get("selector") or {}
        terms = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
        for expression in selector.get("matchExpressions") or []:
            key, values = expression["key"], ",".join(expression.get("values") or [])
            terms.append(
                {
                    "In": f"{key} in ({values})",
                    "NotIn": f"{key} notin ({values})",
                    "Exists": key,
                    "DoesNotExist": f"!{key}",
                }[expression["operator"]]
            )
        return ",".join(terms)

    @property
    def revision(self) -> int:
        """Number of the current template in its history."""
        return _revision(self)

    @property
    def generation(self) -> int:
        """Counts changes of the spec."""
        return int(self.metadata.get("generation") or 0)

    def count(self, name: str) -> int:
        """A number of the status, such as ``readyReplicas``; absent means 0."""
        return int(self.status.get(name) or 0)

    def condition(self, kind: str) -> Json:
        """A condition of the status, or an empty object."""
        conditions: Sequence[Json] = self.status.get("conditions") or []
        return next((each for each in conditions if each.get("type") == kind), {})


class ReplicaSet(KubernetesObject):
    """A ReplicaSet (apps/v1): one revision of a Deployment."""

    @property
    def revision(self) -> int:
        """Its number in the Deployment's history."""
        return _revision(self)

    @property
    def template(self) -> Json:
        """Its pod template."""
        return self.spec.get("template") or {}

    def belongs_to(self, deployment: Deployment) -> bool:
        """Whether it is a revision of this Deployment."""
        owners: Sequence[Json] = self.metadata.get("ownerReferences") or []
        return any(owner.get("uid") == deployment.uid for owner in owners)


class Autoscaler(KubernetesObject):
    """A HorizontalPodAutoscaler (autoscaling/v2)."""

    @property
    def min_replicas(self) -> int:
        """Fewest replicas; Kubernetes defaults to 1."""
        value = self.spec.get("minReplicas")
        return 1 if value is None else int(value)

    @property
    def max_replicas(self) -> int:
        """Most replicas."""
        return int(self.spec["maxReplicas"])

    def scales(self, kind: str, name: str) -> bool:
        """Whether it sets the replicas of this object."""
        target = self.spec.get("scaleTargetRef") or {}
        return (target.get("kind"), target.get("name")) == (kind, name)


def _revision(of: KubernetesObject) -> int:
    text = of.annotations.get("deployment.kubernetes.io/revision", "")
    return int(text) if text.isdigit() else 0


class Pod(KubernetesObject):
    """A Pod (v1)."""

    @property
    def terminating(self) -> bool:
        """Whether it is on its way out."""
        return bool(self.metadata.get("deletionTimestamp"))

    @property
    def controller_kind(self) -> str | None:
        """Kind of what would start it again, or None if nothing would."""
        owners: Sequence[Json] = self.metadata.get("ownerReferences") or []
        return next((str(each.get("kind")) for each in owners if each.get("controller")), None)

    @property
    def mirror(self) -> bool:
        """Whether it only mirrors a static pod of its node."""
        return "kubernetes.io/config.mirror" in self.annotations

    @property
    def finished(self) -> bool:
        """Whether all its containers have ended for good."""
        return self.status.get("phase") in ("Succeeded", "Failed")

    @property
    def local_storage(self) -> bool:
        """Whether it keeps data in an emptyDir."""
        return any("emptyDir" in volume for volume in self.spec.get("volumes") or [])

    def fault(self) -> str | None:
        """Why the pod will not come up by waiting, or None if it may."""
        statuses = [
            *(self.status.get("initContainerStatuses") or []),
            *(self.status.get("containerStatuses") or []),
        ]
        for status in statuses:
            waiting = (status.get("state") or {}).get("waiting") or {}
            reason, restarts = waiting.get("reason"), int(status.get("restartCount") or 0)
            if reason in _STUCK:
                return f"container {status.get('name')} of pod {self.name}: {reason}"
            if reason == "CrashLoopBackOff" and restarts >= CRASHES_THAT_ARE_A_LOOP:
                return (
                    f"container {status.get('name')} of pod {self.name}: {reason} "
                    f"after {restarts} restarts"
                )
        return None


class Node(KubernetesObject):
    """A Node (v1)."""

    @property
    def unschedulable(self) -> bool:
        """Whether it is cordoned."""
        return bool(self.spec.get("unschedulable"))

    @property
    def ready(self) -> bool:
        """Whether its kubelet says so, and was heard lately."""
        conditions: Sequence[Json] = self.status.get("conditions") or []
        return any(
            each.get("type") == "Ready" and each.get("status") == "True" for each in conditions
        )

    @property
    def group_selector(self) -> str:
        """Label selector of the nodes of its group."""
        labels = self.metadata.get("labels") or {}
        for label in GROUP_LABELS:
            if label in labels:
                return f"{label}={labels[label]}"
        return ",".join(f"!{label}" for label in GROUP_LABELS)
