"""A request for each action, about what stands in ``resolve.scene``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runbook_action.actions import REGISTRY
from runbook_action.request import Operation, Request, TargetKind
from tests.unit.runbook_action.fakes import request

TARGETS: dict[TargetKind, tuple[str, str]] = {
    "deployment": ("checkout", "u1"),
    "horizontalpodautoscaler": ("checkout", "uid-checkout"),
    "job": ("export-1", "uid-export-1"),
    "node": ("node-1", "n1"),
    "persistentvolumeclaim": ("data-db-0", "uid-data-db-0"),
    "pod": ("checkout-1-a", "uid-checkout-1-a"),
}
PARAMETERS: dict[str, dict[str, Any]] = {
    "scale_deployment": {"step": 1, "max_replicas": 9},
    "scale_workload": {"step": 1, "max_replicas": 9},
    "raise_autoscaler_maximum": {"step": 1, "max_replicas": 20},
    "expand_volume": {"step_gib": 1, "max_gib": 9},
}


def about(action: str, operation: Operation, uid: str | None) -> Request:
    kinds = REGISTRY[action].target_kinds
    kind = next(each for each in TARGETS if each in kinds)
    name, _ = TARGETS[kind]
    asked = request(action, operation, kind=kind, name=name, parameters=PARAMETERS.get(action))
    return replace(asked, target=replace(asked.target, uid=uid))
