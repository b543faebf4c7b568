"""Each label that names an object leads to the target or its kin, or nothing is done.

A table for each kind of target: what each label may hold, and what it must not. Both hold however
the target was found: named by the runbook, or taken from the alert.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from runbook_action.errors import ActionRefused, TargetAmbiguous, TargetNotFound
from tests.unit.runbook_action.fakes import World
from tests.unit.runbook_action.resolve.scene import from_alert, owner, pod, resolved, runbook, scene

# Kind and name of a target → label → what leads to it, and what leads elsewhere.
TABLE: Mapping[tuple[str, str], Mapping[str, tuple[list[str], list[str]]]] = {
    ("deployment", "checkout"): {
        "deployment": (["checkout"], ["shop", "Checkout", ""]),
        "statefulset": ([], ["checkout", "db"]),
        "daemonset": ([], ["checkout", "agent"]),
        "job_name": ([], ["export-1", "checkout"]),
        "cronjob": ([], ["export", "checkout"]),
        "replicaset": (["checkout-1"], ["shop-1", "alone-1", "gone"]),
        "pod": (
            # What has gone is known by its name, the pod of kube-state-metrics also.
            ["checkout-1-a", "checkout-6c9f7d-x2x9q", "kps-kube-state-metrics-7c4-x2x9q"],
            [
                *("gone", "payments-6c9f7d-x2x9q", "checkout-api-6c9f7d-x2x9q", "checkout-0"),
                *("db-0", "shop-1-a", "bare", "export-1-x", "earlier-1-a", "lookalike", "a b", ""),
            ],
        ),
        "horizontalpodautoscaler": (["checkout"], ["keda-hpa-shop2", "shop", "lookalike", "db"]),
        "persistentvolumeclaim": ([], ["data-db-0", "unused", "gone"]),
        "node": (["node-1"], ["node-2", "node-9", "10.0.0.1:9100"]),
        **dict.fromkeys(
            ("pod_name", "kubernetes_pod_name", "k8s_pod_name"),
            (["checkout-1-a", "checkout-6c9f7d-x2x9q"], ["db-0", "shop-1-a"]),
        ),
        **dict.fromkeys(
            (
                *("kubernetes_namespace", "k8s_namespace_name", "k8s.namespace.name"),
                "destination_workload_namespace",
            ),
            (["apps"], ["staging", "Apps"]),
        ),
        **dict.fromkeys(
            ("workload", "destination_workload", "owner_name", "created_by_name"),
            (["checkout", "<none>"], ["cart", "a b"]),
        ),
        "rollout": ([], ["checkout", "cart"]),
        **dict.fromkeys(
            ("kube_deployment", "k8s.deployment.name", "kube-deployment"),
            (["checkout"], ["cart"]),
        ),
        "hpa": (["checkout"], ["db"]),
        "pvc": ([], ["data-db-0"]),
    },
    ("statefulset", "db"): {
        "deployment": ([], ["checkout", "db"]),
        "statefulset": (["db"], ["other"]),
        "daemonset": ([], ["agent"]),
        "job_name": ([], ["export-1"]),
        "cronjob": ([], ["export"]),
        "replicaset": ([], ["checkout-1"]),
        "pod": (
            ["db-0", "db-17"],
            ["cache-0", "db-x", "db-07", "db-1-0", "stale", "checkout-1-a", "bare", "-"],
        ),
        "horizontalpodautoscaler": (["db"], ["checkout"]),
        "persistentvolumeclaim": (["data-db-0", "data-db-7"], ["unused", "data-db-x", "work"]),
        "node": (["node-2"], ["node-1"]),
    },
    ("job", "export-1"): {
        "deployment": ([], ["checkout", "export-1"]),
        "statefulset": ([], ["db"]),
        "daemonset": ([], ["agent"]),
        "job_name": (["export-1"], ["import-1"]),
        "cronjob": (["export"], ["import"]),
        "replicaset": ([], ["checkout-1"]),
        "pod": (
            ["export-1-x", "export-1-x2x9q", "export-1-4-x2x9q"],
            ["export-2-x2x9q", "export-1-gone", "import-1-x", "db-0", "bare", "a/b"],
        ),
        "horizontalpodautoscaler": ([], ["checkout"]),
        "persistentvolumeclaim": (["work"], ["unused", "data-db-0"]),
        "node": (["node-3"], ["node-1"]),
    },
    ("persistentvolumeclaim", "data-db-0"): {
        "deployment": ([], ["checkout"]),
        "statefulset": (["db"], ["operated"]),
        "daemonset": ([], ["agent"]),
        "job_name": ([], ["export-1"]),
        "cronjob": ([], ["export"]),
        "replicaset": ([], ["checkout-1"]),
        "pod": (["db-0", "db-1"], ["gone", "one", "checkout-1-a", "bare", "A"]),
        "horizontalpodautoscaler": (["db"], ["checkout"]),
        "persistentvolumeclaim": (["data-db-0"], ["data-db-7"]),
        "node": (["node-2"], ["node-1"]),
    },
    ("persistentvolumeclaim", "unused"): {
        "statefulset": ([], ["db"]),
        "pod": ([], ["gone", "db-0"]),
    },
    ("horizontalpodautoscaler", "checkout"): {
        "deployment": (["checkout"], ["shop"]),
        "statefulset": ([], ["db", "checkout"]),
        "daemonset": ([], ["agent"]),
        "job_name": ([], ["export-1"]),
        "cronjob": ([], ["export"]),
        "replicaset": (["checkout-1"], ["alone-1"]),
        "pod": (
            ["checkout-1-a", "checkout-6c9f7d-x2x9q"],
            ["gone", "db-0", "bare", "lookalike"],
        ),
        "horizontalpodautoscaler": (["checkout"], ["keda-hpa-shop", "db"]),
        "persistentvolumeclaim": ([], ["data-db-0"]),
        "node": (["node-1"], ["node-2"]),
    },
    ("pod", "db-0"): {
        "deployment": ([], ["checkout"]),
        "statefulset": (["db"], ["operated"]),
        "daemonset": ([], ["agent"]),
        "job_name": ([], ["export-1"]),
        "cronjob": ([], ["export"]),
        "replicaset": ([], ["checkout-1"]),
        "pod": (["db-0"], ["one", "gone"]),
        "horizontalpodautoscaler": (["db"], ["checkout"]),
        "persistentvolumeclaim": (["data-db-0"], ["unused", "shared"]),
        "node": (["node-2"], ["node-1"]),
    },
    ("pod", "bare"): {
        "deployment": ([], ["checkout"]),
        "statefulset": ([], ["db"]),
        "node": ([], ["node-1"]),
    },
    ("node", "node-1"): {
        # Of whoever exported the metric.
        "namespace": (["monitoring", "apps"], []),
        "pod": (["ksm-7", "checkout-1-a"], ["a b", ""]),
        "instance": (["10.8.8.8:8080", "10.0.0.2:9100"], []),
        # An alert may name a node and what runs on it.
        "deployment": (["checkout"], ["a b"]),
        "kubernetes_node": (["node-1", "10.0.0.1"], ["node-2", "10.0.0.2:9100", "node-9", ""]),
        "Kubernetes_Node": (["node-1"], ["node-2"]),
        "nodename": (["node-1"], ["node-2", "node-9"]),
        "node_name": (["node-1"], ["node-2"]),
        "k8s_node_name": (["node-1"], ["node-2"]),
        "kubernetes_io_hostname": (["node-1"], ["node-2"]),
        "exported_node": (["node-1", "10.0.0.1:9100"], ["node-2", "10.0.0.2:9100", "node-9"]),
    },
}
OWN = {"job": "job_name"}


def cases(which: int) -> list[Any]:
    """Of each label of each target what leads to it (0), or elsewhere (1)."""
    return [
        pytest.param(kind, name, label, texts[which], id=f"{kind}-{name}-{label}")
        for (kind, name), labels in TABLE.items()
        for label, texts in labels.items()
        if texts[which]
    ]


def targets(kind: str, name: str) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    """The target as a runbook names it, and as an alert names it, with the labels for that."""
    place = {} if kind == "node" else {"namespace": "apps"}
    own = OWN.get(kind, kind)
    yield {"kind": kind, "name": name, **place}, {**place, own: name}
    yield {"kind": kind, "name": name, **place}, place
    yield from_alert(kind), {**place, own: name}


@pytest.mark.parametrize(("kind", "name", "label", "texts"), cases(0))
def test_a_label_that_leads_to_the_target_or_its_kin_is_no_contradiction(
    kind: str, name: str, label: str, texts: list[str]
) -> None:
    for target, labels in targets(kind, name):
        if kind == "node" and "node" not in labels:
            continue
        for text in texts:
            answer = resolved(scene(), runbook(target), {**labels, label: text})
            assert answer["target"]["name"] == name


@pytest.mark.parametrize(("kind", "name", "label", "texts"), cases(1))
def test_a_label_that_leads_elsewhere_forbids_whichever_way_the_target_was_found(
    kind: str, name: str, label: str, texts: list[str]
) -> None:
    for target, labels in targets(kind, name):
        if label == OWN.get(kind, kind) and "from_alert" in target:
            continue  # then that is the target
        for text in texts:
            with pytest.raises((ActionRefused, TargetAmbiguous, TargetNotFound)) as caught:
                resolved(scene(), runbook(target), {**labels, label: text})
            assert len(str(caught.value)) < 600


@pytest.mark.parametrize("spelled", ["Pod", "POD", "exported_pod", "Exported_Pod"])
@pytest.mark.parametrize("target", [0, 1, 2])
def test_a_label_in_another_case_or_kept_by_prometheus_counts_as_well(
    spelled: str, target: int
) -> None:
    written, labels = list(targets("deployment", "checkout"))[target]
    kin = {**labels, spelled: "checkout-1-a"}
    assert resolved(scene(), runbook(written), kin)["status"] == "resolved"
    with pytest.raises(ActionRefused, match="Pod apps/db-0 of StatefulSet apps/db"):
        resolved(scene(), runbook(written), {**labels, spelled: "db-0"})


@pytest.mark.parametrize("spelled", ["exported_namespace", "Namespace"])
def test_two_namespaces_are_one_too_many(spelled: str) -> None:
    for written, labels in targets("deployment", "checkout"):
        with pytest.raises(ActionRefused, match="staging"):
            resolved(scene(), runbook(written), {**labels, spelled: "staging"})
        assert resolved(scene(), runbook(written), {**labels, spelled: "apps"})


def test_an_alert_of_something_else_does_not_reach_a_node_that_it_does_not_name() -> None:
    named = {"kind": "node", "name": "node-1"}
    for label in ("deployment", "statefulset", "job_name", "persistentvolumeclaim"):
        labels = {"instance": "10.0.0.1:9100", label: "checkout"}
        for written in (named, from_alert("node")):
            with pytest.raises(ActionRefused, match=r"acts on [Nn]ode node-1"):
                resolved(scene(), runbook(written), labels)


def test_only_an_alert_that_names_the_target_is_told_of_from_alert() -> None:
    labels = {"namespace": "apps", "deployment": "checkout", "node": "node-2"}
    named, _, found = (written for written, _ in targets("deployment", "checkout"))
    for written, told in ((named, True), (found, False)):
        with pytest.raises(ActionRefused) as caught:
            resolved(scene(), runbook(written), labels)
        assert ("from_alert" in str(caught.value)) is told
        assert "the alert names node node-2, where none of its pods is" in str(caught.value)


OTHER_NODE = "10.0.0.2:8080"
NODE_EXPORTER = {"job": "node-exporter", "namespace": "apps", "pod": "exporter-n2"}
STATE = {"namespace": "apps", "instance": OTHER_NODE}


def with_exporters() -> World:
    """The scene and two exporters: one on each node, and the one of all on the other."""
    world = scene()
    for name, place in (("exporter-n2", "node-2"), ("kps-kube-state-metrics-7-x", "node-2")):
        world.cluster.put("pod", pod(name, owner("DaemonSet", "agent", "uid-agent"), node=place))
    return world


@pytest.mark.parametrize(
    ("labels", "theirs"),
    [
        ({"kubernetes_node": "node-1", "instance": OTHER_NODE}, "Node node-"),
        ({"nodename": "node-1", "instance": OTHER_NODE}, "Node node-"),
        ({"node": "node-1", "kubernetes_node": "node-2"}, "Node node-2"),
        ({"node": "node-1", "nodename": "node-2"}, "Node node-2"),
        # A node that has gone, whose address another one has.
        ({"nodename": "node-9", "instance": OTHER_NODE}, "node node-9 (no node has"),
        (
            {"namespace": "apps", "pod": "checkout-1-a", "instance": OTHER_NODE},
            "Pod apps/checkout-1-a, which runs on node node-1",
        ),
        (
            {"namespace": "apps", "exported_pod": "checkout-1-a", "node": "node-2"},
            "Pod apps/checkout-1-a, which runs on node node-1",
        ),
        # An exporter is where its address is.
        ({**NODE_EXPORTER, "instance": "10.0.0.1:9100"}, "Pod apps/exporter-n2, which runs on"),
    ],
)
def test_an_alert_that_names_two_nodes_reaches_neither(labels: dict[str, str], theirs: str) -> None:
    with pytest.raises(ActionRefused) as caught:
        resolved(with_exporters(), runbook(from_alert("node")), labels)
    assert f"the alert names {theirs}" in str(caught.value)
    taken = [label for label in ("node", "kubernetes_node") if label in labels]
    for name in ("node-1", "node-2", *({"from_label": each} for each in taken)):
        with pytest.raises(ActionRefused):
            resolved(with_exporters(), runbook({"kind": "node", "name": name}), labels)


@pytest.mark.parametrize(
    ("labels", "name"),
    [
        # kube-state-metrics runs on the other node, and a scrape says so in several ways.
        (
            {**STATE, "node": "node-1", "pod": "kps-kube-state-metrics-7-x"},
            "node-1",
        ),
        (
            {
                **STATE,
                "node": "node-1",
                "kubernetes_node": "node-2",
                "kubernetes_name": "kube-state-metrics",
                "job": "kubernetes-service-endpoints",
            },
            "node-1",
        ),
        ({**NODE_EXPORTER, "instance": "10.0.0.2:9100", "nodename": "node-2"}, "node-2"),
        # Its pod has a host name and an address of its own.
        ({**NODE_EXPORTER, "node": "node-2", "nodename": "exporter-n2"}, "node-2"),
        ({"kubernetes_node": "node-2", "instance": "10.0.0.2:9100"}, "node-2"),
        ({"node": "node-1", "instance": "10.8.8.8:8080"}, "node-1"),
    ],
)
def test_where_the_exporter_runs_is_no_contradiction(labels: dict[str, str], name: str) -> None:
    for written in (from_alert("node"), {"kind": "node", "name": name}):
        found = resolved(with_exporters(), runbook(written), labels)
        assert found["target"]["name"] == name


@pytest.mark.parametrize(
    ("named", "of_kind"), [("workload", "workload_type"), ("owner_name", "owner_kind")]
)
@pytest.mark.parametrize(
    ("kind", "name", "theirs"),
    [
        ("Deployment", "checkout", ""),
        ("deployment", "cart", "deployment apps/cart"),
        ("StatefulSet", "checkout", "statefulset apps/checkout"),
        ("Rollout", "checkout", "rollout apps/checkout"),
        ("ReplicaSet", "checkout-1", ""),
        ("ReplicaSet", "shop-1", "ReplicaSet apps/shop-1"),
        ("barepod", "db-0", "Pod apps/db-0 of StatefulSet apps/db"),
        ("<none>", "<none>", ""),
    ],
)
def test_a_name_whose_kind_another_label_tells(
    named: str, of_kind: str, kind: str, name: str, theirs: str
) -> None:
    for written, labels in targets("deployment", "checkout"):
        said = {**labels, named: name, of_kind: kind}
        if not theirs:
            assert resolved(scene(), runbook(written), said)["target"]["name"] == "checkout"
            continue
        with pytest.raises(ActionRefused, match=f"the alert names {theirs}"):
            resolved(scene(), runbook(written), said)


def test_where_kube_state_metrics_was_scraped_is_no_contradiction() -> None:
    scrape = {
        "kubernetes_name": "kube-state-metrics",
        "kubernetes_namespace": "kube-system",
        "kubernetes_node": "node-2",
        "kubernetes_pod_name": "ksm-7c4-x2x9q",
    }
    for written, labels in targets("deployment", "checkout"):
        assert resolved(scene(), runbook(written), {**labels, **scrape})["status"] == "resolved"
        for label in ("kubernetes_namespace", "kubernetes_pod_name"):
            with pytest.raises(ActionRefused):
                resolved(scene(), runbook(written), {**labels, label: scrape[label]})
