"""What the catalogue answers to an alert by its name, and whether a runbook acts or observes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from srectl.runbooks import EvidenceOnly, Runbook, entries
from tests.integration.statemachine.platform import ROOT, Platform, incident, resolution, wait_for
from tests.integration.statemachine.telling import id_of

pytestmark = pytest.mark.localaws

WHY = "Nothing that a runbook could do would help with it."


def escalation(platform: Platform, event: dict[str, Any], code: str) -> str:
    """The incident is escalated for ``code`` and a human was told why, once."""
    record = platform.wait_status(id_of(event), "escalated")
    assert record["escalation_code"] == code, record
    messages = wait_for(lambda: platform.notifications(id_of(event)), "a notification")
    assert [message["reason_code"] for message in messages] == [code]
    return str(record["escalation_reason"])


def publish(platform: Platform, runbook: str = "", *answers: str, evidence: str = "") -> None:
    """Write what srectl would write, beside or instead of what is there."""
    there: list[Runbook] = []
    if runbook:
        item = platform.ddb.get_item(
            TableName=platform.table("runbooks"), Key={"name": {"S": runbook}}
        )["Item"]
        definition = {**json.loads(item["definition"]["S"]), "answers": list(answers)}
        there.append(Runbook(runbook, definition, ROOT))
    known = [EvidenceOnly(evidence, WHY, ROOT)] if evidence else []
    for entry in entries(there, known):
        platform.ddb.put_item(
            TableName=platform.table("runbooks"),
            Item={"name": {"S": entry.key}, "definition": {"S": entry.as_json()}},
        )


@contextmanager
def switched(platform: Platform, modes: Any) -> Iterator[None]:
    """Have single runbooks switched while the block lasts."""
    platform.set_own_modes(modes)
    try:
        yield
    finally:
        platform.set_own_modes({})


def test_a_runbook_that_observes_plans_locks_nothing_and_calls_a_human(platform: Platform) -> None:
    name = platform.runbook(mode="observe")
    event = incident(name)
    platform.run(event)
    reason = escalation(platform, event, "observed")
    assert f"runbook {name}, which observes until it is switched on, would do this" in reason
    assert len(platform.calls(id_of(event), "plan")) == 1
    assert platform.calls(id_of(event), "execute") == []
    guards = platform.ddb.scan(TableName=platform.table("guard"), ConsistentRead=True)["Items"]
    assert id_of(event) not in [item.get("holder", {}).get("S") for item in guards]


def test_switched_on_it_acts_on_an_alert_that_it_answers(platform: Platform) -> None:
    name = platform.runbook(mode="observe")
    publish(platform, name, f"{name}Fires")
    event = incident(None, alert_name=f"{name}Fires")
    with switched(platform, {name: "on"}):
        platform.send(event)
        wait_for(lambda: platform.calls(id_of(event), "execute"), "the action")
    (call,) = platform.calls(id_of(event), "execute")
    assert call["runbook"] == name
    platform.send(resolution(event))
    platform.wait_status(id_of(event), "resolved")


@pytest.mark.parametrize(
    "answer", [{"proofs": ["ada"]}, {"proofs": ["ada"], "denied": "no"}, {}, {"proofs": []}]
)
def test_switched_to_ask_it_acts_once_a_human_has_said_so(
    platform: Platform, answer: dict[str, Any]
) -> None:
    name = platform.runbook(approval={"required": False, "timeout_seconds": 120})
    event = incident(name)
    with switched(platform, {name: "ask"}):
        platform.send(event)
        asked = wait_for(
            lambda: next((each.get("approval") for each in platform.records(id_of(event))), None),
            "the question",
        )
    why = f"somebody has switched runbook {name} to ask"
    assert asked["why"] == why
    assert platform.calls(id_of(event), "execute") == []
    told = wait_for(lambda: platform.notifications(id_of(event)), "the question to be told")
    (question,) = (each for each in told if each["event"] == "incident.approval-needed")
    assert f"It asks because {why}." in question["message"]
    platform.sfn.send_task_success(taskToken=asked["token"], output=json.dumps(answer))
    (call,) = wait_for(lambda: platform.calls(id_of(event), "execute"), "the action")
    # The published step asks nobody: that an answer without a signature is none, only this says.
    assert call["asked"] is True
    if answer != {"proofs": ["ada"]}:
        escalation(platform, event, "approval-denied")
        (record,) = platform.records(id_of(event))
        assert [each["status"] for each in record["actions_taken"]] == ["planned", "skipped"]
        return
    assert call["approval"]["proofs"] == ["ada"]
    platform.send(resolution(event))
    platform.wait_status(id_of(event), "resolved")


def test_the_platform_as_a_whole_cannot_be_switched_to_ask(platform: Platform) -> None:
    event = incident(platform.runbook())
    platform.set_mode("ask")
    try:
        platform.run(event)
    finally:
        platform.set_mode("on")
    escalation(platform, event, "switched-off")
    assert platform.calls(id_of(event), "plan") == platform.calls(id_of(event), "execute") == []


@pytest.mark.parametrize("modes", [{"%": "observe"}, {"%": "ON"}, {"%": "Ask"}, {"%": True}])
def test_anything_but_on_observes_also_where_it_was_published_to_act(
    platform: Platform, modes: dict[str, Any]
) -> None:
    name = platform.runbook()
    event = incident(name)
    with switched(platform, {name: modes["%"]}):
        platform.run(event)
    escalation(platform, event, "observed")
    assert platform.calls(id_of(event), "execute") == []


@pytest.mark.parametrize("modes", [[], "on"])
def test_modes_that_are_none_count_as_off(platform: Platform, modes: Any) -> None:
    event = incident(platform.runbook())
    with switched(platform, modes):
        platform.run(event)
    escalation(platform, event, "switched-off")
    assert platform.calls(id_of(event), "execute") == []


def test_modes_that_are_missing_count_as_off(platform: Platform) -> None:
    event = incident(platform.runbook())
    platform.run(event, platform.variant(OwnModesParameterName="/no/such/parameter"))
    escalation(platform, event, "switched-off")
    assert platform.calls(id_of(event), "execute") == []


def test_the_platform_may_be_off_whatever_a_runbook_is_switched_to(platform: Platform) -> None:
    name = platform.runbook()
    event = incident(name)
    platform.set_mode("off")
    try:
        with switched(platform, {name: "on"}):
            platform.run(event)
    finally:
        platform.set_mode("on")
    escalation(platform, event, "switched-off")
    assert platform.calls(id_of(event), "execute") == []


@pytest.mark.parametrize("severity", ["critical", "info"])
def test_an_alert_with_evidence_only_goes_to_a_human_with_the_reason(
    platform: Platform, severity: str
) -> None:
    publish(platform, evidence="Hopeless")
    event = incident(None, alert_name="Hopeless", severity=severity)
    platform.run(event)
    assert escalation(platform, event, "evidence-only") == f"Evidence only: {WHY}"
    assert platform.calls(id_of(event), "resolve") == []


def test_where_its_severity_may_wake_nobody_nobody_is_called(platform: Platform) -> None:
    publish(platform, evidence="Hopeless")
    event = incident(None, alert_name="Hopeless", severity="info", wakes=False)
    platform.run(event)
    assert platform.notifications(id_of(event)) == []
    assert platform.calls(id_of(event), "resolve") == []
