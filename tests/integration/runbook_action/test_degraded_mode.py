"""enable_degraded_mode on a real API server."""

from __future__ import annotations

import json

import pytest

from runbook_action.actions import REGISTRY
from runbook_action.errors import AccessDenied, ClusterConflict, RolloutFailed
from tests.integration.runbook_action.support import (
    INCIDENT,
    PARAMETER,
    Place,
    crashing,
    never_ready,
    running,
)

pytestmark = pytest.mark.kubernetes
ENABLE = REGISTRY["enable_degraded_mode"]


def test_execute_replaces_every_pod_and_verify_finds_them_healthy(place: Place) -> None:
    before = place.pod_uids()
    outcome = ENABLE.execute(place.request(ENABLE.name), place.services())
    assert outcome.status == "succeeded"
    assert not before & place.pod_uids()
    assert place.parameters.values[PARAMETER] == "true"
    annotations = place.deployment().metadata.annotations
    assert annotations["sre-platform/incident-id"] == INCIDENT
    assert annotations["sre-platform/action"] == "enable_degraded_mode"
    assert json.loads(annotations["sre-platform/previous"]) == {
        "1": {"action": "enable_degraded_mode", "before": {"degraded_mode": False}}
    }
    verified = ENABLE.verify(place.request(ENABLE.name, "verify"), place.services())
    assert verified.healthy, verified.summary


def test_executing_twice_restarts_once(place: Place) -> None:
    ENABLE.execute(place.request(ENABLE.name), place.services())
    after_first, version = place.pod_uids(), place.deployment().metadata.generation
    ENABLE.execute(place.request(ENABLE.name), place.services())
    assert place.pod_uids() == after_first
    assert place.deployment().metadata.generation == version


def test_plan_changes_nothing(place: Place) -> None:
    version = place.deployment().metadata.resource_version
    outcome = ENABLE.plan(place.request(ENABLE.name, "plan"), place.services())
    assert outcome.status == "planned"
    assert place.deployment().metadata.resource_version == version
    assert place.parameters.values[PARAMETER] == "false"


def test_a_rollout_that_waits_is_handed_back_and_finished_by_the_next_call(place: Place) -> None:
    place.statuses.status = never_ready
    first = ENABLE.execute(place.request(ENABLE.name), place.services(seconds=0))
    assert first.status == "in_progress"
    unhealthy = ENABLE.verify(place.request(ENABLE.name, "verify"), place.services())
    assert unhealthy.healthy is False
    place.statuses.status = running
    second = ENABLE.execute(place.request(ENABLE.name), place.services())
    assert second.status == "succeeded"


def test_new_pods_that_crash_fail_the_rollout_and_undo_still_restores(place: Place) -> None:
    place.statuses.status = crashing
    with pytest.raises(RolloutFailed, match="CrashLoopBackOff"):
        ENABLE.execute(place.request(ENABLE.name), place.services())
    assert place.parameters.values[PARAMETER] == "true"
    place.statuses.status = running
    outcome = ENABLE.undo(place.request(ENABLE.name, "undo"), place.services())
    assert outcome.status == "succeeded"
    assert place.parameters.values[PARAMETER] == "false"


def test_undo_restarts_again_and_leaves_its_mark(place: Place) -> None:
    ENABLE.execute(place.request(ENABLE.name), place.services())
    degraded = place.pod_uids()
    ENABLE.undo(place.request(ENABLE.name, "undo"), place.services())
    assert not degraded & place.pod_uids()
    template = place.deployment().spec.template.metadata.annotations
    assert template["sre-platform/undone-for"] == f"{INCIDENT}/1"


def test_somebody_elses_write_in_between_is_a_conflict_and_the_repeat_succeeds(
    place: Place,
) -> None:
    put = place.parameters.put

    def put_while_someone_else_writes(name: str, value: str) -> None:
        put(name, value)
        place.apps.patch_namespaced_deployment(
            "checkout", place.namespace, {"spec": {"minReadySeconds": 1}}
        )

    place.parameters.put = put_while_someone_else_writes  # type: ignore[method-assign]  # a race
    with pytest.raises(ClusterConflict):
        ENABLE.execute(place.request(ENABLE.name), place.services())
    assert ENABLE.execute(place.request(ENABLE.name), place.services()).status == "succeeded"


def test_an_unreachable_target_leaves_the_parameter_alone(place: Place) -> None:
    place.access.bearer = "wrong"
    with pytest.raises(AccessDenied):
        ENABLE.execute(place.request(ENABLE.name), place.services())
    assert place.parameters.values[PARAMETER] == "false"
