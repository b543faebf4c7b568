"""The operation itself: every step of a runbook, with its object, its parameters and the locks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runbook_action.actions.base import Action, ChangesMore, looks_at_target
from runbook_action.errors import InvalidRequest, ParameterRefused
from runbook_action.fields import parse_fields
from runbook_action.history import digest_of
from runbook_action.objects import KubernetesObject, Workload
from runbook_action.ports import Services
from runbook_action.request import Target, parse_target, refuse_namespace
from runbook_action.resolve.consent import refuse_without_consent
from runbook_action.resolve.contradiction import refuse_other_labels, refuse_other_object
from runbook_action.resolve.finding import Found, Place, find
from runbook_action.resolve.policy import Policy
from runbook_action.resolve.request import ResolveRequest
from runbook_action.rights import WORKLOADS
from runbook_action.steps import no_value, value_of

Registry = Mapping[str, Action]


@dataclass(frozen=True)
class _Found:
    """What a step is about: its keys to lock, and of a workload the pods' template as it is."""

    target: Target
    locks: Sequence[str]
    template: str = ""


@dataclass
class _Work:
    """One call: what was found is looked for once, however many steps are about it."""

    asked: ResolveRequest
    policy: Policy
    services: Services
    cluster: str
    found: dict[str, _Found] = field(default_factory=dict)
    seen: dict[Target, KubernetesObject] = field(default_factory=dict)
    namespaces: dict[str, KubernetesObject] = field(default_factory=dict)


def resolve(
    asked: ResolveRequest,
    registry: Registry,
    policy: Policy,
    connect: Callable[[str], Services],
    seen: dict[Target, KubernetesObject] | None = None,
) -> dict[str, Any]:
    """Work out what the steps of a runbook would be done to, for one alert. Changes nothing.

    Parameters
    ----------
    registry
        The actions there are.
    connect
        Gives the services of a cluster by its label; raises ActionRefused for one that is not on
        the allow-list.
    seen
        Takes the targets as they were read, so that nobody reads them again.

    Returns
    -------
    dict
        The function's output: ``target``, ``locks``, ``strategy`` and ``steps`` beside the usual.
        ``changes`` of a step says whether it does more than to look; ``lends``, whether it changes
        something for a time, which is brought back; ``locks``, those of its own target and of what
        that belongs to; ``template``, on a workload, is the fingerprint
        of the pod template that was found.

    Raises
    ------
    ActionRefused
        Out of bounds, refused by an annotation, the alert and the runbook name two objects, or the
        alert two clusters.
    ParameterRefused
        A label that a parameter is taken from is missing or out of bounds.
    TargetNotFound, TargetAmbiguous
        The alert leads to no object, or to several or one of unknown kind.
    InvalidRequest
        The runbook is not one that may be published.
    """
    parameters = [_parameters(asked, registry, step) for step in asked.steps]
    for step in asked.steps:
        if looks_at_target(registry[step["action"]]):
            refuse_other_labels(asked.runbook, step["target"], asked.alert.labels)
    if any(looks_at_target(registry[step["action"]]) for step in asked.steps):  # not the canary's
        cluster = policy.cluster_of(asked.alert.cluster, asked.alert.labels)
    else:
        cluster = policy.canonical(asked.alert.cluster)
    work = _Work(asked, policy, connect(cluster), cluster, seen={} if seen is None else seen)
    locks: set[str] = set()
    steps = []
    for step, values in zip(asked.steps, parameters, strict=True):
        action = registry[step["action"]]
        found = _target(work, action, step)
        locks.update(found.locks)
        if isinstance(action, ChangesMore):
            locks.update(f"thing#{thing}" for thing in action.things(work.services))
        told = {
            "target": found.target.to_json(),
            "parameters": values,
            "changes": action.changes,
            "lends": action.lends,
            "locks": list(found.locks),
        }
        template = {"template": found.template} if found.template else {}
        steps.append({**step, **told, **template})
    several = f"{len(steps)} steps" if len(steps) > 1 else "1 step"
    return {
        "status": "resolved",
        "action": steps[0]["action"],
        "operation": "resolve",
        "target": steps[0]["target"],
        "incident_id": asked.incident_id,
        "changed": False,
        "summary": f"runbook {asked.runbook} is about "
        f"{' and '.join(dict.fromkeys(str(Target(**each['target'])) for each in steps))}: "
        f"{several}.",
        "locks": sorted(locks),
        "strategy": asked.strategy,
        "steps": steps,
    }


