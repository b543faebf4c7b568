"""The order in which the parts of the one-machine stack start.

What does not need each other starts at the same time: while the template is built and deployed, the
control plane and the first pods come up.
"""

from __future__ import annotations

from collections.abc import Sequence

from onemachine.stack.parts import Parts, StackOptions
from onemachine.stack.stages import Stage
from onemachine.stack.workbench import Workbench

__all__ = ["plan"]


def plan(bench: Workbench, options: StackOptions) -> Sequence[Stage]:
    """Give the stages that bring the whole stack up."""
    parts = Parts(bench, options)
    return (
        Stage("aws", "local AWS", parts.start_aws),
        Stage("build", "build of the template", parts.build),
        Stage("cluster", "Kubernetes control plane", parts.start_control_plane),
        Stage("receiver", "notification receiver", parts.start_receiver),
        Stage(
            "deploy",
            "deployment of the template",
            parts.deploy,
            # Which address stands for which is known once there is a receiver.
            needs=("aws", "build", "receiver"),
        ),
        Stage("nodes", "node agent", parts.start_node_agent, needs=("cluster",)),
        Stage("manifests", "Kubernetes manifests", parts.apply_manifests, needs=("cluster",)),
        Stage("pods", "checkout's pods", parts.wait_for_pods, needs=("nodes", "manifests")),
        Stage("traffic", "traffic generator", parts.start_traffic, needs=("pods",)),
        *(
            [
                Stage(
                    "kube-state-metrics",
                    "kube-state-metrics",
                    parts.start_kube_state_metrics,
                    needs=("cluster",),
                )
            ]
            if options.cluster_metrics
            else []
        ),
        Stage(
            "prometheus",
            "Prometheus",
            parts.start_prometheus,
            needs=("pods", *(["kube-state-metrics"] if options.cluster_metrics else [])),
        ),
        Stage("access", "EKS access entry", parts.register_cluster, needs=("aws", "cluster")),
        Stage("catalogue", "runbooks and parameters", parts.fill, needs=("deploy",)),
        Stage("subscription", "subscription", parts.subscribe, needs=("deploy", "receiver")),
        Stage(
            "alertmanager",
            "Alertmanager",
            parts.start_alertmanager,
            # Last: an alert that only says that the stack is not complete yet must reach nobody.
            needs=("prometheus", "traffic", "catalogue", "subscription", "access"),
        ),
    )
