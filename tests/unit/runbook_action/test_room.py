"""Whether the pods of a node fit elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from runbook_action.errors import ActionRefused
from runbook_action.objects import Node, Pod, thousandths_of
from runbook_action.room import requests_of, tolerates, wants
from tests.support.shipped import RUNBOOKS
from tests.unit.runbook_action.drains import DRAIN, drain, node_request, pod
from tests.unit.runbook_action.fakes import World

ROOT = Path(__file__).parents[3]
CHECKOUT = ROOT / "eks" / "apps" / "base" / "checkout.yaml"
BLUE = {"key": "team", "value": "blue", "effect": "NoSchedule"}


def node(**more: Any) -> Node:
    metadata = {"name": "node-2", "labels": {"disk": "ssd", "cores": "8"}}
    return Node({"kind": "Node", "metadata": metadata, "spec": {}, **more})


def of(**spec: Any) -> Pod:
    return Pod({"kind": "Pod", "metadata": {"name": "a", "namespace": "apps"}, "spec": spec})


def asking(**requests: str) -> dict[str, Any]:
    return {"resources": {"requests": requests}}


def crowded(world: World, cpu: str, *, used: str = "0") -> None:
    """The other node has so much, and a pod uses some of it."""
    other = world.cluster.other_nodes[0]
    other["status"]["allocatable"] = {"cpu": cpu, "memory": "1Gi", "pods": "10"}
    there = pod("there")
    there["spec"]["containers"] = [asking(cpu=used)]
    world.cluster.pods_elsewhere = {"node-2": [there]}


def with_pods(*requests: str) -> World:
    world = World.new()
    for number, cpu in enumerate(requests):
        found = pod(f"p{number}")
        found["spec"]["containers"] = [asking(cpu=cpu)]
        world.cluster.node_pods[f"p{number}"] = found
    return world


@pytest.mark.parametrize(
    ("cpu", "used", "left"), [("2", "500m", []), ("1", "500m", ["p1"]), ("1", "1", ["p0", "p1"])]
)
def test_a_node_whose_pods_fit_nowhere_else_stays_in_service(
    cpu: str, used: str, left: list[str]
) -> None:
    world = with_pods("500m", "1")
    crowded(world, cpu, used=used)
    if not left:
        assert drain(world).status == "succeeded"
        return
    for operation in ("plan", "execute"):
        with pytest.raises(ActionRefused, match=f"{len(left)} of its pods fit on no other node"):
            getattr(DRAIN, operation)(node_request(operation), world.services)
    assert world.calls.writes() == []
    assert drain(world, nodes_are_added=True).status == "succeeded"


def test_what_is_finished_on_another_node_takes_no_room() -> None:
    world = with_pods("1")
    crowded(world, "1", used="1")
    world.cluster.pods_elsewhere["node-2"][0]["status"]["phase"] = "Succeeded"
    assert drain(world).status == "succeeded"


def test_the_shipped_checkout_leaves_a_node_by_the_shipped_runbooks() -> None:
    documents = list(yaml.safe_load_all(CHECKOUT.read_text("utf-8")))
    spec = next(each for each in documents if each["kind"] == "Deployment")["spec"]["template"]
    for name in ("node-not-ready", "node-disk-pressure"):
        runbook = yaml.safe_load((RUNBOOKS / f"{name}.yaml").read_text("utf-8"))
        allowed: dict[str, Any] = runbook["parameters"]
        for parameters in ({}, allowed):
            world = World.new()
            crowded(world, "1", used="900m")
            found = {**pod("checkout"), "spec": spec["spec"]}
            world.cluster.node_pods = {"checkout": found}
            outcome = drain(world, **parameters)
            assert outcome.status == "succeeded"
            assert outcome.details["lost"] == {
                "apps/checkout": "scratch tmp (in memory and at most 64Mi)"
            }


def test_what_a_pod_requests_is_what_the_scheduler_counts() -> None:
    found = of(
        initContainers=[
            asking(cpu="3"),  # more than all that runs later
            {**asking(cpu="100m"), "restartPolicy": "Always"},
        ],
        containers=[asking(cpu="1", memory="1Gi"), asking(cpu="500m"), {}],
        overhead={"cpu": "250m"},
    )
    assert dict(requests_of(found)) == {
        "pods": 1000,
        "cpu": 3250,
        "memory": thousandths_of("1Gi"),
    }


@pytest.mark.parametrize(
    ("toleration", "fits"),
    [
        ([], False),
        ([{"operator": "Exists"}], True),
        ([{"key": "team", "operator": "Exists"}], True),
        ([{"key": "team", "value": "blue"}], True),
        ([{"key": "team", "value": "red"}], False),
        ([{"key": "team", "value": "blue", "effect": "NoExecute"}], False),
    ],
)
def test_a_taint_keeps_away_whoever_does_not_tolerate_it(toleration: Any, fits: bool) -> None:
    assert tolerates(of(tolerations=toleration), node(spec={"taints": [BLUE]})) is fits
    preferred = {**BLUE, "effect": "PreferNoSchedule"}
    assert tolerates(of(), node(spec={"taints": [preferred]}))


@pytest.mark.parametrize(
    ("expression", "fits"),
    [
        ({"key": "disk", "operator": "In", "values": ["ssd"]}, True),
        ({"key": "disk", "operator": "NotIn", "values": ["ssd"]}, False),
        ({"key": "gpu", "operator": "NotIn", "values": ["a100"]}, True),
        ({"key": "gpu", "operator": "Exists"}, False),
        ({"key": "gpu", "operator": "DoesNotExist"}, True),
        ({"key": "cores", "operator": "Gt", "values": ["4"]}, True),
        ({"key": "cores", "operator": "Lt", "values": ["4"]}, False),
        ({"key": "disk", "operator": "Gt", "values": ["4"]}, False),
    ],
)
def test_a_pod_goes_only_where_it_asks_to_be(expression: Any, fits: bool) -> None:
    required = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    assert wants(of(affinity=affinity), node()) is fits
    assert not wants(of(nodeSelector={"disk": "hdd"}), node())


def test_pods_that_do_not_share_a_host_do_not_fit_on_one() -> None:
    world = with_pods("1m")
    apart = {
        "topologyKey": "kubernetes.io/hostname",
        "labelSelector": {"matchLabels": {"app": "shop"}},
    }
    required = {"requiredDuringSchedulingIgnoredDuringExecution": [apart]}
    world.cluster.node_pods["p0"]["spec"]["affinity"] = {"podAntiAffinity": required}
    crowded(world, "2")
    world.cluster.pods_elsewhere["node-2"][0]["metadata"]["labels"] = {"app": "shop"}
    with pytest.raises(ActionRefused, match="fit on no other node"):
        drain(world)
