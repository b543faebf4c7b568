"""HorizontalPodAutoscalers."""

from __future__ import annotations

from typing import cast

from runbook_action.kinds import KindWord
from runbook_action.objects.base import KubernetesObject


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

    @property
    def scaled(self) -> tuple[KindWord, str]:
        """Kind and name of the object whose replicas it sets."""
        target = self.spec.get("scaleTargetRef") or {}
        return cast(KindWord, str(target.get("kind", "")).lower()), str(target.get("name", ""))

    def scales(self, kind: str, name: str) -> bool:
        """Whether it sets the replicas of this object."""
        target = self.spec.get("scaleTargetRef") or {}
        return (target.get("kind"), target.get("name")) == (kind, name)

    @property
    def current_replicas(self) -> int:
        """Replicas it sees."""
        return int(self.status.get("currentReplicas") or 0)
