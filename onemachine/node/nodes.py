"""The Node objects: registration, leases, conditions, and the switch that makes one fail."""

import logging
import os
import platform
import threading
import time
from enum import Enum
from pathlib import Path

from onemachine.node.addresses import AddressPool
from onemachine.node.cluster import Cluster, Json
from onemachine.node.errors import ApiError
from onemachine.node.kubelet_logs import KUBELET_PORT
from onemachine.node.settings import AgentSettings
from onemachine.node.timestamps import now, now_micro

log = logging.getLogger(__name__)

_TICK = 1.0
_STATUS_SECONDS = 60.0
_KUBELET_VERSION = "v1.36.0-srectl"


class Health(Enum):
    """How a node shows itself."""

    READY = "ready"
    NOT_READY = "not-ready"
    SILENT = "silent"


def control_file(state_dir: Path, node: str) -> Path:
    """Return the file that makes a node fail for as long as it exists.

    Its content is ``not-ready`` (or nothing): the node says it is not ready; or ``silent``: the
    node says nothing any more, neither of itself nor of its pods, and the control plane finds out
    when its lease runs out. Its pods' processes run on, as on a node that is cut off.
    """
    return state_dir / "nodes" / f"{node}.fault"


def read_health(path: Path) -> Health:
    """Read a control file."""
    try:
        content = path.read_text().strip()
    except OSError:
        return Health.READY
    return Health.SILENT if content == Health.SILENT.value else Health.NOT_READY


def node_status(node: str, address: str, health: Health, since: str) -> Json:
    """Return the status of a node.

    Parameters
    ----------
    node, address : str
        Name and address.
    health : Health
        Ready or not.
    since : str
        Time of the last change of health.
    """
    moment = now()

    def condition(kind: str, status: str, reason: str, message: str, changed: str) -> Json:
        return {
            "type": kind,
            "status": status,
            "reason": reason,
            "message": message,
            "lastHeartbeatTime": moment,
            "lastTransitionTime": changed,
        }

    ready = (
        condition("Ready", "True", "KubeletReady", "node agent is posting ready status", since)
        if health is Health.READY
        else condition("Ready", "False", "KubeletNotReady", "switched off by a fault file", since)
    )
    calm = [
        condition(kind, "False", f"KubeletHasNo{kind}", f"node has no {kind}", since)
        for kind in ("MemoryPressure", "DiskPressure", "PIDPressure")
    ]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024
    # requests are for scheduling only, nothing enforces them here: be roomy
    resources = {
        "cpu": str(max(8, os.cpu_count() or 1)),
        "memory": f"{max(memory, 8 * 1024 * 1024)}Ki",
        "ephemeral-storage": "50Gi",
        # Measurements have hundreds of targets, each with a pod that only sleeps.
        "pods": "500",
    }
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return {
        "capacity": resources,
        "allocatable": resources,
        "conditions": [ready, *calm],
        "addresses": [
            {"type": "InternalIP", "address": address},
            {"type": "Hostname", "address": node},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": KUBELET_PORT}},
        "nodeInfo": {
            "architecture": machine,
            "operatingSystem": "linux",
            "kernelVersion": platform.release(),
            "osImage": "one-machine stack",
            "kubeletVersion": _KUBELET_VERSION,
            "kubeProxyVersion": "",
            "containerRuntimeVersion": "local-process://1",
            "machineID": node,
            "systemUUID": node,
            "bootID": node,
        },
    }


class NodeKeeper(threading.Thread):
    """Registers the agent's nodes and keeps them alive.

    Parameters
    ----------
    settings : AgentSettings
        Names, lease duration, state directory.
    cluster : Cluster
        Where to.
    addresses : AddressPool
        Gives each node its address.
    """

    def __init__(self, settings: AgentSettings, cluster: Cluster, addresses: AddressPool) -> None:
        super().__init__(name="nodes", daemon=True)
        self._settings = settings
        self._cluster = cluster
        self._addresses = addresses
        self._stop_asked = threading.Event()
        self._health: dict[str, tuple[Health, str]] = {}
        self._lease_due = dict.fromkeys(settings.nodes, 0.0)
        self._status_due = dict.fromkeys(settings.nodes, 0.0)

    def register(self) -> None:
        """Create the Node objects that are not there.

        Raises
        ------
        ApiError
            If the API server refuses.
        """
        (self._settings.state_dir / "nodes").mkdir(parents=True, exist_ok=True)
        region = self._settings.aws.region
        for index, name in enumerate(self._settings.nodes):
            node = {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {
                    "name": name,
                    "labels": {
                        "kubernetes.io/hostname": name,
                        "kubernetes.io/os": "linux",
                        # as the nodes of a group over three subnets would be spread
                        "topology.kubernetes.io/region": region,
                        "topology.kubernetes.io/zone": f"{region}{'abc'[index % 3]}",
                        "kubernetes.io/arch": "amd64"
                        if platform.machine() == "x86_64"
                        else platform.machine(),
                    },
                },
                "spec": {},
            }
            created = self._cluster.create_node(node)
            log.info("node %s %s", name, "registered" if created else "was registered already")
            self._beat(name)

    def stop(self) -> None:
        """End the thread."""
        self._stop_asked.set()

    def run(self) -> None:
        """Renew leases and report health until stopped."""
        while not self._stop_asked.wait(_TICK):
            for name in self._settings.nodes:
                try:
                    self._beat(name)
                except ApiError as error:
                    log.warning("node %s: heartbeat failed, trying again: %s", name, error)

    def _beat(self, name: str) -> None:
        moment = time.monotonic()
        health = read_health(control_file(self._settings.state_dir, name))
        before, since = self._health.get(name, (None, now()))
        if health is not before:
            since = now()
            log.info("node %s is %s", name, health.value)
            self._lease_due[name] = self._status_due[name] = 0.0
        if health is not Health.SILENT:
            if moment >= self._lease_due[name]:
                self._cluster.renew_lease(name, self._settings.lease_seconds, now_micro())
                self._lease_due[name] = moment + self._settings.lease_seconds / 4
            if moment >= self._status_due[name]:
                status = node_status(
                    name, self._addresses.node(self._settings.nodes.index(name)), health, since
                )
                self._cluster.patch_node_status(name, status)
                self._status_due[name] = moment + _STATUS_SECONDS
        self._health[name] = (health, since)
