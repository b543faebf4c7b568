"""``raise_autoscaler_maximum``: let an autoscaler make more replicas, up to a limit, for a time.

First the lease remembers the maximum from before (``leases``); the mark with the numbers decided
and the new maximum are one write, so a factor is never applied twice. Undo lets the lease go: the
last incident that holds it brings the earlier maximum back, and only if it is still the one that
was set: what somebody chose since then is theirs. Where the minimum is held above it the rest
follows with that one (``autoscaler_things``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from runbook_action import marks
from runbook_action.actions.base import Defaults
from runbook_action.autoscaler_things import (
    maximum_holding,
    maximum_of,
    refuse_if_managed,
    why_not_lower,
)
from runbook_action.errors import ActionRefused, ChangeReverted, InvalidRequest
from runbook_action.fields import Field, IntegerField, NumberField
from runbook_action.holding import Holding
from runbook_action.lease_answers import why_kept
from runbook_action.objects import Autoscaler
from runbook_action.outcome import Change, Outcome, Undo
from runbook_action.ports import Right, Services
from runbook_action.request import Request, TargetKind
from runbook_action.reverted import reverted_by
from runbook_action.rights import rights
from runbook_action.unchanged import patch_unless_changed

HIGHEST = 1000
_FIELD = "spec.maxReplicas"


@dataclass(frozen=True)
class RaiseAutoscalerMaximum(Defaults):
    """More room above. Whether it is used is the autoscaler's business."""

    name: str = "raise_autoscaler_maximum"

    @property
    def target_kinds(self) -> frozenset[TargetKind]:
        """It changes an autoscaler."""
        return frozenset({"horizontalpodautoscaler"})

    @property
    def rights(self) -> Mapping[TargetKind, Sequence[Right]]:
        """The autoscaler."""
        return {"horizontalpodautoscaler": rights("horizontalpodautoscaler", "get", "patch")}

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
        """The maximum of before comes back once there is no need of more."""
        return True

    @property
    def undo_fields(self) -> Mapping[str, Field]:
        """The numbers that were decided."""
        return {
            "before": IntegerField(1, HIGHEST, required=True),
            "after": IntegerField(1, HIGHEST, required=True),
        }

    def plan(self, request: Request, services: Services) -> Outcome:
        """Show the numbers."""
        autoscaler = _read(request, services)
        if marks.recorded(autoscaler, request) is not None:
            return Outcome(
                "unchanged", f"change nothing: {request.target} was already raised for this."
            )
        before, after = _decide(autoscaler, request)
        return Outcome(
            "planned",
            f"raise the maximum of {request.target} from {before} to {after}.",
            plan=[_change(autoscaler, before, after)],
            undo=self._undo(before, after),
        )

    def execute(self, request: Request, services: Services) -> Outcome:
        """Raise it."""
        autoscaler = _read(request, services)
        recorded = marks.numbers(autoscaler, request, "before", "after")
        holding = maximum_holding(request, services, autoscaler)
        if recorded is None:
            _, wanted = _decide(autoscaler, request)
            now = autoscaler.max_replicas
            taken = holding.take(now, wanted)
            limit = int(request.parameters["max_replicas"])
            taken.refuse_unless_allowed(now, limit, f"The maximum of {request.target}")
            # What this step does, whatever was before the first who holds it: that is the lease's.
            before, after = now, int(taken.lease.set)
            mark = marks.mark(autoscaler, request, {"before": before, "after": after})
            patch: dict[str, Any] = {"metadata": {"annotations": mark}}
            if taken.write is not None:
                patch["spec"] = {"maxReplicas": taken.write}
            patch_unless_changed(services.cluster, autoscaler, patch)
            holding.settle(taken)
        else:
            holding.confirm()
            before, after = recorded
            if autoscaler.max_replicas < after:
                raise ChangeReverted(f"the maximum of {request.target} {_lowered(autoscaler)}.")
        return Outcome(
            "succeeded",
            f"The maximum of {request.target} went from {before} to {after}.",
            changed=True,
            plan=[_change(autoscaler, before, after)],
            undo=self._undo(before, after),
        )

    def verify(self, request: Request, services: Services) -> Outcome:
        """Healthy: the autoscaler is below its maximum, and can scale."""
        autoscaler = _read(request, services)
        recorded = marks.numbers(autoscaler, request, "after")
        reasons = []
        if recorded is not None and autoscaler.max_replicas < recorded[0]:
            reasons.append(f"its maximum {_lowered(autoscaler)}")
        if autoscaler.current_replicas >= autoscaler.max_replicas:
            reasons.append(f"it is at its maximum of {autoscaler.max_replicas}")
        able = autoscaler.condition("AbleToScale")
        if able.get("status") == "False":
            reasons.append(f"it cannot scale: {able.get('reason')}")
        return Outcome(
            "unhealthy" if reasons else "succeeded",
            f"{request.target}: {'; '.join(reasons)}."
            if reasons
            else f"{request.target} has room above its {autoscaler.current_replicas} replicas.",
            details={"reasons": reasons},
            healthy=not reasons,
        )

    def undo(self, request: Request, services: Services) -> Outcome:
        """Bring the earlier maximum back, if it is still ours."""
        autoscaler = _read(request, services)
        holding = maximum_holding(request, services, autoscaler)
        now = autoscaler.max_replicas
        # Another lease may hold the minimum above it; who lets that one go brings the rest back.
        answer = holding.let_go(now, floor=autoscaler.min_replicas)
        short = why_not_lower(request, services, autoscaler, answer)
        start = answer.goes_back_from(now)
        if start is None or answer.value is None:
            holding.forget()
            why = f"is {now}{short}" if short else why_kept(answer, now)
            return Outcome("unchanged", f"The maximum of {request.target} {why}.")
        before, after = int(start), int(answer.value)
        if after != now:
            patch_unless_changed(
                services.cluster,
                autoscaler,
                {
                    "metadata": {"annotations": marks.unmark(autoscaler, request)},
                    "spec": {"maxReplicas": after},
                },
            )
        holding.forget()
        return Outcome(
            "succeeded",
            f"The maximum of {request.target} went back from {before} to {after}{short}.",
            changed=True,
            plan=[_change(autoscaler, before, after)],
        )

    def holdings(self, request: Request, services: Services) -> Sequence[Holding]:
        """The maximum."""
        return (maximum_of(request, services, request.target.name),)

    def _undo(self, before: int, after: int) -> Undo:
        return Undo(self.name, {"before": before, "after": after})


