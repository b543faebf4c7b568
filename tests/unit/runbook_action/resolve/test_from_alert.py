"""From the labels of an alert to one object, or to an error that names what was found."""

from __future__ import annotations

from typing import Any

import pytest

from runbook_action.errors import (
    ActionRefused,
    FinalError,
    InvalidRequest,
    TargetAmbiguous,
    TargetNotFound,
)
from runbook_action.resolve.nodes import node_called
from tests.unit.runbook_action.resolve.scene import from_alert, resolved, runbook, scene, stored

APPS = {"namespace": "apps"}
# Of kube-state-metrics itself, under a name that somebody gave it.
KSM = {"job": "kube-state-metrics", "service": "ksm", "pod": "ksm-7c4-x2x9q"}


def found(kind: str, labels: dict[str, str], **more: Any) -> str:
    target = resolved(scene(), runbook(from_alert(kind, **more)), labels)["target"]
    assert target["cluster"] == "sre-platform"
    place = f"{target['namespace']}/" if target["namespace"] else ""
    return f"{target['kind']} {place}{target['name']}"


@pytest.mark.parametrize(
    ("kind", "labels", "object_"),
    [
        ("deployment", {"deployment": "checkout"}, "deployment apps/checkout"),
        ("statefulset", {"statefulset": "db"}, "statefulset apps/db"),
        ("daemonset", {"daemonset": "agent"}, "daemonset apps/agent"),
        ("workload", {"deployment": "checkout"}, "deployment apps/checkout"),
        ("workload", {"statefulset": "db"}, "statefulset apps/db"),
        ("workload", {"daemonset": "agent"}, "daemonset apps/agent"),
        ("workload", {"pod": "checkout-1-a"}, "deployment apps/checkout"),
        ("workload", {"pod": "db-0"}, "statefulset apps/db"),
        ("deployment", {"pod": "checkout-1-a"}, "deployment apps/checkout"),
        ("statefulset", {"pod": "db-0"}, "statefulset apps/db"),
        ("workload", {"deployment": "checkout", "pod": "checkout-1-a"}, "deployment apps/checkout"),
        # With honorLabels the pod of kube-state-metrics itself: in this namespace there is none.
        ("workload", {"deployment": "checkout", **KSM}, "deployment apps/checkout"),
        ("pod", {"pod": "db-0"}, "pod apps/db-0"),
        ("pod", {"pod": "bare"}, "pod apps/bare"),
        ("job", {"job_name": "export-1", "job": "kube-state-metrics"}, "job apps/export-1"),
        ("job", {"pod": "export-1-x"}, "job apps/export-1"),
        (
            "horizontalpodautoscaler",
            {"horizontalpodautoscaler": "checkout"},
            "horizontalpodautoscaler apps/checkout",
        ),
        (
            "persistentvolumeclaim",
            {"persistentvolumeclaim": "unused"},
            "persistentvolumeclaim apps/unused",
        ),
        ("node", {"node": "node-1"}, "node node-1"),
        ("node", {"instance": "10.0.0.2:9100"}, "node node-2"),
        ("node", {"instance": "10.0.0.2"}, "node node-2"),
        ("node", {"instance": "[fd00::3]:9100"}, "node node-3"),
        ("node", {"instance": "node-2:9100"}, "node node-2"),
        ("node", {"node": "10.0.0.1:9100"}, "node node-1"),
        ("node", {"node": "node-1", "instance": "10.0.0.2:8080"}, "node node-1"),
    ],
)
def test_labels_lead_to_one_object(kind: str, labels: dict[str, str], object_: str) -> None:
    assert found(kind, {**APPS, **labels}) == object_


def test_an_address_that_a_node_leaves_empty_is_none_of_its_names() -> None:
    world = scene()
    world.cluster.node_raw["status"]["addresses"] += [{"type": "Hostname"}, {"address": None}]
    with pytest.raises(TargetNotFound, match="no node has the name or address 'None'"):
        node_called(world.cluster, "instance", "None:9100")


def test_a_pod_or_a_claim_leads_to_its_workload_where_asked() -> None:
    for kind, labels in (
        ("pod", {"pod": "db-0"}),
        ("persistentvolumeclaim", {"persistentvolumeclaim": "data-db-0"}),
    ):
        assert found(kind, {**APPS, **labels}, resolve_to="workload") == "statefulset apps/db"


