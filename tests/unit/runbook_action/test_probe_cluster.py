"""probe_cluster: says whether a remediation could act, and changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from runbook_action.actions import REGISTRY
from runbook_action.errors import AccessDenied, ClusterUnreachable
from runbook_action.handler import _run
from runbook_action.request import Operation
from tests.support.shipped import manifest
from tests.unit.runbook_action.fake_catalogue import FakeCatalogue
from tests.unit.runbook_action.fakes import World, request

PROBE = REGISTRY["probe_cluster"]


def published(action: str, namespace: str = "apps", **more: Any) -> dict[str, Any]:
    target = {"kind": "deployment", "namespace": namespace, "name": "checkout"}
    return {"name": "A", "action": action, "target": target, "on_failure": "keep", **more}


def asked(world: World) -> set[str]:
    PROBE.execute(request(PROBE.name), world.services)
    return {call.removeprefix("may ").removesuffix("?") for call in world.calls.log}


def test_it_asks_for_exactly_what_the_shipped_role_grants() -> None:
    (role,) = [each for each in manifest("base/remediation-rbac.yaml") if each["kind"] == "Role"]
    granted = {
        f"{verb} {resource}"
        for rule in role["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert asked(World.new()) == granted


def test_it_asks_for_what_the_published_runbooks_need_in_its_namespace() -> None:
    world = World.new()
    world.catalogue = FakeCatalogue(
        [published("restart_deployment"), published("scale_deployment", "shop")]
    )
    found = asked(world)
    assert "patch deployments" in found
    assert "patch horizontalpodautoscalers" not in found


def test_a_runbook_that_is_off_or_whose_action_is_not_known_here_asks_for_nothing() -> None:
    world = World.new()
    world.catalogue = FakeCatalogue(
        [published("restart_deployment", enabled=False), published("of_a_later_version")]
    )
    assert asked(world) == set()


@pytest.mark.parametrize("operation", ["plan", "execute", "verify", "undo"])
def test_no_operation_writes_anything(operation: Operation) -> None:
    world = World.new()
    outcome = _run(request(PROBE.name, operation), world.services)
    assert outcome.changed is False
    assert all(call.startswith("may ") for call in world.calls.log)


@pytest.mark.parametrize("operation", ["plan", "execute"])
def test_a_missing_right_is_named(operation: Operation) -> None:
    world = World.new()
    world.cluster.denied = {("apps", "deployments", "patch"), ("apps", "pods", "list")}
    act = getattr(PROBE, operation)
    with pytest.raises(
        AccessDenied, match=r"remediation [a-z, ]*patch deployments[a-z, ]*\. Apply what"
    ):
        act(request(PROBE.name, operation), world.services)


def test_verify_judges_by_the_rights() -> None:
    world = World.new()
    assert PROBE.verify(request(PROBE.name, "verify"), world.services).healthy is True
    world.cluster.denied = {("apps", "deployments", "patch")}
    assert PROBE.verify(request(PROBE.name, "verify"), world.services).healthy is False


def test_a_cluster_that_does_not_answer_is_no_verdict() -> None:
    world = World.new()
    world.calls.fail_at(1, ClusterUnreachable("no answer"))
    with pytest.raises(ClusterUnreachable):
        PROBE.verify(request(PROBE.name, "verify"), world.services)
