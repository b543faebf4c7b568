"""Restart a workload's pods one after the other, and know when and whether that worked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runbook_action import marks
from runbook_action.current_pods import current_pods
from runbook_action.errors import ActionRefused, ChangeReverted, RolloutFailed
from runbook_action.objects import Workload
from runbook_action.outcome import Change, Outcome, Undo
from runbook_action.ports import Cluster, Services
from runbook_action.request import Request, Target
from runbook_action.reverted import reverted_by
from runbook_action.stuck_pods import kept_words, release_stuck
from runbook_action.unchanged import unless_changed

POLL_SECONDS = 1.0
_FAULTS_REPORTED = 5


@dataclass(frozen=True)
class RolloutState:
    """How far a rollout is."""

    complete: bool
    progress: str

    def held_up(self, kept: Mapping[str, str]) -> RolloutState:
        """The same, with the pods that it waits for in vain and what keeps each."""
        return replace(self, progress=self.progress + kept_words(kept))

    def details(self, workload: Workload) -> dict[str, Any]:
        """The numbers behind it, for the audit trail."""
        return {
            "rollout": self.progress,
            "replicas": workload.replicas,
            "ready_replicas": workload.count("ready"),
            "updated_replicas": workload.count("updated"),
            "available_replicas": workload.count("available"),
        }


def read_workload(cluster: Cluster, target: Target) -> Workload:
    """Read the target of an action on a workload."""
    return cluster.workload(target.kind, target.namespace or "", target.name)


def write_unless_changed(
    cluster: Cluster, current: Workload, write: Callable[[Workload], Workload]
) -> Workload:
    """Write to a workload under the rule of ``unless_changed``."""
    return unless_changed(
        current,
        read=lambda: cluster.workload(current.kind, current.namespace, current.name),
        write=write,
    )


def refuse_if_it_cannot_roll(workload: Workload, target: Target) -> None:
    """Stop before anything is changed if a rollout could never happen or never help.

    Raises
    ------
    ActionRefused
        If the workload is paused, scaled to zero, or replaces pods only by hand.
    """
    refuse_if_paused(workload, target)
    if workload.replaced_by_hand:
        raise ActionRefused(
            f"{target} has the update strategy OnDelete: only a human may replace its pods. "
            f"RollingUpdate is the strategy that an action can use."
        )
    if workload.partition > 0:
        raise ActionRefused(
            f"{target} holds pods back (partition {workload.partition}): somebody is in the "
            f"middle of a staged rollout, which is left to them."
        )
    if workload.replicas == 0:
        raise ActionRefused(
            f"{target} is scaled to 0 replicas: there is no pod to roll. Scale it up first."
        )


def refuse_if_paused(workload: Workload, target: Target) -> None:
    """Stop if a rollout would never start.

    Raises
    ------
    ActionRefused
        If the Deployment is paused.
    """
    if workload.paused:
        raise ActionRefused(
            f"{target} is paused, so a rollout would never start. Resume it with "
            f"'kubectl rollout resume' and run the action again."
        )


def assess(workload: Workload) -> RolloutState:
    """Judge a rollout by the rules of ``kubectl rollout status``.

    Raises
    ------
    RolloutFailed
        If Kubernetes itself gave up waiting (ProgressDeadlineExceeded).
    """
    if workload.observed_generation < workload.generation:
        return RolloutState(False, "waiting for its controller to see the change")
    progressing = workload.condition("Progressing")
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        raise RolloutFailed(
            f"rollout of {workload.namespace}/{workload.name} exceeded its progress "
            f"deadline: {progressing.get('message')}"
        )
    wanted, updated = workload.replicas, workload.count("updated")
    if updated < wanted:
        return RolloutState(False, f"{updated} of {wanted} new pods created")
    # A DaemonSet replaces in place: its nodes are counted, whatever runs on them.
    old = 0 if workload.kind == "daemonset" else workload.count("existing") - updated
    if old > 0:
        return RolloutState(False, f"{old} old pods still to end")
    available = workload.count("available")
    if available < updated:
        return RolloutState(False, f"{available} of {updated} new pods available")
    current, update = (workload.status.get(f"{each}Revision") for each in ("current", "update"))
    if workload.kind == "statefulset" and current != update:
        return RolloutState(False, "waiting for its controller to call the rollout complete")
    return RolloutState(True, f"complete: {available} of {wanted} pods available")


def faults(cluster: Cluster, workload: Workload) -> list[str]:
    """Containers of the *current* pods that will not come up by waiting.

    Pods of an older template are left out: they are what the rollout replaces.
    """
    return sorted(
        fault
        for pod in current_pods(cluster, workload)
        if not pod.terminating and (fault := pod.fault())
    )


def watched(
    services: Services,
    target: Target,
    done: str,
    changes: Sequence[Change],
    *,
    undo: Undo | None = None,
    at_least: int = 0,
    reverted: Callable[[Workload], str] = lambda _: "",
    details: Mapping[str, Any] | None = None,
) -> Outcome:
    """Watch a rollout until it is complete or this call's time is used up, and tell of it.

    Parameters
    ----------
    services, target
        What to watch.
    done
        What was done, as the beginning of a sentence.
    changes
        What was changed for this incident, by this call or an earlier one.
    undo
        What taking it back needs.
    at_least
        Replicas that must be asked for before the rollout counts, where an autoscaler sets them.
    reverted
        Says who has taken the change back, or nothing while it stands. Asked at every look.
    details
        Facts of the action to report with the workload's own.

    Returns
    -------
    Outcome
        ``succeeded``, or ``in_progress``: ask again.

    Raises
    ------
    RolloutFailed
        If the new pods do not come up.
    ChangeReverted
        If somebody took the change back.
    """
    kept: Mapping[str, str] = {}
    while True:
        workload = read_workload(services.cluster, target)
        refuse_if_reverted(target, reverted(workload))
        state = assess(workload)
        if workload.replicas < at_least:
            state = RolloutState(False, f"{workload.replicas} of {at_least} replicas asked for")
        if state.complete:
            break
        if found := faults(services.cluster, workload):
            raise RolloutFailed(
                f"new pods of {target} do not come up: {'; '.join(found[:_FAULTS_REPORTED])}. "
                f"See 'kubectl -n {target.namespace} describe pods' for the cause."
            )
        if services.clock.remaining() < POLL_SECONDS:
            break
        kept = release_stuck(services, workload, whole=not at_least)
        services.clock.sleep(POLL_SECONDS)
    if not state.complete:
        state = state.held_up(kept)
    end = (
        f"every pod of {target} runs with it"
        if state.complete
        else f"the pods of {target} are still rolling: {state.progress}"
    )
    return Outcome(
        "succeeded" if state.complete else "in_progress",
        f"{done}; {end}.",
        changed=bool(changes),
        details={**(details or {}), **state.details(workload)},
        plan=changes,
        undo=undo,
    )


def refuse_if_reverted(target: Target, why: str) -> None:
    """Stop where a change was taken back: whoever did it would do it again.

    Raises
    ------
    ChangeReverted
        If there is a reason; the message has it.
    """
    if why:
        raise ChangeReverted(
            f"the change of {target} was {why}. Change it where that takes it from, or hold that "
            f"back for the time of the incident."
        )


def restart_reverted(workload: Workload, request: Request) -> str:
    """Say who took back the restart of this step, once it was made; empty while it stands.

    One that another incident has restarted over is not taken back.
    """
    if is_restarted(workload, request) or workload.template_annotations.get(marks.RESTARTED_FOR):
        return ""
    return reverted_by(workload, "spec", "template")


def verdict(
    services: Services, target: Target, reasons: Sequence[str], details: Mapping[str, Any]
) -> Outcome:
    """Judge a workload now: rollout complete, replicas ready, no container stuck.

    Parameters
    ----------
    services, target
        What to look at.
    reasons
        Why the action itself finds it unhealthy; none if it does not.
    details
        Facts of the action to report with the workload's own.

    Returns
    -------
    Outcome
        ``succeeded`` or ``unhealthy``, with every reason.
    """
    workload = read_workload(services.cluster, target)
    found = list(reasons)
    try:
        state = assess(workload)
        if not state.complete:
            found.append(f"rollout is not complete: {state.progress}")
    except RolloutFailed as error:
        found.append(str(error))
    ready = workload.count("ready")
    if workload.replicas == 0:
        found.append("scaled to 0 replicas: nothing serves")
    elif ready < workload.replicas:
        found.append(f"{ready} of {workload.replicas} replicas are ready")
    found.extend(faults(services.cluster, workload)[:_FAULTS_REPORTED])
    healthy = not found
    summary = (
        f"{target} is healthy: {ready} of {workload.replicas} replicas are ready."
        if healthy
        else f"{target} is not healthy: {'; '.join(found)}."
    )
    return Outcome(
        "succeeded" if healthy else "unhealthy",
        summary,
        details={
            **details,
            "reasons": found,
            "replicas": workload.replicas,
            "ready_replicas": ready,
        },
        healthy=healthy,
    )


def restart_change(
    services: Services, workload: Workload, request: Request, *, undoing: bool = False
) -> Change:
    """The restart as a line of a plan: to come, or as it was already asked for."""
    found = workload.template_annotations.get(marks.RESTARTED_AT)
    done = is_restarted(workload, request, undoing=undoing)
    return Change(
        workload.kind_name,
        f"{workload.namespace}/{workload.name}",
        f"spec.template.metadata.annotations[{marks.RESTARTED_AT}]",
        None if done else found,
        found if done else services.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


def restart_patch(
    workload: Workload, change: Change, request: Request, *, undoing: bool = False
) -> dict[str, Any]:
    """Patch of the pod template that makes Kubernetes replace every pod.

    The marks in it are what makes a second call for the same step and direction recognise that
    the restart was already asked for. Those of the incident's other steps stay.
    """
    restarted, undone = _steps_on(workload, request)
    restarted = [each for each in restarted if each != request.token]
    undone = [each for each in undone if each != request.token]
    (undone if undoing else restarted).append(request.token)
    annotations = {
        marks.RESTARTED_AT: change.after,
        marks.RESTARTED_FOR: " ".join(restarted) or None,
        marks.RESTARTED_BY: request.action,
        marks.UNDONE_FOR: " ".join(undone) or None,
    }
    return {"spec": {"template": {"metadata": {"annotations": annotations}}}}


def is_restarted(workload: Workload, request: Request, *, undoing: bool = False) -> bool:
    """Whether the restart of this step and direction was already asked for."""
    restarted, undone = _steps_on(workload, request)
    return request.token in (undone if undoing else restarted)


def is_latest(workload: Workload, request: Request) -> bool:
    """Whether no later step of the incident replaced the pods since this one did."""
    restarted, _ = _steps_on(workload, request)
    return restarted[-1:] == [request.token]


def _steps_on(workload: Workload, request: Request) -> tuple[list[str], list[str]]:
    """Tokens of the incident's steps that replaced the pods, and of those taken back."""
    found = workload.template_annotations
    return (
        marks.tokens(found, marks.RESTARTED_FOR, request.incident_id),
        marks.tokens(found, marks.UNDONE_FOR, request.incident_id),
    )