def test_two_spellings_of_one_object_have_one_lock() -> None:
    spelled = [
        {"deployment": "checkout"},
        {"pod": "checkout-1-a"},
        {"deployment": "checkout", "pod": "checkout-1-a", "cluster": "also"},
    ]
    locks = {
        tuple(
            resolved(
                scene(),
                runbook(from_alert("workload")),
                {**APPS, **labels},
                cluster=labels.get("cluster", "sre-platform"),
            )["locks"]
        )
        for labels in spelled
    }
    assert locks == {("target#sre-platform#apps#deployment#checkout",)}


@pytest.mark.parametrize(
    ("kind", "labels", "error", "named"),
    [
        # Nothing, or something else.
        ("workload", {}, TargetNotFound, "none of the labels deployment, statefulset"),
        ("workload", {"Deployment": "checkout"}, TargetNotFound, "Deployment='checkout'"),
        ("workload", {"service": "checkout"}, TargetNotFound, "none of the labels"),
        ("statefulset", {"deployment": "checkout"}, TargetNotFound, "deployment apps/checkout"),
        ("daemonset", {"pod": "db-0"}, TargetAmbiguous, "StatefulSet apps/db"),
        ("pod", {"deployment": "checkout"}, TargetNotFound, "deployment='checkout'"),
        ("job", {"job": "export-1"}, TargetNotFound, "no label job_name"),
        ("job", {"pod": "db-0"}, TargetAmbiguous, "StatefulSet apps/db"),
        ("node", {"pod": "db-0"}, TargetNotFound, "no label node or instance"),
        # No longer or never there.
        ("deployment", {"deployment": "gone"}, TargetNotFound, "gone"),
        ("workload", {"pod": "checkout-1-gone"}, TargetNotFound, "checkout-1-gone has gone"),
        ("pod", {"pod": "checkout-1-gone"}, TargetNotFound, "checkout-1-gone"),
        ("node", {"node": "node-9"}, TargetNotFound, "node-9"),
        ("node", {"instance": "10.9.9.9:9100"}, TargetNotFound, "10.9.9.9"),
        ("workload", {"pod": "stale"}, TargetNotFound, "earlier StatefulSet apps/db"),
        # Owners.
        ("workload", {"pod": "shop-1-a"}, TargetAmbiguous, "Rollout shop (argoproj.io/v1alpha1)"),
        ("workload", {"pod": "alone-1-a"}, TargetNotFound, "ReplicaSet apps/alone-1 belongs to"),
        ("workload", {"pod": "loop-1-a"}, TargetAmbiguous, "ReplicaSet apps/loop-1 belongs to"),
        ("workload", {"pod": "earlier-1-a"}, TargetNotFound, "an earlier ReplicaSet"),
        ("workload", {"pod": "bare"}, TargetNotFound, "Pod apps/bare belongs to nothing"),
        ("workload", {"pod": "static"}, TargetAmbiguous, "Node node-1"),
        ("workload", {"pod": "lookalike"}, TargetAmbiguous, "checkout (example.com/v1)"),
        ("workload", {"pod": "export-1-x"}, TargetAmbiguous, "Job apps/export-1"),
        ("workload", {"statefulset": "operated"}, TargetAmbiguous, "Cluster pg (pg.io/v1)"),
        (
            "horizontalpodautoscaler",
            {"horizontalpodautoscaler": "keda-hpa-shop"},
            TargetAmbiguous,
            "ScaledObject shop (keda.sh/v1)",
        ),
        # Several.
        (
            "workload",
            {"deployment": "checkout", "statefulset": "db"},
            TargetAmbiguous,
            "deployment apps/checkout and statefulset apps/db",
        ),
        (
            "workload",
            {"deployment": "checkout", "pod": "db-0"},
            TargetAmbiguous,
            "deployment apps/checkout and Pod apps/db-0, which is of StatefulSet apps/db",
        ),
        ("pod", {"deployment": "checkout", "pod": "db-0"}, TargetAmbiguous, "StatefulSet apps/db"),
        ("node", {"instance": "10.0.0.9:9100"}, TargetAmbiguous, "node-3 and node-4"),
        # No names.
        ("deployment", {"deployment": ""}, ActionRefused, "label deployment"),
        ("deployment", {"deployment": "a#b"}, ActionRefused, "'a#b'"),
        ("deployment", {"deployment": "../secrets/a"}, ActionRefused, "'../secrets/a'"),
        ("deployment", {"deployment": "Checkout"}, ActionRefused, "'Checkout'"),
        ("deployment", {"deployment": "a" * 300}, ActionRefused, "300 characters"),
        ("deployment", {"deployment": "checkout,shop"}, ActionRefused, "'checkout,shop'"),
        ("node", {"node": "Node_1"}, ActionRefused, "'Node_1'"),
        ("node", {"node": "a" * 300}, ActionRefused, "300 characters"),
        ("node", {"node": ""}, ActionRefused, "label node"),
    ],
)
def test_what_leads_to_no_one_object_is_refused_with_what_was_found(
    kind: str, labels: dict[str, str], error: type[FinalError], named: str
) -> None:
    with pytest.raises(error) as caught:
        found(kind, {**APPS, **labels})
    assert named in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("labels", "error", "named"),
    [
        ({}, TargetNotFound, "no label namespace"),
        ({"namespace": ""}, TargetNotFound, "no label namespace"),
        ({"namespace": "Apps"}, ActionRefused, "'Apps'"),
        ({"namespace": "a/b"}, ActionRefused, "'a/b'"),
        ({"namespace": "staging"}, ActionRefused, "acts in apps, team-* only"),
        ({"namespace": "team-b"}, ActionRefused, "AllowedNamespaces"),
    ],
)
def test_a_namespace_out_of_bounds_is_refused(
    labels: dict[str, str], error: type[FinalError], named: str
) -> None:
    with pytest.raises(error, match=named.replace("*", r"\*")):
        found("deployment", {**labels, "deployment": "checkout"})


