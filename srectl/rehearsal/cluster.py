"""A cluster in memory: ``runbook_action.ports.Cluster`` over objects that a test gives."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar, cast

from runbook_action.errors import ClusterConflict, TargetNotFound
from runbook_action.kinds import KINDS, KindWord
from runbook_action.objects import KubernetesObject, Pod, view
from runbook_action.ports import Cluster, Right
from srectl.rehearsal.manifests import Key
from srectl.rehearsal.selectors import fields_match, labels_match

__all__ = ["MemoryCluster"]

T = TypeVar("T", bound=KubernetesObject)
Objects = dict[Key, dict[str, Any]]


class MemoryCluster(Cluster):
    """Objects that are read, patched and evicted as the API would.

    Parameters
    ----------
    objects
        What the cluster holds.
    controllers
        Called after each write, with the object before and after it: what the controllers of a
        cluster would do then.
    now
        Gives the time.
    """

    def __init__(
        self,
        objects: Objects,
        controllers: Callable[[MemoryCluster, Key, Any], None],
        now: Callable[[], datetime],
    ) -> None:
        self.objects = copy.deepcopy(objects)
        self._controllers = controllers
        self.now = now

    def allows(self, namespace: str, right: Right) -> bool:  # noqa: ARG002 - the port's
        """Everything is allowed: rights are tested on a real API server."""
        return True

    def is_held(self, current: KubernetesObject) -> bool:  # noqa: ARG002 - the port's
        """Nothing is refused either."""
        return False

    def read(self, kind: KindWord, namespace: str, name: str) -> KubernetesObject:
        """Read an object."""
        return view(kind, copy.deepcopy(self._held((kind, namespace, name))))

    def list(
        self, kind: KindWord, namespace: str, selector: str = "", fields: str = ""
    ) -> Sequence[KubernetesObject]:
        """List the objects of a kind that both selectors match, by name."""
        return [
            view(kind, copy.deepcopy(raw))
            for (word, where, _), raw in sorted(self.objects.items())
            if word == kind
            and namespace in ("", where)
            and labels_match(selector, raw["metadata"].get("labels") or {})
            and fields_match(fields, raw)
        ]

    def patch(self, current: T, patch: Mapping[str, Any]) -> T:
        """Merge a patch into the version that was read."""
        return self._write(current, lambda raw: _merged(raw, patch))

    def replace(self, current: T, values: Mapping[str, Any]) -> T:
        """Put whole values at JSON pointers of the version that was read."""

        def put(raw: dict[str, Any]) -> dict[str, Any]:
            for pointer, value in values.items():
                *path, last = [
                    part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/")
                ]
                at: Any = raw
                for part in path:
                    at = at.setdefault(part, {}) if isinstance(at, dict) else at[int(part)]
                at[last] = copy.deepcopy(value)
            return raw

        return self._write(current, put)

    def create(self, kind: KindWord, namespace: str, body: Mapping[str, Any]) -> KubernetesObject:
        """Make an object."""
        raw = copy.deepcopy(dict(body))
        name = raw.setdefault("metadata", {}).get("name")
        key: Key = (kind, namespace, str(name))
        if key in self.objects:
            raise ClusterConflict(f"{KINDS[kind].kind} {namespace}/{name} already exists")
        raw["metadata"] |= {
            "namespace": namespace,
            "uid": f"made-{len(self.objects)}",
            "resourceVersion": "1",
            "generation": 1,
        }
        self.objects[key] = raw
        self._controllers(self, key, None)
        return self.read(kind, namespace, str(name))

    def create_event(self, namespace: str, event: Mapping[str, Any]) -> None:
        """Keep an event: some steps remember by one what they have begun."""
        self.create("event", namespace, event)

    def evict(self, pod: Pod, grace_period_seconds: int | None) -> None:  # noqa: ARG002 - the port's
        """Let a pod go; budgets are the API server's, which the tests of the project ask."""
        key: Key = ("pod", pod.namespace, pod.name)
        before = self._held(key)
        if before["metadata"]["uid"] != pod.uid:
            raise ClusterConflict(f"pod {pod.namespace}/{pod.name} is another one by now")
        del self.objects[key]
        self._controllers(self, key, before)

    def _held(self, key: Key) -> dict[str, Any]:
        if key not in self.objects:
            kind, namespace, name = key
            place = f"{namespace}/{name}" if namespace else name
            raise TargetNotFound(f"{kind} {place} does not exist")
        return self.objects[key]

    def _write(self, current: T, change: Callable[[dict[str, Any]], dict[str, Any]]) -> T:
        key: Key = (current.kind, current.namespace, current.name)
        before = self._held(key)
        if before["metadata"]["resourceVersion"] != current.resource_version:
            raise ClusterConflict(f"{current.kind} {current.name} has been modified")
        after = change(copy.deepcopy(before))
        metadata = after["metadata"]
        metadata["resourceVersion"] = str(int(metadata["resourceVersion"]) + 1)
        if json.dumps(after.get("spec"), sort_keys=True) != json.dumps(
            before.get("spec"), sort_keys=True
        ):
            metadata["generation"] = metadata["generation"] + 1
        self.objects[key] = after
        written = cast(T, self.read(*key))
        self._controllers(self, key, before)
        return written


def _merged(into: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, Mapping):
        return copy.deepcopy(patch)
    result = dict(into) if isinstance(into, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result
