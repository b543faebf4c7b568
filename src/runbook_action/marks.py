"""Annotations by which a target remembers what was done to it, and for whom.

They make "twice is once" hold without a database: an action that finds its own mark continues
where an earlier call stopped. They stand in the open, for ``kubectl describe``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from runbook_action.objects import KubernetesObject

INCIDENT_ID = "sre-platform/incident-id"
ACTION = "sre-platform/action"
PREVIOUS = "sre-platform/previous"

# On the pod template. The first is kubectl's own, so that tools show the restart.
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
RESTARTED_FOR = "sre-platform/restarted-for"
RESTARTED_BY = "sre-platform/restarted-by"
UNDONE_FOR = "sre-platform/undone-for"
OF_A_RESTART = frozenset({RESTARTED_AT, RESTARTED_FOR, RESTARTED_BY, UNDONE_FOR})


def mark(incident_id: str, action: str, previous: Mapping[str, Any]) -> dict[str, str]:
    """Annotations that say who acts, how, and what undo needs."""
    return {
        INCIDENT_ID: incident_id,
        ACTION: action,
        PREVIOUS: json.dumps(previous, sort_keys=True, separators=(",", ":")),
    }


def of(target: KubernetesObject) -> dict[str, str]:
    """The marks a target carries, whoever left them."""
    return {key: target.annotations.get(key, "") for key in (INCIDENT_ID, ACTION, PREVIOUS)}


def recorded(target: KubernetesObject, incident_id: str, action: str) -> dict[str, Any] | None:
    """What this incident's action wrote down on the target, or None if it did not act here.

    A mark that cannot be read counts as none: annotations can be edited by anyone who may edit
    the target.
    """
    annotations = target.annotations
    if annotations.get(INCIDENT_ID) != incident_id or annotations.get(ACTION) != action:
        return None
    try:
        previous = json.loads(annotations.get(PREVIOUS, ""))
    except ValueError:
        return None
    return previous if isinstance(previous, dict) else None