def test_a_claim_of_nobody_or_of_several_leads_to_no_workload() -> None:
    target = from_alert("persistentvolumeclaim", resolve_to="workload")
    with pytest.raises(TargetNotFound, match="no running pod uses"):
        resolved(scene(), runbook(target), {**APPS, "persistentvolumeclaim": "unused"})
    with pytest.raises(TargetAmbiguous, match="DaemonSet apps/agent and StatefulSet apps/db"):
        resolved(scene(), runbook(target), {**APPS, "persistentvolumeclaim": "shared"})


@pytest.mark.parametrize(
    ("names", "in_bounds"),
    [
        (["checkout"], True),
        (["check*"], True),
        (["*out"], True),
        (["shop", "c*t"], True),
        (["check"], False),
        (["checkout-*"], False),
        (["[c]heckout"], False),
        (["checkou?"], False),
    ],
)
def test_what_is_acted_on_must_have_a_name_within_the_bounds(
    names: list[str], in_bounds: bool
) -> None:
    target = {**from_alert("workload"), "names": names}
    labels = {**APPS, "pod": "checkout-1-a"}
    if in_bounds:
        assert resolved(scene(), runbook(target), labels)["target"]["name"] == "checkout"
    else:
        with pytest.raises(ActionRefused, match="Deployment apps/checkout, and runbook Mend acts"):
            resolved(scene(), runbook(target), labels)


def test_a_node_out_of_bounds_is_refused() -> None:
    with pytest.raises(ActionRefused, match="acts on names like worker-"):
        resolved(
            scene(),
            runbook({"from_alert": "node", "names": ["worker-*"]}),
            {"instance": "10.0.0.2:9100"},
        )


@pytest.mark.parametrize(
    "changes",
    [
        {"from_alert": "cronjob"},
        {"from_alert": "secret"},
        {"names": []},
        {"names": "checkout"},
        {"namespaces": [3]},
        {"namespaces": None},
    ],
)
def test_a_target_that_cannot_be_published_is_no_request(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match=r"target\."):
        resolved(
            scene(),
            runbook({**from_alert("deployment"), **changes}),
            {**APPS, "deployment": "checkout"},
        )


@pytest.mark.parametrize("role", ["control-plane", "master"])
@pytest.mark.parametrize(
    "target", [from_alert("node"), {"kind": "node", "name": {"from_label": "node"}}]
)
def test_nothing_acts_on_a_node_of_the_control_plane(role: str, target: dict[str, Any]) -> None:
    world = scene()
    stored(world, "node", "node-1")["metadata"]["labels"] = {f"node-role.kubernetes.io/{role}": ""}
    with pytest.raises(ActionRefused, match="Node node-1 runs the control plane"):
        resolved(world, runbook(target, action="cordon_node"), {"node": "node-1"})
    answer = resolved(world, runbook(target, action="cordon_node"), {"node": "node-2"})
    assert answer["target"]["name"] == "node-2"
