"""The undo of degraded mode, repeated after dying at any call, restarts the pods all the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from runbook_action.actions.base import Action
from runbook_action.errors import ActionRefused, ClusterUnreachable
from runbook_action.outcome import Outcome
from runbook_action.request import Request
from tests.unit.runbook_action.degraded import DISABLE, ENABLE, LATER, all_started, executed
from tests.unit.runbook_action.fakes import INCIDENT, OTHER_INCIDENT, PARAMETER, World, request

Scene = tuple[World, Action, Request]
UNDONE = "sre-platform/undone-for"
RESTARTED = "sre-platform/restarted-for"


def both(world: World) -> Request:
    """A second incident holds it on, too; its undo."""
    asked = request(ENABLE.name, incident_id=OTHER_INCIDENT)
    ENABLE.execute(asked, world.services)
    return replace(asked, operation="undo")


def one_that_spared_the_pods() -> Scene:
    world = all_started(executed(World.new()), LATER)
    last = both(world)
    assert world.cluster.template_annotations[RESTARTED] == f"{INCIDENT}/1"
    ENABLE.undo(request(ENABLE.name, "undo"), world.services)
    return world, ENABLE, last


def one_whose_restart_another_has_written_over() -> Scene:
    world = executed(World.new())
    ENABLE.undo(both(world), world.services)
    assert world.cluster.template_annotations[RESTARTED] == f"{OTHER_INCIDENT}/1"
    return world, ENABLE, request(ENABLE.name, "undo")


def one_that_restarted_last() -> Scene:
    world = executed(World.new())
    last = both(world)
    ENABLE.undo(request(ENABLE.name, "undo"), world.services)
    return world, ENABLE, last


def one_of_which_somebody_has_switched_it_off() -> Scene:
    world = executed(World.new())
    world.parameters.human("false")
    return world, ENABLE, request(ENABLE.name, "undo")


def switched_off(world: World) -> Request:
    asked = request(DISABLE.name)
    DISABLE.execute(asked, world.services)
    return replace(asked, operation="undo")


def a_switch_off() -> Scene:
    world = World.new(parameter="true")
    return world, DISABLE, switched_off(world)


def a_switch_off_whose_restart_another_has_written_over() -> Scene:
    world = World.new(parameter="true")
    undo = switched_off(world)
    template = world.cluster.raw["spec"]["template"]["metadata"]
    template["annotations"] |= {RESTARTED: f"{OTHER_INCIDENT}/1"}
    return world, DISABLE, undo


SCENES = [
    one_that_spared_the_pods,
    one_whose_restart_another_has_written_over,
    one_that_restarted_last,
    one_of_which_somebody_has_switched_it_off,
    a_switch_off,
    a_switch_off_whose_restart_another_has_written_over,
]
in_each_scene = pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)


def undone_after_dying(scene: Scene, *dies_at: int, after: bool) -> Outcome:
    world, action, asked = scene
    for call in dies_at:
        world.calls.fail_at(call, ClusterUnreachable("gone"), after=after)
        try:
            return action.undo(asked, world.services)
        except ClusterUnreachable:
            pass
    return action.undo(asked, world.services)


def as_it_was_left(scene: Scene) -> object:
    world, _, _ = scene
    return world.state(), world.leases.kept, world.cluster.raw["metadata"]["generation"]


@in_each_scene
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(1, 9))
def test_repeated_it_ends_as_if_it_had_not_died(
    scene: Callable[[], Scene], call: int, after: bool
) -> None:
    whole, found = scene(), scene()
    undone_after_dying(whole, after=after)
    undone_after_dying(found, call, after=after)
    assert as_it_was_left(found) == as_it_was_left(whole)
    _, _, asked = found
    assert found[0].cluster.template_annotations[UNDONE] == asked.token
    assert found[0].leases.kept == {}


@in_each_scene
@pytest.mark.parametrize("second", range(1, 9))
def test_repeated_twice_it_ends_so_too(scene: Callable[[], Scene], second: int) -> None:
    whole, found = scene(), scene()
    undone_after_dying(whole, after=False)
    at_the_restart = _call(scene, "patch template")
    undone_after_dying(found, at_the_restart, second, after=False)
    assert as_it_was_left(found) == as_it_was_left(whole)


def _call(scene: Callable[[], Scene], name: str) -> int:
    """Which call of an undo it is."""
    world, action, asked = scene()
    before = len(world.calls.log)
    action.undo(asked, world.services)
    return world.calls.log[before:].index(name) + 1


@pytest.mark.parametrize("scene", SCENES[:3], ids=lambda scene: scene.__name__)
def test_pods_that_were_all_started_since_are_not_restarted_by_its_repeat(
    scene: Callable[[], Scene],
) -> None:
    """Somebody has replaced them meanwhile, for another reason."""
    world, action, asked = scene()
    world.calls.fail_at(_call(scene, "patch template"), ClusterUnreachable("gone"))
    with pytest.raises(ClusterUnreachable):
        action.undo(asked, world.services)
    template = world.cluster.raw["spec"]["template"]["metadata"]
    template["annotations"] = {RESTARTED: "somebody"}
    all_started(world, "2026-11-23T15:15:00Z")
    world.parameters.at = world.clock.now()
    outcome = action.undo(asked, world.services)
    assert (outcome.status, world.leases.kept) == ("unchanged", {})
    assert f"{PARAMETER} is false and every pod has read it" in outcome.summary
    assert world.cluster.template_annotations == {RESTARTED: "somebody"}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(1, 7))
def test_what_was_never_switched_restarts_nobody_though_its_undo_died(
    call: int, after: bool
) -> None:
    """The step died before its switch, and the pods have read what was there before it."""
    world = all_started(World.new(), LATER)
    put = 1 + _writes_before(world, "put parameter")
    world.calls.fail_at(put, ClusterUnreachable("gone"))
    with pytest.raises(ClusterUnreachable):
        ENABLE.execute(request(ENABLE.name), world.services)
    undone_after_dying((world, ENABLE, request(ENABLE.name, "undo")), call, after=after)
    assert (world.parameters.values, world.leases.kept) == ({PARAMETER: "false"}, {})
    assert world.cluster.template_annotations == {}


def _writes_before(like: World, name: str) -> int:
    world = all_started(World.new(), LATER)
    assert world.state() == like.state()
    executed(world)
    return world.calls.log.index(name)


def test_who_lets_go_while_the_undo_of_another_is_half_done_restarts_for_it() -> None:
    """What is left of the other one's part is known to nobody afterwards."""
    world, _, first = one_that_spared_the_pods()
    third = request(ENABLE.name, incident_id="1a2b3c4d-5d2c-5b0e-8e0b-1c1d2e3f4a5b")
    for number in range(1, 20):  # until it has its part, and dies before it says that it holds it
        world.calls.fail_at(number, ClusterUnreachable("gone"))
        with pytest.raises(ClusterUnreachable):
            ENABLE.execute(third, world.services)
        (lease,) = world.leases.kept.values()
        if third.token in lease.pending:
            break
    world.calls.fail_at(_call(one_that_spared_the_pods, "patch template"), ClusterUnreachable("no"))
    with pytest.raises(ClusterUnreachable):
        ENABLE.undo(first, world.services)
    assert world.parameters.values == {PARAMETER: "false"}
    ENABLE.undo(replace(third, operation="undo"), world.services)
    assert world.cluster.template_annotations[UNDONE] == third.token
    assert ENABLE.undo(first, world.services).status == "unchanged"
    assert world.leases.kept == {}


