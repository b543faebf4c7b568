"""Where two persons have to approve, the first one's signature waits in the record."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import pytest
from click.testing import Result

from srectl.commands.times import when
from srectl.operate import incidents
from srectl.operate.account import Account
from srectl.operate.switches import moment

ID = "0f3c0c0e-6a3b-5d0e-9a55-2f1f4f0e8b11"
ADA = "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_OnCall_1/ada@example.com"
GRACE = ADA.replace("ada@", "grace@")
Record = Callable[[], dict[str, Any]]
Answer = Callable[..., Result]


@pytest.fixture
def answer(
    account: Account,
    put_incident: Callable[..., dict[str, Any]],
    srectl: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
) -> Answer:
    """Answer as somebody; what Step Functions is told stands in ``Answer.sent``."""
    put_incident(
        status="remediating",
        approval={
            "token": "tok",
            "requested_at": "2026-11-23T15:15:00.000Z",
            "runbook": "NodeNotReady",
            "step": 1,
            "plan": "[]",
            "plan_hash": "abc",
            "persons": 2,
        },
    )
    states = Mock()
    monkeypatch.setattr(Account, "states", states)

    def as_somebody(who: str, *command: str) -> Result:
        monkeypatch.setattr(Account, "caller", who)
        return srectl(*(command or ("approve",)), ID, "--yes")

    as_somebody.sent = states.send_task_success  # type: ignore[attr-defined]  # beside the answer
    return as_somebody


@pytest.fixture
def record(account: Account) -> Record:
    """Read the approval of the record."""

    def read() -> dict[str, Any]:
        found = incidents.read(account.dynamodb, account.incidents_table, ID)
        approval: dict[str, Any] = found["approval"]
        return approval

    return read


def outputs(answer: Any) -> list[dict[str, Any]]:
    return [json.loads(call.kwargs["output"]) for call in answer.sent.call_args_list]


def test_nothing_is_sent_before_the_second_and_then_both(answer: Answer, record: Record) -> None:
    first = answer(ADA)
    assert (first.exit_code, outputs(answer)) == (0, [])
    assert f"approved by {ADA}, the first of two" in first.output
    assert "answer" not in record()
    waits = record()["first"]
    second = answer(GRACE)
    assert second.exit_code == 0, second.output
    assert f"{ADA} did at {when(waits['at'])}" in second.output
    (sent,) = outputs(answer)
    # Of one key and one second in this test, both signatures may read the same.
    assert (sent["proofs"][0], len(sent["proofs"])) == (waits["proof"], 2)
    assert (record()["answer"], record()["answered_by"]) == ("approved", f"{ADA} and {GRACE}")


@pytest.mark.parametrize("again", [ADA, ADA.replace("OnCall_1", "Admin_2")])
def test_the_same_person_twice_is_refused_by_name(
    answer: Answer, record: Record, again: str
) -> None:
    answer(ADA)
    waits = record()["first"]
    refused = answer(again)
    assert refused.exit_code == 1
    assert f"{again} has approved it already" in refused.output
    assert "it takes two persons" in refused.output
    assert outputs(answer) == []
    assert record()["first"] == waits


def test_a_denial_by_one_ends_it(answer: Answer, record: Record) -> None:
    answer(ADA)
    assert answer(GRACE, "deny", "--reason", "not in the sale").exit_code == 0
    (sent,) = outputs(answer)
    assert (sent["denied"], len(sent["proofs"])) == ("not in the sale", 1)
    assert (record()["answer"], record()["answered_by"]) == ("denied", GRACE)
    assert "was denied by" in answer(ADA).output


def test_no_secret_in_the_reason_of_a_denial_is_signed_and_sent(answer: Answer) -> None:
    assert answer(GRACE, "deny", "--reason", "its token=hun\u00adter2").exit_code == 0
    (sent,) = outputs(answer)
    assert sent["denied"] == "its token=[redacted]"


def test_a_signature_that_has_run_out_is_replaced(
    answer: Answer, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(ADA)
    old = record()["first"]["at"]
    later = datetime.datetime.fromisoformat(old) + datetime.timedelta(minutes=14, seconds=1)
    monkeypatch.setattr("srectl.commands.approvals.now", lambda: later)
    assert "which has run out" in answer(GRACE).output
    assert outputs(answer) == []
    assert record()["first"]["by"] == GRACE


def test_of_two_that_come_first_one_is_told(
    answer: Answer, record: Record, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def quicker(*_: Any) -> str:
        monkeypatch.undo()
        monkeypatch.setattr(Account, "caller", ADA)
        key = {"incident_id": {"S": ID}, "timestamp": {"S": "2026-11-23T15:14:52.704Z"}}
        account.dynamodb.update_item(
            TableName=account.incidents_table,
            Key=key,
            UpdateExpression="SET approval.#first = :it",
            ExpressionAttributeNames={"#first": "first"},
            ExpressionAttributeValues={":it": {"M": {"by": {"S": GRACE}}}},
        )
        return "proof"

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setattr("srectl.operate.answering.signed", quicker)
    told = answer(ADA)
    assert told.exit_code == 1
    assert "somebody else has just answered" in told.output
    assert record()["first"]["by"] == GRACE


def test_the_waiting_signature_is_never_shown(
    answer: Answer, record: Record, srectl: Callable[..., Result]
) -> None:
    answer(ADA)
    proof = record()["first"]["proof"]
    for options in ((), ("--json",)):
        shown = srectl("incidents", "show", ID, *options).output
        assert proof not in shown
        assert ADA in shown


def test_an_answer_is_told_to_a_program(answer: Answer) -> None:
    first = json.loads(answer(ADA, "approve", "--json").stdout)
    assert (first["answer"], first["by"], first["plan"]) == ("approved", ADA, [])
    assert moment(first["second_person_until"]) > datetime.datetime.now(datetime.UTC)
    second = json.loads(answer(GRACE, "deny", "--reason", "no", "--output", "json").stdout)
    assert second == {
        "incident_id": ID,
        "runbook": "NodeNotReady",
        "plan": [],
        "answer": "denied",
        "by": GRACE,
        "noted": True,
        "second_person_until": None,
    }
