"""The Event on the target: what it tells, when there is none, and that it never gets in the way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runbook_action import handler as module
from runbook_action.errors import AccessDenied, ActionRefused, ClusterUnreachable, RolloutFailed
from tests.unit.runbook_action.drains import pod
from tests.unit.runbook_action.fakes import INCIDENT, World
from tests.unit.runbook_action.invocations import Context, event, logged

RESTART = {"action": "restart_deployment"}
NODE = {"cluster": None, "namespace": None, "kind": "node", "name": "node-1"}


def events(world: World) -> list[dict[str, Any]]:
    return list(world.cluster.events.values())


def test_a_remediation_is_told_of_on_its_target(world: World) -> None:
    module.handler(event(**RESTART), Context())
    (found,) = events(world)
    assert found["regarding"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "namespace": "apps",
        "name": "checkout",
        "uid": "u1",
    }
    assert (found["type"], found["reason"]) == ("Normal", "Remediation")
    assert found["action"] == "restart_deployment"
    assert found["note"].startswith(
        f"execute of restart_deployment for incident {INCIDENT}, step 1, succeeded."
    )
    assert found["eventTime"].startswith("2026-11-23T15:14:5")


def test_an_undo_is_told_of_too(world: World) -> None:
    undo = module.handler(event(), Context())["undo"]
    module.handler(event(operation="undo", undo=undo), Context())
    assert [each["reason"] for each in events(world)] == ["Remediation", "RemediationUndone"]


def test_a_drain_is_told_of_in_the_namespace_of_what_has_none(world: World) -> None:
    world.cluster.node_pods = {"a": pod("a")}
    module.handler(event(action="drain_node", target=NODE), Context())
    ((key, found),) = world.cluster.events.items()
    assert key.startswith("default/node-1.")
    assert found["metadata"]["namespace"] == "default"
    assert found["regarding"] == {"apiVersion": "v1", "kind": "Node", "name": "node-1", "uid": "n1"}


def test_twice_is_told_of_once(world: World) -> None:
    module.handler(event(**RESTART), Context())
    assert module.handler(event(**RESTART), Context())["status"] == "succeeded"
    assert len(events(world)) == 1
    assert not [line for line in logged() if line["level"] == "WARNING"]


def test_a_failure_is_told_of_by_the_name_of_its_error_and_nothing_else(world: World) -> None:
    world.cluster.raw["spec"]["paused"] = True
    with pytest.raises(ActionRefused):
        module.handler(event(**RESTART), Context())
    world.cluster.raw["spec"]["paused"] = False
    world.cluster.stuck = True
    world.cluster.pod_faults = {
        "name": "checkout",
        "restartCount": 9,
        "state": {"waiting": {"reason": "ImagePullBackOff", "message": "secret text"}},
    }
    world.cluster.settle()
    with pytest.raises(RolloutFailed):
        module.handler(event(**RESTART), Context())
    refused, failed = events(world)
    assert (refused["type"], refused["reason"]) == ("Warning", "RemediationFailed")
    assert f"incident {INCIDENT}, step 1, failed: ActionRefused." in refused["note"]
    assert f"incident {INCIDENT}, step 1, failed: RolloutFailed." in failed["note"]
    assert "checkout:" not in json.dumps([refused, failed])
    assert "ImagePullBackOff" not in json.dumps([refused, failed])


@pytest.mark.parametrize("operation", ["plan", "verify", "undo"])
def test_what_changed_nothing_has_no_event(world: World, operation: str) -> None:
    module.handler(event(**RESTART, operation=operation), Context())
    assert events(world) == []


def test_what_goes_on_has_no_event_yet(world: World) -> None:
    world.cluster.stuck = True
    world.cluster.settle()
    world.clock.seconds_left = 0
    assert module.handler(event(**RESTART), Context())["status"] == "in_progress"
    assert events(world) == []


def test_what_is_tried_again_has_no_event(world: World) -> None:
    world.calls.fail_at(1, ClusterUnreachable("no answer"))
    with pytest.raises(ClusterUnreachable):
        module.handler(event(**RESTART), Context())
    assert world.calls.log == ["get deployment"]


@pytest.mark.parametrize("error", [AccessDenied("403"), ClusterUnreachable("no answer")])
def test_an_event_that_cannot_be_written_is_a_warning_and_the_action_is_done(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(world.cluster, "create_event", fail)
    assert module.handler(event(**RESTART), Context())["status"] == "succeeded"
    (warning,) = [line for line in logged() if line["level"] == "WARNING"]
    assert warning["message"] == "No event was written on the target"
    assert warning["incident_id"] == INCIDENT


def test_an_event_that_cannot_be_written_does_not_hide_why_the_action_failed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise AccessDenied("no events for you")

    monkeypatch.setattr(world.cluster, "create_event", fail)
    world.cluster.raw["spec"]["paused"] = True
    with pytest.raises(ActionRefused, match="paused"):
        module.handler(event(**RESTART), Context())


def test_no_name_is_too_long_for_an_event(world: World) -> None:
    name = "a" * 199 + "." + "b" * 53
    world.cluster.raw["metadata"]["name"] = name
    target = {**event()["target"], "name": name}
    module.handler(event(**RESTART, target=target), Context())
    (found,) = events(world)
    assert len(found["metadata"]["name"]) <= 253
    assert ".." not in found["metadata"]["name"]
