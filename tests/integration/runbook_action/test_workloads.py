"""StatefulSets and DaemonSets on a real API server, with their real controllers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from kubernetes import client

from runbook_action.actions import REGISTRY
from runbook_action.errors import RolloutFailed
from runbook_action.request import Request, Target, TargetKind
from tests.integration.runbook_action.fault_cases import LABELS, POD, OnStatefulSet
from tests.integration.runbook_action.support import INCIDENT, Place, crashing, running, unanswering
from tests.support.waiting import eventually

pytestmark = pytest.mark.kubernetes
BROKEN = "none/none:2"


class Restarted(OnStatefulSet):
    """A StatefulSet with the rights of a roll back, told to nobody's proxy."""

    def __init__(self, place: Place) -> None:
        self.action, self.place, self.name = "rollback_workload", place, "target"
        self.grant()
        self.action = "restart_workload"
        self.prepare()


class Daemons(Restarted):
    """A DaemonSet with the rights of a restart."""

    kind: TargetKind = "daemonset"

    def __init__(self, place: Place) -> None:
        self.action, self.place = "restart_workload", place
        self.grant()


def ask(place: Place, action: str, kind: TargetKind, step: int = 1) -> Request:
    target = Target(None, place.namespace, kind, "target")
    return Request("execute", action, target, INCIDENT, {}, step=step)


def run(place: Place, action: str, kind: TargetKind, step: int = 1, seconds: float = 40) -> Any:
    asked = ask(place, action, kind, step)
    return REGISTRY[action].execute(asked, place.services(seconds=seconds))


def test_a_statefulset_whose_new_pod_crashes_is_rolled_back_though_the_pod_never_gets_ready(
    bare_place: Place,
) -> None:
    scene = broken(bare_place, crashing)
    with pytest.raises(RolloutFailed, match="CrashLoopBackOff"):
        run(bare_place, "restart_workload", "statefulset", step=1)
    outcome = run(bare_place, "rollback_workload", "statefulset", step=2)
    assert outcome.status == "succeeded", outcome.summary
    assert scene.is_done()
    asked = ask(bare_place, "rollback_workload", "statefulset", step=2)
    assert REGISTRY["rollback_workload"].verify(asked, bare_place.services()).healthy


def test_a_statefulset_whose_new_pod_runs_and_is_never_ready_is_rolled_back(
    bare_place: Place,
) -> None:
    """Its controller replaces no pod while that one is not ready, however right the template is."""
    broken(bare_place, unanswering)
    outcome = run(bare_place, "rollback_workload", "statefulset")
    assert outcome.status == "succeeded", outcome.summary
    asked = ask(bare_place, "rollback_workload", "statefulset")
    assert REGISTRY["rollback_workload"].verify(asked, bare_place.services()).healthy


@pytest.mark.parametrize("action", ["rollback_workload", "restart_workload"])
@pytest.mark.parametrize(
    ("budgets", "why"),
    [
        ({"keep": {"maxUnavailable": 0}}, "429, .* The disruption budget keep needs"),
        (
            {"one": {"maxUnavailable": 1}, "two": {"minAvailable": 0}},
            "500, .* Merge its disruption budgets into one",
        ),
    ],
    ids=["without room", "two"],
)
def test_a_statefulset_whose_broken_pod_budgets_keep_is_watched_on_and_the_pod_named(
    bare_place: Place, action: str, budgets: dict[str, Any], why: str
) -> None:
    broken(bare_place, crashing)
    policy: Any = client.PolicyV1Api(bare_place.admin)
    for name, spec in budgets.items():
        body = {"metadata": {"name": name}, "spec": {**spec, "selector": {"matchLabels": LABELS}}}
        policy.create_namespaced_pod_disruption_budget(bare_place.namespace, body)
    eventually("the budgets count", lambda: are_counted(policy, bare_place))
    (stuck,) = bare_place.core.list_namespaced_pod(bare_place.namespace).items
    outcome = run(bare_place, action, "statefulset", seconds=6)
    assert (outcome.status, outcome.changed) == ("in_progress", True)
    held_up = f"{bare_place.namespace}/{stuck.metadata.name} holds it up and cannot be evicted"
    said = rf"still rolling: .*; {held_up} \(POST .*{why}.*\)\.$"
    assert re.search(said, outcome.summary), outcome.summary
    policy.delete_collection_namespaced_pod_disruption_budget(bare_place.namespace)
    bare_place.statuses.status = lambda pod: (
        crashing(pod) if pod.metadata.uid == stuck.metadata.uid else running(pod)
    )
    assert run(bare_place, action, "statefulset").status == "succeeded"


def are_counted(policy: Any, place: Place) -> bool:
    found = policy.list_namespaced_pod_disruption_budget(place.namespace).items
    return all((each.status.observed_generation or 0) > 0 for each in found)


def broken(place: Place, how: Callable[[Any], dict[str, Any] | None]) -> Restarted:
    """Roll out a version whose first pod comes up in some way that is not ready."""
    scene = Restarted(place)
    place.statuses.status = lambda pod: (
        how(pod) if pod.spec.containers[0].image == BROKEN else running(pod)
    )
    containers = [{"name": "main", "image": BROKEN}]
    scene.patch({"spec": {"template": {"spec": {"containers": containers}}}})
    eventually("the pod comes up", lambda: has_come_up(place))
    return scene


def has_come_up(place: Place) -> bool:
    pods = place.core.list_namespaced_pod(place.namespace).items
    return any(
        pod.spec.containers[0].image == BROKEN and pod.status.container_statuses for pod in pods
    )


def test_a_daemonset_is_restarted_on_each_of_its_nodes(bare_place: Place) -> None:
    name = f"node-of-{bare_place.namespace}"
    labels = {"only": bare_place.namespace}
    bare_place.core.create_node({"metadata": {"name": name, "labels": labels}})
    Daemons(bare_place)
    pod = {**POD, "nodeSelector": labels, "containers": [{"name": "main", "image": "none/none:1"}]}
    bare_place.apps.create_namespaced_daemon_set(
        bare_place.namespace,
        {
            "metadata": {"name": "target"},
            "spec": {
                "selector": {"matchLabels": LABELS},
                "template": {"metadata": {"labels": LABELS}, "spec": pod},
            },
        },
    )
    try:
        eventually("its pod is ready", lambda: ready(bare_place) == 1)
        before = bare_place.pod_uids()
        outcome = run(bare_place, "restart_workload", "daemonset")
        assert outcome.status == "succeeded", outcome.summary
        restarted = bare_place.pod_uids()
        assert not before & restarted
        assert run(bare_place, "restart_workload", "daemonset").status == "succeeded"
        assert bare_place.pod_uids() == restarted
    finally:
        bare_place.core.delete_node(name)


def ready(place: Place) -> int:
    found = place.apps.read_namespaced_daemon_set("target", place.namespace)
    return int(found.status.number_ready or 0)
