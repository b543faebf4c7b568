"""rerun_job: one copy of a failed Job, whatever happens in between."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest

from runbook_action.actions import REGISTRY
from runbook_action.copies import COPY, RUN_AGAIN
from runbook_action.errors import (
    AccessDenied,
    ActionRefused,
    ClusterConflict,
    ClusterRejected,
    ClusterUnreachable,
    RolloutFailed,
)
from tests.unit.runbook_action.fakes import OTHER_INCIDENT, World, request

RERUN = REGISTRY["rerun_job"]
FAILED = [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "m"}]
COMPLETE = [{"type": "Complete", "status": "True"}]


def job(name: str = "report-29", **more: Any) -> dict[str, Any]:
    uid_labels = {"controller-uid": "j1", "batch.kubernetes.io/job-name": name, "app": "report"}
    return {
        "metadata": {
            "name": name,
            "namespace": "apps",
            "uid": "j1",
            "labels": uid_labels,
            "ownerReferences": [
                {
                    "apiVersion": "batch/v1",
                    "kind": "CronJob",
                    "name": "report",
                    "uid": "c1",
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
        "spec": {
            "backoffLimit": 2,
            "selector": {"matchLabels": {"controller-uid": "j1"}},
            "template": {"metadata": {"labels": uid_labels}, "spec": {"containers": []}},
        },
        "status": {"conditions": more.get("conditions", FAILED)},
    }


def cronjob(active: list[str] | None = None, **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "report", "namespace": "apps", "uid": "c1"},
        "spec": spec,
        "status": {"active": [{"kind": "Job", "name": each} for each in active or []]},
    }


@pytest.fixture
def world() -> World:
    world = World.new()
    world.cluster.put("job", job())
    world.cluster.put("cronjob", cronjob())
    world.cluster.at_settling = lambda: finish(world, COMPLETE)
    return world


def finish(world: World, conditions: list[dict[str, str]]) -> None:
    for each in world.cluster.more["job"][1:]:
        each["status"] = {"conditions": conditions}


def run(world: World, operation: Any = "execute", **more: Any) -> Any:
    asked = request(RERUN.name, operation, kind="job", name="report-29", **more)
    asked = replace(asked, target=replace(asked.target, uid="j1"))
    return getattr(RERUN, operation)(asked, world.services)


def test_a_copy_of_the_failed_job_runs_and_is_waited_for(world: World) -> None:
    outcome = run(world)
    assert outcome.status == "succeeded"
    (made,) = world.cluster.more["job"][1:]
    assert made["metadata"]["name"] == outcome.details["job"]
    assert made["metadata"]["labels"] == {"app": "report", COPY: "true"}
    (owner,) = made["metadata"]["ownerReferences"]
    assert (owner["uid"], owner["blockOwnerDeletion"]) == ("c1", False)
    assert made["spec"] == {
        "backoffLimit": 2,
        "template": {"metadata": {"labels": {"app": "report"}}, "spec": {"containers": []}},
    }
    assert run(world, "verify").healthy


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(1, 8))
def test_dying_at_any_call_and_repeating_makes_one_copy(
    world: World, call: int, after: bool
) -> None:
    world.calls.fail_at(call, ClusterUnreachable("gone"), after=after)
    with pytest.raises(ClusterUnreachable):
        run(world)
    assert run(world).status == "succeeded"
    assert run(world).status == "succeeded"
    assert len(world.cluster.more["job"]) == 2
    assert RUN_AGAIN not in world.cluster.more["job"][0]["metadata"]["labels"]


def test_the_failed_job_says_that_it_is_run_again_while_its_copy_is_made(world: World) -> None:
    made = world.cluster.create
    seen: list[Any] = []

    def create(kind: Any, namespace: str, body: Any) -> Any:
        seen.append(world.cluster.more["job"][0]["metadata"]["labels"][RUN_AGAIN])
        if len(seen) < 3:
            kind_of = (AccessDenied, ClusterRejected)[len(seen) - 1]
            raise kind_of("ValidatingAdmissionPolicy 'sre-remediation-copies' …")
        return made(kind, namespace, body)

    with mock.patch.object(world.cluster, "create", create):
        outcome = run(world)
    assert seen == [outcome.details["job"]] * 3
    assert RUN_AGAIN not in world.cluster.more["job"][0]["metadata"]["labels"]


@pytest.mark.parametrize(("why", "times"), [("sre-remediation-copies", 15), ("RBAC", 1)])
def test_a_copy_that_is_denied_leaves_the_failed_job_as_it_was(
    world: World, why: str, times: int
) -> None:
    before = copy.deepcopy(world.cluster.more["job"][0]["metadata"]["labels"])
    with (
        mock.patch.object(world.cluster, "create", side_effect=AccessDenied(why)) as create,
        pytest.raises(AccessDenied, match=why),
    ):
        run(world)
    assert create.call_count == times
    assert world.cluster.more["job"][0]["metadata"]["labels"] == before


def test_another_incident_makes_a_copy_of_its_own(world: World) -> None:
    run(world)
    run(world, incident_id=OTHER_INCIDENT)
    assert len({each["metadata"]["name"] for each in world.cluster.more["job"]}) == 3


def test_a_long_name_is_cut_to_what_a_label_holds(world: World) -> None:
    world.cluster.more["job"] = [job("r" * 63)]
    asked = request(RERUN.name, kind="job", name="r" * 63)
    assert len(RERUN.execute(asked, world.services).details["job"]) == 63


@pytest.mark.parametrize(("conditions", "why"), [([], "still at work"), (COMPLETE, "done its")])
def test_only_a_failed_job_is_run_again(
    world: World, conditions: list[dict[str, str]], why: str
) -> None:
    world.cluster.more["job"] = [job(conditions=conditions)]
    for operation in ("plan", "execute"):
        with pytest.raises(ActionRefused, match=why):
            run(world, operation)
    assert world.calls.writes() == []


def test_a_copy_that_fails_too_is_a_failure_with_its_reason(world: World) -> None:
    world.cluster.at_settling = lambda: finish(world, FAILED)
    with pytest.raises(RolloutFailed, match="BackoffLimitExceeded: m"):
        run(world)
    outcome = run(world, "verify")
    assert outcome.healthy is False
    assert "BackoffLimitExceeded" in outcome.summary


def test_a_job_of_that_name_that_somebody_else_made_is_left_alone(world: World) -> None:
    name = run(world).details["job"]
    world.cluster.more["job"][1] = job(name, conditions=[])
    with pytest.raises(ActionRefused, match="somebody else"):
        run(world)


def test_undo_stops_a_copy_that_still_runs_and_leaves_a_finished_one(world: World) -> None:
    world.cluster.at_settling = lambda: None
    assert run(world, "undo").status == "unchanged"
    assert run(world).status == "in_progress"
    assert run(world, "undo").status == "succeeded"
    assert world.cluster.more["job"][1]["spec"]["suspend"] is True
    assert run(world, "undo").status == "unchanged"


def test_plan_names_the_copy_and_makes_none(world: World) -> None:
    outcome = run(world, "plan")
    assert len(world.cluster.more["job"]) == 1
    assert outcome.plan[0].after == run(world).details["job"]
    assert run(world, "plan").status == "unchanged"


def test_verify_before_it_was_run_says_so(world: World) -> None:
    assert run(world, "verify").healthy is False


def test_a_run_is_watched_and_stopped_though_the_failed_job_was_cleared_away(world: World) -> None:
    world.cluster.at_settling = lambda: None
    assert run(world).status == "in_progress"
    del world.cluster.more["job"][0]
    assert run(world, "plan").status == "unchanged"
    assert run(world, "verify").summary.endswith("is still at work.")
    world.clock.seconds_left = 3
    assert run(world).status == "in_progress"
    assert run(world, "undo").status == "succeeded"
    assert world.cluster.more["job"][0]["spec"]["suspend"] is True


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (cronjob(suspend=True), "is suspended"),
        (cronjob(["report-30"], concurrencyPolicy="Forbid"), "Forbid.*report-30 is at work"),
        (cronjob(["report-30"], concurrencyPolicy="Replace"), "Replace.*report-30 is at work"),
    ],
)
def test_what_its_cronjob_forbids_is_not_run(world: World, now: dict[str, Any], why: str) -> None:
    world.cluster.more["cronjob"] = [now]
    for operation in ("plan", "execute"):
        with pytest.raises(ActionRefused, match=why):
            run(world, operation)
    assert world.calls.writes() == []


@pytest.mark.parametrize(
    "now", [cronjob(concurrencyPolicy="Forbid"), cronjob(["report-30"], concurrencyPolicy="Allow")]
)
def test_what_its_cronjob_allows_is_run(world: World, now: dict[str, Any]) -> None:
    world.cluster.more["cronjob"] = [now]
    assert run(world).status == "succeeded"


@pytest.mark.parametrize("made", [True, False])
def test_a_label_that_was_left_is_taken_off_once_its_copy_is_there_else_named(
    world: World, made: bool
) -> None:
    left = job("other-1")
    left["metadata"].update(uid="j9", labels={RUN_AGAIN: "other-1-again"})
    world.cluster.put("job", left, *([job("other-1-again")] if made else []))
    create = world.cluster.create

    def by_policy(kind: Any, namespace: str, body: Any) -> Any:
        if RUN_AGAIN in left["metadata"]["labels"]:
            raise AccessDenied("ValidatingAdmissionPolicy 'sre-remediation-copies' denied")
        return create(kind, namespace, body)

    with mock.patch.object(world.cluster, "create", by_policy):
        if made:
            assert run(world).changed
        else:
            with pytest.raises(ClusterConflict, match=f"label job other-1 {RUN_AGAIN}-"):
                run(world)
    assert (RUN_AGAIN in left["metadata"]["labels"]) is not made
