"""Let an alert travel as far as it would, at its worst: nothing helps.

Selection follows the states of incident-response-runbook; targets, conditions, plans, actions and
undo are the functions' own code. A ladder goes on past a rung that is refused or does not come up,
a sequence ends there, as in that machine. Then what was done is undone, newest first.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from runbook_action import marks
from runbook_action.actions import REGISTRY
from runbook_action.actions.base import Action
from runbook_action.decided import plan_hash
from runbook_action.errors import (
    ActionRefused,
    FinalError,
    RefusedHalfway,
    RolloutFailed,
    RunbookActionError,
)
from runbook_action.operate import operate
from runbook_action.outcome import Change, Outcome
from runbook_action.request import Operation, Request, parse_request
from runbook_action.resolve import Policy, resolve
from runbook_action.resolve.request import parse_resolve
from srectl.operate.plans import not_chosen, wanted_by
from srectl.operate.samples import alerts_in
from srectl.rehearsal.cases import Case
from srectl.rehearsal.manifests import ManifestRefused, objects_of
from srectl.rehearsal.world import World

__all__ = ["rehearse"]

_INCIDENT = "00000000-0000-5000-8000-000000000000"
_OURS = "sre-platform/"


def rehearse(case: Case, catalogue: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Find out what would become of the alert of a test.

    Parameters
    ----------
    case
        The test.
    catalogue
        What an alert may want → definition.

    Returns
    -------
    dict
        By the keys of ``expect`` in ``runbook-test.schema.json``.

    Raises
    ------
    ManifestRefused
        An object of the test cannot be one of a cluster.
    CommandFailed
        The alert is nothing that alert-ingest would take.
    """
    alerts = alerts_in(case.alert[0], case.now)
    if case.alert[1] > len(alerts):
        raise ManifestRefused(f"the body has {len(alerts)} alerts, not {case.alert[1]}")
    alert = {**alerts[case.alert[1] - 1], "incident_id": _INCIDENT}
    name = wanted_by(alert)
    definition = catalogue.get(name)
    if definition is not None:
        name = str(definition.get("name", name))
        if name in case.enable:
            definition = {**definition, "enabled": True}
    result: dict[str, Any] = {"runbook": name, "escalates": None, "steps": [], "undo": []}
    reasons = list(not_chosen(alert, definition, case.stack.severities))
    if reasons or definition is None:
        return {**result, "escalates": "; ".join(reasons), "as_before": True}
    world = World(objects_of(case.files, case.objects), case)
    before = _state(world)
    try:
        found = _resolved(world, definition, alert)
    except RunbookActionError as error:
        return {**result, "escalates": _told(error), "as_before": True}
    result["target"] = _place(found["target"])
    result["locks"] = found["locks"]
    result["strategy"] = found["strategy"]
    done = _all_steps(world, found, result)
    if not done:
        said = [step["refused"] for step in result["steps"] if "refused" in step]
        result["escalates"] = said[-1] if said else f"no step of runbook {name} applied"
    for step, undo in reversed(done):
        if step["on_failure"] == "undo":
            result["undo"].append(step["name"])
            try:
                _asked(world, "undo", step, undo)
            except RunbookActionError as error:
                result["steps"][step["index"] - 1]["undo_failed"] = _told(error)
    result["as_before"] = _state(world) == before
    return result


def _resolved(
    world: World, definition: Mapping[str, Any], alert: Mapping[str, Any]
) -> dict[str, Any]:
    stack = world.case.stack
    labels = {stack.cluster, *stack.clusters}
    policy = Policy(
        clusters={label: label for label in labels},
        default_cluster=stack.cluster,
        allowed_namespaces=frozenset(stack.namespaces),
        only_annotated=stack.only_annotated,
    )

    def connect(label: str) -> Any:
        if label not in labels:
            raise ActionRefused(f"cluster {label} is not one this platform may act on")
        return world.services

    event = {"operation": "resolve", "runbook": definition, "alert": alert}
    asked = parse_resolve({**event, "incident_id": _INCIDENT})
    return resolve(asked, REGISTRY, policy, connect)


