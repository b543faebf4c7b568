"""What is known of a target at the moment of a plan, for the conditions of a step.

A fact that cannot be found out is left out, and then no condition on it holds: what nobody has said
yet (a status that is missing or of an earlier spec, a node that is not heard) is neither 0 nor
false. Only what may be different a moment later (the cluster does not answer) is an error, to be
asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from runbook_action.actions.base import Action, looks_at_target
from runbook_action.errors import FinalError
from runbook_action.evidence.rollout import last_rollout
from runbook_action.evidence.staged import staged_version
from runbook_action.gitops import decided_in_git, said_in
from runbook_action.history import revisions_of
from runbook_action.objects import Autoscaler, Json, KubernetesObject, Node, Pod, Workload
from runbook_action.outcome import Outcome
from runbook_action.ports import Services
from runbook_action.prometheus.numbers import numbers_of
from runbook_action.request import Request
from runbook_action.rights import WORKLOADS
from runbook_action.when import why_not

Facts = dict[str, Any]


def plan_if_it_applies(
    action: Action,
    request: Request,
    services: Services,
    changed: Sequence[KubernetesObject] = (),
) -> Outcome:
    """Plan a step whose conditions hold; say of another why it is not for this moment.

    Parameters
    ----------
    request
        Its ``when`` are the conditions.
    changed
        The target and what the action changes besides, as they were read: the plan says what of
        them Git decides.

    Returns
    -------
    Outcome
        The action's own with the facts; ``unchanged`` with ``why_not`` where a condition does not
        hold. An action may know facts of its own, in ``facts`` of its outcome: conditions on them
        are judged, too.
    """
    facts = facts_of(request, services) if looks_at_target(action) else {}
    own = [each for each in request.when if not each.fact.startswith("check")]
    if reason := why_not(own, facts):
        return _not_now(action, reason, facts)
    outcome = action.plan(request, services)
    outcome = said_in(outcome, list(decided_in_git(outcome.plan, changed)))
    facts = {**facts, **outcome.facts}
    if reason := why_not(request.when, facts):
        return _not_now(action, reason, facts)
    return replace(outcome, facts=facts)


def facts_of(request: Request, services: Services) -> Facts:
    """Find out what is known of the target of a request, by the names that ``when`` uses."""
    target, cluster = request.target, services.cluster
    facts: Facts = {}
    if target.kind in WORKLOADS:

        def read() -> Facts:
            workload = cluster.workload(target.kind, target.namespace or "", target.name)
            found: Facts = {}
            for more in (_replicas, _rollout, _containers, _autoscaling):
                _learn(found, lambda more=more: more(workload, services))  # type: ignore[misc]
            return found

        _learn(facts, read)
    elif target.kind == "pod":
        _learn(
            facts,
            lambda: _of_pods([cluster.read("pod", target.namespace or "", target.name)]),
        )
    elif target.kind == "horizontalpodautoscaler":
        _learn(
            facts,
            lambda: _at_maximum(
                cast(Autoscaler, cluster.read(target.kind, target.namespace or "", target.name))
            ),
        )
    elif target.kind == "node":
        _learn(facts, lambda: _readiness(cluster.node(target.name)))
    return {**facts, **numbers_of(request, services)}


def _not_now(action: Action, reason: str, facts: Mapping[str, Any]) -> Outcome:
    return Outcome(
        "unchanged",
        f"{action.name} is not for this moment: {reason}.",
        facts=facts,
        why_not=reason,
    )


def _learn(facts: Facts, find_out: Callable[[], Facts]) -> None:
    try:
        facts.update(find_out())
    except FinalError:
        return  # not there, or not allowed to look: unknown


def _readiness(node: Node) -> Facts:
    said = node.condition("Ready").get("status")
    return {"node_ready": said == "True"} if said in ("True", "False") else {}


def _replicas(workload: Workload, _: Services) -> Facts:
    if workload.observed:
        return {"replicas": workload.replicas, "ready_replicas": workload.count("ready")}
    # A DaemonSet's are counted by its controller, the others' are asked for in the spec.
    return {} if workload.kind == "daemonset" else {"replicas": workload.replicas}


def _rollout(workload: Workload, services: Services) -> Facts:
    if not workload.observed:
        return {}  # its newest revision may be one before the current template
    history = revisions_of(services.cluster, workload)
    rollout = last_rollout(workload, history)
    if rollout is None or rollout.at is None:
        return {}
    if workload.held_back and staged_version(workload, history, _pods(workload, services)):
        return {}  # pods run another version, or this one since nobody knows when
    return {"last_rollout_age_seconds": int((services.clock.now() - rollout.at).total_seconds())}


def _containers(workload: Workload, services: Services) -> Facts:
    return _of_pods(_pods(workload, services))


def _pods(workload: Workload, services: Services) -> list[Pod]:
    found = services.cluster.pods(workload.namespace, workload.selector)
    return [each for each in found if not each.terminating]


def _autoscaling(workload: Workload, services: Services) -> Facts:
    for each in services.cluster.autoscalers(workload.namespace):
        if each.scales(workload.kind_name, workload.name):
            return _at_maximum(each)
    # None is at its maximum where there is none.
    return {"autoscaler_at_maximum": False}


def _at_maximum(autoscaler: Autoscaler) -> Facts:
    wanted = autoscaler.status.get("desiredReplicas")
    # Controllers of some versions do not say which spec they saw.
    seen = autoscaler.status.get("observedGeneration", autoscaler.generation)
    if not isinstance(wanted, int) or seen < autoscaler.generation:
        return {}  # its controller has not looked yet
    return {"autoscaler_at_maximum": wanted >= autoscaler.max_replicas}


def _of_pods(pods: Any) -> Facts:
    statuses = [each for pod in pods for each in _statuses(cast(Pod, pod))]
    if pods and not statuses:
        return {}  # no kubelet has told of them yet
    reasons = {
        str(ended["reason"])
        for status in statuses
        for state in ("state", "lastState")
        if (ended := (status.get(state) or {}).get("terminated") or {}).get("reason")
    }
    return {
        "last_end_reasons": sorted(reasons),
        "restarts": max((int(each.get("restartCount") or 0) for each in statuses), default=0),
    }


def _statuses(pod: Pod) -> list[Json]:
    # Without those that prepare a pod: their end is what they are for.
    return list(pod.status.get("containerStatuses") or [])
