"""An alert of a pod that has been replaced by one of its name is none of that one's."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from runbook_action.errors import ActionRefused
from tests.unit.runbook_action.resolve.scene import from_alert, resolved, runbook, scene, stored

NOW = "1a6127a1-62d4-4f0e-9c35-7d9a3a6b0f11"
BEFORE = "11111111-1111-1111-1111-111111111111"
DB = {"namespace": "apps", "pod": "db-0"}
LABELS = ("uid", "exported_uid", "pod_uid", "k8s_pod_uid", "k8s.pod.uid", "kubernetes_pod_uid")


def target_of(kind: str, labels: Mapping[str, str]) -> str:
    world = scene()
    stored(world, "pod", "db-0")["metadata"]["uid"] = NOW
    return str(resolved(world, runbook(from_alert(kind)), labels)["target"]["name"])


@pytest.mark.parametrize("label", LABELS)
def test_another_pod_of_the_name_is_left_alone(label: str) -> None:
    said = rf"another Pod apps/db-0, of uid '{BEFORE}' \(label {label}\), .*nothing is done"
    with pytest.raises(ActionRefused, match=said):
        target_of("pod", {**DB, label: BEFORE})
    assert target_of("pod", {**DB, label: NOW}) == "db-0"
    assert target_of("pod", {**DB, label: NOW.upper()}) == "db-0"


@pytest.mark.parametrize("label", LABELS)
def test_the_workload_of_a_pod_that_was_replaced_is_still_its_workload(label: str) -> None:
    assert target_of("workload", {**DB, label: BEFORE}) == "db"


@pytest.mark.parametrize(
    "labels",
    [
        {"uid": "1000"},
        {"uid": ""},
        {"pod_uid": "<none>"},
        {"k8s_node_uid": BEFORE},
        {"datasource_uid": BEFORE},
        {"job_uid": BEFORE},
        # Where kube-state-metrics runs says nothing of whom it tells.
        {"kubernetes_pod_uid": BEFORE, "job": "kube-state-metrics", "uid": NOW},
    ],
)
def test_what_is_no_uid_of_a_pod_says_nothing(labels: Mapping[str, str]) -> None:
    assert target_of("pod", {**DB, **labels}) == "db-0"


def test_a_node_that_was_made_anew_under_its_name_is_another_one() -> None:
    with pytest.raises(ActionRefused, match=r"another Node node-1, of uid .* \(label k8s_node"):
        target_of("node", {"node": "node-1", "k8s_node_uid": BEFORE})


def test_so_is_a_workload() -> None:
    labels = {"namespace": "apps", "deployment": "checkout"}
    with pytest.raises(ActionRefused, match=r"another Deployment apps/checkout, of uid"):
        target_of("workload", {**labels, "k8s.deployment.uid": BEFORE})
    with pytest.raises(ActionRefused, match=r"another Deployment apps/checkout, of uid"):
        target_of("deployment", {**labels, "k8s_deployment_uid": BEFORE})
