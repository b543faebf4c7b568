"""``scale_workload``: more replicas, by a step or a factor, up to a maximum.

Where a HorizontalPodAutoscaler owns the number of replicas, its minimum is raised instead: a
number set behind its back would be gone at its next look.

Order of the writes. First the lease, which remembers the number from before (``leases``). Without
an autoscaler the mark and the replicas follow in one write. With one, the mark with the numbers
decided comes next, then the autoscaler's minimum. A call that dies in between is repeated with the
numbers of the mark or of the lease, so a factor is never applied twice.

Undo lets the lease go: the last incident that holds it puts the number back, and only if it is
still the one that was set: what somebody chose since then is theirs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runbook_action import marks
from runbook_action.actions.base import Defaults
from runbook_action.autoscaler_things import (
    autoscalers_of,
    forget_gone,
    lower_maximum,
    minimum_holding,
    refuse_unless_its_own,
)
from runbook_action.errors import ActionRefused, InvalidRequest
from runbook_action.fields import Field, IntegerField, NumberField, TextField
from runbook_action.holding import Holding
from runbook_action.lease_answers import why_kept
from runbook_action.leases import thing_of
from runbook_action.objects import Autoscaler, KubernetesObject, Workload
from runbook_action.outcome import Change, Outcome, Undo
from runbook_action.ports import Cluster, Right, Services
from runbook_action.request import Request, TargetKind
from runbook_action.reverted import reverted_by
from runbook_action.rights import rights, rolling
from runbook_action.rollout import (
    read_workload,
    refuse_if_paused,
    verdict,
    watched,
)
from runbook_action.unchanged import patch_unless_changed

HIGHEST = 1000


@dataclass(frozen=True)
class Scaling:
    """Numbers decided once for an incident, as the mark keeps them."""

    before: int
    after: int
    autoscaler: str | None

    def to_json(self) -> dict[str, Any]:
        """As the mark and the undo carry it."""
        return {"before": self.before, "after": self.after, "autoscaler": self.autoscaler}

    @classmethod
    def from_json(cls, values: Mapping[str, Any] | None) -> Scaling | None:
        """Read a mark or an undo; None if it is not one of ours."""
        if not values:
            return None
        before, after = values.get("before"), values.get("after")
        autoscaler = values.get("autoscaler")
        if not isinstance(before, int) or not isinstance(after, int):
            return None
        return cls(before, after, autoscaler if isinstance(autoscaler, str) else None)


@dataclass(frozen=True)
class ScaleWorkload(Defaults):
    """Scale up. Scaling down is not a remedy."""

    name: str
    target_kinds: frozenset[TargetKind]

    @property
    def rights(self) -> Mapping[TargetKind, Sequence[Right]]:
        """An autoscaler besides, whose minimum is raised instead."""
        return {
            kind: (*rolling(kind), *rights("horizontalpodautoscaler", "list", "patch"))
            for kind in self.target_kinds
        }

    @property
    def fields(self) -> Mapping[str, Field]:
        """Either ``step`` or ``factor``, and never above ``max_replicas``."""
        return {
            "step": IntegerField(1, 100),
            "factor": NumberField(1.01, 10.0),
            "max_replicas": IntegerField(1, HIGHEST, required=True),
        }

    @property
    def either(self) -> Sequence[str]:
        """How much more."""
        return ("step", "factor")

    @property
    def lends(self) -> bool:
        """It adds replicas for as long as they are needed."""
        return True

    @property
    def undo_fields(self) -> Mapping[str, Field]:
        """The numbers that were decided."""
        return {
            "before": IntegerField(0, HIGHEST, required=True),
            "after": IntegerField(0, HIGHEST, required=True),
            "autoscaler": TextField(),
        }

    def touches(self, target: KubernetesObject, cluster: Cluster) -> Sequence[KubernetesObject]:
        """The autoscaler whose minimum is raised instead."""
        return autoscalers_of(cluster, target)

    def plan(self, request: Request, services: Services) -> Outcome:
        """Show the numbers."""
        workload, autoscaler, scaling = self._decide(request, services)
        if _is_done(workload, autoscaler, scaling):
            return Outcome(
                "unchanged",
                f"change nothing: {request.target} was already scaled for this incident.",
            )
        return Outcome(
            "planned",
            f"raise {_what(scaling)} of {request.target} from {scaling.before} to {scaling.after}.",
            plan=[_change(workload, scaling)],
            undo=Undo(self.name, scaling.to_json()),
        )

    def execute(self, request: Request, services: Services) -> Outcome:
        """Scale, and watch until the new pods are ready."""
        workload, autoscaler, scaling = self._decide(request, services)
        recorded = marks.recorded(workload, request)
        holding = _holding(request, services, workload, autoscaler)
        now = _number(workload, autoscaler)
        what = f"{_what(scaling).capitalize()} of {request.target}"
        limit = _limit(request, autoscaler)
        if recorded is None:
            taken = holding.take(now, scaling.after)
            taken.refuse_unless_allowed(now, limit, what)
            before, after = int(taken.lease.before), int(taken.lease.set)
            scaling = Scaling(before, after, scaling.autoscaler)
            annotations = marks.mark(workload, request, scaling.to_json())
            patch: dict[str, Any] = {"metadata": {"annotations": annotations}}
            if autoscaler is None and taken.write is not None:
                patch["spec"] = {"replicas": taken.write}
            patch_unless_changed(services.cluster, workload, patch)
        elif autoscaler is None:
            holding.confirm()  # the mark and the replicas were one write
            taken = None
        else:
            # Asked again while it waits, it leaves alone what somebody has chosen meanwhile.
            taken = holding.resume(now)
            if taken is not None and taken.write is not None:
                taken.refuse_unless_allowed(now, limit, what)
        if autoscaler is not None and taken is not None and taken.write is not None:
            services.cluster.patch(autoscaler, {"spec": {"minReplicas": taken.write}})
        if taken is not None:
            holding.settle(taken)
        return watched(
            services,
            request.target,
            f"{_what(scaling).capitalize()} went from {scaling.before} to {scaling.after}",
            [_change(workload, scaling)],
            undo=Undo(self.name, scaling.to_json()),
            at_least=scaling.after,
            reverted=lambda found: _reverted(found, scaling, services),
        )

    def verify(self, request: Request, services: Services) -> Outcome:
        """Healthy: rollout complete, at least the replicas asked for, all ready."""
        workload = read_workload(services.cluster, request.target)
        scaling = Scaling.from_json(marks.recorded(workload, request))
        reasons = []
        if scaling and workload.replicas < scaling.after:
            reasons.append(f"{workload.replicas} replicas are wanted, not {scaling.after}")
            if why := _reverted(workload, scaling, services):
                reasons[-1] += f": {why}"
        return verdict(services, request.target, reasons, {})

    def undo(self, request: Request, services: Services) -> Outcome:
        """Put the number back, if it is still ours."""
        workload = read_workload(services.cluster, request.target)
        autoscaler = _autoscaler(services, workload)
        known = Scaling.from_json(request.undo or marks.recorded(workload, request))
        scaling = known or _held(request, services, workload, autoscaler)
        if scaling is None:
            return Outcome(
                "unchanged",
                f"{request.target} carries no trace of {self.name} for this incident: there is "
                f"nothing to undo.",
            )
        if scaling.autoscaler and (autoscaler is None or autoscaler.name != scaling.autoscaler):
            # What was changed is the autoscaler, also where it scales something else by now.
            autoscaler = _named(services, workload, scaling.autoscaler)
            if autoscaler is None:
                forget_gone(request, services, scaling.autoscaler)
                return Outcome(
                    "unchanged",
                    f"Autoscaler {scaling.autoscaler} of {request.target} is gone, and what was "
                    f"changed with it: there is nothing to undo.",
                )
        elif not scaling.autoscaler:
            autoscaler = None
        holding = _holding(request, services, workload, autoscaler)
        now = _number(workload, autoscaler)
        answer = holding.let_go(now)
        if answer.value is not None and answer.value != now:
            back = Scaling(now, int(answer.value), scaling.autoscaler)
            if autoscaler is not None:
                patch = {"spec": {"minReplicas": back.after}}
                autoscaler = services.cluster.patch(autoscaler, patch)
            else:
                patch_unless_changed(services.cluster, workload, {"spec": {"replicas": back.after}})
        else:
            back = None
        if autoscaler is not None and answer.verdict != "kept":
            lower_maximum(request, services, autoscaler)
        holding.forget()
        if back is None:
            what = _what(scaling).capitalize()
            return Outcome("unchanged", f"{what} of {request.target} {why_kept(answer, now)}.")
        return watched(
            services,
            request.target,
            f"{_what(scaling).capitalize()} went back from {back.before} to {back.after}",
            [_change(workload, back)],
        )

    def holdings(self, request: Request, services: Services) -> Sequence[Holding]:
        """The autoscaler's minimum, or the replicas."""
        workload = read_workload(services.cluster, request.target)
        either = (_autoscaler(services, workload), None)
        return [_holding(request, services, workload, each) for each in either]

    def _decide(
        self, request: Request, services: Services
    ) -> tuple[Workload, Autoscaler | None, Scaling]:
        workload = read_workload(services.cluster, request.target)
        refuse_if_paused(workload, request.target)
        autoscalers = autoscalers_of(services.cluster, workload)
        autoscaler = next(iter(autoscalers), None)
        recorded = Scaling.from_json(marks.recorded(workload, request))
        if recorded is not None:
            return workload, autoscaler if recorded.autoscaler else None, recorded
        refuse_unless_its_own(autoscalers, workload)
        # From what runs now, not from an autoscaler's minimum: more than now is what is needed.
        running = workload.replicas
        if running == 0:
            raise ActionRefused(
                f"{request.target} is scaled to 0 replicas, which somebody has chosen: its owner, "
                f"or what runs its pods instead (an Argo Rollout). It is not scaled up."
            )
        limit = _limit(request, autoscaler)
        after = min(_wanted(request, running), limit)
        if after <= running:
            raise ActionRefused(
                f"{request.target} has {running} replicas and may have {limit}: it is not scaled "
                f"any further."
            )
        before = autoscaler.min_replicas if autoscaler is not None else running
        return (
            workload,
            autoscaler,
            Scaling(before, after, autoscaler.name if autoscaler is not None else None),
        )


