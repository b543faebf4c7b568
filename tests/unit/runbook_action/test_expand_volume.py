"""expand_volume: how far, once, only where the class allows it, and never back."""

from __future__ import annotations

from typing import Any

import pytest

from runbook_action.actions import REGISTRY
from runbook_action.errors import (
    ActionRefused,
    ClusterUnreachable,
    InvalidRequest,
    RolloutFailed,
)
from runbook_action.objects import GIBIBYTE, bytes_of
from tests.unit.runbook_action.fakes import World, request

EXPAND = REGISTRY["expand_volume"]
BY_STEP = {"step_gib": 5, "max_gib": 100}


@pytest.fixture
def world() -> World:
    world = World.new()
    world.cluster.put(
        "persistentvolumeclaim",
        {
            "metadata": {"name": "data", "namespace": "apps", "resourceVersion": "1"},
            "spec": {
                "storageClassName": "gp3",
                "resources": {"requests": {"storage": "10Gi"}},
            },
            "status": {"phase": "Bound", "capacity": {"storage": "10Gi"}},
        },
    )
    world.cluster.put("storageclass", {"metadata": {"name": "gp3"}, "allowVolumeExpansion": True})
    world.cluster.at_settling = lambda: grow(world)
    return world


def claim(world: World) -> dict[str, Any]:
    return world.cluster.more["persistentvolumeclaim"][0]


def grow(world: World) -> None:
    claim(world)["status"]["capacity"] = dict(claim(world)["spec"]["resources"]["requests"])


def run(world: World, operation: Any = "execute", parameters: Any = BY_STEP) -> Any:
    asked = request(
        EXPAND.name, operation, kind="persistentvolumeclaim", name="data", parameters=parameters
    )
    return getattr(EXPAND, operation)(asked, world.services)


def asked_for(world: World) -> str:
    return str(claim(world)["spec"]["resources"]["requests"]["storage"])


@pytest.mark.parametrize(
    ("parameters", "size"),
    [
        (BY_STEP, "15Gi"),
        ({"percent": 25, "max_gib": 100}, "13Gi"),
        ({"percent": 100, "max_gib": 12}, "12Gi"),
    ],
)
def test_it_grows_by_a_step_or_a_share_up_to_the_limit_once(
    world: World, parameters: dict[str, int], size: str
) -> None:
    assert run(world, parameters=parameters).status == "succeeded"
    assert asked_for(world) == size
    assert run(world, parameters=parameters).status == "succeeded"
    assert asked_for(world) == size
    assert run(world, "verify", parameters).healthy


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(1, 5))
def test_dying_at_any_call_and_repeating_expands_once(world: World, call: int, after: bool) -> None:
    world.calls.fail_at(call, ClusterUnreachable("gone"), after=after)
    with pytest.raises(ClusterUnreachable):
        run(world)
    assert run(world).status == "succeeded"
    assert asked_for(world) == "15Gi"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda w: claim(w)["status"].update(phase="Pending"), "not bound"),
        (lambda w: claim(w)["spec"].update(storageClassName=""), "of no class"),
        (
            lambda w: w.cluster.more["storageclass"][0].update(allowVolumeExpansion=False),
            "allowVolumeExpansion",
        ),
        (
            lambda w: claim(w)["spec"].update(resources={"requests": {"storage": "11Gi"}}),
            "under way",
        ),
    ],
)
def test_what_cannot_grow_is_refused(world: World, change: Any, why: str) -> None:
    change(world)
    for operation in ("plan", "execute"):
        with pytest.raises(ActionRefused, match=why):
            run(world, operation)
    assert world.calls.writes() == []


def test_at_the_limit_it_is_refused(world: World) -> None:
    with pytest.raises(ActionRefused, match="has 10Gi and may have 10Gi"):
        run(world, parameters={"step_gib": 1, "max_gib": 10})


@pytest.mark.parametrize("parameters", [{"max_gib": 9}, {**BY_STEP, "percent": 3}])
def test_either_a_step_or_a_share_must_be_given(world: World, parameters: Any) -> None:
    with pytest.raises(InvalidRequest, match="either step_gib or percent"):
        run(world, parameters=parameters)


def test_storage_that_cannot_give_it_is_a_failure_at_once(world: World) -> None:
    world.cluster.at_settling = lambda: claim(world)["status"].update(
        allocatedResourceStatuses={"storage": "ControllerResizeInfeasible"}
    )
    with pytest.raises(RolloutFailed, match="ControllerResizeInfeasible"):
        run(world)


def test_one_that_takes_long_goes_on_and_is_unhealthy_until_then(world: World) -> None:
    world.cluster.at_settling = lambda: None
    assert run(world).status == "in_progress"
    assert run(world, "verify").healthy is False


def test_nobody_is_told_that_it_could_be_undone(world: World) -> None:
    assert EXPAND.asks
    assert run(world, "plan").undo is None
    assert run(world).undo is None
    assert run(world, "plan").status == "unchanged"
    assert run(world, "undo").status == "unchanged"
    assert asked_for(world) == "15Gi"


@pytest.mark.parametrize(
    ("text", "size"),
    [("1Gi", GIBIBYTE), ("1.5Gi", GIBIBYTE * 3 // 2), ("2M", 2_000_000), ("3k", 3000),
     ("7", 7), ("5000m", 5), ("1Ki", 1024), ("much", 0)],
)  # fmt: skip
def test_quantities_are_read_as_the_api_writes_them(text: str, size: int) -> None:
    assert bytes_of(text) == size
