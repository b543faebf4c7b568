"""Volumes of claims: a directory each, its real size, and the room that its claim gives it.

What a CSI driver and a kubelet do for a volume, as far as this stack needs it. A container has no
mounts here, so it is told where a claim's directory is by ``VOLUME_<NAME OF THE VOLUME>``. Nothing
keeps a process from writing more than the claim has: the number that is told is then above it.
"""

import logging
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onemachine.node.cluster import Cluster, Json
from onemachine.node.errors import ApiError

log = logging.getLogger(__name__)

_TICK_SECONDS = 1.0
_QUANTITY = re.compile(r"(\d+)(Ki|Mi|Gi|Ti|k|M|G|T)?")
_UNITS = {
    "": 1,
    "Ki": 1024,
    "Mi": 1024**2,
    "Gi": 1024**3,
    "Ti": 1024**4,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
}
_METRICS = (
    ("kubelet_volume_stats_capacity_bytes", "Capacity in bytes of the volume", "capacity"),
    ("kubelet_volume_stats_used_bytes", "Number of used bytes in the volume", "used"),
    (
        "kubelet_volume_stats_available_bytes",
        "Number of bytes left in the volume",
        "available",
    ),
)


def quantity(text: str) -> int:
    """Give a quantity of Kubernetes in bytes.

    Raises
    ------
    ValueError
        It is none that a claim of this stack may have.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"not a size in whole units (512Mi, 1Gi): {text!r}")
    return int(match[1]) * _UNITS[match[2] or ""]


def used_bytes(directory: Path) -> int:
    """Give what the files of a directory take on the disk, as ``du`` counts it."""
    total = 0
    for path in [directory, *directory.rglob("*")]:
        try:
            total += path.lstat().st_blocks * 512
        except FileNotFoundError:  # removed while it was looked at
            continue
    return total


def claims_of(pod: Mapping[str, Any]) -> dict[str, str]:
    """Give the claims of a pod: name of its volume → name of the claim."""
    return {
        volume["name"]: volume["persistentVolumeClaim"]["claimName"]
        for volume in pod["spec"].get("volumes") or []
        if "persistentVolumeClaim" in volume
    }


@dataclass(frozen=True)
class VolumeStats:
    """One volume in use, as a kubelet tells of it."""

    namespace: str
    claim: str
    node: str
    capacity: int
    used: int

    @property
    def available(self) -> int:
        """Bytes that are left; none where more was written than there is."""
        return max(0, self.capacity - self.used)


def exposition(volumes: Iterable[VolumeStats]) -> str:
    """Write the metrics of volumes in Prometheus' text format."""
    there = sorted(volumes, key=lambda one: (one.namespace, one.claim))
    lines = []
    for name, text, attribute in _METRICS:
        lines += [f"# HELP {name} {text}", f"# TYPE {name} gauge"]
        lines += [
            f'{name}{{namespace="{one.namespace}",persistentvolumeclaim="{one.claim}",'
            f'node="{one.node}"}} {getattr(one, attribute)}'
            for one in there
        ]
    return "\n".join(lines) + "\n"


class VolumeStore:
    """The directories of claims, and which of them are in use.

    Parameters
    ----------
    folder : Path
        Where the directories are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._users: dict[str, tuple[str, str, tuple[str, ...]]] = {}
        self._lock = threading.Lock()

    def directory(self, namespace: str, claim: str) -> Path:
        """Give a claim's directory."""
        return self._folder / f"{namespace}_{claim}"

    def use(self, pod: Mapping[str, Any]) -> dict[str, str]:
        """Take note of a pod that starts; give what its containers are told of its volumes."""
        metadata, claims = pod["metadata"], claims_of(pod)
        if not claims:
            return {}
        found = {}
        for volume, claim in claims.items():
            directory = self.directory(metadata["namespace"], claim)
            directory.mkdir(parents=True, exist_ok=True)
            found[f"VOLUME_{re.sub('[^A-Za-z0-9]', '_', volume).upper()}"] = str(directory)
        with self._lock:
            users = (metadata["namespace"], pod["spec"]["nodeName"], tuple(claims.values()))
            self._users[metadata["uid"]] = users
        return found

    def leave(self, uid: str) -> None:
        """Take note of a pod that is gone. Its files stay: a volume outlives its pods."""
        with self._lock:
            self._users.pop(uid, None)

    def in_use(self) -> dict[tuple[str, str], str]:
        """Give the claims in use, by namespace and name, and the node of one that uses each."""
        with self._lock:
            users = list(self._users.values())
        return {(space, claim): node for space, node, claims in users for claim in claims}


class VolumeKeeper(threading.Thread):
    """Gives claims the room that they ask for, and tells how full their volumes are.

    Parameters
    ----------
    store : VolumeStore
        The directories.
    cluster : Cluster
        Where the claims are.
    """

    def __init__(self, store: VolumeStore, cluster: Cluster) -> None:
        super().__init__(name="volumes", daemon=True)
        self._store = store
        self._cluster = cluster
        self._stop_asked = threading.Event()

    def stop(self) -> None:
        """End the thread."""
        self._stop_asked.set()

    def run(self) -> None:
        """Look at the claims in use until stopped."""
        while not self._stop_asked.wait(_TICK_SECONDS):
            for namespace, claim in self._store.in_use():
                try:
                    self._grow(namespace, claim)
                except (ApiError, ValueError) as error:
                    log.warning("claim %s/%s: not resized: %s", namespace, claim, error)

    def stats(self) -> list[VolumeStats]:
        """Give what is told of the volumes in use now."""
        found = []
        for (namespace, name), node in self._store.in_use().items():
            try:
                claim = self._cluster.get("persistentvolumeclaims", namespace, name)
                capacity = quantity(claim["status"]["capacity"]["storage"])
            except (ApiError, KeyError, ValueError) as error:
                log.warning("claim %s/%s: nothing is told of it: %s", namespace, name, error)
                continue
            used = used_bytes(self._store.directory(namespace, name))
            found.append(VolumeStats(namespace, name, node, capacity, used))
        return found

    def _grow(self, namespace: str, name: str) -> None:
        """Do for a claim that asks for more what a driver's resizer and the kubelet do."""
        claim = self._cluster.get("persistentvolumeclaims", namespace, name)
        wanted = claim["spec"]["resources"]["requests"]["storage"]
        has = (claim.get("status") or {}).get("capacity", {}).get("storage")
        if has is None or quantity(wanted) <= quantity(has):
            return
        room: Json = {"capacity": {"storage": wanted}}
        self._cluster.patch_volume(claim["spec"]["volumeName"], room)
        self._cluster.patch_claim_status(namespace, name, room)
        log.info("claim %s/%s: grown from %s to %s", namespace, name, has, wanted)
