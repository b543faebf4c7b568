"""A drain leaves alone the pods whose owners refuse, in whatever namespace, and says so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runbook_action.errors import AccessDenied
from runbook_action.kinds import KindWord
from runbook_action.resolve.consent_of_pods import ASKED
from tests.unit.runbook_action.drains import DRAIN, drain, node_request
from tests.unit.runbook_action.fakes import World
from tests.unit.runbook_action.resolve.scene import owner, pod, thing

OFF = {"sre-platform/remediation": "off"}


def other(name: str, *owners: dict[str, Any], **more: Any) -> dict[str, Any]:
    return thing(name, *owners, namespace="team-a", **more)


@pytest.fixture
def world() -> World:
    """Pods of another namespace, a chain of owners above each."""
    world = World.new()
    put = world.cluster.put
    put("namespace", thing("team-a", namespace=""))
    put("deployment", other("shop"))
    put("replicaset", other("shop-1", owner("Deployment", "shop", "uid-shop")))
    put("statefulset", other("db"))
    put("cronjob", other("export"))
    put("job", other("export-1", owner("CronJob", "export", "uid-export", "batch/v1")))
    above = {
        "shop-1-a": owner("ReplicaSet", "shop-1", "uid-shop-1"),
        "shop-1-b": owner("ReplicaSet", "shop-1", "uid-shop-1"),
        "db-0": owner("StatefulSet", "db", "uid-db"),
        "export-1-x": owner("Job", "export-1", "uid-export-1", "batch/v1"),
        "rolled-1": owner("Rollout", "rolled", "r", "argoproj.io/v1alpha1"),
        "orphan": owner("ReplicaSet", "gone", "g"),
        "stale": owner("StatefulSet", "db", "an-earlier-one"),
    }
    for name, each in above.items():
        world.cluster.node_pods[name] = pod(name, each, namespace="team-a")
    return world


def annotate(world: World, kind: KindWord, name: str, value: str) -> None:
    namespace = "" if kind == "namespace" else "team-a"
    metadata = world.cluster.stored(kind, namespace, name)["metadata"]
    metadata["annotations"] = {"sre-platform/remediation": value}


EVERYBODY = {"shop-1-a", "shop-1-b", "db-0", "export-1-x", "rolled-1", "orphan", "stale"}


@pytest.mark.parametrize("value", ["off", "false"])
@pytest.mark.parametrize(
    ("kind", "name", "left"),
    [
        ("pod", "shop-1-a", {"shop-1-a"}),
        ("pod", "rolled-1", {"rolled-1"}),
        ("replicaset", "shop-1", {"shop-1-a", "shop-1-b"}),
        ("deployment", "shop", {"shop-1-a", "shop-1-b"}),
        ("statefulset", "db", {"db-0"}),
        ("job", "export-1", {"export-1-x"}),
        ("cronjob", "export", {"export-1-x"}),
        ("namespace", "team-a", EVERYBODY),
    ],
)
def test_pods_whose_owners_refuse_are_left_alone_and_named(
    world: World, kind: KindWord, name: str, left: set[str], value: str
) -> None:
    annotate(world, kind, name, value)
    planned = DRAIN.plan(node_request("plan"), world.services)
    assert {each.name for each in planned.plan if each.kind == "Pod"} == {
        f"team-a/{each}" for each in EVERYBODY - left
    }
    outcome = drain(world)
    assert set(world.cluster.node_pods) == left
    assert set(outcome.details["left"]) == {f"team-a/{each}" for each in left}
    assert f"{len(left)} of them are left alone" in outcome.summary
    assert all(f"team-a/{each}" in outcome.summary for each in left)
    assert DRAIN.verify(node_request("verify"), world.services).healthy


def test_with_nobody_against_it_all_leave_and_each_owner_is_asked_once(world: World) -> None:
    assert drain(world).status == "succeeded"
    assert world.cluster.node_pods == {}
    for kind in ("namespace", *ASKED):
        namesakes = 2 if kind == "replicaset" else 1  # one of them has gone
        assert world.calls.log.count(f"get {kind}") == namesakes


def test_where_a_yes_is_needed_only_pods_with_one_leave(world: World) -> None:
    annotate(world, "deployment", "shop", "on")
    services = replace(world.services, only_annotated=True)
    DRAIN.execute(node_request("execute"), services)
    assert set(world.cluster.node_pods) == EVERYBODY - {"shop-1-a", "shop-1-b"}


def test_a_pod_on_its_way_out_is_waited_for_whoever_refuses_by_now(world: World) -> None:
    annotate(world, "statefulset", "db", "off")
    world.cluster.node_pods["db-0"]["metadata"]["deletionTimestamp"] = "now"
    drain(world)
    assert world.cluster.node_pods == {}


def test_without_the_rights_to_ask_nothing_is_evicted(world: World) -> None:
    world.calls.fail_at(2, AccessDenied("403"))
    with pytest.raises(AccessDenied, match="node-remediation anew"):
        drain(world)
    assert world.calls.writes() == []
