"""drain_node on a real API server with real disruption budgets."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from kubernetes import client

from runbook_action.actions import REGISTRY
from runbook_action.errors import (
    AccessDenied,
    ActionRefused,
    ClusterConflict,
    ClusterThrottled,
    NamespaceEnding,
    RolloutFailed,
    TargetNotFound,
)
from runbook_action.objects import Pod
from tests.integration.runbook_action.drain_scene import (
    BUDGETS,
    DRAIN,
    PODS_EACH,
    BudgetWatch,
    create_pods,
    drain_request,
    populate,
)
from tests.integration.runbook_action.support import INCIDENT, Place
from tests.support.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.kubernetes


def create_budget(place: Place, healthy: int, pods: int) -> Any:
    policy: Any = client.PolicyV1Api(place.admin)
    policy.create_namespaced_pod_disruption_budget(
        place.namespace,
        {
            "metadata": {"name": "keep"},
            "spec": {"minAvailable": healthy, "selector": {"matchLabels": {"drain": "me"}}},
        },
    )
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = policy.read_namespaced_pod_disruption_budget("keep", place.namespace)
        if found.status.current_healthy == pods:
            return policy
        time.sleep(0.1)
    raise AssertionError(f"the budget never saw {pods} healthy pods")


def on_node(place: Place, node: str) -> list[str]:
    found = place.core.list_namespaced_pod(
        place.namespace, field_selector=f"spec.nodeName={node}"
    ).items
    return [pod.metadata.name for pod in found if pod.metadata.deletion_timestamp is None]


def is_cordoned(place: Place, node: str) -> bool:
    return bool(place.core.read_node(node).spec.unschedulable)


def test_a_node_is_cordoned_and_emptied_and_undo_lets_pods_on_it_again(
    place: Place, node: str
) -> None:
    create_pods(place, node, ["a", "b", "c"])
    outcome = DRAIN.execute(drain_request(place, node), place.services())
    assert outcome.status == "succeeded"
    assert is_cordoned(place, node)
    assert on_node(place, node) == []
    assert DRAIN.verify(drain_request(place, node, "verify"), place.services()).healthy
    assert DRAIN.execute(drain_request(place, node), place.services()).status == "succeeded"
    DRAIN.undo(drain_request(place, node, "undo"), place.services())
    assert not is_cordoned(place, node)


def test_a_cordon_undone_at_once_meets_no_change_of_somebody_else(place: Place, node: str) -> None:
    """Kubernetes gives a cordoned node its taint, and takes it off, a moment later."""
    undo = drain_request(place, node, "undo")
    for _round in range(15):
        assert DRAIN.execute(drain_request(place, node), place.services()).status == "succeeded"
        assert DRAIN.undo(undo, place.services()).status == "succeeded"


def test_a_budget_is_never_broken_and_is_named_at_the_deadline(place: Place, node: str) -> None:
    create_pods(place, node, ["a", "b", "c", "d"])
    create_budget(place, healthy=2, pods=4)
    with pytest.raises(RolloutFailed, match=r"disruption budget keep needs 2 .*was uncordoned"):
        DRAIN.execute(drain_request(place, node, deadline_seconds=4), place.services())
    assert len(on_node(place, node)) == 2
    assert not is_cordoned(place, node)


def test_a_drain_goes_on_when_the_budget_allows_it(place: Place, node: str) -> None:
    create_pods(place, node, ["a", "b"])
    policy = create_budget(place, healthy=2, pods=2)
    first = DRAIN.execute(drain_request(place, node), place.services(seconds=2))
    assert first.status == "in_progress"
    assert "disruption budget keep" in first.details["blocked"][f"{place.namespace}/a"]
    policy.delete_namespaced_pod_disruption_budget("keep", place.namespace)
    assert DRAIN.execute(drain_request(place, node), place.services()).status == "succeeded"


def test_an_unmanaged_pod_forbids_the_drain_before_the_cordon(place: Place, node: str) -> None:
    create_pods(place, node, ["bare"], managed=False)
    with pytest.raises(ActionRefused, match="no controller"):
        DRAIN.execute(drain_request(place, node), place.services())
    assert not is_cordoned(place, node)


def test_429_is_throttled_and_names_the_budget(place: Place, node: str) -> None:
    create_pods(place, node, ["a"])
    create_budget(place, healthy=1, pods=1)
    (pod,) = place.cluster.pods_on_node(node)
    with pytest.raises(ClusterThrottled, match=r"429.*disruption budget keep needs 1"):
        place.cluster.evict(pod, None)


def test_a_pod_of_two_budgets_is_named_at_once_and_the_others_leave(
    place: Place, node: str
) -> None:
    create_pods(place, node, ["a", "b"])
    policy: Any = client.PolicyV1Api(place.admin)
    place.core.patch_namespaced_pod("a", place.namespace, {"metadata": {"labels": {"two": "x"}}})
    for name in ("one", "two"):
        policy.create_namespaced_pod_disruption_budget(
            place.namespace,
            {
                "metadata": {"name": name},
                "spec": {"minAvailable": 0, "selector": {"matchLabels": {"two": "x"}}},
            },
        )
    with pytest.raises(RolloutFailed, match=r"/a \(.*500, .*Merge its disruption budgets"):
        DRAIN.execute(drain_request(place, node), place.services())
    assert on_node(place, node) == ["a"]


def test_an_eviction_in_an_ending_namespace_is_refused_by_its_own_name(
    place: Place, node: str
) -> None:
    create_pods(place, node, ["a"])
    (pod,) = place.cluster.pods_on_node(node)
    place.statuses.stop()  # or the pod is gone at once
    held = {"metadata": {"finalizers": ["example.com/held"]}}
    place.core.patch_namespaced_pod("a", place.namespace, held)
    place.core.delete_namespace(place.namespace)
    try:
        with pytest.raises(NamespaceEnding, match="403"):
            place.cluster.evict(pod, None)
    finally:
        place.core.patch_namespaced_pod("a", place.namespace, {"metadata": {"finalizers": None}})


def test_only_the_very_pod_that_was_seen_is_evicted(place: Place, node: str) -> None:
    create_pods(place, node, ["a"])
    (pod,) = place.cluster.pods_on_node(node)
    other = Pod({**pod.raw, "metadata": {**pod.metadata, "uid": "another"}})
    with pytest.raises(ClusterConflict):
        place.cluster.evict(other, None)
    gone = Pod({**pod.raw, "metadata": {**pod.metadata, "name": "gone"}})
    with pytest.raises(TargetNotFound):
        place.cluster.evict(gone, None)
    assert on_node(place, node) == ["a"]


def test_without_the_opt_in_role_a_drain_is_denied_and_says_what_to_install(place: Place) -> None:
    with pytest.raises(AccessDenied, match="checkout-node-remediation"):
        DRAIN.execute(drain_request(place, "some-node"), place.services())


@pytest.mark.parametrize("spec", [{"unschedulable": True}, {}], ids=["cordoned", "not ready"])
def test_a_second_node_of_the_group_is_not_drained(
    place: Place, node: str, spec: dict[str, Any]
) -> None:
    labels = place.core.read_node(node).metadata.labels
    other = f"other-than-{node}"
    place.core.create_node({"metadata": {"name": other, "labels": labels}, "spec": spec})
    create_pods(place, node, ["a"])
    try:
        with pytest.raises(ActionRefused, match=f"{other} is"):
            DRAIN.execute(drain_request(place, node), place.services())
    finally:
        place.core.delete_node(other)
    assert not is_cordoned(place, node)
    assert on_node(place, node) == ["a"]


@pytest.mark.parametrize("action", ["cordon_node", "drain_node"])
def test_of_two_nodes_of_a_group_never_are_both_closed(
    place: Place, node: str, action: str
) -> None:
    """Two incidents whose steps look at the group at the same moment."""
    nodes = {node: "11111111-1111-5111-9111-111111111111", f"beside-{node}": INCIDENT}
    for _round in range(8):
        at_once = threading.Barrier(len(nodes))

        def close(name: str, barrier: threading.Barrier = at_once) -> bool:
            asked = replace(drain_request(place, name), action=action, incident_id=nodes[name])
            barrier.wait()
            try:
                return REGISTRY[action].execute(asked, place.services()).status == "succeeded"
            except ActionRefused:
                return False

        with ThreadPoolExecutor(len(nodes)) as pool:
            closed = dict(zip(nodes, pool.map(close, nodes), strict=True))
        cordoned = {name: place.core.read_node(name).spec.unschedulable is True for name in nodes}
        assert cordoned == closed
        assert sum(cordoned.values()) < len(nodes)
        for name, incident in nodes.items():
            undo = drain_request(place, name, "undo")
            undo = replace(undo, action=action, incident_id=incident)
            REGISTRY[action].undo(undo, place.services())
            assert not place.core.read_node(name).spec.unschedulable


def test_the_nodes_without_a_group_are_a_group(place: Place, node: str) -> None:
    place.core.create_node({"metadata": {"name": f"no-group-{node}"}})
    try:
        grouped = place.cluster.nodes(place.cluster.node(node).group_selector)
        alone = place.cluster.node(f"no-group-{node}")
        found = {each.name for each in place.cluster.nodes(alone.group_selector)}
    finally:
        place.core.delete_node(f"no-group-{node}")
    assert {each.name for each in grouped} == {node, f"beside-{node}"}
    assert alone.name in found
    assert node not in found


def test_thirty_pods_under_three_budgets_leave_with_every_budget_kept_at_every_moment(
    place: Place, node: str
) -> None:
    populate(place, node)
    assert len(on_node(place, node)) == PODS_EACH * len(BUDGETS)
    with BudgetWatch(place) as seen:
        outcome = DRAIN.execute(drain_request(place, node), place.services(seconds=240))
    assert outcome.status == "succeeded"
    assert on_node(place, node) == []
    assert seen.broken == []
    # Each pod that left was seen at least when it began to end and when it was gone.
    assert seen.samples >= 2 * PODS_EACH * len(BUDGETS)
    assert all(lowest < PODS_EACH for lowest in seen.lowest.values())