def _all_steps(
    world: World, found: Mapping[str, Any], result: dict[str, Any]
) -> list[tuple[Mapping[str, Any], Any]]:
    """Do every step that would be done; gives those that were, with what their undo needs."""
    done: list[tuple[Mapping[str, Any], Any]] = []
    over = False
    for step in found["steps"]:
        told: dict[str, Any] = {
            "name": step["name"],
            "action": step["action"],
            "target": _place(step["target"]),
            "asks": step["approval"]["required"],
            "result": "not-reached",
        }
        result["steps"].append(told)
        if over:
            continue
        try:
            planned = _asked(world, "plan", step)
            told |= _plan(planned)
            if not told["applies"]:
                told["result"] = "not-applicable"
                continue
            outcome = _asked(world, "execute", step, planned=plan_hash(planned))
            # An undo that the function cannot state stands in the mark on the target.
            undo = outcome.undo and {
                "action": outcome.undo.action,
                "parameters": dict(outcome.undo.parameters),
            }
            told["result"] = "done" if outcome.changed else "unchanged"
            if outcome.changed:
                done.append((step, undo))
        except RunbookActionError as error:
            told["refused"] = _told(error)
            told["result"] = "refused" if isinstance(error, ActionRefused) else "failed"
            if isinstance(error, RolloutFailed | RefusedHalfway):
                done.append((step, None))
            goes_on = isinstance(error, ActionRefused | RolloutFailed)
            over = found["strategy"] == "sequence" or not goes_on
    return done


def _asked(
    world: World,
    operation: Operation,
    step: Mapping[str, Any],
    undo: Any = None,
    planned: str = "",
) -> Outcome:
    event = {
        "operation": operation,
        "action": step["action"],
        "target": step["target"],
        "parameters": step["parameters"],
        "incident_id": _INCIDENT,
        "step": step["index"],
        "undo": undo,
        "plan_hash": planned,
        "template": step.get("template"),
    }
    if operation in ("plan", "execute"):
        event["when"] = step["when"]
    request = parse_request(event, REGISTRY, frozenset(world.case.stack.namespaces))
    world.clock.next_call()
    action = REGISTRY[request.action]
    if operation == "plan":
        return operate(action, request, world.services)
    return _to_its_end(action, request, world)


def _to_its_end(action: Action, request: Request, world: World) -> Outcome:
    """Ask again while a step says that it goes on; what changed by any call was changed."""
    changed, undo = False, None
    for _ in range(world.calls):
        outcome = operate(action, request, world.services)
        changed, undo = changed or outcome.changed, undo or outcome.undo
        if outcome.status != "in_progress":
            return Outcome(outcome.status, outcome.summary, changed=changed, undo=undo)
        world.clock.next_call()
    raise RolloutFailed(f"not complete after {world.calls} minutes: {outcome.summary}")


def _plan(planned: Outcome) -> dict[str, Any]:
    return {
        "summary": planned.summary,
        "facts": dict(planned.facts),
        "applies": not planned.why_not,
        "why_not": planned.why_not,
        "plan": [_line(change) for change in planned.plan],
    }


def _line(change: Change) -> str:
    return (
        f"{change.kind} {change.name}: {change.field} {_value(change.before)} -> "
        f"{_value(change.after)}"
    )


def _value(value: object) -> str:
    if value is None:
        return "nothing"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _told(error: RunbookActionError) -> str:
    kind = type(error).__name__
    return f"{kind}: {error}" if isinstance(error, FinalError) else f"{kind} (tried again): {error}"


def _place(target: Mapping[str, Any]) -> str:
    inside = f"{target['namespace']}/" if target["namespace"] else ""
    return f"{target['kind']} {inside}{target['name']}"


def _state(world: World) -> dict[str, Any]:
    """What a remediation changes of the world, without the marks that it leaves."""
    specs = {
        key: _unmarked(raw.get("spec"))
        for key, raw in world.cluster.objects.items()
        # Earlier templates and pods follow from their workload, and events only tell.
        if key[0] not in ("replicaset", "controllerrevision", "pod", "event")
    }
    pods = {key for key in world.cluster.objects if key[0] == "pod"}
    return {"specs": specs, "pods": pods, "parameters": dict(world.parameters.values)}


def _unmarked(spec: Any) -> Any:
    spec = copy.deepcopy(spec)
    metadata = ((spec or {}).get("template") or {}).get("metadata") or {}
    annotations = metadata.get("annotations") or {}
    kept = {
        key: value
        for key, value in annotations.items()
        if key not in marks.OF_A_RESTART and not key.startswith(_OURS)
    }
    if "annotations" in metadata:
        metadata["annotations"] = kept
        if not kept:
            del metadata["annotations"]
    return spec
