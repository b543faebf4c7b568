"""Restart a Deployment's pods one after the other, and know when and whether that worked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runbook_action import marks
from runbook_action.errors import ActionRefused, RolloutFailed
from runbook_action.objects import Deployment
from runbook_action.outcome import Change, Outcome, Undo
from runbook_action.ports import Cluster, Services
from runbook_action.request import Request, Target
from runbook_action.unchanged import unless_changed

POLL_SECONDS = 1.0
_FAULTS_REPORTED = 5


@dataclass(frozen=True)
class RolloutState:
    """How far a rollout is."""

    complete: bool
    progress: str

    def details(self, deployment: Deployment) -> dict[str, Any]:
        """The numbers behind it, for the audit trail."""
        return {
            "rollout": self.progress,
            "replicas": deployment.replicas,
            "ready_replicas": deployment.count("readyReplicas"),
            "updated_replicas": deployment.count("updatedReplicas"),
            "available_replicas": deployment.count("availableReplicas"),
        }


def read_deployment(cluster: Cluster, target: Target) -> Deployment:
    """Read the target of an action on a Deployment."""
    return cluster.deployment(target.namespace or "", target.name)


def write_unless_changed(
    cluster: Cluster, current: Deployment, write: Callable[[Deployment], Deployment]
) -> Deployment:
    """Write to a Deployment under the rule of ``unless_changed``."""
    return unless_changed(
        current, read=lambda: cluster.deployment(current.namespace, current.name), write=write
    )


def patch_unless_changed(
    cluster: Cluster, current: Deployment, patch: Mapping[str, Any]
) -> Deployment:
    """Merge a patch into a Deployment under the rule of ``unless_changed``."""
    return write_unless_changed(
        cluster, current, lambda found: cluster.patch_deployment(found, patch)
    )


def refuse_if_it_cannot_roll(deployment: Deployment, target: Target) -> None:
    """Stop before anything is changed if a rollout could never happen or never help.

    Raises
    ------
    ActionRefused
        If the Deployment is paused, or scaled to zero.
    """
    refuse_if_paused(deployment, target)
    if deployment.replicas == 0:
        raise ActionRefused(
            f"{target} is scaled to 0 replicas: there is no pod to roll. Scale it up first."
        )


def refuse_if_paused(deployment: Deployment, target: Target) -> None:
    """Stop if a rollout would never start.

    Raises
    ------
    ActionRefused
        If the Deployment is paused.
    """
    if deployment.paused:
        raise ActionRefused(
            f"{target} is paused, so a rollout would never start. Resume it with "
            f"'kubectl rollout resume' and run the action again."
        )


def assess(deployment: Deployment) -> RolloutState:
    """Judge a rollout by the rules of ``kubectl rollout status``.

    Raises
    ------
    RolloutFailed
        If Kubernetes itself gave up waiting (ProgressDeadlineExceeded).
    """
    if deployment.count("observedGeneration") < deployment.generation:
        return RolloutState(False, "waiting for the Deployment controller to see the change")
    progressing = deployment.condition("Progressing")
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        raise RolloutFailed(
            f"rollout of {deployment.namespace}/{deployment.name} exceeded its progress "
            f"deadline: {progressing.get('message')}"
        )
    wanted, updated = deployment.replicas, deployment.count("updatedReplicas")
    if updated < wanted:
        return RolloutState(False, f"{updated} of {wanted} new pods created")
    old = deployment.count("replicas") - updated
    if old > 0:
        return RolloutState(False, f"{old} old pods still to end")
    available = deployment.count("availableReplicas")
    if available < updated:
        return RolloutState(False, f"{available} of {updated} new pods available")
    return RolloutState(True, f"complete: {available} of {wanted} pods available")


def faults(cluster: Cluster, deployment: Deployment) -> list[str]:
    """Containers of the *current* pods that will not come up by waiting.

    Pods of an older template are left out: they are what the rollout replaces. A template that
    was never restarted by this platform cannot be told apart that way, then all pods count.
    """
    marks_of_template = {
        key: value
        for key, value in deployment.template_annotations.items()
        if key in marks.OF_A_RESTART
    }
    found = []
    for pod in cluster.pods(deployment.namespace, deployment.selector):
        is_current = marks_of_template.items() <= pod.annotations.items()
        if is_current and not pod.terminating and (fault := pod.fault()):
            found.append(fault)
    return sorted(found)


def watched(
    services: Services,
    target: Target,
    done: str,
    changes: Sequence[Change],
    *,
    undo: Undo | None = None,
    at_least: int = 0,
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
    details
        Facts of the action to report with the Deployment's own.

    Returns
    -------
    Outcome
        ``succeeded``, or ``in_progress``: ask again.

    Raises
    ------
    RolloutFailed
        If the new pods do not come up.
    """
    while True:
        deployment = read_deployment(services.cluster, target)
        state = assess(deployment)
        if deployment.replicas < at_least:
            state = RolloutState(False, f"{deployment.replicas} of {at_least} replicas asked for")
        if state.complete:
            break
        if found := faults(services.cluster, deployment):
            raise RolloutFailed(
                f"new pods of {target} do not come up: {'; '.join(found[:_FAULTS_REPORTED])}. "
                f"See 'kubectl -n {target.namespace} describe pods' for the cause."
            )
        if services.clock.remaining() < POLL_SECONDS:
            break
        services.clock.sleep(POLL_SECONDS)
    end = (
        f"every pod of {target} runs with it"
        if state.complete
        else f"the pods of {target} are still rolling: {state.progress}"
    )
    return Outcome(
        "succeeded" if state.complete else "in_progress",
        f"{done}; {end}.",
        changed=bool(changes),
        details={**(details or {}), **state.details(deployment)},
        plan=changes,
        undo=undo,
    )


