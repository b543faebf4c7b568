"""restart, scale and rollback on a real API server."""

from __future__ import annotations

from typing import Any

import pytest
from kubernetes import client

from runbook_action.actions import REGISTRY
from runbook_action.errors import ActionRefused, RolloutFailed
from tests.integration.runbook_action.support import INCIDENT, Place, crashing, running

pytestmark = pytest.mark.kubernetes
RESTART = REGISTRY["restart_deployment"]
SCALE = REGISTRY["scale_deployment"]
ROLLBACK = REGISTRY["rollback_deployment"]
BY_STEP = {"step": 2, "max_replicas": 10}


def images(place: Place) -> set[str]:
    pods = place.core.list_namespaced_pod(place.namespace).items
    return {pod.spec.containers[0].image for pod in pods if pod.metadata.deletion_timestamp is None}


def deploy(place: Place, image: str) -> None:
    containers = [{"name": "checkout", "image": image}]
    place.apps.patch_namespaced_deployment(
        "checkout", place.namespace, {"spec": {"template": {"spec": {"containers": containers}}}}
    )


def test_a_restart_replaces_every_pod_once(place: Place) -> None:
    before = place.pod_uids()
    assert RESTART.execute(place.request(RESTART.name), place.services()).status == "succeeded"
    restarted = place.pod_uids()
    assert not before & restarted
    RESTART.execute(place.request(RESTART.name), place.services())
    assert place.pod_uids() == restarted
    assert RESTART.verify(place.request(RESTART.name, "verify"), place.services()).healthy


def test_scaling_adds_replicas_and_undo_takes_them_back(place: Place) -> None:
    request = place.request(SCALE.name, parameters=BY_STEP)
    outcome = SCALE.execute(request, place.services())
    assert outcome.status == "succeeded"
    assert outcome.details["ready_replicas"] == 5
    SCALE.execute(request, place.services())
    assert len(place.pod_uids()) == 5
    verify = place.request(SCALE.name, "verify", parameters=BY_STEP)
    assert SCALE.verify(verify, place.services()).healthy
    undone = SCALE.undo(place.request(SCALE.name, "undo", parameters=BY_STEP), place.services())
    assert undone.status == "succeeded"
    assert place.deployment().spec.replicas == 3


def test_scaling_raises_an_autoscalers_minimum_and_the_controller_follows(place: Place) -> None:
    autoscaling: Any = client.AutoscalingV2Api(place.admin)
    autoscaling.create_namespaced_horizontal_pod_autoscaler(
        place.namespace,
        {
            "metadata": {"name": "checkout"},
            "spec": {
                "scaleTargetRef": {
                    "apiVersion": "apps/v1",
                    "kind": "Deployment",
                    "name": "checkout",
                },
                "minReplicas": 2,
                "maxReplicas": 4,
            },
        },
    )
    request = place.request(SCALE.name, parameters=BY_STEP)
    outcome = SCALE.execute(request, place.services(seconds=60))
    assert outcome.status == "succeeded", outcome.summary
    found = autoscaling.read_namespaced_horizontal_pod_autoscaler("checkout", place.namespace)
    assert found.spec.min_replicas == 4
    assert place.deployment().spec.replicas == 4
    SCALE.undo(place.request(SCALE.name, "undo", parameters=BY_STEP), place.services())
    found = autoscaling.read_namespaced_horizontal_pod_autoscaler("checkout", place.namespace)
    assert found.spec.min_replicas == 2


def test_a_bad_deployment_is_rolled_back_past_a_restart(place: Place) -> None:
    place.statuses.status = lambda pod: (
        crashing(pod) if pod.spec.containers[0].image == "none/bad:1" else running(pod)
    )
    deploy(place, "none/bad:1")
    with pytest.raises(RolloutFailed):
        RESTART.execute(place.request(RESTART.name), place.services())
    planned = ROLLBACK.plan(place.request(ROLLBACK.name, "plan", step=2), place.services())
    assert [(change.before, change.after) for change in planned.plan] == [
        ("none/bad:1", "none/none:1")
    ]
    outcome = ROLLBACK.execute(place.request(ROLLBACK.name, step=2), place.services())
    assert outcome.status == "succeeded", outcome.summary
    assert images(place) == {"none/none:1"}
    generation = place.deployment().metadata.generation
    again = ROLLBACK.execute(place.request(ROLLBACK.name, step=2), place.services())
    assert again.undo == outcome.undo
    assert place.deployment().metadata.generation == generation
    marks = place.deployment().metadata.annotations
    assert marks["sre-platform/incident-id"] == INCIDENT


def test_an_undone_rollback_runs_the_later_template_again(place: Place) -> None:
    deploy(place, "none/later:1")
    place.wait_until_ready()
    undo = ROLLBACK.execute(place.request(ROLLBACK.name), place.services()).undo
    assert undo is not None
    for _ in range(2):
        outcome = ROLLBACK.undo(
            place.request(ROLLBACK.name, "undo", undo=undo.parameters), place.services()
        )
        assert outcome.status == "succeeded", outcome.summary
    assert images(place) == {"none/later:1"}


def test_what_must_stay_ready_is_judged_by_the_strategy_the_server_defaulted(place: Place) -> None:
    before = place.deployment().metadata.generation
    place.apps.patch_namespaced_deployment_scale(
        "checkout", place.namespace, {"spec": {"replicas": 4}}
    )
    place.wait_until_ready()
    with pytest.raises(ActionRefused, match="may leave 3 of 4 replicas"):
        RESTART.execute(place.request(RESTART.name, parameters={"min_ready": 4}), place.services())
    assert place.deployment().metadata.generation == before + 1, "only the scaling changed it"
    asked = place.request(RESTART.name, parameters={"min_ready": 3})
    assert RESTART.execute(asked, place.services()).status == "succeeded"
