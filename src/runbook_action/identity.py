"""The very object that was resolved, and not another one that has its name by now.

Between resolve and undo lie minutes, an approval or a week of quiet. Who deletes an object and
makes it anew under its name has made another one: nothing that was decided is about that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runbook_action.errors import TargetNotFound
from runbook_action.kinds import KindWord
from runbook_action.objects import KubernetesObject, Pod
from runbook_action.ports import Cluster, Right, T
from runbook_action.request import Target


class OfOneTarget(Cluster):
    """A cluster that gives a request's target only while it is the object that was resolved.

    Every read of the target is checked, so whatever an action decides and writes is about that
    object: a write is bound to the version that was read. A target without ``uid``, as requests
    from before it have it, is known by its name.

    Parameters
    ----------
    cluster
        Does the work.
    target
        With the identity that ``resolve`` found.
    """

    def __init__(self, cluster: Cluster, target: Target) -> None:
        self._cluster = cluster
        self._target = target

    def read(self, kind: KindWord, namespace: str, name: str) -> KubernetesObject:
        """Read an object; TargetNotFound if the target is another one by now."""
        found = self._cluster.read(kind, namespace, name)
        target = self._target
        asked = (target.kind, target.namespace or "", target.name)
        if (kind, namespace, name) == asked and target.uid not in (None, found.uid):
            raise TargetNotFound(
                f"{target} is another object of the same name: the one that the incident is about "
                f"(uid {target.uid}) has gone, and this one (uid {found.uid}) was made since. It "
                f"is left alone; a human has to tell whether it needs anything."
            )
        return found

    def allows(self, namespace: str, right: Right) -> bool:
        """Ask whether we have a right in a namespace."""
        return self._cluster.allows(namespace, right)

    def is_held(self, current: KubernetesObject) -> bool:
        """Whether the admission policy holds us."""
        return self._cluster.is_held(current)

    def list(
        self, kind: KindWord, namespace: str, selector: str = "", fields: str = ""
    ) -> Sequence[KubernetesObject]:
        """List the objects of a kind."""
        return self._cluster.list(kind, namespace, selector, fields)

    def patch(self, current: T, patch: Mapping[str, Any]) -> T:
        """Merge a patch into exactly the version that was read."""
        return self._cluster.patch(current, patch)

    def replace(self, current: T, values: Mapping[str, Any]) -> T:
        """Put whole values into exactly the version that was read."""
        return self._cluster.replace(current, values)

    def create(self, kind: KindWord, namespace: str, body: Mapping[str, Any]) -> KubernetesObject:
        """Make an object."""
        return self._cluster.create(kind, namespace, body)

    def create_event(self, namespace: str, event: Mapping[str, Any]) -> None:
        """Write an Event."""
        self._cluster.create_event(namespace, event)

    def evict(self, pod: Pod, grace_period_seconds: int | None) -> None:
        """Ask for the eviction of exactly this pod."""
        self._cluster.evict(pod, grace_period_seconds)
