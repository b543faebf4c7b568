"""Operation inspect: what remediation may do, and whether it is held; it changes nothing."""

from __future__ import annotations

import json

import pytest

from runbook_action import handler as module
from runbook_action.errors import AccessDenied, InvalidRequest
from tests.unit.runbook_action.fake_catalogue import FakeCatalogue
from tests.unit.runbook_action.fakes import World
from tests.unit.runbook_action.invocations import Context


def published(action: str) -> dict[str, object]:
    target = {"kind": "deployment", "namespace": "apps", "name": "checkout"}
    return {"name": "A", "action": action, "target": target, "on_failure": "keep"}


INSPECT = {"operation": "inspect", "cluster": None}
DRAIN = {
    "name": "Drain",
    "action": "drain_node",
    "target": {"from_alert": "node", "names": ["*"]},
    "on_failure": "keep",
}


def test_it_answers_what_is_missing_and_who_needs_it(world: World) -> None:
    world.catalogue = FakeCatalogue([published("restart_deployment"), DRAIN])
    world.cluster.denied = {("apps", "deployments", "patch"), ("", "nodes", "patch")}
    world.cluster.held = False
    answer = module.handler(dict(INSPECT), Context())
    assert json.loads(json.dumps(answer)) == answer
    assert answer["held"] is False
    assert answer["asked"] > len(answer["missing"]) == 2
    within, beyond = answer["missing"]
    assert (within["namespace"], within["verb"], within["resource"]) == (
        "apps",
        "patch",
        "deployments",
    )
    assert within["by"] == ["restart_deployment"]
    assert (beyond["where"], beyond["namespace"], beyond["by"]) == ("cluster", "", ["drain_node"])


def test_it_only_asks(world: World) -> None:
    answer = module.handler(dict(INSPECT), Context())
    assert (answer["changed"], answer["missing"], answer["held"]) == (False, [], True)
    assert all(
        call.startswith("may ") or call.startswith(("held on ", "get ", "read ", "list "))
        for call in world.calls.log
    )


def test_a_cluster_that_is_no_text_is_refused(world: World) -> None:
    with pytest.raises(InvalidRequest, match="cluster must be a text"):
        module.handler({**INSPECT, "cluster": 7}, Context())


def test_the_policy_is_tried_on_a_workload_that_is_there(world: World) -> None:
    world.catalogue = FakeCatalogue([published("probe_cluster")])
    answer = module.handler(dict(INSPECT), Context())
    assert (answer["held"], answer["tried"]) == (True, "Deployment apps/checkout")
    world.cluster.held = False
    assert module.handler(dict(INSPECT), Context())["held"] is False


def test_what_cannot_be_tried_is_not_held_and_not_free_either(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_held(_: object) -> bool:
        raise AccessDenied("rbac says no")

    world.catalogue = FakeCatalogue([published("restart_deployment")])
    monkeypatch.setattr(world.cluster, "is_held", is_held)
    answer = module.handler(dict(INSPECT), Context())
    assert answer["held"] is None
    assert "rbac says no" in answer["tried"]
