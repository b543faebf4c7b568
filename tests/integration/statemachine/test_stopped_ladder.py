"""A ladder that a human stops: each step is told, counted and taken back as far as it had come."""

from __future__ import annotations

import datetime
import threading
from typing import Any

import pytest

from srectl.operate import aftermath, incidents, leftovers, stopping, track_record, undoing
from srectl.operate.account import Account
from tests.integration.statemachine.platform import Platform, incident, wait_for
from tests.integration.statemachine.steps import (
    Event,
    abandoned,
    done,
    id_of,
    locks,
    runbook,
    step,
)

pytestmark = [pytest.mark.localaws, pytest.mark.timeout(180)]

UNDER_WAY = {"execute": ["in_progress"] * 60, "undo": ["succeeded"]}
NEVER_BEGUN = {"undo": ["unchanged"]}
FAILS = {"execute": ["RolloutFailed"], "undo": ["succeeded"]}


@pytest.fixture
def account(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Account:
    """Return the platform as srectl sees it."""
    for name, value in platform.aws.operator_environment().items():
        monkeypatch.setenv(name, value)
    return Account(f"{platform.name}-")


def stopped(platform: Platform, account: Account, steps: list[dict[str, Any]], at: int) -> Event:
    """Stop it by name while a step is under way."""
    name = runbook(platform, *steps)
    event = incident(name, fingerprint=name)
    platform.run(event, platform.recorder_variant)
    execution = platform.start(event)
    wait_for(
        lambda: [each for each in platform.calls(id_of(event), "execute") if each["step"] == at],
        "the step to begin",
    )
    if at > 1:
        wait_for(lambda: platform.record(id_of(event)).get("actions_taken"), "its first step")

    def told() -> None:
        platform.wait_ended(execution)
        abandoned(platform, event, execution)

    rule = threading.Thread(target=told)
    rule.start()
    now = datetime.datetime.now(datetime.UTC)
    assert stopping.stop(account, id_of(event), "arn:ada", "", now)
    rule.join()
    return event


@pytest.mark.parametrize(
    ("steps", "at", "said"),
    [
        (
            [step("one", UNDER_WAY), step("two", NEVER_BEGUN)],
            1,
            ["under way when it was stopped", "not on record as begun"],
        ),
        (
            [step("one", FAILS), step("two", UNDER_WAY), step("three", NEVER_BEGUN)],
            2,
            [
                "failed, perhaps half-way",
                "under way when it was stopped",
                "not on record as begun",
            ],
        ),
    ],
    ids=["its first step", "its second step"],
)
def test_each_step_is_told_counted_and_taken_back_as_far_as_it_had_come(
    platform: Platform, account: Account, steps: list[dict[str, Any]], at: int, said: list[str]
) -> None:
    event = stopped(platform, account, steps, at)
    table = platform.table("incidents")
    before = incidents.read(platform.ddb, table, id_of(event))
    words = [aftermath.standing_of(before, each) for each in before["in_hand"]["steps"]]
    assert words == said
    for index, each in enumerate(said, 1):
        known = "execute failed" if each.startswith("failed") else each
        assert f"{index}. do_" in before["escalation_reason"]
        assert f"({known})" in before["escalation_reason"]
    (tally,) = track_record.tallies([before]).values()
    assert (tally.ran, tally.acted, tally.helped) == (1, 1, 0)

    now = datetime.datetime.now(datetime.UTC)
    begun = undoing.start(account, id_of(event), "ada", now, leftovers.state_of(before))
    assert undoing.wait(account.states, begun.execution, 60) == ""
    after = wait_for(
        lambda: (
            record
            if not leftovers.left(record := incidents.read(platform.ddb, table, id_of(event)))
            else None
        ),
        "the record to tell of it",
    )
    became = {
        each.step["index"]: (each.was_done, each.is_back)
        for each in aftermath.taken_back(before, after)
    }
    assert became == {index: (index <= at, index <= at) for index in range(1, len(steps) + 1)}


def undone(platform: Platform, account: Account, event: Event) -> tuple[dict[str, Any], str]:
    """Take it back by hand; give its record then, and the execution."""
    table, now = platform.table("incidents"), datetime.datetime.now(datetime.UTC)
    shown = leftovers.state_of(incidents.read(platform.ddb, table, id_of(event)))
    begun = undoing.start(account, id_of(event), "ada", now, shown)
    assert undoing.wait(account.states, begun.execution, 90) == ""
    return incidents.read(platform.ddb, table, id_of(event)), begun.execution


def test_what_is_taken_back_by_hand_is_so_while_the_data_say_that_it_goes_on(
    platform: Platform, account: Account
) -> None:
    says_no = {**UNDER_WAY, "verify": ["query-says-no"] * 9}
    one = step("one", says_no, verify={"promql": "vector(1)"})
    event = stopped(platform, account, [one], 1)
    record, _ = undone(platform, account, event)
    assert done(platform, event, "verify", "undo") == [("undo", 1)]
    assert record["restoration"] == "restored"
    assert locks(platform, event) == set()


def test_what_is_taken_back_by_hand_is_so_though_its_alert_has_come_again(
    platform: Platform, account: Account
) -> None:
    event = stopped(platform, account, [step("one", UNDER_WAY)], 1)
    data = event["detail"]["data"]
    again = incident(None, fingerprint=data["fingerprint"], timestamp="2026-11-23T15:20:52.704Z")
    platform.run(again, platform.recorder_variant)
    record, _ = undone(platform, account, event)
    assert record["restoration"] == "restored"
    assert done(platform, event, "undo") == [("undo", 1)]
    (taken,) = [each for each in record["actions_taken"] if each["operation"] == "restore"]
    assert "handed_over" not in taken["result"]
    assert locks(platform, event) == set()


def test_nothing_is_taken_back_while_a_call_of_the_stopped_step_may_be_at_work(
    platform: Platform, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "LONGEST_CALL_SECONDS", 8)
    event = stopped(platform, account, [step("one", UNDER_WAY)], 1)
    record, execution = undone(platform, account, event)
    (began,) = [
        each["timestamp"]
        for each in platform.history(execution)
        if each.get("stateEnteredEventDetails", {}).get("name") == "BringBack"
    ]
    stopped_at = datetime.datetime.fromisoformat(record["abandoned_at"])
    assert (began - stopped_at).total_seconds() >= 7
    assert record["restoration"] == "restored"


def test_what_was_taken_back_by_hand_stays_so_once_its_own_time_has_come(
    platform: Platform, account: Account
) -> None:
    event = stopped(
        platform, account, [step("one", {**UNDER_WAY, "undo": ["succeeded", "unchanged"]})], 1
    )
    table = platform.table("incidents")
    later = undoing.asked(incidents.read(platform.ddb, table, id_of(event)))
    undone(platform, account, event)
    platform.set_record(event, status="resolved")
    platform.run({**later, "handed_by": "arn:hands-over"}, platform.restorer_arn)
    assert len(done(platform, event, "undo")) == 2
    assert platform.record(id_of(event))["restoration"] == "restored"


def test_what_begins_as_soon_as_it_has_its_locks_is_noted_with_them(platform: Platform) -> None:
    """Nobody stops it by name, so nobody notes what was under way then."""
    event = incident(runbook(platform, step("one", UNDER_WAY), step("two")))
    platform.run(event, platform.recorder_variant)
    execution = platform.start(event)
    wait_for(lambda: platform.calls(id_of(event), "execute"), "the action")
    platform.sfn.stop_execution(executionArn=execution)
    platform.wait_ended(execution)
    abandoned(platform, event, execution)
    said = str(platform.record(id_of(event))["escalation_reason"])
    assert "(begun, its end is not on record), 2. do_two on deployment " in said
    assert said.endswith("(not on record as begun).")
