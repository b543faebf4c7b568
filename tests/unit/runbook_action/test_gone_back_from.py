"""What somebody, or a runbook, has gone back from is never what a roll back brings back."""

from __future__ import annotations

from typing import Any

import pytest

from runbook_action.actions import REGISTRY
from runbook_action.errors import ActionRefused
from tests.unit.runbook_action.fakes import World, request
from tests.unit.runbook_action.revisions import revision, template

OLD, GOOD, BAD = (template(f"shop:{name}") for name in ("old", "good", "bad"))
PUT_BACK = template("shop:good", **{"sre-platform/restarted-by": "rollback_workload"})
NUMBER = "deployment.kubernetes.io/revision"


def kept(number: int, of: dict[str, Any], hour: int) -> dict[str, Any]:
    found = revision(number, of)
    found["metadata"]["creationTimestamp"] = f"2026-11-23T{hour:02}:00:00Z"
    return found


def brought_back(now: dict[str, Any], *history: dict[str, Any], **parameters: int) -> str:
    """Roll back, and give the image that was put."""
    world = World.new()
    world.cluster.history = list(history)
    world.cluster.raw["spec"]["template"] = now
    newest = max(int(each["metadata"]["annotations"][NUMBER]) for each in history)
    world.cluster.raw["metadata"]["annotations"] = {NUMBER: str(newest)}
    plan = REGISTRY["rollback_workload"].plan(
        request("rollback_workload", "plan", parameters=parameters), world.services
    )
    (image,) = [each.after for each in plan.plan if each.field.endswith(".image")]
    return str(image)


@pytest.mark.parametrize(
    "back",
    [[kept(3, GOOD, 1)], [kept(1, GOOD, 1), kept(3, PUT_BACK, 3)]],
    ids=["by kubectl, which takes the revision again", "by this platform, with its marks"],
)
def test_after_a_roll_back_there_is_nothing_to_go_back_to(back: list[dict[str, Any]]) -> None:
    with pytest.raises(ActionRefused, match="rolled back already, from revision 2"):
        brought_back(back[-1]["spec"]["template"], kept(2, BAD, 2), *back)


def test_a_version_that_was_there_before_both_is_brought_back() -> None:
    history = [kept(1, OLD, 1), kept(3, BAD, 3), kept(4, GOOD, 2)]
    assert brought_back(GOOD, *history) == "shop:old"


def test_from_a_new_version_it_goes_to_the_one_before_it_also_where_that_had_come_back() -> None:
    history = [kept(3, GOOD, 1), kept(2, BAD, 2), kept(4, OLD, 4)]
    assert brought_back(OLD, *history) == "shop:good"


def test_versions_of_one_second_and_without_a_time_go_by_their_numbers() -> None:
    assert brought_back(BAD, kept(1, GOOD, 1), kept(2, BAD, 1)) == "shop:good"
    assert brought_back(BAD, revision(1, GOOD), revision(2, BAD)) == "shop:good"


def test_a_revision_that_the_runbook_names_is_brought_back_whenever_it_came() -> None:
    assert brought_back(GOOD, kept(2, BAD, 2), kept(3, GOOD, 1), to_revision=2) == "shop:bad"
