"""HorizontalPodAutoscalers."""

from __future__ import annotations

from runbook_action.kinds import KindWord, known_kind, spelled
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
    def scaled(self) -> tuple[KindWord, str] | None:
        """Kind and name of the object whose replicas it sets; None for a kind of no known group.

        An operator's resource may be called Deployment, too. A reference without a version leaves
        the group open: it is taken for the kind's own.
        """
        target = self.spec.get("scaleTargetRef") or {}
        kind = known_kind(target, of_no_version=True)
        return None if kind is None else (kind, str(target.get("name", "")))

    @property
    def scaled_as_spelled(self) -> str:
        """What it scales, as its reference says it."""
        target = self.spec.get("scaleTargetRef") or {}
        return spelled(target) if target else "nothing"

    def scales(self, kind: str, name: str) -> bool:
        """Whether it sets the replicas of this object."""
        return self.scaled == (kind.lower(), name)

    @property
    def current_replicas(self) -> int:
        """Replicas it sees."""
        return int(self.status.get("currentReplicas") or 0)
