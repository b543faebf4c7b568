"""Runbooks of several steps: ladder and sequence, what is undone, the locks of them all."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest

from tests.integration.statemachine.platform import Platform, incident, resolution, wait_for
from tests.integration.statemachine.steps import Event, done, guard, id_of, locks, runbook, step

pytestmark = [pytest.mark.localaws, pytest.mark.timeout(180)]


def recorded(platform: Platform, event: Event, times: int) -> list[dict[str, Any]]:
    """The record's actions once there are so many, in the order of their start."""

    def actions() -> list[dict[str, Any]] | None:
        found = platform.record(id_of(event)).get("actions_taken", [])
        return found if len(found) >= times else None

    return list(wait_for(actions, f"{times} actions on record"))


def test_of_a_ladder_the_next_rung_is_taken_only_where_the_one_before_did_not_help(
    platform: Platform,
) -> None:
    name = runbook(platform, step("restart"), step("roll-back"), step("never"))
    event = incident(name)
    platform.send(event)
    wait_for(lambda: ("execute", 2) in done(platform, event, "execute"), "the second rung")
    platform.send(resolution(event))
    platform.wait_status(id_of(event), "resolved")

    assert done(platform, event, "execute", "undo") == [("execute", 1), ("execute", 2)]
    restart, roll_back = sorted(recorded(platform, event, 2), key=lambda each: each["started_at"])
    assert json.loads(restart["step"]) == {"index": 1, "name": "restart", "of": 3}
    assert json.loads(roll_back["step"]) == {"index": 2, "name": "roll-back", "of": 3}
    assert restart["action_id"] == f"{id_of(event)}:1:execute"
    assert all(json.loads(each["result"])["plan"] for each in (restart, roll_back))
    assert locks(platform, event) == set()


def test_where_no_rung_helps_all_is_undone_newest_first_and_a_human_is_called(
    platform: Platform,
) -> None:
    sick = {"verify": ["unhealthy"]}
    name = runbook(platform, step("one"), step("kept", on_failure="keep"), step("three", sick))
    event = incident(name)
    platform.run(event)
    record = platform.record(id_of(event))

    assert (record["status"], record["escalation_code"]) == ("escalated", "not-resolved")
    assert done(platform, event, "execute", "undo") == [
        ("execute", 1),
        ("execute", 2),
        ("execute", 3),
        ("undo", 3),
        ("undo", 1),
    ]
    told = record["escalation_reason"]
    for words in ("1. one: done", "2. kept: done", "3. three: scripted undo", "1. one: scripted"):
        assert words in told
    (message,) = wait_for(lambda: platform.notifications(id_of(event)), "a notification")
    assert message["reason"] == told
    undone = [each for each in recorded(platform, event, 5) if each["operation"] == "undo"]
    assert {json.loads(each["step"])["name"] for each in undone} == {"one", "three"}
    assert locks(platform, event) == set()


@pytest.mark.parametrize("error", ["ActionRefused", "RolloutFailed"])
def test_a_rung_that_is_refused_or_does_not_come_about_gives_way_to_the_next(
    platform: Platform, error: str
) -> None:
    event = incident(runbook(platform, step("first", {"execute": [error]}), step("second")))
    platform.send(event)
    wait_for(lambda: ("execute", 2) in done(platform, event, "execute"), "the second rung")
    assert done(platform, event, "verify") == []
    platform.send(resolution(event))
    platform.wait_status(id_of(event), "resolved")
    assert done(platform, event, "undo") == []


def test_a_rung_that_is_not_complete_in_time_gives_way_to_the_next(platform: Platform) -> None:
    event = incident(runbook(platform, step("slow", {"execute": ["in_progress"]}), step("second")))
    platform.send(event)
    wait_for(lambda: ("execute", 2) in done(platform, event, "execute"), "the second rung")
    platform.send(resolution(event))
    platform.wait_status(id_of(event), "resolved")


