"""A node with thirty pods under three disruption budgets, and a watch that sees each moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from kubernetes import client, watch

from runbook_action.actions import REGISTRY
from runbook_action.request import Target
from tests.integration.runbook_action.support import NO_SCHEDULER, Place
from tests.support.background import Background

PODS_EACH = 10
HEARTBEAT_SECONDS = 5.0


@dataclass(frozen=True)
class Budget:
    """A disruption budget as it is written, and the healthy pods it means for ten."""

    spec: dict[str, Any]
    healthy: int


# The three ways of writing one; a share is rounded up.
BUDGETS = {
    "cart": Budget({"minAvailable": 8}, 8),
    "catalog": Budget({"maxUnavailable": 3}, 7),
    "payment": Budget({"minAvailable": "65%"}, 7),
}


@contextmanager
def kept_ready(place: Place, node: str) -> Iterator[None]:
    """Report the node as ready, as its kubelet would; else its pods soon count as not ready."""

    def report(stop: threading.Event) -> None:
        while True:
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            ready = {
                "type": "Ready",
                "status": "True",
                "reason": "KubeletReady",
                "lastHeartbeatTime": now,
            }
            place.core.patch_node_status(node, {"status": {"conditions": [ready]}})
            if stop.wait(HEARTBEAT_SECONDS):
                return

    kubelet = Background(report)
    kubelet.start()
    try:
        yield
    finally:
        kubelet.stop()


@contextmanager
def beside(place: Place, node: str) -> Iterator[None]:
    """A second ready node of the same group: the last one of a group stays in service."""
    name = f"beside-{node}"
    labels = place.core.read_node(node).metadata.labels
    place.core.create_node({"metadata": {"name": name, "labels": labels}})
    with kept_ready(place, name):
        # The taints of a node that is not ready come off by themselves.
        while place.core.read_node(name).spec.taints:
            time.sleep(0.1)
        yield
    place.core.delete_node(name)


def populate(place: Place, node: str, seconds: float = 90.0) -> None:
    """Put ten pods of each of three Deployments on the node, each under its budget.

    Their replacements get no node: nobody schedules them, and they come up all the same.
    """
    policy: Any = client.PolicyV1Api(place.admin)
    for app, budget in BUDGETS.items():
        place.create_deployment(app, replicas=PODS_EACH, grace_seconds=1)
        spec = {**budget.spec, "selector": {"matchLabels": {"app": app}}}
        policy.create_namespaced_pod_disruption_budget(
            place.namespace, {"metadata": {"name": app}, "spec": spec}
        )
    for app in BUDGETS:
        place.wait_until_ready(app, seconds)
        for pod in place.core.list_namespaced_pod(
            place.namespace, label_selector=f"app={app}"
        ).items:
            binding = {
                "metadata": {"name": pod.metadata.name},
                "target": {"apiVersion": "v1", "kind": "Node", "name": node},
            }
            # The client cannot decode the answer to a binding.
            place.core.create_namespaced_pod_binding(
                pod.metadata.name, place.namespace, binding, _preload_content=False
            )
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = policy.list_namespaced_pod_disruption_budget(place.namespace).items
        if all(
            each.status and each.status.current_healthy == PODS_EACH == each.status.expected_pods
            for each in found
        ):
            return
        time.sleep(0.1)
    raise AssertionError(f"the budgets never saw {PODS_EACH} healthy pods each")


@dataclass
class BudgetWatch:
    """Counts the healthy pods of each budget after every single change of a pod.

    Healthy is what a budget counts: ready, and not on its way out.
    """

    place: Place
    healthy: dict[str, set[str]] = field(default_factory=dict)
    lowest: dict[str, int] = field(default_factory=dict)
    samples: int = 0
    broken: list[str] = field(default_factory=list)

    def __enter__(self) -> BudgetWatch:
        listed = self.place.core.list_namespaced_pod(self.place.namespace)
        self.healthy = {app: set() for app in BUDGETS}
        for pod in listed.items:
            self._see("ADDED", pod)
        self.lowest = {app: len(pods) for app, pods in self.healthy.items()}
        # Every change after that list, in order, none left out.
        self._version = listed.metadata.resource_version
        self._watching = Background(self._run)
        self._watching.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._watching.stop()

    def _run(self, stop: threading.Event) -> None:
        version = self._version
        pods: Any = watch
        while not stop.is_set():
            for event in pods.Watch().stream(
                self.place.core.list_namespaced_pod,
                self.place.namespace,
                resource_version=version,
                timeout_seconds=1,
            ):
                version = event["object"].metadata.resource_version
                self._see(event["type"], event["object"])
                self._judge()

    def _see(self, kind: str, pod: Any) -> None:
        app = (pod.metadata.labels or {}).get("app")
        if app not in BUDGETS:
            return
        ready = any(
            each.type == "Ready" and each.status == "True" for each in pod.status.conditions or []
        )
        self.healthy[app].discard(pod.metadata.uid)
        if kind != "DELETED" and ready and not pod.metadata.deletion_timestamp:
            self.healthy[app].add(pod.metadata.uid)

    def _judge(self) -> None:
        self.samples += 1
        for app, budget in BUDGETS.items():
            count = len(self.healthy[app])
            self.lowest[app] = min(self.lowest[app], count)
            if count < budget.healthy:
                self.broken.append(f"{app}: {count} healthy pods, {budget.healthy} needed")


DRAIN = REGISTRY["drain_node"]


def drain_request(place: Place, node: str, operation: Any = "execute", **parameters: Any) -> Any:
    made = place.request(DRAIN.name, operation, parameters=parameters)
    return replace(made, target=Target(None, None, "node", node))


def create_pods(place: Place, node: str, names: list[str], *, managed: bool = True) -> None:
    owner = place.core.create_namespaced_config_map(
        place.namespace, {"metadata": {"generateName": "owner-"}}
    ).metadata
    owners = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": owner.name,
            "uid": owner.uid,
            "controller": True,
        }
    ]
    for name in names:
        place.core.create_namespaced_pod(
            place.namespace,
            {
                "metadata": {
                    "name": name,
                    "labels": {"drain": "me"},
                    "ownerReferences": owners if managed else [],
                },
                "spec": {
                    "nodeName": node,
                    "schedulerName": NO_SCHEDULER,
                    "terminationGracePeriodSeconds": 1,
                    "containers": [{"name": "main", "image": "none/none:1"}],
                },
            },
        )