@pytest.mark.parametrize("scene", SCENES[:3], ids=lambda scene: scene.__name__)
def test_what_was_refused_because_it_was_paused_is_done_once_it_rolls_again(
    scene: Callable[[], Scene],
) -> None:
    world, action, asked = scene()
    world.cluster.raw["spec"]["paused"] = True
    for _ in range(2):
        with pytest.raises(ActionRefused, match="paused"):
            action.undo(asked, world.services)
        assert world.parameters.values == {PARAMETER: "false"}
    world.cluster.raw["spec"]["paused"] = False
    assert action.undo(asked, world.services).status == "succeeded"
    assert world.cluster.template_annotations[UNDONE] == asked.token
    assert world.leases.kept == {}


def test_what_one_let_go_of_while_another_holds_it_is_not_restarted_by_its_repeat() -> None:
    world = all_started(executed(World.new()), LATER)
    both(world)  # it spares the pods, so that the first one's restart stays on their template
    for _ in range(2):
        assert ENABLE.undo(request(ENABLE.name, "undo"), world.services).status == "unchanged"
    assert UNDONE not in world.cluster.template_annotations


@pytest.mark.parametrize(
    ("read", "restarts"), [("2026-11-23T15:16:00Z", False), (LATER, True)], ids=["read", "stale"]
)
def test_a_switch_off_that_somebody_has_taken_back_restarts_only_pods_that_have_not_read_it(
    read: str, restarts: bool
) -> None:
    world, action, asked = a_switch_off_whose_restart_another_has_written_over()
    world.parameters.human("true")
    all_started(world, read)
    world.parameters.at = datetime(2026, 11, 23, 15, 15, tzinfo=UTC)
    outcome = action.undo(asked, world.services)
    assert outcome.status == ("succeeded" if restarts else "unchanged")
    assert [each.kind for each in outcome.plan] == (["Deployment"] if restarts else [])


def test_a_switch_off_that_died_before_its_switch_restarts_nobody() -> None:
    world = all_started(World.new(parameter="true"), "2026-11-23T14:00:00Z")
    for number in range(1, 20):
        world.calls.fail_at(number, ClusterUnreachable("gone"))
        with pytest.raises(ClusterUnreachable):
            DISABLE.execute(request(DISABLE.name), world.services)
        if "patch mark" in world.calls.writes() and world.calls.log[-1] != "patch mark":
            break
    assert world.parameters.values == {PARAMETER: "true"}
    assert DISABLE.undo(request(DISABLE.name, "undo"), world.services).status == "unchanged"
    assert world.cluster.template_annotations == {}
