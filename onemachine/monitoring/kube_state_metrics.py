"""kube-state-metrics of the one-machine stack: what the API server knows, as metrics."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from onemachine.monitoring.readiness import HOST, Monitor

__all__ = ["RESOURCES", "KubeStateMetrics"]

RESOURCES = (
    "daemonsets",
    "deployments",
    "horizontalpodautoscalers",
    "jobs",
    "nodes",
    "persistentvolumeclaims",
    "pods",
    "statefulsets",
)
"""What the rules of this stack are about: each further kind would be written out for nobody."""


@dataclass(frozen=True)
class KubeStateMetrics(Monitor):
    """One kube-state-metrics that watches the local API server.

    Parameters
    ----------
    bin_folder : Path
        Folder with ``kube-state-metrics``.
    port, telemetry_port : int
        Ports on 127.0.0.1: for the metrics of the cluster, and for its own.
    kubeconfig : Path
        Whom to ask and as whom; needs to list and watch :data:`RESOURCES`.
    """

    bin_folder: Path
    port: int
    telemetry_port: int
    kubeconfig: Path

    name = "kube-state-metrics"
    ready_path: ClassVar[str] = "/livez"  # answers once it reaches the API server

    @property
    def address(self) -> str:
        """``host:port``, as Prometheus wants it."""
        return f"{HOST}:{self.port}"

    def command(self) -> tuple[str, ...]:
        """Give the command line."""
        return (
            str(self.bin_folder / "kube-state-metrics"),
            f"--kubeconfig={self.kubeconfig}",
            f"--host={HOST}",
            f"--port={self.port}",
            f"--telemetry-host={HOST}",
            f"--telemetry-port={self.telemetry_port}",
            f"--resources={','.join(RESOURCES)}",
            "-v=0",
        )
