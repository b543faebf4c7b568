"""Switch checkout's degraded mode, and restart its pods so that none keeps the old setting.

Order of the writes, chosen so that a call that dies after any of them can simply be repeated:

1. the lease of the setting (``leases``), which remembers it from before the first incident that
   needed the switch. From here on undo knows what to restore, whatever happens next. To switch it
   off is for good and takes none: that the setting is off then ends the lease of whoever had it on;
2. the mark on the Deployment's metadata (incident, action, what was before; to switch off, which
   has no lease, also which version the parameter had). It rolls nothing;
3. the SSM parameter. A repeated call finds it already set, or that somebody has switched it since;
4. the restart: a patch of the pod template that carries the incident id. A repeated call finds
   the id there and restarts nothing.

Every incident restarts the pods once, also where another one has the switch on already: that the
pods were stuck with an older setting is one of the reasons why it is pulled. Only where each of
them was started since the switch was last written are they spared: each has read it. The lease and
the mark are left all the same, and the mark says so (docs/adr/0040-pods-that-have-read-it-stay.md).

Undo lets the lease go, before it looks at the Deployment: the setting comes back also where that
has gone or was made anew. While another incident holds it the setting stays and nothing is
restarted; the last one goes through 3 and 4 with the setting from before. The lease says until the
end that somebody is leaving: so a repeated call, which finds the setting brought back, restarts
every pod that may not have read it. The template does not tell where the pods were spared, or
another incident has restarted them since.

The writes to the Deployment are bound to the spec and marks that were read: whoever changes them in
between makes the call fail with ``ClusterConflict``, and the repeat starts from what is there then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runbook_action import marks
from runbook_action.actions.base import Defaults
from runbook_action.blast_radius import READY_FIELDS, refuse_if_too_few_stay_ready
from runbook_action.degraded_setting import (
    SETTING,
    have_read,
    hold_on,
    is_done,
    on_again,
    read_setting,
    setting_found,
    setting_holding,
    spares_pods,
    spelled,
    switch,
    switch_change,
    switched,
    to_remember,
    was_so,
    written_since,
)
from runbook_action.fields import BooleanField, Field
from runbook_action.holding import Holding
from runbook_action.lease_answers import Return, why_kept
from runbook_action.objects import Workload
from runbook_action.outcome import Outcome, Undo
from runbook_action.ports import Right, Services
from runbook_action.replaced import refuse_if_replaced
from runbook_action.request import Request, TargetKind
from runbook_action.rights import rolling
from runbook_action.rollout import (
    is_restarted,
    read_workload,
    refuse_if_it_cannot_roll,
    refuse_if_paused,
    refuse_if_reverted,
    restart_change,
    restart_patch,
    restart_reverted,
    verdict,
    watched,
)
from runbook_action.target_gone import look_for, without_target
from runbook_action.unchanged import patch_unless_changed


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
        return {SETTING: BooleanField(required=True)}

    def plan(self, request: Request, services: Services) -> Outcome:
        """Show the switch and the restart that are still to be done."""
        deployment = read_workload(services.cluster, request.target)
        refuse_if_it_cannot_roll(deployment, request.target)
        setting = read_setting(services)
        changes = switch_change(services, setting, self.enabled)
        spares = self.enabled and spares_pods(deployment, request, services, setting)
        if spares and marks.recorded(deployment, request) is None:
            return Outcome(
                "planned",
                f"restart no pod of {request.target}: {services.degraded_mode_parameter} is "
                f"{spelled(setting)} already, and each of them was started since. It is held so "
                f"for this incident, too.",
                undo=self._undo(setting),
            )
        if not spares and not is_restarted(deployment, request):
            refuse_if_too_few_stay_ready(deployment, request)
            changes.append(restart_change(services, deployment, request))
        if not changes:
            return Outcome(
                "unchanged",
                f"change nothing: {request.target} has had this done for this incident.",
            )
        previous = setting_found(deployment, request, setting)
        name, wanted = services.degraded_mode_parameter, spelled(self.enabled)
        return Outcome(
            "planned",
            f"restart the pods of {request.target}; {name} is {wanted} already{self._doubt}."
            if setting is self.enabled
            else f"set {name} to {wanted} and restart the pods of {request.target}.",
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
        setting = read_setting(services)
        spares = self.enabled and spares_pods(deployment, request, services, setting)
        if not is_restarted(deployment, request):
            refuse_if_replaced(services.cluster, deployment, request, one_write=False)
            if not spares:
                refuse_if_too_few_stay_ready(deployment, request)
        holding = setting_holding(request, services)
        taken = hold_on(deployment, request, holding, setting) if self.enabled else None
        if not self.enabled:
            holding.saw(setting)
        previous = setting_found(deployment, request, setting)
        recorded = marks.recorded(deployment, request)
        if recorded is None:
            remembered = to_remember(services, previous, for_good=not self.enabled, spares=spares)
            patch = {"metadata": {"annotations": marks.mark(deployment, request, remembered)}}
            deployment = patch_unless_changed(services.cluster, deployment, patch)
        restart = restart_change(services, deployment, request)
        # Once the pods are restarted the switch was made: who changed it since wanted to.
        if not is_restarted(deployment, request):
            if taken is not None:
                taken.refuse_unless_allowed(setting, True, services.degraded_mode_parameter)
                if taken.write is not None:
                    switch(services, setting, bool(taken.write))
                holding.settle(taken)
            else:
                if written_since(recorded, services):
                    refuse_if_reverted(request.target, self._set_back(services))
                switch(services, setting, self.enabled)
            if not spares:
                patch = restart_patch(deployment, restart, request)
                patch_unless_changed(services.cluster, deployment, patch)
        done = switched(self.enabled)
        if previous is self.enabled:
            done = was_so(previous, holding.others(setting) if self.enabled else ())
            done += "" if spares else self._doubt
        if spares:
            done += ", and each pod was started since, so none was restarted"
        changes = [*switch_change(services, previous, self.enabled), restart]
        return watched(
            services,
            request.target,
            done,
            [] if spares else changes,
            undo=self._undo(previous if taken is None else bool(taken.lease.before)),
            reverted=lambda found: (
                ("" if spares else restart_reverted(found, request)) or self._set_back(services)
            ),
            details={SETTING: self.enabled},
        )

    def verify(self, request: Request, services: Services) -> Outcome:
        """Healthy: setting in place, rollout complete, replicas ready, no container stuck."""
        setting = read_setting(services)
        reasons = []
        if setting is not self.enabled:
            reasons.append(f"{services.degraded_mode_parameter} is {spelled(setting)}")
            deployment = read_workload(services.cluster, request.target)
            if is_done(deployment, request):
                reasons[-1] += f": {self._set_back(services)}"
        return verdict(services, request.target, reasons, {SETTING: setting})

    def undo(self, request: Request, services: Services) -> Outcome:
        """Restore the setting from before this incident, and restart again."""
        setting, name = read_setting(services), services.degraded_mode_parameter
        holding = setting_holding(request, services)
        answer = holding.let_go(setting) if self.enabled else on_again(request, services, setting)
        if answer.verdict == "kept":
            return Outcome("unchanged", f"{name} {why_kept(answer, spelled(setting))}.")
        # An earlier call that got as far as the restart has brought the setting back.
        previous = setting if answer.value is None else bool(answer.value)
        # The setting is restored first: also where the restart then has to be refused.
        switch(services, setting, previous)
        deployment, gone = look_for(services.cluster, request.target)
        if deployment is None:
            holding.forget()
            back = switch_change(services, setting, previous)
            done = switched(previous) if back else f"{name} {why_kept(answer, spelled(setting))}"
            return without_target(done, gone, back)
        undone = is_restarted(deployment, request, undoing=True)
        stale = setting is not previous or self._may_be_stale(
            deployment, request, services, answer, setting
        )
        if not stale and not undone:
            holding.forget()
            why = f"{name} is {spelled(previous)} and no pod was restarted for this incident"
            if answer.verdict == "not held":
                why = f"{request.target} carries no trace of {self.name} for this incident"
            elif answer.again:
                why = f"{name} is {spelled(previous)} and every pod has read it"
            return Outcome("unchanged", f"{why}: there is nothing to undo.")
        # What somebody else has switched since is no change of this one.
        before = setting if answer.value is None and not undone else self.enabled
        changes = [
            *switch_change(services, before, previous),
            restart_change(services, deployment, request, undoing=True),
        ]
        refuse_if_paused(deployment, request.target)
        if not undone:
            patch = restart_patch(deployment, changes[-1], request, undoing=True)
            patch_unless_changed(services.cluster, deployment, patch)
        holding.forget()
        return watched(
            services, request.target, switched(previous), changes, details={SETTING: previous}
        )

    def holdings(self, request: Request, services: Services) -> Sequence[Holding]:
        """The switch."""
        return (setting_holding(request, services),)

    @property
    def _doubt(self) -> str:
        """Why pods are restarted that may have read that the switch is on."""
        if not self.enabled:
            return ""
        return ", and not each pod is known to have been started since"

    def _may_be_stale(
        self,
        deployment: Workload,
        request: Request,
        services: Services,
        answer: Return,
        setting: bool,
    ) -> bool:
        """Whether pods may run with another setting than the one that was found, by this step.

        The marks do not tell all: a step that spared the pods leaves none on their template, and
        the next one who restarts them writes over it. So where an earlier call may have brought
        the setting back and died before the restart, the pods are looked at.
        """
        if is_restarted(deployment, request):
            # Not held any more, as an earlier call found that somebody had switched it since.
            return answer.verdict != "not held" or setting is not self.enabled
        if not answer.again or setting is self.enabled:
            return False
        return not have_read(deployment, services)

    def _set_back(self, services: Services) -> str:
        if read_setting(services) is self.enabled:
            return ""
        name = services.degraded_mode_parameter
        return f"reverted by whoever set {name} to {spelled(not self.enabled)} (see its history)"

    def _undo(self, previous: bool) -> Undo:
        return Undo(self.name, {SETTING: previous})
