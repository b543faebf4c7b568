"""Whatever label names a cluster, nothing acts in another one than that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from alert_ingest.target import target_of
from runbook_action.errors import ActionRefused
from tests.unit.runbook_action.resolve.scene import CHECKOUT, from_alert, resolved, runbook, scene

APPS = {"namespace": "apps", "deployment": "checkout"}
ONE = {"sre-platform": "sre-platform-eks", "also": "sre-platform-eks"}
TARGETS: Mapping[str, Mapping[str, Any]] = {
    "named": CHECKOUT,
    "from the alert": from_alert("workload"),
    "a node": from_alert("node"),
}
#: Labels of Prometheus, OpenTelemetry, Datadog, Elastic, New Relic, Dynatrace, Istio and AWS.
NAMES = (
    *("Cluster", "CLUSTER", "exported_cluster", "Exported_Cluster", "cluster_name", "clusterName"),
    *("k8s_cluster_name", "k8s.cluster.name", "k8s.clusterName", "k8s_cluster", "ClusterName"),
    *("kube_cluster_name", "kube_cluster", "cluster-name", "kubernetes_cluster"),
    *("kubernetes_cluster_name", "orchestrator.cluster.name", "dt.kubernetes.cluster.name"),
    *("eks_cluster", "eks_cluster_name", "aws:eks:cluster-name", "eks:cluster-name"),
    *("alpha.eksctl.io/cluster-name", "destination_cluster"),
)
#: What speaks of a cluster that is none of Kubernetes, or of one by no name.
OTHERS = ("elasticsearch_cluster", "redis_cluster", "strimzi_io_cluster", "cluster_id", "dbcluster")


def asked(labels: Mapping[str, str], target: Mapping[str, Any], **policy: Any) -> str:
    """The cluster that an alert leads to, as the ingest takes it from the labels."""
    about = {"node": "node-1"} if target.get("from_alert") == "node" else APPS
    all_labels = {**about, **labels}
    cluster = target_of(all_labels)[0].cluster
    answer = resolved(scene(), runbook(target), all_labels, cluster=cluster, **policy)
    return str(answer["target"]["cluster"])


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("name", NAMES)
def test_another_cluster_by_any_label_is_not_acted_on(name: str, target: Mapping[str, Any]) -> None:
    said = rf"another cluster, {name}='far-eks', than sre-platform .*nothing is done"
    with pytest.raises(ActionRefused, match=said):
        asked({name: "far-eks"}, target, clusters=ONE)
    with pytest.raises(ActionRefused, match=said):
        asked({"cluster": "sre-platform", name: "far-eks"}, target)


@pytest.mark.parametrize("text", ["sre-platform", "also", "sre-platform-eks", " also ", ""])
@pytest.mark.parametrize("name", NAMES)
def test_any_name_of_the_cluster_is_its_own(name: str, text: str) -> None:
    assert asked({"cluster": "also", name: text}, CHECKOUT) == "sre-platform"
    assert asked({name: text}, CHECKOUT, clusters=ONE) == "sre-platform"


@pytest.mark.parametrize("text", ["Also", "sre-platform-eks2", "also,far", "far"])
def test_what_is_only_like_a_name_of_it_is_another(text: str) -> None:
    with pytest.raises(ActionRefused, match="another cluster"):
        asked({"cluster": "also", "cluster_name": text}, CHECKOUT)


def test_every_label_that_contradicts_is_told() -> None:
    labels = {"cluster": "far", "cluster_name": "a", "k8s_cluster_name": "far-eks", "Cluster": "b"}
    with pytest.raises(ActionRefused, match=r"cluster_name='a' and Cluster='b', than far "):
        asked(labels, CHECKOUT)


@pytest.mark.parametrize("name", OTHERS)
def test_clusters_of_something_else_say_nothing(name: str) -> None:
    assert asked({"cluster": "also", name: "logs"}, CHECKOUT) == "sre-platform"


def test_istio_calls_a_cluster_that_nobody_named_kubernetes() -> None:
    labels = {"cluster": "also", "destination_cluster": "Kubernetes", "source_cluster": "unknown"}
    assert asked(labels, CHECKOUT) == "sre-platform"
    with pytest.raises(ActionRefused, match="another cluster"):
        asked({"cluster": "also", "cluster_name": "Kubernetes"}, CHECKOUT)


def test_of_several_clusters_none_is_chosen_by_another_label() -> None:
    with pytest.raises(ActionRefused, match=r"no cluster by its label cluster \(but Cluster='far"):
        asked({"Cluster": "far"}, CHECKOUT)
