"""rollback_deployment: to what, once, and forward again."""

from __future__ import annotations

from typing import Any

import pytest

from runbook_action import marks
from runbook_action.actions import REGISTRY
from runbook_action.errors import ActionRefused, ClusterConflict, ClusterUnreachable
from runbook_action.history import revisions_of
from tests.unit.runbook_action.fakes import TOKEN, World, request
from tests.unit.runbook_action.revisions import image, revision, template, world

__all__ = ["world"]  # a fixture

ROLLBACK = REGISTRY["rollback_deployment"]


def test_the_newest_revision_that_differs_by_more_than_a_restart_comes_back(world: World) -> None:
    outcome = ROLLBACK.execute(request(ROLLBACK.name), world.services)
    assert outcome.status == "succeeded"
    assert image(world) == "shop:good"
    assert [(change.before, change.after) for change in outcome.plan] == [("shop:bad", "shop:good")]
    metadata = world.cluster.raw["spec"]["template"]["metadata"]
    assert metadata["labels"] == {"app": "checkout"}
    assert metadata["annotations"]["sre-platform/restarted-for"] == TOKEN


@pytest.mark.parametrize("said", [{"sre-platform/remediation": "on"}, {}])
@pytest.mark.parametrize("of_old", [{"sre-platform/remediation": "off"}, {}])
def test_what_the_template_says_to_the_platform_is_not_rolled_back(
    world: World, said: dict[str, str], of_old: dict[str, str]
) -> None:
    earlier = world.cluster.history[-1]["spec"]["template"]["metadata"]
    earlier["annotations"] = {**(earlier.get("annotations") or {}), **of_old}
    current = world.cluster.raw["spec"]["template"]["metadata"]
    current["annotations"] = {**(current.get("annotations") or {}), **said}
    for operation in (ROLLBACK.execute, ROLLBACK.undo):
        operation(request(ROLLBACK.name), world.services)
        found = world.cluster.raw["spec"]["template"]["metadata"]["annotations"]
        ours = {key: value for key, value in found.items() if key.endswith("/remediation")}
        assert ours == said


@pytest.mark.parametrize(
    "owner",
    [
        {"uid": "u1"},
        {"uid": "u1", "controller": False},
        {"uid": "another", "controller": True},
        {"controller": True},
    ],
)
def test_a_revision_that_the_workload_does_not_control_is_none_of_its_own(
    world: World, owner: dict[str, Any]
) -> None:
    forged = revision(3, template("shop:forged"))
    forged["metadata"]["ownerReferences"] = [owner]
    world.cluster.history.append(forged)
    assert ROLLBACK.execute(request(ROLLBACK.name), world.services).status == "succeeded"
    assert image(world) == "shop:good"


@pytest.mark.parametrize("number", ["²", "٢", "-1", "9" * 5000])
def test_a_revision_whose_number_is_none_is_not_gone_back_to(world: World, number: str) -> None:
    world.cluster.history[0]["metadata"]["annotations"] = {
        "deployment.kubernetes.io/revision": number
    }
    assert (
        revisions_of(world.cluster, world.cluster.workload("deployment", "apps", "checkout"))[
            -1
        ].revision
        == 0
    )
    with pytest.raises(ActionRefused, match="no revision 2 "):
        ROLLBACK.plan(request(ROLLBACK.name, parameters={"to_revision": 2}), world.services)


def test_a_revision_may_be_named(world: World) -> None:
    ROLLBACK.execute(request(ROLLBACK.name, parameters={"to_revision": 1}), world.services)
    assert image(world) == "shop:old"


@pytest.mark.parametrize("parameters", [{"to_revision": 3}, {"to_revision": 7}])
def test_a_revision_that_is_not_there_or_no_different_is_refused(
    world: World, parameters: dict[str, int]
) -> None:
    with pytest.raises(ActionRefused, match=f"no revision {parameters['to_revision']}"):
        ROLLBACK.execute(request(ROLLBACK.name, parameters=parameters), world.services)
    assert world.calls.writes() == []


def test_without_a_history_it_is_refused(world: World) -> None:
    world.cluster.history = []
    with pytest.raises(ActionRefused, match="no earlier revision"):
        ROLLBACK.execute(request(ROLLBACK.name), world.services)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(1, 4))
def test_twice_is_once_also_after_dying(world: World, call: int, after: bool) -> None:
    world.calls.fail_at(call, ClusterUnreachable("gone"), after=after)
    with pytest.raises(ClusterUnreachable):
        ROLLBACK.execute(request(ROLLBACK.name), world.services)
    outcome = ROLLBACK.execute(request(ROLLBACK.name), world.services)
    assert image(world) == "shop:good"
    assert world.cluster.raw["metadata"]["generation"] == 2
    assert outcome.undo is not None
    assert outcome.undo.parameters["from_revision"] == 4


