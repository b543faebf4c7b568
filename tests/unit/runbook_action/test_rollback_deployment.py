"""rollback_deployment: to what, once, and forward again."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from runbook_action.actions import REGISTRY
from runbook_action.errors import ActionRefused, ClusterUnreachable
from tests.unit.runbook_action.fakes import TOKEN, World, request

ROLLBACK = REGISTRY["rollback_deployment"]


def template(image: str, **annotations: str) -> dict[str, Any]:
    return {
        "metadata": {"labels": {"app": "checkout"}, "annotations": annotations},
        "spec": {"containers": [{"name": "checkout", "image": image}]},
    }


def revision(number: int, of: dict[str, Any], owner: str = "u1") -> dict[str, Any]:
    of = copy.deepcopy(of)
    of["metadata"]["labels"]["pod-template-hash"] = f"hash{number}"
    return {
        "metadata": {
            "name": f"checkout-{number}",
            "namespace": "apps",
            "labels": {"app": "checkout"},
            "annotations": {"deployment.kubernetes.io/revision": str(number)},
            "ownerReferences": [{"uid": owner}],
        },
        "spec": {"template": of},
    }


@pytest.fixture
def world() -> World:
    """Revision 4 is broken, 3 is a restart of it, 2 is good, 1 is older."""
    world = World.new()
    broken = template("shop:bad", **{"sre-platform/restarted-for": "x"})
    world.cluster.raw["spec"]["template"] = broken
    world.cluster.raw["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "4"}
    world.cluster.history = [
        revision(2, template("shop:good")),
        revision(4, broken),
        revision(1, template("shop:old")),
        revision(3, template("shop:bad")),
        revision(3, template("shop:foreign"), owner="somebody else"),
    ]
    world.cluster.settle()
    return world


def image(world: World) -> str:
    return str(world.cluster.raw["spec"]["template"]["spec"]["containers"][0]["image"])


def test_the_newest_revision_that_differs_by_more_than_a_restart_comes_back(world: World) -> None:
    outcome = ROLLBACK.execute(request(ROLLBACK.name), world.services)
    assert outcome.status == "succeeded"
    assert image(world) == "shop:good"
    assert [(change.before, change.after) for change in outcome.plan] == [("shop:bad", "shop:good")]
    metadata = world.cluster.raw["spec"]["template"]["metadata"]
    assert metadata["labels"] == {"app": "checkout"}
    assert metadata["annotations"]["sre-platform/restarted-for"] == TOKEN


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
    assert outcome.undo.parameters == {"from_revision": 4}


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
