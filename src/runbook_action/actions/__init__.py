"""The registry: what is not in it cannot be asked for."""

from collections.abc import Mapping

from runbook_action.actions import (
    disable_degraded_mode,
    drain_node,
    enable_degraded_mode,
    probe_cluster,
    restart_deployment,
    restart_workload,
    rollback_deployment,
    rollback_workload,
    scale_deployment,
    scale_workload,
)
from runbook_action.actions.base import Action

REGISTRY: Mapping[str, Action] = {
    action.name: action
    for action in (
        enable_degraded_mode.ACTION,
        disable_degraded_mode.ACTION,
        restart_workload.ACTION,
        restart_deployment.ACTION,
        scale_workload.ACTION,
        scale_deployment.ACTION,
        rollback_workload.ACTION,
        rollback_deployment.ACTION,
        drain_node.ACTION,
        probe_cluster.ACTION,
    )
}

__all__ = ["REGISTRY", "Action"]
