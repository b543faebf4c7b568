"""A node dies under forty workloads: what of the real API server says that they belong together.

No pod runs: the nodes are objects without a kubelet, the pods bear the node's name from the start
and are never ready. The rights are the shipped ones and nothing more.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from kubernetes import client

from runbook_action.resolve import Policy
from runbook_action.topology import parse_relate, relate
from tests.integration.runbook_action.grants import grant
from tests.integration.runbook_action.support import Place, never_ready, shipped
from tests.support.waiting import eventually
from tests.unit.runbook_action.topology.scene import DEPENDS_ON, Rows

pytestmark = pytest.mark.kubernetes

WORKLOADS = 40


@dataclass
class Storm:
    """A dead node under forty Deployments, one that depends on them, and one that fails alone."""

    place: Place
    node: str

    def workload(self, name: str, node: str, annotations: dict[str, str] | None = None) -> None:
        self.place.create_deployment(name, replicas=0)
        template = {"spec": {"nodeName": node}}
        self.place.apps.patch_namespaced_deployment(
            name,
            self.place.namespace,
            {
                "metadata": {"annotations": annotations or {}},
                "spec": {"replicas": 1, "template": template},
            },
        )

    def related(self, rows: Rows, incident: str, labels: dict[str, str]) -> dict[str, Any]:
        services = replace(self.place.services(), places=rows)
        policy = Policy({"c": "c"}, "c", frozenset({self.place.namespace}))
        event = {
            "alert": {"severity": "warning", "labels": labels, "target": {"cluster": "c"}},
            "incident_id": incident,
            "timestamp": "2026-11-23T15:14:52.704Z",
        }
        answer = relate(parse_relate(event), policy, lambda _: services, 900)
        found: dict[str, Any] = answer["relation"]
        return found

    def of(self, name: str) -> dict[str, str]:
        return {"namespace": self.place.namespace, "deployment": name}


def _node(core: Any, name: str, ready: str) -> None:
    core.create_node({"metadata": {"name": name}})
    condition = {"type": "Ready", "status": ready, "reason": "Test", "message": ""}
    core.patch_node_status(name, {"status": {"conditions": [condition]}})


@pytest.fixture(scope="module")
def storm(unchanged_place: Place) -> Iterator[Storm]:
    place = unchanged_place
    place.statuses.status = never_ready
    found = Storm(place, f"dead-{place.namespace}")
    well = f"well-{place.namespace}"
    _node(place.core, found.node, "Unknown")
    _node(place.core, well, "True")
    for number in range(WORKLOADS):
        found.workload(f"shop-{number}", found.node)
    found.workload("alone", well)
    found.workload("front", well, {DEPENDS_ON: "deployment/shop-7"})
    rules = shipped("base/remediation-topology.yaml", "ClusterRole")["rules"]
    name = f"topology-of-{place.namespace}"
    grant(place.admin, place.namespace, name, rules)
    wanted = 3 + WORKLOADS + 2  # and the pods of the place's own Deployment

    def are_there() -> bool:
        return len(place.core.list_namespaced_pod(place.namespace).items) >= wanted

    eventually("a pod of each workload", are_there, 60)
    yield found
    for each in (found.node, well):
        place.core.delete_node(each)


@pytest.mark.parametrize("node_comes", ["first", "in the middle", "last", "twice"])
def test_forty_workloads_hang_on_the_node_under_them(storm: Storm, node_comes: str) -> None:
    rows, node = Rows(), str(uuid.uuid4())
    children = {f"shop-{number}": str(uuid.uuid4()) for number in range(WORKLOADS)}
    at = {"first": [0], "in the middle": [17], "last": [WORKLOADS], "twice": [5, 30]}[node_comes]
    for number, (name, incident) in enumerate([*children.items(), ("", "")]):
        if number in at:
            assert storm.related(rows, node, {"node": storm.node})["caused_by"] == ""
        if incident:
            relation = storm.related(rows, incident, storm.of(name))
            assert relation["suspect"] == f"node {storm.node} is not ready"
    assert {rows.relation(incident).cause for incident in children.values()} == {node}
    assert set(rows.causes) == set(children.values())


def test_what_fails_alone_stands_alone_and_what_depends_on_a_child_does_not(storm: Storm) -> None:
    rows, node, front = Rows(), *(str(uuid.uuid4()) for _ in range(2))
    storm.related(rows, node, {"node": storm.node})
    alone = storm.related(rows, str(uuid.uuid4()), storm.of("alone"))
    assert (alone["caused_by"], alone["suspect"]) == ("", "")
    assert storm.related(rows, front, storm.of("front"))["caused_by"] == node


def test_a_pod_counts_by_the_node_that_it_is_on(storm: Storm) -> None:
    rows, node = Rows(), str(uuid.uuid4())
    storm.related(rows, node, {"node": storm.node})
    place = storm.place
    (pod,) = place.core.list_namespaced_pod(place.namespace, label_selector="app=shop-3").items
    labels = {"namespace": place.namespace, "pod": pod.metadata.name}
    assert storm.related(rows, str(uuid.uuid4()), labels)["caused_by"] == node


def test_without_the_right_to_read_nodes_each_stands_alone(storm: Storm) -> None:
    rbac: Any = client.RbacAuthorizationV1Api(storm.place.admin)
    name = f"topology-of-{storm.place.namespace}"
    rules = shipped("base/remediation-topology.yaml", "ClusterRole")["rules"]

    def alone() -> Any:
        return storm.related(Rows(), str(uuid.uuid4()), storm.of("shop-1"))

    rbac.patch_cluster_role(name, {"rules": []})
    try:
        # The API server takes up what it is told of roles a moment later.
        eventually("the node is not read", lambda: not alone()["suspect"])
        assert (alone()["caused_by"], alone()["suspect"]) == ("", "")
    finally:
        rbac.patch_cluster_role(name, {"rules": rules})
