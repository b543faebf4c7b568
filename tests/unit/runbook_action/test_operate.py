"""What was found at resolve is what is acted on, and it is asked again before anything is done."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runbook_action import handler as module
from runbook_action.actions import REGISTRY
from runbook_action.errors import (
    ActionRefused,
    InvalidRequest,
    RefusedHalfway,
    TargetNotFound,
)
from runbook_action.identity import OfOneTarget
from runbook_action.kinds import KindWord
from runbook_action.operate import operate
from runbook_action.request import TargetKind
from runbook_action.resolve.operation import resolve
from runbook_action.resolve.request import parse_resolve
from tests.unit.runbook_action.about import TARGETS, about
from tests.unit.runbook_action.fakes import INCIDENT, World, request
from tests.unit.runbook_action.invocations import Context, event
from tests.unit.runbook_action.resolve.scene import (
    CHECKOUT,
    POLICY,
    annotate,
    from_alert,
    runbook,
    scene,
    stored,
)

# What reads no target: it is about a document, or a check that is asked by name.
ASKED = sorted(set(REGISTRY) - {"probe_cluster", "run_automation", "invoke_check"})


@pytest.mark.parametrize("action", sorted(set(REGISTRY) - {"probe_cluster"}))
def test_another_object_of_the_same_name_is_not_acted_on(action: str) -> None:
    for operation in ("plan", "execute", "verify", "undo"):
        asked = about(action, operation, "of-an-earlier-one")
        if operation in ("verify", "undo") and action not in ASKED:
            continue
        if operation == "undo" and action in ("evict_pod", "expand_volume"):
            continue  # there is none
        if operation in ("verify", "undo") and action == "rerun_job":
            continue  # they are about the copy, which bears the identity in its name
        world = scene()
        if operation == "undo":
            outcome = operate(REGISTRY[action], asked, world.services)
            assert "is another object of the same name" in outcome.summary
            assert (outcome.changed, world.calls.writes()) == (False, [])
            continue
        with pytest.raises(TargetNotFound, match="is another object of the same name") as caught:
            operate(REGISTRY[action], asked, world.services)
        assert "of-an-earlier-one" in str(caught.value)
        assert world.calls.writes() == []


def refused_once(monkeypatch: pytest.MonkeyPatch, action: str, *, late: bool) -> str:
    """Name the error of a step that a guard stops: before its first write, or in a later call."""
    world = World.new()
    asked = request(action, parameters={"step": 1, "max_replicas": 9} if "scale" in action else {})
    if late:
        operate(REGISTRY[action], asked, world.services)

    def guard(*_: Any) -> Any:
        raise ActionRefused("a guard forbids it")

    kind = type(REGISTRY[action])
    monkeypatch.setattr(kind, "execute", guard)
    with pytest.raises(ActionRefused, match="a guard forbids it") as caught:
        operate(REGISTRY[action], asked, world.services)
    return type(caught.value).__name__


@pytest.mark.parametrize("action", ["restart_workload", "scale_workload", "enable_degraded_mode"])
def test_a_refusal_says_whether_something_may_have_been_changed(
    monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    with monkeypatch.context() as patch:
        assert refused_once(patch, action, late=False) == "ActionRefused"
    with monkeypatch.context() as patch:
        assert refused_once(patch, action, late=True) == "RefusedHalfway"


def test_a_part_in_a_lease_whose_write_was_refused_may_have_changed_something(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World.new()
    asked = request("scale_workload", parameters={"step": 1, "max_replicas": 9})

    def refused(*_: Any, **__: Any) -> Any:
        raise ActionRefused("a guard forbids it")

    monkeypatch.setattr(world.cluster, "patch", refused)
    monkeypatch.setattr(world.cluster, "replace", refused)
    with pytest.raises(RefusedHalfway, match="a guard forbids it"):
        operate(REGISTRY["scale_workload"], asked, world.services)


@pytest.mark.parametrize("kind", TARGETS)
def test_the_object_itself_and_a_request_that_knows_no_uid_are_answered(kind: TargetKind) -> None:
    name, uid = TARGETS[kind]
    for known in (uid, None):
        asked = request("any", kind=kind, name=name).target
        cluster = OfOneTarget(scene().cluster, replace(asked, uid=known))
        namespace = "" if kind == "node" else "apps"
        assert cluster.read(kind, namespace, name).uid == uid
        # Others are none of its business.
        assert cluster.read("namespace", "", "apps").name == "apps"


def test_an_object_that_is_replaced_between_two_reads_of_one_call_is_left_alone() -> None:
    world = World.new()
    asked = about("restart_deployment", "execute", "u1")

    def replaced() -> None:
        world.cluster.raw["metadata"]["uid"] = "u2"

    world.cluster.at_settling = replaced
    with pytest.raises(TargetNotFound, match="uid u2"):
        operate(REGISTRY["restart_deployment"], asked, world.services)


def test_the_uid_travels_from_resolve_to_undo_and_no_lock_knows_it(world: World) -> None:
    parsed = parse_resolve(
        {
            "runbook": runbook(CHECKOUT, action="restart_deployment"),
            "alert": {"labels": {"cluster": "sre-platform"}},
            "incident_id": INCIDENT,
        }
    )
    found = resolve(parsed, REGISTRY, POLICY, lambda _: world.services)
    target = found["steps"][0]["target"]
    assert target["uid"] == "u1"
    assert found["locks"] == ["target#sre-platform#apps#deployment#checkout"]
    one = {"action": "restart_deployment", "target": {**target, "cluster": None}}
    answer = module.handler(event(**one), Context())
    assert answer["target"]["uid"] == "u1"
    world.cluster.raw["metadata"]["uid"] = "u2"
    written, told = list(world.calls.writes()), len(world.cluster.events)
    for operation in ("plan", "execute", "verify"):
        with pytest.raises(TargetNotFound, match="another object of the same name"):
            module.handler(event(operation=operation, **one), Context())
    answer = module.handler(event(operation="undo", **one), Context())
    assert (answer["status"], answer["changed"]) == ("unchanged", False)
    # Nor is an event written on what is somebody else's.
    assert (list(world.calls.writes()), len(world.cluster.events)) == (written, told)


@pytest.mark.parametrize("uid", ["", 7, "a b", "x" * 129])
def test_a_uid_that_is_none_is_no_request(world: World, uid: Any) -> None:
    target = {"cluster": None, "namespace": "apps", "kind": "deployment", "name": "checkout"}
    with pytest.raises(InvalidRequest, match=r"target\.uid"):
        module.handler(event(target={**target, "uid": uid}), Context())


@pytest.mark.parametrize("value", ["off", "no"])
@pytest.mark.parametrize(
    ("action", "kind", "name"),
    [
        ("restart_deployment", "deployment", "checkout"),
        ("restart_deployment", "namespace", "apps"),
        ("scale_deployment", "horizontalpodautoscaler", "checkout"),
        ("raise_autoscaler_maximum", "deployment", "checkout"),
        ("rerun_job", "cronjob", "export"),
        ("expand_volume", "statefulset", "db"),
        ("evict_pod", "deployment", "checkout"),
        ("drain_node", "node", "node-1"),
        ("cordon_node", "node", "node-1"),
    ],
)
def test_who_refuses_after_resolve_is_heard_by_plan_and_execute(
    action: str, kind: KindWord, name: str, value: str
) -> None:
    for operation in ("plan", "execute"):
        world = scene()
        annotate(world, kind, name, value)
        asked = about(action, operation, None)
        with pytest.raises(ActionRefused, match="sre-platform/remediation"):
            operate(REGISTRY[action], asked, world.services)
        assert world.calls.writes() == []


def test_where_a_yes_is_needed_it_is_needed_until_the_step_begins() -> None:
    world = World.new()
    services = replace(world.services, only_annotated=True)
    restart, asked = REGISTRY["restart_deployment"], about("restart_deployment", "execute", None)
    with pytest.raises(ActionRefused, match="RemediateOnlyAnnotated"):
        operate(restart, asked, services)
    world.cluster.raw["metadata"]["annotations"] = {"sre-platform/remediation": "on"}
    assert operate(restart, asked, services).status == "succeeded"
    # What has begun is watched to its end, and is taken back, whatever was said since.
    world.cluster.raw["metadata"]["annotations"]["sre-platform/remediation"] = "off"
    for operation in ("plan", "execute", "verify", "undo"):
        operate(restart, about("restart_deployment", operation, None), services)
    later = replace(asked, step=2)
    with pytest.raises(ActionRefused, match="refuses"):
        operate(restart, later, services)


def test_an_eviction_and_a_rerun_remember_elsewhere_that_they_have_begun() -> None:
    world = scene()
    pod = about("evict_pod", "execute", TARGETS["pod"][1])
    stored(world, "replicaset", "checkout-1")["spec"] = {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "checkout"}},
    }
    evict = REGISTRY["evict_pod"]
    assert not evict.has_begun(pod, world.services)
    operate(evict, pod, world.services)
    annotate(world, "deployment", "checkout", "off")
    world.cluster.more["pod"] = []
    assert evict.has_begun(pod, world.services)
    assert operate(evict, pod, world.services).changed
    job, rerun = about("rerun_job", "execute", TARGETS["job"][1]), REGISTRY["rerun_job"]
    failed = {"conditions": [{"type": "Failed", "status": "True"}]}
    stored(world, "job", "export-1")["status"] = failed
    assert operate(rerun, job, world.services).changed
    annotate(world, "cronjob", "export", "off")
    assert operate(rerun, job, world.services).details["job"]


def test_a_rehearsal_of_from_alert_knows_the_uid_too() -> None:
    parsed = parse_resolve(
        {
            "runbook": runbook(from_alert("pod"), action="evict_pod"),
            "alert": {"labels": {"cluster": "sre-platform", "namespace": "apps", "pod": "db-0"}},
            "incident_id": INCIDENT,
        }
    )
    answer = resolve(parsed, REGISTRY, POLICY, lambda _: scene().services)
    assert answer["target"]["uid"] == "uid-db-0"
