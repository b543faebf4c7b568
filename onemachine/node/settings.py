"""Everything the agent is told from outside, checked once."""

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from onemachine.node.backoff import BackoffPolicy
from onemachine.node.identity import AwsEndpoint


@dataclass(frozen=True)
class AgentSettings:
    """Settings of one node agent.

    Attributes
    ----------
    nodes : tuple[str, ...]
        Names of the nodes it plays.
    state_dir : Path
        Directory for pods and control files.
    pod_range : ipaddress.IPv4Network
        Loopback range of this stack.
    image_map : Path or None
        Image map file; read again whenever it changes.
    aws : AwsEndpoint
        AWS as the pods see it.
    backoff : BackoffPolicy
        Restart back-off.
    log_max_bytes : int
        Size at which a container log is turned over.
    lease_seconds : int
        Duration of a node lease; it is renewed four times as often.
    stop_seconds : float
        Most seconds a pod's processes are given when the agent itself is stopped.
    metrics_port : int
        Port on 127.0.0.1 for what a kubelet tells Prometheus; 0: it is not told.
    """

    nodes: tuple[str, ...]
    state_dir: Path
    pod_range: ipaddress.IPv4Network
    image_map: Path | None = None
    aws: AwsEndpoint = field(default_factory=lambda: AwsEndpoint(None, "us-east-1"))
    backoff: BackoffPolicy = field(default_factory=BackoffPolicy)
    log_max_bytes: int = 5 * 1024 * 1024
    lease_seconds: int = 40
    stop_seconds: float = 5.0
    metrics_port: int = 0
