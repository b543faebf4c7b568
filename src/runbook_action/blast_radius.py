"""How much of a service or a group of nodes an action may put at risk.

The limits come from the catalogue, as parameters of the action. They are judged before anything
is changed; what cannot be judged is refused. Undo is not limited: it is what brings back a target
that an action made worse.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from runbook_action.errors import AccessDenied, ActionRefused
from runbook_action.fields import Field, IntegerField
from runbook_action.objects import Node, Pod, Workload, number_in
from runbook_action.ports import Cluster
from runbook_action.request import Request
from runbook_action.room import without_room

READY_FIELDS: Mapping[str, Field] = {
    "min_ready": IntegerField(0, 1000),
    "min_ready_percent": IntegerField(1, 100),
}
_NAMED_IN_ERRORS = 5


def refuse_if_too_few_stay_ready(workload: Workload, request: Request) -> None:
    """Stop before a rollout that starts, or could come, below the ready replicas to be kept.

    Parameters
    ----------
    workload
        The target as it is now.
    request
        Its parameters ``min_ready`` (replicas) and ``min_ready_percent`` (of the replicas asked
        for, rounded up) are the limit; the higher one counts. Without them there is none.

    Raises
    ------
    ActionRefused
        If fewer are ready, or the update strategy may take more away than that.
    """
    limit = _must_stay_ready(workload, request.parameters)
    ready = workload.count("ready")
    if ready < limit:
        raise ActionRefused(
            f"{request.target} has {ready} ready replicas and must keep {limit} "
            f"(min_ready, min_ready_percent): replacing its pods is left to a human."
        )
    lowest = workload.replicas - _may_be_unavailable(workload)
    if lowest < limit:
        raise ActionRefused(
            f"a rollout of {request.target} may leave {max(lowest, 0)} of {workload.replicas} "
            f"replicas, and {limit} must stay ready (min_ready, min_ready_percent). Lower its "
            f"maxUnavailable, or the limit in the runbook."
        )


def refuse_if_group_is_short(node: Node, request: Request, cluster: Cluster) -> None:
    """Stop if another node of the group is out of service, or none of the others takes pods.

    Parameters
    ----------
    node
        The node to drain. Its group are the nodes with the same value of the first label of
        ``objects.GROUP_LABELS`` that it has; for a node without any, all nodes without any.

    Raises
    ------
    ActionRefused
        If another node of the group is cordoned, not ready or being taken away; or if this is the
        last one that takes pods, unless the runbook says that nodes are added by themselves
        (``nodes_are_added``).
    AccessDenied
        If the nodes may not be listed.
    """
    try:
        group = cluster.nodes(node.group_selector)
    except AccessDenied as error:
        raise AccessDenied(
            f"{error} Without the list of nodes nobody knows whether another one of the group is "
            f"out of service: install the ClusterRole of eks/apps/node-remediation anew."
        ) from error
    others = [each for each in group if each.name != node.name]
    out = [f"{each.name} {why}" for each in others if (why := each.out_of_service)]
    if out:
        raise ActionRefused(
            f"{request.target} stays in service while another node of its group "
            f"({node.group_selector}) is out of service: {'; '.join(out[:_NAMED_IN_ERRORS])}."
        )
    if not others and not node.out_of_service and not _nodes_are_added(request):
        raise ActionRefused(
            f"{request.target} stays in service: it is the last node of its group "
            f"({node.group_selector}) that takes pods. Add a node first, or let the runbook say "
            f"nodes_are_added where an autoscaler does."
        )


def refuse_if_no_room(node: Node, pods: Sequence[Pod], request: Request, cluster: Cluster) -> None:
    """Stop if pods that would have to leave a node fit on no other one.

    Parameters
    ----------
    pods
        Those that would be evicted.

    Raises
    ------
    ActionRefused
        The message names them. Not where the runbook says that nodes are added by themselves
        (``nodes_are_added``).
    """
    moving = [each for each in pods if not each.terminating]
    if not moving or _nodes_are_added(request):
        return
    others = [each for each in cluster.nodes("") if each.name != node.name]
    if left := without_room(moving, others, cluster):
        named = [f"{each.namespace}/{each.name}" for each in left[:_NAMED_IN_ERRORS]]
        raise ActionRefused(
            f"{request.target} stays in service: {len(left)} of its pods fit on no other node "
            f"({', '.join(named)}), by their requests, tolerations and affinity. Add a node first, "
            f"or let the runbook say nodes_are_added where an autoscaler does."
        )


def _nodes_are_added(request: Request) -> bool:
    return request.parameters.get("nodes_are_added") is True


def _must_stay_ready(workload: Workload, parameters: Mapping[str, Any]) -> int:
    share = int(parameters.get("min_ready_percent", 0))
    # In whole numbers: 0.07 * 100 is more than 7.
    of_all = -(-workload.replicas * share // 100)
    return max(int(parameters.get("min_ready", 0)), of_all)


def _may_be_unavailable(workload: Workload) -> int:
    """Replicas a rollout may take away, by the rules of the workload's controller.

    Source: ``ResolveFenceposts`` in ``pkg/controller/deployment/util`` of Kubernetes: a share of
    unavailable pods is rounded down, of surplus ones up, and never are both nothing. Neither a
    StatefulSet nor a DaemonSet has a surplus unless it is asked for (``pkg/controller/daemon``).
    """
    strategy = workload.update_strategy
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        return workload.replicas  # Recreate ends every pod first
    rolling = strategy.get("rollingUpdate") or {}
    usual_surplus, usual_missing = ("25%", "25%") if workload.kind == "deployment" else (0, 1)
    surplus = _resolved(rolling.get("maxSurge", usual_surplus), workload.replicas, math.ceil)
    down = math.ceil if workload.kind == "daemonset" else math.floor
    missing = _resolved(rolling.get("maxUnavailable", usual_missing), workload.replicas, down)
    if surplus == 0 and missing == 0:
        return 1
    return min(missing, workload.replicas)


def _resolved(value: object, replicas: int, rounded: Any) -> int:
    text = str(value)
    number = number_in(text.removesuffix("%"))
    if number is None:
        return replicas  # not understood: the worst is assumed
    return int(rounded(number * replicas / 100)) if text.endswith("%") else number
