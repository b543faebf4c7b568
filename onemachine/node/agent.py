"""The agent as a whole: which pod has which worker, and how everything starts and stops."""

import logging
import threading
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from onemachine.node import files
from onemachine.node.addresses import AddressPool, lock_range
from onemachine.node.cluster import Cluster
from onemachine.node.errors import ApiError
from onemachine.node.events import EventRecorder
from onemachine.node.guard import Guard
from onemachine.node.images import ImageStore
from onemachine.node.kubelet_logs import KubeletLogs
from onemachine.node.kubelet_metrics import KubeletMetrics
from onemachine.node.nodes import NodeKeeper
from onemachine.node.pod import Host, PodWorker
from onemachine.node.recent_lines import RecentLines
from onemachine.node.settings import AgentSettings
from onemachine.node.usage import CpuUsage
from onemachine.node.volumes import VolumeKeeper, VolumeStore, exposition
from onemachine.node.watcher import PodWatcher

log = logging.getLogger(__name__)

_KEEP_DIRECTORIES = 60
_FINISHED_PHASES = ("Succeeded", "Failed")


class PodManager:
    """Gives every pod of the agent's nodes a worker.

    Parameters
    ----------
    host : Host
        What the workers share.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._workers: dict[str, PodWorker] = {}
        self._done: set[str] = set()
        self._lock = threading.Lock()

    def replace(self, pods: list[dict[str, Any]]) -> None:
        """Take the complete list; a pod that is not in it is gone."""
        present = {pod["metadata"]["uid"] for pod in pods}
        with self._lock:
            missing = [w for uid, w in self._workers.items() if uid not in present]
            self._done &= present
        for worker in missing:
            worker.vanish()
        for pod in pods:
            self.changed(pod)

    def changed(self, pod: Mapping[str, Any]) -> None:
        """Take a pod that is new or has changed."""
        if pod["spec"].get("nodeName") not in self._host.settings.nodes:
            return
        uid = pod["metadata"]["uid"]
        with self._lock:
            worker = self._workers.get(uid)
            over = uid in self._done or (
                worker is None and (pod.get("status") or {}).get("phase") in _FINISHED_PHASES
            )
            if worker is None and not over:
                self._start(pod)
                return
        if worker is not None:
            worker.update(pod)
        elif pod["metadata"].get("deletionTimestamp"):
            self._remove(pod)

    def deleted(self, pod: Mapping[str, Any]) -> None:
        """Take a pod that is gone."""
        uid = pod["metadata"]["uid"]
        with self._lock:
            worker = self._workers.get(uid)
            self._done.discard(uid)
        if worker is not None:
            worker.vanish()

    def lines(self, namespace: str, pod: str, container: str) -> RecentLines | None:
        """Give the newest lines of a container; None for one that does not run here."""
        with self._lock:
            workers = list(self._workers.values())
        for worker in reversed(workers):  # the newest of a name
            if (worker.namespace, worker.pod_name) == (namespace, pod):
                return worker.recent_lines(container)
        return None

    def stop(self, seconds: float) -> None:
        """Stop every pod's processes and wait for them, up to the given seconds each."""
        with self._lock:
            workers = list(self._workers.values())
        for worker in workers:
            worker.halt()
        for worker in workers:
            worker.join(seconds)

    def _start(self, pod: Mapping[str, Any]) -> None:
        metadata = pod["metadata"]
        key = (metadata["namespace"], metadata["name"])
        same_name = [w for w in self._workers.values() if (w.namespace, w.pod_name) == key]
        worker = PodWorker(pod, self._host, same_name[-1] if same_name else None, self._ended)
        self._workers[metadata["uid"]] = worker
        worker.start()
        running = {one.directory for one in self._workers.values()}
        files.prune(self._host.settings.state_dir, _KEEP_DIRECTORIES, running)

    def _ended(self, worker: PodWorker) -> None:
        with self._lock:
            self._workers.pop(worker.uid, None)
            self._done.add(worker.uid)

    def _remove(self, pod: Mapping[str, Any]) -> None:
        metadata = pod["metadata"]
        try:
            self._host.cluster.remove_pod(metadata["namespace"], metadata["name"], metadata["uid"])
        except ApiError as error:
            log.warning("finished pod %s not removed: %s", metadata["name"], error)


class Agent:
    """A node agent, from start to stop.

    Parameters
    ----------
    settings : AgentSettings
        What to be.
    cluster : Cluster
        Whom to serve.

    Raises
    ------
    SettingsError
        If the pod range is in use or the image map cannot be read.
    """

    def __init__(self, settings: AgentSettings, cluster: Cluster) -> None:
        self._settings = settings
        self._range_lock = lock_range(settings.pod_range)
        self._cluster = cluster
        self._events = EventRecorder(cluster)
        self._guard = Guard()
        addresses = AddressPool(settings.pod_range)
        volumes = VolumeStore(settings.state_dir / "volumes")
        cpu = CpuUsage()
        host = Host(
            settings=settings,
            cluster=cluster,
            images=ImageStore(settings.image_map),
            addresses=addresses,
            guard=self._guard,
            events=self._events,
            volumes=volumes,
            cpu=cpu,
        )
        self._pods = PodManager(host)
        self._nodes = NodeKeeper(settings, cluster, addresses)
        self._watcher = PodWatcher(cluster, self._pods)
        keeper = VolumeKeeper(volumes, cluster)
        self._volumes = keeper
        self._logs = list(_kubelets(host, self._pods))
        self._metrics: KubeletMetrics | None = None
        if settings.metrics_port:
            pages = {
                "/metrics": lambda: exposition(keeper.stats()),
                "/metrics/cadvisor": cpu.exposition,
            }
            self._metrics = KubeletMetrics(pages, settings.metrics_port)

    def start(self) -> None:
        """Register the nodes and begin to run pods.

        Raises
        ------
        ApiError
            If the API server does not take the nodes.
        """
        self._nodes.register()
        self._events.start()
        self._nodes.start()
        self._watcher.start()
        self._volumes.start()
        for each in self._logs:
            each.start()
        if self._metrics is not None:
            self._metrics.start()

    def stop(self) -> None:
        """Stop all pods' processes; their objects and the nodes stay."""
        self._watcher.stop()
        for each in self._logs:
            each.stop()
        if self._metrics is not None:
            self._metrics.stop()
        self._volumes.stop()
        self._pods.stop(self._settings.stop_seconds + 5)
        self._nodes.stop()
        self._events.stop(1.0)
        self._guard.close()
        self._range_lock.close()


def _kubelets(host: Host, pods: PodManager) -> Iterator[KubeletLogs]:
    """Give one for each node, where the agent has the certificates that it takes."""
    try:
        authority, certificate, key = map(Path, host.cluster.certificates)
    except ValueError:
        log.info("logs of containers are not served: the kubeconfig has no certificates")
        return
    for node in host.settings.nodes:
        yield KubeletLogs(
            host.node_address(node),
            pods.lines,
            partial(host.silent, node),
            authority=authority,
            certificate=certificate,
            key=key,
        )
