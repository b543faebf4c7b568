"""A runbook that was not seen to help asks: the real machine counts, the function's code judges."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.statemachine.platform import Platform, incident, resolution, wait_for
from tests.integration.statemachine.steps import Event, guard, id_of

pytestmark = [pytest.mark.localaws, pytest.mark.timeout(180)]

LIMIT = 2
QUICK = {"VerifyTimeoutSeconds": "1"}


def published(platform: Platform, name: str = "", **script: list[str]) -> str:
    changes: dict[str, Any] = {"name": name} if name else {}
    return platform.runbook(
        parameters={"script": json.dumps(script), "ask_after": LIMIT},
        guard={"cooldown_seconds": 0, "max_actions": 100, "window_seconds": 3600},
        **changes,
    )


def unhelped(platform: Platform, name: str) -> Any:
    """Incidents that the lock has down as such in which the runbook did not help."""
    lock = guard(platform, f"target#sre-platform#apps#deployment#{name.lower()}")
    return lock.get(f"unhelped#{name}")


def answered(platform: Platform, event: Event, **answer: Any) -> dict[str, Any]:
    """Wait for the question, answer it, and give it back."""
    asked: dict[str, Any] = wait_for(
        lambda: next((each.get("approval") for each in platform.records(id_of(event))), None),
        "the question",
    )
    platform.sfn.send_task_success(taskToken=asked["token"], output=json.dumps(answer))
    return asked


def test_a_runbook_that_did_not_help_asks_until_it_has_helped(platform: Platform) -> None:
    name = published(platform, verify=["unhealthy"])
    machine = platform.variant(**QUICK)
    failed = [incident(name) for _ in range(LIMIT)]
    for event in failed:
        platform.run(event, machine)
        assert platform.record(id_of(event))["escalation_code"] == "not-resolved"
        assert len(platform.calls(id_of(event), "execute")) == 1
    assert sorted(unhelped(platform, name)) == sorted(map(id_of, failed))

    # Denied: nothing was done, so nothing is counted.
    third = incident(name)
    execution = platform.start(third, machine)
    asked = answered(platform, third, proofs=["ada"], denied="not now")
    platform.wait_ended(execution)
    assert platform.record(id_of(third))["escalation_code"] == "approval-denied"
    told = wait_for(lambda: platform.notifications(id_of(third)), "the question")
    why = f"runbook {name} was not seen to help in its last 2 remediations here"
    assert asked["why"] == why
    assert [each["event"] for each in told if why in each.get("message", "")] == [
        "incident.approval-needed"
    ]
    (planned,) = wait_for(
        lambda: [
            each
            for each in platform.record(id_of(third)).get("actions_taken", [])
            if each["operation"] == "plan"
        ],
        "the plan on record",
    )
    assert why in json.loads(planned["result"])["summary"]
    assert sorted(unhelped(platform, name)) == sorted(map(id_of, failed))

    # Approved, and it helps: it is trusted again.
    fourth = incident(published(platform, name))
    execution = platform.start(fourth, machine)
    answered(platform, fourth, proofs=["ada"])
    wait_for(lambda: platform.calls(id_of(fourth), "execute"), "the action")
    platform.send(resolution(fourth))
    platform.wait_ended(execution)
    assert platform.record(id_of(fourth))["status"] == "resolved"
    assert unhelped(platform, name) is None
    fifth = incident(name)
    execution = platform.start(fifth, machine)
    wait_for(lambda: platform.calls(id_of(fifth), "execute"), "the action of who is trusted again")
    assert platform.calls(id_of(fifth), "plan") == []
    platform.send(resolution(fifth))
    platform.wait_ended(execution)


def test_what_was_stopped_counts_as_not_helping_and_what_nobody_told_the_end_of_does_not(
    platform: Platform,
) -> None:
    silent = published(platform)
    event = incident(silent)
    platform.run(event, platform.variant(**QUICK))
    assert platform.record(id_of(event))["escalation_code"] == "end-not-heard"
    assert unhelped(platform, silent) is None

    slow = published(platform, execute=["in_progress"])
    event = incident(slow)
    execution = platform.start(event)
    wait_for(lambda: platform.calls(id_of(event), "execute"), "the action")
    platform.sfn.stop_execution(executionArn=execution)
    platform.wait_ended(execution)
    assert unhelped(platform, slow) == [id_of(event)]
