"""``expand_volume``: more room on a volume, up to a limit.

No volume shrinks again, so there is no undo, and a runbook with this action has to be approved.
Only a claim that is bound to a volume of a class that allows it (``allowVolumeExpansion``) is
touched, and not while an earlier expansion is under way.

The mark and the new size are one write: a repeated call finds the size it decided, and watches.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from runbook_action import marks
from runbook_action.actions.base import Defaults
from runbook_action.errors import ActionRefused, InvalidRequest, RolloutFailed
from runbook_action.fields import Field, IntegerField
from runbook_action.objects import GIBIBYTE, PersistentVolumeClaim, StorageClass
from runbook_action.outcome import Change, Outcome
from runbook_action.ports import Right, Services
from runbook_action.request import Request, TargetKind
from runbook_action.rights import rights
from runbook_action.unchanged import patch_unless_changed

POLL_SECONDS = 1.0
HIGHEST_GIB = 65_536
_FIELD = "spec.resources.requests.storage"


@dataclass(frozen=True)
class ExpandVolume(Defaults):
    """Ask for more storage. It cannot be given back."""

    name: str = "expand_volume"

    @property
    def target_kinds(self) -> frozenset[TargetKind]:
        """It expands a claim."""
        return frozenset({"persistentvolumeclaim"})

    @property
    def rights(self) -> Mapping[TargetKind, Sequence[Right]]:
        """The claim, and its class."""
        return {
            "persistentvolumeclaim": (
                *rights("persistentvolumeclaim", "get", "patch"),
                *rights("storageclass", "get"),
            )
        }

    @property
    def asks(self) -> bool:
        """A volume never shrinks again."""
        return True

    @property
    def fields(self) -> Mapping[str, Field]:
        """Either ``step_gib`` or ``percent`` more, and never above ``max_gib``."""
        return {
            "step_gib": IntegerField(1, HIGHEST_GIB),
            "percent": IntegerField(1, 100),
            "max_gib": IntegerField(1, HIGHEST_GIB, required=True),
        }

    @property
    def either(self) -> Sequence[str]:
        """How much more."""
        return ("step_gib", "percent")

    def plan(self, request: Request, services: Services) -> Outcome:
        """Show the sizes."""
        claim = _read(request, services)
        if marks.recorded(claim, request) is not None:
            return Outcome(
                "unchanged", f"change nothing: {request.target} was already expanded for this."
            )
        before, after = _decide(claim, request, services)
        return Outcome(
            "planned",
            f"expand {request.target} from {_gib(before)} to {_gib(after)}; this cannot be undone.",
            plan=[_change(claim, before, after)],
        )

    def execute(self, request: Request, services: Services) -> Outcome:
        """Ask for the size, and watch until the volume has it.

        Raises
        ------
        RolloutFailed
            If the storage cannot give it.
        """
        claim = _read(request, services)
        recorded = marks.numbers(claim, request, "before", "after")
        if recorded is None:
            before, after = _decide(claim, request, services)
            mark = marks.mark(claim, request, {"before": before, "after": after})
            claim = patch_unless_changed(
                services.cluster,
                claim,
                {
                    "metadata": {"annotations": mark},
                    "spec": {"resources": {"requests": {"storage": _gib(after)}}},
                },
            )
        else:
            before, after = recorded
        while claim.capacity_bytes < after and not claim.infeasible:
            if services.clock.remaining() < POLL_SECONDS:
                break
            services.clock.sleep(POLL_SECONDS)
            claim = _read(request, services)
        if claim.infeasible:
            raise RolloutFailed(
                f"the storage of {request.target} cannot grow to {_gib(after)} "
                f"({claim.infeasible}). See 'kubectl -n {claim.namespace} describe pvc "
                f"{claim.name}'."
            )
        done = claim.capacity_bytes >= after
        return Outcome(
            "succeeded" if done else "in_progress",
            f"{request.target} was asked to grow from {_gib(before)} to {_gib(after)}, and has "
            f"{_gib(claim.capacity_bytes)}.",
            changed=True,
            details={"capacity_bytes": claim.capacity_bytes},
            plan=[_change(claim, before, after)],
        )

    def verify(self, request: Request, services: Services) -> Outcome:
        """Healthy: the volume has the size that was asked for."""
        claim = _read(request, services)
        healthy = claim.bound and claim.capacity_bytes >= claim.requested_bytes
        return Outcome(
            "succeeded" if healthy else "unhealthy",
            f"{request.target} has {_gib(claim.capacity_bytes)} of {_gib(claim.requested_bytes)}.",
            healthy=healthy,
        )

    def undo(self, request: Request, services: Services) -> Outcome:  # noqa: ARG002 - there is none
        """A volume does not shrink."""
        return Outcome(
            "unchanged", f"{request.target} keeps its size: no volume can be made smaller."
        )


def _read(request: Request, services: Services) -> PersistentVolumeClaim:
    target = request.target
    found = services.cluster.read("persistentvolumeclaim", target.namespace or "", target.name)
    return cast(PersistentVolumeClaim, found)


def _decide(claim: PersistentVolumeClaim, request: Request, services: Services) -> tuple[int, int]:
    """Bytes before and after, if it may be."""
    step, percent = request.parameters.get("step_gib"), request.parameters.get("percent")
    if (step is None) == (percent is None):
        raise InvalidRequest("parameters must have either step_gib or percent")
    if not claim.bound:
        raise ActionRefused(f"{request.target} is not bound to a volume: there is none to expand.")
    if claim.capacity_bytes < claim.requested_bytes:
        raise ActionRefused(
            f"{request.target} has {_gib(claim.capacity_bytes)} of the "
            f"{_gib(claim.requested_bytes)} that it was asked to grow to: an expansion is under "
            f"way."
        )
    name = claim.storage_class
    found = cast(StorageClass, services.cluster.read("storageclass", "", name)) if name else None
    if found is None or not found.expandable:
        raise ActionRefused(
            f"{request.target} is of {f'class {name}' if name else 'no class'}, which does not "
            f"allow its volumes to grow (allowVolumeExpansion)."
        )
    before = max(claim.requested_bytes, claim.capacity_bytes)
    more = int(step) * GIBIBYTE if step is not None else before * int(percent or 0) / 100
    after = min(
        math.ceil((before + more) / GIBIBYTE) * GIBIBYTE,
        int(request.parameters["max_gib"]) * GIBIBYTE,
    )
    if after <= before:
        raise ActionRefused(
            f"{request.target} has {_gib(before)} and may have {request.parameters['max_gib']}Gi: "
            f"it is not expanded any further."
        )
    return before, after


def _gib(size: int) -> str:
    return f"{size / GIBIBYTE:g}Gi"


def _change(claim: PersistentVolumeClaim, before: int, after: int) -> Change:
    name = f"{claim.namespace}/{claim.name}"
    return Change(claim.kind_name, name, _FIELD, _gib(before), _gib(after))


ACTION = ExpandVolume()
