"""Switch checkout's degraded mode, and restart its pods so that none keeps the old setting.

Order of the writes, chosen so that a call that dies after any of them can simply be repeated:

1. the mark on the Deployment's metadata (incident, action, previous setting). It rolls nothing.
   From here on undo knows what to restore, whatever happens next;
2. the SSM parameter. A repeated call finds it already set, and takes the previous setting from
   the mark, not from the parameter;
3. the restart: a patch of the pod template that carries the incident id. A repeated call finds
   the id there and restarts nothing.

Undo goes through 2 and 3 with the recorded setting. The two writes to the Deployment are bound
to the version that was read: whoever changes it in between makes the call fail with
``ClusterConflict``, and the repeat starts from what is there then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runbook_action import marks
from runbook_action.fields import BooleanField, Field
from runbook_action.objects import Deployment
from runbook_action.outcome import Change, Outcome, Undo
from runbook_action.ports import Services
from runbook_action.request import Request, TargetKind
from runbook_action.rollout import (
    is_restarted,
    read_deployment,
    refuse_if_it_cannot_roll,
    restart_change,
    restart_patch,
    unhealthy_reasons,
    watch_rollout,
)

_PREVIOUS = "previous"


@dataclass(frozen=True)
class DegradedMode:
    """Both directions of the switch: ``enabled`` says which one this action is."""

    name: str
    enabled: bool

    @property
    def target_kind(self) -> TargetKind:
        """It restarts a Deployment."""
        return "deployment"

    @property
    def fields(self) -> Mapping[str, Field]:
        """It takes no parameters."""
        return {}

    @property
    def undo_fields(self) -> Mapping[str, Field]:
        """The setting to restore."""
        return {_PREVIOUS: BooleanField(required=True)}

    def plan(self, request: Request, services: Services) -> Outcome:
        """Show the switch and the restart that are still to be done."""
        deployment = read_deployment(services.cluster, request.target)
        refuse_if_it_cannot_roll(deployment, request.target)
        setting = _read(services)
        changes = self._changes(request, services, deployment, setting, self.enabled)
        if not changes:
            return Outcome("unchanged", f"{request.target} has had this done for this incident.")
        return Outcome(
            "planned",
            f"Would set {services.degraded_mode_parameter} to {_text(self.enabled)} and restart "
            f"the pods of {request.target}.",
            plan=changes,
            undo=self._undo(_previous(deployment, request, setting)),
        )

    def execute(self, request: Request, services: Services) -> Outcome:
        """Switch, restart, and watch the rollout."""
        deployment = read_deployment(services.cluster, request.target)
        refuse_if_it_cannot_roll(deployment, request.target)
        setting = _read(services)
        previous = _previous(deployment, request, setting)
        changes = self._changes(request, services, deployment, setting, self.enabled)
        if marks.recorded(deployment, request.incident_id, request.action) is None:
            annotations = marks.mark(request.incident_id, request.action, {_PREVIOUS: previous})
            deployment = services.cluster.patch_deployment(
                deployment, {"metadata": {"annotations": annotations}}
            )
        self._switch(services, setting, self.enabled)
        self._restart(request, services, deployment)
        return self._watched(request, services, changes, self.enabled, undo=self._undo(previous))

    def verify(self, request: Request, services: Services) -> Outcome:
        """Healthy: setting in place, rollout complete, replicas ready, no container stuck."""
        deployment, reasons = unhealthy_reasons(services, request.target)
        setting = _read(services)
        if setting is not self.enabled:
            reasons.append(f"{services.degraded_mode_parameter} is {_text(setting)}")
        details = {
            "reasons": reasons,
            "degraded_mode": setting,
            "replicas": deployment.replicas,
            "ready_replicas": deployment.count("readyReplicas"),
        }
        if reasons:
            return Outcome(
                "unhealthy",
                f"{request.target} is not healthy: {'; '.join(reasons)}.",
                details=details,
                healthy=False,
            )
        return Outcome(
            "succeeded",
            f"{request.target} is healthy with degraded mode {_on_off(self.enabled)}.",
            details=details,
            healthy=True,
        )

    def undo(self, request: Request, services: Services) -> Outcome:
        """Restore the setting from before this incident, and restart again."""
        deployment = read_deployment(services.cluster, request.target)
        recorded = marks.recorded(deployment, request.incident_id, request.action)
        # An execute that died halfway returned no undo: then the mark on the target knows.
        source = request.undo if request.undo is not None else recorded
        if source is None or not isinstance(source.get(_PREVIOUS), bool):
            return Outcome(
                "unchanged",
                f"{request.target} carries no trace of {request.action} for this incident: "
                f"there is nothing to undo.",
            )
        previous: bool = source[_PREVIOUS]
        setting = _read(services)
        if not self._was_restarted(request, deployment) and setting is previous:
            return Outcome(
                "unchanged",
                f"{services.degraded_mode_parameter} is {_text(previous)} and no pod was "
                f"restarted for this incident: there is nothing to undo.",
            )
        refuse_if_it_cannot_roll(deployment, request.target)
        changes = self._changes(request, services, deployment, setting, previous, undoing=True)
        self._switch(services, setting, previous)
        self._restart(request, services, deployment, undoing=True)
        return self._watched(request, services, changes, previous)

    def _undo(self, previous: bool) -> Undo:
        return Undo(self.name, {_PREVIOUS: previous})

    @staticmethod
    def _was_restarted(request: Request, deployment: Deployment) -> bool:
        return any(
            is_restarted(deployment, request.incident_id, request.action, undoing=undoing)
            for undoing in (False, True)
        )

    @staticmethod
    def _switch(services: Services, setting: bool, wanted: bool) -> None:
        if setting is not wanted:
            services.parameters.put(services.degraded_mode_parameter, _text(wanted))

    @staticmethod
    def _restart(
        request: Request, services: Services, deployment: Deployment, *, undoing: bool = False
    ) -> None:
        if not is_restarted(deployment, request.incident_id, request.action, undoing=undoing):
            patch = restart_patch(services, request.incident_id, request.action, undoing=undoing)
            services.cluster.patch_deployment(deployment, patch)

    @staticmethod
    def _changes(
        request: Request,
        services: Services,
        deployment: Deployment,
        setting: bool,
        wanted: bool,
        *,
        undoing: bool = False,
    ) -> list[Change]:
        changes = []
        if setting is not wanted:
            changes.append(
                Change(
                    "Parameter",
                    services.degraded_mode_parameter,
                    "value",
                    _text(setting),
                    _text(wanted),
                )
            )
        if not is_restarted(deployment, request.incident_id, request.action, undoing=undoing):
            patch = restart_patch(services, request.incident_id, request.action, undoing=undoing)
            changes.append(restart_change(deployment, patch))
        return changes

    @staticmethod
    def _watched(
        request: Request,
        services: Services,
        changes: list[Change],
        setting: bool,
        undo: Undo | None = None,
    ) -> Outcome:
        deployment, state = watch_rollout(services, request.target)
        details: dict[str, Any] = {"degraded_mode": setting, **state.details(deployment)}
        done = f"Degraded mode is {_on_off(setting)}"
        if state.complete:
            summary = f"{done} and every pod of {request.target} runs with it."
        else:
            summary = f"{done}; the pods of {request.target} are still rolling: {state.progress}."
        return Outcome(
            "succeeded" if state.complete else "in_progress",
            summary,
            changed=bool(changes),
            details=details,
            plan=changes,
            undo=undo,
        )


def _previous(deployment: Deployment, request: Request, setting: bool) -> bool:
    recorded = marks.recorded(deployment, request.incident_id, request.action) or {}
    previous = recorded.get(_PREVIOUS)
    return previous if isinstance(previous, bool) else setting


def _read(services: Services) -> bool:
    # checkout takes a missing or unreadable value as off; so must we, or a plan would lie.
    value = services.parameters.get(services.degraded_mode_parameter)
    return (value or "").strip().lower() == "true"


def _text(setting: bool) -> str:
    return "true" if setting else "false"


def _on_off(setting: bool) -> str:
    return "on" if setting else "off"
