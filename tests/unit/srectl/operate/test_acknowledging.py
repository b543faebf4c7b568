"""An incident that somebody has taken: the record and the pager know."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result
from jsonschema import Draft202012Validator

from srectl.operate import announcing, incidents, persons
from srectl.operate.account import Account
from tests.support.template import ROOT

ID = "0f3c0c0e-6a3b-5d0e-9a55-2f1f4f0e8b11"
Put = Callable[..., dict[str, Any]]
Run = Callable[..., Result]


@pytest.fixture
def heard(account: Account) -> Callable[[], list[dict[str, Any]]]:
    """Make the bus, and give what was said on it."""
    url = account.sqs.create_queue(QueueName="t-heard")["QueueUrl"]
    account.events.create_event_bus(Name=account.bus)
    bus, pattern = account.bus, '{"source": ["sre.operator"]}'
    account.events.put_rule(Name="t-all", EventPattern=pattern, EventBusName=bus)
    account.events.put_targets(
        Rule="t-all",
        EventBusName=bus,
        Targets=[{"Id": "heard", "Arn": account.arn("sqs", "t-heard")}],
    )

    def take() -> list[dict[str, Any]]:
        found = account.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [json.loads(each["Body"]) for each in found.get("Messages", [])]

    return take


def test_who_has_taken_it_stands_in_the_record_and_is_told(
    account: Account, put_incident: Put, srectl: Run, heard: Callable[[], list[dict[str, Any]]]
) -> None:
    put_incident()
    assert srectl("incidents", "acknowledge", ID, "--by", "ada").exit_code == 0
    shown = srectl("incidents", "show", ID).output
    assert "taken by" in shown
    assert re.search(r"\(as ada\), (\S+ )?\d\d:\d\d:\d\d UTC", " ".join(shown.split()))
    [event] = heard()
    assert (event["source"], event["detail-type"]) == ("sre.operator", "incident.acknowledged")
    assert event["detail"]["data"]["by"] == f"{account.caller} (as ada)"
    schema = json.loads((ROOT / "events/schemas/incident.acknowledged.json").read_text("utf-8"))
    detail = event["detail"]
    detail["metadata"]["account_id"] = "000000000000"
    Draft202012Validator(schema).validate(detail)


@pytest.mark.parametrize("added", [[], ["--by", "ada"]])
def test_what_one_has_acknowledged_one_can_take_and_nobody_is_told_anew(
    account: Account,
    put_incident: Put,
    srectl: Run,
    heard: Callable[[], list[dict[str, Any]]],
    added: list[str],
) -> None:
    put_incident()
    assert srectl("incidents", "acknowledge", ID, *added).exit_code == 0
    before = incidents.read(account.dynamodb, account.incidents_table, ID)
    for again in (("take", ID), ("incidents", "acknowledge", ID), ("take", ID)):
        answer = srectl(*again, *added)
        assert answer.exit_code == 0, answer.output
        assert f"in the hands of {before['acknowledged_by']} since" in answer.output
    assert incidents.read(account.dynamodb, account.incidents_table, ID) == before
    # By these the notifier tells one taking once, whoever says it again.
    told = [each["detail"] for each in heard()]
    assert len(told) == 4
    assert {(each["metadata"]["occurred_at"], each["data"]["by"]) for each in told} == {
        (before["acknowledged_at"], before["acknowledged_by"])
    }


@pytest.mark.parametrize("command", [("take",), ("incidents", "acknowledge"), ("release",)])
@pytest.mark.parametrize(
    ("had", "added"),
    [("grace", []), ("Grace Hopper", ["--by", "ada"]), ("", ["--by", "ada"])],
)
def test_who_shares_credentials_takes_nothing_from_others_unasked(
    account: Account,
    put_incident: Put,
    srectl: Run,
    heard: Callable[[], list[dict[str, Any]]],
    command: tuple[str, ...],
    had: str,
    added: list[str],
) -> None:
    owner = account.caller + (f" (as {had})" if had else "")
    put_incident(acknowledged_by=owner, acknowledged_at="2026-11-23T15:20:00.000Z")
    answer = srectl(*command, ID, *added)
    assert answer.exit_code == 1
    assert f"is in the hands of {owner} since" in answer.output
    assert "if that is you, say the same --by" in answer.output
    assert "--from-others" in answer.output
    assert incidents.read(account.dynamodb, account.incidents_table, ID)["acknowledged_by"] == owner
    assert heard() == []
    assert srectl(*command, ID, *added, "--from-others").exit_code == 0
    assert len(heard()) == 1
    if had:
        put_incident(acknowledged_by=owner, acknowledged_at="2026-11-23T15:20:00.000Z")
        assert srectl(*command, ID, "--by", had.upper()).exit_code == 0


def test_why_it_was_taken_stands_in_the_record_is_shown_and_told(
    account: Account, put_incident: Put, srectl: Run, heard: Callable[[], list[dict[str, Any]]]
) -> None:
    put_incident(subject="shop/basket")
    answer = srectl("take", ID, "--reason", "it is the database")
    assert answer.exit_code == 0, answer.output
    assert "UTC: it is the database" in answer.output
    found = incidents.read(account.dynamodb, account.incidents_table, ID)
    assert found["acknowledged_because"] == "it is the database"
    assert "UTC: it is the database" in " ".join(srectl("show", ID).output.split())
    [event] = heard()
    schema = json.loads((ROOT / "events/schemas/incident.acknowledged.json").read_text("utf-8"))
    detail = event["detail"]
    assert detail["data"]["because"] == "it is the database"
    assert detail["data"]["subject"] == "shop/basket"
    detail["metadata"]["account_id"] = "000000000000"
    Draft202012Validator(schema).validate(detail)
    assert srectl("take", ID).exit_code == 0
    assert incidents.read(account.dynamodb, account.incidents_table, ID) == found
    assert srectl("take", ID, "--reason", "x" * 400).exit_code == 0
    later = incidents.read(account.dynamodb, account.incidents_table, ID)
    assert later == {**found, "acknowledged_because": "x" * 300}


@pytest.mark.parametrize("how", [("release",), ("take", "--from-others", "--by", "bob")])
def test_a_reason_goes_with_whoever_gave_it(
    account: Account,
    put_incident: Put,
    srectl: Run,
    heard: Callable[[], list[dict[str, Any]]],
    how: tuple[str, ...],
) -> None:
    put_incident()
    assert srectl("take", ID, "--reason", "it is the database").exit_code == 0
    assert srectl(*how, ID).exit_code == 0
    found = incidents.read(account.dynamodb, account.incidents_table, ID)
    assert "acknowledged_because" not in found


def test_what_one_has_taken_in_slack_one_can_take(
    account: Account, put_incident: Put, srectl: Run, heard: Callable[[], list[dict[str, Any]]]
) -> None:
    put_incident(acknowledged_by=f"{account.caller} (in Slack, as U024)", acknowledged_at="then")
    answer = srectl("take", ID)
    assert answer.exit_code == 0, answer.output
    assert len(heard()) == 1


@pytest.mark.parametrize(
    "other",
    [
        "arn:aws:iam::1:user/bob (as ada)",
        "arn:aws:sts::1:assumed-role/deploy/ada (as ada)",
        "grace (in Slack, as U025)",
    ],
)
def test_a_name_that_somebody_adds_is_not_whom_he_is(
    put_incident: Put, srectl: Run, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    monkeypatch.setattr(Account, "caller", "arn:aws:sts::1:assumed-role/deploy/eve")
    put_incident(acknowledged_by=other, acknowledged_at="then")
    answer = srectl("take", ID)
    assert answer.exit_code == 1
    assert "in the hands of" in answer.output


def test_one_person_with_two_permission_sets_is_one() -> None:
    session = "arn:aws:sts::1:assumed-role/AWSReservedSSO_{}_1f/Ada@example.com"
    assert persons.same(session.format("OnCall"), session.format("Admin"))
    assert persons.same(session.format("OnCall"), "ada@example.com (in Slack, as U024)")
    assert not persons.same(session.format("OnCall"), "bob@example.com (in Slack, as U025)")
    assert not persons.same(None, "")


def test_whoever_settles_it_by_hand_ends_its_calls(
    account: Account, put_incident: Put, srectl: Run, heard: Callable[[], list[dict[str, Any]]]
) -> None:
    put_incident()
    answer = srectl("incidents", "resolve", ID, "--reason", "rolled back", "--by", "ada")
    assert answer.exit_code == 0, answer.output
    [event] = heard()
    assert (event["source"], event["detail-type"]) == ("sre.operator", "incident.closed")
    detail = event["detail"]
    assert (detail["data"]["by"], detail["data"]["because"]) == (
        f"{account.caller} (as ada)",
        "rolled back",
    )
    schema = json.loads((ROOT / "events/schemas/incident.closed.json").read_text("utf-8"))
    detail["metadata"]["account_id"] = "000000000000"
    Draft202012Validator(schema).validate(detail)


def test_one_whose_calls_could_not_be_ended_is_closed_all_the_same_and_that_is_said(
    account: Account, put_incident: Put, srectl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_incident()
    refused = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}]}
    monkeypatch.setattr(announcing, "_put", lambda *_: refused)
    answer = srectl("incidents", "resolve", ID, "--reason", "rolled back")
    assert answer.exit_code == 1
    assert "is closed in its record, but the bus refused to tell the pager" in answer.output
    assert "end its calls in the pager itself" in answer.output


def test_one_that_is_over_is_taken_by_nobody(
    put_incident: Put, srectl: Run, heard: Callable[[], list[dict[str, Any]]]
) -> None:
    put_incident(status="resolved")
    answer = srectl("incidents", "acknowledge", ID)
    assert answer.exit_code == 1
    assert "is over" in answer.output
    assert heard() == []
