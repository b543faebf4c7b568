"""One operation of an action: on the object that was resolved, and with its owners' consent.

Both were asked for when the target was resolved. That may be long ago, so both are asked for
again: the identity by every read of the target (``identity``), consent before anything is planned
or begun. Before a step begins it has to be what was planned, too (``decided``), and of fields that
Git decides only as the deployment says (``gitops``). What has begun goes on to its end, or is taken
back: to stop halfway helps nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from runbook_action.actions.base import Action, Holds, looks_at_target
from runbook_action.decided import refuse_if_plan_changed
from runbook_action.errors import (
    ActionRefused,
    RefusedHalfway,
    RunbookActionError,
    TargetNotFound,
)
from runbook_action.facts import plan_if_it_applies
from runbook_action.gitops import decided_in_git, has_a_source, refuse_what_git_decides
from runbook_action.hand_over import hand_over
from runbook_action.identity import OfOneTarget
from runbook_action.objects import KubernetesObject
from runbook_action.outcome import Outcome
from runbook_action.ports import Services
from runbook_action.request import Operation, Request
from runbook_action.resolve.consent import refuse_without_consent
from runbook_action.resolve.kin import kin_of
from runbook_action.target_gone import gone_with_target, why_gone


def on_its_target(request: Request, services: Services) -> Services:
    """Give services whose cluster knows the request's target by its identity."""
    return replace(services, cluster=OfOneTarget(services.cluster, request.target))


def operate(action: Action, request: Request, services: Services) -> Outcome:
    """Run the operation that a request asks for.

    Raises
    ------
    RefusedHalfway
        If a guard forbids the rest of a step of which something may have been done.
    ActionRefused
        If the target, or whoever has a say in it or in what the action touches besides, refuses.
    TargetNotFound
        If the target has gone, be it that another object has its name. Not from ``undo``: what was
        done to it has gone with it.
    PlanChanged
        If something else was planned than would be done.
    RunbookActionError
        Whatever the action raises.
    """
    services = on_its_target(request, services)
    changed: Sequence[KubernetesObject] = ()
    begins = request.operation in ("plan", "execute")
    begun = begins and _has_begun(action, request, services)
    if begins and not begun:
        if looks_at_target(action):
            changed = _changed(action, request, services)
            _refuse_without_consent(changed, services)
        if request.operation == "execute":
            refuse_if_plan_changed(action, request, services, changed)
        _refuse_what_git_decides(action, request, services, changed)
    operations: Mapping[Operation, Callable[[Request, Services], Outcome]] = {
        "plan": lambda asked, using: plan_if_it_applies(action, asked, using, changed),
        "execute": lambda asked, using: _execute(action, asked, using, begun=begun),
        "verify": action.verify,
        "undo": lambda asked, using: _undo(action, asked, using),
        "hand_over": lambda asked, using: hand_over(action, asked, using),
    }
    return operations[request.operation](request, services)


def _execute(action: Action, request: Request, services: Services, *, begun: bool) -> Outcome:
    """Do it; of a refusal say whether something may have been changed before."""
    try:
        return action.execute(request, services)
    except ActionRefused as refusal:
        if begun or _may_have_changed(action, request, services):
            raise RefusedHalfway(str(refusal)) from refusal
        raise


def _may_have_changed(action: Action, request: Request, services: Services) -> bool:
    """Look for what the step leaves with its first write. Where that cannot be told it may have."""
    try:
        held = action.holdings(request, services) if isinstance(action, Holds) else ()
        return _has_begun(action, request, services) or any(each.held() for each in held)
    except RunbookActionError:
        return True


def _undo(action: Action, request: Request, services: Services) -> Outcome:
    """Undo, unless there is nothing left to undo it on."""
    try:
        return action.undo(request, services)
    except TargetNotFound:
        if gone := why_gone(services.cluster, request.target):
            held = action.holdings(request, services) if isinstance(action, Holds) else ()
            return gone_with_target(held, gone)
        raise


def _has_begun(action: Action, request: Request, services: Services) -> bool:
    return looks_at_target(action) and action.has_begun(request, services)


def _changed(action: Action, request: Request, services: Services) -> list[KubernetesObject]:
    """Read the target and what the action changes besides."""
    cluster, target = services.cluster, request.target
    found = cluster.read(target.kind, target.namespace or "", target.name)
    return [found, *action.touches(found, cluster)]


def _refuse_what_git_decides(
    action: Action, request: Request, services: Services, changed: Sequence[KubernetesObject]
) -> None:
    """Look into a plan only where a GitOps tool has anything to do with what would be changed."""
    if not any(map(has_a_source, changed)):
        return
    planned = action.plan(request, services)
    decided = list(decided_in_git(planned.plan, changed))
    if request.operation == "plan" and services.git_policy == "ask":
        return  # it says whose the fields are, and a human is asked
    refuse_what_git_decides(decided, services.git_policy, approved=services.approved)


def _refuse_without_consent(changed: Sequence[KubernetesObject], services: Services) -> None:
    cluster, found = services.cluster, changed[0]
    asked = [*changed, *kin_of(cluster, found)]
    if found.namespace:
        asked.append(cluster.read("namespace", "", found.namespace))
    refuse_without_consent(asked, only_annotated=services.only_annotated)
