"""An incident that somebody has taken: the record and the pager know."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result
from jsonschema import Draft202012Validator

from srectl.operate import announcing
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
    assert re.search(r"ada, (\S+ )?\d\d:\d\d:\d\d UTC", shown)
    [event] = heard()
    assert (event["source"], event["detail-type"]) == ("sre.operator", "incident.acknowledged")
    assert event["detail"]["data"]["by"] == "ada"
    schema = json.loads((ROOT / "events/schemas/incident.acknowledged.json").read_text("utf-8"))
    detail = event["detail"]
    detail["metadata"]["account_id"] = "000000000000"
    Draft202012Validator(schema).validate(detail)


def test_whoever_settles_it_by_hand_ends_its_calls(
    put_incident: Put, srectl: Run, heard: Callable[[], list[dict[str, Any]]]
) -> None:
    put_incident()
    answer = srectl("incidents", "resolve", ID, "--reason", "rolled back", "--by", "ada")
    assert answer.exit_code == 0, answer.output
    [event] = heard()
    assert (event["source"], event["detail-type"]) == ("sre.operator", "incident.closed")
    detail = event["detail"]
    assert (detail["data"]["by"], detail["data"]["because"]) == ("ada", "rolled back")
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
