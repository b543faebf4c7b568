"""How many replicas a step that scales asks for, of what, and how that is told."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runbook_action.autoscaler_things import minimum_holding, named
from runbook_action.errors import InvalidRequest
from runbook_action.holding import Holding
from runbook_action.kinds import KINDS
from runbook_action.leases import thing_of
from runbook_action.objects import Autoscaler, Workload
from runbook_action.outcome import Change
from runbook_action.ports import Services
from runbook_action.request import Request, Target
from runbook_action.reverted import reverted_by


@dataclass(frozen=True)
class Scaling:
    """Numbers decided once for an incident, as the mark keeps them.

    Attributes
    ----------
    before, after
        Replicas, or the minimum of the autoscaler.
    autoscaler
        Its name, where its minimum is what was changed.
    """

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

    @property
    def what(self) -> str:
        """What is changed, in words."""
        return "the autoscaler's minimum" if self.autoscaler else "the replicas"

    def change(self, target: Target) -> Change:
        """The numbers as a line of a plan."""
        if self.autoscaler:
            name = f"{target.namespace}/{self.autoscaler}"
            kind = KINDS["horizontalpodautoscaler"].kind
            return Change(kind, name, "spec.minReplicas", self.before, self.after)
        name = f"{target.namespace}/{target.name}"
        return Change(KINDS[target.kind].kind, name, "spec.replicas", self.before, self.after)

    def changes(self, target: Target) -> list[Change]:
        """The numbers as a line of a plan, if they are two."""
        return [self.change(target)] if self.before != self.after else []

    @property
    def done(self) -> str:
        """What was done, as the beginning of a sentence."""
        what = self.what.capitalize()
        if self.before == self.after:
            return f"{what} had been raised to {self.after} already"
        return f"{what} went from {self.before} to {self.after}"

    def reverted(self, workload: Workload, services: Services) -> str:
        """Say who has lowered the number that was set; empty while it stands."""
        if self.autoscaler is None:
            low = workload.replicas < self.after
            return reverted_by(workload, "spec", "replicas") if low else ""
        autoscaler = named(services.cluster, workload.namespace, self.autoscaler)
        if autoscaler is None or autoscaler.min_replicas >= self.after:
            return ""
        return reverted_by(autoscaler, "spec", "minReplicas")


def wanted(request: Request, running: int) -> int:
    """Replicas that a step asks for where so many run, whatever its limit is."""
    step, factor = request.parameters.get("step"), request.parameters.get("factor")
    if (step is None) == (factor is None):
        raise InvalidRequest("parameters must have either step or factor")
    return running + int(step) if step is not None else math.ceil(running * float(factor or 1))


def highest(request: Request, autoscaler: Autoscaler | None) -> int:
    """The most that the runbook allows, and the autoscaler."""
    limit = int(request.parameters["max_replicas"])
    return limit if autoscaler is None else min(limit, autoscaler.max_replicas)


def number(workload: Workload, autoscaler: Autoscaler | None) -> int:
    """The number that is changed, as it is now."""
    return workload.replicas if autoscaler is None else autoscaler.min_replicas


def scale_holding(
    request: Request, services: Services, autoscaler: Autoscaler | None, uid: str = ""
) -> Holding:
    """This step's part in the lease of what it raises.

    Parameters
    ----------
    autoscaler
        Whose minimum it is; None for the workload's replicas.
    uid
        Identity of the workload; without it a lease of an earlier one of its name counts, too.
    """
    if autoscaler is not None:
        return minimum_holding(request, services, autoscaler)
    target = request.target
    thing = thing_of(services.cluster_name, target.namespace, target.kind, target.name, "replicas")
    return Holding(services.leases, services.clock, thing, request.token, uid)
