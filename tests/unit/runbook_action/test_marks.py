"""Several steps of one incident on one object: each is done once, and undone as if alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runbook_action import marks
from runbook_action.actions import REGISTRY
from runbook_action.errors import ActionRefused, ClusterUnreachable
from runbook_action.objects import Workload
from runbook_action.outcome import Outcome
from runbook_action.request import Operation, TargetKind
from tests.unit.runbook_action.drains import DRAIN, node_request, pod
from tests.unit.runbook_action.fakes import (
    INCIDENT,
    OTHER_INCIDENT,
    PARAMETER,
    TOKEN,
    World,
    request,
)
from tests.unit.runbook_action.revisions import image, revision
from tests.unit.runbook_action.revisions import world as world_with_a_bad_template

RESTART = "restart_deployment"
ENABLE = "enable_degraded_mode"
ROLLBACK = "rollback_deployment"

bad = pytest.fixture(world_with_a_bad_template.__wrapped__, name="bad")  # type: ignore[attr-defined]


def run(world: World, action: str, operation: Operation, step: int) -> Outcome:
    asked = request(action, operation, step=step)
    outcome: Outcome = getattr(REGISTRY[action], operation)(asked, world.services)
    return outcome


def generation(world: World) -> int:
    return int(world.cluster.raw["metadata"]["generation"])


def previous(world: World) -> dict[str, object]:
    found: dict[str, object] = json.loads(
        world.cluster.raw["metadata"]["annotations"][marks.PREVIOUS]
    )
    return found


def test_two_steps_that_are_the_same_are_two_restarts_each_done_once() -> None:
    world = World.new()
    for step in (1, 1, 2, 2, 1):
        assert run(world, RESTART, "execute", step).status == "succeeded"
    assert generation(world) == 3
    assert world.cluster.template_annotations[marks.RESTARTED_FOR] == f"{TOKEN} {INCIDENT}/2"
    assert list(previous(world)) == ["1", "2"]


def test_a_step_repeated_after_a_later_one_acted_changes_nothing() -> None:
    world = World.new()
    run(world, ENABLE, "execute", 1)
    run(world, RESTART, "execute", 2)
    before = world.state()
    again = run(world, ENABLE, "execute", 1)
    assert again.undo is not None
    assert again.undo.parameters == {"degraded_mode": False}
    assert world.state() == before


def test_another_incident_starts_with_a_clean_mark() -> None:
    world = World.new()
    run(world, RESTART, "execute", 1)
    REGISTRY[RESTART].execute(request(RESTART, incident_id=OTHER_INCIDENT, step=2), world.services)
    assert list(previous(world)) == ["2"]
    assert world.cluster.template_annotations[marks.RESTARTED_FOR] == f"{OTHER_INCIDENT}/2"


def test_an_earlier_step_is_undone_after_a_later_one_acted() -> None:
    world = World.new()
    run(world, ENABLE, "execute", 1)
    run(world, RESTART, "execute", 2)
    assert run(world, RESTART, "undo", 2).status == "unchanged", "a complete restart stays"
    assert run(world, ENABLE, "undo", 1).status == "succeeded"
    assert world.parameters.values == {PARAMETER: "false"}
    assert generation(world) == 4, "the pods were restarted once more, with the earlier setting"


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", range(1, 5))
def test_an_undo_that_died_halfway_after_a_later_step_is_finished_by_its_repeat(
    number: int, after: bool
) -> None:
    world = World.new()
    run(world, ENABLE, "execute", 1)
    run(world, RESTART, "execute", 2)
    world.calls.fail_at(number, ClusterUnreachable("no answer"), after=after)
    with pytest.raises(ClusterUnreachable):
        run(world, ENABLE, "undo", 1)
    assert run(world, ENABLE, "undo", 1).status == "succeeded"
    assert world.parameters.values == {PARAMETER: "false"}
    assert generation(world) == 4
    assert world.cluster.template_annotations[marks.UNDONE_FOR] == TOKEN


def test_two_rungs_that_did_not_help_are_undone_newest_first_to_the_letter(bad: World) -> None:
    template = bad.cluster.raw["spec"]["template"]
    bad.cluster.stuck = True
    bad.cluster.settle()
    bad.clock.seconds_left = 0
    assert run(bad, RESTART, "execute", 1).status == "in_progress"
    metadata = bad.cluster.raw["metadata"]["annotations"]
    metadata["deployment.kubernetes.io/revision"] = "5"
    bad.cluster.history.append(revision(5, bad.cluster.raw["spec"]["template"]))
    assert run(bad, ROLLBACK, "execute", 2).status == "in_progress"
    assert image(bad) == "shop:good"
    for _ in range(2):
        run(bad, ROLLBACK, "undo", 2)
        assert image(bad) == "shop:bad"
        assert bad.cluster.template_annotations[marks.RESTARTED_FOR] == TOKEN
        assert bad.cluster.template_annotations[marks.UNDONE_FOR] == f"{INCIDENT}/2"
    for _ in range(2):
        run(bad, RESTART, "undo", 1)
        annotations = bad.cluster.template_annotations
        assert annotations == template["metadata"]["annotations"]


def test_a_restart_that_a_later_step_has_replaced_is_left_alone(bad: World) -> None:
    bad.cluster.stuck = True
    bad.cluster.settle()
    bad.clock.seconds_left = 0
    run(bad, RESTART, "execute", 1)
    run(bad, ROLLBACK, "execute", 2)
    before = bad.cluster.template_annotations
    outcome = run(bad, RESTART, "undo", 1)
    assert outcome.status == "unchanged"
    assert "A later step replaced the pods" in outcome.summary
    assert bad.cluster.template_annotations == before


def test_a_drain_taken_back_leaves_the_mark_of_an_earlier_step() -> None:
    world = World.new()
    world.cluster.node_pods = {"a": pod("a")}
    for step in (1, 2):
        asked = node_request("execute")
        DRAIN.execute(request(DRAIN.name, kind="node", name="node-1", step=step), world.services)
        assert asked.target.name == "node-1"
    DRAIN.undo(
        request(
            DRAIN.name,
            "undo",
            kind="node",
            name="node-1",
            step=2,
            undo={"cordoned_before": False},
        ),
        world.services,
    )
    assert "1" in json.loads(world.cluster.node_raw["metadata"]["annotations"][marks.PREVIOUS])


def deployment(**annotations: str) -> Workload:
    return Workload({"metadata": {"name": "checkout", "annotations": annotations}})


@pytest.mark.parametrize(
    "before",
    [{}, {"before": 1}, {"before": 1, "after": "2"}, {"before": 1, "after": None}]
    + [{"before": 1, "after": each} for each in (True, 2.0, -1, 10**400, float("nan"))],
)
@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("expand_volume", "persistentvolumeclaim"),
        ("raise_autoscaler_maximum", "horizontalpodautoscaler"),
    ],
)
def test_an_action_whose_numbers_are_gone_from_its_mark_is_refused_and_not_repeated(
    action: str, kind: TargetKind, before: dict[str, Any]
) -> None:
    world = World.new()
    asked = request(action, kind=kind, parameters={"max_gib": 9, "max_replicas": 9, "step": 1})
    entries = {"1": {"action": action, "before": before}}
    annotations = {marks.INCIDENT_ID: INCIDENT, marks.PREVIOUS: json.dumps(entries)}
    metadata = {"name": "checkout", "namespace": "apps", "annotations": annotations}
    world.cluster.put(kind, {"metadata": metadata, "spec": {"maxReplicas": 3}})
    with pytest.raises(ActionRefused, match=r"sre-platform/previous does not say before, after"):
        REGISTRY[action].execute(asked, world.services)
    assert world.calls.writes() == []


def test_a_mark_of_before_there_were_steps_is_that_of_the_first() -> None:
    old = deployment(
        **{
            marks.INCIDENT_ID: INCIDENT,
            marks.ACTION: ENABLE,
            marks.PREVIOUS: '{"degraded_mode":false}',
        }
    )
    assert marks.recorded(old, request(ENABLE)) == {"degraded_mode": False}
    assert marks.recorded(old, request(ENABLE, step=2)) is None
    assert marks.tokens({marks.RESTARTED_FOR: INCIDENT}, marks.RESTARTED_FOR, INCIDENT) == [TOKEN]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "3",
        '{"1": 3}',
        '{"1": {"action": 3}}',
        '{"1": {"action": "a"}}',
        '{"1": {"action": "enable_degraded_mode", "before": {"a": [1]}}}',
        '{"²": {"action": "enable_degraded_mode", "before": {}}}',
        '{"' + "1" * 5000 + '": {"action": "enable_degraded_mode", "before": {}}}',
        "[" * 100_000,
        '{"1": ' * 20_000,
    ],
    ids=range(12),
)
def test_a_mark_that_somebody_garbled_counts_as_none(text: str) -> None:
    garbled = deployment(
        **{marks.INCIDENT_ID: INCIDENT, marks.ACTION: ENABLE, marks.PREVIOUS: text}
    )
    assert marks.recorded(garbled, request(ENABLE)) is None
    assert marks.numbers(garbled, request(ENABLE), "before") is None
    assert marks.unmark(garbled, request(ENABLE)) == dict.fromkeys(marks.of(garbled))
    assert json.loads(marks.mark(garbled, request(ENABLE), {"a": 1})[marks.PREVIOUS])["1"] == {
        "action": ENABLE,
        "before": {"a": 1},
    }
