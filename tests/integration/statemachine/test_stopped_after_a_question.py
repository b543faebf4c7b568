"""A runbook that is stopped after a question: nothing is called unchanged that may not be."""

from __future__ import annotations

import json

import pytest

from tests.integration.statemachine.platform import Platform, incident, wait_for
from tests.integration.statemachine.steps import (
    ASKS,
    Event,
    abandoned,
    id_of,
    runbook,
    step,
    token,
)
from tests.integration.statemachine.telling import heard_as

pytestmark = [pytest.mark.localaws, pytest.mark.timeout(180)]

UNDER_WAY = {"execute": ["in_progress"] * 60}
BEGUN = "It may have left half-changed: 1. do_one on deployment apps/"


def stopped(platform: Platform, event: Event, execution: str) -> str:
    """Stop it; give the reason that its record then names."""
    platform.sfn.stop_execution(executionArn=execution)
    platform.wait_ended(execution)
    abandoned(platform, event, execution)
    return str(platform.record(id_of(event))["escalation_reason"])


def acts(platform: Platform, event: Event) -> None:
    wait_for(lambda: platform.calls(id_of(event), "execute"), "the action")


def test_an_answer_that_nobody_could_note_is_no_open_question(platform: Platform) -> None:
    name = runbook(platform, step("one", UNDER_WAY, approval=ASKS))
    event = incident(name)
    platform.run(event, platform.recorder_variant)
    execution = platform.start(event)
    answer = json.dumps({"proofs": ["ada"]})
    platform.sfn.send_task_success(taskToken=token(platform, event), output=answer)
    acts(platform, event)
    said = stopped(platform, event, execution)
    assert BEGUN in said
    assert said.endswith("(begun, its end is not on record).")


def test_a_question_of_an_earlier_runbook_is_none_of_this_one(platform: Platform) -> None:
    severities = ["warning", "critical"]
    name = runbook(platform, step("one", approval=ASKS), severities=severities)
    event = incident(name, severity="warning")
    platform.run(event, platform.recorder_variant)
    execution = platform.start(event)
    token(platform, event)
    assert "nothing was changed" in stopped(platform, event, execution)
    # Its team publishes it without the question.
    runbook(platform, step("one", UNDER_WAY), severities=severities, name=name)
    risen = heard_as(event, "critical", 10)
    platform.run(risen, platform.recorder_variant)
    second = platform.start(risen)
    acts(platform, event)
    said = stopped(platform, risen, second)
    assert BEGUN in said
    assert said.endswith("(begun, its end is not on record).")


def test_one_that_still_waits_has_changed_nothing(platform: Platform) -> None:
    """Its second step asks, and the first one acts at once, so it does not note its beginning."""
    name = runbook(platform, step("one"), step("two", approval=ASKS), strategy="sequence")
    event = incident(name)
    platform.run(event, platform.recorder_variant)
    execution = platform.start(event)
    token(platform, event)
    said = stopped(platform, event, execution)
    assert said.endswith("; step 2 waited for an answer.")
    assert "2. do_two" not in said
