"""What is known of a target, and what nobody has said yet."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from runbook_action.errors import AccessDenied, ClusterUnreachable
from runbook_action.evidence.staged import staged_version
from runbook_action.facts import facts_of
from runbook_action.history import revisions_of
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


GOOD, BAD = template("shop:good"), template("shop:bad")
RESTARTED = template(
    "shop:bad",
    **{"kubectl.kubernetes.io/restartedAt": "now", "sre-platform/restarted-by": "restart_workload"},
)
T1, T2, T3, T4 = (f"2026-11-23T1{hour}:04:52Z" for hour in range(1, 5))
NOW = datetime(2026, 11, 23, 15, 14, 52, tzinfo=UTC)


def kept(kind: TargetKind, number: int, of: Any, made: str, taken: str = "", was: str = "") -> Any:
    """A revision as Kubernetes keeps it.

    One that was taken again has a number of then. Of a ReplicaSet an annotation names the earlier
    ones (``was``), of a ControllerRevision who wrote the number says when (``taken``).
    """
    found = aged(number, of, made)
    if kind == "deployment":
        if was:
            found["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"] = was
        return found
    written = {"manager": "kube-controller-manager", "time": taken or made}
    found["metadata"]["managedFields"] = [{**written, "fieldsV1": {"f:revision": {}}}]
    found["metadata"]["annotations"] = {}
    return {
        "metadata": found["metadata"],
        "revision": number,
        "data": {"spec": {"template": {**deepcopy(of), "$patch": "replace"}}},
    }


def age_of(kind: TargetKind, *history: Any, written: str = "") -> int | None:
    """The age, with the image on the workload written by somebody at a time."""
    world = World.new(kind=kind)
    world.cluster.history = list(history)
    image: dict[str, Any] = {"f:containers": {'k:{"name":"checkout"}': {"f:image": {}}}}
    fields = {"f:spec": {"f:template": {"f:spec": image}}}
    world.cluster.raw["metadata"]["managedFields"] = (
        [{"manager": "ada", "time": written, "fieldsV1": fields}] if written else []
    )
    found = facts_of(request("restart_workload", "plan", kind=kind), world.services)
    age: int | None = found.get("last_rollout_age_seconds")
    return age


def since(moment: str) -> int:
    return int((NOW - datetime.fromisoformat(moment)).total_seconds())


BOTH = pytest.mark.parametrize("kind", ["deployment", "statefulset"])


@BOTH
def test_a_version_whose_restart_was_undone_is_as_old_as_before(kind: TargetKind) -> None:
    """Its revision is taken again, with a number above that of the restart."""
    history = [
        kept(kind, 1, GOOD, T1),
        kept(kind, 3, RESTARTED, T3),
        kept(kind, 4, BAD, T2, taken=T4, was="2"),
    ]
    assert age_of(kind, *history) == since(T2)
    assert age_of(kind, *history, written=T2) == since(T2)


@BOTH
def test_a_version_that_came_back_is_as_old_as_its_coming_back(kind: TargetKind) -> None:
    history = [kept(kind, 2, BAD, T2), kept(kind, 3, GOOD, T1, taken=T3, was="1")]
    assert age_of(kind, *history, written=T3) == since(T3)


@BOTH
def test_a_version_that_came_back_and_whose_restart_was_undone_is_as_old_as_its_coming_back(
    kind: TargetKind,
) -> None:
    again = template("shop:good", **{"kubectl.kubernetes.io/restartedAt": "now"})
    history = [
        kept(kind, 2, BAD, T2),
        kept(kind, 4, again, "2026-11-23T14:30:00Z"),
        kept(kind, 5, GOOD, T1, taken="2026-11-23T14:40:00Z", was="1,3"),
    ]
    assert age_of(kind, *history, written=T3) == since(T3)


@BOTH
def test_of_versions_that_took_turns_the_last_coming_back_counts(kind: TargetKind) -> None:
    history = [
        kept(kind, 3, GOOD, T1, taken=T3, was="1"),
        kept(kind, 4, BAD, T2, taken=T4, was="2"),
    ]
    assert age_of(kind, *history, written=T4) == since(T4)


@BOTH
def test_revisions_without_numbers_are_no_fault(kind: TargetKind) -> None:
    assert age_of(kind, kept(kind, 0, GOOD, T1), kept(kind, 0, BAD, T2)) is None
    assert age_of(kind, kept(kind, 0, BAD, T2), kept(kind, 0, GOOD, T1)) == since(T2)


@pytest.mark.parametrize(("taken", "came"), [(T4, T4), ("", T3), ("2026-11-23T13:04:53Z", T3)])
def test_a_version_made_in_the_second_of_the_one_between_is_as_old_as_its_coming_back(
    taken: str, came: str
) -> None:
    """A restart and a deployment at once, and back to what was restarted."""
    history = [
        kept("statefulset", 1, GOOD, T1),
        kept("statefulset", 3, BAD, T3),
        kept("statefulset", 4, GOOD, T3, taken=taken),
    ]
    assert age_of("statefulset", *history) == since(came)


def limited(kind: TargetKind, limit: int | None, *history: Any) -> int | None:
    """The age, of a workload that keeps no more than so many earlier revisions."""
    world = World.new(kind=kind)
    world.cluster.history = list(history)
    if limit is not None:
        world.cluster.raw["spec"]["revisionHistoryLimit"] = limit
    found = facts_of(request("restart_workload", "plan", kind=kind), world.services)
    age: int | None = found.get("last_rollout_age_seconds")
    return age


@BOTH
@pytest.mark.parametrize(("limit", "known"), [(2, False), (3, True), (None, True)])
def test_where_restarts_have_pushed_other_versions_out_nobody_knows_since_when_it_is_used(
    kind: TargetKind, limit: int | None, *, known: bool
) -> None:
    """It may have come back after one of those that are kept no more."""
    history = [
        kept(kind, 3, BAD, T1, taken=T2, was="1"),
        kept(kind, 4, RESTARTED, T3),
        kept(kind, 5, RESTARTED, T4),
    ]
    assert limited(kind, limit, *history) == (since(T1) if known else None)


@BOTH
def test_where_every_number_is_known_nothing_was_pushed_out(kind: TargetKind) -> None:
    history = [
        kept(kind, 1, BAD, T1),
        kept(kind, 2, RESTARTED, T3),
        kept(kind, 3, RESTARTED, T4),
    ]
    assert limited(kind, 2, *history) == since(T1)
    assert limited(kind, 0, history[0]) == since(T1)
    assert limited(kind, 0, history[1]) is None


def test_whoever_wrote_the_template_again_later_makes_no_version_younger() -> None:
    """What its coming back has replaced was written last when it was scaled to none."""
    replaced = kept("deployment", 2, BAD, T2)
    replaced["metadata"]["managedFields"] = [
        {"manager": "kube-controller-manager", "time": T3, "fieldsV1": {"f:spec": {}}},
        {"manager": "kube-controller-manager", "time": T4, "subresource": "status"},
    ]
    back = kept("deployment", 3, GOOD, T1, was="1")
    assert age_of("deployment", replaced, back, written=T3) == since(T3)
    assert age_of("deployment", replaced, back, written=T4) is None
    assert age_of("deployment", replaced, back) is None, "nobody says when"


@pytest.mark.parametrize(("replicas", "known"), [(3, True), (0, False)])
def test_what_is_just_being_replaced_says_nothing_of_when(replicas: int, known: bool) -> None:
    """Its last write is that of the time when it came."""
    replaced = kept("deployment", 2, BAD, T2)
    replaced["spec"]["replicas"] = replicas
    replaced["metadata"]["managedFields"] = [
        {"manager": "kube-controller-manager", "time": T2, "fieldsV1": {"f:spec": {}}}
    ]
    back = kept("deployment", 3, GOOD, T1, was="1")
    assert age_of("deployment", replaced, back, written=T4) == (since(T4) if known else None)


def test_revisions_that_a_statefulset_made_anew_has_taken_over_are_as_old_as_they_were() -> None:
    """It is deleted without its pods and made anew to change what may not be changed."""
    world = World.new(kind="statefulset")
    world.cluster.raw["metadata"]["creationTimestamp"] = T4
    world.cluster.history = [
        kept("statefulset", number, of, made, taken=T4)
        for number, of, made in ((1, GOOD, T1), (2, BAD, T2))
    ]
    facts = facts_of(request("restart_workload", "plan", kind="statefulset"), world.services)
    assert facts["last_rollout_age_seconds"] == since(T2)


@pytest.mark.parametrize(("runs", "count"), [("1", 0), ("2", 3)])
def test_of_a_daemonset_whose_pods_a_human_replaces_it_is_counted_which_run_its_version(
    runs: str, count: int
) -> None:
    """Its pods' label names a revision by the hash alone."""
    world = World.new(kind="daemonset")
    world.cluster.raw["spec"] |= {"template": BAD, "updateStrategy": {"type": "OnDelete"}}
    for number, of, made in ((1, GOOD, T1), (2, BAD, T2)):
        made_of = kept("daemonset", number, of, made)
        made_of["metadata"]["labels"]["controller-revision-hash"] = str(number)
        world.cluster.history.append(made_of)
    for pod in world.cluster.pod_list:
        pod["metadata"]["labels"]["controller-revision-hash"] = runs
        pod["metadata"]["ownerReferences"] = [{"uid": "u1", "controller": True}]
    workload = world.cluster.workload("daemonset", "apps", "checkout")
    history = revisions_of(world.cluster, workload)
    staged = staged_version(workload, history, world.cluster.pods("apps", workload.selector))
    assert staged is not None
    assert (staged.runs, staged.pods) == (count, 3)
    assert [each.revision for each in staged.running] == [int(runs)]
    facts = facts_of(request("restart_workload", "plan", kind="daemonset"), world.services)
    assert "last_rollout_age_seconds" not in facts


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
