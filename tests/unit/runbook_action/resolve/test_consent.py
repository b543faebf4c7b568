"""An annotation refuses remediation, or with a stack parameter allows it."""

from __future__ import annotations

import pytest

from runbook_action.errors import AccessDenied, ActionRefused
from runbook_action.kinds import KindWord
from tests.unit.runbook_action.resolve.scene import (
    CHECKOUT,
    annotate,
    from_alert,
    resolved,
    runbook,
    scene,
)

POD = {"namespace": "apps", "pod": "checkout-1-a"}


@pytest.mark.parametrize("value", ["off", "false", "Off", ""])
@pytest.mark.parametrize(
    ("kind", "name"),
    [("deployment", "checkout"), ("namespace", "apps"), ("pod", "checkout-1-a")],
)
def test_what_refuses_is_not_acted_on(kind: KindWord, name: str, value: str) -> None:
    world = scene()
    annotate(world, kind, name, value)
    with pytest.raises(ActionRefused, match="sre-platform/remediation"):
        resolved(world, runbook(from_alert("pod")), POD)


def test_a_named_target_may_refuse_too() -> None:
    world = scene()
    annotate(world, "deployment", "checkout", "off")
    with pytest.raises(ActionRefused, match="Deployment apps/checkout refuses"):
        resolved(world, runbook(CHECKOUT), {})


def test_a_node_is_asked_itself() -> None:
    world = scene()
    annotate(world, "node", "node-1", "off")
    with pytest.raises(ActionRefused, match="Node node-1 refuses"):
        resolved(world, runbook(from_alert("node"), action="drain_node"), {"node": "node-1"})


@pytest.mark.parametrize(("kind", "name"), [("deployment", "checkout"), ("namespace", "apps")])
def test_only_what_is_annotated_is_acted_on_where_the_stack_says_so(
    kind: KindWord, name: str
) -> None:
    world = scene()
    with pytest.raises(ActionRefused, match="RemediateOnlyAnnotated"):
        resolved(world, runbook(CHECKOUT), {}, only_annotated=True)
    annotate(world, kind, name, "on")
    assert resolved(world, runbook(CHECKOUT), {}, only_annotated=True)["status"] == "resolved"


def test_the_owner_refuses_whatever_its_namespace_allows() -> None:
    world = scene()
    annotate(world, "namespace", "apps", "on")
    annotate(world, "deployment", "checkout", "off")
    with pytest.raises(ActionRefused):
        resolved(world, runbook(CHECKOUT), {}, only_annotated=True)


def test_where_nobody_can_be_asked_nothing_acts() -> None:
    world = scene()
    world.calls.fail_at(2, AccessDenied("403"))
    with pytest.raises(AccessDenied):
        resolved(world, runbook(CHECKOUT), {})
