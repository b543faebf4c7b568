"""Answering a runbook that waits; Step Functions is stubbed, its tasks need a real execution."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl

import boto3
import pytest
from botocore.stub import Stubber
from click.testing import Result

from srectl.errors import CommandFailed
from srectl.operate import approvals, incidents
from srectl.operate.account import Account
from srectl.operate.signatures import signed

ID = "0f3c0c0e-6a3b-5d0e-9a55-2f1f4f0e8b11"
NOW = datetime.datetime(2026, 11, 23, 15, 20, tzinfo=datetime.UTC)
WAITING = {
    "status": "remediating",
    "approval": {
        "token": "tok",
        "requested_at": "2026-11-23T15:15:00.000Z",
        "runbook": "NodeNotReady",
        "plan": json.dumps(
            [{"kind": "Node", "name": "n1", "field": "unschedulable", "from": False, "to": True}]
        ),
    },
}
Put = Callable[..., dict[str, Any]]
Run = Callable[..., Result]


@pytest.fixture
def states(account: Account) -> Iterator[Stubber]:
    with Stubber(boto3.client("stepfunctions")) as stub:
        # A cached property's value stands in the instance; the class is frozen only for users.
        account.__dict__["states"] = stub.client
        yield stub


@pytest.fixture
def asked(account: Account, put_incident: Put) -> approvals.Question:
    put_incident(**WAITING)
    return approvals.question(account.dynamodb, account.incidents_table, ID)


def test_an_approval_is_a_signature(
    account: Account, states: Stubber, asked: approvals.Question
) -> None:
    states.add_response(
        "send_task_success", {}, {"taskToken": "tok", "output": '{"proofs": ["p"]}'}
    )
    approvals.approve(account.states, asked, ["p"])
    states.assert_no_pending_responses()


def test_a_denial_is_signed_and_says_why(
    account: Account, states: Stubber, asked: approvals.Question
) -> None:
    states.add_response(
        "send_task_success",
        {},
        {"taskToken": "tok", "output": '{"denied": "not in the sale", "proofs": ["p"]}'},
    )
    approvals.deny(account.states, asked, "not in the sale", "p")
    states.assert_no_pending_responses()


def test_what_is_signed_names_the_incident_the_step_and_the_plan(
    account: Account, put_incident: Put
) -> None:
    waiting = {**WAITING["approval"], "step": 2, "plan_hash": "abc"}  # type: ignore[dict-item]  # the record is a map of maps
    put_incident(**{**WAITING, "approval": waiting})
    asked = approvals.question(account.dynamodb, account.incidents_table, ID)
    assert asked.statement == f"{ID}/2/abc"
    assert asked.denial("no").startswith(f"{ID}/2/abc/denied/")
    assert asked.denial("no") != asked.denial("no!")
    session = boto3.session.Session("AKIA", "secret", "token", region_name="eu-central-1")
    given = dict(parse_qsl(signed(session, asked.statement)))
    assert given["Action"] == "GetCallerIdentity"
    assert given["X-Amz-SignedHeaders"] == "host;x-sre-approval"
    assert given["X-Amz-Credential"].endswith("/eu-central-1/sts/aws4_request")
    assert "secret" not in given.values()
    other = dict(parse_qsl(signed(session, f"{ID}/2/abd")))
    assert other["X-Amz-Signature"] != given["X-Amz-Signature"]


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_an_answer_that_comes_too_late_says_so(
    account: Account, states: Stubber, asked: approvals.Question, code: str
) -> None:
    states.add_client_error("send_task_success", code)
    with pytest.raises(CommandFailed, match=r"came too late.*15:15:00"):
        approvals.approve(account.states, asked, ["p"])


def test_a_refusal_of_aws_is_no_late_answer(
    account: Account, states: Stubber, asked: approvals.Question
) -> None:
    states.add_client_error("send_task_success", "AccessDeniedException")
    with pytest.raises(CommandFailed, match=r"could not be given.*AccessDenied"):
        approvals.approve(account.states, asked, ["p"])


def test_a_question_says_how_often_it_was_answered_before(
    account: Account, put_incident: Put
) -> None:
    again = {**WAITING["approval"], "asked_before": 1}  # type: ignore[dict-item]  # the record is a map of maps
    put_incident(**{**WAITING, "approval": again})
    assert approvals.question(account.dynamodb, account.incidents_table, ID).before == 1


_RISEN = {**WAITING, "status": "escalated", "in_flight": "arn:critical"}


def test_an_escalated_incident_may_be_asked_about_once_its_severity_has_risen(
    account: Account, put_incident: Put
) -> None:
    put_incident(**_RISEN)
    assert approvals.question(account.dynamodb, account.incidents_table, ID).token == "tok"


@pytest.mark.parametrize(
    "record",
    [
        {"status": "remediating"},
        {**WAITING, "status": "escalated"},
        {**_RISEN, "abandoned": "arn:critical"},
    ],
)
def test_where_nothing_waits_nothing_is_answered(
    account: Account, put_incident: Put, record: dict[str, Any]
) -> None:
    put_incident(**record)
    with pytest.raises(CommandFailed, match=rf"nothing waits.*is {record['status']}"):
        approvals.question(account.dynamodb, account.incidents_table, ID)


def test_a_second_engineer_hears_who_answered(account: Account, asked: approvals.Question) -> None:
    assert approvals.note_answer(
        account.dynamodb, account.incidents_table, asked, "approved", "ada", NOW
    )
    with pytest.raises(CommandFailed, match="was approved by ada at 2026-11-23T15:20:00Z"):
        approvals.question(account.dynamodb, account.incidents_table, ID)


def test_an_answer_is_not_noted_on_another_question(
    account: Account, put_incident: Put, asked: approvals.Question
) -> None:
    put_incident(**{**WAITING, "approval": {**WAITING["approval"], "token": "new"}})  # type: ignore[dict-item]  # the record is a map of maps
    assert not approvals.note_answer(
        account.dynamodb, account.incidents_table, asked, "approved", "ada", NOW
    )
    record = incidents.read(account.dynamodb, account.incidents_table, ID)
    assert "answer" not in record["approval"]


@pytest.mark.parametrize("command", [("approve", ID), ("deny", ID, "--reason", "no")])
def test_without_a_yes_nothing_is_answered(
    account: Account, put_incident: Put, srectl: Run, command: tuple[str, ...]
) -> None:
    put_incident(**WAITING)
    answer = srectl(*command, stdin="n\n")
    assert answer.exit_code == 1
    assert "Node n1: unschedulable False → True" in answer.output
    record = incidents.read(account.dynamodb, account.incidents_table, ID)
    assert "answer" not in record["approval"]


def test_why_a_runbook_asks_that_is_not_trusted_is_said_beside_the_question(
    put_incident: Put, srectl: Run
) -> None:
    why = "runbook NodeNotReady was not seen to help in its last 3 remediations here"
    put_incident(**WAITING)
    for words in (["show", ID], ["approve", ID]):
        assert "it asks because" not in srectl(*words, stdin="n\n").output
    asked: Any = WAITING["approval"]
    put_incident(**{**WAITING, "approval": {**asked, "why": why}})
    for words in (["show", ID], ["approve", ID]):
        assert f"it asks because {why}" in srectl(*words, stdin="n\n").output


def test_who_approves_what_follows_another_is_told_which(
    put_incident: Callable[..., dict[str, Any]], srectl: Callable[..., Result]
) -> None:
    leader = "9abc0c0e-6a3b-5d0e-9a55-2f1f4f0e8b13"
    put_incident(status="remediating", attached_to=leader)
    answer = srectl("approve", ID)
    assert answer.exit_code == 1
    assert f"follows the remediation of incident {leader}" in answer.output
    assert f"'srectl approve {leader}'" in answer.output
