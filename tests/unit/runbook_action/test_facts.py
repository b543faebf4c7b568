"""What is known of a target, and what nobody has said yet."""

from __future__ import annotations

from typing import Any

import pytest

from runbook_action.errors import AccessDenied, ClusterUnreachable
from runbook_action.facts import facts_of
from runbook_action.request import TargetKind
from tests.unit.runbook_action.fakes import World, request
from tests.unit.runbook_action.revisions import revision, template


def test_the_reasons_and_restarts_of_the_containers_are_facts() -> None:
    world = World.new()
    world.cluster.pod_faults = {
        "name": "checkout",
        "restartCount": 7,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"reason": "OOMKilled"}},
    }
    world.cluster.settle()
    facts = facts_of(request("restart_workload", "plan"), world.services)
    assert (facts["last_end_reasons"], facts["restarts"]) == (["OOMKilled"], 7)


@pytest.mark.parametrize(("wanted", "at_maximum"), [(4, False), (5, True), (None, None)])
def test_an_autoscaler_that_can_add_no_more_is_a_fact(
    wanted: int | None, at_maximum: bool | None
) -> None:
    world = World.new()
    world.cluster.hpa = {
        "metadata": {"name": "checkout", "namespace": "apps", "resourceVersion": "1"},
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "checkout"},
            "minReplicas": 1,
            "maxReplicas": 5,
        },
        "status": {} if wanted is None else {"desiredReplicas": wanted},
    }
    asked = (
        request("restart_workload", "plan"),
        request("raise_autoscaler_maximum", "plan", kind="horizontalpodautoscaler"),
    )
    for each in asked:
        assert facts_of(each, world.services).get("autoscaler_at_maximum") is at_maximum


@pytest.mark.parametrize(
    ("conditions", "facts"),
    [
        ([{"type": "Ready", "status": "True"}], {"node_ready": True}),
        ([{"type": "Ready", "status": "False"}], {"node_ready": False}),
        ([{"type": "Ready", "status": "Unknown"}], {}),
        ([{"type": "DiskPressure", "status": "True"}], {}),
        ([], {}),
    ],
)
def test_a_nodes_readiness_is_a_fact_once_it_was_heard(
    conditions: list[dict[str, str]], facts: dict[str, Any]
) -> None:
    world = World.new()
    world.cluster.node_raw["status"] = {"conditions": conditions}
    asked = request("drain_node", "plan", kind="node", name="node-1")
    assert facts_of(asked, world.services) == facts


STATUS_FACTS = {"ready_replicas", "last_rollout_age_seconds"}


@pytest.mark.parametrize("kind", ["deployment", "statefulset", "daemonset"])
@pytest.mark.parametrize("status", [{}, {"readyReplicas": 3}, {"observedGeneration": 1}])
def test_a_status_that_is_missing_or_of_an_earlier_spec_says_nothing(
    kind: TargetKind, status: dict[str, Any]
) -> None:
    world = World.new(kind=kind)
    world.cluster.history = [aged(1, template("shop:1"), "2026-11-20T00:00:00Z")]
    asked = request("restart_workload", "plan", kind=kind)
    assert set(facts_of(asked, world.services)) >= STATUS_FACTS | {"replicas"}
    world.cluster.raw["metadata"]["generation"] = 2
    world.cluster.raw["status"] = status
    found = set(facts_of(asked, world.services))
    assert not found & STATUS_FACTS
    assert ("replicas" in found) is (kind != "daemonset")


def test_a_count_that_a_current_status_leaves_out_is_0() -> None:
    """The API leaves out what is 0."""
    world = World.new()
    world.cluster.raw["status"] = {"observedGeneration": 1}
    assert facts_of(request("restart_workload", "plan"), world.services)["ready_replicas"] == 0


@pytest.mark.parametrize("status", [{}, {"phase": "Pending"}, {"containerStatuses": []}])
def test_containers_that_no_kubelet_has_told_of_have_no_restarts_not_even_0(
    status: dict[str, Any],
) -> None:
    world = World.new()
    for pod in world.cluster.pod_list:
        pod["status"] = status
    for asked in (
        request("restart_workload", "plan"),
        request("evict_pod", "plan", kind="pod", name="checkout-0"),
    ):
        assert not {"restarts", "last_end_reasons"} & set(facts_of(asked, world.services))


def test_of_no_pods_it_is_known_that_none_restarted() -> None:
    world = World.new(replicas=0)
    found = facts_of(request("restart_workload", "plan"), world.services)
    assert (found["restarts"], found["last_end_reasons"]) == (0, [])


@pytest.mark.parametrize(("seen", "known"), [(1, False), (2, True), (None, True)])
def test_an_autoscaler_whose_controller_saw_an_earlier_spec_says_nothing(
    seen: int | None, *, known: bool
) -> None:
    world = World.new()
    world.cluster.hpa = {
        "metadata": {"name": "checkout", "namespace": "apps", "generation": 2},
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "checkout"}, "maxReplicas": 5},
        "status": {"desiredReplicas": 5} | ({} if seen is None else {"observedGeneration": seen}),
    }
    facts = facts_of(request("restart_workload", "plan"), world.services)
    assert ("autoscaler_at_maximum" in facts) is known


@pytest.mark.parametrize("created", ["2026-11-20", "2026-11-20T00:00:00", "yesterday", None])
def test_a_rollout_whose_time_cannot_be_read_has_no_age(created: Any) -> None:
    world = World.new()
    world.cluster.history = [aged(1, template("shop:1"), created)]
    facts = facts_of(request("restart_workload", "plan"), world.services)
    assert "last_rollout_age_seconds" not in facts


def aged(number: int, of: dict[str, Any], created: str) -> dict[str, Any]:
    found = revision(number, of)
    found["metadata"]["creationTimestamp"] = created
    found["metadata"]["namespace"] = "apps"
    found["metadata"]["labels"] = {"app": "checkout"}
    return found


def test_the_age_of_a_rollout_is_that_of_its_template_whatever_was_restarted_since() -> None:
    """Else a rung that restarts would make every rollout look new to the next one."""
    world = World.new()
    bad = template("shop:bad")
    restarted = template("shop:bad", **{"kubectl.kubernetes.io/restartedAt": "now"})
    world.cluster.history = [
        aged(1, template("shop:good"), "2026-11-20T00:00:00Z"),
        aged(3, restarted, "2026-11-23T15:14:50Z"),
        aged(2, bad, "2026-11-23T15:04:52Z"),
    ]
    facts = facts_of(request("rollback_workload", "plan"), world.services)
    assert facts["last_rollout_age_seconds"] == 600


def test_a_fact_that_cannot_be_found_out_is_unknown_and_the_others_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World.new()

    def denied(*_: Any) -> Any:
        raise AccessDenied("403")

    monkeypatch.setattr(world.cluster, "autoscalers", denied)
    facts = facts_of(request("restart_workload", "plan"), world.services)
    assert "autoscaler_at_maximum" not in facts
    assert facts["replicas"] == 3


def test_a_cluster_that_does_not_answer_is_asked_again_and_not_taken_as_unknown() -> None:
    world = World.new()
    world.calls.fail_at(1, ClusterUnreachable("no answer"))
    with pytest.raises(ClusterUnreachable):
        facts_of(request("restart_workload", "plan"), world.services)
