"""A step that runs is shown while it runs, with when all must be over."""

from __future__ import annotations

import datetime
import json
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import Result

from srectl.operate.account import Account

ID = "0f3c0c0e-6a3b-5d0e-9a55-2f1f4f0e8b11"
OTHER = "9abc0c0e-6a3b-5d0e-9a55-2f1f4f0e8b13"
LOCK = "target#c#apps#deployment#checkout"
TARGET = {"cluster": "c", "namespace": "apps", "kind": "deployment", "name": "checkout"}
Put = Callable[..., dict[str, Any]]
Run = Callable[..., Result]


@pytest.fixture
def at_work(account: Account, put_incident: Put) -> dict[str, Any]:
    """Have a runbook at work, with a lock that ends at a known time."""
    role = "arn:aws:iam::123456789012:role/t"
    account.states.create_state_machine(
        name="t-remediation-step", definition='{"StartAt": "A"}', roleArn=role
    )
    account.dynamodb.put_item(
        TableName=account.guard_table,
        Item={
            "guard_key": {"S": LOCK},
            "holder": {"S": ID},
            "lease_expires_at": {"N": "1795467300"},  # 2026-11-23T20:55:00Z
        },
    )
    steps = [
        {"index": index, "action": action, "target": TARGET}
        for index, action in ((1, "restart_rollout"), (2, "scale_deployment"))
    ]
    in_hand = {"runbook": "R", "of": 2, "locks": [LOCK], "steps": steps}
    return put_incident(status="remediating", in_flight="me", in_hand=json.dumps(in_hand))


@pytest.fixture
def local_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Give what sets the time zone of this machine."""
    before = os.environ.get("TZ")

    def zone(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield zone
    if before is None:
        monkeypatch.delenv("TZ")
    else:
        monkeypatch.setenv("TZ", before)
    time.tzset()


def start(account: Account, name: str) -> str:
    found = account.states.start_execution(stateMachineArn=account.step_arn, name=name)
    return found["executionArn"]


@pytest.mark.usefixtures("at_work")
def test_the_step_under_way_is_named_with_its_beginning_and_the_runbooks_latest_end(
    account: Account, srectl: Run, local_time: Callable[[str], None]
) -> None:
    local_time("UTC")
    start(account, f"{OTHER}-1-execute-1795466889000")
    start(account, f"{ID}-2-execute-1795466889000")
    shown = srectl("show", "0f3c").output
    assert (
        "▶ 2. scale_deployment on c/apps/deployment/checkout (execute): under way since " in shown
    )
    assert "the runbook is over by 2026-11-23 20:55 UTC at the latest" in shown
    assert "given up at" not in shown  # a record of before that was kept
    assert "nothing was done" not in shown
    local_time("Europe/Vienna")
    shown = " ".join(srectl("show", "0f3c").output.split())
    assert "over by 2026-11-23 21:55 CET (20:55 UTC) at the latest" in shown


def test_a_step_that_waits_for_an_answer_is_not_under_way(
    account: Account, srectl: Run, put_incident: Put, at_work: dict[str, Any]
) -> None:
    asked = {"token": "t", "requested_at": "2026-11-23T20:40:00Z", "until": "2026-11-23T20:50:00Z"}
    put_incident(**{**at_work, "approval": asked})
    start(account, f"{ID}-1-execute-1795466889000")
    shown = srectl("show", "0f3c").output
    assert "(execute): waits for an answer until 2026-11-23" in shown
    assert "under way since" not in shown
    put_incident(**{**at_work, "approval": {**asked, "answer": "approved"}})
    assert "under way since" in srectl("show", "0f3c").output


@pytest.mark.usefixtures("at_work")
def test_between_two_steps_it_waits_and_one_that_has_ended_is_not_under_way(
    account: Account, srectl: Run
) -> None:
    account.states.stop_execution(executionArn=start(account, f"{ID}-2-execute-1795466889000"))
    assert "no step is under way: it waits to see" in srectl("show", "0f3c").output


def test_a_lock_of_somebody_else_is_no_verdict(
    account: Account, srectl: Run, at_work: dict[str, Any]
) -> None:
    account.dynamodb.put_item(
        TableName=account.guard_table,
        Item={
            "guard_key": {"S": LOCK},
            "holder": {"S": OTHER},
            "lease_expires_at": {"N": "1795467300"},
        },
    )
    assert "over by" not in srectl("show", at_work["incident_id"]).output


def test_when_the_step_is_given_up_is_told_and_not_the_end_of_the_locks_alone(
    account: Account,
    srectl: Run,
    put_incident: Put,
    at_work: dict[str, Any],
    local_time: Callable[[str], None],
) -> None:
    local_time("UTC")
    hand = json.loads(at_work["in_hand"])
    began = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    hand |= {
        "since": began.isoformat(),
        "strategy": "ladder",
        "seconds": {"action": 600, "settle": 15, "verify": 120, "heard": 360},
    }
    put_incident(**{**at_work, "in_hand": json.dumps(hand)})
    execution = start(account, f"{ID}-1-execute-1795466889000")
    described = account.states.describe_execution(executionArn=execution)
    given_up = described["startDate"] + datetime.timedelta(seconds=600)
    shown = srectl("show", "0f3c").output
    said = given_up.astimezone(datetime.UTC).strftime("%H:%M UTC if it is not complete")
    assert said in shown, shown
    assert "given up at" in shown
    account.states.stop_execution(executionArn=execution)
    done = {
        "action_id": f"{ID}:1:execute",
        "operation": "execute",
        "status": "succeeded",
        "step": json.dumps({"index": 1, "name": "restart", "of": 2}),
        "completed_at": (began + datetime.timedelta(seconds=60)).isoformat(),
    }
    put_incident(**{**at_work, "in_hand": json.dumps(hand), "actions_taken": [done]})
    seen = began + datetime.timedelta(seconds=60 + 15 + 120)
    said = f"it waits to see whether that helped, until {seen:%H:%M UTC}"
    assert said in srectl("show", "0f3c").output


@pytest.mark.usefixtures("at_work")
def test_a_right_that_is_missing_hides_no_story(account: Account, srectl: Run) -> None:
    account.states.delete_state_machine(stateMachineArn=account.step_arn)
    answer = srectl("show", "0f3c")
    assert answer.exit_code == 0, answer.output
    assert "CheckoutHighErrorRate" in answer.output
