"""``restart_workload``: replace every pod, one after the other (``kubectl rollout restart``).

One write carries the mark and the restart, so there is no halfway: either both are there, and a
repeated call only watches, or neither is.

A restart that is complete cannot be taken back. One whose new pods do not come up can: with the pod
template as it was before, to the letter, Kubernetes goes back to the revision whose pods still run.
What somebody has deployed or restarted since is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runbook_action import marks
from runbook_action.actions.base import Defaults
from runbook_action.blast_radius import READY_FIELDS, refuse_if_too_few_stay_ready
from runbook_action.fields import Field
from runbook_action.history import digest_of
from runbook_action.objects import Workload
from runbook_action.outcome import Outcome
from runbook_action.ports import Right, Services
from runbook_action.replaced import refuse_if_replaced
from runbook_action.request import Request, Target, TargetKind
from runbook_action.rights import rolling
from runbook_action.rollout import (
    POLL_SECONDS,
    RolloutState,
    assess,
    is_latest,
    is_restarted,
    read_workload,
    refuse_if_it_cannot_roll,
    restart_change,
    restart_patch,
    restart_reverted,
    verdict,
    watched,
)
from runbook_action.stuck_pods import release_stuck
from runbook_action.unchanged import patch_unless_changed

#: In the mark: pods that were ready before the restart, its time, fingerprint of the template.
_READY, _AT, _TEMPLATE = "ready", "restarted_at", "template"


@dataclass(frozen=True)
class RestartWorkload(Defaults):
    """A rolling restart, taken back where the new pods do not come up."""

    name: str
    target_kinds: frozenset[TargetKind]

    @property
    def rights(self) -> Mapping[TargetKind, Sequence[Right]]:
        """Restart it and watch its pods."""
        return {kind: rolling(kind) for kind in self.target_kinds}

    @property
    def fields(self) -> Mapping[str, Field]:
        """What must stay ready."""
        return READY_FIELDS

    def plan(self, request: Request, services: Services) -> Outcome:
        """Show the restart that is still to be done."""
        workload = read_workload(services.cluster, request.target)
        refuse_if_it_cannot_roll(workload, request.target)
        if is_restarted(workload, request):
            return Outcome(
                "unchanged",
                f"change nothing: {request.target} was already restarted for this incident.",
            )
        refuse_if_too_few_stay_ready(workload, request)
        return Outcome(
            "planned",
            f"restart the pods of {request.target}.",
            plan=[restart_change(services, workload, request)],
        )

    def execute(self, request: Request, services: Services) -> Outcome:
        """Restart, and watch the rollout."""
        workload = read_workload(services.cluster, request.target)
        refuse_if_it_cannot_roll(workload, request.target)
        change = restart_change(services, workload, request)
        if not is_restarted(workload, request):
            refuse_if_replaced(services.cluster, workload, request)
            refuse_if_too_few_stay_ready(workload, request)
            found = workload.template_annotations
            before: dict[str, Any] = {key: found.get(key) for key in marks.OF_A_RESTART}
            before[_READY] = workload.count("ready")
            before |= {_AT: change.after, _TEMPLATE: digest_of(workload.template)}
            annotations = marks.mark(workload, request, before)
            patch_unless_changed(
                services.cluster,
                workload,
                {
                    "metadata": {"annotations": annotations},
                    **restart_patch(workload, change, request),
                },
            )
        return watched(
            services,
            request.target,
            "The restart was asked for",
            [change],
            reverted=lambda found: restart_reverted(found, request),
        )

    def verify(self, request: Request, services: Services) -> Outcome:
        """Healthy: rollout complete, replicas ready, no container stuck."""
        workload = read_workload(services.cluster, request.target)
        known = marks.recorded(workload, request) is not None
        why = restart_reverted(workload, request) if known else ""
        return verdict(services, request.target, [why] if why else [], {})

    def undo(self, request: Request, services: Services) -> Outcome:
        """Put the pod template back, unless the restart is complete."""
        target = request.target
        workload = read_workload(services.cluster, target)
        before = marks.recorded(workload, request)
        restarted = is_restarted(workload, request)
        if before is None:
            return Outcome(
                "unchanged",
                f"No restart for this incident is marked on {target}: there is nothing to take "
                f"back.",
            )
        if restarted and assess(workload).complete:
            return Outcome("unchanged", f"A restart of {target} cannot be taken back.")
        if restarted and not is_latest(workload, request):
            return Outcome(
                "unchanged",
                f"A later step replaced the pods of {target} since this restart: there is nothing "
                f"left of it to take back.",
            )
        if restarted and _is_somebody_elses(workload, request, before):
            return Outcome(
                "unchanged",
                f"Somebody has deployed or restarted {target} since this restart: that stays.",
            )
        changes = []
        if restarted:
            change = restart_change(services, workload, request)
            changes = [replace(change, before=change.after, after=before.get(marks.RESTARTED_AT))]
            annotations = {key: before.get(key) for key in marks.OF_A_RESTART}
            patch_unless_changed(
                services.cluster,
                workload,
                {"spec": {"template": {"metadata": {"annotations": annotations}}}},
            )
        state = _settled(services, target, before.get(_READY))
        return Outcome(
            "succeeded" if state.complete else "in_progress",
            f"The restart of {target} was taken back: {state.progress}.",
            changed=True,
            plan=changes,
        )


def _is_somebody_elses(workload: Workload, request: Request, before: Mapping[str, Any]) -> bool:
    """Whether the template is no longer the one that this step left, though the marks are on it."""
    if before.get(_TEMPLATE) not in (None, digest_of(workload.template)):
        return True
    found = workload.template_annotations
    # The undo of a later step puts a time of its own.
    is_undone = bool(marks.tokens(found, marks.UNDONE_FOR, request.incident_id))
    return not is_undone and before.get(_AT) not in (None, found.get(marks.RESTARTED_AT))


def _settled(services: Services, target: Target, ready_before: object) -> RolloutState:
    """Wait for the earlier pods to be all there are; stuck ones are on their way out meanwhile.

    Of a target that was ill before its restart no more is waited for than it had: whoever is to be
    called hears of it now.
    """
    kept: Mapping[str, str] = {}
    while True:
        workload = read_workload(services.cluster, target)
        state = assess(workload)
        if state.complete:
            return state
        if services.clock.remaining() < POLL_SECONDS:
            return state.held_up(kept)
        seen = workload.observed_generation >= workload.generation
        ready = workload.count("ready")
        if seen and isinstance(ready_before, int) and ready_before <= ready < workload.replicas:
            return RolloutState(True, f"{ready} of its pods are ready, {ready_before} were before")
        kept = release_stuck(services, workload)
        services.clock.sleep(POLL_SECONDS)


ACTION = RestartWorkload("restart_workload", frozenset({"deployment", "statefulset", "daemonset"}))
