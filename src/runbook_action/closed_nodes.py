"""A node that a step has closed to pods: who holds it so, and when it is opened again at once."""

from __future__ import annotations

from runbook_action import marks
from runbook_action.blast_radius import refuse_if_group_is_short
from runbook_action.errors import ActionRefused
from runbook_action.holding import Holding
from runbook_action.lease_answers import Return, Taken
from runbook_action.leases import thing_of
from runbook_action.objects import Node
from runbook_action.ports import Services
from runbook_action.request import Request
from runbook_action.unchanged import patch_unless_changed


def node_holding(request: Request, services: Services, node: Node | None = None) -> Holding:
    """The lease of whether pods are put on the node; a drain holds it, too.

    Parameters
    ----------
    node
        The node as it was read; without it a lease of an earlier node of its name counts.
    """
    thing = thing_of(services.cluster_name, None, "node", request.target.name, "unschedulable")
    uid = node.uid if node else ""
    return Holding(services.leases, services.clock, thing, request.token, uid)


def take_node(node: Node, request: Request, services: Services) -> Taken:
    """Hold the node closed to pods for this step; to be settled once it is cordoned.

    Raises
    ------
    ActionRefused
        If somebody has opened it since this step took it.
    """
    taken = node_holding(request, services, node).take(node.unschedulable, True)
    what = f"spec.unschedulable of {request.target}"
    taken.refuse_unless_allowed(node.unschedulable, True, what)
    return taken


def stop_if_group_is_short(node: Node, request: Request, services: Services) -> None:
    """Look at the group again once the cordon stands: two steps may have looked at one moment.

    Each of them has cordoned its node before it looks, so one of them at least sees both.

    Parameters
    ----------
    node
        As it was read by this step.

    Raises
    ------
    ActionRefused
        If another node of the group is out of service by now; this one is open to pods again, if
        no other incident holds it closed and it was open before.
    """
    try:
        refuse_if_group_is_short(node, request, services.cluster)
    except ActionRefused:
        let_go(services.cluster.node(request.target.name), request, services)
        raise


def let_go(node: Node, request: Request, services: Services) -> Return:
    """Let pods on a node again, if no other incident holds it and it was open before.

    Parameters
    ----------
    node
        As it is now.
    """
    holding = node_holding(request, services, node)
    answer = holding.let_go(node.unschedulable)
    if answer.value is False and node.unschedulable:
        # Without the mark a later call for the same step begins anew, with its own deadline.
        annotations = marks.unmark(node, request)
        patch = {"metadata": {"annotations": annotations}, "spec": {"unschedulable": None}}
        patch_unless_changed(services.cluster, node, patch)
    holding.forget()
    return answer
