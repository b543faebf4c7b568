"""Switch checkout's degraded mode, and restart its pods so that none keeps the old setting.

Order of the writes, chosen so that a call that dies after any of them can simply be repeated:

1. the lease of the setting (``leases``), which remembers it from before the first incident that
   needed the switch. From here on undo knows what to restore, whatever happens next. To switch it
   off is for good and takes none: that the setting is off then ends the lease of whoever had it on;
2. the mark on the Deployment's metadata (incident, action, what was before). It rolls nothing;
3. the SSM parameter. A repeated call finds it already set;
4. the restart: a patch of the pod template that carries the incident id. A repeated call finds
   the id there and restarts nothing.

Every incident restarts the pods once, also where another one has the switch on already: that the
pods were stuck with an older setting is one of the reasons why it is pulled.

Undo lets the lease go. While another incident holds it the setting stays and nothing is restarted;
the last one goes through 3 and 4 with the setting from before. The writes to the Deployment are
bound to the spec and marks that were read: whoever changes them in between makes the call fail
with ``ClusterConflict``, and the repeat starts from what is there then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runbook_action import marks
from runbook_action.actions.base import Defaults
from runbook_action.blast_radius import READY_FIELDS, refuse_if_too_few_stay_ready
from runbook_action.fields import BooleanField, Field
from runbook_action.holding import Holding
from runbook_action.lease_answers import Return, why_kept
from runbook_action.leases import parameter_thing
from runbook_action.objects import Workload
from runbook_action.outcome import Change, Outcome, Undo
from runbook_action.ports import Right, Services
from runbook_action.request import Request, TargetKind
from runbook_action.rights import rolling
from runbook_action.rollout import (
    is_restarted,
    read_workload,
    refuse_if_it_cannot_roll,
    refuse_if_paused,
    restart_change,
    restart_patch,
    restart_reverted,
    verdict,
    watched,
)
from runbook_action.unchanged import patch_unless_changed

_SETTING = "degraded_mode"


@dataclass(frozen=True)
class DegradedMode(Defaults):
    """Both directions of the switch: ``enabled`` says which one this action is."""

    name: str
    enabled: bool

    @property
    def target_kinds(self) -> frozenset[TargetKind]:
        """It restarts a Deployment."""
        return frozenset({"deployment"})

    @property
    def rights(self) -> Mapping[TargetKind, Sequence[Right]]:
        """The switch needs a restart."""
        return {"deployment": rolling("deployment")}

    @property
    def aws_rights(self) -> Sequence[str]:
        """The switch itself."""
        return ("ssm:GetParameter", "ssm:PutParameter")

    def things(self, services: Services) -> Sequence[str]:
        """The switch is one for all clusters."""
        return (f"parameter#{services.degraded_mode_parameter}",)

    @property
    def fields(self) -> Mapping[str, Field]:
        """What must stay ready."""
        return READY_FIELDS

    @property
    def lends(self) -> bool:
        """It switches degraded mode on for a time; switching it off is for good."""
        return self.enabled

    @property
    def undo_fields(self) -> Mapping[str, Field]:
        """The setting to restore."""
        return {_SETTING: BooleanField(required=True)}

    def plan(self, request: Request, services: Services) -> Outcome:
        """Show the switch and the restart that are still to be done."""
        deployment = read_workload(services.cluster, request.target)
        refuse_if_it_cannot_roll(deployment, request.target)
        setting = _read(services)
        changes = _switch_change(services, setting, self.enabled)
        if not is_restarted(deployment, request):
            refuse_if_too_few_stay_ready(deployment, request)
            changes.append(restart_change(services, deployment, request))
        if not changes:
            return Outcome(
                "unchanged",
                f"change nothing: {request.target} has had this done for this incident.",
            )
        previous = self._before(deployment, request, setting)
        return Outcome(
            "planned",
            f"set {services.degraded_mode_parameter} to {_text(self.enabled)} and restart the "
            f"pods of {request.target}.",
            plan=changes,
            undo=self._undo(previous),
        )

    def execute(self, request: Request, services: Services) -> Outcome:
        """Switch, restart, and watch the rollout.

        ``plan`` and ``changed`` tell of everything done for the incident, also by earlier calls:
        the last answer is the one that the audit trail keeps.
        """
        deployment = read_workload(services.cluster, request.target)
        refuse_if_it_cannot_roll(deployment, request.target)
        if not is_restarted(deployment, request):
            refuse_if_too_few_stay_ready(deployment, request)
        setting = _read(services)
        holding = _holding(request, services)
        taken = holding.take(setting, True) if self.enabled else None
        if taken is None:
            holding.saw(setting)
        previous = (
            self._before(deployment, request, setting)
            if taken is None
            else bool(taken.lease.before)
        )
        if marks.recorded(deployment, request) is None:
            annotations = marks.mark(deployment, request, {_SETTING: previous})
            deployment = patch_unless_changed(
                services.cluster, deployment, {"metadata": {"annotations": annotations}}
            )
        restart = restart_change(services, deployment, request)
        # Once the pods are restarted the switch was made: who changed it since wanted to.
        if not is_restarted(deployment, request):
            if taken is None:
                _switch(services, setting, self.enabled)
            else:
                taken.refuse_unless_allowed(setting, True, services.degraded_mode_parameter)
                if taken.write is not None:
                    _switch(services, setting, bool(taken.write))
                holding.settle(taken)
            patch = restart_patch(deployment, restart, request)
            patch_unless_changed(services.cluster, deployment, patch)
        return watched(
            services,
            request.target,
            _done(self.enabled),
            [*_switch_change(services, previous, self.enabled), restart],
            undo=self._undo(previous),
            reverted=lambda found: restart_reverted(found, request) or self._set_back(services),
            details={_SETTING: self.enabled},
        )

    def verify(self, request: Request, services: Services) -> Outcome:
        """Healthy: setting in place, rollout complete, replicas ready, no container stuck."""
        setting = _read(services)
        reasons = []
        if setting is not self.enabled:
            reasons.append(f"{services.degraded_mode_parameter} is {_text(setting)}")
            deployment = read_workload(services.cluster, request.target)
            if is_restarted(deployment, request):
                reasons[-1] += f": {self._set_back(services)}"
        return verdict(services, request.target, reasons, {_SETTING: setting})

    def undo(self, request: Request, services: Services) -> Outcome:
        """Restore the setting from before this incident, and restart again."""
        deployment = read_workload(services.cluster, request.target)
        setting = _read(services)
        restarted = is_restarted(deployment, request)
        undone = is_restarted(deployment, request, undoing=True)
        holding = _holding(request, services)
        answer = (
            holding.let_go(setting)
            if self.enabled
            else self._returned(deployment, request, setting, undone=undone)
        )
        name = services.degraded_mode_parameter
        if answer.verdict == "kept":
            return Outcome("unchanged", f"{name} {why_kept(answer, _text(setting))}.")
        if answer.verdict == "not held" and not undone:
            return Outcome(
                "unchanged",
                f"{request.target} carries no trace of {self.name} for this incident: there is "
                f"nothing to undo.",
            )
        # An earlier call that got as far as the restart has brought the setting back.
        previous = setting if answer.value is None else bool(answer.value)
        if setting is previous and not restarted and not undone:
            holding.forget()
            return Outcome(
                "unchanged",
                f"{name} is {_text(previous)} and no pod was restarted for this incident: there "
                f"is nothing to undo.",
            )
        changes = [
            *_switch_change(services, self.enabled, previous),
            restart_change(services, deployment, request, undoing=True),
        ]
        # The setting is restored even where the restart then has to be refused.
        _switch(services, setting, previous)
        if deployment.paused:
            holding.forget()
        refuse_if_paused(deployment, request.target)
        if not undone:
            patch = restart_patch(deployment, changes[-1], request, undoing=True)
            patch_unless_changed(services.cluster, deployment, patch)
        holding.forget()
        return watched(
            services, request.target, _done(previous), changes, details={_SETTING: previous}
        )

    def holdings(self, request: Request, services: Services) -> Sequence[Holding]:
        """The switch."""
        return (_holding(request, services),)

    def _returned(
        self, deployment: Workload, request: Request, setting: bool, *, undone: bool
    ) -> Return:
        """What becomes of a setting that was switched off for good, which the mark remembers."""
        source = request.undo or marks.recorded(deployment, request)
        if undone or source is None:
            return Return("not held")
        if setting is not self.enabled:
            return Return("changed")
        return Return("bring back", source.get(_SETTING) is True)

    def _set_back(self, services: Services) -> str:
        if _read(services) is self.enabled:
            return ""
        name = services.degraded_mode_parameter
        return f"reverted by whoever set {name} to {_text(not self.enabled)} (see its history)"

    def _undo(self, previous: bool) -> Undo:
        return Undo(self.name, {_SETTING: previous})

    def _before(self, deployment: Workload, request: Request, setting: bool) -> bool:
        recorded = marks.recorded(deployment, request) or {}
        previous = recorded.get(_SETTING)
        return previous if isinstance(previous, bool) else setting


def _holding(request: Request, services: Services) -> Holding:
    """The lease of the setting, which is one for all clusters."""
    thing = parameter_thing(services.degraded_mode_parameter)
    return Holding(services.leases, services.clock, thing, request.token)


def _read(services: Services) -> bool:
    # checkout takes a missing or unreadable value as off; so must we, or a plan would lie.
    value = services.parameters.get(services.degraded_mode_parameter)
    return (value or "").strip().lower() == "true"


def _switch(services: Services, setting: bool, wanted: bool) -> None:
    if setting is not wanted:
        services.parameters.put(services.degraded_mode_parameter, _text(wanted))


def _switch_change(services: Services, setting: bool, wanted: bool) -> list[Change]:
    if setting is wanted:
        return []
    name = services.degraded_mode_parameter
    return [Change("Parameter", name, "value", _text(setting), _text(wanted))]


def _done(setting: bool) -> str:
    return f"Degraded mode is {'on' if setting else 'off'}"


def _text(setting: bool) -> str:
    return "true" if setting else "false"
