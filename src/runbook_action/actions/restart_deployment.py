"""``restart_deployment``: replace every pod, one after the other (``kubectl rollout restart``).

One write carries the mark and the restart, so there is no halfway: either both are there, and a
repeated call only watches, or neither is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runbook_action import marks
from runbook_action.blast_radius import READY_FIELDS, refuse_if_too_few_stay_ready
from runbook_action.fields import Field
from runbook_action.outcome import Outcome
from runbook_action.ports import Services
from runbook_action.request import Request, TargetKind
from runbook_action.rollout import (
    is_restarted,
    patch_unless_changed,
    read_deployment,
    refuse_if_it_cannot_roll,
    restart_change,
    restart_patch,
    verdict,
    watched,
)


@dataclass(frozen=True)
class RestartDeployment:
    """A rolling restart. It has no undo: the pods that were are gone."""

    name: str = "restart_deployment"

    @property
    def target_kind(self) -> TargetKind:
        """It restarts a Deployment."""
        return "deployment"

    @property
    def fields(self) -> Mapping[str, Field]:
        """What must stay ready."""
        return READY_FIELDS

    @property
    def undo_fields(self) -> Mapping[str, Field]:
        """There is nothing to undo."""
        return {}

    def plan(self, request: Request, services: Services) -> Outcome:
        """Show the restart that is still to be done."""
        deployment = read_deployment(services.cluster, request.target)
        refuse_if_it_cannot_roll(deployment, request.target)
        if is_restarted(deployment, request.incident_id, self.name):
            return Outcome(
                "unchanged",
                f"change nothing: {request.target} was already restarted for this incident.",
            )
        refuse_if_too_few_stay_ready(deployment, request)
        return Outcome(
            "planned",
            f"restart the pods of {request.target}.",
            plan=[restart_change(services, deployment, request)],
        )

    def execute(self, request: Request, services: Services) -> Outcome:
        """Restart, and watch the rollout."""
        deployment = read_deployment(services.cluster, request.target)
        refuse_if_it_cannot_roll(deployment, request.target)
        change = restart_change(services, deployment, request)
        if not is_restarted(deployment, request.incident_id, self.name):
            refuse_if_too_few_stay_ready(deployment, request)
            annotations = marks.mark(request.incident_id, self.name, {})
            patch_unless_changed(
                services.cluster,
                deployment,
                {"metadata": {"annotations": annotations}, **restart_patch(change, request)},
            )
        return watched(services, request.target, "The restart was asked for", [change])

    def verify(self, request: Request, services: Services) -> Outcome:
        """Healthy: rollout complete, replicas ready, no container stuck."""
        return verdict(services, request.target, [], {})

    def undo(self, request: Request, services: Services) -> Outcome:  # noqa: ARG002 - the Protocol's
        """Say that a restart cannot be taken back."""
        return Outcome("unchanged", f"A restart of {request.target} cannot be taken back.")


ACTION = RestartDeployment()
