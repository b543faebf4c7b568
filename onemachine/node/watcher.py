"""Follows the pods of the API server: list, watch from there, list again when told to."""

import logging
import threading
from collections.abc import Mapping
from typing import Any, Protocol

from onemachine.node.cluster import Cluster
from onemachine.node.errors import ApiError

log = logging.getLogger(__name__)

_RETRY_SECONDS = 1.0
_GONE = 410


class PodListener(Protocol):
    """Whoever wants to know about pods."""

    def replace(self, pods: list[dict[str, Any]]) -> None:
        """Take the complete list of bound pods."""

    def changed(self, pod: Mapping[str, Any]) -> None:
        """Take a pod that is new or has changed."""

    def deleted(self, pod: Mapping[str, Any]) -> None:
        """Take a pod that is gone."""


class PodWatcher(threading.Thread):
    """Keeps a listener up to date.

    Parameters
    ----------
    cluster : Cluster
        Where the pods are.
    listener : PodListener
        Who is told, from this thread.
    """

    def __init__(self, cluster: Cluster, listener: PodListener) -> None:
        super().__init__(name="watch", daemon=True)
        self._cluster = cluster
        self._listener = listener
        self._stop_asked = threading.Event()

    def stop(self) -> None:
        """End the watch."""
        self._stop_asked.set()
        self._cluster.close()

    def run(self) -> None:
        """Follow until stopped."""
        version = ""
        while not self._stop_asked.is_set():
            try:
                if not version:
                    pods, version = self._cluster.list_pods()
                    self._listener.replace(pods)
                for event in self._cluster.watch_pods(version):
                    version = event["object"]["metadata"]["resourceVersion"]
                    if event["type"] in ("ADDED", "MODIFIED"):
                        self._listener.changed(event["object"])
                    elif event["type"] == "DELETED":
                        self._listener.deleted(event["object"])
            except ApiError as error:
                if self._stop_asked.is_set():
                    return
                # an expired version comes as 410; after any other failure listing is right too
                version = ""
                if error.status != _GONE:
                    log.warning("watch of pods interrupted, listing again: %s", error)
                    self._stop_asked.wait(_RETRY_SECONDS)
