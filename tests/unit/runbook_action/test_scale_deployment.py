"""scale_deployment: how many, once, with an autoscaler, and back."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from runbook_action.actions import REGISTRY
from runbook_action.errors import ActionRefused, ClusterUnreachable, InvalidRequest
from tests.unit.runbook_action.fakes import INCIDENT, OTHER_INCIDENT, World, request

SCALE = REGISTRY["scale_deployment"]
BY_FACTOR = {"factor": 1.5, "max_replicas": 10}
BY_FOUR = {"step": 4, "max_replicas": 12}


def with_autoscaler(world: World, minimum: int = 2, maximum: int = 8) -> World:
    world.cluster.hpa = {
        "metadata": {"name": "checkout", "namespace": "apps", "resourceVersion": "1"},
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "checkout"},
            "minReplicas": minimum,
            "maxReplicas": maximum,
        },
    }
    return world


def execute(world: World, parameters: dict[str, Any] = BY_FACTOR) -> Any:
    return SCALE.execute(request(SCALE.name, parameters=parameters), world.services)


@pytest.mark.parametrize(
    ("parameters", "replicas"),
    [
        ({"step": 2, "max_replicas": 10}, 5),
        ({"factor": 1.5, "max_replicas": 10}, 5),
        ({"factor": 3.0, "max_replicas": 7}, 7),
        ({"step": 100, "max_replicas": 4}, 4),
    ],
)
def test_a_step_or_a_factor_raises_the_replicas_up_to_the_maximum(
    parameters: dict[str, Any], replicas: int
) -> None:
    world = World.new()
    outcome = execute(world, parameters)
    assert outcome.status == "succeeded"
    assert world.cluster.raw["spec"]["replicas"] == replicas
    assert outcome.undo.parameters == {"before": 3, "after": replicas, "autoscaler": None}


@pytest.mark.parametrize(
    "parameters", [{"max_replicas": 9}, {"step": 1, "factor": 2.0, "max_replicas": 9}]
)
def test_either_step_or_factor_must_be_given(parameters: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="either step or factor"):
        execute(World.new(), parameters)


def test_at_the_maximum_it_is_refused() -> None:
    world = World.new()
    with pytest.raises(ActionRefused, match="has 3 replicas and may have 3"):
        execute(world, {"step": 1, "max_replicas": 3})
    assert world.calls.writes() == []


def test_a_factor_is_applied_once_however_often_it_is_asked_for() -> None:
    world = World.new()
    first = execute(world)
    second = execute(world)
    assert world.cluster.raw["spec"]["replicas"] == 5
    assert (second.undo, second.plan) == (first.undo, first.plan)
    assert world.calls.writes() == ["patch template"]


def test_an_autoscalers_minimum_is_raised_instead_of_the_replicas() -> None:
    world = with_autoscaler(World.new())
    outcome = execute(world)
    assert outcome.status == "succeeded"
    assert world.cluster.hpa is not None
    assert world.cluster.hpa["spec"]["minReplicas"] == 5
    assert world.calls.writes() == ["patch mark", "patch autoscaler"]
    assert outcome.undo.parameters == {"before": 2, "after": 5, "autoscaler": "checkout"}


def test_an_autoscalers_maximum_is_kept() -> None:
    world = with_autoscaler(World.new(), maximum=4)
    execute(world, {"step": 5, "max_replicas": 100})
    assert world.cluster.hpa is not None
    assert world.cluster.hpa["spec"]["minReplicas"] == 4


KEDA = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "checkout", "uid": "k"}


@pytest.mark.parametrize("controller", [True, False])
def test_the_minimum_of_an_autoscaler_that_is_another_ones_is_not_raised(controller: bool) -> None:
    world = with_autoscaler(World.new())
    assert world.cluster.hpa is not None
    world.cluster.hpa["metadata"]["ownerReferences"] = [{**KEDA, "controller": controller}]
    for operation in (SCALE.plan, SCALE.execute):
        with pytest.raises(ActionRefused, match="is managed by ScaledObject") as caught:
            operation(request(SCALE.name, parameters=BY_FACTOR), world.services)
        assert "HorizontalPodAutoscaler apps/checkout" in str(caught.value)
    assert world.calls.writes() == []


def test_what_several_autoscalers_scale_is_left_to_a_human() -> None:
    world = with_autoscaler(World.new())
    assert world.cluster.hpa is not None
    second = {**world.cluster.hpa, "metadata": {"name": "checkout-cpu", "namespace": "apps"}}
    world.cluster.put("horizontalpodautoscaler", second)
    for operation in (SCALE.plan, SCALE.execute):
        with pytest.raises(ActionRefused, match=r"apps/checkout and Horiz.* apps/checkout-cpu"):
            operation(request(SCALE.name, parameters=BY_FACTOR), world.services)
    assert world.calls.writes() == []


def test_what_was_raised_before_another_one_came_goes_back_all_the_same() -> None:
    world = with_autoscaler(World.new())
    execute(world)
    assert world.cluster.hpa is not None
    world.cluster.hpa["metadata"]["ownerReferences"] = [KEDA]
    assert execute(world).status == "succeeded"
    assert SCALE.undo(request(SCALE.name, "undo"), world.services).status == "succeeded"
    assert world.cluster.hpa["spec"]["minReplicas"] == 2


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(1, 5))
def test_a_repeat_after_dying_at_any_call_ends_with_the_same_numbers(
    call: int, after: bool
) -> None:
    world = with_autoscaler(World.new())
    world.calls.fail_at(call, ClusterUnreachable("gone"), after=after)
    with pytest.raises(ClusterUnreachable):
        execute(world)
    execute(world)
    assert world.cluster.hpa is not None
    assert world.cluster.hpa["spec"]["minReplicas"] == 5
    assert world.cluster.raw["spec"]["replicas"] == 5


@pytest.mark.parametrize("autoscaled", [False, True])
def test_undo_puts_the_number_back(autoscaled: bool) -> None:
    world = with_autoscaler(World.new()) if autoscaled else World.new()
    undo = execute(world).undo.parameters
    outcome = SCALE.undo(request(SCALE.name, "undo", undo=undo), world.services)
    assert outcome.status == "succeeded"
    if world.cluster.hpa:
        assert world.cluster.hpa["spec"]["minReplicas"] == 2
    else:
        assert world.cluster.raw["spec"]["replicas"] == 3


@pytest.mark.parametrize("autoscaled", [False, True])
def test_undo_leaves_alone_what_somebody_else_has_chosen_since(autoscaled: bool) -> None:
    world = with_autoscaler(World.new()) if autoscaled else World.new()
    execute(world)
    spec = world.cluster.hpa["spec"] if world.cluster.hpa else world.cluster.raw["spec"]
    key = "minReplicas" if autoscaled else "replicas"
    spec[key] = 7
    outcome = SCALE.undo(request(SCALE.name, "undo"), world.services)
    assert outcome.status == "unchanged"
    assert spec[key] == 7


def test_undo_of_what_was_never_done_changes_nothing() -> None:
    world = World.new()
    assert SCALE.undo(request(SCALE.name, "undo"), world.services).status == "unchanged"
    assert world.calls.writes() == []


def test_undo_without_its_autoscaler_leaves_the_replicas_alone() -> None:
    world = with_autoscaler(World.new())
    execute(world)
    world.cluster.hpa = None
    assert SCALE.undo(request(SCALE.name, "undo"), world.services).status == "unchanged"


def test_plan_shows_the_numbers_and_changes_nothing() -> None:
    world = World.new()
    outcome = SCALE.plan(request(SCALE.name, "plan", parameters=BY_FACTOR), world.services)
    assert [(change.before, change.after) for change in outcome.plan] == [(3, 5)]
    assert world.calls.writes() == []
    execute(world)
    again = SCALE.plan(request(SCALE.name, "plan", parameters=BY_FACTOR), world.services)
    assert again.status == "unchanged"


def test_verify_wants_the_number_that_was_set() -> None:
    world = World.new()
    execute(world)
    verify = request(SCALE.name, "verify", parameters=BY_FACTOR)
    assert SCALE.verify(verify, world.services).healthy
    world.cluster.raw["spec"]["replicas"] = 3
    outcome = SCALE.verify(verify, world.services)
    assert outcome.healthy is False
    assert "3 replicas are wanted, not 5" in outcome.summary


# ------------------------------------------------------------------ incidents that overlap


@pytest.mark.parametrize("autoscaled", [False, True])
@pytest.mark.parametrize("first", [INCIDENT, OTHER_INCIDENT])
def test_the_last_of_two_incidents_brings_back_what_was_before_both(
    first: str, autoscaled: bool
) -> None:
    world = with_autoscaler(World.new(), maximum=12) if autoscaled else World.new()
    parameters = {"step": 2, "max_replicas": 12}

    def number() -> int:
        hpa = world.cluster.hpa
        return int(hpa["spec"]["minReplicas"] if hpa else world.cluster.raw["spec"]["replicas"])

    before = number()
    for incident, found in ((INCIDENT, before), (OTHER_INCIDENT, 5)):
        asked = request(SCALE.name, parameters=parameters, incident_id=incident)
        for _ in range(2):
            outcome = SCALE.execute(asked, world.services)
            assert outcome.changed
            # What it truly changed; what comes back in the end is from before both.
            assert [(each.before, each.after) for each in outcome.plan] == [(found, number())]
        world.cluster.raw["spec"]["replicas"] = number()  # as an autoscaler does
    raised = number()
    assert raised == 7
    last = OTHER_INCIDENT if first == INCIDENT else INCIDENT
    kept = SCALE.undo(request(SCALE.name, "undo", incident_id=first), world.services)
    # The later one takes back what only it had added; the earlier one leaves what the later wants.
    later_ends = first == OTHER_INCIDENT
    assert (kept.status, number()) == (("succeeded", 5) if later_ends else ("unchanged", 7))
    ended = SCALE.undo(request(SCALE.name, "undo", incident_id=last), world.services)
    assert (ended.status, number()) == ("succeeded", before)
    assert world.leases.kept == {}


@pytest.mark.parametrize("autoscaled", [False, True])
def test_a_repeat_sets_no_more_than_it_may_by_now(autoscaled: bool) -> None:
    """Decided on seven, died, and is allowed six by now: by the autoscaler, or by its runbook."""
    world = with_autoscaler(World.new(), maximum=12) if autoscaled else World.new()
    next(n for n in range(1, 20) if _dies_at_its_first_patch(world, n, BY_FOUR))
    if world.cluster.hpa:
        world.cluster.hpa["spec"]["maxReplicas"] = 6
    with pytest.raises(ActionRefused, match="was to be 7 and may be 6 at most by now"):
        execute(world, {"step": 2, "max_replicas": 12 if autoscaled else 6})
    assert world.cluster.raw["spec"]["replicas"] == 3


def test_who_joins_sets_no_more_than_its_own_runbook_allows() -> None:
    world = World.new()
    next(n for n in range(1, 20) if _dies_at_its_first_patch(world, n, BY_FOUR))
    asked = request(
        SCALE.name, parameters={"step": 2, "max_replicas": 5}, incident_id=OTHER_INCIDENT
    )
    SCALE.execute(asked, world.services)
    assert world.cluster.raw["spec"]["replicas"] == 5


def test_an_autoscaler_that_scales_another_workload_by_now_has_its_minimum_back() -> None:
    world = with_autoscaler(World.new())
    undo = execute(world).undo.parameters
    assert world.cluster.hpa is not None
    world.cluster.hpa["spec"]["scaleTargetRef"]["name"] = "basket"
    outcome = SCALE.undo(request(SCALE.name, "undo", undo=undo), world.services)
    assert outcome.status == "succeeded"
    assert world.cluster.hpa["spec"]["minReplicas"] == 2
    assert world.leases.kept == {}


def test_with_the_autoscaler_its_leases_end() -> None:
    world = with_autoscaler(World.new())
    undo = execute(world).undo.parameters
    world.cluster.hpa = None
    outcome = SCALE.undo(request(SCALE.name, "undo", undo=undo), world.services)
    assert (outcome.status, world.leases.kept) == ("unchanged", {})


def test_a_workload_made_anew_under_its_name_has_no_lease() -> None:
    world = World.new()
    execute(world)
    world.cluster.raw["metadata"]["uid"] = "another"
    world.cluster.raw["spec"]["replicas"] = 5
    asked = request(SCALE.name, parameters=BY_FACTOR, incident_id=OTHER_INCIDENT)
    outcome = SCALE.execute(asked, world.services)
    assert outcome.undo is not None
    assert outcome.undo.parameters["before"] == 5
    SCALE.undo(request(SCALE.name, "undo", incident_id=OTHER_INCIDENT), world.services)
    assert world.cluster.raw["spec"]["replicas"] == 5


@pytest.mark.parametrize("autoscaled", [False, True])
def test_what_somebody_sets_between_lease_and_write_is_left_alone_and_told(
    autoscaled: bool,
) -> None:
    world = with_autoscaler(World.new(), maximum=12) if autoscaled else World.new()
    patches = next(n for n in range(1, 20) if _dies_at_its_first_patch(world, n))
    assert patches
    if autoscaled and world.cluster.hpa:
        world.cluster.hpa["spec"]["minReplicas"] = 9
    else:
        world.cluster.raw["spec"]["replicas"] = 9
    with pytest.raises(ActionRefused, match="is 9, which somebody has chosen"):
        execute(world, {"step": 2, "max_replicas": 12})
    SCALE.undo(request(SCALE.name, "undo"), world.services)
    assert world.leases.kept == {}


def _dies_at_its_first_patch(
    world: World, number: int, parameters: dict[str, Any] | None = None
) -> bool:
    """Let the lease be taken, and the call die before it writes anything else."""
    world.leases.kept.clear()
    world.calls.fail_at(number, ClusterUnreachable("gone"))
    with contextlib.suppress(ClusterUnreachable):
        execute(world, parameters or {"step": 2, "max_replicas": 12})
    return bool(world.leases.kept)
