"""Where an object is: what of the cluster counts as under it, and how much of it is asked."""

from __future__ import annotations

from typing import Any

import pytest

from runbook_action.errors import ClusterUnreachable
from runbook_action.kinds import KindWord
from runbook_action.objects import KubernetesObject
from runbook_action.topology.depends_on import dependencies
from runbook_action.topology.reading import MOST_DEPENDENCIES, MOST_NODES, Topology, read_topology
from tests.unit.runbook_action.topology.scene import DEPENDS_ON, Objects


@pytest.fixture
def objects() -> Objects:
    found = Objects()
    found.node("well")
    found.node("dead", ready="Unknown")
    return found


def read(objects: Objects, name: str, kind: KindWord = "deployment") -> Topology:
    namespace = "" if kind == "node" else "apps"
    cluster = objects.cluster
    return read_topology(cluster, "c", cluster.read(kind, namespace, name))


def depends(*names: str) -> dict[str, Any]:
    return {"annotations": {DEPENDS_ON: ", ".join(names)}}


def test_an_unfit_node_is_under_a_workload_whose_pod_is_not_ready_on_it(objects: Objects) -> None:
    objects.workload("web", ("well", True), ("dead", False))
    found = read(objects, "web")
    assert found.place == "c#apps#deployment#web"
    assert found.above == ("c##node#dead",)
    assert found.suspect == "node dead is not ready"
    assert found.level == 1


def test_a_fit_node_is_under_nothing_and_neither_is_one_whose_pods_are_ready(
    objects: Objects,
) -> None:
    objects.workload("web", ("well", False), ("dead", True))
    assert read(objects, "web").above == ()
    assert read(objects, "web").suspect == ""


@pytest.mark.parametrize(
    ("condition", "why"),
    [("DiskPressure", "has DiskPressure"), ("MemoryPressure", "has MemoryPressure")],
)
def test_a_node_under_pressure_is_unfit(objects: Objects, condition: str, why: str) -> None:
    objects.node("full", **{condition: "True"})
    objects.workload("web", ("full", False))
    assert read(objects, "web").suspect == f"node full {why}"


def test_a_node_that_has_gone_is_unfit(objects: Objects) -> None:
    objects.workload("web", ("removed", False))
    assert read(objects, "web").above == ("c##node#removed",)
    assert read(objects, "web").suspect == "node removed has gone"


def test_of_a_pod_only_its_own_node_counts_and_its_place_is_its_workloads(objects: Objects) -> None:
    objects.workload("db", ("well", False), ("dead", False), kind="statefulset")
    first, second = read(objects, "db-0", "pod"), read(objects, "db-1", "pod")
    assert first.place == second.place == "c#apps#statefulset#db"
    assert (first.above, second.above) == ((), ("c##node#dead",))


def test_a_node_is_lowest_and_says_how_much_stands_on_it(objects: Objects) -> None:
    for number in range(40):
        objects.workload(f"w{number}", ("dead", False), ("dead", False))
    objects.workload("fine", ("dead", True))
    found = read(objects, "dead", "node")
    assert (found.place, found.level, found.above) == ("c##node#dead", 0, ())
    assert found.under == "40 workloads have pods on it that are not ready"


def test_what_it_depends_on_is_under_it_with_the_nodes_of_that(objects: Objects) -> None:
    objects.workload("web", ("well", True), labels={DEPENDS_ON: "orders"})
    objects.workload("orders", ("well", True), **depends("statefulset/db"))
    objects.workload("db", ("dead", False), kind="statefulset")
    found = read(objects, "web")
    assert found.above == (
        "c#apps#deployment#orders",
        "c#apps#statefulset#db",
        "c##node#dead",
    )
    assert [read(objects, each).level for each in ("web", "orders")] == [3, 2]


def test_a_circle_of_dependencies_ends_where_it_began(objects: Objects) -> None:
    objects.workload("a", **depends("b"))
    objects.workload("b", **depends("a"))
    assert read(objects, "a").level == read(objects, "b").level
    assert read(objects, "a").above == ("c#apps#deployment#b",)


def test_how_much_is_read_has_an_end(objects: Objects) -> None:
    names = [f"d{number}" for number in range(30)]
    objects.workload("web", *((f"x{n}", False) for n in range(30)), **depends(*names))
    for name in names:
        objects.workload(name, *((f"{name}-{n}", False) for n in range(30)), **depends(*names))
    objects.reads = 0
    found = read(objects, "web")
    assert len([each for each in found.above if "##node#" not in each]) <= MOST_DEPENDENCIES
    # Itself, its pods and nodes, and of each dependency the same, under three kinds at most.
    assert objects.reads <= 2 + MOST_NODES + MOST_DEPENDENCIES * (3 + 1 + MOST_NODES)


def test_what_may_not_be_read_is_left_out(objects: Objects) -> None:
    objects.workload("web", ("dead", False), **depends("orders"))
    objects.denied = {"node"}
    assert read(objects, "web").above == ()
    objects.denied = {"pod"}
    assert read(objects, "web").above == ()


def test_a_cluster_that_does_not_answer_is_not_taken_for_one_without_a_cause(
    objects: Objects,
) -> None:
    objects.workload("web", ("dead", False))
    found = objects.cluster.read("deployment", "apps", "web")
    objects.unreachable = True
    with pytest.raises(ClusterUnreachable):
        read_topology(objects.cluster, "c", found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("orders", [("apps", "orders", 3)]),
        ("deployment/orders", [("apps", "orders", 1)]),
        ("data/statefulset/ledger", [("data", "ledger", 1)]),
        ("orders, , orders,pod/x,node/n,../etc,a/b/c/d,UPPER", [("apps", "orders", 3)]),
        ("", []),
    ],
)
def test_only_names_of_workloads_are_dependencies(
    text: str, found: list[tuple[str, str, int]]
) -> None:
    metadata = {"namespace": "apps", "name": "web", "annotations": {DEPENDS_ON: text}}
    raw = {"kind": "Deployment", "metadata": metadata}
    named = dependencies(KubernetesObject(raw))
    assert [(each.namespace, each.name, len(each.kinds)) for each in named] == found
