"""A ladder that a human stops: each step is told, counted and taken back as far as it had come."""

from __future__ import annotations

import datetime
import threading
from typing import Any

import pytest

from srectl.operate import aftermath, incidents, leftovers, stopping, track_record, undoing
from srectl.operate.account import Account
from tests.integration.statemachine.platform import Platform, incident, wait_for
from tests.integration.statemachine.steps import Event, abandoned, id_of, runbook, step

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
