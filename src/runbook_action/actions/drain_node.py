"""``drain_node``: cordon a node and evict its pods, by the rules of ``kubectl drain``.

Pods leave only through the Eviction API, so no disruption budget is ever broken. What a budget
blocks is tried again until the deadline; then the node is uncordoned, unless it was cordoned
before, and the error names each pod and what blocked it.

Which pods stay and which stop the drain follows ``pkg/drain/filters.go`` of kubernetes/kubectl,
with two differences: a drain that has to be refused is refused before the node is cordoned, and a
pod that refuses remediation, itself or by its owners or namespace, is left alone and told of.

Never is more than one node of a group drained: another one that is cordoned or not ready forbids
it, before the cordon and, as two drains may look at the same moment, once more after it.

First the lease remembers whether the node was cordoned before (``leases``), then the mark and the
cordon are one write. A repeated call finds the mark, with the time the drain began in it, and goes
on with the pods that are left. It needs the opt-in ClusterRole for nodes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from runbook_action import marks
from runbook_action.actions.base import Defaults
from runbook_action.actions.cordon_node import node_holding, take_node
from runbook_action.blast_radius import refuse_if_group_is_short
from runbook_action.errors import (
    AccessDenied,
    ActionRefused,
    ClusterConflict,
    RetryableError,
    RolloutFailed,
    TargetNotFound,
)
from runbook_action.fields import BooleanField, Field, IntegerField
from runbook_action.holding import Holding
from runbook_action.leases import Return, why_kept
from runbook_action.objects import Node, Pod
from runbook_action.outcome import Change, Outcome, Undo
from runbook_action.ports import Right, Services
from runbook_action.request import Request, TargetKind
from runbook_action.resolve.consent_of_pods import ConsentOfPods, rights_to_ask
from runbook_action.rights import rights
from runbook_action.unchanged import patch_unless_changed

POLL_SECONDS = 1.0
EVICTIONS_AT_ONCE = 8
DEFAULT_DEADLINE_SECONDS = 300
_NAMED_IN_ERRORS = 10
_BEGAN = "began_at"
_CORDONED = "cordoned_before"


@dataclass(frozen=True)
class Sorted:
    """The pods of a node: to evict, to leave with the reason, and those that forbid the drain.

    Of those that stay, ``refused`` are the ones that could leave and whose owners do not let them.
    """

    evict: Sequence[Pod]
    leave: Mapping[str, str]
    forbid: Mapping[str, str]
    refused: Sequence[str]

    @property
    def told(self) -> str:
        """Who refused, for the summary: the node is not empty for whoever repairs it."""
        if not self.refused:
            return ""
        named = ", ".join(self.refused[:_NAMED_IN_ERRORS])
        return f" {len(self.refused)} of them are left alone, as their owners refuse: {named}."


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
        """Deadline in seconds, and kubectl's two permissions to lose something."""
        return {
            "deadline_seconds": IntegerField(30, 3600),
            "grace_period_seconds": IntegerField(0, 600),
            "delete_emptydir_data": BooleanField(),
            "evict_unmanaged": BooleanField(),
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
        """Show the cordon and every pod that would be evicted."""
        node = _read(services, request)
        found = _sort(services, request, _consent(services))
        _refuse_if_forbidden(found, request)
        if found.evict or not node.unschedulable:
            refuse_if_group_is_short(node, request, services.cluster)
        changes = [_cordon(node)] if not node.unschedulable else []
        changes += [_eviction(pod) for pod in found.evict]
        if not changes:
            return Outcome("unchanged", f"change nothing: {request.target} is drained already.")
        return Outcome(
            "planned",
            f"cordon {request.target} and evict {len(found.evict)} pods from it; "
            f"{len(found.leave)} stay.{found.told}",
            details={"left": dict(found.leave)},
            plan=changes,
            undo=self._undo(node.unschedulable),
        )

    def execute(self, request: Request, services: Services) -> Outcome:
        """Cordon, and evict until the node is empty, the deadline or the end of this call."""
        node = _read(services, request)
        recorded, consent = marks.recorded(node, request), _consent(services)
        found = _sort(services, request, consent)
        if recorded is None:
            _refuse_if_forbidden(found, request)
            refuse_if_group_is_short(node, request, services.cluster)
            holding = node_holding(request, services, node)
            taken = take_node(node, request, services)
            recorded = {
                _CORDONED: bool(taken.lease.before),
                _BEGAN: services.clock.now().isoformat(),
                "pods": len(found.evict),
            }
            patch = {
                "metadata": {"annotations": marks.mark(node, request, recorded)},
                "spec": {"unschedulable": True},
            }
            patch_unless_changed(services.cluster, node, patch)
            holding.settle(taken)
        else:
            node_holding(request, services, node).confirm()
        cordoned_before = recorded.get(_CORDONED) is True
        changes = [] if cordoned_before else [_cordon(node, before=None)]
        if found.evict:
            self._stop_if_group_is_short(request, services, node)
        deadline = _deadline(recorded, request, services)
        blocked: dict[str, str] = {}
        while found.evict:
            blocked = _evict_all(found.evict, request, services)
            if services.clock.remaining() < POLL_SECONDS:
                break
            services.clock.sleep(POLL_SECONDS)
            found = _sort(services, request, consent)
            if found.evict and services.clock.now() >= deadline:
                self._give_up(request, services, found, blocked)
        undo = self._undo(cordoned_before)
        details = {"pods": recorded.get("pods"), "left": dict(found.leave), "blocked": blocked}
        if found.evict:
            return Outcome(
                "in_progress",
                f"{request.target} is cordoned; {len(found.evict)} pods are still on it.",
                changed=True,
                details={**details, "remaining": [_id(pod) for pod in found.evict]},
                plan=changes,
                undo=undo,
            )
        return Outcome(
            "succeeded",
            f"{request.target} is cordoned and empty but for {len(found.leave)} pods that "
            f"stay.{found.told}",
            changed=True,
            details={**details, "blocked": {}},
            plan=changes,
            undo=undo,
        )

    def verify(self, request: Request, services: Services) -> Outcome:
        """Healthy: cordoned, and no evictable pod is left."""
        node = _read(services, request)
        found = _sort(services, request, _consent(services))
        reasons = [] if node.unschedulable else ["it is not cordoned"]
        left = [*(_id(pod) for pod in found.evict), *found.forbid]
        if left:
            reasons.append(f"{len(left)} pods are left: {', '.join(left[:_NAMED_IN_ERRORS])}")
        healthy = not reasons
        return Outcome(
            "succeeded" if healthy else "unhealthy",
            f"{request.target} is drained."
            if healthy
            else f"{request.target} is not drained: {'; '.join(reasons)}.",
            details={"reasons": reasons, "left": dict(found.leave)},
            healthy=healthy,
        )

    def undo(self, request: Request, services: Services) -> Outcome:
        """Uncordon, if this incident cordoned it."""
        node = _read(services, request)
        answer = self._let_go(request, services, node)
        if answer.value is not False or not node.unschedulable:
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

    def _give_up(
        self,
        request: Request,
        services: Services,
        found: Sorted,
        blocked: Mapping[str, str],
    ) -> None:
        node = services.cluster.node(request.target.name)
        opened = self._let_go(request, services, node).value is False
        left = [
            f"{_id(pod)} ({blocked.get(_id(pod), 'is still ending')})"
            for pod in found.evict[:_NAMED_IN_ERRORS]
        ]
        raise RolloutFailed(
            f"{len(found.evict)} pods were still on {request.target} at the deadline: "
            f"{'; '.join(left)}. The node "
            f"{'was uncordoned' if opened else 'stays cordoned: it was so before, or another '}"
            f"{'' if opened else 'incident needs it so'}."
        )

    def _stop_if_group_is_short(self, request: Request, services: Services, node: Node) -> None:
        """Look again once the cordon stands: two drains may have looked at the same moment."""
        try:
            refuse_if_group_is_short(node, request, services.cluster)
        except ActionRefused:
            self._let_go(request, services, services.cluster.node(request.target.name))
            raise

    def _let_go(self, request: Request, services: Services, node: Node) -> Return:
        """Let pods on the node again, if no other incident holds it and it was open before."""
        holding = node_holding(request, services, node)
        answer = holding.let_go(node.unschedulable)
        if answer.value is False and node.unschedulable:
            # Without the mark a later drain for the same step begins anew, with its own deadline.
            annotations = marks.unmark(node, request)
            patch = {"metadata": {"annotations": annotations}, "spec": {"unschedulable": None}}
            patch_unless_changed(services.cluster, node, patch)
        holding.forget()
        return answer

    def _undo(self, cordoned_before: bool) -> Undo:
        return Undo(self.name, {_CORDONED: cordoned_before})


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


def _sort(services: Services, request: Request, consent: ConsentOfPods) -> Sorted:
    evict, leave, forbid, refused = [], {}, {}, []
    for pod in services.cluster.pods_on_node(request.target.name):
        if reason := _stays(pod):
            leave[_id(pod)] = reason
        elif not pod.terminating and (reason := consent.why_not(pod)):
            leave[_id(pod)] = reason
            refused.append(_id(pod))
        elif reason := _forbids(pod, request.parameters):
            forbid[_id(pod)] = reason
        else:
            evict.append(pod)
    return Sorted(evict, leave, forbid, refused)


def _stays(pod: Pod) -> str | None:
    if pod.controller_kind == "DaemonSet":
        return "its DaemonSet would put it back"
    if pod.mirror:
        return "a static pod: only the node itself can end it"
    if pod.finished:
        return "finished: it holds nothing"
    return None


def _forbids(pod: Pod, parameters: Mapping[str, Any]) -> str | None:
    if pod.terminating:
        return None
    if pod.controller_kind is None and not parameters.get("evict_unmanaged"):
        return "no controller would start it elsewhere (allow with evict_unmanaged)"
    if pod.local_storage and not parameters.get("delete_emptydir_data"):
        return "its emptyDir would be lost (allow with delete_emptydir_data)"
    return None


def _refuse_if_forbidden(found: Sorted, request: Request) -> None:
    if found.forbid:
        named = [f"{pod}: {why}" for pod, why in list(found.forbid.items())[:_NAMED_IN_ERRORS]]
        raise ActionRefused(
            f"{request.target} cannot be drained without losing something: {'; '.join(named)}."
        )


def _evict_all(pods: Sequence[Pod], request: Request, services: Services) -> dict[str, str]:
    """Ask for the eviction of every pod that is not on its way out yet; say what was blocked."""
    grace = request.parameters.get("grace_period_seconds")

    def evict(pod: Pod) -> str | None:
        try:
            services.cluster.evict(pod, grace)
        except (TargetNotFound, ClusterConflict):
            return None  # gone, or another pod of that name by now
        except RetryableError as error:
            return str(error)
        return None

    waiting = [pod for pod in pods if not pod.terminating]
    with ThreadPoolExecutor(EVICTIONS_AT_ONCE) as pool:
        answers = list(pool.map(evict, waiting))
    return {
        _id(pod): answer for pod, answer in zip(waiting, answers, strict=True) if answer is not None
    }


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
    return Change("Pod", _id(pod), "eviction", "running", "evicted")


def _id(pod: Pod) -> str:
    return f"{pod.namespace}/{pod.name}"


ACTION = DrainNode()
