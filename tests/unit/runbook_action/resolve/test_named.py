"""A runbook that names its target acts on that, and only for an alert that names no other."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from runbook_action.errors import ActionRefused, InvalidRequest, TargetNotFound
from runbook_action.ports import Services
from runbook_action.resolve import parse_resolve, resolve
from tests.support.shipped import RUNBOOKS
from tests.unit.runbook_action.fakes import INCIDENT
from tests.unit.runbook_action.resolve.scene import (
    ACTIONS,
    CHECKOUT,
    POLICY,
    owner,
    pod,
    resolved,
    runbook,
    scene,
)

# As a real Alertmanager sent it for the checkout of another environment.
STAGING = {
    "alertname": "CheckoutHighErrorRate",
    "cluster": "prod",
    "namespace": "staging",
    "deployment": "checkout",
    "severity": "critical",
    "runbook": "CheckoutHighErrorRate",
}
HPA = {"kind": "horizontalpodautoscaler", "namespace": "apps", "name": "checkout"}
NODE = {"kind": "node", "name": "node-1"}


def test_the_staging_alert_does_not_reach_the_checkout_of_apps() -> None:
    """Before any cluster is asked: the labels say it all."""
    definition = yaml.safe_load((RUNBOOKS / "checkout-high-error-rate.yaml").read_text())
    asked = parse_resolve(
        {
            "operation": "resolve",
            "runbook": definition,
            "alert": {"labels": STAGING, "target": {"cluster": "prod"}},
            "incident_id": INCIDENT,
        }
    )

    def connect(cluster: str) -> Services:
        raise AssertionError(cluster)

    with pytest.raises(ActionRefused) as caught:
        resolve(asked, ACTIONS, POLICY, connect)
    assert "the alert names deployment staging/checkout" in str(caught.value)
    assert "runbook CheckoutHighErrorRate acts on deployment apps/checkout" in str(caught.value)


@pytest.mark.parametrize(
    ("target", "labels", "theirs"),
    [
        (CHECKOUT, {"namespace": "staging"}, "namespace staging"),
        (CHECKOUT, {"deployment": "shop"}, "deployment shop"),
        (CHECKOUT, {"namespace": "apps", "deployment": "Checkout"}, "deployment apps/Checkout"),
        (CHECKOUT, {"namespace": "apps", "statefulset": "checkout"}, "statefulset apps/checkout"),
        (CHECKOUT, {"namespace": "apps", "pod": "db-0"}, "Pod apps/db-0 of StatefulSet apps/db"),
        (CHECKOUT, {"pod": "shop-1-a"}, "Pod apps/shop-1-a (ReplicaSet apps/shop-1 belongs to Rol"),
        (CHECKOUT, {"pod": "bare"}, "Pod apps/bare"),
        (HPA, {"horizontalpodautoscaler": "keda-hpa-shop"}, "horizontalpodautoscaler keda-hpa-sho"),
        (HPA, {"namespace": "apps", "deployment": "shop"}, "deployment apps/shop"),
        (NODE, {"node": "node-2"}, "node node-2"),
        (NODE, {"instance": "10.0.0.2:9100"}, "Node node-2"),
        (NODE, {"instance": "10.0.0.77:9100"}, "node '10.0.0.77:9100' (no node has the name"),
        (NODE, {"instance": "10.0.0.9:9100"}, "node '10.0.0.9:9100' (label instance ('10.0.0.9')"),
        ({"kind": "pod", "namespace": "apps", "name": "db-0"}, {"pod": "one"}, "pod one"),
        ({"kind": "job", "namespace": "apps", "name": "export-1"}, {"job_name": "a"}, "job a"),
    ],
)
def test_an_alert_that_names_another_object_is_refused_and_both_are_named(
    target: dict[str, Any], labels: dict[str, str], theirs: str
) -> None:
    with pytest.raises(ActionRefused) as caught:
        resolved(scene(), runbook(target), labels)
    assert f"the alert names {theirs}" in str(caught.value)
    assert str(target["name"]) in str(caught.value).partition("runbook Mend acts on")[2]


@pytest.mark.parametrize(
    ("target", "labels"),
    [
        (CHECKOUT, {}),
        (CHECKOUT, {"namespace": "apps", "service": "other", "node": "node-1"}),
        (CHECKOUT, {"namespace": "apps", "deployment": "checkout"}),
        (CHECKOUT, {"namespace": "apps", "pod": "checkout-1-a"}),
        (
            CHECKOUT,
            {"pod": "checkout-6c9f7d-x2x9q", "instance": "10.0.0.2:9100"},
        ),
        (HPA, {"namespace": "apps", "deployment": "checkout"}),
        (NODE, {"namespace": "monitoring", "node": "node-1", "instance": "10.0.0.2:8080"}),
        (NODE, {"kubernetes_node": "node-1", "pod": "exporter", "instance": "10.8.8.8:8080"}),
        (NODE, {"instance": "10.0.0.1:9100"}),
    ],
)
def test_an_alert_that_names_the_same_object_or_none_is_answered(
    target: dict[str, Any], labels: dict[str, str]
) -> None:
    assert resolved(scene(), runbook(target), labels)["target"]["name"] == target["name"]


def test_a_named_target_must_be_there_and_allowed() -> None:
    with pytest.raises(TargetNotFound, match="gone"):
        resolved(scene(), runbook({**CHECKOUT, "name": "gone"}), {})
    with pytest.raises(ActionRefused, match="AllowedNamespaces"):
        resolved(scene(), runbook({**CHECKOUT, "namespace": "kube-system"}), {})
    with pytest.raises(InvalidRequest, match=r"target\.kind"):
        resolved(scene(), runbook({**CHECKOUT, "kind": "secret"}), {})


@pytest.mark.parametrize(
    ("labels", "name"),
    [({"node": "node-2"}, "node-2"), ({"node": "10.0.0.2:9100"}, "node-2")],
)
def test_a_nodes_name_may_come_from_a_label(labels: dict[str, str], name: str) -> None:
    target = {"kind": "node", "name": {"from_label": "node"}}
    assert resolved(scene(), runbook(target), labels)["target"]["name"] == name


def test_a_node_that_the_alert_does_not_name_is_not_found() -> None:
    target = {"kind": "node", "name": {"from_label": "node"}}
    with pytest.raises(TargetNotFound, match="no label node"):
        resolved(scene(), runbook(target), {"instance": "10.0.0.2:9100"})


def test_the_canary_looks_at_no_object_and_no_label() -> None:
    definition = yaml.safe_load((RUNBOOKS / "platform-canary.yaml").read_text())
    world = scene()
    answer = resolved(world, definition, {"namespace": "staging", "deployment": "other"})
    assert answer["locks"] == ["target#sre-platform#apps#deployment#platform-canary"]
    assert world.calls.log == []


def test_every_shipped_runbook_resolves() -> None:
    for path in sorted(RUNBOOKS.glob("*.yaml")):
        definition = yaml.safe_load(path.read_text("utf-8"))
        labels = {"namespace": "apps", "deployment": "checkout", "node": "node-1"}
        if definition.get("target", {}).get("from_alert") == "pod":
            labels["pod"] = "checkout-1-a"
        answer = resolved(scene(), definition, labels)
        assert json.loads(json.dumps(answer)) == answer
        assert answer["steps"][0]["index"] == 1


def test_an_operators_deployment_is_acted_on_where_a_runbook_names_it() -> None:
    world = scene()
    world.cluster.put("pod", pod("pg-0", owner("StatefulSet", "operated", "uid-operated")))
    target = {"kind": "statefulset", "namespace": "apps", "name": "operated"}
    assert resolved(world, runbook(target), {"pod": "pg-0"})["target"]["name"] == "operated"
