"""Each alert of kube-prometheus-stack that a runbook answers, on a real API server.

One that acts: its object is found by the labels that the chart's rule gives it, what it does is
planned, done, verified, and taken back. One that asks: up to its plan. All with the shipped rights,
and each call is one that the published runbook is entitled to.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from kubernetes import client

from runbook_action.actions import REGISTRY
from runbook_action.decided import plan_hash
from runbook_action.entitlement import Entitlement
from runbook_action.errors import ActionRefused
from runbook_action.operate import operate
from runbook_action.outcome import Outcome
from runbook_action.ports import Lock
from runbook_action.request import Operation, parse_request
from runbook_action.resolve import Policy, lock_of, parse_resolve, resolve
from srectl import runbooks
from srectl.runbooks.answering import alerts_of, answers_to
from tests.integration.runbook_action.fault_cases import LABELS, POD
from tests.integration.runbook_action.node_scene import node_of
from tests.integration.runbook_action.support import Place
from tests.support.shipped import RUNBOOKS
from tests.support.waiting import eventually
from tests.unit.runbook_action.fake_catalogue import FakeCatalogue, FakeLocks

pytestmark = pytest.mark.kubernetes
CATALOGUE = runbooks.load_all(RUNBOOKS)
ANSWERS = {
    each.alert: each
    for each in answers_to(
        alerts_of(RUNBOOKS / "kubernetes" / "kube-prometheus-stack.csv"), CATALOGUE
    )
    if each.answer in ("acts", "asks")
}
ACTS = [alert for alert, each in ANSWERS.items() if each.answer == "acts"]
ASKS = [alert for alert, each in ANSWERS.items() if each.answer == "asks"]
# Where kube-state-metrics and node-exporter run: their pods stand in the labels of others' alerts.
METRICS = {"job": "kube-state-metrics", "instance": "10.9.0.9:8080"}
OF_A_POD = {
    "KubePodCrashLooping": {"container": "checkout", "reason": "CrashLoopBackOff"},
    "KubePodNotReady": {},
    "KubeContainerWaiting": {"container": "checkout", "reason": "CreateContainerConfigError"},
}


@dataclass
class Scene:
    """All that the alerts are about, in one namespace."""

    place: Place
    node: str
    address: str = "10.9.7.7"

    def labels(self, alert: str) -> dict[str, str]:
        """Give the labels of an alert as its rule makes them."""
        here = {"alertname": alert, "namespace": self.place.namespace, **METRICS}
        exporter = {"namespace": "monitoring", "pod": "exporter-x2x9q", "job": "exporter"}
        if alert in OF_A_POD:
            return {**here, "pod": self.pod(), **OF_A_POD[alert]}
        if alert.startswith("KubeDeployment"):
            return {**here, "deployment": "checkout", "pod": "kube-state-metrics-5d8f9c7b6-qk2lm"}
        if alert.startswith("KubeStatefulSet"):
            return {**here, "statefulset": "target"}
        if alert.startswith("KubePersistentVolume"):
            return {**here, "persistentvolumeclaim": "data", "job": "kubelet"}
        if alert.startswith("NodeFilesystem") or alert == "NodeRAIDDegraded":
            return {**exporter, "instance": f"{self.address}:9100", "device": "/dev/nvme0n1p1"}
        if alert == "KubeHpaMaxedOut":
            return {**here, "horizontalpodautoscaler": "checkout"}
        if alert == "KubeJobFailed":
            return {**here, "job_name": "report", "condition": "true"}
        return {**exporter, **METRICS, "node": self.node}

    def pod(self) -> str:
        found = self.place.core.list_namespaced_pod(
            self.place.namespace, label_selector="app=checkout"
        ).items
        there = [each.metadata.name for each in found if not each.metadata.deletion_timestamp]
        return str(there[0])

    def state(self) -> dict[str, Any]:
        """Give what the actions change."""
        place, namespace = self.place, self.place.namespace
        scaling: Any = client.AutoscalingV2Api(place.admin)
        autoscaler = scaling.read_namespaced_horizontal_pod_autoscaler("checkout", namespace)
        stateful = place.apps.read_namespaced_stateful_set("target", namespace)
        claim = place.core.read_namespaced_persistent_volume_claim("data", namespace)
        jobs = client.BatchV1Api(place.admin).list_namespaced_job(namespace).items
        return {
            "deployment": place.deployment().spec.template.spec.containers[0].image,
            "statefulset": stateful.spec.template.spec.containers[0].image,
            "horizontalpodautoscaler": autoscaler.spec.max_replicas,
            "node": bool(place.core.read_node(self.node).spec.unschedulable),
            "persistentvolumeclaim": claim.spec.resources.requests["storage"],
            "jobs": len(jobs),
        }


@pytest.fixture(scope="module")
def scene(open_place: Callable[[], AbstractContextManager[Place]]) -> Iterator[Scene]:
    with open_place() as place, node_of(place) as node:
        found = Scene(place, node)
        _workloads(place)
        _autoscaler(place)
        _failed_job(place)
        _claim(place)
        address = {"type": "InternalIP", "address": found.address}
        place.core.patch_node_status(node, {"status": {"addresses": [address]}})
        yield found
        storage: Any = client.StorageV1Api(place.admin)
        storage.delete_storage_class(place.namespace)


def _workloads(place: Place) -> None:
    """A Deployment and a StatefulSet of one pod, each with a version before."""
    place.apps.patch_namespaced_deployment("checkout", place.namespace, {"spec": {"replicas": 1}})
    pod = {**POD, "containers": [{"name": "main", "image": "none/none:1"}]}
    spec = {
        "replicas": 1,
        "serviceName": "target",
        "selector": {"matchLabels": LABELS},
        "template": {"metadata": {"labels": LABELS}, "spec": pod},
    }
    place.apps.create_namespaced_stateful_set(
        place.namespace, {"metadata": {"name": "target"}, "spec": spec}
    )
    eventually("the first versions run", lambda: _settled(place))
    for name, patch, kind in (
        ("checkout", place.apps.patch_namespaced_deployment, "checkout"),
        ("target", place.apps.patch_namespaced_stateful_set, "main"),
    ):
        newer = {"spec": {"containers": [{"name": kind, "image": "none/none:2"}]}}
        patch(name, place.namespace, {"spec": {"template": newer}})
    eventually("the second versions run", lambda: _settled(place))


def _settled(place: Place) -> bool:
    deployment = place.deployment()
    stateful = place.apps.read_namespaced_stateful_set("target", place.namespace)
    told = all(
        each.status.observed_generation == each.metadata.generation
        for each in (deployment, stateful)
    )
    return bool(
        told
        and deployment.status.updated_replicas == deployment.status.ready_replicas == 1
        and deployment.status.replicas == 1
        and stateful.status.ready_replicas == 1
        and stateful.status.current_revision == stateful.status.update_revision
    )


def _autoscaler(place: Place) -> None:
    scaling: Any = client.AutoscalingV2Api(place.admin)
    scaled = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "checkout"}
    scaling.create_namespaced_horizontal_pod_autoscaler(
        place.namespace,
        {
            "metadata": {"name": "checkout"},
            "spec": {"scaleTargetRef": scaled, "minReplicas": 1, "maxReplicas": 4},
        },
    )


def _failed_job(place: Place) -> None:
    batch: Any = client.BatchV1Api(place.admin)
    containers = [{"name": "main", "image": "none/none:1"}]
    pod = {**POD, "restartPolicy": "Never", "containers": containers}
    spec = {"managedBy": "example.com/nobody", "template": {"spec": pod}}
    batch.create_namespaced_job(place.namespace, {"metadata": {"name": "report"}, "spec": spec})
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    ended = [
        {"type": each, "status": "True", "reason": "Said", "lastTransitionTime": now}
        for each in ("FailureTarget", "Failed")
    ]
    status = {"startTime": now, "conditions": ended}
    batch.patch_namespaced_job_status("report", place.namespace, {"status": status})


def _claim(place: Place) -> None:
    storage: Any = client.StorageV1Api(place.admin)
    storage.create_storage_class(
        {
            "metadata": {"name": place.namespace},
            "provisioner": "example.com/nobody",
            "allowVolumeExpansion": True,
        }
    )
    place.core.create_namespaced_persistent_volume_claim(
        place.namespace,
        {
            "metadata": {"name": "data"},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": place.namespace,
                "volumeName": f"of-{place.namespace}",
                "resources": {"requests": {"storage": "8Gi"}},
            },
        },
    )
    place.core.patch_namespaced_persistent_volume_claim_status(
        "data", place.namespace, {"status": {"phase": "Bound", "capacity": {"storage": "8Gi"}}}
    )


class Remediation:
    """The calls that the machine makes of the function for one alert."""

    def __init__(self, scene: Scene, alert: str) -> None:
        self.scene, self.incident = scene, str(uuid.uuid4())
        self.services = scene.place.services(60)
        self.allowed = frozenset({scene.place.namespace})
        definition = CATALOGUE.selected()[alert]
        asked = parse_resolve(
            {
                "runbook": definition,
                "alert": {"labels": scene.labels(alert)},
                "incident_id": self.incident,
            }
        )
        policy = Policy({"sre-platform": "c"}, "sre-platform", self.allowed)
        found = resolve(asked, REGISTRY, policy, lambda _: self.services)
        (self.step,) = found["steps"]
        self.runbook = str(definition["name"])

    def ask(self, operation: Operation, **more: Any) -> Outcome:
        event: Mapping[str, Any] = {
            "operation": operation,
            "incident_id": self.incident,
            "runbook": self.runbook,
            "step": self.step["index"],
            **{key: self.step.get(key) for key in ("action", "target", "parameters", "template")},
            **({"when": self.step["when"]} if operation in ("plan", "execute") else {}),
            **more,
        }
        request = parse_request(event, REGISTRY, self.allowed)
        locks = FakeLocks(Lock(self.incident, self.services.clock.now().timestamp() + 60))
        catalogue = FakeCatalogue([one.definition for one in CATALOGUE.runbooks])
        action = REGISTRY[request.action]
        Entitlement(catalogue, locks, self.services.clock).refuse(
            request, action.fields, lock_of(request.target)
        )
        return operate(action, request, self.services)


@pytest.mark.parametrize("alert", ACTS)
def test_what_acts_is_done_verified_and_taken_back(scene: Scene, alert: str) -> None:
    before = scene.state()
    remediation = Remediation(scene, alert)
    kind = remediation.step["target"]["kind"]
    planned = remediation.ask("plan")
    assert planned.plan, planned.summary
    assert not planned.why_not
    assert scene.state() == before, "a plan changes nothing"
    done = remediation.ask("execute", plan_hash=plan_hash(planned))
    assert done.changed
    after = scene.state()
    assert [key for key, value in after.items() if value != before[key]] == [kind]
    assert remediation.ask("verify").healthy
    undo = done.undo and {"action": done.undo.action, "parameters": dict(done.undo.parameters)}
    assert remediation.ask("undo", undo=undo).changed
    assert scene.state() == before


@pytest.mark.parametrize("alert", ASKS)
def test_what_asks_is_found_and_planned_and_nothing_is_changed(scene: Scene, alert: str) -> None:
    before = scene.state()
    remediation = Remediation(scene, alert)
    assert remediation.step["approval"]["required"]
    planned = remediation.ask("plan")
    assert planned.plan, planned.summary
    assert not planned.why_not
    assert scene.state() == before


def test_the_labels_of_another_namespace_lead_to_nothing(scene: Scene) -> None:
    for alert in ("KubePodCrashLooping", "KubeHpaMaxedOut", "KubeJobFailed"):
        labels = {**scene.labels(alert), "namespace": "kube-system"}
        asked = parse_resolve(
            {
                "runbook": CATALOGUE.selected()[alert],
                "alert": {"labels": labels},
                "incident_id": str(uuid.uuid4()),
            }
        )
        policy = Policy({"c": "c"}, "c", frozenset({scene.place.namespace}))
        with pytest.raises(ActionRefused, match="kube-system"):
            resolve(asked, REGISTRY, policy, lambda _: scene.place.services())
