"""What each scenario promises fits the catalogue, the rules, and what its milestones look for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
import yaml

from onemachine.demo.milestones import Pace
from onemachine.demo.play import judged
from onemachine.demo.scenario_milestones import Hands, scenario_milestones
from onemachine.demo.scenarios import SCENARIOS, Ground, Scenario
from onemachine.demo.watch import Sighting
from onemachine.demo.world import Accepted, World
from onemachine.monitoring import KUBERNETES_RULES, SHIPPED_RULES, rule_file
from onemachine.project import PROJECT_ROOT
from onemachine.receiver import Notification
from srectl import runbooks
from tests.support.shipped import RUNBOOKS

EVERY = pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=lambda each: each.name)
INCIDENT = "827b6fec-df76-5527-8084-a38a1fb5c3c6"
FIRING = {
    "state": "firing",
    "activeAt": "2026-11-23T22:10:22Z",
    "labels": {"namespace": "apps", "pod": "parcels-1"},
}


@EVERY
def test_its_alert_is_one_of_the_rules_and_selects_its_runbook(scenario: Scenario) -> None:
    groups = yaml.safe_load(rule_file([*SHIPPED_RULES, KUBERNETES_RULES]))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    there = {each.name: each for each in runbooks.load(RUNBOOKS)}
    runbook = there[scenario.runbook]
    for alert in (scenario.alert, *scenario.besides):
        (rule,) = (rule for rule in rules if rule.get("alert") == alert)
        assert rule["labels"].get("runbook", alert) in (runbook.name, *runbook.answers)
        assert rule["labels"]["severity"] in runbook.definition["severities"]
    # Left out may be what exists, and of the chart's nothing.
    assert {*scenario.without_rules} <= {each.stem for each in SHIPPED_RULES}


@EVERY
def test_the_readme_has_a_line_for_it_with_its_alert(scenario: Scenario) -> None:
    (line,) = (
        each
        for each in (PROJECT_ROOT / "README.md").read_text("utf-8").splitlines()
        if each.startswith(f"| `{scenario.name}` |")
    )
    assert all(f"`{alert}`" in line for alert in (scenario.alert, *scenario.besides))


@EVERY
def test_its_runbook_takes_the_action_that_is_promised(scenario: Scenario) -> None:
    there = {each.name: each for each in runbooks.load(RUNBOOKS)}
    runbook = there[scenario.runbook]
    if scenario.action:
        assert scenario.action in runbook.actions()
    asks = bool(runbook.definition.get("approval", {}).get("required"))
    assert asks == (scenario.answer == "asks")


@EVERY
def test_every_milestone_comes_after_ones_that_exist_and_names_a_log(scenario: Scenario) -> None:
    milestones = milestones_of(scenario, Scene())
    names = [each.name for each in milestones]
    assert len(set(names)) == len(names)
    for at, each in enumerate(milestones):
        assert set(each.after) <= set(names[:at])
        assert each.log


def test_who_only_tells_acts_not_and_somebody_must_end_it() -> None:
    acting = SCENARIOS["crash-loop"]
    with pytest.raises(ValueError, match="somebody must end it"):
        dataclasses.replace(acting, answer="tells", action="")
    with pytest.raises(ValueError, match="which action"):
        dataclasses.replace(acting, action="")


@dataclass
class Scene:
    """A stack as it could be; stands in for :class:`World`."""

    alert: Mapping[str, Any] | None = None
    incident: dict[str, Any] | None = None
    messages: list[Any] = field(default_factory=list)
    webhooks: list[Accepted] = field(default_factory=list)
    hands: list[str] = field(default_factory=list)

    def mend(self) -> None:
        self.hands.append("mended")

    def prometheus_alert(self) -> Mapping[str, Any] | None:
        return self.alert

    def record(self) -> dict[str, Any] | None:
        return self.incident

    def accepted(self) -> list[Accepted]:
        return self.webhooks

    def notifications(self) -> list[Notification]:
        return [Notification(9.0, "m", "arn", "", message, {}) for message in self.messages]


def milestones_of(scenario: Scenario, scene: Scene) -> Any:
    return scenario_milestones(
        scenario,
        cast(World, scene),
        cast(Ground, None),
        Pace.short(),
        Hands(scene.hands.append, scene.mend),
    )


def look(scenario: Scenario, scene: Scene, name: str) -> Sighting | None:
    (found,) = (each for each in milestones_of(scenario, scene) if each.name == name)
    seen: Sighting | None = found.probe()
    return seen


def record(**more: Any) -> dict[str, Any]:
    return {"incident_id": INCIDENT, "severity": "warning", "status": "remediating", **more}


ASKING = SCENARIOS["full-volume"]
ACTING = SCENARIOS["crash-loop"]
NODE = SCENARIOS["node-failure"]


def test_a_pending_alert_is_not_a_firing_one() -> None:
    scene = Scene(alert={**FIRING, "state": "pending"})
    pending = look(ACTING, scene, "alert-pending")
    assert pending is not None
    assert pending.detail == "namespace apps, pod parcels-1"
    assert look(ACTING, scene, "alert-firing") is None


def test_a_webhook_counts_for_its_own_incident() -> None:
    scene = Scene(incident=record(), webhooks=[Accepted(3.0, ("another",))])
    assert look(ACTING, scene, "webhook") is None
    scene.webhooks.append(Accepted(4.0, (INCIDENT,)))
    seen = look(ACTING, scene, "webhook")
    assert seen is not None
    assert seen.at == 4.0


@pytest.mark.parametrize(
    ("done", "counts"),
    [
        (("rollback_workload", "execute", "succeeded"), True),
        (("rollback_workload", "plan", "succeeded"), False),
        (("rollback_workload", "execute", "failed"), False),
        (("restart_workload", "execute", "succeeded"), False),
    ],
)
def test_only_what_was_promised_and_done_counts(done: tuple[str, str, str], counts: bool) -> None:
    action, operation, status = done
    taken = {"action": action, "operation": operation, "status": status}
    scene = Scene(incident=record(actions_taken=[taken]))
    assert (look(ACTING, scene, "acted") is not None) is counts


def test_the_human_answers_once_and_not_before_being_asked() -> None:
    scene = Scene(incident=record())
    (answered,) = (each for each in milestones_of(ASKING, scene) if each.name == "answered")
    assert answered.probe() is None
    assert scene.hands == []
    scene.incident = record(approval={"token": "t", "plan": []})
    assert answered.probe() is not None
    assert answered.probe() is not None
    assert scene.hands == [INCIDENT]
    # Asked once more, because the plan has become another one, it is answered once more.
    scene.incident = record(approval={"token": "t", "plan": [], "answer": "approved"})
    assert answered.probe() is not None
    scene.incident = record(approval={"token": "u", "plan": []})
    assert answered.probe() is not None
    assert scene.hands == [INCIDENT, INCIDENT]


def test_a_human_takes_time_and_mends_once_the_platform_has_acted() -> None:
    scene = Scene(incident=record(approval={"token": "t", "plan": []}))
    assert look(NODE, scene, "answered") is None
    assert look(NODE, scene, "by-hand") is None
    taken = {"action": "drain_node", "operation": "execute", "status": "succeeded"}
    scene.incident = record(actions_taken=[taken])
    assert look(NODE, scene, "by-hand") is not None
    assert scene.hands == ["mended"]


def test_what_hangs_on_a_cause_is_its_children_and_calls_nobody() -> None:
    scene = Scene(incident=record())
    assert look(NODE, scene, "children") is None
    scene.incident = record(children={"b", "a"})
    seen = look(NODE, scene, "children")
    assert seen is not None
    assert seen.detail == "incident a, b"
    taken = [{"action": "drain_node", "operation": "execute", "status": "succeeded"}]
    answered = {"token": "t", "answer": "approved", "asked_before": 0}
    over = record(status="resolved", actions_taken=taken, children=["a"], approval=answered)
    told = [{"incident_id": INCIDENT, "event": "incident.created"}, "no JSON"]
    assert all(check.passed for check in judged(NODE, over, told))
    told.append({"incident_id": "a", "event": "incident.created"})
    assert all(check.passed for check in judged(NODE, over, told))
    more = [*told, {"incident_id": "a", "event": "incident.escalated"}]
    assert not judged(NODE, over, more)[-1].passed
    assert not judged(NODE, {**over, "children": []}, told)[-1].passed
    twice = {**over, "approval": {**answered, "asked_before": 1}}
    assert [each.name for each in judged(NODE, twice, told) if not each.passed] == [
        "a human was asked once"
    ]


def test_a_human_is_told_only_with_a_reason() -> None:
    telling = dataclasses.replace(
        ACTING, answer="tells", action="", by_hand=lambda _: None, name="telling"
    )
    scene = Scene(incident=record())
    assert look(telling, scene, "told") is None
    scene.incident = record(status="escalated", escalation_reason="nothing may be done")
    seen = look(telling, scene, "told")
    assert seen is not None
    assert seen.detail == "nothing may be done"
    assert look(telling, scene, "by-hand") is not None
    assert scene.hands == ["mended"]


def test_what_was_done_besides_is_not_proven() -> None:
    taken = [
        {"action": each, "operation": "execute", "status": "succeeded"}
        for each in ("restart_workload", "rollback_workload")
    ]
    found = {"findings": ["image parcels:1.4.3 (before: parcels:1.4.2) rolled out, by kubectl"]}
    told = {"warnings": ["end seen in the data, not heard of its sender yet"], "evidence": found}
    good = record(status="resolved", actions_taken=taken[1:], **told)
    assert all(check.passed for check in judged(ACTING, good))
    more = record(status="resolved", actions_taken=taken, **told)
    assert [check.passed for check in judged(ACTING, more)] == [True, False, True, True, True]
    undone = record(
        status="escalated", escalation_reason="it did not help", actions_taken=taken[1:], **told
    )
    assert [check.passed for check in judged(ACTING, undone)] == [False, True, False, True, True]
    untold = record(status="resolved", actions_taken=taken[1:])
    assert [check.passed for check in judged(ACTING, untold)] == [True, True, True, False, False]


def test_evidence_is_seen_when_it_stands_on_the_record() -> None:
    scene = Scene(incident=record())
    assert look(ACTING, scene, "evidence") is None
    found = {"at": "1970-01-01T00:00:09Z", "findings": ["3 of 3 pods OOMKilled", "a", "b", "c"]}
    scene.incident = record(evidence=found)
    assert look(ACTING, scene, "evidence") == Sighting(9.0, "3 of 3 pods OOMKilled; a; b")
    scene.incident = record(evidence={**found, "findings": [], "why_not": "too many alerts"})
    assert look(ACTING, scene, "evidence") == Sighting(9.0, "too many alerts")
