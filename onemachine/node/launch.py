"""How the stack's supervisor starts the node agent."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from onemachine.project import PROJECT_ROOT


@dataclass(frozen=True)
class NodeAgent:
    """Command line and environment of a node agent process.

    Attributes
    ----------
    kubeconfig : Path
        API server on loopback, and an identity that may do what a kubelet may, read
        ServiceAccounts and request their tokens.
    nodes : tuple[str, ...]
        Names of the nodes to register.
    state_dir : Path
        ``pods/<namespace>_<name>/<container>.log`` and ``nodes/<name>.fault`` lie below it.
    pod_range : str
        Loopback network of this stack, from :func:`onemachine.node.choose_pod_range`.
    images : Path or None
        Image map, from :func:`onemachine.node.write_image_map`.
    aws_endpoint_url : str or None
        The local AWS as pods reach it.
    aws_region : str
        Its region.
    restart_backoff_scale : float
        Factor on the kubelet's restart back-off.
    metrics_port : int
        Port on 127.0.0.1 for what a kubelet tells Prometheus; 0: it is not told.
    """

    kubeconfig: Path
    nodes: tuple[str, ...]
    state_dir: Path
    pod_range: str
    images: Path | None = None
    aws_endpoint_url: str | None = None
    aws_region: str = "us-east-1"
    restart_backoff_scale: float = 1.0
    metrics_port: int = 0

    def command(self) -> list[str]:
        """Return the command line."""
        argv = [sys.executable, "-m", "onemachine.node"]
        argv += ["--kubeconfig", str(self.kubeconfig), "--nodes", ",".join(self.nodes)]
        argv += ["--state-dir", str(self.state_dir), "--pod-range", self.pod_range]
        argv += ["--aws-region", self.aws_region]
        argv += ["--restart-backoff-scale", f"{self.restart_backoff_scale:g}"]
        if self.metrics_port:
            argv += ["--metrics-port", str(self.metrics_port)]
        if self.images is not None:
            argv += ["--images", str(self.images)]
        if self.aws_endpoint_url is not None:
            argv += ["--aws-endpoint-url", self.aws_endpoint_url]
        return argv

    def environment(self) -> dict[str, str]:
        """Return the complete environment: nothing else of the caller's is needed or wanted."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.state_dir),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(PROJECT_ROOT),
            "PYTHONUNBUFFERED": "1",
        }
