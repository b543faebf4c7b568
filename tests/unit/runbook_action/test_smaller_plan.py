"""A plan that has become smaller by itself is still the one that was approved; no other one is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from runbook_action.decided import plan_hash, plan_parts
from runbook_action.errors import PlanChanged
from runbook_action.operate import operate
from runbook_action.outcome import Change, Outcome, Undo
from runbook_action.request import Request
from tests.unit.runbook_action.drains import DRAIN, node_request, pod
from tests.unit.runbook_action.fakes import World


@pytest.fixture
def world() -> World:
    """A node with two pods that would be evicted and one that stays."""
    world = World.new()
    pods = [pod("a"), pod("b", "StatefulSet"), pod("logs", "DaemonSet")]
    world.cluster.node_pods = {each["metadata"]["name"]: each for each in pods}
    return world


def approved(world: World) -> Request:
    """The execution of what a plan of this moment shows."""
    planned = operate(DRAIN, node_request("plan"), world.services)
    asked: Request = node_request("execute")
    return replace(asked, plan_hash=plan_hash(planned), plan_parts=plan_parts(planned))


def drained(world: World, asked: Request) -> Any:
    return operate(DRAIN, asked, world.services)


def gone(world: World) -> None:
    """The control plane has ended a pod of a dead node, and its controller has another one."""
    del world.cluster.node_pods["a"]


def all_gone(world: World) -> None:
    for name in ("a", "b"):
        del world.cluster.node_pods[name]


def ending(world: World) -> None:
    """It has been asked to end, and nobody is there who could end it."""
    world.cluster.node_raw["status"] = {"conditions": [{"type": "Ready", "status": "Unknown"}]}
    world.cluster.node_pods["a"]["metadata"]["deletionTimestamp"] = "2020-01-01T00:00:00Z"


def refused(world: World) -> None:
    """Its owners have told the platform to leave it alone."""
    world.cluster.node_pods["a"]["metadata"]["annotations"] = {"sre-platform/remediation": "off"}


def one_more_that_stays(world: World) -> None:
    world.cluster.node_pods["proxy"] = pod("proxy", "DaemonSet")


@pytest.mark.parametrize("meanwhile", [gone, all_gone, ending, refused, one_more_that_stays])
def test_fewer_pods_to_evict_than_were_approved_are_evicted(
    world: World, meanwhile: Callable[[World], None]
) -> None:
    asked = approved(world)
    meanwhile(world)
    assert drained(world, asked).status == "succeeded"
    assert world.cluster.node_raw["spec"]["unschedulable"] is True
    assert "b" not in world.cluster.node_pods


def one_more(world: World) -> None:
    world.cluster.node_pods["c"] = pod("c")


def another_of_its_name(world: World) -> None:
    """As of a StatefulSet: what it holds may be another thing."""
    world.cluster.node_pods["b"]["metadata"]["uid"] = "b-2"


def one_for_another(world: World) -> None:
    gone(world)
    one_more(world)


def cordoned(world: World) -> None:
    """Somebody else is at work on the node."""
    world.cluster.node_raw["spec"]["unschedulable"] = True


@pytest.mark.parametrize("meanwhile", [one_more, another_of_its_name, one_for_another, cordoned])
def test_whatever_else_has_changed_is_asked_again(
    world: World, meanwhile: Callable[[World], None]
) -> None:
    asked = approved(world)
    meanwhile(world)
    with pytest.raises(PlanChanged, match="By now the plan is"):
        drained(world, asked)
    assert world.calls.writes() == []


def test_who_names_more_parts_than_were_approved_gets_nothing(world: World) -> None:
    asked = approved(world)
    one_more(world)
    now = operate(DRAIN, node_request("plan"), world.services)
    for parts in (plan_parts(now), (), tuple(reversed(asked.plan_parts))):
        with pytest.raises(PlanChanged):
            drained(world, replace(asked, plan_parts=parts))
    assert world.calls.writes() == []


def test_a_plan_whose_changes_belong_together_has_no_parts() -> None:
    changes = [Change("Deployment", "a", "x", 1, 2), Change("Deployment", "a", "y", 1, 2)]
    whole = Outcome("planned", "do both.", plan=changes, undo=Undo("a", {}))
    assert plan_parts(whole) == ()
    assert plan_hash(whole) != plan_hash(replace(whole, plan=changes[:1]))
