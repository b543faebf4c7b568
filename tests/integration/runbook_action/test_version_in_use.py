"""Since when a version is in use, by the revisions and field managers of a real API server."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from runbook_action.actions import REGISTRY
from runbook_action.errors import ActionRefused, RolloutFailed
from runbook_action.facts import facts_of
from runbook_action.request import Operation, Request, Target, TargetKind
from tests.integration.runbook_action.fault_cases import OnStatefulSet
from tests.integration.runbook_action.support import INCIDENT, Place, crashing, running
from tests.support.waiting import eventually

pytestmark = pytest.mark.kubernetes
OTHER = "0d1f8b52-6c1e-5b1e-9f0a-3d1f7a6c2e22"
NUMBER = "deployment.kubernetes.io/revision"
APART = 4.0  # seconds between two moments that must not be taken for one another


class Kept(OnStatefulSet):
    """A StatefulSet with the rights to read its revisions and to restart it."""

    def __init__(self, place: Place) -> None:
        self.action, self.place, self.name = "rollback_workload", place, "target"
        self.grant()
        self.action = "restart_workload"
        self.prepare()

    def deploy(self, image: str) -> None:
        containers = [{"name": "main", "image": image}]
        self.place.apps.patch_namespaced_stateful_set(
            "target",
            self.place.namespace,
            {"spec": {"template": {"spec": {"containers": containers}}}},
            field_manager="ada",
        )
        self.wait()

    def numbers(self) -> list[int]:
        kept = self.place.apps.list_namespaced_controller_revision(self.place.namespace).items
        return sorted(each.revision for each in kept)


def ask(place: Place, kind: TargetKind, operation: Operation, incident: str = INCIDENT) -> Request:
    name = "checkout" if kind == "deployment" else "target"
    target = Target(None, place.namespace, kind, name)
    return Request(operation, "restart_workload", target, incident, {})


def restarted_and_undone(place: Place, kind: TargetKind, incident: str = INCIDENT) -> None:
    """A restart whose pods crash, and its undo."""
    place.statuses.status = lambda pod: (
        crashing(pod)
        if "sre-platform/restarted-by" in (pod.metadata.annotations or {})
        else running(pod)
    )
    restart = REGISTRY["restart_workload"]
    with pytest.raises(RolloutFailed):
        restart.execute(ask(place, kind, "execute", incident), place.services(seconds=40))
    undone = restart.undo(ask(place, kind, "undo", incident), place.services(seconds=40))
    assert undone.status == "succeeded", undone.summary


def came_between(place: Place, kind: TargetKind, began: datetime, ended: datetime) -> None:
    """Check the fact against the clock, to a second: the API's times have no fractions."""
    age = facts_of(ask(place, kind, "plan"), place.services())["last_rollout_age_seconds"]
    now = datetime.now(UTC)
    assert (now - ended).total_seconds() - 2 <= age <= (now - began).total_seconds() + 2


def told_truly(
    place: Place,
    kind: TargetKind,
    deploy: Callable[[str], Any],
    numbers: Callable[[], list[int]],
) -> None:
    """Deploy, restart in vain and undo, go back by hand, and do the same again."""
    time.sleep(APART)
    for image, incident in (("none/later:1", INCIDENT), ("none/none:1", OTHER)):
        began = datetime.now(UTC)
        deploy(image)
        ended = datetime.now(UTC)
        came_between(place, kind, began, ended)
        before = max(numbers())
        time.sleep(APART)
        restarted_and_undone(place, kind, incident)
        assert max(numbers()) == before + 2, "the revision of before the restart is taken again"
        came_between(place, kind, began, ended)
        time.sleep(APART)
    # It was gone back from by hand: a roll back does not bring it again.
    asked = replace(ask(place, kind, "plan"), action="rollback_workload")
    with pytest.raises(ActionRefused, match="has been rolled back already, from revision "):
        REGISTRY["rollback_workload"].plan(asked, place.services())


def test_a_deployments_version_is_as_old_as_its_coming_whatever_restarts_were_undone(
    place: Place,
) -> None:
    def deploy(image: str) -> None:
        containers = [{"name": "checkout", "image": image}]
        place.apps.patch_namespaced_deployment(
            "checkout",
            place.namespace,
            {"spec": {"template": {"spec": {"containers": containers}}}},
            field_manager="ada",
        )
        place.wait_until_ready()

    def numbers() -> list[int]:
        kept = place.apps.list_namespaced_replica_set(place.namespace).items
        return [int(each.metadata.annotations[NUMBER]) for each in kept]

    told_truly(place, "deployment", deploy, numbers)


def test_a_statefulsets_version_is_as_old_as_its_coming_whatever_restarts_were_undone(
    bare_place: Place,
) -> None:
    scene = Kept(bare_place)
    told_truly(bare_place, "statefulset", scene.deploy, scene.numbers)


def test_where_restarts_have_pushed_the_version_between_out_nobody_knows_since_when_it_is_used(
    bare_place: Place,
) -> None:
    scene = Kept(bare_place)
    scene.patch({"spec": {"revisionHistoryLimit": 2}})
    scene.deploy("none/later:1")
    began = datetime.now(UTC)
    scene.deploy("none/none:1")
    came_between(bare_place, "statefulset", began, datetime.now(UTC))
    for number in range(2):
        restarted = {
            "metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": f"{number}"}}
        }
        scene.patch({"spec": {"template": restarted}})
        scene.wait()
    eventually("the one between is kept no more", lambda: scene.numbers() == [3, 4, 5])
    facts = facts_of(ask(bare_place, "statefulset", "plan"), bare_place.services())
    assert "last_rollout_age_seconds" not in facts
