"""An undo that is repeated after dying tells of what it did, not that there was nothing to undo."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from runbook_action.actions import REGISTRY
from runbook_action.errors import ClusterUnreachable
from runbook_action.outcome import Outcome
from tests.unit.runbook_action.fakes import INCIDENT, OTHER_INCIDENT, World, request
from tests.unit.runbook_action.revisions import revision

NODE: dict[str, Any] = {"kind": "node", "name": "node-1"}
MORE: dict[str, Any] = {"parameters": {"step": 2, "max_replicas": 20}}
AUTOSCALER = {
    "metadata": {"name": "web", "namespace": "apps", "resourceVersion": "1", "uid": "h1"},
    "spec": {
        "scaleTargetRef": {"kind": "Deployment", "name": "checkout"},
        "minReplicas": 2,
        "maxReplicas": 8,
    },
}


def with_an_autoscaler() -> World:
    world = World.new()
    world.cluster.hpa = copy.deepcopy(AUTOSCALER)
    return world


def with_a_node() -> World:
    world = World.new()
    world.cluster.node_raw["status"] = {"conditions": [{"type": "Ready", "status": "True"}]}
    return world


def with_an_earlier_revision() -> World:
    world = World.new()
    template = world.cluster.raw["spec"]["template"]
    earlier = {**copy.deepcopy(template), "spec": {"containers": [{"name": "c", "image": "good"}]}}
    template["spec"] = {"containers": [{"name": "c", "image": "bad"}]}
    metadata = world.cluster.raw["metadata"]
    metadata["annotations"] = {"deployment.kubernetes.io/revision": "4"}
    world.cluster.history = [revision(4, template), revision(3, earlier)]
    world.cluster.settle()
    return world


@dataclass(frozen=True)
class Case:
    """An action on what is ready for it."""

    action: str
    make: Callable[[], World]
    about: Mapping[str, Any]
    #: What its plan says of the undo, field by field.
    undone: tuple[tuple[str, Any, Any], ...]

    def run(self, world: World, operation: Any, incident: str = INCIDENT) -> Outcome:
        asked = request(self.action, operation, incident_id=incident, **self.about)
        world.clock.seconds_left = 90
        outcome: Outcome = getattr(REGISTRY[self.action], operation)(asked, world.services)
        return outcome

    def tells(self, outcome: Outcome) -> None:
        assert (outcome.status, outcome.changed) == ("succeeded", True), outcome.summary
        assert "nothing to undo" not in outcome.summary
        assert tuple((each.field, each.before, each.after) for each in outcome.plan) == self.undone


OPENED = (("spec.unschedulable", True, False),)
CASES = {
    "replicas": Case("scale_workload", World.new, MORE, (("spec.replicas", 5, 3),)),
    "a minimum": Case("scale_workload", with_an_autoscaler, MORE, (("spec.minReplicas", 5, 2),)),
    "a maximum": Case(
        "raise_autoscaler_maximum",
        with_an_autoscaler,
        {"kind": "horizontalpodautoscaler", "name": "web", **MORE},
        (("spec.maxReplicas", 10, 8),),
    ),
    "a cordon": Case("cordon_node", with_a_node, NODE, OPENED),
    "a drain": Case("drain_node", with_a_node, NODE, OPENED),
}
in_each_case = pytest.mark.parametrize("name", CASES)


def dies_everywhere(case: Case, prepare: Callable[[], World]) -> list[Outcome]:
    """What the second call says where the first one died, be it before a call or after it."""
    whole = prepare()
    before = len(whole.calls.log)
    case.tells(case.run(whole, "undo"))
    calls = whole.calls.log[before:]
    # With the last write to its lease it has said that it is done, and nobody knows of it any more.
    forgets = max(n for n, each in enumerate(calls, 1) if each in ("write lease", "delete lease"))
    told = []
    for call, after in itertools.product(range(1, len(calls) + 1), (False, True)):
        if (call, after) != (forgets, True):
            world = prepare()
            world.calls.fail_at(call, ClusterUnreachable("gone"), after=after)
            try:
                told.append(case.run(world, "undo"))
            except ClusterUnreachable:
                told.append(case.run(world, "undo"))
            assert world.leases.kept.keys() == whole.leases.kept.keys()
    return told


@in_each_case
def test_wherever_it_died_its_repeat_tells_what_went_back(name: str) -> None:
    case = CASES[name]

    def prepare() -> World:
        world = case.make()
        case.run(world, "execute")
        return world

    for outcome in dies_everywhere(case, prepare):
        case.tells(outcome)


def test_what_only_one_of_two_had_added_is_told_by_its_repeat() -> None:
    case = replace(CASES["replicas"], undone=(("spec.replicas", 7, 5),))

    def prepare() -> World:
        world = case.make()
        case.run(world, "execute", OTHER_INCIDENT)
        case.run(world, "execute")
        return world

    for outcome in dies_everywhere(case, prepare):
        case.tells(outcome)


@pytest.mark.parametrize("name", ["a cordon", "a drain"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(1, 6))
def test_a_node_that_was_closed_before_is_not_said_to_have_been_opened(
    name: str, call: int, after: bool
) -> None:
    case = CASES[name]
    world = case.make()
    world.cluster.node_raw["spec"] = {"unschedulable": True}
    case.run(world, "execute")
    world.calls.fail_at(call, ClusterUnreachable("gone"), after=after)
    for _ in range(2):
        try:
            outcome = case.run(world, "undo")
        except ClusterUnreachable:
            continue
        assert (outcome.status, outcome.changed) == ("unchanged", False)


def test_what_another_one_raised_since_is_not_told_as_given_back() -> None:
    """The first one's undo dies before its write, and the second one acts in between."""
    case = CASES["replicas"]
    world = case.make()
    case.run(world, "execute")
    calls = len(world.calls.log)
    case.run(world, "undo")
    patch = world.calls.log[calls:].index("patch template") + 1
    world = case.make()
    case.run(world, "execute")
    world.calls.fail_at(patch, ClusterUnreachable("gone"))
    with pytest.raises(ClusterUnreachable):
        case.run(world, "undo")
    calls = len(world.calls.log)
    other = copy.deepcopy(world)
    case.run(other, "execute", OTHER_INCIDENT)
    writes = other.calls.log[calls:].index("patch template") + 1
    world.calls.fail_at(writes, ClusterUnreachable("gone"), after=True)
    with pytest.raises(ClusterUnreachable):
        case.run(world, "execute", OTHER_INCIDENT)
    assert world.cluster.raw["spec"]["replicas"] == 7
    outcome = case.run(world, "undo")
    assert (outcome.status, outcome.changed) == ("unchanged", False)
    assert f"stays 7: held by {OTHER_INCIDENT}" in outcome.summary


def test_pods_that_are_not_well_after_it_make_nobody_ask_again() -> None:
    case = CASES["replicas"]
    world = case.make()
    case.run(world, "execute")
    world.cluster.stuck = True
    world.cluster.settle()
    outcome = case.run(world, "undo")
    case.tells(outcome)
    assert "are still rolling" in outcome.summary


def test_a_rollback_that_is_taken_back_is_told_with_the_revisions_by_its_repeat() -> None:
    case = Case("rollback_workload", with_an_earlier_revision, {}, (("revision", 3, 4),))
    world = case.make()
    case.run(world, "execute")
    case.run(world, "undo")
    case.tells(case.run(world, "undo"))
