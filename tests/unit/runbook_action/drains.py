"""A drain of a node in memory: its pods, and the requests for it."""

from __future__ import annotations

from typing import Any

from runbook_action.actions import REGISTRY
from tests.unit.runbook_action.fakes import INCIDENT, World, request

DRAIN = REGISTRY["drain_node"]


def pod(name: str, kind: str | None = "ReplicaSet", **more: Any) -> dict[str, Any]:
    owners = [{"kind": kind, "controller": True}] if kind else []
    return {
        "metadata": {
            "name": name,
            "namespace": "apps",
            "uid": name,
            "ownerReferences": owners,
            "annotations": more.get("annotations", {}),
        },
        "spec": {"volumes": more.get("volumes", [])},
        "status": {"phase": more.get("phase", "Running")},
    }


def drain(world: World, **parameters: Any) -> Any:
    return DRAIN.execute(node_request("execute", **parameters), world.services)


def node_request(
    operation: Any, undo: Any = None, incident_id: str = INCIDENT, **parameters: Any
) -> Any:
    return request(
        DRAIN.name,
        operation,
        kind="node",
        name="node-1",
        parameters=parameters,
        undo=undo,
        incident_id=incident_id,
    )
