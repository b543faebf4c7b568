"""A real Kubernetes control plane on one machine: keys, kubeconfigs, command lines, readiness."""

from onemachine.kubernetes.control_plane import (
    ControlPlane,
    ControlPlanePorts,
    ProcessSpec,
)

__all__ = ["ControlPlane", "ControlPlanePorts", "ProcessSpec"]
