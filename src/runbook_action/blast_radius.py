"""How much of a service or a group of nodes an action may put at risk.

The limits come from the catalogue, as parameters of the action. They are judged before anything
is changed; what cannot be judged is refused. Undo is not limited: it is what brings back a target
that an action made worse.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from runbook_action.errors import AccessDenied, ActionRefused
from runbook_action.fields import Field, IntegerField
from runbook_action.objects import Node, Workload, number_in
from runbook_action.ports import Cluster
from runbook_action.request import Request

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
    """Stop if another node of the group is out of service: never more than one at a time.

    Parameters
    ----------
    node
        The node to drain. Its group are the nodes with the same value of the first label of
        ``objects.GROUP_LABELS`` that it has; for a node without any, all nodes without any.

    Raises
    ------
    ActionRefused
        If another node of the group is cordoned or not ready.
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
    out = [
        f"{each.name} is {'cordoned' if each.unschedulable else 'not ready'}"
        for each in group
        if each.name != node.name and (each.unschedulable or not each.ready)
    ]
    if out:
        raise ActionRefused(
            f"{request.target} stays in service while another node of its group "
            f"({node.group_selector}) is out of service: {'; '.join(out[:_NAMED_IN_ERRORS])}."
        )


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
