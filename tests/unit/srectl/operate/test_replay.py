"""Replaying the archive; moto knows archives, a replay's course is stubbed."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from click.testing import Result

from srectl.errors import CommandFailed
from srectl.operate import replay
from srectl.operate.account import Account
from srectl.operate.switches import moment

NOW = moment("2026-11-23T15:30:00Z")
FROM, TO = moment("2026-11-23T14:00:00Z"), moment("2026-11-23T15:00:00Z")
Run = Callable[..., Result]


@pytest.fixture
def archived(account: Account) -> Account:
    account.events.create_event_bus(Name=account.bus)
    account.events.create_archive(
        ArchiveName=account.bus, EventSourceArn=account.bus_arn, RetentionDays=7
    )
    return account


@pytest.fixture
def events(account: Account) -> Iterator[Stubber]:
    with Stubber(boto3.client("events")) as stub:
        account.__dict__["events"] = stub.client
        yield stub


def test_a_replay_reaches_the_records_and_nothing_that_acts_or_announces(
    account: Account, events: Stubber
) -> None:
    asked: dict[str, Any] = {}
    account.events.meta.events.register(
        "provide-client-params.events.StartReplay", lambda params, **_: asked.update(params)
    )
    events.add_response("start_replay", {"State": "STARTING"})
    replay.start(account, replay.Range(FROM, TO))
    prefix = "arn:aws:events:us-east-1:123456789012:rule/t-sre-platform-events/t-sre-"
    assert asked["Destination"]["FilterArns"] == [f"{prefix}incident-records"]
    assert asked["EventSourceArn"].endswith(":archive/t-sre-platform-events")
    assert (asked["EventStartTime"], asked["EventEndTime"]) == (FROM, TO)


def test_a_replay_is_followed_to_its_end(account: Account, events: Stubber) -> None:
    waits: list[float] = []
    for state in ("STARTING", "RUNNING", "COMPLETED"):
        events.add_response("describe_replay", {"State": state})
    states = [one["State"] for one in replay.follow(account, "r", 2.0, waits.append)]
    assert states == ["STARTING", "RUNNING", "COMPLETED"]
    assert waits == [2.0, 2.0]


def test_a_replay_that_fails_says_why(account: Account, events: Stubber) -> None:
    events.add_response("describe_replay", {"State": "FAILED", "StateReason": "no archive"})
    with pytest.raises(CommandFailed, match="FAILED: no archive"):
        list(replay.follow(account, "r"))


@pytest.mark.parametrize(
    ("start", "end", "problem"),
    [
        (TO, FROM, "range is empty"),
        (FROM, FROM, "range is empty"),
        (NOW, NOW + datetime.timedelta(hours=1), "in the future"),
        (moment("2026-11-01T00:00:00Z"), moment("2026-11-02T00:00:00Z"), "keeps events for 7 days"),
    ],
)
def test_a_range_that_gives_nothing_is_refused(
    archived: Account, start: datetime.datetime, end: datetime.datetime, problem: str
) -> None:
    with pytest.raises(CommandFailed, match=problem):
        replay.check(archived, replay.Range(start, end), NOW)


@pytest.mark.usefixtures("archived")
def test_a_dry_run_starts_nothing(account: Account, srectl: Run) -> None:
    answer = srectl("replay", "--from", "2h", "--only", "resolved", "--dry-run", "--json")
    assert answer.exit_code == 0, answer.output
    facts = json.loads(answer.stdout)
    assert facts["rules"] == ["t-sre-incident-resolved"]
    assert facts["replay"] is None
    assert account.events.list_replays()["Replays"] == []


@pytest.mark.usefixtures("archived")
@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ((), "no runbook starts"),
        (("resolved",), "Notifications are sent again. No runbook starts."),
        (("records", "created"), "ends as a duplicate"),
    ],
)
def test_the_command_says_what_a_replay_sets_off(
    account: Account, srectl: Run, rules: tuple[str, ...], said: str
) -> None:
    chosen = [word for rule in rules for word in ("--only", rule)]
    answer = srectl("replay", "--from", "2h", *chosen)
    assert answer.exit_code == 0, answer.output
    assert said in " ".join(answer.output.split())
    [one] = account.events.list_replays()["Replays"]
    assert one["State"] == "COMPLETED"
    assert str(one["ReplayName"]) in answer.output