def _read(request: Request, services: Services) -> Autoscaler:
    target = request.target
    found = services.cluster.read("horizontalpodautoscaler", target.namespace or "", target.name)
    return cast(Autoscaler, found)


def _decide(autoscaler: Autoscaler, request: Request) -> tuple[int, int]:
    step, factor = request.parameters.get("step"), request.parameters.get("factor")
    if (step is None) == (factor is None):
        raise InvalidRequest("parameters must have either step or factor")
    refuse_if_managed(autoscaler, "maximum")
    before, limit = autoscaler.max_replicas, int(request.parameters["max_replicas"])
    wanted = before + int(step) if step is not None else math.ceil(before * float(factor or 1))
    after = min(wanted, limit)
    if after <= before:
        raise ActionRefused(
            f"{request.target} may make {before} replicas, and a runbook may allow it {limit}: it "
            f"is not raised any further."
        )
    return before, after


def _lowered(autoscaler: Autoscaler) -> str:
    return f"is {autoscaler.max_replicas}: {reverted_by(autoscaler, 'spec', 'maxReplicas')}"


def _change(autoscaler: Autoscaler, before: int, after: int) -> Change:
    name = f"{autoscaler.namespace}/{autoscaler.name}"
    return Change(autoscaler.kind_name, name, _FIELD, before, after)


ACTION = RaiseAutoscalerMaximum()