def verdict(
    services: Services, target: Target, reasons: Sequence[str], details: Mapping[str, Any]
) -> Outcome:
    """Judge a Deployment now: rollout complete, replicas ready, no container stuck.

    Parameters
    ----------
    services, target
        What to look at.
    reasons
        Why the action itself finds it unhealthy; none if it does not.
    details
        Facts of the action to report with the Deployment's own.

    Returns
    -------
    Outcome
        ``succeeded`` or ``unhealthy``, with every reason.
    """
    deployment = read_deployment(services.cluster, target)
    found = list(reasons)
    try:
        state = assess(deployment)
        if not state.complete:
            found.append(f"rollout is not complete: {state.progress}")
    except RolloutFailed as error:
        found.append(str(error))
    ready = deployment.count("readyReplicas")
    if deployment.replicas == 0:
        found.append("scaled to 0 replicas: nothing serves")
    elif ready < deployment.replicas:
        found.append(f"{ready} of {deployment.replicas} replicas are ready")
    found.extend(faults(services.cluster, deployment)[:_FAULTS_REPORTED])
    healthy = not found
    summary = (
        f"{target} is healthy: {ready} of {deployment.replicas} replicas are ready."
        if healthy
        else f"{target} is not healthy: {'; '.join(found)}."
    )
    return Outcome(
        "succeeded" if healthy else "unhealthy",
        summary,
        details={
            **details,
            "reasons": found,
            "replicas": deployment.replicas,
            "ready_replicas": ready,
        },
        healthy=healthy,
    )


def restart_change(
    services: Services, deployment: Deployment, request: Request, *, undoing: bool = False
) -> Change:
    """The restart as a line of a plan: to come, or as it was already asked for."""
    found = deployment.template_annotations.get(marks.RESTARTED_AT)
    done = is_restarted(deployment, request, undoing=undoing)
    return Change(
        "Deployment",
        f"{deployment.namespace}/{deployment.name}",
        f"spec.template.metadata.annotations[{marks.RESTARTED_AT}]",
        None if done else found,
        found if done else services.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


def restart_patch(
    deployment: Deployment, change: Change, request: Request, *, undoing: bool = False
) -> dict[str, Any]:
    """Patch of the pod template that makes Kubernetes replace every pod.

    The marks in it are what makes a second call for the same step and direction recognise that
    the restart was already asked for. Those of the incident's other steps stay.
    """
    restarted, undone = _steps_on(deployment, request)
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


def is_restarted(deployment: Deployment, request: Request, *, undoing: bool = False) -> bool:
    """Whether the restart of this step and direction was already asked for."""
    restarted, undone = _steps_on(deployment, request)
    return request.token in (undone if undoing else restarted)


def is_latest(deployment: Deployment, request: Request) -> bool:
    """Whether no later step of the incident replaced the pods since this one did."""
    restarted, _ = _steps_on(deployment, request)
    return restarted[-1:] == [request.token]


def _steps_on(deployment: Deployment, request: Request) -> tuple[list[str], list[str]]:
    """Tokens of the incident's steps that replaced the pods, and of those taken back."""
    found = deployment.template_annotations
    return (
        marks.tokens(found, marks.RESTARTED_FOR, request.incident_id),
        marks.tokens(found, marks.UNDONE_FOR, request.incident_id),
    )
