"""All steps in one answer: their objects, parameters and locks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runbook_action.errors import ActionRefused, InvalidRequest, ParameterRefused, TargetNotFound
from runbook_action.history import digest_of
from runbook_action.resolve import parse_resolve
from tests.unit.runbook_action.fakes import INCIDENT, PARAMETER
from tests.unit.runbook_action.resolve.scene import (
    CHECKOUT,
    POLICY,
    from_alert,
    resolved,
    runbook,
    scene,
)

APPS = {"namespace": "apps"}
PLAIN = {"required": False, "timeout_seconds": 900}


def ladder(*steps: dict[str, Any], strategy: str = "ladder") -> dict[str, Any]:
    return {
        "name": "Mend",
        "strategy": strategy,
        "target": from_alert("workload"),
        "on_failure": "undo",
        "steps": list(steps),
    }


def test_the_short_form_is_a_ladder_of_one_step() -> None:
    answer = resolved(scene(), runbook(CHECKOUT, parameters={"count": 2}), {})
    target = {"cluster": "sre-platform", **CHECKOUT, "uid": "u1"}
    assert json.loads(json.dumps(answer)) == {
        "status": "resolved",
        "action": "touch",
        "operation": "resolve",
        "target": target,
        "incident_id": INCIDENT,
        "changed": False,
        "summary": "runbook Mend is about deployment apps/checkout: 1 step.",
        "locks": ["target#sre-platform#apps#deployment#checkout"],
        "strategy": "ladder",
        "steps": [
            {
                "index": 1,
                "name": "step-1",
                "action": "touch",
                "target": target,
                "parameters": {"count": 2},
                "on_failure": "keep",
                "verify_seconds": None,
                "verify": None,
                "approval": PLAIN,
                "when": [],
                "changes": True,
                "lends": False,
                "locks": ["target#sre-platform#apps#deployment#checkout"],
                "template": digest_of(scene().cluster.raw["spec"]["template"]),
            }
        ],
    }


def test_each_step_has_its_own_object_and_all_locks_are_in_key_order() -> None:
    definition = ladder(
        {"name": "restart", "action": "touch"},
        {"name": "drain", "action": "drain_node", "target": from_alert("node")},
        {"action": "enable_degraded_mode", "target": CHECKOUT, "on_failure": "keep"},
        {"action": "touch", "verify_seconds": 30, "when": [{"fact": "replicas", "below": 3}]},
        strategy="sequence",
    )
    labels = {**APPS, "pod": "checkout-1-a", "instance": "10.0.0.1:9100"}
    answer = resolved(scene(), definition, labels)
    assert answer["strategy"] == "sequence"
    assert answer["locks"] == [
        "target#sre-platform##node#node-1",
        "target#sre-platform#apps#deployment#checkout",
        f"thing#parameter#{PARAMETER}",
    ]
    names = [(step["index"], step["name"], step["target"]["name"]) for step in answer["steps"]]
    assert names == [
        (1, "restart", "checkout"),
        (2, "drain", "node-1"),
        (3, "step-3", "checkout"),
        (4, "step-4", "checkout"),
    ]
    assert [step["on_failure"] for step in answer["steps"]] == ["undo", "undo", "keep", "undo"]
    assert [step["lends"] for step in answer["steps"]] == [False, True, True, False]
    assert ["template" in step for step in answer["steps"]] == [True, False, True, True]
    assert answer["steps"][3]["verify_seconds"] == 30
    assert answer["steps"][3]["when"] == [{"fact": "replicas", "below": 3}]


def test_what_an_object_belongs_to_is_locked_with_it() -> None:
    labels = {**APPS, "pod": "checkout-1-a", "horizontalpodautoscaler": "checkout"}
    for kind, own in (("pod", "pod#checkout-1-a"), ("horizontalpodautoscaler", None)):
        own = own or "horizontalpodautoscaler#checkout"
        answer = resolved(scene(), runbook(from_alert(kind)), labels)
        assert answer["locks"] == [
            "target#sre-platform#apps#deployment#checkout",
            f"target#sre-platform#apps#{own}",
        ]


def test_the_parameter_of_all_clusters_has_one_lock() -> None:
    definition = runbook(CHECKOUT, action="enable_degraded_mode")
    near, far = (
        resolved(scene(), definition, {}, cluster=each)["locks"] for each in ("also", "far")
    )
    assert near[0] != far[0]
    assert near[1] == far[1] == f"thing#parameter#{PARAMETER}"


@pytest.mark.parametrize(
    ("label", "canonical"),
    [(None, "sre-platform"), ("also", "sre-platform"), ("far", "far"), ("prod", "prod")],
)
def test_a_cluster_of_several_labels_is_one_cluster(label: str | None, canonical: str) -> None:
    assert POLICY.canonical(label) == canonical


@pytest.mark.parametrize("action", ["restart_workload", "enable_degraded_mode"])
def test_of_several_clusters_none_is_guessed(action: str) -> None:
    world, definition = scene(), runbook(CHECKOUT, action=action)
    with pytest.raises(ActionRefused, match=r"names no cluster.*far-eks, sre-platform-eks"):
        resolved(world, definition, {}, cluster=None)
    assert world.calls.log == []
    only = {"sre-platform": "sre-platform-eks", "also": "sre-platform-eks"}
    target = resolved(world, definition, {}, cluster=None, clusters=only)["target"]
    assert target["cluster"] == "sre-platform"


def test_the_heartbeat_is_about_no_cluster_in_particular() -> None:
    definition = runbook(CHECKOUT, action="probe_cluster")
    assert resolved(scene(), definition, {}, cluster=None)["target"]["cluster"] == "sre-platform"


def test_one_object_is_looked_for_once() -> None:
    world = scene()
    resolved(world, ladder(*[{"action": "touch"}] * 8), {**APPS, "deployment": "checkout"})
    assert world.calls.log == ["get deployment", "get namespace"]
    assert world.calls.writes() == []


NUMBER = {"from_label": "wanted", "type": "integer", "minimum": 1, "maximum": 5}


def test_a_parameter_comes_from_a_label_within_its_bounds() -> None:
    definition = runbook(CHECKOUT, parameters={"count": NUMBER})
    answer = resolved(scene(), definition, {"wanted": "3"})
    assert answer["steps"][0]["parameters"] == {"count": 3}


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ({}, "is not there"),
        ({"wanted": "6"}, "is '6'"),
        ({"wanted": "many"}, "is 'many'"),
        ({"wanted": "2.5"}, "is '2.5'"),
        ({"wanted": "9\n" * 90}, "is '" + "9\\n" * 20 + "'"),
    ],
)
def test_a_label_that_is_missing_or_out_of_bounds_is_refused(
    labels: dict[str, str], found: str
) -> None:
    world = scene()
    with pytest.raises(ParameterRefused) as caught:
        resolved(world, runbook(CHECKOUT, parameters={"count": NUMBER}), labels)
    assert str(caught.value) == (
        "parameter count comes from label wanted, which has to be a whole number from 1 to 5 and "
        f"{found}."
    )
    assert world.calls.log == []


@pytest.mark.parametrize(
    ("definition", "named"),
    [
        (runbook(CHECKOUT, parameters={"count": 10}), "parameters of step step-1"),
        (runbook(CHECKOUT, parameters={"force": True}), "parameters of step step-1"),
        (runbook(CHECKOUT, parameters={"count": {"from_label": "wanted"}}), "without bounds"),
        (runbook(CHECKOUT, action="delete"), "does not know"),
        ({**runbook(CHECKOUT), "target": "checkout"}, "has no target"),
        (runbook(CHECKOUT, action="drain_node"), "drain_node acts on a node"),
        ({"name": "Mend"}, "srectl runbooks validate"),
        ({"name": "Mend", "steps": []}, "1 to 8 steps"),
        ({"name": "Mend", "steps": 3}, "srectl runbooks validate"),
        (ladder(*[{"action": "touch"}] * 9), "1 to 8 steps"),
    ],
)
def test_a_runbook_that_cannot_be_published_is_no_request(
    definition: dict[str, Any], named: str
) -> None:
    with pytest.raises(InvalidRequest, match=named):
        resolved(scene(), definition, {**APPS, "deployment": "checkout", "wanted": "3"})


def test_one_step_that_leads_nowhere_refuses_all() -> None:
    definition = ladder({"action": "touch"}, {"action": "drain_node", "target": from_alert("node")})
    with pytest.raises(TargetNotFound, match="no label node"):
        resolved(scene(), definition, {**APPS, "deployment": "checkout", "wanted": "3"})


@pytest.mark.parametrize(
    ("event", "named"),
    [
        ({"runbook": None}, "runbook"),
        ({"alert": None}, "alert"),
        ({"alert": {"labels": []}}, r"alert\.labels"),
        ({"alert": {"labels": {}, "target": {"cluster": 3}}}, r"alert\.target\.cluster"),
        ({"incident_id": "7"}, "incident_id"),
    ],
)
def test_what_is_wrong_with_the_input_is_named(event: dict[str, Any], named: str) -> None:
    good = {"runbook": runbook(CHECKOUT), "alert": {"labels": {}}, "incident_id": INCIDENT}
    with pytest.raises(InvalidRequest, match=named):
        parse_resolve({**good, **event})