def _wanted(request: Request, running: int) -> int:
    step, factor = request.parameters.get("step"), request.parameters.get("factor")
    if (step is None) == (factor is None):
        raise InvalidRequest("parameters must have either step or factor")
    return running + int(step) if step is not None else math.ceil(running * float(factor or 1))


def _limit(request: Request, autoscaler: Autoscaler | None) -> int:
    """The most that the runbook allows, and the autoscaler."""
    limit = int(request.parameters["max_replicas"])
    return limit if autoscaler is None else min(limit, autoscaler.max_replicas)


def _holding(
    request: Request, services: Services, workload: Workload, autoscaler: Autoscaler | None
) -> Holding:
    """The lease of what is raised: the workload's replicas, or its autoscaler's minimum."""
    if autoscaler is not None:
        return minimum_holding(request, services, autoscaler)
    target = request.target
    thing = thing_of(services.cluster_name, target.namespace, target.kind, target.name, "replicas")
    return Holding(services.leases, services.clock, thing, request.token, workload.uid)


def _held(
    request: Request, services: Services, workload: Workload, autoscaler: Autoscaler | None
) -> Scaling | None:
    """What the lease knows of a step whose mark another incident has written over."""
    for each in (autoscaler, None):
        if lease := _holding(request, services, workload, each).held():
            return Scaling(int(lease.before), int(lease.set), each.name if each else None)
    return None


