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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runbook_action import marks
from runbook_action.actions.base import Defaults
from runbook_action.autoscaler_things import autoscalers_of, named, refuse_unless_its_own
from runbook_action.errors import ActionRefused
from runbook_action.fields import Field, IntegerField, NumberField, TextField
from runbook_action.holding import Holding
from runbook_action.objects import Autoscaler, KubernetesObject, Workload
from runbook_action.outcome import Outcome, Undo
from runbook_action.ports import Cluster, Right, Services
from runbook_action.request import Request, TargetKind
from runbook_action.rights import rights, rolling
from runbook_action.rollout import (
    read_workload,
    refuse_if_paused,
    verdict,
    watched,
)
from runbook_action.scaling import Scaling, highest, number, scale_holding, wanted
from runbook_action.scaling_back import scale_back, scale_holdings
from runbook_action.unchanged import patch_unless_changed

HIGHEST = 1000


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
        if number(workload, autoscaler) >= scaling.after:
            return Outcome(
                "unchanged",
                f"change nothing: {request.target} was already scaled for this incident.",
            )
        return Outcome(
            "planned",
            f"raise {scaling.what} of {request.target} from {scaling.before} to {scaling.after}.",
            plan=[scaling.change(request.target)],
            undo=Undo(self.name, scaling.to_json()),
        )

    def execute(self, request: Request, services: Services) -> Outcome:
        """Scale, and watch until the new pods are ready."""
        workload, autoscaler, scaling = self._decide(request, services)
        recorded = marks.recorded(workload, request)
        holding = scale_holding(request, services, autoscaler, workload.uid)
        now = number(workload, autoscaler)
        what = f"{scaling.what.capitalize()} of {request.target}"
        limit = highest(request, autoscaler)
        if recorded is None:
            taken = holding.take(now, scaling.after)
            taken.refuse_unless_allowed(now, limit, what)
            # What this step does, whatever was before the first who holds it: that is the lease's.
            scaling = Scaling(now, int(taken.lease.set), scaling.autoscaler)
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
            scaling.done,
            scaling.changes(request.target),
            undo=Undo(self.name, scaling.to_json()),
            at_least=scaling.after,
            reverted=lambda found: scaling.reverted(found, services),
        )

    def verify(self, request: Request, services: Services) -> Outcome:
        """Healthy: rollout complete, at least the replicas asked for, all ready."""
        workload = read_workload(services.cluster, request.target)
        scaling = Scaling.from_json(marks.recorded(workload, request))
        reasons = []
        if scaling and workload.replicas < scaling.after:
            reasons.append(f"{workload.replicas} replicas are wanted, not {scaling.after}")
            if why := scaling.reverted(workload, services):
                reasons[-1] += f": {why}"
        return verdict(services, request.target, reasons, {})

    def undo(self, request: Request, services: Services) -> Outcome:
        """Put the number back, if it is still ours."""
        return scale_back(request, services)

    def holdings(self, request: Request, services: Services) -> Sequence[Holding]:
        """The autoscaler's minimum, or the replicas."""
        return scale_holdings(request, services)

    def _decide(
        self, request: Request, services: Services
    ) -> tuple[Workload, Autoscaler | None, Scaling]:
        workload = read_workload(services.cluster, request.target)
        refuse_if_paused(workload, request.target)
        autoscalers = autoscalers_of(services.cluster, workload)
        autoscaler = next(iter(autoscalers), None)
        recorded = Scaling.from_json(marks.recorded(workload, request))
        if recorded is not None:
            known = recorded.autoscaler
            raised = named(services.cluster, workload.namespace, known) if known else None
            return workload, raised, recorded
        refuse_unless_its_own(autoscalers, workload)
        # From what runs now, not from an autoscaler's minimum: more than now is what is needed.
        running = workload.replicas
        if running == 0:
            raise ActionRefused(
                f"{request.target} is scaled to 0 replicas, which somebody has chosen: its owner, "
                f"or what runs its pods instead (an Argo Rollout). It is not scaled up."
            )
        limit = highest(request, autoscaler)
        after = min(wanted(request, running), limit)
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


ACTION = ScaleWorkload("scale_workload", frozenset({"deployment", "statefulset"}))
