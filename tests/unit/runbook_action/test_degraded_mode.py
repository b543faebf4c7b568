"""enable_degraded_mode and disable_degraded_mode: what they do, twice, and after dying halfway."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from runbook_action.errors import (
    ActionRefused,
    AwsUnavailable,
    ChangeReverted,
    ClusterConflict,
    ClusterUnreachable,
    RetryableError,
    RolloutFailed,
    TargetNotFound,
)
from tests.unit.runbook_action.degraded import (
    DISABLE,
    ENABLE,
    LATER,
    WRITTEN,
    all_started,
    executed,
)
from tests.unit.runbook_action.fakes import (
    INCIDENT,
    OTHER_INCIDENT,
    PARAMETER,
    TOKEN,
    World,
    request,
)

CRASHING = {
    "name": "checkout",
    "restartCount": 3,
    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
}


def test_execute_sets_the_parameter_and_restarts_the_pods() -> None:
    world = World.new()
    outcome = ENABLE.execute(request(ENABLE.name), world.services)
    assert outcome.status == "succeeded"
    assert outcome.changed
    assert world.parameters.values == {PARAMETER: "true"}
    assert world.cluster.template_annotations == {
        "kubectl.kubernetes.io/restartedAt": "2026-11-23T15:14:52Z",
        "sre-platform/restarted-for": TOKEN,
        "sre-platform/restarted-by": "enable_degraded_mode",
    }
    assert outcome.details["ready_replicas"] == 3


def test_execute_writes_the_mark_first_then_the_parameter_then_the_restart() -> None:
    world = executed(World.new())
    assert world.calls.writes() == ["patch mark", "put parameter", "patch template"]
    marks = world.cluster.raw["metadata"]["annotations"]
    assert marks["sre-platform/incident-id"] == INCIDENT
    assert marks["sre-platform/action"] == "enable_degraded_mode"
    assert json.loads(marks["sre-platform/previous"]) == {
        "1": {"action": "enable_degraded_mode", "before": {"degraded_mode": False}}
    }


def test_execute_returns_the_undo_it_would_need() -> None:
    outcome = ENABLE.execute(request(ENABLE.name), World.new().services)
    assert outcome.undo is not None
    assert (outcome.undo.action, outcome.undo.parameters) == (
        "enable_degraded_mode",
        {"degraded_mode": False},
    )


def test_executing_twice_is_executing_once() -> None:
    world = World.new()
    first = ENABLE.execute(request(ENABLE.name), world.services)
    state, writes = world.state(), world.calls.writes()
    second = ENABLE.execute(request(ENABLE.name), world.services)
    assert world.state() == state
    assert world.calls.writes() == writes
    assert second.undo == first.undo
    assert [(change.field, change.after) for change in second.plan] == [
        (change.field, change.after) for change in first.plan
    ]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(1, 8))
def test_a_repeat_after_dying_at_any_call_ends_as_if_nothing_had_happened(
    call: int, after: bool
) -> None:
    expected = executed(World.new()).state()
    world = World.new()
    world.calls.fail_at(call, ClusterUnreachable("gone"), after=after)
    with pytest.raises(ClusterUnreachable):
        ENABLE.execute(request(ENABLE.name), world.services)
    outcome = ENABLE.execute(request(ENABLE.name), world.services)
    assert world.state() == expected
    assert outcome.undo is not None
    assert outcome.undo.parameters == {"degraded_mode": False}
    assert world.calls.log.count("patch template") <= 2
    generation = world.cluster.raw["metadata"]["generation"]
    assert generation == 2, "the pods are restarted once, not twice"


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(1, 7))
def test_undo_after_execute_died_at_any_call_restores_the_setting(call: int, after: bool) -> None:
    world = World.new()
    world.calls.fail_at(call, ClusterUnreachable("gone"), after=after)
    with pytest.raises(ClusterUnreachable):
        ENABLE.execute(request(ENABLE.name), world.services)
    ENABLE.undo(request(ENABLE.name, "undo"), world.services)
    assert world.parameters.values == {PARAMETER: "false"}


@pytest.mark.parametrize("call", range(1, 10))
def test_what_a_human_switched_since_a_switch_off_that_died_is_not_switched_off_by_the_repeat(
    call: int,
) -> None:
    """On again, after it was off already; before that, the repeat has still to switch it."""
    world = World.new(parameter="true")
    world.calls.fail_at(call, ClusterUnreachable("gone"), after=True)
    asked = request(DISABLE.name)
    with pytest.raises(ClusterUnreachable):
        DISABLE.execute(asked, world.services)
    was_off = world.parameters.values == {PARAMETER: "false"}
    restarted = "sre-platform/restarted-for" in world.cluster.template_annotations
    if not was_off:
        DISABLE.execute(asked, world.services)
        assert world.parameters.values == {PARAMETER: "false"}
        return
    world.parameters.human("true")
    with pytest.raises(ChangeReverted, match=f"whoever set {PARAMETER} to true"):
        DISABLE.execute(asked, world.services)
    assert ("sre-platform/restarted-for" in world.cluster.template_annotations) is restarted
    # It is theirs: undo leaves it alone, too.
    DISABLE.undo(request(DISABLE.name, "undo"), world.services)
    assert world.parameters.values == {PARAMETER: "true"}


def test_a_second_incident_restarts_again_and_remembers_what_was_before_both() -> None:
    world = executed(World.new())
    outcome = ENABLE.execute(request(ENABLE.name, incident_id=OTHER_INCIDENT), world.services)
    assert world.cluster.template_annotations["sre-platform/restarted-for"] == f"{OTHER_INCIDENT}/1"
    assert outcome.undo is not None
    assert outcome.undo.parameters == {"degraded_mode": False}


def test_what_another_incident_has_switched_on_is_no_change_of_the_second_one() -> None:
    world = executed(World.new())
    asked = request(ENABLE.name, "plan", incident_id=OTHER_INCIDENT)
    planned = ENABLE.plan(asked, world.services)
    assert planned.summary.endswith(
        f"; {PARAMETER} is true already, and not each pod is known to have been started since."
    )
    for _ in range(2):
        outcome = ENABLE.execute(replace(asked, operation="execute"), world.services)
        assert [each.kind for each in outcome.plan] == ["Deployment"]
        assert outcome.summary.startswith(
            f"Degraded mode was on already, held by {INCIDENT}, too, and not each pod is "
            "known to have been started since; every pod of"
        )
    # What it takes back in the end is its change, though it did not switch it on.
    ENABLE.undo(request(ENABLE.name, "undo"), world.services)
    undone = ENABLE.undo(replace(asked, operation="undo"), world.services)
    assert [(each.before, each.after) for each in undone.plan][:1] == [("true", "false")]


def test_what_was_on_before_any_incident_is_said_to_have_been_on() -> None:
    outcome = ENABLE.execute(request(ENABLE.name), World.new(parameter="true").services)
    assert [each.kind for each in outcome.plan] == ["Deployment"]
    assert outcome.summary.startswith(
        "Degraded mode was on already, and not each pod is known to have been started since; "
        "every pod of"
    )


def test_pods_that_have_read_the_switch_are_not_restarted_for_a_second_incident() -> None:
    world = all_started(executed(World.new()), LATER)
    asked = request(ENABLE.name, "plan", incident_id=OTHER_INCIDENT)
    planned = ENABLE.plan(asked, world.services)
    assert (planned.status, planned.plan) == ("planned", ())
    assert f"{PARAMETER} is true already, and each of them was started since" in planned.summary
    before, template = world.calls.writes(), world.cluster.template_annotations
    for _ in range(2):
        done = ENABLE.execute(replace(asked, operation="execute"), world.services)
        assert (done.status, done.changed, list(done.plan)) == ("succeeded", False, [])
        assert done.summary == (
            f"Degraded mode was on already, held by {INCIDENT}, too, and each pod was started "
            f"since, so none was restarted; every pod of {asked.target} runs with it."
        )
        # Its mark stays, so what happens to the pods meanwhile restarts none later.
        all_started(world, "2026-11-23T14:00:00Z")
    assert world.calls.writes() == [*before, "patch mark"]
    assert world.cluster.template_annotations == template
    assert ENABLE.plan(asked, world.services).status == "unchanged"
    # Held by both; the last one to let go brings it back, and restarts the pods for it.
    first = ENABLE.undo(request(ENABLE.name, "undo"), world.services)
    assert f"stays true: held by {OTHER_INCIDENT}, too" in first.summary
    assert world.parameters.values == {PARAMETER: "true"}
    for _ in range(2):
        last = ENABLE.undo(replace(asked, operation="undo"), world.services)
        assert [each.kind for each in last.plan] == ["Parameter", "Deployment"]
    assert world.parameters.values == {PARAMETER: "false"}
    assert world.cluster.template_annotations["sre-platform/undone-for"] == f"{OTHER_INCIDENT}/1"
    assert world.leases.kept == {}


@pytest.mark.parametrize("last", [INCIDENT, OTHER_INCIDENT])
def test_one_that_spared_the_pods_may_let_go_first(last: str) -> None:
    world = all_started(executed(World.new()), LATER)
    ENABLE.execute(request(ENABLE.name, incident_id=OTHER_INCIDENT), world.services)
    for each in sorted((INCIDENT, OTHER_INCIDENT), key=lambda one: one == last):
        assert world.parameters.values == {PARAMETER: "true"}
        ENABLE.undo(request(ENABLE.name, "undo", incident_id=each), world.services)
    assert (world.parameters.values, world.leases.kept) == ({PARAMETER: "false"}, {})


@pytest.mark.parametrize(
    ("started", "more", "written"),
    [
        ("2026-11-23T15:00:05Z", (), WRITTEN),
        ("2026-11-23T14:59:00Z", (), WRITTEN),
        ("yesterday", (), WRITTEN),
        (LATER, ({"state": {"running": {"startedAt": "2026-11-23T14:59:00Z"}}},), WRITTEN),
        (LATER, ({"state": {"waiting": {"reason": "CrashLoopBackOff"}}},), WRITTEN),
        (LATER, ({},), WRITTEN),
        (LATER, (), None),
    ],
    ids=["same second", "older", "no time", "one is older", "one waits", "unknown", "unwritten"],
)
def test_in_doubt_the_pods_are_restarted(
    started: str, more: tuple[dict[str, object], ...], written: datetime | None
) -> None:
    world = all_started(executed(World.new()), started, *more)
    world.parameters.at = written
    asked = request(ENABLE.name, incident_id=OTHER_INCIDENT)
    planned = ENABLE.plan(replace(asked, operation="plan"), world.services)
    assert planned.plan != ()
    done = ENABLE.execute(asked, world.services)
    assert [each.kind for each in done.plan] == ["Deployment"]
    for said in (planned.summary, done.summary):
        assert "already" in said
        assert "and not each pod is known to have been started since" in said
    assert world.cluster.template_annotations["sre-platform/restarted-for"] == f"{OTHER_INCIDENT}/1"


def test_pods_are_restarted_where_it_is_off_or_there_are_none_that_run() -> None:
    off = all_started(World.new(), LATER)
    assert len(ENABLE.execute(request(ENABLE.name), off.services).plan) == 2
    gone = all_started(World.new(parameter="true"), LATER)
    gone.cluster.pod_list = []
    assert len(ENABLE.execute(request(ENABLE.name), gone.services).plan) == 1


def test_what_was_spared_and_switched_off_since_is_left_to_whoever_did() -> None:
    world = all_started(World.new(parameter="true"), LATER)
    ENABLE.execute(request(ENABLE.name), world.services)
    world.parameters.human("false")
    assert (
        f"whoever set {PARAMETER} to false"
        in ENABLE.verify(request(ENABLE.name, "verify"), world.services).summary
    )
    with pytest.raises(ActionRefused, match="somebody has chosen"):
        ENABLE.execute(request(ENABLE.name), world.services)
    undone = ENABLE.undo(request(ENABLE.name, "undo"), world.services)
    assert (undone.status, world.parameters.values) == ("unchanged", {PARAMETER: "false"})
    assert world.cluster.template_annotations == {}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(1, 8))
def test_a_repeat_after_dying_at_any_call_spares_the_pods_too(call: int, after: bool) -> None:
    world = all_started(World.new(parameter="true"), LATER)
    world.calls.fail_at(call, ClusterUnreachable("gone"), after=after)
    with pytest.raises(ClusterUnreachable):
        ENABLE.execute(request(ENABLE.name), world.services)
    ENABLE.execute(request(ENABLE.name), world.services)
    assert world.cluster.template_annotations == {}
    (lease,) = world.leases.kept.values()
    assert [each.state for each in lease.holders.values()] == ["holds"]


def test_what_somebody_has_switched_off_is_no_change_of_the_undo() -> None:
    world = executed(World.new())
    world.parameters.human("false")
    undone = ENABLE.undo(request(ENABLE.name, "undo"), world.services)
    assert [each.kind for each in undone.plan] == ["Deployment"]


@pytest.mark.parametrize("first", [INCIDENT, OTHER_INCIDENT])
def test_the_last_of_two_incidents_switches_it_off(first: str) -> None:
    world = executed(World.new())
    ENABLE.execute(request(ENABLE.name, incident_id=OTHER_INCIDENT), world.services)
    last = OTHER_INCIDENT if first == INCIDENT else INCIDENT
    kept = ENABLE.undo(request(ENABLE.name, "undo", incident_id=first), world.services)
    assert (kept.status, kept.changed) == ("unchanged", False)
    assert f"stays true: held by {last}, too" in kept.summary
    assert world.parameters.values == {PARAMETER: "true"}
    for _ in range(2):
        outcome = ENABLE.undo(request(ENABLE.name, "undo", incident_id=last), world.services)
        assert outcome.status == "succeeded"
    assert world.parameters.values == {PARAMETER: "false"}
    assert world.leases.kept == {}


def test_a_rollout_that_outlasts_the_call_is_handed_back() -> None:
    world = World.new()
    world.clock.seconds_left = 0.5
    outcome = ENABLE.execute(request(ENABLE.name), world.services)
    assert outcome.status == "in_progress"
    assert outcome.undo is not None
    assert "still rolling" in outcome.summary
    world.clock.seconds_left = 90
    assert ENABLE.execute(request(ENABLE.name), world.services).status == "succeeded"
    assert world.calls.writes() == ["patch mark", "put parameter", "patch template"]


def test_new_pods_that_crash_fail_the_rollout() -> None:
    world = World.new()
    world.cluster.stuck = True
    world.cluster.pod_faults = CRASHING
    with pytest.raises(RolloutFailed, match=r"checkout-0: CrashLoopBackOff after 3 restarts"):
        ENABLE.execute(request(ENABLE.name), world.services)


def test_old_pods_that_crash_do_not_fail_the_rollout() -> None:
    world = World.new()
    world.cluster.pod_faults = CRASHING
    world.cluster.settle()
    world.cluster.pod_faults = None
    assert ENABLE.execute(request(ENABLE.name), world.services).status == "succeeded"


def test_an_exceeded_progress_deadline_fails_the_rollout() -> None:
    world = executed(World.new())
    world.cluster.raw["status"]["conditions"] = [
        {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    ]
    with pytest.raises(RolloutFailed, match="progress deadline"):
        ENABLE.execute(request(ENABLE.name), world.services)


def between_the_writes(world: World, happens: Callable[[], None]) -> None:
    put = world.parameters.put

    def put_while_something_happens(name: str, value: str) -> None:
        put(name, value)
        happens()

    world.parameters.put = put_while_something_happens  # type: ignore[method-assign]  # a race


def test_a_concurrent_change_is_a_conflict_and_nothing_is_overwritten() -> None:
    world = World.new()
    between_the_writes(world, world.cluster.change_spec)
    with pytest.raises(ClusterConflict):
        ENABLE.execute(request(ENABLE.name), world.services)
    assert world.cluster.template_annotations == {}
    ENABLE.execute(request(ENABLE.name), world.services)
    assert world.cluster.template_annotations["sre-platform/restarted-for"] == TOKEN


def test_another_incidents_mark_in_between_is_a_conflict() -> None:
    world = World.new()

    def another_incident_marks() -> None:
        world.cluster.touch()
        world.cluster.raw["metadata"]["annotations"]["sre-platform/incident-id"] = OTHER_INCIDENT

    between_the_writes(world, another_incident_marks)
    with pytest.raises(ClusterConflict):
        ENABLE.execute(request(ENABLE.name), world.services)


def test_a_status_update_in_between_is_no_conflict() -> None:
    world = World.new()
    between_the_writes(world, world.cluster.touch)
    assert ENABLE.execute(request(ENABLE.name), world.services).status == "succeeded"


def test_a_missing_target_is_found_out_before_anything_is_changed() -> None:
    world = World.new()
    with pytest.raises(TargetNotFound):
        ENABLE.execute(request(ENABLE.name, name="basket"), world.services)
    assert world.calls.writes() == []


@pytest.mark.parametrize(
    ("spec", "why"), [({"paused": True}, "paused"), ({"replicas": 0}, "scaled to 0")]
)
def test_a_target_that_cannot_roll_is_refused_before_anything_is_changed(
    spec: dict[str, object], why: str
) -> None:
    world = World.new()
    world.cluster.raw["spec"].update(spec)
    with pytest.raises(ActionRefused, match=why):
        ENABLE.execute(request(ENABLE.name), world.services)
    assert world.calls.writes() == []


def test_an_unreadable_parameter_stops_before_anything_is_changed() -> None:
    world = World.new()
    world.calls.fail_at(2, AwsUnavailable("throttled"))
    with pytest.raises(RetryableError):
        ENABLE.execute(request(ENABLE.name), world.services)
    assert world.calls.writes() == []


def test_plan_says_what_would_change_and_changes_nothing() -> None:
    world = World.new(parameter=None)
    state = world.state()
    outcome = ENABLE.plan(request(ENABLE.name, "plan"), world.services)
    assert outcome.status == "planned"
    assert [change.to_json() for change in outcome.plan] == [
        {"kind": "Parameter", "name": PARAMETER, "field": "value", "from": "false", "to": "true"},
        {
            "kind": "Deployment",
            "name": "apps/checkout",
            "field": "spec.template.metadata.annotations[kubectl.kubernetes.io/restartedAt]",
            "from": None,
            "to": "2026-11-23T15:14:52Z",
        },
    ]
    assert world.state() == state
    assert world.calls.writes() == []


def test_plan_after_execute_has_nothing_left_to_change() -> None:
    world = executed(World.new())
    assert ENABLE.plan(request(ENABLE.name, "plan"), world.services).status == "unchanged"


def test_verify_finds_an_executed_action_healthy() -> None:
    world = executed(World.new())
    outcome = ENABLE.verify(request(ENABLE.name, "verify"), world.services)
    assert (outcome.status, outcome.healthy) == ("succeeded", True)


@pytest.mark.parametrize(
    ("break_it", "reason"),
    [
        (lambda w: w.parameters.values.update({PARAMETER: "false"}), f"{PARAMETER} is false"),
        (lambda w: w.cluster.raw["status"].update(readyReplicas=2), "2 of 3 replicas are ready"),
        (lambda w: w.cluster.raw["status"].update(updatedReplicas=1), "1 of 3 new pods created"),
        (lambda w: w.cluster.raw["status"].update(replicas=4), "1 old pods still to end"),
        (lambda w: w.cluster.raw["status"].update(availableReplicas=0), "0 of 3 new pods avail"),
        (lambda w: w.cluster.raw["metadata"].update(generation=9), "controller to see"),
        (lambda w: w.cluster.raw["spec"].update(replicas=0), "scaled to 0"),
        (
            lambda w: w.cluster.pod_list[0]["status"].update(containerStatuses=[CRASHING]),
            "CrashLoopBackOff",
        ),
    ],
)
def test_verify_names_what_is_not_well(break_it: object, reason: str) -> None:
    world = executed(World.new())
    break_it(world)  # type: ignore[operator]  # one of the lambdas above
    outcome = ENABLE.verify(request(ENABLE.name, "verify"), world.services)
    assert (outcome.status, outcome.healthy) == ("unhealthy", False)
    assert any(reason in each for each in outcome.details["reasons"])
    assert reason in outcome.summary


def test_undo_restores_the_setting_and_restarts_again() -> None:
    world = World.new()
    outcome = ENABLE.execute(request(ENABLE.name), world.services)
    assert outcome.undo is not None
    undone = ENABLE.undo(request(ENABLE.name, "undo", undo=outcome.undo.parameters), world.services)
    assert undone.status == "succeeded"
    assert world.parameters.values == {PARAMETER: "false"}
    template = world.cluster.template_annotations
    assert template["sre-platform/undone-for"] == TOKEN
    assert "sre-platform/restarted-for" not in template


def test_undoing_twice_is_undoing_once() -> None:
    world = executed(World.new())
    ENABLE.undo(request(ENABLE.name, "undo"), world.services)
    state, writes = world.state(), world.calls.writes()
    ENABLE.undo(request(ENABLE.name, "undo"), world.services)
    assert world.state() == state
    assert world.calls.writes() == writes


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(1, 6))
def test_a_repeated_undo_after_dying_at_any_call_ends_the_same(call: int, after: bool) -> None:
    expected = executed(World.new())
    ENABLE.undo(request(ENABLE.name, "undo"), expected.services)
    world = executed(World.new())
    world.calls.fail_at(call, ClusterUnreachable("gone"), after=after)
    with pytest.raises(ClusterUnreachable):
        ENABLE.undo(request(ENABLE.name, "undo"), world.services)
    ENABLE.undo(request(ENABLE.name, "undo"), world.services)
    assert world.state() == expected.state()
    assert world.cluster.raw["metadata"]["generation"] == 3


def test_undo_of_what_was_never_done_changes_nothing() -> None:
    world = World.new()
    outcome = ENABLE.undo(request(ENABLE.name, "undo"), world.services)
    assert (outcome.status, outcome.changed) == ("unchanged", False)
    assert world.calls.writes() == []


def test_undo_keeps_the_mode_on_where_it_was_on_before_the_incident() -> None:
    world = executed(World.new(parameter="true"))
    ENABLE.undo(request(ENABLE.name, "undo"), world.services)
    assert world.parameters.values == {PARAMETER: "true"}


def test_undo_restores_the_setting_even_where_the_target_is_paused() -> None:
    world = executed(World.new())
    world.cluster.raw["spec"]["paused"] = True
    with pytest.raises(ActionRefused, match="paused"):
        ENABLE.undo(request(ENABLE.name, "undo"), world.services)
    assert world.parameters.values == {PARAMETER: "false"}


def test_enable_disable_enable_as_three_steps_of_one_incident_restarts_three_times() -> None:
    world = World.new()
    for step, action in enumerate((ENABLE, DISABLE, ENABLE), start=1):
        outcome = action.execute(request(action.name, step=step), world.services)
        assert outcome.status == "succeeded"
    assert world.cluster.raw["metadata"]["generation"] == 4
    assert world.parameters.values == {PARAMETER: "true"}


def test_disable_switches_off_and_its_undo_switches_on_again() -> None:
    world = World.new(parameter="true")
    DISABLE.execute(request(DISABLE.name), world.services)
    assert world.parameters.values == {PARAMETER: "false"}
    DISABLE.undo(request(DISABLE.name, "undo"), world.services)
    assert world.parameters.values == {PARAMETER: "true"}


def test_the_lease_knows_what_a_mark_that_somebody_garbled_does_not() -> None:
    world = executed(World.new())
    world.cluster.raw["metadata"]["annotations"]["sre-platform/previous"] = "{"
    outcome = ENABLE.undo(request(ENABLE.name, "undo"), world.services)
    assert outcome.status == "succeeded"
    assert world.parameters.values == {PARAMETER: "false"}