def test_a_right_that_is_missing_stops_a_ladder_and_is_undone_half_done(platform: Platform) -> None:
    name = runbook(platform, step("first", {"execute": ["AccessDenied"]}), step("second"))
    event = incident(name)
    platform.run(event)
    record = platform.record(id_of(event))
    assert record["escalation_code"] == "action-failed"
    assert "AccessDenied" in record["escalation_reason"]
    assert done(platform, event, "execute", "undo") == [("execute", 1), ("undo", 1)]


def test_a_sequence_does_all_then_looks_once(platform: Platform) -> None:
    skipped = step("skipped", {"plan": ["not-applicable"]}, when=[{"fact": "replicas", "below": 1}])
    name = runbook(platform, step("one"), skipped, step("three"), strategy="sequence")
    event = incident(name)
    platform.send(event)
    wait_for(lambda: ("execute", 3) in done(platform, event, "execute"), "the last step")
    platform.send(resolution(event))
    platform.wait_status(id_of(event), "resolved")
    assert done(platform, event, "execute") == [("execute", 1), ("execute", 3)]
    assert {where for _, where in done(platform, event, "verify")} == {3}
    plans = [each for each in recorded(platform, event, 3) if each["operation"] == "plan"]
    assert [(each["status"], json.loads(each["step"])["name"]) for each in plans] == [
        ("skipped", "skipped")
    ]


@pytest.mark.parametrize("error", ["ActionRefused", "RolloutFailed", "AccessDenied"])
def test_a_sequence_stops_at_its_first_failure_and_undoes_all(
    platform: Platform, error: str
) -> None:
    failing = step("two", {"execute": [error]})
    name = runbook(platform, step("one"), failing, step("three"), strategy="sequence")
    event = incident(name)
    platform.run(event)
    assert platform.record(id_of(event))["escalation_code"] == "action-failed"
    # What was refused has changed nothing.
    undone = [("undo", 1)] if error == "ActionRefused" else [("undo", 2), ("undo", 1)]
    assert done(platform, event, "execute", "undo") == [("execute", 1), ("execute", 2), *undone]


def test_what_is_outdated_by_the_time_of_acting_is_planned_anew_a_few_times(
    platform: Platform,
) -> None:
    when = [{"fact": "replicas", "below": 9}]
    moving = step("moving", {"execute": ["PlanChanged"]}, when=when)
    settles = {"execute": ["PlanChanged", "succeeded"]}
    name = runbook(platform, step("one", settles, when=when), moving, strategy="sequence")
    event = incident(name)
    platform.run(event)
    assert done(platform, event, "plan", "execute") == [
        *[("plan", 1), ("execute", 1)] * 2,
        *[("plan", 2), ("execute", 2)] * 3,
        ("plan", 2),
    ]
    for each in platform.calls(id_of(event), "execute"):
        assert each["plan_hash"].startswith("hash ")
        assert each["template"] == "0" * 16
    record = platform.record(id_of(event))
    assert record["escalation_code"] == "plan-failed"
    assert (
        "each time that it was to be carried out: scripted PlanChanged"
        in (record["escalation_reason"])
    )
    assert done(platform, event, "undo") == [("undo", 1)]  # of the other nothing was done


@pytest.mark.parametrize("strategy", ["ladder", "sequence"])
def test_where_nothing_applies_a_human_hears_each_reason(platform: Platform, strategy: str) -> None:
    when = [{"fact": "replicas", "below": 1}]
    steps = [step(name, {"plan": ["not-applicable"]}, when=when) for name in ("one", "two")]
    event = incident(runbook(platform, *steps, strategy=strategy))
    platform.run(event)
    record = platform.record(id_of(event))
    assert record["escalation_code"] == "nothing-applied"
    for words in ("1. one: not-applicable (It does not apply: scripted", "2. two: not-applicable"):
        assert words in record["escalation_reason"]
    assert done(platform, event, "execute", "undo") == []
    (call, *_) = platform.calls(id_of(event), "plan")
    assert call["when"] == when
    assert locks(platform, event) == set()


