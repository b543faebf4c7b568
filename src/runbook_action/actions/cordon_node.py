"""``cordon_node``: no new pods for a node, for a time; those on it stay.

Never is more than one node of a group out of service, as with a drain. First the lease remembers
whether it was cordoned before (``leases``); the mark and the cordon are one write. Undo lets the
lease go: pods come again once no incident holds the node cordoned. To uncordon is for good, so it
is no lease, and a node that another incident holds cordoned or drained is not opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runbook_action import marks
from runbook_action.actions.base import Defaults
from runbook_action.blast_radius import refuse_if_group_is_short
from runbook_action.closed_nodes import node_holding, stop_if_group_is_short, take_node
from runbook_action.errors import ActionRefused, ChangeReverted
from runbook_action.fields import BooleanField, Field
from runbook_action.holding import Holding
from runbook_action.lease_answers import Taken, why_kept
from runbook_action.objects import Node
from runbook_action.outcome import Change, Outcome, Undo
from runbook_action.ports import Right, Services
from runbook_action.request import Request, TargetKind
from runbook_action.reverted import reverted_by
from runbook_action.rights import rights
from runbook_action.unchanged import patch_unless_changed

_BEFORE = "cordoned_before"
#: In the mark: another incident had it cordoned already, so this step changed nothing.
_HELD = "held_already"


@dataclass(frozen=True)
class CordonNode(Defaults):
    """Both directions of the switch: ``cordoned`` says which one this action is."""

    name: str
    cordoned: bool

    @property
    def target_kinds(self) -> frozenset[TargetKind]:
        """It cordons a node."""
        return frozenset({"node"})

    @property
    def rights(self) -> Mapping[TargetKind, Sequence[Right]]:
        """The node, and its group."""
        return {"node": rights("node", "get", "list", "patch")}

    @property
    def fields(self) -> Mapping[str, Field]:
        """Whether nodes are added where there are too few."""
        return {"nodes_are_added": BooleanField()} if self.cordoned else {}

    @property
    def lends(self) -> bool:
        """A cordon is for a time; lifting one is for good."""
        return self.cordoned

    @property
    def undo_fields(self) -> Mapping[str, Field]:
        """Whether the node was cordoned before."""
        return {_BEFORE: BooleanField(required=True)}

    def plan(self, request: Request, services: Services) -> Outcome:
        """Show the switch, if it is still to be done."""
        node = services.cluster.node(request.target.name)
        if node.unschedulable is self.cordoned:
            return Outcome(
                "unchanged", f"change nothing: {request.target} is {_state(self.cordoned)}."
            )
        self._refuse_if_it_may_not(node, request, services)
        return Outcome(
            "planned",
            f"{'cordon' if self.cordoned else 'uncordon'} {request.target}.",
            plan=[_change(node, self.cordoned)],
            undo=Undo(self.name, {_BEFORE: node.unschedulable}),
        )

    def execute(self, request: Request, services: Services) -> Outcome:
        """Switch it, unless this step has."""
        node = services.cluster.node(request.target.name)
        recorded = marks.recorded(node, request)
        before = node.unschedulable if recorded is None else recorded.get(_BEFORE) is True
        found = node.unschedulable if recorded is None else was_cordoned(recorded)
        holding = node_holding(request, services, node)
        if recorded is None:
            if before is not self.cordoned:
                self._refuse_if_it_may_not(node, request, services)
            # To uncordon is for good, so it is no lease.
            taken = take_node(node, request, services) if self.cordoned else None
            remembered = to_remember(node, taken)
            before = remembered[_BEFORE]
            mark = marks.mark(node, request, remembered)
            patch_unless_changed(services.cluster, node, _patch(mark, self.cordoned))
            if taken is not None:
                holding.settle(taken)
                if not found:
                    stop_if_group_is_short(node, request, services)
        elif node.unschedulable is not self.cordoned:
            raise ChangeReverted(f"{request.target} {_taken_back(node)}.")
        elif self.cordoned:
            holding.confirm()
        changes = [] if found is self.cordoned else [_change(node, self.cordoned)]
        others = holding.others(self.cordoned) if self.cordoned and not changes else ()
        return Outcome(
            "succeeded",
            f"{request.target} is {_state(self.cordoned)}{as_before(others, changes)}.",
            changed=bool(changes),
            plan=changes,
            undo=Undo(self.name, {_BEFORE: before}),
        )

    def verify(self, request: Request, services: Services) -> Outcome:
        """Healthy: it is as it was switched, and a node that takes pods is ready."""
        node = services.cluster.node(request.target.name)
        reasons = []
        if node.unschedulable is not self.cordoned:
            ours = marks.recorded(node, request) is not None
            reasons.append(_taken_back(node) if ours else f"it is {_state(node.unschedulable)}")
        if not self.cordoned and not node.ready:
            reasons.append("it is not ready")
        return Outcome(
            "unhealthy" if reasons else "succeeded",
            f"{request.target}: {'; '.join(reasons)}."
            if reasons
            else f"{request.target} is {_state(self.cordoned)}.",
            details={"reasons": reasons},
            healthy=not reasons,
        )

    def undo(self, request: Request, services: Services) -> Outcome:
        """Switch it back, if this step switched it and nobody did so since."""
        node = services.cluster.node(request.target.name)
        back, why = self._returned(node, request, services)
        if back is None:
            return Outcome("unchanged", f"{request.target} {why}.")
        if back is not node.unschedulable:
            annotations = marks.unmark(node, request)
            patch_unless_changed(services.cluster, node, _patch(annotations, back))
        if self.cordoned:
            node_holding(request, services, node).forget()
        return Outcome(
            "succeeded",
            f"{request.target} is {_state(back)} again.",
            changed=True,
            plan=[_change(node, back)],
        )

    def holdings(self, request: Request, services: Services) -> Sequence[Holding]:
        """Whether pods are put on the node."""
        return (node_holding(request, services),)

    def _returned(
        self, node: Node, request: Request, services: Services
    ) -> tuple[bool | None, str]:
        """What to switch it back to, or None and why it stays as it is."""
        now = node.unschedulable
        if self.cordoned:
            holding = node_holding(request, services, node)
            answer = holding.let_go(now)
            if answer.goes_back_from(now) is not None:
                return bool(answer.value), ""
            holding.forget()
            return None, why_kept(answer, _state(now))
        # Its own mark only: without it another incident has acted on the node since.
        if (marks.recorded(node, request) or {}).get(_BEFORE) is True and not now:
            return True, ""
        return None, f"is {_state(now)}, and has no mark of this step: there is nothing to undo"

    def _refuse_if_it_may_not(self, node: Node, request: Request, services: Services) -> None:
        if self.cordoned:
            refuse_if_group_is_short(node, request, services.cluster)
        elif not node.ready:
            raise ActionRefused(
                f"{request.target} is not ready: it is not uncordoned, or pods would be put on a "
                f"node that cannot run them."
            )
        elif others := node_holding(request, services, node).others(node.unschedulable):
            raise ActionRefused(
                f"{request.target} is not uncordoned: it is held cordoned or drained by "
                f"{', '.join(others)}. The last of them opens it, or a human if it was to stay."
            )


def to_remember(node: Node, taken: Taken | None) -> dict[str, bool]:
    """Give what a mark is to say of the time before a step closes or opens a node.

    Parameters
    ----------
    node
        As it was found.
    taken
        The lease, which knows what was before the first who holds it; None without one.
    """
    if taken is None or bool(taken.lease.before) is node.unschedulable:
        return {_BEFORE: node.unschedulable}
    return {_BEFORE: bool(taken.lease.before), _HELD: node.unschedulable}


def was_cordoned(recorded: Mapping[str, Any]) -> bool:
    """Whether a step found its node closed to pods, be it by another incident, as its mark says."""
    return recorded.get(_BEFORE) is True or recorded.get(_HELD) is True


def as_before(others: Sequence[str], changes: Sequence[Change]) -> str:
    """Say of a node, as the end of a sentence, whether a step found it as it is now.

    Parameters
    ----------
    others
        Incidents that hold it so.
    changes
        What the step changed of that.
    """
    if changes:
        return ""
    return f" as it was, held by {', '.join(others)}, too" if others else " as it was"


def refuse_if_opened(node: Node) -> None:
    """Stop where somebody lets pods on a node that an action has cordoned.

    Raises
    ------
    ChangeReverted
        The message names who.
    """
    if not node.unschedulable:
        raise ChangeReverted(f"node {node.name} {opened(node)}.")


def opened(node: Node) -> str:
    """Say of a node that is not cordoned who opened it."""
    return _taken_back(node) if marks.of(node)[marks.INCIDENT_ID] else "is not cordoned"


def _taken_back(node: Node) -> str:
    return f"is {_state(node.unschedulable)}: {reverted_by(node, 'spec', 'unschedulable')}"


def _patch(annotations: Mapping[str, Any], cordoned: bool) -> dict[str, Any]:
    return {
        "metadata": {"annotations": annotations},
        "spec": {"unschedulable": True if cordoned else None},
    }


def _state(cordoned: bool) -> str:
    return "cordoned" if cordoned else "open to pods"


def _change(node: Node, cordoned: bool) -> Change:
    return Change("Node", node.name, "spec.unschedulable", not cordoned, cordoned)


ACTION = CordonNode("cordon_node", cordoned=True)
