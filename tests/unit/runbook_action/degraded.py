"""Degraded mode as its tests have it: switched on, and read by the pods or not."""

from __future__ import annotations

from datetime import UTC, datetime

from runbook_action.actions import REGISTRY
from tests.unit.runbook_action.fakes import World, request

ENABLE = REGISTRY["enable_degraded_mode"]
DISABLE = REGISTRY["disable_degraded_mode"]
WRITTEN = datetime(2026, 11, 23, 15, 0, 5, 500_000, tzinfo=UTC)
LATER = "2026-11-23T15:00:06Z"


def executed(world: World) -> World:
    """The first incident has switched it on."""
    ENABLE.execute(request(ENABLE.name), world.services)
    return world


def all_started(world: World, at: str, *more: dict[str, object]) -> World:
    """Its switch is on, and each container of its pods runs since then, or is as it says."""
    state: dict[str, object] = {"running": {"startedAt": at}}
    fresh = {"name": "checkout", "restartCount": 0, "state": state}
    world.cluster.pod_faults = fresh
    world.cluster.settle()
    for each in more:
        world.cluster.pod_list[0]["status"]["containerStatuses"].append({"name": "b", **each})
    world.parameters.at = WRITTEN
    return world