def test_all_locks_of_a_runbook_are_taken_at_once_and_a_run_is_counted_on_each(
    platform: Platform,
) -> None:
    name = runbook(
        platform,
        step("one", {"execute": ["in_progress", "in_progress", "succeeded"]}, locks=["thing#a"]),
        step("two", target={"kind": "node", "name": "n1"}, locks=[f"thing#{uuid.uuid4()}"]),
    )
    event = incident(name)
    platform.send(event)
    wait_for(lambda: platform.calls(id_of(event), "execute"), "the first step")
    held = locks(platform, event)
    assert len(held) == 4
    assert {"thing#a", "target#sre-platform##node#n1"} < held
    assert all(len(json.loads(guard(platform, key)["history"])) >= 1 for key in held)
    platform.send(resolution(event))
    platform.wait_status(id_of(event), "resolved")
    assert locks(platform, event) == set()


def test_two_runbooks_that_share_one_lock_of_many_do_not_act_at_once(platform: Platform) -> None:
    shared = f"thing#{uuid.uuid4()}"
    slow = {"execute": ["in_progress", "in_progress", "succeeded"]}
    first = incident(runbook(platform, step("one", slow, locks=[shared])))
    second = incident(runbook(platform, step("one", locks=[shared])), fingerprint="another")
    platform.send(first)
    wait_for(lambda: platform.calls(id_of(first), "execute"), "the first to act")
    platform.send(second)
    wait_for(lambda: platform.joined(id_of(second)), "the second to join")
    assert platform.calls(id_of(second), "execute") == []
    assert locks(platform, second) == set()
    platform.send(resolution(first), resolution(second))
    for event in (first, second):
        platform.wait_status(id_of(event), "resolved")
    assert platform.record(id_of(second))["attached_to"] == id_of(first)


def leased(platform: Platform, **second_step: Any) -> float:
    """For how many seconds a runbook of two steps locks its target."""
    slow = {"execute": ["in_progress", "succeeded"]}
    event = incident(runbook(platform, step("one", slow), step("two", **second_step)))
    platform.send(event)
    wait_for(lambda: platform.calls(id_of(event), "execute"), "the first step")
    (key,) = locks(platform, event)
    lasts = float(guard(platform, key)["lease_expires_at"]) - time.time()
    platform.send(resolution(event))
    platform.wait_status(id_of(event), "resolved")
    return lasts


def test_a_lock_lasts_for_all_that_its_runbook_may_take(platform: Platform) -> None:
    asks = {"required": True, "timeout_seconds": 7200}
    short, long = leased(platform), leased(platform, approval=asks, verify_seconds=3600)
    # Of each step: acting, undoing, stabilising, verifying, and a call's own time; see platform.py.
    assert short > 2 * (4 + 4 + 1 + 4 + 4 * 20)
    assert long - short > 7200 + 3600 - 30


def test_a_week_of_history_is_kept_whatever_the_window_of_who_acts(platform: Platform) -> None:
    narrow = {"cooldown_seconds": 0, "max_actions": 1, "window_seconds": 60}
    name = runbook(platform, step("one"), guard=narrow, on_failure="keep")
    key = f"target#sre-platform#apps#deployment#{name.lower()}"
    now = int(time.time())
    history = [now - 8 * 86400, *range(now - 5000, now - 4700), now - 120]
    platform.ddb.put_item(
        TableName=platform.table("guard"),
        Item={
            "guard_key": {"S": key},
            "history": {"S": json.dumps(history)},
            "version": {"N": "3"},
        },
    )
    event = incident(name)
    platform.run(event)
    assert done(platform, event, "execute") == [("execute", 1)]
    kept = json.loads(guard(platform, key)["history"])
    assert len(kept) == 200
    assert kept[-2] == now - 120
    assert kept[-1] >= now
    # Another runbook, with a wider window, sees all of it.
    wide = {"cooldown_seconds": 0, "max_actions": 100, "window_seconds": 86400}
    target = {"kind": "deployment", "namespace": "apps", "name": name.lower()}
    other = incident(runbook(platform, step("one"), guard=wide, target=target))
    platform.run(other)
    assert platform.record(id_of(other))["escalation_code"] == "loop-breaker"


