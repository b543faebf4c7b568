"""``drain_node``: cordon a node and evict its pods, by the rules of ``kubectl drain``.

Pods leave only through the Eviction API, so no disruption budget is ever broken. What a budget
blocks is tried again until the deadline; what can never be evicted, as two budgets select it, is
named then, or as soon as the other pods are gone. Then the node is uncordoned, unless it was
cordoned before or its kubelet is silent, and the error names each pod and what blocked it.

Which pods stay and which stop the drain says ``leaving``. A drain that has to be refused is refused
before the node is cordoned, and a pod that refuses remediation, itself or by its owners or
namespace, is left alone and told of.

Never is more than one node of a group drained: another one that is out of service forbids it,
before the cordon and, as two drains may look at the same moment, once more after it. The last node
of a group that takes pods is not drained, nor one whose pods fit nowhere else (``room``).

First the lease remembers whether the node was cordoned before (``leases``), then the mark and the
cordon are one write. A repeated call finds the mark, with the time the drain began in it, and goes
on with the pods that are left. One that finds the mark gone and the lease let go of, as the answer
of a drain that gave up was lost, begins no second one. It needs the opt-in ClusterRole for nodes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from runbook_action import marks
from runbook_action.actions.base import Defaults
from runbook_action.actions.cordon_node import (
    opened,
    refuse_if_opened,
    to_remember,
    was_cordoned,
)
from runbook_action.blast_radius import refuse_if_group_is_short, refuse_if_no_room
from runbook_action.closed_nodes import (
    let_go,
    node_holding,
    stop_if_group_is_short,
    take_node,
)
from runbook_action.errors import AccessDenied, RolloutFailed
from runbook_action.fields import BooleanField, Field, IntegerField
from runbook_action.holding import Holding
from runbook_action.lease_answers import Return, why_kept
from runbook_action.leaving import (
    NAMED_IN_ERRORS,
    Leaving,
    Refusals,
    ask_to_leave,
    id_of,
    leaving,
    refuse_if_forbidden,
)
from runbook_action.objects import Node, Pod, lost_with
from runbook_action.outcome import Change, Outcome, Undo
from runbook_action.ports import Right, Services
from runbook_action.request import Request, TargetKind
from runbook_action.resolve.consent_of_pods import ConsentOfPods, rights_to_ask
from runbook_action.rights import rights
from runbook_action.unchanged import patch_unless_changed

POLL_SECONDS = 1.0
DEFAULT_DEADLINE_SECONDS = 300
_BEGAN = "began_at"
_CORDONED = "cordoned_before"


@dataclass(frozen=True)
class DrainNode(Defaults):
    """Empty a node for repair. Undo lets pods on it again; those that left do not come back."""

    name: str = "drain_node"

    @property
    def target_kinds(self) -> frozenset[TargetKind]:
        """It drains a node."""
        return frozenset({"node"})

    @property
    def rights(self) -> Mapping[TargetKind, Sequence[Right]]:
        """The node and its group, the pods on it, whatever their namespace, and their owners."""
        return {
            "node": (
                *rights("node", "get", "list", "patch"),
                *rights("pod", "list", where="cluster"),
                Right("", "pods/eviction", "create", "cluster"),
                *rights_to_ask(),
            ),
        }

    @property
    def fields(self) -> Mapping[str, Field]:
        """Deadline in seconds, and what may be lost or taken for granted."""
        return {
            "deadline_seconds": IntegerField(30, 3600),
            "grace_period_seconds": IntegerField(0, 600),
            "delete_emptydir_data": BooleanField(),
            "evict_unmanaged": BooleanField(),
            "nodes_are_added": BooleanField(),
        }

    @property
    def lends(self) -> bool:
        """It cordons the node until somebody has looked at it."""
        return True

    @property
    def undo_fields(self) -> Mapping[str, Field]:
        """Whether the node was cordoned before."""
        return {_CORDONED: BooleanField(required=True)}

    def plan(self, request: Request, services: Services) -> Outcome:
        """Show the cordon, every pod that would be evicted, and what would be lost with it."""
        node = _read(services, request)
        found = _look(services, request, node, _consent(services))
        refuse_if_forbidden(found, request)
        if found.evict or not node.unschedulable:
            refuse_if_group_is_short(node, request, services.cluster)
            refuse_if_no_room(node, found.evict, request, services.cluster)
        changes = [_cordon(node)] if not node.unschedulable else []
        changes += [_eviction(pod) for pod in found.evict]
        if not changes:
            return Outcome("unchanged", f"change nothing: {request.target} is drained already.")
        return Outcome(
            "planned",
            f"cordon {request.target} and evict {len(found.evict)} pods from it"
            f"{_at_a_loss(found)}; {found.staying} stay.{found.told}",
            details={"left": dict(found.leave), "lost": found.lost},
            plan=changes,
            undo=self._undo(node.unschedulable),
        )

    def execute(self, request: Request, services: Services) -> Outcome:
        """Cordon, and evict until the node is empty, the deadline or the end of this call."""
        node = _read(services, request)
        recorded, consent = marks.recorded(node, request), _consent(services)
        found = _look(services, request, node, consent)
        closes = recorded is None
        if recorded is None:
            refuse_if_forbidden(found, request)
            refuse_if_group_is_short(node, request, services.cluster)
            refuse_if_no_room(node, found.evict, request, services.cluster)
            holding = node_holding(request, services, node)
            taken = take_node(node, request, services)
            recorded = {
                **to_remember(node, taken),
                _BEGAN: services.clock.now().isoformat(),
                "pods": len(found.evict),
            }
            patch = {
                "metadata": {"annotations": marks.mark(node, request, recorded)},
                "spec": {"unschedulable": True},
            }
            node = patch_unless_changed(services.cluster, node, patch)
            holding.settle(taken)
        else:
            node_holding(request, services, node).confirm()
        cordoned_before = recorded.get(_CORDONED) is True
        changes = [] if was_cordoned(recorded) else [_cordon(node, before=None)]
        refuse_if_opened(node)
        if found.evict or (closes and not was_cordoned(recorded)):
            stop_if_group_is_short(node, request, services)
        deadline = _deadline(recorded, request, services)
        lost = found.lost
        refusals = Refusals()
        while found.evict:
            asked = ask_to_leave(found.evict, _grace(request), services.cluster)
            refusals = Refusals(
                asked.blocked,
                {**refusals.ending, **asked.ending},
                {**refusals.never, **asked.never},
            )
            found = found.without(refusals.skipped)
            if services.clock.remaining() < POLL_SECONDS or not found.evict:
                break
            services.clock.sleep(POLL_SECONDS)
            node = _read(services, request)
            refuse_if_opened(node)
            found = _look(services, request, node, consent).without(refusals.skipped)
            if found.evict and services.clock.now() >= deadline:
                self._give_up(request, services, _left(found, refusals))
        left = _left(found, refusals)
        if left and not found.evict:
            self._give_up(request, services, left)
        undo = self._undo(cordoned_before)
        details = {
            "pods": recorded.get("pods"),
            "left": dict(found.leave),
            "lost": lost,
            "blocked": {**refusals.blocked, **refusals.never},
        }
        if found.evict:
            return Outcome(
                "in_progress",
                f"{request.target} is cordoned; {len(left)} pods are still on it.",
                changed=True,
                details={**details, "remaining": list(left)},
                plan=changes,
                undo=undo,
            )
        return Outcome(
            "succeeded",
            f"{request.target} is cordoned and empty but for {len(found.leave)} pods that stay"
            f"{_skipped(refusals.ending)}.{found.told}{_next(node)}",
            changed=True,
            details={**details, "blocked": {}},
            plan=changes,
            undo=undo,
        )

    def verify(self, request: Request, services: Services) -> Outcome:
        """Healthy: cordoned, and no evictable pod is left."""
        node = _read(services, request)
        found = _look(services, request, node, _consent(services))
        reasons = [] if node.unschedulable else [f"it {opened(node)}"]
        left = [*(id_of(pod) for pod in found.evict), *found.forbid]
        if left:
            reasons.append(f"{len(left)} pods are left: {', '.join(left[:NAMED_IN_ERRORS])}")
        healthy = not reasons
        return Outcome(
            "succeeded" if healthy else "unhealthy",
            f"{request.target} is drained.{_next(node)}"
            if healthy
            else f"{request.target} is not drained: {'; '.join(reasons)}.",
            details={"reasons": reasons, "left": dict(found.leave)},
            healthy=healthy,
        )

    def undo(self, request: Request, services: Services) -> Outcome:
        """Uncordon, if this incident cordoned it."""
        node = _read(services, request)
        if node.silent and node.unschedulable:
            # For good, whoever else holds it: the alert may end with the node, and a human has to
            # look at it first. Without its lease nobody's undo opens it.
            node_holding(request, services, node).end_if_held()
            return Outcome(
                "unchanged", f"{request.target} stays cordoned: its kubelet is silent.{_next(node)}"
            )
        answer = let_go(node, request, services)
        if not _opens(answer, node):
            state = "cordoned" if node.unschedulable else "open to pods"
            return Outcome("unchanged", f"{request.target} {why_kept(answer, state)}.")
        return Outcome(
            "succeeded",
            f"{request.target} takes pods again; those that were evicted run elsewhere.",
            changed=True,
            plan=[Change("Node", node.name, "spec.unschedulable", True, False)],
        )

    def holdings(self, request: Request, services: Services) -> Sequence[Holding]:
        """Whether pods are put on the node."""
        return (node_holding(request, services),)

    def _give_up(self, request: Request, services: Services, left: Mapping[str, str]) -> None:
        node = services.cluster.node(request.target.name)
        refuse_if_opened(node)
        named = "; ".join(f"{pod} ({why})" for pod, why in list(left.items())[:NAMED_IN_ERRORS])
        state = "stays cordoned: its kubelet is silent"
        if not node.silent:
            answer = let_go(node, request, services)
            state = "was uncordoned" if _opens(answer, node) else why_kept(answer, "cordoned")
        raise RolloutFailed(
            f"{len(left)} pods were still on {request.target}: {named}. The node "
            f"{state}.{_next(node)}"
        )

    def _undo(self, cordoned_before: bool) -> Undo:
        return Undo(self.name, {_CORDONED: cordoned_before})


def _opens(answer: Return, node: Node) -> bool:
    """Whether pods are let on the node again, by this call or one before it that died."""
    return answer.value is False and answer.goes_back_from(node.unschedulable) is not None


def _read(services: Services, request: Request) -> Node:
    try:
        return services.cluster.node(request.target.name)
    except AccessDenied as error:
        raise AccessDenied(
            f"{error} Draining needs the opt-in ClusterRole checkout-node-remediation "
            f"(eks/apps/node-remediation): a Role in one namespace cannot allow it."
        ) from error


def _consent(services: Services) -> ConsentOfPods:
    """Who may refuse is asked once a call, however often the node is looked at."""
    return ConsentOfPods(services.cluster, only_annotated=services.only_annotated)


def _look(services: Services, request: Request, node: Node, consent: ConsentOfPods) -> Leaving:
    now = services.clock.now()
    return leaving(services.cluster, node, request.parameters, now, consent)


def _grace(request: Request) -> int | None:
    return request.parameters.get("grace_period_seconds")


def _left(found: Leaving, refusals: Refusals) -> dict[str, str]:
    """Why each pod is still there that should leave; first those that nothing will evict."""
    ending = {id_of(pod): "is still ending" for pod in found.evict}
    blocked = {pod: why for pod, why in refusals.blocked.items() if pod in ending}
    # Some other hand may have ended them since they were asked.
    never = {pod: why for pod, why in refusals.never.items() if pod in found.leave}
    return {**never, **blocked, **{pod: ending[pod] for pod in ending if pod not in blocked}}


def _at_a_loss(found: Leaving) -> str:
    named = [f"{pod} {what}" for pod, what in found.lost.items()]
    if not named:
        return ""
    more = f"; and {len(named) - NAMED_IN_ERRORS} more" if len(named) > NAMED_IN_ERRORS else ""
    return f", which loses: {'; '.join(named[:NAMED_IN_ERRORS])}{more}"


def _skipped(pods: Mapping[str, str]) -> str:
    named = [f"{pod} ({why})" for pod, why in list(pods.items())[:NAMED_IN_ERRORS]]
    return f": {'; '.join(named)}" if named else ""


def _next(node: Node) -> str:
    if not node.silent:
        return ""
    return (
        " What ran on it is free to run elsewhere only once the node is gone: terminate its "
        "instance, or, sure that it is off, taint it with node.kubernetes.io/out-of-service."
    )


def _deadline(recorded: Mapping[str, Any], request: Request, services: Services) -> datetime:
    seconds = int(request.parameters.get("deadline_seconds", DEFAULT_DEADLINE_SECONDS))
    now = services.clock.now()
    try:
        began = min(datetime.fromisoformat(str(recorded.get(_BEGAN))), now)
    except (ValueError, TypeError):  # no time, or one of no zone
        began = now
    return began + timedelta(seconds=seconds)


def _cordon(node: Node, before: bool | None = False) -> Change:
    return Change("Node", node.name, "spec.unschedulable", bool(before), True)


def _eviction(pod: Pod) -> Change:
    """A pod may end before it is asked to; another one of its name may lose other things."""
    identity = f"{pod.uid} {lost_with(pod)}"
    return Change("Pod", id_of(pod), "eviction", "running", "evicted", identity)


ACTION = DrainNode()