def _named(services: Services, workload: Workload, name: str) -> Autoscaler | None:
    found = services.cluster.autoscalers(workload.namespace)
    return next((each for each in found if each.name == name), None)


def _autoscaler(services: Services, workload: Workload) -> Autoscaler | None:
    return next(iter(autoscalers_of(services.cluster, workload)), None)


def _number(workload: Workload, autoscaler: Autoscaler | None) -> int:
    return workload.replicas if autoscaler is None else autoscaler.min_replicas


def _is_done(workload: Workload, autoscaler: Autoscaler | None, scaling: Scaling) -> bool:
    return _number(workload, autoscaler) >= scaling.after


def _reverted(workload: Workload, scaling: Scaling, services: Services) -> str:
    """Say who has lowered the number that was set; empty while it stands."""
    if scaling.autoscaler is None:
        low = workload.replicas < scaling.after
        return reverted_by(workload, "spec", "replicas") if low else ""
    autoscaler = _autoscaler(services, workload)
    if autoscaler is None or autoscaler.min_replicas >= scaling.after:
        return ""
    return reverted_by(autoscaler, "spec", "minReplicas")


def _what(scaling: Scaling) -> str:
    return "the autoscaler's minimum" if scaling.autoscaler else "the replicas"


def _change(workload: Workload, scaling: Scaling) -> Change:
    if scaling.autoscaler:
        name = f"{workload.namespace}/{scaling.autoscaler}"
        return Change(
            "HorizontalPodAutoscaler", name, "spec.minReplicas", scaling.before, scaling.after
        )
    name = f"{workload.namespace}/{workload.name}"
    return Change(workload.kind_name, name, "spec.replicas", scaling.before, scaling.after)


ACTION = ScaleWorkload("scale_workload", frozenset({"deployment", "statefulset"}))
