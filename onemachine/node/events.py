"""Kubernetes Events about pods, as a kubelet writes them: best effort, never in the way."""

import queue
import threading
import uuid
from collections.abc import Mapping
from typing import Any

from onemachine.node.cluster import Cluster
from onemachine.node.errors import ApiError
from onemachine.node.timestamps import now

_BACKLOG = 500
_REMEMBERED = 500


class EventRecorder:
    """Writes Events from a thread of its own; a repeated one only raises a counter.

    Parameters
    ----------
    cluster : Cluster
        Where to.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._queue: queue.Queue[tuple[Mapping[str, Any], str, str, str] | None] = queue.Queue(
            _BACKLOG
        )
        self._seen: dict[tuple[str, str, str], tuple[str, int]] = {}
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)

    def start(self) -> None:
        """Start writing."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Write what is queued and end, within the given seconds."""
        try:
            self._queue.put(None, timeout=seconds)
        except queue.Full:
            return
        self._thread.join(seconds)

    def emit(self, pod: Mapping[str, Any], kind: str, reason: str, message: str) -> None:
        """Queue an Event of kind ``Normal`` or ``Warning``; dropped if the backlog is full."""
        try:
            self._queue.put_nowait((pod, kind, reason, message))
        except queue.Full:
            return

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            try:
                self._write(*item)
            except ApiError:
                continue  # the namespace may be going away; status carries the same news

    def _write(self, pod: Mapping[str, Any], kind: str, reason: str, message: str) -> None:
        metadata = pod["metadata"]
        key = (metadata["uid"], reason, message)
        moment = now()
        if key in self._seen:
            name, count = self._seen[key]
            self._seen[key] = (name, count + 1)
            change = {"count": count + 1, "lastTimestamp": moment}
            self._cluster.patch_event(metadata["namespace"], name, change)
            return
        name = f"{metadata['name']}.{uuid.uuid4().hex[:16]}"
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": metadata["namespace"]},
            "involvedObject": {
                "apiVersion": "v1",
                "kind": "Pod",
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "uid": metadata["uid"],
            },
            "type": kind,
            "reason": reason,
            "message": message[:1024],
            "source": {"component": "kubelet", "host": pod["spec"].get("nodeName", "")},
            "firstTimestamp": moment,
            "lastTimestamp": moment,
            "count": 1,
        }
        self._cluster.create_event(metadata["namespace"], event)
        self._seen[key] = (name, 1)
        while len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
