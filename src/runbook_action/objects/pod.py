"""Pods."""

from __future__ import annotations

from runbook_action.objects.base import KubernetesObject

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


class Pod(KubernetesObject):
    """A Pod (v1)."""

    @property
    def terminating(self) -> bool:
        """Whether it is on its way out."""
        return bool(self.metadata.get("deletionTimestamp"))

    @property
    def controller_kind(self) -> str | None:
        """Kind of what would start it again, or None if nothing would."""
        return str(self.controller["kind"]) if self.controller else None

    @property
    def ready(self) -> bool:
        """Whether it serves."""
        return self.condition("Ready").get("status") == "True"

    @property
    def node(self) -> str:
        """Name of the node it is on; empty while it waits for one."""
        return str(self.spec.get("nodeName") or "")

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
