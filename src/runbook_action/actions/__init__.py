"""The registry: what is not in it cannot be asked for."""

from collections.abc import Mapping

from runbook_action.actions import (
    cordon_node,
    disable_degraded_mode,
    drain_node,
    enable_degraded_mode,
    evict_pod,
    expand_volume,
    invoke_check,
    probe_cluster,
    raise_autoscaler_maximum,
    rerun_job,
    restart_deployment,
    restart_workload,
    rollback_deployment,
    rollback_workload,
    run_automation,
    scale_deployment,
    scale_workload,
    uncordon_node,
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
        cordon_node.ACTION,
        uncordon_node.ACTION,
        evict_pod.ACTION,
        raise_autoscaler_maximum.ACTION,
        rerun_job.ACTION,
        expand_volume.ACTION,
        run_automation.ACTION,
        invoke_check.ACTION,
        probe_cluster.ACTION,
    )
}

__all__ = ["REGISTRY", "Action"]
