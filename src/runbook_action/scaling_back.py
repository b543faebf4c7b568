"""How a step that scales gives back what it raised.

An autoscaler is no part of the target: it is known by the name that was kept when its minimum was
raised, and has its minimum back whatever has become of the workload, or scales it by now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from runbook_action import marks
from runbook_action.autoscaler_things import (
    autoscalers_of,
    forget_gone,
    lower_maximum,
    minimum_holding,
    minimum_of,
    named,
)
from runbook_action.errors import RetryableError
from runbook_action.holding import Holding
from runbook_action.lease_answers import Return, why_kept
from runbook_action.outcome import Outcome
from runbook_action.ports import Services
from runbook_action.request import Request
from runbook_action.rollout import watched
from runbook_action.scaling import Scaling, scale_holding
from runbook_action.target_gone import look_for, without_target
from runbook_action.unchanged import patch_unless_changed


def scale_back(request: Request, services: Services) -> Outcome:
    """Let go of what a step raised, and watch the workload where something was lowered."""
    scaling, gone = Scaling.from_json(request.undo), ""
    if scaling is None:
        workload, gone = look_for(services.cluster, request.target)
        marked = marks.recorded(workload, request) if workload is not None else None
        scaling = Scaling.from_json(marked) or _held(request, services)
    if scaling is None:
        trace = f"{request.target} carries no trace of {request.action} for this incident"
        why = f"nothing is held for this incident, and {gone}" if gone else trace
        return Outcome("unchanged", f"There is nothing to undo: {why}.")
    return (_lower_minimum if scaling.autoscaler else _lower_replicas)(request, services, scaling)


def scale_holdings(request: Request, services: Services) -> Sequence[Holding]:
    """Where a step may hold something: the minimum of an autoscaler, or the replicas."""
    known = Scaling.from_json(request.undo)
    kept = {known.autoscaler} if known and known.autoscaler else set()
    found = {each.name for each in autoscalers_of(services.cluster, request.target)}
    minimums = [minimum_of(request, services, name) for name in sorted(kept | found)]
    return [*minimums, scale_holding(request, services, None)]


def _held(request: Request, services: Services) -> Scaling | None:
    """What the lease knows of a step whose mark another incident has written over."""
    for each in (*autoscalers_of(services.cluster, request.target), None):
        if lease := scale_holding(request, services, each).held():
            return Scaling(int(lease.before), int(lease.set), each.name if each else None)
    return None


def _lower_minimum(request: Request, services: Services, scaling: Scaling) -> Outcome:
    name = str(scaling.autoscaler)
    autoscaler = named(services.cluster, request.target.namespace or "", name)
    if autoscaler is None:
        forget_gone(request, services, name)
        return Outcome(
            "unchanged",
            f"Autoscaler {name} of {request.target} is gone, and what was changed with it: there "
            f"is nothing to undo.",
        )
    holding = minimum_holding(request, services, autoscaler)
    now = autoscaler.min_replicas
    answer = holding.let_go(now)
    back = _back(scaling, answer, now)
    if back is not None and back.after != now:
        patch = {"spec": {"minReplicas": back.after}}
        autoscaler = services.cluster.patch(autoscaler, patch)
    if answer.verdict != "kept":
        lower_maximum(request, services, autoscaler)
    holding.forget()
    return _told(request, services, scaling, back, why_kept(answer, now))


def _lower_replicas(request: Request, services: Services, scaling: Scaling) -> Outcome:
    workload, gone = look_for(services.cluster, request.target)
    if workload is None:
        scale_holding(request, services, None).end_if_held()
        return Outcome("unchanged", f"What was changed has gone with it: {gone}.")
    holding = scale_holding(request, services, None, workload.uid)
    now = workload.replicas
    answer = holding.let_go(now)
    back = _back(scaling, answer, now)
    if back is not None and back.after != now:
        patch_unless_changed(services.cluster, workload, {"spec": {"replicas": back.after}})
    holding.forget()
    return _told(request, services, scaling, back, why_kept(answer, now))


def _back(scaling: Scaling, answer: Return, now: int) -> Scaling | None:
    """The numbers on the way back, be it by a call that died; None where it has none."""
    start = answer.goes_back_from(now)
    if start is None or answer.value is None:
        return None
    return Scaling(int(start), int(answer.value), scaling.autoscaler)


def _told(
    request: Request, services: Services, scaling: Scaling, back: Scaling | None, why: str
) -> Outcome:
    what = scaling.what.capitalize()
    if back is None:
        return Outcome("unchanged", f"{what} of {request.target} {why}.")
    done, changes = (
        f"{what} went back from {back.before} to {back.after}",
        [back.change(request.target)],
    )
    # A call after this one would find nothing to do, and tell that instead: so neither pods that
    # are not well yet nor what cannot be read now make anybody ask again.
    try:
        workload, gone = look_for(services.cluster, request.target)
        if workload is None:
            return without_target(done, gone, changes)
        return replace(watched(services, request.target, done, changes), status="succeeded")
    except RetryableError as error:
        unread = f"{done}; how its pods are could not be read: {error}"
        return Outcome("succeeded", unread, changed=True, plan=changes)