def test_observe_mode_plans_every_step_and_locks_nothing(platform: Platform) -> None:
    asks = step("two", approval={"required": True})
    name = runbook(platform, step("one"), asks, step("three"))
    event = incident(name)
    platform.set_mode("observe")
    try:
        platform.run(event)
    finally:
        platform.set_mode("on")
    record = platform.record(id_of(event))
    assert record["escalation_code"] == "observed"
    for words in ("1. one: scripted plan", "2. two: scripted plan", "3. three: scripted plan"):
        assert words in record["escalation_reason"]
    assert done(platform, event, "plan", "execute", "undo") == [
        ("plan", 1),
        ("plan", 2),
        ("plan", 3),
    ]
    assert guard(platform, f"target#sre-platform#apps#deployment#{name.lower()}") == {}
    assert {each["status"] for each in recorded(platform, event, 3)} == {"planned"}


def observed(platform: Platform, *steps: dict[str, Any], strategy: str) -> dict[str, Any]:
    """Give the record of an alert whose runbook of these steps only observes."""
    event = incident(runbook(platform, *steps, strategy=strategy))
    platform.set_mode("observe")
    try:
        platform.run(event)
    finally:
        platform.set_mode("on")
    return platform.record(id_of(event))


@pytest.mark.parametrize("first", ["planned", "ActionRefused"])
def test_a_refused_rung_hides_nothing_of_what_observe_mode_tells(
    platform: Platform, first: str
) -> None:
    refused = step("two", {"plan": ["ActionRefused"]})
    record = observed(platform, step("one", {"plan": [first]}), refused, strategy="ladder")
    assert record["escalation_code"] == "observed"
    told = record["escalation_reason"]
    one = "scripted plan: planned; " if first == "planned" else "The plan of action do_one failed"
    assert f"would do this: 1. one: {one}" in told
    assert "; 2. two: The plan of action do_two failed with ActionRefused" in told


@pytest.mark.parametrize(
    ("strategy", "scripts"),
    [
        ("ladder", [{}, {"plan": ["AccessDenied"]}]),
        ("sequence", [{}, {"plan": ["ActionRefused"]}]),
    ],
)
def test_observe_mode_tells_what_would_have_ended_the_runbook(
    platform: Platform, strategy: str, scripts: list[dict[str, list[str]]]
) -> None:
    steps = [step(name, script) for name, script in zip(("one", "two"), scripts, strict=True)]
    record = observed(platform, *steps, strategy=strategy)
    assert record["escalation_code"] == "plan-failed"


def test_what_steps_took_away_is_brought_back_newest_first(platform: Platform) -> None:
    name = runbook(
        platform, step("one"), step("two"), restore={"after_seconds": 1, "watch_seconds": 1}
    )
    event = incident(name, fingerprint=name)
    platform.send(event)
    wait_for(lambda: ("execute", 2) in done(platform, event, "execute"), "the second rung")
    platform.send(resolution(event))
    wait_for(lambda: platform.records(id_of(event))[0].get("restoration"), "the note")
    assert platform.record(id_of(event))["restoration"] == "restored"
    assert done(platform, event, "undo") == [("undo", 2), ("undo", 1)]
    brought = [each for each in recorded(platform, event, 4) if each["operation"] == "restore"]
    assert {each["action_id"] for each in brought} == {
        f"{id_of(event)}:{index}:restore" for index in (1, 2)
    }
    assert locks(platform, event) == set()
