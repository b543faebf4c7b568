"""Jobs."""

from __future__ import annotations

from runbook_action.objects.base import Json, KubernetesObject


class Job(KubernetesObject):
    """A Job (batch/v1)."""

    @property
    def failed(self) -> bool:
        """Whether it has given up."""
        return self.condition("Failed").get("status") == "True"

    @property
    def complete(self) -> bool:
        """Whether it has done its work."""
        return self.condition("Complete").get("status") == "True"

    @property
    def why_failed(self) -> str:
        """Reason and message of its end, or an empty text."""
        ended = self.condition("Failed") or self.condition("FailureTarget")
        return ": ".join(str(ended[key]) for key in ("reason", "message") if ended.get(key))

    @property
    def template(self) -> Json:
        """The pod template."""
        return self.spec.get("template") or {}

    @property
    def suspended(self) -> bool:
        """Whether it is held back."""
        return self.spec.get("suspend") is True
