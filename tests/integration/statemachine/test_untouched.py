"""A runbook that ends before it has begun to act: its targets and its incident are free again."""

from __future__ import annotations

import json
import time

import pytest

from tests.integration.statemachine.platform import Platform, incident, wait_for
from tests.integration.statemachine.steps import (
    ASKS,
    Event,
    abandoned,
    guard,
    id_of,
    runbook,
    step,
    token,
)
from tests.integration.statemachine.telling import heard_as

pytestmark = [pytest.mark.localaws, pytest.mark.timeout(180)]


def stopped_while_it_asks(platform: Platform, event: Event) -> str:
    platform.run(event, platform.recorder_variant)
    execution = platform.start(event)
    token(platform, event)
    platform.sfn.stop_execution(executionArn=execution)
    platform.wait_ended(execution)
    return execution


def target(name: str) -> str:
    return f"target#sre-platform#apps#deployment#{name.lower()}"


def test_a_severity_that_rises_after_it_is_acted_on(platform: Platform) -> None:
    name = runbook(platform, step("one", approval=ASKS), severities=["warning", "critical"])
    event = incident(name, severity="warning")
    execution = stopped_while_it_asks(platform, event)
    asked = token(platform, event)
    abandoned(platform, event, execution)
    risen = heard_as(event, "critical", 10)
    platform.run(risen, platform.recorder_variant)
    second = platform.start(risen)
    wait_for(lambda: token(platform, event) != asked, "the question of the next runbook")
    assert guard(platform, target(name))["holder"] == id_of(event)
    # The end of the first one is told a second time.
    before = guard(platform, target(name)), guard(platform, f"incident#{id_of(event)}")
    abandoned(platform, event, execution)
    assert (guard(platform, target(name)), guard(platform, f"incident#{id_of(event)}")) == before
    output = json.dumps({"proofs": ["grace"]})
    platform.sfn.send_task_success(taskToken=token(platform, event), output=output)
    wait_for(lambda: platform.calls(id_of(event), "execute"), "the action")
    platform.sfn.stop_execution(executionArn=second)


def test_after_a_human_has_stopped_it_no_other_one_begins(platform: Platform) -> None:
    name = runbook(platform, step("one", approval=ASKS), severities=["warning", "critical"])
    event = incident(name, severity="warning")
    execution = stopped_while_it_asks(platform, event)
    platform.set_record(event, stopped_by="ada", stopped_because="", stopped_execution=execution)
    abandoned(platform, event, execution)
    lock = guard(platform, target(name))
    assert (lock["history"], "holder" in lock) == ("[]", False)
    ended = platform.run(heard_as(event, "critical", 10))
    assert json.loads(ended["output"]) == {"status": "duplicate"}


def test_a_lock_that_is_anothers_by_now_keeps_none_of_the_others(platform: Platform) -> None:
    name = runbook(platform, step("one", approval=ASKS))
    event = incident(name)
    execution = stopped_while_it_asks(platform, event)
    in_hand = json.loads(platform.record(id_of(event))["in_hand"])
    (mine,) = in_hand["locks"]
    anothers = f"{mine}-taken"
    row = {"guard_key": {"S": anothers}, "holder": {"S": "another"}, "history": {"S": "[]"}}
    platform.ddb.put_item(TableName=platform.table("guard"), Item=row)
    in_hand["locks"].insert(0, anothers)
    platform.set_record(event, in_hand=json.dumps(in_hand))
    abandoned(platform, event, execution)
    lock = guard(platform, mine)
    assert (lock["history"], "holder" in lock) == ("[]", False)
    assert guard(platform, anothers)["holder"] == "another"


def test_a_claim_whose_answer_was_lost_is_no_attempt_either(platform: Platform) -> None:
    """The lock is as the first write left it, and is claimed once more."""
    name = runbook(platform, step("one", approval=ASKS))
    event = incident(name)
    now = int(time.time())
    row = {
        "guard_key": {"S": target(name)},
        "holder": {"S": id_of(event)},
        "lease_expires_at": {"N": str(now + 600)},
        "history": {"S": f"[{now}]"},
        "uncounted": {"S": "[]"},
        "version": {"N": "1"},
    }
    platform.ddb.put_item(TableName=platform.table("guard"), Item=row)
    execution = platform.start(event)
    output = json.dumps({"proofs": ["ada"], "denied": "no"})
    platform.sfn.send_task_success(taskToken=token(platform, event), output=output)
    platform.wait_ended(execution)
    lock = guard(platform, target(name))
    assert (lock["history"], "holder" in lock) == ("[]", False)
