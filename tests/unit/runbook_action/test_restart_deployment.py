"""restart_deployment: one write, once for an incident."""

from __future__ import annotations

import copy

import pytest

from runbook_action import marks
from runbook_action.actions import REGISTRY
from runbook_action.errors import ActionRefused, ClusterUnreachable
from tests.unit.runbook_action.fakes import OTHER_INCIDENT, TOKEN, World, request

RESTART = REGISTRY["restart_deployment"]


def test_execute_restarts_and_marks_in_one_write() -> None:
    world = World.new()
    outcome = RESTART.execute(request(RESTART.name), world.services)
    assert outcome.status == "succeeded"
    assert world.calls.writes() == ["patch template"]
    assert world.cluster.template_annotations["sre-platform/restarted-for"] == TOKEN
    assert world.cluster.raw["metadata"]["annotations"]["sre-platform/action"] == RESTART.name


def test_twice_is_once_and_another_incident_is_another_restart() -> None:
    world = World.new()
    RESTART.execute(request(RESTART.name), world.services)
    RESTART.execute(request(RESTART.name), world.services)
    assert world.cluster.raw["metadata"]["generation"] == 2
    assert world.calls.writes() == ["patch template"]
    RESTART.execute(request(RESTART.name, incident_id=OTHER_INCIDENT), world.services)
    assert world.cluster.raw["metadata"]["generation"] == 3


def test_a_lost_answer_does_not_restart_a_second_time() -> None:
    world = World.new()
    world.calls.fail_at(2, ClusterUnreachable("answer lost"), after=True)
    with pytest.raises(ClusterUnreachable):
        RESTART.execute(request(RESTART.name), world.services)
    assert RESTART.execute(request(RESTART.name), world.services).status == "succeeded"
    assert world.cluster.raw["metadata"]["generation"] == 2


def test_plan_shows_the_restart_until_it_is_done() -> None:
    world = World.new()
    assert len(RESTART.plan(request(RESTART.name, "plan"), world.services).plan) == 1
    assert world.calls.writes() == []
    RESTART.execute(request(RESTART.name), world.services)
    assert RESTART.plan(request(RESTART.name, "plan"), world.services).status == "unchanged"


def test_verify_judges_the_deployment() -> None:
    world = World.new()
    assert RESTART.verify(request(RESTART.name, "verify"), world.services).healthy
    world.cluster.raw["status"]["readyReplicas"] = 1
    assert RESTART.verify(request(RESTART.name, "verify"), world.services).healthy is False


def test_a_restart_whose_pods_do_not_come_up_is_taken_back_to_the_letter() -> None:
    world = World.new()
    before = dict(world.cluster.template_annotations)
    world.cluster.stuck = True
    world.clock.seconds_left = 0.0
    assert RESTART.execute(request(RESTART.name), world.services).status == "in_progress"
    assert world.cluster.template_annotations != before
    world.cluster.stuck = False  # the pods of the earlier template still run
    world.clock.seconds_left = 90.0
    outcome = RESTART.undo(request(RESTART.name, "undo"), world.services)
    assert (outcome.status, outcome.changed) == ("succeeded", True)
    assert world.cluster.template_annotations == before
    again = RESTART.undo(request(RESTART.name, "undo"), world.services)
    assert again.status == "succeeded"
    assert world.calls.writes() == ["patch template", "patch template"]


@pytest.mark.parametrize(
    ("before", "after", "seen", "status"),
    [
        (1, 1, True, "succeeded"),
        (1, 2, True, "succeeded"),
        (0, 0, True, "succeeded"),
        (2, 1, True, "in_progress"),
        (1, 1, False, "in_progress"),  # the status is that of the restart
        (3, 2, True, "in_progress"),  # it was well
        (3, 3, True, "in_progress"),  # and is once the restart's pod is gone
    ],
)
def test_of_a_target_that_was_ill_no_more_is_waited_for_than_was_ready_before(
    monkeypatch: pytest.MonkeyPatch, before: int, after: int, *, seen: bool, status: str
) -> None:
    world = World.new()
    monkeypatch.setattr(world.cluster, "settle", lambda: None)
    counts = world.cluster.raw["status"]
    counts |= {"readyReplicas": before, "availableReplicas": before}
    world.clock.seconds_left = 0
    assert RESTART.execute(request(RESTART.name), world.services).status == "in_progress"
    counts = world.cluster.raw["status"]
    counts |= {"replicas": 4, "readyReplicas": after, "availableReplicas": after}
    counts["observedGeneration"] = 3 if seen else 2
    world.clock.seconds_left = 5
    outcome = RESTART.undo(request(RESTART.name, "undo"), world.services)
    assert (outcome.status, outcome.changed) == (status, True)
    if status == "succeeded":
        assert f"{after} of its pods are ready, {before} were before" in outcome.summary
    else:
        assert world.clock.seconds_left < 1, "it waited"


@pytest.mark.parametrize("what", ["deployed", "restarted"])
def test_what_somebody_deployed_or_restarted_since_is_not_taken_back(what: str) -> None:
    world = World.new()
    world.cluster.stuck = True
    world.clock.seconds_left = 0.0
    RESTART.execute(request(RESTART.name), world.services)
    template = world.cluster.raw["spec"]["template"]
    if what == "restarted":  # as kubectl rollout restart does it
        template["metadata"]["annotations"][marks.RESTARTED_AT] = "2026-11-23T15:20:00Z"
    else:
        template["spec"] = {"containers": [{"name": "checkout", "image": "shop:hotfix"}]}
    world.cluster.change_spec()
    left = copy.deepcopy(template)
    outcome = RESTART.undo(request(RESTART.name, "undo"), world.services)
    assert (outcome.status, outcome.changed) == ("unchanged", False)
    assert "Somebody has deployed or restarted" in outcome.summary
    assert world.cluster.raw["spec"]["template"] == left


def test_undo_of_a_restart_that_never_was_changes_nothing() -> None:
    world = World.new()
    assert RESTART.undo(request(RESTART.name, "undo"), world.services).status == "unchanged"
    assert world.calls.writes() == []


def test_a_complete_restart_cannot_be_undone_and_undo_says_so() -> None:
    world = World.new()
    RESTART.execute(request(RESTART.name), world.services)
    outcome = RESTART.undo(request(RESTART.name, "undo"), world.services)
    assert outcome.status == "unchanged"
    assert "cannot be taken back" in outcome.summary
    assert world.calls.writes() == ["patch template"]


def test_of_a_restart_that_never_was_undo_does_not_say_that_there_was_one() -> None:
    world = World.new()
    outcome = RESTART.undo(request(RESTART.name, "undo"), world.services)
    assert outcome.status == "unchanged"
    assert "No restart for this incident is marked on" in outcome.summary
    assert world.calls.writes() == []


def test_a_paused_deployment_is_refused() -> None:
    world = World.new()
    world.cluster.raw["spec"]["paused"] = True
    with pytest.raises(ActionRefused, match="paused"):
        RESTART.execute(request(RESTART.name), world.services)
