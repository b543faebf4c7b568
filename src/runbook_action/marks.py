"""Annotations by which a target remembers what was done to it, and for whom.

They make "twice is once" hold without a database: an action that finds its own mark continues
where an earlier call stopped. They stand in the open, for ``kubectl describe``.

One incident may act several times on one object, a step of its runbook each. What undo needs is
kept for each step, and what replaced the pods names every step that did: so a later step takes
nothing from an earlier one, neither the memory of what it did nor the way back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from runbook_action.errors import ActionRefused
from runbook_action.objects import KubernetesObject
from runbook_action.request import Request

INCIDENT_ID = "sre-platform/incident-id"
ACTION = "sre-platform/action"
# {"<step>": {"action": …, "before": {…}}} of the incident
PREVIOUS = "sre-platform/previous"

# On the pod template. The first is kubectl's own, so that tools show the restart. The values of
# the second and the last are tokens, see ``Request.token``, with spaces between them.
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
RESTARTED_FOR = "sre-platform/restarted-for"
RESTARTED_BY = "sre-platform/restarted-by"
UNDONE_FOR = "sre-platform/undone-for"
#: What begins so and is no mark of a restart, as who refuses remediation, is the owner's.
OURS = "sre-platform/"
OF_A_RESTART = frozenset({RESTARTED_AT, RESTARTED_FOR, RESTARTED_BY, UNDONE_FOR})

_STEP = re.compile(r"[1-9][0-9]{0,2}")
_TOO_MUCH = 2**63


def mark(target: KubernetesObject, request: Request, before: Mapping[str, Any]) -> dict[str, str]:
    """Give the annotations that say who acts, how, and what undo needs.

    Parameters
    ----------
    target
        The object as it was read. What earlier steps of this incident wrote on it is kept; what
        another incident wrote is not.
    request
        The step that acts.
    before
        What its undo needs; JSON-able.
    """
    entries = _entries(target, request.incident_id)
    entries[str(request.step)] = {"action": request.action, "before": before}
    return _written(request.incident_id, request.action, entries)


def unmark(target: KubernetesObject, request: Request) -> dict[str, str | None]:
    """Give the annotations, null for those that go, once a step has left no trace."""
    entries = _entries(target, request.incident_id)
    entries.pop(str(request.step), None)
    if not entries:
        return dict.fromkeys((INCIDENT_ID, ACTION, PREVIOUS))
    latest = max(entries, key=int)
    return {**_written(request.incident_id, entries[latest]["action"], entries)}


def of(target: KubernetesObject) -> dict[str, str]:
    """The marks a target carries, whoever left them."""
    return {key: target.annotations.get(key, "") for key in (INCIDENT_ID, ACTION, PREVIOUS)}


def recorded(target: KubernetesObject, request: Request) -> dict[str, Any] | None:
    """What this step wrote down on the target, or None if it did not act here.

    A mark that cannot be read counts as none: annotations can be edited by anyone who may edit
    the target.
    """
    entry = _entries(target, request.incident_id).get(str(request.step))
    return dict(entry["before"]) if entry and entry["action"] == request.action else None


def noted(target: KubernetesObject, incident_id: str, name: str) -> set[Any]:
    """What any step of an incident wrote down on the target by a name."""
    entries = _entries(target, incident_id).values()
    return {each["before"][name] for each in entries if name in each["before"]}


def numbers(target: KubernetesObject, request: Request, *names: str) -> tuple[int, ...] | None:
    """Whole numbers that this step wrote down on the target, or None if it did not act here.

    Raises
    ------
    ActionRefused
        If its mark is there without them: what it decided is not known, so it is neither done
        again nor said to be done.
    """
    found = recorded(target, request)
    if found is None:
        return None
    values = [found.get(name) for name in names]
    if not all(type(value) is int and 0 <= value < _TOO_MUCH for value in values):
        raise ActionRefused(
            f"{request.target} was acted on for this incident, but its annotation {PREVIOUS} does "
            f"not say {', '.join(names)} any more: somebody has changed it. Look at what was done "
            f"in the record of the incident, and end it by hand."
        )
    return tuple(int(value) for value in values if value is not None)


def tokens(annotations: Mapping[str, str], key: str, incident_id: str) -> list[str]:
    """The steps of an incident that an annotation of a pod template names, in their order.

    A token without a step, as versions before steps wrote it, is that of the first one.
    """
    found = annotations.get(key, "").split()
    known = [f"{incident_id}/1" if each == incident_id else each for each in found]
    return [each for each in known if each.startswith(f"{incident_id}/")]


def _written(incident_id: str, action: str, entries: Mapping[str, Any]) -> dict[str, str]:
    return {
        INCIDENT_ID: incident_id,
        ACTION: action,
        PREVIOUS: json.dumps(entries, sort_keys=True, separators=(",", ":")),
    }


def _entries(target: KubernetesObject, incident_id: str) -> dict[str, dict[str, Any]]:
    annotations = target.annotations
    if annotations.get(INCIDENT_ID) != incident_id:
        return {}
    try:
        previous = json.loads(annotations.get(PREVIOUS, ""))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(previous, dict):
        return {}
    if _is_flat(previous) and not any(_STEP.fullmatch(key) for key in previous):
        # As versions before steps wrote it; an incident may be older than its function.
        return {"1": {"action": annotations.get(ACTION, ""), "before": previous}}
    return {
        step: {"action": entry["action"], "before": entry["before"]}
        for step, entry in previous.items()
        if _STEP.fullmatch(step)
        and isinstance(entry, dict)
        and isinstance(entry.get("action"), str)
        and _is_flat(entry.get("before"))
    }


def _is_flat(value: object) -> bool:
    """Whether it is an object of plain values: no action writes anything deeper."""
    return isinstance(value, dict) and not any(
        isinstance(each, dict | list) for each in value.values()
    )
