"""Pods."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from runbook_action.objects.base import Json, KubernetesObject

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
    def local_data(self) -> Sequence[str]:
        """Names of the emptyDirs in which it may keep data.

        One in memory, or with a limit of size, is scratch by the word of whoever made it: the node
        forgets the first with a restart, and evicts a pod that outgrows the second.
        """
        return [name for name, of in self._empty_dirs() if not (of.get("medium") or _limit(of))]

    @property
    def scratch(self) -> Sequence[str]:
        """The other emptyDirs, each with why it is no data."""
        return [
            f"{name} ({' and '.join(filter(None, (_medium(of), _limit(of))))})"
            for name, of in self._empty_dirs()
            if name not in self.local_data
        ]

    def _empty_dirs(self) -> Sequence[tuple[str, Json]]:
        volumes = self.spec.get("volumes") or []
        # An emptyDir without settings may stand there as null.
        return [
            (str(each.get("name")), each["emptyDir"] or {})
            for each in volumes
            if "emptyDir" in each
        ]

    def started_after(self, moment: datetime) -> bool:
        """Whether each of its containers runs, and was started later than a moment.

        The cluster counts in whole seconds, so one that was started in the same second was not.
        """
        statuses = self.status.get("containerStatuses") or []
        running = [(each.get("state") or {}).get("running") or {} for each in statuses]
        try:
            starts = [datetime.fromisoformat(str(each.get("startedAt"))) for each in running]
            return bool(starts) and all(each > moment for each in starts)
        except (ValueError, TypeError):  # waiting or ended, or a time without a zone
            return False

    def unready_seconds(self, now: datetime) -> float:
        """How long it has not been ready by now; 0 where it is, or where nobody knows since when.

        One that no node has taken yet has no condition, and has not been ready since it was made.
        """
        since = self.condition("Ready").get("lastTransitionTime")
        since = since or self.metadata.get("creationTimestamp")
        try:
            waited = now - datetime.fromisoformat(str(since))
        except (ValueError, TypeError):  # no time, or one without a zone
            return 0.0
        return 0.0 if self.ready else waited.total_seconds()

    def overdue(self, now: datetime) -> bool:
        """Whether it should have ended by now, by the time it was given."""
        try:
            ends = datetime.fromisoformat(str(self.metadata.get("deletionTimestamp")))
        except ValueError:
            return False
        return ends <= now

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


def lost_with(pod: Pod) -> str:
    """What ends with a pod, for a human: its data, then its scratch; empty if nothing does."""
    data = [f"emptyDir {name} (on disk, without a limit)" for name in pod.local_data]
    return ", ".join([*data, *(f"scratch {each}" for each in pod.scratch)])


def _medium(empty_dir: Json) -> str:
    medium = str(empty_dir.get("medium") or "")
    return "in memory" if medium == "Memory" else medium


def _limit(empty_dir: Json) -> str:
    limit = str(empty_dir.get("sizeLimit") or "0")
    return "" if limit == "0" else f"at most {limit}"