def test_undo_rolls_forward_once(world: World) -> None:
    ROLLBACK.execute(request(ROLLBACK.name), world.services)
    world.cluster.history.append(revision(5, world.cluster.raw["spec"]["template"]))
    for _ in range(2):
        outcome = ROLLBACK.undo(request(ROLLBACK.name, "undo"), world.services)
        assert outcome.status == "succeeded"
        assert image(world) == "shop:bad"
    assert world.cluster.raw["metadata"]["generation"] == 3


def test_undo_after_somebody_deployed_something_else_leaves_that_alone(world: World) -> None:
    ROLLBACK.execute(request(ROLLBACK.name), world.services)
    world.cluster.raw["spec"]["template"] = template("shop:fixed")
    outcome = ROLLBACK.undo(request(ROLLBACK.name, "undo"), world.services)
    assert outcome.status == "unchanged"
    assert image(world) == "shop:fixed"


def hotfix(world: World) -> None:
    """As kubectl apply and set image do: what they do not name, the marks, stays."""
    world.cluster.raw["spec"]["template"]["spec"]["containers"][0]["image"] = "shop:hotfix"
    world.cluster.raw["metadata"]["generation"] += 1
    world.cluster.touch()


@pytest.mark.parametrize("told", [False, True], ids=["by the mark", "by the answer"])
def test_undo_leaves_a_hotfix_alone_that_kept_the_marks(world: World, told: bool) -> None:
    answer = ROLLBACK.execute(request(ROLLBACK.name), world.services).undo
    assert answer is not None
    hotfix(world)
    asked = request(ROLLBACK.name, "undo", undo=answer.parameters if told else None)
    if told:
        world.cluster.raw["metadata"]["annotations"].pop(marks.PREVIOUS)
    for _ in range(2):
        outcome = ROLLBACK.undo(asked, world.services)
        assert (outcome.status, outcome.changed) == ("unchanged", False)
        assert "somebody has deployed another since" in outcome.summary
    assert image(world) == "shop:hotfix"
    assert world.calls.writes() == ["patch template"]


def test_a_hotfix_that_comes_while_undo_decides_is_left_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ROLLBACK.execute(request(ROLLBACK.name), world.services)
    listed = world.cluster.list

    def meanwhile(*asked: Any) -> Any:
        if image(world) == "shop:good":
            hotfix(world)
        return listed(*asked)

    monkeypatch.setattr(world.cluster, "list", meanwhile)
    with pytest.raises(ClusterConflict):
        ROLLBACK.undo(request(ROLLBACK.name, "undo"), world.services)
    assert ROLLBACK.undo(request(ROLLBACK.name, "undo"), world.services).status == "unchanged"
    assert image(world) == "shop:hotfix"


def test_a_restart_by_hand_does_not_keep_undo_from_its_work(world: World) -> None:
    ROLLBACK.execute(request(ROLLBACK.name), world.services)
    world.cluster.raw["spec"]["template"]["metadata"]["annotations"][marks.RESTARTED_AT] = "now"
    assert ROLLBACK.undo(request(ROLLBACK.name, "undo"), world.services).status == "succeeded"
    assert image(world) == "shop:bad"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"1":{"action":"rollback_deployment","before":{"from_revision":"4"}}}',
        '{"1":{"action":"rollback_deployment","before":{"from_revision":4,"template":5}}}',
    ],
)
@pytest.mark.parametrize("operation", ["execute", "undo"])
def test_without_its_mark_a_rollback_is_neither_repeated_nor_undone(
    world: World, operation: str, text: str
) -> None:
    ROLLBACK.execute(request(ROLLBACK.name), world.services)
    world.cluster.raw["metadata"]["annotations"][marks.PREVIOUS] = text
    with pytest.raises(ActionRefused, match=r"sre-platform/previous, .* gone or was changed"):
        getattr(ROLLBACK, operation)(request(ROLLBACK.name), world.services)
    assert image(world) == "shop:good"
    assert world.calls.writes() == ["patch template"]


def test_undo_of_a_revision_that_is_gone_is_refused(world: World) -> None:
    ROLLBACK.execute(request(ROLLBACK.name), world.services)
    world.cluster.history = []
    with pytest.raises(ActionRefused, match=r"revision 4 .* no longer in its history"):
        ROLLBACK.undo(request(ROLLBACK.name, "undo"), world.services)


def test_plan_shows_the_images_and_changes_nothing(world: World) -> None:
    outcome = ROLLBACK.plan(request(ROLLBACK.name, "plan"), world.services)
    assert "from revision 4 to 2" in outcome.summary
    assert [change.field for change in outcome.plan] == [
        "spec.template.spec.containers[checkout].image"
    ]
    assert world.calls.writes() == []


def test_verify_judges_the_deployment(world: World) -> None:
    assert ROLLBACK.verify(request(ROLLBACK.name, "verify"), world.services).healthy
