"""Claims of storage, and the classes they are made of."""

from __future__ import annotations

from runbook_action.objects.base import KubernetesObject
from runbook_action.objects.quantity import bytes_of

GIBIBYTE = 1024**3


class PersistentVolumeClaim(KubernetesObject):
    """A PersistentVolumeClaim (v1)."""

    @property
    def bound(self) -> bool:
        """Whether there is a volume behind it."""
        return self.status.get("phase") == "Bound"

    @property
    def storage_class(self) -> str:
        """Name of its class, or an empty text."""
        return str(self.spec.get("storageClassName") or "")

    @property
    def requested_bytes(self) -> int:
        """Bytes asked for."""
        requests = (self.spec.get("resources") or {}).get("requests") or {}
        return bytes_of(str(requests.get("storage") or "0"))

    @property
    def capacity_bytes(self) -> int:
        """Bytes there are."""
        return bytes_of(str((self.status.get("capacity") or {}).get("storage") or "0"))

    @property
    def infeasible(self) -> str:
        """Why it can never have what was asked for, or an empty text."""
        states = (self.status.get("allocatedResourceStatuses") or {}).values()
        return next((each for each in states if str(each).endswith("Infeasible")), "")


class StorageClass(KubernetesObject):
    """A StorageClass (storage.k8s.io/v1)."""

    @property
    def expandable(self) -> bool:
        """Whether its volumes may grow."""
        return self.raw.get("allowVolumeExpansion") is True
