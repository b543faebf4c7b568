"""A runbook that a human stops by name, of an incident for which somebody was called before."""

from __future__ import annotations

import datetime
import json
import threading
import time
from typing import Any

import pytest

from srectl.operate import stopping
from srectl.operate.account import Account
from tests.integration.statemachine.platform import Platform, incident, wait_for
from tests.integration.statemachine.steps import (
    ASKS,
    Event,
    abandoned,
    done,
    guard,
    id_of,
    runbook,
    step,
    token,
)
from tests.integration.statemachine.telling import heard_as

pytestmark = [pytest.mark.localaws, pytest.mark.timeout(180)]


def called_for(platform: Platform, first: str, name: str) -> Event:
    """An incident that is escalated although nothing was done for it."""
    event = incident(name, severity="warning" if first == "denied" else "info")
    platform.run(event, platform.recorder_variant)
    execution = platform.start(event)
    if first == "denied":
        said = json.dumps({"proofs": ["ada"], "denied": "no"})
        platform.sfn.send_task_success(taskToken=token(platform, event), output=said)
    platform.wait_ended(execution)
    record = platform.record(id_of(event))
    code = {"denied": "approval-denied", "not eligible": "not-eligible"}[first]
    assert (record["status"], record["escalation_code"]) == ("escalated", code)
    return event


def locked(platform: Platform, name: str) -> str:
    """Somebody else just brings its target back, so that a runbook waits for its turn."""
    key = f"target#sre-platform#apps#deployment#{name.lower()}"
    row = {
        "guard_key": {"S": key},
        "holder": {"S": "another"},
        "restoring": {"S": "x"},
        "lease_expires_at": {"N": str(int(time.time()) + 600)},
        "history": {"S": "[]"},
        "version": {"N": "100"},
    }
    platform.ddb.put_item(TableName=platform.table("guard"), Item=row)
    return key


def waits(platform: Platform, execution: str) -> bool:
    entered = [each.get("stateEnteredEventDetails") for each in platform.history(execution)]
    return "WaitForTurn" in [each["name"] for each in entered if each]


@pytest.mark.parametrize("first", ["not eligible", "denied"])
def test_it_is_stopped_though_it_had_nothing_in_hand_and_none_begins_after_it(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    for name, value in platform.aws.operator_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(stopping, "_WAIT_SECONDS", 15.0)
    asks: dict[str, Any] = {"approval": ASKS} if first == "denied" else {}
    name = runbook(platform, step("one", **asks), severities=["warning", "critical"])
    event = called_for(platform, first, name)
    key = locked(platform, name)
    risen = heard_as(event, "critical" if first == "denied" else "warning", 10)
    platform.run(risen, platform.recorder_variant)
    second = platform.start(risen, platform.variant(VerifyIntervalSeconds="5"))
    wait_for(lambda: waits(platform, second), "its turn")

    def told() -> None:
        platform.wait_ended(second)
        abandoned(platform, risen, second)

    rule = threading.Thread(target=told)
    rule.start()
    account, now = Account(f"{platform.name}-"), datetime.datetime.now(datetime.UTC)
    assert stopping.stop(account, id_of(event), "arn:ada", "leave it", now)
    rule.join()
    record = platform.record(id_of(event))
    assert (record["status"], record["escalation_code"]) == ("escalated", "runbook-abandoned")
    assert record["escalation_reason"] == (
        "Its runbook was stopped by arn:ada (leave it) before the incident was over. It had "
        "nothing in hand yet, so nothing was changed. No runbook starts for this incident again."
    )
    assert guard(platform, f"incident#{id_of(event)}")["in_hand"] == second
    # Another runbook's target is not let go of.
    assert guard(platform, key)["holder"] == "another"

    platform.ddb.update_item(
        TableName=platform.table("guard"),
        Key={"guard_key": {"S": key}},
        UpdateExpression="REMOVE holder, restoring",
    )
    before = done(platform, event, "execute")
    worst = heard_as(event, "critical", 20)
    platform.run(worst, platform.recorder_variant)
    ended = platform.run(worst)
    assert json.loads(ended["output"]) == {"status": "duplicate"}
    assert done(platform, event, "execute") == before