def _parameters(
    asked: ResolveRequest, registry: Registry, step: Mapping[str, Any]
) -> dict[str, Any]:
    where = f"step {step['name']} of runbook {asked.runbook}"
    action = registry.get(step["action"])
    if action is None:
        raise InvalidRequest(f"{where} has an action that this function does not know")
    if not isinstance(step["target"], Mapping):
        raise InvalidRequest(f"{where} has no target")
    try:
        values = {
            name: value_of(given, asked.alert.labels) for name, given in step["parameters"].items()
        }
        refused = [
            no_value(name, given, asked.alert.labels)
            for name, given in step["parameters"].items()
            if values[name] is None
        ]
    except (KeyError, TypeError) as error:
        raise InvalidRequest(f"{where} takes a parameter from a label without bounds") from error
    if refused:
        raise ParameterRefused(f"{'; '.join(refused)}.")
    return parse_fields(action.fields, values, f"parameters of {where}")


def _target(work: _Work, action: Action, step: Mapping[str, Any]) -> _Found:
    if not looks_at_target(action):
        target = parse_target({**step["target"], "cluster": work.cluster})
        refuse_namespace(target.namespace, work.policy.allowed_namespaces)
        return _Found(target, [lock_of(target)])
    key = repr(step["target"])
    if key not in work.found:
        work.found[key] = _look(work, step["target"])
    found = work.found[key]
    if found.target.kind not in action.target_kinds:
        wanted = " or ".join(sorted(action.target_kinds))
        raise InvalidRequest(
            f"step {step['name']} of runbook {work.asked.runbook}: {action.name} acts on a "
            f"{wanted}, and the target is {found.target}"
        )
    return found


def _look(work: _Work, written: Mapping[str, Any]) -> _Found:
    asked, cluster = work.asked, work.services.cluster
    named = "from_alert" not in written
    place = Place(cluster, asked.alert.labels, work.policy.allowed_namespaces, asked.runbook)
    found = find(place, written)
    refuse_other_object(asked.runbook, found, cluster, asked.alert.labels, named=named)
    refuse_without_consent(_with_a_say(work, found), only_annotated=work.policy.only_annotated)
    targets = [_as_target(work, each) for each in (found.target, *found.belongs_to)]
    work.seen[targets[0]] = found.target
    rolls = found.target.kind in WORKLOADS
    template = digest_of(Workload(found.target.raw).template) if rolls else ""
    return _Found(targets[0], [lock_of(each) for each in targets], template)


def _with_a_say(work: _Work, found: Found) -> Sequence[KubernetesObject]:
    namespace = found.target.namespace
    if namespace and namespace not in work.namespaces:
        work.namespaces[namespace] = work.services.cluster.read("namespace", "", namespace)
    own = [work.namespaces[namespace]] if namespace else []
    return [found.target, *found.kin, *own]


def _as_target(work: _Work, found: KubernetesObject) -> Target:
    return parse_target(
        {
            "cluster": work.cluster,
            "namespace": found.namespace or None,
            "kind": found.kind,
            "name": found.name,
            "uid": found.uid or None,
        }
    )


def lock_of(target: Target) -> str:
    """Name the lock of a target, whose cluster has its canonical label."""
    return f"target#{target.cluster}#{target.namespace or ''}#{target.kind}#{target.name}"
